"""Half-open stretches of time, in UTC."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple


class Period(NamedTuple):
    """`[starting_at, ending_before)`; there is no other kind of interval."""

    starting_at: datetime
    ending_before: datetime

    def covers(self, instant: datetime) -> bool:
        """Tells whether the instant lies inside."""
        return self.starting_at <= instant < self.ending_before

    def within(self, other: "Period") -> "Period | None":
        """Returns the common part, or None when there is none."""
        start = max(self.starting_at, other.starting_at)
        end = min(self.ending_before, other.ending_before)
        return Period(start, end) if start < end else None


def hour_of(instant: datetime) -> datetime:
    """Returns the start of the UTC hour the instant lies in."""
    return instant.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def is_on_hour(instant: datetime) -> bool:
    """Tells whether the instant is a UTC hour boundary."""
    return hour_of(instant) == instant


def is_midnight(instant: datetime) -> bool:
    """Tells whether the instant is midnight UTC."""
    return is_on_hour(instant) and instant.astimezone(UTC).hour == 0


HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
