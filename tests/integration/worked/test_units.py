"""Worked examples of currencies and custom pricing units (16.7)."""

from decimal import Decimal

from tests.integration.worked.world import World, lines


def eur(world: World) -> str:
    """Returns the id of the euro."""
    [found] = [unit["id"] for unit in world.get("/v1/credit-types/list") if unit["name"] == "EUR"]
    return str(found)


def test_we_63_custom_pricing_unit_without_balances() -> None:
    world = World("2025-01-20T00:00:00Z")
    unit = world.unit("Tokens")
    customer = world.customer()
    card = world.rate_card(
        credit_type_conversions=[{"custom_credit_type_id": unit, "fiat_per_custom_credit": 1}]
    )
    world.rate(card, world.product(world.metric()), price=10, credit_type_id=unit)
    world.contract(customer, card)
    world.use(customer, 450, "2025-01-10T00:00:00Z")

    draft = world.draft(customer)

    # 450 × 10 tokens = 4500 tokens, each worth 1 cent. Nothing is prepaid here.
    assert lines(draft, "type", "quantity", "unit_price", "total") == [
        ("usage", 450, 10, 4500),
        ("cpu_conversion", 4500, 1, 4500),
    ]
    assert [line["credit_type"]["name"] for line in draft["line_items"]] == [
        "Tokens",
        "USD (cents)",
    ]
    assert draft["total"] == 4500


def test_conversion_of_each_unit_stands_alone() -> None:
    world = World("2025-01-20T00:00:00Z")
    tokens, minutes = world.unit("Tokens"), world.unit("Minutes")
    customer, metric = world.customer(), world.metric()
    card = world.rate_card(
        credit_type_conversions=[
            {"custom_credit_type_id": tokens, "fiat_per_custom_credit": 0.25},
            {"custom_credit_type_id": minutes, "fiat_per_custom_credit": 3},
        ]
    )
    world.rate(card, world.product(metric), price=2, credit_type_id=tokens)
    world.rate(card, world.product(metric), price=5, credit_type_id=minutes)
    world.rate(card, world.product(metric), price=7)
    world.contract(customer, card)
    world.use(customer, 10, "2025-01-10T00:00:00Z")

    draft = world.draft(customer)

    # 10 × 2 tokens × 0.25 + 10 × 5 minutes × 3 + 10 × 7 cents = 5 + 150 + 70
    converted = [line for line in draft["line_items"] if line["type"] == "cpu_conversion"]
    assert lines({"line_items": converted}, "quantity", "unit_price", "total") == [
        (20, Decimal("0.25"), 5),
        (50, 3, 150),
    ]
    assert draft["total"] == 225


def test_nothing_owed_is_not_converted() -> None:
    world = World("2025-01-20T00:00:00Z")
    unit, customer = world.unit(), world.customer()
    card = world.rate_card(
        credit_type_conversions=[{"custom_credit_type_id": unit, "fiat_per_custom_credit": 1}]
    )
    world.rate(card, world.product(world.metric()), price=10, credit_type_id=unit)
    world.contract(customer, card)

    assert lines(world.draft(customer), "type", "total") == [("usage", 0)]


def test_we_64_euro_card() -> None:
    world = World("2025-01-20T00:00:00Z")
    euro, customer = eur(world), world.customer()
    card = world.rate_card(fiat_credit_type_id=euro)
    world.rate(card, world.product(world.metric()), price=0.05, credit_type_id=euro)
    world.contract(customer, card)
    world.use(customer, 1000, "2025-01-10T00:00:00Z")

    draft = world.draft(customer)

    # 1000 × 0.05 euros, in whole units: not 5000 cents.
    assert draft["total"] == 50
    assert draft["credit_type"] == {"id": euro, "name": "EUR"}
