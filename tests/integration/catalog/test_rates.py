"""Rates on a card: what each type needs, which holds when, and how they are found."""

from collections.abc import Mapping

import pytest

from tests.integration.worked.world import JSON, World, lines

CARDS = "/v1/contract-pricing/rate-cards"
SOMETHING = "0d7e0f6e-8d2c-4a55-9d0c-6f1f6f1f0000"
USD = {"id": "2714e483-4ff1-48e4-9e25-ac732e8f24f2", "name": "USD (cents)"}


def add(world: World, card: str, product: str, **fields: object) -> JSON:
    body = {
        "rate_card_id": card,
        "product_id": product,
        "starting_at": "2025-01-01T00:00:00Z",
        "entitled": True,
        **fields,
    }
    added: JSON = world.post(f"{CARDS}/addRate", body)
    return added


def refused(world: World, card: str, product: str, **fields: object) -> str:
    body = {
        "rate_card_id": card,
        "product_id": product,
        "starting_at": "2025-01-01T00:00:00Z",
        "entitled": True,
        **fields,
    }
    return str(world.refused(f"{CARDS}/addRate", body)["message"])


def in_force(world: World, card: str, at: str, *selectors: JSON) -> list[JSON]:
    body = {"rate_card_id": card, "at": at, "selectors": list(selectors)}
    found: list[JSON] = world.post(f"{CARDS}/getRates", body)
    return found


def schedule(world: World, card: str, start: str, end: str | None = None) -> list[JSON]:
    body = {"rate_card_id": card, "starting_at": start}
    found: list[JSON] = world.post(
        f"{CARDS}/getRateSchedule", body if end is None else {**body, "ending_before": end}
    )
    return found


# Types


@pytest.mark.parametrize(
    ("type_", "given", "read_back"),
    [
        ("USAGE", {"rate_type": "flat", "price": 1.5}, {"rate_type": "FLAT", "price": 1.5}),
        (
            "USAGE",
            {"rate_type": "TIERED", "tiers": [{"size": 10, "price": 2}, {"price": 1}]},
            {"rate_type": "TIERED", "tiers": [{"size": 10, "price": 2}, {"price": 1}]},
        ),
        (
            "SUBSCRIPTION",
            {"rate_type": "FLAT", "price": 9, "billing_frequency": "monthly"},
            {"rate_type": "FLAT", "price": 9},
        ),
        (
            "SUBSCRIPTION",
            {"rate_type": "SUBSCRIPTION", "price": 9, "quantity": 2, "is_prorated": True},
            {"rate_type": "SUBSCRIPTION", "price": 9, "quantity": 2, "is_prorated": True},
        ),
        (
            "COMPOSITE",
            {"rate_type": "PERCENTAGE", "price": 1.5, "minimum_config": {"minimum": 7}},
            {"rate_type": "PERCENTAGE", "price": 1.5, "minimum_config": {"minimum": 7}},
        ),
        (
            "COMPOSITE",
            {"rate_type": "TIERED_PERCENTAGE", "tiers": [{"price": 0.5}]},
            {"rate_type": "TIERED_PERCENTAGE", "tiers": [{"price": 0.5}]},
        ),
    ],
)
def test_rate_types(type_: str, given: JSON, read_back: JSON) -> None:
    world = World()
    card, product = world.rate_card(), product_of(world, type_)

    assert add(world, card, product, **given) == {**read_back, "credit_type": USD}
    [entry] = in_force(world, card, "2025-01-01T00:00:00Z")
    assert entry["rate"] == {**read_back, "credit_type": USD}
    assert entry.get("billing_frequency") == ("MONTHLY" if "billing_frequency" in given else None)


def product_of(world: World, type_: str) -> str:
    if type_ == "COMPOSITE":
        return world.product(type=type_, composite_tags=["any"])
    return world.product(world.metric() if type_ == "USAGE" else None, type=type_)


