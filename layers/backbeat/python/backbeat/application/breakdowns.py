"""Invoices by hour and day, and spend sliced by any property, before credits.

Both rate a period anew with today's usage, so usage that came after an invoice was final shows here
although the invoice itself stays as it is. Terms are those that the invoice was made by.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from backbeat.application import (
    catalog,
    contracts,
    drafts,
    final_terms,
    historical_invoices,
    open_periods,
    settled_drafts,
)
from backbeat.application.services import Call
from backbeat.domain import invoicing, windows
from backbeat.models.catalog import Aggregation, BillableMetric, ProductState
from backbeat.models.contracts import Contract
from backbeat.models.customers import Customer
from backbeat.models.errors import InvalidArgument
from backbeat.models.invoices import Invoice, InvoiceStatus, LineItem, LineType
from backbeat.models.overrides import Override, OverrideType
from backbeat.models.period import HOUR, Period
from backbeat.models.rates import Rate
from backbeat.models.usage import WindowSize
from backbeat.persistence import invoices

_WINDOWS_PER_PAGE: Final = {WindowSize.HOUR: 24, WindowSize.DAY: 35, WindowSize.NONE: 35}
_BEFORE_CREDITS: Final = (LineType.USAGE, LineType.SUBSCRIPTION)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is wanted: windows that lie wholly in the span, of invoices that pass the filters."""

    span: Period
    size: WindowSize
    newest_first: bool = False
    status: str | None = None
    credit_type_id: str | None = None


