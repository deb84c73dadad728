"""Balances that follow the seats of a subscription."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from backbeat.models.base import Model
from backbeat.models.rounding import RoundedShare


class Allocation(StrEnum):
    """Whether what seats bring is one pool, or each seat has its own."""

    POOLED = "POOLED"
    INDIVIDUAL = "INDIVIDUAL"


class SeatLink(Model):
    """The subscription a balance follows; `is_prorated` says so of seats added in a period."""

    subscription_id: str
    allocation: Allocation = Allocation.POOLED
    is_prorated: bool


class SeatAdjustment(Model):
    """What seats added in the middle of a period brought; INDIVIDUAL names the seat."""

    timestamp: datetime
    amount: Decimal
    seat_id: str | None = None


class SeatGrant(Model):
    """What a balance was given for seats, in the balance's unit.

    `quantity` seats were counted when its service period `[starting_at, ending_before)` began; each
    brought `each`. Seats of INDIVIDUAL allocation are named, and usage names them by `group_key`.
    What rolled over from another contract holds `parts` instead, an amount for each seat.
    A seat added later brings `unit_price`, prorated from then until `counts_until` of the
    `whole_hours` that a full period has.
    """

    link: SeatLink
    group_key: str | None = None
    quantity: Decimal
    seat_ids: tuple[str, ...] = ()
    each: Decimal
    parts: dict[str, Decimal] = {}
    unit_price: Decimal
    starting_at: datetime
    ending_before: datetime
    counts_until: datetime
    whole_hours: int
    rounding: RoundedShare | None = None
    adjustments: tuple[SeatAdjustment, ...] = ()

    @property
    def is_individual(self) -> bool:
        """Tells whether each seat has its own part."""
        return self.link.allocation is Allocation.INDIVIDUAL
