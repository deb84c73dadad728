"""Function `billing_cycle`: the tick leases what is due, the jobs do it piece by piece."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from backbeat.ports.store import Key
from tests.integration.product import DEMO, Product, TestClock, World, event
from tests.integration.store import Crash, WatchedStore
from tests.integration.targets import Targets

TARGET = "https://example.com/hook"
FEBRUARY_2 = datetime(2025, 2, 2, tzinfo=UTC)


def invoices(product: Product, customer_id: str, token: str = DEMO) -> list[tuple[str, str, Any]]:
    """Returns start, status and total of a customer's invoices."""
    listed = product.get(f"/v1/customers/{customer_id}/invoices", token=token).data
    return [(one["start_timestamp"][:10], one["status"], one["total"]) for one in listed]


def contracts(product: Product, world: World, count: int) -> list[str]:
    """Makes that many customers with a contract each; returns their ids."""
    made = []
    for number in range(count):
        customer_id = product.post("/v1/customers", {"name": f"Customer {number}"}).data["id"]
        wanted = {"customer_id": customer_id, "starting_at": "2025-01-01T00:00:00Z"}
        assert product.post("/v1/contracts/create", wanted).status == 200
        made.append(customer_id)
    return made


def test_nothing_is_due_before_the_grace_period_is_over(
    product: Product, world: World, clock: TestClock
) -> None:
    clock.set(datetime(2025, 2, 1, 23, 59, 59, tzinfo=UTC))
    assert product.tick() == {"jobs": 0, "failed_tenants": 0}
    assert invoices(product, world.customer_id) == [
        ("2025-01-01", "DRAFT", 21),
        ("2025-02-01", "DRAFT", 0),
    ]


def test_a_period_is_finalized_when_it_is_due(
    product: Product, world: World, clock: TestClock, targets: Targets
) -> None:
    product.post("/webhooks/subscriptions", {"target": TARGET})
    clock.set(FEBRUARY_2)
    assert product.tick() == {"jobs": 1, "failed_tenants": 0}
    assert product.work_off_jobs() == 1
    assert invoices(product, world.customer_id) == [
        ("2025-01-01", "FINALIZED", 21),
        ("2025-02-01", "DRAFT", 0),
    ]
    [final, _] = product.get(f"/v1/customers/{world.customer_id}/invoices").data
    assert final["id"] == world.invoice_id
    product.work_off_webhooks()
    [told] = [one for one in targets.events(TARGET) if one["type"] == "invoice.finalized"]
    assert told["properties"]["invoice_id"] == world.invoice_id
    assert product.tick() == {"jobs": 0, "failed_tenants": 0}


def test_a_late_event_does_not_change_what_is_final(
    product: Product, world: World, clock: TestClock
) -> None:
    clock.set(FEBRUARY_2 - timedelta(microseconds=1))
    assert product.post("/v1/ingest", [event("in grace")]).status == 200
    clock.set(FEBRUARY_2)
    product.tick()
    product.work_off_jobs()
    assert product.post("/v1/ingest", [event("too late")]).status == 200
    # 4 calls × 2 + 40 tokens × 0.5
    assert invoices(product, world.customer_id)[0] == ("2025-01-01", "FINALIZED", 28)


def test_one_job_catches_up_with_several_periods(
    product: Product, world: World, clock: TestClock
) -> None:
    clock.set(datetime(2025, 4, 2, tzinfo=UTC))
    assert product.tick()["jobs"] == 1
    assert product.work_off_jobs() == 1
    assert [status for _, status, _ in invoices(product, world.customer_id)] == [
        *["FINALIZED"] * 3,
        "DRAFT",
    ]


def test_many_contracts_are_done_by_one_tick(
    product: Product, world: World, clock: TestClock
) -> None:
    made = contracts(product, world, 120)
    clock.set(FEBRUARY_2)
    assert product.tick() == {"jobs": 121, "failed_tenants": 0}
    assert product.work_off_jobs() == 121
    for customer_id in [*made, world.customer_id]:
        assert invoices(product, customer_id)[0][:2] == ("2025-01-01", "FINALIZED")
    assert product.tick() == {"jobs": 0, "failed_tenants": 0}


