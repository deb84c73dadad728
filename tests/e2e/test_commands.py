"""The commands that talk with a running server, as a person types them."""

import json
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import httpx
import pytest
from click.testing import CliRunner, Result

from backbeat_local.cli import main
from backbeat_local.client import Answer, Http
from backbeat_local.commands.clock import Duration
from tests.e2e.conftest import WAIT_SECONDS

Run = Callable[..., Result]


@pytest.fixture
def run(base_url: str, token: str) -> Run:
    """Runs a command against the test's sandbox; fails when it fails."""

    def run(*words: str, fails: bool = False, text: str | None = None) -> Result:
        result = CliRunner().invoke(
            main, words, env={"BACKBEAT_URL": base_url, "BACKBEAT_TOKEN": token}, input=text
        )
        assert (result.exit_code != 0) is fails, result.output
        return result

    return run


def told(result: Result) -> Any:
    return json.loads(result.stdout)


class TestClock:
    def test_it_is_moved_and_shown(self, run: Run) -> None:
        assert "follows real time" in run("clock").stdout
        assert run("clock", "set", "2025-01-31").stdout == (
            "2025-01-31T00:00:00+00:00  stands still\n"
        )
        assert told(run("clock", "advance", "1mo", "--json"))["now"] == "2025-02-28T00:00:00+00:00"
        assert run("clock").stdout.startswith("2025-02-28")
        assert "follows real time" in run("clock", "system").stdout
        assert "stands still" in run("clock", "freeze").stdout

    @pytest.mark.parametrize(
        ("text", "meant"),
        [
            ("90", 90),
            ("31d", "P31D"),
            ("1y6mo2w3d4h5m6s", "P1Y6M2W3DT4H5M6S"),
            ("12h", "PT12H"),
            ("5m", "PT5M"),
            ("p1m", "P1M"),
            ("1d 12h", "P1DT12H"),
        ],
    )
    def test_durations(self, text: str, meant: object) -> None:
        assert Duration().convert(text, None, None) == meant

    @pytest.mark.parametrize("text", ["", "soon", "-1d", "1h1d", "d"])
    def test_what_is_no_duration(self, text: str) -> None:
        with pytest.raises(click.UsageError, match="duration"):
            Duration().convert(text, None, None)

    def test_a_mistake_is_the_servers_to_explain(self, run: Run) -> None:
        result = run("clock", "set", "tomorrow", fails=True)
        assert "now: must be an RFC 3339 timestamp" in result.stderr


class TestFixtures:
    WORLD = "customers:\n  acme: {name: Acme, ingest_aliases: [acme]}\n"

    def test_a_file_is_loaded_saved_and_restored(
        self, run: Run, http: httpx.Client, tmp_path: Path
    ) -> None:
        file = tmp_path / "world.yaml"
        file.write_text(self.WORLD)
        [id_] = told(run("fixtures", "load", str(file), "--json"))["customers"].values()
        run("fixtures", "save", "before")
        listing = run("fixtures", "list").stdout
        assert listing.startswith("NAME")
        assert "before" in listing
        http.post("/mock/reset").raise_for_status()
        run("fixtures", "restore", "before")
        assert http.get(f"/v1/customers/{id_}").status_code == 200

    def test_an_export_is_loaded_again(self, run: Run, tmp_path: Path) -> None:
        run("fixtures", "load", "-", text=self.WORLD)
        exported = run("fixtures", "export").stdout
        file = tmp_path / "world.json"
        assert f"{len(exported) - 1} bytes" in run("fixtures", "export", "-o", str(file)).stdout
        run("fixtures", "load", "-", text="{}")
        run("fixtures", "load", str(file))
        assert run("fixtures", "export").stdout == exported

    def test_a_mistake_is_named(self, run: Run) -> None:
        result = run("fixtures", "load", "-", text="planets: {}", fails=True)
        assert "planets" in result.stderr


