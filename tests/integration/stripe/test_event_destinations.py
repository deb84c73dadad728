"""Event destinations of API v2 at the double, through the official SDK."""

from typing import Any

import pytest
import stripe

from tests.integration.stripe.conftest import Shop

KIND = "v1.billing.meter.no_meter_found"
HOOK = "https://x.example/thin"


def create(shop: Shop, **fields: Any) -> Any:
    destinations: Any = shop.client.v2.core.event_destinations
    return destinations.create(
        {
            "name": "Ours",
            "type": "webhook_endpoint",
            "event_payload": "thin",
            "enabled_events": [KIND],
            "webhook_endpoint": {"url": HOOK},
            **fields,
        }
    )


def test_they_are_made_listed_and_deleted(shop: Shop) -> None:
    destinations: Any = shop.client.v2.core.event_destinations
    made = create(shop, include=["webhook_endpoint.url", "webhook_endpoint.signing_secret"])
    assert made.id.startswith("ed_test_")
    assert (made.status, made.webhook_endpoint.url) == ("enabled", HOOK)
    assert made.webhook_endpoint.signing_secret.startswith("whsec_")
    # Neither is shown to who does not ask for it, and the secret never again.
    assert create(shop).webhook_endpoint.url is None
    again = destinations.retrieve(made.id, {"include": ["webhook_endpoint.signing_secret"]})
    assert again.webhook_endpoint.signing_secret is None
    listed = list(destinations.list({"include": ["webhook_endpoint.url"]}).auto_paging_iter())
    assert [one.webhook_endpoint.url for one in listed] == [HOOK, HOOK]
    destinations.delete(made.id)
    assert len(destinations.list().data) == 1
    with pytest.raises(stripe.InvalidRequestError):
        destinations.retrieve(made.id)


def test_thin_events_are_sent_there_signed_with_its_secret(shop: Shop) -> None:
    made = create(shop, include=["webhook_endpoint.signing_secret"])
    shop.control("meter_events", accept_unknown=1)
    shop.v1.billing.meter_events.create(
        {"event_name": "none", "payload": {"value": "1"}, "identifier": "a"}
    )
    shop.work_off()
    [post] = shop.stage.targets.posts
    assert (post.url, post.event["type"]) == (HOOK, KIND)
    secret = made.webhook_endpoint.signing_secret
    signature = {name.lower(): value for name, value in post.headers.items()}["stripe-signature"]
    stripe.WebhookSignature.verify_header(post.body.decode(), signature, secret, tolerance=None)
