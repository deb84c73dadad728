"""What is wrong with a request is named, and a request that is refused changes nothing."""

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from backbeat.api.operations import BY_ID
from tests.integration.conftest import nothing_changes
from tests.integration.estate import Estate
from tests.integration.examples import EXAMPLES, WITH_BODY, Example
from tests.integration.product import Product, Reply, event
from tests.integration.store import WatchedStore

BY_NAME = {example.name: example for example in EXAMPLES}

FREE_FORM = {"dispatch", "loadFixtures"}
"""Bodies that may hold anything, as long as they are objects, or that tests of their own refuse."""

FREE_FORM_FIELDS = {"properties", "group_filters", "configuration", "filter", "seat_charges"}
"""Fields that hold objects of whatever content. A `value` is any JSON at all."""

Place = tuple[str | int, ...]
NOBODYS = "5d4a7f0e-7f0c-4b5e-9a52-0d0d4f3c2b1a"


def refused(reply: Reply, *named: str, status: int = 400) -> None:
    assert reply.status == status, reply
    for name in named:
        assert name in reply.body["message"], reply
    assert reply.body["code"]


# Bodies that are not even of the right kind


MALFORMED = ['{"name": "A"', "name=A", '{"name": NaN}', "[", '"', "", "nul"]
OF_ANOTHER_KIND = ["text", 17, True, None, [], {}, [[]], {"name": {}}]
WITHOUT_BODY = {
    *("listRateCards-v1", "listProducts-v1", "listPackages-v1", "listCustomFieldKeys-v1"),
    *("updateCustomerConfig-v1", "removeTarget", "dispatch", "saveSnapshot", "restore"),
    *("listGrants", "listEntries"),
    *("updateStripeBillingSettings-v1", "listConfiguredBillingProviders-v1"),
    *("listOffsetNotificationConfigs-v2", "listSystemNotificationConfigs-v2"),
    "rotateDeltaStreamSecret-v1",
}
"""Requests that may come without a body, as all of its fields may be left out."""


@pytest.mark.parametrize("example", WITH_BODY, ids=lambda example: example.name)
def test_malformed_json(
    example: Example, product: Product, estate: Estate, store: WatchedStore
) -> None:
    method, path, _ = example.filled(estate)
    for text in MALFORMED:
        if text == "" and example.name in WITHOUT_BODY:
            continue
        with nothing_changes(store):
            refused(product.request(method, path, text=text))


@pytest.mark.parametrize("example", WITH_BODY, ids=lambda example: example.name)
def test_body_that_is_not_utf8(
    example: Example, product: Product, estate: Estate, store: WatchedStore
) -> None:
    method, path, body = example.filled(estate)
    text = json.dumps(body).encode() + b"\xff"
    with nothing_changes(store):
        refused(product.request(method, path, text=text), "UTF-8")


@pytest.mark.parametrize("example", WITH_BODY, ids=lambda example: example.name)
def test_body_of_another_kind(
    example: Example, product: Product, estate: Estate, store: WatchedStore
) -> None:
    method, path, _ = example.filled(estate)
    takes_objects = isinstance(example.body, dict)
    for body in OF_ANOTHER_KIND:
        # What is of the right kind is for the other tests.
        if isinstance(body, dict) is not takes_objects or body == [[]]:
            with nothing_changes(store):
                refused(product.request(method, path, text=json.dumps(body)))


# Fields


def places(body: Any, at: Place = ()) -> Iterator[Place]:
    """Yields where the fields of a body are, but for those inside free-form objects."""
    if at and at[-1] == "value":
        return
    if at:
        yield at
    if at and at[-1] in FREE_FORM_FIELDS:
        return
    if isinstance(body, dict):
        for name, part in body.items():
            yield from places(part, (*at, name))
    elif isinstance(body, list):
        for number, part in enumerate(body):
            yield from places(part, (*at, number))


def put(body: Any, at: Place, value: object) -> Any:
    """Returns the body with another value in one place."""
    changed = copy.deepcopy(body)
    inside = changed
    for step in at[:-1]:
        inside = inside[step]
    inside[at[-1]] = value
    return changed


def of_another_type(value: object) -> object:
    return 17 if isinstance(value, str) else {"a": 1} if isinstance(value, list) else "seventeen"


@pytest.mark.parametrize("example", WITH_BODY, ids=lambda example: example.name)
def test_fields_of_a_wrong_type(
    example: Example, product: Product, estate: Estate, store: WatchedStore
) -> None:
    if example.name in FREE_FORM:
        return
    method, path, body = example.filled(estate)
    for at in places(body):
        value = body
        for step in at:
            value = value[step]
        field = next((step for step in reversed(at) if isinstance(step, str)), "[0]")
        if example.name == "ingest-v1" and len(at) == 1:
            field = f"[{at[0]}]"
        with nothing_changes(store):
            reply = product.request(method, path, put(body, at, of_another_type(value)))
            refused(reply, field)


