"""Credit types, billable metrics and products."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple

from backbeat.application import custom_fields, sql_metrics
from backbeat.application.services import Call
from backbeat.domain import tracking
from backbeat.models.catalog import (
    Aggregation,
    BillableMetric,
    Product,
    ProductState,
    ProductType,
    ProductUpdate,
)
from backbeat.models.custom_fields import FieldEntity
from backbeat.models.errors import InvalidArgument, NotFound
from backbeat.models.money import CURRENCIES, CreditType
from backbeat.persistence import alerts, keys, metric_version
from backbeat.persistence.alerts import Extent
from backbeat.persistence.entities import from_item, page_of, read, to_item, walk
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Absent, Index, IndexKey, Item, Put, Query, Version

PRODUCT: Final = "PRODUCT"


_ONLY_FOR: Final = {
    ProductType.USAGE: {
        "billable_metric_id",
        "pricing_group_key",
        "presentation_group_key",
        "quantity_conversion",
        "quantity_rounding",
    },
    ProductType.COMPOSITE: {"composite_product_ids", "composite_tags", "composite_scope"},
}
"""Fields of a product that the other types cannot have."""


class ArchiveFilter(StrEnum):
    """Which things to list."""

    ARCHIVED = "ARCHIVED"
    NOT_ARCHIVED = "NOT_ARCHIVED"
    ALL = "ALL"

    def keeps(self, archived_at: datetime | None) -> bool:
        """Tells whether something archived at that time, or not, is meant."""
        return self is ArchiveFilter.ALL or (
            (archived_at is not None) is (self is ArchiveFilter.ARCHIVED)
        )


class Definitions(NamedTuple):
    """All the metrics that count usage, archived ones included, and whom alerts are about."""

    metrics: tuple[BillableMetric, ...]
    alerts: Extent


# Credit types


class CustomUnit(CreditType):
    """A custom pricing unit. An archived one stays what it is where it is used."""

    archived_at: datetime | None = None

    @property
    def plain(self) -> CreditType:
        """The unit as amounts name it."""
        return CreditType(id=self.id, name=self.name, is_currency=self.is_currency)


def create_credit_type(call: Call, name: str) -> CreditType:
    """Creates a custom pricing unit."""
    unit = CustomUnit(id=call.services.ids.new(), name=name, is_currency=False)
    work = UnitOfWork(call.store)
    work.add(Put(to_item(keys.credit_type(call.tenant, unit.id), unit), Absent()))
    work.commit()
    return unit.plain


def archive_credit_type(call: Call, id_: str) -> None:
    """Takes a custom pricing unit out of lists; nothing new can be in it.

    Raises:
        NotFound: there is no such unit; currencies are none.
        InvalidArgument: it is archived already.
    """
    item = call.store.get(keys.credit_type(call.tenant, id_))
    if item is None:
        raise NotFound("credit type", id_)
    unit = from_item(item, CustomUnit)
    if unit.archived_at is not None:
        raise InvalidArgument("id: the credit type is archived already")
    archived = unit.model_copy(update={"archived_at": call.now})
    work = UnitOfWork(call.store)
    work.add(Put(to_item(item.key, archived, version=item.version + 1), Version(item.version)))
    work.commit()


def credit_type(call: Call, id_: str) -> CreditType:
    """Returns a currency or a custom pricing unit.

    Raises:
        InvalidArgument: there is none of that id.
    """
    for known in CURRENCIES:
        if known.id == id_:
            return known
    unit = read(call.store, keys.credit_type(call.tenant, id_), CustomUnit)
    if unit is None or unit.archived_at is not None:
        raise InvalidArgument(f"credit_type_id: unknown credit type {id_}")
    return unit.plain


def credit_types(call: Call) -> list[CreditType]:
    """Returns the currencies and the custom pricing units by name, without archived ones."""
    items = walk(call.store, Query(keys.credit_types(call.tenant)))
    units = (from_item(item, CustomUnit) for item in items)
    known = [*CURRENCIES, *(unit.plain for unit in units if unit.archived_at is None)]
    return sorted(known, key=lambda credit_type: (credit_type.name, credit_type.id))


# Billable metrics


def create_metric(call: Call, metric: BillableMetric) -> None:
    """Stores a new metric. It counts events received from now on.

    A SQL metric sees all stored events.

    Raises:
        InvalidArgument: the aggregation key or a group key is not among the property filters, or
            the SQL query does not run.
    """
    if metric.sql is not None:
        metric = sql_metrics.with_group_keys(call, metric)
    else:
        _refuse_bad_keys(metric)
    if metric.is_tracked:
        beginning = tracking.place(call.services.clock.now(), 0)
        metric = metric.model_copy(update={"first_place": beginning})
    work = UnitOfWork(call.store)
    custom_fields.claim(call, work, FieldEntity.BILLABLE_METRIC, metric.id, metric.custom_fields)
    work.add(Put(_metric_item(call, metric), Absent()), metric_version.changed(call.tenant))
    work.commit()


def get_metric(call: Call, metric_id: str) -> BillableMetric:
    """Returns a metric, archived ones included.

    Raises:
        NotFound: no metric has the id.
    """
    return from_item(_stored_metric(call, metric_id), BillableMetric)


def rename_metric(call: Call, metric_id: str, name: str) -> None:
    """Changes a metric's name, the only thing that can change.

    Raises:
        NotFound: no metric has the id.
    """
    _replace_metric(call, _stored_metric(call, metric_id), {"name": name})


def archive_metric(call: Call, metric_id: str) -> None:
    """Takes a metric out of the lists. What uses it goes on metering (decision D-18).

    Raises:
        NotFound: no metric has the id.
        InvalidArgument: it is archived already.
    """
    item = _stored_metric(call, metric_id)
    if from_item(item, BillableMetric).archived_at is not None:
        raise InvalidArgument("id: the billable metric is already archived")
    _replace_metric(call, item, {"archived_at": call.now})


def page_of_metrics(
    call: Call, *, include_archived: bool, limit: int, cursor: str | None
) -> tuple[list[BillableMetric], str | None]:
    """Returns a page of the metrics in order of creation, and the next page's cursor."""
    query = Query(
        keys.entities(call.tenant, "METRIC", archived=False),
        index=Index.GSI1,
        limit=limit,
        cursor=cursor,
    )
    items, next_cursor = page_of(
        call.store,
        query,
        keep=lambda item: include_archived or from_item(item, BillableMetric).archived_at is None,
    )
    return [from_item(item, BillableMetric) for item in items], next_cursor


