"""What events say to metrics that keep greatest, latest and distinct values."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from backbeat.domain import measures, tracking
from backbeat.models.catalog import Aggregation, BillableMetric, PropertyFilter
from backbeat.models.errors import InvalidArgument
from backbeat.models.usage import CellKey, Highest, Measure, StoredEvent, UsageEvent

NOON = datetime(2025, 1, 20, 12, tzinfo=UTC)


def metric(kind: str, **fields: object) -> BillableMetric:
    return BillableMetric.model_validate(
        {
            "id": "m",
            "name": "m",
            "aggregation_type": kind,
            "aggregation_key": "v",
            "created_at": NOON,
            **fields,
        }
    )


def stored(
    value: object, *, at: datetime = NOON, place: int = 0, **properties: object
) -> StoredEvent:
    event = UsageEvent("t", "acme", "use", at, {"v": value, **properties})
    return StoredEvent(event, NOON, Decimal(place))


def value(kind: str, *events: StoredEvent) -> Decimal | None:
    said = tracking.measured(events, [metric(kind)])
    return measures.total(metric(kind), said.values())


def test_numbers_in_texts_are_numbers() -> None:
    assert value("MAX", stored("9"), stored("10"), stored(Decimal("9.5"))) == 10


@pytest.mark.parametrize("kind", ["MAX", "LATEST"])
@pytest.mark.parametrize("given", ["abc", None, True, {"a": 1}])
def test_what_is_no_number_says_nothing(kind: str, given: object) -> None:
    assert value(kind, stored(given)) is None


def test_distinct_values_are_those_of_different_text() -> None:
    # 1 is "1" and true is "true"; null and lists have no text.
    events = [stored(given) for given in (1, "1", True, "true", "TRUE", None, [1])]

    assert value("UNIQUE", *events) == 3


def test_the_latest_is_the_one_of_the_greatest_time_then_place() -> None:
    early = stored("1", at=NOON - timedelta(microseconds=1), place=9)
    first, second = stored("2", place=4), stored("3", place=5)

    assert value("LATEST", second, early, first) == 3
    assert value("LATEST", early, first) == 2


def test_time_goes_by_the_instant_whatever_the_offset() -> None:
    west = stored("1", at=NOON.astimezone(timezone(timedelta(hours=-5, minutes=-30))))
    later = stored("2", at=NOON + timedelta(seconds=1))

    [(cell, _)] = tracking.measured([west, later], [metric("LATEST")]).items()
    assert cell == CellKey("acme", "m", NOON, ())
    assert value("LATEST", later, west) == 2


def test_filters_and_groups_hold() -> None:
    grouped = metric(
        "MAX",
        property_filters=(PropertyFilter(name="region", in_values=("us", "eu")),),
        group_keys=(("region",),),
    )
    events = [stored("1", region="us"), stored("7", region="eu"), stored("9", region="ap")]

    said: dict[CellKey, Measure] = tracking.measured(events, [grouped])
    assert {cell.groups: measure for cell, measure in said.items()} == {
        ("us",): Highest(Decimal(1)),
        ("eu",): Highest(Decimal(7)),
    }


@pytest.mark.parametrize("kind", [Aggregation.COUNT, Aggregation.SUM])
def test_counts_and_sums_are_not_tracked(kind: Aggregation) -> None:
    assert not metric(kind).is_tracked
    assert not BillableMetric(id="m", name="m", sql="SELECT 1", created_at=NOON).is_tracked


@pytest.mark.parametrize("given", ["1" * 39, "1e39", "1e-39"])
def test_refuses_numbers_that_are_not_kept_exactly(given: str) -> None:
    with pytest.raises(InvalidArgument, match="38 digits"):
        tracking.refuse_too_long([stored(given)], [metric("MAX")])


def test_places_follow_time_and_then_the_batch() -> None:
    places = [
        tracking.place(NOON, 0),
        tracking.place(NOON, 99),
        tracking.place(NOON + timedelta(microseconds=1), 0),
    ]

    assert places == sorted(set(places))
