"""A customer's events as they were sent, by time: what SQL metrics look at.

The time index has partitions for each day, so days with events are marked: what is asked about is
often mostly days without any.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

from backbeat.models.period import DAY, Period
from backbeat.models.usage import StoredEvent
from backbeat.persistence import keys, months
from backbeat.persistence.entities import walk
from backbeat.persistence.usage import stored_event
from backbeat.ports.store import Index, Item, Query, Store

_INSTANT: Final = timedelta(microseconds=1)
_KEPT: Final = timedelta(days=80)
"""A mark outlives the last event it may stand for: that may be 34 days younger, and stays 40."""


def mark(
    store: Store, tenant: str, days: Iterable[tuple[str, datetime]], *, real_now: datetime
) -> None:
    """Notes that customer keys have events on days. A mark without an event does no harm."""
    expires_at = int((real_now + _KEPT).timestamp())
    store.put_many(
        Item(keys.active_day(tenant, customer_key, day), "Day", b"", expires_at=expires_at)
        for customer_key, day in days
    )


def events(
    store: Store, tenant: str, customer_keys: Iterable[str], span: Period
) -> list[StoredEvent]:
    """Returns the events of a span of hours by timestamp, then in the order they were accepted."""
    found = [
        stored_event(item, keys.event_id(tenant, item.key))
        for customer_key in customer_keys
        for day, low, high in _active_days(store, tenant, customer_key, span)
        for partition in keys.event_times(tenant, customer_key, day)
        for item in walk(store, Query(partition, index=Index.GSI1, low=low, high=high))
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


def _active_days(
    store: Store, tenant: str, customer_key: str, span: Period
) -> Iterator[tuple[datetime, str | None, str | None]]:
    """Yields the days that have events, and the range of times in them where a span cuts them."""
    for month, part in months.of(span):
        partition = keys.active_days(tenant, customer_key, month)
        last = (part.ending_before - _INSTANT).day
        query = Query(
            partition, low=keys.cell_day(part.starting_at.day), high=keys.cell_day(last + 1)
        )
        for item in walk(store, query):
            day = month.replace(day=int(item.key.sk))
            low = keys.time_of_day(part.starting_at) if day < part.starting_at else None
            ends_inside = part.ending_before < day + DAY
            yield day, low, keys.time_of_day(part.ending_before) if ends_inside else None
