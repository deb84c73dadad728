"""Corrections: what mends a difference that a reconciliation found.

For each period and class of difference there is one open suggestion at a time; a run that finds
something else supersedes it. Applying one commits together with the note that it was, so it is
done once.
"""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from backbeat.application.metering import (
    adjustments,
    definitions,
    mappings,
    proposals,
    pushes,
    quantities,
    replays,
)
from backbeat.application.metering.proposals import Proposal
from backbeat.application.services import Call
from backbeat.domain import reconciling
from backbeat.domain.identity import derived_id
from backbeat.models.adjustments import AdjustmentReason
from backbeat.models.base import Model
from backbeat.models.errors import InvalidArgument, NotFound, Unprocessable
from backbeat.models.mappings import MeterMapping, Target
from backbeat.models.money import EXACT
from backbeat.models.period import HOUR, Period, hour_of
from backbeat.models.reconciliation import (
    Correction,
    CorrectionKind,
    CorrectionStatus,
    DriftClass,
    Found,
    Share,
)
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, page_of_models, to_item
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Absent, Effect, Index, IndexKey, Item, Put, Query, Version

_PROPOSER = "system:correction"
_STANDING = (CorrectionStatus.OPEN, CorrectionStatus.REJECTED)
_CHOICES = {
    CorrectionKind.ADOPT: (CorrectionKind.ADOPT, CorrectionKind.WITHDRAW),
    CorrectionKind.WITHDRAW: (CorrectionKind.WITHDRAW,),
}
_ADDS_USAGE = (CorrectionKind.ADOPT, CorrectionKind.CARRY)


class _Numbers(Model):
    """How many corrections a period had, by class of difference."""

    of: dict[DriftClass, int] = {}


def suggest(
    call: Call, mapping: MeterMapping, target: Target, row: Found, before: Found | None
) -> None:
    """Keeps one open suggestion for each class of difference of a period, as they are now.

    What somebody rejected is suggested again once it has changed. A miscount has to be seen twice,
    as it was `before`: where the index of events lags, new ones are missing for a moment.
    """
    counter = definitions.of(call).counter(mapping.metric)
    state = pushes.state_of(call, mapping, target, row.period)
    key = keys.correction_numbers(call.tenant, state.ledger, row.period_start)
    stored = call.store.get(key)
    numbers = _Numbers() if stored is None else from_item(stored, _Numbers)
    for difference in DriftClass:
        amount = row.amount_of(difference)
        if difference is DriftClass.MISCOUNTED and (
            before is None or before.amount_of(difference) != amount
        ):
            amount = Decimal(0)
        number = numbers.of.get(difference, 0)
        if not amount and not number:
            continue
        kind = reconciling.mends(
            difference, refused=state.failed is not None, adds_up=counter.adds_up
        )
        item = call.store.get(
            keys.correction(call.tenant, _id(mapping, target, row, difference, number))
        )
        held = None if item is None else from_item(item, Correction)
        if held is not None and (
            held.status is CorrectionStatus.APPLYING
            or (held.status in _STANDING and (held.amount, held.kind) == (amount, kind))
        ):
            continue
        effects: list[Effect] = []
        if item is not None and held is not None and held.status is CorrectionStatus.OPEN:
            superseded = held.model_copy(update={"status": CorrectionStatus.SUPERSEDED})
            effects.append(_replaced(call, item, superseded))
        if amount and kind is not None:
            numbers = _Numbers(of={**numbers.of, difference: number + 1})
            made = Correction(
                id=_id(mapping, target, row, difference, number + 1),
                mapping_id=mapping.id,
                lane=target.lane,
                metric=mapping.metric,
                period_start=row.period_start,
                difference=difference,
                kind=kind,
                amount=amount,
                shares=_shares(call, mapping, row.period, amount) if kind in _ADDS_USAGE else (),
                number=number + 1,
                created_at=call.now,
            )
            condition = Absent() if stored is None else Version(stored.version)
            counted = to_item(key, numbers, version=1 if stored is None else stored.version + 1)
            effects += [Put(_item(call, made), Absent()), Put(counted, condition)]
            stored = counted
        if effects:
            _write(call, *effects)


