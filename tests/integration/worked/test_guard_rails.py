"""What edits, ends and archives of balances may do, and what not (balances and events, chapter 4).

A test for each rule; its number is in the test's name.
"""

from typing import Any

import pytest

from tests.integration.worked.test_commits_and_credits import (
    Account,
    at,
    invoiced,
    segment,
    short,
)
from tests.integration.worked.world import JSON

EDIT = "/v2/contracts/commits/edit"
ARCHIVE = "/v2/contracts/commits/archive"


class Desk(Account):
    """An account with a commit of 1000 in two halves of a year, paid in January and July."""

    def __init__(self, now: str = "2025-01-01", **fields: Any) -> None:
        super().__init__(now)
        halves = [
            segment(500, "2025-01-01", "2025-07-01"),
            segment(500, "2025-07-01", "2026-01-01"),
        ]
        paid = [
            {"timestamp": at("2025-01-01"), "amount": 400},
            {"timestamp": at("2025-07-01"), "amount": 400},
        ]
        self.first = self.commit(
            name="Halves",
            access_schedule={"schedule_items": halves},
            invoice_schedule={"schedule_items": paid},
            **fields,
        )

    @property
    def names(self) -> JSON:
        return {"customer_id": self.customer, "commit_id": self.held("Halves")["id"]}

    def items(self, schedule: str = "access_schedule") -> list[JSON]:
        found: list[JSON] = self.held("Halves")[schedule]["schedule_items"]
        return found

    def edit(self, schedule: str, **change: Any) -> None:
        self.world.post(EDIT, {**self.names, schedule: change})

    def refused(self, schedule: str, **change: Any) -> str:
        error = self.world.refused(EDIT, {**self.names, schedule: change})
        assert error["code"] == "BadRequest"
        message: str = error["message"]
        return message


def test_4_3_a_payment_on_a_final_invoice_stays() -> None:
    desk = Desk()
    desk.sign(commits=[desk.first])
    desk.world.clock(at("2025-02-10"))
    first, second = desk.items("invoice_schedule")
    assert desk.totals(type="SCHEDULED", status="FINALIZED") == [400]
    paid = "invoice_schedule"
    assert "finalized" in desk.refused(
        paid, update_schedule_items=[{"id": first["id"], "amount": 1}]
    )
    assert "FINALIZED" in desk.refused(paid, remove_schedule_items=[{"id": first["id"]}])
    # What is not billed yet may change, and go.
    desk.edit(paid, update_schedule_items=[{"id": second["id"], "amount": 300}])
    assert desk.totals(type="SCHEDULED", status="DRAFT") == [300]
    desk.edit(paid, remove_schedule_items=[{"id": second["id"]}])
    assert desk.totals(type="SCHEDULED", status="DRAFT") == []
    # One on a void invoice cannot go either.
    [final] = desk.invoices(type="SCHEDULED", status="FINALIZED")
    desk.world.post("/v1/invoices/void", {"id": final["id"]})
    assert "VOID" in desk.refused(paid, remove_schedule_items=[{"id": first["id"]}])


def test_4_3_access_that_a_final_invoice_drew_stays_but_may_change() -> None:
    desk = Desk()
    desk.sign(commits=[desk.first])
    desk.months(300)
    desk.world.clock(at("2025-02-10"))
    first, second = desk.items()
    assert "applied" in desk.refused("access_schedule", remove_schedule_items=[{"id": first["id"]}])
    change = {"id": first["id"], "amount": 700, "ending_before": at("2025-08-01")}
    desk.edit("access_schedule", update_schedule_items=[change])
    assert desk.balance() == 400
    desk.edit("access_schedule", remove_schedule_items=[{"id": second["id"]}])
    [left] = desk.items()
    assert (left["amount"], left["ending_before"][:10]) == (700, "2025-08-01")


