"""Scheduled work: finalizing invoices when they fall due.

Each contract has one due item for each kind of work, which says when there is something to do
next. Work of one instant is done kind by kind, in the order of `WorkKind`.
"""

import json
import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final, NamedTuple, TypeVar

from backbeat.application import outbox, scheduled_invoices, settled_drafts
from backbeat.application.services import Call, Services
from backbeat.domain import invoicing, notices, periods
from backbeat.models.base import Model
from backbeat.models.contracts import Contract, DueItem, WorkKind
from backbeat.models.customers import Customer
from backbeat.models.errors import BackbeatError, Retryable
from backbeat.models.invoices import Invoice
from backbeat.models.period import Period
from backbeat.persistence import invoices, keys
from backbeat.persistence.entities import from_item, read, to_item, walk
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.queue import Outgoing
from backbeat.ports.store import (
    Absent,
    Check,
    Delete,
    Effect,
    Index,
    IndexKey,
    Item,
    Key,
    Put,
    Query,
    Version,
)

M = TypeVar("M", bound=Model)

CallFor = Callable[[str], Call]
"""Makes the call on behalf of a tenant, at that tenant's time."""

_KINDS: Final = tuple(WorkKind)
_LEASE: Final = timedelta(minutes=15)

_log = logging.getLogger("backbeat.billing")


class Tenant(Model):
    """Marks a tenant that has scheduled work."""

    id: str


class Work(NamedTuple):
    """Work on the list; sorted, it is in the order in which it is to be done."""

    due_at: datetime
    rank: int
    key: Key


def schedule_first(call: Call, contract: Contract) -> list[Effect]:
    """Returns the effects that put a new contract's first invoices on the work list."""
    first = next(periods.usage_periods(contract), None)
    due = [
        None if first is None else _due(contract, first),
        _scheduled_due(contract, scheduled_invoices.outlook(call, contract)),
    ]
    effects = [effect for entry in due if entry is not None for effect in _put_first(call, entry)]
    return [*effects, _tenant_mark(call)] if effects else []


def _put_first(call: Call, due: DueItem) -> list[Effect]:
    return [Put(_due_item(call, _key(call, due), due), Absent())]


def _tenant_mark(call: Call) -> Effect:
    return Put(
        to_item(
            keys.tenant(call.tenant),
            Tenant(id=call.tenant),
            gsi1=IndexKey(keys.tenants(), call.tenant),
        )
    )


def _billed_until(call: Call, contract: Contract) -> datetime:
    """Returns where a contract without open periods would go on."""
    billed = [
        invoice.end_timestamp
        for invoice in invoices.of_customer(call.store, call.tenant, contract.customer_id)
        if invoice.contract_id == contract.id and invoice.end_timestamp is not None
    ]
    return max(billed, default=contract.starting_at)


def reschedule(call: Call, contract: Contract) -> list[Effect]:
    """Returns the effects that make the work list fit a contract whose dates have changed.

    What is finalized stays; where a later end reopens a contract, its usage goes on from there.
    Parked work is tried again: the change may have mended the reason.
    """
    effects = [
        *_rescheduled(call, contract, WorkKind.USAGE, lambda due: _usage_due(call, contract, due)),
        # What was added for the past falls due now, so all that is not final is looked at again.
        *_rescheduled(
            call,
            contract,
            WorkKind.SCHEDULED,
            lambda _: _scheduled_due(contract, scheduled_invoices.outlook(call, contract)),
        ),
    ]
    return [*effects, _tenant_mark(call)] if effects else []


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
        return [Delete(key, Version(item.version))]
    # Written even where it stays as it is: a run that read the contract before starts over.
    return [Put(_due_item(call, key, due, item.version + 1), Version(item.version))]


def _usage_due(call: Call, contract: Contract, before: DueItem | None) -> DueItem | None:
    start = _billed_until(call, contract) if before is None else before.period_start
    upcoming = next(periods.periods_left(contract, start), None)
    return None if upcoming is None else _due(contract, upcoming)


def cancel(call: Call, contract: Contract) -> list[Effect]:
    """Returns the effects that take all of a contract's work off the list."""
    pk, low, high = keys.due_items_of_contract(call.tenant, contract.customer_id, contract.id)
    return [
        Delete(item.key, Version(item.version))
        for item in walk(call.store, Query(pk, low=low, high=high))
    ]


def catch_up(call: Call, contract: Contract) -> None:
    """Does a contract's work that is due already, as when it starts in the past, in time order."""
    contract_keys = [
        keys.due_item(call.tenant, contract.customer_id, contract.id, kind) for kind in _KINDS
    ]
    while True:
        waiting = [work for key in contract_keys if (work := due_work(call, key)) is not None]
        if not waiting or not run(call, min(waiting).key):
            return


