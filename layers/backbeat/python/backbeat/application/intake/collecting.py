"""Invoices that Metronome made final, collected at Stripe.

An invoice is collected by one at Stripe that bears its id; every step there has a key made of it.
What came of it is written back to the invoice in Metronome, and the product is told.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from backbeat.application import connections
from backbeat.application.handlers import accounts
from backbeat.application.intake import notices, overdue
from backbeat.application.services import Call
from backbeat.domain import collecting
from backbeat.domain.collecting import Charged
from backbeat.models.accounts import Account
from backbeat.models.collections import Collection, CollectionState
from backbeat.models.errors import Retryable, Unprocessable
from backbeat.models.inbound import ProviderName
from backbeat.models.tiers import CatalogueSetup
from backbeat.persistence import collections as stored
from backbeat.persistence import keys
from backbeat.persistence.entities import read
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.metronome_billing import BilledInvoice
from backbeat.ports.providers import Refused
from backbeat.ports.store import Item
from backbeat.ports.stripe import Invoice, InvoiceStatus, NewLine, PaymentStatus

_KEYS_LAST: Final = timedelta(hours=23)
"""Stripe remembers idempotency keys for a day."""

_CURRENCY: Final = "usd"
_STATES: Final = {
    PaymentStatus.REQUIRES_ACTION: CollectionState.ACTION_REQUIRED,
    PaymentStatus.PROCESSING: CollectionState.PROCESSING,
    PaymentStatus.REQUIRES_CAPTURE: CollectionState.PROCESSING,
    PaymentStatus.SUCCEEDED: CollectionState.PAID,
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be collected. `total` and amounts of lines are in cents."""

    invoice_id: str
    customer_id: str
    total: Decimal
    lines: Sequence[Charged]
    at: datetime
    workflow_id: str | None = None


def collect_final(call: Call, customer_id: str, invoice_id: str) -> str:
    """Collects a final invoice of Metronome unless it is another's to collect.

    Returns in words what was done.

    Raises:
        ProviderError: a provider did not do it; it can be tried again.
        Retryable: the customer is only being onboarded, or somebody else is at it.
    """
    account = accounts.of_customer(call, ProviderName.METRONOME, customer_id)
    if account is None:
        return "the customer is not one of ours"
    if stored.found(call.store, call.tenant, invoice_id) is None:
        billed = connections.metronome_billing(call).invoice(customer_id, invoice_id)
        begin(call, account, wanted_of(call, billed), left=_why_not(call, billed))
    return resume(call, account, invoice_id)


def begin(call: Call, account: Account, wanted: Wanted, *, left: str | None = None) -> None:
    """Notes that something is to be collected, or why it is not; what is noted stays as it is."""
    collection = Collection(
        invoice_id=wanted.invoice_id,
        customer_id=wanted.customer_id,
        entity_id=account.id,
        amount=collecting.dollars(wanted.total),
        currency=_CURRENCY,
        workflow_id=wanted.workflow_id,
        lines=tuple(collecting.payable(wanted.lines, wanted.total, wanted.at)),
        state=CollectionState.PREPARED if left is None else CollectionState.LEFT,
        error=left,
        created_at=call.now,
        updated_at=call.now,
    )
    if stored.found(call.store, call.tenant, wanted.invoice_id) is not None:
        return
    work = UnitOfWork(call.store)
    work.add(*stored.put(call.tenant, collection, None))
    work.commit()


