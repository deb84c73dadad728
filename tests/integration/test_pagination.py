"""Lists page by page: nothing is skipped or repeated, and a token fits one list only."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from backbeat.adapters.sqlite.database import Database
from backbeat_local.functions import Function
from backbeat_local.template import Template
from tests.integration.conftest import Furnished, Stage, copy_database, opened
from tests.integration.estate import CUSTOM_FIELDS, Estate
from tests.integration.examples import fill
from tests.integration.product import DEMO, Product, Reply, event

Fetch = Callable[..., Reply]

CUSTOMERS = "/v1/customers"
TARGET = "https://example.com/hook"
_TERMS = {"customer_id": "<partner_id>", "contract_id": "<terms_contract_id>"}
_SPAN = {"starting_on": "2025-01-10T00:00:00Z", "ending_before": "2025-01-16T00:00:00Z"}


@dataclass(frozen=True, slots=True)
class Listing:
    """A list. `cursor` is what its page tokens are called; some take them in the body."""

    method: str
    path: str
    body: Any = None
    in_body: bool = False
    cursor: str = "next_page"
    query: tuple[tuple[str, str], ...] = ()


LISTS: dict[str, Listing] = {
    "customers": Listing("GET", CUSTOMERS),
    "metrics": Listing("GET", "/v1/billable-metrics"),
    "metrics of a customer": Listing("GET", "/v1/customers/<customer_id>/billable-metrics"),
    "products": Listing("POST", "/v1/contract-pricing/products/list", {}),
    "rate cards": Listing("POST", "/v1/contract-pricing/rate-cards/list", {}),
    "rates": Listing(
        "POST",
        "/v1/contract-pricing/rate-cards/getRates",
        {"rate_card_id": "<rate_card_id>", "at": "2025-01-15T00:00:00Z"},
    ),
    "rate schedule": Listing(
        "POST",
        "/v1/contract-pricing/rate-cards/getRateSchedule",
        {"rate_card_id": "<rate_card_id>", "starting_at": "2025-01-15T00:00:00Z"},
    ),
    "rates of a contract": Listing(
        "POST",
        "/v1/contracts/getContractRateSchedule",
        {**_TERMS, "at": "2025-01-15T00:00:00Z"},
    ),
    "credit types": Listing("GET", "/v1/credit-types/list"),
    "packages": Listing("POST", "/v1/packages/list", {}),
    "contracts on a package": Listing(
        "POST", "/v1/packages/listContractsOnPackage", {"package_id": "<package_id>"}
    ),
    "named schedules": Listing(
        "POST", "/v1/contracts/listNamedSchedules", {"customer_id": "<partner_id>"}, in_body=True
    ),
    "seats": Listing(
        "POST",
        "/v1/contracts/getSubscriptionSeatsHistory",
        {**_TERMS, "subscription_id": "<subscription_id>"},
        in_body=True,
        cursor="cursor",
    ),
    "balances": Listing(
        "POST",
        "/v1/contracts/customerBalances/list",
        {"customer_id": "<partner_id>"},
        in_body=True,
    ),
    "commits": Listing(
        "POST", "/v1/contracts/customerCommits/list", {"customer_id": "<partner_id>"}, in_body=True
    ),
    "credits": Listing(
        "POST", "/v1/contracts/customerCredits/list", {"customer_id": "<partner_id>"}, in_body=True
    ),
    "invoices": Listing("GET", "/v1/customers/<customer_id>/invoices"),
    "breakdowns": Listing(
        "GET", "/v1/customers/<customer_id>/invoices/breakdowns", query=tuple(_SPAN.items())
    ),
    "spend": Listing(
        "POST", "/v1/customers/<customer_id>/invoices/spend-breakdowns", _SPAN, in_body=True
    ),
    "grouped usage": Listing(
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
    "seats used": Listing(
        "POST",
        "/v1/usage/seats",
        {
            "customer_id": "<customer_id>",
            "seat_metric_id": "<metric_id>",
            "window_size": "DAY",
            "usage_type": "MAX",
            **_SPAN,
        },
    ),
    "deliveries": Listing("GET", "/webhooks/deliveries"),
}


@pytest.fixture(scope="module")
def filled(
    furnished: Furnished, template: Template, functions: dict[str, Function]
) -> Iterator[Database]:
    """An estate with at least three of everything that is listed, to copy for each test."""
    database = Database(":memory:")
    with opened(template, functions, {}) as stage:
        copy_database(furnished.database, stage.database)
        stage.product.post("/webhooks/subscriptions", {"target": TARGET})
        for number in range(3):
            add_one(stage.product, furnished.estates[DEMO], number)
        # January to March are over and final.
        stage.product.post("/mock/clock", {"now": "2025-04-15T00:00:00Z"})
        copy_database(stage.database, database)
    yield database
    database.close()


@pytest.fixture
def full(estate: Estate, filled: Database, stage: Stage) -> Estate:
    copy_database(filled, stage.database)
    return estate


def add_one(product: Product, estate: Estate, number: int) -> None:
    name = f"number {number}"

    def post(path: str, body: Any) -> Any:
        reply = product.post(path, fill(body, estate.ids))
        assert reply.status == 200, (path, reply)
        return None if reply.body is None else reply.body.get("data")

    metric = post("/v1/billable-metrics/create", {"name": name, "aggregation_type": "COUNT"})
    made = post(
        "/v1/contract-pricing/products/create",
        {"name": name, "type": "USAGE", "billable_metric_id": metric["id"]},
    )
    post("/v1/contract-pricing/rate-cards/create", {"name": name})
    post(CUSTOMERS, {"name": name})
    post(
        "/v1/contract-pricing/rate-cards/addRate",
        {
            "rate_card_id": "<rate_card_id>",
            "product_id": made["id"],
            "starting_at": "2025-01-01T00:00:00Z",
            "entitled": True,
            "rate_type": "FLAT",
            "price": number,
        },
    )
    post("/mock/credit-types", {"name": name})
    post("/v1/packages/create", {"name": name, "rate_card_id": "<rate_card_id>"})
    contract = {
        "customer_id": "<customer_id>",
        "package_id": "<package_id>",
        "starting_at": "2030-01-01T00:00:00Z",
    }
    post("/v1/contracts/create", contract)
    add_terms(post, name, datetime(2025, 5, 1, tzinfo=UTC) + timedelta(days=number))
    post("/webhooks/dispatch", {"type": name})
    models = {"model": f"model {number}", "tokens": "1"}
    # When the clock has moved on, it is too old to be sent.
    product.post("/v1/ingest", [event(f"grouped-{number}", properties=models)])


def add_terms(post: Callable[[str, Any], Any], name: str, start: datetime) -> None:
    """Adds a named schedule, a seat, a commit and a credit to what the partner has."""
    starting_at, ending_before = start.isoformat(), (start + timedelta(days=30)).isoformat()
    schedule = {**_TERMS, "schedule_name": name, "starting_at": starting_at, "value": name}
    post("/v1/contracts/updateNamedSchedule", schedule)
    seat = {"starting_at": starting_at, "seat_ids": [name]}
    change = {
        "subscription_id": "<subscription_id>",
        "seat_updates": {"add_seat_ids": [seat]},
    }
    post("/v2/contracts/edit", {**_TERMS, "update_subscriptions": [change]})
    balance = {
        "customer_id": "<partner_id>",
        "name": name,
        "priority": 1,
        "product_id": "<setup_product_id>",
        "access_schedule": {
            "schedule_items": [
                {"amount": 1, "starting_at": starting_at, "ending_before": ending_before}
            ]
        },
    }
    post("/v1/contracts/customerCredits/create", balance)
    post("/v1/contracts/customerCommits/create", {**balance, "type": "PREPAID"})


def fetcher(product: Product, estate: Estate, name: str) -> Fetch:
    """Returns what asks for a page; its arguments are `limit` and `next_page`, as texts."""
    listing = LISTS[name]
    path, body = fill(listing.path, estate.ids), fill(listing.body, estate.ids)

    def fetch(token: str = DEMO, **asked: str) -> Reply:
        if "next_page" in asked:
            asked[listing.cursor] = asked.pop("next_page")
        if not listing.in_body:
            query = {**dict(listing.query), **asked}
            return product.request(listing.method, path, body, token=token, query=query)
        paging = {key: int(value) if key == "limit" else value for key, value in asked.items()}
        return product.request(listing.method, path, {**body, **paging}, token=token)

    return fetch


def identity(entry: Any) -> str:
    """Returns what stays the same of a listed thing; a draft's lines, for one, do not."""
    if "assigned_seat_ids" in entry:
        return str(entry["starting_at"])
    return f"{entry.get('id', entry)} {entry.get('breakdown_start_timestamp')}"


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
def test_small_pages_make_the_whole_list(name: str, product: Product, full: Estate) -> None:
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
    name: str, product: Product, full: Estate
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


