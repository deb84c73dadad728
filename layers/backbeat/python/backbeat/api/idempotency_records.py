"""Powertools' idempotency records on the store port.

Importing this takes 180 ms: Powertools' package brings boto3 along for its own DynamoDB layer.
"""

from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyItemAlreadyExistsError,
    IdempotencyItemNotFoundError,
)
from aws_lambda_powertools.utilities.idempotency.persistence.base import BasePersistenceLayer
from aws_lambda_powertools.utilities.idempotency.persistence.datarecord import DataRecord

from backbeat.application import idempotency
from backbeat.application.idempotency import Record
from backbeat.application.services import Call


class StorePersistence(BasePersistenceLayer):
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
