"""Worked examples of balances that contracts below may draw (balances and events, chapter 16)."""

from typing import Any

import pytest

from tests.integration.worked.test_balances import access
from tests.integration.worked.test_recurring import at, children, ledger, template
from tests.integration.worked.world import JSON, World


class Group:
    """A parent and two customers below it, who use 40000, 30000 and 45000 in January."""

    def __init__(self, child_access: Any, *, recurring: bool = False) -> None:
        self.world = world = World("2025-01-01T00:00:00Z")
        product, self.card = world.product(world.metric()), world.rate_card()
        world.rate(self.card, product, price=1)
        self.parent, self.a, self.b = (world.customer() for _ in range(3))
        shared = {"hierarchy_configuration": {"child_access": child_access}}
        if recurring:
            terms: JSON = {"recurring_commits": [template(world, 100000, "2025-01-01", **shared)]}
        else:
            commit = {
                "type": "PREPAID",
                "product_id": world.product(type="FIXED"),
                "access_schedule": access(100000),
                **shared,
            }
            terms = {"commits": [commit]}
        # Below it are contracts that began before its own: it pays for itself first all the same.
        above = world.contract(self.parent, self.card, hierarchy_configuration={}, **terms)
        link = {"parent": {"contract_id": above, "customer_id": self.parent}}
        below = [
            world.contract(customer, self.card, at("2024-12-01"), hierarchy_configuration=link)
            for customer in (self.a, self.b)
        ]
        self.contracts = dict(zip("ab", below, strict=True))
        world.clock("2025-01-20T00:00:00Z")
        for customer, amount in ((self.b, 45000), (self.a, 30000), (self.parent, 40000)):
            world.use(customer, amount, at("2025-01-10"))

    def owed(self) -> list[Any]:
        return [
            one["total"]
            for customer in (self.parent, self.a, self.b)
            for one in self.world.invoices(customer, type="USAGE")
            if one["start_timestamp"][:10] == "2025-01-01"
        ]

    def net(self, customer: str) -> Any:
        path = "/v1/contracts/customerBalances/getNetBalance"
        return self.world.post(path, {"customer_id": customer})["balance"]


DRAWN = [
    ("2025-02-01", "PREPAID_COMMIT_AUTOMATED_INVOICE_DEDUCTION", -40000),
    ("2025-02-01", "PREPAID_COMMIT_AUTOMATED_INVOICE_DEDUCTION", -30000),
    ("2025-02-01", "PREPAID_COMMIT_AUTOMATED_INVOICE_DEDUCTION", -30000),
]


@pytest.mark.parametrize("recurring", [False, True])
def test_ex_43_shared_parent_commit(recurring: bool) -> None:
    group = Group({"type": "ALL"}, recurring=recurring)
    # The parent's 40000 and A's 30000 are paid, of B's 45000 what is left.
    assert group.owed() == [0, 0, 15000]
    commit = children(group.world, group.parent)[0]
    assert sorted(ledger(commit)[1:]) == sorted(DRAWN)
    assert [group.net(one) for one in (group.parent, group.a, group.b)] == [0, 0, 0]
    assert children(group.world, group.a) == []

    group.world.clock("2025-02-03T00:00:00Z")
    assert group.owed() == [0, 0, 15000]
    commit = children(group.world, group.parent)[0]
    assert sorted(entry for entry in ledger(commit) if "DEDUCTION" in entry[1]) == sorted(DRAWN)
    invoices = {entry["invoice_id"] for entry in commit["ledger"] if "invoice_id" in entry}
    final = [
        one["id"]
        for customer in (group.parent, group.a, group.b)
        for one in group.world.invoices(customer, status="FINALIZED", type="USAGE")
        if one["start_timestamp"][:10] == "2025-01-01"
    ]
    assert invoices == {*final}


def test_ex_43_shared_with_one_contract_alone() -> None:
    group = Group({"type": "ALL"})
    [commit] = children(group.world, group.parent)
    assert commit["hierarchy_configuration"] == {"child_access": {"type": "ALL"}}
    only_a = {"child_access": {"type": "CONTRACT_IDS", "contract_ids": [group.contracts["a"]]}}
    change = {"commit_id": commit["id"], "hierarchy_configuration": only_a}
    group.world.post("/v2/contracts/commits/edit", {"customer_id": group.parent, **change})
    assert group.owed() == [0, 0, 45000]
    # 100000 − 40000 − 30000
    assert group.net(group.parent) == 30000


