"""Worked examples of commits and credits: expiry, order, postpaid, rollover, reads (EX-01 to 39).

Amounts are in cents, everything is in 2025, and a unit of usage costs a cent unless it says so.
"""

from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from tests.integration.worked.world import JSON, World, lines, places

BALANCES = "/v1/contracts/customerBalances/list"
NET = "/v1/contracts/customerBalances/getNetBalance"


def at(date: str) -> str:
    return date if "T" in date else f"{date}T00:00:00Z"


def segment(amount: object, start: str, end: str) -> JSON:
    return {"amount": amount, "starting_at": at(start), "ending_before": at(end)}


def access(amount: object, start: str = "2025-01-01", end: str = "2026-01-01") -> JSON:
    return {"schedule_items": [segment(amount, start, end)]}


def invoiced(amount: object, date: str) -> JSON:
    return {"schedule_items": [{"timestamp": at(date), "amount": amount}]}


class Account:
    """A customer with one contract, and what it holds."""

    def __init__(self, now: str = "2025-01-01", **terms: Any) -> None:
        self.world = World(at(now))
        self.customer = self.world.customer()
        self.fixed = self.world.product(type="FIXED")
        self.product, self.card = self.priced("use", **terms)
        self.contract = ""

    def priced(self, event_type: str, price: object = 1, **rate: Any) -> tuple[str, str]:
        world = self.world
        product, card = world.product(world.metric(event_type=event_type)), world.rate_card()
        world.rate(card, product, price=price, **rate)
        return product, card

    def sign(self, start: str = "2025-01-01", **fields: Any) -> str:
        self.contract = self.world.contract(self.customer, self.card, at(start), **fields)
        return self.contract

    def commit(self, amount: object = None, **fields: Any) -> JSON:
        given = {} if amount is None else {"access_schedule": access(amount)}
        return {"type": "PREPAID", "product_id": self.fixed, **given, **fields}

    def credit(self, amount: object = None, **fields: Any) -> JSON:
        given = {} if amount is None else {"access_schedule": access(amount)}
        return {"product_id": self.fixed, **given, **fields}

    def use(self, amount: object, date: str, **properties: Any) -> None:
        self.world.use(self.customer, amount, at(date), **properties)

    def months(self, *amounts: object, year: int = 2025) -> None:
        """Uses an amount in each month, and lets it be billed before the next."""
        for number, amount in enumerate(amounts, start=1):
            self.world.clock(f"{year}-{number:02}-20T00:00:00Z")
            if amount:
                self.use(amount, f"{year}-{number:02}-15")

    def held(self, name: str | None = None, **wanted: Any) -> JSON:
        body = {
            "customer_id": self.customer,
            "include_contract_balances": True,
            "include_balance": True,
            "include_ledgers": True,
            **wanted,
        }
        found = self.world.post(BALANCES, body)
        [one] = [entry for entry in found if name in (None, entry["name"])]
        shown: JSON = one
        return shown

    def balance(self, name: str | None = None) -> Any:
        return self.held(name)["balance"]

    def ledger(self, name: str | None = None, **wanted: Any) -> list[str]:
        """Returns the ledger in the examples' short form: date, type, amount."""
        return [
            f"{entry['timestamp'][:10]} {short(entry['type'])} {entry['amount']:+}"
            for entry in self.held(name, **wanted)["ledger"]
        ]

    def invoices(self, **query: Any) -> list[JSON]:
        return self.world.invoices(self.customer, **query)

    def totals(self, **query: Any) -> list[Any]:
        return [one["total"] for one in self.invoices(**query)]

    def net(self, **wanted: Any) -> Any:
        return self.world.post(NET, {"customer_id": self.customer, **wanted})["balance"]


def short(type_: str) -> str:
    kinds = {
        "SEGMENT_START": "START",
        "INITIAL_BALANCE": "INITIAL",
        "AUTOMATED_INVOICE_DEDUCTION": "DED",
        "MANUAL": "MANUAL",
        "ROLLOVER": "ROLLOVER",
        "TRUEUP": "TRUEUP",
        "EXPIRATION": "EXP",
    }
    return next(name for kind, name in kinds.items() if type_.endswith(kind))


# Basics and expiry


