"""The process may die between any two of its effects: nothing is lost, nothing happens twice.

A story is told once for each of its steps, and dies there: before and after each write of the
store, each change of a queue and each POST. Then time goes on, and what is left is worked off by
ticks, jobs and retries, as it would be by the processes that follow.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest

from backbeat import bootstrap
from backbeat.ports.http import HttpReply
from backbeat_local.functions import Function
from backbeat_local.template import Template
from tests.integration.conftest import opened
from tests.integration.estate import USD
from tests.integration.product import Product, TestClock, World, event
from tests.integration.queues import WatchedQueue
from tests.integration.store import Crash
from tests.integration.targets import Targets

A = "https://a.example.com/hook"
B = "https://b.example.com/hook"


class Steps:
    """Counts the steps of a story and ends the process at one of them."""

    def __init__(self) -> None:
        self.taken = 0
        self.last: int | None = None

    def __call__(self) -> None:
        self.taken += 1
        if self.taken == self.last:
            raise Crash


@dataclass
class MortalTargets(Targets):
    """Targets whose sender may die before or after a POST."""

    step: Callable[[], None] = lambda: None

    def post(
        self, url: str, *, headers: Mapping[str, str], body: bytes, timeout_seconds: float
    ) -> HttpReply:
        self.step()
        reply = super().post(url, headers=headers, body=body, timeout_seconds=timeout_seconds)
        self.step()
        return reply


@dataclass
class Scene:
    """A fresh product with a world, two webhook targets and steps to die at."""

    product: Product
    world: World
    clock: TestClock
    targets: MortalTargets
    steps: Steps

    def work_off(self) -> None:
        """Lets time pass for the processes that come after a crash: leases and delays end."""
        for _ in range(5):
            self.clock.advance(minutes=16)
            self.product.tick()
            self.product.work_off_jobs()
            self.product.work_off_webhooks()

    def invoices(self) -> list[tuple[str, str, Any]]:
        path = f"/v1/customers/{self.world.customer_id}/invoices"
        return [
            (one["contract_id"], one["start_timestamp"][:10], one["status"])
            for one in self.product.get(path).data
        ]

    def received(self, target: str) -> dict[str, list[str]]:
        """Returns the ids of the events a target got, by type, each as often as it came."""
        by_type: dict[str, list[str]] = {}
        for one in self.targets.events(target):
            by_type.setdefault(one["type"], []).append(one["id"])
        return by_type


Staging = Callable[[], AbstractContextManager[Scene]]


@pytest.fixture
def scene(template: Template, functions: dict[str, Function]) -> Staging:
    @contextmanager
    def set_up() -> Iterator[Scene]:
        steps = Steps()
        with opened(template, functions, {}) as stage:
            targets = MortalTargets(step=steps)
            mortal = replace(
                stage.product.services,
                webhook_queue=WatchedQueue(stage.product.services.webhook_queue, steps),
                job_queue=WatchedQueue(stage.product.services.job_queue, steps),
                http=targets,
            )
            with bootstrap.using(mortal):
                product = Product(template, functions, mortal)
                world = World.build(product, "demo")
                for target in (A, B):
                    product.post("/webhooks/subscriptions", {"target": target})
                    stage.clock.advance(seconds=1)
                stage.store.before = stage.store.after = steps
                steps.taken = 0
                yield Scene(product, world, stage.clock, targets, steps)

    return set_up


def at_each_step(scene: Staging, story: Callable[[Scene], None]) -> Iterator[Scene]:
    """Yields scenes whose story died at its first step, its second, and so on to its end."""
    for last in count(1):
        with scene() as played:
            played.steps.last = last
            try:
                story(played)
            except Crash:
                played.steps.last = None
                yield played
            else:
                assert last > 10, "the story has hardly any steps"
                return


def each_once(received: dict[str, list[str]]) -> dict[str, int]:
    """Returns how many different events came, by type. Repeats are allowed, and bear their id."""
    return {type_: len(set(ids)) for type_, ids in received.items()}


def all_delivered(played: Scene) -> bool:
    states = Counter(one["state"] for one in played.product.get("/webhooks/deliveries").data)
    return set(states) == {"DELIVERED"}


def test_a_contract_that_starts_in_the_past(scene: Staging) -> None:
    """Its creation commits, tells, finalizes December and tells that, too."""

    def create(played: Scene) -> Any:
        return played.product.post(
            "/v1/contracts/create",
            {
                "customer_id": played.world.customer_id,
                "rate_card_id": played.world.rate_card_id,
                "starting_at": "2024-12-01T00:00:00Z",
                "uniqueness_key": "december",
            },
        )

    def story(played: Scene) -> None:
        assert create(played).status == 200
        played.product.work_off_webhooks()

    for played in at_each_step(scene, story):
        # The client, who got no answer, asks again.
        again = create(played)
        contract_id = again.data["id"] if again.status == 200 else again.body["conflicting_id"]
        played.work_off()
        mine = [one for one in played.invoices() if one[0] == contract_id]
        assert mine == [
            (contract_id, "2024-12-01", "FINALIZED"),
            (contract_id, "2025-01-01", "DRAFT"),
        ]
        for target in (A, B):
            assert each_once(played.received(target)) == {
                "contract.create": 1,
                "invoice.finalized": 1,
            }
        assert all_delivered(played)


def test_two_periods_in_a_row_of_the_schedule(scene: Staging) -> None:
    """Tick, jobs and deliveries of January and February, both due at once."""

    def story(played: Scene) -> None:
        played.clock.set(datetime(2025, 3, 2, tzinfo=UTC))
        played.product.tick()
        played.product.work_off_jobs()
        played.product.work_off_webhooks()

    for played in at_each_step(scene, story):
        played.work_off()
        assert [status for _, _, status in played.invoices()] == [
            *["FINALIZED"] * 2,
            "DRAFT",
        ]
        for target in (A, B):
            assert each_once(played.received(target)) == {"invoice.finalized": 2}
        assert all_delivered(played)


def test_a_clock_that_is_moved_again(scene: Staging) -> None:
    """The move over two periods dies; whoever moved the clock does so again."""

    def story(played: Scene) -> None:
        moved = played.product.post("/mock/clock", {"now": "2025-03-02T00:00:00Z"})
        assert moved.status == 200

    for played in at_each_step(scene, story):
        story(played)
        # The move has done its work when it answers.
        assert [status for _, _, status in played.invoices()] == [
            *["FINALIZED"] * 2,
            "DRAFT",
        ]
        played.work_off()
        for target in (A, B):
            assert each_once(played.received(target)) == {"invoice.finalized": 2}
        assert all_delivered(played)


def test_a_clock_that_nobody_moves_again(scene: Staging) -> None:
    """The move dies and nobody repeats it: what was due by then is done, and told."""

    def story(played: Scene) -> None:
        played.product.post("/mock/clock", {"now": "2025-03-02T00:00:00Z"})

    for played in at_each_step(scene, story):
        played.work_off()
        now = played.product.get("/mock/clock").data["now"]
        due = sum(now >= at for at in ("2025-02-02", "2025-03-02"))
        final = [one for one in played.invoices() if one[2] == "FINALIZED"]
        assert len(final) == due
        for target in (A, B):
            assert each_once(played.received(target)).get("invoice.finalized", 0) == due
        assert due == 0 or all_delivered(played)


def test_a_target_that_is_down_for_a_while(scene: Staging) -> None:
    """Inline attempts, hand-over to the queue and retries of a target that answers 500 twice."""

    def story(played: Scene) -> None:
        played.targets.answers[A] = [500, 500]
        played.product.post("/mock/clock", {"now": "2025-03-02T00:00:00Z"})
        for seconds in (1, 2, 4):
            played.clock.advance(seconds=seconds)
            played.product.work_off_webhooks()

    for played in at_each_step(scene, story):
        played.product.post("/mock/clock", {"now": "2025-03-02T00:00:00Z"})
        played.work_off()
        for target in (A, B):
            assert each_once(played.received(target)) == {"invoice.finalized": 2}
        assert all_delivered(played)


def test_a_reset(scene: Staging) -> None:
    """Whatever is left of the former world: it is out of sight, and out of work."""

    def story(played: Scene) -> None:
        played.product.post("/webhooks/dispatch", {"type": "before"})
        assert played.product.post("/mock/reset").status == 200

    for played in at_each_step(scene, story):
        assert played.product.post("/mock/reset").status == 200
        played.clock.set(datetime(2025, 3, 2, tzinfo=UTC))
        played.work_off()
        assert played.targets.posts == []
        for path in ("/v1/customers", "/webhooks/subscriptions", "/webhooks/deliveries"):
            assert played.product.get(path).data == []


ALARM = "alerts.spend_threshold_reached"


def test_usage_that_crosses_lines(scene: Staging) -> None:
    """Ingest, the look at two groups and the whole of an alert, and the telling."""
    groups = [{"key": "model"}]

    def send(played: Scene) -> None:
        sent = [event("four"), event("five", properties={"model": "large", "tokens": "1"})]
        assert played.product.post("/v1/ingest", sent).status == 200

    def story(played: Scene) -> None:
        watch = {"alert_type": "spend_threshold_reached", "name": "Spend", "threshold": 20}
        body = {**watch, "group_values": groups, "uniqueness_key": "spend"}
        assert played.product.post("/v1/alerts/create", body).status in (200, 409)
        send(played)
        played.product.work_off_jobs()
        played.product.work_off_webhooks()

    for played in at_each_step(scene, story):
        # The client, who got no answer, asks again.
        story(played)
        played.work_off()
        # Tokens of the small model: 4 × 10 × 0.5 = 20. Calls bear no model.
        for target in (A, B):
            assert each_once(played.received(target)) == {ALARM: 2}
            told = [one for one in played.targets.events(target) if one["type"] == ALARM]
            assert {str(one["properties"]["group_values"]) for one in told} == {
                str(groups),
                str([{"key": "model", "value": "small"}]),
            }
        assert all_delivered(played)


def test_starts_some_time_after_and_ends(scene: Staging) -> None:
    """Configurations, a contract, and what time brings: its start, and an hour after it."""

    def story(played: Scene) -> None:
        post = played.product.post
        switch = {"is_enabled": True, "policy": {"type": "contract.start"}}
        assert post("/v2/notifications/edit", switch).status == 200
        policy = {"type": "contract.start", "offset": "PT1H"}
        body = {"name": "later", "policy": policy, "uniqueness_key": "later"}
        assert post("/v2/notifications/create", body).status in (200, 409)
        contract = {
            "customer_id": played.world.customer_id,
            "starting_at": "2025-01-20T00:00:00Z",
            "uniqueness_key": "january",
        }
        assert post("/v1/contracts/create", contract).status in (200, 409)
        played.product.work_off_jobs()
        played.clock.set(datetime(2025, 1, 20, tzinfo=UTC))
        played.product.tick()
        played.product.work_off_jobs()
        played.product.work_off_webhooks()

    for played in at_each_step(scene, story):
        story(played)
        played.work_off()
        for target in (A, B):
            assert each_once(played.received(target)) == {"contract.create": 1, "contract.start": 2}
        assert all_delivered(played)


def test_recurring_commits_of_a_contract_in_the_past(scene: Staging) -> None:
    """Its creation makes the commits of January and February, and bills the first."""
    month = {"unit_price": 10, "quantity": 1, "credit_type_id": USD}

    def create(played: Scene) -> Any:
        setup = played.product.post(
            "/v1/contract-pricing/products/create", {"name": "Setup", "type": "FIXED"}
        ).data["id"]
        return played.product.post(
            "/v1/contracts/create",
            {
                "customer_id": played.world.customer_id,
                "starting_at": "2025-01-01T00:00:00Z",
                "uniqueness_key": "january",
                "recurring_commits": [
                    {
                        "product_id": setup,
                        "access_amount": month,
                        "invoice_amount": month,
                        "priority": 1,
                        "commit_duration": {"value": 1},
                        "starting_at": "2025-01-01T00:00:00Z",
                    }
                ],
            },
        )

    def story(played: Scene) -> None:
        assert create(played).status == 200

    for played in at_each_step(scene, story):
        again = create(played)
        contract_id = again.data["id"] if again.status == 200 else again.body["conflicting_id"]
        played.work_off()
        listed = {"customer_id": played.world.customer_id, "include_contract_commits": True}
        made = played.product.post("/v1/contracts/customerCommits/list", listed).data
        starts = [one["access_schedule"]["schedule_items"][0]["starting_at"][:10] for one in made]
        assert sorted(starts) == ["2025-01-01", "2025-02-01"]
        path = f"/v1/customers/{played.world.customer_id}/invoices"
        paid = [
            (one["issued_at"][:10], one["total"])
            for one in played.product.get(path, type="SCHEDULED", status="FINALIZED").data
            if one["contract_id"] == contract_id
        ]
        assert paid == [("2025-01-01", 10)]
        for target in (A, B):
            assert each_once(played.received(target)) == {
                "contract.create": 1,
                "commit.create": 2,
                "invoice.finalized": 1,
            }


def test_a_recharge(scene: Staging) -> None:
    """Usage crosses the line; the recharge is begun, paid and settled, once."""

    def agree(played: Scene) -> None:
        setup = played.product.post(
            "/v1/contract-pricing/products/create", {"name": "Setup", "type": "FIXED"}
        ).data["id"]
        threshold = {
            "is_enabled": True,
            "threshold_amount": 500,
            "recharge_to_amount": 2500,
            "commit": {"product_id": setup},
            "payment_gate_config": {"payment_gate_type": "STRIPE"},
        }
        edit = {
            "customer_id": played.world.customer_id,
            "contract_id": played.world.contract_id,
            "uniqueness_key": "recharge",
            "add_prepaid_balance_threshold_configuration": threshold,
        }
        assert played.product.post("/v2/contracts/edit", edit).status in (200, 400, 409)

    def story(played: Scene) -> None:
        agree(played)
        played.product.work_off_jobs()

    for played in at_each_step(scene, story):
        agree(played)
        played.work_off()
        names = {
            "customer_id": played.world.customer_id,
            "include_contract_commits": True,
            "include_balance": True,
        }
        # Nothing of 0 is left; what was used before is not paid by it, but within its hour.
        [commit] = played.product.post("/v1/contracts/customerCommits/list", names).data
        assert commit["access_schedule"]["schedule_items"][0]["amount"] == 2500
        path = f"/v1/customers/{played.world.customer_id}/invoices"
        charges = played.product.get(path, type="SCHEDULED").data
        assert [(one["status"], one["total"]) for one in charges] == [("FINALIZED", 2500)]
        for target in (A, B):
            assert each_once(played.received(target)) == {
                "contract.edit": 1,
                "payment_gate.threshold_reached": 1,
                "payment_gate.payment_status": 1,
                "invoice.finalized": 1,
                "commit.create": 1,
            }