class Renewed(Desk):
    """Of 500 that the year 2025 had, 300 are used by December; a half rolls over."""

    def __init__(self) -> None:
        super().__init__()
        self.first = self.commit(
            500,
            name="Halves",
            rollover_fraction=0.5,
            invoice_schedule=invoiced(500, "2026-02-01"),
        )
        self.earlier = self.sign(commits=[self.first])
        self.months(300)
        self.world.clock(at("2025-12-10"))

    def renew(self) -> str:
        transition = {"type": "RENEWAL", "from_contract_id": self.earlier}
        return self.sign("2026-01-01", transition=transition)

    def of_contract(self, contract: str) -> JSON:
        wanted = {
            "customer_id": self.customer,
            "include_contract_balances": True,
            "include_balance": True,
            "include_ledgers": True,
        }
        path = "/v1/contracts/customerBalances/list"
        [found] = [
            one for one in self.world.post(path, wanted) if one["contract"]["id"] == contract
        ]
        shown: JSON = found
        return shown

    def names_of(self, contract: str) -> JSON:
        return {"customer_id": self.customer, "commit_id": self.of_contract(contract)["id"]}


def test_4_3_what_rolled_over_cannot_be_edited() -> None:
    desk = Renewed()
    new = desk.renew()
    desk.world.clock(at("2026-01-10"))
    for change in ({"name": "Other"}, {"priority": 1}):
        error = desk.world.refused(EDIT, {**desk.names_of(new), **change})
        assert (error["code"], "rolled over" in error["message"]) == ("BadRequest", True)


def test_4_3_access_of_what_rolled_over_changes_until_the_new_contract_has_billed() -> None:
    desk = Renewed()
    new = desk.renew()
    names = desk.names_of(desk.earlier)
    [item] = desk.of_contract(desk.earlier)["access_schedule"]["schedule_items"]

    def more(amount: int) -> JSON:
        update = {"update_schedule_items": [{"id": item["id"], "amount": amount}]}
        return {**names, "access_schedule": update}

    desk.world.post(EDIT, more(800))
    desk.world.clock(at("2026-01-10"))
    # 800 − 300 = 500 are left, but no more than the half of 800 rolls over.
    assert desk.of_contract(new)["balance"] == 400
    desk.world.post(EDIT, more(600))
    assert desk.of_contract(new)["balance"] == 300
    # January's invoice of the new contract is final on 2 February.
    desk.world.clock(at("2026-02-03"))
    assert "finalized invoice" in desk.world.refused(EDIT, more(900))["message"]


def test_4_3_payments_of_what_rolled_over_change_until_the_old_contract_has_ended() -> None:
    desk = Renewed()
    desk.renew()
    names = desk.names_of(desk.earlier)
    schedule = desk.of_contract(desk.earlier)["invoice_schedule"]["schedule_items"]
    # The payment of February lay behind the end of the contract, and went with it.
    assert schedule == []

    def pay(date: str) -> JSON:
        item = {"timestamp": at(date), "amount": 10}
        return {**names, "invoice_schedule": {"add_schedule_items": [item]}}

    desk.world.post(EDIT, pay("2025-12-20"))
    assert 10 in desk.totals(type="SCHEDULED")
    desk.world.clock(at("2026-01-02"))
    assert "has ended" in desk.world.refused(EDIT, pay("2025-12-21"))["message"]


def test_4_4_entries_by_hand_go_with_their_segment() -> None:
    desk = Desk()
    desk.sign(commits=[desk.first])
    _, second = desk.items()
    entry = {
        **{"customer_id": desk.customer, "contract_id": desk.contract},
        "id": desk.names["commit_id"],
        "segment_id": second["id"],
        "amount": 70,
        "reason": "goodwill",
    }
    desk.world.post("/v1/contracts/addManualBalanceLedgerEntry", entry)
    desk.edit("access_schedule", remove_schedule_items=[{"id": second["id"]}])
    fresh = segment(100, "2025-07-01", "2026-01-01")
    desk.edit("access_schedule", add_schedule_items=[fresh])
    desk.world.clock(at("2025-07-02"))
    assert desk.balance() == 100
    assert not [entry for entry in desk.ledger() if "MANUAL" in entry]


