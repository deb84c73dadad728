"""What becomes of recurring commits and credits as time passes and contracts change."""

from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.worked.test_recurring import (
    USD,
    at,
    children,
    ledger,
    segment,
    spans,
    template,
)
from tests.integration.worked.test_seats import Team
from tests.integration.worked.world import JSON, World

PRICE = {"unit_price": 900, "quantity": 1, "credit_type_id": USD}


def year(world: World) -> str:
    """A customer who pays 900 a month for 1000, and uses 700 a month but in January 2000."""
    customer, product, card = world.customer(), world.product(world.metric()), world.rate_card()
    world.rate(card, product, price=1)
    commit = template(world, 1000, "2025-01-01", invoice_amount=PRICE)
    world.contract(customer, card, ending_before=at("2026-01-01"), recurring_commits=[commit])
    world.use(customer, 2000, "2025-01-01T00:00:00Z")
    return customer


def state(world: World, customer: str) -> Any:
    bills = [
        (one["type"], one["issued_at"][:10], one["total"])
        for one in world.invoices(customer, status="FINALIZED", limit=100)
    ]
    found = children(world, customer)
    return bills, [segment(one) for one in found], [one["ledger"] for one in found]


def test_a_jump_over_a_year_makes_all_in_order() -> None:
    jumped, walked = World("2025-01-01T00:00:00Z"), World("2025-01-01T00:00:00Z")
    customer, other = year(jumped), year(walked)
    jumped.clock("2026-01-03T00:00:00Z")
    for month in range(1, 13):
        walked.clock(f"2025-{month:02}-15T00:00:00Z")
    walked.clock("2026-01-03T00:00:00Z")

    bills, segments, _ = state(jumped, customer)
    scheduled = [bill for bill in bills if bill[0] == "SCHEDULED"]
    # Each month is paid for when it begins, at that time.
    assert scheduled == [("SCHEDULED", f"2025-{n:02}-01", 900) for n in range(1, 13)]
    assert [one["amount"] for one in segments] == [1000] * 12
    # January's 2000 less its 1000.
    assert ("USAGE", "2025-02-02", 1000) in bills
    assert [bill for bill in bills if bill[0] == "USAGE" and bill[2]] == [
        ("USAGE", "2025-02-02", 1000)
    ]
    assert [bill[:3] for bill in state(walked, other)[0]] == bills
    assert [one["amount"] for one in state(walked, other)[1]] == [1000] * 12


def test_a_contract_in_the_past_is_made_up_to_the_next_period() -> None:
    world = World("2025-04-10T00:00:00Z")
    customer = world.customer()
    commit = template(world, 1000, "2025-01-01", invoice_amount=PRICE)
    world.contract(customer, None, recurring_commits=[commit])
    assert [one[0] for one in spans(world, customer)] == [
        f"2025-{month:02}-01" for month in range(1, 6)
    ]
    paid = world.invoices(customer, status="FINALIZED", type="SCHEDULED")
    assert [one["issued_at"][:10] for one in paid] == [
        f"2025-{month:02}-01" for month in range(1, 5)
    ]


def test_one_that_begins_later_is_listed_a_period_ahead() -> None:
    world = World("2025-01-10T00:00:00Z")
    customer = world.customer()
    world.contract(
        customer,
        None,
        recurring_credits=[
            template(world, 100, "2025-06-01"),
            template(world, 100, "2025-06-01", recurrence_frequency="QUARTERLY"),
        ],
    )
    assert children(world, customer) == []
    world.clock("2025-03-01T00:00:00Z")
    assert [one[:2] for one in spans(world, customer)] == [("2025-06-01", "2025-09-01")]
    world.clock("2025-05-01T00:00:00Z")
    assert len(children(world, customer)) == 2


def test_a_contracts_end_cuts_what_has_not_begun() -> None:
    world = World("2025-01-01T00:00:00Z")
    customer = world.customer()
    commit = template(world, 3100, "2025-01-01", invoice_amount={**PRICE, "unit_price": 310})
    contract = world.contract(customer, None, recurring_commits=[commit])
    world.clock("2025-02-10T00:00:00Z")
    names = {"customer_id": customer, "contract_id": contract}

    def end(date: str | None) -> None:
        body = {**names, **({} if date is None else {"ending_before": at(date)})}
        world.post("/v1/contracts/updateEndDate", body)

    def upcoming() -> list[tuple[str, Any]]:
        found = world.invoices(customer, status="DRAFT", type="SCHEDULED")
        return [(one["issued_at"][:10], one["total"]) for one in found]

    end("2025-03-16")
    # 15 of March's 31 days, to be paid for with 15/31 too.
    assert spans(world, customer)[-1] == ("2025-03-01", "2025-03-16", 1500)
    assert upcoming() == [("2025-03-01", 150)]
    end("2025-03-01")
    assert spans(world, customer)[-1] == ("2025-02-01", "2025-03-01", 3100)
    assert upcoming() == []
    end(None)
    assert spans(world, customer)[-1] == ("2025-03-01", "2025-04-01", 3100)
    assert upcoming() == [("2025-03-01", 310)]


