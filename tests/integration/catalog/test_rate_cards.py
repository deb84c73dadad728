"""Rate cards: names, aliases, units, the order of products."""

from decimal import Decimal

import pytest

from tests.integration.worked.world import JSON, World, lines

CARDS = "/v1/contract-pricing/rate-cards"
SOMETHING = "0d7e0f6e-8d2c-4a55-9d0c-6f1f6f1f0000"


def read(world: World, card: str) -> JSON:
    found: JSON = world.post(f"{CARDS}/get", {"id": card})
    return found


def test_a_card_reads_back_as_it_was_made() -> None:
    world = World("2025-01-01T00:00:00Z")
    tokens = world.unit("Tokens")

    card = world.rate_card(
        name="List",
        description="List prices",
        credit_type_conversions=[{"custom_credit_type_id": tokens, "fiat_per_custom_credit": 0.50}],
        aliases=[{"name": "list", "starting_at": "2025-01-01T00:00:00Z"}],
    )

    assert read(world, card) == {
        "id": card,
        "name": "List",
        "description": "List prices",
        "created_at": "2025-01-01T00:00:00+00:00",
        "created_by": "api",
        "fiat_credit_type": {
            "id": "2714e483-4ff1-48e4-9e25-ac732e8f24f2",
            "name": "USD (cents)",
        },
        # Sent as a number, read as a text.
        "credit_type_conversions": [
            {
                "custom_credit_type": {"id": tokens, "name": "Tokens"},
                "fiat_per_custom_credit": "0.5",
            }
        ],
        "aliases": [{"name": "list", "starting_at": "2025-01-01T00:00:00+00:00"}],
        "custom_fields": {},
    }
    assert world.post(f"{CARDS}/list", {}) == [read(world, card)]


def test_update_changes_what_is_given() -> None:
    world = World()
    card = world.rate_card(name="Old", description="Kept", aliases=[{"name": "kept"}])

    assert world.post(f"{CARDS}/update", {"rate_card_id": card, "name": "New"}) == {"id": card}

    shown = read(world, card)
    assert (shown["name"], shown["description"]) == ("New", "Kept")
    assert shown["aliases"] == [{"name": "kept"}]


def test_an_archived_card_is_readable_keeps_pricing_and_takes_nothing_new() -> None:
    world = World("2025-01-20T00:00:00Z")
    customer, product, card = world.customer(), world.product(world.metric()), world.rate_card()
    world.rate(card, product, price=4)
    world.contract(customer, card)

    assert world.post(f"{CARDS}/archive", {"id": card}) == {"id": card}

    world.use(customer, 2, "2025-01-10T00:00:00Z")
    assert world.draft(customer)["total"] == 8
    assert world.post(f"{CARDS}/list", {}) == []
    assert read(world, card)["id"] == card
    contract = {
        "customer_id": customer,
        "rate_card_id": card,
        "starting_at": "2025-01-01T00:00:00Z",
    }
    for path, body in [
        (f"{CARDS}/archive", {"id": card}),
        (f"{CARDS}/update", {"rate_card_id": card, "name": "New"}),
        ("/v1/contracts/create", contract),
    ]:
        assert world.refused(path, body)["message"] == "rate_card_id: the rate card is archived"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("get", {"id": SOMETHING}),
        ("archive", {"id": SOMETHING}),
        ("update", {"rate_card_id": SOMETHING}),
        ("setRateCardProductsOrder", {"rate_card_id": SOMETHING, "product_order": []}),
        ("moveRateCardProducts", {"rate_card_id": SOMETHING, "product_moves": []}),
        ("addRates", {"rate_card_id": SOMETHING, "rates": [{}]}),
        ("getRates", {"rate_card_id": SOMETHING, "at": "2025-01-01T00:00:00Z"}),
        ("getRateSchedule", {"rate_card_id": SOMETHING, "starting_at": "2025-01-01T00:00:00Z"}),
        ("getNamedSchedule", {"rate_card_id": SOMETHING, "schedule_name": "s"}),
    ],
)
def test_unknown_cards(path: str, body: JSON) -> None:
    world = World()
    if path == "addRates":
        body = {**body, "rates": [rate_of(world.product(world.metric()))]}

    error = world.refused(f"{CARDS}/{path}", body, status=404)

    assert error == {"code": "RateCardNotFound", "message": f"rate card not found: {SOMETHING}"}


