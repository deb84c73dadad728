"""Invoices and balances that are set by hand: nothing is rated, all else goes as usual."""

from decimal import Decimal
from typing import Any

import pytest

from tests.integration.estate import USD, Estate
from tests.integration.product import Product, TestClock, World
from tests.integration.targets import Targets


def invoiced(product: Product, world: World, *lines: dict[str, Any]) -> Any:
    body = {"customer_id": world.customer_id, "contract_id": world.contract_id}
    return product.post("/mock/invoices", {**body, "line_items": list(lines)})


def test_an_invoice_has_the_lines_that_are_given(product: Product, world: World) -> None:
    made = invoiced(
        product,
        world,
        {"name": "Support", "quantity": 3, "unit_price": 12.5},
        {"name": "Goodwill", "amount": -7.25},
    ).data
    # 3 x 12.5 - 7.25 = 30.25
    assert (made["status"], made["total"]) == ("FINALIZED", Decimal("30.25"))
    assert [(line["name"], line["total"]) for line in made["line_items"]] == [
        ("Support", Decimal("37.5")),
        ("Goodwill", Decimal("-7.25")),
    ]
    path = f"/v1/customers/{world.customer_id}/invoices"
    assert product.get(f"{path}/{made['id']}").data == made
    assert made in product.get(path).data


def test_it_changes_nothing_of_what_the_contract_bills(product: Product, world: World) -> None:
    path = f"/v1/customers/{world.customer_id}/invoices/{world.invoice_id}"
    before = product.get(path).data
    made = invoiced(product, world, {"name": "Support", "amount": 1}).data
    assert product.get(path).data == before
    product.post("/mock/clock", {"now": "2025-02-03T00:00:00Z"})
    final = product.get(path).data
    # 3 calls at 2 cents and 30 tokens at 0.5 cents.
    assert (final["status"], final["total"]) == ("FINALIZED", 21)
    assert product.get(path.replace(world.invoice_id, made["id"])).data["total"] == 1


def test_subscribers_are_told_of_it(product: Product, world: World, targets: Targets) -> None:
    product.post("/webhooks/subscriptions", {"target": "https://example.com/hook"})
    made = invoiced(product, world, {"name": "Support", "amount": 1}).data
    product.work_off_webhooks()
    told = [post.event for post in targets.posts if post.event["type"] == "invoice.finalized"]
    assert [one["properties"]["invoice_id"] for one in told] == [made["id"]]


def test_it_can_be_taken_back(product: Product, world: World) -> None:
    made = invoiced(product, world, {"name": "Support", "amount": 1}).data
    assert product.post("/v1/invoices/void", {"id": made["id"]}).status == 200
    path = f"/v1/customers/{world.customer_id}/invoices/{made['id']}"
    assert product.get(path).data["status"] == "VOID"
    # Nothing but the given amounts says what it should be.
    assert product.post("/v1/invoices/regenerate", {"id": made["id"]}).status == 400


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ({"name": "a"}, "amount"),
        ({"name": "a", "amount": 1, "quantity": 1, "unit_price": 1}, "amount"),
        ({"name": "a", "quantity": 1}, "amount"),
        ({"name": "a", "amount": "1"}, "amount"),
        ({"amount": 1}, "name"),
        ({"name": "a", "amount": 1, "price": 1}, "price"),
    ],
)
def test_a_line_that_does_not_say_how_much(
    line: dict[str, Any], field: str, product: Product, world: World
) -> None:
    reply = invoiced(product, world, line)
    assert (reply.status, field in reply.body["message"]) == (400, True)


# Balances


def left(product: Product, estate: Estate) -> dict[str, Decimal]:
    found = product.get("/mock/balances", customer_id=estate["customer_id"]).data
    return {one["product"]["id"]: one["balance"] for one in found}


