"""Sending webhooks again, and targets that were removed."""

from contextlib import suppress
from typing import Any

import pytest

from tests.integration.conftest import nothing_changes
from tests.integration.product import Product, TestClock
from tests.integration.store import Crash, WatchedStore
from tests.integration.targets import Targets

A = "https://a.example.com/hook"
B = "https://b.example.com/hook"
REDELIVER = "/webhooks/redeliver"


@pytest.fixture(autouse=True)
def subscribed(product: Product, clock: TestClock) -> None:
    for target in (A, B):
        assert product.post("/webhooks/subscriptions", {"target": target}).status == 200
        clock.advance(seconds=1)


def dispatch(product: Product, *types: str) -> None:
    for type_ in types:
        product.post("/webhooks/dispatch", {"type": type_})
    product.work_off_webhooks()


def event_id(product: Product, type_: str) -> str:
    id_: str = product.get("/webhooks/deliveries", event_type=type_).data[0]["event_id"]
    return id_


def states(product: Product) -> dict[tuple[str, str], str]:
    listed = product.get("/webhooks/deliveries").data
    return {(one["event_type"], one["target"]): one["state"] for one in listed}


def sent(product: Product, targets: Targets) -> list[tuple[str, str]]:
    """Delivers what is queued and returns it as types and targets."""
    targets.posts.clear()
    product.work_off_webhooks()
    return sorted((post.event["type"], post.url) for post in targets.posts)


def again(product: Product, **body: Any) -> list[tuple[str, str]]:
    listed = product.post(REDELIVER, body).data
    return sorted((one["event_type"], one["target"]) for one in listed)


def test_one_event_goes_to_every_target_again_signed_anew(
    product: Product, targets: Targets, clock: TestClock
) -> None:
    dispatch(product, "x", "y")
    first = next(post for post in targets.posts if post.event["type"] == "x" and post.url == A)
    clock.advance(hours=1)
    assert again(product, event_id=event_id(product, "x")) == [("x", A), ("x", B)]
    assert sent(product, targets) == [("x", A), ("x", B)]
    second = next(post for post in targets.posts if post.url == A)
    assert second.body == first.body
    for header in ("date", "x-metronome-date", "metronome-webhook-signature"):
        assert second.headers[header] != first.headers[header]
    log = product.get("/webhooks/deliveries", event_type="x", target=A).data
    assert [len(one["attempts"]) for one in log] == [2]
    assert states(product)["x", A] == "DELIVERED"
    # Nothing of it is left to do.
    clock.advance(hours=1)
    product.tick()
    assert sent(product, targets) == []


def test_a_target_may_be_named(product: Product, targets: Targets) -> None:
    dispatch(product, "x")
    assert again(product, event_id=event_id(product, "x"), target=B) == [("x", B)]
    assert sent(product, targets) == [("x", B)]
    unknown = product.post(
        REDELIVER, {"event_id": event_id(product, "x"), "target": "https://c.example.com"}
    )
    assert (unknown.status, "target" in unknown.body["message"]) == (404, True)


def test_a_target_added_since_gets_it_too(
    product: Product, targets: Targets, clock: TestClock
) -> None:
    dispatch(product, "x")
    late = "https://late.example.com/hook"
    product.post("/webhooks/subscriptions", {"target": late})
    assert again(product, event_id=event_id(product, "x"), target=late) == [("x", late)]
    assert sent(product, targets) == [("x", late)]


def test_a_range_is_sent_page_by_page(product: Product, targets: Targets, clock: TestClock) -> None:
    # Told at 12:00:02, :03, :04 and :05.
    for number in range(4):
        dispatch(product, f"number {number}")
        clock.advance(seconds=1)
    span = {"starting_at": "2025-01-15T12:00:03Z", "ending_before": "2025-01-15T12:00:05Z"}
    body = {**span, "target": A, "limit": 1}
    first = product.post(REDELIVER, body).body
    assert [one["event_type"] for one in first["data"]] == ["number 1"]
    second = product.post(REDELIVER, {**body, "next_page": first["next_page"]}).body
    assert [one["event_type"] for one in second["data"]] == ["number 2"]
    assert sent(product, targets) == [("number 1", A), ("number 2", A)]


