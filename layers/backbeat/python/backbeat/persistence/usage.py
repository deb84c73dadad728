"""Usage events and cells in the store."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final

import msgspec

from backbeat.models.money import EXACT
from backbeat.models.period import DAY, HOUR, Period
from backbeat.models.usage import CellKey, PropertyValue, StoredEvent, Tally, UsageCell, UsageEvent
from backbeat.persistence import keys, months
from backbeat.persistence.entities import walk
from backbeat.ports.store import Add, Append, IndexKey, Item, Key, Query, Record, Store

KEPT: Final = timedelta(days=40)
"""Raw events outlive the 34 days in which they can be repeated, so that sealing has slack."""

_EVENT: Final = "Event"
_PLACE: Final = "place"
"""The number of an event in the order of ingest."""


_DAY_COUNT: Final = "c"
_DAY_SUM: Final = "s"
_DAY_NUMBERS: Final = (_DAY_COUNT, _DAY_SUM)
_HOUR_NUMBERS: Final = tuple((f"c{hour:02}", f"s{hour:02}") for hour in range(24))
"""The numbers of a day and of each of its hours: how many events, and the sum of their property."""

_ZERO: Final = Decimal(0)
_INSTANT: Final = timedelta(microseconds=1)
_NO_NUMBERS: Final[Mapping[str, Decimal]] = {}


class _EventDoc(msgspec.Struct, array_like=True, frozen=True):
    """An event but for its transaction id, which is in the key. An array, for it is stored most."""

    customer_key: str
    event_type: str
    timestamp: datetime
    received_at: datetime
    properties: Mapping[str, PropertyValue]


_encoder: Final = msgspec.json.Encoder(decimal_format="number")
_event_decoder: Final = msgspec.json.Decoder(_EventDoc, float_hook=Decimal)
_groups_decoder: Final = msgspec.json.Decoder(tuple[str | None, ...])


def records(tenant: str, events: Sequence[StoredEvent]) -> list[Record]:
    """Returns what is stored of events received together."""
    slot = _slot(events[0].event) if events else 0
    # Many events of a request are of one customer and instant.
    times: dict[tuple[str, datetime], IndexKey] = {}
    found = []
    for event, received_at, place in events:
        transaction_id, customer_key, event_type, timestamp, properties = event
        time = times.get((customer_key, timestamp))
        if time is None:
            time = times[customer_key, timestamp] = keys.event_time(
                tenant, customer_key, timestamp, slot
            )
        # As `_EventDoc`, without making one.
        doc = _encoder.encode((customer_key, event_type, timestamp, received_at, properties))
        numbers = _NO_NUMBERS if place is None else {_PLACE: place}
        found.append(Record(keys.part(transaction_id), doc, time, numbers))
    return found


def append_events(tenant: str, records: Sequence[Record], *, real_now: datetime) -> Append:
    """Stores events unless their transaction ids are taken."""
    return Append(keys.events(tenant), _EVENT, records, _expires_at(real_now))


def event_item(tenant: str, stored: StoredEvent, *, real_now: datetime, version: int = 1) -> Item:
    """Returns the item that keeps an event and its transaction id."""
    event = stored.event
    return Item(
        keys.event(tenant, event.transaction_id),
        _EVENT,
        _doc(event, stored.received_at),
        version,
        _NO_NUMBERS if stored.place is None else {_PLACE: stored.place},
        keys.event_time(tenant, event.customer_key, event.timestamp, _slot(event)),
        None,
        _expires_at(real_now),
    )


def _doc(event: UsageEvent, received_at: datetime) -> bytes:
    _, customer_key, event_type, timestamp, properties = event
    # As `_EventDoc`, without making one.
    return _encoder.encode((customer_key, event_type, timestamp, received_at, properties))


def _slot(first: UsageEvent) -> int:
    """Returns the time index's slot for events stored together.

    They share one, so that a batch touches one place of the index. Batches spread over the slots
    all the same.
    """
    return keys.slot_of(first.transaction_id)


def _expires_at(real_now: datetime) -> int:
    return int((real_now + KEPT).timestamp())


def repeat_item(
    tenant: str, stored: StoredEvent, *, request_id: str, number: int, real_now: datetime
) -> Item:
    """Returns the item that notes a repeated transaction id. It is not in the time index.

    Two requests never note the same item, though they may come at the same time.
    """
    item = event_item(tenant, stored, real_now=real_now)
    # A sandbox's clock may stand still, and then all that is received has one time.
    key = keys.event_repeat(tenant, stored.event.transaction_id, real_now, request_id, number)
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


def add_to_cells(
    tenant: str, added: Mapping[CellKey, Tally], *, slot_of: Callable[[datetime], str]
) -> list[Add]:
    """Adds counted usage to cells. The hours of a day and group share an item, and so an effect.

    `slot_of` an hour is where this writer counts it, see `keys.arrival_slot`.
    It holds the day's own sums as well. A month read by the day is 31 items a group and two numbers
    of each, where items of an hour would be 744: a twentieth of the time.
    """
    days: dict[tuple[Key, bytes], dict[str, Decimal]] = {}
    for cell, tally in added.items():
        numbers = days.setdefault(_cell_place(tenant, cell, slot_of(cell.hour)), {})
        _add(numbers, _HOUR_NUMBERS[cell.hour.hour], tally)
        _add(numbers, _DAY_NUMBERS, tally)
    return [Add(Item(key, "Cells", groups, 1, numbers)) for (key, groups), numbers in days.items()]


def _add(numbers: dict[str, Decimal], names: tuple[str, str], tally: Tally) -> None:
    count, sum_ = names
    numbers[count] = numbers.get(count, _ZERO) + tally.count
    numbers[sum_] = EXACT.add(numbers.get(sum_, _ZERO), tally.sum)


@lru_cache(maxsize=4096)
def _cell_place(tenant: str, cell: CellKey, slot: str) -> tuple[Key, bytes]:
    """Returns the key of a cell's item and its document, the group. The same few fill up again."""
    groups = _encoder.encode(cell.groups)
    return keys.cell(tenant, cell.customer_key, cell.metric_id, cell.hour, groups, slot), groups


