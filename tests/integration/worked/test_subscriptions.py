"""Worked examples of subscriptions (16.6), and their checklist."""

from decimal import Decimal
from typing import Any

import pytest

from tests.integration.worked.world import JSON, World, lines, places

JANUARY = "2025-01-01T00:00:00Z"
USD_CENTS = "2714e483-4ff1-48e4-9e25-ac732e8f24f2"


class Seats:
    """A world with one subscription product on a card, and a customer."""

    def __init__(
        self, now: str = JANUARY, *, price: object = 1000, frequency: str = "MONTHLY"
    ) -> None:
        self.world = World(now)
        self.customer = self.world.customer()
        self.product = self.world.product(type="SUBSCRIPTION", name="Seat")
        self.card = self.world.rate_card()
        self.frequency = frequency
        self.world.rate(self.card, self.product, price=price, billing_frequency=frequency)
        self.contract = ""

    def subscribe(
        self,
        quantity: object = 10,
        *,
        start: str = JANUARY,
        contract: JSON | None = None,
        **fields: Any,
    ) -> str:
        """Creates a contract with one subscription and returns the subscription's id."""
        body = {**self.wanted(quantity), **fields}
        self.contract = self.world.contract(
            self.customer, self.card, start, subscriptions=[body], **(contract or {})
        )
        return str(self.read()["id"])

    def wanted(self, quantity: object = 10) -> JSON:
        """Returns a subscription as a request names it."""
        return {
            "subscription_rate": {
                "product_id": self.product,
                "billing_frequency": self.frequency,
            },
            "collection_schedule": "ADVANCE",
            "proration": {
                "is_prorated": True,
                "invoice_behavior": "BILL_ON_NEXT_COLLECTION_DATE",
            },
            "initial_quantity": quantity,
        }

    def read(self) -> JSON:
        """Returns the subscription in the newer form of its contract."""
        body = {"customer_id": self.customer, "contract_id": self.contract}
        [subscription] = self.world.post("/v2/contracts/get", body)["subscriptions"]
        found: JSON = subscription
        return found

    def edit(self, **changes: object) -> None:
        """Edits the contract."""
        body = {"customer_id": self.customer, "contract_id": self.contract, **changes}
        self.world.post("/v2/contracts/edit", body)

    def refused(self, **changes: object) -> str:
        """Tries to edit the contract, expects 400, and returns the message."""
        body = {"customer_id": self.customer, "contract_id": self.contract, **changes}
        return str(self.world.refused("/v2/contracts/edit", body)["message"])

    def change(self, *updates: JSON) -> None:
        """Changes the subscription's quantity."""
        subscription_id = self.read()["id"]
        self.edit(
            update_subscriptions=[
                {"subscription_id": subscription_id, "quantity_updates": list(updates)}
            ]
        )

    def add(self, delta: object, at: str) -> None:
        """Raises the quantity from an instant on."""
        self.change({"starting_at": at, "quantity_delta": delta})

    def usage(self, end: str) -> JSON:
        """Returns the usage invoice whose period ends then."""
        [found] = [
            invoice
            for invoice in self.world.invoices(self.customer, type="USAGE")
            if invoice["end_timestamp"] == end
        ]
        return found

    def scheduled(self) -> list[JSON]:
        """Returns the scheduled invoices by issue date."""
        return self.world.invoices(self.customer, type="SCHEDULED")


IMMEDIATELY = {"is_prorated": True, "invoice_behavior": "BILL_IMMEDIATELY"}
AT_THE_END = {"is_prorated": True, "invoice_behavior": "BILL_ON_NEXT_COLLECTION_DATE"}
APRIL_1 = "2025-04-01T00:00:00+00:00"
MAY_1 = "2025-05-01T00:00:00+00:00"


