"""Every line tells why it costs what it costs, and computing it anew gives the same amount."""

from decimal import Decimal

import pytest

from tests.integration.worked.world import JSON, World


def explained(world: World, invoice: JSON) -> list[JSON]:
    """Returns the explanation of each line; all of them reproduce their amounts."""
    index = world.get(f"/mock/explain/{invoice['id']}")
    assert index["sum_of_lines"] == index["total"] == invoice["total"]
    found = [world.get(line["explanation"]) for line in index["line_items"]]
    for one in found:
        assert one["matches"] is True, one
        assert one["computed"]["total"] == one["line_item"]["total"]
    return found


def step(explanation: JSON, name: str) -> JSON:
    [found] = [one for one in explanation["arithmetic"] if one["name"] == name]
    found_step: JSON = found
    return found_step


def test_from_the_event_to_its_cent() -> None:
    world = World()
    customer, card = world.customer("acme"), world.rate_card(name="List 2025")
    metric = world.metric(groups=[["model"]])
    product = world.product(
        metric,
        pricing_group_key=["model"],
        quantity_conversion={"conversion_factor": 1000, "operation": "DIVIDE"},
        quantity_rounding={"rounding_method": "ROUND_UP", "decimal_places": 1},
    )
    world.rate(card, product, price=1, pricing_group_values={"model": "big"})
    world.rate(
        card, product, price=3, pricing_group_values={"model": "big"}, start="2025-01-10T00:00:00Z"
    )
    world.contract(customer, card)
    world.clock("2025-01-20T00:00:00Z")
    for id_, key, value, at, model in (
        ("one", customer, 1050, "2025-01-05T10:00:00Z", "big"),
        ("two", "acme", 1000, "2025-01-12T10:00:00Z", "big"),
        ("three", "acme", 1500, "2025-01-13T10:00:00Z", "big"),
        ("other", "acme", 7, "2025-01-13T10:00:00Z", "small"),
    ):
        world.use(key, value, at, id=id_, model=model)

    first, second = explained(world, world.draft(customer))

    # 1050 ÷ 1000 = 1.05 → 1.1 at 1; 3550 ÷ 1000 = 3.55 → 3.6, so 2.5 more at 3.
    assert (first["line_item"]["quantity"], first["line_item"]["total"]) == (
        Decimal("1.1"),
        Decimal("1.1"),
    )
    assert (second["line_item"]["quantity"], second["line_item"]["total"]) == (
        Decimal("2.5"),
        Decimal("7.5"),
    )
    assert [
        (
            event["transaction_id"],
            event["customer_id"],
            event["contribution"],
            event["running_total"],
        )
        for event in second["events"]["data"]
    ] == [("two", "acme", 1000, 2050), ("three", "acme", 1500, 3550)]
    assert (second["events"]["count"], second["events"]["contribution"]) == (2, 2500)
    assert second["metric"]["id"] == metric
    assert second["group"] == {"model": "big"}
    assert second["rate"]["source"] == "list_rate"
    assert second["rate"]["rate_card"] == {"id": card, "name": "List 2025"}
    assert (second["rate"]["list_rate"]["sequence"], second["rate"]["list_rate"]["price"]) == (2, 3)
    assert second["rate"]["list_rate"]["starting_at"] == "2025-01-10T00:00:00+00:00"
    assert [one["name"] for one in second["arithmetic"]] == [
        "select",
        "count",
        "convert",
        "round",
        "quantity",
        "list rate",
        "amount",
    ]
    assert step(second, "count")["value"] == 2500
    assert step(second, "quantity")["text"] == "3.6 - 1.1 = 2.5 units"
    assert step(second, "amount")["text"] == "2.5 × 3 = 7.5 USD (cents)"


def test_a_final_line_leaves_out_what_came_later() -> None:
    world = World()
    customer, product, card = world.customer(), world.product(world.metric()), world.rate_card()
    world.rate(card, product, price=2)
    contract = world.contract(customer, card)
    world.clock("2025-01-20T00:00:00Z")
    world.use(customer, 10, "2025-01-19T00:00:00Z", id="in time")
    world.clock("2025-02-03T00:00:00Z")
    world.use(customer, 5, "2025-01-30T00:00:00Z", id="late")
    # Terms made afterwards change nothing either.
    world.rate(card, product, price=100)
    override = {
        "type": "MULTIPLIER",
        "multiplier": 0.5,
        "starting_at": "2025-01-01T00:00:00Z",
        "override_specifiers": [{"product_id": product}],
    }
    edit = {"customer_id": customer, "contract_id": contract, "add_overrides": [override]}
    world.post("/v2/contracts/edit", edit)

    [final] = world.invoices(customer, status="FINALIZED")
    [told] = explained(world, final)

    assert [event["transaction_id"] for event in told["events"]["data"]] == ["in time"]
    assert told["late_events"]["count"] == 1
    assert told["late_events"]["first"][0]["transaction_id"] == "late"
    assert told["rate"]["list_rate"]["price"] == 2
    # 10 × 2
    assert told["computed"]["total"] == 20


def test_a_period_that_was_final_at_once() -> None:
    world = World("2025-02-10T00:00:00Z")
    customer, product, card = world.customer(), world.product(world.metric()), world.rate_card()
    world.rate(card, product, price=2)
    world.use(customer, 10, "2025-01-19T00:00:00Z", id="before")
    # Received and finalized at the same instant: the clock stands still.
    world.contract(customer, card)
    world.use(customer, 3, "2025-01-20T00:00:00Z", id="after")
    [final] = world.invoices(customer, status="FINALIZED")
    assert final["total"] == 20
    index = world.get(f"/mock/explain/{final['id']}")
    told = world.get(index["line_items"][0]["explanation"])
    # Which of the two came first cannot be told from equal times, and it says so.
    assert told["matches"] is False
    assert told["events"]["count"] in (0, 2)


