"""When balances may be drawn, as contracts end and are followed.

Owns: cutting access at an end, what rolls over into the contract that follows.
Does not own: whether a change is allowed, what is left of a segment.
Times: segments are half-open; one that was drawn or rolls over keeps its entries, with no width.
Invariants: nothing is drawn after the end of the contract; what rolls over is never more than what
is left, nor than the fraction of what the segments held at first.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from backbeat.domain import ledgers, periods, seats
from backbeat.domain.identity import derived_id
from backbeat.models.balances import (
    AccessSegment,
    Balance,
    Deduction,
    Origin,
    Rollover,
)
from backbeat.models.contracts import Contract
from backbeat.models.money import add, multiply, subtract
from backbeat.models.seats import SeatGrant

_OPEN_ENDED_MONTHS: Final = 12
"""Decision: for how long a balance rolled over into an open-ended contract may be drawn."""


def as_ended(balance: Balance, ending_before: datetime | None, now: datetime) -> Balance:
    """Returns a contract's balance as its end leaves it, once the contract has ended."""
    if ending_before is None or ending_before > now:
        return balance
    return balance.model_copy(
        update={
            "segments": tuple(
                _clamped(segment, ending_before)
                for segment in balance.segments
                if _stays(balance, segment, ending_before)
            )
        }
    )


def cut(balance: Balance, ending_before: datetime, *, keeps_unused: bool = False) -> Balance:
    """Returns a balance that nothing can be drawn from after an instant.

    Segments after it are gone, but for those that were drawn. With `keeps_unused` all stay, as if
    they began then: what they hold is to roll over.
    """
    segments = []
    for segment in balance.segments:
        if _stays(balance, segment, ending_before):
            segments.append(_clamped(segment, ending_before))
        elif keeps_unused:
            at_end = {"starting_at": ending_before, "ending_before": ending_before}
            segments.append(segment.model_copy(update=at_end))
    kept = {segment.id for segment in segments}
    entries = tuple(entry for entry in balance.manual_entries if entry.segment_id in kept)
    return balance.model_copy(update={"segments": tuple(segments), "manual_entries": entries})


def without_later_payments(
    balance: Balance, ending_before: datetime, *, keeps_trueup: bool = False
) -> Balance:
    """Returns a commit that is not paid for after an instant; what is dated exactly then is."""
    schedule = balance.invoice_schedule
    if schedule is None or (keeps_trueup and balance.has_trueup):
        return balance
    items = tuple(item for item in schedule.items if item.timestamp <= ending_before)
    return balance.model_copy(
        update={"invoice_schedule": schedule.model_copy(update={"items": items})}
    )


def can_roll_over(balance: Balance, at: datetime) -> bool:
    """Tells whether something of a balance may move into a contract that starts at an instant."""
    return (
        bool(balance.rollover_fraction)
        and balance.archived_at is None
        and any(segment.ending_before >= at for segment in balance.segments)
    )


def successor(balance: Balance, contract: Contract) -> Balance:
    """Returns the balance of a contract into which what is left of another one rolls over.

    What it holds is not known before the other contract's usage is: it awaits that.
    """
    id_ = derived_id("rollover", balance.id, contract.id)
    start = contract.starting_at
    end = contract.ending_before or periods.add_months(start, _OPEN_ENDED_MONTHS)
    segment = AccessSegment(
        id=derived_id("segment", id_, 0), amount=Decimal(0), starting_at=start, ending_before=end
    )
    return balance.model_copy(
        update={
            "id": id_,
            "contract_id": contract.id,
            "segments": (segment,),
            "invoice_schedule": None,
            "netsuite_sales_order_id": None,
            "recurring_id": None,
            # What seats brought to a pool is in what is left: it rolls over as one amount.
            "seats": _without_parts(balance.seats),
            "rolled_over_from": Origin(
                contract_id=balance.contract_id or "", balance_id=balance.id
            ),
            "awaits_rollover": True,
            "manual_entries": (),
            "deductions": (),
            "rollovers": (),
            "trueups": (),
            "custom_fields": {},
            "uniqueness_key": None,
            "created_at": start,
        }
    )


