"""Charging customers whose contracts' thresholds are crossed.

Work goes in steps that commit one by one: a line is crossed, a payment is asked for, it is decided.
Each names the charge by its id, so that a step that runs again finds what it did.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from backbeat.application import (
    customers,
    outbox,
    payment_gates,
    rate_cards,
    recharge_triggers,
    scheduled_invoices,
    settled_drafts,
)
from backbeat.application.services import Call
from backbeat.domain import conversions, identity, ledgers, notices, periods
from backbeat.domain import recharging as rules
from backbeat.models.alerts import FieldFilter
from backbeat.models.contracts import Contract, DueItem
from backbeat.models.customers import Customer
from backbeat.models.invoices import LineType
from backbeat.models.money import CreditType, add
from backbeat.models.period import Period
from backbeat.models.threshold_billing import GateType, SpendThreshold, Workflow, WorkflowKind
from backbeat.persistence import balances, contracts
from backbeat.persistence.contracts import Stored
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Item


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
        for workflow_id in payment_gates.open_of(stored.contract):
            again = payment_gates.follow_up(call, item, customer, stored, workflow_id)
            if again is None:
                return
            wait = min(wait, again)
        if stored.contract.open_workflow_id is None and _cross(call, item, customer, stored):
            return
        wait = min(wait, _next_change(call, stored.contract))
    work = UnitOfWork(call.store)
    work.add(recharge_triggers.moved(call, item, customer.id, wait))
    work.commit()


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
    discounted = rules.is_discounted(crossed.threshold, contract, _open_period(call, contract))
    charge = rules.price(
        crossed.threshold, crossed.granted, per_unit=crossed.per_unit, discounted=discounted
    )
    workflow = Workflow(
        id=id_,
        kind=crossed.kind,
        customer_id=customer.id,
        contract_id=contract.id,
        state=payment_gates.STATE_BY_GATE[gate.type],
        unit=crossed.unit,
        granted=crossed.granted,
        currency=currency,
        charge=charge,
        tax=payment_gates.tax_on(call, gate, id_, customer.id, charge, currency),
        commit=crossed.threshold.commit,
        gate=gate.type,
        invoice_id=identity.invoice_id(contract.id, contract.id, "THRESHOLD", id_),
        discounted=discounted,
        started_at=call.now,
    )
    work = UnitOfWork(call.store)
    told = [notices.threshold_reached(workflow, at=call.now)]
    if gate.type is GateType.NONE:
        workflow = payment_gates.decided(call, workflow, None)
        before = before._replace(contract=counted)
        told += payment_gates.settle(call, work, customer, before, workflow)
    else:
        waiting = counted.model_copy(update={"open_workflow_id": id_})
        work.add(contracts.replace(call.tenant, before, waiting))
    told += payment_gates.begin(call, work, workflow)
    work.add(recharge_triggers.moved(call, item, customer.id, call.now))
    outbox.commit(call, work, told)
    return True


def _open_period(call: Call, contract: Contract) -> Period | None:
    return next(periods.usage_periods_from(contract, call.now), None)


def _crossed(call: Call, customer: Customer, contract: Contract) -> _Crossed | None:
    if contract.archived_at is not None or not contract.covers(call.now):
        return None
    prepaid, spend = contract.prepaid_threshold, contract.spend_threshold
    if prepaid is not None and prepaid.is_enabled:
        unit = prepaid.custom_unit or scheduled_invoices.currency_of(call, contract)
        granted = rules.recharge(
            prepaid, _balance(call, customer, contract, unit, prepaid.excluded)
        )
        if granted is not None:
            per_unit = _price(call, contract, prepaid.custom_unit)
            return _Crossed(WorkflowKind.PREPAID_BALANCE, prepaid, unit, granted, per_unit)
    if spend is not None and spend.is_enabled:
        granted = rules.due_spend(spend, _accrued(call, customer, contract))
        if granted is not None:
            unit = scheduled_invoices.currency_of(call, contract)
            return _Crossed(WorkflowKind.SPEND, spend, unit, granted)
    return None


def _balance(
    call: Call,
    customer: Customer,
    contract: Contract,
    unit: CreditType,
    excluded: Iterable[Sequence[FieldFilter]],
) -> Decimal:
    purse = settled_drafts.settled(call, customer)
    return add(
        *(
            ledgers.worth(balance, call.now, purse.drawn_from(balance))
            for balance in purse.balances
            if rules.counts(balance, contract, unit, excluded)
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
    upcoming = _open_period(call, contract)
    dates += [] if upcoming is None else [upcoming.ending_before]
    return min((d for d in dates if d > call.now), default=recharge_triggers.FAR_FUTURE)
