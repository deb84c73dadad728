"""Charging customers whose contracts' thresholds are crossed.

Work goes in steps that commit one by one: a line is crossed, a payment is asked for, it is decided.
Each names the charge by its id, so that a step that runs again finds what it did.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from backbeat.application import (
    catalog,
    customers,
    lifecycle,
    looks,
    outbox,
    rate_cards,
    recharge_triggers,
    scheduled_invoices,
    settled_drafts,
)
from backbeat.application.services import Call
from backbeat.domain import conversions, identity, invoicing, ledgers, notices, periods
from backbeat.domain import recharging as rules
from backbeat.models.contracts import Contract, DueItem
from backbeat.models.customers import Customer
from backbeat.models.errors import InvalidArgument, NotFound, Retryable
from backbeat.models.invoices import Invoice, InvoiceStatus, InvoiceType, LineType
from backbeat.models.money import CreditType, add
from backbeat.models.notifications import Notification
from backbeat.models.period import Period
from backbeat.models.threshold_billing import (
    GateType,
    PaymentError,
    SpendThreshold,
    Workflow,
    WorkflowKind,
    WorkflowState,
)
from backbeat.persistence import balances, contracts, invoices, workflows
from backbeat.persistence.contracts import Stored
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.payments import PaymentOutcome, PaymentResult
from backbeat.ports.store import Item

_TRIES: Final = 20
_SHORTEST_WAIT: Final = timedelta(minutes=1)
_LONGEST_WAIT: Final = timedelta(days=1)
_BY_GATE: Final = {
    GateType.NONE: WorkflowState.PAID,
    GateType.EXTERNAL: WorkflowState.PENDING_EXTERNAL,
    GateType.STRIPE: WorkflowState.PENDING_PAYMENT,
}
_REFUSED_OUTSIDE: Final = PaymentError(message="The payment failed.")


@dataclass(frozen=True, slots=True)
class _Crossed:
    """A line that was crossed: what is to be granted, and the price of one of it."""

    kind: WorkflowKind
    threshold: SpendThreshold
    unit: CreditType
    granted: Decimal
    per_unit: Decimal = Decimal(1)


def look(call: Call, item: Item, due: DueItem) -> None:
    """Takes the next step of one of a customer's contracts, or waits where there is none.

    Raises:
        Retryable: others changed what is looked at; it is still due.
    """
    customer = customers.get(call, due.customer_id)
    wait = recharge_triggers.FAR_FUTURE
    for contract in contracts.of_customer(call.store, call.tenant, customer.id):
        stored = contracts.find(call.store, call.tenant, customer.id, contract.id)
        if stored is None:
            continue
        if stored.contract.open_workflow_id is not None:
            again = _follow_up(call, item, customer, stored)
            if again is None:
                return
            wait = min(wait, again)
        elif _cross(call, item, customer, stored):
            return
        wait = min(wait, _next_change(call, stored.contract))
    work = UnitOfWork(call.store)
    work.add(recharge_triggers.moved(call, item, customer.id, wait))
    work.commit()


def release(call: Call, workflow_id: str, *, paid: bool) -> None:
    """Decides a charge that is collected elsewhere.

    Raises:
        NotFound: there is no such charge.
        InvalidArgument: it is decided already, or not collected elsewhere (decision 16).
    """
    for _ in range(_TRIES - 1):
        with suppress(Retryable):
            return _release(call, workflow_id, paid=paid)
    return _release(call, workflow_id, paid=paid)


def drafts_of(call: Call, customer: Customer) -> Iterator[Invoice]:
    """Yields the invoices of a customer's charges that wait for their payment."""
    for contract in contracts.of_customer(call.store, call.tenant, customer.id):
        if contract.open_workflow_id is not None:
            _, workflow = _stored(call, contract.open_workflow_id)
            yield _invoice(call, contract, customer, workflow)


def _release(call: Call, workflow_id: str, *, paid: bool) -> None:
    item, workflow = _stored(call, workflow_id)
    if not workflow.is_open:
        raise InvalidArgument("workflow_id: the workflow is decided already")
    if workflow.gate is not GateType.EXTERNAL:
        raise InvalidArgument("workflow_id: its payment gate is not EXTERNAL")
    customer = customers.get(call, workflow.customer_id)
    before = contracts.find(call.store, call.tenant, customer.id, workflow.contract_id)
    if before is None:
        raise NotFound("contract", workflow.contract_id)
    work = UnitOfWork(call.store)
    decided = _decided(call, workflow, None if paid else _REFUSED_OUTSIDE)
    told = _settle(call, work, customer, before, decided)
    work.add(workflows.replace(call.tenant, decided, item))
    recharge_triggers.request(call, work, customer.id)
    outbox.commit(call, work, told)


# Crossing a line


