"""Acting on invoices of usage that are not paid: tried again, reminded of, and given up.

The policy is that of renewals, but for its end: the plan goes on. Nobody tries any more then, and
the invoice stays open at Stripe, where it can be paid all the same.
"""

from datetime import timedelta
from typing import Final

from backbeat.application.handlers import accounts
from backbeat.application.intake import collecting, notices, overdue
from backbeat.application.services import Call
from backbeat.domain import dunning as schedule
from backbeat.domain.dunning import Doing
from backbeat.models.collections import Collection, CollectionState
from backbeat.persistence import collections as stored
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.providers import ProviderError
from backbeat.ports.store import Item

_LATER: Final = timedelta(hours=1)
_TOLD: Final = {Doing.REMIND: "payment_reminder", Doing.END: "payment_given_up"}


def look(call: Call, invoice_id: str) -> None:
    """Does what is due about an unpaid invoice, and schedules what comes next.

    Raises:
        Retryable: somebody else is at it.
    """
    # One by one: of several actions of one instant a crash repeats the last at most.
    while _step(call, invoice_id):
        continue


def _step(call: Call, invoice_id: str) -> bool:
    """Does one action that is due; tells whether another may be."""
    found = stored.found(call.store, call.tenant, invoice_id)
    if found is None:
        return False
    item, collection = found
    watched = None if collection.state.is_over else collection.overdue
    action = None if watched is None else schedule.following(watched)
    if action is None or action.at > call.now:
        _wait(call, collection)
        return False
    if collection.state is CollectionState.PROCESSING:
        # The bank has the money: that is looked at again.
        _wait(call, collection, for_=_LATER)
        return False
    if action.doing is not Doing.RETRY:
        _noted(call, item, collection, action.doing)
        return True
    try:
        account = accounts.get(call, collection.entity_id)
        collecting.resume(call, account, invoice_id, again=True)
    except ProviderError:
        _wait(call, collection, for_=_LATER)
        return False
    tried = stored.found(call.store, call.tenant, invoice_id)
    assert tried is not None  # noqa: S101 - collections stay
    if not tried[1].state.is_over:
        _noted(call, *tried, action.doing)
    return True


def _wait(call: Call, collection: Collection, *, for_: timedelta | None = None) -> None:
    until = None if for_ is None else call.now + for_
    effects = overdue.of_collection(call, collection, not_before=until)
    if effects:
        work = UnitOfWork(call.store)
        work.add(*effects)
        work.commit()


def _noted(call: Call, item: Item, collection: Collection, doing: Doing) -> None:
    """Notes an action as done, and tells of it if it is a reminder or the end."""
    watched = collection.overdue
    assert watched is not None  # noqa: S101 - only such collections have actions
    done = {"done": watched.done + 1, "ended": doing is Doing.END}
    after = collection.model_copy(update={"overdue": watched.model_copy(update=done)})
    work = UnitOfWork(call.store)
    work.add(*stored.put(call.tenant, after, item), *overdue.of_collection(call, after))
    if doing not in _TOLD:
        work.commit()
        return
    notices.tell(
        call,
        work,
        _TOLD[doing],
        fact=f"{collection.invoice_id}:{watched.done}",
        properties={
            "entity_id": collection.entity_id,
            "invoice_id": collection.invoice_id,
            "stripe_invoice_id": collection.stripe_invoice_id,
            "amount": collection.amount,
            "currency": collection.currency,
            "failed_at": watched.began_at.isoformat(),
            "ends_at": schedule.actions(watched)[-1].at.isoformat(),
            "error_message": collection.error,
        },
    )
