"""The pages in a real browser: one server and one browser for all tests, a token for each."""

import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Page,
    Request,
    WebError,
    expect,
    sync_playwright,
)

from tests.browser import world
from tests.browser.world import World
from tests.e2e.server import Server

CHROMIUM = os.environ.get("BACKBEAT_CHROMIUM") or next(
    (
        found
        for name in ("chromium", "chromium-browser", "google-chrome")
        if (found := shutil.which(name))
    ),
    None,
)

TOKEN_KEY = "backbeat-token"
PATIENCE_MILLISECONDS = 45_000
expect.set_options(timeout=PATIENCE_MILLISECONDS)

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            # What needs a browser takes longer than all else of its size.
            item.add_marker(pytest.mark.slow)
    if CHROMIUM is None:
        skipped = pytest.mark.skip(
            reason="no Chromium here: install it, or name it in BACKBEAT_CHROMIUM"
        )
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(skipped)


@dataclass
class Seen:
    """What pages asked for and complained of while a test ran."""

    base_url: str
    elsewhere: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    forgiven: list[str] = field(default_factory=list)
    """Parts of complaints that a test provokes."""

    def watch(self, context: BrowserContext) -> None:
        context.on("request", self._requested)
        context.on("console", self._told)
        context.on("weberror", self._broke)
        context.on("dialog", self._asked)

    def _requested(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https") and not request.url.startswith(f"{self.base_url}/"):
            self.elsewhere.append(request.url)

    def _told(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def _broke(self, error: WebError) -> None:
        self.complaints.append(str(error.error))

    def _asked(self, dialog: Dialog) -> None:
        self.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def check(self) -> None:
        assert self.elsewhere == [], "requests to another origin"
        left = [one for one in self.complaints if not any(part in one for part in self.forgiven)]
        assert left == []


@pytest.fixture(scope="session")
def base_url() -> Iterator[str]:
    """A server of the tests' own, or the one that the environment names."""
    if running := os.environ.get("BACKBEAT_E2E_BASE_URL"):
        yield running
        return
    with Server("--memory") as server:
        yield server.url


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture
def token() -> str:
    """A token of the test's own."""
    return f"browser-{uuid.uuid4()}"


@pytest.fixture(scope="session")
def shared_world(base_url: str) -> World:
    """The world of tests that only look."""
    return world.build(base_url, f"browser-{uuid.uuid4()}")


@pytest.fixture
def seen(base_url: str) -> Iterator[Seen]:
    """Nothing may be asked of another origin, and no page may complain, in any test."""
    watched = Seen(base_url)
    yield watched
    watched.check()


@contextmanager
def signed_in(browser: Browser, base_url: str, token: str, seen: Seen) -> Iterator[Page]:
    context = browser.new_context(
        base_url=base_url, viewport={"width": 1280, "height": 900}, accept_downloads=True
    )
    set_token = f"sessionStorage.setItem({json.dumps(TOKEN_KEY)}, {json.dumps(token)})"
    context.set_default_timeout(PATIENCE_MILLISECONDS)
    context.add_init_script(f"location.origin === 'null' || {set_token}")
    seen.watch(context)
    try:
        yield context.new_page()
    finally:
        context.close()


@pytest.fixture
def page(browser: Browser, base_url: str, token: str, seen: Seen) -> Iterator[Page]:
    """A page that is signed in with the test's token."""
    with signed_in(browser, base_url, token, seen) as opened:
        yield opened


@pytest.fixture
def onlooking(browser: Browser, base_url: str, shared_world: World, seen: Seen) -> Iterator[Page]:
    """A page that is signed in with the shared world's token."""
    with signed_in(browser, base_url, shared_world.token, seen) as opened:
        yield opened
