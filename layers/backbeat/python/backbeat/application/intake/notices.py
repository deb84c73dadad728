"""What the billing handlers tell the product's backend, by the webhooks it subscribed to."""

from collections.abc import Mapping

from backbeat.application import outbox
from backbeat.application.services import Call
from backbeat.domain.notices.shapes import event
from backbeat.persistence import keys
from backbeat.persistence.unit_of_work import UnitOfWork


def tell(
    call: Call, work: UnitOfWork, type_: str, *, fact: str, properties: Mapping[str, object]
) -> None:
    """Commits the work together with an event. `fact` tells this occurrence from all others.

    One that was told is not told again: whoever died before it was noted comes here once more.
    """
    told = event(f"billing.{type_}", properties, fact=fact, at=call.now)
    known = call.store.get(keys.notification(call.tenant, told.id)) is not None
    if not known or work.has_effects:
        outbox.commit_chosen(call, work, [] if known else [told])
