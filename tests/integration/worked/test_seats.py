"""Worked examples of balances that follow seats (balances and events, chapters 14 and 15)."""

from decimal import Decimal
from typing import Any

import pytest

from tests.integration.worked.alarms import Alarms
from tests.integration.worked.test_balances import access
from tests.integration.worked.test_recurring import at, children, ledger, segment, template
from tests.integration.worked.world import JSON, World, places

SEAT = "seat_id"


class Team:
    """A customer with a subscription by seats, usage priced 1 a unit by seat, linked credits."""

    def __init__(
        self, world: World, *seats: str, start: str = "2025-04-01", fee: int = 3000
    ) -> None:
        self.world = world
        self.customer = world.customer()
        self.card = world.rate_card()
        self.product = world.product(world.metric(groups=[[SEAT]]), presentation_group_key=[SEAT])
        world.rate(self.card, self.product, price=1)
        self.seat_product = world.product(type="SUBSCRIPTION")
        world.rate(self.card, self.seat_product, price=fee, billing_frequency="MONTHLY")
        self.seats, self.start = seats, start

    def subscribe(
        self,
        allocation: str,
        *,
        prorated: bool,
        amount: int,
        fraction: float | None = None,
        **terms: Any,
    ) -> None:
        """Makes the contract: each seat brings the amount each month."""
        link = {
            "subscription_id": "team",
            "allocation": allocation,
            "apply_seat_increase_config": {"is_prorated": prorated},
        }
        credit = template(
            self.world,
            amount,
            self.start,
            # Unrestricted, it would pay the seats' fee as well.
            applicable_product_ids=[self.product],
            subscription_config=link,
        )
        del credit["access_amount"]["quantity"]
        if fraction is not None:
            credit["rollover_fraction"] = fraction
        subscription = {
            "temporary_id": "team",
            "subscription_rate": {
                "product_id": self.seat_product,
                "billing_frequency": "MONTHLY",
            },
            "collection_schedule": "ADVANCE",
            "proration": {"is_prorated": True, "invoice_behavior": "BILL_IMMEDIATELY"},
            "quantity_management_mode": "SEAT_BASED",
            "seat_config": {"seat_group_key": SEAT, "initial_seat_ids": list(self.seats)},
        }
        self.contract = self.world.contract(
            self.customer,
            self.card,
            at(self.start),
            subscriptions=[subscription],
            recurring_credits=[credit],
            **terms,
        )
        shown = self.world.post("/v2/contracts/get", self.names)
        self.subscription = shown["subscriptions"][0]["id"]

    @property
    def names(self) -> JSON:
        return {"customer_id": self.customer, "contract_id": self.contract}

    def change(self, kind: str, *seats: str, date: str) -> None:
        update = {kind: [{"seat_ids": list(seats), "starting_at": at(date)}]}
        change = {"subscription_id": self.subscription, "seat_updates": update}
        self.world.post("/v2/contracts/edit", {**self.names, "update_subscriptions": [change]})

    def use(self, seat: str, amount: int, date: str) -> None:
        self.world.use(self.customer, amount, at(date), seat_id=seat)

    def balances(self, **wanted: object) -> dict[str, tuple[Any, Any]]:
        """Returns balance and starting balance by seat."""
        status, reply = self.world.call(
            "POST", "/v1/contracts/seatBalances/list", {**self.names, **wanted}
        )
        assert status == 200, reply
        return {
            one["seat_id"]: (total["balance"], total["starting_balance"])
            for one in reply["data"]
            for total in one["balances"]
        }


