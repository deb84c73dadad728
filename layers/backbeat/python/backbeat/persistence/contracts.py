"""Stored contracts, their changes, and the forms they had before."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from backbeat.models.base import Model
from backbeat.models.contracts import Contract
from backbeat.models.edits import ContractEdit
from backbeat.models.marks import mark_in
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, to_item, walk
from backbeat.ports.store import Absent, Effect, IndexKey, Item, Put, Query, Store, Version


class Pointer(Model):
    """Whose contract it is."""

    customer_id: str


class Stored(NamedTuple):
    """A contract and the version it was read at."""

    contract: Contract
    version: int


def insert(tenant: str, contract: Contract) -> Put:
    """Returns the effect that stores a new contract."""
    return Put(_item(tenant, contract, 1), Absent())


def pointer(tenant: str, contract: Contract) -> Put:
    """Returns the effect that lets a contract be found by its id alone."""
    return Put(
        to_item(
            keys.contract_pointer(tenant, contract.id), Pointer(customer_id=contract.customer_id)
        )
    )


def owners_by_mark(store: Store, tenant: str, invoice_id: str) -> list[str]:
    """Returns the ids of the customers one of whose contracts may have an invoice of that id."""
    query = Query(keys.contracts_of_mark(tenant, mark_in(invoice_id)))
    owners = (from_item(item, Pointer).customer_id for item in walk(store, query))
    return [*dict.fromkeys(owners)]


def replace(tenant: str, before: Stored, contract: Contract) -> Put:
    """Returns the effect that stores a changed contract if nobody changed it meanwhile."""
    return Put(_item(tenant, contract, before.version + 1), Version(before.version))


def find(store: Store, tenant: str, customer_id: str, contract_id: str) -> Stored | None:
    """Returns a customer's contract, or None."""
    item = store.get(keys.contract(tenant, customer_id, contract_id))
    return None if item is None else Stored(from_item(item, Contract), item.version)


def of_customer(store: Store, tenant: str, customer_id: str) -> Iterator[Contract]:
    """Yields all of a customer's contracts, in no particular order."""
    pk, low, high = keys.contracts(tenant, customer_id)
    for item in walk(store, Query(pk, low=low, high=high)):
        yield from_item(item, Contract)


def append_edit(
    tenant: str, edit: ContractEdit, *, before: Contract, after: Contract
) -> list[Effect]:
    """Returns the effects that record a change and the contract as it came out of it.

    The contract as created is copied at its first change: until then it is the contract itself.
    """
    owner = (tenant, edit.customer_id, edit.contract_id)
    effects: list[Effect] = [
        Put(to_item(keys.contract_edit(*owner, edit.timestamp, edit.number), edit), Absent()),
        Put(to_item(keys.contract_state(*owner, edit.timestamp, edit.number), after), Absent()),
    ]
    if before.edits == 0:
        created = keys.contract_state(*owner, before.created_at, 0)
        effects.append(Put(to_item(created, before), Absent()))
    return effects


def edits(store: Store, tenant: str, contract: Contract) -> list[ContractEdit]:
    """Returns a contract's changes, oldest first."""
    if contract.edits == 0:
        return []
    pk, low, high = keys.contract_edits(tenant, contract.customer_id, contract.id)
    return [from_item(item, ContractEdit) for item in walk(store, Query(pk, low=low, high=high))]


def as_created(store: Store, tenant: str, contract: Contract) -> Contract:
    """Returns a contract's first form."""
    if contract.edits == 0:
        return contract
    pk, low, high = keys.contract_states(tenant, contract.customer_id, contract.id)
    first = store.query(Query(pk, low=low, high=high, limit=1)).items
    return from_item(first[0], Contract)


def as_of(store: Store, tenant: str, contract: Contract, instant: datetime) -> Contract:
    """Returns the form a contract had after all changes made up to and at an instant."""
    if contract.edits == 0:
        return contract
    pk, low, _ = keys.contract_states(tenant, contract.customer_id, contract.id)
    high = keys.contract_states_until(contract.id, instant)
    latest = store.query(Query(pk, low=low, high=high, forward=False, limit=1)).items
    return from_item(latest[0], Contract) if latest else as_created(store, tenant, contract)


def after_edits(store: Store, tenant: str, contract: Contract, number: int) -> Contract:
    """Returns the form a contract had after a number of edits."""
    if number >= contract.edits:
        return contract
    pk, low, high = keys.contract_states(tenant, contract.customer_id, contract.id)
    forms = (from_item(one, Contract) for one in walk(store, Query(pk, low=low, high=high)))
    return next(form for form in forms if form.edits == number)


def _item(tenant: str, contract: Contract, version: int) -> Item:
    start = keys.created(contract.starting_at, contract.id)
    package = contract.package_id
    return to_item(
        keys.contract(tenant, contract.customer_id, contract.id),
        contract,
        version=version,
        gsi1=None
        if package is None
        else IndexKey(keys.contracts_on_package(tenant, package), start),
    )
