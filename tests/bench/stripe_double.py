"""What the Stripe double takes: meter events a second, and a year on a test clock."""

import http.client
import json
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from tests.bench.load import run_round
from tests.bench.server import TOKEN, Server, serving

_KEY = f"sk_test_{TOKEN}"
_NOVEMBER = 1793491200  # 2026-11-01T00:00:00Z
_TWO_MONTHS = (1798761600, 1803859200, 1809129600, 1814400000, 1819756800, 1825027200)
"""The first of January, March, May, July, September and November: as far as an advance may go."""
_FASTEST = 3_000

MUST_PER_SECOND = 1_000
MUST_SECONDS = 2.0


@dataclass(frozen=True)
class Events:
    """Meter events with identifiers and keys of their own, of customers in turn."""

    seed: int
    count: int
    customers: tuple[str, ...]

    def __call__(self) -> list[bytes]:
        return [self._request(number) for number in range(self.count)]

    def _request(self, number: int) -> bytes:
        name = f"{self.seed}-{number}"
        body = urlencode(
            {
                "event_name": "calls",
                "identifier": name,
                "payload[stripe_customer_id]": self.customers[number % len(self.customers)],
                "payload[value]": "1",
            }
        ).encode()
        head = (
            f"POST /stripe/v1/billing/meter_events HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Authorization: Bearer {_KEY}\r\nIdempotency-Key: {name}\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


@dataclass(frozen=True)
class Accepted:
    """A load of meter events: the round in the middle. `cpu_us` is what the server spent on one."""

    clients: int
    per_second: float
    cpu_us: float

    @property
    def per_core_second(self) -> float:
        """How many one core takes in a second, whatever else the machine is busy with."""
        return 1e6 / self.cpu_us


@dataclass(frozen=True)
class Year:
    """A year on a test clock: what passed, what the server spent, and the invoices it made."""

    name: str
    seconds: float
    cpu_seconds: float
    invoices: int


@dataclass(frozen=True)
class Figures:
    """Everything that was measured."""

    accepted: list[Accepted]
    years: list[Year]


def measure(rounds: int, seconds: float, say: Callable[[str], None]) -> Figures:
    """Measures everything; `say` is told what is going on."""
    with serving() as server:
        double = _Double(server)
        customers = tuple(double.customer() for _ in range(50))
        double.meter()
        accepted = []
        for clients in (1, 16):
            say(f"meter events, {clients} client{'s' if clients > 1 else ''}")
            found = [
                _accepted(server, clients, seconds, Events(number + 100 * clients, 0, customers))
                for number in range(rounds)
            ]
            accepted.append(sorted(found, key=lambda one: one.cpu_us)[rounds // 2])
        years = []
        for name, interval, stops in (
            ("monthly", "month", _TWO_MONTHS),
            ("yearly", "year", _TWO_MONTHS[-1:]),
        ):
            say(f"a year with three {name} subscriptions")
            years.append(double.year(name, interval, stops))
    return Figures(accepted, years)


def _accepted(server: Server, clients: int, seconds: float, events: Events) -> Accepted:
    wanted = Events(events.seed, int(_FASTEST * seconds) + clients, events.customers)
    before = server.cpu_seconds
    measured = run_round(server.port, wanted, clients=clients, seconds=seconds)
    if measured.failed:
        raise RuntimeError(f"{measured.failed} meter events were refused")
    spent = server.cpu_seconds - before
    return Accepted(clients, measured.rate, spent / len(measured.latencies) * 1e6)


class _Double:
    """Calls of the double on a server."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self._server.port, timeout=60)
        with closing(connection):
            headers = {
                "Authorization": f"Bearer {_KEY}",
                "Content-Type": "application/x-www-form-urlencoded",
            }
            connection.request(method, f"/stripe{path}", urlencode(body or {}), headers)
            answer = connection.getresponse()
            said = json.loads(answer.read())
        if answer.status != 200:
            raise RuntimeError(f"{method} {path}: {answer.status} {said}")
        return said

    def customer(self, **fields: Any) -> str:
        made: str = self.call("POST", "/v1/customers", fields)["id"]
        return made

    def meter(self) -> str:
        wanted = {
            "display_name": "Calls",
            "event_name": "calls",
            "default_aggregation[formula]": "sum",
        }
        made: str = self.call("POST", "/v1/billing/meters", wanted)["id"]
        return made

    def year(self, name: str, interval: str, stops: tuple[int, ...]) -> Year:
        clock = self.call("POST", "/v1/test_helpers/test_clocks", {"frozen_time": _NOVEMBER})["id"]
        customers = [self.customer(test_clock=clock) for _ in range(3)]
        for customer in customers:
            self._subscribe(customer, interval)
        begun, spent = time.perf_counter(), self._server.cpu_seconds
        for stop in stops:
            path = f"/v1/test_helpers/test_clocks/{clock}"
            self.call("POST", f"{path}/advance", {"frozen_time": stop})
            while (status := self.call("GET", path)["status"]) == "advancing":
                time.sleep(0.005)
            if status != "ready":
                raise RuntimeError(f"the clock is {status}")
        seconds = time.perf_counter() - begun
        invoices = [
            len(self.call("GET", f"/v1/invoices?customer={one}&limit=100")["data"])
            for one in customers
        ]
        return Year(name, seconds, self._server.cpu_seconds - spent, sum(invoices))

    def _subscribe(self, customer: str, interval: str) -> None:
        card = self.call("POST", "/v1/payment_methods/pm_card_visa/attach", {"customer": customer})[
            "id"
        ]
        price = self.call(
            "POST",
            "/v1/prices",
            {
                "currency": "usd",
                "unit_amount": 2_900,
                "recurring[interval]": interval,
                "product_data[name]": "Pro",
            },
        )["id"]
        self.call(
            "POST",
            "/v1/subscriptions",
            {
                "customer": customer,
                "default_payment_method": card,
                "items[0][price]": price,
            },
        )


def render(figures: Figures) -> str:
    """Returns the section on the Stripe double."""
    return "\n".join(
        [
            "## The Stripe double\n",
            "Over HTTP, with an idempotency key for each call, as the SDK sends them. A core takes"
            " what its CPU\ntime allows, whatever the other is busy with.\n",
            "| meter events | clients | events/s | CPU of one | a core takes | must |",
            "|---|---|---|---|---|---|",
            *(
                f"| accepted | {one.clients} | {one.per_second:,.0f} | {one.cpu_us:,.0f} µs"
                f" | {one.per_core_second:,.0f}/s | ≥ {MUST_PER_SECOND:,}/s |"
                for one in figures.accepted
            ),
            "",
            "| a year on a test clock, 3 subscriptions | invoices | seconds | CPU | must |",
            "|---|---|---|---|---|",
            *(
                f"| {year.name} | {year.invoices} | {year.seconds:.2f} s"
                f" | {year.cpu_seconds:.2f} s | < {MUST_SECONDS:g} s |"
                for year in figures.years
            ),
        ]
    )
