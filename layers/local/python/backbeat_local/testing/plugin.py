"""The pytest plugin. Tests that use none of its fixtures pay for nothing but this module.

One server is started when the first test asks for it. With xdist the workers share it: whoever is
first starts it, in a directory that the session's controller made up, and the controller stops it.
"""

import os
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from backbeat_local.testing.embedded import Embedded
    from backbeat_local.testing.sandbox import Sandbox
    from backbeat_local.testing.server import SharedServer

_SERVER = pytest.StashKey["SharedServer"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Lets tests run against a server that is there already."""
    group = parser.getgroup("backbeat", "Backbeat, the usage billing emulator")
    group.addoption(
        "--backbeat-url",
        default=os.environ.get("BACKBEAT_URL"),
        metavar="URL",
        help="Use this server instead of starting one (environment: BACKBEAT_URL).",
    )


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tells an xdist worker where the session's server is to be."""
    shared = _shared(node.config)
    node.workerinput["backbeat"] = [str(shared.directory), shared.controller]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stops the server, if it was started."""
    if not hasattr(config, "workerinput") and _SERVER in config.stash:
        config.stash[_SERVER].stop()


@pytest.fixture(scope="session")
def backbeat_url(request: pytest.FixtureRequest) -> str:
    """Where Backbeat answers. The first test of the session that asks starts it."""
    given: str | None = request.config.getoption("--backbeat-url")
    return given.rstrip("/") if given else _shared(request.config).url()


@pytest.fixture
def backbeat(backbeat_url: str, request: pytest.FixtureRequest) -> "Iterator[Sandbox]":
    """A sandbox of the test's own on the running server: an empty world with a clock of its own."""
    from backbeat_local.testing.sandbox import Sandbox

    with Sandbox(backbeat_url, f"test-{uuid.uuid4()}") as sandbox:
        yield sandbox


@pytest.fixture
def metronome(backbeat: "Sandbox") -> Any:
    """The official SDK's client of the test's sandbox."""
    return backbeat.client


@pytest.fixture
def async_metronome(backbeat: "Sandbox") -> Any:
    """The official SDK's asynchronous client of the test's sandbox."""
    return backbeat.async_client


@pytest.fixture(scope="session")
def backbeat_embedded() -> "Iterator[Embedded]":
    """Backbeat inside of the test process, for httpx clients, without a socket."""
    from backbeat_local.testing.embedded import Embedded

    with Embedded() as emulator:
        yield emulator


def _shared(config: pytest.Config) -> "SharedServer":
    from backbeat_local.testing.server import SharedServer

    if _SERVER not in config.stash:
        told: list[Any] | None = getattr(config, "workerinput", {}).get("backbeat")
        if told is None:
            config.stash[_SERVER] = SharedServer.new()
        else:
            config.stash[_SERVER] = SharedServer(Path(told[0]), controller=told[1])
    return config.stash[_SERVER]