def test_ex_01_a_single_credit() -> None:
    account = Account("2024-09-01")
    account.sign(
        "2024-09-01",
        credits=[account.credit(access_schedule=access(10000, "2024-09-01", "2024-10-01"))],
    )
    account.world.clock(at("2024-09-20"))
    account.use(6300, "2024-09-10")
    assert account.balance() == 3700

    account.world.clock("2024-10-01T00:00:00Z")
    # 10000 − 6300 is left when the segment ends.
    assert account.ledger() == [
        "2024-09-01 START +10000",
        "2024-10-01 DED -6300",
        "2024-10-01 EXP -3700",
    ]
    assert account.balance() == 0
    account.world.clock("2024-10-02T00:00:00Z")
    [september] = account.invoices(status="FINALIZED")
    assert (lines(september, "total"), september["total"]) == ([(6300,), (-6300,)], 0)
    assert account.ledger()[1:] == ["2024-10-01 DED -6300", "2024-10-01 EXP -3700"]


def test_ex_03_a_credit_over_several_invoices() -> None:
    account = Account()
    account.sign(credits=[account.credit(access_schedule=access(50000, end="2025-04-01"))])
    account.months(41000, 54900, 10000)
    account.world.clock(at("2025-04-02"))
    # 50000 − 41000 = 9000 are left for February, nothing for March, nothing to expire.
    assert account.ledger() == [
        "2025-01-01 START +50000",
        "2025-02-01 DED -41000",
        "2025-03-01 DED -9000",
    ]
    assert account.totals(status="FINALIZED") == [0, 45900, 10000]


def test_ex_04_a_prepaid_year() -> None:
    account = Account()
    commit = account.commit(1000000, invoice_schedule=invoiced(1000000, "2025-01-01"))
    account.sign(commits=[commit])
    account.months(*[90000] * 9, 25000, 15000, 10000)
    account.world.clock(at("2026-01-02"))
    ledger = account.ledger()
    assert ledger[0] == "2025-01-01 START +1000000"
    assert ledger[1] == "2025-02-01 DED -90000"
    # 9 × 90000 + 25000 + 15000 + 10000 = 860000, so 140000 expire.
    assert ledger[-1] == "2026-01-01 EXP -140000"
    amounts = [entry["amount"] for entry in account.held()["ledger"]]
    assert (len(amounts), sum(amounts[1:13]), sum(amounts)) == (14, -860000, 0)
    assert account.totals(type="SCHEDULED") == [1000000]
    assert account.totals(type="USAGE", status="FINALIZED") == [0] * 12


def test_ex_05_four_quarterly_segments() -> None:
    account = Account()
    starts = ["2025-01-01", "2025-04-01", "2025-07-01", "2025-10-01", "2026-01-01"]
    segments = [segment(25000, *ends) for ends in pairwise(starts)]
    account.sign(commits=[account.commit(access_schedule={"schedule_items": segments})])
    account.months(18000, 0, 0, 25000, 0, 0, 0, 0, 31000)
    account.world.clock(at("2026-01-02"))
    assert account.ledger() == [
        "2025-01-01 START +25000",
        "2025-02-01 DED -18000",
        "2025-04-01 START +25000",
        "2025-04-01 EXP -7000",
        "2025-05-01 DED -25000",
        "2025-07-01 START +25000",
        "2025-10-01 START +25000",
        "2025-10-01 DED -25000",
        "2026-01-01 EXP -25000",
    ]
    # 31000 − 25000 in September.
    assert [total for total in account.totals(status="FINALIZED") if total] == [6000]


def test_ex_05_segments_that_have_not_started_do_not_count() -> None:
    account = Account()
    starts = ["2025-01-01", "2025-04-01", "2025-07-01", "2025-10-01", "2026-01-01"]
    segments = [segment(25000, *ends) for ends in pairwise(starts)]
    account.sign(commits=[account.commit(access_schedule={"schedule_items": segments})])
    account.world.clock(at("2025-07-02"))
    assert (account.balance(), account.net()) == (25000, 25000)


def test_ex_06_a_discounted_commit() -> None:
    account = Account()
    commit = account.commit(300000, invoice_schedule=invoiced(200000, "2025-01-01"))
    account.sign(commits=[commit])
    account.months(120000)
    account.world.clock(at("2025-02-02"))
    shown = account.held()
    # What was used is booked at list price; only 200000 of the 300000 were billed.
    assert (shown["balance"], account.ledger()[1:]) == (180000, ["2025-02-01 DED -120000"])
    [paid] = shown["invoice_schedule"]["schedule_items"]
    recognized = Decimal(120000) * paid["amount"] / 300000
    assert (paid["amount"], recognized) == (200000, 80000)
    assert account.totals(type="SCHEDULED") == [200000]