def metrics(call: Call) -> tuple[BillableMetric, ...]:
    """Returns all the metrics that count usage, archived ones included."""
    return what_counts(call).metrics


def what_counts(call: Call) -> Definitions:
    """Returns what usage is counted for.

    One strong read tells whether what this process remembers is still all there is.
    """
    version = call.store.get(keys.metric_version(call.tenant))
    number = 0 if version is None else int(version.numbers.get("changes", 0))
    found = call.services.metrics.get(call.tenant, number, lambda: _load_metrics(call))
    return Definitions(found, alerts.extent_of(version))


def _load_metrics(call: Call) -> tuple[BillableMetric, ...]:
    partition = keys.metric(call.tenant, "").pk
    return tuple(from_item(item, BillableMetric) for item in walk(call.store, Query(partition)))


def _refuse_bad_keys(metric: BillableMetric) -> None:
    filters = {condition.name: condition for condition in metric.property_filters}
    problems = []
    if metric.aggregation_type is not Aggregation.COUNT and metric.aggregation_key not in filters:
        problems.append("The specified aggregation key must be one of the property filter names.")
    for name in metric.cell_keys:
        condition = filters.get(name)
        if condition is None or not (condition.exists or condition.in_values):
            problems.append(f"Group key '{name}' does not match one of the property filter names.")
    if problems:
        raise InvalidArgument(" ".join(problems))


def _stored_metric(call: Call, metric_id: str) -> Item:
    item = call.store.get(keys.metric(call.tenant, metric_id))
    if item is None:
        raise NotFound("billable metric", metric_id)
    return item


def _replace_metric(call: Call, item: Item, changes: dict[str, object]) -> None:
    metric = from_item(item, BillableMetric).model_copy(update=changes)
    work = UnitOfWork(call.store)
    work.add(
        Put(_metric_item(call, metric, item.version + 1), Version(item.version)),
        metric_version.changed(call.tenant),
    )
    work.commit()


def _metric_item(call: Call, metric: BillableMetric, version: int = 1) -> Item:
    return to_item(
        keys.metric(call.tenant, metric.id),
        metric,
        version=version,
        gsi1=_in_list(call, "METRIC", metric.id, metric.created_at),
    )


# Products


def create_product(call: Call, product: Product) -> None:
    """Stores a new product.

    Raises:
        InvalidArgument: its metric or a product it is composed of is unknown, its group keys are
            not one of the metric's, or it has what only other types have.
    """
    _refuse_bad_state(call, product.type, product.initial, given=product.initial.model_fields_set)
    work = UnitOfWork(call.store)
    custom_fields.claim(call, work, FieldEntity.PRODUCT, product.id, product.custom_fields)
    work.add(Put(_product_item(call, product), Absent()))
    work.commit()


def update_product(call: Call, product_id: str, update: ProductUpdate) -> None:
    """Changes a product from an instant on, which may be past: drafts follow, final invoices stay.

    Raises:
        NotFound: no product has the id.
        InvalidArgument: it is archived, or could not have been created like that.
    """
    item = _stored_product(call, product_id)
    before = from_item(item, Product)
    if before.archived_at is not None:
        raise InvalidArgument("product_id: the product is archived")
    product = before.model_copy(update={"updates": (*before.updates, update)})
    _refuse_bad_state(
        call, product.type, product.state_at(update.starting_at), given=update.changes
    )
    _replace_product(call, item, product)


