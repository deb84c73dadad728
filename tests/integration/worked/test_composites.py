"""Worked examples of composite products (16.7), and what follows from their rules."""

from decimal import Decimal
from typing import Any

import pytest

from tests.integration.worked.world import JSON, World, lines

RATES = "/v1/contract-pricing/rate-cards/addRate"


class Spending:
    """A customer who spends on a product, and a composite product charged on it."""

    def __init__(self, **composite: Any) -> None:
        self.world = World("2025-01-31T00:00:00Z")
        self.customer = self.world.customer()
        self.metric = self.world.metric()
        self.product = self.world.product(self.metric, tags=["infra"])
        self.card = self.world.rate_card()
        self.world.rate(self.card, self.product, price=1)
        self.composite = self.world.product(
            type="COMPOSITE", **(composite or {"composite_product_ids": [self.product]})
        )

    def rate(self, *, start: str = "2024-01-01T00:00:00Z", **fields: object) -> None:
        """Prices the composite."""
        body = {"rate_card_id": self.card, "product_id": self.composite, "entitled": True}
        self.world.post(RATES, {**body, "starting_at": start, **fields})

    def spend(self, amount: object, at: str = "2025-01-10T00:00:00Z") -> None:
        """Uses as many units, at one cent each."""
        self.world.use(self.customer, amount, at)

    def sign(self, **terms: Any) -> str:
        """Puts the customer on the card."""
        return self.world.contract(self.customer, self.card, **terms)

    def charges(self, *fields: str) -> list[tuple[object, ...]]:
        """Returns the composite's lines."""
        draft = self.world.draft(self.customer)
        own = [line for line in draft["line_items"] if line["product_id"] == self.composite]
        return lines({"line_items": own}, *fields)


@pytest.mark.parametrize(("spent", "charged"), [(350000, 50000), (800000, 80000)])
def test_we_61_percentage_with_a_minimum(spent: int, charged: int) -> None:
    spending = Spending()
    spending.rate(rate_type="PERCENTAGE", price=0.1, minimum_config={"minimum": 50000})
    spending.spend(spent)
    spending.sign()

    draft = spending.world.draft(spending.customer)

    # 10 % of 350000 is 35000, less than the minimum; 10 % of 800000 is 80000.
    assert lines(draft, "type", "product_type", "quantity", "unit_price", "total") == [
        ("usage", "UsageProductListItem", spent, 1, spent),
        ("usage", "CompositeProductListItem", spent, Decimal("0.1"), charged),
    ]
    assert draft["total"] == spent + charged


def test_we_61_the_base_is_before_credits() -> None:
    spending = Spending()
    spending.rate(rate_type="PERCENTAGE", price=0.1, minimum_config={"minimum": 50000})
    spending.spend(800000)
    segment = {
        "amount": 200000,
        "starting_at": "2025-01-01T00:00:00Z",
        "ending_before": "2026-01-01T00:00:00Z",
    }
    credit = {
        "product_id": spending.world.product(type="FIXED"),
        "access_schedule": {"schedule_items": [segment]},
        "applicable_product_ids": [spending.product],
    }
    spending.sign(credits=[credit])

    # 10 % of all 800000, whoever paid for them (D-28).
    assert spending.charges("quantity", "unit_price", "total") == [(800000, Decimal("0.1"), 80000)]
    draft = spending.world.draft(spending.customer)
    # 200000 of the usage are paid: 600000 + 80000 are due.
    assert lines(draft, "type", "total") == [
        ("usage", 200000),
        ("applied_commit_or_credit", -200000),
        ("usage", 600000),
        ("usage", 80000),
    ]
    assert draft["total"] == 680000


def test_we_62_tiered_percentage() -> None:
    spending = Spending()
    spending.rate(
        rate_type="TIERED_PERCENTAGE", tiers=[{"size": 1000000, "price": 0.1}, {"price": 0.05}]
    )
    spending.spend(1500000)
    spending.sign()

    # 1000000 × 0.10 + 500000 × 0.05 = 100000 + 25000
    assert spending.charges("quantity", "unit_price", "total") == [
        (1000000, Decimal("0.1"), 100000),
        (500000, Decimal("0.05"), 25000),
    ]


