"""A token is a world: nothing of one is seen or touched from another."""

from typing import Any
from uuid import uuid4

import pytest

from tests.integration.conftest import nothing_changes
from tests.integration.estate import Estate
from tests.integration.examples import EXAMPLES, Example, fill
from tests.integration.product import Product, World, event
from tests.integration.store import WatchedStore
from tests.integration.targets import Targets

_SOLD = {"product_id", "tokens_product_id", "setup_product_id", "seat_product_id"}
_TERMS = {*_SOLD, "service_product_id"}
ARGUMENTS: dict[str, set[str]] = {
    "createProduct-v1": {"tokens_metric_id"},
    "createProduct-v1 composite": {"product_id"},
    "updateProduct-v1": {"tokens_metric_id"},
    "createRateCard-v1": {"unit_id"},
    "addRate-v1": {"product_id"},
    "addRates-v1": {"product_id", "tokens_product_id"},
    "setRateCardProductsOrder-v1": {"product_id"},
    "moveRateCardProducts-v1": {"product_id"},
    "createContract-v1": _TERMS,
    "createContract-v1 of a hierarchy, after another": {"account_id", "revenue_account_id"},
    "createCustomerWithContract-v1": {"product_id", "tokens_product_id"},
    "createPackage-v1": _SOLD,
    "createHistoricalContractUsageInvoices-v1": {"product_id"},
    "amendContract-v1": _TERMS,
    "editContract-v2": {
        *_TERMS,
        *("account_id", "revenue_account_id", "charge_id", "override_id", "subscription_id"),
        "recurring_credit_id",
        # The documentation names a code for the contract, and no 404.
        "terms_contract_id",
    },
    "createCustomerCommit-v1": {"product_id", "setup_product_id"},
    "createCustomerCredit-v1": {"product_id", "setup_product_id"},
    "getNetBalance-v1": {"unit_id"},
    "createAlert-v1 of groups in a unit": {"unit_id"},
    "listSeatBalances-v1": {"subscription_id"},
    "setProductBalance": {"setup_product_id"},
}
"""Ids that a request refers to besides its subject: unknown ones answer 400."""

PARENTS = "createContract-v1 of a hierarchy, after another"
"""Its `customer_id` says whose contract the parent is, and the contract is what is not found."""

FOREIGN = [
    pytest.param(example, reference, id=f"{example.name} {reference}")
    for example in EXAMPLES
    for reference in sorted(example.references())
]


@pytest.fixture
def other(product: Product) -> World:
    """What another token owns."""
    return World.build(product, "other")


@pytest.mark.parametrize(("example", "reference"), FOREIGN)
@pytest.mark.parametrize("owner", ["another token", "nobody"])
def test_an_id_that_is_not_the_callers(
    example: Example,
    reference: str,
    owner: str,
    product: Product,
    estate: Estate,
    other_estate: Estate,
    store: WatchedStore,
) -> None:
    id_ = other_estate[reference] if owner == "another token" else str(uuid4())
    with nothing_changes(store):
        reply = example.send(product, estate, **{reference: id_})
    is_argument = reference in ARGUMENTS.get(example.name, ())
    assert reply.status == (400 if is_argument else example.unknown_id_status)
    named = estate["contract_id"] if (example.name, reference) == (PARENTS, "customer_id") else id_
    assert named in reply.body["message"]
    assert reply.body["code"]


def test_there_is_an_example_for_each_kind_of_id(estate: Estate) -> None:
    references = {reference for example in EXAMPLES for reference in example.references()}
    assert references == set(estate.ids)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_answers_hold_nothing_of_another_token(
    example: Example, product: Product, estate: Estate, other_estate: Estate
) -> None:
    reply = example.send(product, other_estate)
    assert reply.status == example.status
    text = reply.body if isinstance(reply.body, bytes) else str(reply.body).encode()
    assert [name for name, id_ in estate.ids.items() if id_.encode() in text] == []


FILTERS: list[tuple[str, dict[str, Any], str]] = [
    ("/v1/contracts/customerBalances/list", {"customer_id": "<partner_id>"}, "id=balance_id"),
    ("/v1/contracts/customerCommits/list", {"customer_id": "<partner_id>"}, "commit_id=balance_id"),
    ("/v1/contracts/customerCredits/list", {"customer_id": "<partner_id>"}, "credit_id=balance_id"),
    (
        "/v1/contract-pricing/rate-cards/getRates",
        {"rate_card_id": "<rate_card_id>", "at": "2025-01-15T00:00:00Z"},
        "selectors=product_id",
    ),
]


