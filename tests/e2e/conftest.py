"""The product over HTTP: a local server, or a deployed stack named by the environment."""

import json
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from metronome import Metronome

from tests.e2e.server import Server

WAIT_SECONDS = 60.0

DEPLOYED = os.environ.get("BACKBEAT_E2E_BASE_URL")


@pytest.fixture(scope="session")
def base_url() -> Iterator[str]:
    """Where the product answers."""
    if DEPLOYED is not None:
        yield DEPLOYED
        return
    # As a process of its own: the tests' clients then do not slow it down, nor it them.
    with Server("--memory") as server:
        yield server.url


@pytest.fixture
def token() -> str:
    """A token that owns an empty sandbox; deployed, the one that was issued."""
    return os.environ.get("BACKBEAT_E2E_TOKEN") or f"test-{uuid.uuid4()}"


@pytest.fixture
def metronome(base_url: str, token: str) -> Iterator[Metronome]:
    """The official SDK with nothing changed but address and token."""
    with Metronome(base_url=base_url, bearer_token=token) as client:
        yield client


@pytest.fixture
def http(base_url: str, token: str) -> Iterator[httpx.Client]:
    """Plain HTTP, for what the SDK has no calls for."""
    with client_of(base_url, token) as client:
        yield client


def client_of(base_url: str, token: str) -> httpx.Client:
    return httpx.Client(
        base_url=base_url, headers={"Authorization": f"Bearer {token}"}, timeout=WAIT_SECONDS
    )


@dataclass
class Received:
    """One webhook as it came in."""

    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(self.body)
        return event


@dataclass
class Receiver:
    """A webhook target on loopback. `answers` are the next statuses; after them, 200.

    `on_event` is called with each event before it is answered.
    """

    url: str
    answers: list[int] = field(default_factory=list)
    on_event: Callable[[dict[str, Any]], None] = lambda event: None
    received: list[Received] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def wait_for(self, holds: Callable[[list[Received]], bool]) -> list[Received]:
        """Returns what was received once the condition holds; fails after a minute."""
        with self.changed:
            assert self.changed.wait_for(lambda: holds(self.received), timeout=WAIT_SECONDS), (
                f"received only {[one.event.get('type') for one in self.received]}"
            )
            return list(self.received)

    def types(self) -> list[str]:
        with self.changed:
            return [one.event["type"] for one in self.received]


@contextmanager
def receiving(port: int = 0, answers: list[int] | None = None) -> Iterator[Receiver]:
    """Runs a webhook target that records what it gets; port 0 takes a free one."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            one = Received({name.lower(): value for name, value in self.headers.items()}, body)
            target.on_event(one.event)
            with target.changed:
                status = target.answers.pop(0) if target.answers else 200
                target.received.append(one)
                target.changed.notify_all()
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Keeps the test output quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    target = Receiver(f"http://127.0.0.1:{server.server_port}/hook", answers or [])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield target
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A webhook target that records what it gets."""
    with receiving() as target:
        yield target


def eventually(holds: Callable[[], bool]) -> None:
    """Waits until something that is read over HTTP holds."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)
