"""Billable metrics, products, rate cards and credit types: what works, and what is refused."""

from collections.abc import Callable
from typing import Final

from tests.contract.replies.cases import (
    INVALID,
    NO_CUSTOMER,
    UNKNOWN,
    Refusal,
    Success,
    posted,
    raw,
)
from tests.contract.replies.world import END, JSON, START, USD, World, schedule


def rate_of(world: World, **changes: object) -> JSON:
    return {
        "rate_card_id": world.rate_card,
        "product_id": world.product,
        "starting_at": "2025-03-01T00:00:00Z",
        "entitled": True,
        "rate_type": "FLAT",
        "price": 1,
        **changes,
    }


def dimensions(world: World, **changes: object) -> JSON:
    """Returns a rate of a product with a pricing key, as requests name it."""
    priced = {"product_id": world.grouped_product, "pricing_group_values": {"model": "c"}}
    return rate_of(world, **priced, **changes)


def new_product(world: World, **fields: object) -> str:
    return world.make("createProduct-v1", **{"name": "Fresh", "type": "FIXED", **fields})


def updated_product(world: World) -> str:
    """Returns a product with a change in force and one to come."""
    product_id = new_product(
        world,
        type="USAGE",
        billable_metric_id=world.sum_metric,
        quantity_conversion={"conversion_factor": 1000, "operation": "DIVIDE", "name": "thousands"},
        quantity_rounding={"rounding_method": "ROUND_UP", "decimal_places": 2},
    )
    change = {"product_id": product_id, "starting_at": "2025-03-01T00:00:00Z"}
    world.call("updateProduct-v1", body={**change, "name": "Later", "tags": ["a"]})
    change = {"product_id": product_id, "starting_at": "2025-04-01T00:00:00Z"}
    world.call("updateProduct-v1", body={**change, "quantity_rounding": None})
    return product_id


def new_card(world: World, **fields: object) -> str:
    return world.make("createRateCard-v1", **{"name": "Fresh", **fields})


def archived_card(world: World) -> str:
    card_id = new_card(world)
    world.call("archiveRateCard-v1", body={"id": card_id})
    return card_id


def card_of_two(world: World) -> JSON:
    """Returns a new rate card with two products, and these."""
    card_id, products = new_card(world), [new_product(world, type="SUBSCRIPTION") for _ in "ab"]
    rates = [
        rate_of(world, product_id=product_id, billing_frequency="MONTHLY")
        for product_id in products
    ]
    world.call("addRates-v1", body={"rate_card_id": card_id, "rates": rates})
    return {"rate_card_id": card_id, "product_order": products}


def moved(world: World, position: int) -> object:
    made = card_of_two(world)
    return world.sdk.v1.contracts.rate_cards.product_orders.update(
        rate_card_id=made["rate_card_id"],
        product_moves=[{"product_id": made["product_order"][1], "position": position}],
    )


def varied_card(world: World) -> str:
    """Returns a rate card with a rate of each type."""
    card_id = new_card(world)
    share = {"type": "COMPOSITE", "composite_product_ids": [world.product]}
    rates = [
        rate_of(world, commit_rate=TIERS),
        dimensions(world, **TIERS),
        rate_of(world, product_id=new_product(world, **share), rate_type="PERCENTAGE", price=0.1,
                minimum_config={"minimum": 5}),
        rate_of(world, product_id=new_product(world, type="SUBSCRIPTION"),
                rate_type="SUBSCRIPTION", quantity=2, is_prorated=True),
        rate_of(world, product_id=world.seat_product, billing_frequency="ANNUAL"),
    ]  # fmt: skip
    world.call("addRates-v1", body={"rate_card_id": card_id, "rates": rates})
    return card_id


TIERS: Final[JSON] = {
    "rate_type": "TIERED",
    "price": None,
    "tiers": [{"size": 10, "price": 0.5}, {"price": 0.25}],
}
SQL: Final = "SELECT COUNT(*) AS value FROM events"
PRODUCTS: Final[dict[str, Callable[[World], str]]] = {
    "fixed": lambda w: w.fixed_product,
    "subscription": lambda w: w.seat_product,
    "professional service": lambda w: w.service_product,
    "composite": lambda w: new_product(w, type="COMPOSITE", composite_tags=["a"]),
    "changed": updated_product,
    "archived": lambda w: archived_product(w),
}


def archived_product(world: World) -> str:
    product_id = new_product(world)
    world.call("archiveProductListItem-v1", body={"product_id": product_id})
    return product_id