def test_we_46_mid_period_start() -> None:
    seats = Seats(price=3000)
    seats.subscribe(2, starting_at="2025-04-16T00:00:00Z")

    # 16 to 30 April are 15 of 30 days: 3000 × 15/30 = 1500 each, for two.
    [first] = seats.scheduled()
    assert first["issued_at"] == "2025-04-16T00:00:00+00:00"
    assert lines(first, "quantity", "unit_price", "total", "is_prorated") == [(2, 1500, 3000, True)]
    seats.world.clock("2025-04-20T00:00:00Z")
    # The usage invoice that ends on 1 May bills May: 2 × 3000, with May's dates.
    [line] = seats.usage(MAY_1)["line_items"]
    assert (line["quantity"], line["unit_price"], line["total"]) == (2, 3000, 6000)
    assert line["is_prorated"] is False
    assert (line["starting_at"], line["ending_before"]) == (MAY_1, "2025-06-01T00:00:00+00:00")
    assert (line["type"], line["product_type"]) == ("subscription", "SubscriptionProductListItem")


def test_we_46_mid_period_start_unprorated() -> None:
    seats = Seats(price=3000)
    seats.subscribe(
        2,
        starting_at="2025-04-16T00:00:00Z",
        proration={**AT_THE_END, "is_prorated": False},
    )

    [first] = seats.scheduled()
    assert lines(first, "quantity", "unit_price", "total") == [(2, 3000, 6000)]


def test_we_47_increase_billed_immediately() -> None:
    seats = Seats()
    seats.subscribe(10, proration=IMMEDIATELY)
    seats.world.clock("2025-03-11T00:00:00Z")

    seats.add(2, "2025-03-11T00:00:00Z")

    # 11 to 31 March are 21 of 31 days: 1000 × 21/31 = 677.4193548387 each.
    invoice = seats.scheduled()[-1]
    assert (invoice["status"], invoice["issued_at"]) == ("FINALIZED", "2025-03-11T00:00:00+00:00")
    [line] = invoice["line_items"]
    assert (line["quantity"], places(line["unit_price"])) == (2, Decimal("677.4193548387"))
    assert places(line["total"]) == Decimal("1354.8387096774")
    assert (line["is_prorated"], line["subscription_id"]) == (True, seats.read()["id"])
    assert lines(seats.usage(APRIL_1), "quantity", "total") == [(12, 12000)]


def test_we_47_increase_billed_at_the_end() -> None:
    seats = Seats()
    seats.subscribe(10)
    seats.world.clock("2025-03-11T00:00:00Z")

    seats.add(2, "2025-03-11T00:00:00Z")

    invoice = seats.usage(APRIL_1)
    # March's two more beside April's twelve: 1354.8387096774 + 12 × 1000.
    assert {(line["quantity"], places(line["total"])) for line in invoice["line_items"]} == {
        (12, Decimal(12000)),
        (2, Decimal("1354.8387096774")),
    }
    assert places(invoice["total"]) == Decimal("13354.8387096774")
    assert len(seats.scheduled()) == 1


@pytest.mark.parametrize(
    ("method", "decimals", "unit", "total"),
    [
        ("HALF_UP", 0, 677, 1354),
        ("HALF_UP", -2, 700, 1400),
        ("CEILING", 0, 678, 1356),
        ("FLOOR", 0, 677, 1354),
    ],
)
def test_we_48_proration_rounding(method: str, decimals: int, unit: int, total: int) -> None:
    seats = Seats()
    rounding = {"rounding_method": method, "decimal_places": decimals}
    seats.subscribe(10, proration={**IMMEDIATELY, "rounding": rounding})
    seats.world.clock("2025-03-11T00:00:00Z")

    seats.add(2, "2025-03-11T00:00:00Z")

    # What is rounded is the unit price 677.4193548387, then two of them are billed.
    assert lines(seats.scheduled()[-1], "unit_price", "total") == [(unit, total)]