_TERMS = ["customer_id", "contract_id"]
_SCHEDULE = ["schedule_name", "starting_at", "value"]
_SEGMENT = ("amount", "starting_at", "ending_before")
_BALANCE = [
    *("customer_id", "priority", "product_id", "access_schedule"),
    "access_schedule.schedule_items",
    *(
        f"access_schedule.schedule_items.0.{field}"
        for field in ("amount", "starting_at", "ending_before")
    ),
]
REQUIRED = {
    "setCustomerBillableStatus-v1": ["customer_id", "billable_status", "effective_at"],
    "archiveCustomer-v1": ["id"],
    "getCustomerBillingProviderConfigurations-v1": ["customer_id"],
    "getCustomerRevenueSystemConfigurations-v1": ["customer_id"],
    "setCustomerBillingProviderConfigurations-v1": [
        *("data", "data.0.customer_id", "data.0.billing_provider", "data.0.delivery_method"),
        "data.0.configuration.stripe_customer_id",
    ],
    "setCustomerRevenueSystemConfigurations-v1": [
        *("data", "data.0.customer_id", "data.0.provider", "data.0.delivery_method"),
        "data.0.configuration.netsuite_customer_id",
    ],
    "archiveCustomerBillingProviderConfigurations-v1": [
        *("customer_id", "customer_billing_provider_configuration_ids")
    ],
    "archiveCustomerRevenueSystemConfigurations-v1": [
        *("customer_id", "customer_revenue_system_configuration_ids")
    ],
    "getCustomerNamedSchedule-v1": ["customer_id", "schedule_name"],
    "updateCustomerNamedSchedule-v1": ["customer_id", *_SCHEDULE],
    "createBillableMetric-v1": ["name", "aggregate", "filter"],
    "updateProduct-v1": ["product_id", "starting_at"],
    "archiveProductListItem-v1": ["product_id"],
    "getRateSchedule-v1": ["rate_card_id", "starting_at"],
    "updateRateCard-v1": ["rate_card_id", "aliases.0.name"],
    "archiveRateCard-v1": ["id"],
    "setRateCardProductsOrder-v1": ["rate_card_id", "product_order"],
    "moveRateCardProducts-v1": [
        *("rate_card_id", "product_moves", "product_moves.0.product_id"),
        "product_moves.0.position",
    ],
    "getRateCardNamedSchedule-v1": ["rate_card_id", "schedule_name"],
    "updateRateCardNamedSchedule-v1": ["rate_card_id", *_SCHEDULE],
    "amendContract-v1": [*_TERMS, "starting_at"],
    "archiveContract-v1": [*_TERMS, "void_invoices"],
    "setUsageFilter-v1": [*_TERMS, "group_key", "group_values", "starting_at"],
    "updateInvoiceIssueDate-v1": ["invoice_id", "issue_date"],
    "updateContractEndDate-v1": _TERMS,
    "getContractRateSchedule-v1": _TERMS,
    "getSubscriptionQuantityHistory-v1": [*_TERMS, "subscription_id"],
    "getSubscriptionSeatsHistory-v1": [*_TERMS, "subscription_id"],
    "listSeatBalances-v1": _TERMS,
    "releaseExternalPaymentGateThresholdCommit-v1": ["workflow_id", "outcome"],
    "updateActiveRechargeConfig-v1": ["customer_id"],
    "scheduleProServicesInvoice-v1": [
        *(*_TERMS, "issued_at", "line_items", "line_items.0.professional_service_id"),
        *("line_items.0.quantity", "line_items.1.amount"),
    ],
    "createHistoricalContractUsageInvoices-v1": [
        *("preview", "invoices"),
        *(
            f"invoices.0.{field}"
            for field in (
                *(*_TERMS, "credit_type_id", "inclusive_start_date", "exclusive_end_date"),
                *("issue_date", "usage_line_items", "breakdown_granularity"),
                "usage_line_items.0.product_id",
            )
        ),
    ],
    "createCustomerWithContract-v1": [
        *("customer", "customer.name", "contract", "contract.starting_at")
    ],
    "getContractNamedSchedule-v1": [*_TERMS, "schedule_name"],
    "listContractsNamedSchedules-v1": ["customer_id"],
    "updateContractNamedSchedule-v1": [*_TERMS, *_SCHEDULE],
    "createPackage-v1": [
        *("name", "aliases.0.name", "overrides.0.override_specifiers"),
        *("overrides.0.starting_at_offset", "overrides.0.duration.unit"),
        *("scheduled_charges.0.product_id", "scheduled_charges.0.schedule"),
        "scheduled_charges.0.schedule.schedule_items.0.date_offset",
        *("subscriptions.0.subscription_rate", "subscriptions.0.initial_quantity"),
    ],
    "getPackage-v1": ["package_id"],
    "archivePackage-v1": ["package_id"],
    "listContractsOnPackage-v1": ["package_id"],
    "getContractEditHistory-v2": _TERMS,
    "editContract-v2": [
        *(*_TERMS, "remove_overrides.0.id"),
        "update_scheduled_charges.0.scheduled_charge_id",
        "update_subscriptions.0.subscription_id",
        "add_billing_provider_configuration_update.billing_provider_configuration",
        "add_billing_provider_configuration_update.schedule",
    ],
    "addManualBalanceLedgerEntry-v1": ["customer_id", "id", "segment_id", "amount", "reason"],
    "editCommit-v2": [
        *("customer_id", "commit_id"),
        *(f"access_schedule.add_schedule_items.0.{name}" for name in _SEGMENT),
        "invoice_schedule.add_schedule_items.0.timestamp",
    ],
    "editCredit-v2": ["customer_id", "credit_id"],
    "archiveCommit-v2": ["customer_id", "commit_id"],
    "archiveCredit-v2": ["customer_id", "credit_id"],
    "updateCommitEndDate-v1": ["customer_id", "commit_id"],
    "updateCreditEndDate-v1": ["customer_id", "credit_id", "access_ending_before"],
    "disableCommitTrueup-v1": ["customer_id", "contract_id", "commit_id"],
    "listCustomerCommits-v1": ["customer_id"],
    "listCustomerCredits-v1": ["customer_id"],
    "listCustomerBalances-v1": ["customer_id"],
    "createCustomerCommit-v1": ["type", *_BALANCE],
    "createCustomerCredit-v1": _BALANCE,
    "getNetBalance-v1": ["customer_id"],
    "archiveAlert-v1": ["id"],
    "createAlert-v1": ["alert_type", "name", "threshold", "billable_metric_id"],
    "getCustomerAlert-v1": ["customer_id", "alert_id"],
    "listCustomerAlerts-v1": ["customer_id"],
    "resetCustomerAlerts-v1": ["customer_id", "alert_id"],
    "createNotificationConfig-v2": ["name", "policy", "policy.type", "policy.offset"],
    "getNotificationConfig-v2": ["id"],
    "editNotificationConfig-v2": ["policy", "policy.type", "policy.offset"],
    "archiveNotificationConfig-v2": ["id"],
    "getSeatsUsage-v1": [
        *("customer_id", "seat_metric_id", "window_size", "usage_type"),
        *("starting_on", "ending_before"),
    ],
    "listSpendBreakdownInvoices-v1": ["starting_on", "ending_before"],
    "voidInvoice-v1": ["id"],
    "listPayments-v1": ["customer_id", "invoice_id"],
    "attemptPayment-v1": ["customer_id", "invoice_id"],
    "cancelPayment-v1": ["customer_id", "invoice_id"],
    "usePlan": ["customer_id", "amount"],
    "regenerateInvoice-v1": ["id"],
    "previewCustomerEvents-v1": ["events", "events.0.event_type"],
    "chargeSeats-v1": ["seat_charges"],
    "addCustomFieldKey-v1": ["entity", "key", "enforce_uniqueness"],
    "disableCustomFieldKey-v1": ["entity", "key"],
    "setCustomFields-v1": ["entity", "entity_id", "custom_fields"],
    "deleteCustomFields-v1": ["entity", "entity_id", "keys"],
    "createCreditType": ["name"],
    "createCustomer-v1": ["name"],
    "setIngestAliases-v1": ["ingest_aliases"],
    "setCustomerName-v1": ["name"],
    "createBillableMetricV1-v1": ["name"],
    "archiveBillableMetric-v1": ["id"],
    "updateBillableMetric-v1": ["name"],
    "getProduct-v1": ["id"],
    "createProduct-v1": ["name", "type", "billable_metric_id"],
    "getRates-v1": ["rate_card_id", "at"],
    "getRateCard-v1": ["id"],
    "createRateCard-v1": ["name"],
    "addRate-v1": ["rate_card_id", "product_id", "starting_at", "entitled", "rate_type", "price"],
    "addRates-v1": ["rate_card_id", "rates"],
    "getContract-v1": ["customer_id", "contract_id"],
    "getContract-v2": ["customer_id", "contract_id"],
    "listContracts-v1": ["customer_id"],
    "listContracts-v2": ["customer_id"],
    "createContract-v1": [
        *("customer_id", "starting_at", "usage_statement_schedule.frequency"),
        *("overrides.0.starting_at", "overrides.0.type", "overrides.0.overwrite_rate"),
        *("overrides.0.overwrite_rate.rate_type", "overrides.0.overwrite_rate.price"),
        *("overrides.1.tiers", "overrides.1.tiers.0.multiplier", "overrides.1.tiers.0.size"),
        *("scheduled_charges.0.product_id", "scheduled_charges.0.schedule"),
        "scheduled_charges.0.schedule.schedule_items.0.timestamp",
        *(
            f"discounts.0.schedule.recurring_schedule.{field}"
            for field in (
                *("starting_at", "ending_before", "frequency", "amount_distribution", "amount"),
            )
        ),
        *(
            f"professional_services.0.{field}"
            for field in ("product_id", "unit_price", "quantity", "max_amount")
        ),
        "reseller_royalties.0.reseller_type",
        *(
            f"subscriptions.0.{field}"
            for field in (
                *("subscription_rate", "subscription_rate.product_id"),
                *("subscription_rate.billing_frequency", "collection_schedule", "proration"),
                "initial_quantity",
            )
        ),
        *("commits.0.type", "commits.0.product_id", "credits.0.access_schedule"),
        *("usage_filter.group_key", "usage_filter.group_values"),
    ],
    "createContract-v1 of a hierarchy, after another": [
        *("transition.type", "transition.from_contract_id"),
        *("hierarchy_configuration.parent.contract_id",),
    ],
    "getPagedUsage-v1": [
        *("customer_id", "billable_metric_id", "window_size", "starting_on", "ending_before")
    ],
    "getUsageBatch-v1": ["window_size", "starting_on", "ending_before"],
    "searchEvents-v1": ["transactionIds"],
    "setUpBillingProvider-v1": ["billing_provider", "delivery_method", "configuration"],
    "createStripeBillingSettings-v1": ["stripe_api_key"],
    "setBillingProviderApiKey-v1": ["api_key"],
    "upsertAnrokApiToken-v1": ["delivery_method_ids", "anrok_api_token"],
    "upsertAvalaraCredentials-v1": [
        *("delivery_method_ids", "avalara_environment", "avalara_username", "avalara_password")
    ],
    "setClientWebhookSecret-v1": ["webhook_secret"],
    "embeddableDashboard-v1": [
        *("customer_id", "dashboard", "dashboard_options.0.key", "dashboard_options.0.value"),
        "bm_group_key_overrides.0.group_key_name",
    ],
    "integrationCloudwatchLogger-v1": [
        *("service_name", "metric_name", "dimensions"),
        *("dimensions.0.name", "dimensions.0.value"),
    ],
    "ingestOlder": ["usage"],
    "createUnit": ["name"],
    "archiveUnit": ["id"],
    "createManualInvoice": ["customer_id", "line_items", "line_items.0.name"],
    "setProductBalance": ["customer_id", "balance"],
    "setRateLimit": ["requests"],
    "createGrant": [
        *("customer_id", "name", "expires_at", "priority", "grant_amount.amount"),
        *("grant_amount.credit_type_id", "paid_amount.amount", "paid_amount.credit_type_id"),
    ],
    "editGrant": ["id"],
    "voidGrant": ["id"],
    "createBillingConfig": ["billing_provider_customer_id"],
    "editContractOlder": ["customer_id"],
    "addTarget": ["target"],
    "addFaults": ["faults", "faults.0.kind", "faults.0.status", "faults.1.milliseconds"],
    "rotateSecret": ["webhook_secret"],
    "redeliver": ["starting_at", "ending_before"],
    "moveClock": ["now"],
}


