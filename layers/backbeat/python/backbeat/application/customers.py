"""Customers and their ingest aliases."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from backbeat.application import aliases
from backbeat.application.services import Call
from backbeat.models.customers import Customer
from backbeat.models.errors import NotFound
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, page_of, read, to_item, walk
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Absent, Effect, Index, IndexKey, Item, Put, Query, Version

_NAME_LENGTH: Final = 160


def create(
    call: Call, *, name: str, ingest_aliases: Iterable[str], custom_fields: dict[str, str]
) -> Customer:
    """Creates a customer. A name over 160 characters is cut there.

    Raises:
        Conflict: another customer holds one of the aliases.
    """
    customer = Customer(
        id=call.services.ids.new(),
        name=name[:_NAME_LENGTH],
        ingest_aliases=tuple(dict.fromkeys(ingest_aliases)),
        custom_fields=custom_fields,
        created_at=call.now,
        updated_at=call.now,
    )
    put = Put(_item(call, customer), Absent())
    aliases.write(call, customer.id, put, claiming=customer.ingest_aliases, releasing=())
    return customer


def get(call: Call, customer_id: str) -> Customer:
    """Returns a customer, archived ones included.

    Raises:
        NotFound: no customer has the id.
    """
    customer = read(call.store, keys.customer(call.tenant, customer_id), Customer)
    if customer is None:
        raise NotFound("customer", customer_id)
    return customer


def of_ids(call: Call, customer_ids: Sequence[str]) -> list[Customer]:
    """Returns those of the customers that exist, in the order of their ids."""
    wanted = [keys.customer(call.tenant, customer_id) for customer_id in sorted(set(customer_ids))]
    found = call.store.get_many(wanted)
    return [from_item(found[key], Customer) for key in wanted if key in found]


def matching_key(call: Call, customer_key: str) -> Customer | None:
    """Returns the customer whose usage an event with this key is: by id, else by alias."""
    by_id = read(call.store, keys.customer(call.tenant, customer_key), Customer)
    return by_id or aliases.holder(call, customer_key)


def page(
    call: Call, *, archived: bool, limit: int, cursor: str | None
) -> tuple[list[Customer], str | None]:
    """Returns a page of the customers in order of creation, and the next page's cursor."""
    query = Query(
        keys.customers(call.tenant, archived=archived),
        index=Index.GSI1,
        limit=limit,
        cursor=cursor,
    )
    items, next_cursor = page_of(call.store, query, keep=lambda item: True)
    return [from_item(item, Customer) for item in items], next_cursor


def walk_all(call: Call, *, start: str | None = None) -> Iterator[tuple[str, Customer]]:
    """Yields the customers that are not archived in order of creation, each with its position.

    `start` is the position to begin at.
    """
    query = Query(keys.customers(call.tenant, archived=False), index=Index.GSI1, low=start)
    for item in walk(call.store, query):
        if item.gsi1 is not None:
            yield item.gsi1.sk, from_item(item, Customer)


def set_name(call: Call, customer_id: str, name: str) -> Customer:
    """Renames a customer.

    Raises:
        NotFound: no customer has the id.
    """
    item = _stored(call, customer_id)
    customer = from_item(item, Customer).model_copy(
        update={"name": name[:_NAME_LENGTH], "updated_at": call.now}
    )
    work = UnitOfWork(call.store)
    work.add(_replace(call, customer, item))
    work.commit()
    return customer


def set_ingest_aliases(call: Call, customer_id: str, wanted: Iterable[str]) -> None:
    """Replaces all aliases. Stored events follow at once, since usage is matched when read.

    Raises:
        NotFound: no customer has the id.
        Conflict: another customer holds one of the aliases.
    """
    item = _stored(call, customer_id)
    before = from_item(item, Customer)
    after = dict.fromkeys(wanted)
    held = dict.fromkeys(before.ingest_aliases)
    added = [alias for alias in after if alias not in held]
    removed = [alias for alias in held if alias not in after]
    # What one transaction cannot give back stays the customer's until the next one.
    for number, start in enumerate(range(0, max(len(removed), 1), aliases.AT_ONCE)):
        now_removed = removed[start : start + aliases.AT_ONCE]
        kept = removed[start + aliases.AT_ONCE :]
        customer = before.model_copy(
            update={"ingest_aliases": (*after, *kept), "updated_at": call.now}
        )
        version = item.version + number
        put = Put(_item(call, customer, version + 1), Version(version))
        claiming = () if number else added
        aliases.write(call, customer_id, put, claiming=claiming, releasing=now_removed)


def _stored(call: Call, customer_id: str) -> Item:
    item = call.store.get(keys.customer(call.tenant, customer_id))
    if item is None:
        raise NotFound("customer", customer_id)
    return item


def _item(call: Call, customer: Customer, version: int = 1) -> Item:
    return to_item(
        keys.customer(call.tenant, customer.id),
        customer,
        version=version,
        gsi1=IndexKey(
            keys.customers(call.tenant, archived=customer.archived_at is not None),
            keys.created(customer.created_at, customer.id),
        ),
    )


def _replace(call: Call, customer: Customer, before: Item) -> Effect:
    return Put(_item(call, customer, before.version + 1), Version(before.version))
