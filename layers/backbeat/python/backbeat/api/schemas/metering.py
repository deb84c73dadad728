"""Requests of metering.

Events are decoded by msgspec in one pass, as on the other way in; their fields may be written
`customer_ref` or `customerRef`, as clients of either habit do.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta
from pydantic import AfterValidator, Field, StringConstraints

from backbeat.api.schemas.types import (
    JsonObject,
    Limit,
    Name,
    Number,
    Schema,
    Timestamp,
    Whole,
)
from backbeat.application.metering.counters import NewCounter
from backbeat.application.metering.proposals import Proposal
from backbeat.models.adjustments import (
    Adjustment,
    AdjustmentReason,
    AdjustmentStatus,
    ApprovalPolicy,
)
from backbeat.models.catalog import Aggregation
from backbeat.models.counters import SentEvent, Source
from backbeat.models.errors import InvalidArgument
from backbeat.models.limits import CapMode
from backbeat.models.numbers import is_measurable
from backbeat.models.period import Period

MAX_EVENTS: Final = 1000

_Text100 = Annotated[str, Meta(min_length=1, max_length=100)]
_Text255 = Annotated[str, Meta(min_length=1, max_length=255)]
_Instant = Annotated[datetime, Meta(tz=True)]
_Source = Literal["sdk", "http", "etl", "import", "system"]


class _Event(msgspec.Struct):
    metric: _Text100
    quantity: Decimal
    ts: _Instant | None = None
    timestamp: _Instant | None = None
    customer_ref: _Text255 | None = None
    customerRef: _Text255 | None = None  # noqa: N815 - as some clients write it
    resource_id: _Text255 | None = None
    resourceId: _Text255 | None = None  # noqa: N815
    idempotency_key: _Text255 | None = None
    idempotencyKey: _Text255 | None = None  # noqa: N815
    sequence: int | None = None
    source: _Source = "http"
    meta: dict[str, Any] | None = None


class _Batch(msgspec.Struct):
    events: Annotated[list[_Event], Meta(min_length=1, max_length=MAX_EVENTS)]


_decoder: Final = msgspec.json.Decoder(_Batch, float_hook=Decimal)
_event_decoder: Final = msgspec.json.Decoder(_Event, float_hook=Decimal)
_encoder: Final = msgspec.json.Encoder(decimal_format="number")
_SOURCES: Final = {source.value: source for source in Source}


def json_schema(references: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the JSON Schema of a batch, and those that it refers to by their names."""
    [batch], named = msgspec.json.schema_components([_Batch], ref_template=f"{references}{{name}}")
    renamed = {f"Metered{name.strip('_')}": schema for name, schema in named.items()}
    return _renamed(batch, references), {
        name: _renamed(schema, references) for name, schema in renamed.items()
    }


def _renamed(schema: Any, references: str) -> Any:
    if isinstance(schema, dict):
        return {
            name: f"{references}Metered{part.removeprefix(references).strip('_')}"
            if name == "$ref"
            else _renamed(part, references)
            for name, part in schema.items()
        }
    return [_renamed(part, references) for part in schema] if isinstance(schema, list) else schema


def parse_events(body: str) -> list[SentEvent]:
    """Returns the events of a request in order.

    Raises:
        InvalidArgument: the body is not JSON, holds none or more than 1,000 events, or one of them
            is wrong; names the event and field. Nothing of the request is stored then.
    """
    try:
        batch = _decoder.decode(body)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at `$")
        where = place.removesuffix("`").removeprefix(".")
        raise InvalidArgument(f"{where}: {problem}" if where else problem) from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidArgument(f"The body is not valid JSON: {error}") from error
    return [_sent(event, number) for number, event in enumerate(batch.events)]