def cells(
    store: Store,
    tenant: str,
    customer_keys: Iterable[str],
    metric_id: str,
    span: Period,
    *,
    cuts: Iterable[datetime] | None = None,
    received_before: datetime | None = None,
) -> list[UsageCell]:
    """Returns a metric's cells of a span, of all the customer keys. A group may come repeatedly.

    With `received_before`, an hour, usage that arrived then or later is left out where its arrival
    is kept, see `keys.arrival_slot`.

    With `cuts`, the whole days between two cuts are added up into one cell, at the first hour of
    the first: whoever looks at nothing finer spares most of the work.
    """
    partitions = _partitions(store, tenant, customer_keys, metric_id, span, received_before)
    if cuts is None:
        return [
            cell
            for month, part, items in partitions
            for item in items
            for cell in _hours(month, item, part)
        ]
    inside = {cut for cut in cuts if span.starting_at < cut < span.ending_before}
    return _added_up(partitions, span, tuple(sorted(inside)))


_Partition = tuple[datetime, Period, Iterator[Item]]
"""A month, the part of a span in it, and the items of the days that the part touches."""


def _partitions(
    store: Store,
    tenant: str,
    customer_keys: Iterable[str],
    metric_id: str,
    span: Period,
    received_before: datetime | None,
) -> Iterator[_Partition]:
    limit = None if received_before is None else keys.time_text(received_before)
    for customer_key in customer_keys:
        for month, part in months.of(span):
            query = Query(
                keys.cells(tenant, customer_key, metric_id, month),
                low=keys.cell_day(part.starting_at.day),
                # The day after the last instant, unless that is the next month.
                high=keys.cell_day((part.ending_before - _INSTANT).day + 1),
            )
            items = walk(store, query)
            if limit is not None:
                items = (item for item in items if keys.arrived_before(item.key.sk, limit))
            yield month, part, items


@dataclass(slots=True)
class _Running:
    """A tally that is being added up."""

    count: int = 0
    sum: Decimal = _ZERO


def _added_up(
    partitions: Iterable[_Partition], span: Period, cuts: tuple[datetime, ...]
) -> list[UsageCell]:
    """Returns one cell for each group and stretch of whole days, and the hours of the others."""
    stretches: dict[datetime, dict[bytes, _Running]] = {}
    apart: list[UsageCell] = []
    for month, part, items in partitions:
        starts = _stretch_starts(month, span, cuts)
        for item in items:
            start = starts[int(item.key.sk[:2]) - 1]
            if start is None:
                apart += _hours(month, item, part)
                continue
            groups = stretches.setdefault(start, {})
            running = groups.get(item.doc)
            if running is None:
                running = groups[item.doc] = _Running()
            running.count += int(item.numbers[_DAY_COUNT])
            running.sum = EXACT.add(running.sum, item.numbers[_DAY_SUM])
    together = [
        UsageCell(start, _groups(doc), Tally(running.count, running.sum))
        for start, groups in stretches.items()
        for doc, running in groups.items()
    ]
    return [*together, *apart]


@lru_cache(maxsize=256)
def _stretch_starts(
    month: datetime, span: Period, cuts: tuple[datetime, ...]
) -> tuple[datetime | None, ...]:
    """Returns for each day of a month where the stretch begins that it lies in whole.

    A stretch begins where the span does, or at a cut, or with the first whole day after either.
    None is for days that a cut divides, or that lie outside the span in part.
    """
    found: list[datetime | None] = []
    following = (month + 32 * DAY).replace(day=1)
    for day in (month + number * DAY for number in range((following - month).days)):
        behind = bisect_right(cuts, day)
        divided = behind < len(cuts) and cuts[behind] < day + DAY
        if divided or day < span.starting_at or span.ending_before < day + DAY:
            found.append(None)
            continue
        start = cuts[behind - 1] if behind else span.starting_at
        found.append(start if start == _day_of(start) else _day_of(start) + DAY)
    return tuple(found)


def _hours(month: datetime, item: Item, part: Period) -> Iterator[UsageCell]:
    day = month.replace(day=int(item.key.sk[:2]))
    groups = _groups(item.doc)
    for hour, (count, sum_) in enumerate(_HOUR_NUMBERS):
        starting_at = day + hour * HOUR
        if count in item.numbers and part.covers(starting_at):
            tally = Tally(int(item.numbers[count]), item.numbers[sum_])
            yield UsageCell(starting_at, groups, tally)


def _day_of(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


@lru_cache(maxsize=4096)
def _groups(doc: bytes) -> tuple[str | None, ...]:
    return _groups_decoder.decode(doc)
