"""A balance's ledger, derived from its facts.

Owns: which entries there are, what remains of a segment, what a balance is worth now.
Does not own: how much an invoice draws, how much rolls over.
Times: an invoice's deduction is dated the end of its period, or of the segment if that is earlier.
Invariants: once a segment is over its entries add up to zero, unless taken below zero by hand or
waiting for a true-up; a ledger does not depend on the order in which its facts came.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from backbeat.domain import charges
from backbeat.domain.drawdown import Source, products_named
from backbeat.domain.seats import deductions_of, part_of, seat_ids
from backbeat.models.balances import (
    AccessSegment,
    Balance,
    BalanceType,
    Deduction,
    LedgerEntry,
)
from backbeat.models.money import add, subtract
from backbeat.models.seats import SeatAdjustment

_ZERO = Decimal(0)
_NO_TAGS: Final[Mapping[str, Collection[str]]] = {}
_PREFIXES = {
    BalanceType.PREPAID: "PREPAID_COMMIT",
    BalanceType.POSTPAID: "POSTPAID_COMMIT",
    BalanceType.CREDIT: "CREDIT",
}
_ORDER = (
    "SEGMENT_START",
    "INITIAL_BALANCE",
    "SEAT_BASED_ADJUSTMENT",
    "INVOICE_DEDUCTION",
    "MANUAL",
    "ROLLOVER",
    "TRUEUP",
    "EXPIRATION",
)
"""Of entries of one instant; those of one kind are in the order of their amounts' creation."""


def available(balance: Balance, segment: AccessSegment, drawn: Iterable[Deduction] = ()) -> Decimal:
    """Returns what is left of a segment after all deductions; by hand it may go below zero."""
    id_ = segment.id
    left = add(
        segment.amount,
        *(added.amount for added in _adjustments(balance)),
        *(entry.amount for entry in balance.manual_entries if entry.segment_id == id_),
    )
    return subtract(
        left,
        *(taken.amount for taken in (*balance.deductions, *drawn) if taken.segment_id == id_),
        *(moved.amount for moved in balance.rollovers if moved.segment_id == id_),
        # A postpaid commit has one segment, so what was billed as missing is missing of that one.
        *(billed.amount for billed in balance.trueups),
    )


def _adjustments(balance: Balance) -> Sequence[SeatAdjustment]:
    """Returns what added seats brought: only balances of one segment follow seats."""
    return () if balance.seats is None else balance.seats.adjustments


def sources(
    balances: Iterable[Balance],
    drawn: Sequence[Deduction] = (),
    *,
    tags_of: Mapping[str, Collection[str]] = _NO_TAGS,
) -> list[Source]:
    """Returns every segment that has something left to draw, seat by seat where each has a part.

    `tags_of` holds the tags that each product carries now, where balances name any.
    """
    found = []
    for balance in balances:
        named = products_named(balance, tags_of)
        for part, seat_id, mine in _parts(balance, drawn):
            for segment in part.segments:
                left = available(part, segment, mine)
                if left > 0:
                    found.append(Source(balance, segment, left, named, seat_id))
    return found


def _parts(
    balance: Balance, drawn: Sequence[Deduction]
) -> Iterator[tuple[Balance, str | None, Sequence[Deduction]]]:
    """Yields a balance, or the parts of its seats, with what was drawn from each."""
    if balance.seats is None or not balance.seats.is_individual:
        yield balance, None, drawn
        return
    for seat_id in seat_ids(balance):
        yield part_of(balance, seat_id), seat_id, list(deductions_of(drawn, seat_id))


def as_of(balance: Balance, at: datetime) -> Balance:
    """Returns a balance with the facts that are dated until an instant."""
    archived = balance.archived_at
    seats = balance.seats
    if seats is not None:
        kept = tuple(one for one in seats.adjustments if one.timestamp <= at)
        seats = seats.model_copy(update={"adjustments": kept})
    return balance.model_copy(
        update={
            "manual_entries": tuple(one for one in balance.manual_entries if one.timestamp <= at),
            "deductions": tuple(one for one in balance.deductions if one.timestamp <= at),
            "rollovers": tuple(one for one in balance.rollovers if one.timestamp <= at),
            "trueups": tuple(one for one in balance.trueups if one.timestamp <= at),
            "seats": seats,
            "archived_at": None if archived is None or archived > at else archived,
        }
    )


