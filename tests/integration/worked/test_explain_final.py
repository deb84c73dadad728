"""Final invoices are explained by what was known when they were made, whatever came after it."""

from typing import Any

import pytest

from tests.integration.worked.test_explain import explained
from tests.integration.worked.test_hierarchies import Group
from tests.integration.worked.test_seats import Team
from tests.integration.worked.test_subscriptions import Seats
from tests.integration.worked.world import JSON, World

JANUARY = "2025-01-01T00:00:00Z"


def final(world: World, customer: str, **query: object) -> JSON:
    [found] = world.invoices(customer, status="FINALIZED", **query)
    return found


def times(multiplier: float) -> JSON:
    return {"starting_at": JANUARY, "type": "MULTIPLIER", "multiplier": multiplier}


def test_a_price_for_the_past_changes_no_explanation_of_a_scheduled_line() -> None:
    seats = Seats()
    seats.subscribe(10)
    world = seats.world
    paid = final(world, seats.customer)
    world.rate(seats.card, seats.product, price=1200, billing_frequency="MONTHLY")
    names = {"customer_id": seats.customer, "contract_id": seats.contract}
    world.post("/v2/contracts/edit", {**names, "add_overrides": [times(0.5)]})
    world.clock("2025-01-10T00:00:00Z")
    world.rate(seats.card, seats.product, price=1500, billing_frequency="MONTHLY")

    [told] = explained(world, paid)
    # 10 × 1000, as it was.
    assert told["computed"] == {"quantity": 10, "unit_price": 1000, "total": 10000}


# 4 × 100; then 4 × 80 × 0.5; then 4 × 60 × 0.4, the lower of two multipliers.
@pytest.mark.parametrize(("before", "total"), [(0, 400), (1, 160), (2, 96)])
def test_an_invoice_made_at_the_instant_of_edits_is_explained(before: int, total: int) -> None:
    """The clock stands still: some edits and prices come before the invoice, others after it."""
    world = World(JANUARY)
    customer, product, card = world.customer(), world.product(world.metric()), world.rate_card()
    names = {"customer_id": customer}
    world.rate(card, product, price=100)
    contract = world.contract(customer, card)
    names["contract_id"] = contract
    world.use(customer, 4, "2025-01-01T05:00:00Z")
    world.clock("2025-02-01T23:00:00Z")

    changes = iter([(0.5, 80), (0.4, 60), (0.3, 40), (0.2, 20)])

    def change() -> None:
        multiplier, price = next(changes)
        world.post("/v2/contracts/edit", {**names, "add_overrides": [times(multiplier)]})
        world.rate(card, product, price=price)

    world.clock("2025-02-02T00:00:00Z")
    paid = final(world, customer)
    for _ in range(before):
        change()
    world.post("/v1/invoices/void", {"id": paid["id"]})
    anew = world.post("/v1/invoices/regenerate", {"id": paid["id"]})["id"]
    change()
    change()

    shown = world.get(f"/v1/customers/{customer}/invoices/{anew}")
    assert shown["total"] == total
    explained(world, shown)


def test_what_a_contract_above_paid_is_explained() -> None:
    group = Group({"type": "ALL"})
    world = group.world
    world.clock("2025-02-03T00:00:00Z")
    [below] = [
        one
        for one in world.invoices(group.b, status="FINALIZED", type="USAGE")
        if one["start_timestamp"][:10] == "2025-01-01"
    ]
    covered, applied, rest = explained(world, below)
    # 30000 of 45000 were left of the parent's.
    assert [one["line_item"]["total"] for one in (covered, applied, rest)] == [
        30000,
        -30000,
        15000,
    ]
    assert covered["payment"]["drawn_by_invoice"] == 30000
    assert covered["payment"]["type"] == "PREPAID"


def test_what_each_seat_paid_is_explained() -> None:
    world = World("2025-04-01T00:00:00Z")
    team = Team(world, "a", "b", fee=0)
    team.subscribe("INDIVIDUAL", prorated=True, amount=1000)
    world.clock("2025-04-10T00:00:00Z")
    team.use("a", 400, "2025-04-05")
    team.use("b", 1200, "2025-04-06")
    world.clock("2025-05-03T00:00:00Z")
    paid = final(world, team.customer, type="USAGE")
    told = explained(world, paid)
    amounts = [one["line_item"]["total"] for one in told if one["line_item"]["type"] == "usage"]
    # Of a's 1000 only 400 were used; b's 1200 are 1000 and 200.
    assert sorted(amounts) == [200, 400, 1000]


def test_breakdowns_of_what_a_contract_above_paid_are_those_of_the_invoice() -> None:
    group = Group({"type": "ALL"})
    world = group.world
    world.clock("2025-02-03T00:00:00Z")
    query: dict[str, Any] = {
        "starting_on": JANUARY,
        "ending_before": "2025-02-01T00:00:00Z",
        "status": "FINALIZED",
    }
    rows = world.get(f"/v1/customers/{group.b}/invoices/breakdowns", **query)
    assert sum(row["total"] for row in rows) == 15000
