"""Credit types, billable metrics and products."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from backbeat.application.services import Call
from backbeat.models.catalog import Aggregation, BillableMetric, Product, ProductType
from backbeat.models.errors import InvalidArgument, NotBuilt, NotFound
from backbeat.models.money import CURRENCIES, CreditType
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, page_of, read, to_item, walk
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Absent, Add, Index, IndexKey, Item, Put, Query, Version

PRODUCT: Final = "PRODUCT"

_COUNTED: Final = (Aggregation.COUNT, Aggregation.SUM)


def credit_type(id_: str) -> CreditType:
    """Returns a credit type.

    Raises:
        InvalidArgument: there is none of that id.
    """
    for known in CURRENCIES:
        if known.id == id_:
            return known
    raise InvalidArgument(f"credit_type_id: unknown credit type {id_}")


# Billable metrics


def create_metric(call: Call, metric: BillableMetric) -> None:
    """Stores a new metric. It counts events received from now on.

    Raises:
        InvalidArgument: the aggregation key or a group key is not among the property filters.
        NotBuilt: the aggregation is not part of Backbeat yet.
    """
    _refuse_bad_keys(metric)
    if metric.aggregation_type not in _COUNTED:
        raise NotBuilt(f"aggregation_type: {metric.aggregation_type} is not built yet")
    work = UnitOfWork(call.store)
    work.add(Put(_metric_item(call, metric), Absent()), _new_metric_version(call))
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
    """Returns all the metrics that count usage, archived ones included.

    One strong read tells whether what this process remembers is still all there is.
    """
    version = call.store.get(keys.metric_version(call.tenant))
    number = 0 if version is None else int(version.numbers["changes"])
    return call.services.metrics.get(call.tenant, number, lambda: _load_metrics(call))


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
        _new_metric_version(call),
    )
    work.commit()


def _metric_item(call: Call, metric: BillableMetric, version: int = 1) -> Item:
    return to_item(
        keys.metric(call.tenant, metric.id),
        metric,
        version=version,
        gsi1=_in_list(call, "METRIC", metric.id, metric.created_at),
    )


def _new_metric_version(call: Call) -> Add:
    return Add(
        Item(
            keys.metric_version(call.tenant), "MetricVersion", b"", numbers={"changes": Decimal(1)}
        )
    )


# Products


def create_product(call: Call, product: Product) -> None:
    """Stores a new product.

    Raises:
        InvalidArgument: its metric is unknown, or its group keys are not one of the metric's.
        NotBuilt: the type is not part of Backbeat yet.
    """
    if product.type is not ProductType.USAGE:
        raise NotBuilt(f"type: {product.type} products are not built yet")
    _refuse_bad_group_keys(call, product)
    work = UnitOfWork(call.store)
    item = to_item(
        keys.entity(call.tenant, PRODUCT, product.id),
        product,
        gsi1=_in_list(call, PRODUCT, product.id, product.initial.created_at),
    )
    work.add(Put(item, Absent()))
    work.commit()


def get_product(call: Call, product_id: str) -> Product:
    """Returns a product, archived ones included.

    Raises:
        NotFound: no product has the id.
    """
    product = read(call.store, keys.entity(call.tenant, PRODUCT, product_id), Product)
    if product is None:
        raise NotFound("product", product_id)
    return product


def products_of_ids(call: Call, product_ids: Sequence[str]) -> list[Product]:
    """Returns the products, all of which exist, in the order asked for."""
    wanted = [keys.entity(call.tenant, PRODUCT, product_id) for product_id in product_ids]
    found = call.store.get_many(wanted)
    return [from_item(found[key], Product) for key in wanted]


def page_of_products(
    call: Call, *, limit: int, cursor: str | None
) -> tuple[list[Product], str | None]:
    """Returns a page of the products in order of creation, and the next page's cursor."""
    query = Query(
        keys.entities(call.tenant, PRODUCT, archived=False),
        index=Index.GSI1,
        limit=limit,
        cursor=cursor,
    )
    items, next_cursor = page_of(call.store, query, keep=lambda item: True)
    return [from_item(item, Product) for item in items], next_cursor


def _refuse_bad_group_keys(call: Call, product: Product) -> None:
    state = product.initial
    if state.billable_metric_id is None:
        raise InvalidArgument("billable_metric_id: required for a USAGE product")
    metric = read(call.store, keys.metric(call.tenant, state.billable_metric_id), BillableMetric)
    if metric is None:
        raise InvalidArgument(
            f"billable_metric_id: billable metric not found: {state.billable_metric_id}"
        )
    # Decision D-25: refused here rather than when the invoice cannot be computed.
    together = {*(state.pricing_group_key or ()), *(state.presentation_group_key or ())}
    if together and together not in [set(key) for key in metric.group_keys]:
        raise InvalidArgument(
            "pricing_group_key and presentation_group_key together must be one group key of the"
            f" billable metric; {sorted(together)} is none"
        )


def _in_list(call: Call, kind: str, id_: str, created_at: datetime) -> IndexKey:
    return IndexKey(keys.entities(call.tenant, kind, archived=False), keys.created(created_at, id_))
