"""Requests about backfills and replays."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema

from backbeat.api.schemas.metering import CustomerRef, sent_events, whole_hours
from backbeat.api.schemas.types import Limit, Name, Schema, Timestamp, on_hour
from backbeat.application.metering.backfills import MOST_BYTES, MOST_EVENTS, NewBackfill
from backbeat.models.backfills import Backfill, BackfillFormat, BackfillStatus
from backbeat.models.counters import Outcome, SentEvent
from backbeat.models.errors import InvalidArgument
from backbeat.models.period import HOUR, Period, hour_of

_Text = Annotated[str, StringConstraints(max_length=MOST_BYTES)]


class OrderBackfill(Schema):
    """Usage to bring in: as events, as CSV or JSON lines, or as a file in S3."""

    metric: Name
    customer_ref: CustomerRef | None = None
    period_start: Timestamp
    period_end: Timestamp | None = None
    reason: Annotated[str, StringConstraints(min_length=1, max_length=500)]
    events: Annotated[list[dict[str, Any]], Field(max_length=MOST_EVENTS)] | None = None
    csv_data: _Text | None = None
    jsonl_data: _Text | None = None
    source_url: Annotated[str, Field(pattern=r"^s3://[^/]+/.+", max_length=2048)] | None = None
    format: Literal["csv", "jsonl"] | None = None

    def to_command(self) -> NewBackfill:
        """Returns what to order.

        Raises:
            InvalidArgument: not exactly one kind of rows is given, or an event is none.
        """
        given = (self.events, self.csv_data, self.jsonl_data, self.source_url)
        if sum(one is not None for one in given) != 1:
            raise InvalidArgument(
                "events, csv_data, jsonl_data or source_url: give exactly one of them"
            )
        return NewBackfill(
            metric=self.metric,
            customer_ref=self.customer_ref,
            period_start=self.period_start,
            period_end=self.period_end,
            reason=self.reason,
            format=self._format(),
            events=self._events(),
            text=self.csv_data if self.csv_data is not None else self.jsonl_data,
            source_url=self.source_url,
        )

    def _format(self) -> BackfillFormat:
        if self.events is not None:
            return BackfillFormat.JSON
        if self.source_url is None:
            return BackfillFormat.CSV if self.csv_data is not None else BackfillFormat.JSONL
        if self.format is not None:
            return BackfillFormat(self.format)
        is_csv = self.source_url.lower().endswith(".csv")
        return BackfillFormat.CSV if is_csv else BackfillFormat.JSONL

    def _events(self) -> Sequence[SentEvent]:
        defaults = {"metric": self.metric, "customer_ref": self.customer_ref, "source": "import"}
        named = {name: value for name, value in defaults.items() if value is not None}
        return sent_events([{**named, **event} for event in self.events or ()])


class ListBackfills(Schema):
    """Which backfills to list."""

    metric: str | None = None
    status: BackfillStatus | None = None
    limit: Limit = 25
    next_page: str | None = None

    def wants(self, backfill: Backfill) -> bool:
        """Tells whether a backfill is meant."""
        return self.metric in (None, backfill.metric) and self.status in (None, backfill.status)


class ListRows(Schema):
    """Which rows to list: those behind a number."""

    status: Outcome | None = None
    after: Annotated[int, Field(ge=0)] = 0
    limit: Annotated[int, Field(ge=1, le=1000)] = 100


_FROM_NOW: Final = re.compile(r"-P(?=.)(?:(\d{1,4})D)?(?:T(?=.)(\d{1,5})H)?", re.ASCII)


def _moment(value: object) -> datetime | timedelta:
    if value == "now":
        return timedelta(0)
    matched = _FROM_NOW.fullmatch(value) if isinstance(value, str) else None
    if matched is None:
        return on_hour(value)
    days, hours = (int(number or 0) for number in matched.groups())
    return -timedelta(days=days, hours=hours)


def _with_underscore(value: object) -> object:
    return value.replace("-", "_") if isinstance(value, str) else value


Moment = Annotated[
    datetime | timedelta, BeforeValidator(_moment), WithJsonSchema({"type": "string"})
]
"""An hour, `now`, or whole hours and days before now such as -PT24H (D-20)."""


class RunReplay(Schema):
    """What to count anew. `apply` mends what differs, `dry_run` only tells."""

    metrics: Annotated[list[Name], Field(max_length=50)] = []
    customer_ref: CustomerRef | None = None
    since: Moment
    until: Moment
    mode: Annotated[Literal["dry_run", "apply"], BeforeValidator(_with_underscore)] = "dry_run"
    cursor: str | None = None

    def span(self, now: datetime) -> Period:
        """Returns the span of whole hours: distances from now take in the hours they lie in.

        Raises:
            InvalidArgument: its ends are reversed.
        """
        since, until = self.since, self.until
        if isinstance(since, timedelta):
            since = hour_of(now + since)
        if isinstance(until, timedelta):
            until = hour_of(now + until + HOUR - timedelta(microseconds=1))
        return whole_hours(since, until)
