"""Custom fields: their registry, and the values that things carry.

A key is registered for a kind of thing before any of them may have a value under it. The values of
a key that is registered as unique are claimed by whoever has them.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from backbeat.application import looks
from backbeat.application.services import Call
from backbeat.models.custom_fields import CustomField, FieldEntity
from backbeat.models.errors import InvalidArgument, NotFound
from backbeat.models.invoices import InvoiceType
from backbeat.persistence import claims, field_holders, keys
from backbeat.persistence.entities import from_item, to_item, walk
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Absent, Delete, Item, Put, Query, Version

_TAKEN: Final = "This custom field value is already in use."
_SAME_THINGS: Final = {
    FieldEntity.PRODUCT: FieldEntity.CONTRACT_PRODUCT,
    FieldEntity.CONTRACT_PRODUCT: FieldEntity.PRODUCT,
}
"""The API has two names for products; a key registered under either is good for both."""
_CHOSEN_BY: Final = {FieldEntity.COMMIT, FieldEntity.CONTRACT_CREDIT, FieldEntity.CONTRACT}
"""The things whose fields say which balances and invoices an alert is about."""


# The registry


def add_key(call: Call, field: CustomField) -> None:
    """Registers a key.

    Raises:
        InvalidArgument: the kind of thing has the key already.
    """
    work = UnitOfWork(call.store)
    work.add(
        Put(to_item(keys.custom_field(call.tenant, field.entity, field.key), field), Absent()),
        otherwise=lambda _: InvalidArgument("Duplicate custom field key"),
    )
    work.commit()


def remove_key(call: Call, entity: FieldEntity, key: str) -> None:
    """Takes a key out of the registry, and the values under it off everything that has one.

    Raises:
        NotFound: the key is not registered.
    """
    item = call.store.get(keys.custom_field(call.tenant, entity, key))
    if item is None:
        raise NotFound("Custom field key", key)
    work = UnitOfWork(call.store)
    work.add(Delete(item.key, Version(item.version)))
    work.commit()
    for listed in field_holders.all_of(call.store, call.tenant, entity):
        if any(key in values for values in field_holders.values_by_id(listed, entity).values()):
            _take_off(call, listed, from_item(item, CustomField))


def registered(call: Call, entities: Iterable[FieldEntity]) -> list[CustomField]:
    """Returns the registered keys of some kinds, or of all when none is named, by kind and key."""
    wanted = set(entities)
    items = walk(call.store, Query(keys.custom_fields(call.tenant)))
    fields = [from_item(item, CustomField) for item in items]
    shown = [field for field in fields if not wanted or field.entity in wanted]
    return sorted(shown, key=lambda field: (field.entity, field.key))


def refuse_unregistered(call: Call, entity: FieldEntity, values: Mapping[str, str]) -> None:
    """Makes sure that a thing may carry values under these keys.

    Raises:
        InvalidArgument: a key is not registered for the kind of thing.
    """
    _fields(call, entity, values)


# Values


def claim(
    call: Call, work: UnitOfWork, entity: FieldEntity, id_: str, values: Mapping[str, str]
) -> None:
    """Lets a thing that `work` creates carry its values: adds the claims of the unique ones.

    Raises:
        InvalidArgument: a key is not registered for the kind of thing.
    """
    for field in _fields(call, entity, values):
        if field.enforce_uniqueness:
            _take(call, work, field, values[field.key], id_)


def give_back(
    call: Call, work: UnitOfWork, entity: FieldEntity, id_: str, values: Mapping[str, str]
) -> None:
    """Frees the unique values of a thing that was never made."""
    for field in _found(call, entity, values).values():
        _give_back(call, work, field, values, id_)


def set_values(call: Call, entity: FieldEntity, id_: str, values: Mapping[str, str]) -> None:
    """Sets values of a thing, all or none; those under other keys stay.

    Raises:
        InvalidArgument: a key is not registered for the kind of thing.
        NotFound: there is no such thing.
        Conflict: another thing has a value that must be unique.
    """
    fields = _fields(call, entity, values)
    item, before = _holder(call, entity, id_)
    work = UnitOfWork(call.store)
    for field in fields:
        if field.enforce_uniqueness and before.get(field.key) != values[field.key]:
            _take(call, work, field, values[field.key], id_)
            _give_back(call, work, field, before, id_)
    after = {id_: {**before, **values}}
    work.add(*field_holders.change(call.tenant, item, entity, after))
    _look_again(call, work, entity, item)
    work.commit()


def delete_values(call: Call, entity: FieldEntity, id_: str, names: Iterable[str]) -> None:
    """Takes values off a thing; keys without a value are fine.

    Raises:
        NotFound: there is no such thing.
    """
    item, before = _holder(call, entity, id_)
    gone = before.keys() & set(names)
    if not gone:
        return
    work = UnitOfWork(call.store)
    for field in _found(call, entity, gone).values():
        _give_back(call, work, field, before, id_)
    after = {id_: {name: value for name, value in before.items() if name not in gone}}
    work.add(*field_holders.change(call.tenant, item, entity, after))
    _look_again(call, work, entity, item)
    work.commit()


def _fields(call: Call, entity: FieldEntity, values: Mapping[str, str]) -> list[CustomField]:
    if not values:
        return []
    found = _found(call, entity, values)
    if len(found) < len(values):
        raise InvalidArgument("Invalid custom field keys")
    return list(found.values())


def _found(call: Call, entity: FieldEntity, names: Iterable[str]) -> dict[str, CustomField]:
    """Returns those of the keys that are registered."""
    kinds = [entity, *([_SAME_THINGS[entity]] if entity in _SAME_THINGS else [])]
    wanted = [keys.custom_field(call.tenant, kind, name) for name in names for kind in kinds]
    items = call.store.get_many(wanted)
    fields = [from_item(items[key], CustomField) for key in wanted if key in items]
    # Of the two names of products, the one that was asked for goes first.
    return {field.key: field for field in reversed(fields)}


def _holder(call: Call, entity: FieldEntity, id_: str) -> tuple[Item, dict[str, str]]:
    item = field_holders.find(call.store, call.tenant, entity, id_)
    if item is None and entity is FieldEntity.INVOICE:
        item = _holder_of_draft(call, id_)
    if item is None:
        raise NotFound(entity.replace("_", " "), id_)
    return item, field_holders.values_by_id(item, entity).get(id_, {})


def _holder_of_draft(call: Call, invoice_id: str) -> Item | None:
    """Returns where a draft's fields are kept until it is final: with its contract.

    So the invoice cannot become final without them. One that consolidates others has none of its
    own.
    """
    # Invoices are made of things that have fields: only here is it the other way round.
    from backbeat.application import invoices

    draft = invoices.locate(call, invoice_id)
    if draft.type is InvoiceType.USAGE_CONSOLIDATED:
        return None
    return field_holders.of_draft(call.store, call.tenant, draft.contract_id)


def _take_off(call: Call, listed: Item, field: CustomField) -> None:
    """Takes the values of a key off everything in an item. Lists may lag behind, so reads it."""
    item = call.store.get(listed.key)
    if item is None:
        return
    work = UnitOfWork(call.store)
    after = {}
    for id_, before in field_holders.values_by_id(item, field.entity).items():
        _give_back(call, work, field, before, id_)
        after[id_] = {name: value for name, value in before.items() if name != field.key}
    work.add(*field_holders.change(call.tenant, item, field.entity, after))
    _look_again(call, work, field.entity, item)
    work.commit()


def _look_again(call: Call, work: UnitOfWork, entity: FieldEntity, item: Item) -> None:
    """Has the alerts and thresholds of a customer looked at, which may choose balances by fields.

    `item` is where the thing lies.
    """
    if entity in _CHOSEN_BY:
        looks.request(call, work, field_holders.customer_of(item))


def _take(call: Call, work: UnitOfWork, field: CustomField, value: str, id_: str) -> None:
    scope = keys.custom_field_values(field.entity, field.key)
    work.add(claims.take(call.tenant, scope, value, id_), otherwise=claims.taken(_TAKEN))


def _give_back(
    call: Call, work: UnitOfWork, field: CustomField, values: Mapping[str, str], id_: str
) -> None:
    """Frees a unique value that the thing has, for others to take."""
    value = values.get(field.key)
    if value is None or not field.enforce_uniqueness:
        return
    scope = keys.custom_field_values(field.entity, field.key)
    if claims.owner(call.store, call.tenant, scope, value) == id_:
        work.add(claims.release(call.tenant, scope, value))