@pytest.mark.parametrize("prorated", [True, False])
@pytest.mark.parametrize("announced", [True, False])
def test_ex_40_pool(prorated: bool, announced: bool) -> None:
    world = World("2025-04-01T00:00:00Z")
    team = Team(world, "a", "b")
    team.subscribe("POOLED", prorated=prorated, amount=100)
    [april, may] = children(world, team.customer)
    assert (april["balance"], segment(may)["amount"]) == (200, 200)

    # The third seat is added on the day, or ahead: then it counts from the day on.
    if announced:
        team.change("add_seat_ids", "c", date="2025-04-11")
        [april, may] = children(world, team.customer)
        assert (april["balance"], segment(may)["amount"]) == (200, 300)
    world.clock("2025-04-11T00:00:00Z")
    if not announced:
        team.change("add_seat_ids", "c", date="2025-04-11")
    [april, may] = children(world, team.customer)
    # 20 of 30 days of 100.
    more = Decimal("66.666667") if prorated else 100
    assert [(*entry[:2], places(entry[2], 6)) for entry in ledger(april)] == [
        ("2025-04-01", "SEGMENT_START", 200),
        ("2025-04-11", "SEAT_BASED_ADJUSTMENT", more),
    ]
    assert places(april["balance"], 6) == 200 + more
    [fee] = [
        invoice
        for invoice in world.invoices(team.customer, status="FINALIZED")
        if invoice["issued_at"][:10] == "2025-04-11"
    ]
    # 3000 × 20/30.
    assert fee["total"] == 2000

    world.clock("2025-04-20T00:00:00Z")
    team.change("remove_seat_ids", "b", date="2025-04-20")
    [april, may] = children(world, team.customer)
    assert places(april["balance"], 6) == 200 + more
    assert segment(may)["amount"] == 200


def pool(world: World, amount: int) -> JSON:
    """Returns a credit for everything, of the priority of the seats' credits."""
    return {
        "product_id": world.product(type="FIXED"),
        "priority": 100,
        "access_schedule": access(amount, "2025-04-01", "2026-04-01"),
    }


@pytest.mark.parametrize(("extra", "overage"), [(None, 200), (150, 50)])
def test_ex_41_individual_seats(extra: int | None, overage: int) -> None:
    world = World("2025-04-01T00:00:00Z")
    # What is unrestricted would pay a fee first, so seats are free here.
    team = Team(world, "a", "b", "c", fee=0)
    credits = [] if extra is None else [pool(world, extra)]
    team.subscribe("INDIVIDUAL", prorated=True, amount=1000, credits=credits)
    world.clock("2025-04-10T00:00:00Z")
    team.use("a", 400, "2025-04-05")
    team.use("b", 1200, "2025-04-06")

    # Only b's own 1000 pay for b, then the pool; c's credit pays for nobody else.
    assert world.draft(team.customer)["total"] == overage
    assert team.balances() == {"a": (600, 1000), "b": (0, 1000), "c": (1000, 1000)}

    world.clock("2025-05-03T00:00:00Z")
    assert team.balances() == {seat: (1000, 1000) for seat in "abc"}
    [april, *_] = [one for one in children(world, team.customer) if "recurring_credit_id" in one]
    assert ledger(april) == [
        ("2025-04-01", "SEGMENT_START", 3000),
        # One entry for the invoice: 400 of a and 1000 of b.
        ("2025-05-01", "AUTOMATED_INVOICE_DEDUCTION", -1400),
        ("2025-05-01", "EXPIRATION", -1600),
    ]


def test_ex_42_remove_a_seat_and_empty_it() -> None:
    world = World("2025-04-01T00:00:00Z")
    team = Team(world, "a", "b")
    team.subscribe("INDIVIDUAL", prorated=True, amount=1000)
    world.clock("2025-04-16T00:00:00Z")
    team.use("b", 600, "2025-04-10")
    team.change("remove_seat_ids", "b", date="2025-04-16")
    # What it has stays until the period's end, and the next one has a alone.
    assert team.balances() == {"a": (1000, 1000), "b": (400, 1000)}

    [april, may] = children(world, team.customer)
    entry = {
        "customer_id": team.customer,
        "contract_id": team.contract,
        "id": april["id"],
        "segment_id": segment(april)["id"],
        "amount": -400,
        "reason": "Seat removed",
    }
    path = "/v1/contracts/addManualBalanceLedgerEntry"
    for parts in ({"b": -300}, {"z": -400}, {}):
        refused = world.refused(path, {**entry, "per_group_amounts": parts})
        assert "per_group_amounts" in refused["message"]
    world.post(path, {**entry, "per_group_amounts": {"b": -400}})
    assert team.balances() == {"a": (1000, 1000), "b": (0, 1000)}
    assert ledger(children(world, team.customer)[0])[1] == ("2025-04-01", "MANUAL", -400)
    assert segment(may)["amount"] == 1000

    status, reply = world.call(
        "POST",
        "/v1/contracts/seatBalances/list",
        {
            **team.names,
            "seat_ids": ["b"],
            "include_credits_and_commits": True,
            "include_ledgers": True,
        },
    )
    assert status == 200
    [shown] = reply["data"]
    [part] = shown["credits"]
    assert shown["commits"] == []
    assert part["balance"] == 0
    assert [(entry["type"], entry["amount"]) for entry in part["ledger_entries"]] == [
        ("CREDIT_SEGMENT_START", 1000),
        ("CREDIT_MANUAL", -400),
        ("CREDIT_AUTOMATED_INVOICE_DEDUCTION", -600),
    ]


