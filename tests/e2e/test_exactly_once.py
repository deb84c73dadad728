"""Events count once: sent twice, by many at a time, through a server that is killed."""

import random
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import WAIT_SECONDS, client_of
from tests.e2e.server import Server

EVENTS = 10_000
CUSTOMERS = 5
CLIENTS = 8
NOW = datetime.now(UTC)

Event = dict[str, Any]


def events() -> list[Event]:
    """Returns the events: number n is of customer n % 5, adds n % 7, and is n minutes old."""
    return [
        {
            "transaction_id": f"event-{number}",
            "customer_id": f"customer-{number % CUSTOMERS}",
            "event_type": "call",
            "timestamp": (NOW - timedelta(minutes=number)).isoformat(),
            "properties": {"units": number % 7, "kind": f"kind-{number % 3}"},
        }
        for number in range(EVENTS)
    ]


def shuffled_batches(sent: list[Event]) -> SimpleQueue[list[Event]]:
    shuffled = list(sent)
    random.Random(8).shuffle(shuffled)
    batches: SimpleQueue[list[Event]] = SimpleQueue()
    for start in range(0, len(shuffled), 100):
        batches.put(shuffled[start : start + 100])
    return batches


class World:
    """Customers with the aliases of the events, and metrics that count and add them."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self.customers = [
            self._create("/v1/customers", name=name, ingest_aliases=[name])
            for name in (f"customer-{number}" for number in range(CUSTOMERS))
        ]
        self.count = self._create(
            "/v1/billable-metrics/create", name="Calls", aggregation_type="COUNT"
        )
        self.sum = self._create(
            "/v1/billable-metrics/create",
            name="Units",
            aggregation_type="SUM",
            aggregation_key="units",
            property_filters=[{"name": name, "exists": True} for name in ("units", "kind")],
            group_keys=[["kind"]],
        )

    def usage(self) -> dict[tuple[str, str], Any]:
        """Returns what was counted, by customer and metric."""
        today = NOW.replace(hour=0, minute=0, second=0, microsecond=0)
        body = {
            "window_size": "NONE",
            "starting_on": (today - timedelta(days=30)).isoformat(),
            "ending_before": (today + timedelta(days=1)).isoformat(),
        }
        rows = self._client.post("/v1/usage", json=body).json()["data"]
        return {(row["customer_id"], row["billable_metric_id"]): row["value"] for row in rows}

    def expected(self, sent: list[Event]) -> dict[tuple[str, str], int]:
        found: Counter[tuple[str, str]] = Counter()
        for event in sent:
            customer = self.customers[int(event["customer_id"].split("-")[1])]
            found[customer, self.count] += 1
            found[customer, self.sum] += event["properties"]["units"]
        return dict(found)

    def originals(self, transaction_ids: list[str]) -> Counter[str]:
        """Returns how many events were accepted under each transaction id."""
        found: Counter[str] = Counter()
        for start in range(0, len(transaction_ids), 500):
            body = {"transactionIds": transaction_ids[start : start + 500]}
            for event in self._client.post("/v1/events/search", json=body).json():
                found[event["transaction_id"]] += not event["is_duplicate"]
        return found

    def _create(self, path: str, **body: object) -> str:
        reply = self._client.post(path, json=body).raise_for_status()
        id_: str = reply.json()["data"]["id"]
        return id_


class Clients:
    """Clients in parallel. What is not acknowledged is sent again, once the server is `up`."""

    def __init__(self, url: str, token: str, batches: SimpleQueue[list[Event]]) -> None:
        self._url = url
        self._token = token
        self._batches = batches
        self._changed = threading.Condition()
        self.up = threading.Event()
        self.up.set()
        self.acknowledged: list[str] = []
        self.failures = 0
        self._threads = [threading.Thread(target=self._send) for _ in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join(WAIT_SECONDS)

    def wait_for(self, count: int) -> None:
        """Returns once that many events were acknowledged."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.acknowledged) >= count, WAIT_SECONDS)

    def _send(self) -> None:
        with client_of(self._url, self._token) as client:
            while True:
                try:
                    batch = self._batches.get_nowait()
                except Empty:
                    return
                while not self._is_acknowledged(client, batch):
                    assert self.up.wait(WAIT_SECONDS)

    def _is_acknowledged(self, client: httpx.Client, batch: list[Event]) -> bool:
        try:
            reply = client.post("/v1/ingest", json=batch)
        except httpx.TransportError:
            with self._changed:
                self.failures += 1
            return False
        assert reply.status_code == 200, reply.text
        with self._changed:
            self.acknowledged += [event["transaction_id"] for event in batch]
            self._changed.notify_all()
        return True


def test_twice_by_many_clients_at_once(http: httpx.Client, base_url: str, token: str) -> None:
    world, sent = World(http), events()
    clients = Clients(base_url, token, shuffled_batches([*sent, *sent]))
    clients.join()
    assert len(clients.acknowledged) == 2 * EVENTS
    assert world.usage() == world.expected(sent)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server("--state", str(tmp_path)) as server:
        yield server


@pytest.mark.slow
def test_by_a_server_that_is_killed_and_restarted(server: Server, token: str) -> None:
    with client_of(server.url, token) as client:
        world, sent = World(client), events()
        clients = Clients(server.url, token, shuffled_batches([*sent, *sent]))
        clients.wait_for(EVENTS)
        clients.up.clear()
        server.kill()
        acknowledged = sorted(set(clients.acknowledged))
        server.start()
        # Nothing acknowledged is lost, before anybody sends it again.
        assert world.originals(acknowledged) == Counter(acknowledged)
        clients.up.set()
        clients.join()
        assert clients.failures > 0
        assert len(clients.acknowledged) == 2 * EVENTS
        assert world.usage() == world.expected(sent)
