"""Worked examples of quantities and rates (16.1)."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from tests.integration.worked.world import JSON, World, lines

GRADUATED = [(5, 0), (5, 100), (None, 150)]


def billed(
    *values: object,
    tiers: Sequence[tuple[object, object]] | None = None,
    price: object = None,
    **fields: Any,
) -> JSON:
    """Returns January's draft of one product after these amounts were used."""
    world = World("2025-01-20T00:00:00Z")
    customer, card = world.customer(), world.rate_card()
    world.rate(card, world.product(world.metric(), **fields), price=price, tiers=tiers)
    world.contract(customer, card)
    for value in values:
        world.use(customer, value, "2025-01-10T00:00:00Z")
    return world.draft(customer)


@pytest.mark.parametrize(
    ("quantity", "expected", "total"),
    [
        (5, [(5, 0, 0)], 0),
        ("5.5", [(5, 0, 0), (Decimal("0.5"), 100, 50)], 50),
        (10, [(5, 0, 0), (5, 100, 500)], 500),
        (12, [(5, 0, 0), (5, 100, 500), (2, 150, 300)], 800),
    ],
)
def test_we_01_graduated_tiers_and_their_borders(
    quantity: object, expected: list[tuple[object, ...]], total: int
) -> None:
    draft = billed(quantity, tiers=GRADUATED)

    assert lines(draft, "quantity", "unit_price", "total") == expected
    assert draft["total"] == total


def test_we_01_tiers_on_lines() -> None:
    draft = billed(12, tiers=GRADUATED)

    assert [line["tier"] for line in draft["line_items"]] == [
        {"level": 1, "starting_at": "0", "size": "5"},
        {"level": 2, "starting_at": "5", "size": "5"},
        {"level": 3, "starting_at": "10", "size": None},
    ]


def test_we_02_tier_border_inside_the_period() -> None:
    world = World("2025-01-20T00:00:00Z")
    customer, product, card = world.customer(), world.product(world.metric()), world.rate_card()
    world.rate(card, product, tiers=[(10000, 1), (None, 0.5)])
    world.contract(customer, card)
    world.use(customer, 8000, "2025-01-01T12:00:00Z")
    world.use(customer, 7000, "2025-01-02T12:00:00Z")

    draft = world.draft(customer)

    # 10000 × 1 + 5000 × 0.5
    assert lines(draft, "quantity", "unit_price", "total") == [
        (10000, 1, 10000),
        (5000, Decimal("0.5"), 2500),
    ]
    assert draft["total"] == 12500


def test_we_03_each_presentation_value_climbs_its_own_ladder() -> None:
    world = World("2025-01-20T00:00:00Z")
    customer, card = world.customer(), world.rate_card()
    metric = world.metric(groups=[["project"]])
    world.rate(card, world.product(metric, presentation_group_key=["project"]), tiers=GRADUATED)
    world.contract(customer, card)
    world.use(customer, 8, "2025-01-10T00:00:00Z", project="a")
    world.use(customer, 12, "2025-01-10T00:00:00Z", project="b")

    draft = world.draft(customer)

    # a: 5 × 0 + 3 × 100; b: 5 × 0 + 5 × 100 + 2 × 150
    assert lines(draft, "presentation_group_values", "quantity", "total") == [
        ({"project": "a"}, 5, 0),
        ({"project": "a"}, 3, 300),
        ({"project": "b"}, 5, 0),
        ({"project": "b"}, 5, 500),
        ({"project": "b"}, 2, 300),
    ]
    assert draft["total"] == 1100


@pytest.mark.parametrize(
    ("method", "places", "quantity", "total"),
    [
        (None, 0, "1.234567", "308.64175"),
        ("ROUND_UP", 2, "1.24", "310"),
        ("ROUND_DOWN", 2, "1.23", "307.5"),
        ("ROUND_HALF_UP", 2, "1.23", "307.5"),
        ("round_half_up", 3, "1.235", "308.75"),
        ("round_up", 0, "2", "500"),
    ],
)
def test_we_04_conversion_then_rounding(
    method: str | None, places: int, quantity: str, total: str
) -> None:
    rounding = None if method is None else {"rounding_method": method, "decimal_places": places}
    draft = billed(
        1234567,
        price=250,
        quantity_conversion={"conversion_factor": 1000000, "operation": "DIVIDE"},
        quantity_rounding=rounding,
    )

    assert lines(draft, "quantity", "total") == [(Decimal(quantity), Decimal(total))]
    assert draft["total"] == Decimal(total)


def test_we_05_one_byte_over() -> None:
    draft = billed(
        5368709121,
        price=9,
        quantity_conversion={"conversion_factor": 1073741824, "operation": "divide"},
        quantity_rounding={"rounding_method": "ROUND_UP", "decimal_places": 2},
    )

    # 5368709121 / 1073741824 = 5.00000000093… → 5.01; 5.01 × 9
    assert lines(draft, "quantity", "total") == [(Decimal("5.01"), Decimal("45.09"))]


