"""Telling usage to Stripe: differences, each exactly once, whatever dies in between.

Intent first: a push is written down with its identifier before it is sent, and confirmed
afterwards. Whoever finds one that was begun sends the very same event again, which counts once in
a day; after that, what Stripe has counted tells whether it arrived. Pushes to a customer's meter
come one after the other, since each needs the version of its state that the one before left.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from backbeat.application import connections
from backbeat.application.metering import definitions, mappings, quantities
from backbeat.application.services import Call
from backbeat.domain import pushing
from backbeat.models.errors import BackbeatError, Retryable
from backbeat.models.mappings import (
    FailedPush,
    Lane,
    MeterMapping,
    Pending,
    PushRecord,
    PushState,
    PushStatus,
    Target,
)
from backbeat.models.money import EXACT
from backbeat.models.period import Period
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, page_of_models, to_item
from backbeat.ports.meters import Busy, MeterEvent, Sent, StripeMeter, StripeMeters
from backbeat.ports.providers import Away, ProviderError, Refused
from backbeat.ports.store import (
    Absent,
    Contention,
    Effect,
    Item,
    Key,
    Put,
    Query,
    TransactionCancelled,
    Version,
)

_LEASE: Final = timedelta(minutes=2)
"""How long whoever sends has for it. No request lives longer."""
_MOST_PARTS: Final = 10

_log = logging.getLogger("backbeat.metering")


class Progress(StrEnum):
    """How a push of a period went."""

    UNCHANGED = "unchanged"
    """There was nothing to tell."""
    SENT = "sent"
    DEFERRED = "deferred"
    """Stripe did not decide; it is sent again later, as it is."""
    RUNNING = "running"
    """Somebody else is at it."""
    FAILED = "failed"
    """Stripe refused it: somebody has to look at it."""
    UNSURE = "unsure"
    """It is a day old and nobody knows whether it was counted: somebody has to look at it."""
    CLOSED = "closed"
    """The period's invoice is final, or Stripe takes nothing so old."""
    PAUSED = "paused"
    """The mapping is not active."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """How a period's usage stands at one target after a push."""

    mapping: MeterMapping
    target: Target
    part: Period
    progress: Progress
    total: Decimal
    state: PushState
    message: str | None = None


@dataclass(frozen=True, slots=True)
class _Place:
    """What is pushed where. `period` is the one that Stripe bills, `part` what is told of it."""

    call: Call
    mapping: MeterMapping
    target: Target
    period: Period
    part: Period
    meters: StripeMeters
    insists: bool

    @property
    def ledger(self) -> str:
        return self.mapping.ledger(self.target)

    @property
    def meter(self) -> StripeMeter:
        target = self.target
        return StripeMeter(
            id=target.meter_id,
            event_name=target.event_name,
            formula="sum",
            active=True,
            windowed=False,
            customer_key=target.customer_key,
            value_key=target.value_key,
        )

    def total(self) -> Decimal:
        known = definitions.of(self.call)
        metric = known.metric_of(known.counter(self.mapping.metric))
        return quantities.of_refs(self.call, metric, self.mapping.customer_refs, self.part)


def run(call: Call, *, mapping_id: str | None = None, insists: bool = False) -> list[Pushed]:
    """Pushes what changed of all open periods, or of one mapping's.

    With `insists`, what was refused or deferred before is tried again. A target that cannot be told
    now does not keep the others from being told, but where Stripe wants fewer calls all wait.

    Raises:
        NotFound: there is no such mapping.
    """
    chosen = mappings.every(call) if mapping_id is None else iter([mappings.get(call, mapping_id)])
    results: list[Pushed] = []
    busy: set[Lane] = set()
    for mapping in chosen:
        for target in mapping.targets:
            results += _push_target(call, mapping, target, busy, insists=insists)
    return results


def state_of(call: Call, mapping: MeterMapping, target: Target, part: Period) -> PushState:
    """Returns how far a part of a period is pushed."""
    item = call.store.get(_key(call, mapping.ledger(target), part))
    return _fresh(mapping.ledger(target), part) if item is None else _read(item, part)


def stored_state(
    call: Call, mapping: MeterMapping, target: Target, part: Period
) -> tuple[Item | None, PushState]:
    """Returns how far a part of a period is pushed, and the item that says so if there is one."""
    item = call.store.get(_key(call, mapping.ledger(target), part))
    state = _fresh(mapping.ledger(target), part) if item is None else _read(item, part)
    return item, state