def get(call: Call, correction_id: str) -> Correction:
    """Returns a correction.

    Raises:
        NotFound: there is none of that id.
    """
    return from_item(_stored(call, correction_id), Correction)


def page(
    call: Call, keep: Callable[[Correction], bool], *, limit: int, cursor: str | None
) -> tuple[list[Correction], str | None]:
    """Returns a page of the corrections, the newest first, and the next page's cursor."""
    query = Query(
        keys.corrections(call.tenant), index=Index.GSI1, forward=False, limit=limit, cursor=cursor
    )
    return page_of_models(call.store, query, Correction, keep)


def approve(
    call: Call,
    correction_id: str,
    *,
    by: str,
    kind: CorrectionKind | None = None,
    note: str | None = None,
) -> Correction:
    """Applies a correction; the note says why. Approving it again changes nothing.

    Raises:
        NotFound: there is none of that id.
        InvalidArgument: the difference cannot be mended in that way.
        Unprocessable: it was rejected or superseded, or a push is under way.
    """
    item = _stored(call, correction_id)
    held = from_item(item, Correction)
    if held.status is CorrectionStatus.APPLIED:
        return held
    if held.status not in (CorrectionStatus.OPEN, CorrectionStatus.APPLYING):
        raise Unprocessable(f"The correction is {held.status.value}: it cannot be applied")
    mapping = mappings.get(call, held.mapping_id)
    target = next(one for one in mapping.targets if one.lane is held.lane)
    _, part = mappings.part_from(call, mapping, held.period_start)
    if held.status is CorrectionStatus.OPEN:
        item, held = _begin(call, item, held, mapping, target, part, by=by, kind=kind, note=note)
    if held.status is CorrectionStatus.APPLYING:
        _write_usage(call, held, mapping, part)
        held = _finish(call, item, held, mapping, target, part)
    return held


def reject(call: Call, correction_id: str, *, by: str) -> Correction:
    """Decides not to apply a correction. Rejecting it again changes nothing.

    Raises:
        NotFound: there is none of that id.
        Unprocessable: it was applied, or superseded.
    """
    item = _stored(call, correction_id)
    held = from_item(item, Correction)
    if held.status is CorrectionStatus.REJECTED:
        return held
    if held.status is not CorrectionStatus.OPEN:
        raise Unprocessable(f"The correction is {held.status.value}: it cannot be rejected")
    rejected = _decided(call, held, CorrectionStatus.REJECTED, by)
    _write(call, _replaced(call, item, rejected))
    return rejected


def _begin(
    call: Call,
    item: Item,
    held: Correction,
    mapping: MeterMapping,
    target: Target,
    part: Period,
    *,
    by: str,
    kind: CorrectionKind | None,
    note: str | None,
) -> tuple[Item, Correction]:
    """Changes how far the period is pushed, together with the note that it is.

    Where usage is added as well, no push runs until that is done: it would see one without the
    other.
    """
    chosen = kind or held.kind
    if chosen not in _CHOICES.get(held.kind, (held.kind,)):
        raise InvalidArgument(f"kind: {chosen.value} does not mend {held.difference.value}")
    stored, state = pushes.stored_state(call, mapping, target, part)
    if state.pending is not None and chosen is not CorrectionKind.RECOUNT:
        raise Unprocessable("A push of the period is under way: reconcile again when it is done")
    adds = chosen in (*_ADDS_USAGE, CorrectionKind.RECOUNT)
    status = CorrectionStatus.APPLYING if adds else CorrectionStatus.APPLIED
    begun = _decided(call, held, status, by).model_copy(
        update={"kind": chosen, "decision_note": note}
    )
    put = _replaced(call, item, begun)
    changes: dict[str, object] = {"mending": held.id} if adds else {}
    match chosen:
        case CorrectionKind.RESEND | CorrectionKind.WITHDRAW | CorrectionKind.ADOPT:
            # Stripe's own figure: what was lost is missing again, a stranger's usage is known.
            changes["pushed"] = EXACT.subtract(state.pushed, held.amount)
        case CorrectionKind.RETRY:
            changes["failed"] = None
        case CorrectionKind.CARRY | CorrectionKind.RECOUNT:
            pass
    _write(call, put, pushes.put_state(call, stored, state.model_copy(update=changes)))
    return put.item, begun


