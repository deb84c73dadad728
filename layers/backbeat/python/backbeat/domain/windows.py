"""Usage cells into quantities per window and group.

Owns: hour, day and whole-span windows, marginals over groups.
Does not own: prices, unit conversion.
Times: windows are half-open and start at UTC hours or midnights.
Invariants: of counts and sums, the windows of a span add up to the span and the groups of a window
to the window; every other value is taken anew from all the cells.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from backbeat.domain import measures
from backbeat.models.catalog import BillableMetric
from backbeat.models.period import DAY, HOUR, Period, hour_of
from backbeat.models.usage import UsageCell, WindowSize

Groups = tuple[str | None, ...]


_STEPS: dict[WindowSize, timedelta] = {WindowSize.HOUR: HOUR, WindowSize.DAY: DAY}
_READ_TOGETHER = 31 * DAY
"""Whole days, so that no window of an hour or a day is divided."""


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


def read_together(span: Period, size: WindowSize) -> Iterator[Period]:
    """Yields stretches of whole windows that are not too long to be read at once, in order."""
    if size is WindowSize.NONE:
        yield span
        return
    start = span.starting_at
    while start < span.ending_before:
        end = min(start + _READ_TOGETHER, span.ending_before)
        yield Period(start, end)
        start = end


def following(span: Period, size: WindowSize, instant: datetime) -> datetime:
    """Returns where the window after the one begins that an instant of the span lies in."""
    if size is WindowSize.NONE:
        return span.ending_before
    later = window_start(span, size, instant) + _STEPS[size]
    return min(max(later, span.starting_at), span.ending_before)


def aligned(span: Period, size: WindowSize) -> Iterator[Period]:
    """Yields the UTC hours or days that a span touches, cut to the span; NONE is the span."""
    first = hour_of(span.starting_at)
    if size is WindowSize.DAY:
        first = first.replace(hour=0)
    for window in windows(Period(first, span.ending_before), size):
        part = window.within(span)
        if part is not None:
            yield part


def window_start(span: Period, size: WindowSize, hour: datetime) -> datetime:
    """Returns the start of the window that an hour inside the span falls into."""
    if size is WindowSize.NONE:
        return span.starting_at
    step = _STEPS[size]
    return span.starting_at + (hour - span.starting_at) // step * step


def quantity(metric: BillableMetric, cells: Iterable[UsageCell]) -> Decimal | None:
    """Returns the metric's value over the cells; None when there are none.

    Only counts and sums add up: other values of a window are not the sum of its parts'.
    """
    return measures.total(metric, (cell.tally for cell in cells))


def by_group(
    metric: BillableMetric, cells: Iterable[UsageCell], keys: Sequence[str]
) -> dict[Groups, list[UsageCell]]:
    """Sorts the cells into the groups of the given keys, which are among the metric's cell keys."""
    places = [metric.cell_keys.index(key) for key in keys]
    groups: dict[Groups, list[UsageCell]] = {}
    for cell in cells:
        groups.setdefault(tuple(cell.groups[place] for place in places), []).append(cell)
    return groups
