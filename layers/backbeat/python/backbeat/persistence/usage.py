"""Usage events and cells in the store."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final

import msgspec

from backbeat.models.period import Period
from backbeat.models.usage import CellKey, PropertyValue, StoredEvent, Tally, UsageCell, UsageEvent
from backbeat.persistence import keys
from backbeat.persistence.entities import walk
from backbeat.ports.store import Absent, Add, Item, Key, Put, Query, Store

_KEPT: Final = timedelta(days=40)
"""Raw events outlive the 34 days in which they can be repeated, so that sealing has slack."""


class _EventDoc(msgspec.Struct, array_like=True, frozen=True):
    """An event but for its transaction id, which is in the key. An array, for it is stored most."""

    customer_key: str
    event_type: str
    timestamp: datetime
    received_at: datetime
    properties: Mapping[str, PropertyValue]


_ABSENT: Final = Absent()
_encoder: Final = msgspec.json.Encoder(decimal_format="number")
_event_decoder: Final = msgspec.json.Decoder(_EventDoc, float_hook=Decimal)
_groups_decoder: Final = msgspec.json.Decoder(tuple[str | None, ...])


def put_events(
    tenant: str, events: Sequence[UsageEvent], *, received_at: datetime, real_now: datetime
) -> list[Put]:
    """Stores events received together unless their transaction ids are taken."""
    slot = _slot(events[0])
    expires_at = _expires_at(real_now)
    return [
        Put(_event_item(tenant, event, received_at, slot=slot, expires_at=expires_at), _ABSENT)
        for event in events
    ]


def event_item(tenant: str, stored: StoredEvent, *, real_now: datetime, version: int = 1) -> Item:
    """Returns the item that keeps an event and its transaction id."""
    return _event_item(
        tenant,
        stored.event,
        stored.received_at,
        slot=_slot(stored.event),
        expires_at=_expires_at(real_now),
        version=version,
    )


def _event_item(
    tenant: str,
    event: UsageEvent,
    received_at: datetime,
    *,
    slot: int,
    expires_at: int,
    version: int = 1,
) -> Item:
    return Item(
        keys.event(tenant, event.transaction_id),
        "Event",
        _encoder.encode(
            _EventDoc(
                event.customer_key,
                event.event_type,
                event.timestamp,
                received_at,
                event.properties,
            )
        ),
        version,
        gsi1=keys.event_time(tenant, event.customer_key, event.timestamp, slot),
        expires_at=expires_at,
    )


def _slot(first: UsageEvent) -> int:
    """Returns the time index's slot for events stored together.

    They share one, so that a batch touches one place of the index: spread over all slots, storing
    a hundred events on SQLite takes a third longer. Batches spread over the slots all the same.
    """
    return keys.slot_of(first.transaction_id)


def _expires_at(real_now: datetime) -> int:
    return int((real_now + _KEPT).timestamp())


def repeat_item(tenant: str, stored: StoredEvent, number: int, *, real_now: datetime) -> Item:
    """Returns the item that notes a repeated transaction id. It is not in the time index."""
    item = event_item(tenant, stored, real_now=real_now)
    key = keys.event_repeat(tenant, stored.event.transaction_id, stored.received_at, number)
    return Item(key, "Repeat", item.doc, expires_at=item.expires_at)


def superseded_item(tenant: str, transaction_id: str, item: Item) -> Item:
    """Returns an event's item under the key of those whose transaction id became free again."""
    received_at = stored_event(item, transaction_id).received_at
    key = keys.event_superseded(tenant, transaction_id, received_at)
    return Item(key, item.entity, item.doc, gsi1=item.gsi1, expires_at=item.expires_at)


def stored_event(item: Item, transaction_id: str) -> StoredEvent:
    """Returns the event an item keeps."""
    doc = _event_decoder.decode(item.doc)
    return StoredEvent(
        UsageEvent(transaction_id, doc.customer_key, doc.event_type, doc.timestamp, doc.properties),
        doc.received_at,
    )


def events_of(store: Store, tenant: str, transaction_id: str) -> Iterator[tuple[StoredEvent, bool]]:
    """Yields everything sent under a transaction id, and for each whether it was a repeat."""
    pk = keys.event(tenant, transaction_id).pk
    for item in walk(store, Query(pk)):
        yield stored_event(item, transaction_id), item.entity == "Repeat"


def add_to_cell(tenant: str, cell: CellKey, tally: Tally, *, slot: str) -> Add:
    """Adds counted usage to a cell."""
    key, groups = _cell_place(tenant, cell, slot)
    return Add(Item(key, "Cell", groups, numbers={"count": Decimal(tally.count), "sum": tally.sum}))


@lru_cache(maxsize=4096)
def _cell_place(tenant: str, cell: CellKey, slot: str) -> tuple[Key, bytes]:
    """Returns the key of a cell's item and its document, the group. The same few fill up again."""
    groups = _encoder.encode(cell.groups)
    return keys.cell(tenant, cell.customer_key, cell.metric_id, cell.hour, groups, slot), groups


def cells(
    store: Store, tenant: str, customer_keys: Iterable[str], metric_id: str, span: Period
) -> list[UsageCell]:
    """Returns a metric's cells of a span, of all the customer keys. A group may come repeatedly."""
    return [
        _cell(month, item)
        for customer_key in customer_keys
        for month, part in _months(span)
        for item in walk(
            store,
            Query(
                keys.cells(tenant, customer_key, metric_id, month),
                low=keys.cell_hour(part.starting_at),
                # The hour that ends the span is named in full, unless the month ends with it.
                high=keys.cell_hour(part.ending_before)
                if part.ending_before.month == month.month
                else None,
            ),
        )
    ]


def _months(span: Period) -> Iterator[tuple[datetime, Period]]:
    """Yields each calendar month a span touches, and the part of the span in it."""
    start = span.starting_at.astimezone(UTC)
    end = span.ending_before.astimezone(UTC)
    while start < end:
        month = start.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        following = (month + timedelta(days=32)).replace(day=1)
        yield month, Period(start, min(following, end))
        start = following


def _cell(month: datetime, item: Item) -> UsageCell:
    sk = item.key.sk
    return UsageCell(
        _hour(month, sk[:5]),
        _groups(item.doc),
        Tally(int(item.numbers["count"]), item.numbers["sum"]),
    )


@lru_cache(maxsize=4096)
def _hour(month: datetime, text: str) -> datetime:
    return month.replace(day=int(text[:2]), hour=int(text[3:5]))


@lru_cache(maxsize=4096)
def _groups(doc: bytes) -> tuple[str | None, ...]:
    return _groups_decoder.decode(doc)
