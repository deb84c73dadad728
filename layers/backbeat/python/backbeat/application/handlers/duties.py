"""What time brings for the billing handlers, on the list of scheduled work."""

from datetime import datetime, timedelta
from typing import Final

from backbeat.application import tenants, work_items
from backbeat.application.services import Call
from backbeat.models.accounts import (
    Account,
    Operation,
    OperationStatus,
    PaymentState,
    SubscriptionStatus,
)
from backbeat.models.contracts import DueItem, WorkKind
from backbeat.persistence import keys
from backbeat.ports.store import Effect, Key

_FIRST_LOOK: Final = timedelta(minutes=2)
"""Whoever began an operation is done with it by then, or gone."""

_LONGEST_PAUSE: Final = timedelta(hours=1)
_WAITING: Final = timedelta(hours=1)
_UNPAID: Final = timedelta(days=1)
"""Payments are looked at now and then, in case that a webhook about them got lost."""

MOST_TRIES: Final = 10
"""After so many failures of one step somebody has to look at it."""


def of_operation(call: Call, operation: Operation) -> list[Effect]:
    """Returns the effects that schedule the next look at an operation."""
    key = keys.operation_due(call.tenant, operation.id)
    return _at(call, key, WorkKind.OPERATION, operation.id, _next_look(call, operation))


def of_account(call: Call, account: Account) -> list[Effect]:
    """Returns the effects that schedule what comes next for an account."""
    key = keys.account_due(call.tenant, account.id)
    return _at(call, key, WorkKind.ACCOUNT, account.id, next_event(account))


def next_event(account: Account) -> datetime | None:
    """Returns when an account's subscription changes by itself, or None."""
    subscription = account.subscription
    if account.operation_id is not None or subscription is None:
        return None
    if subscription.status not in (SubscriptionStatus.ACTIVE, SubscriptionStatus.PAST_DUE):
        return None
    scheduled = None if subscription.scheduled is None else subscription.scheduled.at
    events: tuple[datetime | None, ...] = (
        subscription.ending_before,
        subscription.cancel_at,
        scheduled,
    )
    return min(at for at in events if at is not None)


def _next_look(call: Call, operation: Operation) -> datetime | None:
    match operation.status:
        case OperationStatus.DONE | OperationStatus.FAILED | OperationStatus.STUCK:
            return None
        case OperationStatus.RUNNING | OperationStatus.COMPENSATING:
            return call.now + min(_LONGEST_PAUSE, _FIRST_LOOK * (1 << operation.tries))
        case OperationStatus.WAITING:
            failed = operation.renews and operation.payment is not PaymentState.PROCESSING
            look = call.now + (_UNPAID if failed else _WAITING)
            ends = operation.gives_up_at
            return look if ends is None or ends <= call.now else min(look, ends)


def _at(call: Call, key: Key, kind: WorkKind, id_: str, at: datetime | None) -> list[Effect]:
    item = call.store.get(key)
    if at is None:
        return [] if item is None else work_items.remove(call, item)
    due = DueItem(customer_id=id_, contract_id="-", kind=kind, period_start=at, due_at=at)
    if item is not None:
        return [work_items.replace(call, item, due)]
    return [*work_items.put_first(call, key, due), tenants.mark(call)]
