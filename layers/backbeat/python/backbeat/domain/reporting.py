"""What invoices, ledgers and subscriptions come to, month by month.

Owns: which month an amount belongs to, kinds of revenue, ages of receivables, recurring revenue.
Does not own: prices, who is asked about.
Times: months are UTC, half-open; an invoice belongs to the month it was issued in, a ledger's entry
to that of its time. Void invoices are no revenue.
Invariants: the kinds of a month add up to the totals of its invoices; a month's ledger entries add
up to the change of the balances.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Final, NamedTuple

from backbeat.domain import ladders
from backbeat.models.balances import LedgerEntry
from backbeat.models.external_invoices import ExternalStatus
from backbeat.models.invoices import Invoice, InvoiceStatus, InvoiceType, LineType
from backbeat.models.money import EXACT, USD, CreditType, add, multiply
from backbeat.models.period import Period
from backbeat.models.rates import Tier
from backbeat.models.schedules import Frequency

_ZERO: Final = Decimal(0)


class Kind(StrEnum):
    """What revenue is for. CREDITS are commits and credits that pay a part of the rest."""

    USAGE = "usage"
    SUBSCRIPTIONS = "subscriptions"
    COMMITS = "commits"
    OTHER = "other"
    CREDITS = "credits_applied"


_KINDS: Final = {
    LineType.USAGE: Kind.USAGE,
    LineType.CPU_CONVERSION: Kind.USAGE,
    LineType.SUBSCRIPTION: Kind.SUBSCRIPTIONS,
    LineType.COMMIT_PURCHASE: Kind.COMMITS,
    LineType.SCHEDULED: Kind.OTHER,
    LineType.PROFESSIONAL_SERVICE: Kind.OTHER,
    LineType.APPLIED: Kind.CREDITS,
}


class Cell(NamedTuple):
    """A month, by its first instant, in one pricing unit."""

    month: datetime
    unit: CreditType


@dataclass(slots=True)
class Revenue:
    """What final invoices of a cell come to. `of_kind` adds up to `total`.

    `paid_though_void` comes on top: what was paid for invoices that are void.
    """

    invoices: int = 0
    of_kind: dict[Kind, Decimal] = field(default_factory=lambda: dict.fromkeys(Kind, _ZERO))
    total: Decimal = _ZERO
    paid_though_void: Decimal = _ZERO


class Movement(StrEnum):
    """What moves a balance."""

    GRANTED = "granted"
    USED = "used"
    BY_HAND = "by_hand"
    ROLLED_OVER = "rolled_over"
    TRUED_UP = "trued_up"
    EXPIRED = "expired"


_MOVEMENTS: Final = {
    "SEGMENT_START": Movement.GRANTED,
    "INITIAL_BALANCE": Movement.GRANTED,
    "SEAT_BASED_ADJUSTMENT": Movement.GRANTED,
    "INVOICE_DEDUCTION": Movement.USED,
    "MANUAL": Movement.BY_HAND,
    "ROLLOVER": Movement.ROLLED_OVER,
    "TRUEUP": Movement.TRUED_UP,
    "EXPIRATION": Movement.EXPIRED,
}


class Age(StrEnum):
    """How long a receivable is overdue, in days."""

    NOT_DUE = "not_due"
    UP_TO_30 = "1-30"
    UP_TO_60 = "31-60"
    UP_TO_90 = "61-90"
    OLDER = "over 90"


@dataclass(frozen=True, slots=True)
class Receivable:
    """A final invoice that nobody is known to have paid."""

    invoice: Invoice
    due_at: datetime
    age: Age


def months_of(span: Period) -> Iterator[Period]:
    """Yields the calendar months that meet a span."""
    start = month_of(span.starting_at)
    while start < span.ending_before:
        following = month_of(start + timedelta(days=32))
        yield Period(start, following)
        start = following


def month_of(instant: datetime) -> datetime:
    """Returns the first instant of the month."""
    return instant.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def revenue(invoices: Iterable[Invoice], span: Period) -> dict[Cell, Revenue]:
    """Returns what was billed by final invoices that were issued in a span.

    Invoices that join others are left out: theirs are counted.
    """
    found: dict[Cell, Revenue] = defaultdict(Revenue)
    for invoice in invoices:
        if not span.covers(invoice.issued_at):
            continue
        place = Cell(month_of(invoice.issued_at), invoice.credit_type)
        if _is_paid_though_void(invoice):
            cell = found[place]
            cell.paid_though_void = add(cell.paid_though_void, invoice.total)
        if not _counts(invoice):
            continue
        cell = found[place]
        cell.invoices += 1
        cell.total = add(cell.total, invoice.total)
        for line in invoice.line_items:
            if line.credit_type == invoice.credit_type:
                kind = _KINDS[line.type]
                cell.of_kind[kind] = add(cell.of_kind[kind], line.total)
    return dict(found)


def movements(
    entries: Iterable[LedgerEntry], unit: CreditType, span: Period
) -> dict[Cell, dict[Movement, Decimal]]:
    """Returns what moved a ledger in a span. Entries that took are negative."""
    found: dict[Cell, dict[Movement, Decimal]] = defaultdict(lambda: dict.fromkeys(Movement, _ZERO))
    for entry in entries:
        if span.covers(entry.timestamp):
            cell = found[Cell(month_of(entry.timestamp), unit)]
            movement = _movement(entry)
            cell[movement] = add(cell[movement], entry.amount)
    return dict(found)


def receivables(invoices: Iterable[Invoice], now: datetime) -> list[Receivable]:
    """Returns final invoices that are not known to be paid, by when they are due.

    Without payment terms an invoice is due when it is issued. What a provider has given up or was
    taken back is none.
    """
    found = [
        Receivable(invoice, due_at, _age(due_at, now))
        for invoice in invoices
        if _counts(invoice) and invoice.total > 0 and not _is_settled(invoice)
        for due_at in [invoice.issued_at + timedelta(days=invoice.net_payment_terms_days or 0)]
    ]
    return sorted(found, key=lambda one: (one.due_at, one.invoice.id))


def monthly(ladder: tuple[Tier, ...], quantity: Decimal, frequency: Frequency) -> Decimal:
    """Returns what a recurring quantity comes to in a month, before it is rounded.

    A year has 12 months or 52 weeks.
    """
    pieces = ladders.split(ladder, start=_ZERO, end=quantity)
    each = add(*(multiply(piece.quantity, piece.step.price) for piece in pieces))
    times, months = _PER_MONTH[frequency]
    return EXACT.divide(EXACT.multiply(each, Decimal(times)), Decimal(months))


def rounded(amounts: Mapping[CreditType, Decimal]) -> dict[CreditType, Decimal]:
    """Returns monthly amounts as they are reported: half-up to cents, or hundredths of a unit."""
    return {
        unit: amount.quantize(
            Decimal(1) if unit == USD else Decimal("0.01"), ROUND_HALF_UP, context=EXACT
        )
        for unit, amount in amounts.items()
    }


_PER_MONTH: Final = {
    Frequency.WEEKLY: (52, 12),
    Frequency.MONTHLY: (1, 1),
    Frequency.QUARTERLY: (1, 3),
    Frequency.SEMI_ANNUAL: (1, 6),
    Frequency.ANNUAL: (1, 12),
}
"""How often a period's price falls due, in how many months."""


