"""Charges on their way from being begun to being paid or not, and what they leave behind.

Steps commit one by one and name the charge by its id, so that a step that runs again finds what it
did.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from backbeat.application import (
    balance_claims,
    catalog,
    customers,
    lifecycle,
    looks,
    outbox,
    recharge_triggers,
)
from backbeat.application.attempts import insistently
from backbeat.application.services import Call
from backbeat.domain import invoicing, notices, periods
from backbeat.domain import recharging as rules
from backbeat.models.contracts import Contract
from backbeat.models.customers import Customer
from backbeat.models.errors import Conflict, InvalidArgument, NotFound, Retryable
from backbeat.models.invoices import Invoice, InvoiceStatus, InvoiceType
from backbeat.models.money import CreditType
from backbeat.models.notifications import Notification
from backbeat.models.payments import Payment, PaymentOutcome, PaymentResult
from backbeat.models.period import Period
from backbeat.models.threshold_billing import (
    GateType,
    PaymentError,
    PaymentGate,
    Tax,
    TaxType,
    Workflow,
    WorkflowKind,
    WorkflowState,
)
from backbeat.persistence import balances, contracts, invoices, payments, workflows
from backbeat.persistence.contracts import Stored
from backbeat.persistence.entities import from_item
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Item

NOT_CANCELABLE: Final = "Payment could not be canceled."
STATE_BY_GATE: Final = {
    GateType.NONE: WorkflowState.PAID,
    GateType.EXTERNAL: WorkflowState.PENDING_EXTERNAL,
    GateType.STRIPE: WorkflowState.PENDING_PAYMENT,
}
"""Where a charge begins, by who collects it."""

_SHORTEST_WAIT: Final = timedelta(minutes=1)
_LONGEST_WAIT: Final = timedelta(days=1)
_REFUSED_OUTSIDE: Final = PaymentError(message="The payment failed.")
_CANCELED: Final = PaymentError(message="The payment was canceled.")
_STRIPE_PRODUCT: Final = "stripe_product_id"
_UNMAPPED: Final = PaymentError(
    message=f"The product has no custom field {_STRIPE_PRODUCT}, so Stripe does not know it."
)


# Beginning


def begin(call: Call, work: UnitOfWork, workflow: Workflow) -> list[Notification]:
    """Adds a charge that waits for its payment to the work. Returns what to tell of it."""
    if workflow.gate is GateType.STRIPE:
        payment = _payment(workflow)
        workflow = workflow.model_copy(update={"payment_id": payment.id})
        work.add(payments.insert(call.tenant, payment))
    work.add(workflows.insert(call.tenant, workflow))
    if workflow.gate is not GateType.EXTERNAL:
        return []
    return [notices.external_initiate(workflow, rules.total(workflow), at=call.now)]


def tax_on(
    call: Call,
    gate: PaymentGate,
    workflow_id: str,
    customer_id: str,
    charge: Decimal,
    currency: CreditType,
) -> Tax | None:
    """Returns the tax on a charge: the one known beforehand, or what its tax service says.

    Raises:
        InvalidArgument: the stage has nobody who computes taxes.
    """
    if gate.tax_type not in (TaxType.STRIPE, TaxType.ANROK):
        return gate.tax
    return call.services.taxes.tax_on(
        tenant=call.tenant,
        key=workflow_id,
        customer_id=customer_id,
        amount=charge,
        currency=currency,
        by=gate.tax_type,
    )


def _payment(workflow: Workflow) -> Payment:
    return Payment(
        id=rules.payment_id(workflow),
        invoice_id=workflow.invoice_id,
        customer_id=workflow.customer_id,
        contract_id=workflow.contract_id,
        currency=workflow.currency,
        amount=rules.total(workflow),
        workflow_id=workflow.id,
        created_at=workflow.started_at,
        updated_at=workflow.started_at,
    )


# Deciding


def follow_up(
    call: Call, item: Item, customer: Customer, before: Stored, workflow_id: str
) -> datetime | None:
    """Sees how far a charge is. Returns when to look again, None after a step that changed it.

    `item` is the customer's work, which is moved with the step. A contract that was archived
    meanwhile buys nothing any more.
    """
    found, workflow = _stored(call, workflow_id)
    if workflow.gate is not GateType.STRIPE:
        return recharge_triggers.FAR_FUTURE
    result = _result(call, workflow, before.contract)
    after = _after(call, workflow, result)
    if after == workflow:
        waited = call.now - workflow.started_at
        return call.now + min(max(waited, _SHORTEST_WAIT), _LONGEST_WAIT)
    work = UnitOfWork(call.store)
    told: list[Notification] = []
    if after.is_open:
        told.append(notices.action_required(after, at=call.now))
    else:
        told += settle(call, work, customer, before, after)
    _note_payment(call, work, workflow, result)
    work.add(workflows.replace(call.tenant, after, found))
    work.add(recharge_triggers.moved(call, item, customer.id, call.now))
    outbox.commit(call, work, told)
    return None


def _result(call: Call, workflow: Workflow, contract: Contract) -> PaymentResult:
    key, amount = workflow.payment_id or workflow.id, rules.total(workflow)
    if contract.archived_at is not None:
        return _canceled(call, workflow)
    if call.services.requires_stripe_products and _lacks_stripe_product(call, workflow):
        return PaymentResult(PaymentOutcome.FAILED, None, _UNMAPPED)
    return call.services.payments.collect(
        tenant=call.tenant,
        key=key,
        customer_id=workflow.customer_id,
        amount=amount,
        currency=workflow.currency,
        on_session=workflow.on_session,
    )


def _canceled(call: Call, workflow: Workflow) -> PaymentResult:
    return call.services.payments.cancel(
        tenant=call.tenant,
        key=workflow.payment_id or workflow.id,
        customer_id=workflow.customer_id,
        amount=rules.total(workflow),
        currency=workflow.currency,
    )


def _lacks_stripe_product(call: Call, workflow: Workflow) -> bool:
    """Tells whether what is bought by hand is no product that Stripe knows."""
    if workflow.kind is not WorkflowKind.MANUAL_COMMIT:
        return False
    product = catalog.get_product(call, workflow.commit.product_id)
    return not product.custom_fields.get(_STRIPE_PRODUCT)


def release(call: Call, workflow_id: str, *, paid: bool) -> None:
    """Decides a charge that is collected elsewhere.

    Raises:
        NotFound: there is no such charge.
        InvalidArgument: it is decided already, or not collected elsewhere (decision 16).
    """
    insistently(lambda: _release(call, workflow_id, paid=paid))


def cancel(call: Call, workflow_id: str) -> None:
    """Cancels the payment of a charge, which fails with it.

    Raises:
        NotFound: there is no such charge.
        Conflict: it is decided already.
    """
    insistently(lambda: _cancel(call, workflow_id))


def drafts_of(call: Call, customer: Customer) -> Iterator[Invoice]:
    """Yields the invoices of a customer's charges that wait for their payment."""
    for contract in contracts.of_customer(call.store, call.tenant, customer.id):
        for workflow_id in open_of(contract):
            _, workflow = _stored(call, workflow_id)
            yield _invoice(call, contract, customer, workflow)