def test_a_range_of_what_is_dead(product: Product, targets: Targets) -> None:
    targets.down.add(B)
    dispatch(product, "x")
    span = {"starting_at": "2025-01-15T00:00:00Z", "ending_before": "2025-01-16T00:00:00Z"}
    assert again(product, **span, state="PENDING") == [("x", B)]
    assert again(product, **span, state="DEAD") == []
    assert again(product, **span, event_type="y") == []


def test_an_unknown_event(product: Product, store: WatchedStore) -> None:
    dispatch(product, "x")
    known = event_id(product, "x")
    with nothing_changes(store):
        reply = product.post(REDELIVER, {"event_id": f"{known}x"})
        assert (reply.status, "event" in reply.body["message"]) == (404, True)
        assert product.post(REDELIVER, {"event_id": known}, token="other").status == 404


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"starting_at": "2025-01-15T00:00:00Z"},
        {"ending_before": "2025-01-15T00:00:00Z"},
        {"event_id": "x", "starting_at": "2025-01-15T00:00:00Z"},
        {"event_id": "x", "state": "lost"},
    ],
)
def test_it_must_be_clear_what_is_meant(body: dict[str, str], product: Product) -> None:
    assert product.post(REDELIVER, body).status == 400


class TestRemovedTargets:
    def test_what_is_queued_for_it_is_not_sent(
        self, product: Product, targets: Targets, clock: TestClock
    ) -> None:
        targets.down.add(A)
        dispatch(product, "x")
        product.request("DELETE", "/webhooks/subscriptions", {"target": A})
        clock.advance(seconds=1)
        assert sent(product, targets) == []
        assert states(product) == {("x", A): "CANCELED", ("x", B): "DELIVERED"}
        # The message is gone as well.
        clock.advance(hours=1)
        assert product.work_off_webhooks() == 0

    def test_a_clock_that_moves_does_not_wait_for_it(
        self, product: Product, targets: Targets
    ) -> None:
        product.post("/webhooks/dispatch", {"type": "x"})
        product.request("DELETE", "/webhooks/subscriptions", {"target": A})
        product.post("/mock/clock", {"advance": "P1D"})
        assert [post.url for post in targets.posts] == [B]
        assert states(product)["x", A] == "CANCELED"

    def test_added_again_it_goes_on(
        self, product: Product, targets: Targets, clock: TestClock
    ) -> None:
        targets.down.add(A)
        dispatch(product, "x")
        product.request("DELETE", "/webhooks/subscriptions", {"target": A})
        clock.advance(seconds=1)
        product.work_off_webhooks()
        product.post("/webhooks/subscriptions", {"target": A})
        targets.down.clear()
        assert again(product, event_id=event_id(product, "x"), target=A) == [("x", A)]
        assert sent(product, targets) == [("x", A)]


def test_the_test_event_has_no_content(product: Product, targets: Targets) -> None:
    event_id = product.post("/webhooks/test").data["id"]
    product.work_off_webhooks()
    assert targets.events(A) == targets.events(B) == [{"id": event_id, "type": "webhooks.test"}]


@pytest.mark.parametrize(("writes", "again_at"), [(0, 0), (1, 1), (2, 1), (3, 2), (4, 2)])
def test_whoever_dies_redelivering_is_followed_by_a_tick(
    writes: int,
    again_at: int,
    product: Product,
    targets: Targets,
    clock: TestClock,
    store: WatchedStore,
) -> None:
    """Each delivery is put on the list of pending ones, queued, and noted as queued."""
    dispatch(product, "x")
    known, left = event_id(product, "x"), writes

    def die_later() -> None:
        nonlocal left
        if left == 0:
            raise Crash
        left -= 1

    store.before = die_later
    with suppress(Crash):
        product.post(REDELIVER, {"event_id": known})
    store.before = lambda: None
    targets.posts.clear()
    clock.advance(minutes=5)
    product.tick()
    product.work_off_webhooks()
    # Everything that was begun arrives, and nothing twice.
    assert len(targets.posts) == again_at
    clock.advance(hours=1)
    product.tick()
    assert product.work_off_webhooks() == 0