class TestEvents:
    def test_one_is_sent_and_found(self, run: Run) -> None:
        sent = run(
            "events", "send", "call", "--customer", "acme", "--property", "tokens=5", "--id", "e-1"
        )
        assert sent.stdout == "sent e-1\n"
        [found] = told(run("events", "search", "e-1", "--json"))
        assert (found["customer_id"], found["properties"]) == ("acme", {"tokens": "5"})
        assert "e-1" in run("events", "search", "e-1").stdout
        assert run("events", "search", "e-2").stdout == "none\n"

    def test_mistakes(self, run: Run) -> None:
        result = run("events", "send", "call", "--customer", "a", "--property", "x", fails=True)
        assert "NAME=VALUE" in result.stderr
        result = run("events", "send", "call", "--customer", "a", "--at", "now", fails=True)
        assert "timestamp" in result.stderr


class TestWebhooks:
    def test_targets_and_deliveries(self, run: Run) -> None:
        assert run("webhooks", "list").stdout == "none\n"
        run("webhooks", "add", "http://127.0.0.1:9/a")
        assert run("webhooks", "add", "http://127.0.0.1:9/b").stdout.splitlines() == [
            "http://127.0.0.1:9/a",
            "http://127.0.0.1:9/b",
        ]
        assert run("webhooks", "send", "hello", "--data", '{"a": 1}').stdout == "sent hello\n"
        assert "hello" in run("webhooks", "deliveries").stdout
        assert {one["event_type"] for one in told(run("webhooks", "deliveries", "--json"))} == {
            "hello"
        }
        assert run("webhooks", "remove", "http://127.0.0.1:9/a").stdout == "http://127.0.0.1:9/b\n"
        assert run("webhooks", "remove").stdout == "none\n"

    def test_listening(self, run: Run, http: httpx.Client) -> None:
        # What was sent before anybody listened is delivered to those who listen when it is due.
        import threading

        def send() -> None:
            while not http.get("/webhooks/subscriptions").json()["data"]:
                pass
            http.post("/webhooks/dispatch", json={"type": "hello", "id": "1"})

        sending = threading.Thread(target=send)
        sending.start()
        result = run("webhooks", "listen", "--count", "1", "--json")
        sending.join()
        assert told(result) == {"type": "hello", "id": "1"}
        assert http.get("/webhooks/subscriptions").json()["data"] == []

    @pytest.mark.parametrize("data", ["{", "[1]"])
    def test_data_that_is_no_object(self, data: str, run: Run) -> None:
        assert "--data" in run("webhooks", "send", "x", "--data", data, fails=True).stderr


@pytest.fixture
def metered(run: Run, http: httpx.Client) -> str:
    """Counts calls of customer `acme`; the sandbox is at noon on 31 January 2025."""
    http.post("/mock/clock", json={"now": "2025-01-31T12:00:00Z"}).raise_for_status()
    metric = {"name": "Calls", "aggregation_type": "COUNT"}
    http.post("/v1/billable-metrics/create", json=metric).raise_for_status()
    created = http.post("/v1/customers", json={"name": "Acme", "ingest_aliases": ["acme"]})
    id_: str = created.json()["data"]["id"]
    return id_


def counted(http: httpx.Client, customer_id: str) -> int:
    body = {
        "starting_on": "2025-01-01T00:00:00Z",
        "ending_before": "2025-02-01T00:00:00Z",
        "window_size": "none",
    }
    found = http.post("/v1/usage", json=body).json()["data"]
    return sum(int(one["value"] or 0) for one in found if one["customer_id"] == customer_id)