def test_4_5_drafts_follow_for_their_whole_period_and_final_invoices_stay() -> None:
    desk = Desk()
    desk.sign(commits=[{**desk.first, "applicable_product_ids": [desk.product]}])
    desk.months(100, 200)
    other = desk.world.product(desk.world.metric(event_type="other"))
    # From now on it is about another product only: February is owed, January stays paid.
    change = {**desk.names, "applicable_product_ids": [other]}
    desk.world.post(EDIT, change)
    assert desk.totals(type="USAGE") == [0, 200]
    [final] = desk.invoices(type="USAGE", status="FINALIZED")
    desk.world.post("/v1/invoices/void", {"id": final["id"]})
    desk.world.post("/v1/invoices/regenerate", {"id": final["id"]})
    # Made anew, it follows the terms of today.
    assert sorted(desk.totals(type="USAGE", status="FINALIZED")) == [100]


def test_4_6_less_than_was_drawn_shows_as_nothing() -> None:
    desk = Desk()
    desk.sign(commits=[desk.first])
    desk.months(300)
    desk.world.clock(at("2025-02-10"))
    first, _ = desk.items()
    desk.edit("access_schedule", update_schedule_items=[{"id": first["id"], "amount": 100}])
    assert desk.balance() == 0
    # What the final invoice drew stays: 100 − 300 is below nothing, and that is not owed.
    assert "2025-02-01 DED -300" in desk.ledger()
    desk.use(50, "2025-02-05")
    assert desk.totals(status="DRAFT", type="USAGE") == [50]


@pytest.mark.parametrize(
    ("end", "says"), [("2026-02-01", "not after its end"), ("2024-12-01", "after the start")]
)
def test_4_7_an_end_only_moves_forward(end: str, says: str) -> None:
    desk = Desk()
    desk.sign()
    body = {**desk.commit(100), "customer_id": desk.customer, "priority": 1}
    commit = desk.world.post("/v1/contracts/customerCommits/create", body)["id"]
    wanted = {
        "customer_id": desk.customer,
        "commit_id": commit,
        "access_ending_before": at(end),
    }
    path = "/v1/contracts/customerCommits/updateEndDate"
    assert says in desk.world.refused(path, wanted)["message"]


def test_4_7_an_earlier_end_drops_payments_that_are_not_final() -> None:
    desk = Desk()
    contract = desk.sign()
    paid = [
        {"timestamp": at("2025-01-01"), "amount": 30},
        {"timestamp": at("2025-05-01"), "amount": 70},
    ]
    body = {
        **desk.commit(100, name="Own"),
        "customer_id": desk.customer,
        "priority": 1,
        "invoice_contract_id": contract,
        "invoice_schedule": {"schedule_items": paid},
    }
    commit = desk.world.post("/v1/contracts/customerCommits/create", body)["id"]
    desk.world.clock(at("2025-02-10"))
    wanted = {"customer_id": desk.customer, "commit_id": commit}
    path = "/v1/contracts/customerCommits/updateEndDate"
    desk.world.post(path, {**wanted, "invoices_ending_before": at("2025-01-01")})
    # The payment of January is final and stays.
    assert desk.totals(type="SCHEDULED") == [30]
    assert "access_ending_before" in desk.world.refused(path, wanted)["message"]
    missing = {**desk.commit(100, name="Post"), "type": "POSTPAID"}
    missing["invoice_schedule"] = invoiced(100, "2026-01-01")
    missing |= {"customer_id": desk.customer, "priority": 1, "invoice_contract_id": contract}
    postpaid = desk.world.post("/v1/contracts/customerCommits/create", missing)["id"]
    wanted = {"customer_id": desk.customer, "commit_id": postpaid}
    refused = desk.world.refused(path, {**wanted, "access_ending_before": at("2025-06-01")})
    assert "PREPAID" in refused["message"]