def again(call: Call, state: PushState) -> tuple[Item | None, PushState]:
    """Returns a state as it is by now, and the item that says so."""
    item = call.store.get(keys.push_state(call.tenant, state.ledger, state.period_start))
    return item, state if item is None else _read(item, state.period)


def put_state(call: Call, item: Item | None, state: PushState) -> Put:
    """Returns the effect that changes how far a part is pushed, if nobody else did."""
    key = keys.push_state(call.tenant, state.ledger, state.period_start)
    if item is None:
        return Put(to_item(key, state), Absent())
    return Put(to_item(key, state, version=item.version + 1), Version(item.version))


def record(call: Call, state: PushState, made: PushRecord) -> Effect:
    """Returns the effect that writes a line of a target's log."""
    key = keys.push_record(call.tenant, state.ledger, state.period_start, made.sequence)
    return Put(to_item(key, made, gsi1=keys.pushed_event(call.tenant, made.identifier)))


def log(
    call: Call, mapping: MeterMapping, target: Target, *, limit: int, cursor: str | None
) -> tuple[list[PushRecord], str | None]:
    """Returns a page of a target's pushes, the newest first, and the next page's cursor."""
    pk, low, high = keys.push_records(call.tenant, mapping.ledger(target))
    query = Query(pk, low=low, high=high, forward=False, limit=limit, cursor=cursor)
    return page_of_models(call.store, query, PushRecord)


def meters_of(call: Call, target: Target) -> StripeMeters:
    """Opens the account that a target lies in: a shadow's is never that of another.

    Raises:
        Unprocessable: it is not connected.
    """
    if target.lane is Lane.SHADOW:
        return connections.shadow_meters(call)
    return connections.meters(call)


def _push_target(
    call: Call, mapping: MeterMapping, target: Target, busy: set[Lane], *, insists: bool
) -> Iterator[Pushed]:
    try:
        meters = meters_of(call, target)
        problem = None
    except BackbeatError as error:
        meters, problem = None, error.message
    for period, part in mappings.open_parts(call, mapping):
        if meters is None or not mapping.active or target.lane in busy:
            state = state_of(call, mapping, target, part)
            progress = Progress.DEFERRED if mapping.active else Progress.PAUSED
            if problem is not None:
                progress = Progress.FAILED
            yield Pushed(mapping, target, part, progress, state.pushed, state, problem)
            continue
        place = _Place(call, mapping, target, period, part, meters, insists)
        try:
            yield _push(place)
        except ProviderError as error:
            # Also of what is asked before anything is begun, such as how a period is billed.
            if isinstance(error, Busy):
                busy.add(target.lane)
            state = state_of(call, mapping, target, part)
            yield Pushed(
                mapping, target, part, Progress.DEFERRED, state.pushed, state, error.message
            )


def _push(place: _Place) -> Pushed:
    """Pushes what changed of a part, in as many events as its digits need."""
    sent = False
    for _ in range(_MOST_PARTS):
        item, state = stored_state(place.call, place.mapping, place.target, place.part)
        begun = _begun(place, item, state)
        if isinstance(begun, Pushed):
            return replace(begun, progress=Progress.SENT) if sent and _is_done(begun) else begun
        stop = _settle(place, *begun)
        if stop is not None:
            return stop
        sent = True
    raise Retryable("The usage kept changing. Try again.")


def _begun(place: _Place, item: Item | None, state: PushState) -> Pushed | tuple[Item, PushState]:
    """Returns the push that is ours to send, begun now or before; or why there is none."""
    if state.mending is not None:
        return _pushed(place, Progress.RUNNING, state, message="A correction is being applied")
    if state.pending is None:
        total = place.total()
        stop = _nothing_to_send(place, item, state, total)
        if stop is not None:
            return stop
        begun = _begin(place, item, state, pushing.delta(total, state.pushed))
    else:
        if not place.insists and _waits(place, state.pending):
            return _pushed(place, Progress.DEFERRED, state, message=state.pending.error)
        if _is_leased(place, state.pending):
            return _pushed(place, Progress.RUNNING, state)
        begun = _take_over(place, item, state)
    return _pushed(place, Progress.RUNNING, state) if begun is None else begun


