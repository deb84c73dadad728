"""What makes the alerts of customers be looked at, beside changes of the customers themselves."""

from collections.abc import Iterable
from typing import Final

from backbeat.application import customers, looks, work_items
from backbeat.application.services import Call
from backbeat.models.contracts import DueItem
from backbeat.persistence import alerts
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Item

USAGE: Final = "usage"
_SWEPT_AT_ONCE: Final = 200


def usage_arrived(call: Call, customer_keys: Iterable[str]) -> None:
    """Asks for looks at the customers whose usage was just stored.

    Without alerts this is one read. Usage is acknowledged after it, so a crash before it makes the
    client send the events again, which asks again.

    Raises:
        Retryable: a look could not be asked for now.
    """
    extent = alerts.extent(call.store, call.tenant)
    if extent.nobody:
        return
    for customer_key in dict.fromkeys(customer_keys):
        customer = customers.matching_key(call, customer_key)
        if customer is not None:
            looks.ask(call, customer.id, cause=USAGE, everybody=bool(extent.version))


def sweep(call: Call, item: Item, due: DueItem) -> None:
    """Asks for looks at the next customers because of a new alert, and notes how far it came.

    A crash in between asks some of them twice, which is one look.
    """
    page, position = customers.page(call, archived=False, limit=_SWEPT_AT_ONCE, cursor=due.position)
    for customer in page:
        looks.ask(call, customer.id, cause=None, everybody=True)
    work = UnitOfWork(call.store)
    if position is None:
        work.add(*work_items.remove(call, item))
    else:
        work.add(work_items.replace(call, item, due.model_copy(update={"position": position})))
    work.commit()
