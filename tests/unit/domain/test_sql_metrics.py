"""What a query's answer means as usage."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from backbeat.domain import sql_metrics
from backbeat.models.catalog import BillableMetric


def metric(*keys: str) -> BillableMetric:
    return BillableMetric(
        id="m",
        name="m",
        sql="SELECT",
        group_keys=(keys,) if keys else (),
        created_at=datetime(2025, 1, 1, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("columns", "groups"),
    [
        (("count(*)",), ()),
        (("total", "region", "kind"), ("region", "kind")),
        (("region", "VALUE", "kind"), ("region", "kind")),
    ],
)
def test_the_quantity_is_called_value_or_comes_first(
    columns: tuple[str, ...], groups: tuple[str, ...]
) -> None:
    assert sql_metrics.group_columns(columns) == groups


def test_rows_of_one_group_add_up_and_nulls_are_nothing() -> None:
    rows: list[tuple[str | Decimal | None, ...]] = [
        ("us", Decimal(1)),
        ("us", "2.5"),
        (None, Decimal(4)),
        ("eu", None),
        ("eu", "many"),
    ]

    found = sql_metrics.answer(metric("region"), ("region", "value"), rows)
    assert found == {("us",): Decimal("3.5"), (None,): Decimal(4)}


def test_groups_come_in_the_order_of_the_cell_keys() -> None:
    found = sql_metrics.answer(
        metric("region", "kind"), ("n", "region", "kind"), [(Decimal(1), "us", "use")]
    )

    assert found == {("use", "us"): 1}


def test_growth_may_be_negative_and_groups_may_go() -> None:
    before: sql_metrics.Answer = {("us",): Decimal(5), ("eu",): Decimal(2)}
    after: sql_metrics.Answer = {("us",): Decimal(3), ("ap",): Decimal(1)}

    assert sql_metrics.growth(before, after) == {("us",): -2, ("eu",): -2, ("ap",): 1}


def test_another_metrics_keys_take_what_they_know() -> None:
    quantities: sql_metrics.Answer = {("use", "us"): Decimal(1), ("other", "us"): Decimal(2)}

    found = sql_metrics.regrouped(quantities, metric("kind", "region"), metric("region", "team"))
    assert found == {("us", None): 3}