def test_what_was_left_out_is_made_when_a_template_goes_on() -> None:
    world = World("2025-01-01T00:00:00Z")
    customer = world.customer()
    contract = world.contract(customer, None, recurring_credits=[template(world, 10, "2025-01-01")])
    names = {"customer_id": customer, "contract_id": contract}
    [shown] = world.post("/v2/contracts/get", names)["recurring_credits"]

    def edit(**change: object) -> JSON:
        update = {"recurring_credit_id": shown["id"], **change}
        edited: JSON = world.post(
            "/v2/contracts/edit", {**names, "update_recurring_credits": [update]}
        )
        return edited

    edit(ending_before=at("2025-02-01"))
    world.clock("2025-04-10T00:00:00Z")
    assert len(children(world, customer)) == 1
    edit(ending_before=at("2025-05-01"))
    assert [one[0] for one in spans(world, customer)] == [
        f"2025-{month:02}-01" for month in range(1, 5)
    ]


def test_an_override_for_a_recurring_commit() -> None:
    world = World("2025-01-01T00:00:00Z")
    customer, product, card = world.customer(), world.product(world.metric()), world.rate_card()
    world.rate(card, product, price=10)
    override = {
        "type": "MULTIPLIER",
        "multiplier": 0.5,
        "is_commit_specific": True,
        "override_specifiers": [{"product_id": product, "recurring_commit_ids": ["monthly"]}],
        "starting_at": at("2025-01-01"),
    }
    commit = template(world, 100, "2025-01-01", temporary_id="monthly")
    terms: JSON = {"recurring_commits": [commit], "overrides": [override]}
    world.contract(customer, card, **terms)
    world.use(customer, 25, "2025-01-01T00:00:00Z")
    # 100 / 5 = 20 units are paid; the other 5 cost 10.
    assert world.draft(customer)["total"] == 50

    # The same added by an edit, and by a package.
    edited = world.customer()
    names = {"customer_id": edited, "contract_id": world.contract(edited, card)}
    added = {f"add_{name}": entries for name, entries in terms.items()}
    world.post("/v2/contracts/edit", {**names, **added})
    now = {"value": 0, "unit": "DAYS"}

    def relative(entry: JSON) -> JSON:
        kept = {name: value for name, value in entry.items() if name != "starting_at"}
        return {**kept, "starting_at_offset": now}

    templates = {name: [relative(entry) for entry in entries] for name, entries in terms.items()}
    body = {"name": "Packaged", "rate_card_id": card, **templates}
    package = world.post("/v1/packages/create", body)["id"]
    packaged = world.customer()
    body = {"customer_id": packaged, "package_id": package, "starting_at": at("2025-01-01")}
    world.post("/v1/contracts/create", body)
    for other in (edited, packaged):
        world.use(other, 25, "2025-01-01T00:00:00Z")
        assert world.draft(other)["total"] == 50


def test_a_package_makes_them_for_its_contracts() -> None:
    world = World("2025-01-10T00:00:00Z")
    customer, card = world.customer(), world.rate_card()
    seats = world.product(type="SUBSCRIPTION")
    world.rate(card, seats, price=1, billing_frequency="MONTHLY")
    link = {
        "subscription_id": "team",
        "apply_seat_increase_config": {"is_prorated": True},
    }
    dated = template(world, 40, "2025-01-01")
    terms = {name: value for name, value in dated.items() if name != "starting_at"}
    per_seat = {
        **terms,
        "access_amount": {"unit_price": 7, "credit_type_id": USD},
        "subscription_config": link,
        "starting_at_offset": {"value": 0, "unit": "DAYS"},
    }
    later = {
        **terms,
        "invoice_amount": PRICE,
        "starting_at_offset": {"value": 1, "unit": "MONTHS"},
        "duration": {"value": 1, "unit": "MONTHS"},
    }
    subscription = {
        "temporary_id": "team",
        "subscription_rate": {"product_id": seats, "billing_frequency": "MONTHLY"},
        "collection_schedule": "ADVANCE",
        "proration": {"is_prorated": True},
        "initial_quantity": 3,
    }
    package = world.post(
        "/v1/packages/create",
        {
            "name": "Team",
            "rate_card_id": card,
            "subscriptions": [subscription],
            "recurring_commits": [later],
            "recurring_credits": [per_seat],
        },
    )["id"]
    shown = world.post("/v1/packages/get", {"package_id": package})
    [linked] = shown["recurring_credits"]
    assert linked["subscription_config"] == {
        "subscription_template_id": shown["subscriptions"][0]["id"],
        "allocation": "POOLED",
        "apply_seat_increase_config": {"is_prorated": True},
    }
    body = {"customer_id": customer, "package_id": package, "starting_at": at("2025-01-01")}
    world.post("/v1/contracts/create", body)
    world.clock("2025-06-01T00:00:00Z")
    found = [one[:3] for one in spans(world, customer)]
    # 3 seats × 7 each month; and 40 for February alone.
    assert [one for one in found if one[2] == 40] == [("2025-02-01", "2025-03-01", 40)]
    assert [one[2] for one in found if one[2] != 40] == [21] * 7


