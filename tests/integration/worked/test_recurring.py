"""Worked examples of recurring commits and credits (balances and events, chapter 12)."""

from decimal import Decimal
from typing import Any

import pytest

from tests.integration.worked.world import JSON, World, places

USD = "2714e483-4ff1-48e4-9e25-ac732e8f24f2"


def at(date: str) -> str:
    """Returns an instant: a date, or a date and an hour."""
    return f"{date}:00:00Z" if "T" in date else f"{date}T00:00:00Z"


def template(world: World, amount: object, start: str, **fields: Any) -> JSON:
    """A recurring commit or credit that brings so much each period."""
    return {
        "product_id": world.product(type="FIXED"),
        "name": "Monthly",
        "access_amount": {"unit_price": amount, "quantity": 1, "credit_type_id": USD},
        "priority": 100,
        "commit_duration": {"value": 1, "unit": "PERIODS"},
        "starting_at": at(start),
        **fields,
    }


def children(world: World, customer: str) -> list[JSON]:
    """Returns a customer's balances by when they begin."""
    body = {
        "customer_id": customer,
        "include_contract_balances": True,
        "include_balance": True,
        "include_ledgers": True,
    }
    found: list[JSON] = world.post("/v1/contracts/customerBalances/list", body)
    return sorted(found, key=lambda one: segment(one)["starting_at"])


def segment(balance: JSON) -> JSON:
    [item] = balance["access_schedule"]["schedule_items"]
    found: JSON = item
    return found


def spans(world: World, customer: str) -> list[tuple[str, str, Any]]:
    """Returns start, end and amount of each balance."""
    return [
        (item["starting_at"][:10], item["ending_before"][:10], item["amount"])
        for item in map(segment, children(world, customer))
    ]


def ledger(balance: JSON) -> list[tuple[str, str, Any]]:
    return [
        (entry["timestamp"][:10], entry["type"].removeprefix("CREDIT_"), entry["amount"])
        for entry in balance["ledger"]
    ]


@pytest.mark.parametrize(
    ("proration", "january", "march", "total"),
    [
        # 11 of January's and 15 of March's 31 days; 3100 / 31 = 100 a day.
        (None, 1100, 1500, 5700),
        ("FIRST_AND_LAST", 1100, 1500, 5700),
        ("FIRST", 1100, 3100, 7300),
        ("LAST", 3100, 1500, 7700),
        ("NONE", 3100, 3100, 9300),
    ],
)
def test_ex_29_all_four_prorations(
    proration: str | None, january: int, march: int, total: int
) -> None:
    world = World("2025-01-01T00:00:00Z")
    customer = world.customer()
    chosen = {} if proration is None else {"proration": proration}
    credit = template(world, 3100, "2025-01-21", ending_before=at("2025-03-16"), **chosen)
    world.contract(customer, None, recurring_credits=[credit])

    world.clock("2025-04-01T00:00:00Z")
    assert spans(world, customer) == [
        ("2025-01-21", "2025-02-01", january),
        ("2025-02-01", "2025-03-01", 3100),
        ("2025-03-01", "2025-03-16", march),
    ]
    made = children(world, customer)
    assert sum(segment(child)["amount"] for child in made) == total
    assert [ledger(child)[-1] for child in made] == [
        ("2025-02-01", "EXPIRATION", -january),
        ("2025-03-01", "EXPIRATION", -3100),
        ("2025-03-16", "EXPIRATION", -march),
    ]
    assert len({child["recurring_credit_id"] for child in made}) == 1


def test_ex_30_a_commit_with_an_invoice_joined_on_the_21st() -> None:
    world = World("2025-01-21T00:00:00Z")
    customer = world.customer()
    price = {"unit_price": 2000, "quantity": 1, "credit_type_id": USD}
    commit = template(world, 3000, "2025-01-21", invoice_amount=price)
    world.contract(customer, None, "2025-01-21T00:00:00Z", recurring_commits=[commit])

    [january, february] = children(world, customer)
    # 3000 × 11/31 and 2000 × 11/31: two thirds of it are paid.
    assert places(segment(january)["amount"], 6) == Decimal("1064.516129")
    [paid] = world.invoices(customer, status="FINALIZED")
    assert places(paid["total"], 6) == Decimal("709.677419")
    [line] = paid["line_items"]
    assert (line["type"], line["commit_id"]) == ("commit_purchase", january["id"])
    [item] = january["invoice_schedule"]["schedule_items"]
    assert item["amount"] * 3 == segment(january)["amount"] * 2
    assert january["balance"] == segment(january)["amount"]
    # The next one is there already, worth nothing and to be paid for when it begins.
    assert (february["balance"], segment(february)["amount"]) == (0, 3000)
    [draft] = world.invoices(customer, status="DRAFT", type="SCHEDULED")
    assert (draft["total"], draft["issued_at"][:10]) == (2000, "2025-02-01")


