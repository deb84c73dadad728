"""Usage events in: stored once, counted once."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final

from backbeat.application import catalog, tracking
from backbeat.application.services import Call
from backbeat.domain import metering
from backbeat.models.catalog import BillableMetric
from backbeat.models.errors import InvalidArgument
from backbeat.models.usage import CellKey, StoredEvent, Tally, UsageEvent
from backbeat.persistence import usage
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import (
    MAX_EFFECTS,
    Effect,
    Item,
    Put,
    TransactionCancelled,
    Version,
)

DEDUPLICATION: Final = timedelta(days=34)
"""How long after its acceptance an event keeps its transaction id to itself."""

_OLDEST: Final = timedelta(days=34)
_FUTURE: Final = timedelta(hours=24)


def ingest(call: Call, events: Sequence[UsageEvent]) -> None:
    """Stores and counts the events whose transaction ids are new; notes the others as repeats.

    Events and their effect on the counters commit together, in chunks: after a failure in between,
    sending the same events again completes the work and counts nothing twice.

    Raises:
        InvalidArgument: an event lies outside the time window; nothing was stored.
        Retryable: the store could not take all of it now.
    """
    events = _in_window(call, events)
    metrics = catalog.metrics(call)
    tracking.mark_hours(call, events)
    first: dict[str, UsageEvent] = {}
    repeats: list[UsageEvent] = []
    for event in events:
        if first.setdefault(event.transaction_id, event) is not event:
            repeats.append(event)
    accepted = tracking.acceptance(call, first.values(), metrics)
    pending = list(first.values())
    held: dict[str, StoredEvent] = {}
    while pending:
        pending, taken = _commit_chunk(call, pending, metrics, accepted)
        for event, item in taken:
            if _is_free_again(call, event, item):
                _supersede(call, event, item, metrics, accepted)
            else:
                repeats.append(event)
                held[event.transaction_id] = usage.stored_event(item, event.transaction_id)
    taken_first = (event for id_, event in first.items() if id_ not in held)
    tracking.track(call, accepted, taken_first, held.values())
    _note_repeats(call, repeats)


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


def _commit_chunk(
    call: Call,
    pending: Sequence[UsageEvent],
    metrics: Sequence[BillableMetric],
    accepted: tracking.Acceptance,
) -> tuple[list[UsageEvent], list[tuple[UsageEvent, Item]]]:
    """Commits what fits one transaction.

    Returns what is still to be committed, and the events whose transaction id was taken, each with
    the item that holds it.
    """
    chunk, cells = _fitting(pending, metrics)
    effects: list[Effect] = [_put(call, accepted.of(event)) for event in chunk]
    effects += _adds(call, cells)
    try:
        call.store.transact(effects)
    except TransactionCancelled as cancelled:
        taken = {
            failure.index: failure.item
            for failure in cancelled.failures
            if failure.item is not None
        }
        remaining = [event for number, event in enumerate(chunk) if number not in taken]
        return (
            [*remaining, *pending[len(chunk) :]],
            [(chunk[number], item) for number, item in taken.items()],
        )
    return list(pending[len(chunk) :]), []


def _fitting(
    pending: Sequence[UsageEvent], metrics: Sequence[BillableMetric]
) -> tuple[Sequence[UsageEvent], dict[CellKey, Tally]]:
    """Returns as many of the first events as fit one transaction together with their cells."""
    size = min(len(pending), MAX_EFFECTS)
    while True:
        chunk = pending[:size]
        cells = metering.cells_of(chunk, metrics)
        surplus = size + len(cells) - MAX_EFFECTS
        if surplus <= 0:
            return chunk, cells
        if size == 1:
            raise InvalidArgument("one event counts for more metrics than can be stored at once")
        # Fewer events make fewer cells, so this may take away more than it must, never too little.
        size = max(1, size - surplus)


def _put(call: Call, stored: StoredEvent) -> Put:
    return usage.put_event(call.tenant, stored, real_now=call.services.clock.now())


def _adds(call: Call, cells: dict[CellKey, Tally]) -> Iterator[Effect]:
    for key, tally in cells.items():
        yield usage.add_to_cell(call.tenant, key, tally, slot=call.services.cell_slot)


def _is_free_again(call: Call, event: UsageEvent, item: Item) -> bool:
    accepted_at = usage.stored_event(item, event.transaction_id).received_at
    return accepted_at + DEDUPLICATION <= call.now


def _supersede(
    call: Call,
    event: UsageEvent,
    item: Item,
    metrics: Sequence[BillableMetric],
    accepted: tracking.Acceptance,
) -> None:
    """Accepts an event whose transaction id was used before the deduplication window."""
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
        *_adds(call, metering.cells_of([event], metrics)),
    )
    work.commit()


def _note_repeats(call: Call, repeats: Sequence[UsageEvent]) -> None:
    if not repeats:
        return
    real_now = call.services.clock.now()
    call.store.put_many(
        usage.repeat_item(call.tenant, StoredEvent(event, call.now), number, real_now=real_now)
        for number, event in enumerate(repeats)
    )
