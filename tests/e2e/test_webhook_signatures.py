"""Webhooks as receivers check them: with the official Node SDK, and in Python with the secret."""

import hashlib
import hmac
import json
import shutil
import subprocess
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import Received, Receiver

SDK = "@metronome/sdk@3.10.0"
SECRET = "whsec of the test"
VERIFY = """
const { Metronome } = require("@metronome/sdk");
const cases = JSON.parse(require("fs").readFileSync(0, "utf8"));
const client = new Metronome({ bearerToken: "none" });
console.log(JSON.stringify(cases.map(({ body, headers, secret }) => {
  try {
    return client.webhooks.unwrap(body, headers, secret);
  } catch (error) {
    return error.message;
  }
})));
"""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory in which Node finds the official SDK."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("needs node and npm")
    directory = tmp_path_factory.mktemp("node")
    (directory / "package.json").write_text("{}")
    (directory / "verify.js").write_text(VERIFY)
    command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", SDK]
    try:
        subprocess.run(command, cwd=directory, check=True, capture_output=True, timeout=60)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"the SDK cannot be installed: {error}")
    return directory


@dataclass(frozen=True)
class Case:
    """A webhook as received, and the secret it is checked with."""

    body: str
    headers: dict[str, str]
    secret: str = SECRET


@pytest.fixture
def webhook(http: httpx.Client, receiver: Receiver) -> Received:
    """One of ours, delivered over HTTP and signed with the secret."""
    secret = {"webhook_secret": SECRET}
    http.post("/v1/client/config/webhook_secret", json=secret).raise_for_status()
    http.post("/webhooks/subscriptions", json={"target": receiver.url}).raise_for_status()
    event = {"type": "alerts.spend_threshold_reached", "properties": {"alert_name": "Café"}}
    http.post("/webhooks/dispatch", json=event).raise_for_status()
    return receiver.wait_for(lambda all_: len(all_) == 1)[0]


def cases_of(webhook: Received) -> dict[str, Case]:
    """Returns the webhook as it came, and forged in each way."""
    kept = {name: value for name, value in webhook.headers.items() if name != "host"}
    good = Case(webhook.body.decode(), kept)
    return {
        "as it came": good,
        "tampered body": replace(good, body=good.body.replace("spend", "spent")),
        "wrong secret": replace(good, secret="another"),
        "old date": redated(good, minutes=-6),
        "future date": redated(good, minutes=6),
        "another date": replace(good, headers={**kept, "x-metronome-date": shifted(seconds=1)}),
    }


def shifted(**by: int) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(**by), usegmt=True)


def redated(good: Case, **by: int) -> Case:
    """Signs the body again, properly, for another date."""
    date = shifted(**by)
    signature = hmac.new(SECRET.encode(), f"{date}\n{good.body}".encode(), hashlib.sha256)
    dated = {
        "date": date,
        "x-metronome-date": date,
        "metronome-webhook-signature": signature.hexdigest(),
    }
    return replace(good, headers={**good.headers, **dated})


def test_the_official_node_sdk_accepts_ours_and_no_forgery(webhook: Received, node: Path) -> None:
    cases = cases_of(webhook)
    done = subprocess.run(
        [shutil.which("node") or "node", "verify.js"],
        cwd=node,
        check=True,
        capture_output=True,
        input=json.dumps([vars(case) for case in cases.values()]),
        text=True,
        timeout=30,
    )
    answers: dict[str, Any] = dict(zip(cases, json.loads(done.stdout), strict=True))
    wrong = "The given webhook signature does not match the expected signature"
    assert answers == {
        "as it came": webhook.event,
        "tampered body": wrong,
        "wrong secret": wrong,
        "old date": "Webhook timestamp is too old",
        "future date": "Webhook timestamp is too new",
        "another date": wrong,
    }


def is_genuine(case: Case) -> bool:
    """What a receiver written in Python does: the Python SDK brings nothing for it."""
    date = case.headers["x-metronome-date"]
    if abs(datetime.now(UTC) - parsedate_to_datetime(date)) > timedelta(minutes=5):
        return False
    expected = hmac.new(
        case.secret.encode(), date.encode() + b"\n" + case.body.encode(), hashlib.sha256
    ).hexdigest()
    return hmac.compare_digest(expected, case.headers["metronome-webhook-signature"])


def test_a_receiver_in_python_accepts_ours_and_no_forgery(
    webhook: Received, http: httpx.Client
) -> None:
    for name, case in cases_of(webhook).items():
        genuine = name == "as it came"
        assert is_genuine(case) is genuine, name
        if name == "wrong secret":
            # Ours has one secret, the right one.
            continue
        headers = {
            header: case.headers[header]
            for header in ("x-metronome-date", "metronome-webhook-signature")
        }
        reply = http.post("/webhooks/verify", content=case.body.encode(), headers=headers)
        assert reply.status_code == (200 if genuine else 401), name