def without(body: Any, field: str) -> Any:
    """Returns the body without one field, whose place is written with dots."""
    changed = copy.deepcopy(body)
    *outer, last = [int(step) if step.isdigit() else step for step in field.split(".")]
    inside = changed
    for step in outer:
        inside = inside[step]
    del inside[last]
    return changed


@pytest.mark.parametrize("name", REQUIRED)
def test_missing_field(name: str, product: Product, estate: Estate, store: WatchedStore) -> None:
    method, path, body = BY_NAME[name].filled(estate)
    for field in REQUIRED[name]:
        with nothing_changes(store):
            reply = product.request(method, path, without(body, field))
            refused(reply, field.rsplit(".", 1)[-1])


def test_required_fields_are_listed_for_every_operation_that_has_some() -> None:
    # All the fields of these may be left out, or are listed for another request of theirs.
    optional = WITHOUT_BODY | {"ingest-v1", "loadFixtures", "scriptPayments"}
    plain = {example.name for example in WITH_BODY if " " not in example.name}
    assert plain - optional == {name for name in REQUIRED if " " not in name}


@pytest.mark.parametrize("field", ["transaction_id", "customer_id", "event_type", "timestamp"])
def test_missing_field_of_an_event(
    field: str, product: Product, estate: Estate, store: WatchedStore
) -> None:
    incomplete = event("new-2")
    del incomplete[field]
    with nothing_changes(store):
        refused(product.post("/v1/ingest", [event("new-1"), incomplete]), "[1]", field)
    assert product.post("/v1/events/search", {"transactionIds": ["new-1"]}).body == []


