"""The delivery log: what was sent where, when, with which outcome."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

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
