"""Client credentials (RFC 6749, section 4.4): an API key is exchanged for a token of an hour.

A registered client is an API key: its id is the key's id, its secret the key. Where any bearer
token owns a sandbox, any other client does, too: the one that its id as a token would own.

Tokens are opaque and stored as hashes, as keys are. A signed token would save one read, but could
not be revoked with its key and would need a signing key to be kept, rotated and shared by all
functions.
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from backbeat.application import api_keys, connections, roles, sandboxes, tokens
from backbeat.application.services import Services
from backbeat.models.api_keys import AccessToken, Credential, Scope, granted
from backbeat.models.audit import Author
from backbeat.persistence import keys
from backbeat.persistence.entities import to_item
from backbeat.ports.store import Absent, Put

PREFIX: Final = "bbo_"
"""What every access token begins with."""

LIFETIME: Final = timedelta(hours=1)

OPERATION: Final = "POST /oauth/token"
"""What giving a token is called in the log of changes."""

_KEY_ID: Final = "key_"
_NAMED: Final = "oauth_"

_DEFAULT: Final = (Scope.BILLING_READ, Scope.BILLING_WRITE)
"""What an unregistered client gets that asks for nothing in particular."""


@dataclass(frozen=True, slots=True)
class Refused(Exception):
    """Why there is no token: an error code of RFC 6749, section 5.2, and a text for people."""

    error: str
    description: str


@dataclass(frozen=True, slots=True)
class Granted:
    """A token and what it may do."""

    text: str
    scopes: tuple[Scope, ...]


def grant(
    services: Services,
    *,
    client_id: str,
    client_secret: str,
    wanted: str | None,
    user_agent: str | None = None,
) -> Granted:
    """Returns a token for a client. `wanted` are scopes with blanks between.

    That it was given is in the log of changes.

    Raises:
        Refused: the client is unknown, its secret is wrong, or a scope is not its to have.
    """
    client = _client(services, client_id, client_secret)
    scopes = _scopes(client, wanted)
    text = PREFIX + secrets.token_urlsafe(32)
    ends = services.clock.now() + LIFETIME
    if client.valid_until is not None:
        ends = min(ends, client.valid_until)
    token_hash = api_keys.hash_of(text)
    token = AccessToken(
        id=f"{_NAMED}{token_hash[:12]}",
        owner=client.owner,
        scopes=scopes,
        key_id=client.key_id,
        valid_until=ends,
    )
    item = to_item(keys.credential(token_hash), token)
    by = _author(client, client_id, user_agent)
    store = sandboxes.call_of(services, client.owner, by).store
    store.transact([Put(api_keys.kept_until(item, ends), Absent())])
    return Granted(text, scopes)


def _client(services: Services, client_id: str, client_secret: str) -> Credential:
    if services.open_tokens and not client_id.startswith(_KEY_ID):
        owner = tokens.owner_by_hash(api_keys.hash_of(client_id))
        # The id is the sandbox's own token: what acts for it at the providers later needs it.
        connections.remember_token(sandboxes.call_of(services, owner), client_id)
        return Credential(owner=owner, scopes=tuple(Scope))
    found = api_keys.registered(services, client_secret)
    # A token is no secret of its client: with it, an hour could be made into for ever.
    is_key = client_secret.startswith(api_keys.PREFIX)
    if found is None or not is_key or found.key_id != client_id:
        raise Refused("invalid_client", "The client is unknown or its secret is wrong")
    scopes = found.scopes
    if found.role is not None:
        scopes = tuple(sorted(roles.scopes_of(services.store, found.owner, found.role)))
    return found.model_copy(update={"scopes": scopes, "role": None})


def _author(client: Credential, client_id: str, user_agent: str | None) -> Author:
    if client.key_id is not None:
        id_, name = client.key_id, f"API key {client.key_id}"
    else:
        token_hash = api_keys.hash_of(client_id)
        id_, name = tokens.public_id(token_hash), f"Token {token_hash[:8]}"
    return Author(id=id_, name=name, user_agent=user_agent, operation=OPERATION)


def _scopes(client: Credential, wanted: str | None) -> tuple[Scope, ...]:
    if not (wanted or "").split():
        return client.scopes if client.key_id is not None else _DEFAULT
    allowed = granted(frozenset(client.scopes))
    scopes = []
    for name in dict.fromkeys((wanted or "").split()):
        if name not in allowed:
            raise Refused("invalid_scope", f"The client may not have the scope {name}")
        scopes.append(Scope(name))
    return tuple(scopes)
