"""Adjustments: changes of usage that are proposed, decided on, and taken back.

An approved one is a usage event, so everything that reads usage sees it, and it counts once however
often approving it is tried. Between a decision and its end lies a status that says so: whoever
asks again completes it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from backbeat.application import ingest
from backbeat.application.metering import alerts, definitions, references
from backbeat.application.services import Call
from backbeat.domain import metering
from backbeat.domain.event_keys import plain
from backbeat.domain.identity import derived_id
from backbeat.models.adjustments import Adjustment, AdjustmentReason, AdjustmentStatus
from backbeat.models.counters import QUANTITY, RESOURCE, SentEvent, Source
from backbeat.models.errors import Conflict, InvalidArgument, NotFound, Unprocessable
from backbeat.models.usage import UsageEvent
from backbeat.persistence import keys
from backbeat.persistence.audited import OWN_EFFECTS
from backbeat.persistence.entities import from_item, page_of_models, to_item, walk
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import (
    MAX_EFFECTS,
    Absent,
    Index,
    IndexKey,
    Item,
    Put,
    Query,
    TransactionCancelled,
    Version,
)

_AT_ONCE: Final = MAX_EFFECTS - OWN_EFFECTS
_BY_LATENESS: Final = "system:late-event"

_STEPS: Final = {
    AdjustmentStatus.APPROVING: AdjustmentStatus.APPROVED,
    AdjustmentStatus.REVERTING: AdjustmentStatus.REVERTED,
}


def create(
    call: Call,
    *,
    metric: str,
    customer_ref: str,
    timestamp: datetime,
    quantity: Decimal,
    reason: AdjustmentReason,
    by: str,
    note: str | None = None,
    request_id: str | None = None,
    meta: Mapping[str, object] | None = None,
) -> Adjustment:
    """Proposes a change. The same `request_id` proposes it once.

    Raises:
        NotFound: there is no counter of that name.
        InvalidArgument: the counter's values do not add up, or it would not count the change.
        Conflict: the request id was used for another change.
    """
    known = definitions.of(call)
    counter = known.counter(metric)
    if not counter.adds_up:
        raise InvalidArgument(f"metric: {metric} is no sum, so there is nothing to add to it")
    id_ = call.services.ids.new() if request_id is None else derived_id("adjustment", request_id)
    wanted = Adjustment(
        id=id_,
        metric=metric,
        customer_ref=customer_ref,
        timestamp=timestamp,
        quantity=quantity,
        reason=reason,
        event_key=f"adj_{id_}",
        note=note,
        request_id=request_id,
        meta=dict(meta or {}),
        created_at=call.now,
        created_by=by,
    )
    if metering.contribution(_event(wanted), known.metric_of(counter)) != quantity:
        raise InvalidArgument("meta: the counter does not count such an event; see its metric")
    kept = _propose(call, wanted)
    if not _is_same(kept, wanted):
        raise Conflict("request_id: was used for another adjustment", conflicting_id=kept.id)
    return kept


class LateEvent(NamedTuple):
    """An event that came late, its key, and whether it counts without anybody's look."""

    event: SentEvent
    key: str
    approved: bool


def of_late_events(call: Call, late: Sequence[LateEvent]) -> dict[str, tuple[Adjustment, bool]]:
    """Keeps events that came late, for review or approved at once, and counts approved ones.

    Returns the adjustment that each key has, and whether it is a new one. An event that is in the
    ledger without ever having been late has none.
    """
    by_key = {one.key: one for one in late}
    known = _late_ones(call, by_key)
    counted = call.store.get_many(keys.event(call.tenant, key) for key in by_key)
    new = [
        _late(call, one)
        for key, one in by_key.items()
        if key not in known and keys.event(call.tenant, key) not in counted
    ]
    kept = {**known, **_propose_all(call, new)}
    begun = [
        item
        for item in kept.values()
        if from_item(item, Adjustment).status is AdjustmentStatus.APPROVING
    ]
    # Also where an earlier request died in between.
    done = _finish_all(call, begun)
    fresh = {one.event_key for one in new}
    return {
        key: (done.get(key) or from_item(item, Adjustment), key in fresh)
        for key, item in kept.items()
    }


def _late_ones(call: Call, event_keys: Iterable[str]) -> dict[str, Item]:
    wanted = {
        keys.adjustment(call.tenant, derived_id("late", event_key)): event_key
        for event_key in event_keys
    }
    return {wanted[key]: item for key, item in call.store.get_many(wanted).items()}


