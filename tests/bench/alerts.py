"""Whether looks at alerts keep up with usage: `python -m tests.bench.alerts [--customers N]`.

Customers with a contract each, and one alert about all of them. Usage comes in at a steady rate,
spread over all customers, on real time, and then stops. Measured is how late looks were at most,
how long the last of them took, and what the server spent, beside the same without an alert.
"""

import argparse
import random
import sqlite3
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.server import Server, serving
from tests.bench.traffic import event
from tests.bench.world import created, price_list

_BATCH = 100
_SETTLED_SECONDS = 600
_INTERVAL_SECONDS = 60


@dataclass(frozen=True)
class Waiting:
    """Looks that are due and not begun, and by how much the oldest is late."""

    looks: int
    late_seconds: float


@dataclass(frozen=True)
class Figures:
    """What came of a stream of usage."""

    looks: int
    most_waiting: int
    latest_seconds: float
    caught_up_seconds: float
    cpu_seconds: float


def verdict(without: Figures, watched: Figures, customers: int) -> str:
    """Says what looks cost beside the same stream without an alert, and whether they keep up.

    A look is due once a minute for each customer. They keep up when the CPU that takes is less
    than one core, and no look waits longer than the minute until the next one.
    """
    each = (watched.cpu_seconds - without.cpu_seconds) / max(watched.looks, 1)
    busy = each * customers / _INTERVAL_SECONDS
    keeps_up = busy < 1 and watched.latest_seconds < _INTERVAL_SECONDS
    return (
        f"a look, with asking and queueing: {1000 * each:.1f} ms of CPU, {1 / each:,.0f} a second;"
        f" {customers:,} customers once a minute: {100 * busy:.0f} % of a core;"
        f" evaluation {'keeps' if keeps_up else 'does NOT keep'} up"
    )


@dataclass(frozen=True)
class Stream:
    """Ingest requests of a hundred events of as many customers, one to be sent at a time."""

    customers: Sequence[str]
    seconds: float
    events_per_second: float

    def __call__(self) -> Iterator[str]:
        chosen = random.Random(7)
        for _ in range(int(self.seconds * self.events_per_second / _BATCH)):
            now = datetime.now(UTC)
            events = [
                event(chosen, customer, now, f"{chosen.getrandbits(128):032x}")
                for customer in chosen.sample(self.customers, _BATCH)
            ]
            yield f"[{','.join(events)}]"


def measure(*, customers: int, rate: float, seconds: float, watched: bool) -> Figures:
    """Measures a stream on a fresh server, with an alert about all customers or without one."""
    with serving({"BACKBEAT_ALERT_INTERVAL_SECONDS": f"{_INTERVAL_SECONDS}"}) as server:
        ids = _customers(server, customers)
        if watched:
            body = {"alert_type": "spend_threshold_reached", "name": "Spend", "threshold": 10**9}
            created(server, "/v1/alerts/create", **body)
            # The looks that a new alert brings, and those a minute after them.
            _settle(server, at_least=65)
        looks, cpu = _looks(server), server.cpu_seconds
        seen = [Waiting(0, 0)]
        interval = _BATCH / rate
        begun = time.monotonic()
        for number, sent in enumerate(Stream(ids, seconds, rate)()):
            time.sleep(max(0.0, begun + number * interval - time.monotonic()))
            server.post("/v1/ingest", sent)
            if number % 10 == 0:
                seen.append(_waiting(server))
        stopped = time.monotonic()
        seen += _settle(server, at_least=61) if watched else []
        return Figures(
            _looks(server) - looks,
            max(one.looks for one in seen),
            max(one.late_seconds for one in seen),
            time.monotonic() - stopped,
            server.cpu_seconds - cpu,
        )


def _customers(server: Server, number: int) -> list[str]:
    month = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    card = price_list(server, month)
    ids = []
    for count in range(number):
        id_ = created(server, "/v1/customers", name=f"c{count}")
        terms = {"customer_id": id_, "rate_card_id": card, "starting_at": f"{month:%FT%TZ}"}
        created(server, "/v1/contracts/create", **terms)
        ids.append(id_)
    return ids


def _settle(server: Server, *, at_least: float) -> list[Waiting]:
    """Waits until no look is due any more."""
    seen, begun = [], time.monotonic()
    while True:
        seen.append(_waiting(server))
        elapsed = time.monotonic() - begun
        if elapsed > at_least and not seen[-1].looks:
            return seen
        if elapsed > _SETTLED_SECONDS:
            raise RuntimeError(f"{seen[-1].looks} looks are still due")
        time.sleep(1)


def _waiting(server: Server) -> Waiting:
    query = (
        "SELECT count(*), min(visible_at) FROM message"
        " WHERE queue = 'jobs' AND dead = 0 AND receive_count = 0 AND visible_at <= ?"
    )
    now = time.time()
    [(looks, oldest)] = _query(server, query, now)
    return Waiting(looks, now - oldest if looks else 0.0)


def _looks(server: Server) -> int:
    """Returns about how many looks there were: each is asked for, begins and ends, a write each."""
    query = "SELECT count(*), coalesce(sum(version), 0) FROM item WHERE sk = 'DUE#-#alerts'"
    [(_, writes)] = _query(server, query)
    return int(writes) // 3


def _query(server: Server, query: str, *given: float) -> list[tuple[int, float]]:
    [path] = [one for one in Path(server.state).iterdir() if one.suffix == ".sqlite3"]
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return connection.execute(query, given).fetchall()


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=10_000)
    parser.add_argument("--rate", type=float, default=1000, help="events a second")
    parser.add_argument("--seconds", type=float, default=180)
    options = parser.parse_args()
    found = {}
    for watched in (False, True):
        figures = measure(
            customers=options.customers,
            rate=options.rate,
            seconds=options.seconds,
            watched=watched,
        )
        sys.stdout.write(f"{'with' if watched else 'without'} an alert: {figures}\n")
        found[watched] = figures
    sys.stdout.write(f"{verdict(found[False], found[True], options.customers)}\n")


if __name__ == "__main__":
    main()
