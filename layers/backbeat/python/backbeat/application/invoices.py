"""Invoices: stored ones, drafts of the periods that are not finalized, and making one anew."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace

from backbeat.application import (
    consolidated_invoices,
    contracts,
    customers,
    drafts,
    historical_invoices,
    looks,
    open_periods,
    outbox,
    payment_gates,
    rate_cards,
    scheduled_invoices,
    settled_drafts,
)
from backbeat.application.balance_book import Book
from backbeat.application.provider_invoices import (
    addressed_to_provider,
    on_sending_list,
    send_to_provider,
)
from backbeat.application.services import Call
from backbeat.domain import invoicing, notices
from backbeat.models.contracts import Contract
from backbeat.models.customers import Customer
from backbeat.models.errors import InvalidArgument, NotFound
from backbeat.models.invoices import Invoice, InvoiceStatus, InvoiceType
from backbeat.models.rates import Rate
from backbeat.persistence import contracts as persisted
from backbeat.persistence import invoices
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Effect


def of_customer(call: Call, customer: Customer) -> list[Invoice]:
    """Returns all of a customer's invoices, drafts included, by issue date."""
    # Drafts are computed before the invoices are read: one finalized in between shows as stored.
    purse = settled_drafts.Purse(call, customer)
    computed = list(purse.drafts())
    computed += settled_drafts.scheduled_of(call, customer, purse)
    computed += payment_gates.drafts_of(call, customer)
    stored = list(invoices.of_customer(call.store, call.tenant, customer.id))
    known = {invoice.id for invoice in stored}
    drafts_left = [invoice for invoice in computed if invoice.id not in known]
    return sorted([*stored, *drafts_left], key=lambda invoice: (invoice.issued_at, invoice.id))


def listed(call: Call, customer: Customer) -> list[Invoice]:
    """Returns all that is shown to a customer: also invoices that consolidate those of others."""
    own = of_customer(call, customer)
    joined = consolidated_invoices.of_customer(call, customer, own)
    return sorted([*own, *joined], key=lambda invoice: (invoice.issued_at, invoice.id))


def get(call: Call, customer: Customer, invoice_id: str) -> Invoice:
    """Returns one invoice of a customer.

    Raises:
        NotFound: the customer has no invoice of that id.
    """
    stored = invoices.find(call.store, call.tenant, customer.id, invoice_id)
    if stored is not None:
        return stored
    for contract, period, _ in open_periods.of_customer(call, customer.id):
        if invoicing.usage_invoice_id(contract.id, period) == invoice_id:
            return settled_drafts.find(call, customer, contract, period)
    scheduled = [
        *settled_drafts.scheduled_of(call, customer),
        *payment_gates.drafts_of(call, customer),
    ]
    # What became final since is none of them, and stored by now.
    stored = invoices.find(call.store, call.tenant, customer.id, invoice_id)
    if stored is not None:
        return stored
    for draft in scheduled:
        if draft.id == invoice_id:
            return draft
    for joined in consolidated_invoices.of_customer(call, customer, of_customer(call, customer)):
        if joined.id == invoice_id:
            return joined
    raise NotFound("invoice", invoice_id)


def locate(call: Call, invoice_id: str) -> Invoice:
    """Returns an invoice by its id alone.

    Raises:
        NotFound: no invoice has the id.
    """
    found = invoices.locate(call.store, call.tenant, invoice_id)
    if found is not None:
        return found.invoice
    # A draft lies nowhere, but its id leads to its contract.
    for customer_id in persisted.owners_by_mark(call.store, call.tenant, invoice_id):
        with suppress(NotFound):
            return get(call, customers.get(call, customer_id), invoice_id)
    raise NotFound("invoice", invoice_id)


def void(call: Call, invoice_id: str) -> None:
    """Takes a final invoice back. It stays listed as VOID.

    Raises:
        NotFound: no invoice has the id.
        InvalidArgument: the invoice is not final.
    """
    stored = invoices.locate(call.store, call.tenant, invoice_id)
    if stored is None:
        raise InvalidArgument(f"id: {_kind(locate(call, invoice_id))} cannot be voided")
    if stored.invoice.status is not InvoiceStatus.FINALIZED:
        raise InvalidArgument(f"id: a {stored.invoice.status} invoice cannot be voided")
    work = UnitOfWork(call.store)
    work.add(invoices.change(stored, status=InvoiceStatus.VOID))
    # What it drew can be drawn again.
    customer = customers.get(call, stored.invoice.customer_id)
    book = settled_drafts.Purse(call, customer).book
    book.give_back([invoice_id])
    work.add(*book.effects())
    looks.request(call, work, stored.invoice.customer_id)
    work.commit()