def rolled_over(
    balance: Balance, contract: Contract, drawn: Sequence[Deduction]
) -> tuple[Rollover, ...]:
    """Returns what of a balance moves into the contract that follows its own, by segment.

    That is all that is left of the segments which had not ended before, but no more than the
    rollover fraction of what they held at first (decision: of the active and later segments).
    """
    at = contract.starting_at
    if balance.archived_at is not None and not balance.archived_with_contract:
        return ()
    unused = [segment for segment in balance.segments if segment.ending_before >= at]
    if balance.seats is not None and balance.seats.is_individual:
        return tuple(_parts_rolled_over(balance, contract, unused, drawn))
    cap = multiply(
        balance.rollover_fraction or Decimal(0), add(*(segment.amount for segment in unused))
    )
    moved = []
    for segment in unused:
        left = ledgers.available(balance, segment, drawn)
        amount = min(left, cap)
        if amount > 0:
            cap = subtract(cap, amount)
            moved.append(
                Rollover(
                    segment_id=segment.id,
                    new_contract_id=contract.id,
                    amount=amount,
                    timestamp=at,
                )
            )
    return tuple(moved)


def _parts_rolled_over(
    balance: Balance,
    contract: Contract,
    unused: Iterable[AccessSegment],
    drawn: Sequence[Deduction],
) -> Iterator[Rollover]:
    """Yields what moves where each seat has its own part: of each part no more than the fraction.

    Decision: a seat that was added later held at first what it brought then.
    """
    fraction = balance.rollover_fraction or Decimal(0)
    parts = {seat_id: seats.part_of(balance, seat_id) for seat_id in seats.seat_ids(balance)}
    for segment in unused:
        by_seat = {}
        for seat_id, part in parts.items():
            [own] = [one for one in part.segments if one.id == segment.id]
            left = ledgers.available(part, own, list(seats.deductions_of(drawn, seat_id)))
            amount = min(left, multiply(fraction, seats.granted(part)))
            if amount > 0:
                by_seat[seat_id] = amount
        if by_seat:
            yield Rollover(
                segment_id=segment.id,
                new_contract_id=contract.id,
                amount=add(*by_seat.values()),
                by_seat=by_seat,
                timestamp=contract.starting_at,
            )


def _without_parts(grant: SeatGrant | None) -> SeatGrant | None:
    if grant is None or not grant.is_individual:
        return None
    return seats.rolled_over(grant, ())


def emptied(balance: Balance) -> Balance:
    """Returns a rolled-over balance that awaits again what is left of its origin."""
    segments = tuple(one.model_copy(update={"amount": Decimal(0)}) for one in balance.segments)
    return balance.model_copy(
        update={
            "segments": segments,
            "seats": _without_parts(balance.seats),
            "awaits_rollover": True,
        }
    )


def with_rollover(balance: Balance, moved: Sequence[Rollover]) -> Balance:
    """Returns a balance that holds what moved into it."""
    [segment] = balance.segments
    amount = add(*(part.amount for part in moved))
    grant = balance.seats
    return balance.model_copy(
        update={
            "segments": (segment.model_copy(update={"amount": amount}),),
            "seats": None if grant is None else seats.rolled_over(grant, moved),
        }
    )


def _clamped(segment: AccessSegment, ending_before: datetime) -> AccessSegment:
    if segment.ending_before <= ending_before:
        return segment
    end = max(segment.starting_at, ending_before)
    return segment.model_copy(update={"ending_before": end})


def _stays(balance: Balance, segment: AccessSegment, ending_before: datetime) -> bool:
    """Tells whether a segment is part of the balance's history when its access ends."""
    return (
        segment.starting_at < ending_before
        or segment.starting_at == segment.ending_before
        or any(taken.segment_id == segment.id for taken in balance.deductions)
    )
