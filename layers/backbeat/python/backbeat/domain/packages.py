"""Relative dates, and which package a name stands for.

Owns: calendar arithmetic from a contract's start, which assignment of a name holds.
Does not own: the terms themselves.
Times: months and years are calendar ones, clamped to the last day of a short month.
Invariants: the same start and distance always give the same date.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from backbeat.domain.periods import add_months
from backbeat.models.packages import PackageAssignment
from backbeat.models.schedules import RelativeDate, RelativeUnit


def moved(start: datetime, distance: RelativeDate) -> datetime:
    """Returns the instant that lies a distance after the start."""
    match distance.unit:
        case RelativeUnit.DAYS:
            return start + timedelta(days=distance.value)
        case RelativeUnit.WEEKS:
            return start + timedelta(weeks=distance.value)
        case RelativeUnit.MONTHS:
            return add_months(start, distance.value)
        case RelativeUnit.YEARS:
            return add_months(start, 12 * distance.value)


def holder(assignments: Sequence[PackageAssignment], instant: datetime) -> str | None:
    """Returns the package that a name stands for at an instant, or None.

    The newest assignment wins: who had the name before does not get it back when that ends.
    """
    begun = [a for a in assignments if a.starting_at is None or a.starting_at <= instant]
    if not begun:
        return None
    newest = begun[-1]
    over = newest.ending_before is not None and newest.ending_before <= instant
    return None if over else newest.package_id