def test_we_49_up_then_down() -> None:
    seats = Seats()
    seats.subscribe(10)
    seats.world.clock("2025-03-20T00:00:00Z")
    seats.add(5, "2025-03-11T00:00:00Z")
    seats.add(-3, "2025-03-20T00:00:00Z")

    # Five for 21/31 of March: 5 × 677.4193548387. Nothing back for the three. April: 12.
    assert _totals(seats.usage(APRIL_1)) == {
        (5, Decimal("3387.0967741935")),
        (12, Decimal(12000)),
    }

    seats.add(2, "2025-03-25T00:00:00Z")

    # 14 do not exceed the 15 that March has been billed for. April: 14.
    assert _totals(seats.usage(APRIL_1)) == {
        (5, Decimal("3387.0967741935")),
        (14, Decimal(14000)),
    }


def test_we_50_down_only() -> None:
    seats = Seats()
    seats.subscribe(10)
    seats.world.clock("2025-03-11T00:00:00Z")

    seats.add(-4, "2025-03-11T00:00:00Z")

    # March was billed with the invoice that ended on 1 March, and stays at 10 × 1000.
    assert _totals(seats.usage("2025-03-01T00:00:00+00:00")) == {(10, Decimal(10000))}
    assert _totals(seats.usage(APRIL_1)) == {(6, Decimal(6000))}


def test_we_51_arrears() -> None:
    seats = Seats()
    seats.subscribe(10, collection_schedule="ARREARS")
    seats.world.clock("2025-03-11T00:00:00Z")

    seats.add(2, "2025-03-11T00:00:00Z")

    invoice = seats.usage(APRIL_1)
    assert _totals(invoice) == {(10, Decimal(10000)), (2, Decimal("1354.8387096774"))}
    assert places(invoice["total"]) == Decimal("11354.8387096774")
    assert seats.scheduled() == []


def test_we_52_arrears_ended() -> None:
    seats = Seats()
    subscription_id = seats.subscribe(5, collection_schedule="ARREARS")
    seats.world.clock("2025-03-15T00:00:00Z")

    seats.edit(
        update_subscriptions=[
            {"subscription_id": subscription_id, "ending_before": "2025-03-20T00:00:00Z"}
        ]
    )

    # 19 of 31 days: 5 × 1000 × 19/31. Decision D-44.
    assert _totals(seats.usage(APRIL_1)) == {(5, Decimal("3064.5161290323"))}


def test_we_52_advance_ended() -> None:
    seats = Seats()
    subscription_id = seats.subscribe(5)
    seats.world.clock("2025-03-15T00:00:00Z")

    seats.edit(
        update_subscriptions=[
            {"subscription_id": subscription_id, "ending_before": "2025-03-20T00:00:00Z"}
        ]
    )

    # March was billed in advance: 5 × 1000. Nothing is given back, and nothing follows.
    assert _totals(seats.usage("2025-03-01T00:00:00+00:00")) == {(5, Decimal(5000))}
    assert seats.usage(APRIL_1)["line_items"] == []


def test_we_53_hour_granularity() -> None:
    seats = Seats()
    seats.subscribe(10, proration=IMMEDIATELY)
    seats.world.clock("2025-03-10T06:00:00Z")

    seats.add(1, "2025-03-10T06:00:00Z")

    # 522 of 744 hours: 1000 × 522/744. Decision D-42.
    assert _totals(seats.scheduled()[-1]) == {(1, Decimal("701.6129032258"))}


@pytest.mark.parametrize(
    ("rounding", "unit", "total"),
    [
        (None, Decimal("112767.1232876712"), Decimal("225534.2465753425")),
        ({"rounding_method": "HALF_UP", "decimal_places": -2}, 112800, 225600),
    ],
)
def test_we_54_annual_stub(rounding: JSON | None, unit: Decimal, total: Decimal) -> None:
    seats = Seats(price=120000, frequency="ANNUAL")
    proration = AT_THE_END if rounding is None else {**AT_THE_END, "rounding": rounding}
    seats.subscribe(
        2,
        start="2025-04-23T00:00:00Z",
        proration=proration,
        contract={"usage_statement_schedule": {"frequency": "ANNUAL"}},
    )

    # The anchor is 1 April 2025: 343 of 365 days, 120000 × 343/365 each.
    [line] = seats.scheduled()[0]["line_items"]
    assert (places(line["unit_price"]), places(line["total"])) == (unit, total)