def set_to(product: Product, estate: Estate, balance: float) -> Any:
    return product.post(
        "/mock/balances",
        {
            "customer_id": estate["customer_id"],
            "product_id": estate["setup_product_id"],
            "balance": balance,
        },
    )


def test_a_balance_is_what_it_is_set_to(product: Product, estate: Estate) -> None:
    setup = estate["setup_product_id"]
    before = left(product, estate)
    for amount in (500, 120.5, 800, 0, 3):
        shown = set_to(product, estate, amount).data
        is_now = {one["product"]["id"]: one["balance"] for one in shown}
        assert is_now[setup] == Decimal(str(amount))
        assert left(product, estate) == {**before, setup: Decimal(str(amount))} == is_now


def test_what_is_set_pays_for_usage(product: Product, world: World) -> None:
    product_id = product.post(
        "/v1/contract-pricing/products/create", {"name": "Grant", "type": "FIXED"}
    ).data["id"]
    body = {"customer_id": world.customer_id, "product_id": product_id, "balance": 15}
    assert product.post("/mock/balances", body).status == 200
    later = {
        "transaction_id": "later",
        "customer_id": "acme",
        "event_type": "call",
        "timestamp": "2025-01-15T12:00:00Z",
    }
    assert product.post("/v1/ingest", [later]).status == 200
    invoice = product.get(f"/v1/customers/{world.customer_id}/invoices/{world.invoice_id}").data
    # The grant begins at noon: the 21 cents of 10:30 lie before it, the call's 2 cents do not.
    assert invoice["total"] == 21
    assert product.get("/mock/balances", customer_id=world.customer_id).data == [
        {"product": {"id": product_id, "name": "Grant"}, "balance": 13}
    ]


def test_the_shortest_requests(product: Product, world: World) -> None:
    made = product.post(
        "/mock/invoices", {"customer_id": "acme", "line_items": [{"name": "a", "amount": 500}]}
    ).data
    assert (made["contract_id"], made["total"]) == (world.contract_id, 500)
    for amount in (1000, 250):
        shown = product.post("/mock/balances", {"customer_id": "acme", "balance": amount}).data
        assert [(one["product"]["name"], one["balance"]) for one in shown] == [
            ("Balance set by hand", amount)
        ]
    reply = product.post("/mock/balances", {"customer_id": "nobody", "balance": 1})
    assert (reply.status, "nobody" in reply.body["message"]) == (404, True)


def test_a_contract_must_be_named_where_there_are_several(product: Product, world: World) -> None:
    product.post(
        "/v1/contracts/create",
        {"customer_id": world.customer_id, "starting_at": "2025-01-01T00:00:00Z"},
    )
    body = {"customer_id": world.customer_id, "line_items": [{"name": "a", "amount": 1}]}
    reply = product.post("/mock/invoices", body)
    assert (reply.status, "contract_id" in reply.body["message"]) == (400, True)


def test_an_alert_notices_a_balance(
    product: Product, world: World, targets: Targets, clock: TestClock
) -> None:
    product.post("/webhooks/subscriptions", {"target": "https://example.com/hook"})
    low = "low_remaining_contract_credit_and_commit_balance_reached"
    product.post("/mock/balances", {"customer_id": "acme", "balance": 1000})
    product.post(
        "/v1/alerts/create",
        {
            "alert_type": low,
            "name": "Low",
            "threshold": 100,
            "customer_id": world.customer_id,
            "credit_type_id": USD,
        },
    )
    product.post("/mock/balances", {"customer_id": "acme", "balance": 99})
    for _ in range(3):
        clock.advance(minutes=2)
        product.tick()
        product.work_off_jobs()
        product.work_off_webhooks()
    assert f"alerts.{low}" in [post.event["type"] for post in targets.posts]


def test_a_balance_below_nothing(product: Product, estate: Estate) -> None:
    reply = set_to(product, estate, -1)
    assert (reply.status, "balance" in reply.body["message"]) == (400, True)
