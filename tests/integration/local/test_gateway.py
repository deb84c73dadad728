"""HTTP in, function called, HTTP out."""

import logging
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.integration.local.conftest import PATIENCE, Application, Probe, http

from backbeat_local.functions import Function
from backbeat_local.gateway import CannotListen
from backbeat_local.intrinsics import TemplateError
from backbeat_local.runner import Runner
from backbeat_local.template import load_template

ECHO = """
import json

def handler(event, context):
    reply = {"event": event, "function": context.function_name, "id": context.aws_request_id,
             "remaining": context.get_remaining_time_in_millis(),
             "memory": context.memory_limit_in_mb, "arn": context.invoked_function_arn}
    return {"statusCode": 200, "headers": {"content-type": "application/json"},
            "body": json.dumps(reply)}
"""


@pytest.fixture
def client(application: Application, probe: Probe) -> Iterator[httpx.Client]:
    """A client of a running application with one function of each kind."""
    application.function(
        "echo",
        ECHO,
        f"{{A: {http('GET', '/things')}, B: {http('ANY', '/things/{id}')},"
        f" C: {http('POST', '/files/{path+}')}, D: {http('GET', '/things/special')}}}",
    )
    application.function(
        "broken",
        "def handler(event, context): raise ValueError('the secret is 42')",
        f"{{A: {http('GET', '/broken')}}}",
    )
    application.function(
        "exiting",
        "def handler(event, context): raise SystemExit(3)",
        f"{{A: {http('GET', '/exit')}}}",
    )
    application.function("wrong", "def handler(event, context): return {'statusCode': 'ok'}",
                         f"{{A: {http('GET', '/wrong')}}}")  # fmt: skip
    application.function("bad", "import nothing_of_this_name", f"{{A: {http('GET', '/bad')}}}")
    application.function(
        "slow",
        """
        import probe

        def handler(event, context):
            probe.seen.put("slow")
            probe.release.wait(10)
            return {"statusCode": 200, "body": "slow"}
        """,
        f"{{A: {http('GET', '/slow')}}}",
    )
    application.function(
        "brief",
        """
        import threading

        class Handler:
            brief = frozenset({"GET /brief", "POST /brief"})

            def __call__(self, event, context):
                method = event["requestContext"]["http"]["method"]
                if method == "POST" and not context.may_wait:
                    return {"statusCode": 503, "headers": {"x-backbeat-waits": "for the test"}}
                return {"statusCode": 200, "body": threading.current_thread().name}

        handler = Handler()
        """,
        f"{{A: {http('GET', '/brief')}, B: {http('POST', '/brief')},"
        f" C: {http('GET', '/not-so-brief')}}}",
    )
    application.function(
        "caller",
        """
        import urllib.request

        def handler(event, context):
            with urllib.request.urlopen(event["body"]) as answer:
                return {"statusCode": answer.status, "body": answer.read().decode()}
        """,
        f"{{A: {http('POST', '/call')}}}",
    )
    application.function(
        "raw",
        """
        def handler(event, context):
            return {"statusCode": 418, "cookies": ["a=1", "b=2"], "isBase64Encoded": True,
                    "headers": {"X-Kind": "teapot", "Content-Type": "image/x"}, "body": "/wA="}
        """,
        f"{{A: {http('GET', '/raw')}}}",
    )
    with (
        Runner(application.template, None) as runner,
        httpx.Client(base_url=runner.base_url, timeout=PATIENCE) as client,
    ):
        yield client


