"""Events sent to endpoints, and clocks that a poller sees advancing."""

import json
from typing import Any

import pytest
import stripe

from tests.integration.stripe.conftest import HOOK, Shop

construct_event: Any = stripe.Webhook.construct_event


def _subscribe(shop: Shop, *kinds: str) -> str:
    made = shop.v1.webhook_endpoints.create({"url": HOOK, "enabled_events": list(kinds)})
    return str(made.secret)


def test_worked_example_15_a_signature() -> None:
    # Stripe's own SDK makes the same header from the same secret, time and body.
    from mock_stripe.resources.deliveries import signature

    body = b'{"id":"evt_1","object":"event","type":"invoice.paid"}'
    assert (
        signature("whsec_test_secret", 1793491200, body)
        == "83fd0415e4aecd99a98d24c7c1fa1fb4a267e099e226c2c07927e77504035e7e"
    )


def test_what_is_sent_is_verified_by_the_sdk(shop: Shop) -> None:
    secret = _subscribe(shop, "customer.created")
    customer = shop.v1.customers.create({"name": "Ada"})
    shop.v1.customers.update(customer.id, {"name": "A"})
    shop.work_off()
    [post] = shop.stage.targets.posts
    header = post.headers["stripe-signature"]
    # The SDK compares with the real time; the double signs at the stage's.
    stamp = int(shop.stage.clock.timestamp())
    assert header.startswith(f"t={stamp},v1=")
    event = construct_event(post.body, header, secret, tolerance=None)
    assert event.type == "customer.created"
    assert event.data.object["id"] == customer.id
    for body, key in ((post.body + b" ", secret), (post.body, "whsec_other")):
        with pytest.raises(stripe.SignatureVerificationError):
            construct_event(body, header, key, tolerance=None)
    with pytest.raises(stripe.SignatureVerificationError, match="tolerance"):
        construct_event(post.body, header, secret)


def test_the_secret_is_shown_at_creation_only(shop: Shop) -> None:
    made = shop.v1.webhook_endpoints.create({"url": HOOK, "enabled_events": ["*"]})
    assert "secret" not in shop.v1.webhook_endpoints.retrieve(made.id).to_dict()


def test_a_receiver_that_was_down_gets_everything_later(shop: Shop) -> None:
    _subscribe(shop, "*")
    shop.stage.targets.down.add(HOOK)
    made = [shop.v1.customers.create({}).id for _ in range(3)]
    shop.work_off()
    assert len(shop.stage.targets.posts) == 3
    [pending] = {event["pending_webhooks"] for event in shop.told()}
    assert pending == 1
    shop.stage.targets.down.clear()
    shop.stage.targets.posts.clear()
    shop.stage.clock.advance(seconds=1)
    shop.work_off()
    told = [json.loads(post.body)["data"]["object"]["id"] for post in shop.stage.targets.posts]
    assert sorted(told) == sorted(made)
    [pending] = {event["pending_webhooks"] for event in shop.told()}
    assert pending == 0
    assert shop.work_off() == 0


def test_a_disabled_endpoint_gets_nothing(shop: Shop) -> None:
    made = shop.v1.webhook_endpoints.create({"url": HOOK, "enabled_events": ["*"]})
    shop.v1.webhook_endpoints.update(made.id, {"disabled": True})
    shop.v1.customers.create({})
    shop.work_off()
    assert shop.stage.targets.posts == []


def test_a_poller_sees_a_clock_advancing_then_ready(shop: Shop) -> None:
    clocks = shop.v1.test_helpers.test_clocks
    clock = clocks.create({"frozen_time": 1793491200, "name": "November"})
    begun = clocks.advance(clock.id, {"frozen_time": 1793494800})
    assert begun.status == "advancing"
    shop.work_off()
    seen = [clocks.retrieve(clock.id) for _ in range(3)]
    assert [one.status for one in seen] == ["advancing", "ready", "ready"]
    assert seen[0].status_details.advancing.target_frozen_time == 1793494800
    assert seen[-1].frozen_time == 1793494800
    assert [event["type"] for event in shop.told()] == [
        "test_helpers.test_clock.created",
        "test_helpers.test_clock.advancing",
        "test_helpers.test_clock.ready",
    ]


@pytest.mark.parametrize("to", [1793491200, 1793491199, 1793491200 + 2 * 366 * 86_400])
def test_a_clock_moves_forward_and_not_too_far(shop: Shop, to: int) -> None:
    clock = shop.clock(1793491200)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.test_helpers.test_clocks.advance(clock, {"frozen_time": to})
    assert refused.value.param == "frozen_time"


def test_deleting_a_clock_deletes_its_customers(shop: Shop) -> None:
    clock = shop.clock(1793491200)
    customer = shop.v1.customers.create({"test_clock": clock})
    shop.v1.test_helpers.test_clocks.delete(clock)
    assert shop.v1.customers.retrieve(customer.id).to_dict()["deleted"] is True
    with pytest.raises(stripe.InvalidRequestError, match="No such test clock"):
        shop.v1.test_helpers.test_clocks.retrieve(clock)