# Values

CASES: list[tuple[str, Place, object, str]] = [
    ("setCustomerBillableStatus-v1", ("billable_status",), "perhaps", "billable_status"),
    ("setCustomerBillableStatus-v1", ("effective_at",), "tomorrow", "effective_at"),
    (
        "setCustomerBillingProviderConfigurations-v1",
        ("data", 0, "billing_provider"),
        "paypal",
        "billing_provider",
    ),
    (
        "setCustomerBillingProviderConfigurations-v1",
        ("data", 0, "delivery_method"),
        "pigeon",
        "delivery_method",
    ),
    (
        "setCustomerBillingProviderConfigurations-v1",
        ("data", 0, "configuration", "stripe_collection_method"),
        "cash",
        "stripe_collection_method",
    ),
    (
        "setCustomerBillingProviderConfigurations-v1",
        ("data", 0, "tax_provider"),
        "somebody",
        "tax_provider",
    ),
    ("setCustomerRevenueSystemConfigurations-v1", ("data", 0, "provider"), "sap", "provider"),
    ("updateCustomerNamedSchedule-v1", ("schedule_name",), "", "schedule_name"),
    (
        "updateCustomerNamedSchedule-v1",
        ("ending_before",),
        "2025-02-01T00:00:00Z",
        "ending_before",
    ),
    ("createBillableMetric-v1", ("aggregate",), "median", "aggregate"),
    ("createBillableMetric-v1", ("filter", "oneOf"), [], "oneOf"),
    ("createBillableMetric-v1", ("group_values",), [], "group_values"),
    ("createBillableMetric-v1", ("group_keys",), ["region", "zone"], "group_values"),
    ("updateProduct-v1", ("starting_at",), "2025-02-01T00:30:00Z", "starting_at"),
    ("updateProduct-v1", ("name",), None, "name"),
    ("updateProduct-v1", ("pricing_group_key",), ["color"], "pricing_group_key"),
    ("getRateSchedule-v1", ("selectors", 0, "billing_frequency"), "DAILY", "billing_frequency"),
    ("setRateCardProductsOrder-v1", ("product_order",), ["first"], "product_order.0"),
    ("moveRateCardProducts-v1", ("product_moves", 0, "position"), -1, "position"),
    ("moveRateCardProducts-v1", ("product_moves", 0, "position"), 1.5, "position"),
    ("setUsageFilter-v1", ("group_values",), [], "group_values"),
    ("setUsageFilter-v1", ("starting_at",), "2025-02-01T00:30:00Z", "starting_at"),
    ("updateContractEndDate-v1", ("ending_before",), "2024-11-01T00:00:00Z", "ending_before"),
    ("updateContractEndDate-v1", ("ending_before",), "2024-12-15T00:00:00Z", "ending_before"),
    ("scheduleProServicesInvoice-v1", ("line_items",), [], "line_items"),
    ("scheduleProServicesInvoice-v1", ("line_items", 0, "amount"), 5, "amount"),
    (
        "createHistoricalContractUsageInvoices-v1",
        ("invoices", 0, "exclusive_end_date"),
        "2024-12-01T00:00:00Z",
        "invoices.0",
    ),
    (
        "createHistoricalContractUsageInvoices-v1",
        ("invoices", 0, "breakdown_granularity"),
        "WEEK",
        "breakdown_granularity",
    ),
    ("createPackage-v1", ("duration", "value"), 0, "duration.value"),
    ("createPackage-v1", ("duration", "value"), "1", "duration.value"),
    ("createPackage-v1", ("duration", "unit"), "DECADES", "duration.unit"),
    ("createPackage-v1", ("usage_statement_schedule", "day"), "CUSTOM_DATE", "day"),
    ("createPackage-v1", ("subscriptions", 0, "collection_schedule"), "LATER", "collection"),
    ("listPackages-v1", ("archive_filter",), "SOME", "archive_filter"),
    ("listPackages-v1", ("name",), "Starter", "name"),
    ("archivePackage-v1", ("name",), "Starter", "name"),
    ("listContractsOnPackage-v1", ("covering_date",), "2025-01-15T00:00:00Z", "covering_date"),
    ("createContract-v1", ("overrides", 0, "type"), "DISCOUNT", "overrides.0.type"),
    ("createContract-v1", ("overrides", 0, "multiplier"), 2, "multiplier"),
    ("createContract-v1", ("overrides", 1, "priority"), 0, "priority"),
    ("createContract-v1", ("overrides", 0, "overwrite_rate", "price"), -1, "price"),
    ("createContract-v1", ("overrides", 0, "ending_before"), "2025-01-01T00:00:00Z", "ending"),
    ("createContract-v1", ("scheduled_charges", 0, "schedule", "schedule_items"), [], "schedule"),
    # Nothing is said twice, not even once with nothing in it.
    ("createContract-v1", ("discounts", 0, "schedule", "schedule_items"), [], "schedule"),
    (
        "createContract-v1",
        ("discounts", 0, "schedule", "recurring_schedule", "frequency"),
        "WEEKLY",
        "frequency",
    ),
    ("createContract-v1", ("reseller_royalties", 0, "fraction"), 1.1, "fraction"),
    ("createContract-v1", ("reseller_royalties", 0, "reseller_type"), "IBM", "reseller_type"),
    ("createContract-v1", ("subscriptions", 0, "initial_quantity"), -1, "initial_quantity"),
    ("createContract-v1", ("subscriptions", 0, "collection_schedule"), "ARREARS", "proration"),
    (
        "createContract-v1",
        ("subscriptions", 0, "proration", "rounding", "decimal_places"),
        6,
        "decimal_places",
    ),
    ("createContract-v1", ("commits", 0, "type"), "CREDIT", "type"),
    ("createContract-v1", ("commits", 0, "rollover_fraction"), 2, "rollover_fraction"),
    ("createContract-v1", ("commits", 0, "rate_type"), "MARKET", "rate_type"),
    ("createContract-v1", ("net_payment_terms_days",), "30", "net_payment_terms_days"),
    ("createContract-v1", ("multiplier_override_prioritization",), "ANY", "prioritization"),
    ("createContract-v1", ("rate_card_alias",), "list", "rate_card_alias"),
    ("createContract-v1", ("package_alias",), "team", "package"),
    ("createContract-v1", ("custom_fields",), {"unheard": "of"}, "custom field"),
    ("editContract-v2", ("add_overrides", 0, "type"), "DISCOUNT", "type"),
    ("editContract-v2", ("update_contract_end_date",), "2024-11-01T00:00:00Z", "ending_before"),
    (
        "editContract-v2",
        ("update_subscriptions", 0, "quantity_updates"),
        [{"starting_at": "2025-02-01T00:00:00Z", "quantity": 1, "quantity_delta": 1}],
        "quantity",
    ),
    (
        "editContract-v2",
        ("add_billing_provider_configuration_update", "schedule", "effective_at"),
        "NOW",
        "effective_at",
    ),
    ("addManualBalanceLedgerEntry-v1", ("amount",), "100", "amount"),
    ("addManualBalanceLedgerEntry-v1", ("reason",), "", "reason"),
    ("createCustomerCommit-v1", ("type",), "CREDIT", "type"),
    ("createCustomerCommit-v1", ("access_schedule", "schedule_items"), [], "schedule_items"),
    (
        "createCustomerCommit-v1",
        ("access_schedule", "schedule_items", 0, "ending_before"),
        "2025-01-01T00:00:00Z",
        "ending_before",
    ),
    ("createCustomerCommit-v1", ("applicable_product_tags",), ["ai"], "specifiers"),
    ("createCustomerCommit-v1", ("product_id",), "commit", "product_id"),
    ("createCustomerCredit-v1", ("custom_fields",), {"unheard": "of"}, "custom field"),
    ("createCustomerCredit-v1", ("rollover_fraction",), -0.1, "rollover_fraction"),
    ("editContract-v2", ("add_commits", 0, "type"), "CREDIT", "type"),
    ("amendContract-v1", ("credits", 0, "access_schedule", "schedule_items"), [], "schedule_items"),
    ("editCommit-v2", ("priority",), "high", "priority"),
    (
        "editCommit-v2",
        ("access_schedule", "update_schedule_items", 0, "ending_before"),
        "2024-01-01T00:00:00Z",
        "ending_before",
    ),
    (
        "editCommit-v2",
        ("access_schedule", "remove_schedule_items"),
        [{"id": NOBODYS}],
        NOBODYS,
    ),
    ("editCommit-v2", ("specifiers",), [{"product_tags": ["ai"]}], "specifiers"),
    ("editCommit-v2", ("rollover_fraction",), 1.5, "rollover_fraction"),
    (
        "editCommit-v2",
        ("invoice_schedule", "update_schedule_items"),
        [{"id": NOBODYS, "amount": 5}],
        NOBODYS,
    ),
    ("editCredit-v2", ("rate_type",), "MARKET", "rate_type"),
    ("editCredit-v2", ("name",), "", "name"),
    (
        "updateCommitEndDate-v1",
        ("access_ending_before",),
        "2026-02-01T00:00:00Z",
        "access_ending_before",
    ),
    (
        "updateCreditEndDate-v1",
        ("access_ending_before",),
        "2030-01-01T00:00:00Z",
        "access_ending_before",
    ),
    ("addManualBalanceLedgerEntry-v1", ("uniqueness_key",), "", "uniqueness_key"),
    ("getNetBalance-v1", ("invoice_inclusion_mode",), "ALL", "invoice_inclusion_mode"),
    ("createAlert-v1", ("alert_type",), "too_much", "alert_type"),
    ("createAlert-v1", ("threshold",), "1000", "threshold"),
    ("createAlert-v1", ("alert_type",), "spend_threshold_reached", "billable_metric_id"),
    ("createAlert-v1", ("group_values",), [{"key": "model"}], "group_values"),
    ("createAlert-v1", ("invoice_types_filter",), ["USAGE"], "invoice_types_filter"),
    ("createAlert-v1", ("seat_filter",), {"seat_group_key": "user"}, "seat_filter"),
    ("createAlert-v1", ("custom_field_filters", 0, "entity"), "Invoice", "custom_field_filters"),
    (
        "createAlert-v1",
        ("custom_field_filters",),
        [
            {"entity": "Contract", "key": "a", "value": "1"},
            {"entity": "Commit", "key": "a", "value": "2"},
        ],
        "custom_field_filters",
    ),
    ("listCustomerAlerts-v1", ("alert_statuses",), [], "alert_statuses"),
    ("createNotificationConfig-v2", ("policy", "type"), "contract.begin", "policy.type"),
    ("createNotificationConfig-v2", ("policy", "offset"), "3 days", "policy.offset"),
    ("createNotificationConfig-v2", ("policy", "type"), "commit.edit", "policy.offset"),
    ("editNotificationConfig-v2", ("policy", "type"), "contract.start", "policy.type"),
    ("editNotificationConfig-v2", ("is_enabled",), True, "is_enabled"),
    ("listOffsetNotificationConfigs-v2", ("limit",), 401, "limit"),
    ("listCustomerAlerts-v1", ("alert_statuses",), ["asleep"], "alert_statuses"),
    ("getCustomerAlert-v1", ("group_values", 0, "value"), None, "group_values"),
    ("getNetBalance-v1", ("filters", 0, "balance_types"), ["GIFT"], "balance_types"),
    ("getSeatsUsage-v1", ("usage_type",), "MEAN", "usage_type"),
    ("getSeatsUsage-v1", ("current_period",), True, "current_period"),
    ("listSpendBreakdownInvoices-v1", ("window_size",), "HOUR", "window_size"),
    ("listSpendBreakdownInvoices-v1", ("ending_before",), "2025-01-01T00:00:00Z", "end"),
    ("listSpendBreakdownInvoices-v1", ("status",), "DRAFT", "status"),
    ("previewCustomerEvents-v1", ("events",), [], "events"),
    ("previewCustomerEvents-v1", ("mode",), "both", "mode"),
    ("previewCustomerEvents-v1", ("events", 1, "transaction_id"), "imagined-1", "imagined-1"),
    ("previewCustomerEvents-v1", ("name",), "x", "name"),
    ("addCustomFieldKey-v1", ("entity",), "planet", "entity"),
    ("addCustomFieldKey-v1", ("key",), "", "key"),
    ("addCustomFieldKey-v1", ("key",), "tier", "custom field key"),
    ("setCustomFields-v1", ("custom_fields",), {"unheard": "of"}, "custom field"),
    ("setCustomFields-v1", ("custom_fields", "tier"), "x" * 201, "tier"),
    ("createCustomer-v1", ("name",), "", "name"),
    ("createCustomer-v1", ("ingest_aliases", 0), "", "ingest_aliases.0"),
    ("createCustomer-v1", ("ingest_aliases", 0), "x" * 129, "ingest_aliases.0"),
    ("createCustomer-v1", ("custom_fields", "tier"), "x" * 201, "custom_fields.tier"),
    ("createBillableMetricV1-v1", ("aggregation_type",), "AVERAGE", "aggregation_type"),
    ("createBillableMetricV1-v1", ("aggregation_key",), "minutes", "aggregation key"),
    ("createBillableMetricV1-v1", ("group_keys",), [["country"]], "Group key 'country'"),
    ("createBillableMetricV1-v1", ("group_keys",), [[]], "group_keys.0"),
    ("createBillableMetricV1-v1", ("event_type_filter", "in_values"), [], "in_values"),
    ("createBillableMetricV1-v1", ("sql",), "SELECT 1", "sql"),
    ("archiveBillableMetric-v1", ("id",), "not-a-uuid", "id"),
    ("getProduct-v1", ("id",), "not-a-uuid", "id"),
    ("createProduct-v1", ("type",), "GADGET", "type"),
    ("createProduct-v1", ("pricing_group_key",), ["color"], "pricing_group_key"),
    ("createProduct-v1", ("presentation_group_key",), ["color"], "presentation_group_key"),
    ("createRateCard-v1", ("fiat_credit_type_id",), NOBODYS, "credit_type_id"),
    ("createRateCard-v1", ("fiat_credit_type_id",), "dollars", "fiat_credit_type_id"),
    ("getRateCard-v1", ("id",), "not-a-uuid", "id"),
    ("listRateCards-v1", ("limit",), 5, "limit"),
    ("getRates-v1", ("at",), "2025-01-15", "at"),
    ("addRate-v1", ("price",), -1, "price"),
    ("addRate-v1", ("price",), "3", "price"),
    ("addRate-v1", ("price",), None, "price"),
    ("addRate-v1", ("rate_type",), "LINEAR", "rate_type"),
    ("addRate-v1", ("entitled",), "true", "entitled"),
    ("addRate-v1", ("starting_at",), "2025-02-01T00:30:00Z", "starting_at"),
    ("addRate-v1", ("starting_at",), "2025-02-01T00:00:00", "starting_at"),
    ("addRate-v1", ("starting_at",), "2025-02-30T00:00:00Z", "starting_at"),
    ("addRate-v1", ("starting_at",), "0001-01-01T00:00:00+14:00", "starting_at"),
    ("addRate-v1", ("starting_at",), "9999-12-31T23:00:00-01:00", "starting_at"),
    ("addRate-v1", ("ending_before",), "2025-02-01T00:00:00Z", "ending_before"),
    ("addRate-v1", ("ending_before",), "2025-02-01T05:00:00+05:30", "ending_before"),
    ("addRate-v1", ("credit_type_id",), NOBODYS, "credit_type_id"),
    ("addRate-v1", ("pricing_group_values",), {"model": "small"}, "pricing_group_values"),
    ("addRates-v1", ("rates",), [], "rates"),
    ("addRates-v1", ("rates", 0, "price"), -0.01, "rates.0.price"),
    ("createContract-v1", ("customer_id",), "acme", "customer_id"),
    ("createContract-v1", ("starting_at",), "2025-01-01T00:00:00", "starting_at"),
    ("createContract-v1", ("starting_at",), "2025-01-01T00:00:01Z", "starting_at"),
    ("createContract-v1", ("ending_before",), "2025-01-01T00:00:00Z", "ending_before"),
    ("createContract-v1", ("net_payment_terms_days",), -1, "net_payment_terms_days"),
    ("createContract-v1", ("uniqueness_key",), "x" * 129, "uniqueness_key"),
    ("createContract-v1", ("usage_statement_schedule", "frequency"), "DAILY", "frequency"),
    ("createContract-v1", ("usage_statement_schedule", "day"), "CUSTOM_DATE", "billing_anchor"),
    ("listContracts-v2", ("covering_date",), "2025-01-15T00:00:00Z", "covering_date"),
    ("getPagedUsage-v1", ("window_size",), "WEEK", "window_size"),
    ("getPagedUsage-v1", ("group_key",), ["region"], "group_key"),
    ("getPagedUsage-v1", ("group_filters",), {"region": ["eu"]}, "group_filters"),
    ("getPagedUsage-v1", ("current_period",), True, "current_period"),
    ("getUsageBatch-v1", ("starting_on",), "2025-01-14T01:00:00Z", "starting_on"),
    ("getUsageBatch-v1", ("ending_before",), "2025-01-14T00:00:00Z", "ending_before"),
    ("getUsageBatch-v1", ("customer_ids", 0), "acme", "customer_ids.0"),
    ("getUsageBatch-v1", ("billable_metrics", 0, "group_by", "key"), "region", "region"),
    ("searchEvents-v1", ("transactionIds",), [], "transactionIds"),
    ("setUpBillingProvider-v1", ("billing_provider",), "stripe", "billing_provider"),
    ("setUpBillingProvider-v1", ("delivery_method",), "tackle", "delivery_method"),
    ("createStripeBillingSettings-v1", ("stripe_api_key",), None, "stripe_api_key"),
    ("upsertAnrokApiToken-v1", ("delivery_method_ids",), [], "delivery_method_ids"),
    ("upsertAvalaraCredentials-v1", ("avalara_environment",), "TEST", "avalara_environment"),
    ("setClientWebhookSecret-v1", ("webhook_secret",), "", "webhook_secret"),
    ("rotateDeltaStreamSecret-v1", ("starting_on",), "2025-01-15T11:59:59Z", "starting_on"),
    ("rotateDeltaStreamSecret-v1", ("starting_on",), "2025-02-15T12:00:01Z", "starting_on"),
    ("integrationCloudwatchLogger-v1", ("dimensions",), {}, "dimensions"),
    ("embeddableDashboard-v1", ("dashboard",), "spend", "dashboard"),
    ("embeddableDashboard-v1", ("dashboard_options", 0, "value"), "yes", "dashboard_options.0"),
    ("embeddableDashboard-v1", ("color_overrides", 0, "name"), "Pink", "color_overrides.0"),
    (
        "embeddableDashboard-v1",
        ("color_overrides", 0, "value"),
        "#12345",
        "color_overrides.0.value",
    ),
    ("ingest-v1", (1, "timestamp"), "2025-01-15T10:30:00", "[1].timestamp"),
    ("ingest-v1", (1, "timestamp"), "yesterday", "[1].timestamp"),
    ("ingest-v1", (1, "timestamp"), "2024-12-12T11:59:59Z", "[1].timestamp"),
    ("ingest-v1", (1, "timestamp"), "2025-01-16T12:00:01Z", "[1].timestamp"),
    ("ingest-v1", (1, "transaction_id"), "", "[1].transaction_id"),
    ("ingest-v1", (1, "transaction_id"), "x" * 129, "[1].transaction_id"),
    ("ingest-v1", (1, "customer_id"), "", "[1].customer_id"),
    ("ingest-v1", (1, "event_type"), "", "[1].event_type"),
    ("ingest-v1", (1, "properties"), [], "[1].properties"),
    ("ingestOlder", ("usage",), [], "usage"),
    ("ingestOlder", ("usage", 0, "timestamp"), "2025-01-15T10:30:00", "usage[0].timestamp"),
    ("addTarget", ("target",), "", "target"),
    ("addTarget", ("target",), "example.com/hook", "target"),
    ("addTarget", ("target",), "ftp://example.com/hook", "target"),
    ("addTarget", ("target",), "https://", "target"),
    ("addTarget", ("target",), "https://[::1", "target"),
    ("addTarget", ("target",), "https://example.com:99999/", "target"),
    ("addTarget", ("target",), "https:example.com", "target"),
    ("addTarget", ("target",), "https://example.com\\@127.0.0.1/", "target"),
    ("addTarget", ("target",), "https://user:secret@example.com/", "target"),
    ("addTarget", ("target",), "https://example.com/" + "x" * 2048, "target"),
    ("moveClock", ("now",), "2025-01-20", "now"),
    ("moveClock", ("now",), "2025-01-20T00:00:00", "now"),
    ("moveClock", ("now",), "9999-12-31T00:00:00Z", "now"),
    ("moveClock", ("advance",), "P1D", "exactly one"),
    ("moveClock", ("system",), True, "exactly one"),
]


