"""Usage events as sent, and the counted usage of one hour."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple


class WindowSize(StrEnum):
    """How a span of time is cut."""

    HOUR = "HOUR"
    DAY = "DAY"
    NONE = "NONE"


PropertyValue = object
"""A decoded JSON value; numbers are `int` or `Decimal`."""


# What comes by the hundred is a tuple: made in a third of a data class's time.


class UsageEvent(NamedTuple):
    """One fact sent by the client. `customer_key` is the customer's id or an alias, as sent."""

    transaction_id: str
    customer_key: str
    event_type: str
    timestamp: datetime
    properties: Mapping[str, PropertyValue]


class StoredEvent(NamedTuple):
    """An event with the server time it was accepted at.

    `place` is its number in the order of ingest: among events of one instant the later one wins.
    Only tenants that meter greatest, latest or distinct values give their events one.
    """

    event: UsageEvent
    received_at: datetime
    place: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """An event, what it added to a metric's value, and the value after it."""

    stored: StoredEvent
    contribution: Decimal
    running_total: Decimal

    @property
    def position(self) -> str:
        """Its place among events in order of time: the order of these texts."""
        stored = self.stored
        times = f"{stored.event.timestamp.isoformat()}|{stored.received_at.isoformat()}"
        return f"{times}|{int(stored.place or 0):024}|{stored.event.transaction_id}"


class CellKey(NamedTuple):
    """What one usage cell counts: a metric's events of one customer key, hour and group.

    `groups` are the values of the metric's `cell_keys`, in that order; None where absent.
    """

    customer_key: str
    metric_id: str
    hour: datetime
    groups: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Tally:
    """How many events, and the sum of their aggregation property."""

    count: int
    sum: Decimal


@dataclass(frozen=True, slots=True)
class Highest:
    """The greatest value."""

    value: Decimal


@dataclass(frozen=True, slots=True)
class Latest:
    """The last value. `place` orders by the events' timestamps, then by their order of ingest."""

    place: Decimal
    value: Decimal


@dataclass(frozen=True, slots=True)
class Distinct:
    """The different values, each as its digest."""

    values: frozenset[str]


Measure = Tally | Highest | Latest | Distinct
"""What is known of a metric's events; measures of one metric can be put together."""


@dataclass(frozen=True, slots=True)
class UsageCell:
    """Counted usage of one hour and group."""

    hour: datetime
    groups: tuple[str | None, ...]
    tally: Measure
