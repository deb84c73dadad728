"""Where things lie that can have custom fields.

Values are kept inside the thing they belong to, beside its `id`, so that everything that shows the
thing has them. Here they are changed in the stored form, whatever else that holds: a term of a
contract lies in the contract, a term of a package in the package.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from backbeat.models.balances import BalanceType
from backbeat.models.custom_fields import FieldEntity
from backbeat.persistence import alerts, invoices, keys, metric_version
from backbeat.persistence.contracts import Pointer
from backbeat.persistence.entities import read, walk
from backbeat.ports.store import Effect, Index, Item, Key, Put, Query, Store, Version

_KINDS: Final = {
    FieldEntity.PRODUCT: "PRODUCT",
    # Products of contracts are the only products there are.
    FieldEntity.CONTRACT_PRODUCT: "PRODUCT",
    FieldEntity.RATE_CARD: "RATECARD",
    FieldEntity.ALERT: "ALERT",
}
_BALANCES: Final = {
    FieldEntity.COMMIT: (BalanceType.PREPAID, BalanceType.POSTPAID),
    FieldEntity.CONTRACT_CREDIT: (BalanceType.CREDIT,),
}
_PACKAGE: Final = "PACKAGE"
_CONTRACT: Final = "Contract"
_DRAFTS: Final = "draft_fields"
_IN_CONTRACTS: Final = {
    FieldEntity.SCHEDULED_CHARGE: "scheduled_charges",
    FieldEntity.DISCOUNT: "discounts",
    FieldEntity.PROFESSIONAL_SERVICE: "professional_services",
    FieldEntity.SUBSCRIPTION: "subscriptions",
}
_IN_PACKAGES: Final = {
    FieldEntity.PACKAGE_COMMIT: "commits",
    FieldEntity.PACKAGE_CREDIT: "credits",
    FieldEntity.PACKAGE_SUBSCRIPTION: "subscriptions",
    FieldEntity.PACKAGE_SCHEDULED_CHARGE: "scheduled_charges",
}
_TERMS: Final = {**_IN_CONTRACTS, **_IN_PACKAGES}


def find(store: Store, tenant: str, entity: FieldEntity, id_: str) -> Item | None:
    """Returns the item in which a thing lies, or None when there is no such thing."""
    if entity is FieldEntity.INVOICE:
        stored = invoices.locate(store, tenant, id_)
        return None if stored is None else stored.item
    if entity is FieldEntity.CONTRACT:
        return _contract(store, tenant, id_)
    key = _key(tenant, entity, id_)
    if key is not None:
        return store.get(key)
    # Requests name a term or a balance by its id alone, and it may lie with any customer.
    for item in all_of(store, tenant, entity):
        if id_ in values_by_id(item, entity):
            # What lists give may be old, and whoever changes the item needs its latest version.
            return store.get(item.key)
    return None


def of_draft(store: Store, tenant: str, contract_id: str) -> Item | None:
    """Returns the item in which the fields of a contract's drafts lie: its own."""
    return _contract(store, tenant, contract_id)


def all_of(store: Store, tenant: str, entity: FieldEntity) -> Iterator[Item]:
    """Yields every item in which a thing of the kind may lie."""
    if entity is FieldEntity.CUSTOMER:
        yield from _customers(store, tenant)
    elif entity is FieldEntity.BILLABLE_METRIC:
        yield from walk(store, Query(keys.metric(tenant, "").pk))
    elif entity is FieldEntity.CREDIT_GRANT:
        yield from walk(store, Query(keys.credit_grants(tenant)))
    elif entity is FieldEntity.INVOICE:
        yield from _of_customers(store, tenant, keys.invoices)
        yield from _of_customers(store, tenant, keys.contracts)
    elif entity in _BALANCES:
        yield from _of_customers(store, tenant, keys.balances)
    elif entity is FieldEntity.CONTRACT or entity in _IN_CONTRACTS:
        yield from _of_customers(store, tenant, keys.contracts)
    elif entity in _IN_PACKAGES or entity in _KINDS:
        kind = _KINDS.get(entity, _PACKAGE)
        for archived in (False, True):
            partition = keys.entities(tenant, kind, archived=archived)
            yield from walk(store, Query(partition, index=Index.GSI1))


