"""Events that came too late to count by themselves: each becomes an adjustment, once."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

from backbeat.application import ingest
from backbeat.application.metering import adjustment_items, references
from backbeat.application.services import Call
from backbeat.domain.identity import derived_id
from backbeat.models.adjustments import Adjustment, AdjustmentReason, AdjustmentStatus
from backbeat.models.counters import SentEvent
from backbeat.persistence import keys
from backbeat.persistence.audited import OWN_EFFECTS
from backbeat.persistence.entities import from_item
from backbeat.ports.store import MAX_EFFECTS, Absent, Item, Put, TransactionCancelled, Version

_AT_ONCE: Final = MAX_EFFECTS - OWN_EFFECTS
_BY_LATENESS: Final = "system:late-event"


class LateEvent(NamedTuple):
    """An event that came late, its key, and whether it counts without anybody's look.

    `observes` is whether its quantity is a value rather than an amount to add.
    """

    event: SentEvent
    key: str
    approved: bool
    observes: bool


def keep(call: Call, late: Sequence[LateEvent]) -> dict[str, tuple[Adjustment, bool]]:
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
        observes=late.observes,
        reason=AdjustmentReason.LATE,
        event_key=late.key,
        resource_id=event.resource_id,
        meta=dict(event.meta or {}),
        source=event.source,
        status=AdjustmentStatus.APPROVING if late.approved else AdjustmentStatus.PENDING,
        created_at=call.now,
        created_by=_BY_LATENESS,
        sent_by=call.by.id,
        decided_at=call.now if late.approved else None,
        decided_by=_BY_LATENESS if late.approved else None,
    )


def _propose_all(call: Call, wanted: Sequence[Adjustment]) -> dict[str, Item]:
    """Stores adjustments; returns by event key those that are there afterwards."""
    kept: dict[str, Item] = {}
    for first in range(0, len(wanted), _AT_ONCE):
        some = wanted[first : first + _AT_ONCE]
        items = {one.event_key: adjustment_items.item_of(call, one) for one in some}
        try:
            call.store.transact([Put(item, Absent()) for item in items.values()])
        except TransactionCancelled:
            # Somebody else sends some of the same events.
            for one in some:
                adjustment_items.propose(call, one)
            items = _late_ones(call, items)
        kept.update(items)
    return kept


def _finish_all(call: Call, items: Sequence[Item]) -> dict[str, Adjustment]:
    """Counts late events whose approval was begun, and says that it is done; by event key."""
    begun = {item.key: from_item(item, Adjustment) for item in items}
    if not begun:
        return {}
    events = [adjustment_items.event_of(adjustment) for adjustment in begun.values()]
    references.note(call, {event.customer_key for event in events})
    ingest.ingest(call, events, any_age=True)
    done: dict[str, Adjustment] = {}
    for first in range(0, len(items), _AT_ONCE):
        puts = []
        for item in items[first : first + _AT_ONCE]:
            before = begun[item.key]
            after = before.model_copy(update={"status": AdjustmentStatus.APPROVED})
            puts.append(
                Put(adjustment_items.item_of(call, after, item.version + 1), Version(item.version))
            )
            done[before.event_key] = after
        # Somebody who completed some of them meanwhile did the same.
        with suppress(TransactionCancelled):
            call.store.transact(puts)
    return done
