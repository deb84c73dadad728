"""Conformance checklist, items 8 to 14: pricing."""

from decimal import Decimal
from typing import Any

from tests.integration.worked.test_balances import access, commit
from tests.integration.worked.world import JSON, World, lines

START = {"starting_at": "2025-01-01T00:00:00Z"}


def shop(**rate: Any) -> tuple[World, str, str, str]:
    """Returns a world on 31 January with a customer, a product and a card that prices it."""
    world = World("2025-01-31T00:00:00Z")
    customer, product, card = world.customer(), world.product(world.metric()), world.rate_card()
    world.rate(card, product, **rate)
    return world, customer, product, card


def test_conformance_8_ladders() -> None:
    world, customer, product, card = shop(tiers=[(10, 10), (None, 5)])
    by_team = world.product(
        world.metric(groups=[["team"]], event_type="team"), presentation_group_key=["team"]
    )
    world.rate(card, by_team, tiers=[(10, 1), (None, 2)])
    changing = world.product(world.metric(event_type="changing"))
    world.rate(card, changing, tiers=[(100, 10), (None, 8)])
    later = "2025-01-15T00:00:00Z"
    world.rate(card, changing, tiers=[(100, 12), (None, 9)], start=later)
    credit = {
        "product_id": world.product(type="FIXED"),
        "access_schedule": access(70),
        "applicable_product_ids": [product],
    }
    world.contract(customer, card, credits=[credit])
    world.use(customer, 10, "2025-01-02T00:00:00Z")
    draft = world.draft(customer)
    # The tenth unit still belongs to the lower step.
    assert [line["tier"]["level"] for line in draft["line_items"] if line.get("tier")][:2] == [1, 1]
    world.use(customer, 4, "2025-01-03T00:00:00Z")
    for team, units in (("a", 8), ("b", 12)):
        world.use(customer, units, "2025-01-02T00:00:00Z", event_type="team", team=team)
    world.use(customer, 80, "2025-01-02T00:00:00Z", event_type="changing")
    world.use(customer, 70, "2025-01-20T00:00:00Z", event_type="changing")

    found: dict[str, list[tuple[Any, ...]]] = {}
    for line in world.draft(customer)["line_items"]:
        if line["type"] == "usage":
            row = (line["tier"]["level"], line["quantity"], line["unit_price"])
            found.setdefault(line["product_id"], []).append(row)
    # 70 pays 7 units; what is left goes on where they ended: 3 more on the first step, then 4.
    assert found[product] == [(1, 7, 10), (1, 3, 10), (2, 4, 5)]
    # Team a: 8 × 1; team b: 10 × 1, 2 × 2. Not one ladder for 20.
    assert found[by_team] == [(1, 8, 1), (1, 10, 1), (2, 2, 2)]
    # The counter stands at 80 when the price changes.
    assert found[changing] == [(1, 80, 10), (1, 20, 12), (2, 50, 9)]


def test_conformance_9_rounding() -> None:
    world = World("2025-01-31T00:00:00Z")
    customer, card = world.customer(), world.rate_card()
    up = {"rounding_method": "ROUND_UP", "decimal_places": 0}
    metric = world.metric(groups=[["team"]])
    by_team = world.product(metric, presentation_group_key=["team"], quantity_rounding=up)
    whole = world.product(metric, quantity_rounding=up)
    world.rate(card, by_team, price=100)
    world.rate(card, whole, price=1)
    world.rate(card, whole, price=2, start="2025-01-15T00:00:00Z")
    world.contract(customer, card)
    world.use(customer, "0.4", "2025-01-02T00:00:00Z", team="a")
    world.use(customer, "0.4", "2025-01-20T00:00:00Z", team="b")
    draft = world.draft(customer)
    quantities = {
        product: [line["quantity"] for line in draft["line_items"] if line["product_id"] == product]
        for product in (by_team, whole)
    }
    # Each team is rounded up; without teams 0.4 is 1 and 0.8 adds nothing to it.
    assert quantities == {by_team: [1, 1], whole: [1, 0]}
    assert draft["total"] == 201


