"""Operations: changes of several systems that are carried to their end, whatever happens between.

An operation is stored before its first step. After each step it is stored at the next one, so that
whoever finds it there goes on: the request that began it, a webhook, or scheduled work after a
crash. Several may do so at once: a step has the same key for all of them, and only one stores what
came of it.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from backbeat.application.handlers import accounts, duties, overdue, steps
from backbeat.application.handlers.progress import Fails, Progress, Waits
from backbeat.application.services import Call
from backbeat.models.accounts import (
    Account,
    Afterwards,
    Operation,
    OperationKind,
    OperationStatus,
    PaymentState,
    Step,
    Trouble,
)
from backbeat.models.errors import BackbeatError, Conflict, NotFound, Retryable
from backbeat.models.tiers import Plan
from backbeat.persistence import accounts as stored
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, page_of
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.providers import Away, ProviderError, Refused
from backbeat.ports.store import Index, Item, Query

PATIENCE: Final = timedelta(hours=23)
"""How long a payment may wait for its customer: Stripe lets intents go after a day."""

_ATTENTION: Final = timedelta(seconds=10)
"""After so long no further step is begun for one caller: scheduled work goes on."""

_MOST_STEPS: Final = 60
"""More than any operation has, however often others get in between."""


def get(call: Call, operation_id: str) -> Operation:
    """Returns an operation.

    Raises:
        NotFound: there is none of the id.
    """
    return _held(call, operation_id)[1]


def unfinished(call: Call, operation_id: str) -> Operation:
    """Returns an operation that is not over.

    Raises:
        NotFound: there is none of the id.
        Conflict: it is over.
    """
    return _open(call, operation_id)[1]


def page(
    call: Call, status: OperationStatus, *, limit: int, cursor: str | None
) -> tuple[list[Operation], str | None]:
    """Returns a page of the operations of a status, oldest first, and the next page's cursor."""
    query = Query(
        keys.operations(call.tenant, status), index=Index.GSI1, limit=limit, cursor=cursor
    )
    items, next_cursor = page_of(call.store, query, lambda item: True)
    return [from_item(item, Operation) for item in items], next_cursor


def planned(call: Call, kind: OperationKind, account: Account, plan: Plan | None) -> Operation:
    """Returns an operation that is to change what an account has; nothing is stored yet."""
    subscription = account.subscription
    return Operation(
        id=call.services.ids.new(),
        kind=kind,
        entity_id=account.id,
        step=Step.COMMIT,
        created_at=call.now,
        updated_at=call.now,
        before=None if subscription is None else subscription.plan,
        plan=plan,
        old_contract_id=None if subscription is None else subscription.contract_id,
        old_contract_start=None if subscription is None else subscription.contract_start,
    )


def begin(call: Call, operation: Operation, account: Account, before: Item | None) -> Operation:
    """Stores an operation and that its account is taken up by it. `before` is the account's item.

    Raises:
        Retryable: somebody else changed the account; it is to be looked at again.
    """
    operation = steps.first(operation)
    taken = account.model_copy(update={"operation_id": operation.id, "updated_at": call.now})
    work = UnitOfWork(call.store)
    work.add(stored.put_account(call.tenant, taken, before))
    work.add(stored.put_operation(call.tenant, operation, None))
    work.add(*duties.of_operation(call, operation), *duties.of_account(call, taken))
    work.commit()
    return operation


def run(call: Call, operation_id: str) -> Operation:
    """Takes the steps of an operation as far as they go, and returns how far that is.

    Raises:
        NotFound: there is none of the id.
        Retryable: others kept changing it.
    """
    until = call.services.clock.now() + _ATTENTION
    for _ in range(_MOST_STEPS):
        item, operation = _held(call, operation_id)
        if operation.status.is_over or operation.status is OperationStatus.STUCK:
            return operation
        account_item, account = accounts.held(call, operation.entity_id)
        progress = _advanced(call, operation, account)
        try:
            _save(call, item, account_item, progress)
        except Retryable:
            continue
        after = progress.operation
        if after.status is OperationStatus.WAITING or after.tries > operation.tries:
            return after
        if not after.status.is_over and call.services.clock.now() >= until:
            return after
    raise Retryable("The operation was changed by others at the same time. Try again.")


