"""Function `webhook_delivery`: the consumer of the webhook queue."""

import hashlib
import hmac
from collections.abc import Callable
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any, cast

import pytest

from backbeat.application.services import Services
from backbeat.ports.http import HttpFailure
from backbeat.ports.queue import Message
from backbeat_local.functions import Function, LambdaContext
from backbeat_local.queues import sqs_event
from tests.integration.product import Product, TestClock, webhook_event
from tests.integration.store import Crash, WatchedStore
from tests.integration.targets import Targets

A = "https://a.example.com/hook"
B = "https://b.example.com/hook"

THREE = pytest.mark.parametrize("settings", [{"BACKBEAT_WEBHOOK_MAX_ATTEMPTS": "3"}])


@pytest.fixture
def dispatch(product: Product) -> Callable[..., None]:
    def send(type_: str, *targets: str) -> None:
        for target in targets:
            product.post("/webhooks/subscriptions", {"target": target})
        assert product.post("/webhooks/dispatch", {"type": type_}).status == 200

    return send


def log(product: Product) -> list[Any]:
    found: list[Any] = product.get("/webhooks/deliveries").data
    return found


def receive(services: Services) -> Message:
    """Takes the next message off the queue, to be delivered by hand."""
    [message] = services.webhook_queue.receive(limit=1, wait_seconds=0, visibility_seconds=720)
    return message


def give_up(product: Product, services: Services) -> None:
    """Makes the next message's delivery its last one. The target must be down."""
    message = receive(services)
    event = webhook_event(product, message, receive_count=3)
    assert failed(product.invoke("WebhookDeliveryFunction", event))
    services.webhook_queue.delete([message.receipt])


def failed(reply: Any) -> bool:
    return bool(reply["batchItemFailures"])


def test_a_post_is_signed(
    dispatch: Callable[..., None], product: Product, targets: Targets, clock: TestClock
) -> None:
    product.post("/v1/client/config/webhook_secret", {"webhook_secret": "whsec"})
    dispatch("x", A)
    product.work_off_webhooks()
    [post] = targets.posts
    assert post.headers["content-type"] == "application/json"
    assert post.headers["user-agent"] == "Metronome"
    date = post.headers["date"]
    assert post.headers["x-metronome-date"] == date
    assert parsedate_to_datetime(date) == clock.now()
    expected = hmac.new(b"whsec", date.encode() + b"\n" + post.body, hashlib.sha256).hexdigest()
    assert post.headers["metronome-webhook-signature"] == expected


def test_the_date_is_real_whatever_the_sandboxs_clock_says(
    dispatch: Callable[..., None], product: Product, targets: Targets, clock: TestClock
) -> None:
    # Receivers refuse what was signed more than five minutes ago.
    product.post("/mock/clock", {"now": "2030-01-01T00:00:00Z"})
    dispatch("x", A)
    product.work_off_webhooks()
    assert parsedate_to_datetime(targets.posts[0].headers["date"]) == clock.now()


def test_a_retry_is_signed_anew_with_the_secret_of_then(
    dispatch: Callable[..., None], product: Product, targets: Targets, clock: TestClock
) -> None:
    targets.answers[A] = [500]
    dispatch("x", A)
    product.work_off_webhooks()
    product.post("/v1/client/config/webhook_secret", {"webhook_secret": "rotated"})
    clock.advance(seconds=1)
    product.work_off_webhooks()
    first, second = targets.posts
    assert first.body == second.body
    assert first.headers["date"] != second.headers["date"]
    for post, secret in [(first, b"test-secret"), (second, b"rotated")]:
        signed = post.headers["date"].encode() + b"\n" + post.body
        expected = hmac.new(secret, signed, hashlib.sha256).hexdigest()
        assert post.headers["metronome-webhook-signature"] == expected


@pytest.mark.parametrize("status", [199, 300, 302, 400, 404, 429, 500, 503])
def test_anything_but_2xx_is_tried_again(
    status: int,
    dispatch: Callable[..., None],
    product: Product,
    targets: Targets,
    clock: TestClock,
) -> None:
    targets.answers[A] = [status]
    dispatch("x", A)
    product.work_off_webhooks()
    assert log(product)[0]["state"] == "PENDING"
    clock.advance(seconds=1)
    product.work_off_webhooks()
    assert len(targets.posts) == 2
    assert log(product)[0]["state"] == "DELIVERED"


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_2xx_is_success(
    status: int, dispatch: Callable[..., None], product: Product, targets: Targets
) -> None:
    targets.answers[A] = [status]
    dispatch("x", A)
    assert product.work_off_webhooks() == 1
    assert log(product)[0]["state"] == "DELIVERED"


