"""How each aggregation's value grows from hour to hour, and what its windows and groups are."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from backbeat.domain.series import increments_by_group
from backbeat.domain.windows import quantity
from backbeat.models.catalog import Aggregation, BillableMetric
from backbeat.models.usage import Distinct, Highest, Latest, Measure, Tally, UsageCell


def metric(kind: str) -> BillableMetric:
    return BillableMetric(
        id="m",
        name="m",
        aggregation_type=Aggregation(kind),
        aggregation_key="v",
        group_keys=(("region",),),
        created_at=datetime(2025, 1, 1, tzinfo=UTC),
    )


def cell(hour: int, measure: Measure, region: str = "us") -> UsageCell:
    return UsageCell(datetime(2025, 1, 1, hour, tzinfo=UTC), (region,), measure)


def highest(value: str) -> Highest:
    return Highest(Decimal(value))


def latest(place: int, value: str) -> Latest:
    return Latest(Decimal(place), Decimal(value))


def distinct(values: str) -> Distinct:
    return Distinct(frozenset(values))


def growth(
    kind: str, cells: Sequence[UsageCell], *keys: str
) -> dict[object, list[tuple[int, int]]]:
    """Returns (hour, amount) of each increment by group."""
    found = increments_by_group(metric(kind), cells, keys)
    return {
        group: [(step.hour.hour, int(step.amount)) for step in steps]
        for group, steps in found.items()
    }


def test_counts_and_sums_add_up_within_an_hour() -> None:
    cells = [
        cell(9, Tally(2, Decimal(5))),
        cell(8, Tally(1, Decimal(-3))),
        cell(9, Tally(1, Decimal(4)), "eu"),
    ]

    assert growth("COUNT", cells) == {(): [(8, 1), (9, 3)]}
    assert growth("SUM", cells) == {(): [(8, -3), (9, 9)]}
    assert growth("SUM", cells, "region") == {("us",): [(8, -3), (9, 5)], ("eu",): [(9, 4)]}


def test_a_greatest_value_grows_only_when_it_is_passed() -> None:
    cells = [cell(2, highest("7")), cell(1, highest("3")), cell(3, highest("5")),
             cell(4, highest("9")), cell(4, highest("8"))]  # fmt: skip

    assert growth("MAX", cells) == {(): [(1, 3), (2, 4), (3, 0), (4, 2)]}
    assert quantity(metric("MAX"), cells) == 9


def test_a_greatest_value_below_zero_is_one() -> None:
    cells = [cell(1, highest("-5")), cell(2, highest("-2"))]

    assert growth("MAX", cells) == {(): [(1, -5), (2, 3)]}
    assert quantity(metric("MAX"), cells) == -2


def test_distinct_values_grow_by_those_not_seen_before() -> None:
    cells = [cell(1, distinct("ab")), cell(2, distinct("bc"), "eu"), cell(3, distinct("ad"))]

    # Together a, b | c | d; in us alone a, b | d.
    assert growth("UNIQUE", cells) == {(): [(1, 2), (2, 1), (3, 1)]}
    assert growth("UNIQUE", cells, "region") == {
        ("us",): [(1, 2), (3, 1)],
        ("eu",): [(2, 2)],
    }
    assert quantity(metric("UNIQUE"), cells) == 4


def test_a_latest_value_goes_by_its_place_and_may_fall() -> None:
    cells = [
        cell(1, latest(11, "7")),
        cell(1, latest(12, "9"), "eu"),
        cell(2, latest(21, "5")),
        cell(2, latest(20, "8"), "eu"),
    ]

    assert growth("LATEST", cells) == {(): [(1, 9), (2, -4)]}
    assert growth("LATEST", cells, "region") == {
        ("us",): [(1, 7), (2, -2)],
        ("eu",): [(1, 9), (2, -1)],
    }
    assert quantity(metric("LATEST"), reversed(cells)) == 5


@pytest.mark.parametrize("kind", list(Aggregation))
def test_nothing_is_no_quantity_and_no_growth(kind: Aggregation) -> None:
    assert quantity(metric(kind), []) is None
    assert growth(kind, []) == {}