@pytest.mark.parametrize(
    ("type_", "fields", "message"),
    [
        ("USAGE", {"rate_type": "FLAT"}, "price: required for a FLAT rate"),
        ("USAGE", {"rate_type": "FLAT", "price": -1}, "price: "),
        ("USAGE", {"rate_type": "FLAT", "price": "1"}, "price: must be a number"),
        ("USAGE", {"rate_type": "TIERED", "price": 1}, "tiers: required for a TIERED rate"),
        (
            "USAGE",
            {"rate_type": "TIERED", "tiers": [{"price": 1}, {"price": 2}]},
            "tiers: only the last tier may be without size",
        ),
        ("USAGE", {"rate_type": "TIERED", "tiers": [{"size": 0, "price": 1}]}, "tiers.0.size: "),
        (
            "USAGE",
            {"rate_type": "CUSTOM", "custom_rate": {}},
            "rate_type: CUSTOM rates cannot be rated here",
        ),
        (
            "USAGE",
            {"rate_type": "PERCENTAGE", "price": 0.1},
            "rate_type: USAGE products have no PERCENTAGE rates",
        ),
        (
            "COMPOSITE",
            {"rate_type": "FLAT", "price": 1},
            "rate_type: COMPOSITE products have no FLAT rates",
        ),
        (
            "FIXED",
            {"rate_type": "FLAT", "price": 1},
            "rate_type: FIXED products have no FLAT rates",
        ),
        (
            "SUBSCRIPTION",
            {"rate_type": "FLAT", "price": 1},
            "billing_frequency: required for a SUBSCRIPTION product",
        ),
        (
            "SUBSCRIPTION",
            {"rate_type": "FLAT", "price": 1, "billing_frequency": "SEMI_ANNUAL"},
            "billing_frequency: must be MONTHLY, QUARTERLY, ANNUAL or WEEKLY",
        ),
        (
            "USAGE",
            {"rate_type": "FLAT", "price": 1, "billing_frequency": "MONTHLY"},
            "billing_frequency: only for SUBSCRIPTION products",
        ),
        (
            "USAGE",
            {"rate_type": "FLAT", "price": 1, "minimum_config": {"minimum": 1}},
            "minimum_config: only for PERCENTAGE and TIERED_PERCENTAGE rates",
        ),
        (
            "SUBSCRIPTION",
            {
                "rate_type": "FLAT",
                "price": 1,
                "billing_frequency": "MONTHLY",
                "commit_rate": {"rate_type": "FLAT", "price": 1},
            },
            "commit_rate: only for USAGE products",
        ),
        (
            "USAGE",
            {"rate_type": "FLAT", "price": 1, "commit_rate": {"rate_type": "FLAT"}},
            "commit_rate: price: required for a FLAT rate",
        ),
        (
            "USAGE",
            {"rate_type": "FLAT", "price": 1, "starting_at": "2025-01-01T00:30:00Z"},
            "starting_at: must be on an hour boundary",
        ),
        (
            "USAGE",
            {"rate_type": "FLAT", "price": 1, "ending_before": "2025-01-01T00:00:00Z"},
            "ending_before: must be after starting_at",
        ),
        (
            "USAGE",
            {"rate_type": "FLAT", "price": 1, "credit_type_id": SOMETHING},
            f"credit_type_id: unknown credit type {SOMETHING}",
        ),
    ],
)
def test_what_a_rate_cannot_be(type_: str, fields: Mapping[str, object], message: str) -> None:
    world = World()
    card = world.rate_card()

    assert message in refused(world, card, product_of(world, type_), **fields)
    assert in_force(world, card, "2025-01-01T00:00:00Z") == []


def test_commit_rate_reads_back() -> None:
    world = World()
    card, product = world.rate_card(), world.product(world.metric())
    commit_rate = {"rate_type": "TIERED", "tiers": [{"size": 5, "price": 1}, {"price": 0.5}]}

    added = add(world, card, product, rate_type="FLAT", price=2, commit_rate=commit_rate)

    assert added["commit_rate"] == commit_rate
    [entry] = in_force(world, card, "2025-01-01T00:00:00Z")
    assert entry["commit_rate"] == commit_rate


def test_several_rates_are_added_all_or_none_and_errors_name_the_one() -> None:
    world = World()
    card, product = world.rate_card(), world.product(world.metric())
    good = {
        "product_id": product,
        "starting_at": "2025-01-01T00:00:00Z",
        "entitled": True,
        "rate_type": "FLAT",
        "price": 1,
    }
    unknown = {**good, "product_id": SOMETHING}

    error = world.refused(f"{CARDS}/addRates", {"rate_card_id": card, "rates": [good, unknown]})

    assert error["message"] == f"rates.1.product_id: product not found: {SOMETHING}"
    assert in_force(world, card, "2025-01-01T00:00:00Z") == []
    added = world.post(f"{CARDS}/addRates", {"rate_card_id": card, "rates": [good]})
    assert added == {"id": card}


# Units


