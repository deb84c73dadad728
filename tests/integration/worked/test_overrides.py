"""Worked examples of overrides (16.3): list price 100 and 10 units, unless an example says so."""

from typing import Any

import pytest

from tests.integration.worked.world import World, lines

LIST_PRICE = 100
START = "2025-01-01T00:00:00Z"


def override(**fields: object) -> dict[str, Any]:
    return {"starting_at": START, **fields}


def multiplier(value: float, **fields: object) -> dict[str, Any]:
    return override(type="MULTIPLIER", multiplier=value, **fields)


def tiered(*tiers: tuple[int | None, float], **fields: object) -> dict[str, Any]:
    steps = [
        {"multiplier": value, **({} if size is None else {"size": size})} for size, value in tiers
    ]
    return override(type="TIERED", tiers=steps, **fields)


def overwrite(product: str, price: float, **fields: object) -> dict[str, Any]:
    return override(
        type="OVERWRITE",
        product_id=product,
        overwrite_rate={"rate_type": "FLAT", "price": price},
        **fields,
    )


class Shop:
    """One customer, one product at list price on one card."""

    def __init__(self, *, tags: list[str] | None = None, entitled: bool = True) -> None:
        self.world = World("2025-01-31T00:00:00Z")
        self.customer = self.world.customer()
        self.product = self.world.product(self.world.metric(), tags=tags or [])
        self.card = self.world.rate_card()
        self.world.rate(self.card, self.product, price=LIST_PRICE, entitled=entitled)

    def contract(self, *overrides: object, **fields: Any) -> str:
        return self.world.contract(self.customer, self.card, overrides=list(overrides), **fields)

    def draft(self, units: float = 10) -> Any:
        self.world.use(self.customer, units, "2025-01-05T00:00:00Z")
        return self.world.draft(self.customer)


def test_we_21_multiplier() -> None:
    shop = Shop()
    shop.contract(multiplier(0.9))

    # 10 × 100 × 0.9
    assert lines(shop.draft(), "quantity", "unit_price", "total") == [(10, 90, 900)]


def test_we_22_lowest_multiplier_is_not_stacked() -> None:
    shop = Shop()
    shop.contract(multiplier(0.9), multiplier(0.8))

    # 10 × 100 × 0.8; stacking would give 720.
    assert shop.draft()["total"] == 800


def test_we_23_explicit_priority() -> None:
    shop = Shop()
    shop.contract(
        multiplier(0.9, priority=1),
        multiplier(0.8, priority=2),
        multiplier_override_prioritization="EXPLICIT",
    )

    # The smaller priority number wins: 10 × 100 × 0.9.
    assert shop.draft()["total"] == 900


def test_we_24_overwrite_beats_multiplier() -> None:
    shop = Shop()
    shop.contract(overwrite(shop.product, 323), multiplier(0.5))

    # 10 × 323, not halved.
    assert shop.draft()["total"] == 3230


def test_we_25_the_overwrite_added_last_wins() -> None:
    shop = Shop()
    shop.contract(overwrite(shop.product, 50), overwrite(shop.product, 70))

    assert shop.draft()["total"] == 700


def test_we_26_a_surcharge_loses_to_a_discount() -> None:
    shop = Shop()
    shop.contract(multiplier(1.2), multiplier(0.9))

    assert shop.draft()["total"] == 900


def test_we_27_tiered_multipliers() -> None:
    shop = Shop()
    shop.contract(
        tiered((10, 0.8), (10, 0.7), priority=1), multiplier_override_prioritization="EXPLICIT"
    )

    draft = shop.draft(25)

    # 10 × 80 + 10 × 70, and what lies beyond the last band at list: 5 × 100 (D-38).
    assert lines(draft, "quantity", "unit_price") == [(10, 80), (10, 70), (5, 100)]
    assert draft["total"] == 2000


def test_we_28_multiplier_on_tiers() -> None:
    world = World("2025-01-31T00:00:00Z")
    customer, product, card = world.customer(), world.product(world.metric()), world.rate_card()
    world.rate(card, product, tiers=[(5, 0), (5, 100), (None, 150)])
    world.contract(customer, card, overrides=[multiplier(0.5)])
    world.use(customer, 12, "2025-01-05T00:00:00Z")

    draft = world.draft(customer)

    # 5 × 0 + 5 × 50 + 2 × 75
    assert lines(draft, "quantity", "unit_price") == [(5, 0), (5, 50), (2, 75)]
    assert draft["total"] == 400


