"""Scheduled work: finalizing invoices, making recurring balances, looking at alerts, when due.

Each contract has one due item for each kind of work, which says when there is something to do
next; what is about a customer as a whole has one, too. Work of one instant is done kind by kind,
in the order of `WorkKind`.
"""

import logging
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Final, NamedTuple, TypeVar

from backbeat.application import (
    alert_looks,
    consequences,
    consolidated_invoices,
    lifecycle_tellings,
    looks,
    outbox,
    payments,
    recharge_triggers,
    recharges,
    recurring,
    scheduled_invoices,
    settled_drafts,
    sweeps,
    tenants,
    work_items,
)
from backbeat.application.metering import backfills, own_invoices
from backbeat.application.provider_invoices import (
    addressed_to_provider,
    on_sending_list,
    send_left_over,
    send_to_provider,
)
from backbeat.application.services import Call, Services
from backbeat.domain import invoicing, notices, periods
from backbeat.models.balances import Balance
from backbeat.models.base import Model
from backbeat.models.contracts import Contract, DueItem, WorkKind
from backbeat.models.customers import Customer
from backbeat.models.errors import BackbeatError, Retryable
from backbeat.models.invoices import Invoice
from backbeat.models.period import Period
from backbeat.persistence import contracts, invoices, keys
from backbeat.persistence.entities import from_item, read, to_item, walk
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.queue import Outgoing
from backbeat.ports.store import (
    Check,
    Effect,
    Index,
    Item,
    Key,
    Put,
    Query,
    TransactionCancelled,
    Version,
)

M = TypeVar("M", bound=Model)

CallFor = Callable[[str], Call]
"""Makes the call on behalf of a tenant, at that tenant's time."""

_KINDS: Final = tuple(WorkKind)
_LEASE: Final = timedelta(minutes=15)
_SETTLING: Final = timedelta(minutes=1)
"""No request lives longer."""
_LEASED_AT_ONCE: Final = 50
_SOON: Final = timedelta(minutes=5)
_LATER: Final = timedelta(days=1)
"""After this long, what is waited for is not just being done: somebody has to mend it."""

_log = logging.getLogger("backbeat.billing")


class Ticked(NamedTuple):
    """What a tick did: jobs sent, and tenants it could not serve."""

    jobs: int
    failed: int


class Work(NamedTuple):
    """Work on the list; sorted, it is in the order in which it is to be done."""

    due_at: datetime
    rank: int
    key: Key

    @property
    def kind(self) -> WorkKind:
        """What it is about."""
        return _KINDS[self.rank]


def schedule_first(call: Call, contract: Contract, commits: Iterable[Balance] = ()) -> list[Effect]:
    """Returns the effects that put a new contract's first work of each kind on the list.

    `commits` are those it will have.
    """
    first = next(periods.usage_periods(contract), None)
    due = [
        None if first is None else _due(contract, first, opened_at=call.now),
        _scheduled_due(contract, scheduled_invoices.outlook(call, contract, commits=commits)),
        _recurring_due(contract, recurring.first_due(contract)),
    ]
    effects = [effect for entry in due if entry is not None for effect in _put_first(call, entry)]
    return [*effects, tenants.mark(call)] if effects else []


def _put_first(call: Call, due: DueItem) -> list[Effect]:
    return work_items.put_first(call, _key(call, due), due)


def _billed_until(call: Call, contract: Contract) -> datetime:
    """Returns where a contract without open periods would go on."""
    billed = [
        invoice.end_timestamp
        for invoice in invoices.of_customer(call.store, call.tenant, contract.customer_id)
        if invoice.contract_id == contract.id and invoice.end_timestamp is not None
    ]
    return max(billed, default=contract.starting_at)


def reschedule(call: Call, contract: Contract, commits: Iterable[Balance] = ()) -> list[Effect]:
    """Returns the effects that make the work list fit a contract whose dates have changed.

    What is finalized stays; where a later end reopens a contract, its usage goes on from there.
    Parked work is tried again: the change may have mended the reason. `commits` are those that
    will be other than they are stored.
    """
    effects = [
        *_rescheduled(call, contract, WorkKind.USAGE, lambda due: _usage_due(call, contract, due)),
        # What was added for the past falls due now, so all that is not final is looked at again.
        *_rescheduled(
            call,
            contract,
            WorkKind.SCHEDULED,
            lambda _: _scheduled_due(
                contract, scheduled_invoices.outlook(call, contract, commits=commits)
            ),
        ),
        *_rescheduled(
            call,
            contract,
            WorkKind.RECURRING,
            lambda _: _recurring_due(contract, recurring.resumed_due(call, contract)),
        ),
    ]
    return [*effects, tenants.mark(call)] if effects else []