def test_tiers_overrides_and_their_steps() -> None:
    world = World()
    customer, product, card = world.customer(), world.product(world.metric()), world.rate_card()
    world.rate(card, product, tiers=[(10, 100), (None, 50)])
    world.contract(
        customer,
        card,
        overrides=[
            {
                "type": "MULTIPLIER",
                "multiplier": 0.5,
                "starting_at": "2025-01-01T00:00:00Z",
                "override_specifiers": [{"product_id": product}],
            }
        ],
    )
    world.clock("2025-01-20T00:00:00Z")
    world.use(customer, 15, "2025-01-19T00:00:00Z")
    first, second = explained(world, world.draft(customer))
    # 10 × 100 × 0.5 and 5 × 50 × 0.5
    assert [one["computed"]["total"] for one in (first, second)] == [500, 125]
    assert second["rate"]["source"] == "override"
    assert second["rate"]["override"]["multiplier"] == Decimal("0.5")
    assert step(second, "tier")["value"] == 5
    assert step(second, "override")["value"] == 25


@pytest.mark.parametrize(
    ("aggregation", "contributions"),
    [
        ("MAX", [3, 4, 0, 2]),
        ("LATEST", [3, 4, -2, 4]),
        ("UNIQUE", [1, 1, 1, 1]),
        ("COUNT", [1] * 4),
    ],
)
def test_each_events_part_in_other_aggregations(aggregation: str, contributions: list[int]) -> None:
    world = World()
    customer, card = world.customer(), world.rate_card()
    metric = world.metric(aggregation, key=None if aggregation == "COUNT" else "value")
    world.rate(card, world.product(metric), price=100)
    world.contract(customer, card)
    world.clock("2025-01-20T00:00:00Z")
    for day, value in enumerate((3, 7, 5, 9), start=1):
        world.use(customer, value, f"2025-01-0{day}T00:00:00Z")
    [told] = explained(world, world.draft(customer))
    assert [event["contribution"] for event in told["events"]["data"]] == contributions
    assert told["events"]["contribution"] == sum(contributions)


def test_duplicates_and_what_does_not_pass_have_no_part() -> None:
    world = World()
    customer, product, card = world.customer(), world.product(world.metric()), world.rate_card()
    world.rate(card, product, price=2)
    world.contract(customer, card)
    world.clock("2025-01-20T00:00:00Z")
    world.use(customer, 10, "2025-01-19T00:00:00Z", id="same")
    world.use(customer, 999, "2025-01-19T00:00:00Z", id="same")
    world.use(customer, 5, "2025-01-19T00:00:00Z", event_type="other")
    world.use(customer, "abc", "2025-01-19T00:00:00Z")
    [told] = explained(world, world.draft(customer))
    assert [event["contribution"] for event in told["events"]["data"]] == [10]


def test_events_come_in_pages() -> None:
    world = World()
    customer, product, card = world.customer(), world.product(world.metric()), world.rate_card()
    world.rate(card, product, price=2)
    world.contract(customer, card)
    world.clock("2025-01-20T00:00:00Z")
    for number in range(5):
        world.use(customer, 1, "2025-01-19T00:00:00Z", id=f"event {number}")
    [line] = world.get(f"/mock/explain/{world.draft(customer)['id']}")["line_items"]
    seen: list[str] = []
    query: dict[str, object] = {"limit": 2}
    while True:
        page = world.get(line["explanation"], **query)
        assert (page["events"]["count"], page["matches"]) == (5, True)
        seen += [event["transaction_id"] for event in page["events"]["data"]]
        if page["events"]["next_page"] is None:
            break
        query["next_page"] = page["events"]["next_page"]
    assert seen == [f"event {number}" for number in range(5)]


def test_scheduled_and_regenerated_lines() -> None:
    world = World()
    customer, product, card = world.customer(), world.product(world.metric()), world.rate_card()
    world.rate(card, product, price=2)
    item = {"timestamp": "2025-01-15T00:00:00Z", "amount": 700}
    fee = {"product_id": world.product(type="FIXED"), "schedule": {"schedule_items": [item]}}
    world.contract(customer, card, scheduled_charges=[fee])
    world.clock("2025-01-20T00:00:00Z")
    world.use(customer, 10, "2025-01-19T00:00:00Z")
    world.clock("2025-02-03T00:00:00Z")
    world.use(customer, 5, "2025-01-30T00:00:00Z")
    charge, usage = world.invoices(customer, status="FINALIZED")
    [told] = explained(world, charge)
    assert told["computed"]["total"] == 700
    assert "contract bills on this date" in told["arithmetic"][0]["text"]
    world.clock("2025-02-04T00:00:00Z")
    world.post("/v1/invoices/void", {"id": usage["id"]})
    new_id = world.post("/v1/invoices/regenerate", {"id": usage["id"]})["id"]
    [told] = explained(world, world.get(f"/v1/customers/{customer}/invoices/{new_id}"))
    # (10 + 5) × 2
    assert told["computed"]["total"] == 30
    explained(world, world.get(f"/v1/customers/{customer}/invoices/{usage['id']}"))


def test_what_is_unknown_is_not_found() -> None:
    world = World()
    customer, card = world.customer(), world.rate_card()
    world.rate(card, world.product(world.metric()), price=1)
    world.contract(customer, card)
    draft = world.draft(customer)
    assert world.call("GET", f"/mock/explain/{customer}")[0] == 404
    assert world.call("GET", f"/mock/explain/{draft['id']}/{customer}")[0] == 404
    other = world.call("GET", f"/mock/explain/{draft['id']}", token="somebody else")
    assert other[0] == 404
