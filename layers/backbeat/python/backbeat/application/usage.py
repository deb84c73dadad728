"""Reading usage, without prices."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from backbeat.application import catalog, customers, sql_metrics
from backbeat.application.services import Call
from backbeat.domain import counting, metering, windows
from backbeat.domain.identity import derived_id
from backbeat.models.catalog import BillableMetric
from backbeat.models.customers import Customer
from backbeat.models.errors import InvalidArgument
from backbeat.models.period import Period
from backbeat.models.usage import StoredEvent, UsageCell, WindowSize
from backbeat.persistence import tracked, usage

_SEARCHED: Final = timedelta(days=34)
"""How far back events are searched."""


@dataclass(frozen=True, slots=True)
class FoundEvent:
    """A stored event and what it counts for now."""

    id: str
    stored: StoredEvent
    is_duplicate: bool
    customer: Customer | None
    metrics: tuple[BillableMetric, ...]


@dataclass(frozen=True, slots=True)
class UsageRow:
    """A metric's quantity in one window; None when nothing was counted."""

    customer_id: str
    metric: BillableMetric
    window: Period
    value: Decimal | None
    groups: Mapping[str, Decimal | None] | None


@dataclass(frozen=True, slots=True)
class WantedMetric:
    """A metric to read; `group_by` names a group key and the values to show, None for all."""

    metric: BillableMetric
    group_by: tuple[str, Sequence[str] | None] | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the order of usage rows: customer, metric, start of the window."""

    customer: str
    metric_id: str
    start: datetime


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A metric's quantity in one window and group."""

    window: Period
    group: Mapping[str, str]
    value: Decimal | None


def search(call: Call, transaction_ids: Iterable[str]) -> list[FoundEvent]:
    """Returns what was sent under the transaction ids in the last 34 days, repeats included."""
    metrics = catalog.metrics(call)
    earliest = call.now - _SEARCHED
    return [
        FoundEvent(
            derived_id("event", transaction_id, stored.received_at, number),
            stored,
            is_duplicate,
            customers.matching_key(call, stored.event.customer_key),
            tuple(metric for metric in metrics if _looks_at(metric, stored)),
        )
        for transaction_id in dict.fromkeys(transaction_ids)
        for number, (stored, is_duplicate) in enumerate(
            usage.events_of(call.store, call.tenant, transaction_id)
        )
        if stored.received_at >= earliest
    ]


def _looks_at(metric: BillableMetric, stored: StoredEvent) -> bool:
    """Tells whether an event is among those a metric takes in; a SQL metric takes in all."""
    return metric.sql is not None or (
        counting.counts(metric, stored) and metering.matches(stored.event, metric)
    )


def cells(
    call: Call,
    customer: Customer,
    metric: BillableMetric,
    span: Period,
    *,
    cuts: Iterable[datetime] | None = None,
    received_before: datetime | None = None,
) -> list[UsageCell]:
    """Returns a metric's cells of a span, whatever name the customer's events came under.

    Those of a SQL metric are what its answer grew by in each hour. With `cuts`, days of counts
    and sums that need not be told apart are added up, see `persistence.usage.cells`. With
    `received_before`, usage received then or later is left out; see `arrivals`.

    Raises:
        InvalidArgument: the query of a SQL metric fails over the events.
    """
    if metric.sql is not None:
        return sql_metrics.hourly_growth(
            call, customer, metric, span, received_before=received_before
        )
    read = (call.store, call.tenant, customer.usage_keys, metric.id, span)
    if metric.is_tracked:
        return tracked.cells(*read, received_before=received_before)
    return usage.cells(*read, cuts=cuts, received_before=received_before)


def rows(
    call: Call,
    listed: Iterable[tuple[str, Customer]],
    metrics: Iterable[WantedMetric],
    span: Period,
    *,
    size: WindowSize,
    after: Position | None,
) -> Iterator[tuple[Position, UsageRow]]:
    """Yields the rows behind a position: by customer as listed, then metric id, then window."""
    in_order = sorted(metrics, key=lambda wanted: wanted.metric.id)
    for place, customer in listed:
        for wanted in in_order:
            metric_id = wanted.metric.id
            if after is not None and (place, metric_id) < (after.customer, after.metric_id):
                continue
            start = span.starting_at
            if after is not None and (place, metric_id) == (after.customer, after.metric_id):
                start = windows.following(span, size, after.start)
            if start == span.ending_before:
                continue
            for row in _rows(call, customer, wanted, Period(start, span.ending_before), size=size):
                yield Position(place, metric_id, row.window.starting_at), row