def _rescheduled(
    call: Call,
    contract: Contract,
    kind: WorkKind,
    due_after: Callable[[DueItem | None], DueItem | None],
) -> list[Effect]:
    key = keys.due_item(call.tenant, contract.customer_id, contract.id, kind)
    item = call.store.get(key)
    due = due_after(None if item is None else from_item(item, DueItem))
    if item is None:
        return [] if due is None else _put_first(call, due)
    if due is None:
        return work_items.remove(call, item)
    # Written even where it stays as it is: a run that read the contract before starts over.
    return [work_items.replace(call, item, due)]


def _usage_due(call: Call, contract: Contract, before: DueItem | None) -> DueItem | None:
    start = _billed_until(call, contract) if before is None else before.period_start
    upcoming = next(periods.periods_left(contract, start), None)
    if upcoming is None:
        return None
    # Of a period that was cut off before, this change opens nothing.
    was_cut_off = before is not None and before.due_at <= call.now
    opened_at = before.opened_at if before is not None and was_cut_off else call.now
    return _due(contract, upcoming, opened_at=opened_at)


def cancel(call: Call, contract: Contract) -> list[Effect]:
    """Returns the effects that take all of a contract's work off the list."""
    pk, low, high = keys.due_items_of_contract(call.tenant, contract.customer_id, contract.id)
    return [
        effect
        for item in walk(call.store, Query(pk, low=low, high=high))
        for effect in work_items.remove(call, item)
    ]


def catch_up(call: Call, contract: Contract) -> None:
    """Does a contract's work that is due already, as when it starts in the past, in time order.

    The contract exists by now, so nothing raises: what cannot be done is left to the tick.
    """
    try:
        _do_due(call, contract)
    except Exception:
        _log.exception("left to the tick", extra={"contract_id": contract.id})


def settle(call: Call, contract: Contract) -> None:
    """Does a contract's work that should be done by now, before the contract is changed.

    Ticks may be late. What was cut off before a change is billed by the terms before it, as if
    they never were.
    Decision: what requests may still be storing usage of is not, so changes made in the minute
    after a cut-off count.

    Raises:
        Retryable: others are at it.
    """
    try:
        while (work := min(_of_contract(call, contract), default=None)) is not None:
            if work.due_at > _settled_by(call) or not run(call, work.key):
                return
    except BackbeatError:
        raise
    except Exception:
        # The change may be what mends it.
        _log.exception("left to the tick", extra={"contract_id": contract.id})


def charge_now(call: Call, contract: Contract) -> None:
    """Looks at the thresholds of a contract's customer, as when they were changed.

    Nothing raises: what cannot be done is left to the queue and the tick.
    """
    try:
        run_all(call, recharge_triggers.key_of(call, contract.customer_id))
    except Exception:
        _log.exception("left to the tick", extra={"contract_id": contract.id})


def run_all(call: Call, key: Key) -> None:
    """Does all of a contract's or customer's work of one kind that is due, in order."""
    while run(call, key):
        pass


def _do_due(call: Call, contract: Contract) -> None:
    while True:
        ahead = _of_contract(call, contract)
        if not ahead or not run(call, min(ahead).key):
            return


def _of_contract(call: Call, contract: Contract) -> list[Work]:
    pk, low, high = keys.due_items_of_contract(call.tenant, contract.customer_id, contract.id)
    items = walk(call.store, Query(pk, low=low, high=high))
    return [work for item in items if (work := _waiting(item)) is not None]


def run(call: Call, key: Key) -> bool:
    """Does the next work of a contract or customer and kind if it is due. Returns whether it was.

    What it makes, the next due item and the notifications commit together; a second run of the same
    work finds the due item moved on and does nothing.
    """
    item = call.store.get(key)
    if item is None:
        return False
    due = from_item(item, DueItem)
    if due.due_at > call.now or due.parked is not None:
        return False
    if _made_recurring_before(call, due):
        return True
    try:
        _do(call, item, due)
    except Retryable:
        raise
    except BackbeatError as error:
        # What cannot be rated is shown and waits for somebody; it is never billed as nothing.
        _park(call, item, due, error.message)
    return True


