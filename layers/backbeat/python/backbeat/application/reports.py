"""Reports, a page of customers at a time. Each row is about one customer, so pages add up."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import takewhile
from typing import Final, TypeVar

from backbeat.application import contracts, customers, scheduled_invoices
from backbeat.application.services import Call
from backbeat.application.subscriptions import Lines, lines_of
from backbeat.domain import ledgers, reporting
from backbeat.domain import subscriptions as recurring
from backbeat.domain.reporting import Cell, Kind, Movement
from backbeat.models.contracts import Contract
from backbeat.models.customers import Customer
from backbeat.models.external_invoices import ExternalStatus
from backbeat.models.invoices import Invoice, InvoiceStatus
from backbeat.models.money import CreditType, add, subtract
from backbeat.models.payments import PaymentOutcome
from backbeat.models.period import Period
from backbeat.persistence import balances, invoices, payments

T = TypeVar("T")

Row = Mapping[str, object]
"""A line of a report: names of columns, and texts, numbers, instants and units."""

Report = Callable[[Call, Customer, Period], Iterator[Row]]

_INSTANT: Final = timedelta(microseconds=1)
_ZERO: Final = Decimal(0)
_GIVEN_UP: Final = (PaymentOutcome.FAILED, PaymentOutcome.CANCELED)
_FAILED: Final = (ExternalStatus.PAYMENT_FAILED, ExternalStatus.UNCOLLECTIBLE)


@dataclass(frozen=True, slots=True)
class _Priced:
    """A contract with what prices its subscriptions, which is read once for all months."""

    contract: Contract
    lines: Lines
    unit: CreditType


def page(
    call: Call, report: Report, span: Period, *, limit: int, cursor: str | None
) -> tuple[list[Row], str | None]:
    """Returns a report's rows about a page of the customers, and the next page's cursor.

    Archived customers are among them: what they were billed stays billed.
    """
    found, next_cursor = customers.page_of_all(call, limit=limit, cursor=cursor)
    rows: list[Row] = [
        {"customer_id": customer.id, "customer_name": customer.name, **row}
        for customer in found
        for row in report(call, customer, span)
    ]
    return rows, next_cursor


def revenue(call: Call, customer: Customer, span: Period) -> Iterator[Row]:
    """Yields what was billed, by month and unit.

    `ledger_used` is what the customer's ledgers say that its invoices took, `untied` what the
    invoices say beyond it: 0, unless balances of others paid. `paid_though_void` is in no other
    amount: what was paid at the provider for invoices that are void now, as those of archived
    customers are.
    """
    stored = list(invoices.of_customer(call.store, call.tenant, customer.id))
    taken: dict[str, Decimal] = {}
    for _, balance in balances.of_customer(call.store, call.tenant, customer.id):
        for one in balance.deductions:
            taken[one.invoice_id] = add(taken.get(one.invoice_id, _ZERO), one.amount)
    by_cell: dict[Cell, Decimal] = {}
    for invoice in stored:
        if invoice.status is InvoiceStatus.FINALIZED and span.covers(invoice.issued_at):
            cell = Cell(reporting.month_of(invoice.issued_at), invoice.credit_type)
            by_cell[cell] = add(by_cell.get(cell, _ZERO), taken.get(invoice.id, _ZERO))
    for cell, found in _in_order(reporting.revenue(stored, span)):
        used = by_cell.get(cell, _ZERO)
        yield {
            "month": cell.month,
            "unit": cell.unit,
            "invoices": found.invoices,
            **{kind.value: found.of_kind[kind] for kind in Kind},
            "total": found.total,
            "ledger_used": used,
            "untied": subtract(-found.of_kind[Kind.CREDITS], used),
            "paid_though_void": found.paid_though_void,
        }


def credits(call: Call, customer: Customer, span: Period) -> Iterator[Row]:
    """Yields what moved commits and credits, by month and unit. `change` is all of it together."""
    until = Period(span.starting_at, min(span.ending_before, call.now + _INSTANT))
    sums: dict[Cell, dict[Movement, Decimal]] = {}
    for _, balance in balances.of_customer(call.store, call.tenant, customer.id):
        entries = ledgers.entries(balance, call.now)
        for cell, moved in reporting.movements(entries, balance.credit_type, until).items():
            so_far = sums.setdefault(cell, dict.fromkeys(Movement, _ZERO))
            for movement, amount in moved.items():
                so_far[movement] = add(so_far[movement], amount)
    for cell, moved in _in_order(sums):
        yield {
            "month": cell.month,
            "unit": cell.unit,
            **{movement.value: moved[movement] for movement in Movement},
            "change": add(*moved.values()),
        }


def mrr(call: Call, customer: Customer, span: Period) -> Iterator[Row]:
    """Yields what recurs in a month at its end, and how that came from what it was at its start.

    The running month ends now. Amounts are rounded half-up to cents, or hundredths of other units.
    """
    priced = [
        _Priced(contract, lines_of(call, contract), scheduled_invoices.currency_of(call, contract))
        for contract in contracts.of_customer(call, customer)
        if contract.subscriptions
    ]
    for month, before, after in _standings(call, span, lambda at: _monthly(priced, at)):
        for unit in sorted({*before, *after}, key=lambda one: one.name):
            start, end = before.get(unit, _ZERO), after.get(unit, _ZERO)
            yield {
                "month": month.starting_at,
                "unit": unit,
                "starting": start,
                "new": end if not start else _ZERO,
                "expansion": max(subtract(end, start), _ZERO) if start and end else _ZERO,
                "contraction": min(subtract(end, start), _ZERO) if start and end else _ZERO,
                "churned": -start if not end else _ZERO,
                "mrr": end,
            }


def churn(call: Call, customer: Customer, span: Period) -> Iterator[Row]:
    """Yields the months in which the customer had a contract at the start or the end."""
    held = contracts.of_customer(call, customer)

    def is_active(at: datetime) -> bool:
        return any(_runs(contract, at) for contract in held)

    for month, before, after in _standings(call, span, is_active):
        if before or after:
            yield {
                "month": month.starting_at,
                "active_at_start": int(before),
                "won": int(after and not before),
                "lost": int(before and not after),
                "active_at_end": int(after),
            }


def failed_payments(call: Call, customer: Customer, span: Period) -> Iterator[Row]:
    """Yields payments of the span that came to nothing, and invoices of which providers say so.

    An attempt that another one replaced is canceled. `invoice_status` is where the invoice stands
    now: it may have been paid since.
    """
    stored = {
        invoice.id: invoice
        for invoice in invoices.of_customer(call.store, call.tenant, customer.id)
    }
    tried = [one for _, one in payments.of_customer(call.store, call.tenant, customer.id)]
    failed = [one for one in tried if one.outcome in _GIVEN_UP]
    for one in failed:
        if span.covers(one.created_at):
            yield {
                "month": reporting.month_of(one.created_at),
                "unit": one.currency,
                "invoice_id": one.invoice_id,
                "at": one.created_at,
                "outcome": one.outcome.value,
                "error": "" if one.error is None else one.error.message,
                "invoice_status": _collected(stored.get(one.invoice_id)),
                "total": one.amount,
            }
    known = {one.invoice_id for one in failed}
    for invoice in stored.values():
        external = invoice.external
        if (
            external is not None
            and external.status in _FAILED
            and invoice.id not in known
            and invoice.status is InvoiceStatus.FINALIZED
            and span.covers(invoice.issued_at)
        ):
            yield {
                "month": reporting.month_of(invoice.issued_at),
                "unit": invoice.credit_type,
                "invoice_id": invoice.id,
                "at": invoice.issued_at,
                "outcome": PaymentOutcome.FAILED.value,
                "error": external.error or "",
                "invoice_status": external.status.value,
                "total": invoice.total,
            }


def _collected(invoice: Invoice | None) -> str:
    if invoice is None:
        return "NONE"
    external = invoice.external
    return invoice.status.value if external is None else external.status.value


def receivables(call: Call, customer: Customer, span: Period) -> Iterator[Row]:
    """Yields final invoices issued before the span's end that nobody is known to have paid."""
    stored = invoices.of_customer(call.store, call.tenant, customer.id)
    issued = (invoice for invoice in stored if invoice.issued_at < span.ending_before)
    for one in reporting.receivables(issued, call.now):
        external = one.invoice.external
        yield {
            "unit": one.invoice.credit_type,
            "invoice_id": one.invoice.id,
            "issued_at": one.invoice.issued_at,
            "due_at": one.due_at,
            "age": one.age.value,
            "status": "NOT_SENT" if external is None else external.status.value,
            "total": one.invoice.total,
        }


