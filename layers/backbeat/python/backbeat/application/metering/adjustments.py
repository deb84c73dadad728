"""Adjustments: changes of usage that are proposed, decided on, and taken back.

An approved one is in the ledger like all usage, so everything that reads usage sees it, and it
counts once however often approving it is tried. Between a decision and its end lies a status that
says so: whoever asks again completes it.
"""

from collections.abc import Callable

from backbeat.application import ingest
from backbeat.application.metering import (
    adjustment_items,
    approvals,
    definitions,
    references,
    watching,
)
from backbeat.application.metering.adjustment_items import STEPS
from backbeat.application.services import Call
from backbeat.models.adjustments import Adjustment, AdjustmentStatus
from backbeat.models.errors import Unprocessable
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, page_of_models, walk
from backbeat.ports.store import Index, Query


def get(call: Call, adjustment_id: str) -> Adjustment:
    """Returns an adjustment.

    Raises:
        NotFound: there is none of that id.
    """
    return from_item(adjustment_items.stored(call, adjustment_id), Adjustment)


def page(
    call: Call, keep: Callable[[Adjustment], bool], *, limit: int, cursor: str | None
) -> tuple[list[Adjustment], str | None]:
    """Returns a page of the adjustments, the newest first, and the next page's cursor."""
    query = Query(
        keys.adjustments(call.tenant),
        index=Index.GSI1,
        forward=False,
        limit=limit,
        cursor=cursor,
    )
    return page_of_models(call.store, query, Adjustment, keep)


def approve(call: Call, adjustment_id: str, *, by: str) -> Adjustment:
    """Makes an adjustment count. Approving it again changes nothing.

    Raises:
        NotFound: there is none of that id.
        Forbidden: it is one's own, and the policy asks for somebody else.
        Unprocessable: it was rejected or taken back.
    """
    adjustment = get(call, adjustment_id)
    if adjustment.status is AdjustmentStatus.PENDING:
        approvals.refuse_own(call, adjustment, by)
    return _decide(
        call,
        adjustment_id,
        start=AdjustmentStatus.PENDING,
        step=AdjustmentStatus.APPROVING,
        changes={"decided_at": call.now, "decided_by": by},
    )


def reject(call: Call, adjustment_id: str, *, by: str) -> Adjustment:
    """Decides that an adjustment never counts. Rejecting it again changes nothing.

    Raises:
        NotFound: there is none of that id.
        Unprocessable: it was approved.
    """
    item = adjustment_items.stored(call, adjustment_id)
    before = from_item(item, Adjustment)
    if before.status is AdjustmentStatus.REJECTED:
        return before
    if before.status is not AdjustmentStatus.PENDING:
        raise Unprocessable(f"The adjustment is {before.status.value}: it cannot be rejected")
    decided = {"decided_at": call.now, "decided_by": by}
    return adjustment_items.replace(call, item, {"status": AdjustmentStatus.REJECTED, **decided})


def revert(call: Call, adjustment_id: str, *, by: str) -> Adjustment:
    """Takes back what an approved adjustment added, to the unit. Doing it again changes nothing.

    Raises:
        NotFound: there is none of that id.
        Unprocessable: it never counted, or its counter's values do not add up.
    """
    adjustment = get(call, adjustment_id)
    if not definitions.of(call).counter(adjustment.metric).adds_up:
        raise Unprocessable(
            f"{adjustment.metric} is no sum: an event that it counted stays, and none takes it back"
        )
    return _decide(
        call,
        adjustment_id,
        start=AdjustmentStatus.APPROVED,
        step=AdjustmentStatus.REVERTING,
        changes={"reverted_at": call.now, "reverted_by": by},
    )


def complete(call: Call) -> int:
    """Completes decisions that a crash left half done; returns how many there were."""
    begun = list(walk(call.store, Query(keys.adjusting(call.tenant), index=Index.GSI2)))
    for listed in begun:
        item = call.store.get(listed.key)
        if item is not None:
            finish(call, from_item(item, Adjustment).id)
    return len(begun)


def finish(call: Call, adjustment_id: str) -> Adjustment:
    """Writes the event of a decision that was begun, and says that it is done."""
    item = adjustment_items.stored(call, adjustment_id)
    adjustment = from_item(item, Adjustment)
    done = STEPS.get(adjustment.status)
    if done is None:
        return adjustment
    events = (
        adjustment_items.events_of(adjustment)
        if done is AdjustmentStatus.APPROVED
        else [adjustment_items.reversal_of(adjustment)]
    )
    references.note(call, [adjustment.customer_ref])
    # The events' keys are its own, so writing them a second time counts nothing.
    ingest.ingest(call, events, any_age=True)
    watching.usage_arrived(
        call, definitions.of(call), [(adjustment.metric, adjustment.customer_ref)]
    )
    return adjustment_items.replace(call, item, {"status": done})


def _decide(
    call: Call,
    adjustment_id: str,
    *,
    start: AdjustmentStatus,
    step: AdjustmentStatus,
    changes: dict[str, object],
) -> Adjustment:
    item = adjustment_items.stored(call, adjustment_id)
    before = from_item(item, Adjustment)
    if before.status is STEPS[step]:
        return before
    if before.status not in (start, step):
        raise Unprocessable(
            f"The adjustment is {before.status.value}: it cannot become {STEPS[step].value}"
        )
    if before.status is start:
        adjustment_items.replace(call, item, {"status": step, **changes})
    return finish(call, adjustment_id)
