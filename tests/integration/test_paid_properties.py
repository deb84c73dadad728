"""What is true of every invoice that commits and credits pay, and of periods split in parts."""

from collections.abc import Iterable
from decimal import Context, Decimal, localcontext
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.integration.worked.world import JSON, World

WEEK = {"starting_on": "2025-01-06T00:00:00Z", "ending_before": "2025-01-13T00:00:00Z"}
USD = "2714e483-4ff1-48e4-9e25-ac732e8f24f2"

few = settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,
    database=None,
)

# Day, hour, value and team. The week is the 6th to the 12th of January.
EVENTS = st.lists(
    st.tuples(
        st.integers(6, 12),
        st.integers(0, 23),
        st.decimals(-5, 60, places=2, allow_nan=False, allow_infinity=False),
        st.sampled_from(["red", "blue"]),
    ),
    min_size=1,
    max_size=10,
)
# Amount, first day, days, priority, which product (none: all), rate type, is it a credit.
BALANCES = st.lists(
    st.tuples(
        st.decimals(1, 400, places=2, allow_nan=False, allow_infinity=False),
        st.integers(5, 12),
        st.integers(1, 8),
        st.integers(1, 3),
        st.sampled_from([None, None, 0, 1, 2]),
        st.sampled_from(["LIST_RATE", "COMMIT_RATE"]),
        st.booleans(),
    ),
    min_size=1,
    max_size=4,
)
Events = list[tuple[int, int, Decimal, str]]
Balances = list[tuple[Decimal, int, int, int, int | None, str, bool]]


def paid(events: Events, balances: Balances) -> tuple[World, str]:
    """Returns a customer on a weekly contract, with balances; it is noon of the 13th."""
    world = World("2025-01-06T00:00:00Z")
    customer, unit = world.customer(), world.unit()
    conversion = {"custom_credit_type_id": unit, "fiat_per_custom_credit": 0.5}
    card = world.rate_card(credit_type_conversions=[conversion])
    sums, latest = world.metric(groups=[["team"]]), world.metric("LATEST")
    up = {"rounding_method": "ROUND_UP", "decimal_places": 0}
    products = [
        world.product(sums, name="plain"),
        world.product(sums, name="by team", presentation_group_key=["team"]),
        world.product(latest, name="latest", quantity_rounding=up),
    ]
    tokens = world.product(sums, name="in tokens")
    own = {"rate_type": "FLAT", "price": 3}
    world.rate(card, products[0], price=7, commit_rate=own)
    world.rate(card, products[0], price=9, start="2025-01-09T13:00:00Z", commit_rate=own)
    world.rate(card, products[1], tiers=[(10, 3), (20, 2), (None, 1)])
    world.rate(card, products[2], price=5)
    world.rate(card, tokens, price=2, credit_type_id=unit)
    fee = world.product(type="COMPOSITE", composite_product_ids=products, name="fee")
    minimum = {"minimum": 40}
    world.rate(card, fee, price=0.1, rate_type="PERCENTAGE", minimum_config=minimum)
    world.contract(
        customer,
        card,
        "2025-01-06T00:00:00Z",
        usage_statement_schedule={"frequency": "WEEKLY", "day": "CONTRACT_START"},
        **_terms(world, products, balances),
    )
    world.clock("2025-01-13T12:00:00Z")
    for number, (day, hour, value, team) in enumerate(events):
        at = f"2025-01-{day:02}T{hour:02}:30:00Z"
        world.use(customer, value, at, id=f"event {number}", team=team)
    return world, customer


def _terms(world: World, products: list[str], balances: Balances) -> JSON:
    purchase = world.product(type="FIXED")
    terms: JSON = {"commits": [], "credits": []}
    for amount, day, days, priority, product, rate_type, is_credit in balances:
        item = {
            "amount": amount,
            "starting_at": f"2025-01-{day:02}T06:00:00Z",
            "ending_before": f"2025-01-{day + days:02}T06:00:00Z",
        }
        balance: JSON = {
            "product_id": purchase,
            "access_schedule": {"schedule_items": [item]},
            "priority": priority,
            "rate_type": rate_type,
        }
        if product is not None:
            balance["applicable_product_ids"] = [products[product]]
        if is_credit:
            terms["credits"].append(balance)
        else:
            terms["commits"].append({**balance, "type": "PREPAID"})
    return terms


def week_of(world: World, customer: str) -> JSON:
    [first, *_] = world.invoices(customer)
    assert first["start_timestamp"] == "2025-01-06T00:00:00+00:00"
    return first


def in_windows(world: World, customer: str, size: str) -> list[JSON]:
    rows: list[JSON] = []
    query: dict[str, Any] = {**WEEK, "window_size": size}
    while True:
        _, reply = world.call("GET", f"/v1/customers/{customer}/invoices/breakdowns", query=query)
        rows += reply["data"]
        if reply["next_page"] is None:
            return rows
        query["next_page"] = reply["next_page"]


def exact_sum(amounts: Iterable[Decimal]) -> Decimal:
    """Returns a sum with more digits than any amount has."""
    with localcontext(Context(prec=100)):
        return sum((Decimal(amount) for amount in amounts), Decimal(0))


def total_of(line_items: list[JSON]) -> Decimal:
    in_money = [line["total"] for line in line_items if line["credit_type"]["id"] == USD]
    return exact_sum(in_money)


