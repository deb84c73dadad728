"""Customers of the billing handlers and the changes under way for them."""

from backbeat.models.accounts import Account, Operation
from backbeat.models.base import Model
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, read, to_item
from backbeat.ports.store import Absent, Effect, IndexKey, Item, Put, Store, Version


class Pointer(Model):
    """Names what something belongs to."""

    id: str


def account(store: Store, tenant: str, entity_id: str) -> tuple[Item, Account] | None:
    """Returns an account as stored, or None."""
    item = store.get(keys.account(tenant, entity_id))
    return None if item is None else (item, from_item(item, Account))


def put_account(tenant: str, account: Account, before: Item | None) -> Put:
    """Stores an account, if nobody changed it since it was read."""
    return Put(
        to_item(
            keys.account(tenant, account.id),
            account,
            version=1 if before is None else before.version + 1,
            gsi1=IndexKey(keys.accounts(tenant), keys.created(account.created_at, account.id)),
        ),
        Absent() if before is None else Version(before.version),
    )


def operation(store: Store, tenant: str, operation_id: str) -> tuple[Item, Operation] | None:
    """Returns an operation as stored, or None."""
    item = store.get(keys.operation(tenant, operation_id))
    return None if item is None else (item, from_item(item, Operation))


def put_operation(tenant: str, operation: Operation, before: Item | None) -> Put:
    """Stores an operation, if nobody changed it since it was read."""
    return Put(
        to_item(
            keys.operation(tenant, operation.id),
            operation,
            version=1 if before is None else before.version + 1,
            gsi1=IndexKey(
                keys.operations(tenant, operation.status),
                keys.created(operation.created_at, operation.id),
            ),
        ),
        Absent() if before is None else Version(before.version),
    )


def names_operation(tenant: str, stripe_invoice_id: str, operation_id: str) -> Effect:
    """Notes which operation an invoice at Stripe is of."""
    key = keys.operation_of_invoice(tenant, stripe_invoice_id)
    return Put(to_item(key, Pointer(id=operation_id)))


def operation_of_invoice(store: Store, tenant: str, stripe_invoice_id: str) -> str | None:
    """Returns the id of the operation that an invoice at Stripe is of, or None."""
    found = read(store, keys.operation_of_invoice(tenant, stripe_invoice_id), Pointer)
    return None if found is None else found.id


def names_account(tenant: str, provider: str, customer_id: str, entity_id: str) -> Effect:
    """Notes which entity a customer at a provider is."""
    key = keys.account_of_customer(tenant, provider, customer_id)
    return Put(to_item(key, Pointer(id=entity_id)))


def account_of_customer(store: Store, tenant: str, provider: str, customer_id: str) -> str | None:
    """Returns the id of the entity that a customer at a provider is, or None."""
    found = read(store, keys.account_of_customer(tenant, provider, customer_id), Pointer)
    return None if found is None else found.id
