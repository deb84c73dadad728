"""What is known of a metric's events: put together, and read as one number.

Owns: sums, greatest and latest values, sets of distinct ones. Does not own: windows, groups.
Times: none; a latest value carries its own place in time.
Invariants: putting together does not depend on the order or on how often the same is put in, but
for tallies, which add up.
"""

from collections.abc import Iterable
from decimal import Decimal
from functools import reduce

from backbeat.models.catalog import Aggregation, BillableMetric
from backbeat.models.money import EXACT
from backbeat.models.usage import Distinct, Highest, Latest, Measure, Tally


def together(one: Measure, other: Measure) -> Measure:
    """Returns what is known of the events of both, which are measures of the same metric."""
    match one, other:
        case Tally(), Tally():
            return Tally(one.count + other.count, EXACT.add(one.sum, other.sum))
        case Highest(), Highest():
            return one if one.value >= other.value else other
        case Latest(), Latest():
            return one if one.place >= other.place else other
        case Distinct(), Distinct():
            return Distinct(one.values | other.values)
    raise TypeError(f"measures of two kinds: {one}, {other}")


def number(metric: BillableMetric, measure: Measure) -> Decimal:
    """Returns the metric's value."""
    match measure:
        case Tally():
            counts = metric.aggregation_type is Aggregation.COUNT
            return Decimal(measure.count) if counts else measure.sum
        case Distinct(values):
            return Decimal(len(values))
        case Highest(value) | Latest(value=value):
            return value


def total(metric: BillableMetric, measures: Iterable[Measure]) -> Decimal | None:
    """Returns the metric's value over all the measures; None when there are none."""
    if metric.is_tracked:
        known = list(measures)
        return number(metric, reduce(together, known)) if known else None
    counts = metric.aggregation_type is Aggregation.COUNT
    result: Decimal | None = None
    for measure in measures:
        if isinstance(measure, Tally):
            amount = Decimal(measure.count) if counts else measure.sum
            result = amount if result is None else EXACT.add(result, amount)
    return result
