"""Usage events in: stored once, counted once."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final

from backbeat.application import catalog
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
    _refuse_out_of_window(call, events)
    metrics = catalog.metrics(call)
    first: dict[str, UsageEvent] = {}
    repeats: list[UsageEvent] = []
    for event in events:
        if first.setdefault(event.transaction_id, event) is not event:
            repeats.append(event)
    pending = list(first.values())
    while pending:
        pending, taken = _commit_chunk(call, pending, metrics)
        for event, item in taken:
            if _is_free_again(call, event, item):
                _supersede(call, event, item, metrics)
            else:
                repeats.append(event)
    _note_repeats(call, repeats)


def _refuse_out_of_window(call: Call, events: Sequence[UsageEvent]) -> None:
    earliest, latest = call.now - _OLDEST, call.now + _FUTURE
    for number, event in enumerate(events):
        if event.timestamp > latest:
            raise InvalidArgument(f"[{number}].timestamp: more than 24 hours in the future")
        # Decision D-15: the whole batch is refused.
        if event.timestamp < earliest:
            raise InvalidArgument(f"[{number}].timestamp: more than 34 days in the past")


def _commit_chunk(
    call: Call, pending: Sequence[UsageEvent], metrics: Sequence[BillableMetric]
) -> tuple[list[UsageEvent], list[tuple[UsageEvent, Item]]]:
    """Commits what fits one transaction.

    Returns what is still to be committed, and the events whose transaction id was taken, each with
    the item that holds it.
    """
    chunk, cells = _fitting(pending, metrics)
    effects: list[Effect] = [_put(call, event) for event in chunk]
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


def _put(call: Call, event: UsageEvent) -> Put:
    return usage.put_event(
        call.tenant, StoredEvent(event, call.now), real_now=call.services.clock.now()
    )


def _adds(call: Call, cells: dict[CellKey, Tally]) -> Iterator[Effect]:
    for key, tally in cells.items():
        yield usage.add_to_cell(call.tenant, key, tally, slot=call.services.cell_slot)


def _is_free_again(call: Call, event: UsageEvent, item: Item) -> bool:
    accepted_at = usage.stored_event(item, event.transaction_id).received_at
    return accepted_at + DEDUPLICATION <= call.now


def _supersede(
    call: Call, event: UsageEvent, item: Item, metrics: Sequence[BillableMetric]
) -> None:
    """Accepts an event whose transaction id was used before the deduplication window."""
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
