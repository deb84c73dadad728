"""What an adjustment may be of counters that are no sums. The clock stands at 2025-01-15T12:00Z."""

from decimal import Decimal
from typing import Any

import pytest

from tests.integration.metering.meter import Meter, event
from tests.integration.product import Reply, TestClock

TENTH = "2025-01-10T08:30:00Z"


def propose(meter: Meter, **fields: object) -> Reply:
    body = {"metric": "calls", "customer_ref": "acme", "ts": TENTH, **fields}
    return meter.post("adjustments", body)


def approve(meter: Meter, reply: Reply) -> Any:
    return meter.post(f"adjustments/{reply.data['id']}/approve").data


def recounted(meter: Meter) -> Any:
    """Counts January anew from the events alone; returns what differs from what was counted."""
    span = {"since": "2025-01-01T00:00:00Z", "until": "2025-01-16T00:00:00Z"}
    [found] = meter.post("replay", {**span, "mode": "dry_run"}).data["metrics"]
    return found["counter_delta"]


def test_d48_a_count_takes_events_that_were_missed(meter: Meter) -> None:
    meter.counter(aggregation="count")
    meter.send(event(1), event(1, "2025-01-15T10:00:00Z"))
    made = propose(meter, delta=3, request_id="r-1")
    assert made.data["delta"] == 3
    assert meter.current() == 2
    for _ in range(2):
        assert approve(meter, made)["status"] == "approved"
        # 2 + 3, however often it is approved.
        assert meter.current() == 5
    assert propose(meter, delta=3, request_id="r-1").data["status"] == "approved"
    assert recounted(meter) == 0
    # What happened stays counted: there is no event that takes one back.
    refused = meter.post(f"adjustments/{made.data['id']}/revert")
    assert (refused.status, "no sum" in refused.body["message"]) == (422, True)


def test_d48_a_maximum_takes_a_peak_that_was_missed(meter: Meter) -> None:
    meter.counter(aggregation="max")
    meter.send(event(40), event(7, TENTH))
    made = propose(meter, value=55)
    assert (made.data["value"], "delta" in made.data) == (55, False)
    assert meter.current() == 40
    approve(meter, made)
    assert meter.current() == 55
    assert recounted(meter) == 0


def test_d48_a_latest_value_takes_one_that_was_missed(meter: Meter) -> None:
    meter.counter(aggregation="last")
    meter.send(event(40, "2025-01-15T11:00:00Z"))
    approve(meter, propose(meter, value=12, ts="2025-01-15T11:30:00Z"))
    assert meter.current() == 12
    # Of an earlier hour it is that hour's latest, and not the period's.
    approve(meter, propose(meter, value=99))
    assert meter.current() == 12
    assert recounted(meter) == 0


def test_d48_different_values_take_one_that_was_missed(meter: Meter) -> None:
    meter.counter(aggregation="unique")
    meter.send(event(1, resource_id="ann"), event(1, resource_id="bob"))
    approve(meter, propose(meter, resource_id="cid"))
    assert meter.current() == 3
    # Known from another hour: that hour has one more, the period has not.
    approve(meter, propose(meter, resource_id="ann"))
    assert meter.current() == 3
    assert recounted(meter) == 0


@pytest.mark.parametrize(
    ("aggregation", "fields", "why"),
    [
        ("sum", {"value": 5}, "value: calls is a sum"),
        ("sum", {}, "delta: required"),
        ("count", {"value": 5}, "value: calls counts events"),
        ("count", {"delta": -1}, "none can be taken back"),
        ("count", {"delta": 0.5}, "whole ones"),
        ("count", {"delta": 0}, "whole ones"),
        ("count", {"delta": 1001}, "1 to 1000"),
        ("max", {"delta": 5}, "delta: calls is the greatest value"),
        ("max", {}, "value: required"),
        ("max", {"value": -1}, "value"),
        ("max", {"value": 7}, "at least as great"),
        ("last", {"delta": 5}, "delta: calls is the latest value"),
        ("last", {"value": 5, "ts": "2025-01-10T08:29:59Z"}, "a later value was counted"),
        ("unique", {"delta": 5}, "delta: calls counts different values"),
        ("unique", {"value": 5}, "value: calls counts different values"),
        ("unique", {}, "resource_id or meta"),
        ("unique", {"resource_id": "ann"}, "resource_id: was counted in that hour"),
    ],
)
def test_d48_what_cannot_change_a_counter_is_refused_with_the_reason(
    aggregation: str, fields: dict[str, object], why: str, meter: Meter
) -> None:
    meter.counter(aggregation=aggregation)
    meter.send(event(7, TENTH, resource_id="ann"))
    before = meter.get("adjustments").data
    reply = propose(meter, **fields)
    assert (reply.status, why in reply.body["message"]) == (400, True), reply
    assert meter.get("adjustments").data == before


def test_d48_a_counter_by_group_needs_the_group(meter: Meter) -> None:
    meter.counter(aggregation="count", group_keys=[["region"]])
    refused = propose(meter, delta=2)
    assert (refused.status, refused.body["message"].partition(":")[0]) == (400, "meta")
    approve(meter, propose(meter, delta=2, meta={"region": "eu"}))
    assert meter.current() == 2


def test_d48_a_late_value_is_shown_as_one(meter: Meter, clock: TestClock) -> None:
    meter.counter(aggregation="max", late_limit=10)
    clock.advance(days=3)
    [late] = meter.send(event(55))["results"]
    assert late["status"] == "pending"
    shown = meter.get(f"adjustments/{late['adjustment_id']}").data
    assert (shown["value"], shown["status"]) == (Decimal(55), "pending")
    assert meter.post(f"adjustments/{shown['id']}/approve").data["status"] == "approved"
    assert meter.current() == 55