def test_what_pays_for_a_month_is_on_the_usage_invoice_that_ends_there() -> None:
    world = World("2025-01-01T00:00:00Z")
    customer = world.customer()
    commit = template(world, 1000, "2025-01-01", invoice_amount=PRICE)
    world.contract(
        customer, None, scheduled_charges_on_usage_invoices="ALL", recurring_commits=[commit]
    )
    world.clock("2025-02-03T00:00:00Z")
    bills = [
        (one["type"], one["issued_at"][:10], one["total"])
        for one in world.invoices(customer, status="FINALIZED")
    ]
    # No usage invoice ends on the first of January; January's is joined by February's price.
    assert sorted(bills) == [("SCHEDULED", "2025-01-01", 900), ("USAGE", "2025-02-02", 900)]


few = settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


@given(
    story=st.lists(
        st.tuples(
            st.integers(1, 70),
            st.sampled_from(["use", "add_seat_ids", "remove_seat_ids"]),
            st.sampled_from("abc"),
            st.integers(1, 900),
        ),
        max_size=8,
    ),
    allocation=st.sampled_from(["POOLED", "INDIVIDUAL"]),
)
@few
def test_a_seat_linked_balance_is_the_sum_of_its_ledger(
    story: list[tuple[int, str, str, int]], allocation: str
) -> None:
    world = World("2025-04-01T00:00:00Z")
    team = Team(world, "a")
    team.subscribe(allocation, prorated=True, amount=1000)
    month_and_day = [(4, 1), *((4, n) for n in range(2, 31)), *((5, n) for n in range(1, 32))]
    for number, what, seat, amount in sorted(story):
        month, day = month_and_day[number] if number < 61 else (6, number - 60)
        date = f"2025-{month:02}-{day:02}"
        world.clock(at(date))
        if what == "use":
            team.use(seat, amount, date)
        else:
            team.change(what, seat, date=date)
        check(world, team)
    world.clock("2025-07-03T00:00:00Z")
    check(world, team)


def check(world: World, team: Team) -> None:
    now = world.get("/mock/clock")["now"]
    by_seat = team.balances()
    for child in children(world, team.customer):
        total = Decimal(0)
        for _, kind, amount in ledger(child):
            total += amount
            assert kind in ("AUTOMATED_INVOICE_DEDUCTION", "EXPIRATION") or amount >= 0
        # Nothing is drawn below zero; what is over comes to nothing.
        assert abs(total - child["balance"]) < Decimal("1e-20")
        assert child["balance"] >= 0
        item = segment(child)
        if child["subscription_config"]["allocation"] == "INDIVIDUAL" and (
            item["starting_at"] <= now < item["ending_before"]
        ):
            assert abs(sum(left for left, _ in by_seat.values()) - total) < Decimal("1e-20")
            assert all(0 <= left <= given for left, given in by_seat.values())


def test_what_is_made_after_a_renewal_was_recorded_rolls_over_too() -> None:
    world = World(at("2025-01-05"))
    customer, card = world.customer(), world.rate_card()
    world.rate(card, world.product(world.metric()), price=1)
    monthly = template(world, 1000, "2025-01-01", rollover_fraction=0.5)
    earlier = world.contract(customer, card, at("2025-01-01"), recurring_commits=[monthly])
    # The commit of March is made on 1 February; the renewal of April is known before.
    later = world.contract(
        customer,
        card,
        at("2025-04-01"),
        transition={"type": "RENEWAL", "from_contract_id": earlier},
    )
    world.clock(at("2025-03-20"))
    world.use(customer, 300, at("2025-03-10"))
    world.clock(at("2025-04-10"))
    held = {one["contract"]["id"]: one for one in children(world, customer)}
    # min(1000 − 300, 0.5 × 1000): the months before had expired.
    assert held[later]["balance"] == 500
    march = held[earlier]
    assert held[later]["rolled_over_from"]["commit_id"] == march["id"]
    assert [entry[1:] for entry in ledger(march)][-2:] == [
        ("PREPAID_COMMIT_ROLLOVER", -500),
        ("PREPAID_COMMIT_EXPIRATION", -200),
    ]


def test_a_month_that_is_taken_away_takes_what_it_rolls_over_into_with_it() -> None:
    world = World(at("2025-01-05"))
    customer = world.customer()
    monthly = template(world, 1000, "2025-01-01", rollover_fraction=0.5)
    earlier = world.contract(customer, None, at("2025-01-01"), recurring_commits=[monthly])
    world.contract(
        customer,
        None,
        at("2025-04-01"),
        transition={"type": "RENEWAL", "from_contract_id": earlier},
    )
    world.clock(at("2025-02-10"))
    names = {"customer_id": customer, "contract_id": earlier}
    [shown] = world.post("/v2/contracts/get", names)["recurring_commits"]
    ended = {"recurring_commit_id": shown["id"], "ending_before": at("2025-03-01")}
    world.post("/v2/contracts/edit", {**names, "update_recurring_commits": [ended]})
    assert {one["contract"]["id"] for one in children(world, customer)} == {earlier}
