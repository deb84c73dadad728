"""Cells into quantities by window and group."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backbeat.domain import windows
from backbeat.models.period import HOUR
from backbeat.models.usage import Tally, UsageCell, WindowSize
from tests.unit.builders import metric, period, utc

TWO_DAYS = period("2025-03-01", "2025-03-03")


def cell(
    hour: str, groups: tuple[str | None, ...] = (), *, count: int = 1, total: str = "0"
) -> UsageCell:
    return UsageCell(utc(hour), groups, Tally(count, Decimal(total)))


def test_the_whole_span_is_one_window() -> None:
    assert list(windows.windows(TWO_DAYS, WindowSize.NONE)) == [TWO_DAYS]


def test_days() -> None:
    assert list(windows.windows(TWO_DAYS, WindowSize.DAY)) == [
        period("2025-03-01", "2025-03-02"),
        period("2025-03-02", "2025-03-03"),
    ]


def test_the_last_window_is_cut_at_the_end_of_the_span() -> None:
    span = period("2025-03-01", "2025-03-02T06:00")
    assert list(windows.windows(span, WindowSize.DAY)) == [
        period("2025-03-01", "2025-03-02"),
        period("2025-03-02", "2025-03-02T06:00"),
    ]


def test_hours_cross_midnight_and_the_month() -> None:
    span = period("2025-02-28T23:00", "2025-03-01T01:00")
    assert list(windows.windows(span, WindowSize.HOUR)) == [
        period("2025-02-28T23:00", "2025-03-01T00:00"),
        period("2025-03-01T00:00", "2025-03-01T01:00"),
    ]


@pytest.mark.parametrize(
    ("size", "hour", "start"),
    [
        (WindowSize.NONE, "2025-03-02T23:00", "2025-03-01"),
        (WindowSize.DAY, "2025-03-01T23:00", "2025-03-01"),
        (WindowSize.DAY, "2025-03-02T00:00", "2025-03-02"),
        (WindowSize.HOUR, "2025-03-02T05:00", "2025-03-02T05:00"),
    ],
)
def test_the_window_of_an_hour(size: WindowSize, hour: str, start: str) -> None:
    assert windows.window_start(TWO_DAYS, size, utc(hour)) == utc(start)


def test_quantities() -> None:
    cells = [
        cell("2025-03-01", count=2, total="1.5"),
        cell("2025-03-02", count=3, total="-0.25"),
    ]
    # 2 + 3 events; 1.5 - 0.25.
    assert windows.quantity(metric("COUNT"), cells) == 5
    assert windows.quantity(metric("SUM", "n"), cells) == Decimal("1.25")


def test_nothing_counted_is_not_zero() -> None:
    assert windows.quantity(metric("COUNT"), []) is None
    assert windows.quantity(metric("SUM", "n"), []) is None
    assert windows.quantity(metric("SUM", "n"), [cell("2025-03-01", total="0")]) == 0


def test_groups_of_some_keys_add_up_over_the_others() -> None:
    by_both = metric("COUNT", groups=[["region", "model"]])
    # The cell keys in alphabetical order: model, region.
    cells = [
        cell("2025-03-01", ("x", "eu"), count=1),
        cell("2025-03-01", ("y", "eu"), count=2),
        cell("2025-03-02", ("x", "us"), count=4),
        cell("2025-03-02", ("x", None), count=8),
    ]

    def counts(*keys: str) -> dict[tuple[str | None, ...], Decimal | None]:
        return {
            group: windows.quantity(by_both, inside)
            for group, inside in windows.by_group(by_both, cells, keys).items()
        }

    assert counts("region") == {("eu",): 3, ("us",): 4, (None,): 8}
    assert counts("model") == {("x",): 13, ("y",): 2}
    assert counts("region", "model") == {
        ("eu", "x"): 1, ("eu", "y"): 2, ("us", "x"): 4, (None, "x"): 8,
    }  # fmt: skip


HOURS = st.lists(
    st.tuples(st.integers(0, 47), st.integers(1, 9), st.decimals(-9, 9, places=2)), max_size=10
)


@settings(max_examples=50, derandomize=True, deadline=None)
@given(HOURS, st.sampled_from([WindowSize.DAY, WindowSize.HOUR]), st.sampled_from(["COUNT", "SUM"]))
def test_windows_add_up_to_the_span(
    hours: list[tuple[int, int, Decimal]], size: WindowSize, aggregation: str
) -> None:
    counted = metric(aggregation, "n")
    cells = [
        UsageCell(TWO_DAYS.starting_at + hour * HOUR, (), Tally(count, total))
        for hour, count, total in hours
    ]
    parts = [
        windows.quantity(counted, [cell for cell in cells if window.covers(cell.hour)])
        for window in windows.windows(TWO_DAYS, size)
    ]
    assert sum(part or 0 for part in parts) == (windows.quantity(counted, cells) or 0)
