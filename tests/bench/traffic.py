"""Requests as bytes, rendered before they are sent."""

import json
import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.bench.server import TOKEN

MODELS = ("small", "medium", "large", "vision")
REGIONS = ("eu", "us", "ap")


def request(method: str, path: str, body: str = "") -> bytes:
    """Returns one keep-alive request."""
    content = body.encode()
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


@dataclass(frozen=True)
class Same:
    """The same request over and over."""

    method: str
    path: str
    count: int
    body: object = None

    def __call__(self) -> list[bytes]:
        body = "" if self.body is None else json.dumps(self.body)
        return [request(self.method, self.path, body)] * self.count


@dataclass(frozen=True)
class Batches:
    """Ingest requests whose events bear new, random transaction ids.

    The events of a request are of one customer and hour, in the twelve groups of four
    models and three regions. With `mixed`, each is of another customer. A share of `repeats` bears
    the transaction id of an earlier request's event.
    """

    seed: int
    count: int
    size: int
    customers: tuple[str, ...]
    at: datetime
    mixed: bool = False
    repeats: float = 0.0

    def __call__(self) -> list[bytes]:
        chosen = random.Random(self.seed)
        known: list[str] = []
        rendered = []
        for _ in range(self.count):
            customer = chosen.choice(self.customers)
            events = []
            for _ in range(self.size):
                if known and chosen.random() < self.repeats:
                    transaction_id = chosen.choice(known)
                else:
                    transaction_id = f"{chosen.getrandbits(128):032x}"
                if self.mixed:
                    customer = chosen.choice(self.customers)
                events.append(event(chosen, customer, self.at, transaction_id))
                if self.repeats:
                    known.append(transaction_id)
            rendered.append(request("POST", "/v1/ingest", f"[{','.join(events)}]"))
        return rendered


@dataclass(frozen=True)
class History:
    """A part of a customer's month: events in the order of their time, evenly over all hours.

    `first` and `count` say which of the `total` events, in requests of 100.
    """

    seed: int
    customer: str
    start: datetime
    hours: int
    total: int
    first: int
    count: int

    def __call__(self) -> list[bytes]:
        chosen = random.Random(self.seed + self.first)
        step = timedelta(hours=self.hours) / self.total
        rendered = []
        for begin in range(self.first, self.first + self.count, 100):
            events = [
                event(
                    chosen,
                    self.customer,
                    self.start + number * step,
                    f"{chosen.getrandbits(128):032x}",
                )
                for number in range(begin, min(begin + 100, self.first + self.count))
            ]
            rendered.append(request("POST", "/v1/ingest", f"[{','.join(events)}]"))
        return rendered


def event(chosen: random.Random, customer: str, at: datetime, transaction_id: str) -> str:
    """Returns an event of about 200 bytes with four string properties."""
    return (
        f'{{"transaction_id":"{transaction_id}","customer_id":"{customer}",'
        f'"event_type":"completion","timestamp":"{at:%Y-%m-%dT%H:%M:%S}Z",'
        f'"properties":{{"model":"{chosen.choice(MODELS)}","region":"{chosen.choice(REGIONS)}",'
        f'"tokens":"{chosen.randrange(1, 5000)}","plan":"pro"}}}}'
    )
