"""N-36 for our own invoices over usage that is told to Stripe. A call costs 2 cents."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.integration.metering.mapped import Mapped, wanted
from tests.integration.metering.meter import Meter, event
from tests.integration.metering.stripe_side import StripeSide
from tests.integration.product import Product, TestClock

START = "2025-01-01T00:00:00Z"


@pytest.fixture
def billed(meter: Meter, side: StripeSide) -> Mapped:
    """A customer whose calls a contract of ours prices, and whose calls are told to a meter."""

    meter.sell(cents=2)
    meter_id, stripe_customer = side.meter(), side.customer()
    made = meter.post("mappings", wanted(meter_id, stripe_customer)).data
    meter.send(event(100))
    return Mapped(meter, side, made["id"], meter_id, stripe_customer)


def january(product: Product) -> Any:
    """January's invoice, after whatever is due now was done."""
    product.tick()
    product.work_off_jobs()
    [customer] = product.get("/v1/customers").data
    listed = product.get(f"/v1/customers/{customer['id']}/invoices").data
    [found] = [one for one in listed if one["start_timestamp"].startswith("2025-01-01")]
    return found


def wait(clock: TestClock, *, day: int) -> None:
    clock.set(datetime(2025, 2, day, 1, tzinfo=UTC))


def test_n36_what_was_not_told_holds_our_invoice_until_it_is(
    billed: Mapped, clock: TestClock, product: Product
) -> None:
    wait(clock, day=2)
    # Its grace is over, and 100 calls were counted that Stripe knows nothing of.
    assert january(product)["status"] == "DRAFT"
    billed.meter.post("pushes", {})
    clock.advance(minutes=10)
    invoice = january(product)
    assert (invoice["status"], invoice["total"]) == ("FINALIZED", 200)


def test_n36_what_a_reconciliation_found_holds_it_until_somebody_overrides(
    billed: Mapped, clock: TestClock, product: Product
) -> None:
    billed.meter.post("pushes", {})
    billed.side.send(billed.customer, "7", clock.now())
    billed.meter.post("reconciliation/runs", {})
    wait(clock, day=2)
    assert january(product)["status"] == "DRAFT"
    period = {"mapping_id": billed.id, "period_start": START}
    assert billed.meter.post("periods/finalize", period).status == 409
    reason = {**period, "override_reason": "the seven were a test"}
    assert billed.meter.post("periods/finalize", reason).status == 200
    clock.advance(minutes=10)
    assert january(product)["status"] == "FINALIZED"
    logged = product.get("/v1/auditLogs").data
    assert "period_closing" in {one["resource_type"] for one in logged}


def test_n36_where_all_agree_nothing_waits(
    billed: Mapped, clock: TestClock, product: Product
) -> None:
    billed.meter.post("pushes", {})
    billed.meter.post("reconciliation/runs", {})
    wait(clock, day=2)
    assert january(product)["status"] == "FINALIZED"


def test_n36_usage_of_an_earlier_mapping_counts_too(
    billed: Mapped, clock: TestClock, product: Product
) -> None:
    # A plan swap in the middle of the month: another meter from 13:00 on.
    billed.meter.product.request(
        "DELETE", f"/metering/v1/mappings/{billed.id}", {"ending_before": "2025-01-15T13:00:00Z"}
    )
    meter_id = billed.side.meter("calls2")
    body = wanted(meter_id, billed.customer, starting_at="2025-01-15T13:00:00Z")
    later = billed.meter.post("mappings", body).data["id"]
    billed.meter.send(event(5, "2025-01-15T12:30:00Z", sequence=1))
    wait(clock, day=2)
    billed.meter.post("pushes", {"mapping_id": later})
    assert january(product)["status"] == "DRAFT"
    billed.meter.post("pushes", {})
    clock.advance(minutes=10)
    assert january(product)["status"] == "FINALIZED"


def test_n36_a_tenant_may_do_without(billed: Mapped, clock: TestClock, product: Product) -> None:
    path = "/metering/v1/reconciliation/settings"
    changed = product.request("PATCH", path, {"holds_invoices": False}).data
    assert changed["holds_invoices"] is False
    wait(clock, day=2)
    assert january(product)["status"] == "FINALIZED"


def test_n36_a_sandbox_whose_clock_is_moved_waits_too(billed: Mapped, product: Product) -> None:
    product.post("/mock/clock", {"now": "2025-02-05T00:00:00Z"})
    assert january(product)["status"] == "DRAFT"
    billed.meter.post("pushes", {})
    product.post("/mock/clock", {"now": "2025-02-06T00:00:00Z"})
    assert january(product)["status"] == "FINALIZED"
