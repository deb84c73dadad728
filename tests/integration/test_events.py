"""Every file in `events/` against its function, on an empty stage with the token `demo`."""

import json
from pathlib import Path
from typing import Any

import pytest

from backbeat_local.template import Template
from tests.integration.conftest import TEMPLATE
from tests.integration.product import Product

EVENTS = TEMPLATE.parent / "events"
FILES = sorted(EVENTS.glob("*/*.json"))

NOBODYS = {"code": "CustomerNotFound"}

REPLIES: dict[str, tuple[int, Any]] = {
    "access/give-token": (200, {"token_type": "Bearer", "scope": "billing:read"}),
    "access/list-keys": (200, {"data": [], "next_page": None}),
    "access/list-roles": (200, {"next_page": None}),
    "balances/list": (404, NOBODYS),
    "catalog/add-rate": (404, {"code": "RateCardNotFound"}),
    "catalog/create-billable-metric": (200, {"data": {}}),
    "catalog/create-product": (400, {"code": "InvalidArgument"}),
    "catalog/create-rate-card": (200, {"data": {}}),
    "catalog/get-billable-metric": (404, {"code": "BillableMetricNotFound"}),
    "catalog/get-rates": (404, {"code": "RateCardNotFound"}),
    "catalog/list-billable-metrics": (200, {"data": [], "next_page": None}),
    "catalog/list-credit-types": (200, {"next_page": None}),
    "catalog/list-products": (200, {"data": [], "next_page": None}),
    "catalog/list-rate-cards": (200, {"data": [], "next_page": None}),
    "catalog/rename-billable-metric": (404, {"code": "BillableMetricNotFound"}),
    "contracts/create": (404, NOBODYS),
    "console/show-root": (302, None),
    "dashboards/embeddable-url": (400, NOBODYS),
    "demo/generate-unknown-tier": (400, {"code": "InvalidArgument"}),
    "contracts/get-v1": (404, NOBODYS),
    "contracts/get-v2": (400, NOBODYS),
    "contracts/list-v2": (400, NOBODYS),
    # Its custom field is registered by `settings/add-custom-field-key` only.
    "customers/create": (400, {"code": "InvalidArgument"}),
    "customers/find-by-alias": (200, {"data": []}),
    "customers/get": (404, NOBODYS),
    "customers/list": (200, {"data": [], "next_page": None}),
    "customers/set-ingest-aliases": (404, NOBODYS),
    "customers/set-name": (404, NOBODYS),
    "legacy/list-plans": (200, {"data": [], "next_page": None}),
    "older_mock/list-contracts": (404, NOBODYS),
    "inbound/list-events": (200, {"data": [], "next_page": None}),
    "inbound/unsigned": (400, {"code": "InvalidSignature"}),
    "facade/list-customers": (200, {"data": [], "next_page": None}),
    "ingest/batch": (200, None),
    "ingest/naive-timestamp": (400, {"code": "InvalidArgument"}),
    "ingest/older-form": (
        200,
        {"message": "Usage events ingested successfully", "count": 1},
    ),
    "invoices/get": (404, NOBODYS),
    "invoices/list": (404, NOBODYS),
    "onboarding/get-catalog": (200, {"data": {"version": "1", "currency": "usd"}}),
    "onboarding/list-customers": (200, {"data": [], "next_page": None, "total": 0}),
    "notifications/create-alert": (200, {"data": {}}),
    # Nobody created the counter.
    "metering/ingest": (200, {"accepted": 0, "duplicates": 0}),
    "metering/list-counters": (200, {"data": []}),
    "metering_operations/list-adjustments": (200, {"data": [], "next_page": None}),
    "mock_stripe/create-customer": (
        200,
        {"object": "customer", "email": "ada@example.com", "metadata": {"plan": "pro"}},
    ),
    "mock_stripe/decline-next": (200, {"declines": ["insufficient_funds"]}),
    "mock_stripe/live-key": (401, {"error": {"type": "invalid_request_error"}}),
    "mock_stripe/unknown-customer": (404, {"error": {"code": "resource_missing"}}),
    "reference/document": (200, {"info": {"title": "Backbeat"}}),
    "widget/usage-without-token": (401, {"code": "Unauthorized"}),
    "reports/open": (200, {"data": {"customers": 0, "failed": []}, "next_page": None}),
    # 350 calls at 0.10.
    "simulations/compare": (
        200,
        {
            "prices": [
                {
                    "name": "now",
                    "currency": "USD",
                    "amounts": {"acme": 35},
                    "deltas": {"acme": 0},
                    "total": 35,
                    "delta": 0,
                }
            ]
        },
    ),
    "simulations/list-runs": (200, {"runs": [], "total": 0}),
    "sandbox/add-faults": (200, {}),
    "sandbox/advance-clock": (
        200,
        {"data": {"now": "2025-02-15T12:00:00+00:00", "frozen_at": "2025-02-15T12:00:00+00:00"}},
    ),
    "sandbox/follow-system": (200, {"data": {"frozen_at": None}}),
    "sandbox/get-clock": (200, {"data": {"now": "2025-01-15T12:00:00+00:00"}}),
    "sandbox/list-requests": (200, {"data": {"total": 0}}),
    "sandbox/load-fixtures": (200, {"data": {"ids": {"customers": {}}}}),
    "sandbox/reset": (200, {"data": {"reset": True}}),
    "sandbox/restore": (404, {"code": "SnapshotNotFound"}),
    "sandbox/save-snapshot": (200, {"data": {"name": "before"}}),
    "sandbox/show-state": (200, {"data": {"counts": {}, "entities": {}}}),
    "sandbox/set-clock": (200, {"data": {"frozen_at": "2025-01-15T12:00:00+00:00"}}),
    "settings/add-custom-field-key": (200, None),
    "settings/health": (200, {"status": "ok", "service": "backbeat"}),
    "settings/set-webhook-secret": (200, None),
    "usage/by-day": (200, {"data": [], "next_page": None}),
    "usage/by-group": (404, NOBODYS),
    "usage/search-events": (200, []),
    "webhooks/dispatch": (200, {"data": {"event": {"properties": {"threshold": 500}}}}),
    "webhooks/list-dead-letters": (200, {"data": []}),
    "webhooks/list-deliveries": (200, {"data": [], "next_page": None}),
    "webhooks/list-targets": (200, {"data": []}),
    "webhooks/subscribe": (200, {"data": ["https://example.com/metronome"]}),
    "webhooks/unsubscribe": (200, {"data": []}),
    "webhooks/verify": (200, {"id": "evt-1", "type": "webhooks.test"}),
}

