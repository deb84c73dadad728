"""The same key does the work once: in parallel, in two processes, and after a crash at any write.

A story is told once for each of its steps, and the process dies there: before and after each write
of the store and each change of the queue. Then the client, who got no answer, asks again.
"""

import multiprocessing
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import stripe

from backbeat import bootstrap
from backbeat.adapters.sqlite.database import Database
from backbeat.config import Config
from backbeat_local.functions import Function
from backbeat_local.template import Template, load_template
from tests.integration.conftest import LOCAL, NOON, TEMPLATE, copy_database, opened
from tests.integration.product import Product, TestClock
from tests.integration.queues import WatchedQueue
from tests.integration.store import Crash
from tests.integration.stripe.billing import (
    DECEMBER,
    HOUR,
    NOVEMBER,
    item_of,
    meter,
    metered,
    price,
    subscribe,
    use,
)
from tests.integration.stripe.conftest import HOOK, Shop
from tests.integration.test_crash_points import Steps

TOLD = ["charge.succeeded", "charge.failed", "charge.refunded"]
KEY = {"idempotency_key": "once"}
CARDS_ONLY = {"automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}


@dataclass(frozen=True)
class Prepared:
    """A world in which a customer on a test clock has a subscription, to be copied."""

    database: Database
    clock: str
    customer: str
    subscription: str
    item: str
    price: str
    events: int


@pytest.fixture(scope="module")
def prepared(template: Template, functions: dict[str, Function]) -> Iterator[Prepared]:
    database = Database(":memory:")
    with opened(template, functions, {}) as stage:
        shop = Shop(stage)
        shop.v1.webhook_endpoints.create({"url": HOOK, "enabled_events": TOLD})
        clock = shop.clock(NOVEMBER)
        customer = shop.customer(test_clock=clock)
        base, calls = price(shop, "2900"), price(shop, "2", **metered(meter(shop)))
        made = subscribe(shop, customer, base, calls)
        use(shop, customer, "50", NOVEMBER)
        shop.work_off()
        copy_database(stage.database, database)
        yield Prepared(database, clock, customer, made.id, item_of(made), base, len(shop.told()))
    database.close()


class Story:
    """One call in a copy of the prepared world, and the steps to die at."""

    def __init__(self, shop: Shop, steps: Steps, prepared: Prepared) -> None:
        self.shop, self.steps, self.of = shop, steps, prepared

    def events(self) -> list[Any]:
        """Returns the events since the call, oldest first."""
        return self.shop.told()[self.of.events :]

    def happened(self) -> Any:
        """Returns everything the story left, as the API tells it."""
        v1, mine = self.shop.v1, {"customer": self.of.customer, "limit": 100}
        return {
            "charges": [(one.amount, one.status) for one in v1.charges.list(mine).data],
            "refunds": [one.amount for one in v1.refunds.list({"limit": 100}).data],
            "invoices": [(one.status, one.amount_paid) for one in v1.invoices.list(mine).data],
            "intents": [(one.amount, one.status) for one in v1.payment_intents.list(mine).data],
            "subscriptions": [
                (one.status, [item.price.unit_amount for item in one["items"].data])
                for one in v1.subscriptions.list(mine).data
            ],
            "events": [event["type"] for event in self.events()],
        }


def pay(story: Story) -> Any:
    wanted = {
        "amount": 700,
        "currency": "usd",
        "customer": story.of.customer,
        "payment_method": "pm_card_visa",
        "confirm": True,
        **CARDS_ONLY,
    }
    return story.shop.v1.payment_intents.create(wanted, KEY).id


def be_declined(story: Story) -> Any:
    with pytest.raises(stripe.CardError) as declined:
        story.shop.v1.payment_intents.create(
            {
                "amount": 700,
                "currency": "usd",
                "customer": story.of.customer,
                "payment_method": "pm_card_chargeCustomerFail",
                "confirm": True,
                **CARDS_ONLY,
            },
            KEY,
        )
    return declined.value.error.payment_intent.id  # type: ignore[union-attr]


def upgrade(story: Story) -> Any:
    items = [{"id": story.of.item, "quantity": 3}]
    change = {"items": items, "proration_behavior": "always_invoice"}
    return story.shop.v1.subscriptions.update(story.of.subscription, change, KEY).latest_invoice


def subscribe_again(story: Story) -> Any:
    wanted = {"customer": story.of.customer, "items": [{"price": story.of.price}]}
    return story.shop.v1.subscriptions.create(wanted, KEY).id


def refund(story: Story) -> Any:
    charge = story.shop.v1.charges.list({"customer": story.of.customer}).data[-1].id
    return story.shop.v1.refunds.create({"charge": charge, "amount": 900}, KEY).id


def renew(story: Story) -> Any:
    clocks = story.shop.v1.test_helpers.test_clocks
    clocks.advance(story.of.clock, {"frozen_time": DECEMBER + HOUR}, KEY)
    story.shop.work_off()
    return None


CHARGES: dict[Callable[[Story], Any], list[tuple[int, str]]] = {
    # The first payment of $29.00 is the oldest. Lists come newest first.
    pay: [(700, "succeeded"), (2_900, "succeeded")],
    be_declined: [(700, "failed"), (2_900, "succeeded")],
    # Nothing of November is over: 3 x 2900 - 2900.
    upgrade: [(5_800, "succeeded"), (2_900, "succeeded")],
    subscribe_again: [(2_900, "succeeded"), (2_900, "succeeded")],
    refund: [(2_900, "succeeded")],
    # 2900 + 50 x 2.
    renew: [(3_000, "succeeded"), (2_900, "succeeded")],
}


@contextmanager
def told(template: Template, functions: dict[str, Function], prepared: Prepared) -> Iterator[Story]:
    steps = Steps()
    with opened(template, functions, {}) as stage:
        copy_database(prepared.database, stage.database)
        queue = WatchedQueue(stage.product.services.stripe_queue, steps)
        mortal = replace(stage.product.services, stripe_queue=queue)
        with bootstrap.using(mortal):
            product = Product(template, functions, mortal)
            story = Story(Shop(replace(stage, product=product), documented=False), steps, prepared)
            stage.store.before = stage.store.after = steps
            steps.taken = 0
            yield story


@pytest.mark.parametrize("call", CHARGES, ids=lambda call: call.__name__)
def test_whoever_dies_in_a_call_is_followed_by_the_same_call(
    template: Template,
    functions: dict[str, Function],
    prepared: Prepared,
    call: Callable[[Story], Any],
) -> None:
    with told(template, functions, prepared) as undisturbed:
        answer = call(undisturbed)
        expected = undisturbed.happened()
    assert expected["charges"] == CHARGES[call]
    for last in count(1):
        with told(template, functions, prepared) as story:
            story.steps.last = last
            try:
                call(story)
            except Crash:
                story.steps.last = None
            else:
                assert last > 4, "the call has hardly any steps"
                return
            assert call(story) == answer
            # What the dead process held comes back to the queue after a while.
            story.shop.stage.clock.advance(minutes=16)
            story.shop.work_off()
            assert story.happened() == expected
            # The receiver hears of it, perhaps twice, under the same id.
            posts = {post.event["id"] for post in story.shop.stage.targets.posts}
            assert posts == {one["id"] for one in story.events() if one["type"] in TOLD}


def test_threads_with_one_key_do_the_work_once(shop: Shop) -> None:
    customer = shop.customer()
    made = []

    def charge() -> None:
        made.append(
            Shop(shop.stage)
            .v1.payment_intents.create(
                {
                    "amount": 700,
                    "currency": "usd",
                    "customer": customer,
                    "payment_method": "pm_card_visa",
                    "confirm": True,
                    **CARDS_ONLY,
                },
                KEY,
            )
            .id
        )

    threads = [threading.Thread(target=charge) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 8
    assert len(set(made)) == 1
    assert [one.amount for one in shop.v1.charges.list({"customer": customer}).data] == [700]


@contextmanager
def on_file(state: str) -> Iterator[Shop]:
    """Opens the double on a state file, as a process of its own does."""
    template = load_template(TEMPLATE)
    functions = {"MockStripeFunction": Function(template.functions["MockStripeFunction"])}
    clock = TestClock(NOON)
    services = bootstrap.build(
        Config.model_validate({**LOCAL, "BACKBEAT_STATE": state}), clock=clock
    )
    with bootstrap.using(services):
        product = Product(template, functions, services)
        stage: Any = _Standing(product)
        yield Shop(stage)


class _Standing:
    """As much of a stage as a shop's calls need."""

    def __init__(self, product: Product) -> None:
        self.product = product


def _pay_in_a_process(state: str, together: Any, results: Any, customer: str) -> None:
    with on_file(state) as shop:
        for number in range(12):
            together.wait(60)
            intent = shop.v1.payment_intents.create(
                {
                    "amount": 500 + number,
                    "currency": "usd",
                    "customer": customer,
                    "payment_method": "pm_card_visa",
                    "confirm": True,
                    **CARDS_ONLY,
                },
                {"idempotency_key": f"payment {number}"},
            )
            results.put((number, intent.id))


def test_two_processes_with_one_key_do_the_work_once(tmp_path: Path) -> None:
    state = str(tmp_path / "state.sqlite3")
    context = multiprocessing.get_context("spawn")
    with on_file(state) as shop:
        customer = shop.customer()
        together, results = context.Barrier(2), context.Queue()
        processes = [
            context.Process(target=_pay_in_a_process, args=(state, together, results, customer))
            for _ in range(2)
        ]
        for process in processes:
            process.start()
        answers = [results.get(timeout=60) for _ in range(24)]
        for process in processes:
            process.join()
        assert [process.exitcode for process in processes] == [0, 0]
        # Both processes got the same answer to each key, and each was charged once.
        assert len(set(answers)) == 12
        charges = shop.v1.charges.list({"customer": customer, "limit": 100}).data
        assert sorted(one.amount for one in charges) == list(range(500, 512))


def test_a_refusal_stands_though_the_call_would_be_fine_by_now(shop: Shop) -> None:
    customer = shop.v1.customers.create({"metadata": {str(n): "x" for n in range(50)}}).id
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError, match="50 metadata keys"):
            shop.v1.customers.update(customer, {"metadata": {"more": "x"}}, KEY)
        shop.v1.customers.update(customer, {"metadata": {"0": ""}})
