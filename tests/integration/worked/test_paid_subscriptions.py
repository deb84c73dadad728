"""Subscriptions on scheduled invoices are paid by commits and credits like those on usage invoices.

What is billed on an earlier date draws first; of one date, usage draws before what is scheduled.
"""

from typing import Any

import pytest

from tests.integration.worked.test_balances import access, balance_of, commit
from tests.integration.worked.test_explain import explained
from tests.integration.worked.world import JSON, World, lines

JANUARY = "2025-01-01T00:00:00Z"
PAID = ("type", "quantity", "unit_price", "total")


class Club:
    """A customer with 3 seats at 1000 a month, in advance, and usage at 1 a unit."""

    def __init__(self, world: World | None = None) -> None:
        self.world = world = world or World(JANUARY)
        self.customer, self.card = world.customer(), world.rate_card()
        self.usage = world.product(world.metric())
        self.seat = world.product(type="SUBSCRIPTION", name="Seat")
        world.rate(self.card, self.usage, price=1)
        world.rate(self.card, self.seat, price=1000, billing_frequency="MONTHLY")

    def agree(self, *commits: JSON, start: str = JANUARY, **fields: Any) -> None:
        subscription = {
            "subscription_rate": {"product_id": self.seat, "billing_frequency": "MONTHLY"},
            "collection_schedule": "ADVANCE",
            "proration": {"is_prorated": False, "invoice_behavior": "BILL_IMMEDIATELY"},
            "initial_quantity": 3,
            **fields,
        }
        self.contract = self.world.contract(
            self.customer, self.card, start, subscriptions=[subscription], commits=list(commits)
        )

    def scheduled(self) -> list[JSON]:
        return self.world.invoices(self.customer, type="SCHEDULED")

    def holds(self) -> Any:
        return balance_of(self.world, self.customer)["balance"]

    def add_seats(self, number: int, date: str) -> None:
        names = {"customer_id": self.customer, "contract_id": self.contract}
        [subscription] = self.world.post("/v2/contracts/get", names)["subscriptions"]
        update = {"starting_at": f"{date}T00:00:00Z", "quantity_delta": number}
        change = {"subscription_id": subscription["id"], "quantity_updates": [update]}
        self.world.post("/v2/contracts/edit", {**names, "update_subscriptions": [change]})


def test_a_commit_pays_the_first_period() -> None:
    club = Club()
    club.agree(commit(club.world, 5000))

    [first] = club.scheduled()
    assert (first["status"], first["total"]) == ("FINALIZED", 0)
    assert lines(first, *PAID) == [
        ("subscription", 3, 1000, 3000),
        ("applied_commit_or_credit", None, None, -3000),
    ]
    covered, applied = first["line_items"]
    assert covered["commit_type"] == "PrepaidCommit"
    assert applied["applied_commit_or_credit"]["type"] == "PREPAID"
    # 5000 − 3000; the rest is February's, whose seats are billed with January's usage.
    assert club.holds() == 0
    # 2500 − 2000 + 3 × 1000.
    club.world.clock("2025-01-20T00:00:00Z")
    club.world.use(club.customer, 2500, "2025-01-10T00:00:00Z")
    assert club.world.draft(club.customer)["total"] == 3500
    explained(club.world, first)


def test_what_a_commit_does_not_reach_is_owed() -> None:
    club = Club()
    club.agree(commit(club.world, 1500))
    [first] = club.scheduled()
    assert lines(first, *PAID) == [
        ("subscription", 1.5, 1000, 1500),
        ("applied_commit_or_credit", None, None, -1500),
        ("subscription", 1.5, 1000, 1500),
    ]
    assert first["total"] == 1500
    explained(club.world, first)


@pytest.mark.parametrize("limit", ["product", "dates"])
def test_a_commit_about_something_else_pays_nothing(limit: str) -> None:
    club = Club()
    ends_before_the_period = {"access_schedule": access(5000, end="2025-01-20")}
    only_usage = {"applicable_product_ids": [club.usage]}
    club.agree(
        commit(club.world, 5000, **(only_usage if limit == "product" else ends_before_the_period))
    )
    assert [invoice["total"] for invoice in club.scheduled()] == [3000]
    assert club.holds() == 5000


