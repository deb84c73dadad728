"""What is measured, on which server, for how long."""

import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import count

from tests.bench.load import SUCCESS, Render, Round, run_round
from tests.bench.server import Server, serving
from tests.bench.traffic import Batches, History, Same
from tests.bench.world import World, build

BATCH = 100
"""Events in one request, at most."""

_FASTEST_EVENTS = 150_000
_FASTEST_REQUESTS = 12_000
"""More than the server could take in a second, so that a round never runs out of requests."""

_HISTORY_AT_ONCE = 100_000
_HISTORY_CLIENTS = 4

Say = Callable[[str], None]


@dataclass(frozen=True)
class Effort:
    """How much is measured: rounds and seconds of each load, and how many events are stored."""

    rounds: int
    seconds: float
    clients: tuple[int, ...]
    sizes: tuple[int, ...]
    starts: int


THOROUGH = Effort(
    rounds=3, seconds=2.5, clients=(1, 16, 100), sizes=(0, 100_000, 1_000_000), starts=3
)
QUICK = Effort(rounds=1, seconds=1.5, clients=(1, 16), sizes=(0, 100_000), starts=1)


@dataclass(frozen=True)
class Rate:
    """A load: medians over its rounds. `cpu` is what the server spent per event or request."""

    name: str
    clients: int
    per_second: float
    p50_ms: float
    p95_ms: float
    cpu_us: float


@dataclass(frozen=True)
class Size:
    """The server with so many events stored, in decimal megabytes and milliseconds."""

    events: int
    resident_mb: float
    disk_mb: float
    ingest_one: Rate
    ingest_many: Rate
    get: Rate
    draft: Rate


@dataclass(frozen=True)
class Figures:
    """Everything that was measured."""

    start_ms: float
    floor: list[Rate]
    ingest: list[Rate]
    requests: list[Rate]
    sizes: list[Size]


def measure(effort: Effort, say: Say) -> Figures:
    """Measures everything; `say` is told what is going on."""
    say("cold start")
    starts = [_start_ms() for _ in range(effort.starts)]
    with serving() as server:
        bench = _Bench(server, build(server), effort, say)
        floor = list(bench.floor())
        ingest = list(bench.ingest())
        requests = list(bench.requests())
    with serving() as server:
        sizes = list(_Bench(server, build(server), effort, say).growth())
    return Figures(statistics.median(starts), floor, ingest, requests, sizes)


def _start_ms() -> float:
    with serving() as server:
        return server.started_in * 1e3


