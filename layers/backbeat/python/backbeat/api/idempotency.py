"""The `Idempotency-Key` header: the first reply is kept for 24 hours and given again.

Powertools' idempotency decides; its records are put on the store port.
"""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypedDict

from backbeat.api import json
from backbeat.api.replies import Reply
from backbeat.application.services import Call
from backbeat.models.errors import Conflict, InvalidArgument

_KEPT_SECONDS: Final = 24 * 60 * 60
_MAY_SUCCEED: Final = frozenset({501, 503})
"""Statuses that promise that nothing was done and another attempt may do it."""


class _Payload(TypedDict):
    key: str
    request: str


@dataclass(frozen=True, slots=True)
class _NotKept(Exception):
    """Leaves the function without an answer to store: the same request may succeed later."""

    reply: Reply


def answer_once(
    call: Call, *, key: str, request: str, context: Any, answer: Callable[[], Reply]
) -> Reply:
    """Returns the stored reply of the first request with this key, or answers and stores it.

    `request` is what must be equal when the key comes again. Failures are stored and given again
    too, internal errors among them, as the API documents it; a busy store's 503 is not, since the
    same call may succeed.

    Raises:
        InvalidArgument: the key is empty.
        Conflict: the key was used with another request, or its first request is not over.
    """
    if not key:
        raise InvalidArgument("Idempotency-Key: must not be empty")
    # Imported with the first key: this brings boto3, whose 180 ms no other request should pay.
    from aws_lambda_powertools.utilities.idempotency import IdempotencyConfig, idempotent_function
    from aws_lambda_powertools.utilities.idempotency.exceptions import (
        IdempotencyAlreadyInProgressError,
        IdempotencyValidationError,
    )

    from backbeat.api.idempotency_records import StorePersistence

    config = IdempotencyConfig(
        event_key_jmespath="key",
        payload_validation_jmespath="request",
        raise_on_no_idempotency_key=True,
        expires_after_seconds=_KEPT_SECONDS,
        hash_function="sha256",
        lambda_context=context,
    )

    def run(*, payload: _Payload) -> dict[str, Any]:
        reply = answer()
        if reply.status in _MAY_SUCCEED:
            raise _NotKept(reply)
        return _kept(reply)

    once = idempotent_function(
        run,
        data_keyword_argument="payload",
        persistence_store=StorePersistence(call),
        config=config,
        key_prefix="idempotency-key",
    )
    try:
        stored = once(payload=_Payload(key=key, request=request))
    except _NotKept as failed:
        return failed.reply
    except IdempotencyValidationError as error:
        raise Conflict(
            "Idempotency-Key: already used with a different request", value=key
        ) from error
    except IdempotencyAlreadyInProgressError as error:
        raise Conflict(
            "Idempotency-Key: the first request with this key is still running", value=key
        ) from error
    return _given_again(stored)


def _kept(reply: Reply) -> dict[str, Any]:
    """Returns a reply in the form in which it is stored."""
    kept = {
        "status": reply.status,
        "headers": dict(reply.headers),
        "content_type": reply.content_type,
    }
    if isinstance(reply.body, bytes):
        return {**kept, "content": base64.b64encode(reply.body).decode()}
    return {**kept, "body": None if reply.body is None else json.dumps(reply.body)}


def _given_again(stored: Mapping[str, Any]) -> Reply:
    body = stored.get("body")
    content = base64.b64decode(stored["content"]) if "content" in stored else None
    return Reply(
        stored["status"],
        content if body is None else json.loads(body),
        stored["headers"],
        stored["content_type"],
    )