def sent_events(values: Sequence[dict[str, Any]]) -> list[SentEvent]:
    """Returns decoded objects as events, in order.

    Raises:
        InvalidArgument: one of them is none; names it and the field.
    """
    found = []
    for number, value in enumerate(values):
        try:
            event = _event_decoder.decode(_encoder.encode(value))
        except msgspec.ValidationError as error:
            problem, _, place = str(error).partition(" - at `$")
            where = place.removesuffix("`")
            raise InvalidArgument(f"events[{number}]{where}: {problem}") from error
        found.append(_sent(event, number))
    return found


def _sent(event: _Event, number: int) -> SentEvent:
    at = event.ts or event.timestamp
    customer_ref = event.customer_ref or event.customerRef
    if at is None:
        raise InvalidArgument(f"events[{number}].ts: required")
    if customer_ref is None:
        raise InvalidArgument(f"events[{number}].customer_ref: required")
    if not event.quantity.is_finite() or event.quantity < 0:
        raise InvalidArgument(f"events[{number}].quantity: must be a number, not below 0")
    if not is_measurable(event.quantity):
        raise InvalidArgument(f"events[{number}].quantity: out of range")
    return SentEvent(
        event.metric,
        customer_ref,
        event.quantity,
        at if at.tzinfo is UTC else at.astimezone(UTC),
        event.idempotency_key or event.idempotencyKey,
        event.resource_id or event.resourceId,
        event.sequence,
        _SOURCES[event.source],
        event.meta,
    )


_CounterName = Annotated[str, StringConstraints(min_length=1, max_length=100)]
CustomerRef = Annotated[str, StringConstraints(min_length=1, max_length=255)]
_Property = Annotated[str, StringConstraints(min_length=1, max_length=100)]


def _not_below_zero(value: Decimal) -> Decimal:
    if value < 0:
        raise ValueError("must not be below 0")
    return value


Amount = Annotated[Number, AfterValidator(_not_below_zero)]

_AGGREGATIONS: Final = {
    "sum": Aggregation.SUM,
    "count": Aggregation.COUNT,
    "max": Aggregation.MAX,
    "last": Aggregation.LATEST,
    "unique": Aggregation.UNIQUE,
}
AGGREGATION_NAMES: Final = {aggregation: name for name, aggregation in _AGGREGATIONS.items()}


class CreateCounter(Schema):
    """A counter: of a billable metric, or with an aggregation of its own."""

    name: _CounterName
    aggregation: Literal["sum", "count", "max", "last", "unique"] | None = None
    billable_metric_id: str | None = None
    unique_by: _Property | None = None
    unit: Name | None = None
    late_window_hours: Annotated[Whole, Field(ge=0, le=24 * 34)] = 48
    late_limit: Amount = Decimal(1000)
    group_keys: Annotated[list[list[_Property]], Field(max_length=10)] = []

    def to_command(self) -> NewCounter:
        """Returns what to create."""
        return NewCounter(
            name=self.name,
            billable_metric_id=self.billable_metric_id,
            aggregation=None if self.aggregation is None else _AGGREGATIONS[self.aggregation],
            unique_by=self.unique_by,
            late_window_hours=self.late_window_hours,
            late_limit=self.late_limit,
            unit=self.unit,
            group_keys=tuple(tuple(key) for key in self.group_keys),
        )


class ListEvents(Schema):
    """Which events to list."""

    metric: str | None = None
    customer_ref: str | None = None
    source: Literal["sdk", "http", "etl", "import", "system", "adjustment"] | None = None
    since: Timestamp | None = None
    until: Timestamp | None = None
    limit: Limit = 25
    next_page: str | None = None


class ExportEvents(Schema):
    """Which events to export."""

    metric: str | None = None
    customer_ref: str | None = None
    since: Timestamp
    until: Timestamp


class CheckUsage(Schema):
    """Some usage that is about to be."""

    metric: str
    customer_ref: CustomerRef
    quantity: Amount = Decimal(1)


class CreateCap(Schema):
    """A cap on the usage of one customer, or of each."""

    metric: str
    customer_ref: CustomerRef | None = None
    limit: Amount
    mode: CapMode


class CurrentUsage(Schema):
    """Whose usage, and of which counter."""

    customer_ref: CustomerRef
    metric: str | None = None


