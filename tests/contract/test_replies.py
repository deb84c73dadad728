"""Every reply of every built operation against the documented API and the official SDK.

To add an operation, add what a caller does with it to `SUCCESSES` and what is refused to
`REFUSALS`. A test fails while a built operation is in neither table.
"""

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from metronome import Metronome

from backbeat import bootstrap
from backbeat.adapters.clock import FrozenClock
from backbeat.api.operations import BY_ID, NOT_BUILT, OPERATIONS
from backbeat.config import Config
from tests.contract.function_api import FunctionApi
from tests.contract.openapi import openapi

NOW: Final = datetime(2025, 3, 10, 12, tzinfo=UTC)
UNKNOWN: Final = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True)
class World:
    """A sandbox with one of everything, seen through the official SDK."""

    api: FunctionApi
    sdk: Metronome
    token: str
    customer: str
    bare_customer: str
    count_metric: str
    sum_metric: str
    archived_metric: str
    product: str
    grouped_product: str
    rate_card: str
    contract: str
    ended_contract: str
    draft_invoice: str
    final_invoice: str

    def new(self, prefix: str) -> str:
        """Returns a name that nothing has yet."""
        return f"{prefix}-{uuid.uuid4()}"


@dataclass(frozen=True)
class Success:
    """Something a caller does that works."""

    operation: str
    what: str
    call: Callable[[World], object]

    def __str__(self) -> str:
        return f"{self.operation}: {self.what}"


@dataclass(frozen=True)
class Refusal:
    """A request that is refused: `status`, `code`, and `names`, which the message contains."""

    operation: str
    what: str
    status: int
    code: str
    names: str
    request: Callable[[World], dict[str, Any]]

    def __str__(self) -> str:
        return f"{self.operation}: {self.what}"


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    config = Config.model_validate(
        {
            "BACKBEAT_STATE": ":memory:",
            "BACKBEAT_SANDBOX": "on",
            "BACKBEAT_TOKENS": "open",
            "BACKBEAT_WEBHOOK_TARGETS": "any",
        }
    )
    with bootstrap.using(bootstrap.build(config, clock=FrozenClock(NOW))):
        yield _populated(FunctionApi(), f"test-{uuid.uuid4()}")