def archive_product(call: Call, product_id: str) -> None:
    """Archives a product. Its rates go on holding; nothing new can be made of it.

    Raises:
        NotFound: no product has the id.
        InvalidArgument: it is archived already.
    """
    item = _stored_product(call, product_id)
    product = from_item(item, Product)
    if product.archived_at is not None:
        raise InvalidArgument("product_id: the product is already archived")
    _replace_product(call, item, product.model_copy(update={"archived_at": call.now}))


def get_product(call: Call, product_id: str) -> Product:
    """Returns a product, archived ones included.

    Raises:
        NotFound: no product has the id.
    """
    return from_item(_stored_product(call, product_id), Product)


def products_of_ids(call: Call, product_ids: Sequence[str]) -> list[Product]:
    """Returns the products, all of which exist, in the order asked for."""
    wanted = [keys.entity(call.tenant, PRODUCT, product_id) for product_id in product_ids]
    found = call.store.get_many(wanted)
    return [from_item(found[key], Product) for key in wanted]


def known_products(call: Call, product_ids: Sequence[str]) -> dict[str, Product]:
    """Returns those of the products that exist, by id."""
    wanted = [keys.entity(call.tenant, PRODUCT, product_id) for product_id in product_ids]
    found = [from_item(item, Product) for item in call.store.get_many(wanted).values()]
    return {product.id: product for product in found}


def tags_of_products(call: Call) -> dict[str, tuple[str, ...]]:
    """Returns the tags that each product carries now, by product id, without archived ones."""
    query = Query(keys.entities(call.tenant, PRODUCT, archived=False), index=Index.GSI1)
    products = (from_item(item, Product) for item in walk(call.store, query))
    return {one.id: one.state_at(call.now).tags for one in products if one.archived_at is None}


def page_of_products(
    call: Call, *, archive_filter: ArchiveFilter, limit: int, cursor: str | None
) -> tuple[list[Product], str | None]:
    """Returns a page of the products in order of creation, and the next page's cursor."""
    query = Query(
        keys.entities(call.tenant, PRODUCT, archived=False),
        index=Index.GSI1,
        limit=limit,
        cursor=cursor,
    )
    items, next_cursor = page_of(
        call.store,
        query,
        keep=lambda item: archive_filter.keeps(from_item(item, Product).archived_at),
    )
    return [from_item(item, Product) for item in items], next_cursor


def _refuse_bad_state(
    call: Call, type_: ProductType, state: ProductState, *, given: Iterable[str]
) -> None:
    """Checks a definition. `given` are the fields that a request set, wherever the rest is from."""
    for only, names in _ONLY_FOR.items():
        for name in sorted(names & set(given)):
            if only is not type_ and getattr(state, name):
                raise InvalidArgument(f"{name}: only for {only} products")
    if type_ is ProductType.USAGE:
        _refuse_bad_group_keys(call, state)
    if type_ is ProductType.COMPOSITE:
        _refuse_bad_composition(call, state)


def _refuse_bad_group_keys(call: Call, state: ProductState) -> None:
    if state.billable_metric_id is None:
        raise InvalidArgument("billable_metric_id: required for a USAGE product")
    metric = read(call.store, keys.metric(call.tenant, state.billable_metric_id), BillableMetric)
    if metric is None:
        raise InvalidArgument(
            f"billable_metric_id: billable metric not found: {state.billable_metric_id}"
        )
    # Decision D-25: refused here rather than when the invoice cannot be computed.
    together = {*state.group_keys}
    if together and together not in [set(key) for key in metric.group_keys]:
        raise InvalidArgument(
            "pricing_group_key and presentation_group_key together must be one group key of the"
            f" billable metric; {sorted(together)} is none"
        )


def _refuse_bad_composition(call: Call, state: ProductState) -> None:
    if not state.composite_product_ids and not state.composite_tags:
        raise InvalidArgument(
            "composite_product_ids or composite_tags: required for a COMPOSITE product"
        )
    ids = state.composite_product_ids or ()
    unknown = set(ids) - known_products(call, ids).keys()
    if unknown:
        raise InvalidArgument(f"composite_product_ids: product not found: {min(unknown)}")


def _stored_product(call: Call, product_id: str) -> Item:
    item = call.store.get(keys.entity(call.tenant, PRODUCT, product_id))
    if item is None:
        raise NotFound("product", product_id)
    return item


def _replace_product(call: Call, item: Item, product: Product) -> None:
    work = UnitOfWork(call.store)
    work.add(Put(_product_item(call, product, item.version + 1), Version(item.version)))
    work.commit()


def _product_item(call: Call, product: Product, version: int = 1) -> Item:
    return to_item(
        keys.entity(call.tenant, PRODUCT, product.id),
        product,
        version=version,
        gsi1=_in_list(call, PRODUCT, product.id, product.initial.created_at),
    )


def _in_list(call: Call, kind: str, id_: str, created_at: datetime) -> IndexKey:
    return IndexKey(keys.entities(call.tenant, kind, archived=False), keys.created(created_at, id_))