def _cross(call: Call, item: Item, customer: Customer, before: Stored) -> bool:
    """Begins a charge if a line of the contract is crossed. Returns whether it is."""
    contract = before.contract
    crossed = _crossed(call, customer, contract)
    if crossed is None:
        return False
    gate = crossed.threshold.gate
    currency = scheduled_invoices.currency_of(call, contract)
    id_ = rules.workflow_id(contract)
    counted = contract.model_copy(update={"workflows": contract.workflows + 1})
    workflow = Workflow(
        id=id_,
        kind=crossed.kind,
        customer_id=customer.id,
        contract_id=contract.id,
        state=_BY_GATE[gate.type],
        unit=crossed.unit,
        granted=crossed.granted,
        currency=currency,
        charge=rules.price(crossed.threshold, crossed.granted, per_unit=crossed.per_unit),
        tax=gate.tax,
        commit=crossed.threshold.commit,
        gate=gate.type,
        invoice_id=identity.invoice_id(contract.id, contract.id, "THRESHOLD", id_),
        started_at=call.now,
    )
    work = UnitOfWork(call.store)
    told = [notices.threshold_reached(workflow, at=call.now)]
    if gate.type is GateType.NONE:
        workflow = _decided(call, workflow, None)
        told += _settle(call, work, customer, before._replace(contract=counted), workflow)
    else:
        waiting = counted.model_copy(update={"open_workflow_id": id_})
        work.add(contracts.replace(call.tenant, before, waiting))
    if gate.type is GateType.EXTERNAL:
        told.append(notices.external_initiate(workflow, rules.total(workflow), at=call.now))
    work.add(workflows.insert(call.tenant, workflow))
    work.add(recharge_triggers.moved(call, item, customer.id, call.now))
    outbox.commit(call, work, told)
    return True


def _crossed(call: Call, customer: Customer, contract: Contract) -> _Crossed | None:
    if contract.archived_at is not None or not contract.covers(call.now):
        return None
    prepaid, spend = contract.prepaid_threshold, contract.spend_threshold
    if prepaid is not None and prepaid.is_enabled:
        unit = prepaid.custom_unit or scheduled_invoices.currency_of(call, contract)
        granted = rules.recharge(prepaid, _balance(call, customer, contract, unit))
        if granted is not None:
            per_unit = _price(call, contract, prepaid.custom_unit)
            return _Crossed(WorkflowKind.PREPAID_BALANCE, prepaid, unit, granted, per_unit)
    if spend is not None and spend.is_enabled:
        granted = rules.due_spend(spend, _accrued(call, customer, contract))
        if granted is not None:
            unit = scheduled_invoices.currency_of(call, contract)
            return _Crossed(WorkflowKind.SPEND, spend, unit, granted)
    return None


def _balance(call: Call, customer: Customer, contract: Contract, unit: CreditType) -> Decimal:
    purse = settled_drafts.settled(call, customer)
    return add(
        *(
            ledgers.worth(balance, call.now, purse.drawn_from(balance))
            for balance in purse.balances
            if rules.counts(balance, contract, unit)
        )
    )


def _accrued(call: Call, customer: Customer, contract: Contract) -> Decimal:
    """Returns what the open usage period costs so far, without what balances cover."""
    for draft in settled_drafts.of_customer(call, customer):
        period = draft.period
        if draft.contract_id == contract.id and period is not None and period.covers(call.now):
            return add(
                *(
                    line.total
                    for line in draft.line_items
                    if line.type in (LineType.USAGE, LineType.SUBSCRIPTION, LineType.APPLIED)
                    and line.credit_type.id == draft.credit_type.id
                    # The next period's fees are on this invoice, too, and no part of its spend.
                    and line.ending_before is not None
                    and line.ending_before <= period.ending_before
                )
            )
    return Decimal(0)


def _price(call: Call, contract: Contract, unit: CreditType | None) -> Decimal:
    if unit is None or contract.rate_card_id is None:
        return Decimal(1)
    return conversions.price_of(unit, rate_cards.get(call, contract.rate_card_id))


def _next_change(call: Call, contract: Contract) -> datetime:
    """Returns when time alone may change what a contract has or spends."""
    if contract.prepaid_threshold is None and contract.spend_threshold is None:
        return recharge_triggers.FAR_FUTURE
    dates = [contract.starting_at]
    for _, balance in balances.of_customer(call.store, call.tenant, contract.customer_id):
        dates += [date for segment in balance.segments for date in segment.period]
    upcoming = next(periods.usage_periods_from(contract, call.now), None)
    dates += [] if upcoming is None else [upcoming.ending_before]
    return min((d for d in dates if d > call.now), default=recharge_triggers.FAR_FUTURE)


# Payment