def test_we_55_price_change_waits_for_the_period() -> None:
    seats = Seats()
    seats.subscribe(10)
    seats.world.rate(
        seats.card,
        seats.product,
        price=1200,
        start="2025-03-15T00:00:00Z",
        billing_frequency="MONTHLY",
    )
    seats.world.clock("2025-03-20T00:00:00Z")

    assert _totals(seats.usage("2025-03-01T00:00:00+00:00")) == {(10, Decimal(10000))}
    assert _totals(seats.usage(APRIL_1)) == {(10, Decimal(12000))}


def test_we_55_override_waits_for_the_period() -> None:
    seats = Seats()
    override = {
        "starting_at": "2025-03-15T00:00:00Z",
        "type": "MULTIPLIER",
        "multiplier": 0.5,
        "override_specifiers": [{"product_id": seats.product, "billing_frequency": "MONTHLY"}],
    }
    seats.subscribe(10, contract={"overrides": [override]})
    seats.world.clock("2025-03-20T00:00:00Z")

    assert _totals(seats.usage("2025-03-01T00:00:00+00:00")) == {(10, Decimal(10000))}
    assert _totals(seats.usage(APRIL_1)) == {(10, Decimal(5000))}


def test_we_56_seats() -> None:
    seats = Seats()
    body = seats.wanted()
    del body["initial_quantity"]
    seats.contract = seats.world.contract(
        seats.customer,
        seats.card,
        subscriptions=[
            {
                **body,
                "proration": IMMEDIATELY,
                "quantity_management_mode": "SEAT_BASED",
                "seat_config": {
                    "seat_group_key": "seat_id",
                    "initial_seat_ids": ["a", "b"],
                    "initial_unassigned_seats": 2,
                },
            }
        ],
    )
    subscription_id = seats.read()["id"]

    def update(field: str, ids: list[str], at: str) -> None:
        entry = {"seat_ids": ids, "starting_at": at}
        seats.edit(
            update_subscriptions=[
                {"subscription_id": subscription_id, "seat_updates": {field: [entry]}}
            ]
        )

    def quantity() -> object:
        return seats.read()["quantity_schedule"][-1]["quantity"]

    assert quantity() == 4
    seats.world.clock("2025-03-11T00:00:00Z")
    billed = len(seats.scheduled())
    update("add_seat_ids", ["c"], "2025-03-11T00:00:00Z")
    assert quantity() == 4
    assert len(seats.scheduled()) == billed
    # d fills the last unassigned seat, e is one more: one prorated seat.
    update("add_seat_ids", ["d", "e"], "2025-03-11T00:00:00Z")
    assert quantity() == 5
    assert _totals(seats.scheduled()[-1]) == {(1, Decimal("677.4193548387"))}
    update("remove_seat_ids", ["zz"], "2025-03-12T00:00:00Z")
    assert quantity() == 5
    update("remove_seat_ids", ["a"], "2025-03-12T00:00:00Z")
    assert quantity() == 4
    # From the next period on four are billed.
    assert _totals(seats.usage(APRIL_1)) == {(4, Decimal(4000))}
    history = seats.world.post(
        "/v1/contracts/getSubscriptionSeatsHistory",
        {
            "customer_id": seats.customer,
            "contract_id": seats.contract,
            "subscription_id": subscription_id,
        },
    )
    assert [
        (entry["starting_at"][:10], entry["total_quantity"], entry["assigned_seat_ids"])
        for entry in history
    ] == [
        ("2025-01-01", 4, ["a", "b"]),
        ("2025-03-11", 5, ["a", "b", "c", "d", "e"]),
        ("2025-03-12", 4, ["b", "c", "d", "e"]),
    ]


