"""What a period comes to if it goes on as it began.

Owns: the estimate. Does not own: prices: an amount is stretched, no usage is rated anew.
Times: the elapsed part of a half-open period ends at the present.
Invariants: an estimate is never below what was reached, and equal to it once the period is over.
"""

from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from backbeat.models.money import EXACT
from backbeat.models.period import Period

_TOO_EARLY: Final = timedelta(hours=1)
"""Before that, a period says nothing about its pace."""


def at_the_end(amount: Decimal, period: Period, now: datetime, *, step: Decimal) -> Decimal | None:
    """Returns an amount at the end of its period at the present pace, or None too early to tell.

    It is an estimate, so it is rounded, half-up to multiples of `step` (0.01, 1).
    """
    if now >= period.ending_before:
        return amount
    if now - period.starting_at < _TOO_EARLY:
        return None
    stretched = EXACT.multiply(amount, _seconds(period.ending_before - period.starting_at))
    estimate = EXACT.divide(stretched, _seconds(now - period.starting_at))
    return max(amount, estimate.quantize(step, ROUND_HALF_UP, context=EXACT))


def _seconds(span: timedelta) -> Decimal:
    return Decimal(span // timedelta(microseconds=1)).scaleb(-6)