def rate_of(product: str) -> JSON:
    return {
        "product_id": product,
        "starting_at": "2025-01-01T00:00:00Z",
        "entitled": True,
        "rate_type": "FLAT",
        "price": 1,
    }


def test_list_refuses_unknown_fields() -> None:
    assert "odd" in World().refused(f"{CARDS}/list", {"odd": 1})["message"]


# Aliases


def test_an_alias_given_to_another_card_ends_where_that_begins() -> None:
    world = World()
    old = world.rate_card(aliases=[{"name": "plg"}])
    new = world.rate_card(aliases=[{"name": "plg", "starting_at": "2025-03-01T00:00:00Z"}])

    assert read(world, old)["aliases"] == [
        {"name": "plg", "ending_before": "2025-03-01T00:00:00+00:00"}
    ]
    assert read(world, new)["aliases"] == [
        {"name": "plg", "starting_at": "2025-03-01T00:00:00+00:00"}
    ]


def test_an_alias_without_dates_takes_the_name_over_whole() -> None:
    world = World()
    old = world.rate_card(aliases=[{"name": "plg"}])
    new = world.rate_card(aliases=[{"name": "plg"}])

    assert read(world, old)["aliases"] == []
    assert read(world, new)["aliases"] == [{"name": "plg"}]


def test_updated_aliases_replace_those_the_card_had() -> None:
    world = World()
    card = world.rate_card(aliases=[{"name": "a"}, {"name": "b"}])

    world.post(f"{CARDS}/update", {"rate_card_id": card, "aliases": [{"name": "b"}, {"name": "c"}]})

    assert read(world, card)["aliases"] == [{"name": "b"}, {"name": "c"}]
    error = world.refused(
        f"{CARDS}/update",
        {
            "rate_card_id": card,
            "aliases": [
                {
                    "name": "d",
                    "starting_at": "2025-02-01T00:00:00Z",
                    "ending_before": "2025-02-01T00:00:00Z",
                }
            ],
        },
    )
    assert error["message"] == "aliases: d: ending_before must be after starting_at"
    assert read(world, card)["aliases"] == [{"name": "b"}, {"name": "c"}]


def test_contracts_find_the_card_of_their_own_start_and_keep_it() -> None:
    world = World("2025-01-05T00:00:00Z")
    old = world.rate_card(aliases=[{"name": "plg", "starting_at": "2025-01-01T00:00:00Z"}])
    customer = world.customer()

    def on(start: str) -> str:
        made = world.contract(customer, None, start=start, rate_card_alias="plg")
        body = {"customer_id": customer, "contract_id": made}
        return str(world.post("/v2/contracts/get", body)["rate_card_id"])

    before = world.contract(customer, None, rate_card_alias="plg")
    new = world.rate_card(aliases=[{"name": "plg", "starting_at": "2025-02-01T00:00:00Z"}])
    body = {"customer_id": customer, "contract_id": before}

    assert world.post("/v2/contracts/get", body)["rate_card_id"] == old
    assert on("2025-01-31T23:00:00Z") == old
    assert on("2025-02-01T00:00:00Z") == new
    error = world.refused(
        "/v1/contracts/create",
        {
            "customer_id": customer,
            "starting_at": "2024-12-31T23:00:00Z",
            "rate_card_alias": "plg",
        },
    )
    assert "no rate card has the alias plg" in error["message"]


# Units


