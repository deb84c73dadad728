"""Backbeat's own OpenAPI document: all that is answered, and nothing else."""

import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from backbeat import bootstrap
from backbeat.api import openapi
from backbeat.api.operations import OPERATIONS, ROUTED
from backbeat.api.reply_forms import EMPTY, SCHEMAS
from backbeat.config import Config
from mock_stripe import gateway
from tests.contract.function_api import ROOT, TEMPLATE, FunctionApi
from tests.integration.examples import EXAMPLES, Example

SETTINGS = {"BACKBEAT_STATE": ":memory:", "BACKBEAT_SANDBOX": "on", "BACKBEAT_TOKENS": "open"}
NO_ID = "5d4a7f0e-7f0c-4b5e-9a52-0d0d4f3c2b1a"


def document_of(**settings: str) -> Any:
    with bootstrap.using(bootstrap.build(Config.model_validate({**SETTINGS, **settings}))):
        answer = FunctionApi().send("GET", "/openapi.json", token=None)
    assert answer.status == 200
    return answer.body


@pytest.fixture(scope="module")
def document() -> Any:
    return document_of()


def operations(document: Any) -> Iterator[tuple[str, str, Any]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def schema_of(document: Any, schema: Any) -> Any:
    """Returns a schema that knows what it refers to."""
    return {**schema, "components": document["components"]}


def test_every_route_is_described(document: Any) -> None:
    described = {(method, path) for method, path, _ in operations(document)}
    routes = {
        (route.method, route.path)
        for function in TEMPLATE.functions.values()
        for route in function.routes
    }
    # Below these is the Stripe double, which Stripe's own document describes.
    double = {("ANY", f"{mount}/{{path+}}") for mount in gateway.MOUNTS}
    # OpenAPI has no word for what lies below a page.
    pages = {("GET", f"/{page}/{{path+}}") for page in ("console", "demo", "widget")}
    assert described == routes - double - pages


def test_operations_have_the_ids_of_the_table(document: Any) -> None:
    found = {
        (method, path): operation["operationId"] for method, path, operation in operations(document)
    }
    for operation in OPERATIONS:
        assert found[operation.method, operation.path] == operation.id
    assert max(Counter(found.values()).values()) == 1


def test_each_says_what_it_does(document: Any) -> None:
    for method, path, operation in operations(document):
        assert re.match(r"[A-Z].*\.$", operation["summary"]), (method, path)


def test_references_lead_somewhere_and_schemas_are_schemas(document: Any) -> None:
    for reference in re.findall(r'"\$ref": "([^"]+)"', json.dumps(document)):
        name = reference.removeprefix("#/components/schemas/")
        assert name in document["components"]["schemas"]
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_parameters_of_paths_are_declared(document: Any) -> None:
    for _, path, operation in operations(document):
        declared = {one["name"] for one in operation["parameters"] if one["in"] == "path"}
        assert declared == set(re.findall(r"\{(\w+)\}", path))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_valid_bodies_are_valid_by_the_document(example: Example, document: Any) -> None:
    if example.body is None:
        return
    # Literal paths come before those with parameters, as in routing.
    operation = next(
        operation
        for method, path, operation in sorted(operations(document), key=lambda one: "{" in one[1])
        if method == example.method
        and re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)), example.path)
    )
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    text = re.sub(r"<\w+>", NO_ID, json.dumps(example.body))
    # Enumerations are taken in any case, and documented in one.
    for sent, documented in (("sum", "SUM"), ("paid", "PAID"), ("ENABLED", "enabled")):
        text = text.replace(f'"{sent}"', f'"{documented}"')
    Draft202012Validator(schema_of(document, schema)).validate(json.loads(text))


def test_without_sandboxes_their_controls_are_left_out() -> None:
    paths = document_of(BACKBEAT_SANDBOX="off")["paths"]
    assert "/v1/ingest" in paths
    assert [path for path in paths if path.startswith("/mock/")] == []


def test_the_version_is_the_packages() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == openapi.API_VERSION


def test_the_page_asks_for_the_document_and_for_nothing_else() -> None:
    with bootstrap.using(bootstrap.build(Config.model_validate(SETTINGS))):
        answer = FunctionApi().send("GET", "/reference", token=None)
    assert answer.status == 200
    assert 'fetch("openapi.json")' in answer.text
    # Nothing leaves the machine: no script, style or font of anybody else.
    assert re.findall(r"https?://", answer.text) == []


@pytest.mark.parametrize(
    ("method", "path", "statuses"),
    [
        ("post", "/api/keys", {"201"}),
        ("post", "/api/onboard", {"200", "201", "202"}),
        ("delete", "/metering/v1/simulations/scenarios/{scenario_id}", {"204"}),
        ("get", "/v1/customers", {"200"}),
    ],
)
def test_what_succeeds_is_told_by_its_status(
    document: Any, method: str, path: str, statuses: set[str]
) -> None:
    responses = document["paths"][path][method]["responses"]
    assert {status for status in responses if status.startswith("2")} == statuses


def test_errors_of_another_form_are_described_in_it(document: Any) -> None:
    refused = document["paths"]["/oauth/token"]["post"]["responses"]["401"]
    assert refused["content"]["application/json"]["schema"]["required"] == ["error"]
    assert "401" in document["paths"]["/widget/usage"]["get"]["responses"]


NO_FORM = {
    "getInvoicePdf-v1": "a PDF document",
    "chargeSeats-v1": "always refused",
    "getPlanDetails-v1": "always refused, as what else is about plans",
    **dict.fromkeys(
        (
            *("listPlanCharges-v1", "listPlanCustomers-v1", "addPlanToCustomer-v1"),
            *("endCustomerPlan-v1", "listCustomerPlanPriceAdjustments-v1"),
            "addCustomerCharge-v1",
        ),
        "always refused",
    ),
}
"""Operations whose success has no JSON."""


def test_every_operation_says_what_form_its_success_has() -> None:
    every = {operation.id for operation in ROUTED}
    assert every == SCHEMAS.keys() | EMPTY | NO_FORM.keys()
    assert not SCHEMAS.keys() & EMPTY
