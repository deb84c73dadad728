"""Usage cells into quantities per window and group.

Owns: hour, day and whole-span windows, marginals over groups.
Does not own: prices, unit conversion.
Times: windows are half-open and start at UTC hours or midnights.
Invariants: the windows of a span add up to the span, the groups of a window to the window.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from backbeat.models.catalog import Aggregation, BillableMetric
from backbeat.models.money import EXACT
from backbeat.models.period import DAY, HOUR, Period
from backbeat.models.usage import UsageCell, WindowSize

Groups = tuple[str | None, ...]


_STEPS: dict[WindowSize, timedelta] = {WindowSize.HOUR: HOUR, WindowSize.DAY: DAY}


def windows(span: Period, size: WindowSize) -> Iterator[Period]:
    """Yields the windows of a span in order; NONE is the span itself."""
    if size is WindowSize.NONE:
        yield span
        return
    start = span.starting_at
    while start < span.ending_before:
        end = min(start + _STEPS[size], span.ending_before)
        yield Period(start, end)
        start = end


def window_start(span: Period, size: WindowSize, hour: datetime) -> datetime:
    """Returns the start of the window that an hour inside the span falls into."""
    if size is WindowSize.NONE:
        return span.starting_at
    step = _STEPS[size]
    return span.starting_at + (hour - span.starting_at) // step * step


def quantity(metric: BillableMetric, cells: Iterable[UsageCell]) -> Decimal | None:
    """Returns the metric's value over the cells; None when there are none."""
    total: Decimal | None = None
    for cell in cells:
        added = (
            Decimal(cell.tally.count)
            if metric.aggregation_type is Aggregation.COUNT
            else cell.tally.sum
        )
        total = added if total is None else EXACT.add(total, added)
    return total


def by_group(
    metric: BillableMetric, cells: Iterable[UsageCell], keys: Sequence[str]
) -> dict[Groups, list[UsageCell]]:
    """Sorts the cells into the groups of the given keys, which are among the metric's cell keys."""
    places = [metric.cell_keys.index(key) for key in keys]
    groups: dict[Groups, list[UsageCell]] = {}
    for cell in cells:
        groups.setdefault(tuple(cell.groups[place] for place in places), []).append(cell)
    return groups
