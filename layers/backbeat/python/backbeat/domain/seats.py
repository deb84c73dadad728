"""The parts of a balance that belong to single seats, and what added seats bring.

Owns: a seat's own part of a balance, adjustments for seats added in a period.
Does not own: who holds a seat when (see subscriptions), the ledger.
Times: an adjustment is dated when the seat was added, or the period's start where that is later.
Invariants: the parts add up to the balance; what a seat brought is never taken back.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from backbeat.domain.subscriptions import stretches
from backbeat.models.balances import Balance, Deduction, ManualEntry, Rollover
from backbeat.models.errors import InvalidArgument
from backbeat.models.money import EXACT, add, subtract
from backbeat.models.period import HOUR, Period
from backbeat.models.seats import SeatAdjustment, SeatGrant
from backbeat.models.subscriptions import Stretch, Subscription

_ZERO = Decimal(0)
_ONE = Decimal(1)


def seat_ids(balance: Balance) -> tuple[str, ...]:
    """Returns the seats that have a part of their own, in the order they got it."""
    grant = balance.seats
    if grant is None or not grant.is_individual:
        return ()
    later = (entry.seat_id for entry in grant.adjustments if entry.seat_id is not None)
    return tuple(dict.fromkeys([*grant.seat_ids, *later]))


def part_of(balance: Balance, seat_id: str) -> Balance:
    """Returns a seat's part as a balance of its own: with its amounts, entries and deductions."""
    grant = balance.seats
    if grant is None:
        return balance
    each = grant.each if seat_id in grant.seat_ids else _ZERO
    amount = grant.parts.get(seat_id, each)
    own = tuple(entry for entry in grant.adjustments if entry.seat_id == seat_id)
    return balance.model_copy(
        update={
            "segments": tuple(
                segment.model_copy(update={"amount": amount}) for segment in balance.segments
            ),
            "seats": grant.model_copy(update={"adjustments": own}),
            "manual_entries": tuple(_entries_of(balance.manual_entries, seat_id)),
            "deductions": tuple(deductions_of(balance.deductions, seat_id)),
            "rollovers": tuple(_rollovers_of(balance.rollovers, seat_id)),
        }
    )


def granted(part: Balance) -> Decimal:
    """Returns what a part was given: at the start and for seats added later."""
    later = () if part.seats is None else part.seats.adjustments
    return add(*(one.amount for one in part.segments), *(one.amount for one in later))


def deductions_of(deductions: Iterable[Deduction], seat_id: str) -> Iterator[Deduction]:
    """Yields what deductions took from one seat's part."""
    for deduction in deductions:
        amount = deduction.by_seat.get(seat_id)
        if amount is not None:
            yield deduction.model_copy(update={"amount": amount})


def rolled_over(grant: SeatGrant, moved: Iterable[Rollover]) -> SeatGrant:
    """Returns a grant that holds what of each seat's part has moved, and nothing else."""
    parts: dict[str, Decimal] = {}
    for one in moved:
        for seat_id, amount in one.by_seat.items():
            parts[seat_id] = add(parts.get(seat_id, _ZERO), amount)
    return grant.model_copy(
        update={
            "quantity": Decimal(len(parts)),
            "seat_ids": tuple(parts),
            "each": _ZERO,
            "parts": parts,
            "adjustments": (),
        }
    )


def _rollovers_of(rollovers: Iterable[Rollover], seat_id: str) -> Iterator[Rollover]:
    for one in rollovers:
        amount = one.by_seat.get(seat_id)
        if amount is not None:
            yield one.model_copy(update={"amount": amount})


def _entries_of(entries: Iterable[ManualEntry], seat_id: str) -> Iterator[ManualEntry]:
    for entry in entries:
        amount = entry.by_seat.get(seat_id)
        if amount is not None:
            yield entry.model_copy(update={"amount": amount})


def refuse_bad_parts(balance: Balance, amount: Decimal, by_seat: Mapping[str, Decimal]) -> None:
    """Refuses parts of an amount that do not fit a balance.

    Raises:
        InvalidArgument: each seat has its own part and none is named, or the other way round; a
            seat has no part; the parts do not add up.
    """
    known = seat_ids(balance)
    if balance.seats is None or not balance.seats.is_individual:
        if by_seat:
            raise InvalidArgument("per_group_amounts: no seat has a part of this balance")
        return
    if not by_seat:
        raise InvalidArgument("per_group_amounts: required, each seat has its own part")
    for seat_id in by_seat:
        if seat_id not in known:
            raise InvalidArgument(f"per_group_amounts: {seat_id} has no part of this balance")
    if add(*by_seat.values()) != amount:
        raise InvalidArgument("per_group_amounts: must add up to amount")


def adjusted(grant: SeatGrant, subscription: Subscription, *, until: datetime) -> SeatGrant:
    """Returns the grant with what seats added up to and at an instant have brought.

    Only seats above all that were counted before in the period bring something, like those that
    are billed (decision D-45). A change made later for an earlier time may add to it, but never
    takes away.
    """
    period = Period(grant.starting_at, grant.ending_before)
    begun = [
        stretch
        for stretch in stretches(subscription)
        if stretch.starting_at <= until and _meets(stretch, period)
    ]
    if grant.is_individual:
        return grant.model_copy(update={"adjustments": tuple(_by_seat(grant, begun))})
    fresh = tuple(_pooled(grant, begun))
    if _total(fresh) < _total(grant.adjustments):
        return grant
    return grant.model_copy(update={"adjustments": fresh})


def _meets(stretch: Stretch, period: Period) -> bool:
    end = stretch.ending_before
    return stretch.starting_at < period.ending_before and (end is None or end > period.starting_at)


def _pooled(grant: SeatGrant, begun: Sequence[Stretch]) -> Iterator[SeatAdjustment]:
    high = grant.quantity
    for stretch in begun:
        more = subtract(stretch.seats.quantity, high)
        if more > 0:
            at = max(stretch.starting_at, grant.starting_at)
            amount = _brought(grant, at, seats=more)
            yield SeatAdjustment(timestamp=at, amount=amount)
            high = stretch.seats.quantity


def _by_seat(grant: SeatGrant, begun: Sequence[Stretch]) -> list[SeatAdjustment]:
    """Returns each new seat's adjustment, that of the first time it was assigned."""
    found = {entry.seat_id: entry for entry in grant.adjustments}
    counted = {*grant.seat_ids}
    for stretch in begun:
        at = max(stretch.starting_at, grant.starting_at)
        for seat_id in stretch.seats.assigned:
            if seat_id in counted:
                continue
            counted.add(seat_id)
            fresh = SeatAdjustment(timestamp=at, amount=_brought(grant, at), seat_id=seat_id)
            before = found.get(seat_id)
            if before is None or before.amount < fresh.amount:
                found[seat_id] = fresh
    return sorted(found.values(), key=lambda entry: (entry.timestamp, entry.seat_id or ""))


def _brought(grant: SeatGrant, at: datetime, *, seats: Decimal = _ONE) -> Decimal:
    full = EXACT.multiply(seats, grant.unit_price)
    if not grant.link.is_prorated:
        return full
    left = (grant.counts_until - at) // HOUR
    one = EXACT.divide(EXACT.multiply(grant.unit_price, Decimal(left)), Decimal(grant.whole_hours))
    part = EXACT.multiply(seats, one)
    return part if grant.rounding is None else grant.rounding.of(part)


def _total(adjustments: Iterable[SeatAdjustment]) -> Decimal:
    return add(*(entry.amount for entry in adjustments))