def run(call: Call, key: Key) -> bool:
    """Finalizes the next invoice of a contract and kind if it is due. Returns whether it was.

    The invoice, the next due item and the notification commit together; a second run of the same
    work finds the due item moved on and does nothing.
    """
    item = call.store.get(key)
    if item is None:
        return False
    due = from_item(item, DueItem)
    if due.due_at > call.now or due.parked is not None:
        return False
    try:
        match due.kind:
            case WorkKind.USAGE:
                _finalize_usage(call, item, due)
            case WorkKind.SCHEDULED:
                _finalize_scheduled(call, item, due)
    except Retryable:
        raise
    except BackbeatError as error:
        # What cannot be rated is shown and waits for somebody; it is never billed as nothing.
        _park(call, item, due, error.message)
    return True


def due_until(call: Call, target: datetime) -> Iterator[Work]:
    """Yields the tenant's work that is due up to and at the target, in no particular order."""
    for key in _listed_until(call, target):
        work = due_work(call, key)
        # The list may lag behind the items, so what it says is looked up.
        if work is not None and work.due_at <= target:
            yield work


def due_work(call: Call, key: Key) -> Work | None:
    """Returns a piece of work and when it is due; None when it is done for good or parked."""
    due = read(call.store, key, DueItem)
    if due is None or due.parked is not None:
        return None
    return Work(due.due_at, _KINDS.index(due.kind), key)


def tick(services: Services, call_for: CallFor) -> int:
    """Sends one job for each piece of work that is due, and holds it for 15 minutes.

    Returns how many jobs were sent. A worker that dies leaves its work to a later tick.
    """
    sent = 0
    for item in walk(services.store, Query(keys.tenants(), index=Index.GSI1)):
        call = call_for(item.key.pk)
        for key in _listed_until(call, call.now):
            if _lease(call, key):
                body = json.dumps({"tenant": call.tenant, "pk": key.pk, "sk": key.sk})
                services.job_queue.send([Outgoing(body)])
                sent += 1
        outbox.sweep(call)
    return sent


def _finalize_usage(call: Call, item: Item, due: DueItem) -> None:
    contract, unchanged = _contract(call, due)
    customer = _read(call, keys.customer(call.tenant, due.customer_id), Customer)
    upcoming = periods.periods_left(contract, due.period_start)
    invoice = settled_drafts.find(call, customer, contract, next(upcoming))
    following = next(upcoming, None)
    next_due = None if following is None else _due(contract, following)
    _commit(call, item, invoice, next_due, unchanged)


def _finalize_scheduled(call: Call, item: Item, due: DueItem) -> None:
    contract, unchanged = _contract(call, due)
    customer = _read(call, keys.customer(call.tenant, due.customer_id), Customer)
    ahead = scheduled_invoices.outlook(call, contract, since=due.period_start)
    invoice = None
    if ahead.open and ahead.open[0].issued_at <= call.now:
        invoice = scheduled_invoices.assemble(call, contract, customer, ahead.open[0])
        ahead = scheduled_invoices.Outlook(ahead.open[1:], ahead.next_look)
    _commit(call, item, invoice, _scheduled_due(contract, ahead), unchanged)


def _commit(
    call: Call, item: Item, invoice: Invoice | None, next_due: DueItem | None, unchanged: Check
) -> None:
    work = UnitOfWork(call.store)
    # Terms that changed since they were read would be billed as they were.
    work.add(unchanged)
    told = []
    if invoice is not None:
        final = invoicing.finalize(invoice, at=call.now)
        work.add(*invoices.insert(call.store, call.tenant, final))
        work.add(*settled_drafts.draw(call, final))
        told.append(notices.invoice_finalized(final, at=call.now))
    if next_due is None:
        work.add(Delete(item.key, Version(item.version)))
    else:
        moved = _due_item(call, item.key, next_due, item.version + 1)
        work.add(Put(moved, Version(item.version)))
    outbox.commit(call, work, told)


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


def _due(contract: Contract, period: Period) -> DueItem:
    return DueItem(
        customer_id=contract.customer_id,
        contract_id=contract.id,
        kind=WorkKind.USAGE,
        period_start=period.starting_at,
        due_at=invoicing.finalizes_at(period),
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


def _key(call: Call, due: DueItem) -> Key:
    return keys.due_item(call.tenant, due.customer_id, due.contract_id, due.kind)


def _due_item(call: Call, key: Key, due: DueItem, version: int = 1) -> Item:
    return to_item(key, due, version=version, gsi2=keys.due_at(call.tenant, key, due.due_at))


def _listed_until(call: Call, target: datetime) -> Iterator[Key]:
    until = keys.time_text(target + timedelta(microseconds=1))
    for slot in range(keys.SLOTS):
        query = Query(keys.due_slot(call.tenant, slot), index=Index.GSI2, high=until)
        # Leasing moves items within the index, so the list is read to its end first.
        yield from [item.key for item in walk(call.store, query)]


def _lease(call: Call, key: Key) -> bool:
    item = call.store.get(key)
    if item is None or from_item(item, DueItem).due_at > call.now:
        return False
    held = to_item(
        key,
        from_item(item, DueItem),
        version=item.version + 1,
        gsi2=keys.due_at(call.tenant, key, call.now + _LEASE),
    )
    work = UnitOfWork(call.store)
    work.add(Put(held, Version(item.version)))
    try:
        work.commit()
    except Retryable:
        return False
    return True