def test_we_73_read_shape() -> None:
    seats = Seats()
    subscription_id = seats.subscribe(10, proration=IMMEDIATELY, name="Seats")
    seats.world.clock("2025-03-11T00:00:00Z")
    seats.add(2, "2025-03-11T00:00:00Z")
    seats.world.clock("2025-03-20T00:00:00Z")

    assert seats.read() == {
        "id": subscription_id,
        "name": "Seats",
        "collection_schedule": "ADVANCE",
        "subscription_rate": {
            "billing_frequency": "MONTHLY",
            "product": {"id": seats.product, "name": "Seat"},
        },
        "proration": IMMEDIATELY,
        "quantity_management_mode": "QUANTITY_ONLY",
        "starting_at": "2025-01-01T00:00:00+00:00",
        "created_at": "2025-01-01T00:00:00+00:00",
        "fiat_credit_type_id": USD_CENTS,
        "custom_fields": {},
        "quantity_schedule": [
            {
                "quantity": 10,
                "starting_at": "2025-01-01T00:00:00+00:00",
                "ending_before": "2025-03-11T00:00:00+00:00",
            },
            {"quantity": 12, "starting_at": "2025-03-11T00:00:00+00:00"},
        ],
        "billing_periods": {
            "previous": _period("2025-02-01", "2025-03-01"),
            "current": _period("2025-03-01", "2025-04-01"),
            "next": _period("2025-04-01", "2025-05-01"),
        },
    }


# The checklist of subscriptions.


@pytest.mark.parametrize(
    "changes",
    [
        {"collection_schedule": "ARREARS", "proration": IMMEDIATELY},
        {"initial_quantity": -1},
        {"initial_quantity": None},
        {"quantity_management_mode": "SEAT_BASED"},
        {"subscription_rate": {"billing_frequency": "ANNUAL"}},
        {"starting_at": "2024-12-01T00:00:00Z"},
        {"ending_before": "2024-12-01T00:00:00Z"},
        {"starting_at": "2025-02-01T00:30:00Z"},
    ],
)
def test_bad_subscriptions_are_refused(changes: JSON) -> None:
    seats = Seats()
    wanted = {**seats.wanted(), **changes}
    wanted["subscription_rate"] = {
        "product_id": seats.product,
        "billing_frequency": "MONTHLY",
        **changes.get("subscription_rate", {}),
    }
    body = {
        "customer_id": seats.customer,
        "rate_card_id": seats.card,
        "starting_at": JANUARY,
        "subscriptions": [wanted],
    }

    seats.world.refused("/v1/contracts/create", body)

    assert seats.world.invoices(seats.customer) == []


@pytest.mark.parametrize(
    "update",
    [
        {"quantity": -1},
        {"quantity_delta": -11},
        {"quantity": 5, "quantity_delta": 1},
        {"quantity_delta": 0},
        {},
    ],
)
def test_bad_quantity_updates_are_refused(update: JSON) -> None:
    seats = Seats()
    subscription_id = seats.subscribe(10)
    entry = {"starting_at": "2025-03-11T00:00:00Z", **update}

    seats.refused(
        update_subscriptions=[{"subscription_id": subscription_id, "quantity_updates": [entry]}]
    )

    assert [entry["quantity"] for entry in seats.read()["quantity_schedule"]] == [10]


def test_two_updates_at_one_instant_apply_in_order() -> None:
    seats = Seats()
    seats.subscribe(10)

    seats.change(
        {"starting_at": "2025-03-11T00:00:00Z", "quantity": 12},
        {"starting_at": "2025-03-11T00:00:00Z", "quantity_delta": -1},
    )

    assert [entry["quantity"] for entry in seats.read()["quantity_schedule"]] == [10, 11]


