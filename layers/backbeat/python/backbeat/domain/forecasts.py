"""How usage will go on until a period ends.

Owns: the run rate, and where the usage to come is put. Does not own: what it costs.
Times: a period's elapsed part ends at the present; what is to come is spread over the rest of it.
Invariants: sums and counts go on at the rate of the elapsed part, group by group; what was counted
and what is to come have the ratio of elapsed and remaining time, up to the last digit of a
division. Greatest, latest and distinct values stay as they are: nothing says that they grow.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Final

from backbeat.models.catalog import BillableMetric
from backbeat.models.money import EXACT
from backbeat.models.period import DAY, Period, hour_of
from backbeat.models.usage import Tally, UsageCell

_PLACES: Final = Decimal("1E-9")


def elapsed(period: Period, now: datetime) -> Decimal:
    """Returns the share of a period that is over, 0 to 1, with up to nine places."""
    whole = _microseconds(period.ending_before - period.starting_at)
    part = _microseconds(
        min(max(now, period.starting_at), period.ending_before) - period.starting_at
    )
    return EXACT.divide(part, whole).quantize(_PLACES, ROUND_DOWN).normalize()


def to_come(
    metric: BillableMetric, counted: Iterable[UsageCell], period: Period, now: datetime
) -> list[UsageCell]:
    """Returns the usage of the rest of a period, spread evenly over its days.

    What is counted in hours that have not begun yet, ahead of time, is no part of the rate.
    """
    if not metric.is_counted or not period.covers(now) or now == period.starting_at:
        return []
    remaining = _microseconds(period.ending_before - now)
    gone = _microseconds(now - period.starting_at)
    days = _days(now, period)
    so_far: dict[tuple[str | None, ...], Tally] = {}
    for cell in counted:
        if isinstance(cell.tally, Tally) and cell.hour <= now:
            known = so_far.get(cell.groups, Tally(0, Decimal(0)))
            so_far[cell.groups] = Tally(
                known.count + cell.tally.count, EXACT.add(known.sum, cell.tally.sum)
            )
    added: list[UsageCell] = []
    for groups, tally in so_far.items():
        sum_ = EXACT.divide(EXACT.multiply(tally.sum, remaining), gone).quantize(
            _PLACES, ROUND_HALF_UP, context=EXACT
        )
        count = EXACT.divide(EXACT.multiply(Decimal(tally.count), remaining), gone)
        whole = int(count.to_integral_value(ROUND_HALF_UP))
        added += _spread(groups, whole, sum_, days)
    return added


def _spread(
    groups: tuple[str | None, ...], count: int, sum_: Decimal, days: list[datetime]
) -> list[UsageCell]:
    part = EXACT.divide(sum_, Decimal(len(days))).quantize(_PLACES, ROUND_DOWN, context=EXACT)
    each, over = divmod(count, len(days))
    cells = []
    left = sum_
    for number, day in enumerate(days):
        is_last = number == len(days) - 1
        share = left if is_last else part
        left = EXACT.subtract(left, share)
        cells.append(UsageCell(day, groups, Tally(each + (over if is_last else 0), share)))
    return cells


def _days(now: datetime, period: Period) -> list[datetime]:
    """Returns an hour of each day that is left: the running one first."""
    found = [hour_of(now)]
    following = found[0].replace(hour=0) + DAY
    while following < period.ending_before:
        found.append(following)
        following += DAY
    return found


def _microseconds(span: timedelta) -> Decimal:
    return Decimal(span // timedelta(microseconds=1))