def test_we_29_override_from_the_middle_of_the_period() -> None:
    shop = Shop()
    shop.contract({**multiplier(0.5), "starting_at": "2025-01-11T00:00:00Z"})
    shop.world.use(shop.customer, 4, "2025-01-10T23:59:59Z")
    shop.world.use(shop.customer, 6, "2025-01-11T00:00:00Z")

    draft = shop.world.draft(shop.customer)

    # 4 × 100 + 6 × 50
    assert lines(draft, "quantity", "unit_price", "total") == [(4, 100, 400), (6, 50, 300)]
    assert draft["total"] == 700


def test_we_30_not_entitled_by_override() -> None:
    shop = Shop()
    shop.contract(override(product_id=shop.product, entitled=False))

    draft = shop.draft()

    assert draft["line_items"] == []
    assert draft["total"] == 0


def test_we_31_entitled_by_override_only() -> None:
    shop = Shop(entitled=False)
    shop.contract(override(product_id=shop.product, entitled=True))

    assert shop.draft()["total"] == 1000


def test_we_31_without_the_override_nothing_is_billed() -> None:
    shop = Shop(entitled=False)
    shop.contract()

    assert shop.draft()["line_items"] == []


@pytest.mark.parametrize(
    ("applicable", "total"),
    [
        # All tags of a specifier are needed, and the product lacks "eu".
        ({"override_specifiers": [{"product_tags": ["gpu", "eu"]}]}, 1000),
        # Of the older list, one tag is enough.
        ({"applicable_product_tags": ["gpu", "eu"]}, 500),
        # A product with the tags of an exclusion is left out.
        ({"override_specifiers": [{"exclude": [{"product_tags": ["gpu"]}]}]}, 1000),
        ({"override_specifiers": [{"exclude": [{"product_tags": ["eu"]}]}]}, 500),
    ],
)
def test_we_32_tags(applicable: dict[str, Any], total: int) -> None:
    shop = Shop(tags=["gpu"])
    shop.contract(multiplier(0.5, **applicable))

    assert shop.draft()["total"] == total


def test_removing_the_winning_override_falls_back_to_the_next_rule() -> None:
    shop = Shop()
    contract = shop.contract(overwrite(shop.product, 50), multiplier(0.9), multiplier(0.8))
    assert shop.draft()["total"] == 500

    # Each time the override that won is taken away, the next rule of the order decides.
    for expected in (800, 900, 1000):
        v2 = shop.world.post(
            "/v2/contracts/get", {"customer_id": shop.customer, "contract_id": contract}
        )
        ranked = sorted(
            v2["overrides"], key=lambda o: (o["type"] != "OVERWRITE", o.get("multiplier", 0))
        )
        shop.world.post(
            "/v2/contracts/edit",
            {
                "customer_id": shop.customer,
                "contract_id": contract,
                "remove_overrides": [{"id": ranked[0]["id"]}],
            },
        )
        assert shop.world.draft(shop.customer)["total"] == expected


