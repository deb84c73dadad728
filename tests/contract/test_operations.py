"""The operations table against the template, the functions and the documented API."""

import ast
import uuid
from collections import Counter
from collections.abc import Iterator

import pytest

from backbeat import bootstrap
from backbeat.api.operations import LEGACY, OPERATIONS, Operation
from backbeat.api.replies import Reply, ok
from backbeat.api.requests import Request
from backbeat.api.resolver import Api
from backbeat.application.services import Services
from backbeat.config import Config
from mock_stripe import gateway
from tests.contract.function_api import ROOT, TEMPLATE, FunctionApi
from tests.contract.openapi import openapi


def route_of(operation: Operation) -> str:
    return f"{operation.method} {operation.path}"


def name_of(operation: Operation) -> str:
    return operation.id


def template_routes() -> dict[str, str]:
    """Returns the function directory of each route of the template."""
    return {
        f"{route.method} {route.path}": spec.code.name
        for spec in TEMPLATE.functions.values()
        for route in spec.routes
    }


def further_routes() -> dict[str, str]:
    """Returns the function directory of each route beside the documented ones."""
    legacy = {route_of(operation): operation.function for operation in LEGACY}
    return legacy | {
        f"{method} {path}": file.parent.name
        for file in sorted((ROOT / "functions").glob("*/app.py"))
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("api.route", "api.open_route")
        for method, path in [[ast.literal_eval(argument) for argument in node.args]]
    }


PUBLIC = {
    "GET /": 302,
    "GET /console": 200,
    "GET /console/{path+}": 200,
    # The link is what lets somebody in.
    "GET /dashboards/embedded": 403,
    "GET /demo": 200,
    "GET /demo/{path+}": 200,
    "GET /health": 200,
    "GET /metering/health/live": 200,
    "GET /metering/health/ready": 200,
    "GET /openapi.json": 200,
    "GET /reference": 200,
    "GET /widget": 200,
    "GET /widget.js": 200,
    "GET /widget/{path+}": 200,
    # Its bearer tokens are its own.
    "GET /widget/usage": 401,
}
"""What needs no token, with what it answers: it tells nothing of anybody."""

PROVES_ITSELF = {
    "POST /oauth/token": 400,
    "POST /webhooks/metronome": 400,
    "POST /webhooks/metronome/{connection}": 400,
    "POST /webhooks/stripe": 400,
    "POST /webhooks/stripe/{connection}": 400,
}
"""What finds out by itself who calls, and what it answers to nobody."""


@pytest.fixture(scope="module")
def services() -> Iterator[Services]:
    config = Config.model_validate(
        {"BACKBEAT_STATE": ":memory:", "BACKBEAT_SANDBOX": "on", "BACKBEAT_TOKENS": "open"}
    )
    built = bootstrap.build(config)
    with bootstrap.using(built):
        yield built


@pytest.fixture(scope="module")
def api(services: Services) -> FunctionApi:
    return FunctionApi()


@pytest.fixture
def token() -> str:
    return f"test-{uuid.uuid4()}"


# The table


def test_the_table_holds_each_documented_operation_once() -> None:
    assert len(OPERATIONS) == 133
    assert len({operation.id for operation in OPERATIONS}) == 133
    assert len({route_of(operation) for operation in OPERATIONS}) == 133


def test_the_table_is_the_documented_api() -> None:
    assert {operation.id: route_of(operation) for operation in OPERATIONS} == openapi().routes()


def test_an_unknown_id_is_answered_as_documented() -> None:
    # 400 only where the documentation has no 404 at all.
    documented = openapi()
    for operation in OPERATIONS:
        assert operation.unknown_id_status in (400, 404)
        if operation.unknown_id_status == 400:
            statuses = documented.statuses(operation)
            assert "400" in statuses, operation.id
            assert "404" not in statuses, operation.id


def test_closed_bodies_are_the_documented_ones() -> None:
    documented = openapi()
    closed = {
        operation.id
        for operation in OPERATIONS
        if documented.body_schema(operation).get("additionalProperties") is False
    }
    assert {operation.id for operation in OPERATIONS if operation.closed} == closed


# The template


def test_every_route_of_the_template_belongs_to_the_function_that_answers_it() -> None:
    ours = {route_of(operation): operation.function for operation in OPERATIONS}
    # The Stripe double finds its way below these by itself.
    double = {f"ANY {mount}/{{path+}}": "mock_stripe" for mount in gateway.MOUNTS}
    assert template_routes() == ours | further_routes() | double


