"""Requests about named schedules."""

from backbeat.api import json
from backbeat.api.schemas.types import Id, Name, Schema, Timestamp
from backbeat.models.named_schedules import ScheduleSegment


class GetSchedule(Schema):
    """Names a schedule, and perhaps the instant whose value is wanted."""

    schedule_name: Name
    covering_date: Timestamp | None = None


class UpdateSchedule(Schema):
    """A value, which may be any JSON, for a stretch of time."""

    schedule_name: Name
    starting_at: Timestamp
    ending_before: Timestamp | None = None
    value: object

    def to_segment(self) -> ScheduleSegment:
        """Returns the segment asked for."""
        return ScheduleSegment(
            value=json.dumps(self.value),
            starting_at=self.starting_at,
            ending_before=self.ending_before,
        )


class GetCustomerSchedule(GetSchedule):
    """A schedule of a customer."""

    customer_id: Id


class UpdateCustomerSchedule(UpdateSchedule):
    """A value in a schedule of a customer."""

    customer_id: Id


class GetRateCardSchedule(GetSchedule):
    """A schedule of a rate card."""

    rate_card_id: Id


class UpdateRateCardSchedule(UpdateSchedule):
    """A value in a schedule of a rate card."""

    rate_card_id: Id