def _populated(api: FunctionApi, token: str) -> World:
    def create(operation: str, **body: object) -> str:
        answer = api.call(operation, token=token, body=body)
        assert answer.status == 200, answer.text
        return str(answer.body["data"]["id"])

    def call(operation: str, path: dict[str, str] | None = None, body: object = None) -> Any:
        answer = api.call(operation, token=token, path=path, body=body)
        assert answer.status == 200, answer.text
        return answer.body if answer.text else None

    customer = create(
        "createCustomer-v1",
        name="Acme",
        ingest_aliases=["acme-key", "acme-2"],
        custom_fields={"tier": "gold"},
    )
    count_metric = create(
        "createBillableMetricV1-v1",
        name="Requests",
        aggregation_type="COUNT",
        event_type_filter={"in_values": ["completion"], "not_in_values": ["test"]},
    )
    sum_metric = create(
        "createBillableMetricV1-v1",
        name="Tokens",
        aggregation_type="SUM",
        aggregation_key="tokens",
        property_filters=[
            {"name": "tokens", "exists": True},
            {"name": "model", "exists": True},
            {"name": "region", "in_values": ["eu", "us"]},
            {"name": "test", "exists": False, "not_in_values": ["yes"]},
        ],
        group_keys=[["model", "region"], ["region"]],
        custom_fields={"unit": "token"},
    )
    archived_metric = create("createBillableMetricV1-v1", name="Old", aggregation_type="COUNT")
    call("archiveBillableMetric-v1", body={"id": archived_metric})
    product = create(
        "createProduct-v1", name="Requests", type="USAGE", billable_metric_id=count_metric
    )
    grouped_product = create(
        "createProduct-v1",
        name="Model tokens",
        type="USAGE",
        billable_metric_id=sum_metric,
        pricing_group_key=["model"],
        presentation_group_key=["region"],
        tags=["llm"],
        custom_fields={"sku": "7"},
    )
    rate_card = create("createRateCard-v1", name="List prices", description="2025")
    start = "2025-01-01T00:00:00Z"
    call(
        "addRates-v1",
        body={
            "rate_card_id": rate_card,
            "rates": [
                {"product_id": product, "starting_at": start, "entitled": True,
                 "rate_type": "FLAT", "price": 2},
                {"product_id": grouped_product, "starting_at": start, "entitled": True,
                 "rate_type": "FLAT", "price": 0.002, "pricing_group_values": {"model": "a"}},
                {"product_id": grouped_product, "starting_at": start, "entitled": False,
                 "ending_before": "2026-01-01T00:00:00Z",
                 "rate_type": "FLAT", "price": 5, "pricing_group_values": {"model": "b"}},
            ],
        },
    )  # fmt: skip
    events = [
        {
            "transaction_id": f"event-{number}",
            "customer_id": "acme-key",
            "event_type": "completion",
            "timestamp": f"2025-{month}-20T10:15:00Z" if month == "02" else "2025-03-05T10:15:00Z",
            "properties": {"tokens": "1000.5", "model": "a", "region": region, "deep": {"a": [1]}},
        }
        for number, (month, region) in enumerate(
            [("02", "eu"), ("02", "us"), ("03", "eu"), ("03", "eu")]
        )
    ]
    # The last one twice: the repeat shows in searches.
    call("ingest-v1", body=[*events, events[-1]])
    contract = create(
        "createContract-v1",
        customer_id=customer,
        rate_card_id=rate_card,
        starting_at="2025-02-01T00:00:00Z",
        name="Acme 2025",
        uniqueness_key="acme-2025",
        net_payment_terms_days=30,
        custom_fields={"deal": "7"},
    )
    ended_contract = create(
        "createContract-v1",
        customer_id=customer,
        starting_at="2024-01-31T00:00:00Z",
        ending_before="2024-02-10T00:00:00Z",
        usage_statement_schedule={"frequency": "WEEKLY", "day": "CONTRACT_START"},
    )
    invoices = {
        (invoice["contract_id"], invoice["status"]): invoice["id"]
        for invoice in call("listInvoices-v1", path={"customer_id": customer})["data"]
    }
    return World(
        api=api,
        sdk=api.sdk(token),
        token=token,
        customer=customer,
        bare_customer=create("createCustomer-v1", name="Bare"),
        count_metric=count_metric,
        sum_metric=sum_metric,
        archived_metric=archived_metric,
        product=product,
        grouped_product=grouped_product,
        rate_card=rate_card,
        contract=contract,
        ended_contract=ended_contract,
        draft_invoice=invoices[contract, "DRAFT"],
        final_invoice=invoices[contract, "FINALIZED"],
    )


def raw(operation: str, **request: Any) -> Callable[[World], object]:
    """Calls an operation that the SDK has no method for."""
    return lambda world: world.api.call(operation, token=world.token, **request)


MARCH: Final[dict[str, Any]] = {
    "starting_on": "2025-03-01T00:00:00Z",
    "ending_before": "2025-03-08T00:00:00Z",
}