def test_what_changes_while_an_invoice_is_computed_is_not_spent_twice(
    product: Product, world: World, clock: TestClock, store: WatchedStore
) -> None:
    """The invoice was computed from 30 cents; of these, 25 are taken off before it commits."""
    fixed = product.post("/v1/contract-pricing/products/create", {"name": "Fee", "type": "FIXED"})
    segment = {
        "amount": 30,
        "starting_at": "2025-01-01T00:00:00Z",
        "ending_before": "2026-01-01T00:00:00Z",
    }
    credit = {
        "customer_id": world.customer_id,
        "product_id": fixed.data["id"],
        "priority": 1,
        "access_schedule": {"schedule_items": [segment]},
    }
    credit_id = product.post("/v1/contracts/customerCredits/create", credit).data["id"]
    listed = {"customer_id": world.customer_id, "include_balance": True}
    [before] = product.post("/v1/contracts/customerBalances/list", listed).data
    correction = {
        "customer_id": world.customer_id,
        "id": credit_id,
        "segment_id": before["access_schedule"]["schedule_items"][0]["id"],
        "amount": -25,
        "reason": "Correction",
    }

    def correct_once(key: Key) -> None:
        # Prices are read after balances, and before the invoice commits.
        if key.sk == "RATECARD":
            store.looking = lambda key: None
            reply = product.post("/v1/contracts/addManualBalanceLedgerEntry", correction)
            assert reply.status == 200, reply

    clock.set(FEBRUARY_2)
    product.tick()
    store.looking = correct_once
    product.work_off_jobs()
    clock.advance(minutes=16)
    product.tick()
    product.work_off_jobs()

    # 21 cents of usage, of which the 5 that are left pay a part.
    assert invoices(product, world.customer_id)[0] == ("2025-01-01", "FINALIZED", 16)
    [after] = product.post("/v1/contracts/customerBalances/list", listed).data
    assert after["balance"] == 0


class TestLease:
    def test_work_is_not_sent_again_for_fifteen_minutes(
        self, product: Product, world: World, clock: TestClock
    ) -> None:
        clock.set(FEBRUARY_2)
        assert product.tick()["jobs"] == 1
        clock.advance(minutes=14, seconds=59)
        assert product.tick()["jobs"] == 0
        clock.advance(seconds=1)
        assert product.tick()["jobs"] == 1
        assert product.work_off_jobs() == 2
        assert invoices(product, world.customer_id)[0][1] == "FINALIZED"

    def test_it_ends_where_time_stands_still(
        self, product: Product, world: World, clock: TestClock, store: WatchedStore
    ) -> None:
        """A sandbox's clock may stand still while a worker dies; the lease is in real time."""
        writes = store.writes

        def die_before_finalizing() -> None:
            # The first write is where the clock stands.
            if store.writes == writes + 1:
                raise Crash

        store.before = die_before_finalizing
        with pytest.raises(Crash):
            product.post("/mock/clock", {"now": "2025-02-10T00:00:00Z"})
        store.before = lambda: None
        assert product.get("/mock/clock").data["frozen_at"] == "2025-02-02T00:00:00+00:00"
        assert product.tick()["jobs"] == 1
        assert product.tick()["jobs"] == 0
        clock.advance(minutes=15)
        assert product.tick()["jobs"] == 1
        product.work_off_jobs()
        assert invoices(product, world.customer_id)[0][1] == "FINALIZED"

    def test_two_ticks_at_once_send_each_job_once(
        self, product: Product, world: World, clock: TestClock, store: WatchedStore
    ) -> None:
        contracts(product, world, 3)
        clock.set(FEBRUARY_2)
        sent = []

        def tick_in_between() -> None:
            store.before = lambda: None
            sent.append(product.tick()["jobs"])

        store.before = tick_in_between
        sent.append(product.tick()["jobs"])
        assert sorted(sent) == [0, 4]
        assert product.work_off_jobs() == 4

    def test_what_another_worker_took_does_not_hold_up_the_rest(
        self, product: Product, world: World, clock: TestClock, store: WatchedStore
    ) -> None:
        contracts(product, world, 3)
        clock.set(FEBRUARY_2)
        product.tick()
        [message] = product.services.job_queue.receive(
            limit=1, wait_seconds=0, visibility_seconds=1
        )
        clock.advance(minutes=20)

        def finalize_one() -> None:
            store.before = lambda: None
            product.invoke("BillingCycleFunction", {"Records": [record(message.body)]})

        store.before = finalize_one
        assert product.tick()["jobs"] == 3


