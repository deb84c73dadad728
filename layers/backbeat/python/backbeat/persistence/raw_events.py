"""A customer's events as they were sent, by time: what SQL metrics look at.

The time index has a partition for each hour, so hours with events are marked: a month is mostly
hours without any.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

from backbeat.models.period import Period
from backbeat.models.usage import StoredEvent
from backbeat.persistence import keys, months
from backbeat.persistence.entities import walk
from backbeat.persistence.usage import stored_event
from backbeat.ports.store import Index, Item, Query, Store

_KEPT: Final = timedelta(days=80)
"""A mark outlives the last event it may stand for: that may be 34 days younger, and stays 40."""


def mark(
    store: Store, tenant: str, hours: Iterable[tuple[str, datetime]], *, real_now: datetime
) -> None:
    """Notes that customer keys have events in hours. A mark without an event does no harm."""
    expires_at = int((real_now + _KEPT).timestamp())
    store.put_many(
        Item(keys.active_hour(tenant, customer_key, hour), "Hour", b"", expires_at=expires_at)
        for customer_key, hour in hours
    )


def events(
    store: Store, tenant: str, customer_keys: Iterable[str], span: Period
) -> list[StoredEvent]:
    """Returns the events of a span of hours by timestamp, then in the order they were accepted."""
    found = [
        stored_event(item, keys.event_id(tenant, item.key))
        for customer_key in customer_keys
        for hour in _active_hours(store, tenant, customer_key, span)
        for partition in keys.event_times(tenant, customer_key, hour)
        for item in walk(store, Query(partition, index=Index.GSI1))
    ]
    return sorted(
        found,
        key=lambda stored: (
            stored.event.timestamp,
            stored.received_at,
            stored.place or 0,
            stored.event.transaction_id,
        ),
    )


def _active_hours(store: Store, tenant: str, customer_key: str, span: Period) -> Iterator[datetime]:
    for month, part in months.of(span):
        query = months.query(keys.active_hours(tenant, customer_key, month), month, part)
        for item in walk(store, query):
            yield months.hour(month, item.key.sk[:5])
