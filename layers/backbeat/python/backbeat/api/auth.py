"""Bearer tokens. A token is a sandbox: it owns a world of its own."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from backbeat.application import tokens
from backbeat.application.services import Caller, Services
from backbeat.models.errors import Unauthenticated

_SCHEME: Final = "bearer "
_LONGEST_USER_AGENT: Final = 256


def bearer_of(authorization: str | None) -> str:
    """Returns the SHA-256 of the token in a request's `Authorization` header.

    Raises:
        Unauthenticated: there is none.
    """
    if authorization is None or not authorization.lower().startswith(_SCHEME):
        raise Unauthenticated("Missing bearer token in the Authorization header")
    token = authorization[len(_SCHEME) :].strip()
    if not token:
        raise Unauthenticated("Missing bearer token in the Authorization header")
    return sha256(token.encode()).hexdigest()


def caller_of(
    services: Services, token_hash: str, event: Mapping[str, Any], operation: str
) -> Caller:
    """Returns who is to be named for what a request changes."""
    context = event["requestContext"]
    agent = (event.get("headers") or {}).get("user-agent")
    return Caller(
        id=tokens.public_id(token_hash),
        name=tokens.name_of(services, token_hash),
        request_id=context.get("requestId"),
        ip=context["http"].get("sourceIp"),
        user_agent=None if agent is None else agent[:_LONGEST_USER_AGENT],
        operation=operation,
    )