def test_no_function_has_more_routes_than_its_policy_holds() -> None:
    # SAM grants one permission per route, and a function's policy holds about 45.
    routes = Counter(template_routes().values())
    assert {function: number for function, number in routes.items() if number > 30} == {}


# The functions


def test_a_path_with_what_no_id_has_is_not_found(api: FunctionApi, token: str) -> None:
    # API Gateway hands it over decoded.
    answer = api.send("GET", "/v1/customers/a%1Cb", token=token)
    assert (answer.status, answer.body["code"]) == (404, "NotFound")


@pytest.mark.parametrize("logical_id", sorted(TEMPLATE.functions))
def test_every_function_loads(logical_id: str, api: FunctionApi) -> None:
    assert callable(api.functions[logical_id].load())


def test_every_directory_of_functions_is_in_the_template() -> None:
    directories = {file.parent.name for file in (ROOT / "functions").glob("*/app.py")}
    assert {spec.code.name for spec in TEMPLATE.functions.values()} == directories


def test_a_function_without_a_handler_for_each_of_its_operations_does_not_load(
    services: Services,
) -> None:
    incomplete = Api("ingest", lambda: services)
    with pytest.raises(LookupError, match="ingest-v1"):
        _ = incomplete.handler
    incomplete.operation("ingest-v1")(_answer)
    assert callable(incomplete.handler)


@pytest.mark.parametrize(
    ("operation_id", "why"),
    [
        ("createCustomer-v1", "another function's"),
        ("no-such-operation", "unknown"),
    ],
)
def test_a_function_answers_its_own_operations_only(
    operation_id: str, why: str, services: Services
) -> None:
    with pytest.raises(LookupError):
        Api("ingest", lambda: services).operation(operation_id)


def test_an_operation_has_one_handler(services: Services) -> None:
    twice = Api("ingest", lambda: services)
    twice.operation("ingest-v1")(_answer)
    with pytest.raises(LookupError):
        twice.operation("ingest-v1")


def _answer(request: Request) -> Reply:
    return ok(request.body)


# What all operations answer


def path_of(operation: Operation) -> dict[str, str]:
    """Returns values for every parameter a path may have; none of them exists."""
    names = ("customer_id", "invoice_id", "billable_metric_id", "billing_provider_type")
    return {name: str(uuid.uuid4()) for name in names}


@pytest.mark.parametrize("operation", OPERATIONS, ids=name_of)
def test_nothing_is_answered_without_a_token(operation: Operation, api: FunctionApi) -> None:
    answer = api.call(operation.id, token=None, path=path_of(operation), body={})
    assert (answer.operation, answer.status) == (operation, 401)
    assert answer.body["code"] == "Unauthorized"
    assert "bearer token" in answer.body["message"]


@pytest.mark.parametrize("route", sorted(further_routes()))
def test_further_routes_need_a_token_too(route: str, api: FunctionApi) -> None:
    method, path = route.split()
    answer = api.send(method, path, token=None)
    if route in PUBLIC:
        assert answer.status == PUBLIC[route]
    elif route in PROVES_ITSELF:
        assert answer.status == PROVES_ITSELF[route]
    else:
        assert (answer.status, answer.body["code"]) == (401, "Unauthorized")


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic dXNlcg==", "token"])
def test_what_is_no_bearer_token(header: str, api: FunctionApi) -> None:
    answer = api.send("GET", "/v1/customers", token=None, headers={"authorization": header})
    assert (answer.status, answer.body["code"]) == (401, "Unauthorized")


def test_the_scheme_is_read_in_any_case(api: FunctionApi, token: str) -> None:
    headers = {"authorization": f"bearer {token}"}
    assert api.send("GET", "/v1/customers", token=None, headers=headers).status == 200


@pytest.mark.parametrize(
    "operation", [one for one in OPERATIONS if one.method in ("POST", "PUT")], ids=name_of
)
@pytest.mark.parametrize("body", ['{"name": ', "\x00", "[1, 2]", '"text"', "NaN"])
def test_a_body_that_is_not_what_it_should_be(
    operation: Operation, body: str, api: FunctionApi, token: str
) -> None:
    answer = api.call(operation.id, token=token, path=path_of(operation), body=body)
    assert (answer.operation, answer.status) == (operation, 400)
    assert answer.body["code"] == operation.bad_request_code
    assert answer.body["message"]
