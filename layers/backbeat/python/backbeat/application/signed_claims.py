"""Short texts that whoever holds them may show again: what they say was signed with an owner's key.

They are not stored. A text says whose it is and what it is for; a key serves one purpose only.
"""

import base64
import hashlib
import hmac

import msgspec

from backbeat.application import sandboxes
from backbeat.application.services import Call, Services

_SEPARATOR = "."


class NotSigned(Exception):
    """Nobody signed the text for this purpose."""


class _Envelope(msgspec.Struct, array_like=True):
    owner: str
    content: bytes


def sign(call: Call, purpose: str, content: bytes) -> str:
    """Returns the content and who signed it, as a text for addresses and headers."""
    payload = _text(msgspec.json.encode(_Envelope(call.owner, content)))
    return f"{payload}{_SEPARATOR}{_text(_signature(_key(call, purpose), payload))}"


def opened(services: Services, purpose: str, text: str) -> tuple[Call, bytes]:
    """Returns a call of the one who signed, and the content.

    Raises:
        NotSigned: it was not signed, or for something else, or was changed since.
    """
    payload, _, signature = text.partition(_SEPARATOR)
    try:
        envelope = msgspec.json.decode(_bytes(payload), type=_Envelope)
        signed = _bytes(signature)
    except (ValueError, msgspec.MsgspecError) as error:
        raise NotSigned from error
    call = sandboxes.call_of(services, envelope.owner)
    key = services.secrets.get(_key_name(call, purpose))
    if key is None or not hmac.compare_digest(_signature(key, payload), signed):
        raise NotSigned
    return call, envelope.content


def _key(call: Call, purpose: str) -> str:
    """Returns the owner's key; the first use makes it."""
    name = _key_name(call, purpose)
    found = call.services.secrets.get(name)
    if found is not None:
        return found
    call.services.secrets.put(name, f"{call.services.ids.new()}{call.services.ids.new()}")
    # Two may have made one at the same time: the one that stayed counts.
    kept = call.services.secrets.get(name)
    if kept is None:
        raise LookupError(f"the secret {name} was not kept")
    return kept


def _key_name(call: Call, purpose: str) -> str:
    return f"{call.owner}/{purpose}_key"


def _signature(key: str, payload: str) -> bytes:
    return hmac.new(key.encode(), payload.encode(), hashlib.sha256).digest()


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
