"""Months and intervals in Unix seconds, UTC."""

from calendar import monthrange
from datetime import UTC, datetime
from typing import Final

_MONTHS: Final = {"month": 1, "year": 12}
_SECONDS: Final = {"day": 86_400, "week": 7 * 86_400}


def add_months(moment: int, months: int, *, day: int | None = None) -> int:
    """Returns the instant so many months later, at the same time of day.

    It falls on `day`, or on the moment's own day, or on the month's last if that is earlier.
    """
    at = datetime.fromtimestamp(moment, UTC)
    year, month = divmod(at.year * 12 + at.month - 1 + months, 12)
    last = monthrange(year, month + 1)[1]
    moved = at.replace(year=year, month=month + 1, day=min(day or at.day, last))
    return int(moved.timestamp())


def add_interval(moment: int, interval: str, count: int, *, anchor: int | None = None) -> int:
    """Returns the end of a billing period that begins at a moment.

    Months follow the anchor's day: from 31 January to 28 February to 31 March.
    """
    if interval in _SECONDS:
        return moment + _SECONDS[interval] * count
    day = None if anchor is None else datetime.fromtimestamp(anchor, UTC).day
    return add_months(moment, _MONTHS[interval] * count, day=day)
