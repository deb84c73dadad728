"""Meters at Stripe: what was used is told there as events, and read back as summaries.

Calls raise `Refused` and `Away` as those of the other provider ports do, and `Busy` where the
provider wants fewer calls.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Protocol

from backbeat.models.period import Period
from backbeat.ports.providers import Away


class Busy(Away):
    """Too many calls at once: nothing was done. Ask again later, and nothing else before."""


@dataclass(frozen=True, slots=True)
class StripeMeter:
    """A meter. The keys say where its events carry the customer and the value.

    `windowed` ones keep the latest event of an hour or a day instead of adding up.
    """

    id: str
    event_name: str
    formula: str
    active: bool
    windowed: bool
    customer_key: str
    value_key: str


@dataclass(frozen=True, slots=True)
class MeterEvent:
    """Usage to tell: `value` is added to what is known of the customer at the timestamp."""

    meter: StripeMeter
    customer_id: str
    value: Decimal
    identifier: str
    timestamp: datetime


class Sent(Enum):
    """How an event was taken. That is an acceptance: it is counted later, or lost."""

    ACCEPTED = "accepted"
    KNOWN = "known"
    """One with the same identifier came before, so this one changes nothing."""


@dataclass(frozen=True, slots=True)
class BilledUsage:
    """What an invoice bills of a meter and period; `amount` in the currency's smallest unit."""

    invoice_id: str
    status: str
    quantity: Decimal
    amount: int
    currency: str

    @property
    def is_final(self) -> bool:
        """Tells whether usage that comes now is no more on it."""
        return self.status != "draft"


class StripeMeters(Protocol):
    """The meters of one account."""

    @property
    def is_test(self) -> bool:
        """Tells whether nothing of it is about money: the key is one for tests."""
        ...

    def meter(self, meter_id: str) -> StripeMeter:
        """Returns a meter.

        Raises:
            Refused: there is none of that id.
        """
        ...

    def has_customer(self, customer_id: str) -> bool:
        """Tells whether a customer exists and is not deleted."""
        ...

    def send(self, event: MeterEvent) -> Sent:
        """Tells usage. Repeated with the same identifier within a day, it counts once."""
        ...

    def total(self, meter_id: str, customer_id: str, period: Period) -> Decimal:
        """Returns what is counted of a customer in a period of whole minutes, 0 for nothing."""
        ...

    def billed(self, meter_id: str, customer_id: str, period: Period) -> Sequence[BilledUsage]:
        """Returns the invoices that bill a meter for exactly a period; void ones are none."""
        ...

    def hold(self, invoice_id: str, *, held: bool) -> None:
        """Keeps a draft from being finalized by itself, or lets it be again."""
        ...
