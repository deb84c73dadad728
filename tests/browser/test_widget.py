"""The usage widget in a page of somebody else's, on another origin."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from playwright.sync_api import Page, expect

from tests.browser.conftest import Seen
from tests.browser.world import World


@contextmanager
def product_of_somebody(base_url: str, tokens: Iterator[str]) -> Iterator[str]:
    """Serves a page with the widget, and the tokens that its own server asks Backbeat for."""
    page = (
        "<!doctype html><html lang=en><title>My product</title><link rel=icon href='data:,'>"
        f"<script src='{base_url}/widget.js' async></script><h1>My product</h1>"
        "<backbeat-usage token-url='/usage-token'></backbeat-usage></html>"
    )

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_token = self.path == "/usage-token"
            body = json.dumps({"token": next(tokens)}) if is_token else page
            self.send_response(200)
            self.send_header("Content-Type", "application/json" if is_token else "text/html")
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:
            """Keeps the test output quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def issue(world: World, customer_id: str) -> str:
    token: str = world.post("/widget/tokens", {"customer_id": customer_id})["data"]["token"]
    return token


def test_it_shows_usage_in_a_frame_and_asks_for_a_token_that_lasts(
    onlooking: Page, base_url: str, shared_world: World, seen: Seen
) -> None:
    seen.forgiven += ["401 (Unauthorized)"]
    # The first token is worth nothing, as one that has ended.
    tokens = iter(["bbw_ended.x", issue(shared_world, shared_world.acme)])
    with product_of_somebody(base_url, tokens) as home:
        onlooking.goto(home)
        frame = onlooking.frame_locator("backbeat-usage iframe")
        expect(frame.get_by_role("heading", name="Usage of Acme")).to_be_visible()
        # 8,700 for seats and 3,950 of usage, of which the commit pays 5,348.
        expect(frame.locator('[data-figure="spent"]')).to_have_text("$126.50")
        expect(frame.locator('[data-figure="covered"]')).to_have_text("$53.48")
        expect(frame.locator('[data-figure="due"]')).to_have_text("$73.02")
        # 19.5 of 28 days are over: 3,950 × 28 / 19.5 = 5,671.79..., and the seats.
        expect(frame.locator('[data-figure="projected"]')).to_have_text("$143.72")
        expect(frame.get_by_text("reached")).to_be_visible()
        height = onlooking.locator("iframe").evaluate("(frame) => frame.offsetHeight")
        shown = frame.locator("html").evaluate("(html) => html.getBoundingClientRect().height")
        assert height >= shown
    outside = {url.removeprefix(home).split("#")[0] for url in seen.elsewhere}
    assert outside == {"/", "/usage-token"}
    seen.elsewhere.clear()


def test_without_an_answer_it_shows_no_numbers(
    onlooking: Page, shared_world: World, seen: Seen
) -> None:
    seen.forgiven += ["Failed to load resource"]
    onlooking.route("**/widget/usage", lambda route: route.abort())
    onlooking.goto(f"/widget#token={issue(shared_world, shared_world.acme)}")
    expect(onlooking.get_by_role("alert")).to_have_text(
        "Your usage cannot be reached at the moment."
    )
    assert "$" not in onlooking.locator("body").inner_text()


def test_what_is_old_says_so(onlooking: Page, shared_world: World, seen: Seen) -> None:
    seen.forgiven += ["Failed to load resource"]
    onlooking.clock.install()
    onlooking.goto(f"/widget#token={issue(shared_world, shared_world.acme)}")
    expect(onlooking.locator('[data-figure="due"]')).to_have_text("$73.02")
    onlooking.route("**/widget/usage", lambda route: route.fulfill(status=500, body="{}"))
    onlooking.clock.fast_forward(16_000)
    expect(onlooking.get_by_role("alert")).to_contain_text("What you see is as of")
    expect(onlooking.locator('[data-figure="due"]')).to_have_text("$73.02")


def test_a_made_up_token_shows_nothing(onlooking: Page, seen: Seen) -> None:
    seen.forgiven += ["401 (Unauthorized)"]
    onlooking.goto("/widget#token=bbw_made.up")
    expect(onlooking.get_by_role("alert")).to_contain_text("This view has ended.")
    assert "$" not in onlooking.locator("body").inner_text()
