"""Which route a request takes."""

import pytest

from backbeat_local.routes import Match, Miss, RouteTable
from backbeat_local.template import HttpRoute

ROUTES = [
    "GET /v1/customers",
    "POST /v1/customers",
    "GET /v1/customers/{customer_id}",
    "POST /v1/customers/archive",
    "POST /v1/customers/{customer_id}/setName",
    "GET /v1/customers/{id}/invoices/{invoice_id}",
    "ANY /v1/customers/{id}/open",
    "GET /v1/customers/{id}/open",
    "ANY /files/{path+}",
    "GET /files/index",
    "GET /a/{x}/c",
    "GET /a/b/{y}",
    "GET /",
]


@pytest.fixture(scope="module")
def table() -> RouteTable[str]:
    return RouteTable((HttpRoute(*route.split(" ")), f"<{route}>") for route in ROUTES)


@pytest.mark.parametrize(
    ("request_line", "route", "parameters"),
    [
        ("GET /", "GET /", {}),
        ("GET /v1/customers", "GET /v1/customers", {}),
        ("POST /v1/customers", "POST /v1/customers", {}),
        ("GET /v1/customers/7", "GET /v1/customers/{customer_id}", {"customer_id": "7"}),
        # The literal path exists for another method only.
        ("GET /v1/customers/archive", "GET /v1/customers/{customer_id}",
         {"customer_id": "archive"}),
        ("POST /v1/customers/archive", "POST /v1/customers/archive", {}),
        ("POST /v1/customers/7/setName", "POST /v1/customers/{customer_id}/setName",
         {"customer_id": "7"}),
        # The same place has another name in another route.
        ("GET /v1/customers/7/invoices/9", "GET /v1/customers/{id}/invoices/{invoice_id}",
         {"id": "7", "invoice_id": "9"}),
        ("GET /v1/customers/7/open", "GET /v1/customers/{id}/open", {"id": "7"}),
        ("PUT /v1/customers/7/open", "ANY /v1/customers/{id}/open", {"id": "7"}),
        ("GET /v1/customers/a%20b%2Fc", "GET /v1/customers/{customer_id}",
         {"customer_id": "a b/c"}),
        ("GET /files/index", "GET /files/index", {}),
        ("POST /files/index", "ANY /files/{path+}", {"path": "index"}),
        ("GET /files/a/b.txt", "ANY /files/{path+}", {"path": "a/b.txt"}),
        # An earlier literal wins over a later one.
        ("GET /a/b/c", "GET /a/b/{y}", {"y": "c"}),
        ("GET /a/z/c", "GET /a/{x}/c", {"x": "z"}),
    ],
)  # fmt: skip
def test_the_most_specific_route_wins(
    table: RouteTable[str], request_line: str, route: str, parameters: dict[str, str]
) -> None:
    found = table.find(*request_line.split(" "))
    assert found == Match(f"<{route}>", route, parameters)


@pytest.mark.parametrize(
    ("request_line", "miss"),
    [
        ("GET /v2/customers", Miss.PATH),
        ("GET /v1/customers/", Miss.PATH),
        ("GET /v1", Miss.PATH),
        ("GET /v1/customers/7/invoices/9/lines", Miss.PATH),
        ("GET /files/", Miss.PATH),
        ("DELETE /v1/customers", Miss.METHOD),
        ("DELETE /v1/customers/7", Miss.METHOD),
        ("DELETE /v1/customers/archive", Miss.METHOD),
    ],
)
def test_no_route(table: RouteTable[str], request_line: str, miss: Miss) -> None:
    assert table.find(*request_line.split(" ")) is miss


@pytest.mark.parametrize(
    ("routes", "message"),
    [
        (["GET /a/{x}", "GET /a/{y}"], "GET /a/{y} is declared twice"),
        (["GET /a", "GET /a"], "GET /a is declared twice"),
        (["GET /{x+}/a"], "must come last"),
    ],
)
def test_routes_that_cannot_be(routes: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RouteTable((HttpRoute(*route.split(" ")), None) for route in routes)
