"""Scheduled work: finalizing usage invoices when their grace period is over."""

import json
import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final, TypeVar

from backbeat.application import drafts, outbox
from backbeat.application.services import Call, Services
from backbeat.domain import invoicing, notices, periods
from backbeat.models.base import Model
from backbeat.models.contracts import Contract, DueItem
from backbeat.models.customers import Customer
from backbeat.models.errors import BackbeatError, Retryable
from backbeat.models.period import Period
from backbeat.persistence import invoices, keys
from backbeat.persistence.entities import from_item, read, to_item, walk
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.queue import Outgoing
from backbeat.ports.store import (
    Absent,
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

_USAGE: Final = "usage"
_LEASE: Final = timedelta(minutes=15)

_log = logging.getLogger("backbeat.billing")


class Tenant(Model):
    """Marks a tenant that has scheduled work."""

    id: str


def schedule_first(call: Call, contract: Contract) -> list[Effect]:
    """Returns the effects that put a new contract's first usage invoice on the work list."""
    first = next(periods.usage_periods(contract), None)
    if first is None:
        return []
    key = keys.due_item(call.tenant, contract.customer_id, contract.id, _USAGE)
    tenant = to_item(
        keys.tenant(call.tenant),
        Tenant(id=call.tenant),
        gsi1=IndexKey(keys.tenants(), call.tenant),
    )
    return [Put(_due_item(call, key, _due(contract, first)), Absent()), Put(tenant)]


def catch_up(call: Call, contract: Contract) -> None:
    """Does a contract's work that is due already, as when it starts in the past."""
    key = keys.due_item(call.tenant, contract.customer_id, contract.id, _USAGE)
    while run(call, key):
        pass


def run(call: Call, key: Key) -> bool:
    """Finalizes the next usage invoice of a contract if it is due. Returns whether it was.

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
        _finalize(call, item, due)
    except Retryable:
        raise
    except BackbeatError as error:
        # What cannot be rated is shown and waits for somebody; it is never billed as nothing.
        _park(call, item, due, error.message)
    return True


def due_until(call: Call, target: datetime) -> Iterator[tuple[datetime, Key]]:
    """Yields the tenant's work that is due up to and at the target, in no particular order."""
    for key in _listed_until(call, target):
        at = due_time(call, key)
        # The list may lag behind the items, so what it says is looked up.
        if at is not None and at <= target:
            yield at, key


def due_time(call: Call, key: Key) -> datetime | None:
    """Returns when a piece of work is due; None when it is done for good or parked."""
    due = read(call.store, key, DueItem)
    return None if due is None or due.parked is not None else due.due_at


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


def periods_awaiting(call: Call, customer_id: str) -> Iterator[tuple[Contract, Period]]:
    """Yields the usage periods of a customer that have begun and are not finalized yet."""
    pk, low, high = keys.due_items(call.tenant, customer_id)
    for item in walk(call.store, Query(pk, low=low, high=high)):
        due = from_item(item, DueItem)
        contract = read(
            call.store, keys.contract(call.tenant, customer_id, due.contract_id), Contract
        )
        if contract is None or contract.archived_at is not None:
            continue
        for period in periods.usage_periods_from(contract, due.period_start):
            if period.starting_at > call.now:
                break
            yield contract, period


def _finalize(call: Call, item: Item, due: DueItem) -> None:
    contract = _read(call, keys.contract(call.tenant, due.customer_id, due.contract_id), Contract)
    customer = _read(call, keys.customer(call.tenant, due.customer_id), Customer)
    upcoming = periods.usage_periods_from(contract, due.period_start)
    period = next(upcoming)
    invoice = invoicing.finalize(drafts.assemble(call, contract, customer, period))
    work = UnitOfWork(call.store)
    work.add(*invoices.insert(call.store, call.tenant, invoice))
    following = next(upcoming, None)
    if following is None:
        work.add(Delete(item.key, Version(item.version)))
    else:
        moved = _due_item(call, item.key, _due(contract, following), item.version + 1)
        work.add(Put(moved, Version(item.version)))
    outbox.commit(call, work, [notices.invoice_finalized(invoice, at=call.now)])


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
        period_start=period.starting_at,
        due_at=invoicing.finalizes_at(period),
    )


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
