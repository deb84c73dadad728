"""Alerts about metered usage and what it costs."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from backbeat.models.base import Model


class MeterAlertType(StrEnum):
    """What is watched in a billing period: units of a counter, or money."""

    USAGE = "usage"
    SPIKE = "spike"
    """How many times the usage of earlier periods there is, each up to the same time in it."""
    SPEND = "spend"
    """What the customer's drafts come to by now."""
    PROJECTED_SPEND = "projected_spend"
    """What they will come to if usage goes on as it went."""


class Severity(StrEnum):
    """How much an alert matters to whoever set it."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class MeterAlert(Model):
    """Tells when a value reaches a threshold, once; again only after it fell below `clear_below`.

    Usage is in units of the counter `metric`, a spike a factor, money in the unit of the invoices:
    cents for USD. Without a customer it watches each.
    """

    id: str
    name: str
    type: MeterAlertType
    metric: str | None = None
    customer_ref: str | None = None
    threshold: Decimal
    clear_below: Decimal
    severity: Severity = Severity.WARNING
    enabled: bool = True
    created_at: datetime
    archived_at: datetime | None = None

    @property
    def is_about_usage(self) -> bool:
        """Tells whether it watches a counter, and not money."""
        return self.type in (MeterAlertType.USAGE, MeterAlertType.SPIKE)

    @property
    def is_active(self) -> bool:
        """Tells whether it watches."""
        return self.enabled and self.archived_at is None


class MeterAlertStatus(StrEnum):
    """Where an alert stands for a customer.

    Above its line it is triggered until somebody says that they know (acknowledged) or that they
    will look later (snoozed, which ends by itself). Below the line all of them are ok again.
    """

    OK = "ok"
    TRIGGERED = "triggered"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"


class Resolution(StrEnum):
    """Why an alert is ok again."""

    VALUE = "value"
    """What it watches fell below its line."""
    PERIOD_OVER = "period_over"
    SWITCHED_OFF = "switched_off"
    """It was disabled or archived."""


class MeterAlertState(Model):
    """Where an alert stands for a customer in a billing period, and who said what about it last."""

    alert_id: str
    alert_name: str
    metric: str | None
    severity: Severity
    customer_id: str
    customer_ref: str
    period_start: datetime
    period_end: datetime
    status: MeterAlertStatus
    value: Decimal
    changed_at: datetime
    by: str | None = None
    note: str | None = None
    snoozed_until: datetime | None = None
    resolution: Resolution | None = None

    @property
    def is_open(self) -> bool:
        """Tells whether it is above its line."""
        return self.status is not MeterAlertStatus.OK


class MeterAlertEvent(Model):
    """What happened to an alert's state: a crossing, or what somebody said about it."""

    id: str
    alert_id: str
    alert_name: str
    type: MeterAlertType
    metric: str | None
    severity: Severity = Severity.WARNING
    customer_ref: str
    period_start: datetime
    status: MeterAlertStatus
    value: Decimal
    threshold: Decimal
    at: datetime
    by: str | None = None
    note: str | None = None
    snoozed_until: datetime | None = None
    resolution: Resolution | None = None
