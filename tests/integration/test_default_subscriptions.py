"""Older SUBSCRIPTION rates: a card bills them in every usage period, subscribed or not."""

from decimal import Decimal
from typing import Any

from tests.integration.worked.world import World, lines


class Fee:
    """A customer whose card has a SUBSCRIPTION rate: 2 at 3100 each."""

    def __init__(self, start: str = "2025-01-01T00:00:00Z", **terms: Any) -> None:
        self.world = World()
        self.customer, self.card = self.world.customer(), self.world.rate_card()
        self.product = self.world.product(type="SUBSCRIPTION", name="Platform")
        self.world.rate(
            self.card,
            self.product,
            price=3100,
            rate_type="SUBSCRIPTION",
            quantity=2,
            is_prorated=True,
        )
        self.contract = self.world.contract(self.customer, self.card, start, **terms)


def test_every_period_bills_the_default_quantity() -> None:
    fee = Fee()
    fee.world.clock("2025-03-15T00:00:00Z")
    january, february, march = fee.world.invoices(fee.customer)
    assert [one["total"] for one in (january, february, march)] == [6200, 6200, 6200]
    [line] = march["line_items"]
    assert (line["type"], line["product_type"]) == ("subscription", "SubscriptionProductListItem")
    assert (line["quantity"], line["unit_price"], line["is_prorated"]) == (2, 3100, False)
    assert (line["starting_at"], line["ending_before"]) == (
        "2025-03-01T00:00:00+00:00",
        "2025-04-01T00:00:00+00:00",
    )
    assert "subscription_id" not in line


def test_a_cut_period_costs_its_share() -> None:
    fee = Fee("2025-01-22T00:00:00Z", ending_before="2025-02-15T00:00:00Z")
    fee.world.clock("2025-03-15T00:00:00Z")
    january, february = fee.world.invoices(fee.customer)
    # 10 of 31 days: 3100 × 10/31 = 1000 each; 14 of 28 days: 1550 each.
    assert lines(january, "quantity", "unit_price", "total", "is_prorated") == [
        (2, 1000, 2000, True)
    ]
    assert lines(february, "quantity", "unit_price", "total") == [(2, 1550, 3100)]
    for line in fee.world.get(f"/mock/explain/{february['id']}")["line_items"]:
        assert fee.world.get(line["explanation"])["matches"] is True


def test_the_price_is_that_of_the_periods_start_overrides_included() -> None:
    about = {"product_id": "", "starting_at": "2025-01-10T00:00:00Z"}
    fee = Fee()
    about["product_id"] = fee.product
    names = {"customer_id": fee.customer, "contract_id": fee.contract}
    half = {"type": "MULTIPLIER", "multiplier": 0.5, **about}
    fee.world.post("/v2/contracts/edit", {**names, "add_overrides": [half]})
    fee.world.clock("2025-02-15T00:00:00Z")
    january, february = fee.world.invoices(fee.customer)
    assert (january["total"], february["total"]) == (6200, 3100)

    rate = {"rate_type": "SUBSCRIPTION", "price": 100, "quantity": 3, "is_prorated": True}
    new = {"type": "OVERWRITE", "overwrite_rate": rate, **about}
    fee.world.post("/v2/contracts/edit", {**names, "add_overrides": [new]})
    assert fee.world.draft(fee.customer)["total"] == 300


def test_what_is_not_entitled_is_not_billed() -> None:
    fee = Fee(overrides=[{"entitled": False, "starting_at": "2025-01-01T00:00:00Z"}])
    assert fee.world.draft(fee.customer)["line_items"] == []


def test_a_subscription_has_prices_of_its_own() -> None:
    fee = Fee()
    fee.world.rate(fee.card, fee.product, price=10, billing_frequency="MONTHLY")
    subscription = {
        "subscription_rate": {"product_id": fee.product, "billing_frequency": "MONTHLY"},
        "collection_schedule": "ARREARS",
        "proration": {"is_prorated": True},
        "initial_quantity": 4,
    }
    names = {"customer_id": fee.customer, "contract_id": fee.contract}
    fee.world.post("/v2/contracts/edit", {**names, "add_subscriptions": [subscription]})
    # 4 × 10 beside the default 2 × 3100.
    assert sorted(line["total"] for line in fee.world.draft(fee.customer)["line_items"]) == [
        40,
        6200,
    ]


def test_credits_and_composites_count_it() -> None:
    fee = Fee()
    part = fee.world.product(type="COMPOSITE", composite_product_ids=[fee.product])
    fee.world.rate(fee.card, part, price=0.1, rate_type="PERCENTAGE")
    # 6200 and 10 % of it.
    assert fee.world.draft(fee.customer)["total"] == Decimal(6820)
