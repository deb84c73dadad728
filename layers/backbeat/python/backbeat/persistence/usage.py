"""Usage events and cells in the store."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final

import msgspec

from backbeat.models.period import Period
from backbeat.models.usage import CellKey, PropertyValue, StoredEvent, Tally, UsageCell, UsageEvent
from backbeat.persistence import keys, months
from backbeat.persistence.entities import walk
from backbeat.ports.store import Absent, Add, Item, Put, Query, Store

_KEPT: Final = timedelta(days=40)
"""Raw events outlive the 34 days in which they can be repeated, so that sealing has slack."""

_PLACE: Final = "place"
"""The number of an event in the order of ingest."""


class _EventDoc(msgspec.Struct, array_like=True, frozen=True):
    """An event but for its transaction id, which is in the key. An array, for it is stored most."""

    customer_key: str
    event_type: str
    timestamp: datetime
    received_at: datetime
    properties: dict[str, PropertyValue]


_encoder: Final = msgspec.json.Encoder(decimal_format="number")
_event_decoder: Final = msgspec.json.Decoder(_EventDoc, float_hook=Decimal)
_groups_decoder: Final = msgspec.json.Decoder(tuple[str | None, ...])


def event_item(tenant: str, stored: StoredEvent, *, real_now: datetime, version: int = 1) -> Item:
    """Returns the item that keeps an event and its transaction id."""
    event = stored.event
    return Item(
        key=keys.event(tenant, event.transaction_id),
        entity="Event",
        doc=_encoder.encode(
            _EventDoc(
                event.customer_key,
                event.event_type,
                event.timestamp,
                stored.received_at,
                dict(event.properties),
            )
        ),
        version=version,
        numbers={} if stored.place is None else {_PLACE: stored.place},
        gsi1=keys.event_time(tenant, event.customer_key, event.timestamp, event.transaction_id),
        expires_at=int((real_now + _KEPT).timestamp()),
    )


def put_event(tenant: str, stored: StoredEvent, *, real_now: datetime) -> Put:
    """Stores an event unless its transaction id is taken."""
    return Put(event_item(tenant, stored, real_now=real_now), Absent())


def repeat_item(tenant: str, stored: StoredEvent, number: int, *, real_now: datetime) -> Item:
    """Returns the item that notes a repeated transaction id. It is not in the time index."""
    item = event_item(tenant, stored, real_now=real_now)
    # A sandbox's clock may stand still, and then all that is received has one time.
    key = keys.event_repeat(tenant, stored.event.transaction_id, real_now, number)
    return Item(key, "Repeat", item.doc, expires_at=item.expires_at)


def superseded_item(tenant: str, transaction_id: str, item: Item) -> Item:
    """Returns an event's item under the key of those whose transaction id became free again."""
    received_at = stored_event(item, transaction_id).received_at
    key = keys.event_superseded(tenant, transaction_id, received_at)
    return Item(
        key,
        item.entity,
        item.doc,
        numbers=item.numbers,
        gsi1=item.gsi1,
        expires_at=item.expires_at,
    )


def stored_event(item: Item, transaction_id: str) -> StoredEvent:
    """Returns the event an item keeps."""
    doc = _event_decoder.decode(item.doc)
    return StoredEvent(
        UsageEvent(transaction_id, doc.customer_key, doc.event_type, doc.timestamp, doc.properties),
        doc.received_at,
        item.numbers.get(_PLACE),
    )


def events_of(store: Store, tenant: str, transaction_id: str) -> Iterator[tuple[StoredEvent, bool]]:
    """Yields everything sent under a transaction id, and for each whether it was a repeat."""
    pk = keys.event(tenant, transaction_id).pk
    for item in walk(store, Query(pk)):
        yield stored_event(item, transaction_id), item.entity == "Repeat"


def add_to_cell(tenant: str, cell: CellKey, tally: Tally, *, slot: str) -> Add:
    """Adds counted usage to a cell."""
    groups = _encoder.encode(cell.groups)
    return Add(
        Item(
            key=keys.cell(tenant, cell.customer_key, cell.metric_id, cell.hour, groups, slot),
            entity="Cell",
            doc=groups,
            numbers={"count": Decimal(tally.count), "sum": tally.sum},
        )
    )


def cells(
    store: Store, tenant: str, customer_keys: Iterable[str], metric_id: str, span: Period
) -> list[UsageCell]:
    """Returns a metric's cells of a span, of all the customer keys. A group may come repeatedly."""
    return [
        _cell(month, item)
        for customer_key in customer_keys
        for month, part in months.of(span)
        for item in walk(
            store,
            months.query(keys.cells(tenant, customer_key, metric_id, month), month, part),
        )
    ]


def _cell(month: datetime, item: Item) -> UsageCell:
    return UsageCell(
        months.hour(month, item.key.sk[:5]),
        _groups(item.doc),
        Tally(int(item.numbers["count"]), item.numbers["sum"]),
    )


@lru_cache(maxsize=4096)
def _groups(doc: bytes) -> tuple[str | None, ...]:
    return _groups_decoder.decode(doc)
