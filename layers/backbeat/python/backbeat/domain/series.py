"""Usage cells into increments: what each hour added to a metric's value, by group.

Owns: how each aggregation grows over time, marginals over groups.
Does not own: conversion, prices, what a cell counts.
Times: increments are taken hour by hour from the start of the cells given.
Invariants: the increments of a group add up to the metric's value over its cells.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from backbeat.domain.quantities import Increment
from backbeat.domain.windows import Groups, by_group
from backbeat.models.catalog import Aggregation, BillableMetric
from backbeat.models.money import EXACT
from backbeat.models.usage import UsageCell


def increments_by_group(
    metric: BillableMetric, cells: Iterable[UsageCell], keys: Sequence[str]
) -> dict[Groups, list[Increment]]:
    """Returns the increments of each group of the given keys, in order of time."""
    return {
        group: _increments(metric, inside)
        for group, inside in by_group(metric, cells, keys).items()
    }


def _increments(metric: BillableMetric, cells: Sequence[UsageCell]) -> list[Increment]:
    by_hour: dict[object, Increment] = {}
    for cell in cells:
        amount = (
            Decimal(cell.tally.count)
            if metric.aggregation_type is Aggregation.COUNT
            else cell.tally.sum
        )
        known = by_hour.get(cell.hour)
        total = amount if known is None else EXACT.add(known.amount, amount)
        by_hour[cell.hour] = Increment(cell.hour, total)
    return sorted(by_hour.values())