def test_invoices_are_listed_both_ways(product: Product, full: Estate) -> None:
    path = f"{CUSTOMERS}/{full['customer_id']}/invoices"
    starts = ["2025-01-01", "2025-02-01", "2025-03-01", "2025-04-01"]

    def listed(**query: str) -> list[str]:
        found = pages(lambda **more: product.get(path, **query, **more), 1)
        return [invoice["start_timestamp"][:10] for invoice in found]

    assert listed(sort="date_asc") == starts
    assert listed(sort="date_desc") == starts[::-1]
    assert listed(status="FINALIZED") == starts[:3]


@pytest.mark.parametrize("name", LISTS)
def test_a_token_of_another_list_is_refused(name: str, product: Product, full: Estate) -> None:
    fetch = fetcher(product, full, name)
    for other in LISTS:
        if name != other:
            foreign = fetcher(product, full, other)(limit="1").body["next_page"]
            reply = fetch(next_page=foreign)
            named = LISTS[name].cursor in reply.body["message"]
            assert (reply.status, named) == (400, True), other


def test_a_token_of_other_filters_is_refused(product: Product, full: Estate) -> None:
    path = f"{CUSTOMERS}/{full['customer_id']}/invoices"
    token = product.get(path, limit="1").body["next_page"]
    assert product.get(path, limit="2", next_page=token).status == 200
    for changed in [{"status": "DRAFT"}, {"sort": "date_desc"}]:
        reply = product.get(path, next_page=token, **changed)
        assert (reply.status, "next_page" in reply.body["message"]) == (400, True)