SUCCESSES: Final = [
    Success("createCustomer-v1", "named only", lambda w: w.sdk.v1.customers.create(name="Beta")),
    Success(
        "createCustomer-v1",
        "with everything",
        lambda w: w.sdk.v1.customers.create(
            name="n" * 200,
            external_id=w.new("external"),
            ingest_aliases=[w.new("alias"), w.new("alias")],
            custom_fields={"tier": "gold"},
        ),
    ),
    Success(
        "getCustomer-v1", "existing", lambda w: w.sdk.v1.customers.retrieve(customer_id=w.customer)
    ),
    Success(
        "getCustomer-v1",
        "without aliases",
        lambda w: w.sdk.v1.customers.retrieve(customer_id=w.bare_customer),
    ),
    Success("listCustomers-v1", "all", lambda w: w.sdk.v1.customers.list()),
    Success("listCustomers-v1", "first page", lambda w: w.sdk.v1.customers.list(limit=1)),
    Success(
        "listCustomers-v1", "by alias", lambda w: w.sdk.v1.customers.list(ingest_alias="acme-2")
    ),
    Success(
        "listCustomers-v1",
        "by id",
        lambda w: w.sdk.v1.customers.list(customer_ids=[w.customer, w.bare_customer]),
    ),
    Success("listCustomers-v1", "archived", lambda w: w.sdk.v1.customers.list(only_archived=True)),
    Success(
        "setIngestAliases-v1",
        "new ones",
        lambda w: w.sdk.v1.customers.set_ingest_aliases(
            customer_id=w.bare_customer, ingest_aliases=["bare"]
        ),
    ),
    Success(
        "setCustomerName-v1",
        "another",
        lambda w: w.sdk.v1.customers.set_name(customer_id=w.bare_customer, name="Bare Ltd"),
    ),
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
        "createContract-v1",
        "with everything",
        lambda w: w.sdk.v1.contracts.create(
            customer_id=w.bare_customer,
            rate_card_id=w.rate_card,
            starting_at="2025-03-01T00:00:00Z",
            ending_before="2026-03-01T00:00:00Z",
            name="Bare 2025",
            uniqueness_key=w.new("bare"),
            usage_statement_schedule={
                "frequency": "MONTHLY",
                "day": "CUSTOM_DATE",
                "billing_anchor_date": "2025-03-15T00:00:00Z",
                "invoice_generation_starting_at": "2025-03-15T00:00:00Z",
            },
            net_payment_terms_days=14,
            custom_fields={"deal": "8"},
        ),
    ),
    Success(
        "getContract-v1",
        "running",
        lambda w: w.sdk.v1.contracts.retrieve(customer_id=w.customer, contract_id=w.contract),
    ),
    Success(
        "getContract-v1",
        "ended, without a card",
        lambda w: w.sdk.v1.contracts.retrieve(customer_id=w.customer, contract_id=w.ended_contract),
    ),
    Success("listContracts-v1", "all", lambda w: w.sdk.v1.contracts.list(customer_id=w.customer)),
    Success(
        "getContract-v2",
        "running",
        lambda w: w.sdk.v2.contracts.retrieve(customer_id=w.customer, contract_id=w.contract),
    ),
    Success(
        "getContract-v2",
        "ended, without a card",
        lambda w: w.sdk.v2.contracts.retrieve(customer_id=w.customer, contract_id=w.ended_contract),
    ),
    Success(
        "listContracts-v2",
        "covering a date",
        lambda w: w.sdk.v2.contracts.list(
            customer_id=w.customer, covering_date="2025-03-01T00:00:00Z"
        ),
    ),
    Success(
        "ingest-v1",
        "of an unknown customer",
        lambda w: w.sdk.v1.usage.ingest(
            usage=[
                {
                    "transaction_id": w.new("transaction"),
                    "customer_id": "nobody-yet",
                    "event_type": "completion",
                    "timestamp": "2025-03-09T00:00:00Z",
                }
            ]
        ),
    ),
    Success(
        "getUsageBatch-v1",
        "everything by day",
        lambda w: w.sdk.v1.usage.list(window_size="DAY", **MARCH),
    ),
    Success(
        "getUsageBatch-v1",
        "one metric by group",
        lambda w: w.sdk.v1.usage.list(
            window_size="NONE",
            customer_ids=[w.customer],
            billable_metrics=[
                {"id": w.sum_metric, "group_by": {"key": "region", "values": ["eu", "ap"]}}
            ],
            **MARCH,
        ),
    ),
    Success(
        "getPagedUsage-v1",
        "compound key",
        lambda w: w.sdk.v1.usage.list_with_groups(
            customer_id=w.customer,
            billable_metric_id=w.sum_metric,
            window_size="DAY",
            group_key=["region", "model"],
            group_filters={"region": ["eu"]},
            **MARCH,
        ),
    ),
    Success(
        "getPagedUsage-v1",
        "simple key, older form",
        lambda w: w.sdk.v1.usage.list_with_groups(
            customer_id=w.customer,
            billable_metric_id=w.sum_metric,
            window_size="NONE",
            group_by={"key": "region"},
            **MARCH,
        ),
    ),
    Success(
        "getPagedUsage-v1",
        "ungrouped",
        lambda w: w.sdk.v1.usage.list_with_groups(
            customer_id=w.customer,
            billable_metric_id=w.count_metric,
            window_size="DAY",
            **MARCH,
        ),
    ),
    Success(
        "getPagedUsage-v1",
        "current period",
        lambda w: w.sdk.v1.usage.list_with_groups(
            customer_id=w.customer,
            billable_metric_id=w.count_metric,
            window_size="NONE",
            current_period=True,
        ),
    ),
    Success(
        "searchEvents-v1",
        "known, repeated and unknown",
        lambda w: w.sdk.v1.usage.search(transaction_ids=["event-0", "event-3", "nobody"]),
    ),
    Success(
        "listInvoices-v1",
        "all",
        lambda w: w.sdk.v1.customers.invoices.list(customer_id=w.customer),
    ),
    Success(
        "listInvoices-v1",
        "filtered, latest first",
        lambda w: w.sdk.v1.customers.invoices.list(
            customer_id=w.customer,
            status="FINALIZED",
            sort="date_desc",
            limit=1,
            skip_zero_qty_line_items=True,
        ),
    ),
    Success(
        "getInvoice-v1",
        "draft",
        lambda w: w.sdk.v1.customers.invoices.retrieve(
            customer_id=w.customer, invoice_id=w.draft_invoice
        ),
    ),
    Success(
        "getInvoice-v1",
        "finalized",
        lambda w: w.sdk.v1.customers.invoices.retrieve(
            customer_id=w.customer, invoice_id=w.final_invoice
        ),
    ),
    Success(
        "setClientWebhookSecret-v1",
        "new",
        raw("setClientWebhookSecret-v1", body={"webhook_secret": "whsec-7"}),
    ),
]

