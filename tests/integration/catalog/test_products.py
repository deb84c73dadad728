"""Products: their types, their dated changes, and what they may consist of."""

from collections.abc import Mapping

import pytest

from tests.integration.worked.world import JSON, World, lines

PRODUCTS = "/v1/contract-pricing/products"
ROUNDING = {"rounding_method": "ROUND_UP", "decimal_places": 0}
SOMETHING = "0d7e0f6e-8d2c-4a55-9d0c-6f1f6f1f0000"


def update(world: World, product: str, starting_at: str, **changes: object) -> None:
    body = {"product_id": product, "starting_at": starting_at, **changes}
    assert world.post(f"{PRODUCTS}/update", body) == {"id": product}


def read(world: World, product: str) -> JSON:
    found: JSON = world.post(f"{PRODUCTS}/get", {"id": product})
    return found


def listed(world: World, archive_filter: str | None = None, **query: object) -> list[str]:
    body = {} if archive_filter is None else {"archive_filter": archive_filter}
    return [product["id"] for product in world.post(f"{PRODUCTS}/list", body, **query)]


def test_a_product_reads_back_as_it_was_made() -> None:
    world = World("2025-01-01T00:00:00Z")
    metric = world.metric(groups=[["model", "region"]])

    product = world.product(
        metric,
        name="Tokens",
        tags=["llm"],
        pricing_group_key=["model"],
        presentation_group_key=["region"],
        quantity_conversion={"conversion_factor": 1000, "operation": "divide", "name": "k"},
        quantity_rounding={"rounding_method": "round_half_up", "decimal_places": 2},
    )

    state = {
        "name": "Tokens",
        "created_at": "2025-01-01T00:00:00+00:00",
        "created_by": "api",
        "billable_metric_id": metric,
        "tags": ["llm"],
        "pricing_group_key": ["model"],
        "presentation_group_key": ["region"],
        "quantity_conversion": {"conversion_factor": 1000, "operation": "DIVIDE", "name": "k"},
        "quantity_rounding": {"rounding_method": "ROUND_HALF_UP", "decimal_places": 2},
        "is_refundable": True,
        "exclude_free_usage": False,
        "include_composite_spend": False,
    }
    assert read(world, product) == {
        "id": product,
        "type": "USAGE",
        "archived_at": None,
        "initial": state,
        "current": state,
        "updates": [],
        "custom_fields": {},
    }


@pytest.mark.parametrize(
    ("asked", "read_back"),
    [
        ("fixed", "FIXED"),
        ("SUBSCRIPTION", "SUBSCRIPTION"),
        ("PRO_SERVICE", "PRO_SERVICE"),
        ("professional_service", "PRO_SERVICE"),
    ],
)
def test_types_and_their_other_names(asked: str, read_back: str) -> None:
    world = World()

    assert read(world, world.product(type=asked))["type"] == read_back


def test_current_follows_the_clock_and_the_order_of_changes() -> None:
    world = World("2025-01-10T00:00:00Z")
    product = world.product(world.metric(), name="First", tags=["a"])
    update(world, product, "2025-02-01T00:00:00Z", name="February")
    update(world, product, "2025-01-20T00:00:00Z", name="Later made, earlier dated", tags=["b"])

    before = read(world, product)
    world.clock("2025-01-20T00:00:00Z")
    between = read(world, product)
    world.clock("2025-02-01T00:00:00Z")
    after = read(world, product)

    assert before["current"]["name"] == before["initial"]["name"] == "First"
    assert between["current"]["name"] == "Later made, earlier dated"
    # Both hold now, and the one made last wins although its date is the earlier one.
    assert after["current"]["name"] == "Later made, earlier dated"
    assert after["current"]["tags"] == ["b"]
    assert after["initial"]["tags"] == ["a"]
    assert after["updates"] == [
        {
            "name": "February",
            "starting_at": "2025-02-01T00:00:00+00:00",
            "created_at": "2025-01-10T00:00:00+00:00",
            "created_by": "api",
        },
        {
            "name": "Later made, earlier dated",
            "tags": ["b"],
            "starting_at": "2025-01-20T00:00:00+00:00",
            "created_at": "2025-01-10T00:00:00+00:00",
            "created_by": "api",
        },
    ]


