"""Which usage is told to which meter at Stripe, and how far that is."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from backbeat.models.base import Model
from backbeat.models.period import Period
from backbeat.models.schedules import StatementSchedule


class Lane(StrEnum):
    """What a target is for: billing, or a comparison beside it."""

    LIVE = "live"
    SHADOW = "shadow"


class Target(Model):
    """A customer's meter at Stripe. The keys say where events carry the customer and the value."""

    lane: Lane
    meter_id: str
    event_name: str
    customer_key: str
    value_key: str
    stripe_customer_id: str


class MeterMapping(Model):
    """A counter's usage of some customers, told to a customer's meter at Stripe.

    `schedule` cuts time into the periods that Stripe bills. Usage before `starting_at`, and from
    `ending_before` on, is not told. While not `active`, nothing is sent.
    """

    id: str
    metric: str
    customer_refs: tuple[str, ...]
    target: Target
    shadow: Target | None = None
    schedule: StatementSchedule
    starting_at: datetime
    ending_before: datetime | None = None
    active: bool = True
    created_at: datetime

    @property
    def targets(self) -> tuple[Target, ...]:
        """Where its usage is told: for billing first, then in parallel."""
        return (self.target,) if self.shadow is None else (self.target, self.shadow)

    def ledger(self, target: Target) -> str:
        """The name under which everything that is pushed to one of its targets is recorded."""
        return f"{self.id}|{target.lane}"

    def part_of(self, period: Period) -> Period | None:
        """Returns the part of a period whose usage is told."""
        end = period.ending_before
        if self.ending_before is not None:
            end = min(end, self.ending_before)
        start = max(period.starting_at, self.starting_at)
        return Period(start, end) if start < end else None


class Pending(Model):
    """A push that was begun: whoever goes on with it sends the very same event.

    `begun_at` is the tenant's time, the others are real: a sandbox's clock may stand still.
    """

    sequence: int
    delta: Decimal
    identifier: str
    timestamp: datetime
    begun_at: datetime
    begun_real_at: datetime
    leased_until: datetime | None
    attempts: int = 1
    error: str | None = None
    retry_at: datetime | None = None


class FailedPush(Model):
    """A push that Stripe refused, at once or later: somebody has to look at it."""

    sequence: int
    delta: Decimal
    message: str
    at: datetime


class PushState(Model):
    """How far the usage of a period, or of the part that a mapping covers, is told to a target.

    `pushed` is what Stripe has taken; `closed_at` is when it was seen that the invoice of the
    period is final. While a correction is `mending` it, nothing is pushed. `finalized_at` is when
    somebody closed it here, in spite of a difference for the `override_reason`.
    """

    ledger: str
    period_start: datetime
    period_end: datetime
    pushed: Decimal = Decimal(0)
    sequence: int = 0
    pending: Pending | None = None
    failed: FailedPush | None = None
    last_sent_at: datetime | None = None
    closed_at: datetime | None = None
    finalized_at: datetime | None = None
    finalized_by: str | None = None
    override_reason: str | None = None
    held_invoice_id: str | None = None
    mending: str | None = None

    @property
    def period(self) -> Period:
        """The period."""
        return Period(self.period_start, self.period_end)


class PushStatus(StrEnum):
    """What became of one push."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    UNBOOKED = "unbooked"
    """It was found not to be counted, and is sent anew."""
    REJECTED = "rejected"
    """Stripe took it, and told afterwards that it was not counted, and why."""


class PushRecord(Model):
    """One push: a line of a target's log, under the name of its `ledger`."""

    ledger: str = ""
    sequence: int
    period_start: datetime
    delta: Decimal
    identifier: str
    timestamp: datetime
    begun_at: datetime
    status: PushStatus
    settled_at: datetime | None = None
    known: bool = False
    message: str | None = None


class PeriodClosing(Model):
    """That a period was closed, by whom, and in spite of what: the difference is told in words."""

    id: str
    mapping_id: str
    period_start: datetime
    at: datetime
    by: str
    override_reason: str | None = None
    differences: str = ""
