"""Usage events in: stored once, counted once."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from decimal import Inexact
from itertools import chain
from typing import Final, NamedTuple

from backbeat.application import catalog, tracking
from backbeat.application.services import Call
from backbeat.domain import metering
from backbeat.domain.metering import Count
from backbeat.models.catalog import BillableMetric
from backbeat.models.errors import InvalidArgument, Retryable
from backbeat.models.usage import CellKey, StoredEvent, UsageEvent
from backbeat.persistence import usage
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import (
    MAX_EFFECTS,
    Add,
    Contention,
    Item,
    Put,
    TransactionCancelled,
    Version,
)

DEDUPLICATION: Final = timedelta(days=34)
"""How long after its acceptance an event keeps its transaction id to itself."""

_OLDEST: Final = timedelta(days=34)
_FUTURE: Final = timedelta(hours=24)


class _Counted(NamedTuple):
    """An event and what it adds to usage cells."""

    event: UsageEvent
    counts: Sequence[Count]


def ingest(call: Call, events: Sequence[UsageEvent]) -> None:
    """Stores and counts the events whose transaction ids are new; notes the others as repeats.

    Events and their effect on the counters commit together, in chunks: after a failure in between,
    sending the same events again completes the work and counts nothing twice.

    Raises:
        InvalidArgument: an event lies outside the time window, or counts for more metrics than can
            be stored at once; nothing was stored.
        Retryable: the store could not take all of it now.
    """
    events = _in_window(call, events)
    tracking.mark_hours(call, events)
    first: dict[str, UsageEvent] = {}
    repeats = [
        event for event in events if first.setdefault(event.transaction_id, event) is not event
    ]
    metrics = catalog.metrics(call)
    accepted = tracking.acceptance(call, first.values(), metrics)
    pending = _counted(list(first.values()), metrics)
    held: dict[str, StoredEvent] = {}
    while pending:
        pending, taken = _commit_chunk(call, pending, accepted)
        for counted, item in taken:
            event = counted.event
            if _is_free_again(call, event, item):
                _supersede(call, counted, item, accepted)
            else:
                repeats.append(event)
                held[event.transaction_id] = usage.stored_event(item, event.transaction_id)
    taken_first = (event for id_, event in first.items() if id_ not in held)
    tracking.track(call, accepted, taken_first, held.values())
    _note_repeats(call, repeats)
    call.services.count("EventsAccepted", len(first) - len(held))
    if repeats:
        call.services.count("EventsDuplicate", len(repeats))


def _in_window(call: Call, events: Sequence[UsageEvent]) -> Sequence[UsageEvent]:
    """Returns the events to take.

    Decision D-15: a batch with an event that is too old is refused, unless this stage is set to
    take the others without a word.
    """
    earliest, latest = call.now - _OLDEST, call.now + _FUTURE
    for number, event in enumerate(events):
        if event.timestamp > latest:
            raise InvalidArgument(f"[{number}].timestamp: more than 24 hours in the future")
        if event.timestamp < earliest and not call.services.drops_old_events:
            raise InvalidArgument(f"[{number}].timestamp: more than 34 days in the past")
    if not call.services.drops_old_events:
        return events
    return [event for event in events if event.timestamp >= earliest]


def _counted(events: Sequence[UsageEvent], metrics: Sequence[BillableMetric]) -> list[_Counted]:
    """Returns the events with what they add, those of the same cells one after the other.

    So the chunks of a request have few cells in common, each of which is added to per chunk.
    """
    counts = metering.counts_of(events, metrics)
    if max(map(len, counts), default=0) >= MAX_EFFECTS:
        raise InvalidArgument("one event counts for more metrics than can be stored at once")
    alike: dict[CellKey | None, list[_Counted]] = {}
    for counted in map(_Counted, events, counts):
        # Events that share one metric's cell mostly share the others'.
        cell = counted.counts[0][0] if counted.counts else None
        alike.setdefault(cell, []).append(counted)
    return list(chain.from_iterable(alike.values()))


def _commit_chunk(
    call: Call, pending: list[_Counted], accepted: tracking.Acceptance
) -> tuple[list[_Counted], list[tuple[_Counted, Item]]]:
    """Commits what fits one transaction.

    Returns what is still to be committed, and the events whose transaction id was taken, each with
    the item that holds it.
    """
    size = _fitting(pending)
    chunk, later = pending[:size], pending[size:]
    try:
        call.store.transact([*_puts(call, chunk, accepted), *_adds(call, chunk)])
    except TransactionCancelled as cancelled:
        taken = {
            failure.index: failure.item
            for failure in cancelled.failures
            if failure.item is not None
        }
        remaining = [counted for number, counted in enumerate(chunk) if number not in taken]
        return remaining + later, [(chunk[number], item) for number, item in taken.items()]
    except Contention as contention:
        raise Retryable("The store is busy. Send the same events again.") from contention
    except Inexact as inexact:
        raise InvalidArgument("usage of one hour would add up to more than 38 digits") from inexact
    return later, []


def _fitting(pending: Iterable[_Counted]) -> int:
    """Returns how many of the first events fit one transaction together with their cells."""
    cells: set[CellKey] = set()
    size = 0
    for counted in pending:
        cells.update([cell for cell, _ in counted.counts])
        if size + 1 + len(cells) > MAX_EFFECTS:
            break
        size += 1
    return size


def _puts(call: Call, chunk: Iterable[_Counted], accepted: tracking.Acceptance) -> list[Put]:
    stored = [accepted.of(counted.event) for counted in chunk]
    return usage.put_events(call.tenant, stored, real_now=call.services.clock.now())


def _adds(call: Call, chunk: Iterable[_Counted]) -> list[Add]:
    added = metering.tallies(counted.counts for counted in chunk)
    return usage.add_to_cells(call.tenant, added, slot=call.services.cell_slot)


def _is_free_again(call: Call, event: UsageEvent, item: Item) -> bool:
    accepted_at = usage.stored_event(item, event.transaction_id).received_at
    return accepted_at + DEDUPLICATION <= call.now


def _supersede(call: Call, counted: _Counted, item: Item, accepted: tracking.Acceptance) -> None:
    """Accepts an event whose transaction id was used before the deduplication window."""
    event = counted.event
    replacement = usage.event_item(
        call.tenant,
        accepted.of(event),
        real_now=call.services.clock.now(),
        version=item.version + 1,
    )
    work = UnitOfWork(call.store)
    work.add(
        Put(usage.superseded_item(call.tenant, event.transaction_id, item)),
        Put(replacement, Version(item.version)),
        *_adds(call, [counted]),
    )
    work.commit()


def _note_repeats(call: Call, repeats: Sequence[UsageEvent]) -> None:
    if not repeats:
        return
    real_now, request_id = call.services.clock.now(), call.services.ids.new()
    call.store.put_many(
        usage.repeat_item(
            call.tenant,
            StoredEvent(event, call.now),
            request_id=request_id,
            number=number,
            real_now=real_now,
        )
        for number, event in enumerate(repeats)
    )
