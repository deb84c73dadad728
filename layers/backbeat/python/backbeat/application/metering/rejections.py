"""Pushes that Stripe took and told afterwards that it did not count.

Such a push counts as not made: the period's pushed total falls by it, and nothing more of the
period is sent by itself until somebody has looked, since the same would be rejected again. A
report may come twice, and before the answer to the push that it is about.
"""

from typing import Final

from backbeat.application.metering import pushes
from backbeat.application.services import Call
from backbeat.models.errors import Retryable
from backbeat.models.mappings import FailedPush, PushRecord, PushState, PushStatus
from backbeat.models.money import EXACT
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item
from backbeat.ports.store import Contention, Index, Query, TransactionCancelled

_TRIES: Final = 5


def note(call: Call, identifier: str, message: str) -> bool:
    """Notes that a meter event was not counted. Again, it changes nothing.

    Returns whether the event is a push of ours.

    Raises:
        Retryable: pushes of the period kept changing it.
    """
    for _ in range(_TRIES):
        listed = call.store.query(
            Query(keys.pushed_event(call.tenant, identifier).pk, index=Index.GSI1)
        ).items
        item = call.store.get(listed[0].key) if listed else None
        if item is None:
            return False
        record = from_item(item, PushRecord)
        if record.status not in (PushStatus.PENDING, PushStatus.SENT):
            return True
        stored, state = pushes.again(
            call,
            PushState(
                ledger=record.ledger,
                period_start=record.period_start,
                period_end=record.period_start,
            ),
        )
        line = record.model_copy(
            update={
                "status": PushStatus.REJECTED,
                "settled_at": call.now,
                "message": message,
            }
        )
        after = _without(call, state, record, message)
        try:
            call.store.transact(
                [pushes.put_state(call, stored, after), pushes.record(call, state, line)]
            )
        except (TransactionCancelled, Contention):
            continue
        call.services.count("MeterPushesRejected", 1)
        return True
    raise Retryable("Pushes of the period keep changing. Try again.")


def _without(call: Call, state: PushState, record: PushRecord, message: str) -> PushState:
    changes: dict[str, object] = {
        "failed": FailedPush(
            sequence=record.sequence, delta=record.delta, message=message, at=call.now
        )
    }
    if record.status is PushStatus.SENT:
        changes["pushed"] = EXACT.subtract(state.pushed, record.delta)
    elif state.pending is not None and state.pending.sequence == record.sequence:
        changes["pending"] = None
    return state.model_copy(update=changes)