def drawn(line_items: list[JSON]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for line in line_items:
        if line["type"] == "applied_commit_or_credit":
            segment = line["commit_segment_id"]
            found[segment] = exact_sum(
                [found.get(segment, Decimal(0)), Decimal(line["total"]).copy_negate()]
            )
    return found


@few
@given(events=EVENTS, balances=BALANCES)
def test_hours_and_days_add_up_to_the_invoice_and_to_each_balance(
    events: Events, balances: Balances
) -> None:
    world, customer = paid(events, balances)
    for at, sizes in (("13T12:00:00Z", ("hour", "day")), ("14T00:00:01Z", ("day",))):
        world.clock(f"2025-01-{at}")
        invoice = week_of(world, customer)
        assert _near(total_of(invoice["line_items"]), invoice["total"])
        for size in sizes:
            rows = in_windows(world, customer, size)
            assert all(_near(total_of(row["line_items"]), row["total"]) for row in rows)
            everything = [line for row in rows for line in row["line_items"]]
            assert _near(exact_sum(row["total"] for row in rows), invoice["total"])
            paid_in_windows, paid_in_all = drawn(everything), drawn(invoice["line_items"])
            assert paid_in_windows.keys() == paid_in_all.keys()
            assert all(_near(paid_in_windows[one], paid_in_all[one]) for one in paid_in_all)


# Amounts over 3 never end: every digit counts where a balance is drawn to its last one.
THIRDS: Balances = [
    (Decimal("20.48"), 9, 8, 1, 0, "COMMIT_RATE", True),
    (Decimal("5.99"), 8, 7, 2, None, "LIST_RATE", True),
    (Decimal("381.15"), 11, 8, 1, None, "COMMIT_RATE", False),
]
USED: Events = [(11, 8, Decimal("59.99"), "red"), (8, 0, Decimal("20.48"), "red")]


@few
@given(events=EVENTS, balances=BALANCES)
@example(events=USED, balances=THIRDS)
@example(events=USED, balances=[THIRDS[0], (Decimal(1), 5, 1, 1, None, "LIST_RATE", False)])
@example(
    events=[(6, 1, Decimal("59.99"), "red")],
    balances=[
        (Decimal(1), 5, 1, 1, None, "LIST_RATE", False),
        (Decimal(1), 5, 1, 1, 0, "LIST_RATE", False),
        (Decimal("179.37"), 5, 1, 1, None, "COMMIT_RATE", False),
    ],
)
@example(
    # What is left of the second one takes one digit more than a quotient has.
    events=[(11, 14, Decimal("30.00"), "red")],
    balances=[
        (Decimal("1.00"), 5, 1, 1, None, "LIST_RATE", False),
        (Decimal("233.42"), 11, 1, 1, None, "COMMIT_RATE", False),
        (Decimal("1.00"), 5, 7, 1, None, "LIST_RATE", False),
    ],
)
def test_no_balance_is_drawn_beyond_what_it_holds_and_every_line_is_explained(
    events: Events, balances: Balances
) -> None:
    world, customer = paid(events, balances)
    draft = week_of(world, customer)
    world.clock("2025-01-14T00:00:01Z")
    final = week_of(world, customer)
    assert (draft["status"], final["status"]) == ("DRAFT", "FINALIZED")
    assert draft["line_items"] == final["line_items"]
    body = {
        "customer_id": customer,
        "include_contract_balances": True,
        "include_balance": True,
        "include_ledgers": True,
    }
    held = {
        item["id"]: item["amount"]
        for balance in world.post("/v1/contracts/customerBalances/list", body)
        for item in balance["access_schedule"]["schedule_items"]
    }
    for segment, amount in drawn(final["line_items"]).items():
        assert 0 < amount <= held[segment]
    for line in world.get(f"/mock/explain/{final['id']}")["line_items"]:
        told = world.get(line["explanation"])
        assert told["matches"] is True, told
        assert told["arithmetic"][-1]["value"] == line["total"], told


@few
@given(events=EVENTS)
def test_the_parts_of_a_period_add_up_to_the_whole(events: Events) -> None:
    world = World("2025-01-06T00:00:00Z")
    card = world.rate_card()
    sums, counts = world.metric(groups=[["team"]]), world.metric("COUNT", key=None)
    world.rate(card, world.product(sums), price=7)
    world.rate(card, world.product(sums, presentation_group_key=["team"]), price=2)
    world.rate(card, world.product(counts), price=3)
    owners = {name: world.customer(name) for name in ("whole", "weeks", "cut")}
    start = "2025-01-06T00:00:00Z"
    whole = {"frequency": "ANNUAL", "day": "CONTRACT_START"}
    weeks = {"frequency": "WEEKLY", "day": "CONTRACT_START"}
    world.contract(owners["whole"], card, start, usage_statement_schedule=whole)
    world.contract(owners["weeks"], card, start, usage_statement_schedule=weeks)
    # Prices that change into the same ones cut the period and change nothing.
    same = [
        {
            "type": "MULTIPLIER",
            "multiplier": 1,
            "starting_at": f"2025-01-{day:02}T{hour:02}:00:00Z",
            "ending_before": f"2025-02-{day:02}T{hour:02}:00:00Z",
        }
        for day, hour, _, _ in events
    ]
    world.contract(owners["cut"], card, start, usage_statement_schedule=whole, overrides=same)
    # Over three weeks, each event sent when it happens: a week is final a day after its end.
    spread = sorted((day + 7 * (number % 3), *rest) for number, (day, *rest) in enumerate(events))
    for number, (day, hour, value, team) in enumerate(spread):
        at = f"2025-01-{day:02}T{hour:02}:30:00Z"
        world.clock(at)
        for name in owners:
            world.use(name, value, at, id=f"{name} {number}", team=team)
    totals = {
        name: exact_sum(one["total"] for one in world.invoices(customer))
        for name, customer in owners.items()
    }
    assert totals["whole"] == totals["weeks"] == totals["cut"]


def _near(found: Decimal, expected: Decimal) -> bool:
    with localcontext(Context(prec=100)):
        return abs(found - expected) < Decimal("1e-40")
