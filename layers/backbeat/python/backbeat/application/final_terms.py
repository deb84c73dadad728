"""Final invoices computed again by the terms they were made by.

Terms that were changed since then change nothing about them. What they were paid from is what they
drew, whatever has become of those balances.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Final

from backbeat.application import catalog, contracts, drafts, families, historical_invoices
from backbeat.application.services import Call
from backbeat.domain import ledgers
from backbeat.domain.drawdown import Source
from backbeat.models.contracts import Contract
from backbeat.models.customers import Customer
from backbeat.models.errors import InvalidArgument
from backbeat.models.invoices import Invoice, LineType
from backbeat.models.money import subtract
from backbeat.models.period import Period

_INSTANT: Final = timedelta(microseconds=1)
_UNTOUCHED: Final = {
    "archived_at": None,
    "deductions": (),
    "manual_entries": (),
    "rollovers": (),
    "trueups": (),
}
"""A balance as if nothing had become of it: whatever did so later, the invoice drew it."""


def contract_of(call: Call, contract: Contract, invoice: Invoice) -> Contract:
    """Returns the contract as it was when an invoice of it was made."""
    if invoice.known is None:
        return contract
    return contracts.after_edits(call, contract, invoice.known.edits)


def as_made(
    call: Call, contract: Contract, customer: Customer, final: Invoice, period: Period
) -> tuple[Contract, drafts.Reading, bool]:
    """Returns the terms of a usage invoice, and whether it still comes to the same by them.

    It does not when usage came late. Readings keep its lines apart and are paid as it was.
    """
    terms = contract_of(call, contract, final)
    readings = [*_readings(final)]
    for reading in readings:
        try:
            computed = _assembled(call, terms, customer, final, period, reading)
        except InvalidArgument:
            # By these definitions something had no price yet, so it is the others.
            continue
        if _amounts(computed) == _amounts(final):
            return terms, reading, True
    return terms, replace(readings[0], paid=()), False


def drawn_by(call: Call, customer: Customer, final: Invoice) -> list[Source]:
    """Returns what an invoice drew: segments, and seats' parts, that hold that much and no more.

    They may be of others, with whom the customer is in a hierarchy.
    """
    amounts: dict[tuple[str, str | None], Decimal] = {}
    for line in final.line_items:
        if line.type is LineType.APPLIED and line.commit_segment_id is not None:
            part = line.commit_segment_id, line.applied_seat
            amounts[part] = subtract(amounts.get(part, Decimal(0)), line.total)
    if not amounts:
        return []
    owned = families.of_hierarchies(call, customer).owned
    whole = [balance.model_copy(update=_UNTOUCHED) for balance in owned]
    return [
        replace(
            source,
            available=amounts[source.segment.id, source.seat_id],
            shared=source.balance.contract_id not in (None, final.contract_id),
        )
        for source in ledgers.sources(whole, tags_of=catalog.tags_of_products(call))
        if amounts.get((source.segment.id, source.seat_id), 0) > 0
    ]


def _readings(final: Invoice) -> Iterator[drafts.Reading]:
    """Yields what may have been known of products, the likelier ones first.

    A clock that stands still gives what came before and what came after the same time; at that very
    instant either is possible.
    """
    at = final.finalized_at or final.issued_at
    for until in (at, at - _INSTANT):
        yield drafts.Reading(
            invoice_id=final.id, known=final.known, terms_until=until, paid=final.line_items
        )


def _assembled(
    call: Call,
    contract: Contract,
    customer: Customer,
    final: Invoice,
    period: Period,
    reading: drafts.Reading,
) -> Invoice:
    if final.given_usage:
        return historical_invoices.priced_anew(call, contract, final, period, reading)
    return drafts.assemble(call, contract, customer, period, reading)


def _amounts(invoice: Invoice) -> list[tuple[object, ...]]:
    return sorted(
        (
            line.type,
            line.product_id or "",
            str(line.starting_at),
            str(sorted({**line.pricing_group_values, **line.presentation_group_values}.items())),
            line.commit_segment_id or "",
            line.total,
            line.quantity or Decimal(0),
        )
        for line in invoice.line_items
    )
