"""Sending events again: one, or all of a time range.

An event keeps its id and body; date and signature are those of the new attempt. Doing it twice
sends twice at most: a delivery that is under way is only brought forward.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from backbeat.application import delivery_log, outbox, targets
from backbeat.application.delivery_log import DeliveryFilter
from backbeat.application.services import Call
from backbeat.models.notifications import Delivery, DeliveryState, Endpoint, Notification
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, page_of
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Absent, Index, Item, Put, Query, Version


@dataclass(frozen=True, slots=True)
class Span:
    """Events told on `[starting_at, ending_before)`, in real time as the log shows it."""

    starting_at: datetime
    ending_before: datetime


def one(call: Call, event_id: str, wanted: DeliveryFilter) -> list[Delivery]:
    """Sends an event again to the targets there are now, also to those added since.

    Raises:
        NotFound: there was no such event, or the target is not subscribed.
        Retryable: somebody was at a delivery; those before it are on their way.
    """
    endpoints = _endpoints(call, wanted)
    return _again(call, delivery_log.told(call, event_id).notification, endpoints, wanted)


def span(
    call: Call, wanted: Span, which: DeliveryFilter, *, limit: int, cursor: str | None
) -> tuple[list[Delivery], str | None]:
    """Sends up to `limit` events of a time range again, oldest first, and tells where to go on.

    Raises:
        NotFound: the target is not subscribed.
        Retryable: somebody was at a delivery; those before it are on their way.
    """
    endpoints = _endpoints(call, which)
    query = Query(
        keys.notifications(call.tenant),
        index=Index.GSI1,
        low=keys.time_text(wanted.starting_at),
        high=keys.time_text(wanted.ending_before),
        limit=limit,
        cursor=cursor,
    )

    def keep(item: Item) -> bool:
        return which.event_type in (None, from_item(item, Notification).type)

    items, next_cursor = page_of(call.store, query, keep=keep)
    again = [
        delivery
        for item in items
        for delivery in _again(call, from_item(item, Notification), endpoints, which)
    ]
    return again, next_cursor


def _endpoints(call: Call, wanted: DeliveryFilter) -> list[Endpoint]:
    return (
        targets.of_tenant(call) if wanted.target is None else [targets.named(call, wanted.target)]
    )


def _again(
    call: Call, notification: Notification, endpoints: Sequence[Endpoint], wanted: DeliveryFilter
) -> list[Delivery]:
    made = []
    for endpoint in endpoints:
        key = keys.delivery(call.tenant, notification.id, endpoint.id)
        item = call.store.get(key)
        delivery = _fresh(call, notification, endpoint) if item is None else _of(item)
        if not wanted.wants(delivery) or (item is None and wanted.state is not None):
            continue
        open_ = delivery.model_copy(update={"state": DeliveryState.PENDING, "queued": False})
        work = UnitOfWork(call.store)
        version = 0 if item is None else item.version
        condition = Absent() if item is None else Version(version)
        # On the list of pending ones first: a crash before the queue has it loses nothing.
        work.add(Put(outbox.delivery_item(call, open_, version + 1), condition))
        work.commit()
        outbox.hand_over(call, key)
        made.append(open_)
    return made


def _of(item: Item) -> Delivery:
    return from_item(item, Delivery)


def _fresh(call: Call, notification: Notification, endpoint: Endpoint) -> Delivery:
    return Delivery(
        notification_id=notification.id,
        notification_type=notification.type,
        endpoint_id=endpoint.id,
        url=endpoint.url,
        queued=False,
        created_at=call.services.clock.now(),
    )
