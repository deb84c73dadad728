"""Notifications: written with the change they tell of, queued afterwards.

A notification lies in the outbox until its deliveries are queued; a delivery is pending until it
succeeded or was given up. The next tick works off either list again, so whatever dies in between
loses nothing.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Final

from backbeat.application.services import Call
from backbeat.domain.identity import derived_id
from backbeat.models.notifications import Delivery, Endpoint, Notification
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, to_item, walk
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.queue import Outgoing
from backbeat.ports.store import (
    Absent,
    Delete,
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


def commit(call: Call, work: UnitOfWork, notifications: Sequence[Notification]) -> None:
    """Commits the work together with its notifications, then queues their deliveries."""
    items = [_outbox_item(call, notification) for notification in notifications]
    work.add(*(Put(item, Absent()) for item in items))
    work.commit()
    if not call.holds_notifications:
        for item in items:
            fan_out(call, item, queued=True)


def fan_out(call: Call, item: Item, *, queued: bool) -> None:
    """Turns a notification of the outbox into one delivery for each endpoint there is now.

    With `queued` each is handed to the queue. Running it again repeats no delivery.
    """
    notification = from_item(item, Notification)
    created = call.services.clock.now()
    for endpoint in endpoints(call):
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
        if queued:
            enqueue(call, put.item.key)
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


def dispatch(call: Call, body: str, *, type_: str) -> None:
    """Sends an event written by hand to every endpoint. `body` is its JSON text."""
    notification = Notification(
        id=call.services.ids.new(), type=type_, body=body, created_at=call.now
    )
    commit(call, UnitOfWork(call.store), [notification])


def sweep(call: Call) -> None:
    """Queues what a crash left between commit and queueing."""
    until = keys.time_text(call.services.clock.now() - _STALE)
    for entry in list(
        walk(call.store, Query(keys.outbox(call.tenant), index=Index.GSI2, high=until))
    ):
        item = call.store.get(entry.key)
        if item is not None:
            fan_out(call, item, queued=True)
    for entry in list(
        walk(call.store, Query(keys.pending(call.tenant), index=Index.GSI2, high=until))
    ):
        item = call.store.get(entry.key)
        if item is not None and not from_item(item, Delivery).queued:
            mark_queued(call, item)
            enqueue(call, entry.key)


def mark_queued(call: Call, item: Item) -> None:
    """Notes that a delivery is the queue's business now."""
    queued = from_item(item, Delivery).model_copy(update={"queued": True})
    work = UnitOfWork(call.store)
    work.add(Put(delivery_item(call, queued, item.version + 1), Version(item.version)))
    work.commit()


def enqueue(call: Call, key: Key) -> None:
    """Hands a delivery to the queue."""
    body = json.dumps({"tenant": call.tenant, "pk": key.pk, "sk": key.sk})
    call.services.webhook_queue.send([Outgoing(body)])


def addressed(body: str) -> tuple[str, Key]:
    """Returns the tenant and the item that a queued message is about."""
    message = json.loads(body)
    return message["tenant"], Key(message["pk"], message["sk"])


def delivery_item(call: Call, delivery: Delivery, version: int = 1) -> Item:
    """Returns a delivery as an item, on the list of pending ones while it is."""
    key = keys.delivery(call.tenant, delivery.notification_id, delivery.endpoint_id)
    place = f"{keys.time_text(delivery.created_at)}#{key.pk}#{key.sk}"
    return to_item(
        key,
        delivery,
        version=version,
        gsi1=IndexKey(keys.deliveries(call.tenant), place),
        gsi2=IndexKey(keys.pending(call.tenant), place) if delivery.is_pending else None,
    )


def endpoints(call: Call) -> list[Endpoint]:
    """Returns the tenant's webhook targets in the order they were added."""
    found = [
        from_item(item, Endpoint) for item in walk(call.store, Query(keys.endpoints(call.tenant)))
    ]
    return sorted(found, key=lambda endpoint: (endpoint.created_at, endpoint.url))


def add_endpoint(call: Call, url: str) -> None:
    """Subscribes a target. Subscribing it again changes nothing."""
    endpoint = Endpoint(
        id=derived_id("endpoint", url), url=url, created_at=call.services.clock.now()
    )
    item = to_item(keys.endpoint(call.tenant, endpoint.id), endpoint)
    with suppress(TransactionCancelled):
        call.store.transact([Put(item, Absent())])


def remove_endpoints(call: Call, url: str | None) -> None:
    """Unsubscribes one target, or all of them."""
    for endpoint in endpoints(call):
        if url is None or endpoint.url == url:
            call.store.transact([Delete(keys.endpoint(call.tenant, endpoint.id))])


def _outbox_item(call: Call, notification: Notification) -> Item:
    key = keys.notification(call.tenant, notification.id)
    # Real time: the sweep must see age even where a sandbox's clock stands still.
    place = f"{keys.time_text(call.services.clock.now())}#{notification.id}"
    return to_item(key, notification, gsi2=IndexKey(keys.outbox(call.tenant), place))
