"""The end of a metered period: final only when all places agree, or somebody answers for it (N-36).

While they do not, the draft of the period's invoice is held at Stripe, so that it is not finalized
by itself; once they do it is let go.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from backbeat.application import connections
from backbeat.application.metering import mappings, pushes, reconciliation
from backbeat.application.services import Call
from backbeat.domain.identity import derived_id
from backbeat.models.errors import Conflict, Retryable, Unprocessable
from backbeat.models.mappings import MeterMapping, PeriodClosing, PushState
from backbeat.models.period import Period
from backbeat.models.reconciliation import Found, Verdict
from backbeat.persistence import keys
from backbeat.persistence.entities import to_item
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.providers import ProviderError
from backbeat.ports.store import Absent, Put

_GUARDED: Final = timedelta(days=3)
"""How long after its end a period's draft is looked after."""


def finalize(
    call: Call, mapping_id: str, period_start: datetime, *, by: str, override_reason: str | None
) -> tuple[Found, PushState]:
    """Closes a period of a mapping: what comes later is no more told.

    What is left to tell is told first. With an `override_reason` a period is closed though its
    totals differ; who did it, and why, is kept with it.

    Raises:
        NotFound: there is no such mapping or period.
        Unprocessable: the period is not over.
        Conflict: its totals differ, and nobody overrides that.
        Retryable: Stripe could not be asked.
    """
    mapping = mappings.get(call, mapping_id)
    period, part = mappings.part_from(call, mapping, period_start)
    if call.now < part.ending_before:
        raise Unprocessable(f"The period ends at {part.ending_before.isoformat()}")
    state = pushes.state_of(call, mapping, mapping.target, part)
    if state.finalized_at is None:
        pushes.run(call, mapping_id=mapping_id, insists=True)
    found = reconciliation.look(call, mapping, mapping.target, period, part, whole=True)
    if state.finalized_at is not None:
        return found, state
    if found.verdict is Verdict.UNKNOWN:
        raise Retryable(f"Stripe could not be asked: {found.message}")
    if found.differences and override_reason is None:
        raise Conflict(f"The totals of the period differ: {_told(found)}")
    item, state = pushes.stored_state(call, mapping, mapping.target, part)
    closed = state.model_copy(
        update={
            "finalized_at": call.now,
            "finalized_by": by,
            "override_reason": override_reason if found.differences else None,
        }
    )
    closing = PeriodClosing(
        id=derived_id("closing", state.ledger, state.period_start),
        mapping_id=mapping.id,
        period_start=state.period_start,
        at=call.now,
        by=by,
        override_reason=closed.override_reason,
        differences=_told(found),
    )
    key = keys.period_closing(call.tenant, state.ledger, state.period_start)
    work = UnitOfWork(call.store)
    # In the log of changes, as everything that somebody answers for.
    work.add(pushes.put_state(call, item, closed), Put(to_item(key, closing), Absent()))
    work.commit()
    guard(call, mapping, part, found)
    return found, pushes.state_of(call, mapping, mapping.target, part)


def guard_all(call: Call) -> int:
    """Holds the drafts of periods that have just ended and differ, and lets go those that agree.

    Returns how many are held.
    """
    held = 0
    for mapping in mappings.every(call):
        for period, part in mappings.open_parts(call, mapping):
            if period.ending_before <= call.now < period.ending_before + _GUARDED:
                found = reconciliation.look(
                    call, mapping, mapping.target, period, part, whole=False
                )
                held += guard(call, mapping, part, found)
    return held


def guard(call: Call, mapping: MeterMapping, part: Period, found: Found) -> bool:
    """Holds the draft of a period that differs, or lets it go. Returns whether it is held."""
    drafts = [line.invoice_id for line in found.billed if line.status == "draft"]
    state = pushes.state_of(call, mapping, mapping.target, part)
    wants = found.verdict is not Verdict.UNKNOWN and bool(found.differences)
    wants = wants and state.finalized_at is None and bool(drafts)
    if wants and state.held_invoice_id is None:
        if not _hold(call, mapping, drafts, held=True):
            return False
        _note(call, state, drafts[0])
    elif state.held_invoice_id is not None and not wants and found.verdict is not Verdict.UNKNOWN:
        if state.held_invoice_id in drafts and not _hold(call, mapping, drafts, held=False):
            return True
        _note(call, state, None)
    return wants


def _hold(call: Call, mapping: MeterMapping, drafts: Sequence[str], *, held: bool) -> bool:
    meters = connections.meters(call)
    try:
        for draft in drafts:
            meters.hold(draft, held=held)
    except ProviderError:
        # The next run tries again.
        return False
    return True


def _note(call: Call, state: PushState, invoice_id: str | None) -> None:
    # Read anew: what a push changed meanwhile must stay.
    stored, current = pushes.again(call, state)
    noted = current.model_copy(update={"held_invoice_id": invoice_id})
    work = UnitOfWork(call.store)
    work.add(pushes.put_state(call, stored, noted))
    work.commit()


def _told(found: Found) -> str:
    parts = [f"{one.kind.value} {one.amount:f}" for one in found.differences]
    return ", ".join(parts)