REPORTS: Final[Mapping[str, Report]] = {
    "revenue": revenue,
    "mrr": mrr,
    "churn": churn,
    "credits": credits,
    "payments": failed_payments,
    "receivables": receivables,
}
"""All of them, by name."""


def _runs(contract: Contract, at: datetime) -> bool:
    """Tells whether a contract ran at an instant. It did until it was archived."""
    return contract.covers(at) and (contract.archived_at is None or at < contract.archived_at)


def _standings(
    call: Call, span: Period, look: Callable[[datetime], T]
) -> Iterator[tuple[Period, T, T]]:
    """Yields each month that has begun, with how things stood at its start and at its end."""
    begun = takewhile(lambda month: month.starting_at <= call.now, reporting.months_of(span))
    before: T | None = None
    for month in begun:
        start = look(month.starting_at - _INSTANT) if before is None else before
        before = look(min(month.ending_before - _INSTANT, call.now))
        yield month, start, before


def _monthly(priced: Sequence[_Priced], at: datetime) -> dict[CreditType, Decimal]:
    """Returns what recurs in a month at an instant, by unit."""
    sums: dict[CreditType, Decimal] = {}
    for one in priced:
        if not _runs(one.contract, at):
            continue
        for subscription in one.contract.subscriptions:
            end = recurring.end_of(subscription, one.contract)
            if subscription.starting_at > at or (end is not None and at >= end):
                continue
            parts = takewhile(
                lambda part: part.period.starting_at <= at,
                recurring.parts(subscription, one.contract),
            )
            price = next((one.lines.price(part) for part in parts if part.period.covers(at)), None)
            quantity = recurring.seats_at(subscription, at).quantity
            if price is not None and quantity:
                month = reporting.monthly(price.ladder, quantity, subscription.frequency)
                sums[one.unit] = add(sums.get(one.unit, _ZERO), month)
    return reporting.rounded(sums)


def _in_order(cells: Mapping[Cell, T]) -> list[tuple[Cell, T]]:
    return sorted(cells.items(), key=lambda item: (item[0].month, item[0].unit.name))
