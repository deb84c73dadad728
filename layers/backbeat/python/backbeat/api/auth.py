"""Who calls: by a sandbox's own token, by an API key, or by a token that was given for one.

A token is a sandbox: it owns a world of its own and may do everything in it. Keys belong to such
an owner and may do what their scopes say.
"""

from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final

from backbeat.api.requests import Request
from backbeat.application import api_keys, connections, oauth, tokens
from backbeat.application.services import Services
from backbeat.models.api_keys import ALL_SCOPES, Caller, Scope
from backbeat.models.audit import Author
from backbeat.models.errors import Forbidden, Unauthenticated

_SCHEME: Final = "bearer "
_MISSING: Final = "Missing bearer token in the Authorization header"
_LONGEST_USER_AGENT: Final = 256
_SCOPED: Final = (api_keys.PREFIX, oauth.PREFIX)


def caller_of(services: Services, headers: Mapping[str, str]) -> Caller:
    """Returns who a request's `Authorization` or `x-api-key` header stands for.

    Raises:
        Unauthenticated: there is no credential, or it was never issued, is expired or revoked.
    """
    token = _token(headers)
    if token.startswith(_SCOPED):
        return api_keys.caller_by(services, token)
    token_hash = _hash(token)
    return Caller(
        owner=tokens.owner_of(services, token_hash),
        scopes=ALL_SCOPES,
        actor=tokens.public_id(token_hash),
        token_hash=token_hash,
    )


def author_of(
    services: Services, caller: Caller, event: Mapping[str, Any], operation: str
) -> Author:
    """Returns who is to be named for what a request changes."""
    context = event["requestContext"]
    own = caller.token_hash
    return Author(
        id=caller.actor,
        name=f"API key {caller.actor}" if own is None else tokens.name_of(services, own),
        request_id=context.get("requestId"),
        ip=context["http"].get("sourceIp"),
        user_agent=user_agent(event.get("headers") or {}),
        operation=operation,
    )


def user_agent(headers: Mapping[str, str]) -> str | None:
    """Returns what a request says it was sent by, as far as it is kept."""
    agent = headers.get("user-agent")
    return None if agent is None else agent[:_LONGEST_USER_AGENT]


def remember_token(request: Request) -> None:
    """Keeps a sandbox's own token where keys at the providers are made of it.

    API keys belong to the sandbox without being its token.
    """
    if request.caller.token_hash is not None:
        connections.remember_token(request.call, _token(request.headers))


def refuse_without(caller: Caller, scope: Scope) -> None:
    """Makes sure that a caller has a right.

    Raises:
        Forbidden: it has not.
    """
    if scope not in caller.scopes:
        raise Forbidden(f"The credential lacks the scope {scope}")


def _token(headers: Mapping[str, str]) -> str:
    authorization = headers.get("authorization")
    if authorization is None and (key := headers.get("x-api-key", "").strip()):
        return key
    if authorization is None or not authorization.lower().startswith(_SCHEME):
        raise Unauthenticated(_MISSING)
    token = authorization[len(_SCHEME) :].strip()
    if not token:
        raise Unauthenticated(_MISSING)
    return token


@lru_cache(maxsize=256)
def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()
