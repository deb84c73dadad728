"""Invoices by hour and day, and spend before credits."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.worked.world import JSON, World, lines

JANUARY = {"starting_on": "2025-01-01T00:00:00Z", "ending_before": "2025-02-01T00:00:00Z"}


def rows(world: World, customer: str, **query: object) -> Iterator[JSON]:
    """Yields the rows of a breakdown, page after page."""
    following: dict[str, object] = {}
    while True:
        status, reply = world.call(
            "GET",
            f"/v1/customers/{customer}/invoices/breakdowns",
            query={**JANUARY, **query, **following},
        )
        assert status == 200, reply
        yield from reply["data"]
        if reply["next_page"] is None:
            return
        following = {"next_page": reply["next_page"]}


def spend(world: World, customer: str, **body: object) -> list[JSON]:
    path = f"/v1/customers/{customer}/invoices/spend-breakdowns"
    found: list[JSON] = world.post(path, {**JANUARY, **body})
    return found


def priced(world: World, *, start: str = "2025-01-01T00:00:00Z", **rate: Any) -> str:
    """Returns a customer who pays for a metric grouped by team."""
    customer, card = world.customer(), world.rate_card()
    metric = world.metric(groups=[["team"]])
    world.rate(card, world.product(metric), **(rate or {"price": 2}))
    world.contract(customer, card, start)
    return customer


def test_windows_are_utc_hours_cut_at_the_period() -> None:
    world = World("2025-01-15T00:00:00Z")
    customer = priced(world, start="2025-01-14T06:00:00Z")
    world.use(customer, 3, "2025-01-14T06:59:59Z", team="a")
    world.use(customer, 4, "2025-01-14T07:00:00Z", team="a")

    [first, second, *_] = list(rows(world, customer, ending_before="2025-01-16T00:00:00Z"))
    assert (first["breakdown_start_timestamp"], first["breakdown_end_timestamp"]) == (
        "2025-01-14T06:00:00+00:00",
        "2025-01-15T00:00:00+00:00",
    )
    # (3 + 4) × 2
    assert (first["total"], second["total"]) == (14, 0)
    span = {"starting_on": "2025-01-14T06:00:00Z", "ending_before": "2025-01-14T08:30:00Z"}
    hours = list(rows(world, customer, window_size="hour", **span))
    # The window from 08:00 does not lie wholly inside.
    assert [row["total"] for row in hours] == [6, 8]
    assert {row["id"] for row in hours} == {world.draft(customer)["id"]}


@pytest.mark.parametrize(("size", "most", "all_of_them"), [("day", 35, 59), ("hour", 24, 72)])
def test_pages_cover_35_days_or_24_hours(size: str, most: int, all_of_them: int) -> None:
    world = World()
    customer = priced(world)
    world.clock("2025-03-05T00:00:00Z")
    end = {"day": "2025-03-01T00:00:00Z", "hour": "2025-01-04T00:00:00Z"}[size]
    query = {**JANUARY, "ending_before": end, "window_size": size}
    path = f"/v1/customers/{customer}/invoices/breakdowns"

    first = world.get(path, **query)
    walked = list(rows(world, customer, **query))
    one_by_one = list(rows(world, customer, **query, limit=1))
    backwards = list(rows(world, customer, **query, sort="date_desc"))

    assert (len(first), len(walked)) == (most, all_of_them)
    assert walked == one_by_one == backwards[::-1]
    starts = [row["breakdown_start_timestamp"] for row in walked]
    assert starts == sorted(starts)


def test_a_page_token_belongs_to_its_request() -> None:
    world = World()
    customer = priced(world)
    path = f"/v1/customers/{customer}/invoices/breakdowns"
    _, reply = world.call("GET", path, query={**JANUARY, "limit": 1})
    query = {**JANUARY, "window_size": "hour", "next_page": reply["next_page"]}
    assert world.call("GET", path, query=query)[0] == 400


@pytest.mark.parametrize(
    "query",
    [
        {"ending_before": "2025-02-01T00:00:00Z"},
        {**JANUARY, "window_size": "none"},
        {**JANUARY, "limit": 0},
        {**JANUARY, "limit": 101},
        {"starting_on": "2025-02-01T00:00:00Z", "ending_before": "2025-01-01T00:00:00Z"},
    ],
)
def test_bad_queries_are_refused(query: JSON) -> None:
    world = World()
    path = f"/v1/customers/{world.customer()}/invoices/breakdowns"
    assert world.call("GET", path, query=query)[0] == 400


def test_void_invoices_have_no_breakdown_and_their_successors_do() -> None:
    world = World()
    customer = priced(world)
    world.clock("2025-01-10T00:00:00Z")
    world.use(customer, 5, "2025-01-09T00:00:00Z", team="a")
    world.clock("2025-02-03T00:00:00Z")
    [final] = world.invoices(customer, status="FINALIZED")
    world.post("/v1/invoices/void", {"id": final["id"]})
    assert list(rows(world, customer)) == []
    assert list(rows(world, customer, status="VOID")) == []
    new_id = world.post("/v1/invoices/regenerate", {"id": final["id"]})["id"]
    again = list(rows(world, customer, skip_zero_qty_line_items="true"))
    assert {row["id"] for row in again} == {new_id}
    # 5 × 2
    assert sum(row["total"] for row in again) == 10
    assert [row["breakdown_start_timestamp"] for row in again if row["line_items"]] == [
        "2025-01-09T00:00:00+00:00"
    ]


def test_rates_and_rounding_change_in_the_middle_of_a_window() -> None:
    world = World()
    customer, card = world.customer(), world.rate_card()
    rounding = {"rounding_method": "ROUND_UP", "decimal_places": 0}
    product = world.product(world.metric(), quantity_rounding=rounding)
    world.rate(card, product, price=10)
    world.rate(card, product, price=20, start="2025-01-02T12:00:00Z")
    world.contract(customer, card)
    world.clock("2025-01-04T00:00:00Z")
    for value, at in [("0.4", "01T10"), ("0.4", "02T10"), ("1.3", "02T13"), ("0.2", "03T10")]:
        world.use(customer, value, f"2025-01-{at}:00:00Z")

    first, second, third, *_ = list(rows(world, customer))

    # Running totals 0.4, 0.8, 2.1, 2.3, rounded up 1, 1, 3, 3: the quantities are 1, 0, 2, 0.
    assert lines(first, "quantity", "total") == [(1, 10)]
    assert lines(second, "quantity", "unit_price", "total") == [(0, 10, 0), (2, 20, 40)]
    assert lines(third, "quantity", "total") == [(0, 0)]
    assert world.draft(customer)["total"] == 50


def test_spend_is_sliced_by_any_property() -> None:
    world = World()
    customer, card = world.customer(), world.rate_card()
    metric = world.metric(groups=[["model", "team"], ["user"]])
    product = world.product(metric, pricing_group_key=["model"], presentation_group_key=["team"])
    for model, price in (("big", 10), ("small", 1)):
        world.rate(card, product, price=price, pricing_group_values={"model": model})
    world.contract(customer, card)
    world.clock("2025-01-03T00:00:00Z")
    for value, model, team, user in (
        (1, "big", "red", "ann"),
        (2, "big", "blue", "ann"),
        (4, "small", "red", "bob"),
    ):
        world.use(customer, value, "2025-01-02T05:00:00Z", model=model, team=team, user=user)

    def sliced(**body: object) -> list[tuple[Any, ...]]:
        [row] = spend(world, customer, window_size="none", **body)
        assert "total" not in row
        return sorted(
            (
                tuple(sorted({**line.get("presentation_group_values", {})}.items())),
                line["pricing_group_values"]["model"],
                line["total"],
            )
            for line in row["line_items"]
        )

    assert sliced() == [
        ((("team", "blue"),), "big", 20),
        ((("team", "red"),), "big", 10),
        ((("team", "red"),), "small", 4),
    ]
    assert sliced(group_keys=["user"]) == [
        ((("user", "ann"),), "big", 30),
        ((("user", "bob"),), "small", 4),
    ]
    assert sliced(group_keys=[]) == [((), "big", 30), ((), "small", 4)]
    only_ann = sliced(group_keys=["user"], group_filters={"user": ["ann"]})
    assert only_ann == [((("user", "ann"),), "big", 30)]
    path = f"/v1/customers/{customer}/invoices/spend-breakdowns"
    world.refused(path, {**JANUARY, "group_keys": ["nobody"]})
    world.refused(path, {**JANUARY, "group_filters": {"user": ["ann"]}})
    world.refused(path, {**JANUARY, "surplus": 1})
    world.refused(path, {**JANUARY, "window_size": "hour"})


def test_spend_on_tiers_keeps_the_default_keys() -> None:
    world = World()
    customer = priced(world, tiers=[(5, 0), (None, 1)])
    world.clock("2025-01-03T00:00:00Z")
    for team in ("a", "b"):
        world.use(customer, 4, "2025-01-02T00:00:00Z", team=team)
    [row] = spend(world, customer, window_size="NONE", group_keys=["team"])
    # One ladder for all 8: 5 × 0 and 3 × 1.
    assert lines(row, "quantity", "total", "presentation_group_values") == [
        (5, 0, None),
        (3, 3, None),
    ]


def test_daily_spend_comes_in_pages() -> None:
    world = World()
    customer = priced(world)
    path = f"/v1/customers/{customer}/invoices/spend-breakdowns"
    body = {**JANUARY, "limit": 20}
    _, first = world.call("POST", path, body)
    _, second = world.call("POST", path, {**body, "next_page": first["next_page"]})
    starts = [row["breakdown_start_timestamp"] for row in (*first["data"], *second["data"])]
    assert (len(starts), len(set(starts)), second["next_page"]) == (31, 31, None)
