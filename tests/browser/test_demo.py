"""The demo shop, clicked through as a newcomer does."""

import re

from playwright.sync_api import Page, expect


def test_ten_four_and_three_images_cost_70_cents(page: Page, token: str) -> None:
    headers = {"authorization": f"Bearer {token}"}
    page.goto("/demo")
    # The first call loads the SDK.
    expect(page.get_by_text("standard").first).to_be_visible(timeout=30_000)
    expect(page.get_by_role("button", name="Create contract")).to_be_disabled()
    page.get_by_role("button", name="Create customer").click()
    expect(page.locator('[data-step="customer_id"] small')).to_have_text(
        re.compile("^[0-9a-f-]{36}$")
    )
    expect(page.get_by_role("button", name="Generate ultra")).to_be_disabled()
    page.get_by_role("button", name="Create contract").click()
    expect(page.get_by_role("button", name="Generate ultra")).to_be_enabled(timeout=15_000)
    images = {"standard": 10, "high-res": 4, "ultra": 3}
    for tier, number in images.items():
        # The last one of each by hand.
        for _ in range(number - 1):
            sent = page.request.post("/demo/api/generate", data={"tier": tier}, headers=headers)
            assert sent.ok
        page.get_by_role("button", name=f"Generate {tier}").click()
        expect(page.locator(f'[data-tier="{tier}"] td').first).to_have_text(str(number))
    # 10 × 0.02 + 4 × 0.05 + 3 × 0.10 = 0.20 + 0.20 + 0.30.
    spent = [
        page.locator(f'[data-tier="{tier}"] td').last for tier in ("standard", "high-res", "ultra")
    ]
    assert [cell.inner_text() for cell in spent] == ["$0.20", "$0.20", "$0.30"]
    expect(page.locator("#total")).to_have_text("$0.70")
    expect(page.locator("#draft")).to_have_text("$0.70")
    expect(page.get_by_role("listitem", name=re.compile("^Image"))).to_have_count(3)


def test_setting_up_twice_makes_nothing_twice(page: Page) -> None:
    page.goto("/demo")
    expect(page.get_by_text("standard").first).to_be_visible(timeout=30_000)
    made = []
    for _ in range(2):
        page.get_by_role("button", name="Create customer").click()
        expect(page.get_by_text("The customer is there.")).to_be_visible()
        page.get_by_role("button", name="Create contract").click()
        expect(page.get_by_text("the contract is made")).to_be_visible()
        made.append([page.locator(f"#{name}-id").inner_text() for name in ("customer", "contract")])
        page.reload()
        expect(page.locator("#contract-id")).not_to_have_text("not yet")
    assert made[0] == made[1]
