"""API tokens. Only their hashes are stored."""

import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from backbeat.application.services import Services
from backbeat.models.base import Model
from backbeat.models.errors import Unauthenticated
from backbeat.persistence import keys
from backbeat.persistence.entities import read, to_item
from backbeat.ports.store import Absent, Put

_PREFIX: Final = "bb_"

_REMEMBERED: Final = timedelta(seconds=60)
"""A revoked token works no longer than this in an environment that has seen it."""


class Token(Model):
    """An issued token: what it is for and whose sandbox it opens."""

    owner: str
    name: str
    created_at: datetime


def owner_of(services: Services, token_hash: str) -> str:
    """Returns the owner of a sandbox by its token, by the SHA-256.

    With open tokens every token owns a world; otherwise it must have been issued.

    Raises:
        Unauthenticated: the token was never issued.
    """
    if services.open_tokens:
        return owner_by_hash(token_hash)
    token = _issued(services, token_hash)
    if token is None:
        raise Unauthenticated("Unknown bearer token")
    return token.owner


def name_of(services: Services, token_hash: str) -> str:
    """Returns what a token is called: as it was issued, or by the beginning of its SHA-256."""
    token = None if services.open_tokens else _issued(services, token_hash)
    return f"Token {token_hash[:8]}" if token is None else token.name


def public_id(token_hash: str) -> str:
    """Returns what a token is named by in what it did. It is not the owner of a sandbox."""
    return f"token_{token_hash[:12]}"


def _issued(services: Services, token_hash: str) -> Token | None:
    minute = int(services.clock.now().timestamp() // _REMEMBERED.total_seconds())
    return services.tokens.get(
        token_hash, minute, lambda: read(services.store, keys.token(token_hash), Token)
    )


def owner_by_hash(token_hash: str) -> str:
    """Returns the owner that a token's hash stands for."""
    return f"t{token_hash[:16]}"


def issue(services: Services, name: str) -> str:
    """Creates a token for a new, empty world and returns it; it cannot be read again."""
    text = _PREFIX + secrets.token_urlsafe(32)
    token_hash = sha256(text.encode()).hexdigest()
    token = Token(owner=owner_by_hash(token_hash), name=name, created_at=services.clock.now())
    services.store.transact([Put(to_item(keys.token(token_hash), token), Absent())])
    return text