def _late(call: Call, late: LateEvent) -> Adjustment:
    event = late.event
    return Adjustment(
        id=derived_id("late", late.key),
        metric=event.metric,
        customer_ref=event.customer_ref,
        timestamp=event.timestamp,
        quantity=event.quantity,
        reason=AdjustmentReason.LATE,
        event_key=late.key,
        resource_id=event.resource_id,
        meta=dict(event.meta or {}),
        source=event.source,
        status=AdjustmentStatus.APPROVING if late.approved else AdjustmentStatus.PENDING,
        created_at=call.now,
        created_by=_BY_LATENESS,
        decided_at=call.now if late.approved else None,
        decided_by=_BY_LATENESS if late.approved else None,
    )


def _propose_all(call: Call, wanted: Sequence[Adjustment]) -> dict[str, Item]:
    """Stores adjustments; returns by event key those that are there afterwards."""
    kept: dict[str, Item] = {}
    for first in range(0, len(wanted), _AT_ONCE):
        some = wanted[first : first + _AT_ONCE]
        items = {one.event_key: _item(call, one) for one in some}
        try:
            call.store.transact([Put(item, Absent()) for item in items.values()])
        except TransactionCancelled:
            # Somebody else sends some of the same events.
            for one in some:
                _propose(call, one)
            items = _late_ones(call, items)
        kept.update(items)
    return kept


def _finish_all(call: Call, items: Sequence[Item]) -> dict[str, Adjustment]:
    """Counts late events whose approval was begun, and says that it is done; by event key."""
    begun = {item.key: from_item(item, Adjustment) for item in items}
    if not begun:
        return {}
    events = [_event(adjustment) for adjustment in begun.values()]
    references.note(call, {event.customer_key for event in events})
    ingest.ingest(call, events, any_age=True)
    done: dict[str, Adjustment] = {}
    for first in range(0, len(items), _AT_ONCE):
        puts = []
        for item in items[first : first + _AT_ONCE]:
            before = begun[item.key]
            after = before.model_copy(update={"status": AdjustmentStatus.APPROVED})
            puts.append(Put(_item(call, after, item.version + 1), Version(item.version)))
            done[before.event_key] = after
        # Somebody who completed some of them meanwhile did the same.
        with suppress(TransactionCancelled):
            call.store.transact(puts)
    return done


def get(call: Call, adjustment_id: str) -> Adjustment:
    """Returns an adjustment.

    Raises:
        NotFound: there is none of that id.
    """
    return from_item(_stored(call, adjustment_id), Adjustment)


def page(
    call: Call, keep: Callable[[Adjustment], bool], *, limit: int, cursor: str | None
) -> tuple[list[Adjustment], str | None]:
    """Returns a page of the adjustments, the newest first, and the next page's cursor."""
    query = Query(
        keys.adjustments(call.tenant),
        index=Index.GSI1,
        forward=False,
        limit=limit,
        cursor=cursor,
    )
    return page_of_models(call.store, query, Adjustment, keep)


def approve(call: Call, adjustment_id: str, *, by: str) -> Adjustment:
    """Makes an adjustment count. Approving it again changes nothing.

    Raises:
        NotFound: there is none of that id.
        Unprocessable: it was rejected or taken back.
    """
    return _decide(
        call,
        adjustment_id,
        start=AdjustmentStatus.PENDING,
        step=AdjustmentStatus.APPROVING,
        changes={"decided_at": call.now, "decided_by": by},
    )


def reject(call: Call, adjustment_id: str, *, by: str) -> Adjustment:
    """Decides that an adjustment never counts. Rejecting it again changes nothing.

    Raises:
        NotFound: there is none of that id.
        Unprocessable: it was approved.
    """
    item = _stored(call, adjustment_id)
    before = from_item(item, Adjustment)
    if before.status is AdjustmentStatus.REJECTED:
        return before
    if before.status is not AdjustmentStatus.PENDING:
        raise Unprocessable(f"The adjustment is {before.status.value}: it cannot be rejected")
    decided = {"decided_at": call.now, "decided_by": by}
    return _replace(call, item, {"status": AdjustmentStatus.REJECTED, **decided})


def revert(call: Call, adjustment_id: str, *, by: str) -> Adjustment:
    """Takes back what an approved adjustment added, to the unit. Doing it again changes nothing.

    Raises:
        NotFound: there is none of that id.
        Unprocessable: it never counted, or its counter's values do not add up.
    """
    adjustment = get(call, adjustment_id)
    if not definitions.of(call).counter(adjustment.metric).adds_up:
        raise Unprocessable(f"{adjustment.metric} is no sum, so nothing can be taken back from it")
    return _decide(
        call,
        adjustment_id,
        start=AdjustmentStatus.APPROVED,
        step=AdjustmentStatus.REVERTING,
        changes={"reverted_at": call.now, "reverted_by": by},
    )