@pytest.mark.parametrize(
    ("amount", "distribution", "frequency", "expected"),
    [
        (1200000, "DIVIDED", "QUARTERLY", [300000] * 4),
        # Every date bills the whole amount.
        (1200000, "EACH", "QUARTERLY", [1200000] * 4),
        (100000, "DIVIDED_ROUNDED", "MONTHLY", [33333, 33333, 33334]),
        (100000, "DIVIDED", "MONTHLY", ["33333.3333333333"] * 3),
    ],
)
def test_ex_07_instalments(
    amount: int, distribution: str, frequency: str, expected: list[object]
) -> None:
    account = Account()
    schedule = {
        "starting_at": at("2025-01-01"),
        "ending_before": at("2026-01-01" if frequency == "QUARTERLY" else "2025-04-01"),
        "frequency": frequency,
        "amount": amount,
        "amount_distribution": distribution,
    }
    account.sign(
        commits=[account.commit(1200000, invoice_schedule={"recurring_schedule": schedule})]
    )
    # Full access from day one.
    assert account.balance() == 1200000
    found = [places(total) for total in account.totals(type="SCHEDULED")]
    assert found == [Decimal(str(one)) for one in expected]


def test_ex_08_a_shortened_customer_commit() -> None:
    account = Account()
    account.sign()
    body = account.commit(120000, customer_id=account.customer, priority=1)
    id_ = account.world.post("/v1/contracts/customerCommits/create", body)["id"]
    account.months(45000)
    account.world.clock(at("2025-06-15"))
    account.world.post(
        "/v1/contracts/customerCommits/updateEndDate",
        {
            "customer_id": account.customer,
            "commit_id": id_,
            "access_ending_before": at("2025-07-01"),
        },
    )
    assert account.balance() == 75000
    account.world.clock(at("2025-07-01"))
    # 120000 − 45000.
    assert account.ledger() == [
        "2025-01-01 START +120000",
        "2025-02-01 DED -45000",
        "2025-07-01 EXP -75000",
    ]
    assert account.balance() == 0


def test_ex_09_an_archived_contract() -> None:
    account = Account()
    contract = account.sign(commits=[account.commit(100000)])
    account.months(20000, 5000)
    assert account.balance() == 75000
    account.world.post(
        "/v1/contracts/archive",
        {"customer_id": account.customer, "contract_id": contract, "void_invoices": False},
    )
    # The draft's 5000 are not drawn any more: 100000 − 20000 expire at once.
    listed = {"customer_id": account.customer, "include_contract_balances": True}
    assert account.world.post(BALANCES, listed) == []
    assert account.ledger(include_archived=True) == [
        "2025-01-01 START +100000",
        "2025-02-01 DED -20000",
        "2025-02-20 EXP -80000",
    ]
    assert account.held(include_archived=True)["balance"] == 0
    assert account.totals(status="DRAFT") == []


# Drawdown order


def test_ex_10_a_mixed_bag() -> None:
    account = Account("2024-12-01")
    world = account.world
    p1, p2 = account.product, world.product(world.metric(event_type="p2"))
    world.rate(account.card, p2, price=1)
    earlier = account.sign(
        "2024-12-01",
        credits=[
            account.credit(
                name="R",
                priority=500,
                rollover_fraction=1,
                access_schedule=access(100, "2024-12-01", "2025-01-01"),
            )
        ],
    )
    world.clock(at("2025-01-20"))
    paid = {"invoice_schedule": invoiced(1, "2025-01-01")}
    account.sign(
        transition={"type": "RENEWAL", "from_contract_id": earlier},
        commits=[
            account.commit(300, name="A", priority=50, **paid),
            account.commit(250, name="C", applicable_product_ids=[p1], **paid),
            account.commit(name="E", access_schedule=access(150, end="2025-03-31"), **paid),
            account.commit(150, name="F", **paid),
            account.commit(
                1000,
                name="Q",
                type="POSTPAID",
                priority=1,
                invoice_schedule=invoiced(1000, "2026-01-01"),
            ),
        ],
        credits=[account.credit(200, name="B")],
    )
    account.use(900, "2025-01-10")
    account.use(600, "2025-01-10", event_type="p2")
    draft = next(one for one in account.invoices(status="DRAFT") if one["type"] == "USAGE")
    drawn: dict[str, Decimal] = {}
    for line in draft["line_items"]:
        if line["type"] == "applied_commit_or_credit":
            key = f"{'P1' if line['product_id'] == p1 else 'P2'} {line['name'][0]}"
            drawn[key] = -line["total"]
    # 900 = R 100 + A 300 + B 200 + C 250 + E 50; 600 = E 100 + F 150 + Q 350.
    assert drawn == {
        "P1 R": 100, "P1 A": 300, "P1 B": 200, "P1 C": 250, "P1 E": 50,
        "P2 E": 100, "P2 F": 150, "P2 Q": 350,
    }  # fmt: skip
    # 1500 − 1150: what Q covers is payable all the same.
    assert draft["total"] == 350
    listed = {"customer_id": account.customer, "include_contract_balances": True}
    left = {
        one["name"]: one["balance"]
        for one in world.post(BALANCES, {**listed, "include_balance": True})
        if one["balance"]
    }
    assert left == {"Q": 650}


