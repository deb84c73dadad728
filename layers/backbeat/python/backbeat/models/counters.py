"""What metering counts: counters, and the events that were sent to them."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from backbeat.models.base import Model
from backbeat.models.catalog import Aggregation
from backbeat.models.usage import PropertyValue

QUANTITY = "quantity"
"""The property that carries an event's amount."""

RESOURCE = "resource_id"
"""The property that carries what the amount was used of or on."""

SYSTEM_PROPERTIES = (QUANTITY, RESOURCE, "source", "adjustment_id", "operation_id")
"""Properties of a stored event that are not from its sender's `meta`."""


class Counter(Model):
    """A billable metric under the name that events are sent to, and how it takes late ones.

    An event is late when it is older than `late_window_hours` as it comes. In an open period one
    of up to `late_limit` units counts at once; anything else waits for somebody's approval.
    """

    name: str
    billable_metric_id: str
    aggregation: Aggregation
    late_window_hours: int = 48
    late_limit: Decimal = Decimal(1000)
    unit: str | None = None
    created_at: datetime

    @property
    def late_window(self) -> timedelta:
        """How old an event may be to count without more ado."""
        return timedelta(hours=self.late_window_hours)

    @property
    def adds_up(self) -> bool:
        """Tells whether amounts can be given back: a sum is the sum of its parts."""
        return self.aggregation is Aggregation.SUM

    @property
    def observes(self) -> bool:
        """Tells whether an event says how much there is, or what, rather than how much more."""
        return self.aggregation not in (Aggregation.SUM, Aggregation.COUNT)


class Source(StrEnum):
    """Where an event comes from."""

    SDK = "sdk"
    HTTP = "http"
    ETL = "etl"
    IMPORT = "import"
    SYSTEM = "system"
    ADJUSTMENT = "adjustment"


# What comes by the hundred is a tuple: made in a third of a data class's time.


class SentEvent(NamedTuple):
    """An event as it was sent: `key` is the caller's own, None where it is to be derived.

    `sequence` tells apart events that are otherwise alike.
    """

    metric: str
    customer_ref: str
    quantity: Decimal
    timestamp: datetime
    key: str | None = None
    resource_id: str | None = None
    sequence: int | None = None
    source: Source = Source.HTTP
    meta: Mapping[str, PropertyValue] | None = None


class Outcome(StrEnum):
    """What became of an event."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    PENDING = "pending"
    """It came too late to count by itself: it waits as an adjustment."""
    ERROR = "error"


class EventResult(NamedTuple):
    """What became of an event, by its place in the request, under which key.

    `adjustment_id` names what a late event became, `warning` a soft cap that is passed.
    """

    place: int
    key: str
    outcome: Outcome
    error: str | None = None
    adjustment_id: str | None = None
    warning: str | None = None
