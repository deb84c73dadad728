"""What a reconciliation found, and what it suggests."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from backbeat.models.base import Model
from backbeat.models.mappings import Lane
from backbeat.models.money import EXACT
from backbeat.models.period import Period


class DriftClass(StrEnum):
    """Why two totals differ (stripe-behaviour §2.7)."""

    MISCOUNTED = "miscounted"
    """Our events and our cells differ."""
    UNPUSHED = "unpushed"
    """We have counted more, or less, than was pushed."""
    IN_FLIGHT = "in_flight"
    """Pushed lately, and not counted at Stripe yet."""
    LOST = "lost"
    """Pushed, and not counted at Stripe though it is long ago."""
    FOREIGN = "foreign"
    """Stripe has counted what we never pushed: somebody else sends to the meter."""
    POST_FINALIZATION = "post_finalization"
    """We counted on after the invoice of the period was final."""
    MISBILLED = "misbilled"
    """The final invoice bills another quantity than Stripe has counted."""


class Verdict(StrEnum):
    """How a period stands."""

    OK = "ok"
    INVESTIGATE = "investigate"
    RESOLVED = "resolved"
    """It is ok, and was not before."""
    UNKNOWN = "unknown"
    """Stripe could not be asked."""


class Difference(Model):
    """A part of a drift: what is missing at the later place, below 0 what is too much there."""

    kind: DriftClass
    amount: Decimal


class BilledLine(Model):
    """What an invoice at Stripe bills of a period; `amount` in the currency's smallest unit."""

    invoice_id: str
    status: str
    quantity: Decimal
    amount: int
    currency: str


class Found(Model):
    """A period of a mapping and lane: what each place knows of it.

    `events` is what the events of `recounted_from` and later come to, `cells` what was counted of
    them; None where they were not looked at. `local`, `pushed` and `stripe` are of the whole part.
    `drift` is local less Stripe's. `message` says why Stripe could not be asked, or why it refused
    the last push.
    """

    mapping_id: str
    metric: str
    customer_refs: tuple[str, ...]
    lane: Lane
    meter_id: str
    stripe_customer_id: str
    period_start: datetime
    period_end: datetime
    at: datetime
    events: Decimal | None = None
    cells: Decimal | None = None
    recounted_from: datetime | None = None
    local: Decimal
    pushed: Decimal
    stripe: Decimal | None
    billed: tuple[BilledLine, ...] = ()
    final: bool = False
    differences: tuple[Difference, ...] = ()
    verdict: Verdict
    message: str | None = None

    @property
    def period(self) -> Period:
        """The period, or the part of it that the mapping covers."""
        return Period(self.period_start, self.period_end)

    @property
    def drift(self) -> Decimal | None:
        """Our total less Stripe's; None where that is unknown."""
        return None if self.stripe is None else self.local - self.stripe

    @property
    def share(self) -> Decimal | None:
        """The drift as a share of Stripe's figure; 1 where that is 0 and ours is not."""
        if self.stripe is None or self.drift is None:
            return None
        if self.stripe == 0:
            return Decimal(1) if self.drift else Decimal(0)
        return EXACT.divide(abs(self.drift), abs(self.stripe)).quantize(Decimal("0.000001"))

    def amount_of(self, kind: DriftClass) -> Decimal:
        """Returns the amount of a kind of difference, 0 where there is none."""
        return sum((one.amount for one in self.differences if one.kind is kind), Decimal(0))


class RunTrigger(StrEnum):
    """What made a reconciliation run."""

    SCHEDULE = "schedule"
    REQUEST = "request"


class ReconciliationRun(Model):
    """A run: its rows lie in `pages` beside it."""

    id: str
    trigger: RunTrigger
    by: str
    started_at: datetime
    checked: int = 0
    ok: int = 0
    investigate: int = 0
    unknown: int = 0
    drift: Decimal = Decimal(0)
    """The sum of all drifts without their signs: one never hides another."""
    pages: int = 0


class CorrectionKind(StrEnum):
    """What mends a difference."""

    RESEND = "resend"
    """Push again what was lost."""
    RETRY = "retry"
    """Push again what was refused."""
    ADOPT = "adopt"
    """Take a stranger's usage for ours, shared among the customers by their usage."""
    WITHDRAW = "withdraw"
    """Take a stranger's usage back from Stripe."""
    CARRY = "carry"
    """Bill usage of a final period with the running one."""
    RECOUNT = "recount"
    """Count the events anew."""


class CorrectionStatus(StrEnum):
    """Where a correction stands."""

    OPEN = "open"
    APPLYING = "applying"
    APPLIED = "applied"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"
    """A later run found something else."""


class Share(Model):
    """What of a correction falls to one customer."""

    customer_ref: str
    amount: Decimal


class Correction(Model):
    """A suggestion of how to mend a difference: applied once, after somebody approved it.

    `number` counts those of the same period and class. For usage of strangers, `kind` is what is
    suggested first; whoever approves may choose otherwise.
    """

    id: str
    mapping_id: str
    lane: Lane
    metric: str
    period_start: datetime
    difference: DriftClass
    kind: CorrectionKind
    amount: Decimal
    shares: tuple[Share, ...] = ()
    number: int
    status: CorrectionStatus = CorrectionStatus.OPEN
    created_at: datetime
    decided_at: datetime | None = None
    decided_by: str | None = None
    decision_note: str | None = None


class ReconciliationSettings(Model):
    """How strict a tenant is while periods are open, and how long Stripe may take to count.

    `epsilon` is a share of Stripe's figure. Final periods must match exactly, whatever is set; with
    `holds_invoices`, our own invoices over the same usage are not final before they do.
    """

    epsilon: Decimal = Decimal("0.005")
    lag_seconds: int = 600
    holds_invoices: bool = True