def values_by_id(item: Item, entity: FieldEntity) -> dict[str, dict[str, str]]:
    """Returns the values of each thing of the kind that lies in an item."""
    return {
        thing["id"]: thing.get("custom_fields", {})
        for thing in _things(item, json.loads(item.doc), entity)
    }


def customer_of(item: Item) -> str:
    """Returns the id of the customer to whom the contract or balance in an item belongs."""
    id_: str = json.loads(item.doc)["customer_id"]
    return id_


def change(
    tenant: str, item: Item, entity: FieldEntity, values: Mapping[str, Mapping[str, str]]
) -> list[Effect]:
    """Returns the effects that replace all values of some of the things in an item."""
    doc = json.loads(item.doc)
    if _holds_drafts(item, entity):
        drafts = {one["id"]: one for one in doc.get(_DRAFTS, [])}
        doc[_DRAFTS] = [
            *(drafts | {id_: {"id": id_} for id_ in values if id_ not in drafts}).values()
        ]
    for thing in _things(item, doc, entity):
        if thing["id"] in values:
            thing["custom_fields"] = dict(values[thing["id"]])
    text = json.dumps(doc, ensure_ascii=False, separators=(",", ":"))
    changed = replace(item, doc=text.encode(), version=item.version + 1)
    effects: list[Effect] = [Put(changed, Version(item.version))]
    if entity is FieldEntity.BILLABLE_METRIC:
        effects.append(metric_version.changed(tenant))
    if entity is FieldEntity.ALERT:
        effects.append(alerts.changed(tenant, doc.get("customer_id")))
    return effects


def _key(tenant: str, entity: FieldEntity, id_: str) -> Key | None:
    if entity is FieldEntity.CUSTOMER:
        return keys.customer(tenant, id_)
    if entity is FieldEntity.BILLABLE_METRIC:
        return keys.metric(tenant, id_)
    if entity is FieldEntity.CREDIT_GRANT:
        return keys.credit_grant(tenant, id_)
    if entity in _KINDS:
        return keys.entity(tenant, _KINDS[entity], id_)
    return None


def _customers(store: Store, tenant: str) -> Iterator[Item]:
    for archived in (False, True):
        partition = keys.customers(tenant, archived=archived)
        yield from walk(store, Query(partition, index=Index.GSI1))


def _of_customers(
    store: Store, tenant: str, ranges: Callable[[str, str], tuple[str, str, str]]
) -> Iterator[Item]:
    for customer in _customers(store, tenant):
        pk, low, high = ranges(tenant, json.loads(customer.doc)["id"])
        yield from walk(store, Query(pk, low=low, high=high))


def _contract(store: Store, tenant: str, contract_id: str) -> Item | None:
    pointer = read(store, keys.contract_pointer(tenant, contract_id), Pointer)
    if pointer is None:
        return None
    return store.get(keys.contract(tenant, pointer.customer_id, contract_id))


def _holds_drafts(item: Item, entity: FieldEntity) -> bool:
    return entity is FieldEntity.INVOICE and item.entity == _CONTRACT


def _things(item: Item, doc: dict[str, Any], entity: FieldEntity) -> list[dict[str, Any]]:
    """Returns the things of a kind in a stored form: what it stores, or terms of that."""
    if _holds_drafts(item, entity):
        drafts: list[dict[str, Any]] = doc.get(_DRAFTS, [])
        return drafts
    if entity in _TERMS:
        terms: list[dict[str, Any]] = doc.get(_TERMS[entity], [])
        return terms
    if entity in _BALANCES and doc["type"] not in _BALANCES[entity]:
        return []
    return [doc]