@pytest.mark.parametrize(
    ("name", "at", "value", "named"),
    CASES,
    ids=[f"{name} {'.'.join(map(str, at))}={str(value)[:30]!r}" for name, at, value, _ in CASES],
)
def test_bad_value(
    name: str,
    at: Place,
    value: object,
    named: str,
    product: Product,
    estate: Estate,
    store: WatchedStore,
) -> None:
    method, path, body = BY_NAME[name].filled(estate)
    with nothing_changes(store):
        refused(product.request(method, path, put(body, at, value)), named)


CUT = [
    ("createCustomer-v1", ("name",)),
    ("setCustomerName-v1", ("name",)),
    ("createCustomerWithContract-v1", ("customer", "name")),
]
"""A customer's name may be of any length: it is cut."""


@pytest.mark.parametrize("example", WITH_BODY, ids=lambda example: example.name)
def test_texts_without_end(
    example: Example, product: Product, estate: Estate, store: WatchedStore
) -> None:
    if example.name in FREE_FORM:
        return
    method, path, body = example.filled(estate)
    for at in places(body):
        value = body
        for step in at:
            value = value[step]
        if not isinstance(value, str) or at[-1] == "value" or (example.name, at) in CUT:
            continue
        field = next((step for step in reversed(at) if isinstance(step, str)), "[0]")
        with nothing_changes(store):
            reply = product.request(method, path, put(body, at, "x" * 1_000_000))
            refused(reply, field)


