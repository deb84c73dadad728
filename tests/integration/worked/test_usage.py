"""Ingest and reading usage: the checklist's items, and what goes with them."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from backbeat.ports.store import Contention, Effect, Put, Store
from tests.integration.worked.world import JSON, World

NOW = "2025-01-31T00:00:00Z"
JAN, FEB = "2025-01-01", "2025-02-01"


def event(id_: str, customer: str, at: str = "2025-01-20T10:00:00Z", **properties: object) -> JSON:
    return {
        "transaction_id": id_,
        "customer_id": customer,
        "event_type": "use",
        "timestamp": at,
        "properties": properties,
    }


def value(world: World, metric: str) -> object:
    [row] = world.usage(metric, JAN, FEB)
    return row["value"]


def seats(world: World, customer: str, metric: str, kind: str, size: str = "day") -> list[object]:
    rows = world.post(
        "/v1/usage/seats",
        {
            "customer_id": customer,
            "seat_metric_id": metric,
            "usage_type": kind,
            "window_size": size,
            "starting_on": "2025-01-20T00:00:00Z",
            "ending_before": "2025-01-23T00:00:00Z",
        },
    )
    return [row["value"] for row in rows]


# Ingest


def test_a_batch_has_1_to_100_events_all_of_them_right() -> None:
    world = World(NOW)
    customer, metric = world.customer(), world.metric("COUNT", key=None)

    world.refused("/v1/ingest", [])
    world.refused("/v1/ingest", [event(f"e{number}", customer) for number in range(101)])
    wrong = {**event("wrong", customer), "timestamp": "yesterday"}
    world.refused("/v1/ingest", [event("right", customer), wrong])

    assert value(world, metric) is None
    assert world.post("/v1/events/search", {"transactionIds": ["right", "e1"]}) == []


def test_an_id_is_taken_for_all_customers() -> None:
    world = World(NOW)
    first, second = world.customer("one"), world.customer("two")
    metric = world.metric("SUM")
    world.post("/v1/ingest", [event("t", "one", value="1")])
    world.post("/v1/ingest", [event("t", "two", value="2")])

    rows = world.usage(metric, JAN, FEB)
    assert {row["customer_id"]: row["value"] for row in rows} == {first: 1, second: None}


@pytest.mark.parametrize("aggregation", ["SUM", "MAX", "LATEST", "UNIQUE"])
def test_the_first_of_a_batch_wins_and_so_does_the_first_batch(aggregation: str) -> None:
    world = World(NOW)
    customer, metric = world.customer(), world.metric(aggregation)
    batch = [event("t", customer, value="5"), event("t", customer, value="9")]
    world.post("/v1/ingest", batch)
    before = value(world, metric)
    world.post("/v1/ingest", [event("t", customer, "2025-01-21T00:00:00Z", value="99")])

    assert before == (1 if aggregation == "UNIQUE" else 5)
    assert value(world, metric) == before
    found = world.post("/v1/events/search", {"transactionIds": ["t"]})
    assert sorted(one["properties"]["value"] for one in found if one["is_duplicate"]) == ["9", "99"]


def test_old_events_may_be_dropped_silently() -> None:
    world = World("2025-02-10T00:00:00Z", BACKBEAT_OLD_EVENTS="drop")
    customer, metric = world.customer(), world.metric("COUNT", key=None)
    old = event("old", customer, "2025-01-06T23:59:59Z")
    world.post("/v1/ingest", [old, event("new", customer, "2025-01-07T00:00:00Z")])
    world.post("/v1/ingest", [old])

    assert value(world, metric) == 1
    assert world.post("/v1/events/search", {"transactionIds": ["old"]}) == []


@pytest.mark.parametrize("aggregation", ["SUM", "MAX", "LATEST", "UNIQUE", "SQL"])
def test_a_late_alias_brings_its_events_and_takes_them_away(aggregation: str) -> None:
    world = World(NOW)
    metric = (
        world.sql_metric("SELECT SUM(properties.value) FROM events")
        if aggregation == "SQL"
        else world.metric(aggregation)
    )
    customer = world.customer()
    world.use("late", 5, "2025-01-20T10:00:00Z")
    before = value(world, metric)
    world.post(f"/v1/customers/{customer}/setIngestAliases", {"ingest_aliases": ["late"]})
    during = value(world, metric)
    world.post(f"/v1/customers/{customer}/setIngestAliases", {"ingest_aliases": []})

    assert (before, during, value(world, metric)) == (
        None,
        1 if aggregation == "UNIQUE" else 5,
        None,
    )


@pytest.mark.parametrize("aggregation", ["SUM", "MAX", "LATEST", "UNIQUE"])
def test_names_of_one_customer_are_measured_together(aggregation: str) -> None:
    world = World(NOW)
    customer, metric = world.customer("one", "two"), world.metric(aggregation)
    for name, given, hour in (("one", 4, 10), ("two", 7, 10), (customer, 4, 11), ("two", 6, 9)):
        world.use(name, given, f"2025-01-20T{hour:02}:00:00Z")

    expected = {"SUM": 21, "MAX": 7, "LATEST": 4, "UNIQUE": 3}
    assert value(world, metric) == expected[aggregation]


@pytest.mark.parametrize("aggregation", ["COUNT", "SUM", "MAX", "LATEST", "UNIQUE"])
def test_a_metric_ignores_what_was_received_before_it(aggregation: str) -> None:
    world = World(NOW)
    customer = world.customer()
    world.metric("MAX")
    world.use(customer, 5, "2025-01-20T10:00:00Z", id="before")
    metric = world.metric(aggregation)
    # Sending it again does not make it a later one.
    world.use(customer, 5, "2025-01-20T10:00:00Z", id="before")

    assert value(world, metric) is None


def test_a_sql_metric_sees_what_was_received_before_it() -> None:
    world = World(NOW)
    customer = world.customer()
    world.use(customer, 5, "2025-01-20T10:00:00Z")
    metric = world.sql_metric("SELECT SUM(properties.value) FROM events WHERE event_type = 'use'")

    assert value(world, metric) == 5


def test_of_one_instant_the_event_received_last_is_the_latest() -> None:
    world = World(NOW)
    customer, metric = world.customer(), world.metric("LATEST")
    world.post("/v1/ingest", [event("a", customer, value="1"), event("b", customer, value="2")])
    assert value(world, metric) == 2
    # The sandbox's clock stands still; ingest goes on.
    world.post("/v1/ingest", [event("c", customer, value="3")])
    assert value(world, metric) == 3
    # The first one, sent again behind others, is still the first.
    world.post("/v1/ingest", [event("x", customer), event("y", customer), event("a", customer)])
    assert value(world, metric) == 3


class _Failing:
    """A store that loses greatest and latest values and then comes back."""

    def __init__(self, store: Store) -> None:
        self.inner = store
        self.is_down = True

    def transact(self, effects: Sequence[Effect]) -> None:
        puts = [effect for effect in effects if isinstance(effect, Put)]
        if self.is_down and any(put.item.entity in ("Highest", "Latest") for put in puts):
            raise Contention
        self.inner.transact(effects)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


@pytest.mark.parametrize("aggregation", ["MAX", "LATEST"])
def test_sending_again_completes_what_a_failure_left_undone(aggregation: str) -> None:
    world = World(NOW)
    customer, metric = world.customer(), world.metric(aggregation)
    store = _Failing(world.services.store)
    world.services = replace(world.services, store=store)
    status, _ = world.call("POST", "/v1/ingest", [event("t", customer, value="5")])
    left_undone = value(world, metric)
    store.is_down = False
    # What comes again may differ; what was stored first counts.
    world.post("/v1/ingest", [event("t", customer, "2025-01-22T00:00:00Z", value="99")])

    assert (status, left_undone, value(world, metric)) == (503, None, 5)


@pytest.mark.parametrize("aggregation", ["MAX", "LATEST"])
def test_a_number_too_long_to_keep_exactly_is_refused(aggregation: str) -> None:
    world = World(NOW)
    customer, metric = world.customer(), world.metric(aggregation)
    world.post("/v1/ingest", [event("fits", customer, value="1" * 38)])
    batch = [event("right", customer, value="1"), event("long", customer, value="1" * 39)]
    world.refused("/v1/ingest", batch)

    assert value(world, metric) == Decimal("1" * 38)
    assert world.post("/v1/events/search", {"transactionIds": ["right"]}) == []


def test_events_are_found_for_34_days() -> None:
    world = World(NOW)
    customer = world.customer()
    world.use(customer, 5, "2025-01-31T00:00:00Z", id="t")
    world.clock("2025-03-06T00:00:00Z")
    found = world.post("/v1/events/search", {"transactionIds": ["t", "unknown"]})
    world.clock("2025-03-06T00:00:01Z")

    assert [one["transaction_id"] for one in found] == ["t"]
    assert world.post("/v1/events/search", {"transactionIds": ["t"]}) == []


# Metrics


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "aggregation_type"),
        ({"aggregation_type": "SUM"}, "aggregation key"),
        ({"aggregation_type": "MAX", "aggregation_key": "v"}, "aggregation key"),
        ({"aggregation_type": "MEDIAN"}, "aggregation_type"),
        ({"aggregation_type": "COUNT", "group_keys": [["r"]]}, "Group key 'r'"),
        (
            {
                "aggregation_type": "COUNT",
                "group_keys": [["r"]],
                "property_filters": [{"name": "r", "not_in_values": ["x"]}],
            },
            "Group key 'r'",
        ),
        ({"aggregation_type": "COUNT", "event_type_filter": {"in_values": []}}, "in_values"),
        ({"sql": "SELECT COUNT(*) FROM events", "aggregation_type": "COUNT"}, "sql"),
        ({"sql": "SELECT COUNT(*) FROM events", "group_keys": [["r"]]}, "sql"),
        ({"sql": "SELECT nothing FROM events"}, "sql"),
        ({"sql": "DROP TABLE events"}, "sql"),
    ],
)
def test_refuses_a_metric_that_cannot_be(body: JSON, named: str) -> None:
    error = World().refused("/v1/billable-metrics/create", {"name": "m", **body})

    assert named in error["message"]


@pytest.mark.parametrize("form", ["MAX", "Max", "max"])
def test_aggregations_are_taken_in_any_case(form: str) -> None:
    world = World()
    metric = world.metric(form)

    assert world.get(f"/v1/billable-metrics/{metric}")["aggregation_type"] == "MAX"


def test_a_sql_metric_reads_back_with_its_query() -> None:
    world = World(NOW)
    customer = world.customer()
    sql = "SELECT SUM(properties.value) AS value, properties.region FROM events GROUP BY 2"
    metric = world.sql_metric(sql)
    world.use(customer, 5, "2025-01-20T10:00:00Z", id="t")

    read = world.get(f"/v1/billable-metrics/{metric}")
    assert read["sql"] == sql
    assert not {"aggregation_type", "property_filters", "group_keys"} & read.keys()
    [found] = world.post("/v1/events/search", {"transactionIds": ["t"]})
    [matched] = found["matched_billable_metrics"]
    assert (matched["id"], matched["aggregation_type"]) == (metric, "custom_sql")


def test_archived_metrics_are_listed_on_demand_and_go_on_metering() -> None:
    world = World(NOW)
    customer = world.customer()
    kept, archived = world.metric("SUM"), world.metric("MAX")
    world.post("/v1/billable-metrics/archive", {"id": archived})
    world.use(customer, 5, "2025-01-20T10:00:00Z")

    for path in ("/v1/billable-metrics", f"/v1/customers/{customer}/billable-metrics"):
        assert [metric["id"] for metric in world.get(path)] == [kept]
        listed = world.get(path, include_archived="true")
        assert {metric["id"]: "archived_at" in metric for metric in listed} == {
            kept: False,
            archived: True,
        }
    assert value(world, archived) == 5
    world.refused("/v1/billable-metrics/archive", {"id": archived})


def test_a_customers_metrics_carry_the_older_fields() -> None:
    world = World()
    customer = world.customer()
    metric = world.metric("SUM", groups=[["region"]])

    [listed] = world.get(f"/v1/customers/{customer}/billable-metrics")
    assert listed["id"] == metric
    assert (listed["aggregate"], listed["aggregate_keys"], listed["group_by"]) == (
        "sum",
        ["value"],
        ["region"],
    )
    unknown = "00000000-0000-4000-8000-000000000000"
    status, _ = world.call("GET", f"/v1/customers/{unknown}/billable-metrics")
    assert status == 404


def test_an_older_metric_counts_what_its_json_schema_describes() -> None:
    world = World(NOW)
    customer = world.customer()
    metric = world.post(
        "/v1/billable-metrics",
        {
            "name": "older",
            "aggregate": "Sum",
            "aggregate_key": "value",
            "group_keys": ["region"],
            "filter": {
                "$schema": "http://json-schema.org/draft-07/schema",
                "type": "object",
                "required": ["event_type"],
                "properties": {
                    "event_type": {"enum": ["use"]},
                    "properties": {
                        "type": "object",
                        "required": ["tier"],
                        "properties": {"tier": {"type": "string", "not": {"const": "free"}}},
                    },
                },
            },
        },
    )["id"]
    world.use(customer, 1, "2025-01-20T10:00:00Z", region="us", tier="paid")
    world.use(customer, 2, "2025-01-20T10:00:00Z", region="us", tier="free")
    world.use(customer, 4, "2025-01-20T10:00:00Z", region="us")
    world.use(customer, 8, "2025-01-20T10:00:00Z", region="us", tier="paid", event_type="other")

    # Only the first is of the type, has a tier, and not the free one.
    assert value(world, metric) == 1


@pytest.mark.parametrize(
    "schema",
    [
        {"anyOf": []},
        {"properties": {"event_type": {"pattern": "^a"}}},
        {"properties": {"properties": {"properties": {"v": {"minimum": 3}}}}},
        {"properties": {"color": {"const": "red"}}},
        {"properties": {"event_type": {"enum": [1]}}},
    ],
)
def test_an_older_metric_refuses_what_it_cannot_express(schema: JSON) -> None:
    body = {"name": "older", "aggregate": "count", "filter": schema}
    error = World().refused("/v1/billable-metrics", body)

    assert error["message"].startswith("filter")


# Reading


def test_windows_without_events_are_null() -> None:
    world = World(NOW)
    customer = world.customer()
    metrics = [world.metric(kind) for kind in ("SUM", "MAX", "LATEST", "UNIQUE")]
    metrics.append(world.sql_metric("SELECT SUM(properties.value) FROM events"))
    world.use(customer, 5, "2025-01-20T10:00:00Z")

    for metric in metrics:
        rows = world.usage(metric, "2025-01-19", "2025-01-22", size="Day")
        assert [row["value"] is None for row in rows] == [True, False, True]
        hours = world.usage(metric, "2025-01-20", "2025-01-21", size="hour")
        assert [number for number, row in enumerate(hours) if row["value"] is not None] == [10]


def test_day_windows_of_what_does_not_add_up() -> None:
    world = World(NOW)
    customer = world.customer()
    given = {kind: world.metric(kind) for kind in ("MAX", "UNIQUE", "LATEST")}
    for day, amount in ((20, 4), (21, 9), (21, 4), (22, 4)):
        world.use(customer, amount, f"2025-01-{day}T10:00:00Z")

    def read(kind: str, size: str) -> list[object]:
        rows = world.usage(given[kind], "2025-01-20", "2025-01-23", size=size)
        return [row["value"] for row in rows]

    assert (read("MAX", "day"), read("MAX", "none")) == ([4, 9, 4], [9])
    assert (read("UNIQUE", "day"), read("UNIQUE", "none")) == ([1, 2, 1], [2])
    # On the 21st both came at the same instant; the second one counts.
    assert (read("LATEST", "day"), read("LATEST", "none")) == ([4, 4, 4], [4])


@pytest.mark.parametrize(
    ("aggregation", "whole", "groups"),
    [
        ("SUM", 16, {"us": 9, "eu": 7}),
        ("MAX", 7, {"us": 5, "eu": 7}),
        ("UNIQUE", 3, {"us": 2, "eu": 1}),
        ("LATEST", 7, {"us": 4, "eu": 7}),
    ],
)
def test_marginals_over_groups(aggregation: str, whole: int, groups: JSON) -> None:
    world = World(NOW)
    customer = world.customer()
    metric = world.metric(aggregation, groups=[["region"], ["region", "team"]])
    for hour, amount, region, team in (
        (9, 5, "us", "ml"),
        (10, 4, "us", "web"),
        (11, 7, "eu", "ml"),
    ):
        world.use(customer, amount, f"2025-01-20T{hour:02}:00:00Z", region=region, team=team)

    [row] = world.usage(
        metric, JAN, FEB, billable_metrics=[{"id": metric, "group_by": {"key": "region"}}]
    )
    assert row["value"] == whole
    assert row["groups"] == groups


def test_the_columns_of_a_query_are_group_keys() -> None:
    world = World(NOW)
    customer = world.customer()
    metric = world.sql_metric(
        "SELECT COUNT(*) AS value, properties.region AS region, event_type AS kind"
        " FROM events GROUP BY 2, 3"
    )
    for region, kind in (("us", "use"), ("us", "use"), ("eu", "use"), ("us", "other")):
        world.use(customer, 1, "2025-01-20T10:00:00Z", region=region, event_type=kind)

    [row] = world.usage(
        metric,
        JAN,
        FEB,
        billable_metrics=[{"id": metric, "group_by": {"key": "region", "values": ["us", "ap"]}}],
    )
    assert (row["value"], row["groups"]) == (4, {"us": 3, "ap": None})
    product = world.product(metric, pricing_group_key=["region"], presentation_group_key=["kind"])
    card = world.rate_card()
    for region, price in (("us", 100), ("eu", 10)):
        world.rate(card, product, price=price, pricing_group_values={"region": region})
    world.contract(customer, card)
    # us: 2 uses and 1 other at 100; eu: 1 use at 10.
    assert world.draft(customer)["total"] == 310


def test_a_product_may_change_from_one_query_to_another() -> None:
    world = World(NOW)
    customer, card = world.customer(), world.rate_card()
    before = world.sql_metric("SELECT SUM(properties.value) FROM events")
    after = world.sql_metric("SELECT COUNT(*) FROM events")
    product = world.product(before)
    world.rate(card, product, price=1)
    world.contract(customer, card)
    world.post(
        "/v1/contract-pricing/products/update",
        {
            "product_id": product,
            "starting_at": "2025-01-20T00:00:00Z",
            "billable_metric_id": after,
        },
    )
    for day in (10, 15, 25, 26, 27):
        world.use(customer, 100, f"2025-01-{day}T00:00:00Z")

    # A(start to T) + B(start to end) − B(start to T) = 200 + 5 − 2.
    assert sum(line["quantity"] for line in world.draft(customer)["line_items"]) == 203


@pytest.mark.parametrize(
    "wrong",
    [
        {"group_key": ["region"]},
        {"group_key": ["region", "team", "other"]},
        {"group_key": ["region", "team"], "group_by": {"key": "region"}},
        {"group_key": ["region", "team"], "group_filters": {"other": ["x"]}},
        {"starting_on": "2025-01-01T01:00:00Z"},
        {"ending_before": "2025-01-01T00:00:00Z"},
        {"current_period": True},
        {"window_size": "week"},
    ],
)
def test_refuses_a_wrong_question_about_groups(wrong: JSON) -> None:
    world = World(NOW)
    body = {
        "customer_id": world.customer(),
        "billable_metric_id": world.metric("SUM", groups=[["region", "team"]]),
        "window_size": "day",
        "starting_on": "2025-01-01T00:00:00Z",
        "ending_before": "2025-02-01T00:00:00Z",
        **wrong,
    }

    world.refused("/v1/usage/groups", body)


def test_non_midnight_dates_are_refused() -> None:
    world = World(NOW)
    body = {
        "window_size": "none",
        "starting_on": "2025-01-01T00:00:00Z",
        "ending_before": "2025-01-02T01:00:00Z",
    }

    world.refused("/v1/usage", body)


def test_without_a_group_there_is_one_series() -> None:
    world = World(NOW)
    customer, metric = world.customer(), world.metric("MAX", groups=[["region"]])
    for region, amount in (("us", 3), ("eu", 8)):
        world.use(customer, amount, "2025-01-20T10:00:00Z", region=region)
    body = {
        "customer_id": customer,
        "billable_metric_id": metric,
        "window_size": "none",
        "starting_on": "2025-01-01T00:00:00Z",
        "ending_before": "2025-02-01T00:00:00Z",
    }
    span = {
        "starting_on": "2025-01-01T00:00:00+00:00",
        "ending_before": "2025-02-01T00:00:00+00:00",
    }

    assert world.post("/v1/usage/groups", body) == [
        {**span, "group_key": None, "group_value": None, "value": 8}
    ]
    simple = world.post("/v1/usage/groups", {**body, "group_by": {"key": "region"}})
    assert simple == [
        {
            **span,
            "group": {"region": region},
            "group_key": "region",
            "group_value": region,
            "value": amount,
        }
        for region, amount in (("eu", 8), ("us", 3))
    ]


# Seats


def test_seats_stated_by_events() -> None:
    world = World(NOW)
    customer = world.customer()
    given = [world.metric("MAX"), world.metric("LATEST")]
    for at, count in (("20T10:10", 9), ("20T10:50", 4), ("20T12:00", 6), ("22T00:00", 5)):
        world.use(customer, count, f"2025-01-{at}:00Z")

    for metric in given:
        assert seats(world, customer, metric, "max") == [9, None, 5]
        assert seats(world, customer, metric, "Latest") == [6, None, 5]
        assert seats(world, customer, metric, "MAX", "none") == [9]
        assert seats(world, customer, metric, "latest", "none") == [5]


def test_seats_as_a_metrics_value_in_an_hour() -> None:
    world = World(NOW)
    customer, metric = world.customer(), world.metric("UNIQUE", key="user")
    for hour, user in ((9, "a"), (9, "b"), (9, "b"), (11, "c")):
        world.use(customer, None, f"2025-01-20T{hour:02}:00:00Z", user=user)

    assert seats(world, customer, metric, "max") == [2, None, None]
    assert seats(world, customer, metric, "latest") == [1, None, None]


def test_seats_come_in_pages_and_of_known_things() -> None:
    world = World(NOW)
    customer, metric = world.customer(), world.metric("MAX")
    world.use(customer, 3, "2025-01-20T10:00:00Z")
    body = {
        "customer_id": customer,
        "seat_metric_id": metric,
        "usage_type": "max",
        "window_size": "day",
        "starting_on": "2025-01-19T00:00:00Z",
        "ending_before": "2025-01-22T00:00:00Z",
    }
    values, cursor = [], ""
    while cursor is not None:
        query = {"limit": 1, **({"next_page": cursor} if cursor else {})}
        status, reply = world.call("POST", "/v1/usage/seats", body, query=query)
        assert status == 200
        values += [row["value"] for row in reply["data"]]
        cursor = reply["next_page"]

    assert values == [None, 3, None]
    unknown = "00000000-0000-4000-8000-000000000000"
    world.refused("/v1/usage/seats", {**body, "customer_id": unknown}, status=404)
    world.refused("/v1/usage/seats", {**body, "seat_metric_id": unknown}, status=404)
    world.refused("/v1/usage/seats", {**body, "usage_type": "average"})


def test_nobody_has_purchased_seats() -> None:
    world = World()
    customer = world.customer()

    assert world.get(f"/v1/customers/{customer}/purchasedSeats") == []
    unknown = "00000000-0000-4000-8000-000000000000"
    assert world.call("GET", f"/v1/customers/{unknown}/purchasedSeats")[0] == 404