def voiding(call: Call, book: Book, contract_id: str) -> Iterator[Effect]:
    """Yields the effects that void all final invoices of a contract; what they drew is given back.

    So is what was drawn by those that are void already, of a run that broke off.
    """
    void = []
    for stored in invoices.stored_of_customer(call.store, call.tenant, book.customer_id):
        if stored.invoice.contract_id == contract_id:
            void.append(stored.invoice.id)
            if stored.invoice.status is InvoiceStatus.FINALIZED:
                yield invoices.change(stored, status=InvoiceStatus.VOID)
    book.give_back(void)


def regenerate(call: Call, invoice_id: str) -> Invoice:
    """Makes a void invoice anew from today's usage, rates and terms, and returns the new one.

    Raises:
        NotFound: no invoice has the id.
        InvalidArgument: it is not void, was made by hand, was made anew already, or its contract
            is archived.
    """
    stored = invoices.locate(call.store, call.tenant, invoice_id)
    invoice = locate(call, invoice_id) if stored is None else stored.invoice
    if stored is None or invoice.status is not InvoiceStatus.VOID:
        raise InvalidArgument(f"id: {_kind(invoice)} cannot be regenerated")
    if invoice.made_by_hand:
        raise InvalidArgument("id: an invoice made by hand cannot be regenerated")
    # Decision D-54: a void invoice has one successor for good.
    if invoice.successor_id is not None:
        raise InvalidArgument(f"id: the invoice was regenerated already as {invoice.successor_id}")
    if invoice.workflow_id is not None and payment_gates.has_failed(call, invoice.workflow_id):
        # It would be billed, and buy nothing.
        raise InvalidArgument("id: its payment failed, and a charge is not made anew")
    contract = contracts.get(call, invoice.customer_id, invoice.contract_id)
    if contract.archived_at is not None:
        raise InvalidArgument("id: the contract of the invoice is archived")
    customer = customers.get(call, invoice.customer_id)
    purse = settled_drafts.Purse(call, customer)
    anew = _computed_anew(call, contract, purse, invoice).model_copy(update={"external": None})
    fresh = addressed_to_provider(call, contract, invoicing.regenerated(anew, invoice, at=call.now))
    work = UnitOfWork(call.store)
    work.add(*invoices.insert(call.store, call.tenant, fresh))
    work.add(*on_sending_list(call, fresh))
    work.add(invoices.change(stored, successor_id=fresh.id))
    purse.draw(fresh)
    work.add(*purse.book.effects())
    looks.request(call, work, fresh.customer_id)
    told = [notices.invoice_finalized(fresh, at=call.now)]
    joined = consolidated_invoices.completed_by(call, work, contract, fresh)
    outbox.commit(call, work, told if joined is None else [*told, joined])
    send_to_provider(call, fresh)
    return fresh


def list_rates(call: Call, invoice: Invoice) -> Mapping[int, Rate]:
    """Returns the rates of the price list that an invoice's lines name, by sequence number."""
    contract = contracts.get(call, invoice.customer_id, invoice.contract_id)
    # The lines of a consolidated invoice are of several price lists.
    if contract.rate_card_id is None or invoice.type is InvoiceType.USAGE_CONSOLIDATED:
        return {}
    named = {line.basis.rate_sequence for line in invoice.line_items if line.basis is not None}
    rates = rate_cards.every_rate(call, contract.rate_card_id)
    return {rate.sequence: rate for rate in rates if rate.sequence in named}


def _computed_anew(
    call: Call, contract: Contract, purse: settled_drafts.Purse, void: Invoice
) -> Invoice:
    new_id = invoicing.successor_id(void)
    period = void.period
    if period is None:
        lines = scheduled_invoices.anew(
            call,
            contract,
            void,
            purse.shortfall,
            lambda due: purse.pay(contract, due),
            invoice_id=new_id,
        )
        return void.model_copy(
            update={
                "id": new_id,
                "successor_id": None,
                "known": rate_cards.known_now(call, contract),
                "line_items": lines,
                "total": invoicing.total(lines, void.credit_type),
            }
        )
    reading = drafts.Reading(invoice_id=new_id)
    if void.given_usage:
        reading = replace(reading, sources=purse.sources(contract, period))
        fresh = historical_invoices.priced_anew(call, contract, void, period, reading)
        return fresh.model_copy(update={"successor_id": None})
    # Paid from what finalized invoices have left: it was there before the drafts.
    return purse.draft(contract, period, reading)


def _kind(invoice: Invoice) -> str:
    """Says what an invoice is, to those who want to change it."""
    if invoice.type is InvoiceType.USAGE_CONSOLIDATED:
        return "a USAGE_CONSOLIDATED invoice is made of others and"
    return f"a {invoice.status} invoice"