def test_ex_11_the_page_s_own_shape() -> None:
    account = Account()
    world = account.world
    metric = world.metric(groups=[["region"]])
    d1 = world.product(metric, presentation_group_key=["region"])
    card = world.rate_card()
    world.rate(card, d1, price=1)
    account.card = card
    paid = {"invoice_schedule": invoiced(1000000, "2025-01-01")}
    region = {"presentation_group_values": {"region": "us-east-1"}}
    with_region = {"product_id": d1, **region}
    april = access(1000000, end="2025-04-01")
    account.sign(
        commits=[
            account.commit(1000000, name="F", **paid),
            account.commit(1000000, name="E", specifiers=[with_region, region], **paid),
            account.commit(
                name="D", access_schedule=april, specifiers=[with_region, region], **paid
            ),
            account.commit(1000000, name="C", applicable_product_ids=[d1], **paid),
            account.commit(1000000, name="B"),
            account.commit(1000000, name="A", priority=50, **paid),
        ]
    )
    world.clock(at("2025-01-20"))
    account.use(2500000, "2025-01-10", region="us-east-1")
    left = {name: account.balance(name) for name in "ABCDEF"}
    # A first by priority, B because it is free, then C, which names a product and no group.
    assert left == {
        "A": 0, "B": 0, "C": 500000, "D": 1000000, "E": 1000000, "F": 1000000
    }  # fmt: skip
    account.use(1000000, "2025-01-11", region="us-east-1")
    # Of the two alike D ends earlier.
    assert [account.balance(name) for name in "CDEF"] == [0, 500000, 1000000, 1000000]


@pytest.mark.parametrize(("priority", "due", "left"), [(100, 0, 0), (1, 100, 100)])
def test_ex_12_narrow_first_pays_off(priority: int, due: int, left: int) -> None:
    account = Account()
    other = account.world.product(account.world.metric(event_type="p2"))
    account.world.rate(account.card, other, price=1)
    paid = {"invoice_schedule": invoiced(100, "2025-01-01")}
    account.sign(
        commits=[
            account.commit(100, name="F", priority=priority, **paid),
            account.commit(100, name="C", applicable_product_ids=[account.product], **paid),
        ]
    )
    account.world.clock(at("2025-01-20"))
    account.use(100, "2025-01-10")
    account.use(100, "2025-01-10", event_type="p2")
    # C pays P1 and F P2; F first takes P1, and C finds none left.
    assert account.totals(type="USAGE") == [due]
    assert (account.balance("C"), account.balance("F")) == (left, 0)


@pytest.mark.parametrize(
    ("priority", "left", "due"),
    # S1 pays us 4000 and S2 eu 3000; S2 first pays us 4000 and 1000 of eu.
    [(100, {"S1": 1000, "S2": 2000}, 0), (50, {"S1": 5000, "S2": 0}, 2000)],
)
def test_ex_13_a_group_value_specifier(priority: int, left: dict[str, int], due: int) -> None:
    account = Account()
    world = account.world
    product = world.product(world.metric(groups=[["region"]]), pricing_group_key=["region"])
    card = world.rate_card()
    for region, price in (("us", 10), ("eu", 8)):
        world.rate(card, product, price=price, pricing_group_values={"region": region})
    account.card = card
    us = {"pricing_group_values": {"region": "us"}}
    account.sign(
        commits=[
            account.commit(5000, name="S1", specifiers=[us]),
            account.commit(5000, name="S2", priority=priority),
        ]
    )
    world.clock(at("2025-01-20"))
    account.use(400, "2025-01-10", region="us")
    account.use(375, "2025-01-10", region="eu")
    assert {name: account.balance(name) for name in left} == left
    assert account.totals(type="USAGE") == [due]


def test_ex_14_what_costs_nothing_goes_first() -> None:
    account = Account()
    account.sign(
        commits=[
            account.commit(1000, name="X", invoice_schedule=invoiced(1000, "2025-01-01")),
            account.commit(1000, name="Y"),
        ]
    )
    account.world.clock(at("2025-01-20"))
    account.use(1200, "2025-01-10")
    assert (account.balance("Y"), account.balance("X")) == (0, 800)