@dataclass(frozen=True, slots=True)
class Slicing:
    """By which properties spend is split, and which values count; without values, all do."""

    keys: tuple[str, ...] | None = None
    wanted: dict[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Row:
    """One window of an invoice: the lines and the total are those of the window alone."""

    invoice: Invoice
    window: Period

    @property
    def position(self) -> str:
        """Its place in the order of rows: by issue date, then by time."""
        return _position(self.invoice.issued_at, self.invoice.id, self.window)


@dataclass(frozen=True, slots=True)
class _Bill:
    """A usage invoice that may be broken down; `stored` is None for a draft."""

    id: str
    issued_at: datetime
    period: Period
    contract: Contract
    stored: Invoice | None


def is_one_window(span: Period, size: WindowSize) -> bool:
    """Tells whether a span lies in one UTC hour or day."""
    return len([*windows.aligned(span, size)]) == 1


def page(
    call: Call,
    customer: Customer,
    asked: Asked,
    *,
    limit: int,
    after: str | None,
    slicing: Slicing | None = None,
) -> tuple[list[Row], str | None]:
    """Returns a page of rows, and the position behind it. It covers at most 24 hours or 35 days.

    With `slicing`, rows hold what was spent before credits.

    Raises:
        InvalidArgument: a key to slice by is no group key of any metric.
    """
    if slicing is not None:
        _refuse_unknown_keys(call, slicing)
    shown: list[Row] = []
    starts: set[datetime] = set()
    for row in _rows(call, customer, asked, after, slicing):
        starts.add(row.window.starting_at)
        if len(shown) == limit or len(starts) > _WINDOWS_PER_PAGE[asked.size]:
            return shown, shown[-1].position
        shown.append(row)
    return shown, None


def _rows(
    call: Call, customer: Customer, asked: Asked, after: str | None, slicing: Slicing | None
) -> Iterator[Row]:
    for bill in _bills(call, customer, newest_first=asked.newest_first):
        status = InvoiceStatus.DRAFT if bill.stored is None else bill.stored.status
        if asked.status not in (None, status.value):
            continue
        inside = [
            window
            for window in _windows(bill.period, asked)
            if after is None or _is_after(_position(bill.issued_at, bill.id, window), after, asked)
        ]
        # One more than a page holds tells that there is another page.
        chosen = inside[: _WINDOWS_PER_PAGE[asked.size] + 1]
        if chosen:
            yield from _rows_of(call, customer, bill, chosen, asked, slicing)


def _bills(call: Call, customer: Customer, *, newest_first: bool) -> list[_Bill]:
    # The periods are read before the invoices: one finalized in between shows up as stored.
    awaiting = list(open_periods.of_customer(call, customer.id))
    by_id = {contract.id: contract for contract in contracts.of_customer(call, customer)}
    bills = {
        stored.id: _Bill(
            stored.id, stored.issued_at, stored.period, by_id[stored.contract_id], stored
        )
        for stored in invoices.of_customer(call.store, call.tenant, customer.id)
        if stored.period is not None
    }
    for contract, period, _ in awaiting:
        invoice_id = invoicing.usage_invoice_id(contract.id, period)
        draft = _Bill(invoice_id, invoicing.finalizes_at(period), period, contract, None)
        bills.setdefault(invoice_id, draft)
    live = [
        bill
        for bill in bills.values()
        if bill.stored is None or bill.stored.status is not InvoiceStatus.VOID
    ]
    return sorted(live, key=lambda bill: (bill.issued_at, bill.id), reverse=newest_first)


def _windows(period: Period, asked: Asked) -> list[Period]:
    if asked.size is WindowSize.NONE:
        part = period.within(asked.span)
        return [] if part is None else [part]
    whole = [
        window
        for window in windows.aligned(period, asked.size)
        if window.starting_at >= asked.span.starting_at
        and window.ending_before <= asked.span.ending_before
    ]
    return whole[::-1] if asked.newest_first else whole


def _rows_of(
    call: Call,
    customer: Customer,
    bill: _Bill,
    chosen: Sequence[Period],
    asked: Asked,
    slicing: Slicing | None,
) -> Iterator[Row]:
    # The windows adjoin, so the place of an instant among their borders names its window.
    borders = sorted({border for window in chosen for border in window})
    reading = drafts.Reading(
        cuts=frozenset(borders),
        apart=lambda instant: bisect_right(borders, instant),
        regroup=drafts.AS_IT_STANDS.regroup
        if slicing is None
        else _regrouping(bill.contract, slicing),
        invoice_id=bill.id,
    )
    whole = _assembled(call, customer, bill, reading, before_credits=slicing is not None)
    if asked.credit_type_id not in (None, whole.credit_type.id):
        return
    for window in chosen:
        lines = tuple(
            line
            for line in whole.line_items
            if window.covers(_instant(line, bill.period))
            and (slicing is None or line.type in _BEFORE_CREDITS)
        )
        header = bill.stored or whole
        yield Row(
            header.model_copy(
                update={
                    "line_items": lines,
                    "total": invoicing.total(lines, header.credit_type),
                }
            ),
            window,
        )


def _assembled(
    call: Call,
    customer: Customer,
    bill: _Bill,
    windows: drafts.Reading,
    *,
    before_credits: bool,
) -> Invoice:
    """Returns the invoice cut into windows, which are paid in order as the whole of it is."""
    contract, period, stored = bill.contract, bill.period, bill.stored
    whole = drafts.Reading(invoice_id=bill.id)
    if stored is not None:
        contract, whole, unchanged = final_terms.as_made(call, contract, customer, stored, period)
        if unchanged and not before_credits:
            windows = replace(windows, paid=stored.line_items)
        windows = replace(windows, known=whole.known, terms_until=whole.terms_until)
    if stored is not None and stored.given_usage:
        # Its usage was given with it, so none comes late.
        return historical_invoices.priced_anew(call, contract, stored, period, windows)
    if not before_credits and not windows.paid:
        paid = settled_drafts.again(call, contract, customer, period, whole)
        windows = replace(windows, paid=paid.line_items)
    return drafts.assemble(call, contract, customer, period, windows)


def _instant(line: LineItem, period: Period) -> datetime:
    """Returns when a line falls: at its start, or at the edge of the period it is billed with."""
    start = line.starting_at or period.starting_at
    return min(max(start, period.starting_at), period.ending_before - HOUR)


def _regrouping(contract: Contract, slicing: Slicing) -> drafts.Regroup:
    special = any(_needs_default_keys(override) for override in contract.overrides)

    def regroup(
        state: ProductState, metric: BillableMetric, rates: Sequence[Rate]
    ) -> drafts.Grouping:
        keys = slicing.keys
        if (
            keys is None
            or special
            or metric.aggregation_type is Aggregation.MAX
            or state.quantity_rounding is not None
            or any(len(rate.ladder) > 1 for rate in rates)
            or not {*keys} <= {*metric.cell_keys}
        ):
            return drafts.Grouping(state)
        pricing = state.pricing_group_key or ()
        # What chooses the price stays a key, or there would be no price to multiply by.
        presentation = tuple(key for key in keys if key not in pricing)
        return drafts.Grouping(
            state.model_copy(update={"presentation_group_key": presentation}),
            lambda group: all(
                not values or group.get(key) in values for key, values in slicing.wanted.items()
            ),
        )

    return regroup


def _needs_default_keys(override: Override) -> bool:
    """Tells whether an override's effect depends on how lines are grouped."""
    return (
        override.is_commit_specific
        or override.type is OverrideType.TIERED
        or (override.overwrite_rate is not None and len(override.overwrite_rate.ladder) > 1)
        or any(specifier.presentation_group_values for specifier in override.specifiers)
    )


def _refuse_unknown_keys(call: Call, slicing: Slicing) -> None:
    known = {key for metric in catalog.metrics(call) for key in metric.cell_keys}
    for key in slicing.keys or ():
        if key not in known:
            raise InvalidArgument(f"group_keys: {key} is not a group key of any billable metric")
    for key in slicing.wanted:
        if key not in (slicing.keys or ()):
            raise InvalidArgument(f"group_filters: {key} is not among group_keys")


def _is_after(position: str, after: str, asked: Asked) -> bool:
    return position < after if asked.newest_first else position > after


def _position(issued_at: datetime, invoice_id: str, window: Period) -> str:
    return f"{issued_at.isoformat()}#{invoice_id}#{window.starting_at.isoformat()}"
