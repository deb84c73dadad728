"""Billable metrics, products, rate cards and credit types."""

from backbeat import bootstrap
from backbeat.api import pagination
from backbeat.api.replies import Reply, empty, ok, page
from backbeat.api.requests import Request
from backbeat.api.resolver import Api
from backbeat.api.schemas.catalog import (
    CreateBillableMetric,
    CreateCreditType,
    ListBillableMetrics,
    ListCustomerMetrics,
    Page,
    RenameBillableMetric,
)
from backbeat.api.schemas.customers import ById
from backbeat.api.schemas.named_schedules import GetRateCardSchedule, UpdateRateCardSchedule
from backbeat.api.schemas.older_metrics import CreateOlderMetric
from backbeat.api.schemas.products import (
    ArchiveProduct,
    CreateProduct,
    ListProducts,
    UpdateProduct,
)
from backbeat.api.schemas.rates import (
    AddRate,
    AddRates,
    CreateRateCard,
    GetRates,
    GetRateSchedule,
    ListRateCards,
    MoveProducts,
    SetProductOrder,
    UpdateRateCard,
)
from backbeat.api.views.catalog import (
    added_rate_view,
    metric_view,
    priced_product_view,
    product_view,
    rate_card_view,
)
from backbeat.api.views.named_schedules import segment_view
from backbeat.api.views.older_metrics import customer_metric_view
from backbeat.api.views.times import timestamp
from backbeat.application import (
    catalog,
    customers,
    named_schedules,
    rate_card_aliases,
    rate_cards,
    rates,
)
from backbeat.application.named_schedules import Owner, OwnerKind
from backbeat.application.rates import PricedProduct

api = Api("catalog", bootstrap.services)


@api.operation("listCreditTypes-v1")
def list_credit_types(request: Request, query: Page) -> Reply:
    """Lists the currencies and the custom pricing units by name."""
    parameters = {"list": "credit types"}
    shown, cursor = pagination.slice_after(
        catalog.credit_types(request.call),
        position=lambda credit_type: f"{credit_type.name}\0{credit_type.id}",
        limit=query.limit,
        cursor=pagination.decode(query.next_page, parameters),
    )
    views = [credit_type.model_dump() for credit_type in shown]
    return page(views, pagination.encode(cursor, parameters))


@api.operation("createCreditType-v1")
def create_credit_type(request: Request, body: CreateCreditType) -> Reply:
    """Creates a custom pricing unit."""
    return ok({"id": catalog.create_credit_type(request.call, body.name).id})


@api.operation("archiveCreditType-v1")
def archive_credit_type(request: Request, body: ById) -> Reply:
    """Takes a custom pricing unit out of lists."""
    catalog.archive_credit_type(request.call, body.id)
    return ok({"id": body.id})


@api.operation("createBillableMetricV1-v1")
def create_billable_metric(request: Request, body: CreateBillableMetric) -> Reply:
    """Creates a billable metric."""
    metric = body.to_metric(request.call.services.ids.new(), request.call.now)
    catalog.create_metric(request.call, metric)
    return ok({"id": metric.id})


@api.operation("getBillableMetric-v1", brief=True)
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


@api.operation("createBillableMetric-v1")
def create_older_metric(request: Request, body: CreateOlderMetric) -> Reply:
    """Creates a billable metric from a JSON Schema of the events it counts."""
    metric = body.to_metric(request.call.services.ids.new(), request.call.now)
    catalog.create_metric(request.call, metric)
    return ok({"id": metric.id})


@api.operation("listBillableMetrics-v1")
def list_customer_metrics(request: Request, query: ListCustomerMetrics) -> Reply:
    """Lists the billable metrics a customer can have, which are all of them."""
    customers.get(request.call, request.path["customer_id"])
    parameters = query.model_dump(include={"include_archived", "on_current_plan"})
    listed, cursor = catalog.page_of_metrics(
        request.call,
        include_archived=query.include_archived,
        limit=query.limit,
        cursor=pagination.decode(query.next_page, parameters),
    )
    views = [customer_metric_view(metric) for metric in listed]
    return page(views, pagination.encode(cursor, parameters))


@api.operation("createProduct-v1")
def create_product(request: Request, body: CreateProduct) -> Reply:
    """Creates a product."""
    product = body.to_product(request.call.services.ids.new(), request.call.now)
    catalog.create_product(request.call, product)
    return ok({"id": product.id})


@api.operation("getProduct-v1", brief=True)
def get_product(request: Request, body: ById) -> Reply:
    """Returns a product."""
    return ok(product_view(catalog.get_product(request.call, body.id), request.call.now))


@api.operation("updateProduct-v1")
def update_product(request: Request, body: UpdateProduct) -> Reply:
    """Changes a product from an instant on."""
    catalog.update_product(request.call, body.product_id, body.to_update(request.call.now))
    return ok({"id": body.product_id})


@api.operation("archiveProductListItem-v1")
def archive_product(request: Request, body: ArchiveProduct) -> Reply:
    """Archives a product."""
    catalog.archive_product(request.call, body.product_id)
    return ok({"id": body.product_id})


@api.operation("listProducts-v1")
def list_products(request: Request, query: Page, body: ListProducts) -> Reply:
    """Lists products in order of creation."""
    parameters = body.model_dump()
    listed, cursor = catalog.page_of_products(
        request.call,
        archive_filter=body.archive_filter,
        limit=query.limit,
        cursor=pagination.decode(query.next_page, parameters),
    )
    views = [product_view(product, request.call.now) for product in listed]
    return page(views, pagination.encode(cursor, parameters))


