"""Usage events in: stored once, counted once."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import chain
from typing import Final, NamedTuple

from backbeat.application import catalog
from backbeat.application.services import Call
from backbeat.domain import metering
from backbeat.domain.metering import Count
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
    _refuse_out_of_window(call, events)
    first: dict[str, UsageEvent] = {}
    repeats = [
        event for event in events if first.setdefault(event.transaction_id, event) is not event
    ]
    pending = _counted(call, list(first.values()))
    while pending:
        pending, taken = _commit_chunk(call, pending)
        for counted, item in taken:
            if _is_free_again(call, counted.event, item):
                _supersede(call, counted, item)
            else:
                repeats.append(counted.event)
    _note_repeats(call, repeats)


def _refuse_out_of_window(call: Call, events: Sequence[UsageEvent]) -> None:
    earliest, latest = call.now - _OLDEST, call.now + _FUTURE
    for number, event in enumerate(events):
        if event.timestamp > latest:
            raise InvalidArgument(f"[{number}].timestamp: more than 24 hours in the future")
        # Decision D-15: the whole batch is refused.
        if event.timestamp < earliest:
            raise InvalidArgument(f"[{number}].timestamp: more than 34 days in the past")


def _counted(call: Call, events: Sequence[UsageEvent]) -> list[_Counted]:
    """Returns the events with what they add, those of the same cells one after the other.

    So the chunks of a request have few cells in common, each of which is added to per chunk.
    """
    counts = metering.counts_of(events, catalog.metrics(call))
    if max(map(len, counts)) >= MAX_EFFECTS:
        raise InvalidArgument("one event counts for more metrics than can be stored at once")
    alike: dict[tuple[CellKey, ...], list[_Counted]] = {}
    for counted in map(_Counted, events, counts):
        cells = tuple([cell for cell, _ in counted.counts])
        alike.setdefault(cells, []).append(counted)
    return list(chain.from_iterable(alike.values()))


def _commit_chunk(
    call: Call, pending: list[_Counted]
) -> tuple[list[_Counted], list[tuple[_Counted, Item]]]:
    """Commits what fits one transaction.

    Returns what is still to be committed, and the events whose transaction id was taken, each with
    the item that holds it.
    """
    size = _fitting(pending)
    chunk, later = pending[:size], pending[size:]
    try:
        call.store.transact([*_puts(call, chunk), *_adds(call, chunk)])
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


def _puts(call: Call, chunk: Iterable[_Counted]) -> list[Put]:
    events = [counted.event for counted in chunk]
    return usage.put_events(
        call.tenant, events, received_at=call.now, real_now=call.services.clock.now()
    )


def _adds(call: Call, chunk: Iterable[_Counted]) -> list[Add]:
    added = metering.tallies(counted.counts for counted in chunk)
    return usage.add_to_cells(call.tenant, added, slot=call.services.cell_slot)


def _is_free_again(call: Call, event: UsageEvent, item: Item) -> bool:
    accepted_at = usage.stored_event(item, event.transaction_id).received_at
    return accepted_at + DEDUPLICATION <= call.now


def _supersede(call: Call, counted: _Counted, item: Item) -> None:
    """Accepts an event whose transaction id was used before the deduplication window."""
    event = counted.event
    accepted = usage.event_item(
        call.tenant,
        StoredEvent(event, call.now),
        real_now=call.services.clock.now(),
        version=item.version + 1,
    )
    work = UnitOfWork(call.store)
    work.add(
        Put(usage.superseded_item(call.tenant, event.transaction_id, item)),
        Put(accepted, Version(item.version)),
        *_adds(call, [counted]),
    )
    work.commit()


def _note_repeats(call: Call, repeats: Sequence[UsageEvent]) -> None:
    if not repeats:
        return
    real_now = call.services.clock.now()
    call.store.put_many(
        usage.repeat_item(
            call.tenant, StoredEvent(event, call.now), call.services.ids.new(), real_now=real_now
        )
        for event in repeats
    )
