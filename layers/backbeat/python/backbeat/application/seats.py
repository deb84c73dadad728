"""How many seats were in use: the most, or the latest count, of each window."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from backbeat.application import usage
from backbeat.application.services import Call
from backbeat.domain import counting, windows
from backbeat.models.catalog import Aggregation, BillableMetric
from backbeat.models.customers import Customer
from backbeat.models.period import Period
from backbeat.models.usage import UsageCell, WindowSize
from backbeat.persistence import raw_events


class SeatUsage(StrEnum):
    """Which of a window's seat counts is meant."""

    MAX = "MAX"
    LATEST = "LATEST"


@dataclass(frozen=True, slots=True)
class SeatRow:
    """The seat count of a window; None where none is known."""

    window: Period
    value: Decimal | None


def rows(
    call: Call,
    customer: Customer,
    metric: BillableMetric,
    span: Period,
    *,
    size: WindowSize,
    wanted: SeatUsage,
) -> Iterator[SeatRow]:
    """Yields one row per window.

    Decision: each event of a MAX or LATEST metric states a seat count, so both readings come from
    the events themselves. Of other metrics the seat count is their value in an hour.
    """
    if metric.aggregation_type in (Aggregation.MAX, Aggregation.LATEST):
        counts = _stated_by_hour(call, customer, metric, span, wanted)
    else:
        counts = _value_by_hour(call, customer, metric, span)
    by_window: dict[datetime, list[Decimal]] = {}
    for hour in sorted(counts):
        start = windows.window_start(span, size, hour)
        by_window.setdefault(start, []).append(counts[hour])
    for window in windows.windows(span, size):
        inside = by_window.get(window.starting_at, [])
        last = inside[-1] if inside else None
        yield SeatRow(window, last if wanted is SeatUsage.LATEST else max(inside, default=None))


def _stated_by_hour(
    call: Call, customer: Customer, metric: BillableMetric, span: Period, wanted: SeatUsage
) -> dict[datetime, Decimal]:
    """Returns the greatest or the last count that the events of each hour state."""
    read_as = metric.model_copy(update={"aggregation_type": Aggregation(wanted)})
    events = raw_events.events(call.store, call.tenant, customer.usage_keys, span)
    return _by_hour(read_as, counting.cells(read_as, events))


def _value_by_hour(
    call: Call, customer: Customer, metric: BillableMetric, span: Period
) -> dict[datetime, Decimal]:
    in_hour = usage.by_window(call, customer, metric, span, size=WindowSize.HOUR)
    return _by_hour(metric, [cell for cells in in_hour.values() for cell in cells])


def _by_hour(metric: BillableMetric, cells: list[UsageCell]) -> dict[datetime, Decimal]:
    inside: dict[datetime, list[UsageCell]] = {}
    for cell in cells:
        inside.setdefault(cell.hour, []).append(cell)
    found = {hour: windows.quantity(metric, of_hour) for hour, of_hour in inside.items()}
    return {hour: value for hour, value in found.items() if value is not None}