def test_quantity_history() -> None:
    seats = Seats()
    subscription_id = seats.subscribe(10)
    seats.world.clock("2025-02-15T00:00:00Z")
    seats.add(2, "2025-02-15T00:00:00Z")
    seats.add(1, "2025-03-15T00:00:00Z")

    history = seats.world.post(
        "/v1/contracts/getSubscriptionQuantityHistory",
        {
            "customer_id": seats.customer,
            "contract_id": seats.contract,
            "subscription_id": subscription_id,
        },
    )

    # Two more for 14 of February's 28 days cost half. March has not begun.
    assert history == {
        "subscription_id": subscription_id,
        "fiat_credit_type_id": USD_CENTS,
        "history": [
            {
                "starting_at": "2025-01-01T00:00:00+00:00",
                "data": [{"quantity": 10, "unit_price": 1000, "total": 10000}],
            },
            {
                "starting_at": "2025-02-01T00:00:00+00:00",
                "data": [
                    {"quantity": 10, "unit_price": 1000, "total": 10000},
                    {"quantity": 2, "unit_price": 500, "total": 1000},
                ],
            },
        ],
    }


@pytest.mark.parametrize(
    "path",
    ["/v1/contracts/getSubscriptionQuantityHistory", "/v1/contracts/getSubscriptionSeatsHistory"],
)
def test_histories_of_unknown_things_are_400_with_a_code(path: str) -> None:
    seats = Seats()
    subscription_id = seats.subscribe(10)
    body = {
        "customer_id": seats.customer,
        "contract_id": seats.contract,
        "subscription_id": subscription_id,
    }
    unknown = "11111111-1111-4111-8111-111111111111"

    codes = [
        seats.world.refused(path, {**body, field: unknown})["code"]
        for field in ("customer_id", "contract_id", "subscription_id")
    ]

    assert codes == ["CustomerNotFound", "ContractNotFound", "SubscriptionNotFound"]


def test_late_increase_for_an_instant_already_billed_gets_its_own_invoice() -> None:
    seats = Seats()
    seats.subscribe(10, proration=IMMEDIATELY)
    seats.world.clock("2025-03-11T00:00:00Z")
    seats.add(2, "2025-03-11T00:00:00Z")

    seats.add(1, "2025-03-11T00:00:00Z")

    invoices = [entry for entry in seats.scheduled() if entry["issued_at"][:10] == "2025-03-11"]
    assert sorted(line["quantity"] for entry in invoices for line in entry["line_items"]) == [1, 2]
    assert {entry["status"] for entry in invoices} == {"FINALIZED"}


def test_late_increase_at_the_start_of_a_billed_period_is_billed_in_full() -> None:
    seats = Seats()
    seats.subscribe(10, proration=IMMEDIATELY)
    seats.world.clock("2025-02-10T00:00:00Z")

    # February was billed with the invoice that ended on the 1st, final on the 2nd.
    seats.add(2, "2025-02-01T00:00:00Z")

    invoice = seats.scheduled()[-1]
    assert (invoice["issued_at"][:10], invoice["status"]) == ("2025-02-01", "FINALIZED")
    assert lines(invoice, "quantity", "unit_price", "is_prorated") == [(2, 1000, False)]
    assert _totals(seats.usage("2025-03-01T00:00:00+00:00")) == {(12, Decimal(12000))}


def test_own_billing_cycle_is_billed_on_scheduled_invoices() -> None:
    seats = Seats()
    seats.subscribe(
        1,
        starting_at="2025-01-15T00:00:00Z",
        billing_cycle_config={"anchor_date": "2025-01-15T00:00:00Z"},
    )

    seats.world.clock("2025-03-20T00:00:00Z")

    # No usage period ends on a 15th; the draft of the next period is there ahead of it.
    assert [
        (entry["issued_at"][:10], entry["status"], entry["total"]) for entry in seats.scheduled()
    ] == [
        ("2025-01-15", "FINALIZED", 1000),
        ("2025-02-15", "FINALIZED", 1000),
        ("2025-03-15", "FINALIZED", 1000),
        ("2025-04-15", "DRAFT", 1000),
    ]


