"""Metered events in: each is counted once, and each has a result of its own.

What is wrong with one event says nothing about the others. Events that can count go to the ledger
like all usage; those that come too late become adjustments.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Final, NamedTuple

import msgspec

from backbeat.application import ingest
from backbeat.application.metering import (
    alerts,
    billing_periods,
    definitions,
    late_events,
    references,
)
from backbeat.application.metering.caps import Guard, Verdict
from backbeat.application.metering.definitions import Definitions
from backbeat.application.metering.late_events import LateEvent
from backbeat.application.services import Call
from backbeat.domain import event_keys
from backbeat.models.adjustments import AdjustmentStatus
from backbeat.models.counters import (
    QUANTITY,
    RESOURCE,
    Counter,
    EventResult,
    Outcome,
    SentEvent,
    Source,
)
from backbeat.models.errors import InvalidArgument
from backbeat.models.period import Period
from backbeat.models.usage import PropertyValue, StoredEvent, UsageEvent
from backbeat.persistence import raw_events, usage

LONGEST_SPAN: Final = timedelta(days=400)
"""How much time events are looked for in at once: each day is read by itself."""

_AHEAD: Final = timedelta(hours=1)
_META_BYTES: Final = 4096
_DIGITS: Final = 24
"""Before and behind the decimal point: what sums keep exactly."""
_SOURCES: Final = {source: source.value for source in Source}
_SYSTEM: Final = (QUANTITY, RESOURCE, "source", "adjustment_id", "operation_id")
"""Properties of a stored event that are not from its sender's `meta`."""


class _Timing(Enum):
    """How late an event comes: in time, late in an open period, or too late to count by itself."""

    IN_TIME = "in_time"
    LATE = "late"
    TOO_LATE = "too_late"


class _Taken(NamedTuple):
    """An event that passed all checks, with its place in the request."""

    number: int
    event: SentEvent
    counter: Counter
    usage: UsageEvent
    timing: _Timing
    warning: str | None


def take(
    call: Call,
    events: Sequence[SentEvent],
    *,
    header_key: str | None = None,
    operation_id: str | None = None,
    accepts_late: bool = False,
) -> list[EventResult]:
    """Stores and counts events; returns what became of each, in their order.

    An event's key is its own, else the header's (with its index where there are several), else
    the derived one. With `accepts_late`, whoever sends them answers for their age.

    Raises:
        Retryable: the store could not take all of it now; sending all again completes it.
    """
    known = definitions.of(call)
    results: dict[int, EventResult] = {}
    taken = list(_checked(call, known, events, header_key, operation_id, results))
    if accepts_late:
        taken = [one._replace(timing=_Timing.IN_TIME) for one in taken]
    in_time = [one for one in taken if one.timing is _Timing.IN_TIME]
    references.note(call, {one.event.customer_ref for one in in_time})
    held = ingest.ingest(call, [one.usage for one in in_time], any_age=True) if in_time else {}
    for one in in_time:
        key = one.usage.transaction_id
        again = key in held and not _is_own(held[key], operation_id)
        outcome = Outcome.DUPLICATE if again else Outcome.ACCEPTED
        warning = None if again else one.warning
        results[one.number] = EventResult(one.number, key, outcome, None, None, warning)
    if len(in_time) < len(taken):
        results.update(_late(call, [one for one in taken if one.timing is not _Timing.IN_TIME]))
    alerts.usage_arrived(call, known, ((one.event.metric, one.event.customer_ref) for one in taken))
    return [results[index] for index in range(len(events))]


def page(
    call: Call,
    span: Period,
    *,
    metric: str | None,
    customer_ref: str | None,
    source: str | None,
    after: tuple[str, str] | None,
    limit: int,
) -> list[tuple[str, StoredEvent]]:
    """Returns metered events of a span behind a position, each with its own position.

    They are in order of customer reference, then the newest first.

    Raises:
        InvalidArgument: the span is longer than events are looked for at once.
    """
    if span.ending_before - span.starting_at > LONGEST_SPAN:
        raise InvalidArgument(f"since: more than {LONGEST_SPAN.days} days before until")
    refs = references.every(call) if customer_ref is None else [customer_ref]
    counters = definitions.of(call).counters
    found: list[tuple[str, StoredEvent]] = []
    for ref in refs:
        if after is not None and ref < after[0]:
            continue
        for position, stored in _newest_first(call, ref, span):
            if after is not None and ref == after[0] and position >= after[1]:
                continue
            event = stored.event
            if event.event_type not in counters or metric not in (None, event.event_type):
                continue
            if source not in (None, event.properties.get("source")):
                continue
            found.append((position, stored))
            if len(found) == limit:
                return found
    return found