def test_rounding_can_be_taken_away() -> None:
    world = World("2025-01-10T00:00:00Z")
    product = world.product(world.metric(), quantity_rounding=ROUNDING)

    update(world, product, "2025-01-10T00:00:00Z", quantity_rounding=None)

    shown = read(world, product)
    assert shown["initial"]["quantity_rounding"] == ROUNDING
    assert "quantity_rounding" not in shown["current"]
    assert shown["updates"][0]["quantity_rounding"] is None


def test_a_product_renamed_from_an_hour_on_splits_its_line_there() -> None:
    world = World("2025-01-10T00:00:00Z")
    customer, card = world.customer(), world.rate_card()
    product = world.product(world.metric(), name="Old name")
    world.rate(card, product, price=2)
    world.contract(customer, card)
    update(world, product, "2025-01-15T10:00:00Z", name="New name")
    world.clock("2025-01-20T00:00:00Z")
    world.use(customer, 5, "2025-01-15T09:59:59Z")
    world.use(customer, 7, "2025-01-15T10:00:00Z")

    draft = world.draft(customer)

    assert lines(draft, "name", "quantity", "starting_at", "ending_before") == [
        ("Old name", 5, "2025-01-01T00:00:00+00:00", "2025-01-15T10:00:00+00:00"),
        ("New name", 7, "2025-01-15T10:00:00+00:00", "2025-02-01T00:00:00+00:00"),
    ]


def test_a_product_metered_anew_from_an_hour_on_bills_each_metric_for_its_part() -> None:
    world = World("2025-01-01T00:00:00Z")
    customer, card = world.customer(), world.rate_card()
    product = world.product(world.metric())
    world.rate(card, product, tiers=[(6, 1), (None, 2)])
    world.contract(customer, card)
    update(
        world, product, "2025-01-15T00:00:00Z", billable_metric_id=world.metric("COUNT", key=None)
    )
    world.clock("2025-01-20T00:00:00Z")
    world.use(customer, 5, "2025-01-10T00:00:00Z")
    world.use(customer, 9, "2025-01-16T00:00:00Z")
    world.use(customer, 9, "2025-01-17T00:00:00Z")

    # The sum of 5, then two events; the ladder goes on: 1 unit to 6, 1 above it.
    assert lines(world.draft(customer), "quantity", "unit_price") == [(5, 1), (1, 1), (1, 2)]


def test_a_change_in_the_past_changes_the_draft_but_no_final_invoice() -> None:
    world = World("2025-01-01T00:00:00Z")
    customer, card = world.customer(), world.rate_card()
    product = world.product(world.metric(), name="Old name")
    world.rate(card, product, price=2)
    world.contract(customer, card)
    world.clock("2025-02-10T00:00:00Z")

    update(world, product, "2025-01-01T00:00:00Z", name="New name")

    [final] = world.invoices(customer, status="FINALIZED")
    assert lines(final, "name") == [("Old name",)]
    assert lines(world.draft(customer), "name") == [("New name",)]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"type": "USAGE"}, "billable_metric_id: required for a USAGE product"),
        (
            {"type": "USAGE", "billable_metric_id": SOMETHING},
            f"billable_metric_id: billable metric not found: {SOMETHING}",
        ),
        (
            {"type": "COMPOSITE"},
            "composite_product_ids or composite_tags: required for a COMPOSITE product",
        ),
        (
            {"type": "COMPOSITE", "composite_product_ids": [SOMETHING]},
            f"composite_product_ids: product not found: {SOMETHING}",
        ),
        (
            {"type": "FIXED", "quantity_rounding": ROUNDING},
            "quantity_rounding: only for USAGE products",
        ),
        (
            {"type": "SUBSCRIPTION", "composite_tags": ["a"]},
            "composite_tags: only for COMPOSITE products",
        ),
    ],
)
def test_what_a_product_cannot_be(fields: Mapping[str, object], message: str) -> None:
    error = World().refused(f"{PRODUCTS}/create", {"name": "Odd", **fields})

    assert error == {"code": "InvalidArgument", "message": message}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("type", "GADGET"),
        ("name", ""),
        ("quantity_conversion", {"conversion_factor": 0, "operation": "DIVIDE"}),
        ("quantity_conversion", {"conversion_factor": 2, "operation": "ADD"}),
        ("quantity_rounding", {"rounding_method": "ROUND_UP", "decimal_places": -1}),
        ("quantity_rounding", {"rounding_method": "ROUND_UP", "decimal_places": 1.5}),
        ("tags", "a"),
        ("composite_scope", "PLANET"),
    ],
)
def test_malformed_fields_are_named(field: str, value: object) -> None:
    world = World()
    body = {"name": "Odd", "type": "USAGE", "billable_metric_id": world.metric(), field: value}

    error = world.refused(f"{PRODUCTS}/create", body)

    assert error["message"].startswith(field)
    assert listed(world) == []


