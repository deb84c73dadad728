"""What makes the thresholds of a customer's contracts be looked at.

A customer has work of this kind from its first contract with a threshold on. Whatever changes what
such a contract has or spends brings the work forward.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Final

from backbeat.application import customers, tenants, work_items
from backbeat.application.services import Call
from backbeat.models.base import Model
from backbeat.models.contracts import Contract, DueItem, WorkKind
from backbeat.models.errors import Retryable
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, to_item
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Contention, Item, Key, Put, TransactionCancelled

_TRIES: Final = 20
FAR_FUTURE: Final = datetime.fromisoformat("9999-01-01T00:00:00+00:00")
"""Where work waits that only a change can bring on."""


class _InUse(Model):
    """Says that some contract of a tenant has a threshold."""

    in_use: bool = True


def key_of(call: Call, customer_id: str) -> Key:
    """Returns where a customer's work lies."""
    return keys.customer_due_item(call.tenant, customer_id, WorkKind.THRESHOLDS)


def due_at(customer_id: str, at: datetime) -> DueItem:
    """Returns a customer's work for an instant."""
    return DueItem(
        customer_id=customer_id,
        contract_id="",
        kind=WorkKind.THRESHOLDS,
        period_start=at,
        due_at=at,
    )


def watch(call: Call, work: UnitOfWork, contract: Contract) -> None:
    """Adds to the work that a contract's thresholds are looked at, now and from now on."""
    if not is_charged(contract):
        return
    key = key_of(call, contract.customer_id)
    if call.store.get(key) is not None:
        request(call, work, contract.customer_id)
        return
    work.add(*work_items.put_first(call, key, due_at(contract.customer_id, call.now)))
    work.add(Put(to_item(keys.thresholds_in_use(call.tenant), _InUse())), tenants.mark(call))
    _hurry(call, work, key)


def is_charged(contract: Contract) -> bool:
    """Tells whether a contract has thresholds, or charges that wait for their payment."""
    return (
        contract.prepaid_threshold is not None
        or contract.spend_threshold is not None
        or bool(contract.open_gates)
    )


def request(call: Call, work: UnitOfWork, customer_id: str) -> None:
    """Adds to the work that a customer's thresholds are looked at once it is committed."""
    key = key_of(call, customer_id)
    item = call.store.get(key)
    if item is not None:
        work.add(work_items.replace(call, item, due_at(customer_id, call.now)))
        _hurry(call, work, key)


def usage_arrived(call: Call, customer_keys: Iterable[str]) -> None:
    """Asks for looks at the customers whose usage was just stored. Without thresholds one read.

    Raises:
        Retryable: a look could not be asked for now.
    """
    if call.store.get(keys.thresholds_in_use(call.tenant)) is None:
        return
    for customer_key in dict.fromkeys(customer_keys):
        customer = customers.matching_key(call, customer_key)
        if customer is not None:
            _ask(call, key_of(call, customer.id))


def _ask(call: Call, key: Key) -> None:
    for _ in range(_TRIES):
        item = call.store.get(key)
        if item is None:
            return
        due = from_item(item, DueItem)
        # Written even where it is due already: a look that is under way starts over.
        asked = due_at(due.customer_id, min(call.now, due.due_at))
        try:
            call.store.transact([work_items.replace(call, item, asked), tenants.mark(call)])
        except (TransactionCancelled, Contention):
            continue
        work_items.send_job(call, key)
        return
    raise Retryable("The thresholds of the customer are being looked at. Try again.")


def _hurry(call: Call, work: UnitOfWork, key: Key) -> None:
    if call.held is None:
        # Whoever moves the clock does it in its turn; else the queue does it at once.
        work.afterwards(f"thresholds {key.pk}", partial(work_items.send_job, call, key))


def moved(call: Call, item: Item, customer_id: str, at: datetime) -> Put:
    """Returns the effect that puts off a customer's work, unless it was asked for meanwhile."""
    return work_items.replace(call, item, due_at(customer_id, at))
