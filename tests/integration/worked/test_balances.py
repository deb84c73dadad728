"""Worked examples in which commits and credits pay (16.2, 16.3, 16.5, 16.7)."""

from decimal import Decimal
from typing import Any

import pytest

from tests.integration.worked.world import JSON, World, lines, places


def access(amount: object, start: str = "2025-01-01", end: str = "2026-01-01") -> JSON:
    item = {
        "amount": amount,
        "starting_at": f"{start}T00:00:00Z",
        "ending_before": f"{end}T00:00:00Z",
    }
    return {"schedule_items": [item]}


def commit(world: World, amount: object, **fields: Any) -> JSON:
    purchase = world.product(type="FIXED")
    return {
        "type": "PREPAID",
        "product_id": purchase,
        "name": "Prepaid",
        "access_schedule": access(amount),
        **fields,
    }


def priced(world: World, price: object, **rate: Any) -> tuple[str, str, str]:
    """A customer, a product and a card that prices it."""
    customer, product, card = world.customer(), world.product(world.metric()), world.rate_card()
    world.rate(card, product, price=price, **rate)
    return customer, product, card


def balance_of(world: World, customer: str) -> JSON:
    body = {
        "customer_id": customer,
        "include_contract_balances": True,
        "include_balance": True,
        "include_ledgers": True,
    }
    [found] = world.post("/v1/contracts/customerBalances/list", body)
    shown: JSON = found
    return shown


def test_we_44_void_gives_the_balance_back() -> None:
    world = World("2025-01-31T00:00:00Z")
    customer, product, card = priced(world, 100)
    world.contract(customer, card, commits=[commit(world, 5000)])
    world.use(customer, 80, "2025-01-30T00:00:00Z")

    draft = world.draft(customer)
    # 80 × 100, of which 5000 are paid.
    assert lines(draft, "type", "quantity", "unit_price", "total") == [
        ("usage", 50, 100, 5000),
        ("applied_commit_or_credit", None, None, -5000),
        ("usage", 30, 100, 3000),
    ]
    assert draft["total"] == 3000
    covered, applied, rest = draft["line_items"]
    assert covered["commit_type"] == "PrepaidCommit"
    assert applied["name"] == "Prepaid applied"
    assert applied["applied_commit_or_credit"] == {"id": covered["commit_id"], "type": "PREPAID"}
    assert "commit_id" not in rest
    assert balance_of(world, customer)["balance"] == 0

    world.clock("2025-02-02T00:00:00Z")
    [final] = world.invoices(customer, status="FINALIZED")
    assert (final["id"], final["total"]) == (draft["id"], 3000)
    ledger = [(entry["type"], entry["amount"]) for entry in balance_of(world, customer)["ledger"]]
    assert ledger == [
        ("PREPAID_COMMIT_SEGMENT_START", 5000),
        ("PREPAID_COMMIT_AUTOMATED_INVOICE_DEDUCTION", -5000),
    ]

    world.post("/v1/invoices/void", {"id": final["id"]})
    assert balance_of(world, customer)["balance"] == 5000
    # The price was changed to 120 for the period before the invoice is made anew.
    world.rate(card, product, price=120, start="2025-01-01T00:00:00Z")
    fresh = world.post("/v1/invoices/regenerate", {"id": final["id"]})["id"]
    again = world.get(f"/v1/customers/{customer}/invoices/{fresh}")
    # 80 × 120 = 9600; 5000 / 120 units are paid, 4600 are due.
    assert again["total"] == 4600
    assert places(again["line_items"][0]["quantity"]) == Decimal("41.6666666667")
    assert balance_of(world, customer)["balance"] == 0