def test_more_than_can_be_kept(product: Product, estate: Estate, store: WatchedStore) -> None:
    method, path, body = BY_NAME["createContract-v1"].filled(estate)
    long = {**body["professional_services"][0], "description": "x" * 10_000}
    with nothing_changes(store):
        reply = product.request(method, path, {**body, "professional_services": [long] * 40})
        refused(reply, "too large")


@pytest.mark.parametrize(
    "example",
    [one for one in EXAMPLES if one.name in BY_ID and re.search(r"/<\w+_id>", one.path)],
    ids=lambda example: example.name,
)
def test_ids_in_paths_that_are_none(
    example: Example, product: Product, estate: Estate, store: WatchedStore
) -> None:
    _, _, body = example.filled(estate)
    for number in range(len(re.findall(r"<(\w+)>", example.path))):
        kept = iter(range(10))
        path = re.sub(
            r"<(\w+)>",
            lambda found: "not-a-uuid" if next(kept) == number else estate[found[1]],  # noqa: B023
            example.path,
        )
        with nothing_changes(store):
            reply = product.request(example.method, path, body, query=dict(example.query))
            refused(reply, "must be a UUID")


@pytest.mark.parametrize("count", [0, 101])
def test_batches_hold_1_to_100_events(count: int, product: Product, store: WatchedStore) -> None:
    events = [event(f"new-{number}") for number in range(count)]
    with nothing_changes(store):
        refused(product.post("/v1/ingest", events))
        refused(product.post("/v1/usage/ingest", {"usage": events}))


