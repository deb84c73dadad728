"""Tokens that a provider gives for client credentials (RFC 6749, section 4.4)."""

import json
from typing import Any, Final
from urllib.parse import urlencode

from backbeat.application.services import Call
from backbeat.models.errors import Unprocessable
from backbeat.ports.connections import OAuthClient
from backbeat.ports.http import HttpFailure
from backbeat.ports.providers import Away

_KEPT_SECONDS: Final = 300
"""A token is asked for anew so often; tokens that live shorter than this are of no use here."""

_TIMEOUT_SECONDS: Final = 10.0
_FORM: Final = {
    "content-type": "application/x-www-form-urlencoded",
    "accept": "application/json",
}


def token(call: Call, client: OAuthClient) -> str:
    """Returns a token of a client, at most five minutes old.

    Raises:
        Unprocessable: the client is refused.
        Away: nobody answered, or nothing that is a token.
    """
    period = int(call.services.clock.now().timestamp() // _KEPT_SECONDS)
    kept = call.services.connection_secrets.get(
        f"oauth {client.token_url} {client.client_id}", period, lambda: _asked_for(call, client)
    )
    assert kept is not None  # noqa: S101 - what is asked for is a token, or raises
    return kept


def _asked_for(call: Call, client: OAuthClient) -> str:
    wanted = {
        "grant_type": "client_credentials",
        "client_id": client.client_id,
        "client_secret": client.client_secret,
        **({"scope": client.scope} if client.scope else {}),
    }
    try:
        reply = call.services.http.post(
            client.token_url,
            headers=_FORM,
            body=urlencode(wanted).encode(),
            timeout_seconds=_TIMEOUT_SECONDS,
        )
    except HttpFailure as failure:
        raise Away("OAuth", str(failure)) from failure
    told = _told(reply.body)
    if 400 <= reply.status < 500:
        raise Unprocessable(
            f"The client credentials are refused: {told.get('error', reply.status)}"
        )
    given = told.get("access_token")
    if reply.status != 200 or not isinstance(given, str):
        raise Away("OAuth", f"status {reply.status} without a token")
    return given


def _told(body: bytes) -> dict[str, Any]:
    try:
        told = json.loads(body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
