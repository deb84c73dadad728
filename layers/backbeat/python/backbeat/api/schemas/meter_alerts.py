"""Requests about alerts of metered usage."""

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field, StringConstraints

from backbeat.api.schemas.metering import Amount, CustomerRef
from backbeat.api.schemas.types import Flag, Limit, Name, Schema, Timestamp, Whole
from backbeat.models.errors import InvalidArgument
from backbeat.models.meter_alerts import (
    MeterAlertEvent,
    MeterAlertState,
    MeterAlertStatus,
    MeterAlertType,
    Severity,
)

_Note = Annotated[str, StringConstraints(max_length=500)]


class CreateMeterAlert(Schema):
    """A line to watch: units of a counter, a factor of what is usual (`spike`), or money.

    Money is in the unit of the invoices, cents for USD.
    """

    name: Annotated[Name, Field(max_length=200)]
    type: MeterAlertType
    metric: Name | None = None
    customer_ref: CustomerRef | None = None
    threshold: Amount
    clear_below: Amount | None = None
    severity: Severity = Severity.WARNING


class ChangeMeterAlert(Schema):
    """What to change of an alert; what is left out stays."""

    name: Annotated[Name, Field(max_length=200)] | None = None
    threshold: Amount | None = None
    clear_below: Amount | None = None
    severity: Severity | None = None
    enabled: Flag | None = None

    def changes(self) -> dict[str, object]:
        """Returns what is given."""
        return self.model_dump(exclude_none=True)


class AcknowledgeAlert(Schema):
    """For whom an alert is known to be triggered; of the running period unless said otherwise."""

    customer_ref: CustomerRef
    period_start: Timestamp | None = None
    note: _Note | None = None


class SnoozeAlert(AcknowledgeAlert):
    """How long nobody wants to be told: until an instant, or for some hours."""

    until: Timestamp | None = None
    hours: Annotated[Whole, Field(ge=1, le=24 * 31)] | None = None

    def end(self, now: datetime) -> datetime:
        """Returns when it is over.

        Raises:
            InvalidArgument: both or neither are given.
        """
        if (self.until is None) is (self.hours is None):
            raise InvalidArgument("until or hours: give exactly one of them")
        return self.until or now + timedelta(hours=self.hours or 0)


class ListMeterAlertStates(Schema):
    """Which states to list; times are of their last change."""

    alert_id: str | None = None
    metric: str | None = None
    customer_ref: str | None = None
    status: MeterAlertStatus | None = None
    severity: Severity | None = None
    name: str | None = None
    since: Timestamp | None = None
    until: Timestamp | None = None
    limit: Limit = 25
    next_page: str | None = None

    def wants(self, state: MeterAlertState) -> bool:
        """Tells whether a state is meant; of the name, a part is enough."""
        return (
            self.alert_id in (None, state.alert_id)
            and self.metric in (None, state.metric)
            and self.customer_ref in (None, state.customer_ref)
            and self.status in (None, state.status)
            and self.severity in (None, state.severity)
            and (self.name is None or self.name.lower() in state.alert_name.lower())
        )


class ListMeterAlertEvents(Schema):
    """Which crossings, and what was said about them, to list."""

    alert_id: str | None = None
    customer_ref: str | None = None
    status: MeterAlertStatus | None = None
    since: Timestamp | None = None
    until: Timestamp | None = None
    limit: Limit = 25
    next_page: str | None = None

    def wants(self, event: MeterAlertEvent) -> bool:
        """Tells whether a crossing is meant."""
        return (
            self.alert_id in (None, event.alert_id)
            and self.customer_ref in (None, event.customer_ref)
            and self.status in (None, event.status)
        )