def record(body: str) -> dict[str, Any]:
    return {
        "messageId": "m-1",
        "receiptHandle": "r-1",
        "body": body,
        "attributes": {"ApproximateReceiveCount": "1"},
        "eventSource": "aws:sqs",
    }


class TestFailures:
    def test_one_failing_tenant_does_not_stop_the_others(
        self, product: Product, clock: TestClock, store: WatchedStore
    ) -> None:
        worlds = [World.build(product, token) for token in ("one", "two", "three")]
        clock.set(FEBRUARY_2)
        broken: list[str] = []

        def break_first() -> None:
            # The first write of this tick, whoever's it is.
            store.before = lambda: None
            broken.append("once")
            raise RuntimeError("no connection")

        store.before = break_first
        assert product.tick() == {"jobs": 2, "failed_tenants": 1}
        assert product.tick() == {"jobs": 1, "failed_tenants": 0}
        product.work_off_jobs()
        for world in worlds:
            assert invoices(product, world.customer_id, world.token)[0][1] == "FINALIZED"

    def test_a_job_that_fails_stays_in_the_queue(
        self, product: Product, world: World, clock: TestClock, store: WatchedStore
    ) -> None:
        clock.set(FEBRUARY_2)
        product.tick()

        def break_once() -> None:
            store.before = lambda: None
            raise RuntimeError("no connection")

        store.before = break_once
        product.work_off_jobs()
        assert invoices(product, world.customer_id)[0][1] == "DRAFT"
        clock.advance(minutes=12)
        product.work_off_jobs()
        assert invoices(product, world.customer_id)[0][1] == "FINALIZED"

    def test_a_job_that_is_done_is_done(
        self, product: Product, world: World, clock: TestClock, store: WatchedStore
    ) -> None:
        clock.set(FEBRUARY_2)
        product.tick()
        [message] = product.services.job_queue.receive(
            limit=1, wait_seconds=0, visibility_seconds=1
        )
        events = {"Records": [record(message.body)]}
        assert product.invoke("BillingCycleFunction", events) == {"batchItemFailures": []}
        before = store.writes
        assert product.invoke("BillingCycleFunction", events) == {"batchItemFailures": []}
        assert store.writes == before


class TestSweep:
    def test_what_was_committed_but_not_queued_is_queued(
        self, product: Product, clock: TestClock, targets: Targets, store: WatchedStore
    ) -> None:
        product.post("/webhooks/subscriptions", {"target": TARGET})
        writes = store.writes

        # The reply is the work's, and the work is done: the caller must not repeat it.
        def broken() -> None:
            if store.writes == writes + 1:
                raise RuntimeError("throttled")

        store.before = broken
        assert product.post("/webhooks/dispatch", {"type": "x"}).status == 200
        store.before = lambda: None
        assert product.work_off_webhooks() == 0
        # What is younger than a minute may still be under way.
        clock.advance(seconds=59)
        product.tick()
        assert product.work_off_webhooks() == 0
        clock.advance(seconds=2)
        product.tick()
        assert product.work_off_webhooks() == 1
        assert [one["type"] for one in targets.events(TARGET)] == ["x"]
        product.tick()
        assert product.work_off_webhooks() == 0


@pytest.mark.parametrize("settings", [{"BACKBEAT_SANDBOX": "off"}])
def test_without_sandboxes_it_works_alike(product: Product, world: World, clock: TestClock) -> None:
    clock.set(FEBRUARY_2 + timedelta(minutes=1))
    assert product.tick() == {"jobs": 1, "failed_tenants": 0}
    assert product.work_off_jobs() == 1
    assert invoices(product, world.customer_id)[0] == ("2025-01-01", "FINALIZED", 21)