def test_ex_14_a_commit_that_is_not_invoiced_still_has_its_cost() -> None:
    account = Account()
    silent = {**invoiced(1000, "2025-01-01"), "do_not_invoice": True}
    account.sign(
        commits=[
            account.commit(1000, name="X", invoice_schedule=silent),
            account.commit(1000, name="Y"),
        ]
    )
    account.world.clock(at("2025-01-20"))
    account.use(1200, "2025-01-10")
    assert (account.balance("Y"), account.balance("X")) == (0, 800)
    assert account.totals(type="SCHEDULED") == []


def test_ex_15_dates_and_contracts_break_ties() -> None:
    account = Account()
    customer_level = account.credit(
        name="K3",
        customer_id=account.customer,
        priority=100,
        access_schedule=access(100, end="2025-06-01"),
    )
    account.world.post("/v1/contracts/customerCredits/create", customer_level)
    account.sign(
        credits=[
            account.credit(name="K2", access_schedule=access(100, "2025-02-01", "2025-06-01")),
            account.credit(name="K1", access_schedule=access(100, end="2025-06-01")),
        ]
    )
    account.world.clock(at("2025-02-20"))
    account.use(250, "2025-02-10")
    # All end together; K1 and K3 started first, and of those K1 is for one contract.
    assert {name: account.balance(name) for name in ("K1", "K2", "K3")} == {
        "K1": 0, "K2": 50, "K3": 0
    }  # fmt: skip


def test_ex_16_rollovers_beat_everything() -> None:
    account = Account("2024-12-01")
    december = ("2024-12-01", "2025-01-01")
    whole = {"rollover_fraction": 1}
    earlier = account.sign(
        "2024-12-01",
        commits=[
            account.commit(
                name="R1",
                type="POSTPAID",
                priority=200,
                access_schedule=access(1000, *december),
                invoice_schedule=invoiced(1000, "2025-01-01"),
                **whole,
            ),
            account.commit(name="R2", priority=1, access_schedule=access(1000, *december), **whole),
        ],
    )
    renewal = {
        "type": "RENEWAL",
        "from_contract_id": earlier,
        "future_invoice_behavior": {"trueup": "REMOVE"},
    }
    account.sign(transition=renewal, credits=[account.credit(5000, name="N", priority=1)])
    account.world.clock(at("2025-01-20"))
    account.use(2500, "2025-01-10")
    listed = {"customer_id": account.customer, "include_contract_balances": True}
    left = {
        one["name"]: one["balance"]
        for one in account.world.post(BALANCES, {**listed, "include_balance": True})
        if one["contract"]["id"] == account.contract
    }
    assert left == {"R1": 0, "R2": 0, "N": 4500}
    # R1's part is postpaid.
    [draft] = [one for one in account.invoices(status="DRAFT") if one["type"] == "USAGE"]
    assert draft["total"] == 1000


def test_ex_17_the_type_beats_the_priority() -> None:
    account = Account()
    account.sign(
        commits=[
            account.commit(
                1000,
                name="post",
                type="POSTPAID",
                priority=1,
                invoice_schedule=invoiced(1000, "2026-01-01"),
            ),
            account.commit(1000, name="pre", priority=999),
        ]
    )
    account.world.clock(at("2025-01-20"))
    account.use(1500, "2025-01-10")
    assert (account.balance("pre"), account.balance("post")) == (0, 500)
    assert account.totals(type="USAGE") == [500]


def test_ex_18_the_same_usage_once() -> None:
    account = Account()
    account.sign(
        commits=[
            account.commit(40000, name="pre"),
            account.commit(
                40000, name="post", type="POSTPAID", invoice_schedule=invoiced(40000, "2026-01-01")
            ),
        ]
    )
    account.world.clock(at("2025-01-20"))
    account.use(50000, "2025-01-10")
    # The postpaid commitment gets what the prepaid one leaves: 10000.
    assert (account.balance("pre"), account.balance("post")) == (0, 30000)
    assert account.totals(type="USAGE") == [10000]


@pytest.mark.parametrize(("rate_type", "due"), [("COMMIT_RATE", 75000), ("LIST_RATE", 100000)])
def test_ex_19_a_commit_rate(rate_type: str, due: int) -> None:
    account = Account(price=10, commit_rate={"rate_type": "FLAT", "price": 8})
    account.sign(commits=[account.commit(100000, rate_type=rate_type)])
    account.world.clock(at("2025-01-20"))
    account.use(20000, "2025-01-10")
    # 100000 / 8 = 12500 are covered and 7500 × 10 due; at list price 10000 and 10000 × 10.
    assert account.totals(type="USAGE") == [due]