def meta_of(event: UsageEvent) -> dict[str, PropertyValue]:
    """Returns what an event's sender said beside its quantity."""
    return {name: value for name, value in event.properties.items() if name not in _SYSTEM}


def _newest_first(call: Call, customer_ref: str, span: Period) -> Iterator[tuple[str, StoredEvent]]:
    end = span.ending_before
    while end > span.starting_at:
        midnight = (end - timedelta(microseconds=1)).replace(
            hour=0, minute=0, second=0, microsecond=0
        )
        day = Period(max(midnight, span.starting_at), end)
        events = raw_events.events(call.store, call.tenant, [customer_ref], day)
        positions = [
            (
                f"{one.event.timestamp.isoformat(timespec='microseconds')}|{one.event.transaction_id}",
                one,
            )
            for one in events
        ]
        yield from sorted(positions, key=lambda pair: pair[0], reverse=True)
        end = day.starting_at


def _checked(
    call: Call,
    known: Definitions,
    events: Sequence[SentEvent],
    header_key: str | None,
    operation_id: str | None,
    results: dict[int, EventResult],
) -> Iterator[_Taken]:
    """Yields the events that may count; of the others, the results say why not."""
    guard = Guard(call, known)
    lateness = _Lateness(call)
    texts = _Texts()
    seen: set[str] = set()
    # What somebody brings in afterwards has been used already.
    capped = {cap.metric for cap in known.caps} if operation_id is None else set()
    latest = call.now + _AHEAD
    for index, event in enumerate(events):
        key = event.key or _key(event, header_key, index, len(events))
        counter = known.counters.get(event.metric)
        text = texts.of(event.quantity)
        problem = _problem(counter, event, text, latest)
        if counter is None or problem is not None:
            results[index] = EventResult(index, key, Outcome.ERROR, problem)
            continue
        if key in seen:
            results[index] = EventResult(index, key, Outcome.DUPLICATE)
            continue
        seen.add(key)
        usage_event = _usage_event(event, key, text, operation_id)
        warning = None
        # An event that was counted before is no more usage.
        if event.metric in capped and not _is_stored(call, key):
            verdict = guard.verdict(counter, usage_event)
            if verdict is not None and not verdict.allowed:
                results[index] = EventResult(index, key, Outcome.ERROR, _refusal(verdict))
                continue
            warning = None if verdict is None else verdict.warning
        timing = lateness.of(counter, event)
        yield _Taken(index, event, counter, usage_event, timing, warning)


def _refusal(verdict: Verdict) -> str:
    limit = verdict.cap.limit if verdict.cap else verdict.used
    return (
        f"over the hard cap of {limit:f}: {verdict.used:f} used,"
        f" until {verdict.period.ending_before.isoformat()}"
    )


def _problem(
    counter: Counter | None, event: SentEvent, quantity: str, latest: datetime
) -> str | None:
    if counter is None:
        return f"metric: there is no counter {event.metric}"
    if event.timestamp > latest:
        return "ts: more than an hour in the future"
    if event.meta:
        for name in _SYSTEM:
            if name in event.meta:
                return f"meta.{name}: is set by the system"
        if len(msgspec.json.encode(event.meta)) > _META_BYTES:
            return f"meta: more than {_META_BYTES} bytes"
    # Fewer characters have fewer digits; few numbers need a closer look.
    if len(quantity) > _DIGITS and not _is_exact(event.quantity):
        return f"quantity: more than {_DIGITS} digits before or behind the decimal point"
    return None


class _Texts:
    """Quantities as text. They repeat, and writing one takes longer than looking it up."""

    def __init__(self) -> None:
        self._known: dict[Decimal, str] = {}

    def of(self, quantity: Decimal) -> str:
        text = self._known.get(quantity)
        if text is None:
            text = self._known[quantity] = event_keys.plain(quantity)
        return text


