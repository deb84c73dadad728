"""OAuth 2.0 on the wire: token requests as form or JSON, and the standard's own errors.

RFC 6749: requests are forms (section 4.4.2), a client may name itself in the body or by HTTP Basic
(section 2.3.1), and errors have bodies of their own (section 5.2). JSON is taken beside forms.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, unquote_plus

from backbeat.api import json
from backbeat.api.replies import Reply
from backbeat.api.requests import OpenRequest
from backbeat.application.oauth import LIFETIME, Granted, Refused
from backbeat.models.errors import InvalidArgument

NEVER_KEPT: Final = {"cache-control": "no-store", "pragma": "no-cache"}
"""Headers of whatever shows a secret (RFC 6749, section 5.1)."""

_BASIC: Final = "basic "
_FIELDS: Final = ("grant_type", "client_id", "client_secret", "scope")


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """Who wants a token, and for what."""

    client_id: str
    client_secret: str
    scope: str | None


def parse(request: OpenRequest) -> TokenRequest:
    """Returns what a request asks for.

    Raises:
        Refused: it is none for client credentials.
    """
    given = _parameters(request)
    grant_type = given.get("grant_type")
    if grant_type is None:
        raise Refused("invalid_request", "grant_type is missing")
    if grant_type != "client_credentials":
        raise Refused("unsupported_grant_type", "grant_type must be client_credentials")
    authorization = request.headers.get("authorization", "")
    if authorization.lower().startswith(_BASIC):
        if "client_id" in given or "client_secret" in given:
            raise Refused("invalid_request", "Name the client once: in the body or by HTTP Basic")
        client_id, client_secret = _basic(authorization[len(_BASIC) :].strip())
    else:
        client_id, client_secret = given.get("client_id", ""), given.get("client_secret", "")
    if not client_id or not client_secret:
        raise Refused("invalid_client", "client_id and client_secret are required")
    return TokenRequest(client_id, client_secret, given.get("scope"))


def granted(given: Granted) -> Reply:
    """Returns the reply with a token."""
    body = {
        "access_token": given.text,
        "token_type": "Bearer",
        "expires_in": int(LIFETIME.total_seconds()),
        "scope": " ".join(given.scopes),
    }
    return Reply(200, body, NEVER_KEPT)


def refused(why: Refused) -> Reply:
    """Returns the reply without one."""
    body = {"error": why.error, "error_description": why.description}
    if why.error != "invalid_client":
        return Reply(400, body, NEVER_KEPT)
    return Reply(401, body, {**NEVER_KEPT, "www-authenticate": 'Basic realm="backbeat"'})


def _parameters(request: OpenRequest) -> dict[str, str]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    given = _json(request.body) if kind == "application/json" else _form(request.body)
    return {name: given[name] for name in _FIELDS if given.get(name)}


def _json(body: bytes) -> Mapping[str, str]:
    try:
        given = json.loads(body)
    except InvalidArgument as error:
        raise Refused("invalid_request", error.message) from error
    if not isinstance(given, dict):
        raise Refused("invalid_request", "The body must be an object")
    named = {name: given[name] for name in _FIELDS if given.get(name) is not None}
    for name, value in named.items():
        if not isinstance(value, str):
            raise Refused("invalid_request", f"{name} must be a text")
    return named


def _form(body: bytes) -> Mapping[str, str]:
    try:
        pairs = parse_qsl(body.decode(), max_num_fields=50)
    except ValueError as error:
        raise Refused("invalid_request", "The body is not a form") from error
    for name in _FIELDS:
        if sum(name == given for given, _ in pairs) > 1:
            raise Refused("invalid_request", f"{name} is there more than once")
    return dict(pairs)


def _basic(credentials: str) -> tuple[str, str]:
    try:
        text = base64.b64decode(credentials, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Refused("invalid_client", "The Authorization header is not HTTP Basic") from error
    client_id, _, client_secret = text.partition(":")
    return unquote_plus(client_id), unquote_plus(client_secret)
