"""Worked examples of quantities and rates (16.1) that flat rates are enough for."""

from decimal import Decimal

from tests.integration.examples.world import World, lines


def test_we_09_rate_change_mid_period() -> None:
    world = World("2025-01-31T00:00:00Z")
    customer, product, card = world.customer(), world.product(world.metric()), world.rate_card()
    world.rate(card, product, price=100)
    world.rate(card, product, price=120, start="2025-01-15T00:00:00Z")
    world.contract(customer, card)
    world.use(customer, 1000, "2025-01-14T23:59:59Z")
    world.use(customer, 500, "2025-01-15T00:00:00Z")

    draft = world.draft(customer)

    # 1000 × 100 + 500 × 120; an event stamped exactly on the 15th is priced 120.
    assert lines(draft, "quantity", "unit_price", "total") == [
        (1000, 100, 100000),
        (500, 120, 60000),
    ]
    assert draft["total"] == Decimal(160000)