def _do(call: Call, item: Item, due: DueItem) -> None:
    match due.kind:
        case WorkKind.USAGE:
            _finalize_usage(call, item, due)
        case WorkKind.SCHEDULED:
            _finalize_scheduled(call, item, due)
        case WorkKind.RECURRING:
            _make_recurring(call, item, due)
        case WorkKind.THRESHOLDS:
            recharges.look(call, item, due)
        case WorkKind.PAYMENTS:
            payments.look(call, item, due)
        case WorkKind.LIFECYCLE:
            lifecycle_tellings.tell(call, item, due)
        case WorkKind.ALERT_SWEEP | WorkKind.LIFECYCLE_SWEEP:
            sweeps.sweep(call, item, due)
        case WorkKind.ALERTS | WorkKind.BACKFILL:
            _do_about_usage(call, item, due)
        case WorkKind.OPERATION | WorkKind.ACCOUNT | WorkKind.DUNNING | WorkKind.COLLECTING:
            # Contracts are made and changed without them: only who does such work imports them.
            from backbeat.application.handlers import due_work as handlers_work

            handlers_work.do(call, due)


def _do_about_usage(call: Call, item: Item, due: DueItem) -> None:
    if due.kind is WorkKind.BACKFILL:
        backfills.step(call, item, due)
    else:
        alert_looks.look(call, item.key)


def due_until(call: Call, target: datetime) -> Iterator[Work]:
    """Yields a sandbox's work that is due up to and at the target, in no particular order."""
    for item in walk(call.store, Query(keys.sandbox_work(call.tenant))):
        work = due_work(call, work_items.named(item))
        if work is not None and work.due_at <= target:
            yield work


def due_beside(call: Call, key: Key) -> Iterator[Work]:
    """Yields the work on the list of whoever the piece of work is about, itself included."""
    low, high = keys.prefix_range("DUE#")
    for item in walk(call.store, Query(key.pk, low=low, high=high)):
        work = _waiting(item)
        if work is not None:
            yield work


def due_work(call: Call, key: Key) -> Work | None:
    """Returns a piece of work and when it is due; None when it is done for good or parked."""
    item = call.store.get(key)
    return None if item is None else _waiting(item)


def _waiting(item: Item) -> Work | None:
    due = from_item(item, DueItem)
    if due.parked is not None:
        return None
    return Work(due.due_at, _KINDS.index(due.kind), item.key)


def tick(services: Services, call_for: CallFor) -> Ticked:
    """Sends one job for each piece of work that is due, and queues notifications left behind.

    Work is not sent again for 15 minutes; a worker that dies leaves it to a later tick. A tenant
    that cannot be served now does not keep the others from being served.
    """
    jobs = failed = 0
    marked = tenants.marked(services)
    # If time is ever short, it is not always the same ones that come last.
    random.shuffle(marked)
    for tenant in marked:
        try:
            call = call_for(tenant)
            jobs += _send_jobs(call)
            outbox.sweep(call)
            send_left_over(call)
        except Exception:
            failed += 1
            _log.exception("tick failed", extra={"tenant": tenant})
    return Ticked(jobs, failed)


def _finalize_usage(call: Call, item: Item, due: DueItem) -> None:
    contract, unchanged = _contract(call, due)
    customer = _read(call, keys.customer(call.tenant, due.customer_id), Customer)
    upcoming = periods.periods_left(contract, due.period_start)
    period = next(upcoming)
    billed = settled_drafts.up_to(call, customer, contract, period)
    if reasons := own_invoices.differences(call, customer, billed[0]):
        _log.warning("held", extra={"contract_id": contract.id, "reasons": reasons})
        call.services.count("InvoicesHeld", 1)
        again = _looking_again(call, due, since=invoicing.finalizes_at(period))
        _commit(call, item, contract, None, again, unchanged)
        return
    following = next(upcoming, None)
    next_due = None if following is None else _due(contract, following, opened_at=due.opened_at)
    _commit(call, item, contract, billed, next_due, unchanged)