@pytest.mark.parametrize("key", [["model"], ["model", "region", "team"], ["team"]])
def test_group_keys_are_one_group_key_of_the_metric(key: list[str]) -> None:
    world = World()
    metric = world.metric(groups=[["model", "region"]])
    body = {"name": "P", "type": "USAGE", "billable_metric_id": metric, "pricing_group_key": key}

    error = world.refused(f"{PRODUCTS}/create", body)

    assert "must be one group key" in error["message"]


def test_a_change_is_held_to_the_same_rules() -> None:
    world = World("2025-01-01T00:00:00Z")
    metric = world.metric(groups=[["model"]])
    product = world.product(metric, pricing_group_key=["model"])
    ungrouped = world.metric()
    change: JSON = {"product_id": product, "starting_at": "2025-02-01T00:00:00Z"}
    path = f"{PRODUCTS}/update"

    regrouped = world.refused(path, {**change, "billable_metric_id": ungrouped})
    composed = world.refused(path, {**change, "composite_tags": ["a"]})
    off_hour = world.refused(path, {**change, "starting_at": "2025-02-01T00:30:00Z"})
    nameless = world.refused(path, {**change, "name": None})
    unknown = world.refused(path, {**change, "product_id": SOMETHING}, status=404)

    assert "must be one group key" in regrouped["message"]
    assert composed["message"] == "composite_tags: only for COMPOSITE products"
    assert off_hour["message"] == "starting_at: must be on an hour boundary"
    assert "name: cannot be null" in nameless["message"]
    assert unknown == {
        "code": "ProductNotFound",
        "message": f"product not found: {SOMETHING}",
    }
    assert read(world, product)["updates"] == []


def test_archived_products_are_listed_apart_and_cannot_be_used_for_anything_new() -> None:
    world = World()
    kept, gone = world.product(type="FIXED"), world.product(world.metric())
    card = world.rate_card()

    assert world.post(f"{PRODUCTS}/archive", {"product_id": gone}) == {"id": gone}

    assert listed(world) == listed(world, "NOT_ARCHIVED") == [kept]
    assert listed(world, "ARCHIVED") == [gone]
    assert sorted(listed(world, "ALL")) == sorted([kept, gone])
    assert read(world, gone)["archived_at"] == "2025-01-01T00:00:00+00:00"
    rate = {
        "rate_card_id": card,
        "product_id": gone,
        "starting_at": "2025-01-01T00:00:00Z",
        "entitled": True,
        "rate_type": "FLAT",
        "price": 1,
    }
    error = world.refused("/v1/contract-pricing/rate-cards/addRate", rate)
    assert error["message"] == "product_id: the product is archived"
    change = {"product_id": gone, "starting_at": "2025-02-01T00:00:00Z", "name": "N"}
    world.refused(f"{PRODUCTS}/update", change)
    world.refused(f"{PRODUCTS}/archive", {"product_id": gone})
    world.refused(f"{PRODUCTS}/archive", {"product_id": SOMETHING}, status=404)


def test_rates_of_an_archived_product_go_on() -> None:
    world = World("2025-01-20T00:00:00Z")
    customer, card, product = world.customer(), world.rate_card(), world.product(world.metric())
    world.rate(card, product, price=3)
    world.contract(customer, card)
    world.post(f"{PRODUCTS}/archive", {"product_id": product})
    world.use(customer, 2, "2025-01-21T00:00:00Z")

    assert world.draft(customer)["total"] == 6


def test_pages_of_products_make_the_whole_list() -> None:
    world = World()
    made = [world.product(type="FIXED") for _ in range(3)]
    world.post(f"{PRODUCTS}/archive", {"product_id": made[1]})

    found: list[str] = []
    cursor = None
    while cursor is not None or not found:
        query = {"limit": 1} if cursor is None else {"limit": 1, "next_page": cursor}
        _, reply = world.call("POST", f"{PRODUCTS}/list", {}, query=query)
        found += [product["id"] for product in reply["data"]]
        cursor = reply["next_page"]

    # Made at the same time, so in no particular order; each once all the same.
    assert sorted(found) == sorted([made[0], made[2]])