@api.operation("createRateCard-v1")
def create_rate_card(request: Request, body: CreateRateCard) -> Reply:
    """Creates a rate card without rates."""
    return ok({"id": rate_cards.create(request.call, body.to_card()).id})


@api.operation("getRateCard-v1")
def get_rate_card(request: Request, body: ById) -> Reply:
    """Returns a rate card, archived ones included."""
    card = rate_cards.get(request.call, body.id)
    return ok(rate_card_view(card, rate_card_aliases.of_cards(request.call, [card])[card.id]))


@api.operation("listRateCards-v1")
def list_rate_cards(request: Request, query: Page, body: ListRateCards) -> Reply:
    """Lists rate cards in order of creation."""
    listed, cursor = rate_cards.page(
        request.call, limit=query.limit, cursor=pagination.decode(query.next_page, {})
    )
    aliases = rate_card_aliases.of_cards(request.call, listed)
    views = [rate_card_view(card, aliases[card.id]) for card in listed]
    return page(views, pagination.encode(cursor, {}))


@api.operation("updateRateCard-v1")
def update_rate_card(request: Request, body: UpdateRateCard) -> Reply:
    """Changes the name, description or aliases of a rate card."""
    rate_cards.update(
        request.call,
        body.rate_card_id,
        name=body.name,
        description=body.description,
        aliases=None if body.aliases is None else [alias.to_alias() for alias in body.aliases],
    )
    return ok({"id": body.rate_card_id})


@api.operation("archiveRateCard-v1")
def archive_rate_card(request: Request, body: ById) -> Reply:
    """Archives a rate card."""
    rate_cards.archive(request.call, body.id)
    return ok({"id": body.id})


@api.operation("setRateCardProductsOrder-v1")
def set_product_order(request: Request, body: SetProductOrder) -> Reply:
    """Sets the order in which invoices list a card's products."""
    rate_cards.set_product_order(request.call, body.rate_card_id, body.product_order)
    return ok({"id": body.rate_card_id})


@api.operation("moveRateCardProducts-v1")
def move_products(request: Request, body: MoveProducts) -> Reply:
    """Moves products in the order in which invoices list them."""
    moves = [(move.product_id, int(move.position)) for move in body.product_moves]
    rate_cards.move_products(request.call, body.rate_card_id, moves)
    return ok({"id": body.rate_card_id})


@api.operation("addRate-v1")
def add_rate(request: Request, body: AddRate) -> Reply:
    """Adds one rate to a card."""
    return ok(added_rate_view(rates.add(request.call, body.rate_card_id, body.to_rate())))


@api.operation("addRates-v1")
def add_rates(request: Request, body: AddRates) -> Reply:
    """Adds several rates to a card, all or none."""
    wanted = [rate.to_rate() for rate in body.rates]
    rates.add_all(request.call, body.rate_card_id, wanted)
    return ok({"id": body.rate_card_id})


@api.operation("getRates-v1")
def get_rates(request: Request, query: Page, body: GetRates) -> Reply:
    """Lists the rates in force at an instant."""
    parameters = body.model_dump()
    found = rates.in_force(
        request.call,
        body.rate_card_id,
        at=body.at,
        selectors=[selector.to_selector() for selector in body.selectors],
    )
    shown, cursor = pagination.slice_after(
        found,
        position=_place,
        limit=query.limit,
        cursor=pagination.decode(query.next_page, parameters),
    )
    views = [priced_product_view(entry, body.at) for entry in shown]
    return page(views, pagination.encode(cursor, parameters))


@api.operation("getRateSchedule-v1")
def get_rate_schedule(request: Request, query: Page, body: GetRateSchedule) -> Reply:
    """Lists which rates hold from when to when."""
    parameters = body.model_dump()
    found = rates.schedule(
        request.call,
        body.rate_card_id,
        starting_at=body.starting_at,
        ending_before=body.ending_before,
        selectors=[selector.to_selector() for selector in body.selectors],
    )
    shown, cursor = pagination.slice_after(
        found,
        position=_place,
        limit=query.limit,
        cursor=pagination.decode(query.next_page, parameters),
    )
    views = [priced_product_view(entry, request.call.now) for entry in shown]
    return page(views, pagination.encode(cursor, parameters))


@api.operation("getRateCardNamedSchedule-v1")
def get_named_schedule(request: Request, body: GetRateCardSchedule) -> Reply:
    """Returns the values of a rate card's named schedule."""
    card = rate_cards.get(request.call, body.rate_card_id)
    found = named_schedules.segments(
        request.call,
        Owner(OwnerKind.RATE_CARD, card.id),
        body.schedule_name,
        covering=body.covering_date,
    )
    return ok([segment_view(segment) for segment in found])


@api.operation("updateRateCardNamedSchedule-v1")
def update_named_schedule(request: Request, body: UpdateRateCardSchedule) -> Reply:
    """Sets a value in a rate card's named schedule."""
    card = rate_cards.get(request.call, body.rate_card_id)
    owner = Owner(OwnerKind.RATE_CARD, card.id)
    named_schedules.update(request.call, owner, body.schedule_name, body.to_segment())
    return empty()


def _place(entry: PricedProduct) -> str:
    """Returns an entry's place: rates in the order they were added, each by time."""
    return f"{entry.rate.sequence:012}#{timestamp(entry.starting_at)}"


handler = api.handler
