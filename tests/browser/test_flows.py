"""What people do in the console, clicked through from beginning to end."""

import re
from datetime import UTC, datetime

import httpx
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from tests.browser import world
from tests.browser.world import World
from tests.e2e.conftest import receiving


def usage(number: int, at: str) -> dict[str, object]:
    return {
        "transaction_id": f"late-{number}",
        "customer_id": "globex",
        "event_type": "image_generation",
        "timestamp": at,
        "properties": {"images": "1000", "quality": "standard"},
    }


def test_usage_grows_a_draft_that_time_makes_final(page: Page, base_url: str, token: str) -> None:
    made = world.build(base_url, token)
    page.goto(f"/console/customers/{made.globex}")
    total = page.locator('[data-sum="total"]')
    # 19 days of 25 images at 2 cents.
    expect(total).to_have_text("$9.50")
    made.post("/v1/ingest", [usage(1, "2025-02-20T11:00:00Z")])
    # 1,000 more at 2 cents. The page is not touched.
    expect(total).to_have_text("$29.50")

    page.get_by_role("link", name="Sandbox").click()
    page.get_by_role("button", name="1 month").click()
    expect(page.locator(".now-at")).to_contain_text("20 Mar 2025")

    page.get_by_role("link", name="Invoices").click()
    final = page.get_by_role("row", name=re.compile("Globex 1 Feb 2025 – 28 Feb 2025"))
    expect(final.locator('[data-cell="status"]')).to_have_text("finalized")
    expect(final.locator('[data-cell="total"]')).to_have_text("$29.50")
    final.get_by_role("link", name="1 Feb 2025 – 28 Feb 2025").click()

    page.get_by_role("button", name=re.compile("^Why Image generation costs")).first.click()
    why = page.get_by_role("dialog")
    # 19 × 25 + 1,000 = 1,475 images.
    expect(why).to_contain_text("1475 × 2 = 2950 USD (cents)")
    expect(why).to_contain_text("computed again: the same")
    page.get_by_role("button", name="Close").click()

    with page.expect_download() as downloading:
        page.get_by_role("button", name="Save as PDF").click()
    pdf = PdfReader(downloading.value.path())
    assert "29.50" in pdf.pages[0].extract_text()

    page.get_by_role("button", name="Void", exact=True).click()
    page.get_by_role("button", name="Void it").click()
    expect(
        page.get_by_role("region", name=re.compile("^Invoice for")).locator(".badge").first
    ).to_have_text("void")
    page.get_by_role("button", name="Make it anew").click()
    expect(page.get_by_role("link", name="the void one")).to_be_visible()
    expect(page.locator('[data-sum="total"]')).to_have_text("$29.50")
    statuses = [
        (invoice["status"], invoice["total"])
        for invoice in made.get(f"/v1/customers/{made.globex}/invoices")["data"]
        if invoice["start_timestamp"].startswith("2025-02-01")
    ]
    assert sorted(statuses) == [("FINALIZED", 2950), ("VOID", 2950)]


def test_a_webhook_that_failed_is_delivered_again(page: Page) -> None:
    with receiving(answers=[500] * 3) as target:
        page.goto("/console/webhooks")
        expect(page.get_by_text("Nobody is told anything")).to_be_visible()
        page.get_by_label("New target").fill(target.url)
        page.get_by_role("button", name="Add").click()
        expect(page.get_by_role("row", name=target.url)).to_be_visible()
        # It fails at first, and at once is tried again by itself.
        page.get_by_role("button", name="Send a test event").click()
        delivery = page.get_by_role("row", name=re.compile("webhooks.test"))
        expect(delivery).to_be_visible()
        delivery.get_by_role("button", name="Show").click()
        attempts = page.get_by_role("table", name="Attempts")
        expect(attempts.locator('[data-cell="answer"]').first).to_have_text("500")
        # After one, two and four seconds.
        delivered = delivery.locator('[data-cell="state"]')
        expect(delivered).to_have_text("delivered", timeout=30_000)
        answers = attempts.locator('[data-cell="answer"]')
        expect(answers).to_have_text(["500", "500", "500", "200"])
        expect(page.get_by_role("region", name="Payload")).to_contain_text(
            '"type": "webhooks.test"'
        )
        received = len(target.received)
        page.get_by_role("button", name="Deliver again").click()
        expect(answers).to_have_count(5)
        target.wait_for(lambda seen: len(seen) == received + 1)
        first, *_, last = target.received
        assert first.event["id"] == last.event["id"]
        page.get_by_role("button", name=re.compile("^Remove http")).click()
        page.get_by_role("button", name="Remove", exact=True).click()
        expect(page.get_by_text("Nobody is told anything")).to_be_visible()