def open_of(contract: Contract) -> list[str]:
    """Returns the ids of a contract's charges that wait for their payment."""
    waiting = contract.open_workflow_id
    return [*([] if waiting is None else [waiting]), *contract.open_gates]


def has_failed(call: Call, workflow_id: str) -> bool:
    """Tells whether a charge was decided, and not paid."""
    return why_failed(call, workflow_id) is not None


def why_failed(call: Call, workflow_id: str) -> PaymentError | None:
    """Returns why a charge was not paid; None while it may be, or is."""
    workflow = _stored(call, workflow_id)[1]
    if workflow.state is not WorkflowState.FAILED:
        return None
    return workflow.error or _REFUSED_OUTSIDE


def decided(call: Call, workflow: Workflow, error: PaymentError | None) -> Workflow:
    """Returns a charge as it is once it is paid, or failed for a reason."""
    state = WorkflowState.PAID if error is None else WorkflowState.FAILED
    return workflow.model_copy(update={"state": state, "error": error, "decided_at": call.now})


def _release(call: Call, workflow_id: str, *, paid: bool) -> None:
    item, workflow = _stored(call, workflow_id)
    if not workflow.is_open:
        raise InvalidArgument("workflow_id: the workflow is decided already")
    if workflow.gate is not GateType.EXTERNAL:
        raise InvalidArgument("workflow_id: its payment gate is not EXTERNAL")
    work = UnitOfWork(call.store)
    _decide(call, work, item, decided(call, workflow, None if paid else _REFUSED_OUTSIDE))


