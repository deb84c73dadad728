"""Usage as it is: of the running period, by window, and in money to the period's end."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, Literal

from backbeat.application import open_periods, settled_drafts, usage
from backbeat.application.drafts import Reading
from backbeat.application.metering import billing_periods, definitions, quantities
from backbeat.application.services import Call
from backbeat.domain import forecasts, windows
from backbeat.models.catalog import BillableMetric
from backbeat.models.counters import Counter
from backbeat.models.customers import Customer
from backbeat.models.errors import InvalidArgument, Unprocessable
from backbeat.models.invoices import Invoice
from backbeat.models.limits import Cap
from backbeat.models.period import Period, hour_of
from backbeat.models.usage import UsageCell, WindowSize
from backbeat.persistence import months, raw_events

_SIZES: Final = {"hour": WindowSize.HOUR, "day": WindowSize.DAY}
_MOST_WINDOWS: Final = 2000
_LONGEST: Final = timedelta(days=3660)
_LOOKED_BACK: Final = timedelta(days=35)

Interval = Literal["hour", "day", "month"]


@dataclass(frozen=True, slots=True)
class CounterUsage:
    """What a counter has reached in the running period, and the cap on it."""

    counter: Counter
    current: Decimal
    cap: Cap | None


@dataclass(frozen=True, slots=True)
class History:
    """A counter's value by window, windows without usage included, and over the whole span."""

    counter: Counter
    span: Period
    windows: Sequence[tuple[Period, Decimal]]
    total: Decimal


@dataclass(frozen=True, slots=True)
class Projection:
    """An open period as it is billed so far, and as it will be if usage goes on as it went.

    `last_event_at` is when the newest event happened of those that are looked at; None without any.
    """

    period: Period
    so_far: Invoice
    projected: Invoice
    elapsed: Decimal
    last_event_at: datetime | None


def current(call: Call, customer_ref: str, metric: str | None) -> tuple[Period, list[CounterUsage]]:
    """Returns a customer's running period, and what its counters have reached in it.

    Raises:
        NotFound: there is no counter of that name.
    """
    known = definitions.of(call)
    customer = billing_periods.customer_of(call, customer_ref)
    period = billing_periods.period_of(call, customer, call.now)
    names = sorted(known.counters) if metric is None else [known.counter(metric).name]
    found = []
    for name in names:
        counter = known.counters[name]
        caps = known.caps_on(name, customer_ref)
        used = quantities.quantity(call, known.metric_of(counter), [customer], period)
        cap = min(caps, key=lambda one: one.limit) if caps else None
        found.append(CounterUsage(counter, used, cap))
    return period, found


def history(
    call: Call, metric: str, customer_ref: str, span: Period, interval: Interval
) -> History:
    """Returns a counter's value of each window: its own aggregation of that window's events.

    Raises:
        NotFound: there is no counter of that name.
        InvalidArgument: there would be too many windows.
    """
    known = definitions.of(call)
    counter = known.counter(metric)
    customer = billing_periods.customer_of(call, customer_ref)
    billable = known.metric_of(counter)
    counted = usage.cells(call, customer, billable, span)
    by_start: dict[datetime, list[UsageCell]] = {}
    parts = list(_windows(span, interval))
    starts = iter(parts)
    inside = next(starts)
    for cell in sorted(counted, key=lambda one: one.hour):
        while not inside.covers(cell.hour):
            inside = next(starts)
        by_start.setdefault(inside.starting_at, []).append(cell)
    values = [
        (part, windows.quantity(billable, by_start.get(part.starting_at, [])) or Decimal(0))
        for part in parts
    ]
    total = windows.quantity(billable, counted) or Decimal(0)
    return History(counter, span, values, total)


def _windows(span: Period, interval: Interval) -> Iterator[Period]:
    if span.ending_before - span.starting_at > _LONGEST:
        raise InvalidArgument(f"since: more than {_LONGEST.days} days before until")
    if interval == "month":
        yield from (part for _, part in months.of(span))
        return
    size = _SIZES[interval]
    hours = (span.ending_before - span.starting_at) // timedelta(hours=1)
    if hours // (1 if size is WindowSize.HOUR else 24) > _MOST_WINDOWS:
        raise InvalidArgument(f"interval: the span has more than {_MOST_WINDOWS} of them")
    yield from windows.aligned(span, size)


def projections(call: Call, customer_ref: str) -> list[Projection]:
    """Returns the customer's open billing periods, so far and to their end.

    The rating core that makes invoices prices both; only the usage of the second is forecast.

    Raises:
        Unprocessable: no contract runs, so there is nothing to price usage by.
    """
    customer = billing_periods.customer_of(call, customer_ref)
    running = [
        (contract, period)
        for contract, period, _ in open_periods.of_customer(call, customer.id)
        if period.covers(call.now)
    ]
    if not running:
        raise Unprocessable(f"{customer_ref} has no contract that runs now: nothing is priced")
    last = _last_event_at(call, customer)
    reading = Reading(cells=_forecast)
    so_far = {draft.id: draft for draft in settled_drafts.of_customer(call, customer)}
    return [
        Projection(
            period=Period(*_ends(draft)),
            so_far=so_far[draft.id],
            projected=draft,
            elapsed=forecasts.elapsed(Period(*_ends(draft)), call.now),
            last_event_at=last,
        )
        for draft in settled_drafts.of_customer(call, customer, reading)
        if Period(*_ends(draft)).covers(call.now)
    ]


def _ends(draft: Invoice) -> tuple[datetime, datetime]:
    period = draft.period
    if period is None:
        raise LookupError(f"usage draft {draft.id} has no period")
    return period


def _forecast(
    call: Call,
    customer: Customer,
    metric: BillableMetric,
    span: Period,
    received_before: datetime | None,
) -> list[UsageCell]:
    counted = usage.cells(call, customer, metric, span, received_before=received_before)
    return [*counted, *forecasts.to_come(metric, counted, span, call.now)]


def _last_event_at(call: Call, customer: Customer) -> datetime | None:
    day_end = hour_of(call.now) + timedelta(hours=25)
    until, earliest = day_end, call.now - _LOOKED_BACK
    while until > earliest:
        since = until - timedelta(days=1)
        keys = customer.usage_keys
        events = raw_events.events(call.store, call.tenant, keys, Period(since, until))
        if events:
            return events[-1].event.timestamp
        until = since
    return None
