"""The billing calendar.

Owns: period boundaries, stubs, the clamp at the end of short months.
Does not own: what is billed in a period.
Times: UTC; a boundary is computed from the anchor each time, so that a clamp never drifts.
Invariants: the periods of a contract are adjacent and cover it from start to end.
"""

import calendar
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from backbeat.models.contracts import Contract
from backbeat.models.period import Period
from backbeat.models.schedules import Frequency, StatementDay, StatementSchedule

_DAYS = {Frequency.DAILY: 1, Frequency.WEEKLY: 7}
_MONTHS = {
    Frequency.MONTHLY: 1,
    Frequency.QUARTERLY: 3,
    Frequency.SEMI_ANNUAL: 6,
    Frequency.ANNUAL: 12,
}


def add_months(anchor: datetime, months: int) -> datetime:
    """Returns the same day and time that many months on, or the month's last day.

    Decision D-32: always from the original anchor, so 31 January gives 29 February, then 31 March.
    """
    month = anchor.year * 12 + anchor.month - 1 + months
    year, month = month // 12, month % 12 + 1
    return anchor.replace(
        year=year, month=month, day=min(anchor.day, calendar.monthrange(year, month)[1])
    )


def months(span: Period) -> Iterator[Period]:
    """Yields the calendar months (UTC) of a span in order, the first and last cut at its ends."""
    start = span.starting_at
    while start < span.ending_before:
        first = start.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        end = min(add_months(first, 1), span.ending_before)
        yield Period(start, end)
        start = end


def boundary(schedule: StatementSchedule, number: int) -> datetime:
    """Returns the boundary `number` frequencies after the anchor (before it when negative)."""
    days = _DAYS.get(schedule.frequency)
    if days is not None:
        return schedule.anchor + timedelta(days=days * number)
    return add_months(schedule.anchor, number * _MONTHS[schedule.frequency])


def anchor_of(
    frequency: Frequency, day: StatementDay, *, starting_at: datetime, custom: datetime | None
) -> datetime:
    """Returns the instant all boundaries are counted from.

    Decision D-33: FIRST_OF_MONTH means the month the contract starts in, for every frequency but
    WEEKLY, which takes the contract's start.
    """
    match day:
        case StatementDay.CUSTOM_DATE:
            return starting_at if custom is None else custom
        case StatementDay.CONTRACT_START:
            return starting_at
        case StatementDay.FIRST_OF_MONTH:
            if frequency in _DAYS:
                return starting_at
            return starting_at.replace(day=1, hour=0)


def usage_periods(contract: Contract) -> Iterator[Period]:
    """Yields the contract's usage periods in order; endless for an open-ended contract.

    The first runs from the contract's start (or from where its invoices start) to the first
    boundary strictly after it, the last is cut at the contract's end.
    """
    return usage_periods_from(contract, invoices_from(contract))


def usage_periods_from(contract: Contract, instant: datetime) -> Iterator[Period]:
    """Yields the usage periods that end after the instant, in order, counted from there on."""
    schedule, last = contract.usage_statement_schedule, contract.ending_before
    first = invoices_from(contract)
    number = first_after(schedule, max(first, instant))
    start = max(first, boundary(schedule, number - 1))
    while last is None or max(start, instant) < last:
        end = boundary(schedule, number)
        if last is not None:
            end = min(end, last)
        yield Period(start, end)
        start, number = end, number + 1


def periods_left(contract: Contract, start: datetime) -> Iterator[Period]:
    """Yields the contract's usage periods from an instant on, the one it lies in cut there.

    It lies inside a period only where a contract that had ended there was extended.
    """
    for period in usage_periods_from(contract, start):
        yield Period(max(period.starting_at, start), period.ending_before)


def first_after(schedule: StatementSchedule, instant: datetime) -> int:
    """Returns the number of the first boundary strictly after the instant."""
    days = _DAYS.get(schedule.frequency)
    if days is not None:
        number = (instant - schedule.anchor) // timedelta(days=days)
    else:
        elapsed = (instant.year - schedule.anchor.year) * 12 + instant.month - schedule.anchor.month
        number = elapsed // _MONTHS[schedule.frequency] - 1
    while boundary(schedule, number) <= instant:
        number += 1
    return number


def whole_period(schedule: StatementSchedule, instant: datetime) -> Period:
    """Returns the period of the calendar that an instant lies in, cut by nothing."""
    number = first_after(schedule, instant)
    return Period(boundary(schedule, number - 1), boundary(schedule, number))


def ends_usage_period(contract: Contract, instant: datetime) -> bool:
    """Tells whether a usage period of the contract that has an invoice ends at the instant."""
    return instant > invoices_from(contract) and is_usage_boundary(contract, instant)


def is_usage_boundary(contract: Contract, instant: datetime) -> bool:
    """Tells whether the contract's calendar, or its end, has a usage period end at the instant."""
    return (
        instant == contract.ending_before
        or boundary_from(contract.usage_statement_schedule, instant) == instant
    )


def boundary_from(schedule: StatementSchedule, instant: datetime) -> datetime:
    """Returns the first boundary at or after the instant."""
    return boundary(schedule, first_after(schedule, instant - timedelta(microseconds=1)))


def invoices_from(contract: Contract) -> datetime:
    """Returns when the first usage period begins that has an invoice."""
    start = contract.invoice_generation_starting_at
    return contract.starting_at if start is None else max(contract.starting_at, start)
