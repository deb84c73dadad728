"""Renewals that are not paid, on the list of scheduled work."""

from datetime import datetime, timedelta
from typing import Final

from backbeat.application import tenants, work_items
from backbeat.application.services import Call
from backbeat.domain import dunning as schedule
from backbeat.models.accounts import Operation, OperationStatus, PaymentState
from backbeat.models.contracts import DueItem, WorkKind
from backbeat.models.dunning import Dunning, DunningPolicy
from backbeat.persistence import keys
from backbeat.persistence.entities import read, to_item
from backbeat.ports.store import Absent, Effect, Put

_SOON: Final = timedelta(seconds=1)
"""Work of the very instant at which its clock stands may have been begun by a sandbox already."""

_UNPAID: Final = (PaymentState.FAILED, PaymentState.METHOD_REQUIRED, PaymentState.ACTION_REQUIRED)


def policy(call: Call) -> DunningPolicy:
    """Returns what holds for renewals that fail from now on."""
    return read(call.store, keys.dunning_policy(call.tenant), DunningPolicy) or DunningPolicy()


def set_policy(call: Call, wanted: DunningPolicy) -> None:
    """Lays down what holds for renewals that fail from now on."""
    call.store.transact([Put(to_item(keys.dunning_policy(call.tenant), wanted))])


def of_operation(call: Call, operation: Operation) -> list[Effect]:
    """Returns the effects by which an operation is watched once it is an unpaid renewal.

    One that is over is looked at once more, and no longer watched then.
    """
    key = keys.dunning(call.tenant, operation.id)
    due_key = keys.dunning_due(call.tenant, operation.id)
    if operation.status.is_over:
        listed = call.store.get(due_key)
        soon = due_at(operation.id, call.now + _SOON)
        return [] if listed is None else [work_items.replace(call, listed, soon)]
    unpaid = operation.status is OperationStatus.WAITING and operation.payment in _UNPAID
    if not operation.renews or not unpaid or call.store.get(key) is not None:
        return []
    begun = Dunning(
        operation_id=operation.id,
        entity_id=operation.entity_id,
        began_at=call.now,
        policy=policy(call),
    )
    first = schedule.following(begun)
    assert first is not None  # noqa: S101 - every schedule has an end
    return [
        Put(to_item(key, begun), Absent()),
        *work_items.put_first(call, due_key, due_at(operation.id, first.at)),
        tenants.mark(call),
    ]


def due_at(operation_id: str, at: datetime) -> DueItem:
    """Returns the entry of the work list for an operation's next action."""
    return DueItem(
        customer_id=operation_id,
        contract_id="-",
        kind=WorkKind.DUNNING,
        period_start=at,
        due_at=at,
    )