def test_we_06_rounding_happens_per_line_group() -> None:
    world = World("2025-01-20T00:00:00Z")
    customer, card = world.customer(), world.rate_card()
    product = world.product(
        world.metric(groups=[["team"]]),
        presentation_group_key=["team"],
        quantity_rounding={"rounding_method": "ROUND_UP", "decimal_places": 0},
    )
    world.rate(card, product, price=100)
    world.contract(customer, card)
    world.use(customer, "0.4", "2025-01-10T00:00:00Z", team="a")
    world.use(customer, "0.4", "2025-01-10T00:00:00Z", team="b")

    draft = world.draft(customer)

    # 1 × 100 for each team; 0.8 together would have been 1 × 100.
    assert lines(draft, "quantity", "total") == [(1, 100), (1, 100)]
    assert draft["total"] == 200


def test_we_07_rounding_across_a_split() -> None:
    world = World("2025-01-20T00:00:00Z")
    customer, card = world.customer(), world.rate_card()
    product = world.product(
        world.metric(), quantity_rounding={"rounding_method": "ROUND_UP", "decimal_places": 0}
    )
    for price, start in [(100, "2024-01-01"), (110, "2025-01-05"), (120, "2025-01-10")]:
        world.rate(card, product, price=price, start=f"{start}T00:00:00Z")
    world.contract(customer, card)
    # Running totals 0.4, 0.8, 2.1 at the ends of the three stretches: rounded up 1, 1, 3.
    for value, day in [("0.4", "02"), ("0.4", "06"), ("1.3", "11")]:
        world.use(customer, value, f"2025-01-{day}T00:00:00Z")

    draft = world.draft(customer)

    assert lines(draft, "quantity", "unit_price") == [(1, 100), (0, 110), (2, 120)]
    # 1 × 100 + 0 × 110 + 2 × 120
    assert draft["total"] == 340


def dimensional(*, default_price: int | None = None) -> JSON:
    world = World("2025-01-20T00:00:00Z")
    customer, card = world.customer(), world.rate_card()
    metric = world.metric(groups=[["model", "type"]])
    product = world.product(metric, pricing_group_key=["model", "type"])
    for price, type_ in [(0.3, "input"), (0.1, "output"), (7, "cached")]:
        values = {"model": "gpt-a", "type": type_}
        world.rate(card, product, price=price, pricing_group_values=values)
    if default_price is not None:
        world.rate(card, product, price=default_price)
    world.contract(customer, card)
    world.use(customer, 50000, "2025-01-10T00:00:00Z", model="gpt-a", type="input")
    world.use(customer, 200000, "2025-01-10T00:00:00Z", model="gpt-a", type="output")
    world.use(customer, 1000, "2025-01-10T00:00:00Z", model="gpt-b", type="input")
    return world.draft(customer)


def test_we_08_dimensional_pricing() -> None:
    draft = dimensional()

    # Neither the model without a price nor the priced combination without usage has a line.
    assert lines(draft, "pricing_group_values", "quantity", "total") == [
        ({"model": "gpt-a", "type": "input"}, 50000, 15000),
        ({"model": "gpt-a", "type": "output"}, 200000, 20000),
    ]
    assert draft["total"] == 35000


def test_we_08_default_rate_prices_what_has_no_rate_of_its_own() -> None:
    draft = dimensional(default_price=1)

    # 15000 + 20000 + 1000 × 1 (decision D-30)
    assert draft["total"] == 36000


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


def test_we_10_tiers_across_a_rate_change() -> None:
    world = World("2025-01-31T00:00:00Z")
    customer, product, card = world.customer(), world.product(world.metric()), world.rate_card()
    world.rate(card, product, tiers=[(100, 10), (None, 8)])
    world.rate(card, product, tiers=[(100, 12), (None, 9)], start="2025-01-15T00:00:00Z")
    world.contract(customer, card)
    world.use(customer, 80, "2025-01-14T00:00:00Z")
    world.use(customer, 70, "2025-01-16T00:00:00Z")

    draft = world.draft(customer)

    # The counter stands at 80 when the new table starts (decision D-49).
    assert lines(draft, "quantity", "unit_price", "total") == [
        (80, 10, 800),
        (20, 12, 240),
        (50, 9, 450),
    ]
    assert draft["total"] == 1490


def test_we_11_zero_use_lines() -> None:
    world = World("2025-01-20T00:00:00Z")
    customer, card = world.customer(), world.rate_card()
    metric = world.metric(groups=[["team"]])
    plain = world.product(world.metric())
    world.rate(card, plain, price=10)
    priced = world.product(metric, pricing_group_key=["team"])
    world.rate(card, priced, price=10, pricing_group_values={"team": "a"})
    world.rate(card, world.product(metric, presentation_group_key=["team"]), price=10)
    world.contract(customer, card)

    assert lines(world.draft(customer), "product_id", "quantity", "total") == [(plain, 0, 0)]
    assert world.draft(customer, skip_zero_qty_line_items="true")["line_items"] == []
