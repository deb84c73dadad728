"""What holds for the ledger of every balance, whatever happens to a customer and in what order."""

from decimal import Decimal
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.worked.world import JSON, World

few = settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,
    database=None,
)

DAYS = [f"2025-{month:02}-{day:02}T00:00:00Z" for month in (1, 2, 3) for day in (1, 8, 15, 22)]
"""The days on which anything begins or ends, and is looked at."""

# Amount, first and last day of access, which product (none: all), kind, on the contract.
BALANCES = st.lists(
    st.tuples(
        st.decimals(1, 300, places=2, allow_nan=False, allow_infinity=False),
        st.integers(0, 8),
        st.integers(1, 3),
        st.sampled_from([None, 0, 1]),
        st.sampled_from(["PREPAID", "CREDIT"]),
        st.booleans(),
    ),
    min_size=1,
    max_size=4,
)
# Day of use, value, product.
USES = st.lists(
    st.tuples(st.integers(0, 10), st.integers(1, 120), st.integers(0, 1)), min_size=1, max_size=8
)
# Which balance, amount.
ENTRIES = st.lists(st.tuples(st.integers(0, 3), st.integers(-200, 100)), max_size=2)

Balances = list[tuple[Decimal, int, int, int | None, str, bool]]
Uses = list[tuple[int, int, int]]
Entries = list[tuple[int, int]]


class Account(World):
    """A customer with a monthly contract for two products at 1 each; it is 1 January."""

    def __init__(self) -> None:
        super().__init__(DAYS[0])
        self.id = self.customer("acme")
        card = self.rate_card()
        self.products = [
            self.product(self.metric(event_type=kind), name=kind) for kind in ("first", "second")
        ]
        for product in self.products:
            self.rate(card, product, price=1)
        self.purchase = self.product(type="FIXED")
        self.contract_id = self.contract(self.id, card)

    def grant(self, number: int, balance: tuple[Decimal, int, int, int | None, str, bool]) -> None:
        amount, first, weeks, product, kind, of_contract = balance
        wanted: JSON = {
            "product_id": self.purchase,
            "name": f"balance {number}",
            # Different ones, so that the rules alone say which is drawn first.
            "priority": number,
            "access_schedule": {
                "schedule_items": [
                    {
                        "amount": amount,
                        "starting_at": DAYS[first],
                        "ending_before": DAYS[first + weeks],
                    }
                ]
            },
        }
        if product is not None:
            wanted["applicable_product_ids"] = [self.products[product]]
        place = "credits"
        if kind == "PREPAID":
            wanted, place = {**wanted, "type": "PREPAID"}, "commits"
        if of_contract:
            edit = {"customer_id": self.id, "contract_id": self.contract_id}
            self.post("/v2/contracts/edit", {**edit, f"add_{place}": [wanted]})
        else:
            path = f"/v1/contracts/customer{place.title()}/create"
            self.post(path, {**wanted, "customer_id": self.id})

    def spend(self, number: int, use: tuple[int, int, int]) -> None:
        day, value, product = use
        kind = ("first", "second")[product]
        self.use("acme", value, DAYS[day], id=f"use {number}", event_type=kind)

    def enter(self, name: str, amount: int) -> None:
        shown = self.balances()[name]
        [item] = shown["access_schedule"]["schedule_items"]
        entry = {
            "customer_id": self.id,
            "id": shown["id"],
            "segment_id": item["id"],
            "amount": amount,
            "reason": "by hand",
        }
        if "contract" in shown:
            entry["contract_id"] = self.contract_id
        self.post("/v1/contracts/addManualBalanceLedgerEntry", entry)

    def balances(self) -> dict[str, JSON]:
        body = {
            "customer_id": self.id,
            "include_contract_balances": True,
            "include_balance": True,
            "include_ledgers": True,
        }
        found = self.post("/v1/contracts/customerBalances/list", body)
        return {one["name"]: one for one in found}

    def ledgers(self) -> dict[str, list[tuple[str, str, Any]]]:
        return {
            name: [(entry["timestamp"], entry["type"], entry["amount"]) for entry in one["ledger"]]
            for name, one in self.balances().items()
        }