def test_ex_20_the_position_on_the_tiers_goes_on() -> None:
    account = Account(price=None, tiers=[(1000, 10), (None, 5)])
    account.sign(commits=[account.commit(7000)])
    account.world.clock(at("2025-01-20"))
    account.use(1500, "2025-01-10")
    # 700 × 10 are paid; 300 × 10 + 500 × 5 are due.
    assert account.totals(type="USAGE") == [5500]


def test_ex_21_overage_of_a_custom_unit() -> None:
    world = World(at("2025-01-20"))
    cpu, customer = world.unit("CPU"), world.customer()
    conversion = {"custom_credit_type_id": cpu, "fiat_per_custom_credit": 10}
    card = world.rate_card(credit_type_conversions=[conversion])
    world.rate(card, world.product(world.metric()), price=1, credit_type_id=cpu)
    commit = {
        "type": "PREPAID",
        "product_id": world.product(type="FIXED"),
        "access_schedule": {**access(1000), "credit_type_id": cpu},
    }
    world.contract(customer, card, commits=[commit])
    world.use(customer, 1200, at("2025-01-10"))
    draft = world.draft(customer)
    # 200 are left over, at 10 cents.
    converted = [line for line in draft["line_items"] if line["type"] == "cpu_conversion"]
    assert lines({"line_items": converted}, "quantity", "total") == [(200, 2000)]
    assert draft["total"] == 2000
    shown = world.post(
        BALANCES,
        {"customer_id": customer, "include_contract_balances": True, "include_ledgers": True},
    )
    assert [entry["amount"] for entry in shown[0]["ledger"]] == [1000, -1000]


# Postpaid


def committed(account: Account, **fields: Any) -> JSON:
    schedule = invoiced(1000000, "2026-01-01")
    return account.commit(1000000, type="POSTPAID", invoice_schedule=schedule, **fields)


def test_ex_23_a_true_up() -> None:
    account = Account()
    account.sign(ending_before=at("2026-01-01"), commits=[committed(account)])
    assert account.totals(type="SCHEDULED") == [1000000]
    account.months(*[80000] * 12)
    # What is missing follows the usage: 1000000 − 12 × 80000.
    assert account.totals(type="SCHEDULED", status="DRAFT") == [40000]
    account.world.clock(at("2026-01-01"))
    # December's usage can still change, and with it what is missing.
    assert account.totals(type="SCHEDULED", status="DRAFT") == [40000]
    account.world.clock(at("2026-01-02"))
    [trueup] = account.invoices(type="SCHEDULED")
    assert (trueup["status"], trueup["total"]) == ("FINALIZED", 40000)
    shown = account.held()
    [line] = trueup["line_items"]
    assert line["postpaid_commit"] == {"id": shown["id"]}
    assert account.totals(type="USAGE") == [80000] * 12
    ledger = account.ledger()
    assert (ledger[0], ledger[1]) == ("2025-01-01 INITIAL +1000000", "2025-02-01 DED -80000")
    assert ledger[-1] == "2026-01-01 TRUEUP -40000"
    assert shown["ledger"][-1]["invoice_id"] == trueup["id"]
    assert sum(entry["amount"] for entry in shown["ledger"]) == 0
    assert sum(account.totals()) == 1000000


def test_ex_24_more_than_was_committed() -> None:
    account = Account()
    account.sign(ending_before=at("2026-01-01"), commits=[committed(account)])
    account.months(*[90000] * 12)
    account.world.clock(at("2026-02-01"))
    ledger = account.ledger()
    # 11 × 90000 = 990000, so December takes 10000; 80000 of it are plain overage.
    assert ledger[1:] == [
        *(f"2025-{month:02}-01 DED -90000" for month in range(2, 13)),
        "2026-01-01 DED -10000",
    ]
    assert account.totals(type="SCHEDULED") == []
    assert sum(account.totals()) == 1080000


def test_ex_25_without_true_up() -> None:
    account = Account()
    contract = account.sign(ending_before=at("2026-01-01"), commits=[committed(account)])
    account.months(*[80000] * 12)
    account.world.post(
        "/v1/contracts/commits/disableTrueup",
        {
            "customer_id": account.customer,
            "contract_id": contract,
            "commit_id": account.held()["id"],
        },
    )
    account.world.clock(at("2026-02-01"))
    assert account.ledger()[-1] == "2026-01-01 EXP -40000"
    assert account.totals(type="SCHEDULED") == []
    assert sum(account.totals()) == 960000