def _is_exact(quantity: Decimal) -> bool:
    exponent = quantity.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -_DIGITS and quantity.adjusted() < _DIGITS


def _key(event: SentEvent, header_key: str | None, index: int, count: int) -> str:
    if header_key is not None:
        # One key for several events would make all but the first of them repeats.
        return header_key if count == 1 else f"{header_key}:{index}"
    return event_keys.derived_key(
        event.metric,
        event.customer_ref,
        resource_id=event.resource_id,
        timestamp=event.timestamp,
        quantity=event.quantity,
        sequence=event.sequence,
    )


def _usage_event(event: SentEvent, key: str, quantity: str, operation_id: str | None) -> UsageEvent:
    properties: dict[str, PropertyValue] = {QUANTITY: quantity, "source": _SOURCES[event.source]}
    if event.meta:
        properties = {**event.meta, **properties}
    if event.resource_id is not None:
        properties[RESOURCE] = event.resource_id
    if operation_id is not None:
        properties["operation_id"] = operation_id
    return UsageEvent(key, event.customer_ref, event.metric, event.timestamp, properties)


class _Lateness:
    """Tells how late events come. Periods are looked up for late ones only."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._open: dict[tuple[str, datetime], bool] = {}
        self._in_time_from: dict[str, datetime] = {}

    def of(self, counter: Counter, event: SentEvent) -> _Timing:
        """Returns how late an event is (X-29, X-30).

        Inside the counter's window and an open period it is in time. Older, it is late where the
        period is open and the amount within the counter's limit.
        """
        since = self._in_time_from.get(counter.name)
        if since is None:
            since = self._in_time_from[counter.name] = self._surely_in_time(counter)
        if event.timestamp >= since:
            return _Timing.IN_TIME
        if not self._is_open(event):
            return _Timing.TOO_LATE
        if self._call.now - event.timestamp <= counter.late_window:
            return _Timing.IN_TIME
        return _Timing.LATE if event.quantity <= counter.late_limit else _Timing.TOO_LATE

    def _surely_in_time(self, counter: Counter) -> datetime:
        """Returns from when on events are in time, whatever period they are of."""
        # A period of theirs that has ended since then still takes changes.
        return self._call.now - min(billing_periods.LATE_CHANGES, counter.late_window)

    def _is_open(self, event: SentEvent) -> bool:
        day = event.timestamp.replace(minute=0, second=0, microsecond=0)
        place = (event.customer_ref, day)
        if place not in self._open:
            customer = billing_periods.customer_of(self._call, event.customer_ref)
            period = billing_periods.period_of(self._call, customer, event.timestamp)
            self._open[place] = billing_periods.takes_changes(self._call, period)
        return self._open[place]


def _is_stored(call: Call, key: str) -> bool:
    return any(not repeat for _, repeat in usage.events_of(call.store, call.tenant, key))


def _is_own(stored: StoredEvent, operation_id: str | None) -> bool:
    """Tells whether an event was stored by the very backfill that brings it.

    One that goes on after a crash meets its own events, and they are accepted ones.
    """
    return operation_id is not None and stored.event.properties.get("operation_id") == operation_id


def _late(call: Call, late: Sequence[_Taken]) -> dict[int, EventResult]:
    """Makes adjustments of events, and counts those at once that nobody need look at."""
    if not late:
        return {}
    made = late_events.keep(
        call,
        [
            LateEvent(
                one.event,
                one.usage.transaction_id,
                approved=one.timing is _Timing.LATE,
                observes=one.counter.observes,
            )
            for one in late
        ],
    )
    results = {}
    for one in late:
        key = one.usage.transaction_id
        kept, is_new = made.get(key, (None, False))
        adjustment_id = None if kept is None else kept.id
        outcome = Outcome.DUPLICATE
        if is_new and kept is not None:
            pending = kept.status is AdjustmentStatus.PENDING
            outcome = Outcome.PENDING if pending else Outcome.ACCEPTED
        warning = one.warning if outcome is Outcome.ACCEPTED else None
        results[one.number] = EventResult(
            one.number, key, outcome, adjustment_id=adjustment_id, warning=warning
        )
    return results
