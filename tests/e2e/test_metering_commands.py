"""`backbeat metering` against a running server, as an operator types it."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.test_commands import Run, run, told

__all__ = ["run"]

CSV = """id,customer,meter,qty,ts,resourceId,meta
a,acme,calls,100,2025-01-15T10:00:00Z,,
b,acme,calls,0.5,2025-01-15T11:00:00Z,vm-1,"{""region"": ""eu""}"
c,acme,calls,7,2025-01-14T11:59:59Z,,
"""


@pytest.fixture
def metered(http: httpx.Client) -> httpx.Client:
    """A sandbox in which it is 2025-01-15T12:00Z, with a counter."""
    for path, body in (
        ("/mock/clock", {"now": "2025-01-15T12:00:00Z"}),
        ("/metering/v1/counters", {"name": "calls", "aggregation": "sum"}),
    ):
        assert http.post(path, json=body).status_code == 200
    return http


def usage(http: httpx.Client) -> Any:
    query = {"customer_ref": "acme", "metric": "calls"}
    found = http.get("/metering/v1/usage/current", params=query).json()["data"]
    return found["metrics"][0]["current"]


def test_t24_d166_a_file_is_sent_again_and_counts_once(
    run: Run, metered: httpx.Client, tmp_path: Path
) -> None:
    file = tmp_path / "usage.csv"
    file.write_text(CSV)
    # The third row is a second too old.
    dry = told(run("metering", "resend", str(file), "--dry-run", "--json"))
    assert dry == {"total": 3, "considered": 2, "sent": 0, "duplicates": 0, "errors": 0}
    assert usage(metered) == 0
    assert "sent 2, duplicates 0" in run("metering", "resend", str(file)).stdout
    again = told(run("metering", "resend", str(file), "--window-hours", "48", "--json"))
    assert again == {"total": 3, "considered": 3, "sent": 1, "duplicates": 2, "errors": 0}
    assert usage(metered) == 107.5


def test_t24_json_lines_and_refusals(run: Run, metered: httpx.Client, tmp_path: Path) -> None:
    file = tmp_path / "usage.jsonl"
    good = {"metric": "calls", "customer_ref": "acme", "quantity": 3, "ts": "2025-01-15T11:00:00Z"}
    lines = [good, {**good, "metric": "other"}]
    file.write_text("\n".join(map(json.dumps, lines)))
    result = run("metering", "resend", str(file), fails=True)
    assert "sent 1, duplicates 0, errors 1" in result.stdout
    assert "there is no counter other" in result.stderr
    assert usage(metered) == 3


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("not json", "line 1: not JSON"),
        ("[]", "line 1: no JSON object"),
        ('{"metric": "calls"}', "line 1: customer_ref: required"),
        (
            '{"metric": "m", "customer": "c", "qty": "x", "ts": "2025-01-15T10:00:00Z"}',
            "line 1: quantity: must be a number",
        ),
        ('{"metric": "m", "customer": "c", "qty": 1, "ts": "2025-01-15T10:00:00"}', "time zone"),
    ],
)
def test_t24_a_row_that_is_no_event_sends_nothing(
    text: str, why: str, run: Run, metered: httpx.Client, tmp_path: Path
) -> None:
    file = tmp_path / "usage.jsonl"
    file.write_text(text)
    assert why in run("metering", "resend", str(file), fails=True).stderr


def test_d167_adjustments_are_proposed_listed_and_decided(run: Run, metered: httpx.Client) -> None:
    words = ("metering", "adjustments", "propose", "--at", "2025-01-15T00:00:00Z", "--json")
    made = told(run(*words, "--", "calls", "acme", "-2.5"))
    assert made["delta"] == -2.5
    assert made["id"] in run("metering", "adjustments", "list", "--status", "pending").stdout
    run("metering", "adjustments", "decide", "approve", made["id"])
    assert usage(metered) == -2.5
    result = run("metering", "adjustments", "decide", "revert", made["id"], "none", fails=True)
    assert "reverted" in result.stdout
    assert "none: " in result.stderr
    assert usage(metered) == 0
    assert "not a number" in run(*words, "calls", "acme", "many", fails=True).stderr


def test_d167_alerts_are_listed_and_answered(run: Run, metered: httpx.Client) -> None:
    body = {"name": "Busy", "type": "usage", "metric": "calls", "threshold": 1}
    alert = metered.post("/metering/v1/alerts", json=body).json()["data"]["id"]
    event = {"metric": "calls", "customer_ref": "acme", "quantity": 5}
    event["ts"] = "2025-01-15T11:00:00Z"
    assert metered.post("/metering/v1/events/ingest", json={"events": [event]}).status_code == 200
    assert "triggered" in run("metering", "alerts", "list").stdout
    assert run("metering", "alerts", "acknowledge", alert, "acme").stdout == "acknowledged\n"
    assert "2025-01-15T14:00:00" in run("metering", "alerts", "snooze", alert, "acme", "2").stdout


def test_d167_pushes_and_reconciliations_fail_where_somebody_has_to_look(
    run: Run, metered: httpx.Client, token: str, tmp_path: Path
) -> None:
    stripe = {"Authorization": f"Bearer sk_test_{token}"}

    def create(path: str, **fields: str) -> Any:
        reply = metered.post(f"/stripe/v1/{path}", data=fields, headers=stripe)
        assert reply.status_code == 200, reply.text
        return reply.json()["id"]

    formula = {"default_aggregation[formula]": "sum"}
    meter = create("billing/meters", display_name="Calls", event_name="calls", **formula)
    customer = create("customers", name="Acme")
    target = {"meter_id": meter, "stripe_customer_id": customer}
    body = {"metric": "calls", "customer_ref": "acme", "stripe": target}
    assert metered.post("/metering/v1/mappings", json=body).status_code == 200
    event = {"metric": "calls", "customer_ref": "acme", "quantity": 5}
    event["ts"] = "2025-01-15T11:00:00Z"
    assert metered.post("/metering/v1/events/ingest", json={"events": [event]}).status_code == 200
    page, rows = tmp_path / "drift.html", tmp_path / "drift.csv"
    # Nothing was told yet: 5 here, 0 there.
    run("metering", "reconcile", "--csv", str(rows), "--html", str(page), fails=True)
    assert "unpushed 5" in rows.read_text()
    assert page.read_text().startswith("<!doctype html>")
    assert "sent" in run("metering", "push").stdout
    assert "resolved" in run("metering", "reconcile").stdout
    assert run("metering", "corrections", "list").stdout == "none\n"
    nothing = run("metering", "corrections", "decide", "approve", "none", fails=True)
    assert "none: " in nothing.stderr