RESULTS: dict[str, Any] = {
    "billing_cycle/jobs": {"batchItemFailures": []},
    "billing_cycle/tick": {"jobs": 0, "failed_tenants": 0},
    "inbound_work/batch": {"batchItemFailures": []},
    "inbound_work/catch-up": {"events": 0, "failed_tenants": 0},
    "mock_stripe/deliveries": {"batchItemFailures": []},
    "reconciliation/push": {"tenants": 0, "things": 0, "failed": 0},
    "reconciliation/reconcile": {"tenants": 0, "things": 0, "failed": 0},
    "webhook_delivery/batch": {"batchItemFailures": []},
}


def name_of(file: Path) -> str:
    return f"{file.parent.name}/{file.stem}"


def function_of(file: Path) -> str:
    """Returns the logical id of the function that a directory of events belongs to."""
    return "".join(map(str.title, file.parent.name.split("_"))) + "Function"


def read(file: Path) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(file.read_text())
    return event


def includes(actual: Any, expected: Any) -> bool:
    """Tells whether the expected fields are there, at any depth; others may be too."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        return all(
            name in actual and includes(actual[name], part) for name, part in expected.items()
        )
    return bool(actual == expected)


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_replay(file: Path, product: Product) -> None:
    result = product.invoke(function_of(file), read(file))
    if name_of(file) in RESULTS:
        assert result == RESULTS[name_of(file)]
        return
    status, essentials = REPLIES[name_of(file)]
    body = json.loads(result["body"]) if result["body"] else None
    assert (result["statusCode"], includes(body, essentials)) == (status, True), body
    assert result["headers"]["Content-Type"] == "application/json"
    assert result["isBase64Encoded"] is False


def test_a_story_told_in_events(product: Product) -> None:
    """The files work together, too: they are of one token, and of one day."""

    def send(name: str) -> Any:
        file = EVENTS / f"{name}.json"
        result = product.invoke(function_of(file), read(file))
        assert result["statusCode"] == 200, result
        return json.loads(result["body"]) if result["body"] else None

    for name in [
        "sandbox/set-clock",
        "settings/add-custom-field-key",
        "catalog/create-billable-metric",
        "customers/create",
        "webhooks/subscribe",
        "ingest/batch",
    ]:
        send(name)
    [row, last] = send("usage/by-day")["data"]
    # 512 + 2048 + 128: the fourth event of the batch repeats the first.
    assert (row["value"], last["value"]) == (None, 2688)
    [first, second] = send("usage/search-events")
    assert {first["is_duplicate"], second["is_duplicate"]} == {True, False}
    send("webhooks/dispatch")
    assert send("webhooks/list-deliveries")["data"][0]["event_type"].startswith("alerts.")


def test_every_function_has_events_and_every_file_an_expectation(template: Template) -> None:
    assert {function_of(file) for file in FILES} == set(template.functions)
    assert {name_of(file) for file in FILES} == set(REPLIES) | set(RESULTS)


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_it_is_what_the_template_would_send(file: Path, template: Template) -> None:
    event, function = read(file), template.functions[function_of(file)]
    if "Records" in event:
        queues = {template.queues[mapping.queue].name for mapping in function.mappings}
        assert {record["eventSourceARN"].split(":")[-1] for record in event["Records"]} <= queues
    elif "version" in event:
        routes = {f"{route.method} {route.path}" for route in function.routes}
        assert event["routeKey"] == event["requestContext"]["routeKey"]
        assert event["routeKey"] in routes
        pattern = event["routeKey"].split(" ")[1].replace("+}", "}")
        path = pattern.format(**event.get("pathParameters", {}))
        assert path == event["rawPath"] == event["requestContext"]["http"]["path"]
        length = event["headers"].get("content-length", "0")
        assert int(length) == len(event.get("body", "").encode())
    else:
        assert event in [schedule.payload for schedule in function.schedules]
