"""Due work that cannot be done: it is put aside, and everything else goes on."""

import json
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import stripe

from backbeat import bootstrap
from backbeat.ports.queue import Outgoing
from tests.integration.queues import WatchedQueue
from tests.integration.store import Crash
from tests.integration.stripe.billing import DECEMBER, HOUR, NOVEMBER, invoices, price, subscribe
from tests.integration.stripe.conftest import HOOK, Shop

NOON = 1736942400  # 2025-01-15T12:00:00Z, where the stage's clock stands
MONTH = 31 * 86_400


def wait_for(shop: Shop, customer: str, items: int) -> None:
    """Leaves so many pending items for a customer's next invoice."""
    for start in range(0, items, 20):
        draft = shop.v1.invoices.create({"customer": customer})
        lines = [{"amount": 1}] * min(20, items - start)
        shop.v1.invoices.add_lines(draft.id, {"lines": lines})
        shop.v1.invoices.delete(draft.id)


@pytest.fixture
def clock(shop: Shop) -> str:
    return shop.clock(NOVEMBER)


def test_a_test_clock_ends_with_work_that_cannot_be_done(shop: Shop, clock: str) -> None:
    # An invoice holds 250 lines: with 250 waiting and the subscription's own there would be 251.
    full = shop.customer(test_clock=clock)
    made = subscribe(shop, full, price(shop, "2900"))
    wait_for(shop, full, 250)
    fine = shop.clock(NOVEMBER)
    other = shop.customer(test_clock=fine)
    subscribe(shop, other, price(shop, "2900"))
    for one in (clock, fine):
        shop.v1.test_helpers.test_clocks.advance(one, {"frozen_time": DECEMBER + HOUR})
    shop.work_off()
    found = shop.v1.test_helpers.test_clocks
    found.retrieve(clock)  # the one poll that sees it advancing
    assert found.retrieve(clock).status == "internal_failure"
    assert found.retrieve(clock).frozen_time == DECEMBER
    assert len(shop.told("test_helpers.test_clock.internal_failure")) == 1
    with pytest.raises(stripe.InvalidRequestError, match="internal_failure"):
        found.advance(clock, {"frozen_time": DECEMBER + 2 * HOUR})
    # Nothing half: no invoice of the renewal, and the period is still November.
    assert len(invoices(shop, full)) == 1
    assert shop.v1.subscriptions.retrieve(made.id)["items"].data[0].current_period_end == DECEMBER
    [refused] = shop.control("run")["refused"]
    assert (refused["action"], refused["id"], refused["test_clock"]) == (
        "subscription.renew",
        made.id,
        clock,
    )
    assert "at most 250 lines" in refused["reason"]
    # The other clock is where it should be, and the failed one can go.
    found.retrieve(fine)
    assert found.retrieve(fine).status == "ready"
    assert [one.status for one in invoices(shop, other)] == ["paid", "paid"]
    found.delete(clock)
    assert shop.v1.customers.create({}).id


def test_on_the_process_clock_everything_else_goes_on(shop: Shop) -> None:
    full, other = shop.customer(), shop.customer()
    made = subscribe(shop, full, price(shop, "2900"))
    wait_for(shop, full, 250)
    subscribe(shop, other, price(shop, "2900"))
    shop.stage.clock.advance(seconds=MONTH + HOUR)
    assert [one.status for one in invoices(shop, other)] == ["paid", "paid"]
    assert [one.status for one in invoices(shop, full)] == ["paid"]
    assert shop.v1.customers.create({}).id
    [refused] = shop.control("run")["refused"]
    assert (refused["id"], refused["at"], refused["test_clock"]) == (made.id, NOON + MONTH, None)


def test_work_that_breaks_is_put_aside_too(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    from mock_stripe.resources import work

    def broken(world: Any, thing: Any) -> None:
        raise KeyError("nobody thought of this")

    intent = shop.v1.payment_intents.create(
        {
            "amount": 500,
            "currency": "usd",
            "payment_method": "pm_card_visa",
            "payment_method_types": ["card"],
            "capture_method": "manual",
            "confirm": True,
        }
    )
    monkeypatch.setitem(work._actions, "payment_intent.expire", ("payment_intent", broken))
    shop.stage.clock.advance(days=8)
    assert shop.v1.payment_intents.retrieve(intent.id).status == "requires_capture"
    [refused] = shop.control("run")["refused"]
    assert refused["reason"] == "KeyError: 'nobody thought of this'"


def test_where_nothing_is_due_or_unsent_a_call_looks_for_neither(shop: Shop) -> None:
    """What every call asks for first: is anything due, was anything left to be sent."""
    customer = shop.v1.customers.create({}).id
    queries: list[Any] = []
    inner = shop.stage.store.inner
    shop.stage.store.inner = _Counting(inner, queries)
    shop.control("declines", count=0)
    queries.clear()
    shop.v1.customers.retrieve(customer)
    assert queries == []


class _Counting:
    def __init__(self, inner: Any, queries: list[Any]) -> None:
        self._inner, self._queries = inner, queries

    def query(self, query: Any) -> Any:
        self._queries.append(query)
        return self._inner.query(query)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def test_what_a_process_left_unsent_is_sent_by_the_next_call(shop: Shop) -> None:
    shop.v1.webhook_endpoints.create({"url": HOOK, "enabled_events": ["customer.created"]})

    def die() -> None:
        raise Crash

    shop.stage.store.after = die
    with pytest.raises(Crash):
        shop.v1.customers.create({"name": "Ada"})
    shop.stage.store.after = lambda: None
    shop.v1.customers.list()
    shop.work_off()
    [post] = shop.stage.targets.posts
    assert json.loads(post.body)["data"]["object"]["name"] == "Ada"


class AtOnce(WatchedQueue):
    """A queue whose messages are worked off by another thread, before sending them returns."""

    def __init__(self, shop: Shop) -> None:
        super().__init__(shop.stage.product.services.stripe_queue, lambda: None)
        self._shop = shop
        self.late = 0

    def send(self, messages: Sequence[Outgoing]) -> None:
        super().send(messages)
        worker = threading.Thread(target=self._shop.work_off)
        worker.start()
        worker.join(10)
        self.late += worker.is_alive()


def test_a_receiver_may_call_again_before_its_event_was_sent(shop: Shop) -> None:
    """What is sent outside of a call's turn holds nobody up who waits for that turn."""
    queue = AtOnce(shop)
    shop.v1.webhook_endpoints.create({"url": HOOK, "enabled_events": ["*"]})
    intent = shop.v1.payment_intents.create(
        {
            "amount": 500,
            "currency": "usd",
            "payment_method": "pm_card_visa",
            "payment_method_types": ["card"],
            "capture_method": "manual",
            "confirm": True,
        }
    )
    shop.work_off()

    def call_again() -> int:
        Shop(shop.stage).v1.payment_intents.retrieve(intent.id)
        return 200

    shop.stage.targets.answers[HOOK] = [call_again] * 100
    services = replace(shop.stage.product.services, stripe_queue=queue)
    with bootstrap.using(services):
        shop.v1.payment_intents.update(intent.id, {"description": "Desk"})
        shop.v1.customers.create({"name": "Ada"})
        # Due work tells, too, whoever finds it.
        shop.stage.clock.advance(days=8)
        assert shop.v1.payment_intents.retrieve(intent.id).status == "canceled"
    assert queue.late == 0
    told = {post.event["type"] for post in shop.stage.targets.posts}
    assert {"customer.created", "payment_intent.canceled", "charge.refunded"} <= told
