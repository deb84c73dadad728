"""The log of the last calls."""

from typing import Any

import pytest

from backbeat.application import request_log
from tests.integration.product import Product, World, event

LOG = "/mock/requests"


def log(product: Product, **query: str) -> Any:
    return product.request("GET", LOG, query=query).data


def test_calls_are_told_with_what_was_asked_and_answered(product: Product) -> None:
    product.post("/v1/customers", {"name": "Acme"})
    product.get("/v1/customers", limit="0")
    told = log(product)
    assert told["total"] == 2
    assert told["by_operation"] == {"createCustomer-v1": 1, "listCustomers-v1": 1}
    assert told["by_status"] == {"200": 1, "400": 1}
    created, listed = told["requests"]
    assert (created["method"], created["path"], created["status"]) == (
        "POST",
        "/v1/customers",
        200,
    )
    assert created["body"] == '{"name": "Acme"}'
    assert '"name":"Acme"' in created["reply"]
    assert created["at"] == "2025-01-15T12:00:00+00:00"
    assert listed["query"] == {"limit": "0"}
    assert "limit" in listed["reply"]


def test_controls_are_not_in_it(product: Product) -> None:
    product.get("/mock/clock")
    product.post("/mock/clock", {"now": "2025-02-01T00:00:00Z"})
    assert log(product)["total"] == 0


@pytest.mark.parametrize(
    ("query", "operations"),
    [
        ({}, ["createCustomer-v1", "ingest-v1", "ingest-v1", "listCustomers-v1"]),
        ({"method": "GET"}, ["listCustomers-v1"]),
        ({"path": "/v1/cust*"}, ["createCustomer-v1", "listCustomers-v1"]),
        ({"operation": "ingest-v1"}, ["ingest-v1", "ingest-v1"]),
        ({"status": "400"}, ["ingest-v1"]),
        ({"contains": "order-1"}, ["ingest-v1"]),
        ({"operation": "voidInvoice-v1"}, []),
    ],
)
def test_filters(query: dict[str, str], operations: list[str], product: Product) -> None:
    product.post("/v1/customers", {"name": "Acme"})
    product.post("/v1/ingest", [event("order-1")])
    product.post("/v1/ingest", [])
    product.get("/v1/customers")
    told = log(product, **query)
    assert [one["operation"] for one in told["requests"]] == operations
    assert told["total"] == len(operations)
    assert sum(told["by_operation"].values()) == len(operations)


def test_counts_are_of_all_and_the_latest_are_shown(product: Product) -> None:
    for number in range(5):
        product.get("/v1/customers", next_page=str(number))
    told = log(product, latest="2")
    assert told["total"] == 5
    assert [one["query"]["next_page"] for one in told["requests"]] == ["3", "4"]
    assert log(product, latest="0")["requests"] == []


def test_the_last_ones_stay(product: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_log, "KEPT", 5)
    for number in range(12):
        product.get("/v1/customers", next_page=str(number))
    shown = [one["query"]["next_page"] for one in log(product)["requests"]]
    assert shown == ["7", "8", "9", "10", "11"]


def test_long_bodies_are_cut(product: Product) -> None:
    product.post("/v1/customers", {"name": "A" * 20_000})
    [one] = log(product)["requests"]
    assert len(one["body"]) == 8192
    assert one["body"].startswith('{"name": "AAA')


def test_it_can_be_begun_anew(product: Product) -> None:
    product.get("/v1/customers")
    assert product.request("DELETE", LOG).data["total"] == 0
    assert log(product)["total"] == 0
    product.get("/v1/customers")
    assert log(product)["total"] == 1


def test_it_is_of_one_token_and_goes_with_a_reset(product: Product, world: World) -> None:
    assert product.get(LOG, token="other").data["total"] == 0
    assert log(product)["total"] > 0
    product.post("/mock/reset")
    assert log(product)["total"] == 0


def test_calls_that_failed_on_purpose_say_so(product: Product) -> None:
    faults = [{"kind": "status", "status": 503, "when": "after", "count": 1, "method": "POST"}]
    product.post("/mock/faults", {"faults": faults})
    product.post("/v1/customers", {"name": "Acme"})
    [one] = log(product)["requests"]
    # What the work came to, and what became of its answer.
    assert (one["status"], one["fault"]) == (200, "status 503 after the work")


def test_a_call_without_a_token_is_nobodys(product: Product) -> None:
    assert product.request("GET", "/v1/customers", token=None).status == 401
    assert log(product)["total"] == 0


def test_onlookers_leave_no_trace_and_use_up_no_faults(product: Product) -> None:
    faults = [{"kind": "status", "status": 503, "count": 1}]
    product.post("/mock/faults", {"faults": faults})
    watching = {"x-backbeat-onlooker": "console"}
    assert product.request("GET", "/v1/customers", headers=watching).status == 200
    assert log(product)["total"] == 0
    # The fault still waits for the program under test.
    assert product.get("/v1/customers").status == 503