class TestRouting:
    def test_the_event_tells_what_was_asked(self, client: httpx.Client) -> None:
        answer = client.put(
            "/things/a%20b?x=1&x=2&y=", content=b"caf\xc3\xa9", headers={"X-Word": "Hi"}
        ).json()
        event = answer["event"]
        assert event["routeKey"] == "ANY /things/{id}"
        assert event["rawPath"] == "/things/a b"
        assert event["pathParameters"] == {"id": "a b"}
        assert event["queryStringParameters"] == {"x": "1,2", "y": ""}
        assert event["headers"]["x-word"] == "Hi"
        assert event["requestContext"]["http"]["method"] == "PUT"
        assert event["requestContext"]["http"]["sourceIp"] == "127.0.0.1"
        assert event["body"] == "café"

    def test_the_context_tells_who_is_called(self, client: httpx.Client) -> None:
        answer = client.get("/things").json()
        assert answer["function"] == "EchoFunction"
        assert answer["arn"].endswith(":function:EchoFunction")
        assert answer["memory"] == 128
        assert 6000 < answer["remaining"] <= 7000
        assert answer["id"] == answer["event"]["requestContext"]["requestId"]
        assert client.get("/things").json()["id"] != answer["id"]

    def test_the_most_specific_route_answers(self, client: httpx.Client) -> None:
        assert client.get("/things/special").json()["event"]["routeKey"] == "GET /things/special"
        assert client.post("/things/special").json()["event"]["routeKey"] == "ANY /things/{id}"

    def test_greedy_parameter(self, client: httpx.Client) -> None:
        event = client.post("/files/a/b.txt", content=b"\xff\x00").json()["event"]
        assert event["pathParameters"] == {"path": "a/b.txt"}
        assert (event["body"], event["isBase64Encoded"]) == ("/wA=", True)

    def test_unknown_path(self, client: httpx.Client) -> None:
        answer = client.get("/nowhere?x=1")
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/json"
        assert answer.json() == {"message": "Route not found: GET /nowhere"}

    def test_unknown_method(self, client: httpx.Client) -> None:
        answer = client.delete("/things")
        assert answer.status_code == 405
        assert answer.json() == {"message": "Route not found: DELETE /things"}


