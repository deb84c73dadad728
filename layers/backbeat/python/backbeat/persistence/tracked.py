"""Greatest, latest and distinct values in the store.

Each is written only when it says more than what is there, so writing one again changes nothing.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Final

import msgspec

from backbeat.models.period import Period
from backbeat.models.usage import CellKey, Distinct, Highest, Latest, Measure, Tally, UsageCell
from backbeat.persistence import keys, months
from backbeat.persistence.entities import walk
from backbeat.ports.store import (
    MAX_EFFECTS,
    Greater,
    Item,
    Key,
    Put,
    Store,
    TransactionCancelled,
)

_encoder: Final = msgspec.json.Encoder()
_groups_decoder: Final = msgspec.json.Decoder(tuple[str | None, ...])

_HIGHEST: Final = "Highest"
_LATEST: Final = "Latest"
_DISTINCT: Final = "Distinct"


def write(
    store: Store,
    tenant: str,
    measured: Mapping[CellKey, Measure],
    *,
    slot: str,
    arrived: datetime | None = None,
) -> None:
    """Writes what is new. Concurrent writers of different slots do not meet.

    `arrived` is the hour of arrival where it is kept, see `keys.arrival_slot`.

    Raises:
        Contention: the store could not take all of it now.
    """
    items = [
        item for key, said in measured.items() for item in _items(tenant, key, said, slot, arrived)
    ]
    known = store.get_many(item.key for item in items)
    new = [item for item in items if _says_more(item, known.get(item.key))]
    pending = [Put(item, _condition(item)) for item in new]
    while pending:
        chunk, pending = pending[:MAX_EFFECTS], pending[MAX_EFFECTS:]
        try:
            store.transact(chunk)
        except TransactionCancelled as cancelled:
            # Somebody wrote a value meanwhile that says more.
            overtaken = {failure.index for failure in cancelled.failures}
            pending += [put for number, put in enumerate(chunk) if number not in overtaken]


def cells(
    store: Store,
    tenant: str,
    customer_keys: Iterable[str],
    metric_id: str,
    span: Period,
    *,
    received_before: datetime | None = None,
) -> list[UsageCell]:
    """Returns a metric's values of a span, of all customer keys. A group may come repeatedly.

    With `received_before`, an hour, what arrived then or later is left out where that is kept.
    """
    limit = None if received_before is None else keys.time_text(received_before)
    return [
        UsageCell(months.hour(month, item.key.sk[:5]), _groups(item.doc), _measure(item))
        for customer_key in customer_keys
        for month, part in months.of(span)
        for item in walk(
            store,
            months.query(keys.tracked(tenant, customer_key, metric_id, month), month, part),
        )
        if keys.arrived_before(item.key.sk, limit)
    ]


def _items(
    tenant: str, key: CellKey, said: Measure, slot: str, arrived: datetime | None
) -> Iterator[Item]:
    groups = _encoder.encode(key.groups)

    def place(last: str) -> Key:
        return keys.tracked_value(tenant, key.customer_key, key.metric_id, key.hour, groups, last)

    match said:
        case Highest(value):
            yield Item(
                place(keys.arrival_slot(slot, arrived)), _HIGHEST, groups, numbers={"value": value}
            )
        case Latest(at, value):
            numbers = {"place": at, "value": value}
            yield Item(place(keys.arrival_slot(slot, arrived)), _LATEST, groups, numbers=numbers)
        case Distinct(values):
            for digest in sorted(values):
                yield Item(place(_distinct(digest, arrived)), _DISTINCT, groups)
        case Tally():
            raise TypeError(f"counted usage is not tracked: {key}")


def _distinct(digest: str, arrived: datetime | None) -> str:
    return digest if arrived is None else f"{keys.arrival_slot('', arrived)}#{digest}"


def _says_more(item: Item, known: Item | None) -> bool:
    if known is None:
        return True
    condition = _condition(item)
    return condition is not None and (
        known.numbers[condition.attribute] < item.numbers[condition.attribute]
    )


def _condition(item: Item) -> Greater | None:
    if item.entity == _DISTINCT:
        return None
    return Greater("value" if item.entity == _HIGHEST else "place")


def _measure(item: Item) -> Measure:
    if item.entity == _HIGHEST:
        return Highest(item.numbers["value"])
    if item.entity == _LATEST:
        return Latest(item.numbers["place"], item.numbers["value"])
    return Distinct(frozenset({item.key.sk.rpartition("#")[2]}))


@lru_cache(maxsize=4096)
def _groups(doc: bytes) -> tuple[str | None, ...]:
    return _groups_decoder.decode(doc)
