"""Usage cells into increments: what each hour added to a metric's value, by group.

Owns: how each aggregation grows over time, marginals over groups.
Does not own: conversion, prices, what a cell counts.
Times: increments are taken hour by hour from the start of the cells given; nothing is carried over
from before (decision D-20: a latest value does not last into the next period).
Invariants: the increments of a group add up to the metric's value over its cells.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from backbeat.domain import measures
from backbeat.domain.quantities import Increment
from backbeat.domain.windows import Groups, by_group
from backbeat.models.catalog import Aggregation, BillableMetric
from backbeat.models.money import EXACT
from backbeat.models.usage import Measure, Tally, UsageCell


def increments_by_group(
    metric: BillableMetric, cells: Iterable[UsageCell], keys: Sequence[str]
) -> dict[Groups, list[Increment]]:
    """Returns the increments of each group of the given keys, in order of time."""
    return {
        group: _increments(metric, inside)
        for group, inside in by_group(metric, cells, keys).items()
    }


def _increments(metric: BillableMetric, cells: Sequence[UsageCell]) -> list[Increment]:
    if metric.is_tracked:
        return list(_changes(metric, _by_hour(cells)))
    counts = metric.aggregation_type is Aggregation.COUNT
    by_hour: dict[datetime, Increment] = {}
    for cell in cells:
        tally = cell.tally
        if not isinstance(tally, Tally):
            raise TypeError(f"{metric.id} does not add up: {tally}")
        amount = Decimal(tally.count) if counts else tally.sum
        known = by_hour.get(cell.hour)
        total = amount if known is None else EXACT.add(known.amount, amount)
        by_hour[cell.hour] = Increment(cell.hour, total)
    return sorted(by_hour.values())


def _by_hour(cells: Iterable[UsageCell]) -> dict[datetime, Measure]:
    hours: dict[datetime, Measure] = {}
    for cell in cells:
        known = hours.get(cell.hour)
        hours[cell.hour] = cell.tally if known is None else measures.together(known, cell.tally)
    return hours


def _changes(metric: BillableMetric, hours: Mapping[datetime, Measure]) -> Iterator[Increment]:
    """Yields how the value changed with each hour.

    Decision D-21: what a greatest value or a set of distinct values gained is priced when it was
    gained; a latest value may fall, which is a negative increment.
    """
    running: Measure | None = None
    before = Decimal(0)
    for hour in sorted(hours):
        running = hours[hour] if running is None else measures.together(running, hours[hour])
        value = measures.number(metric, running)
        yield Increment(hour, EXACT.subtract(value, before))
        before = value
