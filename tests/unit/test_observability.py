"""What a Lambda environment writes: one JSON line a request, metrics in the embedded format."""

import json
import subprocess
import sys

PROGRAM = """
import importlib.util, json
from types import SimpleNamespace
spec = importlib.util.spec_from_file_location("app", "functions/ingest/app.py")
app = importlib.util.module_from_spec(spec)
spec.loader.exec_module(app)
event = {
    "version": "2.0", "routeKey": "POST /v1/ingest", "rawPath": "/v1/ingest",
    "rawQueryString": "", "headers": {"authorization": "Bearer secret-token"},
    "requestContext": {"http": {"method": "POST", "path": "/v1/ingest"}, "stage": "$default"},
    "body": json.dumps([{
        "transaction_id": "t", "customer_id": "c", "event_type": "e",
        "timestamp": "2025-01-01T00:00:00Z", "properties": {"secret": "property"},
    }] * 2),
    "isBase64Encoded": False,
}
context = SimpleNamespace(aws_request_id="request-1")
from backbeat import bootstrap
from backbeat.application import sandbox_clock, sandboxes, tokens
from datetime import UTC, datetime
from hashlib import sha256
services = bootstrap.services()
owner = tokens.owner_of(services, sha256(b"secret-token").hexdigest())
sandbox_clock.move(sandboxes.call_of(services, owner), datetime(2025, 1, 1, 1, tzinfo=UTC))
assert app.handler(event, context)["statusCode"] == 200
"""


def test_a_request_is_one_line_and_its_events_are_counted() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={
            "AWS_LAMBDA_FUNCTION_NAME": "ingest",
            "BACKBEAT_STATE": ":memory:",
            "BACKBEAT_SANDBOX": "on",
            "BACKBEAT_TOKENS": "open",
            "POWERTOOLS_SERVICE_NAME": "backbeat",
            "POWERTOOLS_LOG_LEVEL": "INFO",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    written = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    [line] = [one for one in written if one.get("message") == "request"]
    assert (line["operation"], line["status"], line["request_id"]) == (
        "POST /v1/ingest",
        200,
        "request-1",
    )
    counted = {
        name: one[name]
        for one in written
        for name in ("EventsAccepted", "EventsDuplicate")
        if name in one
    }
    # The same event twice: one is accepted, one is a repeat.
    assert counted == {"EventsAccepted": [1.0], "EventsDuplicate": [1.0]}
    assert "secret" not in done.stdout
