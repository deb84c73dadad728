"""Tokens that show one customer its own usage, and nothing else, for a few minutes.

A token says whose customer it is about and until when, signed with a key of its owner. It is not
stored: who holds it can read until it ends. Its times are real, also where a sandbox's clock stands
still.
"""

import base64
import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Final

import msgspec

from backbeat.application import customers, sandboxes
from backbeat.application.services import Call, Services
from backbeat.models.customers import Customer
from backbeat.models.errors import NotFound, Unauthenticated

LONGEST: Final = timedelta(minutes=15)
"""A page that stays open asks its own server for another token by then."""

_PREFIX: Final = "bbw_"
_SEPARATOR: Final = "."


class _Claims(msgspec.Struct, array_like=True):
    owner: str
    customer_id: str
    until_seconds: int


def issue(call: Call, customer_id: str, valid: timedelta) -> tuple[str, datetime]:
    """Returns a token of a customer, and the instant from which on it is worth nothing.

    Raises:
        NotFound: the customer does not exist.
    """
    customer = customers.get(call, customer_id)
    until = (call.services.clock.now() + min(valid, LONGEST)).replace(microsecond=0)
    claims = _Claims(call.owner, customer.id, int(until.timestamp()))
    payload = _text(msgspec.json.encode(claims))
    signature = _text(_signature(_key(call), payload))
    return f"{_PREFIX}{payload}{_SEPARATOR}{signature}", until


def opened(services: Services, token: str) -> tuple[Call, Customer]:
    """Returns the customer that a token shows, and a call to read it with.

    Raises:
        Unauthenticated: nobody issued it, it has ended, or its customer is no more.
    """
    payload, _, signature = token.removeprefix(_PREFIX).partition(_SEPARATOR)
    try:
        claims = msgspec.json.decode(_bytes(payload), type=_Claims)
        signed = _bytes(signature)
    except (ValueError, msgspec.MsgspecError) as error:
        raise Unauthenticated("This is no widget token") from error
    call = sandboxes.call_of(services, claims.owner)
    key = services.secrets.get(_key_name(call))
    if key is None or not hmac.compare_digest(_signature(key, payload), signed):
        raise Unauthenticated("This is no widget token")
    if services.clock.now().timestamp() >= claims.until_seconds:
        raise Unauthenticated("The widget token has ended")
    try:
        return call, customers.get(call, claims.customer_id)
    except NotFound as error:
        raise Unauthenticated("The widget token's customer is no more") from error


def _key(call: Call) -> str:
    """Returns the owner's key; the first token makes it."""
    name = _key_name(call)
    found = call.services.secrets.get(name)
    if found is not None:
        return found
    call.services.secrets.put(name, f"{call.services.ids.new()}{call.services.ids.new()}")
    # Two may have made one at the same time: the one that stayed counts.
    kept = call.services.secrets.get(name)
    if kept is None:
        raise LookupError(f"the secret {name} was not kept")
    return kept


def _key_name(call: Call) -> str:
    return f"{call.owner}/widget_key"


def _signature(key: str, payload: str) -> bytes:
    return hmac.new(key.encode(), payload.encode(), hashlib.sha256).digest()


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