def test_a_rate_is_in_the_cards_currency_or_in_a_unit_it_converts() -> None:
    world = World()
    tokens, minutes = world.unit("Tokens"), world.unit("Minutes")
    [euro] = [unit["id"] for unit in world.get("/v1/credit-types/list") if unit["name"] == "EUR"]
    card = world.rate_card(
        credit_type_conversions=[{"custom_credit_type_id": tokens, "fiat_per_custom_credit": 1}]
    )
    product = world.product(world.metric())
    flat = {"rate_type": "FLAT", "price": 1}

    in_minutes = refused(world, card, product, **flat, credit_type_id=minutes)
    in_euros = refused(world, card, product, **flat, credit_type_id=euro)
    on_a_euro_card = refused(world, world.rate_card(fiat_credit_type_id=euro), product, **flat)

    assert in_minutes == "credit_type_id: the rate card has no conversion of Minutes"
    assert in_euros == "credit_type_id: the rate card is in USD (cents), the rate in EUR"
    # Without a unit a rate is in dollars, on any card.
    assert on_a_euro_card == "credit_type_id: the rate card is in EUR, the rate in USD (cents)"
    added = add(world, card, product, **flat, credit_type_id=tokens)
    assert added["credit_type"] == {"id": tokens, "name": "Tokens"}


def test_a_products_unit_cannot_change() -> None:
    world = World()
    tokens = world.unit("Tokens")
    card = world.rate_card(
        credit_type_conversions=[{"custom_credit_type_id": tokens, "fiat_per_custom_credit": 1}]
    )
    product = world.product(world.metric())
    add(world, card, product, rate_type="FLAT", price=1)

    message = refused(
        world,
        card,
        product,
        rate_type="FLAT",
        price=1,
        credit_type_id=tokens,
        starting_at="2026-01-01T00:00:00Z",
    )

    assert message == "credit_type_id: a product's pricing unit cannot change"


# Pricing group values


def test_rates_name_every_pricing_key_or_none() -> None:
    world = World()
    card = world.rate_card()
    metric = world.metric(groups=[["model", "type"]])
    product = world.product(metric, pricing_group_key=["model", "type"])

    def partial(**values: str) -> str:
        return refused(world, card, product, rate_type="FLAT", price=1, pricing_group_values=values)

    message = (
        "pricing_group_values: must name exactly the product's pricing group key ['model', 'type']"
    )
    assert partial(model="a") == message
    assert partial(model="a", type="in", region="eu") == message
    values = {"model": "a", "type": "in"}
    added = add(world, card, product, rate_type="FLAT", price=1, pricing_group_values=values)
    assert added["pricing_group_values"] == values
    add(world, card, product, rate_type="FLAT", price=2)


def test_selectors_are_alternatives_whose_fields_must_all_match() -> None:
    world = World()
    card = world.rate_card()
    metric = world.metric(groups=[["model", "type"]])
    llm = world.product(metric, pricing_group_key=["model", "type"], tags=["llm"])
    seats = world.product(type="SUBSCRIPTION", tags=["people"])
    for price, model, type_ in [(1, "a", "in"), (2, "a", "out"), (3, "b", "in")]:
        values = {"model": model, "type": type_}
        add(world, card, llm, rate_type="FLAT", price=price, pricing_group_values=values)
    add(world, card, seats, rate_type="FLAT", price=4, billing_frequency="MONTHLY")
    add(world, card, seats, rate_type="FLAT", price=5, billing_frequency="ANNUAL")

    def prices(*selectors: JSON) -> list[object]:
        found = in_force(world, card, "2025-01-01T00:00:00Z", *selectors)
        return [entry["rate"]["price"] for entry in found]

    assert prices() == [1, 2, 3, 4, 5]
    assert prices({"product_id": seats}) == [4, 5]
    assert prices({"product_tags": ["llm", "other"]}) == [1, 2, 3]
    assert prices({"pricing_group_values": {"model": "a"}}) == []
    assert prices({"pricing_group_values": {"model": "a", "type": "out"}}) == [2]
    assert prices({"partial_pricing_group_values": {"model": "a"}}) == [1, 2]
    assert prices({"billing_frequency": "annual"}) == [5]
    assert prices({"product_id": llm, "billing_frequency": "annual"}) == []
    both = prices({"billing_frequency": "Annual"}, {"partial_pricing_group_values": {"type": "in"}})
    assert both == [1, 3, 5]


# Time


