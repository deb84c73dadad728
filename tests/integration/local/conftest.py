"""Small applications to run: a template, and functions that tell the test what they saw."""

import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue
from textwrap import dedent
from types import ModuleType
from typing import Any

import pytest

PATIENCE = 10
"""Seconds after which something that should have happened counts as not happening."""


class Probe(ModuleType):
    """What functions under test import as `probe`, to talk with the test."""

    def __init__(self) -> None:
        super().__init__("probe")
        self.seen = SimpleQueue[Any]()
        self.release = threading.Event()

    def next(self) -> Any:
        """Returns the next thing a function has put into `seen`."""
        return self.seen.get(timeout=PATIENCE)


@pytest.fixture
def probe(monkeypatch: pytest.MonkeyPatch) -> Iterator[Probe]:
    module = Probe()
    monkeypatch.setitem(sys.modules, "probe", module)
    yield module
    module.release.set()


class Application:
    """A template and its functions in a directory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.template = root / "template.yaml"
        self._resources: list[str] = []

    def function(self, name: str, code: str, events: str = "{}") -> "Application":
        """Adds function `<Name>Function` with this code and these events (YAML, in one line)."""
        directory = self.root / "functions" / name
        directory.mkdir(parents=True)
        (directory / "app.py").write_text(dedent(code))
        return self.resource(
            f"{name.title()}Function: {{Type: AWS::Serverless::Function,"
            f" Properties: {{CodeUri: functions/{name}/, Events: {events}}}}}"
        )

    def resource(self, line: str) -> "Application":
        """Adds a resource (YAML, in one line)."""
        self._resources.append(line)
        head = "Globals: {Function: {Runtime: python3.13, Handler: app.handler, Timeout: 7}}"
        self.template.write_text("\n  ".join([f"{head}\nResources:", *self._resources]) + "\n")
        return self


@pytest.fixture
def application(tmp_path: Path) -> Application:
    return Application(tmp_path)


def http(method: str, path: str) -> str:
    """Returns the event (YAML) of a route."""
    return f"{{Type: HttpApi, Properties: {{Method: {method}, Path: '{path}'}}}}"