BAD_ID: Final = "not-a-uuid"


def event(**changes: object) -> dict[str, object]:
    return {
        "transaction_id": "refused",
        "customer_id": "acme-key",
        "event_type": "completion",
        "timestamp": "2025-03-05T00:00:00Z",
        **changes,
    }


def contract_of(world: World, **changes: object) -> dict[str, object]:
    return {"customer_id": world.customer, "starting_at": "2025-03-01T00:00:00Z", **changes}


def rate_of(world: World, **changes: object) -> dict[str, object]:
    return {
        "rate_card_id": world.rate_card,
        "product_id": world.product,
        "starting_at": "2025-03-01T00:00:00Z",
        "entitled": True,
        "rate_type": "FLAT",
        "price": 1,
        **changes,
    }


def usage_of(world: World, **changes: object) -> dict[str, object]:
    return {
        "customer_id": world.customer,
        "billable_metric_id": world.sum_metric,
        "window_size": "DAY",
        **MARCH,
        **changes,
    }


INVALID: Final = (400, "InvalidArgument")

REFUSALS: Final = [
    Refusal("createCustomer-v1", "no name", *INVALID, "name", lambda w: {"body": {}}),
    Refusal(
        "createCustomer-v1", "name is a number", *INVALID, "name", lambda w: {"body": {"name": 7}}
    ),
    Refusal(
        "createCustomer-v1",
        "too many aliases",
        *INVALID,
        "ingest_aliases",
        lambda w: {"body": {"name": "A", "ingest_aliases": [f"a{n}" for n in range(2001)]}},
    ),
    Refusal(
        "createCustomer-v1",
        "an alias of 129 characters",
        *INVALID,
        "ingest_aliases.0",
        lambda w: {"body": {"name": "A", "ingest_aliases": ["a" * 129]}},
    ),
    Refusal(
        "createCustomer-v1",
        "an alias that is taken",
        409,
        "Conflict",
        "A customer with this ID already exists",
        lambda w: {"body": {"name": "A", "ingest_aliases": ["acme-key"]}},
    ),
    Refusal(
        "getCustomer-v1",
        "unknown",
        404,
        "CustomerNotFound",
        UNKNOWN,
        lambda w: {"path": {"customer_id": UNKNOWN}},
    ),
    Refusal("listCustomers-v1", "limit 0", *INVALID, "limit", lambda w: {"query": {"limit": "0"}}),
    Refusal(
        "listCustomers-v1", "limit 101", *INVALID, "limit", lambda w: {"query": {"limit": "101"}}
    ),
    Refusal(
        "listCustomers-v1",
        "a made-up cursor",
        *INVALID,
        "next_page",
        lambda w: {"query": {"next_page": "garbage"}},
    ),
    Refusal(
        "setIngestAliases-v1",
        "unknown customer",
        404,
        "CustomerNotFound",
        UNKNOWN,
        lambda w: {"path": {"customer_id": UNKNOWN}, "body": {"ingest_aliases": []}},
    ),
    Refusal(
        "setIngestAliases-v1",
        "an alias that is taken",
        409,
        "Conflict",
        "A customer with this ID already exists",
        lambda w: {
            "path": {"customer_id": w.bare_customer},
            "body": {"ingest_aliases": ["acme-key"]},
        },
    ),
    Refusal(
        "setCustomerName-v1",
        "unknown customer",
        404,
        "CustomerNotFound",
        UNKNOWN,
        lambda w: {"path": {"customer_id": UNKNOWN}, "body": {"name": "A"}},
    ),
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
        lambda w: {"body": {"id": BAD_ID}},
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
        "createContract-v1",
        "unknown customer",
        404,
        "CustomerNotFound",
        UNKNOWN,
        lambda w: {"body": contract_of(w, customer_id=UNKNOWN)},
    ),
    Refusal(
        "createContract-v1",
        "unknown card",
        404,
        "RateCardNotFound",
        UNKNOWN,
        lambda w: {"body": contract_of(w, rate_card_id=UNKNOWN)},
    ),
    Refusal(
        "createContract-v1",
        "no start",
        *INVALID,
        "starting_at",
        lambda w: {"body": {"customer_id": w.customer}},
    ),
    Refusal(
        "createContract-v1",
        "not on the hour",
        *INVALID,
        "starting_at",
        lambda w: {"body": contract_of(w, starting_at="2025-03-01T00:00:01Z")},
    ),
    Refusal(
        "createContract-v1",
        "ends before it starts",
        *INVALID,
        "ending_before",
        lambda w: {"body": contract_of(w, ending_before="2025-03-01T00:00:00Z")},
    ),
    Refusal(
        "createContract-v1",
        "a uniqueness key that is taken",
        409,
        "Conflict",
        "This uniqueness key has already been used.",
        lambda w: {"body": contract_of(w, uniqueness_key="acme-2025")},
    ),
    Refusal(
        "getContract-v1",
        "unknown contract",
        404,
        "ContractNotFound",
        UNKNOWN,
        lambda w: {"body": {"customer_id": w.customer, "contract_id": UNKNOWN}},
    ),
    Refusal(
        "getContract-v1",
        "another customer's",
        404,
        "ContractNotFound",
        "contract",
        lambda w: {"body": {"customer_id": w.bare_customer, "contract_id": w.contract}},
    ),
    Refusal(
        "getContract-v2",
        "unknown contract",
        400,
        "ContractNotFound",
        UNKNOWN,
        lambda w: {"body": {"customer_id": w.customer, "contract_id": UNKNOWN}},
    ),
    Refusal(
        "listContracts-v1",
        "unknown customer",
        404,
        "CustomerNotFound",
        UNKNOWN,
        lambda w: {"body": {"customer_id": UNKNOWN}},
    ),
    Refusal(
        "listContracts-v2",
        "unknown customer",
        400,
        "CustomerNotFound",
        UNKNOWN,
        lambda w: {"body": {"customer_id": UNKNOWN}},
    ),
    Refusal(
        "listContracts-v2",
        "two filters that exclude each other",
        *INVALID,
        "covering_date",
        lambda w: {
            "body": {
                "customer_id": w.customer,
                "covering_date": "2025-03-01T00:00:00Z",
                "starting_at": "2025-03-01T00:00:00Z",
            }
        },
    ),
    Refusal("ingest-v1", "no events", *INVALID, "length >= 1", lambda w: {"body": []}),
    Refusal(
        "ingest-v1",
        "101 events",
        *INVALID,
        "length <= 100",
        lambda w: {"body": [event(transaction_id=str(number)) for number in range(101)]},
    ),
    Refusal(
        "ingest-v1",
        "an event without a customer",
        *INVALID,
        "[1]",
        lambda w: {"body": [event(), {k: v for k, v in event().items() if k != "customer_id"}]},
    ),
    Refusal(
        "ingest-v1",
        "a time without a zone",
        *INVALID,
        "[0].timestamp",
        lambda w: {"body": [event(timestamp="2025-03-05T00:00:00")]},
    ),
    Refusal(
        "ingest-v1",
        "too old",
        *INVALID,
        "[1].timestamp",
        lambda w: {"body": [event(), event(timestamp="2025-02-04T11:59:59Z")]},
    ),
    Refusal(
        "ingest-v1",
        "too far ahead",
        *INVALID,
        "[0].timestamp",
        lambda w: {"body": [event(timestamp="2025-03-11T12:00:01Z")]},
    ),
    Refusal(
        "getUsageBatch-v1",
        "not at midnight",
        *INVALID,
        "starting_on",
        lambda w: {
            "body": {
                "window_size": "DAY",
                "starting_on": "2025-03-01T01:00:00Z",
                "ending_before": "2025-03-02T00:00:00Z",
            }
        },
    ),
    Refusal(
        "getUsageBatch-v1",
        "unknown metric",
        404,
        "BillableMetricNotFound",
        UNKNOWN,
        lambda w: {"body": {"window_size": "DAY", **MARCH, "billable_metrics": [{"id": UNKNOWN}]}},
    ),
    Refusal(
        "getPagedUsage-v1",
        "a part of a group key",
        *INVALID,
        "group_key",
        lambda w: {"body": usage_of(w, group_key=["model"])},
    ),
    Refusal(
        "getPagedUsage-v1",
        "unknown customer",
        404,
        "CustomerNotFound",
        UNKNOWN,
        lambda w: {"body": usage_of(w, customer_id=UNKNOWN)},
    ),
    Refusal(
        "searchEvents-v1",
        "no ids",
        *INVALID,
        "transactionIds",
        lambda w: {"body": {"transactionIds": []}},
    ),
    Refusal(
        "listInvoices-v1",
        "unknown customer",
        404,
        "CustomerNotFound",
        UNKNOWN,
        lambda w: {"path": {"customer_id": UNKNOWN}},
    ),
    Refusal(
        "listInvoices-v1",
        "unknown order",
        *INVALID,
        "sort",
        lambda w: {"path": {"customer_id": w.customer}, "query": {"sort": "by_size"}},
    ),
    Refusal(
        "getInvoice-v1",
        "another customer's",
        404,
        "InvoiceNotFound",
        "invoice",
        lambda w: {"path": {"customer_id": w.bare_customer, "invoice_id": w.final_invoice}},
    ),
    Refusal(
        "getInvoice-v1",
        "unknown",
        404,
        "InvoiceNotFound",
        UNKNOWN,
        lambda w: {"path": {"customer_id": w.customer, "invoice_id": UNKNOWN}},
    ),
    Refusal(
        "setClientWebhookSecret-v1",
        "an empty secret",
        *INVALID,
        "webhook_secret",
        lambda w: {"body": {"webhook_secret": ""}},
    ),
]