class UsageHistory(Schema):
    """Usage by window: `since` and `until`, or `period_start` and `period_end`."""

    metric: str
    customer_ref: CustomerRef
    since: Timestamp | None = None
    until: Timestamp | None = None
    period_start: Timestamp | None = None
    period_end: Timestamp | None = None
    interval: Literal["hour", "day", "month"] | None = None
    step: Literal["hour", "day", "month"] | None = None

    @property
    def size(self) -> Literal["hour", "day", "month"]:
        """The length of a window."""
        return self.interval or self.step or "day"

    def span(self) -> Period:
        """Returns the span that is asked for.

        Raises:
            InvalidArgument: it is none, or not of whole hours.
        """
        return whole_hours(self.since or self.period_start, self.until or self.period_end)


class ProjectUsage(Schema):
    """Whose usage to project."""

    customer_ref: CustomerRef


def whole_hours(since: datetime | None, until: datetime | None) -> Period:
    """Returns a span of whole hours.

    Raises:
        InvalidArgument: an end is missing, or lies inside an hour, or they are reversed.
    """
    for name, at in (("since", since), ("until", until)):
        if at is None:
            raise InvalidArgument(f"{name}: required")
        if (at.minute, at.second, at.microsecond) != (0, 0, 0):
            raise InvalidArgument(f"{name}: must be on an hour boundary")
    if since is None or until is None or since >= until:
        raise InvalidArgument("until: must be after since")
    return Period(since, until)


class CreateAdjustment(Schema):
    """A change of usage to propose.

    That is `delta` units of a sum (down, too) or so many events of a count; of counters of the
    greatest, the latest or different values it is the `value` or `resource_id` that was missed.
    """

    metric: str
    customer_ref: CustomerRef
    ts: Timestamp | None = None
    period_start: Timestamp | None = None
    delta: Number | None = None
    value: Amount | None = None
    resource_id: Annotated[str, StringConstraints(min_length=1, max_length=255)] | None = None
    reason: Literal["backfill", "correction", "promo", "credit", "manual"] = "manual"
    note: Annotated[str, StringConstraints(max_length=500)] | None = None
    request_id: Annotated[str, StringConstraints(min_length=1, max_length=128)] | None = None
    meta: JsonObject = {}

    def to_proposal(self, by: str) -> Proposal:
        """Returns the proposal of somebody.

        Raises:
            InvalidArgument: it does not say when.
        """
        at = self.ts or self.period_start
        if at is None:
            raise InvalidArgument("ts: required, an instant of the usage that is changed")
        return Proposal(
            metric=self.metric,
            customer_ref=self.customer_ref,
            timestamp=at,
            delta=self.delta,
            value=self.value,
            resource_id=self.resource_id,
            reason=AdjustmentReason(self.reason),
            by=by,
            note=self.note,
            request_id=self.request_id,
            meta=self.meta,
        )


class SetApprovalPolicy(Schema):
    """How many units an adjustment may be of to be approved by whoever proposed it; null: any."""

    four_eyes_above: Amount | None

    def to_policy(self) -> ApprovalPolicy:
        """Returns the policy meant."""
        return ApprovalPolicy(four_eyes_above=self.four_eyes_above)


class ListAdjustments(Schema):
    """Which adjustments to list."""

    metric: str | None = None
    customer_ref: str | None = None
    status: AdjustmentStatus | None = None
    since: Timestamp | None = None
    until: Timestamp | None = None
    limit: Limit = 25
    next_page: str | None = None

    def wants(self, adjustment: Adjustment) -> bool:
        """Tells whether an adjustment is meant; times are of the usage that it changes."""
        return (
            self.metric in (None, adjustment.metric)
            and self.customer_ref in (None, adjustment.customer_ref)
            and self.status in (None, adjustment.status)
            and (self.since is None or self.since <= adjustment.timestamp)
            and (self.until is None or adjustment.timestamp < self.until)
        )