def _counts(invoice: Invoice) -> bool:
    return (
        invoice.status is InvoiceStatus.FINALIZED
        and invoice.type is not InvoiceType.USAGE_CONSOLIDATED
    )


def _is_paid_though_void(invoice: Invoice) -> bool:
    """Tells whether a void invoice was paid: voiding it gives nothing back at the provider."""
    external = invoice.external
    return (
        invoice.status is InvoiceStatus.VOID
        and external is not None
        and external.status is ExternalStatus.PAID
    )


def _is_settled(invoice: Invoice) -> bool:
    return invoice.external is not None and invoice.external.status in (
        ExternalStatus.PAID,
        ExternalStatus.VOID,
        ExternalStatus.DELETED,
        ExternalStatus.UNCOLLECTIBLE,
    )


def _movement(entry: LedgerEntry) -> Movement:
    return next(found for ending, found in _MOVEMENTS.items() if entry.type.endswith(ending))


def _age(due_at: datetime, now: datetime) -> Age:
    if now < due_at or now == due_at:
        return Age.NOT_DUE
    days = (now - due_at) / timedelta(days=1)
    for limit, age in ((30, Age.UP_TO_30), (60, Age.UP_TO_60), (90, Age.UP_TO_90)):
        if days <= limit:
            return age
    return Age.OLDER