@pytest.mark.parametrize("number", ["1e101", "1e5000", "1e99999999999999999999", "1" * 5000])
def test_numbers_beyond_all_measure(
    number: str, product: Product, estate: Estate, store: WatchedStore
) -> None:
    method, path, body = BY_NAME["addRate-v1"].filled(estate)
    text = json.dumps({**body, "price": 12345}).replace("12345", number)
    with nothing_changes(store):
        refused(product.request(method, path, text=text))


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"advance": -1},
        {"advance": 1.5},
        {"advance": True},
        {"advance": "1 day"},
        {"advance": "P"},
        {"advance": "PT"},
        {"advance": "-P1D"},
        {"advance": "P1000Y"},
        {"advance": "P9999999999D"},
        {"advance": 10**12},
        {"now": "1969-12-31T23:59:59Z"},
        {"system": False},
        {"system": "true"},
    ],
    ids=str,
)
def test_bad_move_of_the_clock(
    body: dict[str, object], product: Product, store: WatchedStore
) -> None:
    with nothing_changes(store):
        refused(product.post("/mock/clock", body))


# Query parameters

LISTS = [example for example in EXAMPLES if "limit" in example.query]


PAGED = [*LISTS, BY_NAME["getUsageBatch-v1"], BY_NAME["listCustomFieldKeys-v1"]]
IN_BODY = [example for example in WITH_BODY if "limit" in example.body]
CURSORS = {
    "getSubscriptionSeatsHistory-v1": "cursor",
    "listSeatBalances-v1": "cursor",
    "listOffsetNotificationConfigs-v2": "cursor",
}
"""What a page token is called where it is not `next_page`."""
LARGEST = {"listOffsetNotificationConfigs-v2": 400}
"""The largest page where it may have more than a hundred entries."""


