"""Every reply of every built operation against the documented API and the official SDK.

The cases are beside, in `replies`, by the function that answers. A test fails while a built
operation is without a success or without a refusal.
"""

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator
from metronome import APIResponseValidationError

from backbeat import bootstrap
from backbeat.adapters.clock import FrozenClock
from backbeat.api.operations import BY_ID, OPERATIONS
from backbeat.api.reply_forms import SCHEMAS
from backbeat.api.reply_objects import OBJECTS
from backbeat.config import Config
from backbeat_local.http_events import HttpReply, HttpRequest
from tests.contract.function_api import FunctionApi
from tests.contract.openapi import openapi
from tests.contract.replies import (
    balances,
    catalog,
    contracts,
    customers,
    ingest,
    invoices,
    notifications,
    settings,
    usage,
)
from tests.contract.replies.cases import Refusal, Success
from tests.contract.replies.invoices import FEBRUARY
from tests.contract.replies.usage import seats_of, usage_of
from tests.contract.replies.world import START, World, populated, schedule

NOW: Final = datetime(2025, 3, 10, 12, tzinfo=UTC)

_PARTS: Final = (
    balances,
    catalog,
    contracts,
    customers,
    ingest,
    invoices,
    notifications,
    settings,
    usage,
)

SUCCESSES: Final[list[Success]] = [case for part in _PARTS for case in part.SUCCESSES]
REFUSALS: Final[list[Refusal]] = [case for part in _PARTS for case in part.REFUSALS]

ALWAYS_REFUSED: Final = {"chargeSeats-v1"}
"""What belongs to legacy plans, which no customer has."""

NEVER_REFUSED: Final = {
    *("deleteStripeBillingSettings-v1", "listSystemNotificationConfigs-v2", "getServices-v1"),
}
"""What has no input, and works twice."""


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    config = Config.model_validate(
        {
            "BACKBEAT_STATE": ":memory:",
            "BACKBEAT_SANDBOX": "on",
            "BACKBEAT_TOKENS": "open",
            "BACKBEAT_WEBHOOK_TARGETS": "any",
        }
    )
    with bootstrap.using(bootstrap.build(config, clock=FrozenClock(NOW))):
        yield populated(FunctionApi(), f"test-{uuid.uuid4()}")


def test_no_operation_is_left_out() -> None:
    every = {operation.id for operation in OPERATIONS}
    assert {case.operation for case in SUCCESSES} == every - ALWAYS_REFUSED
    assert {case.operation for case in REFUSALS} == every - NEVER_REFUSED


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"name": None}, "$.data.name: None is not of type 'string'"),
        ({"created_at": "2025-03-10"}, "$.data.created_at: '2025-03-10' is not a 'date-time'"),
        ({"nickname": "A"}, "('nickname' was unexpected)"),
        ({"external_id": ...}, "'external_id' is a required property"),
    ],
)
def test_a_wrong_reply_is_noticed(change: dict[str, Any], problem: str, world: World) -> None:
    operation = BY_ID["getCustomer-v1"]
    path = {"customer_id": world.customer}
    customer = world.api.call(operation.id, token=world.token, path=path).body["data"]
    changed = {name: v for name, v in {**customer, **change}.items() if v is not ...}
    [found] = openapi().problems(operation, 200, json.dumps({"data": changed}).encode())
    assert problem in found


LEFT_OUT: Final[list[tuple[str, str]]] = [
    ("getCustomer-v1: ", "external_id"),
    ("getInvoice-v1: draft of every", "line_items.0.credit_type.id"),
    ("getInvoice-v1: finalized, of every", "line_items.0.type"),
    ("listInvoices-v1: all", "0.total"),
    ("getContract-v2: ", "usage_statement_schedule.frequency"),
    ("getProduct-v1: ", "current.name"),
]
"""Something that the SDK's models require, by the beginning of the name of a case."""


