"""Replays: events counted anew, held against what was counted, and mended where asked.

Nothing is sent again: the ledger has every event. A replay that finds no difference changes
nothing, so it may run any number of times, and totals never change by it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from backbeat.application import usage
from backbeat.application.metering import cap_turns, definitions, quantities, references
from backbeat.application.metering.listing import LONGEST_SPAN
from backbeat.application.services import Call
from backbeat.domain import counting, measures, metering, windows
from backbeat.models.base import Model
from backbeat.models.catalog import BillableMetric
from backbeat.models.counters import Counter
from backbeat.models.customers import Customer
from backbeat.models.errors import InvalidArgument, Retryable
from backbeat.models.money import EXACT
from backbeat.models.period import Period
from backbeat.models.usage import CellKey, StoredEvent, Tally, UsageCell
from backbeat.persistence import keys, raw_events
from backbeat.persistence import usage as stored_usage
from backbeat.persistence.audited import OWN_EFFECTS
from backbeat.persistence.entities import to_item
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import MAX_EFFECTS, Absent, Put, Version

_TRIES: Final = 5
_AT_ONCE: Final = MAX_EFFECTS - OWN_EFFECTS - 1
"""Cells in a transaction, beside the turn and what the log of changes needs."""
_SLOT: Final = "recounted"
"""What is mended lies in a slot of its own, so that nobody adds to it in between."""


class _Turn(Model):
    """Counts how often events were counted anew: each time needs the one before."""

    number: int = 0


@dataclass(frozen=True, slots=True)
class MetricReplay:
    """What a replay found of a counter: events, late ones among them, and what was off by how much.

    `counter_delta` is what the events come to less what was counted, `watermark` when the latest
    event happened.
    """

    counter: Counter
    events_found: int
    late_events: int
    before: Decimal
    after: Decimal
    affected_customers: tuple[str, ...]
    watermark: datetime | None

    @property
    def counter_delta(self) -> Decimal:
        """What the counter changes by."""
        return EXACT.subtract(self.after, self.before)


@dataclass(frozen=True, slots=True)
class Replay:
    """A replay of a span. `cursor` is where the next one goes on: None when all was looked at."""

    span: Period
    applied: bool
    metrics: tuple[MetricReplay, ...]
    cursor: str | None


def replay(
    call: Call,
    span: Period,
    *,
    metrics: Sequence[str],
    customer_ref: str | None,
    applies: bool,
    cursor: str | None = None,
    limit: int = 100,
) -> Replay:
    """Counts the events of a span of hours anew, customer by customer.

    Raises:
        NotFound: there is no counter of one of the names.
        InvalidArgument: the span is longer than events are looked for at once.
        Retryable: usage kept coming while it was looked at.
    """
    if span.ending_before - span.starting_at > LONGEST_SPAN:
        raise InvalidArgument(f"since: more than {LONGEST_SPAN.days} days before until")
    known = definitions.of(call)
    counters = [known.counter(name) for name in metrics] or list(known.counters.values())
    refs = references.every(call) if customer_ref is None else [customer_ref]
    behind = [ref for ref in refs if cursor is None or ref > cursor]
    shown = behind[:limit]
    customers = quantities.meant(call, shown)
    found = tuple(
        _of_counter(call, counter, known.metric_of(counter), customers, span, applies=applies)
        for counter in counters
    )
    following = shown[-1] if len(behind) > limit else None
    return Replay(span, applies, found, following)


def recount(call: Call, metric: BillableMetric, customer: Customer, span: Period) -> Decimal:
    """Makes what was counted of a customer what its events come to; returns the difference.

    Raises:
        Retryable: usage kept coming while it was looked at.
    """
    if metric.sql is not None:
        return Decimal(0)
    before = quantities.quantity(call, metric, [customer], span)
    for key in customer.usage_keys:
        _mend(call, metric, key, span)
    return EXACT.subtract(quantities.quantity(call, metric, [customer], span), before)


def _of_counter(
    call: Call,
    counter: Counter,
    metric: BillableMetric,
    customers: Sequence[Customer],
    span: Period,
    *,
    applies: bool,
) -> MetricReplay:
    events = late = 0
    before = after = Decimal(0)
    affected: list[str] = []
    watermark: datetime | None = None
    for customer in customers:
        counted, stored = _settled(call, metric, customer, span)
        mine = [one for one in stored if metering.matches(one.event, metric)]
        events += len(mine)
        times = [one.event.timestamp for one in mine]
        watermark = max([*times, *([] if watermark is None else [watermark])], default=None)
        late += sum(one.received_at - one.event.timestamp > counter.late_window for one in mine)
        was = windows.quantity(metric, counted) or Decimal(0)
        now = windows.quantity(metric, counting.cells(metric, stored)) or Decimal(0)
        before, after = EXACT.add(before, was), EXACT.add(after, now)
        if was != now:
            affected.append(customer.id)
            if applies:
                recount(call, metric, customer, span)
    return MetricReplay(counter, events, late, before, after, tuple(affected), watermark)


def _settled(
    call: Call, metric: BillableMetric, customer: Customer, span: Period
) -> tuple[list[UsageCell], list[StoredEvent]]:
    """Returns cells and events of one state: what was counted is the same before and after."""
    counted = usage.cells(call, customer, metric, span)
    for _ in range(_TRIES):
        events = raw_events.events(call.store, call.tenant, customer.usage_keys, span)
        again = usage.cells(call, customer, metric, span)
        if again == counted:
            return counted, events
        counted = again
    raise Retryable("Usage kept coming while it was counted anew. Try again.")


def _mend(call: Call, metric: BillableMetric, customer_key: str, span: Period) -> None:
    """Adds to the cells of a customer key what they differ by from its events."""
    alone = Customer(id=customer_key, name=customer_key, created_at=call.now, updated_at=call.now)
    turn = call.store.get(keys.recount(call.tenant, customer_key, metric.id))
    counted, events = _settled(call, metric, alone, span)
    if metric.is_tracked:
        # No value that was written is greater than its events.
        cap_turns.write_values(call, metric, customer_key, events)
        return
    differences = dict(_differences(metric, customer_key, counted, counting.cells(metric, events)))
    adds = stored_usage.add_to_cells(call.tenant, differences, slot_of=lambda hour: _SLOT)
    for first in range(0, len(adds), _AT_ONCE):
        number = 0 if turn is None else turn.version
        item = to_item(
            keys.recount(call.tenant, customer_key, metric.id),
            _Turn(number=number + 1),
            version=number + 1,
        )
        work = UnitOfWork(call.store)
        work.add(Put(item, Absent() if turn is None else Version(turn.version)))
        work.add(*adds[first : first + _AT_ONCE])
        work.commit()
        turn = item


def _differences(
    metric: BillableMetric,
    customer_key: str,
    counted: Sequence[UsageCell],
    told: Sequence[UsageCell],
) -> Iterator[tuple[CellKey, Tally]]:
    was, now = _tallies(counted), _tallies(told)
    for place in sorted(was.keys() | now.keys(), key=str):
        before, after = was.get(place, Tally(0, Decimal(0))), now.get(place, Tally(0, Decimal(0)))
        count, sum_ = after.count - before.count, EXACT.subtract(after.sum, before.sum)
        if count or sum_:
            hour, groups = place
            yield CellKey(customer_key, metric.id, hour, groups), Tally(count, sum_)


_Place = tuple[datetime, tuple[str | None, ...]]


def _tallies(cells: Sequence[UsageCell]) -> Mapping[_Place, Tally]:
    found: dict[_Place, Tally] = {}
    for cell in cells:
        if isinstance(cell.tally, Tally):
            place = (cell.hour, cell.groups)
            known = found.get(place, Tally(0, Decimal(0)))
            together = measures.together(known, cell.tally)
            assert isinstance(together, Tally)  # noqa: S101 - two tallies make one
            found[place] = together
    return found
