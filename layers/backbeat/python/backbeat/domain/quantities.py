"""From what a metric counted to what is priced.

Owns: running totals of increments, unit conversion, rounding.
Does not own: counting, prices.
Times: increments carry the start of their UTC hour.
Invariants: the quantities of adjoining stretches add up to the quantity of the whole, rounded once.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import NamedTuple

from backbeat.models.catalog import (
    ConversionOperation,
    ProductState,
    QuantityConversion,
    QuantityRounding,
    RoundingMethod,
)
from backbeat.models.money import EXACT
from backbeat.models.period import Period

_ZERO = Decimal(0)
_ROUNDINGS = {
    RoundingMethod.ROUND_UP: ROUND_CEILING,
    RoundingMethod.ROUND_DOWN: ROUND_FLOOR,
    RoundingMethod.ROUND_HALF_UP: ROUND_HALF_UP,
}


class Increment(NamedTuple):
    """What an hour added to a metric's value since the period began; may be negative."""

    hour: datetime
    amount: Decimal


def added(increments: Iterable[Increment], stretches: Sequence[Period]) -> list[Decimal]:
    """Returns what each of several adjoining stretches of time added, in the metric's unit."""
    totals = [_ZERO] * len(stretches)
    ends = [stretch.ending_before for stretch in stretches]
    for hour, amount in increments:
        place = bisect_right(ends, hour)
        if place < len(ends) and stretches[0].starting_at <= hour:
            totals[place] = EXACT.add(totals[place], amount)
    return totals


def billable(raw: Decimal, state: ProductState) -> Decimal:
    """Returns a running total in the unit that is priced: converted first, then rounded."""
    return rounded(converted(raw, state.quantity_conversion), state.quantity_rounding)


def converted(raw: Decimal, conversion: QuantityConversion | None) -> Decimal:
    """Returns the quantity in the converted unit."""
    if conversion is None:
        return raw
    if conversion.operation is ConversionOperation.MULTIPLY:
        return EXACT.multiply(raw, conversion.conversion_factor)
    return EXACT.divide(raw, conversion.conversion_factor)


def rounded(quantity: Decimal, rounding: QuantityRounding | None) -> Decimal:
    """Returns the quantity rounded to the given decimal places."""
    if rounding is None:
        return quantity
    return quantity.quantize(
        Decimal(1).scaleb(-rounding.decimal_places),
        rounding=_ROUNDINGS[rounding.rounding_method],
        context=EXACT,
    )
