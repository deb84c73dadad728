"""Recurring amounts into dated ones.

Owns: the dates of a recurring schedule, how an amount is spread over them.
Does not own: what is billed on a date, or on which invoice.
Times: UTC; each date is counted from the schedule's start, so the clamp at the end of a short month
never drifts.
Invariants: a DIVIDED_ROUNDED amount is the sum of its parts.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from itertools import count, takewhile
from typing import NamedTuple

from backbeat.domain.periods import boundary
from backbeat.models.charges import Amount, AmountDistribution, RecurringSchedule
from backbeat.models.money import EXACT
from backbeat.models.schedules import Frequency, StatementSchedule

_WHOLE = Decimal(1)


class Occurrence(NamedTuple):
    """An amount on a date."""

    timestamp: datetime
    amount: Amount


def occurrences(schedule: RecurringSchedule) -> list[Occurrence]:
    """Returns a recurring schedule's dated amounts, in order; none when it ends where it starts."""
    dates = list(
        takewhile(
            lambda date: date < schedule.ending_before,
            dates_from(schedule.starting_at, schedule.frequency),
        )
    )
    amounts = _distributed(schedule.amount, schedule.distribution, len(dates))
    return [Occurrence(date, amount) for date, amount in zip(dates, amounts, strict=True)]


def dates_from(origin: datetime, frequency: Frequency) -> Iterator[datetime]:
    """Yields the origin and every date that lies whole frequencies after it. Endless."""
    calendar = StatementSchedule(frequency=frequency, anchor=origin)
    return (boundary(calendar, number) for number in count())


def _distributed(amount: Amount, distribution: AmountDistribution, parts: int) -> Sequence[Amount]:
    if parts == 0:
        return []
    match distribution:
        case AmountDistribution.EACH:
            return [amount] * parts
        case AmountDistribution.DIVIDED:
            return [_divided(amount, Decimal(parts))] * parts
        case AmountDistribution.DIVIDED_ROUNDED:
            # Decision D-39: each part is rounded down to whole units, the last takes the rest.
            each = EXACT.divide(amount.total, Decimal(parts)).quantize(
                _WHOLE, rounding=ROUND_DOWN, context=EXACT
            )
            rest = EXACT.subtract(amount.total, EXACT.multiply(each, Decimal(parts - 1)))
            return [*([Amount(unit_price=each)] * (parts - 1)), Amount(unit_price=rest)]


def _divided(amount: Amount, parts: Decimal) -> Amount:
    """Returns one of equal parts: the same quantity at a smaller price, where that loses nothing.

    A third of 3 x 10 is 10, not 3 x 3.33….
    """
    part = Amount(unit_price=EXACT.divide(amount.unit_price, parts), quantity=amount.quantity)
    whole = EXACT.divide(amount.total, parts)
    is_exact = EXACT.multiply(whole, parts) == amount.total
    return Amount(unit_price=whole) if is_exact and part.total != whole else part
