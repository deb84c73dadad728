"""The console's screens: what they show is what the API says."""

import csv
import re
from decimal import Decimal

from playwright.sync_api import Page, expect

from tests.browser.world import HOSTILE, World


def dollars(cents: object) -> str:
    """Returns cents as the console writes them."""
    amount = Decimal(str(cents)) / 100
    sign = "−" if amount < 0 else ""
    return f"{sign}${abs(amount):,.2f}"


def figure(page: Page, name: str) -> str:
    value = page.locator(f'[data-figure="{name}"] .value')
    expect(value).not_to_have_text("…")
    return value.inner_text()


def test_the_bare_address_leads_to_the_overview(onlooking: Page) -> None:
    onlooking.goto("/")
    expect(onlooking).to_have_url(re.compile(r"/console$"))
    expect(onlooking.get_by_role("heading", level=1)).to_have_text("Overview")


def test_the_overview_adds_up_all_drafts(onlooking: Page, shared_world: World) -> None:
    onlooking.goto("/console")
    drafts = [
        draft
        for customer in (shared_world.acme, shared_world.globex, shared_world.hostile)
        for draft in shared_world.get(f"/v1/customers/{customer}/invoices", status="DRAFT")["data"]
    ]
    expect(onlooking.locator('[data-figure="drafts"] .note')).to_have_text("of 3 customers")
    assert figure(onlooking, "drafts") == str(len(drafts)) == "3"
    # Acme's 3 seats of 2,900 in advance, less the last 5,348 of its commit; Globex's 19 days of 25
    # standard images at 2; one high image a day for the last one, 14 at 10 and 5 at 12.
    # 8,700 - 1,398 + 950 + 200 = 8,452. Acme's usage of 3,950 is paid by the commit.
    assert sum(Decimal(str(draft["total"])) for draft in drafts) == 8452
    assert figure(onlooking, "spend") == "$84.52"
    images = onlooking.get_by_role("row", name=re.compile("^Image generation"))
    # Acme: 40 × 19 + (1 + … + 19) = 950 and 3 × 19 = 57; Globex 25 × 19 = 475; 19 = 1,501.
    expect(images.locator('[data-cell="quantity"]')).to_have_text("1,501")
    assert figure(onlooking, "backlog") == "0"


def test_customers_are_found_by_words_of_names_and_aliases(
    onlooking: Page, shared_world: World
) -> None:
    onlooking.goto("/console/customers")
    names = onlooking.locator('[data-cell="name"]')
    expect(names).to_have_count(3)
    assert set(names.all_inner_texts()) == {"Acme", "Globex", HOSTILE}
    onlooking.get_by_role("searchbox").fill("GLOB")
    expect(names).to_have_text(["Globex"])
    onlooking.get_by_role("searchbox").fill(shared_world.acme)
    expect(names).to_have_text(["Acme"])
    onlooking.get_by_role("searchbox").fill("nobody at all")
    expect(onlooking.get_by_text("Nobody fits")).to_be_visible()


def test_a_customer_is_created_and_shown(page: Page) -> None:
    page.goto("/console/customers")
    page.get_by_role("button", name="Create the first one").click()
    page.get_by_label("Name").fill("Initech")
    page.get_by_label("Ingest aliases").fill("initech, tps")
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Initech")
    expect(page.get_by_text("initech, tps")).to_be_visible()
    expect(page.get_by_text("No open invoice")).to_be_visible()


def test_a_draft_shows_each_line_as_the_api_has_it(onlooking: Page, shared_world: World) -> None:
    onlooking.goto(f"/console/customers/{shared_world.acme}")
    [draft] = shared_world.get(f"/v1/customers/{shared_world.acme}/invoices", status="DRAFT")[
        "data"
    ]
    shown = onlooking.locator(f'[data-draft="{draft["id"]}"]')
    amounts = [
        dollars(line["total"])
        for line in draft["line_items"]
        if line["total"] or line.get("quantity")
    ]
    cells = shown.locator('[data-cell="total"]')
    expect(cells).to_have_count(len(amounts))
    # Prorated amounts are shown with six digits and an ellipsis, never rounded.
    exact = [one for one in cells.all_inner_texts() if "…" not in one]
    assert exact
    assert set(exact) <= set(amounts)
    expect(shown.locator('[data-sum="total"]')).to_have_text(dollars(draft["total"]))


