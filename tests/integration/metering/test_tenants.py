"""A token is a world: no route of metering shows or touches anything of another one's."""

import re
from typing import Any

import pytest

from backbeat_local.template import Template
from tests.integration.conftest import nothing_changes
from tests.integration.metering.mapped import Mapped, wanted
from tests.integration.metering.meter import Meter, event
from tests.integration.metering.stripe_side import StripeSide
from tests.integration.product import Product, TestClock
from tests.integration.store import WatchedStore

FUNCTIONS = ("MeteringFunction", "MeteringOperationsFunction")
SPAN = {"since": "2025-01-01T00:00:00Z", "until": "2025-01-16T00:00:00Z"}
MONTHS = {"period_start": "2025-01", "period_end": "2025-01"}
LISTS: dict[str, dict[str, str]] = {
    "/metering/v1/events": {},
    "/metering/v1/events/backfill": {},
    "/metering/v1/alerts": {},
    "/metering/v1/alerts/events": {},
    "/metering/v1/alerts/states": {},
    "/metering/v1/counters": {},
    "/metering/v1/caps": {},
    "/metering/v1/adjustments": {},
    "/metering/v1/mappings": {},
    "/metering/v1/reconciliation/runs": {},
    "/metering/v1/reconciliation/corrections": {},
}
BODIES: dict[str, Any] = {
    "PATCH /metering/v1/mappings/{mapping_id}": {"active": False},
    "DELETE /metering/v1/mappings/{mapping_id}": {},
    "PATCH /metering/v1/alerts/{alert_id}": {"enabled": False},
    "POST /metering/v1/alerts/{alert_id}/acknowledge": {"customer_ref": "acme"},
    "POST /metering/v1/alerts/{alert_id}/snooze": {"customer_ref": "acme", "hours": 1},
    "POST /metering/v1/reconciliation/corrections/{correction_id}/approve": {},
}


@pytest.fixture
def owned(mapped: Mapped, clock: TestClock) -> dict[str, str]:
    """The ids of one of each thing that the token `demo` owns."""
    meter = mapped.meter
    watched = {"name": "Any", "type": "usage", "metric": "calls", "threshold": 1}
    alert = meter.post("alerts", watched).data
    meter.send(event(5, idempotency_key="secret-event"))
    mapped.push()
    mapped.side.send(mapped.customer, "7", clock.now())
    run = meter.post("reconciliation/runs", {}).data
    [correction] = meter.get("reconciliation/corrections").data
    cap = meter.post("caps", {"metric": "calls", "limit": 10, "mode": "soft"}).data
    body = {"metric": "calls", "customer_ref": "acme", "ts": "2025-01-10T00:00:00Z", "delta": 1}
    backfill = {
        "metric": "calls",
        "period_start": "2024-12-01T00:00:00Z",
        "reason": "moved",
        "events": [event(1, "2024-12-05T10:00:00Z")],
    }
    return {
        "mapping_id": mapped.id,
        "run_id": run["id"],
        "correction_id": correction["id"],
        "cap_id": cap["id"],
        "adjustment_id": meter.post("adjustments", body).data["id"],
        "operation_id": meter.post("events/backfill", backfill).data["operation_id"],
        "name": "calls",
        "alert_id": alert["id"],
    }


def routes(template: Template) -> list[tuple[str, str]]:
    return [
        (route.method, route.path)
        for name in FUNCTIONS
        for route in template.functions[name].routes
        if route.path.startswith("/metering/v1")
    ]


def test_no_route_answers_a_strangers_id(
    owned: dict[str, str], product: Product, template: Template, store: WatchedStore
) -> None:
    looked_at = 0
    for method, path in routes(template):
        names = re.findall(r"\{(\w+)\}", path)
        if not names:
            continue
        filled = path.format_map(owned)
        with nothing_changes(store):
            reply = product.request(
                method, filled, BODIES.get(f"{method} {path}"), token="stranger"
            )
        assert reply.status == 404, (method, path, reply)
        looked_at += 1
    assert looked_at >= 19


def test_no_list_shows_anything_of_another(
    owned: dict[str, str], product: Product, template: Template
) -> None:
    listed = {path for method, path in routes(template) if method == "GET" and "{" not in path}
    named = {
        *LISTS,
        "/metering/v1/events/export",
        "/metering/v1/usage/current",
        "/metering/v1/usage/history",
        "/metering/v1/reconciliation/summary",
        "/metering/v1/reconciliation/explain",
        "/metering/v1/reconciliation/settings",
        "/metering/v1/approval-policy",
    }
    assert listed == named
    for path, query in LISTS.items():
        assert len(product.get(path, **query).data) > 0, path
        assert product.get(path, token="stranger", **query).data == [], path
    export = product.get("/metering/v1/events/export", token="stranger", **SPAN)
    assert b"secret-event" not in export.body
    summary = product.get("/metering/v1/reconciliation/summary", token="stranger", **MONTHS).data
    assert summary["status"] == "empty"


def test_ids_in_bodies_and_queries_are_the_callers_own(
    owned: dict[str, str], product: Product, store: WatchedStore
) -> None:
    mapping = {"mapping_id": owned["mapping_id"]}
    period = {**mapping, "period_start": "2025-01-01T00:00:00Z"}
    with nothing_changes(store):
        usage = {"metric": "calls", "customer_ref": "acme"}
        for reply in (
            product.post("/metering/v1/periods/finalize", period, token="stranger"),
            product.get("/metering/v1/reconciliation/explain", token="stranger", **period),
            product.get("/metering/v1/usage/current", token="stranger", **usage),
            product.get("/metering/v1/usage/history", token="stranger", **usage, **SPAN),
            product.post("/metering/v1/check", usage, token="stranger"),
            product.post(
                "/metering/v1/caps",
                {"metric": "calls", "limit": 1, "mode": "hard"},
                token="stranger",
            ),
            product.post(
                "/metering/v1/adjustments",
                {**usage, "ts": "2025-01-10T00:00:00Z", "delta": 1},
                token="stranger",
            ),
        ):
            assert reply.status in (404, 422), reply


def test_a_stranger_with_the_same_names_has_usage_of_its_own(
    owned: dict[str, str], meter: Meter, product: Product, side: StripeSide, mapped: Mapped
) -> None:
    other = Meter(product, "stranger")
    other.counter()
    assert other.current() == 0
    assert other.statuses(event(9, idempotency_key="secret-event")) == ["accepted"]
    assert other.current() == 9
    assert meter.current() == 5
    # Nor can it tell anything to the meter of the other's Stripe account.
    reply = other.post("mappings", wanted(mapped.meter_id, mapped.customer))
    assert (reply.status, "stripe" in reply.body["message"]) == (400, True)
    assert mapped.told == 12
