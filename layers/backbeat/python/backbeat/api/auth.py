"""Bearer tokens. A token is a sandbox: it owns a world of its own."""

from hashlib import sha256
from typing import Final

from backbeat.application import tokens
from backbeat.application.services import Services
from backbeat.models.errors import Unauthenticated

_SCHEME: Final = "bearer "


def owner_of(services: Services, authorization: str | None) -> str:
    """Returns the sandbox owner a request's `Authorization` header stands for.

    Raises:
        Unauthenticated: there is no bearer token, or it was never issued.
    """
    if authorization is None or not authorization.lower().startswith(_SCHEME):
        raise Unauthenticated("Missing bearer token in the Authorization header")
    token = authorization[len(_SCHEME) :].strip()
    if not token:
        raise Unauthenticated("Missing bearer token in the Authorization header")
    return tokens.owner_of(services, sha256(token.encode()).hexdigest())
