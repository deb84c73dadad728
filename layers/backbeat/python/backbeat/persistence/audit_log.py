"""Where the log of changes lies: records by day, marks of their hours, and the chain of seals.

A record's position is the real time it was made at, a number and an id, as text: its order is that
of time.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from heapq import merge
from typing import Final

from backbeat.models.audit import AuditEntry, AuditHour, AuditRecord, AuditSeal, PlacedRecord
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, to_item, walk
from backbeat.ports.store import Absent, Index, IndexKey, Item, Put, Query, Store

ENTITIES: Final = (AuditRecord.__name__, AuditHour.__name__, AuditSeal.__name__)
"""Kinds of items that the log itself is made of."""

_DAY: Final = len("2025-01-20")


def item(tenant: str, entries: Sequence[AuditEntry], number: int) -> Item:
    """Returns the record of changes that are written together, as stored.

    The number orders what a process writes at one instant.
    """
    first = entries[0]
    key = keys.audit_record(tenant, first.recorded_at, number, first.id)
    about = (
        keys.audit_of(tenant, first.resource_type, first.resource_id)
        if len(entries) == 1
        else keys.audit_of_many(tenant)
    )
    return to_item(key, AuditRecord.of(entries), gsi1=IndexKey(about, key.sk))


def hour_mark(tenant: str, at: datetime) -> Item:
    """Returns the mark of the hour of an instant, on the list of what is to be sealed."""
    key = keys.audit_hour(tenant, at)
    hour = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    place = IndexKey(keys.unsealed_hours(), f"{key.sk}#{tenant}")
    return to_item(key, AuditHour(hour=hour), gsi1=place)


def records(
    store: Store, tenant: str, *, since: str | None = None, newest_first: bool = False
) -> Iterator[PlacedRecord]:
    """Yields all records from a position on, in one of the two directions."""
    first = None if since is None else since[:_DAY]
    days = {mark.key.sk[:_DAY] for mark in hours(store, tenant)}
    for day in sorted(days, reverse=newest_first):
        if first is None or (day <= first if newest_first else day >= first):
            partition = keys.audit_records(tenant, day)
            query = _query(partition, Index.BASE, since, newest_first=newest_first)
            yield from _placed(walk(store, query))


def records_about(
    store: Store,
    tenant: str,
    thing: tuple[str, str],
    *,
    since: str | None = None,
    newest_first: bool = False,
) -> Iterator[PlacedRecord]:
    """Yields the records from a position on that may be about a thing, in one direction."""
    listed = [
        _placed(walk(store, _query(partition, Index.GSI1, since, newest_first=newest_first)))
        for partition in (keys.audit_of(tenant, *thing), keys.audit_of_many(tenant))
    ]
    return merge(*listed, key=lambda one: one.position, reverse=newest_first)


def of_day(store: Store, tenant: str, day: str) -> Iterator[PlacedRecord]:
    """Yields the records of a day (`2025-01-20`)."""
    return _placed(walk(store, Query(keys.audit_records(tenant, day))))


def of_hour(
    store: Store, tenant: str, hour: str, *, after: str | None = None
) -> Iterator[PlacedRecord]:
    """Yields the records of an hour (`2025-01-20T12`), those behind a position."""
    low, high = keys.prefix_range(hour)
    first = low if after is None else _behind(after)
    return _placed(
        walk(store, Query(keys.audit_records(tenant, hour[:_DAY]), low=first, high=high))
    )


def hours(store: Store, tenant: str) -> Iterator[Item]:
    """Yields the marks of the hours with records, oldest first."""
    return walk(store, Query(keys.audit_hours(tenant)))


def is_unsealed(mark: Item) -> bool:
    """Tells whether an hour is still to be sealed."""
    return mark.gsi1 is not None


def unsealed(store: Store, *, before: datetime) -> list[tuple[str, Item]]:
    """Returns the tenants and marks of the hours to be sealed that began before an instant's."""
    high = keys.time_text(before)[:13]
    listed = walk(store, Query(keys.unsealed_hours(), index=Index.GSI1, high=high))
    return [(mark.key.pk.removesuffix(keys.audit_hours("")), mark) for mark in listed]


def sealed_mark(mark: Item) -> Put:
    """Returns the effect that takes an hour off the list of what is to be sealed."""
    return Put(to_item(mark.key, from_item(mark, AuditHour)))


def insert_seal(tenant: str, seal: AuditSeal) -> Put:
    """Returns the effect that adds a seal, unless there is one of its number."""
    return Put(to_item(keys.audit_seal(tenant, seal.number), seal), Absent())


def seals(store: Store, tenant: str) -> Iterator[AuditSeal]:
    """Yields the seals in the order of their chain."""
    found = walk(store, Query(keys.audit_seals(tenant)))
    return (from_item(one, AuditSeal) for one in found)


def latest_seals(store: Store, tenant: str) -> Iterator[AuditSeal]:
    """Yields the seals from the last one back."""
    found = walk(store, Query(keys.audit_seals(tenant), forward=False))
    return (from_item(one, AuditSeal) for one in found)


def _query(partition: str, index: Index, since: str | None, *, newest_first: bool) -> Query:
    if since is None:
        return Query(partition, index, forward=not newest_first)
    if newest_first:
        return Query(partition, index, high=_behind(since), forward=False)
    return Query(partition, index, low=since)


def _behind(position: str) -> str:
    """Returns a text behind a position, and before any other: their ids are equally long."""
    return position + "!"


def _placed(items: Iterator[Item]) -> Iterator[PlacedRecord]:
    return (PlacedRecord(one.key.sk, from_item(one, AuditRecord)) for one in items)
