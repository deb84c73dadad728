"""Usage that is brought in afterwards, many events at a time."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from backbeat.models.base import Model
from backbeat.models.counters import Outcome, SentEvent, Source
from backbeat.models.period import Period


class BackfillFormat(StrEnum):
    """What the rows come as."""

    JSON = "json"
    CSV = "csv"
    JSONL = "jsonl"


class BackfillStatus(StrEnum):
    """Where a backfill stands."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class BackfillRow(Model):
    """A row as it was read: an event, or why it is none. `number` counts from 1."""

    number: int
    error: str | None = None
    metric: str = ""
    customer_ref: str = ""
    quantity: Decimal = Decimal(0)
    timestamp: datetime | None = None
    key: str | None = None
    resource_id: str | None = None
    sequence: int | None = None
    source: Source = Source.IMPORT
    meta: dict[str, Any] = {}

    def event(self, at: datetime) -> SentEvent:
        """Returns the event of an instant that it stands for."""
        return SentEvent(
            metric=self.metric,
            customer_ref=self.customer_ref,
            quantity=self.quantity,
            timestamp=at,
            key=self.key,
            resource_id=self.resource_id,
            sequence=self.sequence,
            source=self.source,
            meta=self.meta or None,
        )


class BackfillRows(Model):
    """Some rows of a backfill, in order."""

    rows: tuple[BackfillRow, ...]


class RowOutcome(Model):
    """What became of a row."""

    number: int
    key: str
    outcome: Outcome
    error: str | None = None


class BackfillOutcomes(Model):
    """What became of some rows, in order."""

    outcomes: tuple[RowOutcome, ...]


class Backfill(Model):
    """An order to bring usage of a counter in.

    Rows are of the period, and of the customer if one is named; others are refused, row by row.
    `pages` of rows are read so far, `done_pages` of them counted. `source_url` is where they come
    from if they were not sent along.
    """

    id: str
    metric: str
    customer_ref: str | None = None
    period_start: datetime
    period_end: datetime
    reason: str
    format: BackfillFormat
    source_url: str | None = None
    status: BackfillStatus = BackfillStatus.PENDING
    rows: int = 0
    pages: int = 0
    done_pages: int = 0
    accepted: int = 0
    duplicates: int = 0
    failed: int = 0
    error: str | None = None
    created_at: datetime
    created_by: str
    started_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def period(self) -> Period:
        """When its usage happened."""
        return Period(self.period_start, self.period_end)

    @property
    def is_over(self) -> bool:
        """Tells whether nothing more happens to it."""
        return self.status not in (BackfillStatus.PENDING, BackfillStatus.PROCESSING)