def _settle(place: _Place, item: Item, state: PushState) -> Pushed | None:
    """Sends a push, or finds out what became of one that is too old for that.

    None: it is settled, and there may be more to tell.
    """
    if _is_old(place, state):
        return _ask_stripe(place, item, state)
    return _send(place, item, state)


def _is_done(stop: Pushed) -> bool:
    return stop.progress is Progress.UNCHANGED


def _nothing_to_send(
    place: _Place, item: Item | None, state: PushState, total: Decimal
) -> Pushed | None:
    """Tells why nothing is to be sent, or None when there is something."""
    if EXACT.compare(total, state.pushed) == 0:
        return _pushed(place, Progress.UNCHANGED, state, total=total)
    if state.closed_at is not None or state.finalized_at is not None:
        return _pushed(place, Progress.CLOSED, state, total=total)
    if state.failed is not None and not place.insists:
        return _pushed(place, Progress.FAILED, state, total=total, message=state.failed.message)
    if pushing.is_too_old(place.part, place.call.now):
        return _pushed(
            place, Progress.CLOSED, state, total=total, message="Stripe takes nothing so old"
        )
    if place.period.ending_before <= place.call.now and _is_billed(place):
        closed = state.model_copy(update={"closed_at": place.call.now})
        _commit(place.call, put_state(place.call, item, closed))
        return _pushed(place, Progress.CLOSED, closed, total=total)
    return None


def _is_billed(place: _Place) -> bool:
    """Tells whether the invoice of a period that is over is final: nothing more comes on it."""
    target = place.target
    found = place.meters.billed(target.meter_id, target.stripe_customer_id, place.period)
    return any(one.is_final for one in found)


def _begin(
    place: _Place, item: Item | None, state: PushState, delta: Decimal
) -> tuple[Item, PushState] | None:
    """Writes down what will be sent. None: somebody else began something meanwhile."""
    call, sequence = place.call, state.sequence + 1
    real_now = call.services.clock.now()
    pending = Pending(
        sequence=sequence,
        delta=delta,
        identifier=pushing.identifier(call.tenant, state.ledger, place.part, sequence),
        timestamp=pushing.timestamp(place.part, call.now),
        begun_at=call.now,
        begun_real_at=real_now,
        leased_until=real_now + _LEASE,
    )
    begun = state.model_copy(update={"sequence": sequence, "pending": pending, "failed": None})
    put = put_state(call, item, begun)
    if not _commit(call, put, record(call, begun, _line(begun, pending, PushStatus.PENDING))):
        return None
    return put.item, begun


def _take_over(place: _Place, item: Item | None, state: PushState) -> tuple[Item, PushState] | None:
    """Makes a push that was begun ours to send."""
    if state.pending is None:
        return None
    leased = state.pending.model_copy(
        update={
            "leased_until": place.call.services.clock.now() + _LEASE,
            "attempts": state.pending.attempts + 1,
        }
    )
    taken = state.model_copy(update={"pending": leased})
    put = put_state(place.call, item, taken)
    return (put.item, taken) if _commit(place.call, put) else None


def _send(place: _Place, item: Item, state: PushState) -> Pushed | None:
    """Sends what was begun. None: Stripe took it, and there may be more."""
    pending = state.pending
    if pending is None:
        return None
    event = MeterEvent(
        meter=place.meter,
        customer_id=place.target.stripe_customer_id,
        value=pending.delta,
        identifier=pending.identifier,
        timestamp=pending.timestamp,
    )
    try:
        taken = place.meters.send(event)
    except Refused as refused:
        failed = _failed(place, item, state, pending, refused.message)
        return _pushed(place, Progress.FAILED, failed, message=refused.message)
    except Away as away:
        waiting = _deferred(place, item, state, pending, away.message)
        if isinstance(away, Busy):
            raise
        return _pushed(place, Progress.DEFERRED, waiting, message=away.message)
    _confirm(place, item, state, pending, known=taken is Sent.KNOWN)
    return None


def _confirm(
    place: _Place, item: Item, state: PushState, pending: Pending, *, known: bool
) -> PushState:
    """Writes down that a push was taken. Somebody who did it meanwhile wrote the same."""
    confirmed = state.model_copy(
        update={
            "pending": None,
            "pushed": EXACT.add(state.pushed, pending.delta),
            "last_sent_at": place.call.now,
        }
    )
    line = _line(confirmed, pending, PushStatus.SENT, at=place.call.now, known=known)
    _commit(place.call, put_state(place.call, item, confirmed), record(place.call, state, line))
    place.call.services.count("MeterPushes", 1)
    return confirmed


