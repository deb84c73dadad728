"""The console for somebody who may look and change nothing (D-90)."""

from playwright.sync_api import Browser

from tests.browser.conftest import Seen, signed_in
from tests.browser.test_every_page import PAGES, opened
from tests.browser.world import World


def test_a_viewer_sees_every_page_but_the_sandbox_s_controls_d90(
    browser: Browser, base_url: str, shared_world: World, seen: Seen
) -> None:
    made = shared_world.http.post("/api/keys", json={"name": "onlooker", "role": "viewer"})
    key = made.json()["data"]["key"]
    pages = PAGES.keys() - {"sandbox", "demo", "widget"}
    # What is refused is a complaint of the page, which no test may have.
    with signed_in(browser, base_url, key, seen) as page:
        for name in sorted(pages):
            opened(page, shared_world, name)