def test_usage_by_group_is_the_apis(onlooking: Page, shared_world: World) -> None:
    onlooking.goto(f"/console/customers/{shared_world.acme}/usage")
    onlooking.get_by_label("Metric").select_option(label="Images")
    # 950 standard and 57 high ones, as counted above.
    expect(onlooking.locator('[data-figure="usage"] .value')).to_have_text("1,007")
    onlooking.get_by_label("By group").select_option("quality")
    onlooking.get_by_text("As a table").click()
    last = onlooking.get_by_role("row", name=re.compile("^19 Feb 2025"))
    expect(last.locator('[data-cell="standard"]')).to_have_text("59")
    expect(last.locator('[data-cell="high"]')).to_have_text("3")


def test_balances_show_what_is_left_and_their_ledger(onlooking: Page, shared_world: World) -> None:
    onlooking.goto(f"/console/customers/{shared_world.acme}/balances")
    listed = shared_world.post(
        "/v1/contracts/customerBalances/list",
        {
            "customer_id": shared_world.acme,
            "include_balance": True,
            "include_ledgers": True,
            "include_contract_balances": True,
        },
    )["data"]
    assert {balance["id"] for balance in listed} == {
        shared_world.credit_id,
        shared_world.commit_id,
    }
    for balance in listed:
        panel = onlooking.get_by_role("region", name=balance["name"], exact=True)
        expect(panel.locator(".left .value")).to_have_text(dollars(balance["balance"]))
        panel.get_by_text(f"Ledger, {len(balance['ledger'])} entries").click()
        table = panel.get_by_role("table", name=f"Ledger of {balance['name']}")
        assert table.locator('[data-cell="amount"]').all_inner_texts() == [
            dollars(entry["amount"]) for entry in balance["ledger"]
        ]


def test_contracts_and_alerts_are_shown(onlooking: Page, shared_world: World) -> None:
    onlooking.goto(f"/console/customers/{shared_world.acme}/contracts")
    expect(onlooking.get_by_role("heading", name="Acme 2025")).to_be_visible()
    expect(onlooking.get_by_role("row", name=re.compile("Team seat Monthly"))).to_contain_text("3")
    onlooking.get_by_role("link", name="Alerts").click()
    alert = onlooking.get_by_role("row", name=re.compile("Spend over 10 dollars"))
    expect(alert.locator('[data-cell="status"]')).to_have_text("in alarm")


def test_reports_add_up_what_all_customers_were_billed(
    onlooking: Page, shared_world: World
) -> None:
    billed = shared_world.get("/reports/invoices", status="FINALIZED")["data"]
    onlooking.goto("/console/reports")
    # Acme: 20,000 for the commit, seats and usage of January paid by it; 1,550 for Globex's 31 × 25
    # images at 2; 310 for one high one a day. 8,700 of seats on January 1 are paid by nothing.
    total = sum(Decimal(str(invoice["total"])) for invoice in billed)
    assert total == 20000 + 8700 + 1550 + 310
    assert figure(onlooking, "total") == dollars(total) == "$305.60"
    assert figure(onlooking, "untied") == "$0.00"
    # 500 of credit and 14,652 of the commit: 1,736 × 2 + 93 × 10 + 2,050 of storage + 8,700.
    assert figure(onlooking, "applied") == dollars(500 + 14652)
    with onlooking.expect_download() as downloading:
        onlooking.get_by_role("button", name="Save as CSV").click()
    rows = list(csv.DictReader(downloading.value.path().read_text().splitlines()))
    assert sum(Decimal(row["total"]) for row in rows) == total
    onlooking.get_by_role("link", name="Recurring revenue").click()
    # 3 seats at 2,900.
    assert figure(onlooking, "mrr") == "$87.00"
    onlooking.get_by_role("link", name="Receivables").click()
    assert figure(onlooking, "total") == dollars(total)