def test_a_void_invoice_gives_back_what_it_drew_and_its_successor_draws_again() -> None:
    club = Club()
    club.agree(commit(club.world, 5000))
    [first] = club.scheduled()
    club.world.post("/v1/invoices/void", {"id": first["id"]})
    # 5000, of which 3000 are for February's seats, on January's draft.
    assert club.holds() == 2000
    club.world.post("/v1/invoices/regenerate", {"id": first["id"]})
    [_, anew] = sorted(club.scheduled(), key=lambda one: one["status"], reverse=True)
    assert (anew["status"], anew["total"], club.holds()) == ("FINALIZED", 0, 0)
    explained(club.world, anew)


def test_a_postpaid_commit_is_used_up_and_the_fee_owed_all_the_same() -> None:
    club = Club()
    item = {"timestamp": "2026-01-01T00:00:00Z", "amount": 5000}
    club.agree(
        commit(club.world, 5000, type="POSTPAID", invoice_schedule={"schedule_items": [item]})
    )
    first, trueup = club.scheduled()
    assert (first["total"], first["status"]) == (3000, "FINALIZED")
    # What is still missing: 5000 − 3000, less February's seats with January's usage.
    assert (trueup["total"], trueup["status"]) == (0, "DRAFT")


def test_units_that_are_paid_are_not_converted() -> None:
    world = World()
    club, tokens = Club(world), world.unit()
    conversion = {"custom_credit_type_id": tokens, "fiat_per_custom_credit": 2}
    club.card = world.rate_card(credit_type_conversions=[conversion])
    club.seat = world.product(type="SUBSCRIPTION", name="Seat")
    world.rate(club.card, club.seat, price=1000, billing_frequency="MONTHLY", credit_type_id=tokens)
    prepaid = commit(world, 0, access_schedule={**access(2000), "credit_type_id": tokens})
    club.agree(prepaid)
    [first] = club.scheduled()
    # 3000 − 2000 tokens at 2 cents.
    assert first["total"] == 2000
    assert [line["type"] for line in first["line_items"]] == [
        "subscription",
        "applied_commit_or_credit",
        "subscription",
        "cpu_conversion",
    ]
    explained(world, first)


def test_a_draft_to_come_is_the_invoice_it_will_be() -> None:
    club = Club()
    club.agree(commit(club.world, 100), start="2025-01-01T00:00:00Z", initial_quantity=0)
    club.add_seats(1, "2025-01-15")
    club.world.clock("2025-01-10T00:00:00Z")
    club.world.use(club.customer, 80, "2025-01-09T00:00:00Z")

    def due() -> list[Any]:
        [seat] = [one for one in club.scheduled() if one["issued_at"][:10] == "2025-01-15"]
        usage = club.world.draft(club.customer)
        paid = [
            line["total"]
            for line in usage["line_items"]
            if line["type"] == "applied_commit_or_credit"
        ]
        return [seat["total"], paid, club.holds()]

    # Billed on the 15th, the seat takes 100 before January's usage, whose period ends later.
    assert due() == [900, [], 0]
    club.world.clock("2025-01-16T00:00:00Z")
    assert due() == [900, [], 0]


def test_what_comes_after_all_open_usage_is_not_spent_yet() -> None:
    club = Club()
    club.agree(commit(club.world, 5000), starting_at="2025-02-10T00:00:00Z")
    [ahead] = club.scheduled()
    # The stub is not prorated: 3 × 1000.
    assert (ahead["status"], ahead["total"]) == ("DRAFT", 0)
    assert club.holds() == 5000
    explained(club.world, ahead)
    club.world.clock("2025-02-10T00:00:00Z")
    [final] = club.scheduled()
    # What was left of it is for March, on February's draft.
    assert (final["status"], final["total"], club.holds()) == ("FINALIZED", 0, 0)
    assert final["line_items"] == ahead["line_items"]


def test_a_contract_that_began_in_the_past_is_paid_as_if_it_had_been_lived_through() -> None:
    def story(*, late: bool) -> list[Any]:
        club = Club()
        if not late:
            club.agree(commit(club.world, 4000))
        club.world.clock("2025-01-05T00:00:00Z")
        club.world.use(club.customer, 2500, "2025-01-03T00:00:00Z")
        club.world.clock("2025-02-05T00:00:00Z")
        if late:
            club.agree(commit(club.world, 4000))
        invoices = club.world.invoices(club.customer, status="FINALIZED")
        return sorted((one["type"], one["total"]) for one in invoices)

    # The first seats take 3000 of 4000, January's usage the rest: 2500 − 1000, and 3000 ahead.
    assert story(late=False) == story(late=True) == [("SCHEDULED", 0), ("USAGE", 4500)]