class TestReplies:
    def test_status_headers_cookies_and_bytes(self, client: httpx.Client) -> None:
        answer = client.get("/raw")
        assert answer.status_code == 418
        assert answer.content == b"\xff\x00"
        assert answer.headers["x-kind"] == "teapot"
        assert answer.headers["content-length"] == "2"
        assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]

    @pytest.mark.parametrize("path", ["/broken", "/exit", "/wrong", "/bad"])
    def test_a_failing_function_is_a_500_without_details(
        self, client: httpx.Client, path: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        answer = client.get(path)
        assert answer.status_code == 500
        body = answer.json()
        assert body == {"message": "Internal Server Error", "requestId": body["requestId"]}
        # The log has the details, under the same id.
        [record] = [r for r in caplog.records if body["requestId"] in r.getMessage()]
        assert record.levelno == logging.ERROR
        assert record.exc_info is not None

    def test_body_of_exactly_the_limit_is_fine(self, client: httpx.Client) -> None:
        answer = client.post("/files/big", content=b"x" * (10 * 1024 * 1024))
        assert answer.status_code == 200

    def test_body_above_the_limit(self, client: httpx.Client) -> None:
        answer = client.post("/files/big", content=b"x" * (10 * 1024 * 1024 + 1))
        assert answer.status_code == 413
        # The connection is still good.
        assert client.get("/things").status_code == 200


class TestConcurrency:
    def test_a_blocked_function_does_not_block_others(
        self, client: httpx.Client, probe: Probe
    ) -> None:
        slow: list[str] = []
        thread = threading.Thread(target=lambda: slow.append(client.get("/slow").text))
        thread.start()
        assert probe.next() == "slow"
        assert client.get("/things").status_code == 200
        assert slow == []
        probe.release.set()
        thread.join(PATIENCE)
        assert slow == ["slow"]

    def test_brief_routes_are_answered_on_the_thread_that_requests_come_in_by(
        self, client: httpx.Client
    ) -> None:
        # The first call loads the function, which is not brief.
        client.get("/brief")
        assert client.get("/brief").text == "gateway"
        assert client.get("/not-so-brief").text.startswith("request-")

    def test_what_has_to_wait_does_so_on_another_thread(self, client: httpx.Client) -> None:
        client.get("/brief")
        assert client.post("/brief").text.startswith("request-")

    def test_functions_may_call_the_server_they_run_on(self, client: httpx.Client) -> None:
        answer = client.post("/call", content=str(client.base_url.join("/things/special")))
        assert answer.json()["event"]["rawPath"] == "/things/special"

    def test_functions_are_imported_one_after_the_other(
        self, application: Application, probe: Probe
    ) -> None:
        """Libraries whose modules import one another fail when two threads begin at both ends."""
        code = """
            import time
            import probe
            probe.seen.put("begun")
            time.sleep(0.1)
            probe.seen.put("done")
            handler = lambda event, context: None
        """
        for name in ("one", "other"):
            application.function(name, code)
        functions = load_template(application.template, {}).functions.values()
        threads = [threading.Thread(target=Function(spec).load) for spec in functions]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [probe.next() for _ in range(4)] == ["begun", "done"] * 2


class TestRunner:
    def test_stops_with_a_request_under_way(self, application: Application, probe: Probe) -> None:
        application.function(
            "slow",
            """
            import probe

            def handler(event, context):
                probe.seen.put("slow")
                probe.release.wait(10)
                return {"statusCode": 200, "body": "done"}
            """,
            f"{{A: {http('GET', '/slow')}}}",
        )
        answers: list[str] = []
        runner = Runner(application.template, None)
        runner.start()
        url = f"{runner.base_url}/slow"
        thread = threading.Thread(
            target=lambda: answers.append(httpx.get(url, timeout=PATIENCE).text)
        )
        thread.start()
        probe.next()
        stopping = threading.Thread(target=runner.stop)
        stopping.start()
        probe.release.set()
        stopping.join(PATIENCE)
        thread.join(PATIENCE)
        assert answers == ["done"]
        with pytest.raises(httpx.ConnectError):
            httpx.get(url)

    def test_a_port_in_use(self, application: Application) -> None:
        application.function("echo", ECHO, f"{{A: {http('GET', '/things')}}}")
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            with pytest.raises(CannotListen, match=f"cannot listen on 127.0.0.1:{port}"):
                Runner(application.template, None, port=port).start()
        with Runner(application.template, None, port=port) as runner:
            assert httpx.get(f"{runner.base_url}/things").status_code == 200

    def test_one_at_a_time(self, application: Application) -> None:
        application.function("echo", ECHO, f"{{A: {http('GET', '/things')}}}")
        with (
            Runner(application.template, None),
            pytest.raises(RuntimeError, match="another runner"),
            Runner(application.template, None),
        ):
            pass

    def test_functions_see_the_environment_of_the_run(
        self, application: Application, tmp_path: Path, probe: Probe
    ) -> None:
        application.function(
            "env",
            """
            import os, probe
            probe.seen.put(dict(os.environ))

            def handler(event, context): pass
            """,
        )
        before = dict(os.environ)
        with Runner(application.template, tmp_path / "state"):
            seen = probe.next()
        assert seen["BACKBEAT_STATE"] == str(tmp_path / "state" / "state.sqlite3")
        assert (seen["BACKBEAT_TOKENS"], seen["BACKBEAT_SANDBOX"]) == ("open", "on")
        assert dict(os.environ) == before

    def test_throw_away_state_is_gone_afterwards(
        self, application: Application, probe: Probe
    ) -> None:
        application.function(
            "env", "import os, probe\nprobe.seen.put(os.environ['BACKBEAT_STATE'])\n"
            "def handler(event, context): pass"
        )  # fmt: skip
        with Runner(application.template, None):
            state = Path(probe.next()).parent
            assert state.is_dir()
        assert not state.exists()

    def test_packages_of_layers_can_be_imported(
        self, application: Application, monkeypatch: pytest.MonkeyPatch, probe: Probe
    ) -> None:
        monkeypatch.setattr("sys.path", list(__import__("sys").path))
        package = application.root / "layers" / "own" / "python" / "only_in_this_layer"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("WORD = 'found'")
        application.resource(
            "Own: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: layers/own/}}"
        )
        application.function(
            "user", "import only_in_this_layer, probe\nprobe.seen.put(only_in_this_layer.WORD)\n"
            "def handler(event, context): pass"
        )  # fmt: skip
        with Runner(application.template, None):
            assert probe.next() == "found"

    def test_a_route_declared_twice(self, application: Application) -> None:
        application.function(
            "echo", ECHO, f"{{A: {http('GET', '/things')}, B: {http('GET', '/things')}}}"
        )
        with pytest.raises(TemplateError, match="GET /things is declared twice"):
            Runner(application.template, None)
