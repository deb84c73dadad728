"""Customers and their ingest aliases."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Final

from backbeat.application import aliases, looks, provider_configurations
from backbeat.application import custom_fields as fields
from backbeat.application.provider_configurations import NewConfiguration
from backbeat.application.services import Call
from backbeat.models.custom_fields import FieldEntity
from backbeat.models.customers import BillableStatus, BillableStatusChange, Customer
from backbeat.models.errors import NotFound
from backbeat.models.notifications import Notification
from backbeat.models.provider_configurations import ProviderConfiguration
from backbeat.persistence import customer_words, keys
from backbeat.persistence.entities import from_item, page_of, read, to_item, walk
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Absent, Effect, Index, IndexKey, Item, Put, Query, Version

Beside = Callable[[UnitOfWork, Customer, Sequence[ProviderConfiguration]], Sequence[Notification]]
"""Adds to the creation of a customer with these accounts; returns what to tell subscribers."""

_NAME_LENGTH: Final = 160


def nothing_beside(
    work: UnitOfWork, customer: Customer, accounts: Sequence[ProviderConfiguration]
) -> Sequence[Notification]:
    """Adds nothing to a customer's creation."""
    return ()


def create(
    call: Call,
    *,
    name: str,
    ingest_aliases: Iterable[str],
    custom_fields: dict[str, str],
    configurations: Sequence[NewConfiguration] = (),
    beside: Beside = nothing_beside,
) -> Customer:
    """Creates a customer. A name over 160 characters is cut there.

    `beside` adds what is to be created in the same transaction.

    Raises:
        Conflict: another customer holds one of the aliases, or a value that must be unique.
        InvalidArgument: a custom field is not registered, or a configuration is not valid.
    """
    customer = Customer(
        id=call.services.ids.new(),
        name=name[:_NAME_LENGTH],
        ingest_aliases=tuple(dict.fromkeys(ingest_aliases)),
        custom_fields=custom_fields,
        created_at=call.now,
        updated_at=call.now,
    )
    accounts = [
        provider_configurations.made_of(call, customer.id, wanted) for wanted in configurations
    ]

    def add(work: UnitOfWork) -> Sequence[Notification]:
        work.add(Put(_item(call, customer), Absent()))
        work.add(*customer_words.changes(call.tenant, None, customer))
        for account in accounts:
            work.add(*provider_configurations.insert(call, account))
        fields.claim(call, work, FieldEntity.CUSTOMER, customer.id, customer.custom_fields)
        return beside(work, customer, accounts)

    aliases.write(call, customer.id, add, claiming=customer.ingest_aliases, releasing=())
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
    call: Call,
    *,
    archived: bool,
    limit: int,
    cursor: str | None,
    salesforce_account_ids: Collection[str] | None = None,
) -> tuple[list[Customer], str | None]:
    """Returns a page of the customers in order of creation, and the next page's cursor."""
    query = Query(
        keys.customers(call.tenant, archived=archived),
        index=Index.GSI1,
        limit=limit,
        cursor=cursor,
    )
    items, next_cursor = page_of(
        call.store,
        query,
        keep=lambda item: (
            salesforce_account_ids is None
            or from_item(item, Customer).salesforce_account_id in salesforce_account_ids
        ),
    )
    return [from_item(item, Customer) for item in items], next_cursor


def page_of_all(call: Call, *, limit: int, cursor: str | None) -> tuple[list[Customer], str | None]:
    """Returns a page of the customers, archived ones too, in order of creation, and a cursor.

    The cursor is a place in that order: who is archived between two pages is in one of them.
    """
    found: dict[str, Item] = {}
    # Who is archived between these two reads is found twice rather than not at all.
    for archived in (False, True):
        pk = keys.customers(call.tenant, archived=archived)
        query = Query(pk, index=Index.GSI1, low=cursor or None, limit=limit + 1)
        for item in islice(walk(call.store, query), limit + 1):
            if item.gsi1 is not None:
                found[item.gsi1.sk] = item
    places = sorted(found)[: limit + 1]
    shown = [from_item(found[place], Customer) for place in places[:limit]]
    return shown, places[limit] if len(places) > limit else None


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
    return change(call, customer_id, name=name[:_NAME_LENGTH])


def set_billable_status(
    call: Call, customer_id: str, value: BillableStatus, effective_at: datetime
) -> Customer:
    """Sets a customer's status from a date on, whatever was set for later dates.

    Raises:
        NotFound: no customer has the id.
    """
    item = _stored(call, customer_id)
    added = BillableStatusChange(value=value, effective_at=effective_at)
    statuses = (*from_item(item, Customer).billable_statuses, added)
    return _change(call, item, {"billable_statuses": statuses})


def change(call: Call, customer_id: str, **changes: object) -> Customer:
    """Changes some fields of a customer, not the aliases.

    Raises:
        NotFound: no customer has the id.
    """
    return _change(call, _stored(call, customer_id), changes)


def _change(call: Call, item: Item, changes: Mapping[str, object]) -> Customer:
    before = from_item(item, Customer)
    customer = before.model_copy(update={**changes, "updated_at": call.now})
    work = UnitOfWork(call.store)
    work.add(_replace(call, customer, item))
    work.add(*customer_words.changes(call.tenant, before, customer))
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
        words = tuple(customer_words.changes(call.tenant, before, customer))
        aliases.write(
            call,
            customer_id,
            partial(_add_alone, call, customer_id, (put, *words)),
            claiming=() if number else added,
            releasing=now_removed,
        )


def _add_alone(
    call: Call, customer_id: str, effects: Iterable[Effect], work: UnitOfWork
) -> Sequence[Notification]:
    work.add(*effects)
    # Usage that was stored under a name comes and goes with it.
    looks.request(call, work, customer_id)
    return ()


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
