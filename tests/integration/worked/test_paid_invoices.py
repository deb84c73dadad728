"""Invoices that balances pay: their hours and days, and why each of their lines costs that."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.integration.worked.test_balances import access, balance_of, commit
from tests.integration.worked.world import JSON, World, lines, places

JANUARY = {"starting_on": "2025-01-01T00:00:00Z", "ending_before": "2025-02-01T00:00:00Z"}


def rows(world: World, customer: str, size: str) -> Iterator[JSON]:
    """Yields the windows in which something is billed, page after page."""
    path = f"/v1/customers/{customer}/invoices/breakdowns"
    query: dict[str, object] = {**JANUARY, "window_size": size}
    while True:
        status, reply = world.call("GET", path, query=query)
        assert status == 200, reply
        for row in reply["data"]:
            if any(line["total"] for line in row["line_items"]):
                yield row
        if reply["next_page"] is None:
            return
        query["next_page"] = reply["next_page"]


def days(world: World, customer: str) -> dict[int, JSON]:
    """Returns the rows by day of January."""
    found = rows(world, customer, "day")
    return {int(row["breakdown_start_timestamp"][8:10]): row for row in found}


def add_up(world: World, customer: str, invoice: JSON) -> None:
    """Makes sure that hours and days come to the invoice, and to what each balance paid."""
    for size in ("hour", "day"):
        windows = list(rows(world, customer, size))
        assert sum(row["total"] for row in windows) == invoice["total"]
        everything = [line for row in windows for line in row["line_items"]]
        assert _paid(everything) == _paid(invoice["line_items"])


def _paid(line_items: list[JSON]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for line in line_items:
        if line["type"] == "applied_commit_or_credit":
            segment = line["commit_segment_id"]
            found[segment] = found.get(segment, Decimal(0)) + line["total"]
    return found


def explained(world: World, invoice: JSON) -> dict[str, list[JSON]]:
    """Returns the explanations by type of line; all of them reproduce their amounts."""
    found: dict[str, list[JSON]] = {}
    for line in world.get(f"/mock/explain/{invoice['id']}")["line_items"]:
        told = world.get(line["explanation"])
        assert told["matches"] is True, told
        assert told["computed"]["total"] == line["total"]
        assert told["arithmetic"][-1]["value"] == line["total"], told
        found.setdefault(line["type"], []).append(told)
    return found


def credit(world: World, amount: object, **fields: Any) -> JSON:
    return {
        "product_id": world.product(type="FIXED"),
        "name": "Goodwill",
        "access_schedule": access(amount),
        **fields,
    }


def test_windows_are_paid_as_the_whole_is() -> None:
    world = World("2025-01-31T00:00:00Z")
    customer, card = world.customer(), world.rate_card()
    cheap = world.product(world.metric(event_type="cheap"), name="cheap")
    dear = world.product(world.metric(event_type="dear"), name="dear")
    world.rate(card, cheap, price=1)
    world.rate(card, dear, price=10)
    world.contract(customer, card, credits=[credit(world, 150)])
    world.use(customer, 100, "2025-01-01T05:00:00Z", event_type="cheap")
    world.use(customer, 100, "2025-01-02T05:00:00Z", event_type="cheap")
    world.use(customer, 10, "2025-01-02T06:00:00Z", event_type="dear")

    # The dear product is paid first, 10 × 10, so 50 of the 200 cheap units: the first ones.
    draft = world.draft(customer)
    assert draft["total"] == 150
    by_day = days(world, customer)
    assert lines(by_day[1], "name", "quantity", "total") == [
        ("cheap", 50, 50),
        ("Goodwill applied", None, -50),
        ("cheap", 50, 50),
        ("dear", 0, 0),
    ]
    assert lines(by_day[2], "name", "quantity", "total") == [
        ("cheap", 100, 100),
        ("dear", 10, 100),
        ("Goodwill applied", None, -100),
    ]
    assert [by_day[day]["total"] for day in (1, 2)] == [50, 100]
    add_up(world, customer, draft)


def test_units_at_a_commits_own_price() -> None:
    world = World("2025-01-31T00:00:00Z")
    customer, card = world.customer(), world.rate_card()
    product = world.product(world.metric())
    world.rate(card, product, price=100)
    start = {"starting_at": "2025-01-01T00:00:00Z"}
    own = {"product_id": product, "commit_ids": ["c"]}
    specific = {"is_commit_specific": True, "override_specifiers": [own], **start}
    general = {"override_specifiers": [{"product_id": product}], **start}
    world.contract(
        customer,
        card,
        commits=[commit(world, 1000000, temporary_id="c")],
        overrides=[
            {"type": "MULTIPLIER", "multiplier": 0.8, **specific},
            {"type": "MULTIPLIER", "multiplier": 0.95, **general},
        ],
    )
    world.use(customer, 10000, "2025-01-10T00:00:00Z")
    world.use(customer, 5000, "2025-01-20T00:00:00Z")

    by_day = days(world, customer)
    # 1,000,000 / 80 = 12,500 units are paid: all of the 10th, 2,500 of the 20th.
    assert lines(by_day[10], "quantity", "unit_price", "total") == [
        (10000, 80, 800000),
        (None, None, -800000),
    ]
    assert lines(by_day[20], "quantity", "unit_price", "total") == [
        (2500, 80, 200000),
        (None, None, -200000),
        (2500, 95, 237500),
    ]
    draft = world.draft(customer)
    add_up(world, customer, draft)
    covered, rest = explained(world, draft)["usage"]
    assert covered["rate"]["override"]["multiplier"] == Decimal("0.8")
    assert covered["payment"]["drawn_by_invoice"] == 1000000
    assert rest["rate"]["override"]["multiplier"] == Decimal("0.95")
    assert "payment" not in rest


def test_what_goes_down_again_takes_nothing_back_that_was_paid() -> None:
    world = World("2025-01-31T00:00:00Z")
    customer, card = world.customer(), world.rate_card()
    world.rate(card, world.product(world.metric("LATEST")), price=100)
    world.contract(customer, card, credits=[credit(world, 300)])
    for day, value in enumerate((7, 9, 10, 5), start=11):
        world.use(customer, value, f"2025-01-{day}T00:00:00Z")
    draft = world.draft(customer)
    # 5 × 100, of which 300 are paid; increments 7, 2, 1 and −5, the first 3 of the 7 paid.
    assert draft["total"] == 200
    totals = {day: row["total"] for day, row in days(world, customer).items()}
    assert totals == {11: 400, 12: 200, 13: 100, 14: -500}
    add_up(world, customer, draft)


def test_what_was_paid_goes_back_where_the_value_falls_below_it() -> None:
    world = World("2025-01-31T00:00:00Z")
    customer, card = world.customer(), world.rate_card()
    world.rate(card, world.product(world.metric("LATEST")), price=100)
    world.contract(customer, card, credits=[credit(world, 300)])
    for day, value in enumerate((7, 1, 5), start=11):
        world.use(customer, value, f"2025-01-{day}T00:00:00Z")
    draft = world.draft(customer)
    assert draft["total"] == 200
    # From 7 to 1: units 7 to 4 were due, units 3 and 2 were paid; then 2 and 3 are paid again.
    totals = {day: row["total"] for day, row in days(world, customer).items()}
    assert totals == {11: 400, 12: -400, 13: 200}
    add_up(world, customer, draft)


def test_a_balance_that_does_not_divide_evenly() -> None:
    world = World("2025-01-31T00:00:00Z")
    customer, card = world.customer(), world.rate_card()
    world.rate(card, world.product(world.metric()), tiers=[(10, 7), (None, 3)])
    world.contract(customer, card, credits=[credit(world, 50), credit(world, 31)])
    for day in range(11, 18):
        world.use(customer, "2.3", f"2025-01-{day}T00:00:00Z")
    draft = world.draft(customer)
    # 16.1 units: 10 × 7 + 6.1 × 3 = 88.3, less 81.
    assert draft["total"] == Decimal("7.3")
    add_up(world, customer, draft)
    explained(world, draft)


def test_a_custom_unit_is_converted_window_by_window() -> None:
    world = World("2025-01-31T00:00:00Z")
    tokens = world.unit()
    conversion = {"custom_credit_type_id": tokens, "fiat_per_custom_credit": 2}
    customer, card = world.customer(), world.rate_card(credit_type_conversions=[conversion])
    world.rate(card, world.product(world.metric()), price=10, credit_type_id=tokens)
    schedule = {**access(1000), "credit_type_id": tokens}
    world.contract(customer, card, commits=[commit(world, 1000, access_schedule=schedule)])
    world.use(customer, 60, "2025-01-10T00:00:00Z")
    world.use(customer, 90, "2025-01-20T00:00:00Z")
    draft = world.draft(customer)
    # 150 × 10 − 1000 = 500 tokens at 2 cents; on the 10th all 600 are paid, 400 on the 20th.
    assert draft["total"] == 1000
    totals = {day: row["total"] for day, row in days(world, customer).items()}
    assert totals == {10: 0, 20: 1000}
    add_up(world, customer, draft)
    [told] = explained(world, draft)["cpu_conversion"]
    # 1000 − 1000 + 500 tokens
    assert [step["value"] for step in told["arithmetic"] if step["name"] == "base"] == [500]


def test_a_composite_that_is_raised_to_its_minimum() -> None:
    world = World("2025-01-31T00:00:00Z")
    customer, card = world.customer(), world.rate_card()
    product = world.product(world.metric(), name="use")
    fee = world.product(type="COMPOSITE", composite_product_ids=[product], name="fee")
    world.rate(card, product, price=1)
    least = {"minimum": 500}
    world.rate(card, fee, price=0.1, rate_type="PERCENTAGE", minimum_config=least)
    world.contract(customer, card, credits=[credit(world, 300, applicable_product_ids=[fee])])
    world.use(customer, 1000, "2025-01-10T00:00:00Z")
    world.use(customer, 2000, "2025-01-20T00:00:00Z")
    draft = world.draft(customer)
    # 3000 of use; max(300, 500) for the fee, of which 300 are paid.
    assert draft["total"] == 3200
    totals = {day: row["total"] for day, row in days(world, customer).items()}
    # 10 %: 100 and 200; what is missing to the minimum comes at the end of the period.
    assert totals == {10: 1000, 20: 2000, 31: 200}
    add_up(world, customer, draft)
    told = explained(world, draft)["usage"]
    [minimum] = [step for one in told for step in one["arithmetic"] if step["name"] == "minimum"][
        :1
    ]
    assert minimum["text"].startswith("All of the charge is at least 500")


def cheaper(world: World, customer: str, contract: str, product: str, card: str) -> None:
    world.rate(card, product, price=1, start="2025-01-01T00:00:00Z")


def discounted(world: World, customer: str, contract: str, product: str, card: str) -> None:
    override = {
        "type": "MULTIPLIER",
        "multiplier": 0.5,
        "starting_at": "2025-01-01T00:00:00Z",
        "override_specifiers": [{"product_id": product}],
    }
    edit = {"customer_id": customer, "contract_id": contract, "add_overrides": [override]}
    world.post("/v2/contracts/edit", edit)


def richer(world: World, customer: str, contract: str, product: str, card: str) -> None:
    body = {"customer_id": customer, "priority": 1, **credit(world, 100000)}
    world.post("/v1/contracts/customerCredits/create", body)


def renamed(world: World, customer: str, contract: str, product: str, card: str) -> None:
    body = {
        "product_id": product,
        "starting_at": "2025-01-01T00:00:00Z",
        "quantity_conversion": {"conversion_factor": 2, "operation": "MULTIPLY"},
    }
    world.post("/v1/contract-pricing/products/update", body)


def poorer(world: World, customer: str, contract: str, product: str, card: str) -> None:
    shown = balance_of(world, customer)
    [segment] = shown["access_schedule"]["schedule_items"]
    entry = {
        "customer_id": customer,
        "contract_id": contract,
        "id": shown["id"],
        "segment_id": segment["id"],
        "amount": -4000,
        "reason": "mistake",
    }
    world.post("/v1/contracts/addManualBalanceLedgerEntry", entry)


@pytest.mark.parametrize("change", [cheaper, discounted, richer, renamed, poorer])
def test_what_is_changed_later_changes_no_final_invoice(
    change: Callable[[World, str, str, str, str], None],
) -> None:
    world = World("2025-01-31T00:00:00Z")
    customer, card = world.customer(), world.rate_card()
    product, seat = world.product(world.metric()), world.product(type="SUBSCRIPTION")
    world.rate(card, product, price=100)
    world.rate(card, seat, price=700, billing_frequency="MONTHLY")
    subscription = {
        "subscription_rate": {"product_id": seat, "billing_frequency": "MONTHLY"},
        "collection_schedule": "ARREARS",
        "proration": {"is_prorated": True},
        "initial_quantity": 1,
    }
    contract = world.contract(
        customer, card, commits=[commit(world, 5000)], subscriptions=[subscription]
    )
    world.use(customer, 30, "2025-01-10T00:00:00Z")
    world.use(customer, 30, "2025-01-20T00:00:00Z")
    world.clock("2025-02-02T00:00:00Z")
    [final] = world.invoices(customer, status="FINALIZED", type="USAGE")
    # 60 × 100 + 700 − 5000
    assert final["total"] == 1700
    before = list(rows(world, customer, "day"))

    world.clock("2025-02-05T00:00:00Z")
    change(world, customer, contract, product, card)
    world.rate(card, seat, price=1, billing_frequency="MONTHLY", start="2025-01-01T00:00:00Z")

    assert list(rows(world, customer, "day")) == before
    add_up(world, customer, final)
    told = explained(world, final)
    assert [one["computed"]["total"] for one in told["applied_commit_or_credit"]] == [-5000]
    world.post("/v1/invoices/void", {"id": final["id"]})
    explained(world, {"id": final["id"]})


def test_late_usage_shows_by_day_and_is_paid_from_what_is_left() -> None:
    world = World("2025-01-31T00:00:00Z")
    customer, card = world.customer(), world.rate_card()
    world.rate(card, world.product(world.metric()), price=100)
    world.contract(customer, card, commits=[commit(world, 5000)])
    world.use(customer, 30, "2025-01-10T00:00:00Z")
    world.clock("2025-02-02T00:00:00Z")
    world.clock("2025-02-03T00:00:00Z")
    world.use(customer, 30, "2025-01-20T00:00:00Z")
    [final] = world.invoices(customer, status="FINALIZED")
    assert final["total"] == 0
    # 60 × 100, of which 3000 were paid and 2000 would be.
    by_day = days(world, customer)
    assert {day: row["total"] for day, row in by_day.items()} == {10: 0, 20: 1000}
    explained(world, final)


def test_a_line_that_a_balance_paid_says_so() -> None:
    world = World("2025-01-31T00:00:00Z")
    customer, card = world.customer(), world.rate_card()
    world.rate(
        card,
        world.product(world.metric()),
        price=1000,
        commit_rate={"rate_type": "FLAT", "price": 800},
    )
    world.contract(customer, card, commits=[commit(world, 72000, rate_type="COMMIT_RATE")])
    world.use(customer, 150, "2025-01-30T00:00:00Z")
    draft = world.draft(customer)
    told = explained(world, draft)
    covered, rest = told["usage"]
    [applied] = told["applied_commit_or_credit"]
    # 72,000 / 800 = 90 units at the commit rate, 60 at 1000.
    assert (covered["line_item"]["quantity"], rest["line_item"]["quantity"]) == (90, 60)
    assert covered["rate"]["source"] == "commit_rate"
    names = [step["name"] for step in covered["arithmetic"]]
    assert names[-4:] == ["list rate", "commit rate", "share", "amount"]
    assert applied["payment"]["covered_line_item_id"] == covered["line_item"]["id"]
    assert applied["payment"]["segment"]["amount"] == 72000
    assert [step["value"] for step in applied["arithmetic"]] == [72000, -72000]
    assert places(rest["computed"]["total"]) == 60000


def test_of_equal_balances_the_narrower_one_pays_first_also_in_explanations() -> None:
    world = World("2025-01-31T00:00:00Z")
    customer, card = world.customer(), world.rate_card()
    product = world.product(world.metric())
    world.rate(card, product, price=1)
    wide = credit(world, 100, name="Wide")
    narrow = credit(world, 100, name="Narrow", applicable_product_ids=[product])
    world.contract(customer, card, credits=[wide, narrow])
    world.use(customer, 150, "2025-01-10T00:00:00Z")
    world.clock("2025-02-02T00:00:00Z")
    [final] = world.invoices(customer, status="FINALIZED")
    paid = [row for row in lines(final, "name", "total") if "applied" in row[0]]
    assert paid == [("Narrow applied", -100), ("Wide applied", -50)]
    explained(world, final)
    add_up(world, customer, final)


def test_13_3_money_pays_conversions_only_where_it_is_for_everything() -> None:
    world = World("2025-01-31T00:00:00Z")
    tokens = world.unit()
    conversion = {"custom_credit_type_id": tokens, "fiat_per_custom_credit": 2}
    customer, card = world.customer(), world.rate_card(credit_type_conversions=[conversion])
    product = world.product(world.metric())
    world.rate(card, product, price=10, credit_type_id=tokens)
    world.contract(
        customer,
        card,
        credits=[
            # Of a product in tokens, money has nothing to pay.
            credit(world, 700, applicable_product_ids=[product], priority=1, name="narrow"),
            # From the 15th on.
            credit(
                world,
                600,
                name="late",
                priority=2,
                access_schedule=access(600, start="2025-01-15"),
            ),
            credit(world, 500, name="wide", priority=3),
        ],
    )
    world.use(customer, 20, "2025-01-10T00:00:00Z")
    world.use(customer, 80, "2025-01-20T00:00:00Z")

    def check() -> JSON:
        [invoice, *_] = world.invoices(customer, type="USAGE")
        # 200 tokens are 400 cents, before the 15th: "wide" pays them. 800 tokens are 1600: "late"
        # pays 600 and "wide" its last 100. 2000 − 1100 = 900.
        assert invoice["total"] == 900
        converted = [line for line in invoice["line_items"] if line["type"] != "usage"]
        assert lines({"line_items": converted}, "type", "total") == [
            ("cpu_conversion", 400),
            ("applied_commit_or_credit", -400),
            ("cpu_conversion", 600),
            ("applied_commit_or_credit", -600),
            ("cpu_conversion", 100),
            ("applied_commit_or_credit", -100),
            ("cpu_conversion", 900),
        ]
        totals = {day: row["total"] for day, row in days(world, customer).items()}
        assert totals == {10: 0, 20: 900}
        add_up(world, customer, invoice)
        for line in world.get(f"/mock/explain/{invoice['id']}")["line_items"]:
            assert world.get(line["explanation"])["matches"] is True
        return invoice

    assert check()["status"] == "DRAFT"
    world.clock("2025-02-03T00:00:00Z")
    assert check()["status"] == "FINALIZED"
    body = {
        "customer_id": customer,
        "include_contract_balances": True,
        "include_balance": True,
    }
    left = {
        one["name"]: one["balance"]
        for one in world.post("/v1/contracts/customerBalances/list", body)
    }
    assert left == {"narrow": 700, "late": 0, "wide": 0}
