"""Stored replies of requests that carry an idempotency key."""

from dataclasses import dataclass

import msgspec

from backbeat.application.services import Call
from backbeat.persistence import keys
from backbeat.ports.store import Absent, Delete, Item, Put, TransactionCancelled, Version


class Record(msgspec.Struct, frozen=True):
    """A reply, or the note that one is being made.

    `expires_at` is in seconds, `in_progress_expires_at` in milliseconds since the epoch.
    """

    id: str
    status: str
    expires_at: int | None
    in_progress_expires_at: int | None
    response: str
    payload_hash: str


@dataclass(frozen=True, slots=True)
class Taken(Exception):
    """Another request holds the id."""

    record: Record | None


def find(call: Call, record_id: str) -> Record | None:
    """Returns the record of an id, or None."""
    item = call.store.get(keys.idempotency(call.tenant, record_id))
    return None if item is None else _record(item)


def begin(call: Call, record: Record) -> None:
    """Stores a record unless its id is held by one that is still good.

    Raises:
        Taken: the id is held.
    """
    try:
        call.store.transact([Put(_item(call, record), Absent())])
    except TransactionCancelled as cancelled:
        found = cancelled.failures[0].item
        if found is None or not _is_over(call, _record(found)):
            raise Taken(None if found is None else _record(found)) from cancelled
        _replace(call, record, found)


def put(call: Call, record: Record) -> None:
    """Stores a record in place of the one with its id."""
    call.store.transact([Put(_item(call, record))])


def remove(call: Call, record_id: str) -> None:
    """Forgets an id."""
    call.store.transact([Delete(keys.idempotency(call.tenant, record_id))])


def _replace(call: Call, record: Record, found: Item) -> None:
    item = _item(call, record, version=found.version + 1)
    try:
        call.store.transact([Put(item, Version(found.version))])
    except TransactionCancelled as cancelled:
        raise Taken(None) from cancelled


def _is_over(call: Call, record: Record) -> bool:
    now = call.services.clock.now().timestamp()
    if record.status == "INPROGRESS" and record.in_progress_expires_at is not None:
        # Whoever began it died before it could answer.
        return record.in_progress_expires_at < now * 1000
    return record.expires_at is not None and record.expires_at < now


def _item(call: Call, record: Record, version: int = 1) -> Item:
    return Item(
        keys.idempotency(call.tenant, record.id),
        "Idempotency",
        msgspec.json.encode(record),
        version=version,
        expires_at=record.expires_at,
    )


def _record(item: Item) -> Record:
    return msgspec.json.decode(item.doc, type=Record)
