"""Commits and credits in the store: one item each, among what hangs on their customer."""

from backbeat.models.balances import Balance
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, to_item, walk
from backbeat.ports.store import Absent, Delete, Item, Put, Query, Store, Version


def insert(tenant: str, balance: Balance) -> Put:
    """Stores a new balance."""
    return Put(_item(tenant, balance), Absent())


def replace(tenant: str, balance: Balance, item: Item) -> Put:
    """Stores a changed balance, if nobody changed it since it was read."""
    return Put(_item(tenant, balance, item.version + 1), Version(item.version))


def remove(item: Item) -> Delete:
    """Deletes a balance that never held anything, if nobody changed it since it was read."""
    return Delete(item.key, Version(item.version))


def find(store: Store, tenant: str, customer_id: str, balance_id: str) -> Item | None:
    """Returns a customer's balance as stored, or None."""
    return store.get(keys.balance(tenant, customer_id, balance_id))


def of_customer(store: Store, tenant: str, customer_id: str) -> list[tuple[Item, Balance]]:
    """Returns all of a customer's balances, also those of its contracts."""
    pk, low, high = keys.balances(tenant, customer_id)
    items = walk(store, Query(pk, low=low, high=high))
    return [(item, from_item(item, Balance)) for item in items]


def _item(tenant: str, balance: Balance, version: int = 1) -> Item:
    return to_item(keys.balance(tenant, balance.customer_id, balance.id), balance, version=version)
