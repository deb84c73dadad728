"""Usage events into counted cells.

Owns: filters, what one event adds to a metric, the group an event falls into.
Does not own: deduplication (the store does), prices, billing periods.
Times: an event belongs to the UTC hour of its own timestamp.
Invariants: the cells of a set of events do not depend on their order or on how they are batched.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from backbeat.domain.properties import number_of, text_of
from backbeat.models.catalog import Aggregation, BillableMetric, EventTypeFilter, PropertyFilter
from backbeat.models.money import EXACT
from backbeat.models.period import hour_of
from backbeat.models.usage import CellKey, PropertyValue, Tally, UsageEvent

_ONE = Decimal(1)


def cells_of(
    events: Iterable[UsageEvent], metrics: Sequence[BillableMetric]
) -> dict[CellKey, Tally]:
    """Returns what the events add to each usage cell of the counted metrics they match."""
    cells: dict[CellKey, Tally] = {}
    adding = [metric for metric in metrics if metric.is_counted]
    for event in events:
        hour = hour_of(event.timestamp)
        for metric in adding:
            amount = contribution(event, metric)
            if amount is None:
                continue
            key = CellKey(event.customer_key, metric.id, hour, groups_of(event, metric))
            counted = cells.get(key)
            cells[key] = (
                Tally(1, amount)
                if counted is None
                else Tally(counted.count + 1, EXACT.add(counted.sum, amount))
            )
    return cells


def contribution(event: UsageEvent, metric: BillableMetric) -> Decimal | None:
    """Returns what the event adds to the metric, or None when the metric does not count it."""
    if not matches(event, metric):
        return None
    if metric.aggregation_type is Aggregation.COUNT or metric.aggregation_key is None:
        return _ONE
    return number_of(event.properties.get(metric.aggregation_key))


def matches(event: UsageEvent, metric: BillableMetric) -> bool:
    """Tells whether the event passes the metric's event type filter and all property filters."""
    return _passes_type(event.event_type, metric.event_type_filter) and all(
        _passes_property(event.properties, condition) for condition in metric.property_filters
    )


def groups_of(event: UsageEvent, metric: BillableMetric) -> tuple[str | None, ...]:
    """Returns the event's values of the metric's cell keys, None where absent."""
    return tuple(text_of(event.properties.get(name)) for name in metric.cell_keys)


def _passes_type(event_type: str, condition: EventTypeFilter | None) -> bool:
    if condition is None:
        return True
    if condition.in_values is not None and event_type not in condition.in_values:
        return False
    return condition.not_in_values is None or event_type not in condition.not_in_values


def _passes_property(properties: Mapping[str, PropertyValue], condition: PropertyFilter) -> bool:
    value = properties.get(condition.name)
    # A property passes when its presence is as asked, when it is among the wanted values (an
    # absent one never is), and when it is not among the unwanted ones (an absent one never is).
    if condition.exists is not None and condition.exists is (value is None):
        return False
    if condition.in_values is not None and text_of(value) not in condition.in_values:
        return False
    return condition.not_in_values is None or text_of(value) not in condition.not_in_values
