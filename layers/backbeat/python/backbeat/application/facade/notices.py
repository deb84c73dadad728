"""What the facade tells subscribers: events of the engine, and of customers, which has none."""

from typing import TYPE_CHECKING, Final

from backbeat.application import notification_configs
from backbeat.application.services import Call
from backbeat.domain.notices.shapes import event
from backbeat.models.customers import Customer
from backbeat.models.lifecycle import LifecycleType
from backbeat.models.notifications import Notification
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, page_of
from backbeat.ports.store import Index, Query

if TYPE_CHECKING:
    from backbeat.application.facade.contacts import Contact


_TOLD: Final = (
    LifecycleType.CONTRACT_CREATE,
    LifecycleType.CONTRACT_EDIT,
    LifecycleType.CONTRACT_END,
    LifecycleType.CREDIT_CREATE,
    LifecycleType.CREDIT_SEGMENT_END,
)
"""System events about what the facade does: Metronome tells most of them only if asked to."""


def switch_on(call: Call) -> None:
    """Has subscribers told of contracts and credits from now on, unless they were switched off.

    Raises:
        Retryable: others kept changing the switches.
    """
    notification_configs.switch_on_unsaid(call, _TOLD)


def customer_told(call: Call, customer: Customer, contact: "Contact", change: str) -> Notification:
    """Returns what is told when a customer was created or updated."""
    properties = {
        "customer_id": customer.id,
        "entity_id": contact.entity_id,
        "entity_type": contact.entity_type,
        "email": contact.email,
        "name": customer.name,
    }
    fact = f"{customer.id}:{change}:{call.now.isoformat()}"
    return event(f"customer.{change}", properties, fact=fact, at=call.now)


def page(call: Call, *, limit: int, cursor: str | None) -> tuple[list[Notification], str | None]:
    """Returns a page of what subscribers were told, the latest first."""
    query = Query(
        keys.notifications(call.tenant),
        index=Index.GSI1,
        forward=False,
        limit=limit,
        cursor=cursor,
    )
    items, after = page_of(call.store, query, lambda item: True)
    return [from_item(item, Notification) for item in items], after
