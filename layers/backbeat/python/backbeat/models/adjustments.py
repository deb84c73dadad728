"""Changes of usage that somebody answers for."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from backbeat.models.base import Model
from backbeat.models.counters import Source


class AdjustmentStatus(StrEnum):
    """Where an adjustment stands. Only what is approved counts.

    The two in the middle of a change say that its effect on usage is being written; asked for
    again, it is completed.
    """

    PENDING = "pending"
    APPROVING = "approving"
    APPROVED = "approved"
    REJECTED = "rejected"
    REVERTING = "reverting"
    REVERTED = "reverted"


class AdjustmentReason(StrEnum):
    """Why usage is changed."""

    BACKFILL = "backfill"
    CORRECTION = "correction"
    PROMO = "promo"
    CREDIT = "credit"
    MANUAL = "manual"
    LATE = "late"


class Adjustment(Model):
    """A change of a counter's usage at an instant: by `quantity` units, or to what it `observes`.

    Approved, it is a usage event under `event_key`, or as many `times` as it adds to a counter of
    events; reverted, there is one more that takes it back. One that `observes` says what was seen
    then, as counters of greatest, latest and different values take it.
    A LATE one is an event that came too late to count by itself, with all that was sent of it, and
    `sent_by` is who did.
    """

    id: str
    metric: str
    customer_ref: str
    timestamp: datetime
    quantity: Decimal
    observes: bool = False
    times: int = 1
    reason: AdjustmentReason
    event_key: str
    note: str | None = None
    request_id: str | None = None
    resource_id: str | None = None
    meta: dict[str, Any] = {}
    source: Source = Source.ADJUSTMENT
    status: AdjustmentStatus = AdjustmentStatus.PENDING
    created_at: datetime
    created_by: str
    sent_by: str | None = None
    decided_at: datetime | None = None
    decided_by: str | None = None
    reverted_at: datetime | None = None
    reverted_by: str | None = None

    @property
    def authors(self) -> tuple[str | None, ...]:
        """Who is behind it: whoever proposed it, and whoever sent what came too late."""
        return (self.created_by, self.sent_by)

    @property
    def reverting_key(self) -> str:
        """The key of the event that takes it back."""
        return f"adj_{self.id}_reverted"


class ApprovalPolicy(Model):
    """Whose approval an adjustment needs.

    Of more than `four_eyes_above` units, up or down, it has to be somebody else's than the one's
    who proposed it. Without a number, everybody may approve their own.
    """

    four_eyes_above: Decimal | None = None
