"""Conformance checklist, items 1 to 7: ingest and usage."""

import pytest

from tests.integration.worked.world import JSON, World

NOON = "2025-06-15T12:00:00Z"


def usage_event(id_: str, **fields: object) -> JSON:
    return {
        "transaction_id": id_,
        "customer_id": "acme",
        "event_type": "use",
        "timestamp": NOON,
        "properties": {"value": "1"},
        **fields,
    }


def stored(world: World, *ids: str) -> list[tuple[str, bool]]:
    found = world.post("/v1/events/search", {"transactionIds": list(ids)})
    return [(one["customer_id"], one["is_duplicate"]) for one in found]


def test_conformance_1_batches() -> None:
    world = World(NOON)
    world.refused("/v1/ingest", [usage_event(f"e{number}") for number in range(101)])
    world.refused("/v1/ingest", [])
    world.refused("/v1/ingest", [usage_event("e0"), usage_event("e1", timestamp="soon")])
    assert stored(world, "e0", "e1") == []
    world.post("/v1/ingest", [usage_event(f"e{number}") for number in range(100)])
    assert len(stored(world, *(f"e{number}" for number in range(100)))) == 100


def test_conformance_2_one_id_for_two_customers() -> None:
    world = World(NOON)
    metric = world.metric("COUNT", key=None)
    first, second = world.customer("acme"), world.customer("beta")
    world.post("/v1/ingest", [usage_event("e"), usage_event("e", customer_id="beta")])
    assert sorted(stored(world, "e")) == [("acme", False), ("beta", True)]
    rows = world.usage(metric, "2025-06-15", "2025-06-16", customer_ids=[first, second])
    assert {row["customer_id"]: row["value"] for row in rows} == {first: 1, second: None}


def test_conformance_3_late_aliases() -> None:
    world = World("2025-01-20T00:00:00Z")
    customer, card = world.customer(), world.rate_card()
    world.rate(card, world.product(world.metric()), price=2)
    world.contract(customer, card)
    world.use("nick", 10, "2025-01-19T00:00:00Z")
    assert world.draft(customer)["total"] == 0

    world.post(f"/v1/customers/{customer}/setIngestAliases", {"ingest_aliases": ["nick"]})
    assert world.draft(customer)["total"] == 20
    world.clock("2025-02-10T00:00:00Z")
    world.use("nick", 4, "2025-02-09T00:00:00Z")
    assert world.draft(customer)["total"] == 8

    world.post(f"/v1/customers/{customer}/setIngestAliases", {"ingest_aliases": []})
    totals = {one["status"]: one["total"] for one in world.invoices(customer)}
    assert totals == {"FINALIZED": 20, "DRAFT": 0}


def test_conformance_4_the_ingest_window() -> None:
    world = World(NOON)
    for number, at in enumerate(("2025-06-16T12:00:00Z", "2025-05-12T12:00:00Z")):
        world.post("/v1/ingest", [usage_event(f"in {number}", timestamp=at)])
    for number, at in enumerate(("2025-06-16T12:00:01Z", "2025-05-12T11:59:59Z")):
        # Decision D-15: too old refuses the batch, with all that is in it.
        batch = [usage_event(f"good {number}"), usage_event(f"bad {number}", timestamp=at)]
        world.refused("/v1/ingest", batch)
    assert len(stored(world, "in 0", "in 1")) == 2
    assert stored(world, "good 0", "bad 0", "good 1", "bad 1") == []


def test_conformance_5_metrics_younger_than_events() -> None:
    world = World(NOON)
    customer = world.customer("acme")
    world.post("/v1/ingest", [usage_event("before")])
    world.clock("2025-06-15T13:00:00Z")
    streaming = world.metric("COUNT", key=None)
    query = world.sql_metric("SELECT COUNT(*) AS value FROM events WHERE event_type = 'use'")
    world.post("/v1/ingest", [usage_event("after")])
    for metric, counted in ((streaming, 1), (query, 2)):
        [row] = world.usage(metric, "2025-06-15", "2025-06-16", customer_ids=[customer])
        assert row["value"] == counted


def test_conformance_6_grouped_usage() -> None:
    world = World(NOON)
    metric = world.metric(groups=[["region", "team"]])
    body: JSON = {
        "customer_id": world.customer(),
        "billable_metric_id": metric,
        "window_size": "DAY",
        "starting_on": "2025-06-01T00:00:00Z",
        "ending_before": "2025-06-02T00:00:00Z",
    }
    whole = {**body, "group_key": ["team", "region"]}
    assert world.post("/v1/usage/groups", whole) == []
    world.refused("/v1/usage/groups", {**body, "group_key": ["region"]})
    world.refused("/v1/usage/groups", {**whole, "group_by": {"key": "region"}})
    late = {"starting_on": "2025-06-01T01:00:00Z"}
    world.refused("/v1/usage/groups", {**whole, **late})
    dates = {name: body[name] for name in ("window_size", "starting_on", "ending_before")}
    world.refused("/v1/usage", {**dates, **late})


@pytest.mark.parametrize(
    ("aggregation", "daily", "whole"),
    [("MAX", [3, 7, 3], 7), ("UNIQUE", [1, 1, 1], 2), ("LATEST", [3, 7, 3], 3)],
)
def test_conformance_7_days_and_the_whole(aggregation: str, daily: list[int], whole: int) -> None:
    world = World(NOON)
    customer, metric = world.customer(), world.metric(aggregation)
    for day, value in enumerate((3, 7, 3), start=11):
        world.use(customer, value, f"2025-06-{day}T06:00:00Z")
    span = ("2025-06-11", "2025-06-14")
    rows = world.usage(metric, *span, size="DAY", customer_ids=[customer])
    assert [row["value"] for row in rows] == daily
    [row] = world.usage(metric, *span, customer_ids=[customer])
    assert row["value"] == whole != sum(daily)