def retry(call: Call, operation_id: str, payment_method: str | None = None) -> Operation:
    """Tries anew what an operation stopped at: a payment that was declined, or a step.

    `payment_method` replaces the one it was tried with; otherwise the customer's default counts.

    Raises:
        NotFound: there is none of the id.
        Conflict: it is over.
        Retryable: others kept changing it.
    """
    item, operation = _open(call, operation_id)
    changes: dict[str, object] = {"tries": 0, "status": OperationStatus.RUNNING}
    unpaid = operation.payment in (PaymentState.FAILED, PaymentState.METHOD_REQUIRED)
    if operation.step is Step.PAYMENT and unpaid:
        changes |= {
            "attempt": operation.attempt + (operation.attempted >= operation.attempt),
            "payment_method": payment_method,
        }
    _save(call, item, None, Progress(operation.model_copy(update=changes)))
    return run(call, operation_id)


def abandon(
    call: Call,
    operation_id: str,
    *,
    code: str,
    message: str,
    afterwards: Afterwards = Afterwards.NOTHING,
    downgrade: Plan | None = None,
) -> Operation:
    """Takes an operation back that waits or is stuck. `downgrade` is the plan to have afterwards.

    Raises:
        NotFound: there is none of the id.
        Conflict: it is over, or has gone too far.
        Retryable: others kept changing it.
    """
    item, operation = _open(call, operation_id)
    if not steps.can_turn_back(operation):
        raise Conflict("The operation has gone too far to be taken back", value=operation.step)
    following = {"afterwards": afterwards, "downgrade": downgrade}
    after = _failing(call, operation.model_copy(update=following), code, message)
    _save(call, item, None, Progress(after))
    return run(call, operation_id)


def _advanced(call: Call, operation: Operation, account: Account) -> Progress:
    """Returns what the next step made of an operation."""
    if operation.status is OperationStatus.WAITING:
        operation = operation.model_copy(update={"status": OperationStatus.RUNNING})
    try:
        return steps.take(call, operation, account)
    except Waits as waits:
        waiting = {"status": OperationStatus.WAITING, "updated_at": call.now}
        return Progress(waits.operation.model_copy(update=waiting), waits.account)
    except Fails as fails:
        return Progress(_failing(call, fails.operation, fails.code, fails.message))
    except Away as away:
        return Progress(_tried(call, operation, away))
    except Refused as refused:
        if operation.status is OperationStatus.COMPENSATING or not steps.can_turn_back(operation):
            return Progress(_stuck(call, operation, refused.code, str(refused)))
        return Progress(_failing(call, operation, refused.code, str(refused)))
    except Retryable:
        raise
    except BackbeatError as error:
        return Progress(_stuck(call, operation, error.code, error.message))


def _failing(call: Call, operation: Operation, code: str, message: str) -> Operation:
    return steps.compensated(_troubled(call, operation, code, message))


def _tried(call: Call, operation: Operation, error: ProviderError) -> Operation:
    tries = operation.tries + 1
    if tries >= duties.MOST_TRIES:
        return _stuck(call, operation, "unavailable", str(error))
    troubled = _troubled(call, operation, "unavailable", str(error))
    return troubled.model_copy(update={"tries": tries})


def _stuck(call: Call, operation: Operation, code: str, message: str) -> Operation:
    troubled = _troubled(call, operation, code, message)
    call.services.count("OperationsStuck", 1)
    return troubled.model_copy(
        update={"status": OperationStatus.STUCK, "tries": operation.tries + 1}
    )


def _troubled(call: Call, operation: Operation, code: str, message: str) -> Operation:
    trouble = Trouble(step=operation.step, code=code or "refused", message=message, at=call.now)
    return operation.model_copy(update={"trouble": trouble, "updated_at": call.now})


def _save(call: Call, item: Item, account_item: Item | None, progress: Progress) -> None:
    operation, account = progress.operation, progress.account
    operation = operation.model_copy(update={"updated_at": call.now})
    work = UnitOfWork(call.store)
    work.add(stored.put_operation(call.tenant, operation, item))
    work.add(*progress.effects, *duties.of_operation(call, operation))
    work.add(*overdue.of_operation(call, operation))
    if account is not None:
        work.add(stored.put_account(call.tenant, account, account_item))
        work.add(*duties.of_account(call, account))
    work.commit()


def _held(call: Call, operation_id: str) -> tuple[Item, Operation]:
    found = stored.operation(call.store, call.tenant, operation_id)
    if found is None:
        raise NotFound("operation", operation_id)
    return found


def _open(call: Call, operation_id: str) -> tuple[Item, Operation]:
    item, operation = _held(call, operation_id)
    if operation.status.is_over:
        raise Conflict(f"The operation is {operation.status.value} already")
    return item, operation


def is_the_same(operation: Operation, other: Operation) -> bool:
    """Tells whether somebody asked twice for the same."""
    return _meaning(operation) == _meaning(other)


def _meaning(operation: Operation) -> Sequence[object]:
    return (operation.kind, operation.plan, operation.ends_at)
