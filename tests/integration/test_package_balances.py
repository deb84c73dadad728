"""Commits, credits and thresholds of packages, and what contracts make of them."""

from decimal import Decimal
from typing import Any

import pytest

from tests.integration.test_packages import JSON, Catalog, half_off, months
from tests.integration.worked.world import lines

START = "2025-01-31T00:00:00Z"


def access(amount: int, offset: int = 0, lasts: int = 1) -> JSON:
    return {"amount": amount, "starting_at_offset": months(offset), "duration": months(lasts)}


def commit(fixed: str, *segments: JSON, **fields: Any) -> JSON:
    return {
        "type": "PREPAID",
        "product_id": fixed,
        "name": "Prepaid",
        "access_schedule": {"schedule_items": list(segments)},
        **fields,
    }


def due(unit_price: int, quantity: int, offset: int) -> JSON:
    return {"unit_price": unit_price, "quantity": quantity, "date_offset": months(offset)}


def test_a_contract_takes_its_commits_and_credits_from_the_package() -> None:
    shop = Catalog(START)
    world, customer = shop.world, shop.world.customer()
    fixed = world.product(type="FIXED")
    schedule = {"schedule_items": [due(300, 2, 0), due(250, 1, 1)]}
    package = shop.package(
        commits=[
            commit(
                fixed,
                access(400, 0, 1),
                access(600, 1, 1),
                invoice_schedule=schedule,
                priority=3,
                rollover_fraction=0.5,
                applicable_product_ids=[shop.product],
                temporary_id="first",
            )
        ],
        credits=[{**commit(fixed, access(70, 0, 2)), "name": "Welcome", "priority": 5}],
        # Only what the commit pays costs half.
        overrides=[
            half_off(
                is_commit_specific=True,
                override_specifiers=[{"product_id": shop.product, "commit_ids": ["first"]}],
            )
        ],
    )

    contract = shop.contract(customer, START, package_id=package)

    found = shop.read(customer, contract)
    [held], [welcome] = found["commits"], found["credits"]
    segments = held["access_schedule"]["schedule_items"]
    # A month after 31 January is 28 February, and a month after that 28 March.
    assert [
        (one["amount"], one["starting_at"][:10], one["ending_before"][:10]) for one in segments
    ] == [(400, "2025-01-31", "2025-02-28"), (600, "2025-02-28", "2025-03-28")]
    assert (held["priority"], held["rollover_fraction"]) == (3, 0.5)
    assert (welcome["name"], welcome["priority"]) == ("Welcome", 5)
    [override] = found["overrides"]
    assert override["override_specifiers"][0]["commit_ids"] == [held["id"]]
    bought = [
        (one["issued_at"][:10], *lines(one, "quantity", "unit_price", "commit_id"))
        for one in world.invoices(customer, type="SCHEDULED")
    ]
    assert bought == [
        ("2025-01-31", (2, 300, held["id"])),
        ("2025-02-28", (1, 250, held["id"])),
    ]
    # 400 pay 8 units at 50, 70 pay 0.7 at 100, and 1.3 are owed.
    world.use(customer, 10, "2025-01-31T00:00:00Z")
    assert lines(world.draft(customer), "type", "quantity", "total") == [
        ("usage", 8, 400),
        ("applied_commit_or_credit", None, -400),
        ("usage", Decimal("0.7"), 70),
        ("applied_commit_or_credit", None, -70),
        ("usage", Decimal("1.3"), 130),
    ]


def test_a_package_shows_its_commits_credits_and_thresholds() -> None:
    shop = Catalog()
    world = shop.world
    for entity in ("package_commit", "package_credit"):
        key = {"entity": entity, "key": "team", "enforce_uniqueness": False}
        world.post("/v1/customFields/addKey", key)
    fixed = world.product(type="FIXED")
    threshold = {
        "is_enabled": True,
        "threshold_amount": 500,
        "commit": {"product_id": fixed},
        "payment_gate_config": {"payment_gate_type": "NONE"},
    }
    package = shop.package(
        commits=[
            commit(
                fixed,
                access(400),
                invoice_schedule={"schedule_items": [due(300, 1, 0)], "do_not_invoice": True},
                custom_fields={"team": "red"},
            )
        ],
        credits=[{**commit(fixed, access(70)), "specifiers": [{"product_tags": ["llm"]}]}],
        spend_threshold_configuration=threshold,
        prepaid_balance_threshold_configuration={**threshold, "recharge_to_amount": 2500},
    )

    shown = world.post("/v1/packages/get", {"package_id": package})
    [held], [welcome] = shown["commits"], shown["credits"]
    assert held["access_schedule"]["schedule_items"][0]["duration"] == months(1)
    assert held["invoice_schedule"]["do_not_invoice"] is True
    assert held["invoice_schedule"]["schedule_items"][0]["date_offset"] == months(0)
    assert (held["type"], held["product"]["id"], held["custom_fields"]) == (
        "PREPAID",
        fixed,
        {"team": "red"},
    )
    assert welcome["specifiers"] == [{"product_tags": ["llm"]}]
    assert shown["spend_threshold_configuration"]["threshold_amount"] == 500
    assert shown["prepaid_balance_threshold_configuration"]["recharge_to_amount"] == 2500
    values = {"entity": "package_credit", "entity_id": welcome["id"]}
    world.post("/v1/customFields/setValues", {**values, "custom_fields": {"team": "blue"}})
    [welcome] = world.post("/v1/packages/get", {"package_id": package})["credits"]
    assert welcome["custom_fields"] == {"team": "blue"}

    customer = world.customer()
    found = shop.read(customer, shop.contract(customer, package_id=package))
    assert found["spend_threshold_configuration"]["threshold_amount"] == 500
    assert found["prepaid_balance_threshold_configuration"]["recharge_to_amount"] == 2500


@pytest.mark.parametrize(
    ("terms", "named"),
    [
        ({"commits": [{"rollover_fraction": 2}]}, "commits[0].rollover_fraction"),
        ({"commits": [{"type": "CREDIT"}]}, "type"),
        (
            # A postpaid commit is invoiced once, for all of it.
            {"commits": [{"type": "POSTPAID"}]},
            "commits[0]",
        ),
        ({"credits": [{}, {"product_id": "00000000-0000-4000-8000-000000000000"}]}, "credits[1]"),
        ({"credits": [{"access_schedule": {"schedule_items": []}}]}, "schedule_items"),
    ],
)
def test_what_no_contract_could_have_is_refused_with_the_package(
    terms: dict[str, list[JSON]], named: str
) -> None:
    shop = Catalog()
    fixed = shop.world.product(type="FIXED")
    body = {
        "name": "Starter",
        "rate_card_id": shop.card,
        **{
            kind: [{**commit(fixed, access(5)), **changes} for changes in given]
            for kind, given in terms.items()
        },
    }
    assert named in shop.world.refused("/v1/packages/create", body)["message"]
    assert shop.world.post("/v1/packages/list", {}) == []
