"""Taking in a webhook: checked, kept once, queued, and only then acknowledged.

The signature is checked on the bytes as they came, before anything is read from them. An event is
claimed by its id: the item that holds it is the claim. A crash behind it leaves the provider
without an answer, so it sends again; what is not done by then is queued again.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from backbeat.application import sandboxes, work_items
from backbeat.application.api_keys import kept_until
from backbeat.application.intake import secrets
from backbeat.application.services import Call, Services
from backbeat.domain.inbound_signatures import is_from_metronome, is_from_stripe
from backbeat.models.errors import InvalidArgument
from backbeat.models.inbound import InboundEvent, InboundState, ProviderName, Source
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, to_item
from backbeat.ports.queue import Outgoing
from backbeat.ports.store import Absent, IndexKey, Item, Key, Put, TransactionCancelled

KEPT: Final = timedelta(days=40)
"""How long an event is remembered. Stripe sends again for three days and lists events of thirty."""

_NOT_SIGNED: Final = "The signature does not fit, or is older than five minutes"
_LOST_AFTER: Final = timedelta(hours=1)
_OWNER: Final = re.compile("t[0-9a-f]{16}")
_LONGEST_BODY: Final = 200_000
_CHECKS: Final = {ProviderName.STRIPE: is_from_stripe, ProviderName.METRONOME: is_from_metronome}


class InvalidSignature(InvalidArgument):
    """Nobody who knows the account's secret signed this, or it is too old."""

    code = "InvalidSignature"


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook as it came, for the account of a connection or for the stage's own."""

    provider: ProviderName
    connection: str | None
    headers: Mapping[str, str]
    body: bytes


def receive(services: Services, webhook: Webhook) -> InboundEvent:
    """Keeps and queues what a webhook tells, once however often it comes.

    Raises:
        InvalidSignature: it is not signed for this account, or its time is off.
        InvalidArgument: it is signed and yet no event.
    """
    owner = webhook.connection or services.default_connection
    if _OWNER.fullmatch(owner) is None:
        raise InvalidSignature(_NOT_SIGNED)
    call, now = sandboxes.call_of(services, owner), services.clock.now()
    known = secrets.valid(call, webhook.provider)
    if not _CHECKS[webhook.provider](webhook.headers, webhook.body, secrets=known, now=now):
        raise InvalidSignature(_NOT_SIGNED)
    event = event_in(webhook.provider, webhook.body, source=Source.WEBHOOK, now=now)
    return take_up(call, event)


def event_in(provider: ProviderName, body: bytes, *, source: Source, now: datetime) -> InboundEvent:
    """Returns the event that a body tells of.

    Raises:
        InvalidArgument: it tells of none.
    """
    try:
        told = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidArgument("The body is not JSON") from error
    if not isinstance(told, dict) or not isinstance(told.get("type"), str) or not told["type"]:
        raise InvalidArgument("type: the body is no event")
    id_ = told.get("id")
    if not isinstance(id_, str) or not id_:
        # Told apart from others by all that it says.
        id_ = f"sha256:{sha256(body).hexdigest()}"
    return InboundEvent(
        provider=provider,
        id=id_,
        type=told["type"],
        body=_kept_body(told, body),
        source=source,
        received_at=now,
        occurred_at=_occurred_at(told),
    )


def take_up(call: Call, event: InboundEvent) -> InboundEvent:
    """Keeps an event unless it is known, and queues it unless it is done with.

    Returns the event as it is kept.
    """
    known = _keep(call, event)
    kept = event if known is None else known
    if kept.state in (InboundState.RECEIVED, InboundState.RETRYING):
        queue(call, keys.inbound_event(call.tenant, event.provider, event.id))
    return kept


def take_up_missed(call: Call, event: InboundEvent) -> bool:
    """Keeps and queues an event that was looked up; tells whether it was not known.

    One that was kept and seems to have got lost on its way to the queue is queued, too.
    """
    known = _keep(call, event)
    lost = (
        known is not None
        and known.state is InboundState.RECEIVED
        and event.received_at - known.received_at > _LOST_AFTER
    )
    if known is None or lost:
        queue(call, keys.inbound_event(call.tenant, event.provider, event.id))
    return known is None


def _keep(call: Call, event: InboundEvent) -> InboundEvent | None:
    """Keeps an event; returns the one that is kept already, if there is one."""
    try:
        call.store.transact([Put(item_of(call, event), Absent())])
    except TransactionCancelled:
        known = call.store.get(keys.inbound_event(call.tenant, event.provider, event.id))
        return event if known is None else from_item(known, InboundEvent)
    return None


def queue(call: Call, key: Key) -> None:
    """Queues an event that is kept."""
    call.services.inbound_queue.send([Outgoing(work_items.message_about(call, key))])


def item_of(call: Call, event: InboundEvent, version: int = 1) -> Item:
    """Returns an event as stored."""
    key = keys.inbound_event(call.tenant, event.provider, event.id)
    place = f"{keys.time_text(event.received_at)}#{event.provider}#{keys.part(event.id)}"
    item = to_item(
        key, event, version=version, gsi1=IndexKey(keys.inbound_events(call.tenant), place)
    )
    return kept_until(item, event.received_at + KEPT)


def _kept_body(told: dict[str, Any], body: bytes) -> str:
    if len(body) <= _LONGEST_BODY:
        return body.decode()
    # What is done about an event begins with asking for the object as it is now.
    named: dict[str, Any] = {
        name: told[name] for name in ("id", "type", "created", "livemode") if name in told
    }
    content = told.get("data")
    thing = content.get("object") if isinstance(content, dict) else None
    if isinstance(thing, dict):
        kept = {
            name: thing[name]
            for name in ("id", "object", "customer", "invoice", "payment_intent", "metadata")
            if name in thing
        }
        named["data"] = {"object": kept}
    return json.dumps(named)


def _occurred_at(told: dict[str, Any]) -> datetime | None:
    stamp = told.get("created")
    if isinstance(stamp, int) and not isinstance(stamp, bool) and 0 <= stamp < 32_503_680_000:
        return datetime.fromtimestamp(stamp, UTC)
    properties = told.get("properties")
    text = told.get("timestamp")
    if text is None and isinstance(properties, dict):
        text = properties.get("timestamp")
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