def entered(balance: JSON, *, least: int = -1000) -> Decimal:
    """Returns what was entered by hand, of entries of at least an amount."""
    by_hand = [one["amount"] for one in balance["ledger"] if one["type"].endswith("MANUAL")]
    return sum((amount for amount in by_hand if amount >= least), Decimal(0))


def check(account: Account, now: str) -> None:
    shown = account.balances()
    for one in shown.values():
        [item] = one["access_schedule"]["schedule_items"]
        total = sum((entry["amount"] for entry in one["ledger"]), Decimal(0))
        drawn = -sum(
            (entry["amount"] for entry in one["ledger"] if "DEDUCTION" in entry["type"]),
            Decimal(0),
        )
        # Nothing is drawn that was never there; what is taken by hand may be drawn before.
        assert 0 <= drawn <= item["amount"] + entered(one, least=0)
        begins, ends = item["starting_at"][:10], item["ending_before"][:10]
        if begins <= now[:10] < ends:
            assert one["balance"] == max(Decimal(0), total)
        else:
            assert one["balance"] == 0
        if now[:10] >= ends:
            # All is accounted for, but for what was taken by hand and never there.
            assert total == min(Decimal(0), item["amount"] + entered(one) - drawn)
    by_segment = {one["access_schedule"]["schedule_items"][0]["id"]: one for one in shown.values()}
    for invoice in account.invoices(account.id):
        for line in invoice["line_items"]:
            if line["type"] == "applied_commit_or_credit":
                paying = by_segment[line["commit_segment_id"]]
                [item] = paying["access_schedule"]["schedule_items"]
                assert item["starting_at"] <= line["starting_at"]
                assert line["ending_before"] <= item["ending_before"]
                products = paying.get("applicable_product_ids", account.products)
                assert line["product_id"] in products


@few
@given(balances=BALANCES, uses=USES, entries=ENTRIES)
def test_a_balance_is_the_sum_of_its_ledger(
    balances: Balances, uses: Uses, entries: Entries
) -> None:
    account = Account()
    for number, balance in enumerate(balances):
        account.grant(number, balance)
    by_hand = list(entries)
    for day, now in enumerate(DAYS):
        account.clock(now)
        for number, use in enumerate(uses):
            if use[0] == day:
                account.spend(number, use)
        if by_hand and day % 3 == 2:
            which, amount = by_hand.pop()
            account.enter(f"balance {which % len(balances)}", amount)
        check(account, now)
    account.clock("2025-04-03T00:00:00Z")
    check(account, "2025-04-03T00:00:00Z")


def history(
    balances: Balances, uses: Uses, entries: Entries, random: Random | None
) -> dict[str, list[tuple[str, str, Any]]]:
    """Returns the ledgers after all was done on 22 March and April began, in an order."""
    account = Account()
    account.clock("2025-01-02T00:00:00Z")
    granting = [(account.grant, number, one) for number, one in enumerate(balances)]
    early = [use for use in uses if use[0] == 0]
    using = [(account.spend, number, one) for number, one in enumerate(early)]
    first: list[Any] = [*granting, *using]
    if random is not None:
        random.shuffle(first)
    for act, number, one in first:
        act(number, one)
    second = entries if random is None else random.sample(entries, len(entries))
    for which, amount in second:
        account.enter(f"balance {which % len(balances)}", amount)
    for now in DAYS[1:]:
        account.clock(now)
        today = [(n, use) for n, use in enumerate(uses) if DAYS[use[0]] == now]
        if random is not None:
            random.shuffle(today)
        for number, use in today:
            account.spend(number + 100, use)
    account.clock("2025-04-03T00:00:00Z")
    return {
        name: sorted(ledger, key=lambda entry: (entry[0], entry[1], entry[2]))
        for name, ledger in account.ledgers().items()
    }


@few
@given(balances=BALANCES, uses=USES, entries=ENTRIES, random=st.randoms(use_true_random=False))
def test_the_same_history_in_any_order_gives_the_same_ledgers(
    balances: Balances, uses: Uses, entries: Entries, random: Random
) -> None:
    in_order = history(balances, uses, entries, None)
    assert history(balances, uses, entries, random) == in_order
