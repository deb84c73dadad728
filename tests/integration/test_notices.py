"""What subscribers are told when something changes: every field of every event."""

from typing import Any

from tests.integration.estate import USD
from tests.integration.product import Product, World
from tests.integration.targets import Targets

A = "https://a.example.com/hook"
ACCESS = {
    "schedule_items": [
        {
            "amount": 1000,
            "starting_at": "2025-01-01T00:00:00Z",
            "ending_before": "2026-01-01T00:00:00Z",
        }
    ]
}


def told(product: Product, targets: Targets) -> list[dict[str, Any]]:
    """Returns what was sent since the last look, but for the ids, which differ."""
    product.work_off_webhooks()
    events = targets.events(A)
    targets.posts.clear()
    ids = [event.pop("id") for event in events]
    assert len(set(ids)) == len(ids)
    return events


def create(product: Product, path: str, **body: Any) -> str:
    id_: str = product.post(path, body).data["id"]
    return id_


def fixed_product(product: Product) -> str:
    return create(product, "/v1/contract-pricing/products/create", name="Prepaid", type="FIXED")


def test_balances_of_a_customer(product: Product, world: World, targets: Targets) -> None:
    product.custom_field("commit", "team")
    product.post("/webhooks/subscriptions", {"target": A})
    common = {
        "customer_id": world.customer_id,
        "product_id": fixed_product(product),
        "access_schedule": ACCESS,
        "priority": 1,
    }
    commit_id = create(
        product,
        "/v1/contracts/customerCommits/create",
        **common,
        type="PREPAID",
        custom_fields={"team": "red"},
    )
    shape = {
        "timestamp": "2025-01-15T12:00:00Z",
        "environment_type": "SANDBOX",
        "contract_custom_fields": {},
        "customer_id": world.customer_id,
        "customer_custom_fields": {},
    }
    assert told(product, targets) == [
        {
            "type": "commit.create",
            "commit_id": commit_id,
            "commit_custom_fields": {"team": "red"},
            **shape,
        }
    ]
    credit_id = create(product, "/v1/contracts/customerCredits/create", **common)
    assert told(product, targets) == [
        {"type": "credit.create", "credit_id": credit_id, "credit_custom_fields": {}, **shape}
    ]


def test_a_contract_and_its_balances(product: Product, world: World, targets: Targets) -> None:
    product.custom_field("contract", "seller")
    product.custom_field("customer", "tier")
    set_ = {"entity": "customer", "entity_id": world.customer_id, "custom_fields": {"tier": "gold"}}
    assert product.post("/v1/customFields/setValues", set_).status == 200
    product.post("/webhooks/subscriptions", {"target": A})
    balance = {"product_id": fixed_product(product), "access_schedule": ACCESS}
    contract_id = create(
        product,
        "/v1/contracts/create",
        customer_id=world.customer_id,
        rate_card_id=world.rate_card_id,
        # Nothing is over yet, so no invoice is final at once.
        starting_at="2025-01-01T00:00:00Z",
        custom_fields={"seller": "ann"},
        commits=[{**balance, "type": "PREPAID"}],
        credits=[balance],
    )
    listed = product.post(
        "/v1/contracts/customerBalances/list",
        {"customer_id": world.customer_id, "include_contract_balances": True},
    ).data
    ids = {one["type"]: one["id"] for one in listed}
    shape = {
        "timestamp": "2025-01-15T12:00:00Z",
        "environment_type": "SANDBOX",
        "contract_id": contract_id,
        "contract_custom_fields": {"seller": "ann"},
        "customer_id": world.customer_id,
        "customer_custom_fields": {"tier": "gold"},
    }
    by_type = {event["type"]: event for event in told(product, targets)}
    assert by_type["contract.create"] == {"type": "contract.create", **shape}
    assert by_type["commit.create"] == {
        "type": "commit.create",
        "commit_id": ids["PREPAID"],
        "commit_custom_fields": {},
        **shape,
    }
    assert by_type["credit.create"] == {
        "type": "credit.create",
        "credit_id": ids["CREDIT"],
        "credit_custom_fields": {},
        **shape,
    }


def test_a_recurring_credit_of_a_contract(product: Product, world: World, targets: Targets) -> None:
    product.post("/webhooks/subscriptions", {"target": A})
    recurring = {
        "product_id": fixed_product(product),
        "access_amount": {"unit_price": 10, "quantity": 1, "credit_type_id": USD},
        "priority": 1,
        "commit_duration": {"value": 1},
        "starting_at": "2025-01-01T00:00:00Z",
    }
    contract_id = create(
        product,
        "/v1/contracts/create",
        customer_id=world.customer_id,
        starting_at="2025-01-01T00:00:00Z",
        recurring_credits=[recurring],
    )
    names = {"customer_id": world.customer_id, "contract_id": contract_id}
    [template] = product.post("/v2/contracts/get", names).data["recurring_credits"]
    listed = product.post(
        "/v1/contracts/customerCredits/list",
        {"customer_id": world.customer_id, "include_contract_credits": True},
    ).data
    events = [one for one in told(product, targets) if one["type"] == "credit.create"]
    # January's and, a period ahead, February's.
    assert {one.pop("credit_id") for one in events} == {one["id"] for one in listed}
    assert (
        events
        == [
            {
                "type": "credit.create",
                "credit_custom_fields": {},
                "timestamp": "2025-01-15T12:00:00Z",
                "environment_type": "SANDBOX",
                "parent_recurring_credit_id": template["id"],
                "contract_id": contract_id,
                "contract_custom_fields": {},
                "customer_id": world.customer_id,
                "customer_custom_fields": {},
            }
        ]
        * 2
    )