def test_no_built_operation_is_left_out() -> None:
    built = {operation.id for operation in OPERATIONS} - NOT_BUILT
    assert {case.operation for case in SUCCESSES} == built
    assert {case.operation for case in REFUSALS} == built


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"name": None}, "$.data.name: None is not of type 'string'"),
        ({"created_at": "2025-03-10"}, "$.data.created_at: '2025-03-10' is not a 'date-time'"),
        ({"nickname": "A"}, "('nickname' was unexpected)"),
        ({"external_id": ...}, "'external_id' is a required property"),
    ],
)
def test_a_wrong_reply_is_noticed(change: dict[str, Any], problem: str, world: World) -> None:
    operation = BY_ID["getCustomer-v1"]
    path = {"customer_id": world.customer}
    customer = world.api.call(operation.id, token=world.token, path=path).body["data"]
    changed = {name: v for name, v in {**customer, **change}.items() if v is not ...}
    [found] = openapi().problems(operation, 200, json.dumps({"data": changed}))
    assert problem in found


@pytest.mark.parametrize("case", SUCCESSES, ids=str)
def test_a_success_has_the_documented_form(case: Success, world: World) -> None:
    # A reply without something that the SDK's models require raises here.
    case.call(world)
    answer = world.api.answers[-1]
    assert (answer.operation, answer.status) == (BY_ID[case.operation], 200)
    assert openapi().problems(BY_ID[case.operation], 200, answer.text) == []


