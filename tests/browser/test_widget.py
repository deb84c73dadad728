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
def product_of_somebody(base_url: str, tokens: Iterator[str | None]) -> Iterator[str]:
    """Serves a page with the widget, and the tokens that its own server asks Backbeat for.

    Where a token is None, that server is out of order.
    """
    page = (
        "<!doctype html><html lang=en><title>My product</title><link rel=icon href='data:,'>"
        f"<script src='{base_url}/widget.js' async></script><h1>My product</h1>"
        "<backbeat-usage token-url='/usage-token'></backbeat-usage></html>"
    )

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_token = self.path == "/usage-token"
            token = next(tokens) if is_token else None
            body = json.dumps({"token": token}) if is_token else page
            self.send_response(503 if is_token and token is None else 200)
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


def issue(world: World, customer_id: str, **more: object) -> str:
    body = {"customer_id": customer_id, **more}
    token: str = world.post("/widget/tokens", body)["data"]["token"]
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


def test_only_the_pages_that_a_token_names_show_it(
    onlooking: Page, base_url: str, shared_world: World, seen: Seen
) -> None:
    seen.forgiven += ["frame-ancestors"]
    origins: list[str] = []
    tokens = iter(lambda: issue(shared_world, shared_world.acme, origins=origins), "")
    with product_of_somebody(base_url, tokens) as home:
        origins[:] = ["https://app.example.com", home]
        onlooking.goto(home)
        frame = onlooking.frame_locator("backbeat-usage iframe")
        expect(frame.get_by_role("heading", name="Usage of Acme")).to_be_visible()
        # For another origin the browser shows nothing of it, not even for a moment.
        origins[:] = ["https://app.example.com"]
        asked: list[str] = []
        onlooking.on("request", lambda request: asked.append(request.url))
        with onlooking.expect_console_message(lambda told: "frame-ancestors" in told.text):
            onlooking.reload()
        # Nor where its end is left out of the address: the page asks for itself anew.
        token = issue(shared_world, shared_world.acme, origins=origins)
        with onlooking.expect_console_message(lambda told: "frame-ancestors" in told.text):
            onlooking.evaluate(
                """(address) => {
                    const frame = document.createElement("iframe");
                    frame.src = address;
                    document.body.replaceChildren(frame);
                }""",
                f"{base_url}/widget#token={token}",
            )
        assert not [url for url in asked if url.endswith("/widget/usage")]
    seen.elsewhere.clear()


def test_a_product_that_has_no_token_to_give_shows_no_numbers_until_it_has(
    onlooking: Page, base_url: str, shared_world: World, seen: Seen
) -> None:
    seen.forgiven += ["503 (Service Unavailable)"]
    onlooking.clock.install()
    given: list[str | None] = [None]
    with product_of_somebody(base_url, iter(lambda: given[-1], "")) as home:
        onlooking.goto(home)
        frame = onlooking.frame_locator("backbeat-usage iframe")
        expect(frame.get_by_role("alert")).to_have_text("No token was given to this page.")
        assert "$" not in frame.locator("body").inner_text()
        # It asks again after ten seconds.
        given.append(issue(shared_world, shared_world.acme))
        onlooking.clock.fast_forward(11_000)
        expect(frame.locator('[data-figure="due"]')).to_have_text("$73.02")
    seen.elsewhere.clear()


def test_what_was_old_is_fresh_again_when_the_server_is_back(
    onlooking: Page, shared_world: World, seen: Seen
) -> None:
    seen.forgiven += ["Failed to load resource"]
    onlooking.clock.install()
    onlooking.goto(f"/widget#token={issue(shared_world, shared_world.acme)}")
    expect(onlooking.locator('[data-figure="due"]')).to_have_text("$73.02")
    onlooking.route("**/widget/usage", lambda route: route.abort())
    onlooking.clock.fast_forward(16_000)
    expect(onlooking.get_by_role("alert")).to_contain_text("cannot be reached")
    onlooking.unroute("**/widget/usage")
    onlooking.clock.fast_forward(16_000)
    expect(onlooking.get_by_role("alert")).to_have_count(0)
    expect(onlooking.get_by_text("refreshed every 15 seconds")).to_be_visible()
