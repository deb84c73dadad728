"""Final invoices computed again by the terms they were made by.

Terms that were changed since then change nothing about them. What they were paid from is what they
drew, whatever has become of those balances.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Final

from backbeat.application import contracts, drafts, historical_invoices
from backbeat.application.services import Call
from backbeat.domain import ledgers
from backbeat.domain.drawdown import Source
from backbeat.models.contracts import Contract
from backbeat.models.customers import Customer
from backbeat.models.errors import InvalidArgument
from backbeat.models.invoices import Invoice, LineType
from backbeat.models.money import EXACT
from backbeat.models.period import Period
from backbeat.persistence import balances

_INSTANT: Final = timedelta(microseconds=1)
_UNTOUCHED: Final = {
    "archived_at": None,
    "deductions": (),
    "manual_entries": (),
    "rollovers": (),
    "trueups": (),
}
"""A balance as if nothing had become of it: whatever did so later, the invoice drew it."""


def versions(
    call: Call, contract: Contract, final: Invoice
) -> Iterator[tuple[Contract, drafts.Reading]]:
    """Yields the terms that an invoice may have been made by, the likelier ones first.

    A clock that stands still gives what came before and what came after the same time; at that very
    instant either is possible.
    """
    at = final.finalized_at or final.issued_at
    for until in (at, at - _INSTANT):
        reading = drafts.Reading(invoice_id=final.id, terms_until=until, paid=final.line_items)
        yield contracts.as_of(call, contract, until), reading


def as_made(
    call: Call, contract: Contract, customer: Customer, final: Invoice, period: Period
) -> tuple[Contract, drafts.Reading, bool]:
    """Returns the terms of a usage invoice, and whether it still comes to the same by them.

    It does not when usage came late. Readings keep its lines apart and are paid as it was.
    """
    found = [*versions(call, contract, final)]
    for terms, reading in found:
        try:
            computed = _assembled(call, terms, customer, final, period, reading)
        except InvalidArgument:
            # By these terms there was no price yet, so it is the others.
            continue
        if _amounts(computed) == _amounts(final):
            return terms, reading, True
    terms, reading = found[0]
    return terms, replace(reading, paid=()), False


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


def drawn_by(call: Call, final: Invoice) -> list[Source]:
    """Returns what an invoice drew: segments that hold that much and no more."""
    amounts: dict[str, Decimal] = {}
    for line in final.line_items:
        if line.type is LineType.APPLIED and line.commit_segment_id is not None:
            before = amounts.get(line.commit_segment_id, Decimal(0))
            amounts[line.commit_segment_id] = EXACT.subtract(before, line.total)
    whole = [
        balance.model_copy(update=_UNTOUCHED)
        for _, balance in balances.of_customer(call.store, call.tenant, final.customer_id)
    ]
    return [
        replace(source, available=amounts[source.segment.id])
        for source in ledgers.sources(whole)
        if amounts.get(source.segment.id, 0) > 0
    ]


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