@pytest.mark.parametrize("case", REFUSALS, ids=str)
def test_a_refusal_says_what_is_wrong(case: Refusal, world: World) -> None:
    answer = world.api.call(case.operation, token=world.token, **case.request(world))
    assert (answer.operation, answer.status) == (BY_ID[case.operation], case.status), answer.text
    assert answer.body["code"] == case.code
    assert case.names in answer.body["message"]


@pytest.mark.parametrize("case", REFUSALS, ids=str)
def test_a_refusal_has_the_documented_form(case: Refusal, world: World) -> None:
    answer = world.api.call(case.operation, token=world.token, **case.request(world))
    problems = openapi().problems(BY_ID[case.operation], answer.status, answer.text)
    # Where codes are documented, they are those of unknown ids; a malformed request has its own.
    assert [p for p in problems if not p.startswith("$.code: 'InvalidArgument'")] == []


# Pages


@dataclass(frozen=True)
class Paged:
    """A list that comes in pages, and what tells its entries apart."""

    operation: str
    request: Callable[[World], dict[str, Any]]
    identity: Callable[[dict[str, Any]], object]

    def __str__(self) -> str:
        return self.operation


def by_id(entry: dict[str, Any]) -> object:
    return entry["id"]


PAGED: Final = [
    Paged("listCustomers-v1", lambda w: {}, by_id),
    Paged("listAllBillableMetrics-v1", lambda w: {"query": {"include_archived": "true"}}, by_id),
    Paged("listCreditTypes-v1", lambda w: {}, by_id),
    Paged("listProducts-v1", lambda w: {"body": {}}, by_id),
    Paged("listRateCards-v1", lambda w: {"body": {}}, by_id),
    Paged(
        "getRates-v1",
        lambda w: {"body": {"rate_card_id": w.rate_card, "at": "2025-03-01T00:00:00Z"}},
        lambda rate: (rate["product_id"], str(rate.get("pricing_group_values"))),
    ),
    Paged(
        "getPagedUsage-v1",
        lambda w: {"body": usage_of(w, starting_on="2025-02-01T00:00:00Z", group_key=["region"])},
        lambda row: (row["starting_on"], row["group_value"]),
    ),
    Paged("listInvoices-v1", lambda w: {"path": {"customer_id": w.customer}}, by_id),
]


