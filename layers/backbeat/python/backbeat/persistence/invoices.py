"""Stored invoices: finalized and void ones. Drafts are never stored."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from backbeat.models.base import Model
from backbeat.models.invoices import Invoice, LineItem
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, read, to_item, walk
from backbeat.ports.store import Absent, Item, Key, Put, Query, Store, Version

_LINES_INLINE: Final = 200
"""Longer invoices keep their lines in pages of their own: an item holds 350 KB at the most."""


class _Pointer(Model):
    customer_id: str
    sk: str


class _StoredInvoice(Invoice):
    line_pages: int = 0


class _LinePage(Model):
    line_items: tuple[LineItem, ...]


@dataclass(frozen=True, slots=True)
class StoredInvoice:
    """An invoice and the item its header lies in."""

    invoice: Invoice
    item: Item


def insert(store: Store, tenant: str, invoice: Invoice) -> list[Put]:
    """Returns the effects that store a new invoice.

    The pages of a long one are written at once: they are reached through the invoice only, so
    pages without one are nothing, and a repeated run overwrites them with the same.
    """
    pages = _pages(invoice)
    if pages:
        store.put_many(
            to_item(keys.invoice_lines(tenant, invoice.id, number), page)
            for number, page in enumerate(pages, start=1)
        )
    header = _StoredInvoice.model_validate(
        {**dict(invoice), "line_items": () if pages else invoice.line_items}
    ).model_copy(update={"line_pages": len(pages)})
    start = invoice.start_timestamp or invoice.issued_at
    key = keys.invoice(tenant, invoice.customer_id, start, invoice.id)
    pointer = _Pointer(customer_id=invoice.customer_id, sk=key.sk)
    return [
        Put(to_item(key, header), Absent()),
        Put(to_item(keys.invoice_pointer(tenant, invoice.id), pointer)),
    ]


def find(store: Store, tenant: str, customer_id: str, invoice_id: str) -> Invoice | None:
    """Returns a customer's stored invoice, or None."""
    found = locate(store, tenant, invoice_id)
    return None if found is None or found.invoice.customer_id != customer_id else found.invoice


def locate(store: Store, tenant: str, invoice_id: str) -> StoredInvoice | None:
    """Returns a stored invoice, whoever it bills, or None."""
    pointer = read(store, keys.invoice_pointer(tenant, invoice_id), _Pointer)
    if pointer is None:
        return None
    item = store.get(Key(keys.customer(tenant, pointer.customer_id).pk, pointer.sk))
    return None if item is None else StoredInvoice(_whole(store, tenant, item), item)


def stored_ids(store: Store, tenant: str, invoice_ids: Sequence[str]) -> set[str]:
    """Returns which of the invoices are stored, be they final or void."""
    wanted = {keys.invoice_pointer(tenant, invoice_id): invoice_id for invoice_id in invoice_ids}
    return {wanted[key] for key in store.get_many(list(wanted))}


def of_customer(store: Store, tenant: str, customer_id: str) -> Iterator[Invoice]:
    """Yields a customer's stored invoices in order of their period."""
    return (found.invoice for found in stored_of_customer(store, tenant, customer_id))


def stored_of_customer(store: Store, tenant: str, customer_id: str) -> Iterator[StoredInvoice]:
    """Yields a customer's stored invoices in order of their period, ready to be changed."""
    pk, low, high = keys.invoices(tenant, customer_id)
    for item in walk(store, Query(pk, low=low, high=high)):
        yield StoredInvoice(_whole(store, tenant, item), item)


def change(stored: StoredInvoice, **changes: object) -> Put:
    """Returns the effect that changes some fields of a stored invoice, not its lines."""
    header = from_item(stored.item, _StoredInvoice).model_copy(update=changes)
    version = stored.item.version
    return Put(to_item(stored.item.key, header, version=version + 1), Version(version))


def _pages(invoice: Invoice) -> list[_LinePage]:
    lines = invoice.line_items
    if len(lines) <= _LINES_INLINE:
        return []
    return [
        _LinePage(line_items=lines[start : start + _LINES_INLINE])
        for start in range(0, len(lines), _LINES_INLINE)
    ]


def _whole(store: Store, tenant: str, item: Item) -> Invoice:
    header = from_item(item, _StoredInvoice)
    if header.line_pages == 0:
        return header
    page_keys = [
        keys.invoice_lines(tenant, header.id, number) for number in range(1, header.line_pages + 1)
    ]
    found = store.get_many(page_keys)
    lines = [line for key in page_keys for line in from_item(found[key], _LinePage).line_items]
    return header.model_copy(update={"line_items": tuple(lines)})
