"""What is wrong with a request is named, and a request that is refused changes nothing.

Since nothing changes, which each test checks, all of them share one world.
"""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.integration.conftest import Stage, nothing_changes, opened
from tests.integration.examples import EXAMPLES, WITH_BODY, Example
from tests.integration.product import Product, Reply, World, event
from tests.integration.store import WatchedStore

from backbeat_local.functions import Function
from backbeat_local.template import Template

BY_NAME = {example.name: example for example in EXAMPLES}

FREE_FORM = {"dispatch"}
"""Bodies that may hold anything, as long as they are objects."""

Place = tuple[str | int, ...]
NOBODYS = "5d4a7f0e-7f0c-4b5e-9a52-0d0d4f3c2b1a"


@pytest.fixture(scope="module")
def stage(template: Template, functions: dict[str, Function]) -> Iterator[Stage]:
    with opened(template, functions, {}) as stage:
        yield stage


@pytest.fixture(scope="module")
def world(stage: Stage) -> World:
    return World.build(stage.product, "demo")


def refused(reply: Reply, *named: str, status: int = 400) -> None:
    assert reply.status == status, reply
    for name in named:
        assert name in reply.body["message"], reply
    assert reply.body["code"]


# Bodies that are not even of the right kind


MALFORMED = ['{"name": "A"', "name=A", '{"name": NaN}', "[", '"', "nul"]
OF_NO_KIND: list[object] = ["text", 17, True, None, [[]]]
ARRAYS: list[object] = [[], [{}]]
OBJECTS: list[object] = [{}, {"name": {}}]


def texts_for(example: Example) -> list[str]:
    """Returns bodies that are no JSON, or not of the kind of the example's body."""
    others = ARRAYS if isinstance(example.body, dict) else OBJECTS
    return [*MALFORMED, *map(json.dumps, [*OF_NO_KIND, *others])]


BODIES = [
    pytest.param(example, text, id=f"{example.name} {text}")
    for example in WITH_BODY
    for text in texts_for(example)
]


@pytest.mark.parametrize(("example", "text"), BODIES)
def test_body_of_another_kind(
    example: Example, text: str, product: Product, world: World, store: WatchedStore
) -> None:
    method, path, _ = example.filled(world)
    with nothing_changes(store):
        refused(product.request(method, path, text=text))


@pytest.mark.parametrize("name", ["createCustomer-v1", "ingest-v1", "getContract-v2", "moveClock"])
def test_no_body(name: str, product: Product, world: World, store: WatchedStore) -> None:
    method, path, _ = BY_NAME[name].filled(world)
    with nothing_changes(store):
        refused(product.request(method, path))


@pytest.mark.parametrize("example", WITH_BODY, ids=lambda example: example.name)
def test_body_that_is_not_utf8(
    example: Example, product: Product, world: World, store: WatchedStore
) -> None:
    method, path, body = example.filled(world)
    text = json.dumps(body).encode() + b"\xff"
    with nothing_changes(store):
        refused(product.request(method, path, text=text), "UTF-8")


# Fields


def places(body: Any, at: Place = ()) -> Iterator[Place]:
    """Yields where the fields of a body are, but for those inside free-form objects."""
    if at:
        yield at
    if at and at[-1] in ("properties", "group_filters"):
        return
    if isinstance(body, dict):
        for name, part in body.items():
            yield from places(part, (*at, name))
    elif isinstance(body, list):
        for number, part in enumerate(body):
            yield from places(part, (*at, number))


def put(body: Any, at: Place, value: object) -> Any:
    """Returns the body with another value in one place."""
    changed = copy.deepcopy(body)
    inside = changed
    for step in at[:-1]:
        inside = inside[step]
    inside[at[-1]] = value
    return changed


def of_another_type(value: object) -> object:
    return 17 if isinstance(value, str) else {"a": 1} if isinstance(value, list) else "seventeen"


FIELDS = [
    pytest.param(example, at, id=f"{example.name} {'.'.join(map(str, at))}")
    for example in WITH_BODY
    if example.name not in FREE_FORM
    for at in places(example.body)
]


@pytest.mark.parametrize(("example", "at"), FIELDS)
def test_field_of_a_wrong_type(
    example: Example, at: Place, product: Product, world: World, store: WatchedStore
) -> None:
    method, path, body = example.filled(world)
    value = body
    for step in at:
        value = value[step]
    field = next((step for step in reversed(at) if isinstance(step, str)), "[0]")
    if example.name == "ingest-v1" and len(at) == 1:
        field = f"[{at[0]}]"
    with nothing_changes(store):
        reply = product.request(method, path, put(body, at, of_another_type(value)))
        refused(reply, field)


