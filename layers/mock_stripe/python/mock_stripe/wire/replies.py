"""The first answer of an idempotency key, kept for a day and given again.

It is written in the transaction that does the work. So the work is done once, whoever repeats the
key and wherever the first attempt died: either both are there or neither.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from http import HTTPStatus
from typing import Any, Final

import msgspec

from backbeat.ports.store import Item, Put
from mock_stripe.errors import IdempotencyReused, InvalidRequest
from mock_stripe.world import keys
from mock_stripe.world.world import World

_KEPT_SECONDS: Final = 86_400
_KEPT_SECONDS_V2: Final = 30 * 86_400
_LONGEST: Final = 255


@dataclass(frozen=True, slots=True)
class Reply:
    """A status, a JSON body, and headers of its own."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


def find(world: World, key: str, fingerprint: str) -> Reply | None:
    """Returns the stored answer of a key, or None when the key is new or has been forgotten.

    Keys are kept for a day, those of API v2 for thirty (§1.5).

    Raises:
        IdempotencyReused: the key came with another call or other parameters.
        InvalidRequest: the key is too long.
    """
    if len(key) > _LONGEST:
        raise InvalidRequest(f"Idempotency keys can be at most {_LONGEST} characters long")
    item = world.store.get(keys.request(world.tenant, _hashed(key)))
    stored = None if item is None else msgspec.json.decode(item.doc)
    if stored is None or stored["at"] + stored.get("kept", _KEPT_SECONDS) <= world.now:
        return None
    if stored["fingerprint"] != fingerprint:
        raise IdempotencyReused(key)
    return Reply(stored["status"], stored["body"])


def keep(world: World, key: str, fingerprint: str, reply: Reply, *, v2: bool) -> None:
    """Has the answer stored with what the call changed. API v2 tries anew what has failed."""
    if v2 and reply.status != HTTPStatus.OK:
        return
    stored = {
        "at": world.now,
        "kept": _KEPT_SECONDS_V2 if v2 else _KEPT_SECONDS,
        "fingerprint": fingerprint,
        "status": reply.status,
        "body": reply.body,
    }
    place = keys.request(world.tenant, _hashed(key))
    # Without a condition: all writes of a world happen one after another.
    world.write(Put(Item(place, "StripeReply", msgspec.json.encode(stored))))


def fingerprint(method: str, path: str, body: str) -> str:
    """Returns what must be equal when a key comes again."""
    return sha256(f"{method} {path}\n{body}".encode()).hexdigest()


def _hashed(key: str) -> str:
    return sha256(key.encode()).hexdigest()