def complete(call: Call) -> int:
    """Completes decisions that a crash left half done; returns how many there were."""
    begun = list(walk(call.store, Query(keys.adjusting(call.tenant), index=Index.GSI2)))
    for listed in begun:
        item = call.store.get(listed.key)
        if item is not None:
            finish(call, from_item(item, Adjustment).id)
    return len(begun)


def finish(call: Call, adjustment_id: str) -> Adjustment:
    """Writes the event of a decision that was begun, and says that it is done."""
    item = _stored(call, adjustment_id)
    adjustment = from_item(item, Adjustment)
    done = _STEPS.get(adjustment.status)
    if done is None:
        return adjustment
    event = _event(adjustment) if done is AdjustmentStatus.APPROVED else _reversal(adjustment)
    references.note(call, [event.customer_key])
    # The event's key is its own, so writing it a second time counts nothing.
    ingest.ingest(call, [event], any_age=True)
    alerts.usage_arrived(call, definitions.of(call), [(adjustment.metric, adjustment.customer_ref)])
    return _replace(call, item, {"status": done})


def _decide(
    call: Call,
    adjustment_id: str,
    *,
    start: AdjustmentStatus,
    step: AdjustmentStatus,
    changes: dict[str, object],
) -> Adjustment:
    item = _stored(call, adjustment_id)
    before = from_item(item, Adjustment)
    if before.status is _STEPS[step]:
        return before
    if before.status not in (start, step):
        raise Unprocessable(
            f"The adjustment is {before.status.value}: it cannot become {_STEPS[step].value}"
        )
    if before.status is start:
        _replace(call, item, {"status": step, **changes})
    return finish(call, adjustment_id)


def _propose(call: Call, wanted: Adjustment) -> Adjustment:
    """Stores an adjustment; returns the one that is there if it was proposed before."""
    item = _item(call, wanted)
    try:
        call.store.transact([Put(item, Absent())])
    except TransactionCancelled as cancelled:
        there = cancelled.failures[0].item
        if there is None:
            raise
        return from_item(there, Adjustment)
    return wanted


def _is_same(one: Adjustment, other: Adjustment) -> bool:
    names = ("metric", "customer_ref", "timestamp", "quantity", "reason", "meta")
    return all(getattr(one, name) == getattr(other, name) for name in names)


def _event(adjustment: Adjustment) -> UsageEvent:
    properties: dict[str, object] = {**adjustment.meta, QUANTITY: plain(adjustment.quantity)}
    if adjustment.resource_id is not None:
        properties[RESOURCE] = adjustment.resource_id
    properties["source"] = adjustment.source.value
    properties["adjustment_id"] = adjustment.id
    return UsageEvent(
        adjustment.event_key,
        adjustment.customer_ref,
        adjustment.metric,
        adjustment.timestamp,
        properties,
    )


def _reversal(adjustment: Adjustment) -> UsageEvent:
    event = _event(adjustment)
    taken_back = {
        **event.properties,
        QUANTITY: plain(-adjustment.quantity),
        "source": Source.ADJUSTMENT.value,
    }
    return event._replace(transaction_id=adjustment.reverting_key, properties=taken_back)


def _stored(call: Call, adjustment_id: str) -> Item:
    item = call.store.get(keys.adjustment(call.tenant, adjustment_id))
    if item is None:
        raise NotFound("adjustment", adjustment_id)
    return item


def _replace(call: Call, item: Item, changes: dict[str, object]) -> Adjustment:
    after = from_item(item, Adjustment).model_copy(update=changes)
    work = UnitOfWork(call.store)
    work.add(Put(_item(call, after, item.version + 1), Version(item.version)))
    work.commit()
    return after


def _item(call: Call, adjustment: Adjustment, version: int = 1) -> Item:
    place = keys.created(adjustment.created_at, adjustment.id)
    begun = adjustment.status in _STEPS
    return to_item(
        keys.adjustment(call.tenant, adjustment.id),
        adjustment,
        version=version,
        gsi1=IndexKey(keys.adjustments(call.tenant), place),
        gsi2=IndexKey(keys.adjusting(call.tenant), place) if begun else None,
    )
