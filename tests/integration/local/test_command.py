"""The `backbeat` command, as a program of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from tests.integration.local.conftest import PATIENCE, Application, http

COMMAND = [sys.executable, "-c", "from backbeat_local.cli import main; main()"]

COUNT = """
import os, pathlib

def handler(event, context):
    path = pathlib.Path(os.environ["BACKBEAT_STATE"])
    path.write_text(path.read_text() + "x" if path.exists() else "x")
    return {"statusCode": 200, "body": path.read_text()}
"""


@pytest.fixture
def counting(application: Application) -> Application:
    """An application that counts its requests in the state."""
    return application.function("count", COUNT, f"{{A: {http('GET', '/count')}}}")


def environment(**changes: str) -> dict[str, str]:
    inherited = {k: v for k, v in os.environ.items() if k not in ("PORT", "BACKBEAT_STATE")}
    return {**inherited, **changes}


@contextmanager
def serving(
    application: Application, *arguments: str, **variables: str
) -> Iterator[tuple[subprocess.Popen[str], str, list[str]]]:
    """Runs `backbeat serve`; gives the process, its address and the lines it said first."""
    with subprocess.Popen(
        [*COMMAND, "serve", *arguments],
        cwd=application.root,
        env=environment(**variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            said = [process.stdout.readline() for _ in range(3)]
            yield process, said[0].split()[-1], said
        finally:
            process.kill()


def run(application: Application, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=application.root,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def address(url: str) -> tuple[str, int]:
    parsed = httpx.URL(url)
    return parsed.host, parsed.port or 0


class TestServe:
    def test_says_where_it_listens_and_where_the_state_is(self, counting: Application) -> None:
        with serving(counting, "--port", "0", "--state", "kept") as (_, url, said):
            assert url.startswith("http://127.0.0.1:")
            assert said[1].split()[-1] == str(counting.root / "kept" / "state.sqlite3")
            assert said[2].split()[-1] == str(counting.template)
            assert httpx.get(f"{url}/count").text == "x"

    def test_state_survives_a_restart(self, counting: Application) -> None:
        for expected in ("x", "xx"):
            with serving(counting, "--port", "0") as (_, url, _said):
                assert httpx.get(f"{url}/count").text == expected
        assert (counting.root / ".backbeat" / "state.sqlite3").read_text() == "xx"

    def test_memory_forgets(self, counting: Application) -> None:
        for _ in range(2):
            with serving(counting, "--port", "0", "--memory") as (process, url, _said):
                assert httpx.get(f"{url}/count").text == "x"
                process.send_signal(signal.SIGTERM)
                process.wait(PATIENCE)
        assert not (counting.root / ".backbeat").exists()

    def test_port_and_state_from_the_environment(self, counting: Application) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        variables = {"PORT": str(port), "BACKBEAT_STATE": "elsewhere"}
        with serving(counting, **variables) as (_, url, _said):
            assert url == f"http://127.0.0.1:{port}"
            assert httpx.get(f"{url}/count").text == "x"
        assert (counting.root / "elsewhere" / "state.sqlite3").exists()

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_a_signal_ends_it_cleanly_and_soon(
        self, counting: Application, number: signal.Signals
    ) -> None:
        with serving(counting, "--port", "0") as (process, url, _said), httpx.Client() as client:
            client.get(f"{url}/count")  # The connection stays open.
            process.send_signal(number)
            # Not after the minutes that a client may keep its connection.
            assert process.wait(PATIENCE) == 0
            assert process.stderr is not None
            assert process.stderr.read() == ""

    def test_killing_it_frees_the_port(self, counting: Application) -> None:
        with serving(counting, "--port", "0") as (process, url, _said):
            assert httpx.get(f"{url}/count").text == "x"
            process.kill()
            process.wait(PATIENCE)
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(address(url))
            with serving(counting, "--port", str(address(url)[1])) as (_, again, _said):
                assert httpx.get(f"{again}/count").text == "xx"

    def test_a_port_in_use(self, counting: Application) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            ended = run(counting, "serve", "--port", str(port))
        assert ended.returncode == 1
        assert ended.stderr == (
            f"Error: cannot listen on 127.0.0.1:{port}: Address already in use\n"
        )

    @pytest.mark.parametrize(
        "command", [("serve", "--port", "0"), ("invoke", "CountFunction", "-e", "event.json")]
    )
    def test_a_state_that_cannot_be_kept(
        self, counting: Application, command: tuple[str, ...]
    ) -> None:
        (counting.root / "file").write_text("")
        (counting.root / "event.json").write_text("{}")
        ended = run(counting, *command, "--state", "file/inside")
        assert ended.returncode == 1
        assert ended.stderr == "Error: cannot keep the state in file/inside: Not a directory\n"

    def test_a_template_that_cannot_run(self, counting: Application) -> None:
        counting.resource("Bad: {Type: AWS::Scheduler::Schedule}")
        ended = run(counting, "serve", "--port", "0")
        assert ended.returncode == 1
        [line] = ended.stderr.splitlines()
        assert line.startswith(f"Error: {counting.template}: Bad: AWS::Scheduler::Schedule")

    def test_neither_boto3_nor_stripe_is_imported(self, counting: Application) -> None:
        counting.function(
            "modules",
            "import sys\ndef handler(event, context):\n"
            "    return [name for name in ('boto3', 'botocore', 'stripe') if name in sys.modules]",
            f"{{A: {http('GET', '/modules')}}}",
        )
        with serving(counting, "--port", "0") as (_, url, _said):
            assert httpx.get(f"{url}/modules").json() == []


class TestInvoke:
    def test_prints_the_reply(self, application: Application, tmp_path: Path) -> None:
        application.function(
            "double", "def handler(event, context): return {'twice': event['n'] * 2}"
        )
        event = tmp_path / "event.json"
        event.write_text('{"n": 21}')
        ended = run(application, "invoke", "DoubleFunction", "-e", str(event))
        assert ended.returncode == 0
        assert json.loads(ended.stdout) == {"twice": 42}

    def test_works_on_the_state_of_the_server(self, counting: Application, tmp_path: Path) -> None:
        (tmp_path / "event.json").write_text("{}")
        ended = run(
            counting, "invoke", "CountFunction", "-e", "event.json", "--state", "kept"
        )  # fmt: skip
        assert json.loads(ended.stdout)["body"] == "x"
        with serving(counting, "--port", "0", "--state", "kept") as (_, url, _said):
            assert httpx.get(f"{url}/count").text == "xx"

    @pytest.mark.parametrize(
        ("code", "event", "message"),
        [
            (
                "def handler(event, context): raise ValueError('no such thing')",
                "{}",
                "no such thing",
            ),
            ("def handler(event, context): return {1, 2}", "{}", "not JSON serializable"),
            ("import nothing_of_this_name", "{}", "nothing_of_this_name"),
            ("x = 1", "{}", "has no function handler"),
            ("def handler(event, context): pass", "{", "is not JSON"),
        ],
    )
    def test_failures(
        self, application: Application, tmp_path: Path, code: str, event: str, message: str
    ) -> None:
        application.function("faulty", code)
        (tmp_path / "event.json").write_text(event)
        ended = run(application, "invoke", "FaultyFunction", "-e", "event.json")
        assert ended.returncode == 1
        assert message in ended.stderr
        assert ended.stdout == ""

    def test_an_unknown_function(self, counting: Application, tmp_path: Path) -> None:
        (tmp_path / "event.json").write_text("{}")
        ended = run(counting, "invoke", "Nobody", "-e", "event.json")
        assert ended.returncode == 1
        assert ended.stderr == (
            "Error: Nobody is not a function of the template; there are CountFunction\n"
        )


class TestRoutes:
    def test_table(self, application: Application) -> None:
        application.function(
            "mail",
            "",
            f"{{A: {http('POST', '/mail')}, B: {http('GET', '/mail/{id}')}}}",
        )
        application.function("count", COUNT, f"{{A: {http('GET', '/count')}}}")
        assert run(application, "routes").stdout.splitlines() == [
            "GET     /count      CountFunction",
            "POST    /mail       MailFunction",
            "GET     /mail/{id}  MailFunction",
        ]

    def test_the_template_of_a_directory_above_is_found(self, counting: Application) -> None:
        below = counting.root / "a" / "b"
        below.mkdir(parents=True)
        ended = subprocess.run(
            [*COMMAND, "routes"], cwd=below, capture_output=True, text=True, check=True
        )
        assert ended.stdout == "GET     /count  CountFunction\n"

    def test_parameters(self, application: Application) -> None:
        application.template.write_text("Resources: {}")
        ended = run(application, "routes", "--parameter", "Colour=red")
        assert ended.returncode == 1
        assert "has no parameter Colour" in ended.stderr
        assert run(application, "routes", "--parameter", "Colour").returncode == 1