@pytest.mark.parametrize(("begins", "field"), LEFT_OUT, ids=str)
def test_a_reply_that_the_sdk_cannot_read_is_noticed(
    begins: str, field: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = next(one for one in SUCCESSES if str(one).startswith(begins))
    operation, handle = BY_ID[case.operation], world.api.handle

    def lacking(request: HttpRequest) -> HttpReply:
        reply = handle(request)
        if world.api.answers[-1].operation is not operation:
            return reply
        body = json.loads(reply.body)
        *outer, last = [int(step) if step.isdigit() else step for step in field.split(".")]
        inside = body["data"]
        for step in outer:
            inside = inside[step]
        del inside[last]
        return replace(reply, body=json.dumps(body).encode())

    monkeypatch.setattr(world.api, "handle", lacking)
    with pytest.raises(APIResponseValidationError):
        case.call(world)


@pytest.mark.parametrize("case", SUCCESSES, ids=str)
def test_a_success_has_the_documented_form(case: Success, world: World) -> None:
    # A reply without something that the SDK's models require raises here.
    case.call(world)
    answer = world.api.answers[-1]
    assert (answer.operation, answer.status) == (BY_ID[case.operation], 200)
    assert openapi().problems(BY_ID[case.operation], 200, answer.content) == []


@pytest.fixture(scope="module")
def own_document(world: World) -> Any:
    return world.api.send("GET", "/openapi.json", token=None).body


@pytest.mark.parametrize("case", [one for one in SUCCESSES if one.operation in SCHEMAS], ids=str)
def test_a_success_has_the_form_that_the_own_document_says(
    case: Success, world: World, own_document: Any
) -> None:
    case.call(world)
    answer = world.api.answers[-1]
    schema = {**SCHEMAS[case.operation], "components": own_document["components"]}
    Draft202012Validator(schema).validate(json.loads(answer.content))


def test_what_the_own_document_says_is_used(own_document: Any) -> None:
    text = json.dumps(own_document)
    assert [name for name in OBJECTS if f'"#/components/schemas/{name}"' not in text] == []


@pytest.mark.parametrize("case", REFUSALS, ids=str)
def test_a_refusal_says_what_is_wrong(case: Refusal, world: World) -> None:
    answer = world.api.call(case.operation, token=world.token, **case.request(world))
    assert (answer.operation, answer.status) == (BY_ID[case.operation], case.status), answer.text
    assert answer.body["code"] == case.code
    assert case.names in answer.body["message"]


@pytest.mark.parametrize("case", REFUSALS, ids=str)
def test_a_refusal_has_the_documented_form(case: Refusal, world: World) -> None:
    answer = world.api.call(case.operation, token=world.token, **case.request(world))
    problems = openapi().problems(BY_ID[case.operation], answer.status, answer.content)
    # Where codes are documented, they are those of unknown ids; a malformed request has its own.
    own = f"$.code: '{BY_ID[case.operation].bad_request_code}'"
    assert [p for p in problems if not p.startswith(own)] == []


# Pages


@dataclass(frozen=True)
class Paged:
    """A list that comes in pages, and what tells its entries apart.

    `place` is the part of the request that says which page, under `cursor`.
    """

    operation: str
    request: Callable[[World], dict[str, Any]]
    identity: Callable[[dict[str, Any]], object]
    place: str = "query"
    cursor: str = "next_page"

    def __str__(self) -> str:
        return self.operation


def by_id(entry: dict[str, Any]) -> object:
    return entry["id"]


def by_window(row: dict[str, Any]) -> object:
    return row["id"], row["breakdown_start_timestamp"]


def rate_of_card(rate: dict[str, Any]) -> object:
    return rate["product_id"], str(rate.get("pricing_group_values")), rate["starting_at"]


PAGED: Final = [
    Paged("listCustomers-v1", lambda w: {}, by_id),
    Paged("listAllBillableMetrics-v1", lambda w: {"query": {"include_archived": "true"}}, by_id),
    Paged(
        "listBillableMetrics-v1",
        lambda w: {"path": {"customer_id": w.customer}, "query": {"include_archived": "true"}},
        by_id,
    ),
    Paged("listCreditTypes-v1", lambda w: {}, by_id),
    Paged("listProducts-v1", lambda w: {"body": {}}, by_id),
    Paged("listRateCards-v1", lambda w: {"body": {}}, by_id),
    Paged(
        "getRates-v1",
        lambda w: {"body": {"rate_card_id": w.rate_card, "at": "2025-03-01T00:00:00Z"}},
        rate_of_card,
    ),
    Paged(
        "getRateSchedule-v1",
        lambda w: {"body": {"rate_card_id": w.rate_card, "starting_at": "2025-03-01T00:00:00Z"}},
        rate_of_card,
    ),
    Paged("getContractRateSchedule-v1", lambda w: {"body": w.full}, rate_of_card),
    Paged(
        "getSubscriptionSeatsHistory-v1",
        lambda w: {"body": w.seats("SEAT_BASED")},
        lambda stretch: stretch["starting_at"],
        place="body",
        cursor="cursor",
    ),
    Paged(
        "listContractsNamedSchedules-v1",
        lambda w: {"body": {"customer_id": w.customer}},
        lambda schedule: (schedule["schedule_name"], str(schedule["properties"])),
        place="body",
    ),
    Paged("listPackages-v1", lambda w: {"body": {"archive_filter": "ALL"}}, by_id),
    Paged(
        "listContractsOnPackage-v1",
        lambda w: {"body": {"package_id": w.package}},
        lambda contract: contract["contract_id"],
    ),
    *(
        Paged(
            operation,
            lambda w, beside=beside: {"body": {"customer_id": w.full_customer, beside: True}},  # type: ignore[misc]
            by_id,
            place="body",
        )
        for operation, beside in (
            ("listCustomerBalances-v1", "include_contract_balances"),
            ("listCustomerCommits-v1", "include_contract_commits"),
            ("listCustomerCredits-v1", "include_contract_credits"),
        )
    ),
    Paged(
        "getPagedUsage-v1",
        lambda w: {"body": usage_of(w, starting_on="2025-02-01T00:00:00Z", group_key=["region"])},
        lambda row: (row["starting_on"], row["group_value"]),
    ),
    Paged("getSeatsUsage-v1", lambda w: {"body": seats_of(w)}, lambda row: row["starting_on"]),
    Paged("listInvoices-v1", lambda w: {"path": {"customer_id": w.customer}}, by_id),
    Paged(
        "listBreakdownInvoices-v1",
        lambda w: {"path": {"customer_id": w.customer}, "query": {**FEBRUARY}},
        by_window,
    ),
    Paged(
        "listSpendBreakdownInvoices-v1",
        lambda w: {"path": {"customer_id": w.customer}, "body": {**FEBRUARY}},
        by_window,
        place="body",
    ),
]


def page(
    world: World, case: Paged, *, limit: int | None = None, cursor: str | None = None
) -> tuple[list[dict[str, Any]], str | None]:
    answer = world.api.call(
        case.operation, token=world.token, **asking(case, case.request(world), limit, cursor)
    )
    assert answer.status == 200, answer.text
    return answer.body["data"], answer.body["next_page"]


def asking(
    case: Paged, request: dict[str, Any], limit: int | None, cursor: str | None
) -> dict[str, Any]:
    """Returns a request for a page."""
    wanted: dict[str, object] = {"limit": limit, case.cursor: cursor}
    given = {name: value for name, value in wanted.items() if value is not None}
    return {**request, case.place: {**request.get(case.place, {}), **given}}


@pytest.fixture(scope="module")
def crowded(world: World) -> World:
    """The world with more than one of everything that is listed."""
    world.make("createCustomer-v1", name="Crowd")
    world.make("createRateCard-v1", name="Crowd")
    world.make("createPackage-v1", name="Crowd")
    for start in ("2025-02-01T00:00:00Z", "2025-03-01T00:00:00Z"):
        body = {"customer_id": world.full_customer, "package_id": world.package}
        world.make("createContract-v1", **body, starting_at=start)
    names = {"customer_id": world.customer, "contract_id": world.contract}
    world.call("updateContractNamedSchedule-v1", body={**names, **schedule(value=1)})
    credit = {name: value for name, value in world.commit.items() if name != "type"}
    # Three of either with those of the contract, all of one instant.
    for _ in range(2):
        owner = {"customer_id": world.full_customer}
        world.call("createCustomerCommit-v1", body={**world.commit, **owner})
        world.call("createCustomerCredit-v1", body={**credit, **owner})
    subscription_id = world.seats("SEAT_BASED")["subscription_id"]
    seats = {"add_seat_ids": [{"seat_ids": ["z"], "starting_at": "2025-03-05T00:00:00Z"}]}
    update = {"subscription_id": subscription_id, "seat_updates": seats}
    world.call("editContract-v2", body={**world.full, "update_subscriptions": [update]})
    return world


@pytest.mark.parametrize("case", PAGED, ids=str)
@pytest.mark.parametrize("limit", [1, 2])
def test_pages_add_up_to_the_list(case: Paged, limit: int, crowded: World) -> None:
    whole, following = page(crowded, case)
    while following is not None:
        # The cases before may have made more than a page of the usual size.
        more, following = page(crowded, case, cursor=following)
        whole += more
    assert len(whole) > 1
    entries, cursor = page(crowded, case, limit=limit)
    while cursor is not None:
        more, cursor = page(crowded, case, limit=limit, cursor=cursor)
        assert 1 <= len(more) <= limit
        entries += more
    assert [case.identity(one) for one in entries] == [case.identity(one) for one in whole]


@pytest.mark.parametrize("case", PAGED, ids=str)
def test_a_page_token_opens_nothing_else(case: Paged, crowded: World) -> None:
    _, cursor = page(crowded, case, limit=1)
    assert cursor is not None

    def status(other: Paged, token: str) -> int:
        request = asking(other, other.request(crowded), 1, cursor)
        return crowded.api.call(other.operation, token=token, **request).status

    # The currencies are everybody's; of the rest a stranger sees nothing.
    if case.operation != "listCreditTypes-v1":
        assert status(case, "stranger") in (400, 404)
    for other in PAGED:
        assert status(other, crowded.token) in (200, 400), other
        assert status(other, "stranger") in (200, 400, 404), other


CHANGES: Final[dict[str, Callable[[dict[str, Any]], object]]] = {
    "listCustomers-v1": lambda r: r.setdefault("query", {}).update(only_archived="true"),
    "listAllBillableMetrics-v1": lambda r: r["query"].update(include_archived="false"),
    "listBillableMetrics-v1": lambda r: r["query"].update(include_archived="false"),
    "listProducts-v1": lambda r: r["body"].update(archive_filter="ALL"),
    "getRates-v1": lambda r: r["body"].update(at="2025-03-02T00:00:00Z"),
    "getRateSchedule-v1": lambda r: r["body"].update(starting_at="2025-03-02T00:00:00Z"),
    "getContractRateSchedule-v1": lambda r: r["body"].update(at="2025-03-02T00:00:00Z"),
    "getSubscriptionSeatsHistory-v1": lambda r: r["body"].update(starting_at=START),
    "listContractsNamedSchedules-v1": lambda r: r["body"].update(covering_date=START),
    "listPackages-v1": lambda r: r["body"].update(archive_filter="ARCHIVED"),
    "listContractsOnPackage-v1": lambda r: r["body"].update(covering_date=START),
    "listCustomerBalances-v1": lambda r: r["body"].update(covering_date=START),
    "listCustomerCommits-v1": lambda r: r["body"].update(covering_date=START),
    "listCustomerCredits-v1": lambda r: r["body"].update(covering_date=START),
    "getPagedUsage-v1": lambda r: r["body"].update(window_size="NONE"),
    "getSeatsUsage-v1": lambda r: r["body"].update(usage_type="LATEST"),
    "listInvoices-v1": lambda r: r.setdefault("query", {}).update(sort="date_desc"),
    "listBreakdownInvoices-v1": lambda r: r["query"].update(sort="date_desc"),
    "listSpendBreakdownInvoices-v1": lambda r: r["body"].update(sort="date_desc"),
}
"""Asks a list for something else; lists that are not here have nothing to ask for."""


@pytest.mark.parametrize("case", [one for one in PAGED if one.operation in CHANGES], ids=str)
def test_a_page_token_belongs_to_its_parameters(case: Paged, crowded: World) -> None:
    _, cursor = page(crowded, case, limit=1)
    request = case.request(crowded)
    CHANGES[case.operation](request)
    answer = crowded.api.call(
        case.operation, token=crowded.token, **asking(case, request, None, cursor)
    )
    assert (answer.status, answer.body["code"]) == (400, "InvalidArgument")
    assert case.cursor in answer.body["message"] or "next_page" in answer.body["message"]
