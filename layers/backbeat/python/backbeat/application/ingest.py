"""Usage events in: stored once, counted once."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from itertools import chain, groupby
from operator import attrgetter
from typing import Final, NamedTuple

from backbeat.application import alert_triggers, arrivals, catalog, recharge_triggers, tracking
from backbeat.application.services import Call
from backbeat.domain import metering
from backbeat.domain.metering import Counted, Share
from backbeat.models.catalog import BillableMetric
from backbeat.models.errors import InvalidArgument, Retryable
from backbeat.models.usage import CellKey, StoredEvent, UsageEvent
from backbeat.persistence import usage
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import (
    MAX_EFFECTS,
    Add,
    Append,
    Contention,
    Item,
    Put,
    Record,
    TransactionCancelled,
    Version,
)

DEDUPLICATION: Final = timedelta(days=34)
"""How long after its acceptance an event keeps its transaction id to itself."""

_OLDEST: Final = timedelta(days=34)
_FUTURE: Final = timedelta(hours=24)


class _Pending(NamedTuple):
    """An event that is to be committed: what it counts for, and what is stored of it."""

    counted: Counted
    record: Record


def ingest(
    call: Call, events: Sequence[UsageEvent], *, any_age: bool = False
) -> Mapping[str, StoredEvent]:
    """Stores and counts the events whose transaction ids are new; notes the others as repeats.

    Events and their effect on the counters commit together, in chunks: after a failure in between,
    sending the same events again completes the work and counts nothing twice. Returns what was
    accepted before, by transaction id. With `any_age`, no event is too old: somebody looked at it.

    Raises:
        InvalidArgument: an event lies outside the time window, or counts for more metrics than can
            be stored at once; nothing was stored.
        Retryable: the store could not take all of it now.
    """
    if not any_age:
        events = _in_window(call, events)
    first: dict[str, UsageEvent] = {}
    repeats = [
        event for event in events if first.setdefault(event.transaction_id, event) is not event
    ]
    metrics, watched = catalog.what_counts(call)
    accepted = tracking.acceptance(call, first.values(), metrics)
    alike = _alike(first.values(), metrics)
    # Few customers and hours, though there may be many groups.
    tracking.mark_days(call, {(share.customer_key, share.hour) for share in alike})
    pending = _pending(call, alike, accepted)
    held: dict[str, StoredEvent] = {}
    while pending:
        pending, taken = _commit_chunk(call, pending)
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
    customer_keys = [*dict.fromkeys(event.customer_key for event in events)]
    recharge_triggers.usage_arrived(call, customer_keys)
    alert_triggers.usage_arrived(call, watched, customer_keys)
    call.services.count("EventsAccepted", len(first) - len(held))
    if repeats:
        call.services.count("EventsDuplicate", len(repeats))
    return held


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


def _alike(
    events: Iterable[UsageEvent], metrics: Sequence[BillableMetric]
) -> dict[Share, list[Counted]]:
    """Returns the events with what they add, by what is alike in it."""
    alike: dict[Share, list[Counted]] = {}
    for counted in metering.counted(events, metrics):
        alike.setdefault(counted.share, []).append(counted)
    if any(len(share.cells) >= MAX_EFFECTS for share in alike):
        raise InvalidArgument("one event counts for more metrics than can be stored at once")
    return alike


def _pending(
    call: Call, alike: Mapping[Share, Sequence[Counted]], accepted: tracking.Acceptance
) -> list[_Pending]:
    """Returns the events as they are to be stored, alike ones one after the other.

    So the chunks of a request have few cells in common, each of which is added to per chunk.
    """
    counted = list(chain.from_iterable(alike.values()))
    records = usage.records(call.tenant, [accepted.of(each.event) for each in counted])
    return list(map(_Pending, counted, records))


def _commit_chunk(
    call: Call, pending: list[_Pending]
) -> tuple[list[_Pending], list[tuple[Counted, Item]]]:
    """Commits what fits one transaction.

    Returns what is still to be committed, and the events whose transaction id was taken, each with
    the item that holds it.
    """
    size = _fitting(pending, call.store.max_effects)
    chunk, later = pending[:size], pending[size:]
    try:
        call.store.transact([_append(call, chunk), *_adds(call, (each.counted for each in chunk))])
    except TransactionCancelled as cancelled:
        taken = {
            failure.index: failure.item
            for failure in cancelled.failures
            if failure.item is not None
        }
        remaining = [each for number, each in enumerate(chunk) if number not in taken]
        return remaining + later, [(chunk[number].counted, taken[number]) for number in taken]
    except Contention as contention:
        raise Retryable("The store is busy. Send the same events again.") from contention
    except ArithmeticError as error:
        raise InvalidArgument("usage of one hour would add up to more than 38 digits") from error
    return later, []


def _fitting(pending: Iterable[_Pending], max_effects: int) -> int:
    """Returns how many of the first events fit one transaction together with their cells."""
    cells: set[CellKey] = set()
    size = 0
    for share, alike in groupby(pending, key=attrgetter("counted.share")):
        cells.update(share.cells)
        room = max_effects - len(cells) - size
        number = len(list(alike))
        size += max(0, min(number, room))
        if room <= number:
            break
    return size


def _append(call: Call, chunk: Iterable[_Pending]) -> Append:
    records = [each.record for each in chunk]
    return usage.append_events(call.tenant, records, real_now=call.services.clock.now())


def _adds(call: Call, chunk: Iterable[Counted]) -> list[Add]:
    added = metering.tallies(chunk)
    return usage.add_to_cells(call.tenant, added, slot_of=arrivals.slot_of(call, call.now))


def _is_free_again(call: Call, event: UsageEvent, item: Item) -> bool:
    accepted_at = usage.stored_event(item, event.transaction_id).received_at
    return accepted_at + DEDUPLICATION <= call.now


def _supersede(call: Call, counted: Counted, item: Item, accepted: tracking.Acceptance) -> None:
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
