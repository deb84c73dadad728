"""Metered events in: each is counted once, and each has a result of its own.

What is wrong with one event says nothing about the others. Events that can count go to the ledger
like all usage; those that come too late become adjustments.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from functools import partial
from typing import Final, NamedTuple

import msgspec

from backbeat.application import ingest
from backbeat.application.metering import (
    billing_periods,
    cap_turns,
    definitions,
    late_events,
    references,
    watching,
)
from backbeat.application.metering.cap_turns import Turn
from backbeat.application.metering.caps import Guard, Verdict
from backbeat.application.metering.definitions import Definitions
from backbeat.application.metering.late_events import LateEvent
from backbeat.application.services import Call
from backbeat.domain import event_keys
from backbeat.models.adjustments import AdjustmentStatus
from backbeat.models.counters import (
    QUANTITY,
    RESOURCE,
    SYSTEM_PROPERTIES,
    Counter,
    EventResult,
    Outcome,
    SentEvent,
    Source,
)
from backbeat.models.usage import PropertyValue, StoredEvent, UsageEvent
from backbeat.persistence import usage

_AHEAD: Final = timedelta(hours=1)
_META_BYTES: Final = 4096
_DIGITS: Final = 24
"""Before and behind the decimal point: what sums keep exactly."""
_SOURCES: Final = {source: source.value for source in Source}


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
    is_capped: bool


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
    free = [one for one in taken if not one.is_capped]
    results.update(_count(call, free, operation_id))
    if len(free) < len(taken):
        results.update(_within_caps(call, known, [one for one in taken if one.is_capped]))
    watching.usage_arrived(
        call, known, ((one.event.metric, one.event.customer_ref) for one in taken)
    )
    return [results[index] for index in range(len(events))]


def _count(call: Call, taken: Sequence[_Taken], operation_id: str | None) -> dict[int, EventResult]:
    """Stores and counts events that may count; returns what became of each."""
    in_time = [one for one in taken if one.timing is _Timing.IN_TIME]
    references.note(call, {one.event.customer_ref for one in in_time})
    results: dict[int, EventResult] = {}
    held = ingest.ingest(call, [one.usage for one in in_time], any_age=True) if in_time else {}
    for one in in_time:
        key = one.usage.transaction_id
        again = key in held and not _is_own(held[key], operation_id)
        outcome = Outcome.DUPLICATE if again else Outcome.ACCEPTED
        warning = None if again else one.warning
        results[one.number] = EventResult(one.number, key, outcome, None, None, warning)
    if len(in_time) < len(taken):
        results.update(_late(call, [one for one in taken if one.timing is not _Timing.IN_TIME]))
    return results


def _within_caps(call: Call, known: Definitions, taken: Sequence[_Taken]) -> dict[int, EventResult]:
    """Counts events one part after the other, as far as the hard caps on them leave room.

    Each part commits only if nobody used of the same caps since they were read, else it is decided
    on anew: so a cap is kept to the unit, however many requests come at the same time.
    """
    results: dict[int, EventResult] = {}
    for first in range(0, len(taken), cap_turns.MOST_EVENTS):
        part = taken[first : first + cap_turns.MOST_EVENTS]
        used = [(one.counter.name, one.event.customer_ref, one.event.timestamp) for one in part]
        results.update(cap_turns.in_turn(call, known, used, partial(_in_turn, known, part)))
    return results


def _in_turn(known: Definitions, part: Sequence[_Taken], turn: Turn) -> dict[int, EventResult]:
    """Counts events as far as there is room, with the usage as it is in this turn."""
    guard = Guard(turn.call, known)
    results: dict[int, EventResult] = {}
    allowed: list[_Taken] = []
    for one in part:
        key = one.usage.transaction_id
        # An event that was counted before is no more usage.
        if _is_stored(turn.call, key):
            allowed.append(one)
            continue
        verdict = guard.verdict(one.counter, one.usage)
        if verdict is not None and not verdict.allowed:
            results[one.number] = EventResult(one.number, key, Outcome.ERROR, _refusal(verdict))
        else:
            allowed.append(one._replace(warning=None if verdict is None else verdict.warning))
    for number, result in _count(turn.call, allowed, None).items():
        # Stored by an attempt before this one, it was not there when the request came.
        is_new = result.outcome is Outcome.DUPLICATE and turn.has_stored(result.key)
        results[number] = result._replace(outcome=Outcome.ACCEPTED) if is_new else result
    return results


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
    hard = known.hard_caps if operation_id is None else frozenset()
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
        is_capped = event.metric in hard and known.is_capped(event.metric, event.customer_ref)
        # An event that was counted before is no more usage.
        if event.metric in capped and not is_capped and not _is_stored(call, key):
            verdict = guard.verdict(counter, usage_event)
            warning = None if verdict is None else verdict.warning
        timing = lateness.of(counter, event)
        yield _Taken(index, event, counter, usage_event, timing, warning, is_capped)


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
        for name in SYSTEM_PROPERTIES:
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