def test_overwrite_of_one_dimension_leaves_the_others() -> None:
    world = World("2025-01-31T00:00:00Z")
    customer, card = world.customer(), world.rate_card()
    metric = world.metric(groups=[["model"]])
    product = world.product(metric, pricing_group_key=["model"])
    for model, price in (("a", 3), ("b", 7)):
        world.rate(card, product, price=price, pricing_group_values={"model": model})
    specifier = {"product_id": product, "pricing_group_values": {"model": "a"}}
    world.contract(
        customer,
        card,
        overrides=[
            override(
                type="OVERWRITE",
                overwrite_rate={"rate_type": "FLAT", "price": 2},
                override_specifiers=[specifier],
            )
        ],
    )
    world.use(customer, 10, "2025-01-05T00:00:00Z", model="a")
    world.use(customer, 10, "2025-01-05T00:00:00Z", model="b")

    # 10 × 2 overwritten, 10 × 7 as listed.
    assert lines(world.draft(customer), "unit_price", "total") == [(2, 20), (7, 70)]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"type": "MULTIPLIER", "multiplier": -0.1}, "multiplier"),
        ({"type": "MULTIPLIER"}, "multiplier: required"),
        ({"type": "OVERWRITE", "product_id": "{product}"}, "overwrite_rate: required"),
        ({"type": "TIERED", "priority": 1}, "tiers: required"),
        ({"type": "TIERED", "priority": 1, "tiers": [{"multiplier": 0.5}]}, "EXPLICIT"),
        ({"type": "MULTIPLIER", "multiplier": 1, "priority": 0}, "priority"),
        ({}, "type: required"),
        ({"type": "MULTIPLIER", "multiplier": 1, "product_id": "{other}"}, "No such product"),
        (
            {
                "type": "MULTIPLIER",
                "multiplier": 1,
                "product_id": "{product}",
                "override_specifiers": [{"product_tags": ["gpu"]}],
            },
            "cannot be combined",
        ),
        (
            {
                "type": "OVERWRITE",
                "applicable_product_tags": ["gpu"],
                "overwrite_rate": {"rate_type": "FLAT", "price": 1},
            },
            "product_id",
        ),
        (
            {
                "type": "OVERWRITE",
                "product_id": "{product}",
                "applicable_product_tags": ["gpu"],
                "overwrite_rate": {"rate_type": "FLAT", "price": 1},
            },
            "tags",
        ),
        (
            {
                "type": "OVERWRITE",
                "product_id": "{product}",
                "overwrite_rate": {"rate_type": "PERCENTAGE", "price": 0.1},
            },
            "PERCENTAGE is not for a USAGE product",
        ),
        (
            {
                "type": "OVERWRITE",
                "override_specifiers": [
                    {"product_id": "{product}", "presentation_group_values": {"team": "a"}}
                ],
                "overwrite_rate": {"rate_type": "FLAT", "price": 1},
            },
            "only for an override of type MULTIPLIER",
        ),
        ({"type": "MULTIPLIER", "multiplier": 1, "target": "COMMIT_RATE"}, "is_commit_specific"),
        (
            {
                "type": "MULTIPLIER",
                "multiplier": 1,
                "is_commit_specific": True,
                "override_specifiers": [{"commit_ids": ["c"]}],
            },
            "beside them",
        ),
        (
            {
                "type": "MULTIPLIER",
                "multiplier": 1,
                "override_specifiers": [{"product_id": "{product}", "commit_ids": ["c"]}],
            },
            "is_commit_specific",
        ),
        (
            {"type": "MULTIPLIER", "multiplier": 1, "ending_before": START},
            "must be after starting_at",
        ),
        (
            {"type": "MULTIPLIER", "multiplier": 1, "ending_before": "2025-02-01T00:30:00Z"},
            "hour boundary",
        ),
        (
            {
                "type": "MULTIPLIER",
                "multiplier": 1,
                "override_specifiers": [
                    {"product_id": "{product}", "billing_frequency": "MONTHLY"}
                ],
            },
            "SUBSCRIPTION",
        ),
    ],
)
def test_refused_overrides(wrong: dict[str, Any], message: str) -> None:
    shop = Shop(tags=["gpu"])
    other = shop.world.product(shop.world.metric())
    body = {
        "customer_id": shop.customer,
        "starting_at": START,
        "rate_card_id": shop.card,
        "overrides": [_named(override(**wrong), product=shop.product, other=other)],
    }

    error = shop.world.refused("/v1/contracts/create", body)

    assert message in error["message"]
    listed = shop.world.post("/v2/contracts/list", {"customer_id": shop.customer})
    assert listed == []


def test_explicit_scheme_asks_every_multiplier_for_a_priority() -> None:
    shop = Shop()
    body = {
        "customer_id": shop.customer,
        "starting_at": START,
        "rate_card_id": shop.card,
        "multiplier_override_prioritization": "EXPLICIT",
        "overrides": [multiplier(0.9)],
    }

    assert "priority" in shop.world.refused("/v1/contracts/create", body)["message"]


def test_overwrite_in_another_unit_is_refused() -> None:
    shop = Shop()
    euro = next(
        unit["id"] for unit in shop.world.get("/v1/credit-types/list") if unit["name"] == "EUR"
    )
    rate = {"rate_type": "FLAT", "price": 1, "credit_type_id": euro}
    wrong = override(type="OVERWRITE", product_id=shop.product, overwrite_rate=rate)
    body = {
        "customer_id": shop.customer,
        "starting_at": START,
        "rate_card_id": shop.card,
        "overrides": [wrong],
    }

    assert "unit" in shop.world.refused("/v1/contracts/create", body)["message"]


def test_overwrite_of_a_dimensional_product_names_every_key() -> None:
    world = World("2025-01-31T00:00:00Z")
    customer, card = world.customer(), world.rate_card()
    product = world.product(
        world.metric(groups=[["model", "kind"]]), pricing_group_key=["model", "kind"]
    )
    world.rate(card, product, price=3, pricing_group_values={"model": "a", "kind": "in"})
    wrong = override(
        type="OVERWRITE",
        overwrite_rate={"rate_type": "FLAT", "price": 2},
        override_specifiers=[{"product_id": product, "pricing_group_values": {"model": "a"}}],
    )
    body = {
        "customer_id": customer,
        "starting_at": START,
        "rate_card_id": card,
        "overrides": [wrong],
    }

    assert "pricing_group_values" in world.refused("/v1/contracts/create", body)["message"]


def _named(value: Any, **names: str) -> Any:
    if isinstance(value, dict):
        return {key: _named(item, **names) for key, item in value.items()}
    if isinstance(value, list):
        return [_named(item, **names) for item in value]
    return value.format(**names) if isinstance(value, str) else value