def resume(call: Call, account: Account, invoice_id: str, *, again: bool = False) -> str:
    """Takes the steps that are left of collecting an invoice; returns in words how it stands.

    It is tried to be paid once, and with `again` once more.
    """
    found = stored.found(call.store, call.tenant, invoice_id)
    if found is None:
        return "nothing is to be collected"
    item, collection = found
    if collection.state.is_over:
        return _in_words(collection)
    if account.stripe_customer_id is None:
        raise Retryable("The entity is not known to Stripe yet")
    stripe = connections.stripe(call)
    if collection.stripe_invoice_id is None:
        made = _made(call, collection, account.stripe_customer_id)
        collection = collection.model_copy(update={"stripe_invoice_id": made.id})
        item = _save(call, item, collection)
    id_ = collection.stripe_invoice_id or ""
    invoice = stripe.invoice(id_)
    if invoice.status is InvoiceStatus.DRAFT:
        if invoice.total != collection.amount:
            _add_lines(call, collection, account.stripe_customer_id, has=invoice.total)
        invoice = stripe.finalize(id_, key=f"{invoice_id}:finalize")
    if invoice.is_undecided and (again or collection.attempts == 0):
        method = stripe.default_card(account.stripe_customer_id)
        if method is not None:
            number = collection.attempts + 1
            key = f"{invoice_id}:pay:{number}"
            invoice = stripe.pay(id_, payment_method=method, off_session=True, key=key)
            collection = collection.model_copy(update={"attempts": number})
    return _seen(call, item, collection, invoice, tried=True)


def look(call: Call, stripe_id: str) -> str | None:
    """Notes how an invoice at Stripe stands, by its id or its payment intent's.

    Returns that in words, or None where it collects nothing of Metronome's.
    """
    found = stored.by_stripe_id(call.store, call.tenant, stripe_id)
    if found is None:
        return None
    item, collection = found
    if collection.stripe_invoice_id is None:
        return None
    invoice = connections.stripe(call).invoice(collection.stripe_invoice_id)
    return _seen(call, item, collection, invoice, tried=collection.attempts > 0)


def refunded(call: Call, stripe_id: str) -> str | None:
    """Notes that what was collected was given back, all of it."""
    found = stored.by_stripe_id(call.store, call.tenant, stripe_id)
    if found is None:
        return None
    item, collection = found
    return _settled(call, item, collection, CollectionState.REFUNDED, error=None, tried=True)


def wanted_of(call: Call, billed: BilledInvoice) -> Wanted:
    """Returns what is to be collected of an invoice."""
    at = billed.issued_at or call.now
    lines = [
        Charged(line.name, line.total, line.starting_at, line.ending_before)
        for line in billed.lines
    ]
    return Wanted(billed.id, billed.customer_id, billed.total, lines, at)


def _why_not(call: Call, billed: BilledInvoice) -> str | None:
    if billed.status != "FINALIZED":
        return f"it is {billed.status.lower()}"
    if billed.is_sent:
        return "Metronome hands it to a billing provider itself"
    if billed.credit_type != collecting.USD:
        return f"it is in {billed.credit_type}"
    if collecting.dollars(billed.total) <= 0:
        return "there is nothing to pay"
    setup = read(call.store, keys.catalogue(call.tenant), CatalogueSetup)
    if setup is not None and {line.product_id for line in billed.lines} == {setup.fee_product_id}:
        return "the plan's price was paid with the plan"
    return None


def _made(call: Call, collection: Collection, customer: str) -> Invoice:
    stripe, id_ = connections.stripe(call), collection.invoice_id
    metadata = {"metronome_invoice_id": id_, "entity_id": collection.entity_id}
    if call.now - collection.created_at > _KEYS_LAST:
        for one in stripe.invoices(customer):
            if metadata.items() <= one.metadata.items():
                return one
    return stripe.create_invoice(
        customer, currency=collection.currency, metadata=metadata, key=f"{id_}:invoice"
    )


def _add_lines(call: Call, collection: Collection, customer: str, *, has: Decimal) -> None:
    """Adds all lines to a draft; those that it has keep their keys, and are not added again."""
    if has and call.now - collection.created_at > _KEYS_LAST:
        raise Unprocessable("A draft at Stripe was left half made; complete or delete it there")
    stripe = connections.stripe(call)
    for number, line in enumerate(collection.lines):
        stripe.add_line(
            collection.stripe_invoice_id or "",
            customer,
            NewLine(line.name, line.amount, line.starting_at, line.ending_before),
            currency=collection.currency,
            key=f"{collection.invoice_id}:line:{number}",
        )