def test_a_recurring_commit_is_shared_with_one_contract_alone() -> None:
    # The contract's id is known once it is there, so the commit for it comes later.
    other = Group({"type": "NONE"})
    assert other.owed() == [0, 30000, 45000]
    monthly = template(
        other.world,
        60000,
        "2025-01-01",
        hierarchy_configuration={
            "child_access": {"type": "CONTRACT_IDS", "contract_ids": [other.contracts["a"]]}
        },
    )
    [above] = other.world.post("/v2/contracts/list", {"customer_id": other.parent})
    edit: JSON = {"customer_id": other.parent, "contract_id": above["id"]}
    other.world.post("/v2/contracts/edit", {**edit, "add_recurring_commits": [monthly]})
    # It is the first to end: it pays the parent's 40000 and 20000 of A's; B owes all of its own.
    assert other.owed() == [0, 10000, 45000]


def test_a_void_invoice_below_gives_back_to_the_balance_above() -> None:
    group = Group({"type": "ALL"})
    group.world.clock("2025-02-03T00:00:00Z")
    [invoice] = [
        one
        for one in group.world.invoices(group.a, status="FINALIZED")
        if one["start_timestamp"][:10] == "2025-01-01"
    ]
    group.world.post("/v1/invoices/void", {"id": invoice["id"]})
    assert group.net(group.parent) == 30000
    group.world.post("/v1/invoices/regenerate", {"id": invoice["id"]})
    assert group.net(group.parent) == 0


def test_an_edit_changes_who_below_may_draw() -> None:
    group = Group({"type": "NONE"})
    assert group.owed() == [0, 30000, 45000]
    [commit] = children(group.world, group.parent)
    names = {"customer_id": group.parent, "commit_id": commit["id"]}

    def share(child_access: JSON) -> None:
        change = {"hierarchy_configuration": {"child_access": child_access}}
        group.world.post("/v2/contracts/commits/edit", {**names, **change})

    share({"type": "CONTRACT_IDS", "contract_ids": [group.contracts["b"]]})
    assert group.owed() == [0, 30000, 0]
    share({"type": "ALL"})
    assert group.owed() == [0, 0, 15000]
    # The edit of the contract does the same, and its history says so.
    [above] = group.world.post("/v2/contracts/list", {"customer_id": group.parent})
    contract = {"customer_id": group.parent, "contract_id": above["id"]}
    none = {"hierarchy_configuration": {"child_access": {"type": "NONE"}}}
    update = {"update_commits": [{"commit_id": commit["id"], **none}]}
    group.world.post("/v2/contracts/edit", {**contract, **update})
    assert group.owed() == [0, 30000, 45000]
    [told] = group.world.post("/v2/contracts/getEditHistory", contract)
    assert told["update_commits"] == [{"id": commit["id"], **none}]
    # A change of something else leaves it.
    share({"type": "ALL"})
    group.world.post("/v2/contracts/commits/edit", {**names, "name": "Renamed"})
    assert group.owed() == [0, 0, 15000]


def test_16_5_a_parents_alert_is_looked_at_when_the_parent_uses_something() -> None:
    group = Group({"type": "ALL"})
    alert = {
        "alert_type": "low_remaining_commit_balance_reached",
        "name": "Low",
        "threshold": 10000,
        "customer_id": group.parent,
    }
    # All three have drawn by now: nothing is left.
    asked = {"customer_id": group.parent}
    asked["alert_id"] = group.world.post("/v1/alerts/create", alert)["id"]

    def status() -> Any:
        return group.world.post("/v1/customer-alerts/get", asked)["customer_status"]

    assert status() == "in_alarm"
    [commit] = children(group.world, group.parent)
    [item] = commit["access_schedule"]["schedule_items"]
    more = {"id": item["id"], "amount": 200000}
    group.world.post(
        "/v2/contracts/commits/edit",
        {
            "customer_id": group.parent,
            "commit_id": commit["id"],
            "access_schedule": {"update_schedule_items": [more]},
        },
    )
    assert status() == "ok"
    # 200000 − 115000 = 85000, of which a child uses 80000: 5000 are left.
    group.world.use(group.a, 80000, at("2025-01-11"))
    assert status() == "ok"
    group.world.use(group.parent, 1, at("2025-01-11"))
    assert status() == "in_alarm"