def page(world: World, case: Paged, **query: str) -> tuple[list[dict[str, Any]], str | None]:
    request = case.request(world)
    request["query"] = {**request.get("query", {}), **query}
    answer = world.api.call(case.operation, token=world.token, **request)
    assert answer.status == 200, answer.text
    return answer.body["data"], answer.body["next_page"]


@pytest.fixture(scope="module")
def crowded(world: World) -> World:
    """The world with more than one of everything that is listed."""
    world.sdk.v1.customers.create(name="Crowd")
    world.sdk.v1.contracts.rate_cards.create(name="Crowd")
    return world


@pytest.mark.parametrize("case", PAGED, ids=str)
@pytest.mark.parametrize("limit", [1, 2])
def test_pages_add_up_to_the_list(case: Paged, limit: int, crowded: World) -> None:
    whole, following = page(crowded, case)
    assert following is None
    assert len(whole) > 1
    entries, cursor = page(crowded, case, limit=str(limit))
    while cursor is not None:
        more, cursor = page(crowded, case, limit=str(limit), next_page=cursor)
        assert 1 <= len(more) <= limit
        entries += more
    assert [case.identity(one) for one in entries] == [case.identity(one) for one in whole]


@pytest.mark.parametrize("case", PAGED, ids=str)
def test_a_page_token_opens_nothing_else(case: Paged, crowded: World) -> None:
    _, cursor = page(crowded, case, limit="1")
    assert cursor is not None

    def status(other: Paged, token: str) -> int:
        request = {**other.request(crowded), "query": {"limit": "1", "next_page": cursor}}
        return crowded.api.call(other.operation, token=token, **request).status

    # The currencies are everybody's; of the rest a stranger sees nothing.
    if case.operation != "listCreditTypes-v1":
        assert status(case, "stranger") in (400, 404)
    for other in PAGED:
        assert status(other, crowded.token) in (200, 400), other
        assert status(other, "stranger") in (200, 400, 404), other


