"""Payments of invoices: reading, attempting and canceling them, and seeing how far they are.

Decision: an invoice can be paid here when it is final and goes to a Stripe account that is charged
by payment intents. Charges of thresholds, and commits that are paid first, have payments of their
own, which are decided with them.
"""

from datetime import timedelta
from functools import partial
from typing import Final

from backbeat.application import customers, payment_gates, tenants, work_items
from backbeat.application.attempts import insistently
from backbeat.application.services import Call
from backbeat.domain.identity import derived_id
from backbeat.models.contracts import DueItem, WorkKind
from backbeat.models.errors import Conflict, InvalidArgument, NotFound, Retryable
from backbeat.models.external_invoices import ExternalStatus
from backbeat.models.invoices import Invoice, InvoiceStatus
from backbeat.models.payments import Payment, PaymentOutcome, PaymentResult
from backbeat.models.provider_configurations import ProviderConfiguration, ProviderKind
from backbeat.persistence import invoices, keys, payments
from backbeat.persistence.entities import from_item, read
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Item, Key

AUTOMATIC: Final = "auto_charge_payment_intent"
"""The collection method of accounts that are charged when an invoice is sent."""

_BY_INTENT: Final = (AUTOMATIC, "manually_charge_payment_intent")
_SHORTEST_WAIT: Final = timedelta(minutes=1)
_LONGEST_WAIT: Final = timedelta(days=1)
_EXTERNALLY: Final = {
    PaymentOutcome.PAID: ExternalStatus.PAID,
    PaymentOutcome.FAILED: ExternalStatus.PAYMENT_FAILED,
}


def of_invoice(call: Call, customer_id: str, invoice: Invoice) -> list[Payment]:
    """Returns all payments of an invoice, oldest first."""
    return [payment for _, payment in _of_invoice(call, customer_id, invoice.id)]


def attempt(call: Call, customer_id: str, invoice: Invoice) -> Payment:
    """Cancels the payment of an invoice that is open, and begins a new one.

    Raises:
        InvalidArgument: the invoice is not final, is paid, or is not paid here.
    """
    payment = insistently(lambda: _begun_anew(call, customer_id, invoice))
    return insistently(lambda: _seen(call, payment))


def cancel(call: Call, customer_id: str, invoice: Invoice) -> Payment:
    """Cancels the payment of an invoice that is open.

    Raises:
        NotFound: the invoice has no payment.
        Conflict: it is paid, or canceled already.
    """
    found = _of_invoice(call, customer_id, invoice.id)
    if not found:
        raise NotFound("payment", invoice.id)
    _, payment = found[-1]
    if not payment.is_open:
        raise Conflict(payment_gates.NOT_CANCELABLE)
    if payment.workflow_id is not None:
        payment_gates.cancel(call, payment.workflow_id)
    elif insistently(lambda: _canceled(call, payment)).outcome is PaymentOutcome.PAID:
        raise Conflict(payment_gates.NOT_CANCELABLE)
    return of_invoice(call, customer_id, invoice)[-1]


def begin(call: Call, work: UnitOfWork, invoice: Invoice) -> None:
    """Adds the payment of an invoice that its provider has just taken to the work."""
    work.add(payments.insert(call.tenant, _new(call, invoice, number=1)))
    _watch(call, work, invoice.customer_id)


def is_charged(invoice: Invoice, account: ProviderConfiguration) -> bool:
    """Tells whether an account is charged when an invoice is sent to it."""
    return account.configuration.get("stripe_collection_method") == AUTOMATIC and invoice.total > 0


def request(call: Call, work: UnitOfWork, customer_id: str) -> None:
    """Adds to the work that the open payments of a customer are looked at once it is committed."""
    key = _key(call, customer_id)
    item = call.store.get(key)
    if item is not None:
        work.add(work_items.replace(call, item, _due(call, customer_id)))
        _hurry(call, work, key)


def look(call: Call, item: Item, due: DueItem) -> None:
    """Sees how far a customer's open payments are, and when to see again.

    Raises:
        Retryable: others changed what is looked at; it is still due.
    """
    waits = []
    for _, payment in payments.of_customer(call.store, call.tenant, due.customer_id):
        if payment.workflow_id is None and payment.outcome.is_open:
            after = _seen(call, payment)
            if after.outcome.is_open:
                waited = call.now - payment.created_at
                waits.append(min(max(waited, _SHORTEST_WAIT), _LONGEST_WAIT))
    work = UnitOfWork(call.store)
    if waits:
        later = due.model_copy(update={"due_at": call.now + min(waits)})
        work.add(work_items.replace(call, item, later))
    else:
        work.add(*work_items.remove(call, item))
    work.commit()


