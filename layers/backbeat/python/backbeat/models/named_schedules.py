"""Named schedules: values that change over time and have no effect on bills."""

from datetime import datetime

from backbeat.models.base import Model


class ScheduleSegment(Model):
    """A value in force on `[starting_at, ending_before)`. `value` is any JSON, as text."""

    value: str
    starting_at: datetime
    ending_before: datetime | None = None

    def covers(self, instant: datetime) -> bool:
        """Tells whether the instant lies between start and end."""
        return self.starting_at <= instant and (
            self.ending_before is None or instant < self.ending_before
        )


class NamedSchedule(Model):
    """A schedule of one owner. `properties` tell schedules of the same name apart.

    The segments are in order of time and never overlap.
    """

    name: str
    properties: dict[str, str] = {}
    segments: tuple[ScheduleSegment, ...] = ()
