"""Secrets of the account and of targets, and what is valid while they change."""

import hashlib
import hmac

import pytest

from tests.integration.product import Product, TestClock
from tests.integration.targets import Post, Targets

A = "https://a.example.com/hook"
B = "https://b.example.com/hook"
SIGNATURE = "metronome-webhook-signature"
PREVIOUS = "metronome-webhook-signature-previous"


@pytest.fixture(autouse=True)
def subscribed(product: Product, clock: TestClock) -> None:
    for target in (A, B):
        product.post("/webhooks/subscriptions", {"target": target})
        clock.advance(seconds=1)


def signature(post: Post, secret: str) -> str:
    signed = post.headers["x-metronome-date"].encode() + b"\n" + post.body
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def sent(product: Product, targets: Targets) -> dict[str, Post]:
    """Tells both targets something and returns what they got."""
    targets.posts.clear()
    product.post("/webhooks/test")
    product.work_off_webhooks()
    return {post.url: post for post in targets.posts}


def rotate(product: Product, secret: str, **body: object) -> object:
    reply = product.post("/webhooks/secret", {"webhook_secret": secret, **body})
    return reply.data["previous_valid_until"]


def verified(product: Product, post: Post, header: str = SIGNATURE) -> bool:
    headers = {
        "X-Metronome-Date": post.headers["x-metronome-date"],
        "Metronome-Webhook-Signature": post.headers[header],
    }
    path = "/webhooks/verify"
    return product.request("POST", path, text=post.body, headers=headers).status == 200


def test_the_secret_before_stays_valid_for_a_while(
    product: Product, targets: Targets, clock: TestClock
) -> None:
    assert rotate(product, "one") is None
    post = sent(product, targets)[A]
    assert (post.headers[SIGNATURE], PREVIOUS in post.headers) == (signature(post, "one"), False)

    # The clock stands at 12:00:02.
    assert rotate(product, "two", overlap_seconds=600) == "2025-01-15T12:10:02+00:00"
    post = sent(product, targets)[A]
    assert post.headers[SIGNATURE] == signature(post, "two")
    assert post.headers[PREVIOUS] == signature(post, "one")
    assert verified(product, post)
    assert verified(product, post, PREVIOUS)

    clock.advance(seconds=599)
    post = sent(product, targets)[A]
    assert post.headers[PREVIOUS] == signature(post, "one")
    clock.advance(seconds=1)
    assert not verified(product, post, PREVIOUS)
    post = sent(product, targets)[A]
    assert (post.headers[SIGNATURE], PREVIOUS in post.headers) == (signature(post, "two"), False)


def test_the_documented_call_leaves_a_day(
    product: Product, targets: Targets, clock: TestClock
) -> None:
    for secret in ("one", "two"):
        product.post("/v1/client/config/webhook_secret", {"webhook_secret": secret})
    clock.advance(hours=23)
    assert PREVIOUS in sent(product, targets)[A].headers
    clock.advance(hours=1)
    assert PREVIOUS not in sent(product, targets)[A].headers


def test_saying_it_twice_keeps_the_one_before(product: Product, targets: Targets) -> None:
    rotate(product, "one")
    until = rotate(product, "two")
    assert rotate(product, "two", overlap_seconds=0) == until
    post = sent(product, targets)[A]
    assert post.headers[PREVIOUS] == signature(post, "one")


def test_a_target_has_a_secret_of_its_own(product: Product, targets: Targets) -> None:
    rotate(product, "account")
    assert rotate(product, "only for B", target=B) is None
    posts = sent(product, targets)
    assert posts[A].headers[SIGNATURE] == signature(posts[A], "account")
    assert posts[B].headers[SIGNATURE] == signature(posts[B], "only for B")
    assert verified(product, posts[B])
    # The account's rotation is none of its business.
    rotate(product, "account 2")
    posts = sent(product, targets)
    assert posts[B].headers[SIGNATURE] == signature(posts[B], "only for B")
    assert PREVIOUS in posts[A].headers
    assert PREVIOUS not in posts[B].headers


def test_a_removed_target_loses_it(product: Product, targets: Targets) -> None:
    rotate(product, "account")
    rotate(product, "only for B", target=B)
    product.request("DELETE", "/webhooks/subscriptions", {"target": B})
    product.post("/webhooks/subscriptions", {"target": B})
    post = sent(product, targets)[B]
    assert post.headers[SIGNATURE] == signature(post, "account")


def test_an_unknown_target(product: Product, targets: Targets) -> None:
    body = {"webhook_secret": "x", "target": "https://c.example.com/hook"}
    reply = product.post("/webhooks/secret", body)
    assert (reply.status, "target" in reply.body["message"]) == (404, True)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "webhook_secret"),
        ({"webhook_secret": ""}, "webhook_secret"),
        ({"webhook_secret": "x" * 1025}, "webhook_secret"),
        ({"webhook_secret": "x", "overlap_seconds": -1}, "overlap_seconds"),
        ({"webhook_secret": "x", "overlap_seconds": 2_592_001}, "overlap_seconds"),
    ],
)
def test_bad_input(body: dict[str, object], field: str, product: Product) -> None:
    reply = product.post("/webhooks/secret", body)
    assert (reply.status, field in reply.body["message"]) == (400, True)