def test_retries_come_later_and_later(
    dispatch: Callable[..., None], product: Product, targets: Targets, clock: TestClock
) -> None:
    targets.down.add(A)
    dispatch("x", A)
    product.work_off_webhooks()
    # Retry n waits between half of and all of 2^(n-1) seconds, at most 15 minutes.
    for longest in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]:
        earlier = longest // 2 if longest > 1 else 0
        clock.advance(seconds=earlier - 1 if earlier else 0)
        assert product.work_off_webhooks() == 0
        clock.advance(seconds=longest - earlier + 1)
        assert product.work_off_webhooks() == 1
    assert len(targets.posts) == 13


def test_targets_do_not_wait_for_each_other(
    dispatch: Callable[..., None], product: Product, targets: Targets, clock: TestClock
) -> None:
    targets.down.add(A)
    dispatch("x", A, B)
    event = {"type": "x"}
    product.work_off_webhooks()
    assert [one["type"] for one in targets.events(B)] == [event["type"]]
    targets.down.clear()
    clock.advance(seconds=1)
    product.work_off_webhooks()
    # Same id for every destination and every try, so that receivers can tell repeats.
    assert len({post.event["id"] for post in targets.posts}) == 1
    assert [post.url for post in targets.posts].count(A) == 2
    assert {one["state"] for one in log(product)} == {"DELIVERED"}


def test_a_target_that_is_down_gets_everything_once_it_is_back(
    dispatch: Callable[..., None], product: Product, targets: Targets, clock: TestClock
) -> None:
    targets.down.add(A)
    for number in range(12):
        dispatch(f"number {number}", A)
    product.work_off_webhooks()
    targets.down.clear()
    targets.answers[A] = [500] * 12
    clock.advance(seconds=1)
    product.work_off_webhooks()
    targets.posts.clear()
    clock.advance(seconds=2)
    product.work_off_webhooks()
    assert {one["type"] for one in targets.events(A)} == {f"number {n}" for n in range(12)}
    assert len(targets.posts) == 12


