"""Made-up usage that looks like real usage: who uses how much, and when.

The same seed gives the same events, transaction ids included, so sending them again counts nothing.
"""

import random
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any, Final

Weight = Callable[[datetime, "Span", random.Random], float]

_OFFICE_HOURS: Final = range(8, 18)
_SATURDAY: Final = 5


@dataclass(frozen=True, slots=True)
class Span:
    """The time that is filled, as hours from `start` on. The last one may be cut off by `end`."""

    start: datetime
    end: datetime

    @property
    def hours(self) -> list[datetime]:
        """When its hours begin."""
        count = max(1, -(-int((self.end - self.start).total_seconds()) // 3600))
        return [self.start + timedelta(hours=number) for number in range(count)]

    def share(self, at: datetime) -> float:
        """Returns how far into the span an instant is, from 0 to 1."""
        return (at - self.start) / (self.end - self.start)


def _steady(at: datetime, span: Span, source: random.Random) -> float:
    return 1.0


def _office(at: datetime, span: Span, source: random.Random) -> float:
    if at.weekday() >= _SATURDAY:
        return 0.1
    return 1.0 if at.hour in _OFFICE_HOURS else 0.2


def _spiky(at: datetime, span: Span, source: random.Random) -> float:
    # One hour in fifty has as much as all the others of two days.
    return 50.0 if source.random() < 0.02 else 1.0


def _growth(at: datetime, span: Span, source: random.Random) -> float:
    return 0.1 + span.share(at)


PROFILES: Final[Mapping[str, Weight]] = {
    "steady": _steady,
    "office": _office,
    "spiky": _spiky,
    "growth": _growth,
}


@dataclass(frozen=True, slots=True)
class Property:
    """What a property may be: one of some texts, or a whole number of a range."""

    name: str
    choices: tuple[str, ...] = ()
    low: int = 0
    high: int = 0

    def draw(self, source: random.Random) -> str | int:
        """Returns a value. Small numbers come more often than large ones."""
        if self.choices:
            return source.choice(self.choices)
        return self.low + int((self.high - self.low + 1) * source.random() ** 2)


@dataclass(frozen=True, slots=True)
class Load:
    """How much usage of whom. The first customers use most, as a few do everywhere."""

    profile: str
    seed: int
    events: int
    span: Span
    customers: Sequence[str]
    event_types: Sequence[str]
    properties: Sequence[Property]


def generate(load: Load) -> Iterator[dict[str, Any]]:
    """Yields the events of a load in the order of their timestamps."""
    source = random.Random(f"{load.profile}:{load.seed}")  # noqa: S311 - to be repeatable
    hours = load.span.hours
    weigh = PROFILES[load.profile]
    until = list(accumulate(weigh(hour, load.span, source) for hour in hours))
    shares = list(accumulate(1 / (place + 1) for place in range(len(load.customers))))
    times = sorted(_time(source, hours, until, load.span) for _ in range(load.events))
    for number, at in enumerate(times):
        customer = load.customers[_place(source, shares)]
        yield {
            "transaction_id": f"{load.profile}-{load.seed}-{load.events}-{number}",
            "customer_id": customer,
            "event_type": source.choice(load.event_types),
            "timestamp": at.isoformat(),
            "properties": {one.name: one.draw(source) for one in load.properties},
        }


def _time(
    source: random.Random, hours: Sequence[datetime], until: Sequence[float], span: Span
) -> datetime:
    hour = hours[_place(source, until)]
    room = min(timedelta(hours=1), span.end - hour)
    return hour + timedelta(seconds=int(room.total_seconds() * source.random()))


def _place(source: random.Random, until: Sequence[float]) -> int:
    """Returns a place with a chance as its weight; `until` are the sums of the weights."""
    return min(bisect_right(until, source.random() * until[-1]), len(until) - 1)
