"""Adjustments in the store, and the usage events that make them count."""

from typing import Final

from backbeat.application.services import Call
from backbeat.domain.event_keys import plain
from backbeat.models.adjustments import Adjustment, AdjustmentStatus
from backbeat.models.counters import QUANTITY, RESOURCE, Source
from backbeat.models.errors import NotFound
from backbeat.models.usage import UsageEvent
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, to_item
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Absent, IndexKey, Item, Put, TransactionCancelled, Version

STEPS: Final = {
    AdjustmentStatus.APPROVING: AdjustmentStatus.APPROVED,
    AdjustmentStatus.REVERTING: AdjustmentStatus.REVERTED,
}
"""Decisions whose effect on usage is being written, and what they become."""


def stored(call: Call, adjustment_id: str) -> Item:
    """Returns the item of an adjustment.

    Raises:
        NotFound: there is none of that id.
    """
    item = call.store.get(keys.adjustment(call.tenant, adjustment_id))
    if item is None:
        raise NotFound("adjustment", adjustment_id)
    return item


def propose(call: Call, wanted: Adjustment) -> Adjustment:
    """Stores an adjustment; returns the one that is there if it was proposed before."""
    try:
        call.store.transact([Put(item_of(call, wanted), Absent())])
    except TransactionCancelled as cancelled:
        there = cancelled.failures[0].item
        if there is None:
            raise
        return from_item(there, Adjustment)
    return wanted


def replace(call: Call, item: Item, changes: dict[str, object]) -> Adjustment:
    """Changes an adjustment unless somebody else did.

    Raises:
        Retryable: somebody did.
    """
    after = from_item(item, Adjustment).model_copy(update=changes)
    work = UnitOfWork(call.store)
    work.add(Put(item_of(call, after, item.version + 1), Version(item.version)))
    work.commit()
    return after


def item_of(call: Call, adjustment: Adjustment, version: int = 1) -> Item:
    """Returns an adjustment as stored."""
    place = keys.created(adjustment.created_at, adjustment.id)
    begun = adjustment.status in STEPS
    return to_item(
        keys.adjustment(call.tenant, adjustment.id),
        adjustment,
        version=version,
        gsi1=IndexKey(keys.adjustments(call.tenant), place),
        gsi2=IndexKey(keys.adjusting(call.tenant), place) if begun else None,
    )


def events_of(adjustment: Adjustment) -> list[UsageEvent]:
    """Returns what an approved adjustment is in the ledger: one event, or several alike."""
    event = event_of(adjustment)
    if adjustment.times == 1:
        return [event]
    one = event._replace(properties={**event.properties, QUANTITY: "1"})
    numbers = range(2, adjustment.times + 1)
    others = (f"{adjustment.event_key}:{number}" for number in numbers)
    return [one, *(one._replace(transaction_id=id_) for id_ in others)]


def event_of(adjustment: Adjustment) -> UsageEvent:
    """Returns the event of an adjustment."""
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


def reversal_of(adjustment: Adjustment) -> UsageEvent:
    """Returns the event that takes back what an adjustment added."""
    event = event_of(adjustment)
    taken_back = {
        **event.properties,
        QUANTITY: plain(-adjustment.quantity),
        "source": Source.ADJUSTMENT.value,
    }
    return event._replace(transaction_id=adjustment.reverting_key, properties=taken_back)
