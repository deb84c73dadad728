"""What each single event adds to a metric, one after the other.

Owns: contributions of events, in order of time. Does not own: which events are looked at, storage.
Times: events come ordered by timestamp; what does not pass the metric's filters has no part.
Invariants: the contributions of the events of a span add up to the metric's value over it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal

from backbeat.domain import measures, metering, tracking
from backbeat.domain.properties import text_of
from backbeat.models.catalog import BillableMetric
from backbeat.models.money import EXACT
from backbeat.models.usage import Counted, Measure, StoredEvent, UsageCell, UsageEvent


def counts(metric: BillableMetric, stored: StoredEvent) -> bool:
    """Tells whether the metric was there already when the event was accepted."""
    if metric.first_place is None:
        return metric.created_at <= stored.received_at
    # An event without a place was accepted when nothing was tracked yet.
    return stored.place is not None and metric.first_place <= stored.place


def is_in_group(event: UsageEvent, values: Mapping[str, str]) -> bool:
    """Tells whether an event has these values of the group's keys."""
    return all(text_of(event.properties.get(key)) == value for key, value in values.items())


def cells(metric: BillableMetric, events: Iterable[StoredEvent]) -> list[UsageCell]:
    """Returns the usage cells that the events alone make."""
    counting = [stored for stored in events if counts(metric, stored)]
    if metric.is_tracked:
        said = tracking.measured(counting, [metric])
        return [UsageCell(key.hour, key.groups, measure) for key, measure in said.items()]
    tallies = metering.cells_of((stored.event for stored in counting), [metric])
    return [UsageCell(key.hour, key.groups, tally) for key, tally in tallies.items()]


def counted(
    metric: BillableMetric,
    events: Iterable[StoredEvent],
    *,
    keep: Callable[[UsageEvent], bool],
) -> Iterator[Counted]:
    """Yields the events that count for a metric, with what each added. Not for SQL metrics."""
    running: Measure | None = None
    before = Decimal(0)
    for stored in events:
        if not counts(metric, stored) or not keep(stored.event):
            continue
        for cell in cells(metric, [stored]):
            running = cell.tally if running is None else measures.together(running, cell.tally)
            after = measures.number(metric, running)
            yield Counted(stored, EXACT.subtract(after, before), after)
            before = after