def _begun_anew(call: Call, customer_id: str, invoice: Invoice) -> Payment:
    customers.get(call, customer_id)
    stored = invoices.locate(call.store, call.tenant, invoice.id)
    if stored is None or stored.invoice.status is not InvoiceStatus.FINALIZED:
        status = invoice.status if stored is None else stored.invoice.status
        raise InvalidArgument(f"invoice_id: a {status} invoice cannot be paid")
    before = _of_invoice(call, customer_id, invoice.id)
    if any(payment.outcome is PaymentOutcome.PAID for _, payment in before):
        raise InvalidArgument("invoice_id: the invoice is paid")
    _refuse_uncollected(call, stored.invoice)
    for _, payment in before:
        if payment.is_open and _canceled(call, payment).outcome is PaymentOutcome.PAID:
            raise InvalidArgument("invoice_id: the invoice is paid")
    work = UnitOfWork(call.store)
    # Two attempts at the same time would charge twice: the invoice is the turnstile.
    work.add(invoices.change(stored))
    begun = _new(call, stored.invoice, number=len(before) + 1)
    work.add(payments.insert(call.tenant, begun))
    _watch(call, work, customer_id)
    work.commit()
    return begun


def _refuse_uncollected(call: Call, invoice: Invoice) -> None:
    external = invoice.external
    if external is not None and external.status is ExternalStatus.PAID:
        raise InvalidArgument("invoice_id: the invoice is paid")
    account = None
    if external is not None:
        key = keys.provider_configuration(
            call.tenant, invoice.customer_id, ProviderKind.BILLING, external.configuration_id
        )
        account = read(call.store, key, ProviderConfiguration)
    method = None if account is None else account.configuration.get("stripe_collection_method")
    if method not in _BY_INTENT:
        raise InvalidArgument(
            "invoice_id: the invoice goes to no Stripe account that is charged by payment intents"
        )
    if invoice.total <= 0:
        raise InvalidArgument("invoice_id: there is nothing to pay")


def _new(call: Call, invoice: Invoice, *, number: int) -> Payment:
    return Payment(
        id=derived_id("payment", invoice.id, number),
        invoice_id=invoice.id,
        number=number,
        customer_id=invoice.customer_id,
        contract_id=invoice.contract_id,
        currency=invoice.credit_type,
        amount=invoice.total,
        created_at=call.now,
        updated_at=call.now,
    )


def _seen(call: Call, payment: Payment) -> Payment:
    """Asks how far a payment is, or starts it, and stores what has changed."""
    item, before = _stored(call, payment)
    if not before.outcome.is_open:
        return before
    result = call.services.payments.collect(
        tenant=call.tenant,
        key=before.id,
        customer_id=before.customer_id,
        amount=before.amount,
        currency=before.currency,
    )
    return _noted(call, item, before, result)


def _canceled(call: Call, payment: Payment) -> Payment:
    item, before = _stored(call, payment)
    if not before.is_open:
        return before
    result = call.services.payments.cancel(
        tenant=call.tenant,
        key=before.id,
        customer_id=before.customer_id,
        amount=before.amount,
        currency=before.currency,
    )
    return _noted(call, item, before, result)


def _noted(call: Call, item: Item, before: Payment, result: PaymentResult) -> Payment:
    """Stores how far a payment is, and that its invoice is paid, or could not be."""
    # A declined payment that makes room for another attempt still says why it was declined.
    gave_way = result.outcome is PaymentOutcome.CANCELED and result.error is None
    known = {
        "outcome": result.outcome,
        "payment_intent_id": result.payment_intent_id,
        "error": before.error if gave_way else result.error,
    }
    if before.model_copy(update=known) == before:
        return before
    after = before.model_copy(update={**known, "updated_at": call.now})
    work = UnitOfWork(call.store)
    work.add(payments.replace(call.tenant, after, item))
    stored = invoices.locate(call.store, call.tenant, before.invoice_id)
    status = _EXTERNALLY.get(after.outcome)
    if stored is not None and stored.invoice.external is not None and status is not None:
        external = stored.invoice.external.model_copy(update={"status": status})
        work.add(invoices.change(stored, external=external))
    work.commit()
    return after


def _stored(call: Call, payment: Payment) -> tuple[Item, Payment]:
    item = call.store.get(payments.key_of(call.tenant, payment))
    if item is None:
        raise Retryable("The payment is not stored yet. Try again.")
    return item, from_item(item, Payment)


def _of_invoice(call: Call, customer_id: str, invoice_id: str) -> list[tuple[Item, Payment]]:
    everything = payments.of_customer(call.store, call.tenant, customer_id)
    found = [(item, payment) for item, payment in everything if payment.invoice_id == invoice_id]
    return sorted(found, key=lambda one: one[1].number)


def _watch(call: Call, work: UnitOfWork, customer_id: str) -> None:
    """Adds to the work that a customer's payments are looked at from now on."""
    key = _key(call, customer_id)
    if call.store.get(key) is not None:
        request(call, work, customer_id)
        return
    work.add(*work_items.put_first(call, key, _due(call, customer_id)), tenants.mark(call))
    _hurry(call, work, key)


def _due(call: Call, customer_id: str) -> DueItem:
    return DueItem(
        customer_id=customer_id,
        contract_id="",
        kind=WorkKind.PAYMENTS,
        period_start=call.now,
        due_at=call.now,
    )


def _key(call: Call, customer_id: str) -> Key:
    return keys.customer_due_item(call.tenant, customer_id, WorkKind.PAYMENTS)


def _hurry(call: Call, work: UnitOfWork, key: Key) -> None:
    if call.held is None:
        work.afterwards(f"payments {key.pk}", partial(work_items.send_job, call, key))
