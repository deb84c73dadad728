"""Webhooks over HTTP: targets that are down, that stay down, and that call back."""

import hashlib
import hmac
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from backbeat.adapters.sqlite.database import Database
from backbeat.adapters.sqlite.queue import SqliteQueue
from backbeat.ports.queue import Outgoing
from backbeat_local.template import load_template
from tests.e2e.conftest import Receiver, client_of, eventually, receiving
from tests.e2e.server import ROOT, Server

WEBHOOK_QUEUE = load_template(ROOT / "template.yaml").environment()["BACKBEAT_WEBHOOK_QUEUE_URL"]


def subscribe(client: httpx.Client, target: str) -> None:
    client.post("/webhooks/subscriptions", json={"target": target}).raise_for_status()


def dispatch(client: httpx.Client, *types: str) -> None:
    for type_ in types:
        client.post("/webhooks/dispatch", json={"type": type_}).raise_for_status()


def deliveries(client: httpx.Client) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = client.get("/webhooks/deliveries").json()["data"]
    return listed


def contract(client: httpx.Client, starting_at: str) -> str:
    """Makes a customer with a contract; returns the customer's id."""
    customer = client.post("/v1/customers", json={"name": "Acme"}).json()["data"]["id"]
    body = {"customer_id": customer, "starting_at": starting_at}
    client.post("/v1/contracts/create", json=body).raise_for_status()
    return str(customer)


@contextmanager
def closed_port() -> Iterator[int]:
    """Holds a port that refuses connections, so that nobody else takes it meanwhile."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port: int = reserved.getsockname()[1]
        yield port


def test_a_target_that_is_down_gets_everything_once_it_is_back(http: httpx.Client) -> None:
    types = [f"test.{number}" for number in range(5)]
    http.post("/mock/clock", json={"now": "2025-01-01T00:00:00Z"})
    with closed_port() as port:
        subscribe(http, f"http://127.0.0.1:{port}/hook")
        contract(http, "2025-01-01T00:00:00Z")
        dispatch(http, *types)
        http.post("/mock/clock", json={"now": "2025-03-15T00:00:00Z"})
        eventually(lambda: all(one["attempts"] for one in deliveries(http)))
        assert {one["state"] for one in deliveries(http)} == {"PENDING"}
        assert len(deliveries(http)) == 8
    # Back, but not well yet.
    with receiving(port, answers=[500] * 4) as target:
        expected = sorted([*types, "contract.create", *["invoice.finalized"] * 2])
        eventually(lambda: {one["state"] for one in deliveries(http)} == {"DELIVERED"})
        ids = {one.event["id"]: one.event["type"] for one in target.received}
        assert sorted(ids.values()) == expected
        assert len(target.received) == 8 + 4
    for one in deliveries(http):
        assert "error" in one["attempts"][0]
        assert one["attempts"][-1]["status"] == 200


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server("--memory", "--parameter", "WebhookMaxAttempts=3") as server:
        yield server


def test_after_the_last_retry_it_is_a_dead_letter(server: Server, token: str) -> None:
    with client_of(server.url, token) as client, receiving(answers=[500] * 3) as target:
        subscribe(client, target.url)
        dispatch(client, "test.dead")
        eventually(lambda: client.get("/webhooks/dead-letters").json()["data"] != [])
        [dead] = client.get("/webhooks/dead-letters").json()["data"]
        assert dead["event_type"] == "test.dead"
        assert [dead] == deliveries(client)
        assert dead["state"] == "DEAD"
        assert [attempt["status"] for attempt in dead["attempts"]] == [500] * 3
        assert len(target.received) == 3
        # Others see nothing of it, and what comes later arrives.
        with client_of(server.url, f"{token}-other") as other:
            assert other.get("/webhooks/dead-letters").json()["data"] == []
        dispatch(client, "test.alive")
        target.wait_for(lambda all_: all_[-1].event["type"] == "test.alive")


def test_what_a_killed_server_was_about_to_send_is_taken_up_at_the_start(tmp_path: Path) -> None:
    # A message that was received and, by the time of the kill, neither deleted nor postponed. The
    # delivery it is about is unknown, so that it is done with as soon as it is looked at.
    message = {"tenant": "t", "pk": "t#NOTE#1", "sk": "TO#1"}
    database = Database(str(tmp_path / "state.sqlite3"))
    queue = SqliteQueue(database, WEBHOOK_QUEUE, 9)
    queue.send([Outgoing(json.dumps(message))])
    assert len(queue.receive(limit=1, wait_seconds=0, visibility_seconds=3600)) == 1
    with Server("--state", str(tmp_path)):
        eventually(lambda: messages(database) == 0)
    database.close()


def messages(database: Database) -> int:
    with database.read() as connection:
        [count] = connection.execute("SELECT count(*) FROM message").fetchone()
    return int(count)


def test_a_rotated_secret_signs_the_next_attempt(http: httpx.Client, receiver: Receiver) -> None:
    def rotate(event: dict[str, Any]) -> None:
        if not receiver.received:
            body = {"webhook_secret": "rotated"}
            http.post("/v1/client/config/webhook_secret", json=body).raise_for_status()

    receiver.answers = [503]
    receiver.on_event = rotate
    subscribe(http, receiver.url)
    dispatch(http, "test.signed")
    first, second = receiver.wait_for(lambda all_: len(all_) == 2)
    for one, secret in [(first, b"test-secret"), (second, b"rotated")]:
        signed = one.headers["date"].encode() + b"\n" + one.body
        expected = hmac.new(secret, signed, hashlib.sha256).hexdigest()
        assert one.headers["metronome-webhook-signature"] == expected
    headers = {
        name: second.headers[name] for name in ("x-metronome-date", "metronome-webhook-signature")
    }
    verified = http.post("/webhooks/verify", content=second.body, headers=headers)
    assert (verified.status_code, verified.json()) == (200, second.event)
    tampered = second.body.replace(b"test.signed", b"test.singed")
    assert http.post("/webhooks/verify", content=tampered, headers=headers).status_code == 401


def test_targets_may_call_back_while_they_are_called(
    http: httpx.Client, base_url: str, token: str, receiver: Receiver
) -> None:
    """More calls at once than queues have workers, from inside deliveries and clock moves."""
    replies: list[int] = []

    def call_back(event: dict[str, Any]) -> None:
        with client_of(base_url, token) as client:
            replies.append(client.get("/v1/customers").status_code)
            replies.append(client.post("/v1/customers", json={"name": "x"}).status_code)
            replies.append(client.get("/webhooks/deliveries").status_code)
            if event["type"] == "invoice.finalized":
                moved = client.post("/mock/clock", json={"advance": 1})
                replies.append(moved.status_code)

    receiver.on_event = call_back
    http.post("/mock/clock", json={"now": "2025-01-01T00:00:00Z"})
    subscribe(http, receiver.url)
    dispatch(http, *[f"test.{number}" for number in range(12)])
    contract(http, "2025-01-01T00:00:00Z")
    http.post("/mock/clock", json={"now": "2025-03-15T00:00:00Z"}, timeout=20).raise_for_status()
    receiver.wait_for(lambda all_: len({one.event["id"] for one in all_}) == 12 + 1 + 2)
    eventually(lambda: {one["state"] for one in deliveries(http)} == {"DELIVERED"})
    assert set(replies) == {200}