@pytest.mark.parametrize(
    ("trueup", "entries", "billed"),
    [
        ("REMOVE", ["2025-08-01 ROLLOVER -200000", "2025-08-01 EXP -100000"], []),
        ("AS_IS", ["2025-08-01 ROLLOVER -200000", "2026-01-01 TRUEUP -100000"], [100000]),
    ],
)
def test_ex_26_renewal_of_a_postpaid_commit(
    trueup: str, entries: list[str], billed: list[int]
) -> None:
    account = Account()
    earlier = account.sign(commits=[committed(account, name="P", rollover_fraction=0.2)])
    account.months(*[100000] * 7)
    account.world.clock(at("2025-08-01"))
    renewal = {
        "type": "RENEWAL",
        "from_contract_id": earlier,
        "future_invoice_behavior": {"trueup": trueup},
    }
    account.sign("2025-08-01", transition=renewal)
    account.world.clock(at("2026-02-01"))
    listed = {
        "customer_id": account.customer,
        "include_contract_balances": True,
        "include_ledgers": True,
    }
    by_contract = {one["contract"]["id"]: one for one in account.world.post(BALANCES, listed)}
    # min(300000, 0.2 × 1000000) rolls over; 100000 are left.
    ledger = [
        f"{entry['timestamp'][:10]} {short(entry['type'])} {entry['amount']:+}"
        for entry in by_contract[earlier]["ledger"]
    ]
    assert ledger[-2:] == entries
    assert sum(entry["amount"] for entry in by_contract[earlier]["ledger"]) == 0
    renewed = by_contract[account.contract]
    assert renewed["type"] == "POSTPAID"
    [held] = renewed["access_schedule"]["schedule_items"]
    assert (held["amount"], held["starting_at"][:10]) == (200000, "2025-08-01")
    assert renewed["rolled_over_from"] == {
        "contract_id": earlier,
        "commit_id": by_contract[earlier]["id"],
    }
    assert account.totals(type="SCHEDULED") == billed


# Rollover


@pytest.mark.parametrize(
    ("used", "entries", "rolled"),
    [
        # min(1000000, 0.5 × 10000000) is all that is left.
        (9000000, ["2026-01-01 ROLLOVER -1000000"], 1000000),
        (4000000, ["2026-01-01 ROLLOVER -5000000", "2026-01-01 EXP -1000000"], 5000000),
    ],
    ids=["ex_27_cap_not_reached", "ex_28_cap_reached"],
)
def test_ex_27_and_ex_28_rollover(used: int, entries: list[str], rolled: int) -> None:
    account = Account()
    earlier = account.sign(
        ending_before=at("2026-01-01"),
        commits=[account.commit(10000000, rollover_fraction=0.5)],
    )
    account.months(used)
    account.world.clock(at("2025-12-20"))
    account.sign("2026-01-01", transition={"type": "RENEWAL", "from_contract_id": earlier})
    account.world.clock(at("2026-01-20"))
    listed = {
        "customer_id": account.customer,
        "include_contract_balances": True,
        "include_ledgers": True,
        "include_balance": True,
    }
    by_contract = {one["contract"]["id"]: one for one in account.world.post(BALANCES, listed)}
    ledger = [
        f"{entry['timestamp'][:10]} {short(entry['type'])} {entry['amount']:+}"
        for entry in by_contract[earlier]["ledger"]
    ]
    assert ledger[2:] == entries
    renewed = by_contract[account.contract]
    assert renewed["balance"] == rolled
    assert renewed["created_at"] == "2026-01-01T00:00:00+00:00"
    # An open-ended contract draws it for twelve months.
    [held] = renewed["access_schedule"]["schedule_items"]
    assert held["ending_before"][:10] == "2027-01-01"
    # It is drawn before the new contract's own balances.
    account.use(600000, "2026-01-10")
    assert account.totals(status="DRAFT") == [0]
    renewed = next(
        one
        for one in account.world.post(BALANCES, listed)
        if one["contract"]["id"] == account.contract
    )
    assert renewed["balance"] == rolled - 600000


# Manual entries and reads


def entered(account: Account, amount: int, *, name: str | None = None, **fields: Any) -> None:
    shown = account.held(name)
    entry = {
        "customer_id": account.customer,
        "contract_id": account.contract,
        "id": shown["id"],
        "segment_id": shown["access_schedule"]["schedule_items"][0]["id"],
        "amount": amount,
        "reason": "goodwill",
        **fields,
    }
    account.world.post("/v1/contracts/addManualBalanceLedgerEntry", entry)


def test_ex_37_entries_dated_in_the_future() -> None:
    account = Account("2025-01-10")
    account.sign(
        credits=[
            account.credit(5000, name="now"),
            account.credit(name="then", access_schedule=access(3000, start="2025-03-01")),
        ]
    )
    entered(account, 2000, name="now", timestamp=at("2025-01-25"))
    entered(account, -500, name="then")
    assert account.balance("now") == 7000
    assert account.balance("then") == 0
    account.world.clock(at("2025-03-01"))
    assert account.balance("then") == 2500