SUCCESSES: Final[list[Success]] = [
    Success(
        "createBillableMetricV1-v1",
        "count",
        lambda w: w.sdk.v1.billable_metrics.create(name="Calls", aggregation_type="COUNT"),
    ),
    Success(
        "getBillableMetric-v1",
        "count",
        lambda w: w.sdk.v1.billable_metrics.retrieve(billable_metric_id=w.count_metric),
    ),
    Success(
        "getBillableMetric-v1",
        "sum with filters and groups",
        lambda w: w.sdk.v1.billable_metrics.retrieve(billable_metric_id=w.sum_metric),
    ),
    Success(
        "getBillableMetric-v1",
        "archived",
        lambda w: w.sdk.v1.billable_metrics.retrieve(billable_metric_id=w.archived_metric),
    ),
    Success(
        "updateBillableMetric-v1",
        "name",
        lambda w: w.sdk.v1.billable_metrics.update(
            billable_metric_id=w.archived_metric, name="Older"
        ),
    ),
    Success(
        "archiveBillableMetric-v1",
        "fresh",
        lambda w: w.sdk.v1.billable_metrics.archive(
            id=w.sdk.v1.billable_metrics.create(name="Brief", aggregation_type="COUNT").data.id
        ),
    ),
    Success("listAllBillableMetrics-v1", "active", lambda w: w.sdk.v1.billable_metrics.list()),
    Success(
        "listAllBillableMetrics-v1",
        "all of them",
        lambda w: w.sdk.v1.billable_metrics.list(include_archived=True, limit=2),
    ),
    Success("listCreditTypes-v1", "all", lambda w: w.sdk.v1.pricing_units.list()),
    Success("listCreditTypes-v1", "page", lambda w: w.sdk.v1.pricing_units.list(limit=3)),
    Success(
        "createProduct-v1",
        "usage",
        lambda w: w.sdk.v1.contracts.products.create(
            name="Calls", type="USAGE", billable_metric_id=w.count_metric
        ),
    ),
    Success(
        "getProduct-v1",
        "plain",
        lambda w: w.sdk.v1.contracts.products.retrieve(id=w.product),
    ),
    Success(
        "getProduct-v1",
        "with keys and tags",
        lambda w: w.sdk.v1.contracts.products.retrieve(id=w.grouped_product),
    ),
    Success("listProducts-v1", "all", lambda w: w.sdk.v1.contracts.products.list()),
    Success(
        "listProducts-v1",
        "archived",
        lambda w: w.sdk.v1.contracts.products.list(archive_filter="ARCHIVED"),
    ),
    Success(
        "createRateCard-v1",
        "plain",
        lambda w: w.sdk.v1.contracts.rate_cards.create(name="Other prices"),
    ),
    Success(
        "getRateCard-v1",
        "existing",
        lambda w: w.sdk.v1.contracts.rate_cards.retrieve(id=w.rate_card),
    ),
    Success("listRateCards-v1", "all", lambda w: w.sdk.v1.contracts.rate_cards.list(body={})),
    Success(
        "addRate-v1",
        "flat",
        lambda w: w.sdk.v1.contracts.rate_cards.rates.add(
            rate_card_id=w.rate_card,
            product_id=w.product,
            starting_at="2026-01-01T00:00:00Z",
            entitled=True,
            rate_type="FLAT",
            price=3,
        ),
    ),
    Success(
        "addRate-v1",
        "dimensional",
        lambda w: w.sdk.v1.contracts.rate_cards.rates.add(
            rate_card_id=w.rate_card,
            product_id=w.grouped_product,
            starting_at="2026-01-01T00:00:00Z",
            ending_before="2026-02-01T00:00:00Z",
            entitled=True,
            rate_type="FLAT",
            price=0.0025,
            pricing_group_values={"model": "a"},
        ),
    ),
    Success(
        "addRates-v1",
        "two",
        lambda w: w.sdk.v1.contracts.rate_cards.rates.add_many(
            rate_card_id=w.rate_card,
            rates=[
                {
                    "product_id": w.product,
                    "starting_at": f"2027-0{month}-01T00:00:00Z",
                    "entitled": True,
                    "rate_type": "FLAT",
                    "price": month,
                }
                for month in (1, 2)
            ],
        ),
    ),
    Success(
        "getRates-v1",
        "all in force",
        lambda w: w.sdk.v1.contracts.rate_cards.rates.list(
            rate_card_id=w.rate_card, at="2025-03-01T00:00:00Z"
        ),
    ),
    Success(
        "getRates-v1",
        "selected",
        lambda w: w.sdk.v1.contracts.rate_cards.rates.list(
            rate_card_id=w.rate_card,
            at="2025-03-01T00:00:00Z",
            selectors=[{"product_id": w.grouped_product}],
            limit=1,
        ),
    ),
    Success(
        "createBillableMetricV1-v1",
        "with everything",
        lambda w: w.sdk.v1.billable_metrics.create(
            name="Tokens",
            aggregation_type="SUM",
            aggregation_key="tokens",
            event_type_filter={"in_values": ["completion"]},
            property_filters=[{"name": name, "exists": True} for name in ("tokens", "model")],
            group_keys=[["model"]],
            custom_fields={"unit": "token"},
        ),
    ),
    Success(
        "createBillableMetricV1-v1",
        "SQL",
        lambda w: w.sdk.v1.billable_metrics.create(name="SQL", sql=SQL),
    ),
    Success(
        "getBillableMetric-v1",
        "SQL",
        lambda w: w.sdk.v1.billable_metrics.retrieve(
            billable_metric_id=w.make("createBillableMetricV1-v1", name="SQL", sql=SQL)
        ),
    ),
    Success(
        "createBillableMetric-v1",
        "by a JSON Schema",
        raw(
            "createBillableMetric-v1",
            body={
                "name": "Older",
                "aggregate": "sum",
                "aggregate_key": "tokens",
                "group_keys": ["model"],
                "filter": {
                    "type": "object",
                    "properties": {
                        "event_type": {"const": "completion"},
                        "properties": {"type": "object", "required": ["tokens"]},
                    },
                },
            },
        ),
    ),
    Success(
        "listBillableMetrics-v1",
        "active",
        lambda w: w.sdk.v1.customers.list_billable_metrics(customer_id=w.customer),
    ),
    Success(
        "listBillableMetrics-v1",
        "all of them",
        lambda w: w.sdk.v1.customers.list_billable_metrics(
            customer_id=w.customer, include_archived=True, on_current_plan=True, limit=2
        ),
    ),
    Success(
        "createProduct-v1",
        "usage with everything",
        lambda w: w.sdk.v1.contracts.products.create(
            name="Tokens",
            type="USAGE",
            billable_metric_id=w.sum_metric,
            pricing_group_key=["model"],
            presentation_group_key=["region"],
            quantity_conversion={"conversion_factor": 1000, "operation": "DIVIDE"},
            quantity_rounding={"rounding_method": "ROUND_HALF_UP", "decimal_places": 0},
            tags=["llm"],
            is_refundable=False,
            netsuite_internal_item_id="n1",
            netsuite_overage_item_id="n2",
            custom_fields={"sku": "8"},
        ),
    ),
    Success(
        "createProduct-v1",
        "composite",
        lambda w: w.sdk.v1.contracts.products.create(
            name="Support",
            type="COMPOSITE",
            composite_product_ids=[w.product],
            composite_tags=["a"],
        ),
    ),
    *(
        Success(
            "getProduct-v1",
            type_,
            lambda w, of=of: w.sdk.v1.contracts.products.retrieve(id=of(w)),  # type: ignore[misc]
        )
        for type_, of in PRODUCTS.items()
    ),
    Success(
        "updateProduct-v1",
        "name",
        lambda w: w.sdk.v1.contracts.products.update(
            product_id=new_product(w), starting_at="2025-03-01T00:00:00Z", name="Other"
        ),
    ),
    Success(
        "archiveProductListItem-v1",
        "fresh",
        lambda w: w.sdk.v1.contracts.products.archive(product_id=new_product(w)),
    ),
    Success(
        "createRateCard-v1",
        "with everything",
        lambda w: w.sdk.v1.contracts.rate_cards.create(
            name="Other prices",
            description="2026",
            fiat_credit_type_id=USD,
            aliases=[{"name": w.new("alias"), "starting_at": START, "ending_before": END}],
            custom_fields={"list": "2026"},
        ),
    ),
    Success(
        "getRateCard-v1",
        "with an alias that ends",
        lambda w: w.sdk.v1.contracts.rate_cards.retrieve(
            id=new_card(
                w, aliases=[{"name": w.new("a"), "starting_at": START, "ending_before": END}]
            )
        ),
    ),
    Success(
        "getRateCard-v1",
        "archived",
        lambda w: w.sdk.v1.contracts.rate_cards.retrieve(id=archived_card(w)),
    ),
    Success(
        "updateRateCard-v1",
        "everything",
        lambda w: w.sdk.v1.contracts.rate_cards.update(
            rate_card_id=new_card(w),
            name="Other",
            description="Others",
            aliases=[{"name": w.new("alias")}],
        ),
    ),
    Success(
        "archiveRateCard-v1",
        "fresh",
        lambda w: w.sdk.v1.contracts.rate_cards.archive(id=new_card(w)),
    ),
    Success(
        "setRateCardProductsOrder-v1",
        "two",
        lambda w: w.sdk.v1.contracts.rate_cards.product_orders.set(**card_of_two(w)),
    ),
    Success(
        "moveRateCardProducts-v1",
        "to the front",
        lambda w: moved(w, 0),
    ),
    Success(
        "addRate-v1",
        "tiers",
        lambda w: w.sdk.v1.contracts.rate_cards.rates.add(
            **dimensions(w, starting_at="2027-03-01T00:00:00Z", **TIERS)
        ),
    ),
    Success(
        "addRate-v1",
        "for commits too",
        lambda w: w.sdk.v1.contracts.rate_cards.rates.add(
            **rate_of(w, starting_at="2027-04-01T00:00:00Z", commit_rate=TIERS)
        ),
    ),
    Success(
        "addRate-v1",
        "percentage",
        posted(
            "addRate-v1",
            lambda w: rate_of(
                w,
                rate_card_id=new_card(w),
                product_id=new_product(w, type="COMPOSITE", composite_product_ids=[w.product]),
                rate_type="PERCENTAGE",
                price=0.1,
                minimum_config={"minimum": 5},
            ),
        ),
    ),
    Success(
        "addRate-v1",
        "subscription",
        lambda w: w.sdk.v1.contracts.rate_cards.rates.add(
            **rate_of(
                w,
                product_id=w.seat_product,
                starting_at="2027-01-01T00:00:00Z",
                billing_frequency="ANNUAL",
            )
        ),
    ),
    Success(
        "getRateSchedule-v1",
        "all",
        lambda w: w.sdk.v1.contracts.rate_cards.retrieve_rate_schedule(
            rate_card_id=w.rate_card, starting_at="2025-03-01T00:00:00Z"
        ),
    ),
    Success(
        "getRateSchedule-v1",
        "selected, for a while",
        lambda w: w.sdk.v1.contracts.rate_cards.retrieve_rate_schedule(
            rate_card_id=w.rate_card,
            starting_at="2025-03-01T00:00:00Z",
            ending_before="2025-04-01T00:00:00Z",
            selectors=[
                {
                    "product_id": w.grouped_product,
                    "partial_pricing_group_values": {"model": "a"},
                }
            ],
            limit=1,
        ),
    ),
    Success(
        "getRates-v1",
        "of every kind",
        lambda w: w.sdk.v1.contracts.rate_cards.rates.list(
            rate_card_id=varied_card(w), at="2025-03-01T00:00:00Z"
        ),
    ),
    Success(
        "getRateCardNamedSchedule-v1",
        "one value",
        lambda w: w.sdk.v1.contracts.named_schedules.retrieve(
            rate_card_id=w.rate_card,
            schedule_name="limits",
            covering_date="2025-03-01T00:00:00Z",
        ),
    ),
    Success(
        "updateRateCardNamedSchedule-v1",
        "without end",
        lambda w: w.sdk.v1.contracts.named_schedules.update(
            rate_card_id=new_card(w), **schedule(value=True)
        ),
    ),
]

