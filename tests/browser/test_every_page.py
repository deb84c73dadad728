"""What holds for every page: nothing is taken for markup, nothing leaves, everybody can use it."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Seen
from tests.browser.world import HOSTILE, World

AXE = (Path(__file__).parent / "axe/axe.min.js").read_text()

PAGES: dict[str, Callable[[World], str]] = {
    "overview": lambda world: "/console",
    "customers": lambda world: "/console/customers",
    "customer": lambda world: f"/console/customers/{world.hostile}",
    "usage": lambda world: f"/console/customers/{world.hostile}/usage",
    "balances": lambda world: f"/console/customers/{world.acme}/balances",
    "contracts": lambda world: f"/console/customers/{world.hostile}/contracts",
    "alerts": lambda world: f"/console/customers/{world.hostile}/alerts",
    "invoices of one": lambda world: f"/console/customers/{world.hostile}/invoices",
    "one invoice": lambda world: invoice_of(world, "FINALIZED"),
    "one draft": lambda world: invoice_of(world, "DRAFT"),
    "invoices": lambda world: "/console/invoices",
    "revenue": lambda world: "/console/reports",
    "recurring revenue": lambda world: "/console/reports/mrr",
    "churn": lambda world: "/console/reports/churn",
    "credit burn": lambda world: "/console/reports/credits",
    "failed payments": lambda world: "/console/reports/payments",
    "receivables": lambda world: "/console/reports/receivables",
    "rate cards": lambda world: "/console/catalog",
    "products": lambda world: "/console/catalog/products",
    "metrics": lambda world: "/console/catalog/metrics",
    "rate card": lambda world: f"/console/catalog/rate-cards/{world.card_id}",
    "plans": lambda world: "/console/plans",
    "tiers": lambda world: "/console/plans/offers",
    "operations": lambda world: "/console/plans/operations",
    "one plan": lambda world: f"/console/plans/of/{onboarded(world)}",
    "reconciliation": lambda world: "/console/metering",
    "live usage": lambda world: "/console/metering/usage",
    "metered events": lambda world: "/console/metering/events",
    "adjustments": lambda world: "/console/metering/adjustments",
    "mappings": lambda world: "/console/metering/mappings",
    "counters": lambda world: "/console/metering/counters",
    "simulator": lambda world: "/console/metering/simulator",
    "webhooks": lambda world: "/console/webhooks",
    "sandbox": lambda world: "/console/sandbox",
    "nowhere": lambda world: f"/console/{HOSTILE}",
    "demo": lambda world: "/demo",
    "widget": lambda world: f"/widget#token={widget_token(world)}",
    "embedded invoices": lambda world: embedded(world, "invoices"),
    "embedded usage": lambda world: embedded(world, "usage"),
    "embedded balances": lambda world: embedded(world, "commits_and_credits"),
}
"""Where each page is."""

BEARS_THE_NAME = {
    "overview",
    "customers",
    "customer",
    "usage",
    "contracts",
    "alerts",
    "invoices of one",
    "invoices",
    "products",
    "receivables",
    "revenue",
    "widget",
}
"""Pages that show the hostile customer or product."""


DIALOGS: dict[str, tuple[str, str]] = {
    "new customer": ("customers", "New customer"),
    "archive": ("customer", "Archive"),
    "why": ("one invoice", "Why "),
    "void": ("one invoice", "Void"),
    "onboard": ("plans", "Onboard a customer"),
    "change of plan": ("one plan", "Change the plan"),
    "token": ("overview", "Token"),
    "reset": ("sandbox", "Empty this world"),
}
"""Dialogs, each by the page and the beginning of the name of the button that opens it."""


def widget_token(world: World) -> str:
    token: str = world.post("/widget/tokens", {"customer_id": world.hostile})["data"]["token"]
    return token


def invoice_of(world: World, status: str) -> str:
    listed = world.get(f"/v1/customers/{world.acme}/invoices", status=status)["data"]
    # The one of a month: it has tiers, groups, and lines that credits paid.
    [id_] = [one["id"] for one in listed if one["type"] == "USAGE"]
    return f"/console/customers/{world.acme}/invoices/{id_}"


def embedded(world: World, dashboard: str) -> str:
    body = {"customer_id": world.acme, "dashboard": dashboard}
    url: str = world.post("/v1/dashboards/getEmbeddableUrl", body)["data"]["url"]
    return url


def onboarded(world: World) -> str:
    entity = {"id": "hostile", "name": HOSTILE, "email": "a@b.example"}
    reply = world.http.post("/api/onboard", json={"entity": entity, "tier": "free"})
    assert reply.status_code in (200, 201, 202), reply.text
    return "hostile"


def opened(page: Page, world: World, name: str) -> None:
    page.goto(PAGES[name](world).replace("<", "%3C").replace(">", "%3E").replace(" ", "%20"))
    expect(page.get_by_role("heading").first).to_be_visible()
    expect(page.locator(".waiting")).to_have_count(0)


def violations(page: Page, *rules: str) -> list[Any]:
    """Returns what axe finds serious or critical, each with the elements it is about."""
    # By the protocol and not as an element: the page's policy lets no foreign script in.
    session = page.context.new_cdp_session(page)
    session.send("Runtime.evaluate", {"expression": AXE})
    options = {"runOnly": list(rules)} if rules else {}
    run = f"axe.run({json.dumps(options)}).then((told) => JSON.stringify(told))"
    found = session.send("Runtime.evaluate", {"expression": run, "awaitPromise": True})
    told = json.loads(found["result"]["value"])
    assert told["passes"], "axe looked at nothing"
    return [
        (one["id"], one["impact"], [node["html"][:160] for node in one["nodes"][:3]])
        for one in told["violations"]
        if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("name", PAGES)
def test_everybody_can_use_it_and_names_are_texts(
    name: str, onlooking: Page, shared_world: World, seen: Seen
) -> None:
    # The test's fixtures see to it that no page asks another origin, opens a dialog or breaks.
    opened(onlooking, shared_world, name)
    if name in BEARS_THE_NAME:
        expect(onlooking.get_by_text(HOSTILE).first).to_be_visible()
    assert onlooking.locator("img[onerror], body script:not([src])").count() == 0
    onlooking.emulate_media(color_scheme="dark")
    assert violations(onlooking) == []
    onlooking.emulate_media(color_scheme="light")
    onlooking.set_viewport_size({"width": 390, "height": 844})
    width = onlooking.evaluate("document.documentElement.scrollWidth")
    assert width <= 390, "it is wider than a phone"
    assert violations(onlooking) == []


@pytest.mark.parametrize("name", DIALOGS)
def test_everybody_can_use_a_dialog(name: str, onlooking: Page, shared_world: World) -> None:
    where, button = DIALOGS[name]
    opened(onlooking, shared_world, where)
    onlooking.get_by_role("button", name=re.compile(f"^{button}")).first.click()
    dialog = onlooking.get_by_role("dialog")
    expect(dialog).to_be_visible()
    expect(dialog.locator(".waiting")).to_have_count(0)
    schemes: tuple[Literal["dark", "light"], ...] = ("dark", "light")
    for scheme in schemes:
        onlooking.emulate_media(color_scheme=scheme)
        assert violations(onlooking) == [], scheme
    onlooking.set_viewport_size({"width": 390, "height": 844})
    box = dialog.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    # The keyboard closes it.
    onlooking.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_the_policy_stops_what_would_get_in(
    onlooking: Page, shared_world: World, seen: Seen
) -> None:
    opened(onlooking, shared_world, "overview")
    seen.forgiven += ["Content Security Policy", "violates the following", "Refused"]
    stopped = onlooking.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "window.gotIn = true";
            document.body.append(script);
            const left = () => window.gotIn === undefined;
            return fetch("https://example.com/").then(() => false, left);
        }"""
    )
    assert stopped


