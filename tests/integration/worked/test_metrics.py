"""Worked examples of metrics (16.2) and of how usage is shown (16.8)."""

from decimal import Decimal

import pytest

from tests.integration.worked.world import World, lines

JAN, FEB = "2025-01-01", "2025-02-01"
AFTER = "2025-01-31T00:00:00Z"
"""When the events of January are sent: all of them within 34 days."""


def priced(
    world: World, metric: str, *prices: tuple[str, object], granularity: str | None = None
) -> str:
    """Returns a customer who pays these prices, each from a date on, for what a metric counts."""
    customer, card = world.customer(), world.rate_card()
    sold = world.product(metric, sql_breakdown_granularity=granularity)
    for start, price in prices:
        world.rate(card, sold, price=price, start=f"{start}T00:00:00Z")
    world.contract(customer, card)
    return customer


def values(world: World, metric: str, size: str, end: str = FEB) -> list[object]:
    return [row["value"] for row in world.usage(metric, JAN, end, size=size)]


def test_we_12_count_and_sum_count_an_id_once() -> None:
    world = World("2025-01-10T00:00:00Z")
    customer = world.customer()
    added, counted = world.metric("SUM"), world.metric("COUNT", key=None)
    world.use(customer, 10, "2025-01-09T00:00:00Z", id="t1")
    world.use(customer, 999, "2025-01-09T00:00:00Z", id="t1")

    assert values(world, added, "NONE") == [10]
    assert values(world, counted, "NONE") == [1]
    found = world.post("/v1/events/search", {"transactionIds": ["t1"]})
    assert [(event["properties"]["value"], event["is_duplicate"]) for event in found] == [
        ("999", True),
        ("10", False),
    ]
    for event in found:
        assert {metric["id"] for metric in event["matched_billable_metrics"]} == {added, counted}
        assert event["matched_customer"]["id"] == customer


def test_we_12_the_id_is_free_again_after_35_days() -> None:
    world = World("2025-01-10T00:00:00Z")
    customer, metric = world.customer(), world.metric("SUM")
    world.use(customer, 10, "2025-01-09T00:00:00Z", id="t1")
    world.clock("2025-02-14T00:00:00Z")
    world.use(customer, 999, "2025-02-13T00:00:00Z", id="t1")

    assert [row["value"] for row in world.usage(metric, JAN, "2025-03-01")] == [1009]


def test_we_13_max_is_priced_by_what_it_gained() -> None:
    world = World(AFTER)
    metric = world.metric("MAX")
    changing = priced(world, metric, ("2024-01-01", 100), ("2025-01-03", 120))
    for day, value in enumerate((3, 7, 5, 9), start=1):
        world.use(changing, value, f"2025-01-0{day}T12:00:00Z")

    # Increments 3, 4 | 0, 2: 7 × 100 and 2 × 120.
    assert lines(world.draft(changing), "quantity", "unit_price", "total") == [
        (7, 100, 700),
        (2, 120, 240),
    ]
    assert world.draft(changing)["total"] == 940
    assert values(world, metric, "DAY", "2025-01-05") == [3, 7, 5, 9]
    assert values(world, metric, "NONE") == [9]


def test_we_13_max_without_a_rate_change() -> None:
    world = World(AFTER)
    metric = world.metric("MAX")
    customer = priced(world, metric, ("2024-01-01", 100))
    for day, value in enumerate((3, 7, 5, 9), start=1):
        world.use(customer, value, f"2025-01-0{day}T12:00:00Z")

    assert lines(world.draft(customer), "quantity", "unit_price", "total") == [(9, 100, 900)]


def test_we_14_max_with_a_pricing_key() -> None:
    world = World(AFTER)
    metric = world.metric("MAX", groups=[["region"]])
    customer, card = world.customer(), world.rate_card()
    product = world.product(metric, pricing_group_key=["region"])
    for region in ("us", "eu"):
        world.rate(card, product, price=100, pricing_group_values={"region": region})
    world.contract(customer, card)
    world.use(customer, 3, "2025-01-05T00:00:00Z", region="us")
    world.use(customer, 5, "2025-01-06T00:00:00Z", region="eu")
    world.use(customer, 2, "2025-01-07T00:00:00Z", region="us")

    # us 3 × 100 + eu 5 × 100, although the greatest of all is 5.
    assert world.draft(customer)["total"] == 800
    assert values(world, metric, "NONE") == [5]