def test_ex_38_below_zero_at_the_end() -> None:
    account = Account()
    account.sign(credits=[account.credit(access_schedule=access(10000, end="2025-03-01"))])
    account.months(2500)
    account.world.clock(at("2025-02-02"))
    entered(account, 1500)
    entered(account, -12000)
    account.world.clock(at("2025-03-02"))
    # 10000 − 2500 + 1500 − 12000 = −3000: there is nothing to expire.
    amounts = [entry["amount"] for entry in account.held()["ledger"]]
    assert (amounts, sum(amounts)) == ([10000, 1500, -12000, -2500], -3000)
    assert account.balance() == 0


def test_ex_39_net_balance() -> None:
    account = Account()
    world = account.world
    products = {}
    for name in ("C", "K", "P"):
        products[name] = world.product(world.metric(event_type=name))
        world.rate(account.card, products[name], price=1)
    account.sign(
        commits=[
            account.commit(50000, name="C", applicable_product_ids=[products["C"]]),
            account.commit(
                100000,
                name="P",
                type="POSTPAID",
                applicable_product_ids=[products["P"]],
                invoice_schedule=invoiced(100000, "2026-01-01"),
            ),
        ],
        credits=[account.credit(10000, name="K", applicable_product_ids=[products["K"]])],
    )
    account.use(12000, "2025-01-01", event_type="C")
    account.use(4000, "2025-01-01", event_type="K")
    world.clock(at("2025-02-20"))
    account.use(3500, "2025-02-10", event_type="C")
    account.use(1500, "2025-02-10", event_type="P")
    # (50000 − 12000 − 3500) + (10000 − 4000) + (100000 − 1500)
    assert account.net() == 139000
    assert account.net(invoice_inclusion_mode="FINALIZED") == 144000
    given = [{"balance_types": ["PREPAID_COMMIT", "CREDIT"]}]
    assert account.net(filters=given) == 40500
    assert account.net(filters=given, invoice_inclusion_mode="FINALIZED") == 44000
    twice = [{"balance_types": ["CREDIT"]}, {"ids": [account.held("K")["id"]]}]
    assert account.net(filters=twice) == 6000
    # 34500 less is 0; 700 below that it still counts as nothing.
    entered(account, -35200, name="C")
    assert account.net() == 104500


def test_balances_are_shown_as_of_a_date() -> None:
    """The sum of what is dated until then, of what was there by then."""
    world = World("2025-01-01T00:00:00Z")
    customer, card = world.customer(), world.rate_card()
    world.rate(card, world.product(world.metric()), price=1)
    purchase = world.product(type="FIXED")

    def credit(name: str, amount: int) -> JSON:
        return {"product_id": purchase, "name": name, "access_schedule": access(amount)}

    contract = world.contract(customer, card, credits=[credit("first", 1000)])
    names: JSON = {"customer_id": customer, "contract_id": contract}
    world.use(customer, 300, "2025-01-01T00:00:00Z")
    world.clock("2025-02-10T00:00:00Z")
    world.use(customer, 200, "2025-02-05T00:00:00Z")
    world.post("/v2/contracts/edit", {**names, "add_credits": [credit("second", 50)]})
    [first] = [
        one for one in world.post("/v2/contracts/get", names)["credits"] if one["name"] == "first"
    ]
    entry = {
        **names,
        "id": first["id"],
        "segment_id": first["access_schedule"]["schedule_items"][0]["id"],
        "amount": -100,
        "reason": "by hand",
        "timestamp": "2025-02-15T00:00:00Z",
    }
    world.post("/v1/contracts/addManualBalanceLedgerEntry", entry)

    def worth(date: str | None) -> dict[str, Any]:
        asked = {} if date is None else {"as_of_date": f"{date}T00:00:00Z"}
        shown = world.post("/v2/contracts/get", {**names, "include_balance": True, **asked})
        return {one["name"]: one["balance"] for one in shown["credits"]}

    # Now: 1000 − 300 − 200 − 100, and all of the other.
    assert worth(None) == {"first": 400, "second": 50}
    # January's invoice draws 300 at its end; nothing was entered, nor was there a second one.
    assert worth("2025-01-20") == {"first": 1000}
    assert worth("2025-02-01") == {"first": 700}
    world.clock("2025-03-10T00:00:00Z")
    # By now February's invoice draws 200 at its end, and the entry is dated the 15th.
    assert worth("2025-02-20") == {"first": 600, "second": 50}
    assert worth("2025-03-01") == {"first": 400, "second": 50}