def test_4_9_a_commit_is_archived_once_what_it_is_on_is_void() -> None:
    desk = Desk()
    desk.sign(commits=[desk.first])
    desk.months(100)
    desk.world.clock(at("2025-02-10"))
    names = desk.names
    assert "void" in desk.world.refused(ARCHIVE, names)["message"]
    [usage] = desk.invoices(type="USAGE", status="FINALIZED")
    desk.world.post("/v1/invoices/void", {"id": usage["id"]})
    # The invoice that bills it is still there.
    assert "payment" in desk.world.refused(ARCHIVE, names)["message"]
    [paid] = desk.invoices(type="SCHEDULED", status="FINALIZED")
    desk.world.post("/v1/invoices/void", {"id": paid["id"]})
    desk.world.post(ARCHIVE, names)
    listed = {"customer_id": desk.customer, "include_contract_balances": True}
    path = "/v1/contracts/customerBalances/list"
    assert desk.world.post(path, listed) == []
    shown = desk.held(include_archived=True)
    assert (shown["balance"], shown["ledger"], "archived_at" in shown) == (0, [], True)
    assert "archived already" in desk.world.refused(ARCHIVE, names)["message"]
    assert desk.totals(type="SCHEDULED", status="DRAFT") == []


def test_4_9_a_credit_is_archived_once_nothing_final_draws_it() -> None:
    desk = Desk()
    desk.sign(credits=[desk.credit(500, name="Halves")])
    desk.months(100)
    desk.world.clock(at("2025-02-10"))
    names = {"customer_id": desk.customer, "credit_id": desk.held()["id"]}
    path = "/v2/contracts/credits/archive"
    assert "void" in desk.world.refused(path, names)["message"]
    [usage] = desk.invoices(type="USAGE", status="FINALIZED")
    desk.world.post("/v1/invoices/void", {"id": usage["id"]})
    desk.world.post(path, names)
    assert desk.net() == 0


@pytest.mark.parametrize("void", [False, True])
def test_4_10_an_archived_contract_closes_what_it_had(void: bool) -> None:
    desk = Desk()
    contract = desk.sign(commits=[desk.first])
    desk.months(100)
    desk.world.clock(at("2025-02-10"))
    body = {"customer_id": desk.customer, "contract_id": contract, "void_invoices": void}
    desk.world.post("/v1/contracts/archive", body)
    status = "VOID" if void else "FINALIZED"
    assert {one["status"] for one in desk.invoices()} == {status}
    assert desk.net() == 0
    ledger = desk.held(include_archived=True)["ledger"]
    entries = [(short(entry["type"]), entry["amount"]) for entry in ledger]
    # What January drew stays only while its invoice does; the rest is closed at the archive.
    drawn = [] if void else [("DED", -100)]
    left = 500 - (0 if void else 100)
    assert entries == [("START", 500), *drawn, ("EXP", -left)]


def test_4_11_an_earlier_end_cuts_and_a_later_one_lengthens_nothing() -> None:
    desk = Desk()
    contract = desk.sign(ending_before=at("2026-01-01"), commits=[desk.first])
    desk.months(100)
    path = "/v1/contracts/updateEndDate"
    names = {"customer_id": desk.customer, "contract_id": contract}
    desk.world.post(path, {**names, "ending_before": at("2025-04-01")})
    assert [item["ending_before"][:10] for item in desk.items()] == ["2025-04-01"]
    # The payment of July is behind the end.
    assert desk.totals(type="SCHEDULED") == [400]
    desk.world.post(path, {**names, "ending_before": at("2027-01-01")})
    assert [item["ending_before"][:10] for item in desk.items()] == ["2025-04-01"]
    assert desk.totals(type="SCHEDULED") == [400]
    desk.world.clock(at("2025-04-10"))
    assert desk.ledger()[-1] == "2025-04-01 EXP -400"


def test_4_12_void_gives_back_and_regenerate_draws_anew() -> None:
    desk = Desk()
    desk.sign(commits=[desk.first])
    desk.months(100)
    desk.world.clock(at("2025-02-10"))
    [final] = desk.invoices(type="USAGE", status="FINALIZED")
    desk.world.post("/v1/invoices/void", {"id": final["id"]})
    assert (desk.balance(), desk.ledger()) == (500, ["2025-01-01 START +500"])
    first, _ = desk.items()
    desk.edit("access_schedule", update_schedule_items=[{"id": first["id"], "amount": 60}])
    anew = desk.world.post("/v1/invoices/regenerate", {"id": final["id"]})["id"]
    assert anew != final["id"]
    shown = next(one for one in desk.invoices() if one["id"] == anew)
    # 100 were used, of which 60 are paid now.
    assert shown["total"] == 40
    assert desk.held()["ledger"][1]["invoice_id"] == anew
