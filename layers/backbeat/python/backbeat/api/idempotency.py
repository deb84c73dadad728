"""The `Idempotency-Key` header: the first reply is kept for 24 hours and given again.

Powertools' idempotency decides; its records are put on the store port.
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Final, TypedDict

from aws_lambda_powertools.utilities.idempotency import IdempotencyConfig, idempotent_function
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyAlreadyInProgressError,
    IdempotencyItemAlreadyExistsError,
    IdempotencyItemNotFoundError,
    IdempotencyValidationError,
)
from aws_lambda_powertools.utilities.idempotency.persistence.base import BasePersistenceLayer
from aws_lambda_powertools.utilities.idempotency.persistence.datarecord import DataRecord

from backbeat.api import json
from backbeat.api.replies import Reply
from backbeat.application import idempotency
from backbeat.application.idempotency import Record
from backbeat.application.services import Call
from backbeat.models.errors import Conflict

_KEPT_SECONDS: Final = 24 * 60 * 60


class _Payload(TypedDict):
    key: str
    request: str


class _StorePersistence(BasePersistenceLayer):
    """Powertools' records of one tenant in the store."""

    def __init__(self, call: Call) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._call = call

    def _get_record(self, idempotency_key: str) -> DataRecord:
        record = idempotency.find(self._call, idempotency_key)
        if record is None:
            raise IdempotencyItemNotFoundError
        return _from_record(record)

    def _put_record(self, data_record: DataRecord) -> None:
        try:
            idempotency.begin(self._call, _to_record(data_record))
        except idempotency.Taken as taken:
            held = None if taken.record is None else _from_record(taken.record)
            if held is not None:
                # Given the record, Powertools answers from it without looking at the payload.
                self._validate_payload(data_payload=data_record, stored_data_record=held)
            raise IdempotencyItemAlreadyExistsError(old_data_record=held) from taken

    def _update_record(self, data_record: DataRecord) -> None:
        idempotency.put(self._call, _to_record(data_record))

    def _delete_record(self, data_record: DataRecord) -> None:
        idempotency.remove(self._call, data_record.idempotency_key)


def answer_once(
    call: Call, *, key: str, request: str, context: Any, answer: Callable[[], Reply]
) -> Reply:
    """Returns the stored reply of the first request with this key, or answers and stores it.

    `request` is what must be equal when the key comes again. Errors that have become replies are
    stored and given again too.

    Raises:
        Conflict: the key was used with another request, or its first request is not over.
    """
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
        return {**asdict(reply), "body": None if reply.body is None else json.dumps(reply.body)}

    once = idempotent_function(
        run,
        data_keyword_argument="payload",
        persistence_store=_StorePersistence(call),
        config=config,
        key_prefix="idempotency-key",
    )
    try:
        stored = once(payload=_Payload(key=key, request=request))
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


def _to_record(record: DataRecord) -> Record:
    return Record(
        record.idempotency_key,
        record.status,
        record.expiry_timestamp,
        record.in_progress_expiry_timestamp,
        record.response_data,
        record.payload_hash,
    )


def _from_record(record: Record) -> DataRecord:
    return DataRecord(
        record.id,
        status=record.status,
        expiry_timestamp=record.expires_at,
        in_progress_expiry_timestamp=record.in_progress_expires_at,
        response_data=record.response,
        payload_hash=record.payload_hash,
    )