class _Bench:
    """The loads on one server. Each round has events of its own."""

    def __init__(self, server: Server, world: World, effort: Effort, say: Say) -> None:
        self._server = server
        self._world = world
        self._effort = effort
        self._say = say
        self._seeds = count(1)
        # The last hour of the world's month, at whose end its clock stands.
        self._now = world.month + timedelta(hours=world.hours - 2)

    def ingest(self) -> Iterator[Rate]:
        """Yields how fast events are taken in."""
        for clients in self._effort.clients:
            yield self._ingest(f"{BATCH} per request", clients, BATCH)
        yield self._ingest(f"{BATCH} per request, a tenth repeats", 16, BATCH, repeats=0.1)
        yield self._ingest(f"{BATCH} per request, of many customers", 16, BATCH, mixed=True)
        for clients in self._effort.clients:
            yield self._ingest("1 per request", clients, 1)

    def requests(self) -> Iterator[Rate]:
        """Yields how fast single requests of one client are answered."""
        customer = self._world.customer
        contract = {
            "customer_id": self._world.customers[1],
            "rate_card_id": self._world.rate_card,
            "starting_at": f"{self._world.month:%FT%TZ}",
        }
        for name, method, path, body in (
            ("GET /health", "GET", "/health", None),
            ("get customer", "GET", f"/v1/customers/{customer}", None),
            ("create customer", "POST", "/v1/customers", {"name": "Acme"}),
            ("create contract", "POST", "/v1/contracts/create", contract),
            ("list 1 contract", "POST", "/v2/contracts/list", {"customer_id": customer}),
            ("list customers", "GET", "/v1/customers", None),
        ):  # fmt: skip
            yield self._rate(name, 1, 1, self._same(method, path, body))

    def floor(self) -> Iterator[Rate]:
        """Yields how fast the HTTP server alone is: it refuses unknown paths by itself."""
        for clients in self._effort.clients:
            unknown = self._same("GET", "/nothing")
            yield self._rate("unknown path", clients, 1, unknown, expected=b"HTTP/1.1 404")

    def growth(self) -> Iterator[Size]:
        """Yields the server at growing numbers of stored events, all of one customer and month."""
        stored = 0
        for size in self._effort.sizes:
            self._store_history(stored, size)
            stored = size
            yield self._size(size)

    def _size(self, size: int) -> Size:
        draft = f"/v1/customers/{self._world.customer}/invoices/{self._world.invoice}"
        get = f"/v1/customers/{self._world.customer}"
        resident, disk = self._server.resident_mb, self._server.disk_mb
        return Size(
            size,
            resident,
            disk,
            self._ingest("ingest 1", 1, 1),
            self._ingest(f"ingest {BATCH}", 1, BATCH),
            self._rate("get customer", 1, 1, self._same("GET", get)),
            self._rate("draft", 1, 1, self._same("GET", draft)),
        )

    def _store_history(self, first: int, last: int) -> None:
        for begin in range(first, last, _HISTORY_AT_ONCE):
            self._say(f"storing events from {begin:,}")
            history = History(
                seed=next(self._seeds),
                customer=self._world.customer,
                start=self._world.month,
                hours=self._world.hours - 1,
                total=max(self._effort.sizes),
                first=begin,
                count=min(_HISTORY_AT_ONCE, last - begin),
            )
            clients = _HISTORY_CLIENTS
            _refuse_failures(
                run_round(self._server.port, history, clients=clients, seconds=float("inf"))
            )

    def _ingest(
        self, name: str, clients: int, size: int, *, mixed: bool = False, repeats: float = 0.0
    ) -> Rate:
        # The customer with the contract is left out: his usage is the measured history.
        others = self._world.customers[1:]
        fastest = _FASTEST_EVENTS // size if size > 1 else _FASTEST_REQUESTS

        def render() -> Render:
            requests = int(fastest * self._effort.seconds) + clients
            return Batches(next(self._seeds), requests, size, others, self._now, mixed, repeats)

        return self._rate(name, clients, size, render)

    def _same(self, method: str, path: str, body: object = None) -> Callable[[], Render]:
        requests = int(_FASTEST_REQUESTS * self._effort.seconds)
        return lambda: Same(method, path, requests, body)

    def _rate(
        self,
        name: str,
        clients: int,
        size: int,
        render: Callable[[], Render],
        *,
        expected: bytes = SUCCESS,
    ) -> Rate:
        self._say(f"{name}, {clients} client{'s' if clients > 1 else ''}")
        rounds = range(self._effort.rounds)
        return _median([self._round(name, clients, size, render(), expected) for _ in rounds])

    def _round(self, name: str, clients: int, size: int, render: Render, expected: bytes) -> Rate:
        before = self._server.cpu_seconds
        seconds = self._effort.seconds
        measured = run_round(
            self._server.port, render, clients=clients, seconds=seconds, expected=expected
        )
        _refuse_failures(measured)
        spent = self._server.cpu_seconds - before
        return Rate(
            name,
            clients,
            measured.rate * size,
            measured.percentile(0.5) * 1e3,
            measured.percentile(0.95) * 1e3,
            spent / (len(measured.latencies) * size) * 1e6,
        )


def _median(rates: list[Rate]) -> Rate:
    """Returns the round in the middle by rate."""
    return sorted(rates, key=lambda rate: rate.per_second)[len(rates) // 2]


def _refuse_failures(measured: Round) -> None:
    if measured.failed:
        raise RuntimeError(f"{measured.failed} of {len(measured.latencies)} requests failed")
