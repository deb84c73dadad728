"""The `Idempotency-Key` header: the first reply is kept for 24 hours and given again.

Powertools' idempotency decides; its records are put on the store port.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final, TypedDict

from backbeat.api import json
from backbeat.api.replies import Reply
from backbeat.application.services import Call
from backbeat.models.errors import Conflict, InvalidArgument

_KEPT_SECONDS: Final = 24 * 60 * 60


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

    `request` is what must be equal when the key comes again. Errors that have become replies are
    stored and given again too, unless they are the server's own (5xx).

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
        if reply.status >= 500:
            raise _NotKept(reply)
        return {**asdict(reply), "body": None if reply.body is None else json.dumps(reply.body)}

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
    body = stored["body"]
    return Reply(stored["status"], None if body is None else json.loads(body), stored["headers"])