def test_a_world_is_saved_spoilt_and_brought_back(page: Page, base_url: str, token: str) -> None:
    headers = {"authorization": f"Bearer {token}"}
    with httpx.Client(base_url=base_url, headers=headers) as program:
        program.post("/mock/clock", json={"now": "2025-01-01T00:00:00Z"})
        program.post("/v1/customers", json={"name": "Before"})
        page.goto("/console/sandbox")
        page.get_by_label("Name").fill("clean")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_role("row", name=re.compile("^clean"))).to_be_visible()

        page.get_by_label("Paths").fill("/v1/customers")
        page.get_by_label("Times").fill("1")
        page.get_by_role("button", name="Add").click()
        fault = page.get_by_role("row", name=re.compile("^Status 503"))
        expect(fault.locator('[data-cell="fired"]')).to_have_text("0 of 1")
        # The console's own looks do not use it up; the program's call does.
        assert program.post("/v1/customers", json={"name": "After"}).status_code == 503
        expect(fault.locator('[data-cell="fired"]')).to_have_text("1 of 1")
        assert program.post("/v1/customers", json={"name": "After"}).status_code == 200
        expect(
            page.get_by_role("row", name=re.compile("status 503 before the work"))
        ).to_be_visible()

        page.get_by_role("button", name="1 day").click()
        expect(page.locator(".now-at")).to_contain_text("2 Jan 2025")
        page.get_by_role("button", name="Restore clean").click()
        page.get_by_role("button", name="Restore", exact=True).click()
        expect(page.locator(".now-at")).to_contain_text("1 Jan 2025")
        names = [one["name"] for one in program.get("/v1/customers").json()["data"]]
        assert names == ["Before"]


def test_prices_are_shown_as_of_a_day(onlooking: Page, shared_world: World) -> None:
    onlooking.goto("/console/catalog")
    onlooking.get_by_role("link", name="List prices").click()
    prices = onlooking.get_by_role("table", name="Prices of Image generation")
    high = prices.get_by_role("row", name=re.compile("quality high")).locator('[data-cell="price"]')
    # The world's clock stands on February 20; the price changed on the 15th.
    expect(high).to_have_text("$0.12")
    onlooking.get_by_label("Day").fill("2025-02-14")
    onlooking.get_by_label("Day").dispatch_event("change")
    expect(high).to_have_text("$0.10")
    ladder = onlooking.get_by_role("table", name="Prices of Storage").locator(".ladder li")
    expect(ladder).to_have_text([re.compile("0 – 20.*0.50"), re.compile("over 20.*0.25")])
    onlooking.get_by_role("button", name="All changes").click()
    expect(high).to_have_text(["$0.10", "$0.12"])


def test_a_token_opens_a_world_of_its_own(page: Page) -> None:
    page.goto("/console/customers")
    page.get_by_role("button", name=re.compile("^Token")).click()
    page.get_by_label("Token", exact=True).fill(f"other-{datetime.now(UTC).timestamp()}")
    page.get_by_role("button", name="Enter").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    expect(page.get_by_text("No customers yet")).to_be_visible()
