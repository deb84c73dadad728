"""Usage events into counted cells.

Owns: filters, what one event adds to a metric, the group an event falls into.
Does not own: deduplication (the store does), prices, billing periods.
Times: an event belongs to the UTC hour of its own timestamp.
Invariants: the cells of a set of events do not depend on their order or on how they are batched.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, localcontext
from functools import lru_cache
from typing import Final, NamedTuple

from backbeat.domain.properties import number_of, text_of
from backbeat.models.catalog import Aggregation, BillableMetric, EventTypeFilter, PropertyFilter
from backbeat.models.errors import InvalidArgument
from backbeat.models.money import EXACT
from backbeat.models.period import hour_of
from backbeat.models.usage import CellKey, PropertyValue, Tally, UsageEvent

_ONE = Decimal(1)
_MAX_PLACES: Final = 24

_MOST_SHARES: Final = 4096
"""Of so many are remembered, some 4 MB, which likeness counts for what."""

_LOOKS: Final = 3
"""Where in a likeness begins what filters and groups look at."""


@dataclass(eq=False, slots=True, frozen=True)
class Share:
    """What alike events count for.

    Metrics that count events take one from each; those that add up take a property. Alike events
    have the customer key and the hour in common, too.
    """

    customer_key: str
    hour: datetime
    counted: Sequence[CellKey]
    added: Sequence[tuple[CellKey, str]]

    @property
    def cells(self) -> list[CellKey]:
        """The cells that such an event may fall into."""
        return [*self.counted, *(cell for cell, _ in self.added)]


class Counted(NamedTuple):
    """An event and what it counts for: `amounts` belong to the properties added, in their order."""

    event: UsageEvent
    share: Share
    amounts: Sequence[Decimal | None]


def counted(events: Iterable[UsageEvent], metrics: Sequence[BillableMetric]) -> list[Counted]:
    """Returns for each event what it adds to the usage cells of the counted metrics it matches.

    Raises:
        InvalidArgument: an amount has more digits than exact sums have room for.
    """
    return _meters(_Identical(metrics)).counted(events)


def tallies(counted: Iterable[Counted]) -> dict[CellKey, Tally]:
    """Returns what several events add together to each usage cell."""
    alike: dict[Share, list[Sequence[Decimal | None]]] = {}
    for _, share, amounts in counted:
        alike.setdefault(share, []).append(amounts)
    parts: dict[CellKey, list[Decimal]] = {}
    for share, amounts_of_all in alike.items():
        for cell in share.counted:
            parts.setdefault(cell, []).extend([_ONE] * len(amounts_of_all))
        columns = zip(*amounts_of_all, strict=True)
        for (cell, _), column in zip(share.added, columns, strict=True):
            if summed := [amount for amount in column if amount is not None]:
                parts.setdefault(cell, []).extend(summed)
    # In a context of enough digits, `sum` takes a third of what one addition at a time takes.
    with localcontext(EXACT):
        return {cell: Tally(len(each), Decimal(sum(each))) for cell, each in parts.items()}


def cells_of(
    events: Iterable[UsageEvent], metrics: Sequence[BillableMetric]
) -> dict[CellKey, Tally]:
    """Returns what the events add to each usage cell of the counted metrics they match."""
    return tallies(counted(events, metrics))


def contribution(event: UsageEvent, metric: BillableMetric) -> Decimal | None:
    """Returns what the event adds to the metric, or None when the metric does not count it.

    Raises:
        InvalidArgument: the amount has more digits than exact sums have room for.
    """
    if not matches(event, metric):
        return None
    property_name = _added_property(metric)
    return _ONE if property_name is None else _amount(event, property_name)


def matches(event: UsageEvent, metric: BillableMetric) -> bool:
    """Tells whether the event passes the metric's event type filter and all property filters."""
    return _passes_type(event.event_type, metric.event_type_filter) and all(
        _passes_property(event.properties, condition) for condition in metric.property_filters
    )


def groups_of(event: UsageEvent, metric: BillableMetric) -> tuple[str | None, ...]:
    """Returns the event's values of the metric's cell keys, None where absent."""
    return tuple(text_of(event.properties.get(name)) for name in metric.cell_keys)


class _Identical:
    """Metrics that are equal to themselves alone, since to compare them takes too long."""

    __slots__ = ("metrics",)

    def __init__(self, metrics: Sequence[BillableMetric]) -> None:
        self.metrics = metrics

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Identical) and self.metrics is other.metrics

    def __hash__(self) -> int:
        return id(self.metrics)


