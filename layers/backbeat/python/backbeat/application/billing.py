"""Scheduled work: finalizing usage invoices when their grace period is over."""

import logging
import random
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Final, NamedTuple, TypeVar

from backbeat.application import drafts, outbox, tenants
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

_USAGE: Final = "usage"
_LEASE: Final = timedelta(minutes=15)
_LEASED_AT_ONCE: Final = 50

_log = logging.getLogger("backbeat.billing")


class Ticked(NamedTuple):
    """What a tick did: jobs sent, and tenants it could not serve."""

    jobs: int
    failed: int


class _Work(Model):
    """Names a due item on a sandbox's work list."""

    pk: str
    sk: str


def schedule_first(call: Call, contract: Contract) -> list[Effect]:
    """Returns the effects that put a new contract's first usage invoice on the work list."""
    first = next(periods.usage_periods(contract), None)
    if first is None:
        return []
    key = keys.due_item(call.tenant, contract.customer_id, contract.id, _USAGE)
    effects: list[Effect] = [
        Put(_due_item(call, key, _due(contract, first)), Absent()),
        tenants.mark(call),
    ]
    if call.services.sandbox:
        listed = keys.sandbox_work_item(call.tenant, key)
        effects.append(Put(to_item(listed, _Work(pk=key.pk, sk=key.sk))))
    return effects


def catch_up(call: Call, contract: Contract) -> None:
    """Does a contract's work that is due already, as when it starts in the past.

    The contract exists by now, so nothing raises: what cannot be done is left to the tick.
    """
    try:
        run_all(call, keys.due_item(call.tenant, contract.customer_id, contract.id, _USAGE))
    except Exception:
        _log.exception("left to the tick", extra={"contract_id": contract.id})


def run_all(call: Call, key: Key) -> None:
    """Finalizes all of a contract's usage invoices that are due, in order."""
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
    """Yields a sandbox's work that is due up to and at the target, in no particular order."""
    for item in walk(call.store, Query(keys.sandbox_work(call.tenant))):
        key = Key(**dict(from_item(item, _Work)))
        at = due_time(call, key)
        if at is not None and at <= target:
            yield at, key


def due_time(call: Call, key: Key) -> datetime | None:
    """Returns when a piece of work is due; None when it is done for good or parked."""
    due = read(call.store, key, DueItem)
    return None if due is None or due.parked is not None else due.due_at


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
        except Exception:
            failed += 1
            _log.exception("tick failed", extra={"tenant": tenant})
    return Ticked(jobs, failed)


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
        listed = keys.sandbox_work_item(call.tenant, item.key)
        work.add(Delete(item.key, Version(item.version)), Delete(listed))
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


def _send_jobs(call: Call) -> int:
    sent = 0
    listed = _listed_until(call, call.now)
    while keys_ := list(islice(listed, _LEASED_AT_ONCE)):
        leased = _lease(call, keys_)
        if leased:
            messages = [Outgoing(outbox.message_about(call, key)) for key in leased]
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
        if _is_free(from_item(item, DueItem), due_by=call.now, now=now)
    }
    while free:
        held = [
            _due_item(
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


def _is_free(due: DueItem, *, due_by: datetime, now: datetime) -> bool:
    return (
        due.parked is None
        and due.due_at <= due_by
        and (due.leased_until is None or due.leased_until <= now)
    )