class TestGivingUp:
    @THREE
    def test_after_the_last_receipt_it_is_a_dead_letter(
        self,
        dispatch: Callable[..., None],
        product: Product,
        targets: Targets,
        clock: TestClock,
        services: Services,
    ) -> None:
        targets.answers[A] = [500, HttpFailure("timed out"), 404]
        dispatch("x", A)
        for seconds in (0, 1, 2):
            clock.advance(seconds=seconds)
            assert product.get("/webhooks/dead-letters").data == []
            assert product.work_off_webhooks() == 1
        # The queue moves the message when it would be received for the fourth time.
        clock.advance(seconds=900)
        assert product.work_off_webhooks() == 0
        assert len(services.webhook_queue.dead_letters(limit=10)) == 1
        [dead] = product.get("/webhooks/dead-letters").data
        assert [dead] == log(product)
        assert dead["state"] == "DEAD"
        outcomes = [attempt.get("status", attempt.get("error")) for attempt in dead["attempts"]]
        assert outcomes == [500, "timed out", 404]

    @THREE
    def test_receipts_count_not_attempts(
        self,
        dispatch: Callable[..., None],
        product: Product,
        targets: Targets,
        services: Services,
    ) -> None:
        """A consumer that died used up a receipt without leaving an attempt."""
        targets.down.add(A)
        dispatch("x", A)
        reply = product.invoke(
            "WebhookDeliveryFunction",
            webhook_event(product, receive(services), receive_count=3),
        )
        assert failed(reply)
        [dead] = log(product)
        assert (dead["state"], len(dead["attempts"])) == ("DEAD", 1)

    @THREE
    def test_each_tenant_reads_all_of_its_own_in_pages(
        self,
        dispatch: Callable[..., None],
        product: Product,
        targets: Targets,
        clock: TestClock,
        services: Services,
    ) -> None:
        targets.down.add(A)
        for number in range(5):
            dispatch(f"number {number}", A)
            give_up(product, services)
            clock.advance(seconds=1)
        product.post("/webhooks/subscriptions", {"target": A}, token="other")
        for number in range(3):
            product.post("/webhooks/dispatch", {"type": f"other {number}"}, token="other")
            give_up(product, services)
            clock.advance(seconds=1)
        listed = [product.get("/webhooks/dead-letters", limit="2").body]
        while (token := listed[-1]["next_page"]) is not None:
            query = {"limit": "2", "next_page": token}
            listed.append(product.get("/webhooks/dead-letters", **query).body)
        assert [[one["event_type"] for one in page["data"]] for page in listed] == [
            ["number 0", "number 1"],
            ["number 2", "number 3"],
            ["number 4"],
        ]
        others = product.get("/webhooks/dead-letters", token="other").data
        assert [one["event_type"] for one in others] == [f"other {number}" for number in range(3)]

    @THREE
    def test_a_dead_letter_that_nobody_noted_is_listed_too(
        self,
        dispatch: Callable[..., None],
        product: Product,
        clock: TestClock,
        services: Services,
    ) -> None:
        """Three receivers died before they could do anything."""
        dispatch("x", A)
        for _ in range(3):
            receive(services)
            clock.advance(seconds=900)
        assert services.webhook_queue.receive(limit=1, wait_seconds=0, visibility_seconds=1) == ()
        [dead] = product.get("/webhooks/dead-letters").data
        assert (dead["event_type"], dead["state"], dead["attempts"]) == ("x", "PENDING", [])

    @THREE
    def test_attempts_of_the_clock_are_no_receipts(
        self,
        dispatch: Callable[..., None],
        product: Product,
        targets: Targets,
        clock: TestClock,
    ) -> None:
        targets.down.add(A)
        dispatch("x", A)
        product.post("/mock/clock", {"advance": "P1D"})
        assert len(targets.posts) == 1
        for seconds in (1, 1, 2):
            assert log(product)[0]["state"] == "PENDING"
            clock.advance(seconds=seconds)
            assert product.work_off_webhooks() == 1
        assert log(product)[0]["state"] == "DEAD"
        assert len(targets.posts) == 4

    @THREE
    def test_a_dead_letter_that_is_redriven_is_tried_again(
        self,
        dispatch: Callable[..., None],
        product: Product,
        targets: Targets,
        services: Services,
    ) -> None:
        targets.down.add(A)
        dispatch("x", A)
        message = receive(services)
        event = webhook_event(product, message, receive_count=3)
        product.invoke("WebhookDeliveryFunction", event)
        assert log(product)[0]["state"] == "DEAD"
        redriven = webhook_event(product, message, receive_count=1)
        assert failed(product.invoke("WebhookDeliveryFunction", redriven))
        assert log(product)[0]["state"] == "PENDING"
        targets.down.clear()
        redriven = webhook_event(product, message, receive_count=2)
        assert not failed(product.invoke("WebhookDeliveryFunction", redriven))
        assert log(product)[0]["state"] == "DELIVERED"

    @THREE
    def test_the_last_receipt_waits_for_nobody(
        self,
        dispatch: Callable[..., None],
        product: Product,
        targets: Targets,
        services: Services,
    ) -> None:
        """Somebody who died holding the lease must not make the delivery end untried."""
        dispatch("x", A)
        message = receive(services)

        def die() -> int:
            raise Crash

        targets.answers[A] = [die]
        event = webhook_event(product, message, receive_count=2)
        with pytest.raises(Crash):
            product.invoke("WebhookDeliveryFunction", event)
        targets.down.add(A)
        event = webhook_event(product, message, receive_count=3)
        assert failed(product.invoke("WebhookDeliveryFunction", event))
        assert log(product)[0]["state"] == "DEAD"