class _Meters:
    """Metrics that look at many events.

    Events that are alike in all that filters and groups look at count for the same metrics and
    groups, and those of a customer mostly are: which, is decided once for all of them.
    """

    def __init__(self, metrics: Sequence[BillableMetric]) -> None:
        self._metrics = metrics
        compared = {name for metric in metrics for name in _compared_properties(metric)}
        filtered = {filter_.name for metric in metrics for filter_ in metric.property_filters}
        self._compared = tuple(compared)
        self._only_present = tuple(filtered - compared)
        self._parts: dict[Hashable, list[_Part]] = {}
        self._shares: dict[Hashable, Share] = {}

    def counted(self, events: Iterable[UsageEvent]) -> list[Counted]:
        compared, only_present = self._compared, self._only_present
        if len(self._shares) > _MOST_SHARES:
            # Not emptied, since another thread may be filling it.
            self._shares, self._parts = {}, {}
        shares = self._shares
        found = []
        for event in events:
            _, customer_key, event_type, at, properties = event
            # Nearly all are in UTC, and finding that they are takes less than converting them.
            utc = at if at.tzinfo is UTC else at.astimezone(UTC)
            likeness: list[Hashable] = [customer_key, utc.toordinal(), utc.hour, event_type]
            for name in compared:
                value = properties.get(name)
                likeness.append(value if value.__class__ is str else _comparable(value))
            for name in only_present:
                likeness.append(properties.get(name) is None)
            like = tuple(likeness)
            share = shares.get(like)
            if share is None:
                share = shares[like] = self._share(event, looks=like[_LOOKS:])
            amounts = [_amount(event, name) for _, name in share.added]
            found.append(Counted(event, share, amounts))
        return found

    def _share(self, event: UsageEvent, looks: Hashable) -> Share:
        parts = self._parts.get(looks)
        if parts is None:
            parts = self._parts[looks] = [
                _Part(metric.id, groups_of(event, metric), _added_property(metric))
                for metric in self._metrics
                if matches(event, metric)
            ]
        key, hour = event.customer_key, hour_of(event.timestamp)
        cells = [(CellKey(key, part.metric_id, hour, part.groups), part.added) for part in parts]
        return Share(
            key,
            hour,
            [cell for cell, name in cells if name is None],
            [(cell, name) for cell, name in cells if name is not None],
        )


@lru_cache(maxsize=64)
def _meters(metrics: _Identical) -> _Meters:
    """Returns the meters of metrics, those of the requests before where they are the same."""
    return _Meters([metric for metric in metrics.metrics if metric.is_counted])


class _Part(NamedTuple):
    """A metric that counts an event, the event's group, and the property that is added up."""

    metric_id: str
    groups: tuple[str | None, ...]
    added: str | None


def _compared_properties(metric: BillableMetric) -> set[str]:
    """Returns the properties whose values matter, not only whether they are there."""
    filtered = {
        condition.name
        for condition in metric.property_filters
        if condition.in_values is not None or condition.not_in_values is not None
    }
    return filtered.union(metric.cell_keys)


def _comparable(value: PropertyValue) -> Hashable:
    """Returns what is equal for values that filters and groups treat alike. Not so 1 and true."""
    return value if isinstance(value, str) or value is None else (text_of(value),)


def _added_property(metric: BillableMetric) -> str | None:
    """Returns the property that is added up; None where events are only counted."""
    return None if metric.aggregation_type is Aggregation.COUNT else metric.aggregation_key


def _amount(event: UsageEvent, property_name: str) -> Decimal | None:
    value = event.properties.get(property_name)
    try:
        return _amount_in_text(value) if isinstance(value, str) else _summable(number_of(value))
    except _TooLong:
        # A sum of such numbers could not be kept exactly, and is not kept in any other way.
        raise InvalidArgument(
            f"the event with transaction_id {event.transaction_id!r} cannot be added up exactly:"
            f" properties.{property_name} has more than {_MAX_PLACES} digits"
            " before or after the decimal point"
        ) from None


class _TooLong(Exception):
    """A number has more digits than exact sums have room for."""


@lru_cache(maxsize=16384)
def _amount_in_text(text: str) -> Decimal | None:
    # Amounts repeat, and reading one takes longer than all else that is done with it.
    return _summable(number_of(text))


def _summable(amount: Decimal | None) -> Decimal | None:
    if (
        amount is not None
        and not -_MAX_PLACES <= _exponent(amount) <= amount.adjusted() < _MAX_PLACES
    ):
        raise _TooLong
    return amount


def _exponent(amount: Decimal) -> int:
    # It is a letter where a number is not finite, and `number_of` gives none such.
    return int(amount.as_tuple().exponent)


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
