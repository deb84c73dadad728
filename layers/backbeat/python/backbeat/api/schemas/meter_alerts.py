"""Requests about alerts of metered usage."""

from typing import Annotated

from pydantic import Field

from backbeat.api.schemas.metering import Amount, CustomerRef
from backbeat.api.schemas.types import Flag, Limit, Name, Schema, Timestamp
from backbeat.models.meter_alerts import MeterAlertEvent, MeterAlertStatus, MeterAlertType


class CreateMeterAlert(Schema):
    """A line to watch: units of a counter, or money in the unit of the invoices (USD: cents)."""

    name: Annotated[Name, Field(max_length=200)]
    type: MeterAlertType
    metric: Name | None = None
    customer_ref: CustomerRef | None = None
    threshold: Amount
    clear_below: Amount | None = None


class ChangeMeterAlert(Schema):
    """What to change of an alert; what is left out stays."""

    name: Annotated[Name, Field(max_length=200)] | None = None
    threshold: Amount | None = None
    clear_below: Amount | None = None
    enabled: Flag | None = None

    def changes(self) -> dict[str, object]:
        """Returns what is given."""
        return self.model_dump(exclude_none=True)


class ListMeterAlertEvents(Schema):
    """Which crossings to list."""

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
