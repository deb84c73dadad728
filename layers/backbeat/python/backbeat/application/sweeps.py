"""Sweeps: a new alert or configuration concerns every customer there is, one after the other."""

from typing import Final

from backbeat.application import customers, lifecycle, looks, work_items
from backbeat.application.services import Call
from backbeat.models.contracts import DueItem, WorkKind
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Item

_AT_ONCE: Final = 200


def sweep(call: Call, item: Item, due: DueItem) -> None:
    """Asks for work of the next customers and notes how far it came.

    A crash in between asks for some twice, which is once.
    """
    page, position = customers.page(call, archived=False, limit=_AT_ONCE, cursor=due.position)
    ids = [customer.id for customer in page]
    if due.kind is WorkKind.ALERT_SWEEP:
        looks.ask(call, ids, cause=None, everybody=True)
    else:
        for customer_id in ids:
            asking = UnitOfWork(call.store)
            lifecycle.request(call, asking, customer_id)
            asking.commit()
    work = UnitOfWork(call.store)
    if position is None:
        work.add(*work_items.remove(call, item))
    else:
        work.add(work_items.replace(call, item, due.model_copy(update={"position": position})))
    work.commit()
