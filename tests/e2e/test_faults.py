"""Each kind of fault against the official SDK as it is: its retries cope, and usage counts once."""

import hashlib
import hmac
import time
from collections.abc import Iterator
from typing import Any

import httpx
import metronome
import pytest
from metronome import Metronome
from metronome.types.v1.usage_ingest_params import Usage

from tests.e2e.conftest import Received, Receiver

FAULTS = "/mock/faults"

FAILURES: list[dict[str, Any]] = [
    {"kind": "status", "status": status, "when": when, "retry_after_seconds": 0.01}
    for status in (429, 500, 503)
    for when in ("before", "after")
] + [{"kind": "drop", "when": when} for when in ("before", "after")]


@pytest.fixture
def customer_id(http: httpx.Client, metronome: Metronome) -> str:
    """A customer whose images are counted."""
    http.post("/mock/clock", json={"now": "2025-01-20T00:00:00Z"}).raise_for_status()
    metronome.v1.billable_metrics.create(
        name="Images",
        aggregation_type="SUM",
        aggregation_key="images",
        property_filters=[{"name": "images", "exists": True}],
    )
    return metronome.v1.customers.create(name="Acme", ingest_aliases=["acme"]).data.id


@pytest.fixture
def faulty(http: httpx.Client) -> Iterator[httpx.Client]:
    yield http
    http.delete(FAULTS).raise_for_status()


def break_(http: httpx.Client, **fault: object) -> None:
    http.post(FAULTS, json={"faults": [fault]}).raise_for_status()


def usage() -> Usage:
    return {
        "transaction_id": "order-1",
        "customer_id": "acme",
        "event_type": "image_generation",
        "timestamp": "2025-01-19T12:00:00Z",
        "properties": {"images": 40},
    }


def counted(client: Metronome, customer_id: str) -> float | None:
    [day] = [
        one
        for one in client.v1.usage.list(
            starting_on="2025-01-19T00:00:00Z",
            ending_before="2025-01-20T00:00:00Z",
            window_size="DAY",
        )
        if one.customer_id == customer_id
    ]
    return day.value


@pytest.mark.parametrize("fault", FAILURES, ids=lambda fault: " ".join(map(str, fault.values())))
def test_usage_is_counted_once_whatever_fails(
    fault: dict[str, Any], faulty: httpx.Client, metronome: Metronome, customer_id: str
) -> None:
    break_(faulty, **fault, path="/v1/ingest", count=1)
    metronome.v1.usage.ingest(usage=[usage()])
    log = faulty.get("/mock/requests", params={"operation": "ingest-v1"}).json()["data"]
    assert log["total"] == 2
    assert [request["fault"] is None for request in log["requests"]] == [False, True]
    assert counted(metronome, customer_id) == 40


@pytest.mark.parametrize("fault", FAILURES, ids=lambda fault: " ".join(map(str, fault.values())))
def test_reads_are_repeated(
    fault: dict[str, Any], faulty: httpx.Client, metronome: Metronome, customer_id: str
) -> None:
    break_(faulty, **fault, customer=customer_id, count=1)
    assert metronome.v1.customers.retrieve(customer_id=customer_id).data.name == "Acme"
    log = faulty.get("/mock/requests", params={"operation": "getCustomer-v1"}).json()["data"]
    assert log["total"] == 2


def test_what_fails_for_good_is_told(
    faulty: httpx.Client, metronome: Metronome, customer_id: str
) -> None:
    break_(faulty, kind="status", status=429, path="/v1/ingest", retry_after_seconds=0.01)
    with pytest.raises(_error("RateLimitError")):
        metronome.v1.usage.ingest(usage=[usage()])


def test_a_connection_that_is_dropped_for_good_is_told(
    faulty: httpx.Client, metronome: Metronome, customer_id: str
) -> None:
    break_(faulty, kind="drop", path="/v1/ingest")
    impatient = metronome.with_options(max_retries=0)
    with pytest.raises(_error("APIConnectionError")):
        impatient.v1.usage.ingest(usage=[usage()])


def test_latency_is_waited_for(
    faulty: httpx.Client, metronome: Metronome, customer_id: str
) -> None:
    break_(faulty, kind="latency", milliseconds=300, path="/v1/ingest", count=1)
    begun = time.monotonic()
    metronome.v1.usage.ingest(usage=[usage()])
    assert time.monotonic() - begun >= 0.3
    assert counted(metronome, customer_id) == 40


def test_latency_beyond_the_clients_patience_is_a_retry(
    faulty: httpx.Client, metronome: Metronome, customer_id: str
) -> None:
    break_(faulty, kind="latency", milliseconds=2500, path="/v1/ingest", count=1)
    impatient = metronome.with_options(timeout=1.5, max_retries=5)
    impatient.v1.usage.ingest(usage=[usage()])
    log = faulty.get("/mock/requests", params={"operation": "ingest-v1"}).json()["data"]
    assert log["total"] >= 1
    assert counted(metronome, customer_id) == 40


def test_webhooks_that_come_twice_or_badly_signed(faulty: httpx.Client, receiver: Receiver) -> None:
    faulty.post("/webhooks/subscriptions", json={"target": receiver.url}).raise_for_status()
    break_(faulty, kind="webhook_bad_signature", event="forged", count=1)
    break_(faulty, kind="webhook_duplicate", event="twice", count=1)
    break_(faulty, kind="webhook_loss", event="lost", count=1)
    for type_ in ("forged", "twice", "lost", "last"):
        faulty.post("/webhooks/dispatch", json={"id": type_, "type": type_}).raise_for_status()
    received = receiver.wait_for(lambda received: len(received) == 4)
    valid = {one.event["id"]: is_signed(one) for one in received}
    assert valid == {"forged": False, "twice": True, "last": True}
    assert sum(one.event["id"] == "twice" for one in received) == 2


def is_signed(one: Received) -> bool:
    signed = one.headers["date"].encode() + b"\n" + one.body
    expected = hmac.new(b"test-secret", signed, hashlib.sha256).hexdigest()
    return one.headers["metronome-webhook-signature"] == expected


def test_webhooks_out_of_order(faulty: httpx.Client, receiver: Receiver) -> None:
    faulty.post("/webhooks/subscriptions", json={"target": receiver.url}).raise_for_status()
    break_(faulty, kind="webhook_reorder", event="first")
    for type_ in ("first", "second"):
        faulty.post("/webhooks/dispatch", json={"id": type_, "type": type_}).raise_for_status()
    received = receiver.wait_for(lambda received: len(received) == 2)
    assert [one.event["type"] for one in received] == ["second", "first"]


def _error(name: str) -> type[Exception]:
    found: type[Exception] = getattr(metronome, name)
    return found
