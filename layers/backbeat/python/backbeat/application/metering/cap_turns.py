"""Turns at hard caps: what is counted commits only if nobody counted since the usage was read.

Whoever wants to use some of what a cap leaves reads whose turn it was last, then what is used, and
decides. The transaction that counts the events takes the turn after that one, or fails: then
somebody else used of the cap, and all is read and decided anew. Nobody waits for anybody, and a
crash leaves nothing that is in the way.

Greatest, latest and different values are written after the events that they are from. So a turn at
such a counter is open until they are, and whoever finds it open looks again; where that takes too
long its process is gone, and the values are written by its events.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, NamedTuple, TypeVar

from backbeat.application import arrivals
from backbeat.application.metering import billing_periods
from backbeat.application.metering.definitions import Definitions
from backbeat.application.services import Call
from backbeat.domain import counting
from backbeat.models.catalog import BillableMetric
from backbeat.models.customers import Customer
from backbeat.models.period import Period
from backbeat.models.usage import CellKey, StoredEvent
from backbeat.persistence import keys, raw_events
from backbeat.persistence.turns import Overtaken, TurnedStore, opened_at
from backbeat.ports.store import Item, Key

R = TypeVar("R")

MOST_EVENTS: Final = 40
"""Events that are decided on together: they mostly fit one transaction, with cells and turns."""

_TRIES: Final = 40
_UNFINISHED: Final = timedelta(seconds=60)
"""How long a turn may be open. No request lives longer."""


class _Place(NamedTuple):
    """A customer's usage of a counter in a period: what a cap limits."""

    metric: BillableMetric
    customer: Customer
    period: Period


@dataclass(frozen=True, slots=True)
class Turn:
    """A try to use of some caps: what is read and counted by its call holds together."""

    call: Call
    stored: set[str]

    def has_stored(self, event_key: str) -> bool:
        """Tells whether this try, or one before it, stored an event."""
        return keys.part(event_key) in self.stored


def in_turn(
    call: Call,
    known: Definitions,
    used: Iterable[tuple[str, str, datetime]],
    attempt: Callable[[Turn], R],
) -> R:
    """Tries to count usage until nobody else used of the same caps while it was decided on.

    `used` are counters, customer references and instants.

    Raises:
        Retryable: others were faster time after time.
    """
    places = _places(call, known, used)
    tracked = {key for key, place in places.items() if place.metric.is_tracked}
    stored: set[str] = set()
    for _ in range(_TRIES):
        turns = _last_turns(call, places)
        if turns is None:
            continue
        services = call.services
        store = TurnedStore(services.store, turns, tracked, services.clock.now, stored)
        try:
            done = attempt(Turn(replace(call, services=replace(services, store=store)), stored))
        except Overtaken:
            continue
        store.close()
        return done
    raise Overtaken


def write_values(
    call: Call, metric: BillableMetric, customer_key: str, events: Sequence[StoredEvent]
) -> None:
    """Writes what a customer key's events say to a metric of values. Again, it changes nothing."""
    said = {
        CellKey(customer_key, metric.id, cell.hour, cell.groups): cell.tally
        for cell in counting.cells(metric, events)
    }
    arrivals.track(call, said, call.now)


def _places(
    call: Call, known: Definitions, used: Iterable[tuple[str, str, datetime]]
) -> dict[Key, _Place]:
    found: dict[Key, _Place] = {}
    customers: dict[str, Customer] = {}
    for name, ref, at in used:
        if ref not in customers:
            customers[ref] = billing_periods.customer_of(call, ref)
        customer = customers[ref]
        period = billing_periods.period_of(call, customer, at)
        key = keys.cap_turn(call.tenant, name, customer.id, period.starting_at)
        found[key] = _Place(known.metric_of(known.counter(name)), customer, period)
    return found


def _last_turns(call: Call, places: dict[Key, _Place]) -> dict[Key, Item | None] | None:
    """Returns whose turn it was last at each place; None while one of them is not finished."""
    stored = call.store.get_many(places)
    for key, place in places.items():
        since = opened_at(stored[key]) if key in stored else None
        if since is None:
            continue
        if call.services.clock.now() - since < _UNFINISHED:
            return None
        for name in place.customer.usage_keys:
            events = raw_events.events(call.store, call.tenant, [name], place.period)
            write_values(call, place.metric, name, events)
    return {key: stored.get(key) for key in places}
