"""Usage events into values that do not add up: greatest, latest and distinct ones.

Owns: what one event says to such a metric. Does not own: filters and groups, storage.
Times: a latest value is ordered by the event's own timestamp, then by the order of ingest.
Invariants: measuring an event again changes nothing, so it may follow the commit of the event.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import blake2b
from typing import Final

from backbeat.domain import measures, metering
from backbeat.domain.properties import number_of, text_of
from backbeat.models.catalog import Aggregation, BillableMetric
from backbeat.models.errors import InvalidArgument
from backbeat.models.period import hour_of
from backbeat.models.usage import CellKey, Distinct, Highest, Latest, Measure, StoredEvent

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_EVENTS_AT_ONCE: Final = 1000
_PLACES: Final = 10**19
"""Above every place in the order of ingest: microseconds since 1970, and a number up to 999."""
_DIGITS: Final = 38
"""Significant digits of a number that every store keeps exactly."""


def place(accepted_at: datetime, number: int) -> Decimal:
    """Returns an event's place in the order of ingest: `number` counts within its request."""
    return Decimal(_microseconds(accepted_at) * _EVENTS_AT_ONCE + number)


def measured(
    events: Iterable[StoredEvent], metrics: Sequence[BillableMetric]
) -> dict[CellKey, Measure]:
    """Returns what the events say to each cell of the metrics, of which none is a SQL metric."""
    found: dict[CellKey, Measure] = {}
    for stored in events:
        event = stored.event
        for metric in metrics:
            said = _measure(stored, metric)
            if said is None:
                continue
            hour, groups = hour_of(event.timestamp), metering.groups_of(event, metric)
            key = CellKey(event.customer_key, metric.id, hour, groups)
            known = found.get(key)
            found[key] = said if known is None else measures.together(known, said)
    return found


def together(
    one: Mapping[CellKey, Measure], other: Mapping[CellKey, Measure]
) -> dict[CellKey, Measure]:
    """Returns what both say to each cell."""
    common = one.keys() & other.keys()
    return {**one, **other, **{key: measures.together(one[key], other[key]) for key in common}}


def refuse_too_long(events: Iterable[StoredEvent], metrics: Sequence[BillableMetric]) -> None:
    """Refuses values that could not be kept exactly, before anything is stored.

    Raises:
        InvalidArgument: a number has more than 38 digits.
    """
    for cell, said in measured(events, metrics).items():
        if isinstance(said, Highest | Latest) and not _fits(said.value):
            raise InvalidArgument(
                f"properties: a number of more than {_DIGITS} digits, for billable metric"
                f" {cell.metric_id}"
            )


def _measure(stored: StoredEvent, metric: BillableMetric) -> Measure | None:
    event = stored.event
    if metric.aggregation_key is None or not metering.matches(event, metric):
        return None
    said = event.properties.get(metric.aggregation_key)
    if metric.aggregation_type is Aggregation.UNIQUE:
        text = text_of(said)
        return None if text is None else Distinct(frozenset({_digest(text)}))
    value = number_of(said)
    if value is None:
        return None
    if metric.aggregation_type is Aggregation.MAX:
        return Highest(value)
    order = _microseconds(event.timestamp) * _PLACES + int(stored.place or 0)
    return Latest(Decimal(order), value)


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=12).hexdigest()


def _fits(value: Decimal) -> bool:
    return len(value.as_tuple().digits) <= _DIGITS and -_DIGITS < value.adjusted() < _DIGITS


def _microseconds(instant: datetime) -> int:
    return (instant - _EPOCH) // _MICROSECOND
