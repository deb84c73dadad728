"""Lists page by page: nothing is skipped or repeated, and a token fits one list only."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.integration.product import DEMO, Product, Reply, World, event

Fetch = Callable[..., Reply]

CUSTOMERS = "/v1/customers"
TARGET = "https://example.com/hook"

LISTS: dict[str, tuple[str, str, Any]] = {
    "customers": ("GET", CUSTOMERS, None),
    "metrics": ("GET", "/v1/billable-metrics", None),
    "products": ("POST", "/v1/contract-pricing/products/list", {}),
    "rate cards": ("POST", "/v1/contract-pricing/rate-cards/list", {}),
    "rates": (
        "POST",
        "/v1/contract-pricing/rate-cards/getRates",
        {"rate_card_id": "<rate_card_id>", "at": "2025-01-15T00:00:00Z"},
    ),
    "credit types": ("GET", "/v1/credit-types/list", None),
    "invoices": ("GET", "/v1/customers/<customer_id>/invoices", None),
    "grouped usage": (
        "POST",
        "/v1/usage/groups",
        {
            "customer_id": "<customer_id>",
            "billable_metric_id": "<tokens_metric_id>",
            "window_size": "HOUR",
            "starting_on": "2025-01-15T00:00:00Z",
            "ending_before": "2025-01-16T00:00:00Z",
            "group_key": ["model"],
        },
    ),
    "deliveries": ("GET", "/webhooks/deliveries", None),
}


@pytest.fixture
def full(product: Product, world: World) -> World:
    """A world with at least three of everything that is listed."""
    product.post("/webhooks/subscriptions", {"target": TARGET})
    for number in range(3):
        add_one(product, world, number)
    # January to March are over and final.
    product.post("/mock/clock", {"now": "2025-04-15T00:00:00Z"})
    return world


def add_one(product: Product, world: World, number: int) -> None:
    name = f"number {number}"
    metric = {"name": name, "aggregation_type": "COUNT"}
    metric_id = product.post("/v1/billable-metrics/create", metric).data["id"]
    made = product.post(
        "/v1/contract-pricing/products/create",
        {"name": name, "type": "USAGE", "billable_metric_id": metric_id},
    ).data["id"]
    card = product.post("/v1/contract-pricing/rate-cards/create", {"name": name})
    customer = product.post(CUSTOMERS, {"name": name})
    rate = product.post(
        "/v1/contract-pricing/rate-cards/addRate",
        {
            "rate_card_id": world.rate_card_id,
            "product_id": made,
            "starting_at": "2025-01-01T00:00:00Z",
            "entitled": True,
            "rate_type": "FLAT",
            "price": number,
        },
    )
    sent = product.post("/webhooks/dispatch", {"type": name})
    assert {reply.status for reply in (card, customer, rate, sent)} == {200}
    models = {"model": f"model {number}", "tokens": "1"}
    product.post("/v1/ingest", [event(f"grouped-{number}", properties=models)])


def fetcher(product: Product, world: World, name: str) -> Fetch:
    method, path, body = LISTS[name]
    path = path.replace("<customer_id>", world.customer_id)
    if body is not None:
        known = {f"<{field}>": getattr(world, field) for field in World.__slots__}
        body = {field: known.get(str(value), value) for field, value in body.items()}

    def fetch(token: str = DEMO, **query: str) -> Reply:
        return product.request(method, path, body, token=token, query=query)

    return fetch


def identity(entry: Any) -> str:
    """Returns what stays the same of a listed thing; a draft's lines, for one, do not."""
    return str(entry.get("id", entry))


def pages(fetch: Fetch, limit: int, between: Callable[[], None] = lambda: None) -> list[Any]:
    """Returns everything listed, going through it by pages of this size."""
    reply = fetch(limit=str(limit))
    found = list(reply.data)
    while reply.body["next_page"] is not None:
        assert len(reply.data) == limit
        between()
        reply = fetch(limit=str(limit), next_page=reply.body["next_page"])
        found += reply.data
    return found


@pytest.mark.parametrize("name", LISTS)
def test_small_pages_make_the_whole_list(name: str, product: Product, full: World) -> None:
    fetch = fetcher(product, full, name)
    whole = fetch()
    assert whole.body["next_page"] is None
    assert len(whole.data) >= 3
    assert pages(fetch, 1) == whole.data
    assert pages(fetch, 2) == whole.data
    # A page that ends with the list has no next one.
    assert fetch(limit=str(len(whole.data))).body["next_page"] is None


