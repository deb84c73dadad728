"""Embeddable dashboards in a frame of somebody else's page."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect

from tests.browser.conftest import Seen
from tests.browser.world import World


def linked(world: World, dashboard: str, customer_id: str) -> str:
    body = {"customer_id": customer_id, "dashboard": dashboard}
    url: str = world.post("/v1/dashboards/getEmbeddableUrl", body)["data"]["url"]
    return url


@pytest.fixture
def framed(browser: Browser, seen: Seen, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page of another origin, to put a frame into."""

    class Portal(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>Portal</title>")

        def log_message(self, format: str, *args: object) -> None:
            pass

    portal = ThreadingHTTPServer(("127.0.0.1", 0), Portal)
    Thread(target=portal.serve_forever, daemon=True).start()
    context = browser.new_context()
    try:
        page = context.new_page()
        page.goto(f"http://localhost:{portal.server_address[1]}/")
        seen.watch(context)
        yield page
    finally:
        context.close()
        portal.shutdown()
        portal.server_close()


def embedded(page: Page, url: str) -> FrameLocator:
    page.evaluate(
        "url => document.body.append(Object.assign(document.createElement('iframe'), {src: url}))",
        url,
    )
    return page.frame_locator("iframe")


@pytest.mark.parametrize(
    ("dashboard", "heading"),
    [
        ("invoices", "Invoices of"),
        ("usage", "Usage of"),
        ("commits_and_credits", "Commits and credits of"),
    ],
)
def test_a_dashboard_is_shown_in_a_frame(
    dashboard: str, heading: str, framed: Page, shared_world: World
) -> None:
    frame = embedded(framed, linked(shared_world, dashboard, shared_world.acme))
    expect(frame.get_by_role("heading", level=1)).to_contain_text(heading)


def test_its_style_is_allowed_and_its_details_open(framed: Page, shared_world: World) -> None:
    frame = embedded(framed, linked(shared_world, "invoices", shared_world.acme))
    first = frame.locator("details").first
    expect(first.locator("table")).to_be_hidden()
    first.locator("summary").click()
    expect(first.locator("table")).to_be_visible()
    # What the page's own style says, not what browsers do by themselves.
    expect(frame.locator("h1")).to_have_css("font-size", "18px")


def test_its_curves_and_bars_are_drawn(framed: Page, shared_world: World) -> None:
    frame = embedded(framed, linked(shared_world, "usage", shared_world.acme))
    # Images by two qualities, and gigabytes.
    curves = frame.locator("svg > polyline")
    expect(curves).to_have_count(3)
    for curve in curves.all():
        expect(curve).to_be_visible()
    framed.evaluate("document.querySelector('iframe').remove()")
    frame = embedded(framed, linked(shared_world, "commits_and_credits", shared_world.acme))
    frame.locator("details").first.locator("summary").click()
    expect(frame.locator("svg > rect.all").first).to_be_visible()


def test_a_hostile_name_is_only_a_name(framed: Page, shared_world: World) -> None:
    frame = embedded(framed, linked(shared_world, "usage", shared_world.hostile))
    expect(frame.get_by_role("heading", level=1)).to_contain_text("<")
