"""What single seats of a contract's subscriptions have."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from backbeat.application import balances, contracts, customers, settled_drafts
from backbeat.application.services import Call
from backbeat.domain import ledgers, seats
from backbeat.models.balances import Balance, LedgerEntry
from backbeat.models.contracts import Contract
from backbeat.models.errors import InvalidArgument
from backbeat.models.money import add
from backbeat.models.subscriptions import QuantityMode

_MOST_PARTS: Final = 100
"""Commits and credits of a page with details, when the page ends behind a whole seat."""


@dataclass(frozen=True, slots=True)
class SeatFilter:
    """Which seats, and which of their balances; None means whichever.

    Decision: without any date it is what can be drawn now, so that a starting balance is that of
    the period that runs.
    """

    subscription_ids: Sequence[str] | None
    seat_ids: frozenset[str] | None
    covering_date: datetime | None
    starting_at: datetime | None
    effective_before: datetime | None

    def wants(self, balance: Balance, now: datetime) -> bool:
        """Tells whether a balance passes."""
        [segment] = balance.segments
        if self.starting_at is None and self.effective_before is None:
            return segment.period.covers(self.covering_date or now)
        start, before = self.starting_at, self.effective_before
        return (start is None or segment.ending_before > start) and (
            before is None or segment.starting_at < before
        )


@dataclass(frozen=True, slots=True)
class ShownPart:
    """A seat's part of a commit or credit."""

    balance: Balance
    worth: Decimal
    granted: Decimal
    ledger: Sequence[LedgerEntry]


class SeatTotal(NamedTuple):
    """What a seat has in one unit, and what it was given."""

    credit_type_id: str
    worth: Decimal
    granted: Decimal


@dataclass(frozen=True, slots=True)
class ShownSeat:
    """A seat with its parts of commits and credits."""

    seat_id: str
    parts: Sequence[ShownPart]

    @property
    def totals(self) -> list[SeatTotal]:
        """What the parts come to in each unit."""
        units = dict.fromkeys(part.balance.credit_type.id for part in self.parts)
        return [
            SeatTotal(
                unit,
                add(*(p.worth for p in self.parts if p.balance.credit_type.id == unit)),
                add(*(p.granted for p in self.parts if p.balance.credit_type.id == unit)),
            )
            for unit in units
        ]


@dataclass(frozen=True, slots=True)
class SeatPage:
    """Some seats, how many come after them, and the cursor behind them."""

    seats: Sequence[ShownSeat]
    left: int
    cursor: str | None


def shown(call: Call, customer_id: str, contract_id: str, wanted: SeatFilter) -> list[ShownSeat]:
    """Returns the seats that have a part of their own of the contract's balances, by seat id.

    Raises:
        NotFound: the customer or the contract does not exist.
        InvalidArgument: a subscription is not one of the contract's with seats.
    """
    customer = customers.get(call, customer_id)
    contract = contracts.get(call, customer_id, contract_id)
    linked = _subscriptions(contract, wanted.subscription_ids)
    found = sorted(
        (
            balance
            for balance in balances.of_customer(call, customer_id)
            if balance.contract_id == contract.id
            and balance.seats is not None
            and balance.seats.is_individual
            and (
                balance.seats.link.subscription_id in linked
                # It follows a subscription of the contract before, and belongs to seats here.
                or (balance.rolled_over and wanted.subscription_ids is None)
            )
            and balance.archived_at is None
            and wanted.wants(balance, call.now)
        ),
        key=lambda balance: (balance.created_at, balance.sequence),
    )
    purse = settled_drafts.settled(call, customer)
    by_seat: dict[str, list[ShownPart]] = {}
    for balance in found:
        for seat_id in seats.seat_ids(balance):
            if wanted.seat_ids is None or seat_id in wanted.seat_ids:
                mine = list(seats.deductions_of(purse.drawn_from(balance), seat_id))
                part = seats.part_of(balance, seat_id)
                by_seat.setdefault(seat_id, []).append(
                    ShownPart(
                        balance,
                        ledgers.part_worth(part, call.now, mine),
                        seats.granted(part),
                        ledgers.entries(part, call.now, mine),
                    )
                )
    return [ShownSeat(seat_id, by_seat[seat_id]) for seat_id in sorted(by_seat)]


def page(
    found: Sequence[ShownSeat], *, limit: int, after: str | None, with_parts: bool
) -> SeatPage:
    """Returns the seats behind a seat id, up to a limit of them or of their parts."""
    ahead = [one for one in found if after is None or one.seat_id > after]
    chosen = list(_up_to(ahead[:limit], _MOST_PARTS) if with_parts else ahead[:limit])
    left = len(ahead) - len(chosen)
    return SeatPage(chosen, left, chosen[-1].seat_id if left else None)


def _up_to(found: Sequence[ShownSeat], most: int) -> Iterator[ShownSeat]:
    parts = 0
    for one in found:
        if parts >= most:
            return
        parts += len(one.parts)
        yield one


def _subscriptions(contract: Contract, wanted: Sequence[str] | None) -> set[str]:
    with_seats = {
        subscription.id
        for subscription in contract.subscriptions
        if subscription.quantity_mode is QuantityMode.SEAT_BASED
    }
    if wanted is None:
        return with_seats
    for subscription_id in wanted:
        if subscription_id not in with_seats:
            raise InvalidArgument(
                f"subscription_ids: {subscription_id} is no SEAT_BASED subscription of the contract"
            )
    return {*wanted}