def test_unassigned_seats_bring_something_when_they_are_assigned() -> None:
    world = World("2025-04-01T00:00:00Z")
    team = Team(world, "a")
    team.subscribe("INDIVIDUAL", prorated=True, amount=3000)
    update = {"add_unassigned_seats": [{"quantity": 2, "starting_at": at("2025-04-01")}]}
    change = {"subscription_id": team.subscription, "seat_updates": update}
    world.post("/v2/contracts/edit", {**team.names, "update_subscriptions": [change]})
    assert team.balances() == {"a": (3000, 3000)}

    world.clock("2025-04-21T00:00:00Z")
    team.change("add_seat_ids", "b", date="2025-04-21")
    # 10 of 30 days of 3000.
    assert team.balances() == {"a": (3000, 3000), "b": (1000, 1000)}
    # Taken away and given back in one period, it brings nothing more.
    team.change("remove_seat_ids", "b", date="2025-04-22")
    team.change("add_seat_ids", "b", date="2025-04-23")
    world.clock("2025-04-24T00:00:00Z")
    assert team.balances() == {"a": (3000, 3000), "b": (1000, 1000)}
    world.clock("2025-05-01T00:00:00Z")
    assert team.balances() == {"a": (3000, 3000), "b": (3000, 3000)}
    assert team.balances(covering_date=at("2025-04-25")) == {"a": (0, 3000), "b": (0, 1000)}


def test_a_seat_that_has_used_its_own_up_is_told_of() -> None:
    world = Alarms("2025-04-01T00:00:00Z")
    team = Team(world, "a", "b")
    team.subscribe("INDIVIDUAL", prorated=True, amount=1000)
    alert = world.alert(
        "low_remaining_seat_balance_reached",
        0,
        customer_id=team.customer,
        seat_filter={"seat_group_key": SEAT},
    )
    others = world.alert(
        "low_remaining_contract_credit_and_commit_balance_reached", 100, customer_id=team.customer
    )
    world.clock("2025-04-10T00:00:00Z")
    team.use("a", 999, "2025-04-09")
    team.use("b", 1000, "2025-04-09")
    [event] = world.told()
    assert event["properties"]["seat_filter"] == {"seat_group_key": SEAT, "value": "b"}
    assert event["properties"]["remaining_balance"] == 0
    assert event["properties"]["alert_id"] == alert
    # What is each seat's own is no part of what the customer has altogether.
    assert world.status(team.customer, others) == "ok"


def test_links_that_do_not_fit_are_refused() -> None:
    world = World("2025-04-01T00:00:00Z")
    team = Team(world, "a")
    team.subscribe("POOLED", prorated=True, amount=100)
    link = {
        "subscription_id": team.subscription,
        "apply_seat_increase_config": {"is_prorated": True},
    }
    counted = template(world, 100, "2025-04-01", subscription_config=link)
    bare = {**counted, "access_amount": {**counted["access_amount"]}}
    del bare["access_amount"]["quantity"]
    unlinked = {name: value for name, value in bare.items() if name != "subscription_config"}
    unknown = {**bare, "subscription_config": {**link, "subscription_id": "nobody"}}
    for wanted, field in [
        (counted, "access_amount.quantity"),
        (unlinked, "access_amount.quantity"),
        (unknown, "subscription_config.subscription_id"),
    ]:
        body = {**team.names, "add_recurring_credits": [wanted]}
        error = world.refused("/v2/contracts/edit", body)
        assert error["message"].startswith(f"add_recurring_credits[0].{field}")
    quantity = {
        "temporary_id": "by number",
        "subscription_rate": {"product_id": team.seat_product, "billing_frequency": "MONTHLY"},
        "collection_schedule": "ADVANCE",
        "proration": {"is_prorated": True},
        "initial_quantity": 1,
    }
    by_number = {**link, "subscription_id": "by number", "allocation": "INDIVIDUAL"}
    body = {
        **team.names,
        "add_subscriptions": [quantity],
        "add_recurring_credits": [{**bare, "subscription_config": by_number}],
    }
    assert "allocation" in world.refused("/v2/contracts/edit", body)["message"]