@pytest.mark.parametrize(("path", "body", "filter_"), FILTERS, ids=[path for path, *_ in FILTERS])
def test_a_foreign_id_in_a_filter_lets_nothing_pass(
    path: str,
    body: dict[str, Any],
    filter_: str,
    product: Product,
    estate: Estate,
    other_estate: Estate,
) -> None:
    field, reference = filter_.split("=")
    foreign = other_estate[reference]
    filled = {name: fill(value, estate.ids) for name, value in body.items()}
    filled[field] = [{"product_id": foreign}] if field == "selectors" else foreign
    assert product.post(path, filled).data == []


def test_invoices_of_a_foreign_contract_are_none(
    product: Product, estate: Estate, other_estate: Estate
) -> None:
    path = f"/v1/customers/{estate['customer_id']}/invoices"
    assert product.get(path, contract_id=other_estate["contract_id"]).data == []


LISTS = [
    ("GET", "/v1/customers", None),
    ("GET", "/v1/billable-metrics", None),
    ("POST", "/v1/contract-pricing/products/list", {}),
    ("POST", "/v1/contract-pricing/rate-cards/list", {}),
    ("POST", "/v1/packages/list", {}),
    ("POST", "/v1/customFields/listKeys", {}),
    ("GET", "/webhooks/subscriptions", None),
    ("GET", "/webhooks/deliveries", None),
    ("GET", "/webhooks/dead-letters", None),
    (
        "POST",
        "/v1/usage",
        {
            "window_size": "NONE",
            "starting_on": "2025-01-01T00:00:00Z",
            "ending_before": "2025-02-01T00:00:00Z",
        },
    ),
]


@pytest.mark.parametrize("settings", [{"BACKBEAT_WEBHOOK_MAX_ATTEMPTS": "1"}])
@pytest.mark.parametrize(("method", "path", "body"), LISTS, ids=[path for _, path, _ in LISTS])
def test_lists_show_nothing_of_others(
    method: str, path: str, body: object, product: Product, estate: Estate, targets: Targets
) -> None:
    target = {"target": "https://example.com/hook"}
    product.post("/webhooks/subscriptions", target, token=estate.token)
    targets.down.add(target["target"])
    product.post("/webhooks/dispatch", {"type": "test"}, token=estate.token)
    product.work_off_webhooks()
    own = product.request(method, path, body, token=estate.token)
    assert len(own.data) > 0
    assert product.request(method, path, body, token="empty").data == []


def test_custom_pricing_units_are_the_tokens_own(product: Product, estate: Estate) -> None:
    def units(token: str) -> list[str]:
        listed = product.get("/v1/credit-types/list", token=token, limit="100").data
        return [one["id"] for one in listed if not one["is_currency"]]

    assert units(estate.token) == [estate["unit_id"]]
    assert units("empty") == []


def test_events_are_found_by_their_sender_only(product: Product, world: World) -> None:
    search = {"transactionIds": ["call-1"]}
    assert len(product.post("/v1/events/search", search).body) == 1
    assert product.post("/v1/events/search", search, token="other").body == []


def test_aliases_ids_and_transaction_ids_are_the_tokens_own(
    product: Product, world: World, other: World
) -> None:
    # Both worlds have a customer with alias `acme`, a contract `first` and events `call-0` to 2.
    for one, token in [(world, "demo"), (other, "other")]:
        [found] = product.get("/v1/customers", token=token, ingest_alias="acme").data
        assert found["id"] == one.customer_id
        [invoice] = product.get(f"/v1/customers/{one.customer_id}/invoices", token=token).data
        # 3 calls × 2 cents + 30 tokens × 0.5 cents
        assert invoice["total"] == 21
    assert product.get("/v1/customers", customer_ids=other.customer_id).data == []


def test_an_event_for_a_foreign_customer_counts_for_nobody(
    product: Product, world: World, other: World
) -> None:
    sent = product.post("/v1/ingest", [event("stray", customer_id=other.customer_id)])
    assert sent.status == 200
    [stray] = product.post("/v1/events/search", {"transactionIds": ["stray"]}).body
    assert "matched_customer" not in stray
    for one, token in [(world, "demo"), (other, "other")]:
        [invoice] = product.get(f"/v1/customers/{one.customer_id}/invoices", token=token).data
        assert invoice["total"] == 21


def test_clocks_secrets_and_resets_are_the_tokens_own(
    product: Product, world: World, other: World
) -> None:
    real = product.get("/mock/clock").data
    product.post("/mock/clock", {"now": "2030-01-01T00:00:00Z"}, token="other")
    assert product.get("/mock/clock").data == real
    product.post("/mock/reset", token="other")
    assert product.get(f"/v1/customers/{world.customer_id}").status == 200
    assert product.get(f"/v1/customers/{other.customer_id}", token="other").status == 404
