"""What API keys may do with metering, and what the log of changes says of it."""

from typing import Any

import pytest

from tests.integration.metering.mapped import Mapped
from tests.integration.metering.meter import Meter, event
from tests.integration.product import Product


def key(product: Product, *scopes: str) -> str:
    body = {"name": "-".join(scopes), "scopes": list(scopes)}
    reply = product.post("/api/keys", body)
    assert reply.status in (200, 201), reply
    text: str = (reply.body.get("data") or reply.body)["key"]
    return text


READS: list[tuple[str, str, Any]] = [
    ("GET", "/metering/v1/counters", None),
    ("GET", "/metering/v1/usage/current?customer_ref=acme", None),
    ("GET", "/metering/v1/reconciliation/runs", None),
    ("GET", "/metering/metrics", None),
]
WRITES: list[tuple[str, str, Any]] = [
    ("POST", "/metering/v1/events/ingest", {"events": [event(1)]}),
    ("POST", "/metering/v1/pushes", {}),
    (
        "POST",
        "/metering/v1/adjustments",
        {"metric": "calls", "customer_ref": "acme", "ts": "2025-01-10T00:00:00Z", "delta": 1},
    ),
]
DECISIONS: list[tuple[str, str, Any]] = [
    ("POST", "/metering/v1/adjustments/none/approve", None),
    ("POST", "/metering/v1/adjustments/none/reject", None),
    ("POST", "/metering/v1/adjustments/none/revert", None),
    ("POST", "/metering/v1/reconciliation/corrections/none/approve", {}),
    ("PATCH", "/metering/v1/mappings/none", {"active": False}),
    ("DELETE", "/metering/v1/mappings/none", {}),
    (
        "POST",
        "/metering/v1/periods/finalize",
        {"mapping_id": "none", "period_start": "2025-01-01T00:00:00Z"},
    ),
]


@pytest.mark.parametrize(
    ("scope", "reads", "writes", "decides"),
    [
        ("metering:read", True, False, False),
        ("metering:write", True, True, False),
        ("metering:admin", True, True, True),
        ("metronome", False, False, False),
    ],
)
def test_t34_d84_a_key_does_what_its_scope_says(
    scope: str, reads: bool, writes: bool, decides: bool, mapped: Mapped
) -> None:
    product = mapped.meter.product
    token = key(product, scope)
    for asked, allowed in ((READS, reads), (WRITES, writes), (DECISIONS, decides)):
        for method, address, body in asked:
            path, _, query = address.partition("?")
            named = dict([query.split("=")]) if query else {}
            reply = product.request(method, path, body, token=token, query=named)
            assert (reply.status != 403) is allowed, (scope, method, path, reply)


def test_a_key_acts_in_its_owners_world(mapped: Mapped) -> None:
    token = key(mapped.meter.product, "metering:write")
    other = Meter(mapped.meter.product, token)
    other.send(event(100))
    other.post("pushes", {})
    # The key is not the sandbox's token: Stripe's key is still made of that.
    assert mapped.meter.current() == 100
    assert mapped.told == 100


def test_d50_n36_decisions_are_in_the_log_of_changes(mapped: Mapped) -> None:
    meter = mapped.meter
    body = {"metric": "calls", "customer_ref": "acme", "ts": "2025-01-10T00:00:00Z", "delta": 5}
    made = meter.post("adjustments", body).data
    meter.post(f"adjustments/{made['id']}/approve")
    logged = meter.product.get("/v1/auditLogs").data
    kinds = [one["resource_type"] for one in logged if one.get("resource_id") == made["id"]]
    # Proposed, begun, done.
    assert kinds == ["adjustment"] * 3
    assert {"counter", "meter_mapping"} <= {one["resource_type"] for one in logged}


def test_t45_no_page_of_another_origin_may_call_unless_it_was_allowed(meter: Meter) -> None:
    origin = {"origin": "https://evil.example.com"}
    reply = meter.product.request("GET", "/metering/v1/counters", headers=origin)
    assert reply.status == 200
    assert not [name for name in reply.headers if name.lower().startswith("access-control-")]
