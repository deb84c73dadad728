"""Metering in the console: usage that Stripe lost is found, corrected and agreed on."""

import re

import httpx
import stripe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Seen


def test_drift_is_found_approved_and_gone(
    page: Page, base_url: str, token: str, seen: Seen
) -> None:
    headers = {"authorization": f"Bearer {token}"}
    with httpx.Client(base_url=base_url, headers=headers, timeout=60) as program:

        def post(path: str, **body: object) -> httpx.Response:
            reply = program.post(path, json=body)
            assert reply.status_code in (200, 202), reply.text
            return reply

        post("/mock/clock", now="2025-01-15T12:00:00Z")
        meters = stripe.StripeClient(
            f"sk_test_{token}", base_addresses={"api": f"{base_url}/stripe"}
        ).v1
        meter = meters.billing.meters.create(
            {
                "display_name": "calls",
                "event_name": "calls",
                "default_aggregation": {"formula": "sum"},
            }
        )
        customer = meters.customers.create({"name": "Acme"})

        page.goto("/console/metering/counters")
        page.get_by_label("Name").fill("calls")
        page.get_by_role("button", name="Add").click()
        expect(page.get_by_role("row", name=re.compile("^calls"))).to_be_visible()

        page.get_by_role("link", name="Mappings").click()
        expect(page.get_by_text("Nothing is told to Stripe")).to_be_visible()
        page.get_by_label("Customer", exact=True).fill("acme")
        page.get_by_label("Meter", exact=True).fill(meter.id)
        page.get_by_label("Stripe customer").fill(customer.id)
        page.get_by_role("button", name="Add").click()
        expect(page.get_by_role("row", name=re.compile("calls acme"))).to_be_visible()

        sent = {"metric": "calls", "customer_ref": "acme", "ts": "2025-01-15T11:00:00Z"}
        post("/metering/v1/events/ingest", events=[{**sent, "quantity": 100}])
        # Stripe acknowledges the next event and loses it.
        post("/mock/stripe/meter_events", lose=1)
        with page.expect_response("**/metering/v1/pushes"):
            page.get_by_role("button", name="Tell Stripe now").click()
        post("/mock/clock", advance="PT10M")

        page.get_by_role("link", name="Reconciliation").click()
        page.get_by_role("button", name="Reconcile now").click()
        drift = page.locator('[data-figure="drift"] .value')
        expect(drift).to_have_text("100")
        compared = page.get_by_role("table", name="Latest comparison")
        expect(compared.locator('[data-cell="local"]')).to_have_text("100")
        expect(compared.locator('[data-cell="stripe"]')).to_have_text("0")
        page.get_by_role("button", name="Approve Resend").click()
        corrections = page.get_by_role("table", name="Corrections")
        expect(corrections.locator('[data-cell="status"]')).to_have_text("applied")

        page.get_by_role("link", name="Mappings").click()
        with page.expect_response("**/metering/v1/pushes"):
            page.get_by_role("button", name="Tell Stripe now").click()
        # Stripe books what it is told a while later.
        post("/mock/clock", advance="PT10M")
        page.get_by_role("link", name="Reconciliation").click()
        page.get_by_role("button", name="Reconcile now").click()
        expect(drift).to_have_text("0")
        expect(compared.locator('[data-cell="stripe"]')).to_have_text("100")

        page.get_by_role("link", name="Events").click()
        expect(page.get_by_role("row", name=re.compile("calls acme 100"))).to_be_visible()


def test_an_adjustment_counts_once_it_is_approved(
    page: Page, base_url: str, token: str, seen: Seen
) -> None:
    # Without a contract there is no price to project with.
    seen.forgiven += ["422 (Unprocessable"]
    headers = {"authorization": f"Bearer {token}"}
    with httpx.Client(base_url=base_url, headers=headers, timeout=60) as program:
        program.post("/mock/clock", json={"now": "2025-01-15T12:00:00Z"})
        program.post("/metering/v1/counters", json={"name": "calls", "aggregation": "sum"})
        event = {
            "metric": "calls",
            "customer_ref": "acme",
            "quantity": 40,
            "ts": "2025-01-15T11:00:00Z",
        }
        sent = program.post("/metering/v1/events/ingest", json={"events": [event]})
        assert sent.json()["accepted"] == 1
    page.goto("/console/metering/adjustments")
    page.get_by_label("Customer").fill("acme")
    page.get_by_label("Change").fill("-15")
    page.get_by_label("At (UTC)").fill("2025-01-15T11:00")
    page.get_by_role("button", name="Propose").click()
    status = page.get_by_role("table", name="Adjustments").locator('[data-cell="status"]')
    expect(status).to_have_text("pending")

    def used() -> str:
        page.get_by_role("link", name="Live usage").click()
        whose = page.get_by_role("region", name="Whose usage?")
        whose.get_by_label("Customer").fill("acme")
        whose.get_by_role("button", name="Show").click()
        value = page.locator('[data-figure="calls"] .value')
        expect(value).to_be_visible()
        return value.inner_text()

    assert used() == "40"
    page.get_by_role("link", name="Adjustments").click()
    page.get_by_role("button", name="Approve", exact=True).click()
    expect(status).to_have_text("approved")
    # 40 - 15.
    assert used() == "25"


def test_prices_are_compared_and_plotted(page: Page) -> None:
    page.goto("/console/metering/simulator")
    page.get_by_label("Up to how many units").fill("60000")
    page.get_by_role("button", name="Compare").click()
    page.get_by_text("As a table").click()
    row = page.get_by_role("row", name=re.compile("^25,000 "))
    # Flat 25,000 × 0.01; graduated 10,000 × 0.01 + 15,000 × 0.008; volume 25,000 × 0.008.
    for name, amount in [("Flat", "$250.00"), ("Graduated", "$220.00"), ("Volume", "$200.00")]:
        expect(row.locator(f'[data-cell="{name}"]')).to_have_text(amount)
    page.get_by_label("Dollars a unit").fill("0.0099")
    page.get_by_role("button", name="Compare").click()
    # 25,000 × 0.0099.
    expect(row.locator('[data-cell="Flat"]')).to_have_text("$247.50")
