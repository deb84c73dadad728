"""The older mock's methods and paths where the profile is off: they mean the documented ones."""

from typing import Any

import pytest

from tests.integration.product import Product, World


def contract_body(world: World) -> dict[str, Any]:
    return {
        "customer_id": world.customer_id,
        "rate_card_id": world.rate_card_id,
        "starting_at": "2025-02-01T00:00:00Z",
    }


@pytest.mark.parametrize("path", ["/v1/contracts", "/v2/contracts", "/v2/contracts/create"])
def test_contracts_are_created(path: str, product: Product, world: World) -> None:
    reply = product.post(path, contract_body(world))
    assert (reply.status, reply.data.keys()) == (200, {"id"})
    body = {"customer_id": world.customer_id, "contract_id": reply.data["id"]}
    assert product.post("/v2/contracts/get", body).status == 200


@pytest.mark.parametrize("root", ["/v1/contracts", "/v2/contracts"])
def test_contracts_are_read_in_the_newer_form(root: str, product: Product, world: World) -> None:
    named = {"customer_id": world.customer_id}
    expected = product.post("/v2/contracts/get", {**named, "contract_id": world.contract_id}).data
    assert product.get(f"{root}/{world.contract_id}", **named).data == expected
    assert product.get(root, **named).data == [expected]
    assert product.get(root, **named, covering_date="2024-12-01T00:00:00Z").data == []
    assert product.get(root).status == 400
    assert product.get(f"{root}/{world.contract_id}").status == 400
    unknown = "00000000-0000-4000-8000-000000000000"
    assert product.get(f"{root}/{unknown}", **named).status == 404
    other = product.get(f"{root}/{world.contract_id}", token="other", **named)
    assert other.status == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
@pytest.mark.parametrize("root", ["/v1/contracts", "/v2/contracts"])
def test_contracts_are_edited(root: str, method: str, product: Product, world: World) -> None:
    body = {"customer_id": world.customer_id, "update_contract_name": f"{method} {root}"}
    reply = product.request(method, f"{root}/{world.contract_id}/edit", body)
    assert (reply.status, reply.data.keys()) == (200, {"id"})
    named = {**body, "contract_id": world.contract_id, "update_contract_name": "by body"}
    assert product.request(method, f"{root}/edit", named).status == 200
    read = {"customer_id": world.customer_id, "contract_id": world.contract_id}
    assert product.post("/v2/contracts/get", read).data["name"] == "by body"


def test_archived_contracts_are_listed_on_request(product: Product, world: World) -> None:
    body = {
        "customer_id": world.customer_id,
        "contract_id": world.contract_id,
        "void_invoices": True,
    }
    assert product.post("/v1/contracts/archive", body).status == 200
    named = {"customer_id": world.customer_id}
    assert product.get("/v2/contracts", **named).data == []
    assert len(product.get("/v2/contracts", **named, include_archived="true").data) == 1


def test_balances_are_added_up_by_product(product: Product, world: World) -> None:
    created = product.post(
        "/v1/contract-pricing/products/create", {"name": "Prepaid", "type": "FIXED"}
    )
    for amount in (1000, 500):
        credit = {
            "customer_id": world.customer_id,
            "product_id": created.data["id"],
            "priority": 1,
            "access_schedule": {
                "schedule_items": [
                    {
                        "amount": amount,
                        "starting_at": "2025-01-01T00:00:00Z",
                        "ending_before": "2026-01-01T00:00:00Z",
                    }
                ]
            },
        }
        assert product.post("/v1/contracts/customerCredits/create", credit).status == 200
    # 3 calls × 2 cents + 30 tokens × 0.5 cents are drawn by the draft: 1500 − 21.
    assert product.get("/v1/contracts/balances", customer_id=world.customer_id).data == [
        {"product": {"id": created.data["id"], "name": "Prepaid"}, "balance": 1479}
    ]


def test_invoices_by_the_other_path(product: Product, world: World) -> None:
    own = f"/v1/customers/{world.customer_id}/invoices"
    alias = f"/v1/invoices/{world.customer_id}/invoices"
    assert product.get(alias).data == product.get(own).data
    one = product.get(f"{alias}/{world.invoice_id}").data
    assert one == product.get(f"{own}/{world.invoice_id}").data
    product.post("/mock/clock", {"now": "2025-03-15T00:00:00Z"})
    finals = product.get(alias, status="FINALIZED", sort="date_desc").data
    assert [final["start_timestamp"][:7] for final in finals] == ["2025-02", "2025-01"]
    for final, root in zip(finals, ("/v1/invoices", "/v1/customers"), strict=True):
        assert product.post(f"{root}/{final['id']}/void").data == {"id": final["id"]}
        assert product.get(f"{own}/{final['id']}").data["status"] == "VOID"


def test_customers_are_archived_by_path(product: Product, world: World) -> None:
    path = f"/v1/customers/{world.customer_id}"
    assert product.post(f"{path}/archive").data == {"id": world.customer_id}
    assert product.get(path).data["archived_at"] is not None


def test_errors_are_not_nested_and_nobody_goes_without_a_token(
    product: Product, world: World
) -> None:
    refused = product.get("/v2/contracts")
    assert (refused.status, "error" in refused.body) == (400, False)
    assert product.request("GET", "/v2/contracts", token=None).status == 401


@pytest.mark.parametrize(
    "path",
    ["/v1/customers/{}/invoices", "/v1/invoices/{}/invoices"],
)
def test_what_only_the_profile_has(path: str, product: Product, world: World) -> None:
    reply = product.post(path.format(world.customer_id), {})
    assert (reply.status, "profile" in reply.body["message"]) == (404, True)