CHANGES: Final[dict[str, Callable[[dict[str, Any]], object]]] = {
    "listCustomers-v1": lambda r: r.setdefault("query", {}).update(only_archived="true"),
    "listAllBillableMetrics-v1": lambda r: r["query"].update(include_archived="false"),
    "listProducts-v1": lambda r: r["body"].update(archive_filter="ALL"),
    "getRates-v1": lambda r: r["body"].update(at="2025-03-02T00:00:00Z"),
    "getPagedUsage-v1": lambda r: r["body"].update(window_size="NONE"),
    "listInvoices-v1": lambda r: r.setdefault("query", {}).update(sort="date_desc"),
}
"""Asks a list for something else; lists that are not here have nothing to ask for."""


@pytest.mark.parametrize("case", [one for one in PAGED if one.operation in CHANGES], ids=str)
def test_a_page_token_belongs_to_its_parameters(case: Paged, crowded: World) -> None:
    _, cursor = page(crowded, case, limit="1")
    request = case.request(crowded)
    CHANGES[case.operation](request)
    request["query"] = {**request.get("query", {}), "next_page": cursor}
    answer = crowded.api.call(case.operation, token=crowded.token, **request)
    assert (answer.status, answer.body["code"]) == (400, "InvalidArgument")
    assert "next_page" in answer.body["message"]
