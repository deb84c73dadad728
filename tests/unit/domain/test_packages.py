from datetime import UTC, datetime

import pytest

from backbeat.domain.packages import holder, moved
from backbeat.models.packages import PackageAssignment
from backbeat.models.schedules import RelativeDate, RelativeUnit


def day(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (0, RelativeUnit.DAYS, day(2024, 1, 31)),
        (30, RelativeUnit.DAYS, day(2024, 3, 1)),
        (2, RelativeUnit.WEEKS, day(2024, 2, 14)),
        # Clamped to the last day of a shorter month.
        (1, RelativeUnit.MONTHS, day(2024, 2, 29)),
        (2, RelativeUnit.MONTHS, day(2024, 3, 31)),
        (13, RelativeUnit.MONTHS, day(2025, 2, 28)),
        (1, RelativeUnit.YEARS, day(2025, 1, 31)),
    ],
)
def test_distances_are_calendar_arithmetic(
    value: int, unit: RelativeUnit, expected: datetime
) -> None:
    assert moved(day(2024, 1, 31), RelativeDate(value=value, unit=unit)) == expected


def test_a_year_after_a_leap_day_is_the_last_of_february() -> None:
    distance = RelativeDate(value=1, unit=RelativeUnit.YEARS)

    assert moved(day(2024, 2, 29), distance) == day(2025, 2, 28)


def test_who_lost_a_name_does_not_get_it_back() -> None:
    assignments = [
        PackageAssignment(package_id="old"),
        PackageAssignment(
            package_id="new",
            starting_at=day(2025, 2, 1),
            ending_before=day(2025, 3, 1),
        ),
    ]

    assert holder(assignments, day(2025, 1, 31)) == "old"
    assert holder(assignments, day(2025, 2, 1)) == "new"
    assert holder(assignments, day(2025, 3, 1)) is None
    assert holder([], day(2025, 1, 1)) is None