def test_conformance_10_the_next_override() -> None:
    world, customer, product, card = shop(price=100)
    about = {"override_specifiers": [{"product_id": product}], **START}
    rate = {"rate_type": "FLAT", "price": 300}
    overrides: list[JSON] = [
        {"type": "MULTIPLIER", "multiplier": 0.9, **about},
        {"type": "MULTIPLIER", "multiplier": 0.5, **about},
        {"type": "OVERWRITE", "overwrite_rate": rate, **about},
    ]
    contract = world.contract(customer, card, overrides=overrides)
    world.use(customer, 10, "2025-01-30T00:00:00Z")
    names = {"customer_id": customer, "contract_id": contract}
    totals = []
    while True:
        totals.append(world.draft(customer)["total"])
        shown = world.post("/v2/contracts/get", names)["overrides"]
        if not shown:
            break
        lowest = min(shown, key=lambda one: (one["type"] != "OVERWRITE", one.get("multiplier", 0)))
        edit = {**names, "remove_overrides": [{"id": lowest["id"]}]}
        world.post("/v2/contracts/edit", edit)
    # OVERWRITE 300, then the lowest multiplier, then the other, then the list price.
    assert totals == [3000, 500, 900, 1000]


def test_conformance_11_rates_of_the_past() -> None:
    world, customer, product, card = shop(price=100)
    world.contract(customer, card)
    world.use(customer, 1, "2025-01-30T00:00:00Z")
    world.clock("2025-02-10T00:00:00Z")
    world.use(customer, 1, "2025-02-05T00:00:00Z")
    world.rate(card, product, price=7, start="2025-01-01T00:00:00Z")
    totals = {one["status"]: one["total"] for one in world.invoices(customer)}
    assert totals == {"FINALIZED": 100, "DRAFT": 7}


def test_conformance_12_products_that_change() -> None:
    world, customer, product, card = shop(price=1)
    other = world.metric(event_type="other")
    world.contract(customer, card)
    path = "/v1/contract-pricing/products/update"
    later = {"product_id": product, "starting_at": "2025-01-20T05:00:00Z"}
    world.post(path, {**later, "name": "New name"})
    again = {"product_id": product, "starting_at": "2025-01-25T00:00:00Z"}
    world.post(path, {**again, "billable_metric_id": other})
    world.use(customer, 1, "2025-01-20T04:59:59Z")
    world.use(customer, 2, "2025-01-20T05:00:00Z")
    world.use(customer, 50, "2025-01-26T00:00:00Z")
    world.use(customer, 4, "2025-01-26T00:00:00Z", event_type="other")
    first, second, third = lines(world.draft(customer), "name", "starting_at", "quantity")
    assert first[1:] == ("2025-01-01T00:00:00+00:00", 1)
    assert second == ("New name", "2025-01-20T05:00:00+00:00", 2)
    # From the 25th the other metric is counted.
    assert third == ("New name", "2025-01-25T00:00:00+00:00", 4)


def test_conformance_13_prices_of_covered_units() -> None:
    world, customer, product, card = shop(price=100, commit_rate={"rate_type": "FLAT", "price": 50})
    own = {"product_id": product, "commit_ids": ["second"]}
    override = {
        "type": "MULTIPLIER",
        "multiplier": 0.8,
        "is_commit_specific": True,
        "override_specifiers": [own],
        **START,
    }
    commits = [
        commit(world, 500, rate_type="COMMIT_RATE", priority=1),
        commit(world, 800, priority=2, temporary_id="second"),
    ]
    world.contract(customer, card, commits=commits, overrides=[override])
    world.use(customer, 25, "2025-01-30T00:00:00Z")
    draft = world.draft(customer)
    rows = [row for row in lines(draft, "quantity", "unit_price", "total") if row[0] is not None]
    # 500 / 50 = 10 units at the commit rate, 800 / 80 = 10 at the commit's multiplier, 5 at list.
    assert rows == [(10, 50, 500), (10, 80, 800), (5, 100, 500)]
    assert draft["total"] == 500


def test_conformance_14_card_aliases() -> None:
    world = World("2025-01-31T00:00:00Z")
    product = world.product(world.metric())
    old = world.rate_card(aliases=[{"name": "list"}])
    world.rate(old, product, price=1)
    bound, later = world.customer(), world.customer()
    world.contract(bound, None, rate_card_alias="list")
    new = world.rate_card(aliases=[{"name": "list"}])
    world.rate(new, product, price=Decimal("2"))
    world.contract(later, None, rate_card_alias="list")
    for customer in (bound, later):
        world.use(customer, 10, "2025-01-30T00:00:00Z")
    assert [world.draft(customer)["total"] for customer in (bound, later)] == [10, 20]
