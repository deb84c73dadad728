"""Alerts behind the queue: when they are looked at, how often, and that each is told of once."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from backbeat.ports.store import Item
from tests.integration.conftest import Stage
from tests.integration.product import Product, TestClock, World, event
from tests.integration.store import WatchedStore
from tests.integration.targets import Targets

HOOK = "https://hooks.example.com/"
SPEND = "alerts.spend_threshold_reached"


@pytest.fixture
def hooked(product: Product, world: World) -> World:
    product.post("/webhooks/subscriptions", {"target": HOOK})
    product.work_off_webhooks()
    return world


def watch(product: Product, threshold: float, **fields: Any) -> str:
    """Creates an alert on spend, lets it be looked at, and returns its id a minute later."""
    body = {"alert_type": "spend_threshold_reached", "name": "Spend", "threshold": threshold}
    alert_id: str = product.post("/v1/alerts/create", {**body, **fields}).data["id"]
    wait(product)
    return alert_id


def wait(product: Product) -> None:
    """Does what is queued, and lets the time pass in which usage brings no further look."""
    product.work_off_jobs()
    clock = product.services.clock
    assert isinstance(clock, TestClock)
    clock.advance(seconds=60)


def spend(product: Product, name: str, **fields: Any) -> None:
    """Sends one call, which costs 2 cents and 10 tokens of half a cent each."""
    assert product.post("/v1/ingest", [event(name, **fields)]).status == 200


def told(product: Product, targets: Targets) -> list[str]:
    """Returns the alerts that have arrived, by name of event."""
    product.work_off_webhooks()
    return [one["type"] for one in targets.events(HOOK) if one["type"].startswith("alerts.")]


def jobs(stage: Stage) -> list[str]:
    """Returns the keys of the jobs that are queued, delayed ones included."""
    with stage.database.read() as connection:
        rows = connection.execute("SELECT body FROM message WHERE queue = 'jobs'").fetchall()
    return [json.loads(body)["sk"] for (body,) in rows]


# The world has spent 3 × (2 + 5) = 21 cents.


def test_usage_is_looked_at_through_the_queue(
    product: Product, hooked: World, targets: Targets
) -> None:
    alert_id = watch(product, 28)
    spend(product, "fourth")
    assert told(product, targets) == []
    product.work_off_jobs()
    assert told(product, targets) == [SPEND]
    [sent] = [one for one in targets.events(HOOK) if one["type"] == SPEND]
    assert sent["properties"]["current_spend"] == 28
    assert sent["properties"]["alert_id"] == alert_id


def test_many_requests_are_one_look(stage: Stage, product: Product, hooked: World) -> None:
    watch(product, 1000)
    for number in range(5):
        spend(product, f"more-{number}")
    assert jobs(stage) == ["DUE#-#alerts"]


def test_looks_because_of_usage_are_a_minute_apart(
    stage: Stage, product: Product, hooked: World, targets: Targets, clock: TestClock
) -> None:
    watch(product, 28)
    spend(product, "below", properties={"model": "small", "tokens": "0"})
    product.work_off_jobs()
    # 21 + 2 = 23, and a second later one more for 7 makes 30.
    clock.advance(seconds=1)
    spend(product, "above")
    spend(product, "more")
    assert jobs(stage) == ["DUE#-#alerts"]
    product.work_off_jobs()
    assert told(product, targets) == []
    clock.advance(seconds=58)
    product.work_off_jobs()
    assert told(product, targets) == []
    clock.advance(seconds=1)
    product.work_off_jobs()
    assert told(product, targets) == [SPEND]


def test_a_lost_job_is_found_by_the_tick(
    product: Product, hooked: World, targets: Targets, stage: Stage, clock: TestClock
) -> None:
    watch(product, 28)
    spend(product, "fourth")
    with stage.database.write() as connection:
        connection.execute("DELETE FROM message WHERE queue = 'jobs'")
    clock.advance(minutes=5)
    product.tick()
    product.work_off_jobs()
    assert told(product, targets) == [SPEND]


def test_customers_that_no_alert_is_about_cost_nothing_to_store(
    stage: Stage, product: Product, world: World, store: WatchedStore
) -> None:
    spend(product, "first-of-all")
    before = store.writes
    spend(product, "without")
    writes = store.writes - before
    other = product.post("/v1/customers", {"name": "Other", "ingest_aliases": ["other"]}).data
    watch(product, 1, customer_id=other["id"])
    assert jobs(stage) == []
    before = store.writes
    spend(product, "with")
    assert (store.writes - before, jobs(stage)) == (writes, [])


def during_the_next_look(store: WatchedStore, happens: Callable[[], object]) -> None:
    """Has something happen once the next look has begun and before it notes what it saw."""
    writes = iter(range(2))

    def before() -> None:
        if next(writes) == 1:
            store.before = lambda: None
            happens()

    store.before = before


def test_two_looks_at_a_time_tell_once(
    product: Product, hooked: World, targets: Targets, store: WatchedStore
) -> None:
    watch(product, 28)
    spend(product, "fourth")
    body = {"customer_id": hooked.customer_id}

    def look_too() -> None:
        shown = product.post("/v1/customer-alerts/list", body).data
        assert [one["customer_status"] for one in shown] == ["in_alarm"]

    during_the_next_look(store, look_too)
    product.work_off_jobs()
    assert told(product, targets) == [SPEND]


def test_what_a_look_reads_fits_together(
    product: Product, hooked: World, targets: Targets, store: WatchedStore, clock: TestClock
) -> None:
    fixed = {"name": "Credit", "type": "FIXED"}
    product_id = product.post("/v1/contract-pricing/products/create", fixed).data["id"]
    item = {
        "amount": 100,
        "starting_at": "2025-01-01T00:00:00Z",
        "ending_before": "2026-01-01T00:00:00Z",
    }
    credit = {
        "customer_id": hooked.customer_id,
        "product_id": product_id,
        "priority": 1,
        "access_schedule": {"schedule_items": [item]},
    }
    product.post("/v1/contracts/customerCredits/create", credit)
    body = {
        "alert_type": "low_remaining_contract_credit_balance_reached",
        "name": "Low",
        "threshold": 80,
    }
    product.post("/v1/alerts/create", body)
    wait(product)
    # 100 − 21 = 79
    once = ["alerts.low_remaining_contract_credit_balance_reached"]
    assert told(product, targets) == once
    clock.set(datetime(2025, 2, 3, tzinfo=UTC))
    spend(product, "in-february", timestamp="2025-02-02T00:00:00Z")
    finalized: list[Item] = []

    def unseen(item: Item) -> bool:
        # The look has read the balances and goes on to the drafts. In between January's invoice
        # becomes final: what the balance notes as drawn now, no draft draws any more.
        if item.entity == "Balance" and not finalized:
            finalized.append(item)
            product.tick()
            product.work_off_jobs()
        return False

    store.unseen = unseen
    product.work_off_jobs()
    assert len(finalized) == 1
    product.work_off_jobs()
    # 100 − 21 − 7 = 72; with January's 21 left out it would be 93, and the next look an alarm.
    assert told(product, targets) == once
    [shown] = product.post("/v1/customer-alerts/list", {"customer_id": hooked.customer_id}).data
    assert shown["customer_status"] == "in_alarm"


def test_an_alert_archived_during_a_look_is_silent(
    product: Product, hooked: World, targets: Targets, store: WatchedStore
) -> None:
    alert_id = watch(product, 28)
    spend(product, "fourth")
    during_the_next_look(store, lambda: product.post("/v1/alerts/archive", {"id": alert_id}))
    product.work_off_jobs()
    assert told(product, targets) == []


def test_every_customer_of_many_is_swept(product: Product, hooked: World, stage: Stage) -> None:
    ids = [product.post("/v1/customers", {"name": f"n{n}"}).data["id"] for n in range(205)]
    watch(product, 1000)
    for id_ in (ids[0], ids[-1], hooked.customer_id):
        [shown] = product.post("/v1/customer-alerts/list", {"customer_id": id_}).data
        assert shown["customer_status"] == "ok"
    with stage.database.read() as connection:
        [(looks,)] = connection.execute(
            "SELECT count(*) FROM item WHERE sk = 'DUE#-#alerts'"
        ).fetchall()
    assert looks == 206


def test_alerts_of_a_customer_come_in_pages(product: Product, hooked: World) -> None:
    body = {"customer_id": hooked.customer_id}
    ids = {watch(product, 1000, **body) for _ in range(101)}
    first = product.post("/v1/customer-alerts/list", body)
    assert len(first.data) == 100
    second = product.post("/v1/customer-alerts/list", body, next_page=first.body["next_page"])
    assert second.body["next_page"] is None
    assert {one["alert"]["id"] for one in [*first.data, *second.data]} == ids
    wrong = product.post("/v1/customer-alerts/list", body, next_page="nonsense")
    assert (wrong.status, "next_page" in wrong.body["message"]) == (400, True)


def test_a_reset_gets_through_while_looks_are_asked_for(
    stage: Stage, hooked: World, store: WatchedStore
) -> None:
    alert_id = watch(stage.product, 5)

    def meanwhile() -> None:
        store.before = lambda: None
        spend(stage.product, "meanwhile")

    store.before = meanwhile
    body = {"customer_id": hooked.customer_id, "alert_id": alert_id}
    assert stage.product.post("/v1/customer-alerts/reset", body).status == 200
