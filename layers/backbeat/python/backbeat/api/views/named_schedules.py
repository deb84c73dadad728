"""Named schedules as the API shows them."""

from backbeat.api import json
from backbeat.api.views.times import optional, present, timestamp
from backbeat.models.named_schedules import NamedSchedule, ScheduleSegment


def segment_view(segment: ScheduleSegment) -> dict[str, object]:
    """Returns a value and when it holds."""
    dates = present(
        starting_at=timestamp(segment.starting_at), ending_before=optional(segment.ending_before)
    )
    return {"value": json.loads(segment.value), **dates}


def contract_schedule_view(contract_id: str, schedule: NamedSchedule) -> dict[str, object]:
    """Returns a schedule of a contract with all its segments."""
    return {
        "contract_id": contract_id,
        "schedule_name": schedule.name,
        "properties": schedule.properties,
        "segments": [segment_view(segment) for segment in schedule.segments],
    }