def test_we_15_unique_is_priced_when_a_value_is_new() -> None:
    world = World(AFTER)
    metric = world.metric("UNIQUE", key="user")
    customer = priced(world, metric, ("2024-01-01", 500), ("2025-01-03", 600))
    for day, users in enumerate(("ab", "bc", "ad"), start=1):
        for user in users:
            world.use(customer, None, f"2025-01-0{day}T12:00:00Z", user=user)

    # a, b and c before the 3rd, only d after: 3 × 500 + 1 × 600.
    assert lines(world.draft(customer), "quantity", "unit_price", "total") == [
        (3, 500, 1500),
        (1, 600, 600),
    ]
    assert world.draft(customer)["total"] == 2100
    assert values(world, metric, "DAY", "2025-01-04") == [2, 2, 2]
    assert values(world, metric, "NONE") == [4]


def test_we_16_latest_may_fall() -> None:
    world = World(AFTER)
    metric = world.metric("LATEST")
    customer = priced(world, metric, ("2024-01-01", 100))
    for day, value in enumerate((7, 9, 10, 5), start=1):
        world.use(customer, value, f"2025-01-0{day}T12:00:00Z")

    # Increments 7, 2, 1 and −5: the invoice has 5 × 100, whatever was in between.
    assert lines(world.draft(customer), "quantity", "total") == [(5, 500)]
    days = world.get(
        f"/v1/customers/{customer}/invoices/breakdowns",
        window_size="DAY",
        starting_on="2025-01-01T00:00:00Z",
        ending_before="2025-01-05T00:00:00Z",
    )
    totals = {day["breakdown_start_timestamp"][:10]: day["total"] for day in days}
    assert [totals[f"2025-01-0{day}"] for day in (1, 2, 3, 4)] == [700, 200, 100, -500]


def test_we_17_latest_with_a_price_change() -> None:
    world = World(AFTER)
    metric = world.metric("LATEST")
    customer = priced(world, metric, ("2024-01-01", 300), ("2025-01-15", 400))
    world.use(customer, 40, "2025-01-10T00:00:00Z")
    world.use(customer, 30, "2025-01-20T00:00:00Z")

    # 40 × 300 − 10 × 400.
    assert lines(world.draft(customer), "quantity", "unit_price", "total") == [
        (40, 300, 12000),
        (-10, 400, -4000),
    ]
    assert world.draft(customer)["total"] == 8000


@pytest.mark.parametrize(
    ("granularity", "total"),
    [("HOUR", 30000), ("SERVICE_PERIOD", 60000), (None, 60000)],
    ids=["hour", "service_period", "not_said"],
)
def test_we_19_sql_metric_by_granularity(granularity: str | None, total: int) -> None:
    world = World(AFTER)
    metric = world.sql_metric("SELECT SUM(CAST(properties.value AS INT)) AS value FROM events")
    prices = (("2024-01-01", 1000), ("2025-01-15", 2000))
    customer = priced(world, metric, *prices, granularity=granularity)
    for day, value in (("02", 5), ("05", 10), ("09", 15)):
        world.use(customer, value, f"2025-01-{day}T12:00:00Z")

    # All 30 came before the price moved: at 1000 each hour by hour, at 2000 in the last window.
    assert world.draft(customer)["total"] == total


def test_we_20_numeric_forms() -> None:
    world = World(AFTER)
    customer = world.customer()
    added, counted = (
        world.post(
            "/v1/billable-metrics/create",
            {"name": kind, "aggregation_type": kind, **key, "property_filters": [{"name": "v"}]},
        )["id"]
        for kind, key in (("SUM", {"aggregation_key": "v"}), ("COUNT", {}))
    )
    for number, given in enumerate(({"v": "1.10"}, {"v": Decimal("2.2")}, {"v": "abc"}, {})):
        event = {
            "transaction_id": f"form-{number}",
            "customer_id": customer,
            "event_type": "use",
            "timestamp": "2025-01-20T00:00:00Z",
            "properties": given,
        }
        world.post("/v1/ingest", [event])

    assert values(world, added, "NONE") == [Decimal("3.3")]
    assert values(world, counted, "NONE") == [4]


