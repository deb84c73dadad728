"""A balance's ledger, derived from its facts.

Owns: which entries there are, what remains of a segment, what a balance is worth now.
Does not own: how much an invoice draws.
Times: an invoice's deduction is dated the end of its period, or of the segment if that is earlier.
Invariants: once a segment is over its entries add up to zero, unless taken below zero by hand.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal

from backbeat.domain.drawdown import Source
from backbeat.models.balances import (
    AccessSegment,
    Balance,
    BalanceType,
    Deduction,
    LedgerEntry,
)

_ZERO = Decimal(0)


_PREFIXES = {
    BalanceType.PREPAID: "PREPAID_COMMIT",
    BalanceType.POSTPAID: "POSTPAID_COMMIT",
    BalanceType.CREDIT: "CREDIT",
}
_ORDER = ("SEGMENT_START", "INITIAL_BALANCE", "INVOICE_DEDUCTION", "MANUAL", "EXPIRATION")


def available(balance: Balance, segment: AccessSegment, drawn: Iterable[Deduction] = ()) -> Decimal:
    """Returns what is left of a segment after all deductions; by hand it may go below zero."""
    left = segment.amount
    for entry in balance.manual_entries:
        if entry.segment_id == segment.id:
            left += entry.amount
    for deduction in (*balance.deductions, *drawn):
        if deduction.segment_id == segment.id:
            left -= deduction.amount
    return left


def sources(balances: Iterable[Balance], drawn: Sequence[Deduction] = ()) -> list[Source]:
    """Returns every segment that has something left to draw."""
    found = []
    for balance in balances:
        for segment in balance.segments:
            left = available(balance, segment, drawn)
            if left > 0:
                found.append(Source(balance, segment, left))
    return found


def worth(balance: Balance, now: datetime, drawn: Sequence[Deduction] = ()) -> Decimal:
    """Returns what can be used now: active segments only, a segment below zero counting zero."""
    if balance.archived_at is not None:
        return _ZERO
    return sum(
        (
            max(_ZERO, available(balance, segment, drawn))
            for segment in balance.segments
            if segment.period.covers(now)
        ),
        _ZERO,
    )


def entries(balance: Balance, now: datetime, drawn: Sequence[Deduction] = ()) -> list[LedgerEntry]:
    """Returns the ledger in order. `drawn` are the deductions of drafts, dated ahead."""
    found = [entry for segment in balance.segments for entry in _of(balance, segment, now, drawn)]
    return sorted(found, key=lambda entry: (entry.timestamp, _rank(entry)))


def _of(
    balance: Balance, segment: AccessSegment, now: datetime, drawn: Sequence[Deduction]
) -> Iterator[LedgerEntry]:
    prefix = _PREFIXES[balance.type]
    postpaid = balance.type is BalanceType.POSTPAID
    if segment.starting_at <= now:
        start = "INITIAL_BALANCE" if postpaid else "SEGMENT_START"
        yield LedgerEntry(
            f"{prefix}_{start}",
            segment.starting_at,
            segment.amount,
            segment_id=None if postpaid else segment.id,
        )
    for deduction in (*balance.deductions, *drawn):
        if deduction.segment_id == segment.id:
            yield LedgerEntry(
                f"{prefix}_AUTOMATED_INVOICE_DEDUCTION",
                deduction.timestamp,
                -deduction.amount,
                segment_id=segment.id,
                invoice_id=deduction.invoice_id,
                contract_id=deduction.contract_id,
            )
    for manual in balance.manual_entries:
        if manual.segment_id == segment.id:
            yield LedgerEntry(
                f"{prefix}_MANUAL", manual.timestamp, manual.amount, reason=manual.reason
            )
    left = available(balance, segment, drawn)
    if segment.ending_before <= now and left > 0:
        yield LedgerEntry(
            f"{prefix}_EXPIRATION",
            segment.ending_before,
            -left,
            segment_id=None if postpaid else segment.id,
        )


def _rank(entry: LedgerEntry) -> int:
    return next(rank for rank, kind in enumerate(_ORDER) if entry.type.endswith(kind))
