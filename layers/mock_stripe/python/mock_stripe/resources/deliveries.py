"""Sending events to the endpoints that subscribed: signed at each attempt, until a 2xx comes."""

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from hashlib import sha256
from typing import Any, Final

from backbeat.ports.http import HttpFailure
from backbeat.ports.store import Item, Key, Put
from mock_stripe.ports import Ports
from mock_stripe.resources.thin_events import DESTINATION
from mock_stripe.wire.rendering import visible
from mock_stripe.world import keys
from mock_stripe.world.turns import in_turn
from mock_stripe.world.world import Object

_TIMEOUT_SECONDS: Final = 10.0
_WRONG_SECRET: Final = "whsec_wrong"  # noqa: S105
_STALE_SECONDS: Final = 3_600


class Outcome(Enum):
    """What became of an attempt."""

    DONE = auto()
    TRY_AGAIN = auto()


@dataclass(frozen=True, slots=True)
class Oddity:
    """How a test wants a delivery to differ from a proper one."""

    wrong_secret: bool = False
    stale: bool = False
    two_signatures: bool = False


_PROPER: Final = Oddity()


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """Returns the hex HMAC-SHA256 of `"<timestamp>.<body>"`, Stripe's scheme v1."""
    return hmac.new(secret.encode(), f"{timestamp}.".encode() + body, sha256).hexdigest()


def deliver(ports: Ports, message: Mapping[str, Any]) -> Outcome:
    """Attempts the delivery that a queue message asks for.

    A delivery that succeeded already, or whose event or endpoint is gone, is done.
    """
    tenant, event_id, endpoint_id = message["tenant"], message["event"], message["to"]
    world = ports.world(tenant)
    endpoint = world.find(endpoint_id, "webhook_endpoint") or world.find(endpoint_id, DESTINATION)
    event = world.find(event_id, "event") or world.find(event_id, "v2.core.event")
    place = keys.delivery(tenant, event_id, endpoint_id)
    if endpoint is None or event is None or endpoint["status"] != "enabled":
        return Outcome.DONE
    if not message.get("again") and world.store.get(place) is not None:
        return Outcome.DONE
    mode = world.settings.get("webhooks", "send")
    if not message.get("again") and mode != "send":
        # Held events wait for whoever delivers them by hand; lost ones count as delivered.
        if mode == "lose":
            _note_success(ports, tenant, event_id, event["object"], _note(place))
        return Outcome.DONE
    oddity = Oddity(**message.get("oddity", {}))
    status = post(ports, endpoint, event, oddity=oddity)
    if status is None or not 200 <= status < 300:
        return Outcome.TRY_AGAIN
    _note_success(ports, tenant, event_id, event["object"], _note(place))
    return Outcome.DONE


def post(ports: Ports, endpoint: Object, event: Object, *, oddity: Oddity = _PROPER) -> int | None:
    """Posts an event to an endpoint and returns the status, or None when no answer came."""
    body = json.dumps(visible(event), indent=2).encode()
    stamp = int(ports.clock.now().timestamp()) - (_STALE_SECONDS if oddity.stale else 0)
    secret = _WRONG_SECRET if oddity.wrong_secret else endpoint["_secret"]
    signatures = [f"v1={signature(secret, stamp, body)}"]
    if oddity.two_signatures:
        signatures.insert(0, f"v1={signature(_WRONG_SECRET, stamp, body)}")
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Stripe-Signature": ",".join([f"t={stamp}", *signatures]),
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
    }
    # Those of API v2 show theirs only to who asks for it.
    url = endpoint.get("url") or endpoint["_url"]
    try:
        answer = ports.http.post(url, headers=headers, body=body, timeout_seconds=_TIMEOUT_SECONDS)
    except HttpFailure:
        return None
    return answer.status


def _note_success(ports: Ports, tenant: str, event_id: str, kind: str, note: Item) -> None:
    def attempt() -> None:
        world = ports.world(tenant)
        world.begin()
        event = world.get(event_id, kind)
        # Thin events do not count who is still to be told.
        if "pending_webhooks" in event and world.store.get(note.key) is None:
            event["pending_webhooks"] = max(0, event["pending_webhooks"] - 1)
        world.write(Put(note))
        world.commit()

    in_turn(tenant, attempt)


def _note(place: Key) -> Item:
    return Item(place, "StripeDelivery", b"{}")