REFUSALS: Final[list[Refusal]] = [
    Refusal(
        "createBillableMetricV1-v1",
        "unknown aggregation",
        *INVALID,
        "aggregation_type",
        lambda w: {"body": {"name": "A", "aggregation_type": "MEDIAN"}},
    ),
    Refusal(
        "createBillableMetricV1-v1",
        "no aggregation",
        *INVALID,
        "aggregation_type",
        lambda w: {"body": {"name": "A"}},
    ),
    Refusal(
        "createBillableMetricV1-v1",
        "the key is not filtered on",
        *INVALID,
        "The specified aggregation key must be one of the property filter names.",
        lambda w: {"body": {"name": "A", "aggregation_type": "SUM", "aggregation_key": "n"}},
    ),
    Refusal(
        "createBillableMetricV1-v1",
        "a group key is not filtered on",
        *INVALID,
        "Group key 'region' does not match one of the property filter names.",
        lambda w: {"body": {"name": "A", "aggregation_type": "COUNT", "group_keys": [["region"]]}},
    ),
    Refusal(
        "createBillableMetricV1-v1",
        "an empty list of event types",
        *INVALID,
        "event_type_filter.in_values",
        lambda w: {
            "body": {
                "name": "A",
                "aggregation_type": "COUNT",
                "event_type_filter": {"in_values": []},
            }
        },
    ),
    Refusal(
        "getBillableMetric-v1",
        "unknown",
        404,
        "BillableMetricNotFound",
        UNKNOWN,
        lambda w: {"path": {"billable_metric_id": UNKNOWN}},
    ),
    Refusal(
        "updateBillableMetric-v1",
        "unknown",
        404,
        "BillableMetricNotFound",
        UNKNOWN,
        lambda w: {"path": {"billable_metric_id": UNKNOWN}, "body": {"name": "A"}},
    ),
    Refusal(
        "archiveBillableMetric-v1",
        "unknown",
        404,
        "BillableMetricNotFound",
        UNKNOWN,
        lambda w: {"body": {"id": UNKNOWN}},
    ),
    Refusal(
        "archiveBillableMetric-v1",
        "no id",
        *INVALID,
        "id",
        lambda w: {"body": {"id": "not-a-uuid"}},
    ),
    Refusal(
        "listAllBillableMetrics-v1",
        "a flag that is none",
        *INVALID,
        "include_archived",
        lambda w: {"query": {"include_archived": "perhaps"}},
    ),
    Refusal(
        "listCreditTypes-v1", "limit", *INVALID, "limit", lambda w: {"query": {"limit": "many"}}
    ),
    Refusal(
        "createProduct-v1",
        "unknown type",
        *INVALID,
        "type",
        lambda w: {"body": {"name": "A", "type": "GADGET"}},
    ),
    Refusal(
        "createProduct-v1",
        "unknown metric",
        *INVALID,
        UNKNOWN,
        lambda w: {"body": {"name": "A", "type": "USAGE", "billable_metric_id": UNKNOWN}},
    ),
    Refusal(
        "createProduct-v1",
        "keys that are not the metric's",
        *INVALID,
        "pricing_group_key",
        lambda w: {
            "body": {
                "name": "A",
                "type": "USAGE",
                "billable_metric_id": w.sum_metric,
                "pricing_group_key": ["model"],
            }
        },
    ),
    Refusal(
        "getProduct-v1",
        "unknown",
        404,
        "ProductNotFound",
        UNKNOWN,
        lambda w: {"body": {"id": UNKNOWN}},
    ),
    Refusal("listProducts-v1", "limit", *INVALID, "limit", lambda w: {"query": {"limit": "-1"}}),
    Refusal("createRateCard-v1", "no name", *INVALID, "name", lambda w: {"body": {}}),
    Refusal(
        "createRateCard-v1",
        "unknown currency",
        *INVALID,
        UNKNOWN,
        lambda w: {"body": {"name": "A", "fiat_credit_type_id": UNKNOWN}},
    ),
    Refusal(
        "getRateCard-v1",
        "unknown",
        404,
        "RateCardNotFound",
        UNKNOWN,
        lambda w: {"body": {"id": UNKNOWN}},
    ),
    Refusal(
        "listRateCards-v1",
        "a field in a closed body",
        *INVALID,
        "name",
        lambda w: {"body": {"name": "A"}},
    ),
    Refusal(
        "addRate-v1",
        "unknown card",
        404,
        "RateCardNotFound",
        UNKNOWN,
        lambda w: {"body": rate_of(w, rate_card_id=UNKNOWN)},
    ),
    Refusal(
        "addRate-v1",
        "not on the hour",
        *INVALID,
        "starting_at",
        lambda w: {"body": rate_of(w, starting_at="2025-03-01T00:30:00Z")},
    ),
    Refusal(
        "addRate-v1",
        "a negative price",
        *INVALID,
        "price",
        lambda w: {"body": rate_of(w, price=-1)},
    ),
    Refusal(
        "addRate-v1",
        "a price in a string",
        *INVALID,
        "price",
        lambda w: {"body": rate_of(w, price="1")},
    ),
    Refusal(
        "addRates-v1",
        "unknown product",
        *INVALID,
        UNKNOWN,
        lambda w: {
            "body": {"rate_card_id": w.rate_card, "rates": [rate_of(w, product_id=UNKNOWN)]}
        },
    ),
    Refusal(
        "addRates-v1",
        "no rates",
        *INVALID,
        "rates",
        lambda w: {"body": {"rate_card_id": w.rate_card, "rates": []}},
    ),
    Refusal(
        "getRates-v1",
        "unknown card",
        404,
        "RateCardNotFound",
        UNKNOWN,
        lambda w: {"body": {"rate_card_id": UNKNOWN, "at": "2025-03-01T00:00:00Z"}},
    ),
    Refusal(
        "createBillableMetric-v1",
        "a filter that a metric cannot express",
        *INVALID,
        "pattern",
        lambda w: {
            "body": {
                "name": "A",
                "aggregate": "count",
                "filter": {"properties": {"event_type": {"pattern": "a.*"}}},
            }
        },
    ),
    Refusal(
        "listBillableMetrics-v1",
        "unknown customer",
        *NO_CUSTOMER,
        lambda w: {"path": {"customer_id": UNKNOWN}},
    ),
    Refusal(
        "updateProduct-v1",
        "unknown",
        404,
        "ProductNotFound",
        UNKNOWN,
        lambda w: {"body": {"product_id": UNKNOWN, "starting_at": START, "name": "A"}},
    ),
    Refusal(
        "updateProduct-v1",
        "not on the hour",
        *INVALID,
        "starting_at",
        lambda w: {"body": {"product_id": w.product, "starting_at": "2025-03-01T00:30:00Z"}},
    ),
    Refusal(
        "archiveProductListItem-v1",
        "unknown",
        404,
        "ProductNotFound",
        UNKNOWN,
        lambda w: {"body": {"product_id": UNKNOWN}},
    ),
    Refusal(
        "createRateCard-v1",
        "a custom field that is not registered",
        *INVALID,
        "Invalid custom field keys",
        lambda w: {"body": {"name": "A", "custom_fields": {"unheard": "of"}}},
    ),
    Refusal(
        "updateRateCard-v1",
        "unknown",
        404,
        "RateCardNotFound",
        UNKNOWN,
        lambda w: {"body": {"rate_card_id": UNKNOWN}},
    ),
    Refusal(
        "archiveRateCard-v1",
        "unknown",
        404,
        "RateCardNotFound",
        UNKNOWN,
        lambda w: {"body": {"id": UNKNOWN}},
    ),
    Refusal(
        "setRateCardProductsOrder-v1",
        "unknown card",
        404,
        "RateCardNotFound",
        UNKNOWN,
        lambda w: {"body": {"rate_card_id": UNKNOWN, "product_order": []}},
    ),
    Refusal(
        "setRateCardProductsOrder-v1",
        "a product that is not on the card",
        *INVALID,
        "product_order",
        lambda w: {"body": {"rate_card_id": w.rate_card, "product_order": [w.service_product]}},
    ),
    Refusal(
        "moveRateCardProducts-v1",
        "unknown card",
        404,
        "RateCardNotFound",
        UNKNOWN,
        lambda w: {"body": {"rate_card_id": UNKNOWN, "product_moves": []}},
    ),
    Refusal(
        "moveRateCardProducts-v1",
        "before the first place",
        *INVALID,
        "position",
        lambda w: {
            "body": {
                "rate_card_id": w.rate_card,
                "product_moves": [{"product_id": w.product, "position": -1}],
            }
        },
    ),
    Refusal(
        "getRateSchedule-v1",
        "unknown card",
        404,
        "RateCardNotFound",
        UNKNOWN,
        lambda w: {"body": {"rate_card_id": UNKNOWN, "starting_at": START}},
    ),
    Refusal(
        "addRate-v1",
        "an archived card",
        *INVALID,
        "archived",
        lambda w: {"body": rate_of(w, rate_card_id=archived_card(w))},
    ),
    Refusal(
        "getRateCardNamedSchedule-v1",
        "unknown card",
        404,
        "RateCardNotFound",
        UNKNOWN,
        lambda w: {"body": {"rate_card_id": UNKNOWN, "schedule_name": "limits"}},
    ),
    Refusal(
        "updateRateCardNamedSchedule-v1",
        "unknown card",
        404,
        "RateCardNotFound",
        UNKNOWN,
        lambda w: {"body": {"rate_card_id": UNKNOWN, **schedule(value=1)}},
    ),
]