def _follow_up(call: Call, item: Item, customer: Customer, before: Stored) -> datetime | None:
    """Sees how far a charge is. Returns when to look again, None after a step that changed it."""
    found, workflow = _stored(call, before.contract.open_workflow_id or "")
    if workflow.gate is not GateType.STRIPE:
        return recharge_triggers.FAR_FUTURE
    result = call.services.payments.collect(
        tenant=call.tenant,
        key=workflow.id,
        customer_id=customer.id,
        amount=rules.total(workflow),
        currency=workflow.currency,
    )
    work = UnitOfWork(call.store)
    after = _after(call, workflow, result)
    if after == workflow:
        waited = call.now - workflow.started_at
        return call.now + min(max(waited, _SHORTEST_WAIT), _LONGEST_WAIT)
    told: list[Notification] = []
    if after.is_open:
        told.append(notices.action_required(after, at=call.now))
    else:
        told += _settle(call, work, customer, before, after)
    work.add(workflows.replace(call.tenant, after, found))
    work.add(recharge_triggers.moved(call, item, customer.id, call.now))
    outbox.commit(call, work, told)
    return None


def _after(call: Call, workflow: Workflow, result: PaymentResult) -> Workflow:
    paid_with = workflow.model_copy(update={"payment_intent_id": result.payment_intent_id})
    match result.outcome:
        case PaymentOutcome.PAID:
            return _decided(call, paid_with, None)
        case PaymentOutcome.FAILED:
            return _decided(call, paid_with, result.error or _REFUSED_OUTSIDE)
        case PaymentOutcome.ACTION_REQUIRED:
            return paid_with.model_copy(
                update={"state": WorkflowState.ACTION_REQUIRED, "error": result.error}
            )
        case PaymentOutcome.PENDING:
            return workflow


def _decided(call: Call, workflow: Workflow, error: PaymentError | None) -> Workflow:
    state = WorkflowState.PAID if error is None else WorkflowState.FAILED
    return workflow.model_copy(update={"state": state, "error": error, "decided_at": call.now})


def _settle(
    call: Call, work: UnitOfWork, customer: Customer, before: Stored, workflow: Workflow
) -> list[Notification]:
    """Adds to the work what a decided charge leaves behind. Returns what to tell of it."""
    contract = before.contract.model_copy(update={"open_workflow_id": None})
    told = [] if workflow.gate is GateType.NONE else [notices.payment_status(workflow, at=call.now)]
    draft = _invoice(call, contract, customer, workflow)
    if workflow.state is WorkflowState.PAID:
        final = invoicing.finalize(draft, at=call.now)
        commit = rules.bought(
            workflow, contract, _period(contract, workflow), _name(call, workflow), call.now
        )
        work.add(*invoices.insert(call.store, call.tenant, final))
        work.add(balances.insert(call.tenant, commit))
        created = notices.balance_changed(
            commit,
            contract,
            customer,
            notices.Change.CREATE,
            environment_type=call.services.environment_type,
            at=call.now,
        )
        told += [notices.invoice_finalized(final, at=call.now), created]
    else:
        void = draft.model_copy(update={"status": InvoiceStatus.VOID})
        work.add(*invoices.insert(call.store, call.tenant, void))
        contract = _disabled(contract, workflow.kind)
    work.add(contracts.replace(call.tenant, before, contract))
    looks.request(call, work, customer.id, recharges=False)
    lifecycle.request(call, work, customer.id)
    return told


def _disabled(contract: Contract, kind: WorkflowKind) -> Contract:
    """Returns the contract with the threshold off whose charge failed."""
    prepaid, spend = contract.prepaid_threshold, contract.spend_threshold
    off = {"is_enabled": False}
    if kind is WorkflowKind.PREPAID_BALANCE and prepaid is not None:
        return contract.model_copy(update={"prepaid_threshold": prepaid.model_copy(update=off)})
    if kind is WorkflowKind.SPEND and spend is not None:
        return contract.model_copy(update={"spend_threshold": spend.model_copy(update=off)})
    return contract


def _period(contract: Contract, workflow: Workflow) -> Period | None:
    """Returns the usage period that the spend of a charge is of."""
    return next(periods.usage_periods_from(contract, workflow.started_at), None)


def _invoice(call: Call, contract: Contract, customer: Customer, workflow: Workflow) -> Invoice:
    lines = tuple(rules.lines(workflow, _name(call, workflow)))
    return Invoice(
        id=workflow.invoice_id,
        customer_id=customer.id,
        contract_id=contract.id,
        type=InvoiceType.SCHEDULED,
        status=InvoiceStatus.DRAFT,
        credit_type=workflow.currency,
        issued_at=workflow.started_at,
        line_items=lines,
        total=invoicing.total(lines, workflow.currency),
        net_payment_terms_days=contract.net_payment_terms_days,
        customer_custom_fields=customer.custom_fields,
        contract_custom_fields=contract.custom_fields,
        billable_status=invoicing.billable_status(customer, workflow.started_at),
    )


def _name(call: Call, workflow: Workflow) -> str:
    return catalog.get_product(call, workflow.commit.product_id).state_at(call.now).name


def _stored(call: Call, workflow_id: str) -> tuple[Item, Workflow]:
    found = workflows.find(call.store, call.tenant, workflow_id)
    if found is None:
        raise NotFound("workflow", workflow_id)
    return found
