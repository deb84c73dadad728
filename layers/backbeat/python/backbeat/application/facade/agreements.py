"""Contracts of the facade: the period they are in, and how they end."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final, TypeVar

from backbeat.application import contracts, customers
from backbeat.application.services import Call
from backbeat.domain.periods import add_months
from backbeat.models.base import Model
from backbeat.models.contracts import Contract
from backbeat.models.customers import Customer
from backbeat.models.errors import NotFound
from backbeat.models.tiers import Cadence
from backbeat.persistence import keys
from backbeat.persistence.contracts import Pointer
from backbeat.persistence.entities import read, to_item
from backbeat.ports.store import Absent, Put, TransactionCancelled

T = TypeVar("T")

_HOUR: Final = timedelta(hours=1)


class Cancellation(Model):
    """Says that a contract was canceled, and from when on it is no more."""

    contract_id: str
    canceled_at: datetime
    effective_at: datetime


class Shelf(Model):
    """What the tiers of a catalogue are sold as: ids of what it takes in the engine.

    `products` are by tier, `packages` by the names of their contracts. Credits are in the unit of
    `credit_type_id`.
    """

    rate_card_id: str
    credit_product_id: str
    charge_product_id: str
    credit_type_id: str
    products: dict[str, str]
    packages: dict[str, str] = {}


def shelf(call: Call, version: str) -> Shelf | None:
    """Returns what a version of the catalogue is sold as, if it is set up."""
    return read(call.store, keys.facade_shelf(call.tenant, version), Shelf)


def keep_shelf(call: Call, version: str, made: Shelf) -> Shelf:
    """Keeps what a version is sold as; whoever was faster counts."""
    try:
        call.store.transact([Put(to_item(keys.facade_shelf(call.tenant, version), made), Absent())])
    except TransactionCancelled:
        return shelf(call, version) or made
    return made


def hour_of(instant: datetime) -> datetime:
    """Returns the hour that an instant is in: contracts begin on one."""
    return instant.replace(minute=0, second=0, microsecond=0)


def period_end(contract: Contract, cadence: Cadence, now: datetime) -> datetime:
    """Returns where the period of a contract ends that an instant is in, or the first one."""
    number = 1
    while (end := add_months(contract.starting_at, number * cadence.months)) <= now:
        number += 1
    return end


def ended_at_once(contract: Contract, now: datetime) -> datetime:
    """Returns the first hour at which a contract can end."""
    hour = hour_of(now)
    coming = hour if hour == now else hour + _HOUR
    return max(coming, contract.starting_at + _HOUR)


def cancellation(call: Call, contract_id: str) -> Cancellation | None:
    """Returns when and from when on a contract was canceled, or None."""
    return read(call.store, keys.facade_cancellation(call.tenant, contract_id), Cancellation)


def note_cancellation(call: Call, contract_id: str, effective_at: datetime) -> Cancellation:
    """Notes that a contract is canceled; what was noted first counts, unless that is later."""
    key = keys.facade_cancellation(call.tenant, contract_id)
    noted = cancellation(call, contract_id)
    if noted is not None and noted.effective_at <= effective_at:
        return noted
    made = Cancellation(contract_id=contract_id, canceled_at=call.now, effective_at=effective_at)
    call.store.transact([Put(to_item(key, made))])
    return made


def located(call: Call, contract_id: str) -> Contract:
    """Returns a contract by its id alone.

    Raises:
        NotFound: no contract has the id.
    """
    named = read(call.store, keys.contract_pointer(call.tenant, contract_id), Pointer)
    if named is None:
        raise NotFound("contract", contract_id)
    return contracts.get(call, named.customer_id, contract_id)


def across_customers(
    call: Call,
    of_customer: Callable[[Customer], list[T]],
    *,
    id_of: Callable[[T], str],
    only: str | None,
    limit: int,
    cursor: str | None,
) -> tuple[list[T], str | None]:
    """Returns a page of things of one customer, or of all, in order of customers and ids.

    Raises:
        NotFound: no customer has the id.
    """
    after, _, after_id = (cursor or "").partition("\t")
    found: list[T] = []
    last = ""
    for position, customer in _walked(call, only, after or None):
        for thing in sorted(of_customer(customer), key=id_of):
            if position == after and id_of(thing) <= after_id:
                continue
            if len(found) == limit:
                return found, last
            found.append(thing)
            last = f"{position}\t{id_of(thing)}"
    return found, None


def _walked(call: Call, only: str | None, start: str | None) -> Iterator[tuple[str, Customer]]:
    if only is None:
        yield from customers.walk_all(call, start=start)
    else:
        yield "-", customers.get(call, only)
