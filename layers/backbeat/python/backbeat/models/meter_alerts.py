"""Alerts about metered usage and what it costs."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from backbeat.models.base import Model


class MeterAlertType(StrEnum):
    """What is watched in a billing period: units of a counter, or money."""

    USAGE = "usage"
    SPEND = "spend"
    """What the customer's drafts come to by now."""
    PROJECTED_SPEND = "projected_spend"
    """What they will come to if usage goes on as it went."""


class MeterAlert(Model):
    """Tells when a value reaches a threshold, once; again only after it fell below `clear_below`.

    Usage is in units of the counter `metric`, money in the unit of the invoices: cents for USD.
    Without a customer it watches each.
    """

    id: str
    name: str
    type: MeterAlertType
    metric: str | None = None
    customer_ref: str | None = None
    threshold: Decimal
    clear_below: Decimal
    enabled: bool = True
    created_at: datetime
    archived_at: datetime | None = None

    @property
    def is_active(self) -> bool:
        """Tells whether it watches."""
        return self.enabled and self.archived_at is None


class MeterAlertStatus(StrEnum):
    """Where an alert stands for a customer."""

    OK = "ok"
    TRIGGERED = "triggered"


class MeterAlertState(Model):
    """Where an alert stands for a customer in a billing period."""

    alert_id: str
    customer_ref: str
    period_start: datetime
    status: MeterAlertStatus
    value: Decimal
    changed_at: datetime


class MeterAlertEvent(Model):
    """A crossing: an alert was triggered, or is ok again."""

    id: str
    alert_id: str
    alert_name: str
    type: MeterAlertType
    metric: str | None
    customer_ref: str
    period_start: datetime
    status: MeterAlertStatus
    value: Decimal
    threshold: Decimal
    at: datetime