REQUIRED = {
    "createCustomer-v1": ["name"],
    "setIngestAliases-v1": ["ingest_aliases"],
    "setCustomerName-v1": ["name"],
    "createBillableMetricV1-v1": ["name"],
    "archiveBillableMetric-v1": ["id"],
    "updateBillableMetric-v1": ["name"],
    "getProduct-v1": ["id"],
    "createProduct-v1": ["name", "type", "billable_metric_id"],
    "getRates-v1": ["rate_card_id", "at"],
    "getRateCard-v1": ["id"],
    "createRateCard-v1": ["name"],
    "addRate-v1": ["rate_card_id", "product_id", "starting_at", "entitled", "rate_type", "price"],
    "addRates-v1": ["rate_card_id", "rates"],
    "getContract-v1": ["customer_id", "contract_id"],
    "getContract-v2": ["customer_id", "contract_id"],
    "listContracts-v1": ["customer_id"],
    "listContracts-v2": ["customer_id"],
    "createContract-v1": ["customer_id", "starting_at"],
    "getPagedUsage-v1": [
        *("customer_id", "billable_metric_id", "window_size", "starting_on", "ending_before")
    ],
    "getUsageBatch-v1": ["window_size", "starting_on", "ending_before"],
    "searchEvents-v1": ["transactionIds"],
    "setClientWebhookSecret-v1": ["webhook_secret"],
    "ingestOlder": ["usage"],
    "addTarget": ["target"],
    "moveClock": ["now"],
}


@pytest.mark.parametrize(
    ("name", "field"), [(name, field) for name, fields in REQUIRED.items() for field in fields]
)
def test_missing_field(
    name: str, field: str, product: Product, world: World, store: WatchedStore
) -> None:
    method, path, body = BY_NAME[name].filled(world)
    del body[field]
    with nothing_changes(store):
        refused(product.request(method, path, body), field)


@pytest.mark.parametrize("field", ["transaction_id", "customer_id", "event_type", "timestamp"])
def test_missing_field_of_an_event(
    field: str, product: Product, world: World, store: WatchedStore
) -> None:
    incomplete = event("new-2")
    del incomplete[field]
    with nothing_changes(store):
        refused(product.post("/v1/ingest", [event("new-1"), incomplete]), "[1]", field)
    assert product.post("/v1/events/search", {"transactionIds": ["new-1"]}).body == []


# Values