def _cancel(call: Call, workflow_id: str) -> None:
    item, workflow = _stored(call, workflow_id)
    if not workflow.is_open or workflow.gate is not GateType.STRIPE:
        raise Conflict(NOT_CANCELABLE)
    result = _canceled(call, workflow)
    after = _after(call, workflow, result)
    work = UnitOfWork(call.store)
    _note_payment(call, work, workflow, result)
    _decide(call, work, item, after)
    if after.state is WorkflowState.PAID:
        raise Conflict(NOT_CANCELABLE)


def _decide(call: Call, work: UnitOfWork, item: Item, after: Workflow) -> None:
    customer = customers.get(call, after.customer_id)
    before = contracts.find(call.store, call.tenant, customer.id, after.contract_id)
    if before is None:
        raise NotFound("contract", after.contract_id)
    told = settle(call, work, customer, before, after)
    work.add(workflows.replace(call.tenant, after, item))
    recharge_triggers.request(call, work, customer.id)
    outbox.commit(call, work, told)


def _after(call: Call, workflow: Workflow, result: PaymentResult) -> Workflow:
    paid_with = workflow.model_copy(update={"payment_intent_id": result.payment_intent_id})
    match result.outcome:
        case PaymentOutcome.PAID:
            return decided(call, paid_with, None)
        case PaymentOutcome.FAILED:
            return decided(call, paid_with, result.error or _REFUSED_OUTSIDE)
        case PaymentOutcome.CANCELED:
            return decided(call, paid_with, _CANCELED)
        case PaymentOutcome.ACTION_REQUIRED:
            return paid_with.model_copy(
                update={"state": WorkflowState.ACTION_REQUIRED, "error": result.error}
            )
        case PaymentOutcome.PENDING:
            return workflow


def _note_payment(call: Call, work: UnitOfWork, workflow: Workflow, result: PaymentResult) -> None:
    """Adds to the work what is known of a charge's payment by now."""
    item = call.store.get(payments.key_of(call.tenant, _payment(workflow)))
    if item is None:
        raise Retryable("The payment is not stored yet. Try again.")
    known = {
        "outcome": result.outcome,
        "payment_intent_id": result.payment_intent_id,
        "error": _CANCELED if result.outcome is PaymentOutcome.CANCELED else result.error,
        "updated_at": call.now,
    }
    after = from_item(item, Payment).model_copy(update=known)
    work.add(payments.replace(call.tenant, after, item))


# What is left behind


def settle(
    call: Call, work: UnitOfWork, customer: Customer, before: Stored, workflow: Workflow
) -> list[Notification]:
    """Adds to the work what a decided charge leaves behind. Returns what to tell of it."""
    contract = _without(before.contract, workflow)
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
        contract = rules.with_spend(contract, workflow, _period(contract, workflow), call.now)
    else:
        void = draft.model_copy(update={"status": InvoiceStatus.VOID})
        work.add(*invoices.insert(call.store, call.tenant, void))
        contract = _disabled(contract, workflow.kind)
        if workflow.bought is not None:
            balance_claims.give_back(call, work, workflow.bought, workflow.edit_key)
    work.add(contracts.replace(call.tenant, before, contract))
    looks.request(call, work, customer.id, recharges=False)
    lifecycle.request(call, work, customer.id)
    return told


def _without(contract: Contract, workflow: Workflow) -> Contract:
    """Returns the contract without a charge that waits."""
    left = tuple(one for one in contract.open_gates if one != workflow.id)
    waiting = contract.open_workflow_id
    return contract.model_copy(
        update={
            "open_gates": left,
            "open_workflow_id": None if waiting == workflow.id else waiting,
        }
    )


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
    """Returns the usage period in which a charge began."""
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
        custom_fields=contract.fields_of(workflow.invoice_id),
        billable_status=invoicing.billable_status(customer, workflow.started_at),
        workflow_id=workflow.id,
    )


def _name(call: Call, workflow: Workflow) -> str:
    return catalog.get_product(call, workflow.commit.product_id).state_at(call.now).name


def _stored(call: Call, workflow_id: str) -> tuple[Item, Workflow]:
    found = workflows.find(call.store, call.tenant, workflow_id)
    if found is None:
        raise NotFound("workflow", workflow_id)
    return found