def test_we_43_ingest_window() -> None:
    world = World("2025-06-15T12:00:00Z")
    customer, metric = world.customer(), world.metric("COUNT", key=None)

    def batch(*times: str) -> list[dict[str, object]]:
        return [
            {"transaction_id": at, "customer_id": customer, "event_type": "use", "timestamp": at}
            for at in times
        ]

    world.post("/v1/ingest", batch("2025-05-12T12:00:00Z", "2025-06-16T12:00:00Z"))
    for outside in ("2025-05-12T11:59:59Z", "2025-06-16T12:00:01Z"):
        error = world.refused("/v1/ingest", batch("2025-06-15T00:00:00Z", outside))
        assert "[1].timestamp" in error["message"]

    # The two at the ends count; of the refused batches nothing was stored.
    [row] = world.usage(metric, "2025-05-01", "2025-07-01")
    assert row["value"] == 2


def grouped_world() -> tuple[World, str, str]:
    world = World("2025-03-03T00:00:00Z")
    customer = world.customer()
    metric = world.metric("SUM", groups=[["region", "team"], ["region"]])
    for day, region, value in (("01", "us", 7), ("01", "eu", 2), ("02", "us", 1)):
        world.use(customer, value, f"2025-03-{day}T10:00:00Z", region=region, team="ml")
    return world, customer, metric


def test_we_70_groups_of_a_compound_key() -> None:
    world, customer, metric = grouped_world()

    status, reply = world.call(
        "POST",
        "/v1/usage/groups",
        {
            "customer_id": customer,
            "billable_metric_id": metric,
            "window_size": "day",
            "starting_on": "2025-03-01T00:00:00Z",
            "ending_before": "2025-03-03T00:00:00Z",
            "group_key": ["team", "region"],
        },
    )

    def row(day: int, region: str, value: int) -> dict[str, object]:
        return {
            "starting_on": f"2025-03-0{day}T00:00:00+00:00",
            "ending_before": f"2025-03-0{day + 1}T00:00:00+00:00",
            "group": {"region": region, "team": "ml"},
            "group_key": None,
            "group_value": None,
            "value": value,
        }

    assert status == 200
    assert reply["next_page"] is None
    # Within a window groups come by their values.
    assert reply["data"] == [row(1, "eu", 2), row(1, "us", 7), row(2, "us", 1)]


def test_we_71_listed_values_without_usage_are_null() -> None:
    world = World("2025-03-03T00:00:00Z")
    customer = world.customer()
    metric = world.metric("SUM", groups=[["region"]])
    world.use(customer, 7, "2025-03-01T10:00:00Z", region="us")
    world.use(customer, 2, "2025-03-01T11:00:00Z", region="eu")

    [row] = world.usage(
        metric,
        "2025-03-01",
        "2025-03-03",
        billable_metrics=[{"id": metric, "group_by": {"key": "region", "values": ["us", "ap"]}}],
    )

    assert row["customer_id"] == customer
    assert row["value"] == 9
    assert row["groups"] == {"us": 7, "ap": None}


def test_a_sql_metric_is_billed_to_its_last_digit() -> None:
    world = World("2025-01-20T00:00:00Z")
    sql = (
        "SELECT SUM(CAST(properties.value AS DOUBLE) * CAST(properties.factor AS DOUBLE)) AS value"
        " FROM events WHERE CAST(properties.value AS DOUBLE) >= 0.3"
    )
    customer, card = world.customer(), world.rate_card()
    metric = world.sql_metric(sql)
    world.rate(card, world.product(metric), price=1)
    world.contract(customer, card)
    for value, factor in (("0.1", "7"), ("0.3", "0.1"), ("123456789012345.678", "1000000.01")):
        world.use(customer, value, "2025-01-10T00:00:00Z", factor=factor)

    # 0.3 × 0.1 + 123456789012345.678 × 1000000.01
    #   = 0.03 + 123456789012345678000 + 1234567890123.45678.
    exact = Decimal("123456790246913568123.48678")
    assert world.draft(customer)["total"] == exact
    [row] = world.usage(metric, "2025-01-10", "2025-01-11", customer_ids=[customer])
    assert row["value"] == exact