def test_quantity_becomes_unassigned_seats() -> None:
    seats = Seats()
    subscription_id = seats.subscribe(3)
    mode = {"quantity_management_mode": "SEAT_BASED", "seat_config": {"seat_group_key": "user"}}

    def update(**fields: object) -> JSON:
        return {"subscription_id": subscription_id, **fields}

    added = {"add_seat_ids": [{"seat_ids": ["a"], "starting_at": "2025-02-01T00:00:00Z"}]}
    seats.refused(update_subscriptions=[update(seat_updates=added)])
    seats.edit(
        update_subscriptions=[update(quantity_management_mode_update=mode, seat_updates=added)]
    )

    read = seats.read()
    assert (read["quantity_management_mode"], read["seat_config"]) == (
        "SEAT_BASED",
        {"seat_group_key": "user"},
    )
    body = {
        "customer_id": seats.customer,
        "contract_id": seats.contract,
        "subscription_id": subscription_id,
    }
    path = "/v1/contracts/getSubscriptionSeatsHistory"
    # a takes one of the three unassigned seats.
    whole = seats.world.post(path, body)
    assert [(entry["total_quantity"], entry["assigned_seat_ids"]) for entry in whole] == [
        (3, []),
        (3, ["a"]),
    ]
    covering = seats.world.post(path, {**body, "covering_date": "2025-01-31T23:59:59Z"})
    assert covering == whole[:1]
    seats.world.refused(path, {**body, "covering_date": JANUARY, "starting_at": JANUARY})
    _, first = seats.world.call("POST", path, {**body, "limit": 1})
    _, second = seats.world.call("POST", path, {**body, "limit": 1, "cursor": first["next_page"]})
    assert [*first["data"], *second["data"]] == whole
    assert second["next_page"] is None
    bare = {"quantity_updates": [{"starting_at": "2025-03-01T00:00:00Z", "quantity": 1}]}
    seats.refused(update_subscriptions=[update(**bare)])


def test_custom_pricing_unit_is_converted() -> None:
    world = World(JANUARY)
    customer = world.customer()
    tokens = world.post("/mock/credit-types", {"name": "tokens"})["id"]
    product = world.product(type="SUBSCRIPTION")
    card = world.rate_card(
        credit_type_conversions=[{"custom_credit_type_id": tokens, "fiat_per_custom_credit": 3}]
    )
    world.rate(card, product, price=50, billing_frequency="MONTHLY", credit_type_id=tokens)

    world.contract(
        customer,
        card,
        subscriptions=[
            {
                "subscription_rate": {"product_id": product, "billing_frequency": "MONTHLY"},
                "collection_schedule": "ADVANCE",
                "proration": AT_THE_END,
                "initial_quantity": 2,
            }
        ],
    )

    [first] = world.invoices(customer, type="SCHEDULED")
    # 2 × 50 tokens at 3 cents each.
    assert lines(first, "type", "quantity", "unit_price", "total") == [
        ("subscription", 2, 50, 100),
        ("cpu_conversion", 100, 3, 300),
    ]
    assert (first["credit_type"]["id"], first["total"]) == (USD_CENTS, 300)


def test_finished_subscription_stays_finished_when_the_contract_is_extended() -> None:
    seats = Seats()
    seats.subscribe(1, contract={"ending_before": "2025-03-01T00:00:00Z"})
    seats.world.clock("2025-02-15T00:00:00Z")

    seats.edit(update_contract_end_date="2025-06-01T00:00:00Z")
    seats.world.clock("2025-04-15T00:00:00Z")

    assert [_totals(seats.usage(end)) for end in ("2025-03-01T00:00:00+00:00", APRIL_1)] == [
        set(),
        set(),
    ]


def _totals(invoice: JSON) -> set[tuple[object, Decimal]]:
    return {(line["quantity"], places(line["total"])) for line in invoice["line_items"]}


def _period(start: str, end: str) -> JSON:
    return {
        "starting_at": f"{start}T00:00:00+00:00",
        "ending_before": f"{end}T00:00:00+00:00",
    }
