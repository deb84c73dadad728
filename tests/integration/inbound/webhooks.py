"""Webhooks as Stripe and Metronome send them."""

import hmac
import json
from email.utils import format_datetime
from hashlib import sha256
from typing import Any, Final

from backbeat.application.tokens import owner_by_hash
from tests.integration.conftest import Stage
from tests.integration.product import DEMO, Reply

STRIPE_SECRET: Final = "whsec_of_the_shop"
METRONOME_SECRET: Final = "secret-of-the-account"
SETTINGS: Final = {
    "BACKBEAT_METRONOME_WEBHOOK_SECRETS": METRONOME_SECRET,
    "BACKBEAT_STRIPE_WEBHOOK_SECRETS": f"whsec_of_before {STRIPE_SECRET}",
    "BACKBEAT_CONNECTION": owner_by_hash(sha256(DEMO.encode()).hexdigest()),
}
"""A stage's own account is the one of the token `demo`."""


def connection_of(token: str) -> str:
    return owner_by_hash(sha256(token.encode()).hexdigest())


def stripe_event(id_: str = "evt_1", type_: str = "ping.test", **content: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "object": "event",
        "type": type_,
        "created": 1736942400,
        "data": {"object": content},
    }


def from_stripe(
    stage: Stage,
    event: object,
    *,
    secret: str = STRIPE_SECRET,
    seconds_ago: int = 0,
    path: str = "/webhooks/stripe",
    sent: bytes | None = None,
) -> Reply:
    """Posts a webhook signed as Stripe does. `sent` goes instead of what was signed."""
    body = json.dumps(event, indent=2).encode()
    stamp = int(stage.clock.timestamp()) - seconds_ago
    signature = hmac.new(secret.encode(), f"{stamp}.".encode() + body, sha256).hexdigest()
    headers = {"stripe-signature": f"t={stamp},v1={'0' * 64},v1={signature},v0=old"}
    return stage.product.request(
        "POST", path, text=body if sent is None else sent, token=None, headers=headers
    )


def from_metronome(
    stage: Stage,
    event: object,
    *,
    secret: str = METRONOME_SECRET,
    path: str = "/webhooks/metronome",
    sent: bytes | None = None,
    header: str = "metronome-webhook-signature",
) -> Reply:
    """Posts a webhook signed as Metronome does."""
    body = json.dumps(event).encode()
    date = format_datetime(stage.clock.now(), usegmt=True)
    signature = hmac.new(secret.encode(), date.encode() + b"\n" + body, sha256).hexdigest()
    headers = {"x-metronome-date": date, header: signature}
    return stage.product.request(
        "POST", path, text=body if sent is None else sent, token=None, headers=headers
    )


def listed(stage: Stage, token: str = DEMO, **query: str) -> list[dict[str, Any]]:
    """Returns the events that came in, the latest first."""
    events: list[dict[str, Any]] = stage.product.get(
        "/api/webhook-events", token=token, **query
    ).data
    return events
