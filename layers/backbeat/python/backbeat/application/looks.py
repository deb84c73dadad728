"""Asking for looks at a customer's alerts.

A look is work on the customer's list. Changes of what a customer has (contracts, balances,
invoices) ask for it in their own transaction; usage asks once it is counted, and not more often
than the stage's interval says. Whatever happened before a look begins is seen by it.
"""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from backbeat.application import recharge_triggers, tenants, work_items
from backbeat.application.services import Call
from backbeat.models.contracts import DueItem, Look, WorkKind
from backbeat.models.errors import Retryable
from backbeat.persistence import alerts, keys
from backbeat.persistence.entities import from_item
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.queue import Outgoing
from backbeat.ports.store import Contention, Effect, Item, Key, TransactionCancelled

_TRIES: Final = 20
_LONGEST_DELAY_SECONDS: Final = 900

_log = logging.getLogger("backbeat.looks")


def key_of(call: Call, customer_id: str) -> Key:
    """Returns where a customer's next look lies."""
    return keys.customer_due_item(call.tenant, customer_id, WorkKind.ALERTS)


def request(call: Call, work: UnitOfWork, customer_id: str, *, recharges: bool = True) -> None:
    """Adds to the work that the customer's alerts are looked at once it is committed.

    Nothing is added where no alert can apply. With `recharges` so are the thresholds of contracts.
    """
    if recharges:
        recharge_triggers.request(call, work, customer_id)
    extent = alerts.extent(call.store, call.tenant)
    if extent.nobody or not work.first(f"look at {customer_id}"):
        return
    key = key_of(call, customer_id)
    item = call.store.get(key)
    if item is not None or extent.version:
        demand(call, work, customer_id, item)


def demand(call: Call, work: UnitOfWork, customer_id: str, item: Item | None) -> None:
    """Adds a look at a customer to the work, given its present item; for a new alert, too."""
    due = _asked(customer_id, item, at=call.now, cause=None, new_facts=True)
    work.add(*_written(call, item, due), tenants.mark(call))
    if call.held is None:
        # Whoever moves the clock does the look in its turn; else the queue does it at once.
        work.afterwards(
            f"look at {customer_id}", partial(work_items.send_job, call, key_of(call, customer_id))
        )


def ask(call: Call, customer_ids: Iterable[str], *, cause: str | None, everybody: bool) -> None:
    """Asks for looks at customers, whose usage is stored by now, and queues them together.

    A look that is asked for and has not begun is enough. Without `everybody`, alerts are about
    some customers, and those have a look to come.

    Raises:
        Retryable: others kept changing a look.
    """
    standing_still = _stands_still(call)
    messages: list[Outgoing] = []
    try:
        for customer_id in customer_ids:
            at = _asked_for(
                call, customer_id, cause=cause, everybody=everybody, standing_still=standing_still
            )
            if at is not None:
                body = work_items.message_about(call, key_of(call, customer_id))
                messages.append(Outgoing(body, _delay_seconds(call, at)))
    finally:
        _send(call, messages)


def _send(call: Call, messages: Sequence[Outgoing]) -> None:
    try:
        if messages:
            call.services.job_queue.send(messages)
    except Exception:
        _log.exception("left to the tick", extra={"tenant": call.tenant})


def _asked_for(
    call: Call, customer_id: str, *, cause: str | None, everybody: bool, standing_still: bool
) -> datetime | None:
    """Asks for a look at a customer. Returns when it is to be, or None when that is known."""
    key = key_of(call, customer_id)
    for _ in range(_TRIES):
        item = call.store.get(key)
        if item is None and not everybody:
            return None
        before = None if item is None else from_item(item, DueItem)
        at = call.now if standing_still else _earliest(call, before)
        if before is not None and _is_waiting(before, until=at):
            return None
        due = _asked(customer_id, item, at=at, cause=cause, new_facts=False)
        effects = _written(call, item, due)
        if item is None:
            effects.append(tenants.mark(call))
        try:
            call.store.transact(effects)
        except (TransactionCancelled, Contention):
            continue
        return at
    raise Retryable("The alerts of the customer are being looked at. Try again.")


def _delay_seconds(call: Call, at: datetime) -> int:
    return min(_LONGEST_DELAY_SECONDS, max(0, -int((call.now - at).total_seconds() // 1)))


def _earliest(call: Call, before: DueItem | None) -> datetime:
    """Returns when the next look because of usage may be: not too soon after the last one."""
    last_at = None if before is None or before.look is None else before.look.last_at
    if last_at is None:
        return call.now
    return max(call.now, last_at + timedelta(seconds=call.services.alert_interval_seconds))


def _stands_still(call: Call) -> bool:
    """Tells whether nobody shall wait for a time that would never come."""
    return call.services.sandbox and call.store.get(keys.clock(call.tenant)) is not None


def _is_waiting(due: DueItem, *, until: datetime) -> bool:
    begun = due.look is not None and due.look.begun
    return due.due_at <= until and not begun and due.parked is None


def _asked(
    customer_id: str, item: Item | None, *, at: datetime, cause: str | None, new_facts: bool
) -> DueItem:
    before = None if item is None else from_item(item, DueItem)
    look = Look() if before is None or before.look is None else before.look
    # One that has not begun is brought forward, never put off.
    still_to_come = before is not None and before.parked is None and not look.begun
    due_at = min(at, before.due_at) if before is not None and still_to_come else at
    look = look.model_copy(
        update={"begun": False, "cause": cause, "facts": look.facts + int(new_facts)}
    )
    return DueItem(
        customer_id=customer_id,
        contract_id="",
        kind=WorkKind.ALERTS,
        period_start=at,
        due_at=due_at,
        look=look,
    )


def _written(call: Call, item: Item | None, due: DueItem) -> list[Effect]:
    if item is None:
        return work_items.put_first(call, key_of(call, due.customer_id), due)
    return [work_items.replace(call, item, due)]