class TestGenerate:
    def test_it_arrives_once_however_often_it_is_sent(
        self, run: Run, http: httpx.Client, metered: str
    ) -> None:
        words = ["usage", "generate", "--events", "250", "--customer", "acme", "--seed", "7"]
        assert run(*words).stdout == "sent 250 events of 1 customers\n"
        run(*words)
        assert counted(http, metered) == 250
        run(*words[:-1], "8")
        assert counted(http, metered) == 500

    def test_faults_are_coped_with(
        self, run: Run, http: httpx.Client, metered: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("backbeat_local.usage_sending.time.sleep", lambda seconds: None)
        faults = [
            {"kind": "drop", "when": "after", "path": "/v1/ingest", "probability": 0.4, "seed": 2},
            {"kind": "status", "status": 503, "path": "/v1/ingest", "probability": 0.2, "seed": 3},
        ]
        http.post("/mock/faults", json={"faults": faults}).raise_for_status()
        run("usage", "generate", "--events", "500", "--customer", "acme")
        fired = [fault["fired"] for fault in http.get("/mock/faults").json()["data"]]
        assert min(fired) > 0
        assert counted(http, metered) == 500

    def test_it_is_written_to_a_file_and_imported(
        self, run: Run, http: httpx.Client, metered: str, tmp_path: Path
    ) -> None:
        file = tmp_path / "usage.jsonl"
        words = ["usage", "generate", "--events", "150", "--customer", "acme"]
        run(*words, "-o", str(file))
        assert counted(http, metered) == 0
        run("usage", "import", str(file))
        assert counted(http, metered) == 150
        run(*words)
        assert counted(http, metered) == 150


CSV = """\
transaction_id,account,kind,timestamp,tokens,note
{rows}"""


def csv_of(rows: int, *, prefix: str = "row") -> str:
    lines = [
        f'{prefix}-{number},acme,call,2025-01-30T00:{number % 60:02}:00Z,{number},"a, b"'
        for number in range(rows)
    ]
    return CSV.format(rows="\n".join(lines))


COLUMNS = ["--column", "customer_id=account", "--column", "event_type=kind"]


class TestImport:
    def test_csv(self, run: Run, http: httpx.Client, metered: str, tmp_path: Path) -> None:
        file = tmp_path / "usage.csv"
        file.write_text(csv_of(250), encoding="utf-8-sig")
        assert run("usage", "import", str(file), *COLUMNS).stdout == "250 events have arrived\n"
        assert counted(http, metered) == 250
        [found] = told(run("events", "search", "row-249", "--json"))
        assert found["properties"] == {"tokens": "249", "note": "a, b"}
        run("usage", "import", str(file), *COLUMNS)
        assert counted(http, metered) == 250
        assert list(tmp_path.iterdir()) == [file]

    def test_json_lines(self, run: Run, http: httpx.Client, metered: str, tmp_path: Path) -> None:
        file = tmp_path / "usage.jsonl"
        event = {"customer_id": "acme", "timestamp": "2025-01-30T00:00:00Z", "tokens": 5}
        lines = [
            json.dumps({**event, "transaction_id": "j-1", "properties": {"exact": 1}}),
            "",
            # Neither id nor type: the same two lines are two events, each time the same two.
            json.dumps(event),
            json.dumps(event),
        ]
        file.write_text("\n".join(lines))
        for _ in range(2):
            run("usage", "import", str(file), "--event-type", "call")
            assert counted(http, metered) == 3
        found, repeated = told(run("events", "search", "j-1", "--json"))
        assert found["properties"] == repeated["properties"] == {"exact": 1, "tokens": 5}

    def test_what_was_interrupted_goes_on(
        self,
        run: Run,
        http: httpx.Client,
        metered: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("backbeat_local.usage_sending.time.sleep", lambda seconds: None)
        file = tmp_path / "usage.csv"
        file.write_text(csv_of(350))
        # From the third request on, nothing comes through.
        faults = [{"kind": "status", "status": 503, "path": "/v1/ingest"}]
        sent = 0
        request = Http.request

        def failing(self: Http, method: str, path: str, *rest: Any, **more: Any) -> Answer:
            nonlocal sent
            sent += path == "/v1/ingest"
            if sent == 3 and path == "/v1/ingest":
                http.post("/mock/faults", json={"faults": faults}).raise_for_status()
            return request(self, method, path, *rest, **more)

        with monkeypatch.context() as patched:
            patched.setattr(Http, "request", failing)
            result = run("usage", "import", str(file), *COLUMNS, fails=True)
        assert "200 events have arrived; the same command goes on from there" in result.stderr
        assert counted(http, metered) == 200
        http.delete("/mock/faults").raise_for_status()
        http.delete("/mock/requests").raise_for_status()
        done = told(run("usage", "import", str(file), *COLUMNS, "--json"))
        assert (done["events"], done["before"]) == (350, 200)
        assert counted(http, metered) == 350
        log = http.get("/mock/requests", params={"operation": "ingest-v1"}).json()["data"]
        assert log["total"] == 2

    def test_another_file_or_sandbox_begins_anew(
        self, run: Run, http: httpx.Client, metered: str, tmp_path: Path
    ) -> None:
        file = tmp_path / "usage.csv"
        file.write_text(csv_of(50))
        note = tmp_path / "usage.csv.progress"
        for content in ('{"target": "another", "done": 40}', "no JSON", '{"done": 1}'):
            note.write_text(content)
            done = told(run("usage", "import", str(file), *COLUMNS, "--json"))
            assert (done["events"], done["before"]) == (50, 0)

    @pytest.mark.parametrize(
        ("content", "named"),
        [
            (csv_of(3).replace("timestamp", "time"), ["line 2", "timestamp is missing"]),
            (csv_of(3) + "\nx,y,z,2025-01-30T00:00:00Z,1,2,3", ["line 5", "more values"]),
            (csv_of(150).replace("00:05:00Z,65", "00:05,65"), ["line 67", "timestamp", "row-65"]),
        ],
    )
    def test_a_bad_line_is_named(
        self, content: str, named: list[str], run: Run, metered: str, tmp_path: Path
    ) -> None:
        file = tmp_path / "usage.csv"
        file.write_text(content)
        result = run("usage", "import", str(file), *COLUMNS, fails=True)
        for text in named:
            assert text in result.stderr

    @pytest.mark.parametrize("text", ["{", "[1]", '{"customer_id": "a"}', '"x"'])
    def test_bad_json_lines_are_refused_before_anything_is_sent(
        self, text: str, run: Run, http: httpx.Client, metered: str, tmp_path: Path
    ) -> None:
        good = {
            "transaction_id": "g",
            "customer_id": "acme",
            "event_type": "call",
            "timestamp": "2025-01-30T00:00:00Z",
        }
        file = tmp_path / "usage.jsonl"
        file.write_text(f"{json.dumps(good)}\n{text}\n")
        assert "line 2" in run("usage", "import", str(file), fails=True).stderr
        assert counted(http, metered) == 0

    def test_another_encoding_is_refused(self, run: Run, tmp_path: Path) -> None:
        file = tmp_path / "usage.csv"
        file.write_bytes(csv_of(3).replace("a, b", "ä").encode("latin-1"))
        assert "UTF-8" in run("usage", "import", str(file), *COLUMNS, fails=True).stderr


class TestHelp:
    def test_nobody_answers(self) -> None:
        result = CliRunner().invoke(main, ["clock", "show", "--url", "http://127.0.0.1:9"])
        assert result.exit_code == 1
        assert "nobody answers at http://127.0.0.1:9" in result.stderr
        assert "backbeat serve" in result.stderr

    def test_a_command_that_is_misspelt(self) -> None:
        result = CliRunner().invoke(main, ["claock"])
        assert result.exit_code == 2
        assert "Did you mean clock?" in result.stderr
        assert "Did you mean" not in CliRunner().invoke(main, ["xyz"]).stderr

    @pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
    def test_shells_are_told_how_to_complete(self, shell: str) -> None:
        result = CliRunner().invoke(main, ["completion", shell])
        assert "_BACKBEAT_COMPLETE" in result.stdout
        assert "backbeat" in result.stdout

    def test_completion_knows_the_commands(self) -> None:
        words = {
            "COMP_WORDS": "backbeat cl",
            "COMP_CWORD": "1",
            "_BACKBEAT_COMPLETE": "bash_complete",
        }
        result = CliRunner().invoke(main, [], prog_name="backbeat", env=words)
        assert result.stdout == "plain,clock\n"

    def test_everything_explains_itself(self) -> None:
        def explained(command: click.Command, *words: str) -> None:
            result = CliRunner().invoke(main, [*words, "--help"])
            assert result.exit_code == 0, words
            assert command.help, words
            if isinstance(command, click.Group):
                context = click.Context(command)
                for name in command.list_commands(context):
                    inner = command.get_command(context, name)
                    assert inner is not None
                    explained(inner, *words, name)

        explained(main)

    def test_routes_as_json(self) -> None:
        listed = told(CliRunner().invoke(main, ["routes", "--json"]))
        assert {"method": "POST", "path": "/v1/ingest", "function": "IngestFunction"} in listed


def test_the_server_says_where_it_is_as_json(tmp_path: Path) -> None:
    import subprocess

    command = [sys.executable, "-m", "backbeat_local", "serve", "--memory", "--port", "0", "--json"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            said = json.loads(server.stdout.readline())
            token = {"Authorization": f"Bearer {uuid.uuid4()}"}
            # Functions are imported with the first request, which takes time on a busy machine.
            answer = httpx.get(f"{said['url']}/v1/customers", headers=token, timeout=WAIT_SECONDS)
            assert answer.status_code == 200
        finally:
            server.kill()


def test_webhooks_connect_has_providers_tell_the_handlers(
    run: Run, base_url: str, token: str
) -> None:
    connected = told(run("webhooks", "connect", "--json"))
    assert connected["stripe"].startswith(f"{base_url}/webhooks/stripe/t")
    stripe = Http(base_url, f"sk_test_{token}")
    handlers = Http(base_url, token)
    try:
        entity = {"id": "ada", "type": "user", "name": "Ada", "email": "ada@example.com"}
        card = "pm_card_authenticationRequired"
        wanted = {"entity": entity, "tier": "pro", "paymentMethodId": card}
        begun = handlers.post("/api/onboard", wanted)
        assert begun["status"] == "incomplete"
        [intent] = stripe.get("/stripe/v1/payment_intents")["data"]
        # Ada authenticates with her bank; nobody asks the handlers to look.
        handlers.post(f"/mock/stripe/authentications/{intent['id']}", {"succeed": True})
        deadline = time.monotonic() + WAIT_SECONDS
        while handlers.get("/api/subscription/ada")["status"] != "active":
            assert time.monotonic() < deadline, handlers.get("/api/webhook-events")
            time.sleep(0.05)
    finally:
        stripe.close()
        handlers.close()


class TestCatalog:
    TIERS = """\
version: {version}
tiers:
  - {{id: free, name: Free, monthly_price: 0, yearly_price: 0, credits: 0}}
  - {{id: plus, name: Plus, monthly_price: {price}, yearly_price: 100, credits: 10}}
"""

    def test_a_price_of_a_file_is_kept(self, run: Run, tmp_path: Path) -> None:
        file = tmp_path / "tiers.yaml"
        file.write_text(self.TIERS.format(version="exact", price="1234567890.12"))
        assert "1234567890.12" in run("catalog", "apply", str(file)).stdout
        assert "1234567890.12" in run("catalog", "show").stdout

    # As a binary fraction the second would be exactly 9, and be taken.
    @pytest.mark.parametrize("price", ["9.005", "9.0000000000000000001"])
    def test_a_price_finer_than_a_cent_is_refused(
        self, price: str, run: Run, tmp_path: Path
    ) -> None:
        file = tmp_path / "tiers.yaml"
        file.write_text(self.TIERS.format(version="fine", price=price))
        refused = run("catalog", "apply", str(file), fails=True)
        assert "monthly_price" in refused.stderr
        assert "plus" not in run("catalog", "show").stdout

    def test_a_file_that_is_none_is_named(self, run: Run, tmp_path: Path) -> None:
        file = tmp_path / "tiers.yaml"
        file.write_text("tiers: [")
        assert "tiers.yaml" in run("catalog", "apply", str(file), fails=True).stderr
