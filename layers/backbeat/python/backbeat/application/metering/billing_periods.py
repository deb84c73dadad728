"""Which billing period a customer's usage belongs to, and whether it can still change."""

from datetime import datetime, timedelta
from typing import Final

from backbeat.application import customers
from backbeat.application.services import Call
from backbeat.domain import invoicing, periods
from backbeat.models.customers import Customer
from backbeat.models.period import Period
from backbeat.models.schedules import Frequency, StatementSchedule
from backbeat.persistence import contracts

_EPOCH: Final = datetime.fromisoformat("2020-01-01T00:00:00+00:00")
CALENDAR_MONTHS: Final = StatementSchedule(frequency=Frequency.MONTHLY, anchor=_EPOCH)
"""The periods of customers whom nobody bills otherwise."""

LATE_CHANGES: Final = invoicing.GRACE
"""How long after its end a period takes changes in by itself: as long as invoices do."""


def customer_of(call: Call, customer_ref: str) -> Customer:
    """Returns the customer that a reference means; one that stands for itself if it is unknown."""
    known = customers.matching_key(call, customer_ref)
    if known is not None:
        return known
    never = _EPOCH
    return Customer(id=customer_ref, name=customer_ref, created_at=never, updated_at=never)


def period_of(call: Call, customer: Customer, at: datetime) -> Period:
    """Returns the billing period that an instant lies in.

    That is the usage period of the customer's contract; without exactly one that runs then, it is
    the calendar month.
    """
    running = [
        contract
        for contract in contracts.of_customer(call.store, call.tenant, customer.id)
        if contract.archived_at is None and contract.covers(at)
    ]
    if len(running) != 1:
        return periods.whole_period(CALENDAR_MONTHS, at)
    found = next(periods.usage_periods_from(running[0], at))
    return found if found.covers(at) else periods.whole_period(CALENDAR_MONTHS, at)


def before(call: Call, customer: Customer, start: datetime) -> Period:
    """Returns the billing period that ends where another one starts."""
    return period_of(call, customer, start - timedelta(microseconds=1))


def takes_changes(call: Call, period: Period) -> bool:
    """Tells whether a period can still change without anybody's approval."""
    return call.now < period.ending_before + LATE_CHANGES


def hours_of(period: Period, until: datetime) -> Period:
    """Returns the part of a period up to an instant's hour, that hour included."""
    end = min(period.ending_before, _next_hour(until))
    return Period(period.starting_at, max(end, period.starting_at + timedelta(hours=1)))


def _next_hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
