"""Conformance checklist, items 25 to 27: subscriptions. Their worked examples are beside."""

import pytest

from tests.integration.worked.test_subscriptions import IMMEDIATELY, Seats
from tests.integration.worked.world import JSON, lines


@pytest.mark.parametrize(
    "update",
    [
        {"quantity_delta": -11},
        {"quantity": -1},
        {"quantity": 3, "quantity_delta": 1},
        {"quantity_delta": 0},
        {},
    ],
    ids=str,
)
def test_conformance_25_bad_subscriptions(update: JSON) -> None:
    seats = Seats()
    seats.subscribe(10)
    changes = [{"starting_at": "2025-03-11T00:00:00Z", **update}]
    edit = {"subscription_id": seats.read()["id"], "quantity_updates": changes}
    assert "quantity" in seats.refused(update_subscriptions=[edit])
    in_arrears = {
        **seats.wanted(),
        "collection_schedule": "ARREARS",
        "proration": IMMEDIATELY,
    }
    assert "invoice_behavior" in seats.refused(add_subscriptions=[in_arrears])
    # Nothing of it was done.
    assert [step["quantity"] for step in seats.read()["quantity_schedule"]] == [10]


def test_conformance_26_updates_of_one_instant() -> None:
    seats = Seats()
    seats.subscribe(10)
    at = {"starting_at": "2025-02-01T00:00:00Z"}
    seats.change({**at, "quantity": 12}, {**at, "quantity_delta": -1})
    assert [step["quantity"] for step in seats.read()["quantity_schedule"]] == [10, 11]


def test_conformance_27_the_price_at_the_start() -> None:
    seats = Seats()
    seats.subscribe(10)
    seats.world.clock("2025-03-10T00:00:00Z")
    seats.world.rate(
        seats.card,
        seats.product,
        price=1200,
        billing_frequency="MONTHLY",
        start="2025-03-15T00:00:00Z",
    )
    override = {
        "type": "MULTIPLIER",
        "multiplier": 0.5,
        "override_specifiers": [{"product_id": seats.product, "billing_frequency": "MONTHLY"}],
        "starting_at": "2025-03-20T00:00:00Z",
    }
    seats.edit(add_overrides=[override])
    seats.world.clock("2025-04-20T00:00:00Z")
    # March was billed with February's usage; April with March's: 10 × 1200 × 0.5.
    march, april = (seats.usage(f"2025-0{month}-01T00:00:00+00:00") for month in (3, 4))
    assert lines(march, "unit_price", "total") == [(1000, 10000)]
    assert lines(april, "unit_price", "total") == [(600, 6000)]
