"""The delivery log: what was sent where, when, with which outcome."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from backbeat.application import outbox
from backbeat.application.services import Call
from backbeat.models.errors import NotFound
from backbeat.models.notifications import Delivery, DeliveryState, Notification
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, page_of, read, walk
from backbeat.ports.store import Index, Query


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """Which deliveries are wanted; None means whichever."""

    event_type: str | None = None
    target: str | None = None
    state: DeliveryState | None = None

    def wants(self, delivery: Delivery) -> bool:
        """Tells whether a delivery passes."""
        return (
            self.event_type in (None, delivery.notification_type)
            and self.target in (None, delivery.url)
            and self.state in (None, delivery.state)
        )


_DEAD_LETTERS_LOOKED_AT: Final = 100


class Told(NamedTuple):
    """An event and what became of it at each target."""

    notification: Notification
    deliveries: Sequence[Delivery]


def page(
    call: Call, wanted: DeliveryFilter, *, limit: int, cursor: str | None
) -> tuple[list[Delivery], str | None]:
    """Returns a page of the deliveries with all their attempts, the latest first."""
    query = Query(
        keys.deliveries(call.tenant), index=Index.GSI1, forward=False, limit=limit, cursor=cursor
    )
    items, next_cursor = page_of(
        call.store, query, keep=lambda item: wanted.wants(from_item(item, Delivery))
    )
    return [from_item(item, Delivery) for item in items], next_cursor


def told(call: Call, event_id: str) -> Told:
    """Returns an event with its body and its deliveries.

    Raises:
        NotFound: there was no such event.
    """
    key = keys.notification(call.tenant, event_id)
    notification = read(call.store, key, Notification)
    if notification is None:
        raise NotFound("event", event_id)
    pk, low, high = keys.deliveries_of(call.tenant, event_id)
    found = walk(call.store, Query(pk, low=low, high=high))
    deliveries = [from_item(item, Delivery) for item in found]
    return Told(notification, sorted(deliveries, key=lambda one: (one.created_at, one.url)))


def page_of_dead(
    call: Call, *, limit: int, cursor: str | None
) -> tuple[list[Delivery], str | None]:
    """Returns a page of the deliveries that were given up, oldest first."""
    query = Query(keys.dead(call.tenant), index=Index.GSI2, limit=limit, cursor=cursor)
    places, next_cursor = page_of(call.store, query, keep=lambda item: True)
    items = call.store.get_many(place.key for place in places)
    listed = [from_item(items[place.key], Delivery) for place in places if place.key in items]
    # The index may be late to learn that one was sent again.
    dead = [one for one in listed if one.state is DeliveryState.DEAD]
    return (dead if cursor else [*_lost(call), *dead]), next_cursor


def _lost(call: Call) -> list[Delivery]:
    """Returns deliveries that the queue has given up and nobody has noted as given up.

    Their senders died at the last receipt. Only the first dead letters are looked at: there are
    next to none of this kind, and the queue can neither be read by tenant nor in pages.
    """
    found = []
    for message in call.services.webhook_queue.dead_letters(limit=_DEAD_LETTERS_LOOKED_AT):
        tenant, key = outbox.addressed(message.body)
        delivery = read(call.store, key, Delivery) if tenant == call.tenant else None
        if delivery is not None and delivery.is_pending:
            found.append(delivery)
    return found
