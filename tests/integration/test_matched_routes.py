"""A route that API Gateway has found is not looked for again, and the reply is no other for it."""

from typing import Any

import pytest

from backbeat_local.http_events import HttpEvent, HttpRequest, http_event
from tests.integration.product import Product


def asked(product: Product, method: str, path: str) -> tuple[Any, HttpEvent]:
    """Returns the function of a request, and its event."""
    request = HttpRequest(
        method=method,
        path=path,
        query="",
        headers=[(b"authorization", b"Bearer demo")],
        body=b"",
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
