"""Function `sandbox`: the clock and the reset."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from backbeat import bootstrap
from backbeat.application.services import Services
from backbeat.ports.http import HttpFailure
from tests.integration.conftest import Stage, nothing_changes
from tests.integration.product import DEMO, Product, TestClock, World, event
from tests.integration.store import WatchedStore
from tests.integration.targets import Targets

TARGET = "https://example.com/hook"
CLOCK = "/mock/clock"


def finalized(targets: Targets, target: str = TARGET) -> list[str]:
    """Returns the dates of the finalizations a target was told of, in order."""
    return [
        one["properties"]["invoice_finalized_date"]
        for one in targets.events(target)
        if one["type"] == "invoice.finalized"
    ]


def invoices(product: Product, world: World) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = product.get(f"/v1/customers/{world.customer_id}/invoices").data
    return listed


class TestClockOfASandbox:
    def test_it_follows_the_system_at_first(self, product: Product, clock: TestClock) -> None:
        assert product.get(CLOCK).data == {"now": "2025-01-15T12:00:00+00:00", "frozen_at": None}
        clock.advance(seconds=5)
        assert product.get(CLOCK).data["now"] == "2025-01-15T12:00:05+00:00"

    def test_it_stops_where_it_is_put(self, product: Product, clock: TestClock) -> None:
        moved = product.post(CLOCK, {"now": "2025-03-01T01:30:00+01:30"}).data
        assert moved == {
            "now": "2025-03-01T00:00:00+00:00",
            "frozen_at": "2025-03-01T00:00:00+00:00",
        }
        clock.advance(hours=1)
        assert product.get(CLOCK).data == moved

    @pytest.mark.parametrize(
        ("advance", "now"),
        [
            (0, "2025-01-31T12:00:00+00:00"),
            (90, "2025-01-31T12:01:30+00:00"),
            ("PT36H", "2025-02-02T00:00:00+00:00"),
            ("P1D", "2025-02-01T12:00:00+00:00"),
            ("P2W", "2025-02-14T12:00:00+00:00"),
            # Months are months, and their last day is where longer ones end.
            ("P1M", "2025-02-28T12:00:00+00:00"),
            ("P13M", "2026-02-28T12:00:00+00:00"),
            ("P1Y", "2026-01-31T12:00:00+00:00"),
            ("P3Y1M1DT12H30M15S", "2028-03-02T00:30:15+00:00"),
            ("p1d", "2025-02-01T12:00:00+00:00"),
        ],
    )
    def test_it_advances(self, advance: object, now: str, product: Product) -> None:
        product.post(CLOCK, {"now": "2025-01-31T12:00:00Z"})
        assert product.post(CLOCK, {"advance": advance}).data["now"] == now

    def test_it_advances_from_real_time(self, product: Product) -> None:
        assert product.post(CLOCK, {"advance": 60}).data["now"] == "2025-01-15T12:01:00+00:00"

    def test_it_follows_the_system_again(self, product: Product, clock: TestClock) -> None:
        product.post(CLOCK, {"now": "2030-01-01T00:00:00Z"})
        assert product.post(CLOCK, {"system": True}).data == {
            "now": "2025-01-15T12:00:00+00:00",
            "frozen_at": None,
        }
        clock.advance(seconds=1)
        assert product.get(CLOCK).data["now"] == "2025-01-15T12:00:01+00:00"

    def test_what_is_created_bears_its_time(self, product: Product) -> None:
        product.post(CLOCK, {"now": "2030-01-01T00:00:00Z"})
        customer_id = product.post("/v1/customers", {"name": "Acme"}).data["id"]
        [customer] = product.get("/v1/customers", customer_ids=customer_id).data
        assert customer["created_at"] == "2030-01-01T00:00:00+00:00"

    def test_events_are_young_or_old_by_it(self, product: Product) -> None:
        product.post(CLOCK, {"now": "2030-01-01T00:00:00Z"})
        assert product.post("/v1/ingest", [event("old")]).status == 400
        new = event("new", timestamp="2029-12-31T00:00:00Z")
        assert product.post("/v1/ingest", [new]).status == 200


class TestDueWork:
    def test_it_is_done_before_the_answer(
        self, product: Product, world: World, targets: Targets
    ) -> None:
        product.post("/webhooks/subscriptions", {"target": TARGET})
        product.post(CLOCK, {"now": "2025-02-02T00:00:00Z"})
        [january, _] = invoices(product, world)
        assert (january["id"], january["status"]) == (world.invoice_id, "FINALIZED")
        assert finalized(targets) == ["2025-02-02T00:00:00.000Z"]

    def test_not_a_second_too_early(self, product: Product, world: World) -> None:
        product.post(CLOCK, {"now": "2025-02-01T23:59:59Z"})
        assert {one["status"] for one in invoices(product, world)} == {"DRAFT"}

    def test_a_year_in_one_call(self, product: Product, world: World, targets: Targets) -> None:
        product.post("/webhooks/subscriptions", {"target": TARGET})
        product.post(CLOCK, {"now": "2025-01-20T00:00:00Z"})
        product.post(CLOCK, {"advance": "P1Y"})
        listed = invoices(product, world)
        assert [one["status"] for one in listed] == ["FINALIZED"] * 12 + ["DRAFT"]
        assert [one["total"] for one in listed] == [21, *[0] * 12]
        months = [*((2025, month) for month in range(2, 13)), (2026, 1)]
        expected = [f"{year}-{month:02}-02T00:00:00.000Z" for year, month in months]
        assert finalized(targets) == expected
        told = [
            one["properties"]["invoice_id"]
            for one in targets.events(TARGET)
            if one["type"] == "invoice.finalized"
        ]
        assert told == [one["id"] for one in listed[:12]]

    def test_contracts_take_turns_in_time_order(
        self, product: Product, world: World, targets: Targets
    ) -> None:
        weekly = {
            "customer_id": world.customer_id,
            "starting_at": "2025-01-06T00:00:00Z",
            "usage_statement_schedule": {"frequency": "WEEKLY"},
        }
        product.post(CLOCK, {"now": "2025-01-06T00:00:00Z"})
        assert product.post("/v1/contracts/create", weekly).status == 200
        product.post("/webhooks/subscriptions", {"target": TARGET})
        product.post(CLOCK, {"now": "2025-03-05T00:00:00Z"})
        dates = finalized(targets)
        assert dates == sorted(dates)
        # Weeks end on Mondays and are final on Tuesdays: 14 January to 4 March.
        assert len(dates) == 2 + 8

    def test_moving_back_undoes_nothing(
        self, product: Product, world: World, targets: Targets
    ) -> None:
        product.post("/webhooks/subscriptions", {"target": TARGET})
        product.post(CLOCK, {"now": "2025-03-02T00:00:00Z"})
        assert product.post(CLOCK, {"now": "2025-01-10T00:00:00Z"}).status == 200
        assert [one["status"] for one in invoices(product, world)] == ["FINALIZED"] * 2
        product.post(CLOCK, {"now": "2025-04-02T00:00:00Z"})
        assert len(finalized(targets)) == 3

    def test_going_back_to_the_system_does_what_is_due_by_then(
        self, product: Product, world: World, clock: TestClock
    ) -> None:
        product.post(CLOCK, {"now": "2025-01-20T00:00:00Z"})
        clock.set(datetime(2025, 2, 3, tzinfo=UTC))
        product.post(CLOCK, {"system": True})
        assert invoices(product, world)[0]["status"] == "FINALIZED"

    def test_another_tokens_work_is_left_alone(self, product: Product, world: World) -> None:
        product.post(CLOCK, {"now": "2026-01-01T00:00:00Z"}, token="other")
        assert [one["status"] for one in invoices(product, world)] == ["DRAFT"]

    def test_work_that_indexes_do_not_show_yet_is_done(
        self, product: Product, world: World, targets: Targets, store: WatchedStore
    ) -> None:
        product.post("/webhooks/subscriptions", {"target": TARGET})
        product.work_off_webhooks()
        # Secondary indexes are allowed to be late; here they never learn.
        store.unseen = lambda item: item.gsi1 is not None or item.gsi2 is not None
        product.post(CLOCK, {"now": "2025-04-02T00:00:00Z"})
        store.unseen = lambda item: False
        assert [one["status"] for one in invoices(product, world)] == [
            *["FINALIZED"] * 3,
            "DRAFT",
        ]
        assert len(finalized(targets)) == 3

    def test_work_a_tick_has_leased_is_done(
        self, product: Product, world: World, clock: TestClock
    ) -> None:
        clock.set(datetime(2025, 2, 20, tzinfo=UTC))
        assert product.tick()["jobs"] == 1
        product.post(CLOCK, {"now": "2025-02-02T00:00:00Z"})
        assert invoices(product, world)[0]["status"] == "FINALIZED"

    def test_a_contract_made_by_a_webhook_target_is_billed_on_the_way(
        self, product: Product, world: World, targets: Targets
    ) -> None:
        product.post("/webhooks/subscriptions", {"target": TARGET})
        other = product.post("/v1/customers", {"name": "Beta"}).data["id"]

        def sign_up() -> int:
            wanted = {"customer_id": other, "starting_at": "2025-02-01T00:00:00Z"}
            assert product.post("/v1/contracts/create", wanted).status == 200
            return 200

        targets.answers[TARGET] = [sign_up]
        product.post(CLOCK, {"now": "2025-03-02T00:00:00Z"})
        listed = product.get(f"/v1/customers/{other}/invoices").data
        assert [one["status"] for one in listed] == ["FINALIZED", "DRAFT"]

    def test_a_webhook_target_may_move_the_clock(
        self, product: Product, world: World, targets: Targets
    ) -> None:
        product.post("/webhooks/subscriptions", {"target": TARGET})

        def move() -> int:
            assert product.post(CLOCK, {"now": "2025-03-02T00:00:00Z"}).status == 200
            return 200

        targets.answers[TARGET] = [move]
        product.post(CLOCK, {"now": "2025-02-02T00:00:00Z"})
        assert [one["status"] for one in invoices(product, world)][:2] == ["FINALIZED"] * 2
        assert len(finalized(targets)) == 2


class TestWebhooksOnTheWay:
    def test_what_was_queued_before_comes_first(
        self, product: Product, world: World, targets: Targets
    ) -> None:
        product.post("/webhooks/subscriptions", {"target": TARGET})
        product.post("/webhooks/dispatch", {"type": "before"})
        product.post(CLOCK, {"now": "2025-02-02T00:00:00Z"})
        types = [one["type"] for one in targets.events(TARGET)]
        assert types == ["before", "invoice.finalized"]
        # The queue's message finds it done.
        product.work_off_webhooks()
        assert len(targets.posts) == 2

    def test_a_target_that_fails_is_waited_for_once(
        self, product: Product, world: World, targets: Targets, clock: TestClock
    ) -> None:
        product.post("/webhooks/subscriptions", {"target": TARGET})
        targets.answers[TARGET] = [HttpFailure("timed out")]
        product.post(CLOCK, {"now": "2025-05-02T00:00:00Z"})
        assert len(targets.posts) == 1
        # Four months: the one that failed backs off, the three behind it are sent at once.
        assert product.work_off_webhooks() == 3
        clock.advance(seconds=1)
        assert product.work_off_webhooks() == 1
        assert len(set(finalized(targets))) == 4
        assert {one["state"] for one in product.get("/webhooks/deliveries").data} == {"DELIVERED"}

    def test_a_target_that_fails_does_not_hold_up_others(
        self, product: Product, world: World, targets: Targets
    ) -> None:
        other = "https://other.example.com/"
        for target in (TARGET, other):
            product.post("/webhooks/subscriptions", {"target": target})
        targets.down.add(TARGET)
        product.post(CLOCK, {"now": "2025-04-02T00:00:00Z"})
        assert len(finalized(targets, other)) == 3


class TestReset:
    def test_everything_of_the_caller_is_gone(
        self, product: Product, world: World, targets: Targets
    ) -> None:
        product.post("/webhooks/subscriptions", {"target": TARGET})
        product.post("/webhooks/dispatch", {"type": "x"})
        product.post("/v1/client/config/webhook_secret", {"webhook_secret": "mine"})
        product.post(CLOCK, {"now": "2025-02-02T00:00:00Z"})
        assert product.post("/mock/reset").data == {"reset": True}
        for path in [
            "/v1/customers",
            "/v1/billable-metrics",
            "/webhooks/subscriptions",
            "/webhooks/deliveries",
        ]:
            assert product.get(path).data == []
        assert product.get(CLOCK).data == {"now": "2025-01-15T12:00:00+00:00", "frozen_at": None}
        assert product.get(f"/v1/customers/{world.customer_id}").status == 404
        assert product.post("/v1/events/search", {"transactionIds": ["call-1"]}).body == []
        # Signed with the default secret again.
        product.post("/webhooks/subscriptions", {"target": TARGET})
        product.post("/webhooks/dispatch", {"type": "y"})
        product.work_off_webhooks()
        last = targets.posts[-1]
        headers = {name: last.headers[name] for name in ("date", "metronome-webhook-signature")}
        verified = product.request("POST", "/webhooks/verify", text=last.body, headers=headers)
        assert verified.status == 200

    @pytest.mark.parametrize("resets", [1, 2, 3])
    def test_the_same_world_can_be_built_again(
        self, resets: int, product: Product, world: World
    ) -> None:
        for _ in range(resets):
            assert product.post("/mock/reset").status == 200
            again = World.build(product, "demo")
            # What a process remembers of the former world must not count for this one.
            [invoice] = product.get(f"/v1/customers/{again.customer_id}/invoices").data
            assert invoice["total"] == 21

    def test_others_keep_theirs(self, product: Product, world: World) -> None:
        product.post("/mock/reset", token="other")
        assert invoices(product, world)[0]["total"] == 21

    def test_an_empty_sandbox_can_be_reset(self, product: Product, store: WatchedStore) -> None:
        assert product.post("/mock/reset", token="new").status == 200
        with nothing_changes(store):
            assert product.get("/v1/customers", token="new").data == []

    def test_the_secret_is_removed(self, product: Product, services: Services) -> None:
        kept = KeptSecrets()
        with bootstrap.using(replace(services, secrets=kept)):
            body = {"webhook_secret": "mine"}
            for token in (DEMO, "other"):
                product.post("/v1/client/config/webhook_secret", body, token=token)
            product.post("/mock/reset")
        [other] = kept.values.values()
        assert "mine" in other


@dataclass
class KeptSecrets:
    """Implements `Secrets`."""

    values: dict[str, str] = field(default_factory=dict)

    def get(self, name: str) -> str | None:
        return self.values.get(name)

    def put(self, name: str, value: str) -> None:
        self.values[name] = value

    def delete(self, name: str) -> None:
        self.values.pop(name, None)


class TestWhatAResetLeavesBehind:
    """Where a store cannot delete a world, its data stays, and so do its messages in the queues."""

    @pytest.fixture(params=["deleted", "kept"])
    def product(self, request: pytest.FixtureRequest, stage: Stage) -> Iterator[Product]:
        services = stage.product.services
        if request.param == "kept":
            services = replace(services, forget=lambda tenant: None)
        with bootstrap.using(services):
            yield stage.product

    def test_webhooks_go_nowhere(self, product: Product, targets: Targets) -> None:
        product.post("/webhooks/subscriptions", {"target": TARGET})
        product.post("/webhooks/dispatch", {"type": "before"})
        product.post("/mock/reset")
        assert product.work_off_webhooks() == 1
        assert targets.posts == []
        product.post("/webhooks/subscriptions", {"target": TARGET})
        product.post("/webhooks/dispatch", {"type": "after"})
        assert product.work_off_webhooks() == 1
        assert [one["type"] for one in targets.events(TARGET)] == ["after"]

    def test_jobs_do_nothing(
        self, product: Product, world: World, clock: TestClock, store: WatchedStore
    ) -> None:
        clock.set(datetime(2025, 2, 2, tzinfo=UTC))
        assert product.tick()["jobs"] == 1
        product.post("/mock/reset")
        with nothing_changes(store):
            assert product.work_off_jobs() == 1
            clock.advance(minutes=20)
            assert product.tick() == {"jobs": 0, "failed_tenants": 0}

    def test_the_world_after_is_empty(self, product: Product, world: World) -> None:
        product.post("/mock/reset")
        assert product.get("/v1/customers").data == []
        assert product.get(f"/v1/customers/{world.customer_id}").status == 404
        again = World.build(product, DEMO)
        [invoice] = product.get(f"/v1/customers/{again.customer_id}/invoices").data
        assert invoice["total"] == 21