def _write_usage(call: Call, held: Correction, mapping: MeterMapping, part: Period) -> None:
    """Adds the usage that a correction is about. Done again, it adds nothing."""
    now_hour = hour_of(call.now)
    inside = min(now_hour, part.ending_before - HOUR)
    match held.kind:
        case CorrectionKind.ADOPT:
            # A stranger's usage: what was pushed fell short of Stripe's figure by it.
            for share in held.shares:
                _adjust(call, held, share.customer_ref, "adopted", inside, -share.amount)
        case CorrectionKind.CARRY:
            for share in held.shares:
                ref = share.customer_ref
                _adjust(call, held, ref, "closed", part.ending_before - HOUR, -share.amount)
                _adjust(call, held, ref, "carried", now_hour, share.amount)
        case CorrectionKind.RECOUNT:
            known = definitions.of(call)
            counter = known.counter(mapping.metric)
            for customer in quantities.meant(call, mapping.customer_refs):
                replays.recount(call, known.metric_of(counter), customer, part)
        case CorrectionKind.RESEND | CorrectionKind.RETRY | CorrectionKind.WITHDRAW:
            pass


def _adjust(
    call: Call, held: Correction, customer_ref: str, part: str, at: datetime, amount: Decimal
) -> None:
    made = proposals.create(
        call,
        Proposal(
            metric=held.metric,
            customer_ref=customer_ref,
            timestamp=at,
            delta=amount,
            reason=AdjustmentReason.CORRECTION,
            # A reconciliation proposed it: whoever approves the correction is the second.
            by=_PROPOSER,
            note=f"{held.difference.value} of {held.period_start.isoformat()}",
            request_id=f"{held.id}:{part}:{customer_ref}"[:128],
            meta={},
        ),
    )
    adjustments.approve(call, made.id, by=held.decided_by or _PROPOSER)


def _finish(
    call: Call,
    item: Item,
    held: Correction,
    mapping: MeterMapping,
    target: Target,
    part: Period,
) -> Correction:
    applied = held.model_copy(update={"status": CorrectionStatus.APPLIED})
    stored, state = pushes.stored_state(call, mapping, target, part)
    mended = state.model_copy(update={"mending": None})
    _write(call, _replaced(call, item, applied), pushes.put_state(call, stored, mended))
    return applied


def _shares(call: Call, mapping: MeterMapping, part: Period, amount: Decimal) -> tuple[Share, ...]:
    known = definitions.of(call)
    metric = known.metric_of(known.counter(mapping.metric))
    usage = {ref: quantities.of_refs(call, metric, [ref], part) for ref in mapping.customer_refs}
    return reconciling.shares(amount, usage)


def _decided(call: Call, held: Correction, status: CorrectionStatus, by: str) -> Correction:
    return held.model_copy(update={"status": status, "decided_at": call.now, "decided_by": by})


def _id(
    mapping: MeterMapping, target: Target, row: Found, difference: DriftClass, number: int
) -> str:
    return derived_id(
        "correction", mapping.ledger(target), row.period_start, difference.value, number
    )


def _stored(call: Call, correction_id: str) -> Item:
    item = call.store.get(keys.correction(call.tenant, correction_id))
    if item is None:
        raise NotFound("correction", correction_id)
    return item


def _replaced(call: Call, item: Item, after: Correction) -> Put:
    return Put(_item(call, after, item.version + 1), Version(item.version))


def _write(call: Call, *effects: Effect) -> None:
    work = UnitOfWork(call.store)
    work.add(*effects)
    work.commit()


def _item(call: Call, correction: Correction, version: int = 1) -> Item:
    return to_item(
        keys.correction(call.tenant, correction.id),
        correction,
        version=version,
        gsi1=IndexKey(
            keys.corrections(call.tenant), keys.created(correction.created_at, correction.id)
        ),
    )