@pytest.mark.parametrize("name", LISTS)
def test_what_is_added_between_pages_disturbs_nothing(
    name: str, product: Product, full: World
) -> None:
    fetch = fetcher(product, full, name)
    before = [identity(entry) for entry in fetch().data]
    numbers = iter(range(100, 200))

    def add() -> None:
        # A list that grows at its end would never end otherwise.
        if (number := next(numbers)) < 103:
            add_one(product, full, number)

    walked = [identity(entry) for entry in pages(fetch, 1, between=add)]
    assert [entry for entry in walked if entry in before] == before
    assert len(walked) == len(set(walked))


def test_invoices_are_listed_both_ways(product: Product, full: World) -> None:
    path = f"{CUSTOMERS}/{full.customer_id}/invoices"
    starts = ["2025-01-01", "2025-02-01", "2025-03-01", "2025-04-01"]

    def listed(**query: str) -> list[str]:
        found = pages(lambda **more: product.get(path, **query, **more), 1)
        return [invoice["start_timestamp"][:10] for invoice in found]

    assert listed(sort="date_asc") == starts
    assert listed(sort="date_desc") == starts[::-1]
    assert listed(status="FINALIZED") == starts[:3]


@pytest.mark.parametrize("name", LISTS)
def test_a_token_of_another_list_is_refused(name: str, product: Product, full: World) -> None:
    fetch = fetcher(product, full, name)
    for other in LISTS:
        if name != other:
            foreign = fetcher(product, full, other)(limit="1").body["next_page"]
            reply = fetch(next_page=foreign)
            assert (reply.status, "next_page" in reply.body["message"]) == (400, True), other


def test_a_token_of_other_filters_is_refused(product: Product, full: World) -> None:
    path = f"{CUSTOMERS}/{full.customer_id}/invoices"
    token = product.get(path, limit="1").body["next_page"]
    assert product.get(path, limit="2", next_page=token).status == 200
    for changed in [{"status": "DRAFT"}, {"sort": "date_desc"}]:
        reply = product.get(path, next_page=token, **changed)
        assert (reply.status, "next_page" in reply.body["message"]) == (400, True)


def test_a_token_of_another_customer_is_refused(product: Product, full: World) -> None:
    token = product.get(f"{CUSTOMERS}/{full.customer_id}/invoices", limit="1").body["next_page"]
    [other, *_] = [
        one["id"] for one in product.get(CUSTOMERS).data if one["id"] != full.customer_id
    ]
    reply = product.get(f"{CUSTOMERS}/{other}/invoices", next_page=token)
    assert (reply.status, "next_page" in reply.body["message"]) == (400, True)


OWNED = ["customers", "metrics", "products", "rate cards", "deliveries"]


@pytest.mark.parametrize("name", OWNED)
def test_a_page_token_of_another_bearer_token_is_refused(
    name: str, product: Product, full: World
) -> None:
    fetch = fetcher(product, full, name)
    foreign = fetch(limit="1").body["next_page"]
    World.build(product, "other")
    reply = fetch("other", next_page=foreign)
    assert (reply.status, "next_page" in reply.body["message"]) == (400, True)


def test_usage_comes_in_pages_of_a_hundred_rows(product: Product, full: World) -> None:
    body = {
        "window_size": "DAY",
        "starting_on": "2025-01-01T00:00:00Z",
        "ending_before": "2025-05-01T00:00:00Z",
        "customer_ids": [full.customer_id],
        "billable_metrics": [{"id": full.metric_id}, {"id": full.tokens_metric_id}],
    }
    first = product.post("/v1/usage", body)
    second = product.post("/v1/usage", body, next_page=first.body["next_page"])
    third = product.post("/v1/usage", body, next_page=second.body["next_page"])
    # 120 days of two metrics.
    assert [len(reply.data) for reply in (first, second, third)] == [100, 100, 40]
    assert third.body["next_page"] is None
    rows = [*first.data, *second.data, *third.data]
    assert len({(row["billable_metric_id"], row["start_timestamp"]) for row in rows}) == 240
    foreign = {**body, "billable_metrics": None}
    assert product.post("/v1/usage", foreign, next_page=first.body["next_page"]).status == 400