@pytest.mark.parametrize("example", LISTS, ids=lambda example: example.name)
def test_limit_out_of_range(example: Example, product: Product, estate: Estate) -> None:
    method, path, body = example.filled(estate)
    for limit in ["0", "101", "-1", "ten", "1e1", ""]:
        query = {**example.query, "limit": limit}
        refused(product.request(method, path, body, query=query), "limit")


@pytest.mark.parametrize("example", IN_BODY, ids=lambda example: example.name)
def test_limit_out_of_range_in_the_body(example: Example, product: Product, estate: Estate) -> None:
    method, path, body = example.filled(estate)
    for limit in [0, LARGEST.get(example.name, 100) + 1, -1, 1.5, "5", True]:
        refused(product.request(method, path, {**body, "limit": limit}), "limit")


GARBAGE = ["", "garbage", "AAAA", "WyJhIiwiYiJd", "%00", "é"]


@pytest.mark.parametrize("example", PAGED, ids=lambda example: example.name)
def test_garbage_for_a_page_token(example: Example, product: Product, estate: Estate) -> None:
    method, path, body = example.filled(estate)
    for token in GARBAGE:
        query = {**example.query, "next_page": token}
        refused(product.request(method, path, body, query=query), "next_page")


@pytest.mark.parametrize("example", IN_BODY, ids=lambda example: example.name)
def test_garbage_for_a_page_token_in_the_body(
    example: Example, product: Product, estate: Estate
) -> None:
    method, path, body = example.filled(estate)
    field = CURSORS.get(example.name, "next_page")
    for token in [*GARBAGE, 17]:
        refused(product.request(method, path, {**body, field: token}), field)


@pytest.mark.parametrize("flag", ["yes", "1", ""])
def test_flag_that_is_none(flag: str, product: Product, estate: Estate) -> None:
    path = f"/v1/customers/{estate['customer_id']}/invoices"
    refused(product.get("/v1/customers", only_archived=flag), "only_archived")
    refused(product.get(path, skip_zero_qty_line_items=flag), "skip_zero_qty_line_items")
    refused(product.get(path, sort="by_name"), "sort")
    refused(product.get(path, contract_id="first"), "contract_id")
    refused(product.get(path, starting_on="2025-01-01"), "starting_on")


# Tokens


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_missing_bearer_token(
    example: Example, product: Product, estate: Estate, store: WatchedStore
) -> None:
    method, path, body = example.filled(estate)
    for header in [None, "", "Bearer", "Bearer   ", "Basic ZGVtbzo=", "demo"]:
        headers = {} if header is None else {"authorization": header}
        with nothing_changes(store):
            reply = product.request(method, path, body, token=None, headers=headers)
            refused(reply, "bearer token", status=401)