def test_a_token_of_another_customer_is_refused(product: Product, full: Estate) -> None:
    token = product.get(f"{CUSTOMERS}/{full['customer_id']}/invoices", limit="1").body["next_page"]
    [other, *_] = [
        one["id"] for one in product.get(CUSTOMERS).data if one["id"] != full["customer_id"]
    ]
    reply = product.get(f"{CUSTOMERS}/{other}/invoices", next_page=token)
    assert (reply.status, "next_page" in reply.body["message"]) == (400, True)


OWNED = ["customers", "metrics", "products", "rate cards", "packages", "deliveries"]


@pytest.mark.parametrize("name", OWNED)
def test_a_page_token_of_another_bearer_token_is_refused(
    name: str, product: Product, full: Estate
) -> None:
    fetch = fetcher(product, full, name)
    foreign = fetch(limit="1").body["next_page"]
    reply = fetch("other", next_page=foreign)
    assert (reply.status, "next_page" in reply.body["message"]) == (400, True)


def test_usage_comes_in_pages_of_a_hundred_rows(product: Product, full: Estate) -> None:
    body = {
        "window_size": "DAY",
        "starting_on": "2025-01-01T00:00:00Z",
        "ending_before": "2025-05-01T00:00:00Z",
        "customer_ids": [full["customer_id"]],
        "billable_metrics": [{"id": full["metric_id"]}, {"id": full["tokens_metric_id"]}],
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


def test_custom_field_keys_come_in_pages_of_a_hundred(product: Product, estate: Estate) -> None:
    for number in range(100):
        product.custom_field("customer", f"key {number:03}")
    path = "/v1/customFields/listKeys"
    first = product.post(path, {})
    second = product.post(path, {}, next_page=first.body["next_page"])
    assert (len(first.data), second.body["next_page"]) == (100, None)
    listed = [(field["entity"], field["key"]) for field in [*first.data, *second.data]]
    assert listed == sorted(listed)
    assert [key for entity, key in listed if entity == "customer"][:3] == [
        *("key 000", "key 001", "key 002")
    ]
    # 100 and those of the estate.
    assert len(listed) == 100 + len(CUSTOM_FIELDS)


@pytest.mark.parametrize("name", ["breakdowns", "spend"])
def test_a_token_of_another_customers_days_is_refused(
    name: str, product: Product, full: Estate
) -> None:
    token = fetcher(product, full, name)(limit="1").body["next_page"]
    elsewhere = replace(full, ids={**full.ids, "customer_id": full["partner_id"]})
    reply = fetcher(product, elsewhere, name)(next_page=token)
    assert (reply.status, "next_page" in reply.body["message"]) == (400, True)


def test_customers_of_ids_come_in_pages(product: Product, full: Estate) -> None:
    ids = sorted(one["id"] for one in product.get(CUSTOMERS).data)
    assert len(ids) >= 3
    asked = ",".join(ids[:3])
    found = pages(lambda **more: product.get(CUSTOMERS, customer_ids=asked, **more), 1)
    assert [one["id"] for one in found] == ids[:3]
    assert product.get(CUSTOMERS, customer_ids=",".join(["x"] * 101)).status == 400


@pytest.mark.parametrize("last", range(3))
def test_there_is_no_page_after_the_last_thing_that_is_shown(
    last: int, product: Product, stage: Stage
) -> None:
    path = "/v1/contract-pricing/products"
    made = []
    for number in range(3):
        stage.clock.advance(seconds=1)
        made.append(product.post(f"{path}/create", {"name": f"{number}", "type": "FIXED"}).data)
    # What is archived is left out, wherever it stands.
    product.post(f"{path}/archive", {"product_id": made[last]["id"]})
    shown = [one["id"] for number, one in enumerate(made) if number != last]
    first = product.post(f"{path}/list", {}, limit="1")
    second = product.post(f"{path}/list", {}, limit="1", next_page=first.body["next_page"])
    assert [first.data[0]["id"], second.data[0]["id"]] == shown
    assert second.body["next_page"] is None
