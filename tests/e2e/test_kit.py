"""The test kit as those who install it use it: by pytest, in a project of their own."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from backbeat_local.client import Refused, Unreachable
from backbeat_local.testing.sandbox import Sandbox
from backbeat_local.testing.sdk import MissingSdk
from tests.e2e.server import ROOT

SAMPLE = ROOT / "tests" / "sample_project"
_PATIENCE = 180

BILLING = '''
import pytest


@pytest.mark.parametrize("number", range(100))
def test_a_world_of_its_own(number, backbeat):
    """All of them use the same names and ids; only what they expect differs."""
    backbeat.clock.set(f"{2000 + number % 20}-{1 + number % 12:02}-10T00:00:00Z")
    now = backbeat.clock.now
    ids = backbeat.load({
        "clock": now.isoformat(),
        "billable_metrics": {"calls": {"name": "Calls", "aggregation_type": "COUNT"}},
        "products": {"calls": {"name": "Calls", "type": "USAGE",
                               "billable_metric_id": "$billable_metrics.calls"}},
        "rate_cards": {"list": {"name": "List", "rates": [{
            "product_id": "$products.calls", "starting_at": now.isoformat(),
            "entitled": True, "rate_type": "FLAT", "price": number}]}},
        "customers": {"acme": {"name": "Acme", "ingest_aliases": ["acme"]}},
        "contracts": {"acme": {"customer_id": "$customers.acme",
                               "rate_card_id": "$rate_cards.list",
                               "starting_at": now.isoformat()}},
    })
    usage = [{"transaction_id": f"order-{one}", "customer_id": "acme", "event_type": "call",
              "timestamp": now.isoformat()} for one in range(1 + number % 3)]
    for _ in range(2):
        backbeat.http.post("/v1/ingest", usage)
    backbeat.clock.advance(hours=1)
    path = f"/v1/customers/{ids['customers']['acme']}/invoices"
    [draft] = backbeat.http.get(path)["data"]
    # So many calls, each at so many cents.
    assert draft["total"] == number * (1 + number % 3)
    assert (backbeat.clock.now - now).total_seconds() == 3600
    assert backbeat.requests.count(operation="ingest-v1") == 2
'''


def run_pytest(
    directory: Path, *arguments: str, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs pytest in a directory as its own project would."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST_", "BACKBEAT_", "COVERAGE_"))
    }
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-o", "addopts=", *arguments],
        cwd=directory,
        env={**inherited, **(variables or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=_PATIENCE,
    )


def passed(done: subprocess.CompletedProcess[str]) -> int:
    """Returns how many tests passed; fails when one did not."""
    assert done.returncode == 0, done.stdout + done.stderr
    counted = re.search(r"(\d+) passed", done.stdout)
    assert counted is not None, done.stdout
    return int(counted[1])


@pytest.mark.slow
def test_a_strangers_project_passes(tmp_path: Path) -> None:
    project = tmp_path / "shop"
    shutil.copytree(SAMPLE, project, ignore=shutil.ignore_patterns("__pycache__"))
    assert passed(run_pytest(project, "-q")) == 15


@pytest.mark.slow
def test_a_hundred_tests_in_parallel_processes_do_not_meet(tmp_path: Path) -> None:
    (tmp_path / "test_billing.py").write_text(BILLING)
    assert passed(run_pytest(tmp_path, "-q", "-n", "2")) == 100


def test_the_example_of_the_readme_passes(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text()
    [example] = re.findall(r"```python\n(# test_billing\.py\n.*?)```", readme, flags=re.DOTALL)
    (tmp_path / "test_billing.py").write_text(example)
    assert passed(run_pytest(tmp_path, "-q")) == example.count("def test_")


def test_tests_that_do_not_use_it_pay_nothing(tmp_path: Path) -> None:
    (tmp_path / "test_others.py").write_text(
        "import sys\n\n"
        "def test_nothing_was_imported():\n"
        "    assert 'backbeat_local.testing.plugin' in sys.modules\n"
        "    heavy = {'backbeat', 'pydantic', 'urllib3', 'httpx', 'metronome', 'uvicorn', 'yaml'}\n"
        "    assert not heavy & set(sys.modules)\n"
    )
    assert passed(run_pytest(tmp_path, "-q")) == 1


def test_a_server_that_is_there_is_used(base_url: str, tmp_path: Path) -> None:
    (tmp_path / "test_url.py").write_text(
        "def test_url(backbeat):\n"
        f"    assert backbeat.url == {base_url!r}\n"
        "    assert backbeat.http.get('/v1/customers')['data'] == []\n"
    )
    assert passed(run_pytest(tmp_path, "-q", "--backbeat-url", f"{base_url}/")) == 1


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="processes are watched where there are signals")
def test_no_server_is_left_behind(tmp_path: Path) -> None:
    (tmp_path / "test_killed.py").write_text(
        "import json, os, pathlib, signal\n\n"
        "def test_killed(backbeat, request):\n"
        "    from backbeat_local.testing.plugin import _SERVER\n"
        "    told = request.config.stash[_SERVER].directory / 'server.json'\n"
        "    pid = json.loads(told.read_text())['pid']\n"
        "    pathlib.Path('pid').write_text(str(pid))\n"
        "    if os.environ.get('KILLED'):\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    for variables in ({}, {"KILLED": "yes"}):
        run_pytest(tmp_path, "-q", variables=variables)
        pid = int((tmp_path / "pid").read_text())
        deadline = time.monotonic() + 30
        while is_running(pid):
            assert time.monotonic() < deadline, f"the server is still there after {variables}"
            time.sleep(0.05)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIG_DFL)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    # Whoever nobody waited for is a zombie, and not running.
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"


def test_without_the_sdk_it_says_what_to_install(
    base_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "metronome", None)
    with Sandbox(base_url) as sandbox:
        with pytest.raises(MissingSdk, match="pip install metronome-sdk"):
            _ = sandbox.client
        assert sandbox.http.get("/v1/customers")["data"] == []


class TestSandbox:
    def test_errors_say_what_was_asked_and_answered(self, base_url: str) -> None:
        with Sandbox(base_url) as sandbox:
            with pytest.raises(Refused, match=r"POST /v1/customers was answered 400: name: ") as it:
                sandbox.http.post("/v1/customers", {})
            assert it.value.status == 400
            assert sandbox.request("GET", "/v1/nowhere").status == 404

    def test_nobody_answers(self) -> None:
        with Sandbox("http://127.0.0.1:9") as sandbox, pytest.raises(Unreachable):
            sandbox.http.get("/v1/customers")

    def test_the_clock(self, base_url: str) -> None:
        with Sandbox(base_url) as sandbox:
            assert not sandbox.clock.is_frozen
            assert sandbox.clock.set("2025-01-31T12:00:00Z").isoformat() == (
                "2025-01-31T12:00:00+00:00"
            )
            # A month on there is no 31st; then a day and an hour and a half.
            moved = sandbox.clock.advance(months=1, days=1, hours=1, minutes=30)
            assert moved.isoformat() == "2025-03-01T13:30:00+00:00"
            assert sandbox.clock.is_frozen
            with pytest.raises(ValueError, match="set"):
                sandbox.clock.advance(days=-1)
            sandbox.clock.follow_system()
            assert not sandbox.clock.is_frozen
            assert sandbox.clock.freeze() == sandbox.clock.now

    def test_webhooks(self, base_url: str) -> None:
        with Sandbox(base_url) as sandbox:
            events = sandbox.webhooks
            sandbox.http.post("/webhooks/dispatch", {"type": "a", "id": "1"})
            assert events.wait_for("a") == [{"type": "a", "id": "1"}]
            events.assert_none("b", seconds=0.05)
            with pytest.raises(AssertionError, match=r"0 of 1 webhooks b .* received: \['a'\]"):
                events.wait_for("b", timeout=0.05)
            with pytest.raises(AssertionError, match="webhook a came"):
                events.assert_none("a")
            # An attempt that was answered 500 comes again.
            events.answers.append(500)
            sandbox.http.post("/webhooks/dispatch", {"type": "c", "id": "2"})
            assert len(events.wait_for("c")) == 1
            assert [one.answered for one in events.attempts if one.type == "c"] == [500, 200]
            sandbox.faults.forge_webhooks(count=1)
            sandbox.http.post("/webhooks/dispatch", {"type": "d", "id": "3"})
            events.wait_for("d")
            assert [one.type for one in events.forged] == ["d"]
            sandbox.set_webhook_secret("another")
            sandbox.http.post("/webhooks/dispatch", {"type": "e", "id": "4"})
            events.wait_for("e")

    def test_an_export_is_loaded_elsewhere(self, base_url: str, tmp_path: Path) -> None:
        with Sandbox(base_url) as one, Sandbox(base_url) as other:
            one.http.post("/v1/customers", {"name": "Acme"})
            file = tmp_path / "world.json"
            file.write_bytes(one.export())
            other.load(file)
            assert other.state() == one.state()
            other.reset()
            assert other.state() == {}