def worth(balance: Balance, now: datetime, drawn: Sequence[Deduction] = ()) -> Decimal:
    """Returns what can be used now: active segments only, a segment below zero counting zero.

    Where each seat has a part of its own, so does each part.
    """
    if balance.archived_at is not None:
        return _ZERO
    return add(*(part_worth(part, now, mine) for part, _, mine in _parts(balance, drawn)))


def part_worth(part: Balance, now: datetime, drawn: Sequence[Deduction] = ()) -> Decimal:
    """Returns what can be used now of a balance or of one seat's part, as a whole."""
    active = (segment for segment in part.segments if segment.period.covers(now))
    return add(*(max(_ZERO, available(part, segment, drawn)) for segment in active))


def shortfall(balance: Balance, drawn: Sequence[Deduction] = ()) -> Decimal:
    """Returns what is missing of a postpaid commit."""
    missing = (available(balance, segment, drawn) for segment in balance.segments)
    return add(*(max(_ZERO, amount) for amount in missing))


def entries(balance: Balance, now: datetime, drawn: Sequence[Deduction] = ()) -> list[LedgerEntry]:
    """Returns the ledger in order. `drawn` are the deductions of drafts, dated ahead."""
    if balance.archived_at is not None and not balance.archived_with_contract:
        return []
    found = [entry for segment in balance.segments for entry in _of(balance, segment, now, drawn)]
    return sorted(found, key=_place)


def _of(
    balance: Balance, segment: AccessSegment, now: datetime, drawn: Sequence[Deduction]
) -> Iterator[LedgerEntry]:
    end = segment.ending_before
    if balance.archived_at is not None:
        if balance.archived_at <= segment.starting_at:
            return
        end = min(end, balance.archived_at)
    prefix = _PREFIXES[balance.type]
    postpaid = balance.type is BalanceType.POSTPAID
    named = None if postpaid else segment.id
    if segment.starting_at <= now:
        start = "INITIAL_BALANCE" if postpaid else "SEGMENT_START"
        yield LedgerEntry(
            f"{prefix}_{start}", segment.starting_at, segment.amount, segment_id=named
        )
    yield from _facts(balance, segment, now, drawn)
    left = available(balance, segment, drawn)
    if left <= 0:
        return
    # One that was billed already stays as it is, even if an invoice gave something back since.
    if balance.has_trueup and not balance.trueups:
        at = max(charges.trueup_at(balance), end)
        if at <= now:
            yield LedgerEntry(
                f"{prefix}_TRUEUP",
                at,
                -left,
                invoice_id=charges.trueup_invoice_id(balance),
                contract_id=balance.invoiced_by,
            )
    elif end <= now:
        yield LedgerEntry(f"{prefix}_EXPIRATION", end, -left, segment_id=named)


def _facts(
    balance: Balance, segment: AccessSegment, now: datetime, drawn: Sequence[Deduction]
) -> Iterator[LedgerEntry]:
    prefix = _PREFIXES[balance.type]
    for added in _adjustments(balance):
        yield LedgerEntry(
            f"{prefix}_SEAT_BASED_ADJUSTMENT", added.timestamp, added.amount, segment_id=segment.id
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
    for moved in balance.rollovers:
        if moved.segment_id == segment.id and moved.timestamp <= now:
            yield LedgerEntry(
                f"{prefix}_ROLLOVER",
                moved.timestamp,
                -moved.amount,
                segment_id=segment.id,
                new_contract_id=moved.new_contract_id,
            )
    # Where nothing was missing, there is no entry.
    for billed in (one for one in balance.trueups if one.amount):
        yield LedgerEntry(
            f"{prefix}_TRUEUP",
            billed.timestamp,
            -billed.amount,
            invoice_id=billed.invoice_id,
            contract_id=billed.contract_id,
        )


def _place(entry: LedgerEntry) -> tuple[object, ...]:
    rank = next(rank for rank, kind in enumerate(_ORDER) if entry.type.endswith(kind))
    manual = entry.type.endswith("MANUAL")
    # What invoices took is told apart by invoice; what was entered by hand keeps its order.
    return entry.timestamp, rank, "" if manual else (entry.invoice_id or entry.segment_id or "")
