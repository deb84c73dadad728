"""Notifications: written with the change they tell of, queued afterwards.

A notification lies in the outbox until its deliveries are queued; a delivery is on the list of
pending ones until the queue has it. The next tick works off either list again, so whatever dies
in between loses nothing; at worst a delivery is queued twice and found done the second time.
"""

import json
import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Final

from backbeat.application import lifecycle, targets, work_items
from backbeat.application.services import Call
from backbeat.models.notifications import Delivery, DeliveryState, Notification
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, to_item, walk
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.queue import Outgoing
from backbeat.ports.store import (
    Absent,
    Contention,
    Index,
    IndexKey,
    Item,
    Key,
    Put,
    Query,
    TransactionCancelled,
    Version,
)

_STALE: Final = timedelta(minutes=1)

_log = logging.getLogger("backbeat.outbox")


def commit(call: Call, work: UnitOfWork, notifications: Sequence[Notification]) -> None:
    """Commits the work together with those of its notifications that are wanted, and queues them.

    See `commit_chosen`.
    """
    commit_chosen(call, work, lifecycle.wanted(call, work, notifications))


def commit_chosen(call: Call, work: UnitOfWork, notifications: Sequence[Notification]) -> None:
    """Commits the work together with its notifications, then queues their deliveries.

    Once the work is committed nothing raises any more: a caller that saw an error would do it all
    again. What could not be queued now is queued by a tick.
    """
    items = [_outbox_item(call, notification) for notification in notifications]
    work.add(*(Put(item, Absent()) for item in items))
    work.commit()
    if call.held is not None:
        call.held.extend(items)
        return
    try:
        for item in items:
            fan_out(call, item, queued=True)
    except Exception:
        _log.exception("left in the outbox", extra={"tenant": call.tenant})


def fan_out(call: Call, item: Item, *, queued: bool) -> list[Key]:
    """Turns a notification of the outbox into one delivery for each endpoint there is now.

    With `queued` they are handed to the queue. Returns where they lie, by age of the endpoint.
    Running it again repeats no delivery.
    """
    notification = from_item(item, Notification)
    created = call.services.clock.now()
    deliveries = []
    for endpoint in targets.of_tenant(call):
        delivery = Delivery(
            notification_id=notification.id,
            notification_type=notification.type,
            endpoint_id=endpoint.id,
            url=endpoint.url,
            queued=queued,
            created_at=created,
        )
        put = Put(delivery_item(call, delivery), Absent())
        # An earlier run may have come this far. Its message may be missing, so another is sent.
        with suppress(TransactionCancelled):
            call.store.transact([put])
        deliveries.append(put.item.key)
    if queued and deliveries:
        _send(call, deliveries)
    # Kept for the log, no longer in the outbox.
    told = to_item(
        item.key,
        notification,
        version=item.version + 1,
        gsi1=IndexKey(keys.notifications(call.tenant), keys.created(created, notification.id)),
    )
    # Somebody else may have fanned it out at the same time, with the same result.
    with suppress(TransactionCancelled):
        call.store.transact([Put(told, Version(item.version))])
    return deliveries


def dispatch(call: Call, body: str, *, id_: str, type_: str) -> None:
    """Sends an event written by hand to every endpoint. `body` is its JSON text."""
    notification = Notification(id=id_, type=type_, body=body, created_at=call.now)
    commit(call, UnitOfWork(call.store), [notification])


def untold(call: Call, *, until: str | None = None) -> list[Item]:
    """Returns the notifications in the outbox, oldest first; those written before a time text."""
    return _listed(call, keys.outbox(call.tenant), until)


def untried(call: Call, *, until: str | None = None) -> list[Item]:
    """Returns the deliveries that nobody may have tried yet, oldest first."""
    return _listed(call, keys.pending(call.tenant), until)


def sweep(call: Call) -> None:
    """Queues what a crash left between commit and queueing."""
    until = keys.time_text(call.services.clock.now() - _STALE)
    for item in untold(call, until=until):
        fan_out(call, item, queued=True)
    for item in untried(call, until=until):
        if not from_item(item, Delivery).queued:
            hand_over(call, item.key)


def hand_over(call: Call, key: Key, *, delay_seconds: int = 0) -> None:
    """Makes a delivery the queue's business, if it is not yet."""
    item = call.store.get(key)
    if item is None:
        return
    delivery = from_item(item, Delivery)
    if delivery.queued or not delivery.is_pending:
        return
    # Queued first, noted then: a crash in between repeats a message, the other way it loses one.
    _send(call, [key], delay_seconds=delay_seconds)
    noted = delivery.model_copy(update={"queued": True})
    # The queue's consumer may be at it already; then a sweep queues it once more, to no effect.
    with suppress(TransactionCancelled, Contention):
        call.store.transact(
            [Put(delivery_item(call, noted, item.version + 1), Version(item.version))]
        )


def addressed(body: str) -> tuple[str, Key]:
    """Returns the tenant and the item that a queued message is about."""
    message = json.loads(body)
    return message["tenant"], Key(message["pk"], message["sk"])


def delivery_item(call: Call, delivery: Delivery, version: int = 1) -> Item:
    """Returns a delivery as an item.

    It is on the pending list until the queue has taken it up, and on another once it is given up.
    """
    key = keys.delivery(call.tenant, delivery.notification_id, delivery.endpoint_id)
    place = f"{keys.time_text(delivery.created_at)}#{key.pk}#{key.sk}"
    gsi2 = None
    if delivery.state is DeliveryState.DEAD:
        gsi2 = IndexKey(keys.dead(call.tenant), place)
    elif delivery.is_pending and not (delivery.queued and delivery.attempts):
        gsi2 = IndexKey(keys.pending(call.tenant), place)
    return to_item(
        key,
        delivery,
        version=version,
        gsi1=IndexKey(keys.deliveries(call.tenant), place),
        gsi2=gsi2,
    )


def _listed(call: Call, partition: str, until: str | None) -> list[Item]:
    """Returns the items of a work list that are still on it; the list itself may be late."""
    listed = walk(call.store, Query(partition, index=Index.GSI2, high=until))
    found = (call.store.get(entry.key) for entry in list(listed))
    return [item for item in found if item is not None and item.gsi2 is not None]


def _send(call: Call, deliveries: Sequence[Key], *, delay_seconds: int = 0) -> None:
    call.services.webhook_queue.send(
        [Outgoing(work_items.message_about(call, key), delay_seconds) for key in deliveries]
    )


def _outbox_item(call: Call, notification: Notification) -> Item:
    key = keys.notification(call.tenant, notification.id)
    # Real time: the sweep must see age even where a sandbox's clock stands still.
    place = f"{keys.time_text(call.services.clock.now())}#{notification.id}"
    return to_item(key, notification, gsi2=IndexKey(keys.outbox(call.tenant), place))