def _finalize_scheduled(call: Call, item: Item, due: DueItem) -> None:
    contract, unchanged = _contract(call, due)
    customer = _read(call, keys.customer(call.tenant, due.customer_id), Customer)
    ahead = scheduled_invoices.outlook(call, contract, since=due.period_start)
    if not ahead.open or ahead.open[0].issued_at > call.now:
        _commit(call, item, contract, None, _scheduled_due(contract, ahead), unchanged)
        return
    statement = ahead.open[0]
    if scheduled_invoices.awaits_usage(call, contract, statement):
        again = _looking_again(call, due, since=statement.issued_at)
        _commit(call, item, contract, None, again, unchanged)
        return
    purse = settled_drafts.Purse(call, customer)
    if statement.parts:
        purse.draw_before(contract, statement)
    draft = purse.bill(contract, statement)
    ahead = scheduled_invoices.Outlook(ahead.open[1:], ahead.next_look)
    _commit(call, item, contract, (draft, purse), _scheduled_due(contract, ahead), unchanged)


def _made_recurring_before(call: Call, due: DueItem) -> bool:
    """Makes recurring commits and credits that are due before other work of their contract.

    Jobs of different kinds may overtake each other; an invoice must not miss what pays for it.
    Returns whether there was any: it may have changed when the other work is due.
    """
    if due.kind not in (WorkKind.USAGE, WorkKind.SCHEDULED):
        return False
    key = keys.due_item(call.tenant, due.customer_id, due.contract_id, WorkKind.RECURRING)
    work = due_work(call, key)
    return work is not None and work.due_at < due.due_at and run(call, key)


def _make_recurring(call: Call, item: Item, due: DueItem) -> None:
    key = keys.contract(call.tenant, due.customer_id, due.contract_id)
    before = contracts.find(call.store, call.tenant, due.customer_id, due.contract_id)
    if before is None:
        raise LookupError(f"Contract is gone: {key}")
    customer = _read(call, keys.customer(call.tenant, due.customer_id), Customer)
    made = recurring.made(call, before.contract, customer, at=due.period_start)
    work = UnitOfWork(call.store)
    if made.contract == before.contract:
        work.add(Check(key, Version(before.version)))
    else:
        work.add(contracts.replace(call.tenant, before, made.contract))
        work.add(
            *_rescheduled(
                call,
                made.contract,
                WorkKind.SCHEDULED,
                lambda _: _scheduled_due(
                    made.contract, scheduled_invoices.outlook(call, made.contract)
                ),
            )
        )
    work.add(*made.effects)
    if made.effects:
        consequences.add(call, work, due.customer_id)
    upcoming = recurring.next_due(made.contract, after=due.period_start)
    work.add(*_moved(call, item, _recurring_due(made.contract, upcoming)))
    outbox.commit(call, work, made.told)


def _moved(call: Call, item: Item, next_due: DueItem | None) -> list[Effect]:
    """Returns the effects that put the next work of a kind in the place of what is done."""
    if next_due is None:
        return work_items.remove(call, item)
    return [work_items.replace(call, item, next_due)]


def _commit(
    call: Call,
    item: Item,
    contract: Contract,
    billed: tuple[Invoice, settled_drafts.Purse] | None,
    next_due: DueItem | None,
    unchanged: Check,
) -> None:
    final = None
    work = UnitOfWork(call.store)
    # Terms that changed since they were read would be billed as they were.
    work.add(unchanged)
    told = []
    if billed is not None:
        draft, purse = billed
        final = addressed_to_provider(call, contract, invoicing.finalize(draft, at=call.now))
        purse.draw(final)
        work.add(*purse.book.effects())
        if not invoicing.is_needless(final):
            work.add(*invoices.insert(call.store, call.tenant, final))
            work.add(*on_sending_list(call, final))
            told.append(notices.invoice_finalized(final, at=call.now))
            joined = consolidated_invoices.completed_by(call, work, contract, final)
            told += [] if joined is None else [joined]
        looks.request(call, work, final.customer_id)
    work.add(*_moved(call, item, next_due))
    outbox.commit(call, work, told)
    if final is not None and told:
        call.services.count("InvoicesFinalized", 1)
        send_to_provider(call, final)


def _looking_again(call: Call, due: DueItem, *, since: datetime) -> DueItem:
    """Returns work that waits for other work: usage of the same time, or what keeps usage back.

    The longer it has waited since it was due, the longer it waits once more.
    """
    wait = min(max(_SOON, (call.now - since) / 8), _LATER)
    return due.model_copy(update={"due_at": call.now + wait, "leased_until": None})