@pytest.mark.parametrize(
    ("units", "rows", "total", "trueup"),
    [
        # 5000 of the 8000 count against the commit, and are paid all the same.
        (80, [("usage", 50, 5000), (None, -5000), ("usage", 30, 3000)], 8000, None),
        (20, [("usage", 20, 2000), (None, -2000)], 2000, 3000),
    ],
)
def test_we_74_a_postpaid_commit(
    units: int, rows: list[tuple[Any, ...]], total: int, trueup: int | None
) -> None:
    world = World("2025-01-31T00:00:00Z")
    customer, _, card = priced(world, 100)
    item = {"timestamp": "2025-02-01T00:00:00Z", "amount": 5000}
    postpaid = commit(
        world,
        5000,
        type="POSTPAID",
        access_schedule=access(5000, end="2025-02-01"),
        invoice_schedule={"schedule_items": [item]},
    )
    world.contract(customer, card, ending_before="2025-02-01T00:00:00Z", commits=[postpaid])
    world.use(customer, units, "2025-01-30T00:00:00Z")

    draft = world.draft(customer)
    found = [
        (line["type"], line["quantity"], line["total"])
        if line["type"] == "usage"
        else (None, line["total"])
        for line in draft["line_items"]
    ]
    assert (found, draft["total"]) == (rows, total)
    covered, applied, *_ = draft["line_items"]
    assert covered["commit_type"] == "PostpaidCommit"
    assert applied["applied_commit_or_credit"]["type"] == "POSTPAID"

    world.clock("2025-02-03T00:00:00Z")
    [final] = world.invoices(customer, type="USAGE")
    assert (final["status"], final["total"]) == ("FINALIZED", total)
    # What is missing of the 5000 is billed after the last usage.
    billed = [one["total"] for one in world.invoices(customer, type="SCHEDULED")]
    assert billed == ([] if trueup is None else [trueup])
    for invoice in world.invoices(customer):
        for line in world.get(f"/mock/explain/{invoice['id']}")["line_items"]:
            assert world.get(line["explanation"])["matches"] is True


def test_we_33_a_commit_specific_multiplier_prices_what_the_commit_pays() -> None:
    world = World("2025-01-31T00:00:00Z")
    customer, product, card = priced(world, 100)
    specific = {
        "type": "MULTIPLIER",
        "multiplier": 0.8,
        "is_commit_specific": True,
        "override_specifiers": [{"product_id": product, "commit_ids": ["the-commit"]}],
        "starting_at": "2025-01-01T00:00:00Z",
    }
    general = {
        "type": "MULTIPLIER",
        "multiplier": 0.95,
        "override_specifiers": [{"product_id": product}],
        "starting_at": "2025-01-01T00:00:00Z",
    }
    world.contract(
        customer,
        card,
        commits=[commit(world, 1000000, temporary_id="the-commit")],
        overrides=[specific, general],
    )
    world.use(customer, 15000, "2025-01-30T00:00:00Z")

    draft = world.draft(customer)
    # 1,000,000 / 80 = 12,500 units are paid; the other 2,500 cost 95.
    assert lines(draft, "quantity", "unit_price", "total") == [
        (12500, 80, 1000000),
        (None, None, -1000000),
        (2500, 95, 237500),
    ]
    assert draft["total"] == 237500


def test_we_34_a_commit_rate_with_an_override_of_its_own() -> None:
    world = World("2025-01-31T00:00:00Z")
    customer, product, card = priced(world, 1000, commit_rate={"rate_type": "FLAT", "price": 800})
    start = "2025-01-01T00:00:00Z"
    on_commit_rate = {
        "type": "MULTIPLIER",
        "multiplier": 0.9,
        "is_commit_specific": True,
        "target": "COMMIT_RATE",
        "override_specifiers": [{"product_id": product}],
        "starting_at": start,
    }
    on_list = {
        "type": "MULTIPLIER",
        "multiplier": 0.8,
        "override_specifiers": [{"product_id": product}],
        "starting_at": start,
    }
    world.contract(
        customer,
        card,
        commits=[commit(world, 72000, rate_type="COMMIT_RATE")],
        overrides=[on_commit_rate, on_list],
    )
    world.use(customer, 150, "2025-01-30T00:00:00Z")

    draft = world.draft(customer)
    # 800 × 0.9 = 720, 100 × 720 = 72,000; the other 50 cost 1000 × 0.8.
    assert lines(draft, "quantity", "unit_price", "total") == [
        (100, 720, 72000),
        (None, None, -72000),
        (50, 800, 40000),
    ]
    assert draft["total"] == 40000


def test_we_18_a_credit_that_ends_before_the_value_goes_down() -> None:
    world = World("2025-01-31T00:00:00Z")
    customer = world.customer()
    product, card = world.product(world.metric("LATEST")), world.rate_card()
    world.rate(card, product, price=300)
    world.rate(card, product, price=400, start="2025-01-15T00:00:00Z")
    credit = {
        "product_id": world.product(type="FIXED"),
        "access_schedule": access(10000, end="2025-01-15"),
    }
    world.contract(customer, card, credits=[credit])
    world.use(customer, 40, "2025-01-10T00:00:00Z")
    world.use(customer, 30, "2025-01-20T00:00:00Z")

    draft = world.draft(customer)
    covered, _, rest, lower = draft["line_items"]
    # 10000 / 300 units are paid, 12000 − 10000 stay due, and later 10 × 400 are taken off.
    assert (places(covered["quantity"]), covered["total"]) == (Decimal("33.3333333333"), 10000)
    assert (places(rest["quantity"]), rest["total"]) == (Decimal("6.6666666667"), 2000)
    assert (lower["quantity"], lower["total"]) == (-10, -4000)
    assert draft["total"] == -2000


