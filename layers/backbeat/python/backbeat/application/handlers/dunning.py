"""Acting on renewals that are not paid: tried again, reminded of, and ended.

Each action is noted as done in the same transaction as what it tells. A retry that a crash leaves
unnoted is made once more; the invoice is one, so it is paid once at most.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from backbeat.application import work_items
from backbeat.application.handlers import accounts, operations, overdue, settlements
from backbeat.application.intake import notices
from backbeat.application.services import Call
from backbeat.domain import dunning as schedule
from backbeat.domain.dunning import Doing
from backbeat.models.accounts import (
    Afterwards,
    Operation,
    OperationStatus,
    PaymentState,
    SubscriptionStatus,
)
from backbeat.models.contracts import DueItem
from backbeat.models.dunning import Dunning, DunningEnd
from backbeat.models.errors import Conflict
from backbeat.persistence import accounts as stored
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, to_item
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Item, Put, Version

_LATER: Final = timedelta(hours=1)
_NEVER: Final = datetime(2999, 1, 1, tzinfo=UTC)
"""When a suspended plan is looked at, unless its renewal is paid first."""

_AFTERWARDS: Final = {
    DunningEnd.DOWNGRADE: Afterwards.DOWNGRADE,
    DunningEnd.CANCEL: Afterwards.CANCEL,
}


def look(call: Call, operation_id: str) -> None:
    """Does what is due about an unpaid renewal, and schedules what comes next.

    Raises:
        Retryable: somebody else is at it.
    """
    # One by one: of several actions of one instant a crash repeats the last at most.
    while _step(call, operation_id):
        continue


def _step(call: Call, operation_id: str) -> bool:
    """Does one action that is due; tells whether another may be."""
    watched = _watched(call, operation_id)
    if watched is None:
        return False
    action = schedule.following(watched.dunning)
    if action is None or watched.is_settled:
        _close(call, watched)
        return False
    if action.at > call.now:
        _wait(call, watched, action.at)
        return False
    if action.doing is Doing.END and watched.dunning.policy.end is DunningEnd.SUSPEND:
        _suspend(call, watched)
        return False
    _act(call, watched, action.doing)
    after = _watched(call, operation_id)
    if after is None or after.is_settled:
        return after is not None
    if action.doing is Doing.END:
        # It is being paid right now: that is looked at again.
        _wait(call, after, call.now + _LATER)
        return False
    _noted(call, after, action.doing)
    return True


@dataclass(frozen=True, slots=True)
class _Watched:
    """An unpaid renewal as stored, its place on the work list, and its operation."""

    item: Item
    listed: Item
    dunning: Dunning
    operation: Operation

    @property
    def is_settled(self) -> bool:
        """Whether it was paid, or given up."""
        return self.operation.status.is_over or self.operation.payment is PaymentState.PAID


def _watched(call: Call, operation_id: str) -> _Watched | None:
    item = call.store.get(keys.dunning(call.tenant, operation_id))
    listed = call.store.get(keys.dunning_due(call.tenant, operation_id))
    if item is None or listed is None:
        return None
    return _Watched(item, listed, from_item(item, Dunning), operations.get(call, operation_id))


def _act(call: Call, watched: _Watched, doing: Doing) -> None:
    """Tries the payment again, or gives it up. What is being processed is left alone."""
    if watched.operation.payment is PaymentState.PROCESSING:
        return
    # A conflict: it was paid, or ended, in the meantime, perhaps by a run that died here.
    with suppress(Conflict):
        if doing is Doing.RETRY:
            settlements.payment_retried(call, watched.operation.id)
        elif doing is Doing.END:
            afterwards = _AFTERWARDS[watched.dunning.policy.end]
            settlements.payment_given_up(call, watched.operation.id, afterwards)


def _wait(call: Call, watched: _Watched, until: datetime) -> None:
    due = overdue.due_at(watched.operation.id, until)
    if from_item(watched.listed, DueItem) != due:
        work = UnitOfWork(call.store)
        work.add(work_items.replace(call, watched.listed, due))
        work.commit()


def _noted(call: Call, watched: _Watched, doing: Doing) -> None:
    """Notes an action as done, and tells of it if it is a reminder."""
    dunning = watched.dunning.model_copy(update={"done": watched.dunning.done + 1})
    work = UnitOfWork(call.store)
    work.add(_changed(watched.item, dunning))
    if doing is Doing.REMIND:
        _tell(call, work, dunning, watched.operation, "payment_reminder")
    else:
        work.commit()


def _suspend(call: Call, watched: _Watched) -> None:
    """Makes the plan of no use; the renewal can still be paid, which restores it."""
    account_item, account = accounts.held(call, watched.dunning.entity_id)
    subscription = accounts.subscription_of(account)
    suspended = subscription.model_copy(update={"status": SubscriptionStatus.SUSPENDED})
    changed = account.model_copy(update={"subscription": suspended, "updated_at": call.now})
    after = watched.dunning.model_copy(update={"ended": True})
    work = UnitOfWork(call.store)
    work.add(stored.put_account(call.tenant, changed, account_item), _changed(watched.item, after))
    work.add(work_items.replace(call, watched.listed, overdue.due_at(after.operation_id, _NEVER)))
    _tell(call, work, after, watched.operation, "subscription_suspended")


def _close(call: Call, watched: _Watched) -> None:
    """Ends the watch over a renewal that was paid, or given up."""
    operation = watched.operation
    paid = operation.payment is PaymentState.PAID or operation.status is OperationStatus.DONE
    after = watched.dunning.model_copy(update={"ended": True, "done": watched.dunning.done + 1})
    work = UnitOfWork(call.store)
    work.add(_changed(watched.item, after), *work_items.remove(call, watched.listed))
    _tell(call, work, after, operation, "payment_recovered" if paid else "payment_given_up")


def _changed(item: Item, after: Dunning) -> Put:
    return Put(to_item(item.key, after, version=item.version + 1), Version(item.version))


def _tell(call: Call, work: UnitOfWork, dunning: Dunning, operation: Operation, type_: str) -> None:
    trouble = operation.trouble
    ends = schedule.actions(dunning)[-1].at
    notices.tell(
        call,
        work,
        type_,
        fact=f"{dunning.operation_id}:{dunning.done}:{dunning.ended}",
        properties={
            "entity_id": dunning.entity_id,
            "operation_id": dunning.operation_id,
            "stripe_invoice_id": operation.stripe_invoice_id,
            "failed_at": dunning.began_at.isoformat(),
            "ends_at": ends.isoformat(),
            "outcome": dunning.policy.end.value,
            "error_message": None if trouble is None else trouble.message,
        },
    )
