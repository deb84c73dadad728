"""How fast metered usage is taken in and counted anew: `python -m tests.bench.metering [--quick]`.

Batches from one client, single events that a hundred clients offer at a steady rate whatever comes
back, and a replay of late events. The CPU of the server is given beside each, since other work on
the machine changes all other figures.
"""

import argparse
import json
import multiprocessing
import selectors
import socket
import sys
import time
import uuid
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection

from tests.bench.load import Round, is_whole, run_round
from tests.bench.server import Server, serving
from tests.bench.traffic import request

INGEST = "/metering/v1/events/ingest"
_LATE = 10_000
_RECEIVED_AT_ONCE = 1 << 16


@dataclass(frozen=True)
class Batches:
    """Requests of new events of one customer and hour. Picklable: they are made by who sends."""

    count: int
    size: int
    at: datetime
    key: bool = True

    def __call__(self) -> list[bytes]:
        return [request("POST", INGEST, self._body()) for _ in range(self.count)]

    def _body(self) -> str:
        return json.dumps({"events": [self._event() for _ in range(self.size)]})

    def _event(self) -> dict[str, object]:
        random = uuid.uuid4()
        said: dict[str, object] = {
            "metric": "calls",
            "customer_ref": "acme",
            "quantity": 5,
            "ts": self.at.isoformat(),
        }
        if self.key:
            return {**said, "idempotency_key": random.hex}
        return {**said, "sequence": random.int >> 70}


def offered(port: int, batches: Batches, *, clients: int, per_second: float) -> Round:
    """Sends a request at each turn of a steady rate, whether or not the ones before are answered.

    A latency is from when a request was due, so a server that falls behind is seen to.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    sender = context.Process(target=_offer, args=(there, port, batches, clients, per_second))
    sender.start()
    try:
        there.close()
        measured: Round = here.recv()
    finally:
        sender.join()
    return measured


def _offer(
    results: Connection, port: int, batches: Batches, clients: int, per_second: float
) -> None:
    requests = batches()
    sockets = [socket.create_connection(("127.0.0.1", port)) for _ in range(clients)]
    results.send(_offered(sockets, requests, per_second))
    for connection in sockets:
        connection.close()


def _offered(
    sockets: Sequence[socket.socket], requests: Sequence[bytes], per_second: float
) -> Round:
    selector = selectors.DefaultSelector()
    idle, waiting = deque(sockets), deque[tuple[float, bytes]]()
    due_at: dict[socket.socket, float] = {}
    by_number = {connection.fileno(): connection for connection in sockets}
    answers: dict[socket.socket, bytes] = {}
    latencies: list[float] = []
    failed = sent = 0
    begun = time.perf_counter()
    while len(latencies) < len(requests):
        now = time.perf_counter()
        while sent < len(requests) and begun + sent / per_second <= now:
            waiting.append((begun + sent / per_second, requests[sent]))
            sent += 1
        while waiting and idle:
            connection, (due, text) = idle.popleft(), waiting.popleft()
            due_at[connection] = due
            selector.register(connection, selectors.EVENT_READ)
            connection.sendall(text)
        for ready, _ in selector.select(timeout=0.0005):
            connection = by_number[ready.fd]
            answer = answers.pop(connection, b"") + connection.recv(_RECEIVED_AT_ONCE)
            if not is_whole(answer):
                answers[connection] = answer
                continue
            latencies.append(time.perf_counter() - due_at.pop(connection))
            failed += not answer.startswith(b"HTTP/1.1 200")
            selector.unregister(connection)
            idle.append(connection)
    return Round(time.perf_counter() - begun, latencies, failed)


def _in_batches(server: Server, now: datetime, seconds: float, *, key: bool) -> str:
    before = server.cpu_seconds
    batches = Batches(int(600 * seconds), 100, now - timedelta(minutes=5), key)
    measured = run_round(server.port, batches, clients=1, seconds=seconds)
    _refuse_failures(measured)
    events = len(measured.latencies) * 100
    spent = server.cpu_seconds - before
    return (
        f"{measured.rate * 100:,.0f} events/s from one client, "
        f"{events / spent:,.0f} per second of CPU"
    )


def _single(server: Server, now: datetime, seconds: float, per_second: float) -> str:
    before = server.cpu_seconds
    batches = Batches(int(per_second * seconds), 1, now - timedelta(minutes=5))
    measured = offered(server.port, batches, clients=100, per_second=per_second)
    _refuse_failures(measured)
    spent = (server.cpu_seconds - before) / len(measured.latencies)
    return (
        f"p50 {measured.percentile(0.5) * 1e3:.1f} ms, p95 {measured.percentile(0.95) * 1e3:.1f} ms"
        f" at {per_second:,.0f} events/s offered by 100 clients, {spent * 1e6:.0f} µs of CPU each"
    )


def _late(server: Server, now: datetime) -> str:
    server.call("POST", "/metering/v1/counters", {"name": "late", "aggregation": "sum"})
    for first in range(0, _LATE, 1000):
        events = [
            {
                "metric": "late",
                # Of its own: a recount reads all that a customer sent in a span.
                "customer_ref": "late",
                "quantity": 1,
                "ts": (now - timedelta(hours=30, seconds=first + number)).isoformat(),
            }
            for number in range(1000)
        ]
        server.call("POST", INGEST, {"events": events})
    hour = now.replace(minute=0, second=0, microsecond=0)
    body = {
        "metrics": ["late"],
        "customer_ref": "late",
        "since": (hour - timedelta(days=3)).isoformat(),
        "until": (hour + timedelta(hours=1)).isoformat(),
        "mode": "apply",
    }
    before, begun = server.cpu_seconds, time.perf_counter()
    found = server.call("POST", "/metering/v1/replay", body)["data"]["metrics"][0]
    elapsed, spent = time.perf_counter() - begun, server.cpu_seconds - before
    if (found["events_found"], found["counter_after"]) != (_LATE, _LATE):
        raise RuntimeError(f"the replay found something else: {found}")
    return f"{_LATE:,} late events counted anew in {elapsed:.2f} s, {spent:.2f} s of CPU"


def _refuse_failures(measured: Round) -> None:
    if measured.failed:
        raise RuntimeError(f"{measured.failed} of {len(measured.latencies)} requests failed")


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a second and a half of each")
    seconds = 1.5 if parser.parse_args().quick else 10.0
    with serving() as server:
        now = datetime.now(UTC)
        server.call("POST", "/metering/v1/counters", {"name": "calls", "aggregation": "sum"})
        say = sys.stdout.write
        say(f"100 per request, keys given: {_in_batches(server, now, seconds, key=True)}\n")
        say(f"100 per request, keys derived: {_in_batches(server, now, seconds, key=False)}\n")
        say(f"1 per request: {_single(server, now, seconds, 1000)}\n")
        say(f"replay: {_late(server, now)}\n")


if __name__ == "__main__":
    main()