# Rollover


def test_what_is_left_rolls_over_seat_by_seat() -> None:
    world = World("2025-04-01T00:00:00Z")
    team = Team(world, "a", "b", "c")
    team.subscribe(
        "INDIVIDUAL", prorated=False, amount=1000, fraction=0.5, ending_before=at("2025-05-01")
    )
    world.clock("2025-04-16T00:00:00Z")
    team.use("a", 400, "2025-04-10")
    team.use("b", 800, "2025-04-10")
    team.change("add_seat_ids", "d", date="2025-04-16")
    earlier = team.contract
    renewal = {"type": "RENEWAL", "from_contract_id": earlier}
    team.contract = world.contract(team.customer, team.card, at("2025-05-01"), transition=renewal)
    world.clock("2025-05-03T00:00:00Z")
    # Of a 600 are left, of b 200, of c and d 1000 each; of no seat more than the half rolls over:
    # min(600, 500), min(200, 500), min(1000, 500), and d, which brought 1000 later, as well.
    assert team.balances() == {"a": (500, 500), "b": (200, 200), "c": (500, 500), "d": (500, 500)}
    [rolled] = [one for one in credits_of(world, team) if "rolled_over_from" in one]
    assert rolled["contract"]["id"] == team.contract
    # 500 + 200 + 500 + 500
    assert (rolled["balance"], ledger(rolled)) == (1700, [("2025-05-01", "SEGMENT_START", 1700)])
    assert "subscription_config" not in rolled
    [before] = [
        one for one in credits_of(world, team) if one["contract"]["id"] == earlier and one["ledger"]
    ]
    # 4000 − 1200 = 2800, of which 1700 rolled over.
    assert ledger(before)[-2:] == [
        ("2025-05-01", "ROLLOVER", -1700),
        ("2025-05-01", "EXPIRATION", -1100),
    ]

    # Each seat draws its own part only: b 200 of 300, a 100.
    team.use("b", 300, "2025-05-02")
    team.use("a", 100, "2025-05-02")
    assert team.balances() == {"a": (400, 500), "b": (0, 200), "c": (500, 500), "d": (500, 500)}
    [draft] = world.invoices(team.customer, status="DRAFT")
    assert draft["total"] == 100
    assert team.balances(seat_ids=["b"]) == {"b": (0, 200)}
    [shown] = [one for one in credits_of(world, team) if "rolled_over_from" in one]
    assert shown["balance"] == 1400


def test_a_part_that_rolled_over_is_watched_by_its_seats_alert() -> None:
    world = Alarms("2025-04-01T00:00:00Z")
    team = Team(world, "a")
    team.subscribe(
        "INDIVIDUAL", prorated=False, amount=1000, fraction=0.1, ending_before=at("2025-05-01")
    )
    renewal = {"type": "RENEWAL", "from_contract_id": team.contract}
    team.contract = world.contract(team.customer, team.card, at("2025-05-01"), transition=renewal)
    alert = world.alert(
        "low_remaining_seat_balance_reached", 50, seat_filter={"seat_group_key": SEAT}
    )
    combined = world.alert("low_remaining_contract_credit_and_commit_balance_reached", 5000)
    world.clock("2025-05-02T00:00:00Z")
    # A tenth of 1000 rolled over.
    assert world.status(team.customer, alert) == "ok"
    team.use("a", 60, "2025-05-01")
    [event] = world.told()
    assert event["properties"]["remaining_balance"] == 40
    # What is single seats' own is no part of what other alerts watch.
    assert world.status(team.customer, combined) == "ok"


def credits_of(world: World, team: Team) -> list[JSON]:
    found: list[JSON] = world.post(
        "/v1/contracts/customerCredits/list",
        {
            "customer_id": team.customer,
            "include_contract_credits": True,
            "include_ledgers": True,
            "include_balance": True,
        },
    )
    return found
