"""Invoices of usage that are not paid, on the list of scheduled work."""

from datetime import datetime
from typing import Final

from backbeat.application import tenants, work_items
from backbeat.application.handlers import overdue as renewals
from backbeat.application.services import Call
from backbeat.domain import dunning as schedule
from backbeat.models.collections import Collection, CollectionState
from backbeat.models.contracts import DueItem, WorkKind
from backbeat.models.dunning import Overdue
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item
from backbeat.ports.store import Effect

_UNPAID: Final = (
    CollectionState.OPEN,
    CollectionState.FAILED,
    CollectionState.ACTION_REQUIRED,
)


def begun(call: Call, collection: Collection) -> Collection:
    """Returns a collection that is watched from now on, if it is not paid.

    Gated charges are not: they fail at once.
    """
    unpaid = collection.state in _UNPAID and collection.workflow_id is None
    if not unpaid or collection.overdue is not None:
        return collection
    since = Overdue(began_at=call.now, policy=renewals.policy(call))
    return collection.model_copy(update={"overdue": since})


def of_collection(
    call: Call, collection: Collection, *, not_before: datetime | None = None
) -> list[Effect]:
    """Returns the effects that schedule what is done next about a collection, if anything is."""
    key = keys.collection_due(call.tenant, collection.invoice_id)
    listed = call.store.get(key)
    watched = None if collection.state.is_over else collection.overdue
    action = None if watched is None else schedule.following(watched)
    if action is None:
        return [] if listed is None else work_items.remove(call, listed)
    at = action.at if not_before is None else max(action.at, not_before)
    due = DueItem(
        customer_id=collection.invoice_id,
        contract_id="-",
        kind=WorkKind.COLLECTING,
        period_start=at,
        due_at=at,
    )
    if listed is None:
        return [*work_items.put_first(call, key, due), tenants.mark(call)]
    return [] if from_item(listed, DueItem) == due else [work_items.replace(call, listed, due)]