def _failed(
    place: _Place, item: Item, state: PushState, pending: Pending, message: str
) -> PushState:
    now = place.call.now
    failed = state.model_copy(
        update={
            "pending": None,
            "failed": FailedPush(
                sequence=pending.sequence, delta=pending.delta, message=message, at=now
            ),
        }
    )
    line = _line(failed, pending, PushStatus.FAILED, at=now, message=message)
    _commit(place.call, put_state(place.call, item, failed), record(place.call, state, line))
    place.call.services.count("MeterPushesRefused", 1)
    _log.error("push refused", extra={"ledger": state.ledger, "reason": message})
    return failed


def _deferred(
    place: _Place, item: Item, state: PushState, pending: Pending, message: str
) -> PushState:
    retry_at = place.call.services.clock.now() + pushing.pause(pending.attempts)
    waiting = state.model_copy(
        update={
            "pending": pending.model_copy(
                update={"leased_until": None, "error": message, "retry_at": retry_at}
            )
        }
    )
    _commit(place.call, put_state(place.call, item, waiting))
    return waiting


def _ask_stripe(place: _Place, item: Item, state: PushState) -> Pushed | None:
    """Settles a push that is too old to be sent again, by what Stripe has counted.

    None: it is settled, and what is missing is pushed anew.
    """
    pending = state.pending
    if pending is None:
        return None
    target = place.target
    counted = place.meters.total(target.meter_id, target.stripe_customer_id, place.part)
    beyond = EXACT.subtract(counted, state.pushed)
    if beyond == pending.delta:
        _confirm(place, item, state, pending, known=True)
        return None
    if beyond == 0:
        dropped = state.model_copy(update={"pending": None})
        line = _line(state, pending, PushStatus.UNBOOKED, at=place.call.now)
        _commit(place.call, put_state(place.call, item, dropped), record(place.call, state, line))
        return None
    message = (
        f"Stripe has counted {counted:f} where {state.pushed:f} were pushed, and {pending.delta:f}"
        " may have been"
    )
    waiting = _deferred(place, item, state, pending, message)
    return _pushed(place, Progress.UNSURE, waiting, message=message)


def _waits(place: _Place, pending: Pending) -> bool:
    return pending.retry_at is not None and place.call.services.clock.now() < pending.retry_at


def _is_leased(place: _Place, pending: Pending) -> bool:
    return (
        pending.leased_until is not None and place.call.services.clock.now() < pending.leased_until
    )


def _is_old(place: _Place, state: PushState) -> bool:
    pending = state.pending
    return pending is not None and (
        max(
            place.call.now - pending.begun_at,
            place.call.services.clock.now() - pending.begun_real_at,
        )
        > pushing.RESENDABLE
    )


def _line(
    state: PushState,
    pending: Pending,
    status: PushStatus,
    *,
    at: datetime | None = None,
    known: bool = False,
    message: str | None = None,
) -> PushRecord:
    return PushRecord(
        ledger=state.ledger,
        sequence=pending.sequence,
        period_start=state.period_start,
        delta=pending.delta,
        identifier=pending.identifier,
        timestamp=pending.timestamp,
        begun_at=pending.begun_at,
        status=status,
        settled_at=at,
        known=known,
        message=message,
    )


def _commit(call: Call, *effects: Effect) -> bool:
    """Writes all or nothing. False: somebody else changed the state meanwhile."""
    try:
        call.store.transact(effects)
    except (TransactionCancelled, Contention):
        return False
    return True


def _pushed(
    place: _Place,
    progress: Progress,
    state: PushState,
    *,
    total: Decimal | None = None,
    message: str | None = None,
) -> Pushed:
    known = place.total() if total is None else total
    return Pushed(place.mapping, place.target, place.part, progress, known, state, message)


def _key(call: Call, ledger: str, part: Period) -> Key:
    return keys.push_state(call.tenant, ledger, part.starting_at)


def _fresh(ledger: str, part: Period) -> PushState:
    return PushState(ledger=ledger, period_start=part.starting_at, period_end=part.ending_before)


def _read(item: Item, part: Period) -> PushState:
    # A mapping that was ended since covers less of the period.
    return from_item(item, PushState).model_copy(update={"period_end": part.ending_before})