def test_we_63_a_custom_unit_paid_in_part() -> None:
    world = World("2025-01-31T00:00:00Z")
    tokens = world.post("/mock/credit-types", {"name": "Tokens"})["id"]
    customer, product = world.customer(), world.product(world.metric())
    conversion = {"custom_credit_type_id": tokens, "fiat_per_custom_credit": 1}
    card = world.rate_card(credit_type_conversions=[conversion])
    world.rate(card, product, price=10, credit_type_id=tokens)
    schedule = {**access(1000), "credit_type_id": tokens}
    world.contract(customer, card, commits=[commit(world, 1000, access_schedule=schedule)])
    world.use(customer, 450, "2025-01-30T00:00:00Z")

    draft = world.draft(customer)
    # 450 × 10 = 4500 tokens, 1000 of them paid; 3500 × 1 cent.
    assert lines(draft, "type", "total") == [
        ("usage", 1000),
        ("applied_commit_or_credit", -1000),
        ("usage", 3500),
        ("cpu_conversion", 3500),
    ]
    assert draft["total"] == 3500


def test_ex_02_a_credit_that_dies_inside_the_period() -> None:
    world = World("2025-01-31T00:00:00Z")
    customer, card = world.customer(), world.rate_card()
    compute = world.product(world.metric(event_type="compute"), name="compute")
    storage = world.product(world.metric(event_type="storage"), name="storage")
    world.rate(card, compute, price=100)
    world.rate(card, storage, price=50)
    credit = {
        "product_id": world.product(type="FIXED"),
        "access_schedule": access(50000, end="2025-01-16"),
    }
    world.contract(customer, card, credits=[credit])
    for kind, before, after in [("compute", 360, 384), ("storage", 100, 150)]:
        world.use(customer, before, "2025-01-10T00:00:00Z", event_type=kind)
        world.use(customer, after, "2025-01-20T00:00:00Z", event_type=kind)

    draft = world.draft(customer)
    # Paid until the 16th: 360 × 100 + 100 × 50. Due: 384 × 100 + 150 × 50.
    assert draft["total"] == 45900
    assert sorted(lines(draft, "product_id", "type", "total")) == sorted(
        [
            (compute, "usage", 36000),
            (compute, "applied_commit_or_credit", -36000),
            (compute, "usage", 38400),
            (storage, "usage", 5000),
            (storage, "applied_commit_or_credit", -5000),
            (storage, "usage", 7500),
        ]
    )
    paid = {line["total"]: line for line in draft["line_items"] if line["type"] == "usage"}
    # Lines are cut where the credit ends.
    assert {total: line["starting_at"][:10] for total, line in paid.items()} == {
        36000: "2025-01-01", 5000: "2025-01-01", 38400: "2025-01-16", 7500: "2025-01-16"
    }  # fmt: skip
    assert [total for total, line in paid.items() if "commit_id" in line] == [36000, 5000]
    ledger = [
        (entry["timestamp"][:10], entry["type"], entry["amount"])
        for entry in balance_of(world, customer)["ledger"]
    ]
    assert ledger == [
        ("2025-01-01", "CREDIT_SEGMENT_START", 50000),
        ("2025-01-16", "CREDIT_AUTOMATED_INVOICE_DEDUCTION", -41000),
        ("2025-01-16", "CREDIT_EXPIRATION", -9000),
    ]


def test_ex_22_a_customer_credit_serves_two_contracts() -> None:
    world = World("2025-01-31T00:00:00Z")
    customer = world.customer()
    cards = []
    for kind in ("k1", "k2"):
        product, card = world.product(world.metric(event_type=kind)), world.rate_card()
        world.rate(card, product, price=1)
        cards.append(card)
    world.contract(customer, cards[0], "2025-01-01T00:00:00Z")
    world.contract(customer, cards[1], "2025-01-02T00:00:00Z")
    credit = {
        "customer_id": customer,
        "priority": 1,
        "product_id": world.product(type="FIXED"),
        "access_schedule": access(1000),
    }
    world.post("/v1/contracts/customerCredits/create", credit)
    world.use(customer, 700, "2025-01-30T00:00:00Z", event_type="k1")
    world.use(customer, 600, "2025-01-30T00:00:00Z", event_type="k2")

    # The older contract is served first: 700 of 700, then 300 of 600.
    totals = [one["total"] for one in world.invoices(customer, status="DRAFT")]
    assert sorted(totals) == [0, 300]
    net = world.post("/v1/contracts/customerBalances/getNetBalance", {"customer_id": customer})
    assert net["balance"] == 0
    finalized = {"customer_id": customer, "invoice_inclusion_mode": "FINALIZED"}
    net = world.post("/v1/contracts/customerBalances/getNetBalance", finalized)
    assert net["balance"] == 1000

    world.clock("2025-02-02T00:00:00Z")
    totals = [one["total"] for one in world.invoices(customer, status="FINALIZED")]
    assert sorted(totals) == [0, 300]
    assert world.post("/v1/contracts/customerBalances/getNetBalance", finalized)["balance"] == 0


