"""A token is a world: nothing of one is seen or touched from another."""

from collections.abc import Iterator

import pytest
from tests.integration.conftest import Stage, nothing_changes, opened
from tests.integration.examples import EXAMPLES, Example
from tests.integration.product import Product, World, event
from tests.integration.targets import Targets

from backbeat_local.functions import Function
from backbeat_local.template import Template

NOBODYS = "5d4a7f0e-7f0c-4b5e-9a52-0d0d4f3c2b1a"

ARGUMENTS = {
    # Rates are added to the card; what they price is an argument like any other.
    ("addRate-v1", "product_id"): 400,
    ("addRates-v1", "product_id"): 400,
}
"""Ids that are no subject of the request, with their status where it is not the operation's own."""

FOREIGN = [
    pytest.param(example, reference, id=f"{example.name} {reference}")
    for example in EXAMPLES
    for reference in sorted(example.references())
]


@pytest.fixture
def other(product: Product) -> World:
    """What another token owns."""
    return World.build(product, "other")


@pytest.fixture(scope="module")
def shared(
    template: Template, functions: dict[str, Function]
) -> Iterator[tuple[Stage, World, World]]:
    """A stage with two worlds, for tests that change nothing."""
    with opened(template, functions, {}) as stage:
        yield stage, World.build(stage.product, "demo"), World.build(stage.product, "other")


@pytest.mark.parametrize(("example", "reference"), FOREIGN)
@pytest.mark.parametrize("owner", ["another token", "nobody"])
def test_an_id_that_is_not_the_callers(
    example: Example, reference: str, owner: str, shared: tuple[Stage, World, World]
) -> None:
    stage, world, other = shared
    id_ = getattr(other, reference) if owner == "another token" else NOBODYS
    with nothing_changes(stage.store):
        reply = example.send(stage.product, world, **{reference: id_})
    assert reply.status == ARGUMENTS.get((example.name, reference), example.unknown_id_status)
    assert id_ in reply.body["message"]
    assert reply.body["code"]


def test_there_is_an_example_for_each_kind_of_id() -> None:
    references = {reference for example in EXAMPLES for reference in example.references()}
    assert references == set(World.__slots__) - {"token"}


LISTS = [
    ("GET", "/v1/customers", None),
    ("GET", "/v1/billable-metrics", None),
    ("POST", "/v1/contract-pricing/products/list", {}),
    ("POST", "/v1/contract-pricing/rate-cards/list", {}),
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
    method: str, path: str, body: object, product: Product, world: World, targets: Targets
) -> None:
    target = {"target": "https://example.com/hook"}
    product.post("/webhooks/subscriptions", target, token=world.token)
    targets.down.add(target["target"])
    product.post("/webhooks/dispatch", {"type": "test"}, token=world.token)
    product.work_off_webhooks()
    own = product.request(method, path, body, token=world.token)
    assert len(own.data) > 0
    assert product.request(method, path, body, token="empty").data == []


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