def test_ex_31_an_anchor_of_its_own() -> None:
    world = World("2025-01-21T00:00:00Z")
    customer = world.customer()
    credit = template(world, 9200, "2025-01-21", recurrence_frequency="QUARTERLY")
    world.contract(customer, None, ending_before=at("2025-08-31"), recurring_credits=[credit])

    world.clock("2025-08-31T00:00:00Z")
    # From 21 July to 31 August are 41 of the 92 days to 21 October.
    assert spans(world, customer) == [
        ("2025-01-21", "2025-04-21", 9200),
        ("2025-04-21", "2025-07-21", 9200),
        ("2025-07-21", "2025-08-31", 4100),
    ]


def test_ex_32_one_hour_late() -> None:
    world = World("2025-09-27T19:00:00Z")
    customer = world.customer()
    world.contract(
        customer,
        None,
        "2025-09-27T19:00:00Z",
        usage_statement_schedule={
            "frequency": "MONTHLY",
            "day": "CUSTOM_DATE",
            "billing_anchor_date": "2025-08-27T18:00:00Z",
        },
        recurring_credits=[template(world, 250, "2025-09-27T19")],
    )

    [first, _] = children(world, customer)
    assert segment(first)["ending_before"][:13] == "2025-10-27T18"
    # 250 × 719/720 hours.
    assert places(segment(first)["amount"], 6) == Decimal("249.652778")


def test_ex_33_a_weekly_last_partial() -> None:
    world = World("2025-01-06T00:00:00Z")
    customer = world.customer()
    credit = template(
        world,
        7000,
        "2025-01-06",
        recurrence_frequency="WEEKLY",
        ending_before=at("2025-01-09T12"),
    )
    world.contract(customer, None, recurring_credits=[credit])

    [only] = children(world, customer)
    # 84 of 168 hours.
    assert segment(only)["amount"] == 3500
    assert segment(only)["ending_before"][:13] == "2025-01-09T12"


def test_ex_34_overlapping_children() -> None:
    world = World("2025-01-01T00:00:00Z")
    customer, product, card = world.customer(), world.product(world.metric()), world.rate_card()
    world.rate(card, product, price=1)
    credit = template(world, 1000, "2025-01-01", commit_duration={"value": 2})
    world.contract(customer, card, recurring_credits=[credit])
    for used, day in [(400, "2025-01-10"), (900, "2025-02-10"), (1300, "2025-03-10")]:
        world.clock(at(day))
        world.use(customer, used, at(day))

    world.clock("2025-04-01T00:00:00Z")
    first, second, third, _, _ = children(world, customer)
    # January takes 400 of the first; February its other 600 and 300 of the second; March the
    # second's other 700 and 600 of the third.
    assert ledger(first) == [
        ("2025-01-01", "SEGMENT_START", 1000),
        ("2025-02-01", "AUTOMATED_INVOICE_DEDUCTION", -400),
        ("2025-03-01", "AUTOMATED_INVOICE_DEDUCTION", -600),
    ]
    assert ledger(second) == [
        ("2025-02-01", "SEGMENT_START", 1000),
        ("2025-03-01", "AUTOMATED_INVOICE_DEDUCTION", -300),
        ("2025-04-01", "AUTOMATED_INVOICE_DEDUCTION", -700),
    ]
    assert ledger(third)[1:] == [("2025-04-01", "AUTOMATED_INVOICE_DEDUCTION", -600)]
    assert third["balance"] == 400