def test_shares_of_children_are_told_to_be_named() -> None:
    world = World("2025-01-01T00:00:00Z")
    for access_ in ({"type": "CONTRACT_IDS"}, {"type": "SOME"}):
        credit = template(
            world, 10, "2025-01-01", hierarchy_configuration={"child_access": access_}
        )
        body = {
            "customer_id": world.customer(),
            "starting_at": at("2025-01-01"),
            "recurring_credits": [credit],
        }
        error = world.refused("/v1/contracts/create", body)
        assert "recurring_credits.0.hierarchy_configuration.child_access" in error["message"]


@pytest.mark.parametrize(("b_uses", "missing"), [(15000, 15000), (45000, None)])
def test_a_shared_postpaid_commit_is_trued_up_by_its_owner(
    b_uses: int, missing: int | None
) -> None:
    """What those below use counts, each pays its own usage, and the owner what is missing."""
    world = World("2025-01-01T00:00:00Z")
    product, card = world.product(world.metric()), world.rate_card()
    world.rate(card, product, price=1)
    parent, a, b = (world.customer() for _ in range(3))
    commit = {
        "type": "POSTPAID",
        "product_id": world.product(type="FIXED"),
        "access_schedule": access(100000, end="2025-02-01"),
        "invoice_schedule": {"schedule_items": [{"timestamp": at("2025-02-01"), "amount": 100000}]},
        "hierarchy_configuration": {"child_access": {"type": "ALL"}},
    }
    above = world.contract(parent, card, hierarchy_configuration={}, commits=[commit])
    link = {"parent": {"contract_id": above, "customer_id": parent}}
    for customer in (a, b):
        world.contract(customer, card, at("2025-01-01"), hierarchy_configuration=link)
    world.clock("2025-01-20T00:00:00Z")
    for customer, amount in ((parent, 40000), (a, 30000), (b, b_uses)):
        world.use(customer, amount, at("2025-01-10"))

    def trueups(status: str) -> list[Any]:
        found = world.invoices(parent, type="SCHEDULED", status=status)
        return [one["total"] for one in found]

    # The draft says what is missing so far: 100000 − 40000 − 30000 − what B used, never below 0.
    assert trueups("DRAFT") == [missing or 0]
    for customer, amount in ((parent, 40000), (a, 30000), (b, b_uses)):
        assert world.draft(customer)["total"] == amount
    world.clock("2025-02-01T12:00:00Z")
    # It waits for the last usage that may draw the commit, of those below, too.
    assert trueups("FINALIZED") == []
    world.clock("2025-02-03T00:00:00Z")
    assert trueups("FINALIZED") == ([] if missing is None else [missing])
    [shown] = children(world, parent)
    assert sum(entry["amount"] for entry in shown["ledger"]) == 0
    drawn = [one["amount"] for one in shown["ledger"] if "DEDUCTION" in one["type"]]
    assert sum(drawn) == -(100000 - (missing or 0))
    for customer in (a, b):
        assert world.invoices(customer, type="SCHEDULED") == []


def test_an_earlier_date_shows_who_might_draw_then() -> None:
    group = Group({"type": "ALL"})
    world = group.world
    [above] = world.post("/v2/contracts/list", {"customer_id": group.parent})
    names = {"customer_id": group.parent, "contract_id": above["id"]}
    [commit] = above["commits"]
    world.clock(at("2025-01-21"))
    own = {"commit_id": commit["id"], "hierarchy_configuration": {"child_access": {"type": "NONE"}}}
    world.post("/v2/contracts/edit", {**names, "update_commits": [own]})

    def access_as_of(date: str) -> Any:
        [then] = world.post("/v2/contracts/get", {**names, "as_of_date": at(date)})["commits"]
        return then["hierarchy_configuration"]["child_access"]["type"]

    assert (access_as_of("2025-01-20"), access_as_of("2025-01-21")) == ("ALL", "NONE")