CASES: list[tuple[str, Place, object, str]] = [
    ("createCustomer-v1", ("name",), "", "name"),
    ("createCustomer-v1", ("ingest_aliases", 0), "", "ingest_aliases.0"),
    ("createCustomer-v1", ("ingest_aliases", 0), "x" * 129, "ingest_aliases.0"),
    ("createCustomer-v1", ("custom_fields", "tier"), "x" * 201, "custom_fields.tier"),
    ("createBillableMetricV1-v1", ("aggregation_type",), "AVERAGE", "aggregation_type"),
    ("createBillableMetricV1-v1", ("aggregation_key",), "minutes", "aggregation key"),
    ("createBillableMetricV1-v1", ("group_keys",), [["country"]], "Group key 'country'"),
    ("createBillableMetricV1-v1", ("group_keys",), [[]], "group_keys.0"),
    ("createBillableMetricV1-v1", ("event_type_filter", "in_values"), [], "in_values"),
    ("createBillableMetricV1-v1", ("sql",), "SELECT 1", "sql"),
    ("archiveBillableMetric-v1", ("id",), "not-a-uuid", "id"),
    ("getProduct-v1", ("id",), "not-a-uuid", "id"),
    ("createProduct-v1", ("type",), "GADGET", "type"),
    ("createProduct-v1", ("pricing_group_key",), ["color"], "pricing_group_key"),
    ("createProduct-v1", ("presentation_group_key",), ["color"], "presentation_group_key"),
    ("createRateCard-v1", ("fiat_credit_type_id",), NOBODYS, "credit_type_id"),
    ("createRateCard-v1", ("fiat_credit_type_id",), "dollars", "fiat_credit_type_id"),
    ("getRateCard-v1", ("id",), "not-a-uuid", "id"),
    ("listRateCards-v1", ("limit",), 5, "limit"),
    ("getRates-v1", ("at",), "2025-01-15", "at"),
    ("addRate-v1", ("price",), -1, "price"),
    ("addRate-v1", ("price",), "3", "price"),
    ("addRate-v1", ("price",), None, "price"),
    ("addRate-v1", ("rate_type",), "LINEAR", "rate_type"),
    ("addRate-v1", ("entitled",), "true", "entitled"),
    ("addRate-v1", ("starting_at",), "2025-02-01T00:30:00Z", "starting_at"),
    ("addRate-v1", ("starting_at",), "2025-02-01T00:00:00", "starting_at"),
    ("addRate-v1", ("starting_at",), "2025-02-30T00:00:00Z", "starting_at"),
    ("addRate-v1", ("starting_at",), "0001-01-01T00:00:00+14:00", "starting_at"),
    ("addRate-v1", ("starting_at",), "9999-12-31T23:00:00-01:00", "starting_at"),
    ("addRate-v1", ("ending_before",), "2025-02-01T00:00:00Z", "ending_before"),
    ("addRate-v1", ("ending_before",), "2025-02-01T05:00:00+05:30", "ending_before"),
    ("addRate-v1", ("credit_type_id",), NOBODYS, "credit_type_id"),
    ("addRate-v1", ("pricing_group_values",), {"model": "small"}, "pricing_group_values"),
    ("addRates-v1", ("rates",), [], "rates"),
    ("addRates-v1", ("rates", 0, "price"), -0.01, "rates.0.price"),
    ("createContract-v1", ("customer_id",), "acme", "customer_id"),
    ("createContract-v1", ("starting_at",), "2025-01-01T00:00:00", "starting_at"),
    ("createContract-v1", ("starting_at",), "2025-01-01T00:00:01Z", "starting_at"),
    ("createContract-v1", ("ending_before",), "2025-01-01T00:00:00Z", "ending_before"),
    ("createContract-v1", ("net_payment_terms_days",), -1, "net_payment_terms_days"),
    ("createContract-v1", ("uniqueness_key",), "x" * 129, "uniqueness_key"),
    ("createContract-v1", ("usage_statement_schedule", "frequency"), "DAILY", "frequency"),
    ("createContract-v1", ("usage_statement_schedule", "day"), "CUSTOM_DATE", "billing_anchor"),
    ("listContracts-v2", ("covering_date",), "2025-01-15T00:00:00Z", "covering_date"),
    ("getPagedUsage-v1", ("window_size",), "WEEK", "window_size"),
    ("getPagedUsage-v1", ("group_key",), ["region"], "group_key"),
    ("getPagedUsage-v1", ("group_filters",), {"region": ["eu"]}, "group_filters"),
    ("getPagedUsage-v1", ("current_period",), True, "current_period"),
    ("getUsageBatch-v1", ("starting_on",), "2025-01-14T01:00:00Z", "starting_on"),
    ("getUsageBatch-v1", ("ending_before",), "2025-01-14T00:00:00Z", "ending_before"),
    ("getUsageBatch-v1", ("customer_ids", 0), "acme", "customer_ids.0"),
    ("getUsageBatch-v1", ("billable_metrics", 0, "group_by", "key"), "region", "region"),
    ("searchEvents-v1", ("transactionIds",), [], "transactionIds"),
    ("setClientWebhookSecret-v1", ("webhook_secret",), "", "webhook_secret"),
    ("ingest-v1", (1, "timestamp"), "2025-01-15T10:30:00", "[1].timestamp"),
    ("ingest-v1", (1, "timestamp"), "yesterday", "[1].timestamp"),
    ("ingest-v1", (1, "timestamp"), "2024-12-12T11:59:59Z", "[1].timestamp"),
    ("ingest-v1", (1, "timestamp"), "2025-01-16T12:00:01Z", "[1].timestamp"),
    ("ingest-v1", (1, "transaction_id"), "", "[1].transaction_id"),
    ("ingest-v1", (1, "transaction_id"), "x" * 129, "[1].transaction_id"),
    ("ingest-v1", (1, "customer_id"), "", "[1].customer_id"),
    ("ingest-v1", (1, "event_type"), "", "[1].event_type"),
    ("ingest-v1", (1, "properties"), [], "[1].properties"),
    ("ingestOlder", ("usage",), [], "usage"),
    ("ingestOlder", ("usage", 0, "timestamp"), "2025-01-15T10:30:00", "usage[0].timestamp"),
    ("addTarget", ("target",), "", "target"),
    ("addTarget", ("target",), "example.com/hook", "target"),
    ("addTarget", ("target",), "ftp://example.com/hook", "target"),
    ("addTarget", ("target",), "https://", "target"),
    ("addTarget", ("target",), "https://[::1", "target"),
    ("addTarget", ("target",), "https://example.com:99999/", "target"),
    ("addTarget", ("target",), "https:example.com", "target"),
    ("addTarget", ("target",), "https://example.com\\@127.0.0.1/", "target"),
    ("addTarget", ("target",), "https://user:secret@example.com/", "target"),
    ("addTarget", ("target",), "https://example.com/" + "x" * 2048, "target"),
    ("moveClock", ("now",), "2025-01-20", "now"),
    ("moveClock", ("now",), "2025-01-20T00:00:00", "now"),
    ("moveClock", ("now",), "9999-12-31T00:00:00Z", "now"),
    ("moveClock", ("advance",), "P1D", "exactly one"),
    ("moveClock", ("system",), True, "exactly one"),
]