def _contract(call: Call, due: DueItem) -> tuple[Contract, Check]:
    """Returns the contract, and the condition that it is still the same when committing."""
    key = keys.contract(call.tenant, due.customer_id, due.contract_id)
    item = call.store.get(key)
    if item is None:
        raise LookupError(f"Contract is gone: {key}")
    return from_item(item, Contract), Check(key, Version(item.version))


def _read(call: Call, key: Key, model: type[M]) -> M:
    found = read(call.store, key, model)
    if found is None:
        raise LookupError(f"{model.__name__} is gone: {key}")
    return found


def _park(call: Call, item: Item, due: DueItem, reason: str) -> None:
    _log.error("parked", extra={"contract_id": due.contract_id, "reason": reason})
    parked = to_item(item.key, due.model_copy(update={"parked": reason}), version=item.version + 1)
    work = UnitOfWork(call.store)
    work.add(Put(parked, Version(item.version)))
    work.commit()


def _due(contract: Contract, period: Period, *, opened_at: datetime | None) -> DueItem:
    cut_off = invoicing.finalizes_at(period)
    return DueItem(
        customer_id=contract.customer_id,
        contract_id=contract.id,
        kind=WorkKind.USAGE,
        period_start=period.starting_at,
        due_at=cut_off,
        opened_at=opened_at if opened_at is not None and cut_off <= opened_at else None,
    )


def _scheduled_due(contract: Contract, ahead: scheduled_invoices.Outlook) -> DueItem | None:
    if ahead.next_due is None:
        return None
    return DueItem(
        customer_id=contract.customer_id,
        contract_id=contract.id,
        kind=WorkKind.SCHEDULED,
        period_start=ahead.next_due,
        due_at=ahead.next_due,
    )


def _recurring_due(contract: Contract, instant: datetime | None) -> DueItem | None:
    if instant is None:
        return None
    return DueItem(
        customer_id=contract.customer_id,
        contract_id=contract.id,
        kind=WorkKind.RECURRING,
        period_start=instant,
        due_at=instant,
    )


def _key(call: Call, due: DueItem) -> Key:
    return keys.due_item(call.tenant, due.customer_id, due.contract_id, due.kind)


def _send_jobs(call: Call) -> int:
    sent = 0
    listed = _listed_until(call, call.now)
    while keys_ := list(islice(listed, _LEASED_AT_ONCE)):
        leased = _lease(call, keys_)
        if leased:
            messages = [Outgoing(work_items.message_about(call, key)) for key in leased]
            call.services.job_queue.send(messages)
        sent += len(leased)
    return sent


def _listed_until(call: Call, target: datetime) -> Iterator[Key]:
    until = keys.time_text(target + timedelta(microseconds=1))
    for slot in range(keys.SLOTS):
        query = Query(keys.due_slot(call.tenant, slot), index=Index.GSI2, high=until)
        for item in walk(call.store, query):
            yield item.key


def _lease(call: Call, listed: Sequence[Key]) -> list[Key]:
    """Leases those of the due items that nobody else holds, and returns their keys."""
    # Real time: a sandbox's clock may stand still, and then no lease would ever end.
    now = call.services.clock.now()
    free = {
        key: item
        for key, item in call.store.get_many(listed).items()
        if _is_free(from_item(item, DueItem), due_by=_settled_by(call), now=now)
    }
    while free:
        held = [
            work_items.item(
                call,
                key,
                from_item(item, DueItem).model_copy(update={"leased_until": now + _LEASE}),
                item.version + 1,
            )
            for key, item in free.items()
        ]
        try:
            call.store.transact([Put(item, Version(item.version - 1)) for item in held])
        except TransactionCancelled as cancelled:
            # Somebody is at these already.
            for failure in cancelled.failures:
                del free[held[failure.index].key]
        else:
            break
    return list(free)


def _settled_by(call: Call) -> datetime:
    """Returns up to when work is due whose usage is all there.

    Requests that accepted events before a cut-off may still be storing them for a moment. A
    sandbox's clock goes on when it is told to, and its work is done as it does.
    """
    return call.now if call.services.sandbox else call.now - _SETTLING


def _is_free(due: DueItem, *, due_by: datetime, now: datetime) -> bool:
    return (
        due.parked is None
        and due.due_at <= due_by
        and (due.leased_until is None or due.leased_until <= now)
    )