def test_pricing_units_are_listed_with_the_currencies() -> None:
    world = World()
    tokens = world.unit("Tokens")

    found = world.get("/v1/credit-types/list")

    assert {"id": tokens, "name": "Tokens", "is_currency": False} in found
    assert len(found) == 19
    # By name, so that pages are the same whatever was added last.
    names = [unit["name"] for unit in found]
    assert names == sorted(names)


def test_pricing_units_belong_to_their_sandbox() -> None:
    world = World()
    tokens = world.unit("Tokens")
    body = {
        "name": "Card",
        "credit_type_conversions": [{"custom_credit_type_id": tokens, "fiat_per_custom_credit": 1}],
    }

    status, error = world.call("POST", f"{CARDS}/create", body, token="somebody-else")

    assert (status, error["message"]) == (400, f"credit_type_id: unknown credit type {tokens}")


def test_the_wrong_kind_of_unit() -> None:
    world = World()
    tokens = world.unit()
    usd = "2714e483-4ff1-48e4-9e25-ac732e8f24f2"

    def refused(**fields: object) -> str:
        return str(world.refused(f"{CARDS}/create", {"name": "C", **fields})["message"])

    def conversion(unit: str) -> JSON:
        return {"custom_credit_type_id": unit, "fiat_per_custom_credit": 1}

    assert refused(fiat_credit_type_id=tokens) == "fiat_credit_type_id: must be a currency"
    assert "must be a custom pricing unit" in refused(credit_type_conversions=[conversion(usd)])
    assert "twice" in refused(credit_type_conversions=[conversion(tokens)] * 2)
    assert world.post(f"{CARDS}/list", {}) == []


# The order of products


def on_invoice(world: World, customer: str) -> list[str]:
    return [str(product) for (product,) in lines(world.draft(customer), "product_id")]


def test_invoices_list_products_in_the_order_of_the_card() -> None:
    world = World("2025-01-20T00:00:00Z")
    customer, card, metric = world.customer(), world.rate_card(), world.metric()
    one, two, three, four = (world.product(metric) for _ in range(4))
    for product in (one, two, three):
        world.rate(card, product, price=Decimal(1))
    world.contract(customer, card)
    assert on_invoice(world, customer) == [one, two, three]

    body = {"rate_card_id": card, "product_order": [three, one]}
    assert world.post(f"{CARDS}/setRateCardProductsOrder", body) == {"id": card}
    assert on_invoice(world, customer) == [three, one, two]

    moves = [{"product_id": two, "position": 0}, {"product_id": three, "position": 2**63}]
    moved = world.post(
        f"{CARDS}/moveRateCardProducts", {"rate_card_id": card, "product_moves": moves}
    )
    assert moved == {"id": card}
    assert on_invoice(world, customer) == [two, one, three]

    # What is priced later comes last.
    world.rate(card, four, price=Decimal(1))
    assert on_invoice(world, customer) == [two, one, three, four]


def test_only_products_of_the_card_can_be_ordered() -> None:
    world = World()
    card, metric = world.rate_card(), world.metric()
    priced, unpriced = world.product(metric), world.product(metric)
    world.rate(card, priced, price=1)

    def order(*products: str) -> str:
        body = {"rate_card_id": card, "product_order": products}
        return str(world.refused(f"{CARDS}/setRateCardProductsOrder", body)["message"])

    assert order(unpriced) == f"product_order: the rate card has no rate of product {unpriced}"
    assert order(priced, priced) == "product_order: names a product twice"
    move = {"product_id": unpriced, "position": 0}
    error = world.refused(
        f"{CARDS}/moveRateCardProducts", {"rate_card_id": card, "product_moves": [move]}
    )
    assert "product_moves" in error["message"]
    move = {"product_id": priced, "position": -1}
    world.refused(f"{CARDS}/moveRateCardProducts", {"rate_card_id": card, "product_moves": [move]})
