"""Billable metrics, products, rate cards and credit types."""

from backbeat import bootstrap
from backbeat.api import pagination
from backbeat.api.replies import Reply, ok, page
from backbeat.api.requests import Request
from backbeat.api.resolver import Api
from backbeat.api.schemas.catalog import (
    AddRate,
    AddRates,
    CreateBillableMetric,
    CreateProduct,
    CreateRateCard,
    GetRates,
    ListBillableMetrics,
    ListProducts,
    ListRateCards,
    Page,
    RenameBillableMetric,
)
from backbeat.api.schemas.customers import ById
from backbeat.api.views.catalog import (
    dated_rate_view,
    metric_view,
    product_view,
    rate_card_view,
    rate_view,
)
from backbeat.application import catalog, rate_cards
from backbeat.models.errors import NotBuilt
from backbeat.models.money import CURRENCIES, USD

api = Api("catalog", bootstrap.services)


@api.operation("listCreditTypes-v1")
def list_credit_types(request: Request, query: Page) -> Reply:
    """Lists the currencies."""
    parameters = {"list": "credit types"}
    shown, cursor = pagination.slice_after(
        sorted(CURRENCIES, key=lambda credit_type: credit_type.name),
        position=lambda credit_type: credit_type.name,
        limit=query.limit,
        cursor=pagination.decode(query.next_page, parameters),
    )
    views = [credit_type.model_dump() for credit_type in shown]
    return page(views, pagination.encode(cursor, parameters))


@api.operation("createBillableMetricV1-v1")
def create_billable_metric(request: Request, body: CreateBillableMetric) -> Reply:
    """Creates a billable metric."""
    metric = body.to_metric(request.call.services.ids.new(), request.call.now)
    catalog.create_metric(request.call, metric)
    return ok({"id": metric.id})


@api.operation("getBillableMetric-v1")
def get_billable_metric(request: Request) -> Reply:
    """Returns a billable metric, archived ones included."""
    return ok(metric_view(catalog.get_metric(request.call, request.path["billable_metric_id"])))


@api.operation("updateBillableMetric-v1")
def update_billable_metric(request: Request, body: RenameBillableMetric) -> Reply:
    """Renames a billable metric."""
    metric_id = request.path["billable_metric_id"]
    catalog.rename_metric(request.call, metric_id, body.name)
    return ok({"id": metric_id})


@api.operation("archiveBillableMetric-v1")
def archive_billable_metric(request: Request, body: ById) -> Reply:
    """Takes a billable metric out of the lists."""
    catalog.archive_metric(request.call, body.id)
    return ok({"id": body.id})


@api.operation("listAllBillableMetrics-v1")
def list_billable_metrics(request: Request, query: ListBillableMetrics) -> Reply:
    """Lists billable metrics in order of creation."""
    parameters = query.model_dump(include={"include_archived"})
    listed, cursor = catalog.page_of_metrics(
        request.call,
        include_archived=query.include_archived,
        limit=query.limit,
        cursor=pagination.decode(query.next_page, parameters),
    )
    views = [metric_view(metric) for metric in listed]
    return page(views, pagination.encode(cursor, parameters))


@api.operation("createProduct-v1")
def create_product(request: Request, body: CreateProduct) -> Reply:
    """Creates a product."""
    product = body.to_product(request.call.services.ids.new(), request.call.now)
    catalog.create_product(request.call, product)
    return ok({"id": product.id})


@api.operation("getProduct-v1")
def get_product(request: Request, body: ById) -> Reply:
    """Returns a product."""
    return ok(product_view(catalog.get_product(request.call, body.id)))


@api.operation("listProducts-v1")
def list_products(request: Request, query: Page, body: ListProducts) -> Reply:
    """Lists products in order of creation."""
    parameters = body.model_dump()
    if body.archive_filter == "ARCHIVED":
        return page([], None)
    listed, cursor = catalog.page_of_products(
        request.call,
        limit=query.limit,
        cursor=pagination.decode(query.next_page, parameters),
    )
    views = [product_view(product) for product in listed]
    return page(views, pagination.encode(cursor, parameters))


@api.operation("createRateCard-v1")
def create_rate_card(request: Request, body: CreateRateCard) -> Reply:
    """Creates an empty rate card."""
    if body.credit_type_conversions or body.aliases:
        raise NotBuilt("credit_type_conversions and aliases are not built yet")
    fiat = body.fiat_credit_type_id
    card = rate_cards.create(
        request.call,
        name=body.name,
        description=body.description,
        fiat_credit_type=USD if fiat is None else catalog.credit_type(fiat),
        custom_fields=body.custom_fields,
    )
    return ok({"id": card.id})


@api.operation("getRateCard-v1")
def get_rate_card(request: Request, body: ById) -> Reply:
    """Returns a rate card."""
    return ok(rate_card_view(rate_cards.get(request.call, body.id)))


@api.operation("listRateCards-v1")
def list_rate_cards(request: Request, query: Page, body: ListRateCards) -> Reply:
    """Lists rate cards in order of creation."""
    listed, cursor = rate_cards.page(
        request.call, limit=query.limit, cursor=pagination.decode(query.next_page, {})
    )
    views = [rate_card_view(card) for card in listed]
    return page(views, pagination.encode(cursor, {}))


@api.operation("addRate-v1")
def add_rate(request: Request, body: AddRate) -> Reply:
    """Adds one rate to a card."""
    [rate] = rate_cards.add_rates(request.call, body.rate_card_id, [body.to_rate()])
    return ok(rate_view(rate))


@api.operation("addRates-v1")
def add_rates(request: Request, body: AddRates) -> Reply:
    """Adds several rates to a card, all or none."""
    wanted = [rate.to_rate() for rate in body.rates]
    rate_cards.add_rates(request.call, body.rate_card_id, wanted)
    return ok({"id": body.rate_card_id})


@api.operation("getRates-v1")
def get_rates(request: Request, query: Page, body: GetRates) -> Reply:
    """Lists the rates in force at an instant."""
    parameters = body.model_dump()
    found = rate_cards.in_force(
        request.call, body.rate_card_id, at=body.at, selectors=body.to_selectors()
    )
    shown, cursor = pagination.slice_after(
        found,
        position=lambda entry: f"{entry.rate.sequence:012}",
        limit=query.limit,
        cursor=pagination.decode(query.next_page, parameters),
    )
    views = [dated_rate_view(entry.rate, entry.product) for entry in shown]
    return page(views, pagination.encode(cursor, parameters))


handler = api.handler