def test_fraction_that_changes_inside_the_period() -> None:
    spending = Spending()
    spending.rate(rate_type="PERCENTAGE", price=0.1)
    spending.rate(rate_type="PERCENTAGE", price=0.2, start="2025-01-15T00:00:00Z")
    spending.spend(1000, "2025-01-10T00:00:00Z")
    spending.spend(500, "2025-01-15T00:00:00Z")
    spending.sign()

    draft = spending.world.draft(spending.customer)

    # 1000 × 0.1 and 500 × 0.2; the usage itself, at one price throughout, stays one line.
    assert lines(draft, "quantity", "total") == [(1500, 1500), (1000, 100), (500, 100)]


def test_spend_is_found_by_tag_and_other_composites_do_not_count() -> None:
    spending = Spending(composite_tags=["infra"], tags=["infra"])
    spending.rate(rate_type="PERCENTAGE", price=0.1)
    other = spending.world.product(type="COMPOSITE", composite_tags=["infra"])
    body = {"rate_card_id": spending.card, "product_id": other, "entitled": True}
    spending.world.post(
        RATES,
        {**body, "starting_at": "2024-01-01T00:00:00Z", "rate_type": "PERCENTAGE", "price": 0.5},
    )
    spending.spend(1000)
    spending.sign()

    # 10 % and 50 % of 1000 each: neither is charged on the other.
    assert [line["total"] for line in spending.world.draft(spending.customer)["line_items"]] == [
        1000,
        100,
        500,
    ]


def test_composite_that_counts_other_composites() -> None:
    spending = Spending(composite_tags=["infra"], tags=["infra"])
    spending.rate(rate_type="PERCENTAGE", price=0.1)
    support = spending.world.product(
        type="COMPOSITE", composite_tags=["infra"], include_composite_spend=True
    )
    body = {"rate_card_id": spending.card, "product_id": support, "entitled": True}
    spending.world.post(
        RATES,
        {**body, "starting_at": "2024-01-01T00:00:00Z", "rate_type": "PERCENTAGE", "price": 0.5},
    )
    spending.spend(1000)
    spending.sign()

    # 10 % of 1000 = 100, then 50 % of 1000 + 100
    totals = [line["total"] for line in spending.world.draft(spending.customer)["line_items"]]
    assert totals == [1000, 100, 550]


def test_nothing_spent_still_costs_the_minimum() -> None:
    spending = Spending()
    spending.rate(rate_type="PERCENTAGE", price=0.1, minimum_config={"minimum": 500})
    spending.sign()

    assert spending.charges("quantity", "total") == [(0, 500)]


def two_contracts(scope: str) -> JSON:
    spending = Spending()
    world = spending.world
    spending.composite = world.product(
        type="COMPOSITE", composite_product_ids=[spending.product], composite_scope=scope
    )
    spending.rate(rate_type="PERCENTAGE", price=0.1)
    plain = world.rate_card()
    world.rate(plain, spending.product, price=3)
    spending.spend(100, "2025-01-10T00:00:00Z")
    spending.spend(1000, "2025-01-25T00:00:00Z")
    charged = spending.sign()
    # Periods from the 20th on: what was used before lies in the one from December.
    world.contract(
        spending.customer,
        plain,
        start="2024-12-20T00:00:00Z",
        usage_statement_schedule={"frequency": "MONTHLY", "day": "CONTRACT_START"},
    )
    [draft] = [
        invoice
        for invoice in world.invoices(spending.customer, status="DRAFT")
        if invoice["contract_id"] == charged
    ]
    return draft


def test_contract_scope_counts_the_contract_alone() -> None:
    # 10 % of 1100 × 1
    assert two_contracts("contract")["line_items"][-1]["total"] == 110


def test_customer_scope_counts_all_the_customers_contracts() -> None:
    # 10 % of 1100 × 1 + 100 × 3 + 1000 × 3
    assert two_contracts("customer")["line_items"][-1]["total"] == 440
