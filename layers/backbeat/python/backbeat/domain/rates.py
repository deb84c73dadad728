"""Which rate holds when.

Owns: the overlay of dated rates, the lookup by pricing group values, the order of products.
Does not own: turning a quantity into an amount.
Times: a rate is in force on `[starting_at, ending_before)`.
Invariants: at any instant at most one rate holds for a product, group and billing frequency.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

from backbeat.models.rates import Rate
from backbeat.models.schedules import Frequency


class Segment(NamedTuple):
    """A stretch in which a rate holds. `ending_before` None is without end."""

    rate: Rate
    starting_at: datetime
    ending_before: datetime | None

    def overlaps(self, start: datetime, end: datetime | None) -> bool:
        """Tells whether the stretch has a part in `[start, end)`; an end of None is never."""
        return (self.ending_before is None or start < self.ending_before) and (
            end is None or self.starting_at < end
        )


def rate_at(
    rates: Sequence[Rate],
    *,
    group_values: Mapping[str, str],
    instant: datetime,
    frequency: Frequency | None = None,
) -> Rate | None:
    """Returns the rate of one product in force for a group, or None when it is not priced.

    Decision D-30: without a rate for exactly these values, the product's rate without values.
    """
    # Values are compared first: a product may have a rate for each of many groups.
    holding = [
        rate
        for rate in rates
        if (not rate.pricing_group_values or rate.pricing_group_values == group_values)
        and rate.billing_frequency == frequency
        and rate.in_force(instant)
    ]
    exact = [rate for rate in holding if rate.pricing_group_values == group_values]
    return latest_added(exact or holding)


def latest_added(rates: Iterable[Rate]) -> Rate | None:
    """Returns the rate that supersedes the others: the one added last (decision D-29)."""
    return max(rates, key=lambda rate: rate.sequence, default=None)


def not_replaced(rates: Iterable[Rate]) -> list[Rate]:
    """Returns the rates in the order they were added, but for those added anew since.

    Decision D-29: a rate of the same line with the same start takes the place of the earlier one;
    one with another start only covers it, so the earlier one holds again when the later one ends.
    """
    kept: dict[object, Rate] = {}
    for rate in rates:
        kept[(_line(rate), rate.starting_at)] = rate
    return sorted(kept.values(), key=lambda rate: rate.sequence)


def schedule(rates: Iterable[Rate]) -> list[Segment]:
    """Returns when each rate holds, by the order they were added, then by time.

    A rate that another one covers for a while has a segment before and one after it.
    """
    by_line: dict[object, list[Rate]] = {}
    for rate in rates:
        by_line.setdefault(_line(rate), []).append(rate)
    segments = [segment for line in by_line.values() for segment in _segments(line)]
    return sorted(segments, key=lambda segment: (segment.rate.sequence, segment.starting_at))


def in_product_order(product_ids: Iterable[str], first: Sequence[str]) -> list[str]:
    """Returns the products as invoices list them: those named first, then the others as given."""
    places = {product_id: place for place, product_id in enumerate(first)}
    return sorted(product_ids, key=lambda product_id: places.get(product_id, len(places)))


def _line(rate: Rate) -> object:
    """Returns what tells the dated prices of one thing from those of others."""
    return rate.product_id, frozenset(rate.pricing_group_values.items()), rate.billing_frequency


def _segments(line: Sequence[Rate]) -> Iterator[Segment]:
    starts = {rate.starting_at for rate in line}
    ends = {rate.ending_before for rate in line if rate.ending_before is not None}
    cuts = sorted(starts | ends)
    holding = [
        (latest_added(rate for rate in line if rate.in_force(cut)), cut, following)
        for cut, following in zip(cuts, [*cuts[1:], None], strict=True)
    ]
    for rate, parts in groupby(holding, key=lambda part: part[0]):
        stretch = list(parts)
        if rate is not None:
            yield Segment(rate, stretch[0][1], stretch[-1][2])
