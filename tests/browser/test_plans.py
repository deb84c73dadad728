"""Plans in the console: onboarded, upgraded after a preview, cancelled and reactivated."""

import re

import httpx
from playwright.sync_api import Page, expect

from tests.browser.conftest import Seen


def test_a_customer_is_onboarded_upgraded_cancelled_and_reactivated(
    page: Page, base_url: str, token: str
) -> None:
    headers = {"authorization": f"Bearer {token}"}
    with httpx.Client(base_url=base_url, headers=headers, timeout=60) as program:
        program.post("/mock/clock", json={"now": "2025-06-01T00:00:00Z"})
        page.goto("/console/plans")
        page.get_by_role("button", name="Onboard a customer").click()
        form = page.get_by_role("dialog")
        form.get_by_label("Name").fill("Acme")
        form.get_by_label("E-mail").fill("billing@acme.example")
        form.get_by_label("Id in your product").fill("acme")
        form.get_by_label("Tier").select_option("pro")
        form.get_by_role("button", name="Onboard").click()

        tier = page.locator('[data-figure="tier"] .value')
        status = page.locator('[data-figure="status"] .value')
        credits = page.locator('[data-figure="credits"] .value')
        expect(tier).to_have_text("Pro", timeout=30_000)
        expect(status).to_have_text("Active")
        expect(credits).to_have_text("10,000")
        bills = page.get_by_role("table", name="Invoices of the plan").locator(
            '[data-cell="total"]'
        )
        expect(bills).to_have_text(["$9"])

        # 15 of June's 30 days are left: 29 × 15 / 30 - 9 × 15 / 30 = 14.50 - 4.50 = 10.
        program.post("/mock/clock", json={"now": "2025-06-16T00:00:00Z"})
        page.get_by_role("button", name="Change the plan").click()
        form.get_by_label("Tier").select_option("team")
        form.get_by_role("button", name="See what it costs").click()
        expect(form.locator("[data-quote] .value")).to_have_text("$10 charged")
        expect(form).to_contain_text("For 15 of 30 days")
        form.get_by_role("button", name="Change the plan").click()
        expect(tier).to_have_text("Team", timeout=30_000)
        expect(credits).to_have_text("50,000")
        expect(bills).to_have_count(2)
        assert sorted(bills.all_inner_texts()) == ["$10", "$9"]

        page.get_by_role("button", name="Cancel", exact=True).click()
        page.get_by_role("button", name="Cancel the plan").click()
        ends = page.locator('[data-figure="status"] .note')
        expect(ends).to_have_text("ends 1 Jul 2025")
        page.get_by_role("button", name="Reactivate").click()
        expect(ends).to_have_text("period to 1 Jul 2025")
        expect(status).to_have_text("Active")

        subscription = program.get("/api/subscription/acme").json()
        assert (subscription["tier"], subscription["status"]) == ("team", "active")
        assert subscription["creditsBalance"] == 50_000


def test_a_card_that_is_declined_changes_nothing(page: Page, seen: Seen) -> None:
    seen.forgiven += ["402 (Payment Required)", "404 (Not Found)"]
    page.goto("/console/plans")
    page.get_by_role("button", name="Onboard a customer").click()
    form = page.get_by_role("dialog")
    form.get_by_label("Name").fill("Globex")
    form.get_by_label("E-mail").fill("billing@globex.example")
    form.get_by_label("Tier").select_option("team")
    form.get_by_label("Payment method").fill("pm_card_visa_chargeDeclined")
    form.get_by_role("button", name="Onboard").click()
    expect(form.get_by_role("alert")).to_contain_text(re.compile("declined", re.IGNORECASE))
