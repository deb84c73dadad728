"""Invoices of Metronome that are collected at Stripe."""

from backbeat.models.base import Model
from backbeat.models.collections import Collection
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, read, to_item
from backbeat.ports.store import Absent, Effect, Item, Put, Store, Version


class _Collects(Model):
    """Names the invoice of Metronome that one at Stripe collects."""

    invoice_id: str


def found(store: Store, tenant: str, invoice_id: str) -> tuple[Item, Collection] | None:
    """Returns how an invoice of Metronome is collected, as stored, or None."""
    item = store.get(keys.collection(tenant, invoice_id))
    return None if item is None else (item, from_item(item, Collection))


def by_stripe_id(store: Store, tenant: str, stripe_id: str) -> tuple[Item, Collection] | None:
    """Returns what an invoice or a payment intent at Stripe collects, as stored, or None."""
    named = read(store, keys.collecting(tenant, stripe_id), _Collects)
    return None if named is None else found(store, tenant, named.invoice_id)


def of_item(item: Item) -> Collection:
    """Returns the collection that an item stores."""
    return from_item(item, Collection)


def item_of(tenant: str, collection: Collection, before: Item | None) -> Item:
    """Returns a collection as stored in the place of what was before."""
    return to_item(
        keys.collection(tenant, collection.invoice_id),
        collection,
        version=1 if before is None else before.version + 1,
    )


def put(tenant: str, collection: Collection, before: Item | None) -> list[Effect]:
    """Stores a collection, if nobody changed it since it was read."""
    condition = Absent() if before is None else Version(before.version)
    pointer = _Collects(invoice_id=collection.invoice_id)
    ids = (collection.stripe_invoice_id, collection.payment_intent_id)
    return [
        Put(item_of(tenant, collection, before), condition),
        *(Put(to_item(keys.collecting(tenant, id_), pointer)) for id_ in ids if id_ is not None),
    ]