def test_ex_35_an_edit_while_running() -> None:
    world = World("2025-01-01T00:00:00Z")
    customer = world.customer()
    contract = world.contract(
        customer, None, recurring_credits=[template(world, 1000, "2025-01-01")]
    )
    world.clock("2025-02-10T00:00:00Z")

    def edit(**change: object) -> None:
        [made, *_] = children(world, customer)
        update = {"recurring_credit_id": made["recurring_credit_id"], **change}
        body = {
            "customer_id": customer,
            "contract_id": contract,
            "update_recurring_credits": [update],
        }
        world.post("/v2/contracts/edit", body)

    january = ("2025-01-01", "2025-02-01", 1000)
    february = ("2025-02-01", "2025-03-01", 1000)
    march = ("2025-03-01", "2025-04-01", 1000)
    before = {child["id"] for child in children(world, customer)}
    assert spans(world, customer) == [january, february, march]

    edit(access_amount={"unit_price": 1500})
    assert spans(world, customer) == [january, february, (*march[:2], 1500)]
    edit(access_amount={"unit_price": 1000})
    edit(ending_before=at("2025-03-01"))
    assert spans(world, customer) == [january, february]
    world.clock("2025-02-20T00:00:00Z")
    edit(ending_before=None)
    assert spans(world, customer) == [january, february, march]
    assert {child["id"] for child in children(world, customer)} == before


def test_parts_of_a_period_are_rounded_as_asked() -> None:
    world = World("2025-01-21T00:00:00Z")
    customer = world.customer()
    rounding = {
        "access": {"rounding_method": "CEILING", "decimal_places": -1},
        "invoice": {"rounding_method": "half_up", "decimal_places": 2},
    }
    month = template(
        world,
        3000,
        "2025-01-21",
        invoice_amount={"unit_price": 2000, "quantity": 1, "credit_type_id": USD},
        proration_rounding=rounding,
    )
    contract = world.contract(customer, None, at("2025-01-21"), recurring_commits=[month])
    first, second = children(world, customer)
    # 11 of 31 days: 3000 × 11/31 = 1064.51…, up to tens 1070; 2000 × 11/31 = 709.677…
    assert [segment(first)["amount"], segment(second)["amount"]] == [1070, 3000]
    [paid] = first["invoice_schedule"]["schedule_items"]
    assert paid["amount"] == Decimal("709.68")
    names = {"customer_id": customer, "contract_id": contract}
    [shown] = world.post("/v2/contracts/get", names)["recurring_commits"]
    assert shown["proration_rounding"] == {
        "access": {"rounding_method": "CEILING", "decimal_places": -1},
        "invoice": {"rounding_method": "HALF_UP", "decimal_places": 2},
    }


def test_daily_credits() -> None:
    world = World("2025-01-01T06:00:00Z")
    customer, card = world.customer(), world.rate_card()
    world.rate(card, world.product(world.metric()), price=1)
    daily = template(
        world,
        100,
        "2025-01-01T06",
        recurrence_frequency="DAILY",
        ending_before=at("2025-01-03T18"),
    )
    contract = world.contract(customer, card, recurring_credits=[daily])
    # One is there ahead: the next day's.
    assert [span[2] for span in spans(world, customer)] == [100, 100]
    world.clock("2025-01-03T12:00:00Z")
    world.use(customer, 130, "2025-01-02T08:00:00Z")
    # The days begin at six; the last one is half a day.
    assert [
        (
            segment(one)["starting_at"][:13],
            segment(one)["ending_before"][:13],
            segment(one)["amount"],
        )
        for one in children(world, customer)
    ] == [
        ("2025-01-01T06", "2025-01-02T06", 100),
        ("2025-01-02T06", "2025-01-03T06", 100),
        ("2025-01-03T06", "2025-01-03T18", 50),
    ]
    # Of the 130 of the second day, 100 are paid.
    assert world.draft(customer)["total"] == 30
    names = {"customer_id": customer, "contract_id": contract}
    second = {**names, "add_recurring_credits": [daily]}
    assert "DAILY" in world.refused("/v2/contracts/edit", second)["message"]
    with_seats = {**daily, "access_amount": {"unit_price": 1, "credit_type_id": USD}}
    with_seats["subscription_config"] = {
        "subscription_id": "seats",
        "apply_seat_increase_config": {"is_prorated": True},
    }
    body = {
        "customer_id": customer,
        "starting_at": at("2025-01-01"),
        "recurring_credits": [with_seats],
    }
    assert "DAILY" in world.refused("/v1/contracts/create", body)["message"]
    elsewhere: tuple[JSON, ...] = (
        {"usage_statement_schedule": {"frequency": "DAILY"}},
        {"recurring_credits": [{**daily, "recurrence_frequency": "SEMI_ANNUAL"}]},
    )
    for where in elsewhere:
        body = {"customer_id": customer, "starting_at": at("2025-01-01"), **where}
        world.refused("/v1/contracts/create", body)