def _seen(call: Call, item: Item, collection: Collection, invoice: Invoice, *, tried: bool) -> str:
    """Notes what the invoice at Stripe says now.

    Before it is tried to be paid, webhooks may tell of it already: then nothing is overdue.
    """
    payment = invoice.payment
    error = None if payment is None else payment.error_message
    match invoice.status:
        case InvoiceStatus.PAID:
            state, error = CollectionState.PAID, None
        case InvoiceStatus.VOID | InvoiceStatus.UNCOLLECTIBLE:
            state = CollectionState.UNCOLLECTED
        case _ if payment is not None and payment.status in _STATES:
            state = _STATES[payment.status]
        case _:
            state = CollectionState.OPEN if error is None else CollectionState.FAILED
    if payment is not None:
        collection = collection.model_copy(update={"payment_intent_id": payment.id})
    if collection.state is CollectionState.REFUNDED:
        # Events of the payment may come behind those of the refund.
        return _in_words(collection)
    return _settled(call, item, collection, state, error=error, tried=tried)


def _settled(
    call: Call,
    item: Item,
    collection: Collection,
    state: CollectionState,
    *,
    error: str | None,
    tried: bool,
) -> str:
    if collection.workflow_id is not None and not collection.decided:
        state = _decided(call, collection, state)
        done = state is not CollectionState.PROCESSING
        collection = collection.model_copy(update={"decided": done})
    before = stored.of_item(item)
    after = collection.model_copy(update={"state": state, "error": error})
    if tried:
        after = overdue.begun(call, after)
    if after == before:
        return _in_words(before)
    after = after.model_copy(update={"updated_at": call.now})
    if state is not before.state:
        # Told to Metronome first: what is marked as told is.
        fields = {
            "stripe_invoice_id": after.stripe_invoice_id or "",
            "stripe_status": after.state.value,
        }
        if after.workflow_id is None:
            connections.metronome_billing(call).note(after.invoice_id, fields)
    _save(call, item, after)
    return _in_words(after)


def _decided(call: Call, collection: Collection, state: CollectionState) -> CollectionState:
    """Decides the gated charge that waits for a payment; nobody can pay it later if it failed."""
    if state is CollectionState.PROCESSING:
        return state
    workflow = collection.workflow_id or ""
    if state is not CollectionState.PAID and collection.stripe_invoice_id is not None:
        try:
            connections.stripe(call).void(
                collection.stripe_invoice_id, key=f"{collection.invoice_id}:void"
            )
        except Refused:
            invoice = connections.stripe(call).invoice(collection.stripe_invoice_id)
            if invoice.status is not InvoiceStatus.PAID:
                raise
            state = CollectionState.PAID
    paid = state is CollectionState.PAID
    connections.metronome_billing(call).release(workflow, paid=paid)
    return CollectionState.PAID if paid else CollectionState.UNCOLLECTED


def _save(call: Call, item: Item, after: Collection) -> Item:
    before = stored.of_item(item)
    work = UnitOfWork(call.store)
    work.add(*stored.put(call.tenant, after, item), *overdue.of_collection(call, after))
    if after.state is before.state:
        work.commit()
    else:
        notices.tell(
            call,
            work,
            f"invoice_{after.state.value}",
            fact=f"{after.invoice_id}:{after.state}:{item.version}",
            properties={
                "entity_id": after.entity_id,
                "invoice_id": after.invoice_id,
                "stripe_invoice_id": after.stripe_invoice_id,
                "amount": after.amount,
                "currency": after.currency,
                "error_message": after.error,
            },
        )
    return stored.item_of(call.tenant, after, item)


def _in_words(collection: Collection) -> str:
    if collection.state is CollectionState.LEFT:
        return f"not collected: {collection.error}"
    words = f"{collection.amount} {collection.currency} {collection.state.value}"
    return words if collection.error is None else f"{words}: {collection.error}"