def test_ex_36_manual_entries() -> None:
    world = World("2025-01-31T00:00:00Z")
    customer, _, card = priced(world, 1)
    credit = {"product_id": world.product(type="FIXED"), "access_schedule": access(10000)}
    contract = world.contract(customer, card, credits=[credit])
    world.use(customer, 2500, "2025-01-30T00:00:00Z")
    shown = balance_of(world, customer)
    [segment] = shown["access_schedule"]["schedule_items"]
    worth = []
    for amount in (0, 1500, -12000, 4000):
        if amount:
            entry = {
                "customer_id": customer,
                "contract_id": contract,
                "id": shown["id"],
                "segment_id": segment["id"],
                "amount": amount,
                "reason": "goodwill",
            }
            world.post("/v1/contracts/addManualBalanceLedgerEntry", entry)
        worth.append(balance_of(world, customer)["balance"])
    # Below zero is shown as zero; later entries fill the hole first. What is left of the draft's
    # usage is drawn again as soon as there is something to draw.
    assert worth[:3] == [7500, 9000, 0]
    assert worth[3] == 1000


def test_a_commit_is_paid_for_by_an_invoice_of_its_own() -> None:
    world = World("2025-01-31T00:00:00Z")
    customer, _, card = priced(world, 1)
    schedule = {"schedule_items": [{"timestamp": "2025-03-01T00:00:00Z", "amount": 800}]}
    world.contract(customer, card, commits=[commit(world, 1000, invoice_schedule=schedule)])

    [purchase] = world.invoices(customer, type="SCHEDULED")
    assert (purchase["status"], purchase["total"]) == ("DRAFT", 800)
    [line] = purchase["line_items"]
    assert line["type"] == "commit_purchase"
    assert line["commit_id"] == balance_of(world, customer)["id"]

    world.clock("2025-03-01T00:00:00Z")
    [purchase] = world.invoices(customer, type="SCHEDULED")
    assert purchase["status"] == "FINALIZED"


def test_a_commit_needs_a_fixed_product() -> None:
    world = World()
    customer, product, card = priced(world, 1)
    body = {
        "customer_id": customer,
        "rate_card_id": card,
        "starting_at": "2025-01-01T00:00:00Z",
        "commits": [commit(world, 1000, product_id=product)],
    }
    refused = world.refused("/v1/contracts/create", body)
    assert refused["message"].startswith("commits[0].product_id")


def test_a_contract_shows_its_commits_and_credits() -> None:
    world = World("2025-01-31T00:00:00Z")
    customer, _, card = priced(world, 1)
    credit = {"product_id": world.product(type="FIXED"), "access_schedule": access(300)}
    schedule = {"schedule_items": [{"timestamp": "2025-03-01T00:00:00Z", "amount": 800}]}
    contract = world.contract(
        customer,
        card,
        commits=[commit(world, 1000, invoice_schedule=schedule)],
        credits=[credit],
    )
    world.use(customer, 1100, "2025-01-30T00:00:00Z")

    body = {"customer_id": customer, "contract_id": contract, "include_balance": True}
    shown = world.post("/v2/contracts/get", body)
    # The credit costs nothing, so it goes first: 300, then 800 of the commit's 1000.
    assert [one["balance"] for one in shown["credits"]] == [0]
    assert [(one["type"], one["balance"]) for one in shown["commits"]] == [("PREPAID", 200)]
    # What pays for the commit is its invoice schedule, not a charge of the contract.
    assert shown["scheduled_charges"] == []
    [payment] = shown["commits"][0]["invoice_schedule"]["schedule_items"]
    assert payment["amount"] == 800
    older = world.post("/v1/contracts/get", body)
    assert older["current"]["commits"][0]["balance"] == 200
    assert [one["id"] for one in older["initial"]["commits"]] == [shown["commits"][0]["id"]]
    assert [one["id"] for one in older["initial"]["credits"]] == [shown["credits"][0]["id"]]
