"""API Gateway events as calls, and answers as its responses."""

import base64
import binascii
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

from mock_stripe import served as _served  # noqa: F401 - registers every endpoint
from mock_stripe.errors import InvalidRequest, StripeError, Unauthenticated
from mock_stripe.ports import Ports
from mock_stripe.wire import answers
from mock_stripe.wire.answers import Answer, Call

TenantOf = Callable[[str], str | None]
"""Returns the tenant of a token, or None for one that was never issued."""

_MOUNT: Final = "/stripe"
_CONTROLS: Final = "/mock"
"""What comes before, where a control is called: with the key, or with the token inside it."""

MOUNTS: Final = (_MOUNT, _CONTROLS + _MOUNT)
"""The paths below which everything is the double's."""
_TEST_KEYS: Final = ("sk_test_", "rk_test_")
_LIVE_KEYS: Final = ("sk_live_", "rk_live_")

_log = logging.getLogger("backbeat.mock_stripe")


def answer(ports: Ports, event: Mapping[str, Any], tenant_of: TenantOf) -> dict[str, Any]:
    """Answers an event of an HTTP API (payload 2.0) whose path begins with `/stripe`."""
    try:
        answered = _answer(ports, event, tenant_of)
    except StripeError as error:
        answered = answers.refused(error)
    except Exception:
        _log.exception("unforeseen", extra={"path": event.get("rawPath")})
        answered = answers.failure("An unknown error occurred")
    return {
        "statusCode": answered.status,
        "headers": {"Content-Type": "application/json", **answered.headers},
        "body": answered.text,
        "isBase64Encoded": False,
    }


def token_of(authorization: str | None) -> str:
    """Returns the token inside a key: `sk_test_demo` opens the world of the token `demo`.

    Raises:
        Unauthenticated: there is no key, or it is none for tests.
    """
    scheme, _, credentials = (authorization or "").partition(" ")
    key = credentials.strip()
    if scheme.lower() == "basic":
        key = _user_of(key)
    elif scheme.lower() != "bearer":
        key = ""
    if not key:
        raise Unauthenticated(
            "You did not provide an API key. You need to provide your API key in the Authorization"
            " header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
        )
    if key.startswith(_LIVE_KEYS):
        raise Unauthenticated("This is a double of Stripe: it refuses live keys. Use sk_test_….")
    for prefix in _TEST_KEYS:
        if key.startswith(prefix) and len(key) > len(prefix):
            return key.removeprefix(prefix)
    raise Unauthenticated(f"Invalid API Key provided: {key[:8]}****")


def _answer(ports: Ports, event: Mapping[str, Any], tenant_of: TenantOf) -> Answer:
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    # A stage's name comes before the path in a deployed API, and stripe's after it.
    before, _, path = str(event["rawPath"]).partition(_MOUNT)
    control = before.endswith(_CONTROLS)
    authorization = headers.get("authorization")
    tenant = tenant_of(_token(authorization) if control else token_of(authorization))
    if headers.get("stripe-account"):
        raise InvalidRequest(
            "This double has no connected accounts, so Stripe-Account cannot be served.",
            code="not_served_by_double",
        )
    if tenant is None:
        raise Unauthenticated("Invalid API Key provided: its token was never issued.")
    call = Call(
        tenant=tenant,
        method=event["requestContext"]["http"]["method"],
        path=f"/mock{path}" if control else path,
        query=event.get("rawQueryString") or "",
        body=_body(event),
        headers=headers,
    )
    return answers.answer(ports, call)


def _token(authorization: str | None) -> str:
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() == "bearer" and token.strip() and "_live_" not in token:
        for prefix in _TEST_KEYS:
            token = token.strip().removeprefix(prefix)
        return token
    return token_of(authorization)


def _user_of(credentials: str) -> str:
    try:
        return base64.b64decode(credentials, validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _body(event: Mapping[str, Any]) -> str:
    body = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return str(body)
    try:
        return base64.b64decode(body).decode()
    except UnicodeDecodeError as error:
        raise InvalidRequest("Invalid request: its body is no UTF-8.") from error