@pytest.mark.parametrize(
    ("name", "at", "value", "named"),
    CASES,
    ids=[f"{name} {'.'.join(map(str, at))}={str(value)[:30]!r}" for name, at, value, _ in CASES],
)
def test_bad_value(
    name: str,
    at: Place,
    value: object,
    named: str,
    product: Product,
    world: World,
    store: WatchedStore,
) -> None:
    method, path, body = BY_NAME[name].filled(world)
    with nothing_changes(store):
        refused(product.request(method, path, put(body, at, value)), named)


@pytest.mark.parametrize("count", [0, 101])
def test_batches_hold_1_to_100_events(count: int, product: Product, store: WatchedStore) -> None:
    events = [event(f"new-{number}") for number in range(count)]
    with nothing_changes(store):
        refused(product.post("/v1/ingest", events))
        refused(product.post("/v1/usage/ingest", {"usage": events}))


@pytest.mark.parametrize("number", ["1e101", "1e5000", "1e99999999999999999999", "1" * 5000])
def test_numbers_beyond_all_measure(
    number: str, product: Product, world: World, store: WatchedStore
) -> None:
    method, path, body = BY_NAME["addRate-v1"].filled(world)
    text = json.dumps({**body, "price": 12345}).replace("12345", number)
    with nothing_changes(store):
        refused(product.request(method, path, text=text))


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"advance": -1},
        {"advance": 1.5},
        {"advance": True},
        {"advance": "1 day"},
        {"advance": "P"},
        {"advance": "PT"},
        {"advance": "-P1D"},
        {"advance": "P1000Y"},
        {"advance": "P9999999999D"},
        {"advance": 10**12},
        {"now": "1969-12-31T23:59:59Z"},
        {"system": False},
        {"system": "true"},
    ],
    ids=str,
)
def test_bad_move_of_the_clock(
    body: dict[str, object], product: Product, store: WatchedStore
) -> None:
    with nothing_changes(store):
        refused(product.post("/mock/clock", body))


# Query parameters

LISTS = [example for example in EXAMPLES if "limit" in example.query]


@pytest.mark.parametrize("example", LISTS, ids=lambda example: example.name)
@pytest.mark.parametrize("limit", ["0", "101", "-1", "ten", "1e1", ""])
def test_limit_out_of_range(example: Example, limit: str, product: Product, world: World) -> None:
    method, path, body = example.filled(world)
    refused(product.request(method, path, body, query={"limit": limit}), "limit")


PAGED = [*LISTS, BY_NAME["getRates-v1"], BY_NAME["getUsageBatch-v1"], BY_NAME["getPagedUsage-v1"]]


@pytest.mark.parametrize("example", PAGED, ids=lambda example: example.name)
@pytest.mark.parametrize("token", ["", "garbage", "AAAA", "WyJhIiwiYiJd", "%00", "é"])
def test_garbage_for_a_page_token(
    example: Example, token: str, product: Product, world: World
) -> None:
    method, path, body = example.filled(world)
    refused(product.request(method, path, body, query={"next_page": token}), "next_page")


@pytest.mark.parametrize("flag", ["yes", "1", ""])
def test_flag_that_is_none(flag: str, product: Product, world: World) -> None:
    path = f"/v1/customers/{world.customer_id}/invoices"
    refused(product.get("/v1/customers", only_archived=flag), "only_archived")
    refused(product.get(path, skip_zero_qty_line_items=flag), "skip_zero_qty_line_items")
    refused(product.get(path, sort="by_name"), "sort")
    refused(product.get(path, starting_on="2025-01-01"), "starting_on")


# Tokens


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer   ", "Basic ZGVtbzo=", "demo"])
def test_missing_bearer_token(
    example: Example, header: str | None, product: Product, world: World, store: WatchedStore
) -> None:
    method, path, body = example.filled(world)
    headers = {} if header is None else {"authorization": header}
    with nothing_changes(store):
        reply = product.request(method, path, body, token=None, headers=headers)
        refused(reply, "bearer token", status=401)