class TestTwiceAtOnce:
    def test_a_delivery_under_way_is_left_alone(
        self,
        dispatch: Callable[..., None],
        product: Product,
        targets: Targets,
        services: Services,
    ) -> None:
        dispatch("x", A)
        event = webhook_event(product, receive(services), receive_count=1)
        replies = []

        def deliver_again() -> int:
            replies.append(product.invoke("WebhookDeliveryFunction", event))
            return 200

        targets.answers[A] = [deliver_again]
        assert not failed(product.invoke("WebhookDeliveryFunction", event))
        assert [failed(reply) for reply in replies] == [True]
        assert len(targets.posts) == 1

    def test_what_has_arrived_is_not_sent_again(
        self,
        dispatch: Callable[..., None],
        product: Product,
        targets: Targets,
        services: Services,
    ) -> None:
        dispatch("x", A)
        event = webhook_event(product, receive(services), receive_count=1)
        for _ in range(2):
            assert not failed(product.invoke("WebhookDeliveryFunction", event))
        assert len(targets.posts) == 1

    @THREE
    @pytest.mark.parametrize(("first", "last"), [(200, 500), (500, 200)])
    def test_what_arrived_has_arrived_whoever_sent_it(
        self,
        first: int,
        last: int,
        dispatch: Callable[..., None],
        product: Product,
        targets: Targets,
        services: Services,
    ) -> None:
        dispatch("x", A)
        message = receive(services)

        def overtaken_by_the_last_receipt() -> int:
            targets.answers[A] = [last]
            event = webhook_event(product, message, receive_count=3)
            assert failed(product.invoke("WebhookDeliveryFunction", event)) is (last == 500)
            return first

        targets.answers[A] = [overtaken_by_the_last_receipt]
        event = webhook_event(product, message, receive_count=1)
        assert not failed(product.invoke("WebhookDeliveryFunction", event))
        [delivered] = log(product)
        assert delivered["state"] == "DELIVERED"
        assert [attempt["status"] for attempt in delivered["attempts"]] == [last, first]

    def test_a_consumer_that_died_is_followed_by_another(
        self,
        dispatch: Callable[..., None],
        product: Product,
        targets: Targets,
        clock: TestClock,
    ) -> None:
        def die() -> int:
            raise Crash

        targets.answers[A] = [die]
        dispatch("x", A)
        with pytest.raises(Crash):
            product.work_off_webhooks()
        # Hidden for as long as the queue's visibility says.
        clock.advance(seconds=719)
        assert product.work_off_webhooks() == 0
        clock.advance(seconds=1)
        assert product.work_off_webhooks() == 1
        assert log(product)[0]["state"] == "DELIVERED"


def test_one_failure_of_a_batch_does_not_repeat_the_others(
    dispatch: Callable[..., None], product: Product, targets: Targets, clock: TestClock
) -> None:
    targets.down.add(A)
    dispatch("x", A, B)
    assert product.work_off_webhooks() == 2
    clock.advance(seconds=1)
    assert product.work_off_webhooks() == 1
    assert [post.url for post in targets.posts].count(B) == 1


def test_a_busy_store_leaves_the_message_in_the_queue(
    dispatch: Callable[..., None],
    product: Product,
    targets: Targets,
    clock: TestClock,
    store: WatchedStore,
) -> None:
    dispatch("x", A)

    def break_once() -> None:
        store.before = lambda: None
        raise RuntimeError("no connection")

    store.before = break_once
    product.work_off_webhooks()
    assert targets.posts == []
    clock.advance(seconds=720)
    product.work_off_webhooks()
    assert log(product)[0]["state"] == "DELIVERED"


class Watch:
    """The context of a function that has two minutes, on a test's clock."""

    def __init__(self, clock: TestClock) -> None:
        self._clock, self._begun = clock, clock.now()

    def get_remaining_time_in_millis(self) -> int:
        return 120_000 - (self._clock.now() - self._begun) // timedelta(milliseconds=1)


def test_a_batch_of_slow_targets_ends_in_time(
    dispatch: Callable[..., None],
    product: Product,
    targets: Targets,
    clock: TestClock,
    services: Services,
    functions: dict[str, Function],
) -> None:
    def drip() -> int:
        # Given up on after twice the time-out.
        clock.advance(seconds=20)
        raise HttpFailure("the reply took too long")

    targets.answers[A] = [drip] * 10
    dispatch("x", A)
    for number in range(9):
        dispatch(f"x {number}")
    messages = services.webhook_queue.receive(limit=10, wait_seconds=0, visibility_seconds=720)
    event = sqs_event(messages, product._template.queues["WebhooksQueue"])
    reply = functions["WebhookDeliveryFunction"].load()(event, cast("LambdaContext", Watch(clock)))
    # After 5 × 20 s another one would no longer fit.
    assert len(targets.posts) == 5
    assert len(reply["batchItemFailures"]) == 10
    # The rest is back in the queue at once.
    waiting = services.webhook_queue.receive(limit=10, wait_seconds=0, visibility_seconds=720)
    assert len(waiting) >= 5


@pytest.mark.parametrize(
    "settings",
    [{"BACKBEAT_SANDBOX": "off", "BACKBEAT_WEBHOOK_MAX_ATTEMPTS": "3"}],
)
def test_without_a_secret_nothing_is_sent_unsigned(
    dispatch: Callable[..., None], product: Product, targets: Targets, clock: TestClock
) -> None:
    dispatch("x", A)
    product.work_off_webhooks()
    assert targets.posts == []
    assert log(product)[0]["attempts"][0]["error"] == "no webhook secret is set"
    product.post("/v1/client/config/webhook_secret", {"webhook_secret": "whsec"})
    clock.advance(seconds=1)
    product.work_off_webhooks()
    assert len(targets.posts) == 1