def _rows(
    call: Call, customer: Customer, wanted: WantedMetric, span: Period, *, size: WindowSize
) -> Iterator[UsageRow]:
    """Yields one row per window, empty windows included (decision D-24).

    Usage is read as far as rows are asked for: a page of them is a small part of a long span.
    """
    metric, group_by = wanted.metric, wanted.group_by
    for part in windows.read_together(span, size):
        in_window = by_window(call, customer, metric, part, size=size)
        for window in windows.windows(part, size):
            inside = in_window.get(window.starting_at, [])
            groups = None if group_by is None else _marginal(metric, inside, *group_by)
            yield UsageRow(customer.id, metric, window, windows.quantity(metric, inside), groups)


def wanted_metric(
    call: Call, metric_id: str, group_by: tuple[str, Sequence[str] | None] | None
) -> WantedMetric:
    """Returns what to read.

    Raises:
        NotFound: no metric has the id.
        InvalidArgument: the key is not a group key of the metric.
    """
    metric = catalog.get_metric(call, metric_id)
    if group_by is not None and group_by[0] not in metric.cell_keys:
        raise InvalidArgument(f"group_by.key: {group_by[0]} is not a group key of the metric")
    return WantedMetric(metric, group_by)


def complete_key(metric: BillableMetric, keys: Sequence[str]) -> tuple[str, ...]:
    """Returns the metric's group key that consists of the given names, in the metric's order.

    Raises:
        InvalidArgument: the names are not one whole group key.
    """
    for key in metric.group_keys:
        if set(key) == set(keys):
            return key
    raise InvalidArgument(f"group_key: {list(keys)} is not a complete group key of the metric")


def group_rows(
    call: Call,
    customer: Customer,
    metric: BillableMetric,
    span: Period,
    *,
    size: WindowSize,
    keys: Sequence[str],
    wanted: Mapping[str, Sequence[str]],
) -> Iterator[GroupRow]:
    """Yields one row per window and group that has usage; without keys, one per window.

    `wanted` limits the values of some keys; an empty list limits nothing.
    """
    in_window = by_window(call, customer, metric, span, size=size)
    for window in windows.windows(span, size):
        inside = in_window.get(window.starting_at, [])
        if not keys:
            yield GroupRow(window, {}, windows.quantity(metric, inside))
            continue
        found = windows.by_group(metric, inside, keys)
        for values in sorted(found, key=lambda values: tuple(value or "" for value in values)):
            group = {key: value or "" for key, value in zip(keys, values, strict=True)}
            if all(not wanted.get(key) or group[key] in wanted[key] for key in keys):
                yield GroupRow(window, group, windows.quantity(metric, found[values]))


def by_window(
    call: Call, customer: Customer, metric: BillableMetric, span: Period, *, size: WindowSize
) -> dict[datetime, list[UsageCell]]:
    """Returns the usage of the windows that have any, by their start."""
    if metric.sql is not None:
        counted = sql_metrics.by_window(call, customer, metric, span, size=size)
    else:
        counted = cells(call, customer, metric, span)
    sorted_in: dict[datetime, list[UsageCell]] = {}
    for cell in counted:
        start = windows.window_start(span, size, cell.hour)
        sorted_in.setdefault(start, []).append(cell)
    return sorted_in


def _marginal(
    metric: BillableMetric, counted: Iterable[UsageCell], key: str, values: Sequence[str] | None
) -> dict[str, Decimal | None]:
    found = {
        group[0]: windows.quantity(metric, inside)
        for group, inside in windows.by_group(metric, counted, [key]).items()
        if group[0] is not None
    }
    if values:
        return {value: found.get(value) for value in values}
    return dict(sorted(found.items()))
