"""Shorter ways to a reply that is no other for it.

A route that API Gateway has found is not looked for again. Brief routes are answered where nothing
may wait, unless faults could hold them up.
"""

import json
from typing import Any

import pytest

from backbeat_local.http_events import HttpEvent, HttpRequest, http_event
from tests.integration.product import Product
from tests.integration.product import event as event_of


def asked(product: Product, method: str, path: str, body: bytes = b"") -> tuple[Any, HttpEvent]:
    """Returns the function of a request, and its event."""
    request = HttpRequest(
        method=method,
        path=path,
        query="",
        headers=[(b"authorization", b"Bearer demo")],
        body=body,
        client="203.0.113.7",
    )
    match: Any = product._routes.find(method, path)
    event = http_event(
        request, route_key=match.route_key, parameters=match.parameters, request_id="r"
    )
    return match.target, event


@pytest.mark.parametrize(
    "path",
    [
        "/v1/customers",
        "/v1/customers/00000000-0000-4000-8000-000000000000",
        "/v1/customers/no-id",
        "/v1/credit-types/list",
        "/console",
        "/console/app.css",
    ],
)
def test_the_reply_is_the_same_without_the_route_key(path: str, product: Product) -> None:
    function, event = asked(product, "GET", path)
    matched = function.invoke(dict(event))
    event["routeKey"] = "$default"
    assert function.invoke(event) == matched


def test_a_path_with_control_characters_is_nothings(product: Product) -> None:
    function, event = asked(product, "GET", "/v1/customers/a%00b")
    assert function.invoke(event)["statusCode"] == 404


def test_brief_routes_do_nothing_where_faults_may_hold_them_up(product: Product) -> None:
    body = json.dumps([event_of("order-1")]).encode()
    function, event = asked(product, "POST", "/v1/ingest", body)
    function.load()
    assert function.is_brief("POST /v1/ingest")
    fault = {"kind": "latency", "milliseconds": 1, "count": 1, "path": "/v1/ingest"}
    product.post("/mock/faults", {"faults": [fault]})
    put_off = function.invoke(event, may_wait=False)
    assert put_off["headers"]["x-backbeat-waits"] == "faults"
    log = product.get("/mock/requests").data
    assert log["total"] == 0
    # The fault still waits for it, and makes it wait.
    assert function.invoke(event)["statusCode"] == 200
    [one] = product.get("/mock/requests").data["requests"]
    assert (one["status"], one["fault"]) == (200, "latency")


def test_brief_routes_are_answered_at_once_elsewhere(product: Product) -> None:
    body = json.dumps([event_of("order-1")]).encode()
    function, event = asked(product, "POST", "/v1/ingest", body)
    assert function.invoke(event, may_wait=False)["statusCode"] == 200
