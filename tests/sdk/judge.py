"""A pytest plugin for the SDK's own tests: a clean error is a good end, too.

Their ids are made up, so most calls find nothing. It is loaded in the environment of the SDK.
"""

from collections import Counter
from collections.abc import Generator
from typing import Any

import metronome
import pytest

CLEAN = {400, 403, 404, 409, 422}

seen: Counter[int] = Counter()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Runs what the SDK skips for the sake of its own mock server."""
    for item in items:
        for node in item.listchain():
            node.own_markers = [mark for mark in node.own_markers if mark.name != "skip"]


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, Any, Any]:
    """Judges how a call ended."""
    try:
        answer = yield
    except metronome.APIStatusError as error:
        _judge(error)
        return True
    seen[200] += 1
    return answer


def _judge(error: metronome.APIStatusError) -> None:
    status, body = error.status_code, error.body
    asked = f"{error.request.method} {error.request.url.path}"
    seen[status] += 1
    clean = isinstance(body, dict) and {"code", "message"} <= body.keys()
    if status not in CLEAN or not clean:
        raise AssertionError(f"{asked} was answered {status}: {body}") from error


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tells how the calls ended."""
    terminalreporter.section("answers")
    for status, number in sorted(seen.items()):
        terminalreporter.write_line(f"{status}: {number}")
