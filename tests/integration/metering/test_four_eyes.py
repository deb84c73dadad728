"""Who may approve an adjustment (D-46)."""

from typing import Any

import pytest

from tests.integration.metering.meter import Meter, event
from tests.integration.metering.test_rights import key
from tests.integration.product import Product, TestClock


@pytest.fixture
def ann(meter: Meter) -> Meter:
    meter.counter()
    return Meter(meter.product, key(meter.product, "metering:admin"))


@pytest.fixture
def bob(meter: Meter) -> Meter:
    return Meter(meter.product, key(meter.product, "metering:admin", "metering:read"))


def propose(meter: Meter, delta: object) -> str:
    body = {"metric": "calls", "customer_ref": "acme", "ts": "2025-01-10T00:00:00Z", "delta": delta}
    made: str = meter.post("adjustments", body).data["id"]
    return made


def lay_down(meter: Meter, limit: Any) -> None:
    body = {"four_eyes_above": limit}
    reply = meter.product.request("PUT", "/metering/v1/approval-policy", body, token=meter.token)
    assert reply.data == {"four_eyes_above": limit}


def test_d46_without_a_policy_everybody_may_approve_their_own(ann: Meter) -> None:
    assert ann.get("approval-policy").data == {"four_eyes_above": None}
    assert ann.post(f"adjustments/{propose(ann, 5000)}/approve").data["status"] == "approved"


@pytest.mark.parametrize("delta", [101, -101])
def test_d46_above_the_limit_it_takes_somebody_else(delta: int, ann: Meter, bob: Meter) -> None:
    lay_down(ann, 100)
    made = propose(ann, delta)
    refused = ann.post(f"adjustments/{made}/approve")
    assert (refused.status, refused.body["code"]) == (403, "Forbidden")
    assert ann.get(f"adjustments/{made}").data["status"] == "pending"
    assert ann.current() == 0
    done = bob.post(f"adjustments/{made}/approve").data
    assert done["created_by"] != done["decided_by"]
    assert ann.current() == delta
    # It is decided: to ask again changes nothing, whoever does.
    assert ann.post(f"adjustments/{made}/approve").data["status"] == "approved"
    assert ann.current() == delta


def test_d46_up_to_the_limit_one_is_enough(ann: Meter) -> None:
    lay_down(ann, 100)
    assert ann.post(f"adjustments/{propose(ann, 100)}/approve").data["status"] == "approved"


def test_d46_rejecting_ones_own_is_fine(ann: Meter) -> None:
    lay_down(ann, 0)
    assert ann.post(f"adjustments/{propose(ann, 1)}/reject").data["status"] == "rejected"


def test_d46_the_policy_can_be_switched_off(ann: Meter) -> None:
    lay_down(ann, 0)
    made = propose(ann, 1)
    assert ann.post(f"adjustments/{made}/approve").status == 403
    lay_down(ann, None)
    assert ann.post(f"adjustments/{made}/approve").data["status"] == "approved"


def test_d46_what_was_sent_too_late_is_its_senders_own(
    ann: Meter, bob: Meter, clock: TestClock
) -> None:
    lay_down(ann, 10)
    clock.advance(days=3)
    [late] = ann.send(event(5000))["results"]
    path = f"adjustments/{late['adjustment_id']}/approve"
    assert ann.post(path).status == 403
    assert bob.post(path).data["status"] == "approved"
    assert ann.current() == 5000


def test_d46_who_lays_the_policy_down_is_in_the_log_of_changes(
    ann: Meter, product: Product
) -> None:
    lay_down(ann, 10)
    logged = product.get("/v1/auditLogs").data
    assert "approval_policy" in {one["resource_type"] for one in logged}


def test_d46_only_who_decides_may_lay_the_policy_down(meter: Meter) -> None:
    writer = key(meter.product, "metering:write")
    path, body = "/metering/v1/approval-policy", {"four_eyes_above": None}
    assert meter.product.request("PUT", path, body, token=writer).status == 403
    assert meter.product.get(path, token=writer).status == 200
    for wrong in ({}, {"four_eyes_above": -1}, {"four_eyes_above": "many"}):
        assert meter.product.request("PUT", path, wrong).status == 400
