"""Payments in the store: one item each, among what hangs on their customer, oldest first."""

from backbeat.models.payments import Payment
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, to_item, walk
from backbeat.ports.store import Absent, Item, Key, Put, Query, Store, Version


def insert(tenant: str, payment: Payment) -> Put:
    """Stores a new payment."""
    return Put(to_item(key_of(tenant, payment), payment), Absent())


def replace(tenant: str, payment: Payment, item: Item) -> Put:
    """Stores a changed payment, if nobody changed it since it was read."""
    changed = to_item(key_of(tenant, payment), payment, version=item.version + 1)
    return Put(changed, Version(item.version))


def of_customer(store: Store, tenant: str, customer_id: str) -> list[tuple[Item, Payment]]:
    """Returns all payments of a customer's invoices, oldest first."""
    pk, low, high = keys.payments(tenant, customer_id)
    return [(item, from_item(item, Payment)) for item in walk(store, Query(pk, low=low, high=high))]


def key_of(tenant: str, payment: Payment) -> Key:
    """Returns where a payment lies."""
    return keys.payment(tenant, payment.customer_id, payment.created_at, payment.id)