def test_a_rate_covers_another_only_as_long_as_it_lasts() -> None:
    world = World()
    card, product = world.rate_card(), world.product(world.metric(), name="Calls")
    add(world, card, product, rate_type="FLAT", price=10)
    add(
        world,
        card,
        product,
        rate_type="FLAT",
        price=5,
        starting_at="2025-03-01T00:00:00Z",
        ending_before="2025-04-01T00:00:00Z",
    )

    segments = schedule(world, card, "2025-01-01T00:00:00Z")

    assert [(s["rate"]["price"], s["starting_at"], s.get("ending_before")) for s in segments] == [
        (10, "2025-01-01T00:00:00+00:00", "2025-03-01T00:00:00+00:00"),
        (10, "2025-04-01T00:00:00+00:00", None),
        (5, "2025-03-01T00:00:00+00:00", "2025-04-01T00:00:00+00:00"),
    ]
    assert {(s["product_id"], s["product_name"]) for s in segments} == {(product, "Calls")}
    march = schedule(world, card, "2025-03-10T00:00:00Z", "2025-04-01T00:00:00Z")
    assert [s["rate"]["price"] for s in march] == [5]
    [now] = in_force(world, card, "2025-03-31T23:00:00Z")
    assert now["rate"]["price"] == 5
    assert in_force(world, card, "2024-12-31T23:00:00Z") == []


def test_a_rate_with_the_same_start_takes_the_place_of_the_earlier_one() -> None:
    world = World()
    card, product = world.rate_card(), world.product(world.metric())
    add(world, card, product, rate_type="FLAT", price=10)
    add(world, card, product, rate_type="FLAT", price=5, ending_before="2025-04-01T00:00:00Z")

    # The rate of 10 is gone: it does not come back in April.
    [segment] = schedule(world, card, "2025-01-01T00:00:00Z")
    assert (segment["rate"]["price"], segment["ending_before"]) == (
        5,
        "2025-04-01T00:00:00+00:00",
    )


def test_each_billing_frequency_is_priced_on_its_own() -> None:
    world = World()
    card, seats = world.rate_card(), world.product(type="SUBSCRIPTION")
    add(world, card, seats, rate_type="FLAT", price=10, billing_frequency="MONTHLY")
    add(world, card, seats, rate_type="FLAT", price=100, billing_frequency="ANNUAL")
    add(world, card, seats, rate_type="FLAT", price=90, billing_frequency="annual")

    found = in_force(world, card, "2025-01-01T00:00:00Z")

    assert [(entry["billing_frequency"], entry["rate"]["price"]) for entry in found] == [
        ("MONTHLY", 10),
        ("ANNUAL", 90),
    ]


def test_a_rate_added_for_the_past_changes_the_draft_but_no_final_invoice() -> None:
    world = World("2025-02-10T00:00:00Z")
    customer, card, product = world.customer(), world.rate_card(), world.product(world.metric())
    world.rate(card, product, price=10)
    world.use(customer, 3, "2025-01-20T00:00:00Z")
    world.use(customer, 4, "2025-02-02T00:00:00Z")
    world.contract(customer, card)

    add(world, card, product, rate_type="FLAT", price=7, starting_at="2025-01-10T00:00:00Z")

    [final] = world.invoices(customer, status="FINALIZED")
    # January was finalized at 3 × 10; February is 4 × 7 now.
    assert final["total"] == 30
    assert world.draft(customer)["total"] == 28


def test_a_product_that_is_not_entitled_is_on_the_card_but_not_billed() -> None:
    world = World("2025-01-20T00:00:00Z")
    customer, card, product = world.customer(), world.rate_card(), world.product(world.metric())
    add(world, card, product, rate_type="FLAT", price=10, entitled=False)
    world.contract(customer, card)
    world.use(customer, 3, "2025-01-10T00:00:00Z")

    [entry] = in_force(world, card, "2025-01-10T00:00:00Z")
    assert entry["entitled"] is False
    assert lines(world.draft(customer), "total") == []


@pytest.mark.parametrize("operation", ["getRates", "getRateSchedule"])
def test_pages_of_rates_make_the_whole_list(operation: str) -> None:
    world = World()
    card, metric = world.rate_card(), world.metric()
    for price in (1, 2, 3):
        add(world, card, world.product(metric), rate_type="FLAT", price=price)
    start = "at" if operation == "getRates" else "starting_at"
    body = {"rate_card_id": card, start: "2025-01-01T00:00:00Z"}

    found: list[object] = []
    cursor = None
    while cursor is not None or not found:
        query = {"limit": 1} if cursor is None else {"limit": 1, "next_page": cursor}
        _, reply = world.call("POST", f"{CARDS}/{operation}", body, query=query)
        found += [entry["rate"]["price"] for entry in reply["data"]]
        cursor = reply["next_page"]

    assert found == [1, 2, 3]
