from datetime import UTC, datetime

import pytest

from backbeat.domain.named_schedules import overlaid
from backbeat.models.named_schedules import ScheduleSegment


def segment(value: str, start: int, end: int | None = None) -> ScheduleSegment:
    return ScheduleSegment(
        value=value,
        starting_at=datetime(2025, 1, start, tzinfo=UTC),
        ending_before=None if end is None else datetime(2025, 1, end, tzinfo=UTC),
    )


BASE = segment("base", 5, 15)


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        (segment("n", 1, 3), [segment("n", 1, 3), BASE]),
        (segment("n", 1, 5), [segment("n", 1, 5), BASE]),
        (segment("n", 1, 10), [segment("n", 1, 10), segment("base", 10, 15)]),
        (segment("n", 5, 15), [segment("n", 5, 15)]),
        (segment("n", 1), [segment("n", 1)]),
        (segment("n", 7, 9), [segment("base", 5, 7), segment("n", 7, 9), segment("base", 9, 15)]),
        (segment("n", 10), [segment("base", 5, 10), segment("n", 10)]),
        (segment("n", 15, 20), [BASE, segment("n", 15, 20)]),
        (segment("n", 20), [BASE, segment("n", 20)]),
    ],
)
def test_the_new_segment_cuts_off_what_it_covers(
    new: ScheduleSegment, expected: list[ScheduleSegment]
) -> None:
    assert list(overlaid([BASE], new)) == expected


def test_an_open_segment_goes_on_behind_a_closed_one() -> None:
    assert list(overlaid([segment("base", 1)], segment("n", 5, 10))) == [
        segment("base", 1, 5),
        segment("n", 5, 10),
        segment("base", 10),
    ]
