"""Which customers events were sent for: the ledger itself is read by customer."""

from collections.abc import Iterable

from backbeat.application.services import Call
from backbeat.models.base import Model
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, to_item, walk
from backbeat.ports.store import Query


class MeteredRef(Model):
    """Marks a reference that events were sent for."""

    customer_ref: str


def note(call: Call, customer_refs: Iterable[str]) -> None:
    """Notes references before events are stored for them. A mark without events does no harm."""
    seen = call.services.marked_days
    new = seen.new((call.tenant, customer_ref, None) for customer_ref in customer_refs)
    if not new:
        return
    call.store.put_many(
        to_item(keys.metered_ref(call.tenant, ref), MeteredRef(customer_ref=ref))
        for _, ref, _ in new
    )
    seen.add(new)


def every(call: Call) -> list[str]:
    """Returns the references that events were sent for, in order."""
    items = walk(call.store, Query(keys.metered_refs(call.tenant)))
    return sorted(from_item(item, MeteredRef).customer_ref for item in items)