def test_the_navigation_works_from_the_keyboard(onlooking: Page, shared_world: World) -> None:
    opened(onlooking, shared_world, "overview")
    onlooking.keyboard.press("Tab")
    expect(onlooking.get_by_role("link", name="To the content")).to_be_focused()
    for _ in range(3):
        onlooking.keyboard.press("Tab")
    expect(onlooking.get_by_role("link", name="Customers", exact=True)).to_be_focused()
    onlooking.keyboard.press("Enter")
    expect(onlooking).to_have_url(re.compile("/console/customers$"))


def test_what_cannot_be_loaded_says_so_and_can_be_tried_again(
    onlooking: Page, shared_world: World, seen: Seen
) -> None:
    seen.forgiven += ["Failed to load resource"]
    onlooking.route("**/v1/customers?*", lambda route: route.abort())
    onlooking.goto("/console/customers")
    trouble = onlooking.get_by_role("alert")
    expect(trouble).to_contain_text("Could not load customers.")
    expect(trouble).to_contain_text("Is the server still running?")
    onlooking.unroute("**/v1/customers?*")
    trouble.get_by_role("button", name="Try again").click()
    expect(onlooking.get_by_role("link", name="Acme")).to_be_visible()


def test_an_unknown_customer_is_told_of(onlooking: Page, seen: Seen) -> None:
    seen.forgiven += ["Failed to load resource"]
    onlooking.goto("/console/customers/00000000-0000-4000-8000-000000000000")
    expect(onlooking.get_by_role("alert")).to_contain_text("customer not found")
