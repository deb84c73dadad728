"""A hard cap is kept to the unit in every store, whoever comes at the same time."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from backbeat import bootstrap
from backbeat.application import sandboxes
from backbeat.application.metering import caps, counters, events, live_usage
from backbeat.application.metering.counters import NewCounter
from backbeat.application.services import Call, Services
from backbeat.config import Config
from backbeat.models.catalog import Aggregation
from backbeat.models.counters import Outcome, SentEvent
from backbeat.models.errors import Retryable
from backbeat.models.limits import CapMode
from backbeat.ports.store import Append, Effect, Put, Store
from tests.integration.product import TestClock
from tests.integration.store import Crash, WatchedStore

NOON = datetime(2025, 1, 15, 12, tzinfo=UTC)


@dataclass
class Tenant:
    services: Services
    clock: TestClock
    name: str

    @classmethod
    def open(cls, store: Store, pk: str, aggregation: Aggregation, limit: int) -> "Tenant":
        clock = TestClock(NOON)
        built = bootstrap.build(Config.model_validate({"BACKBEAT_STATE": ":memory:"}), clock=clock)
        tenant = cls(replace(built, store=store), clock, pk.replace("#", "-"))
        wanted = NewCounter("calls", None, aggregation, None, 48, Decimal(10), None)
        counters.create(tenant.call(), wanted)
        caps.create(
            tenant.call(),
            metric="calls",
            customer_ref=None,
            limit=Decimal(limit),
            mode=CapMode.HARD,
        )
        return tenant

    def call(self) -> Call:
        return sandboxes.call_for(self.services, self.name)

    def send(self, key: str, *amounts: int, resource: str | None = None) -> list[Outcome]:
        sent = [
            SentEvent(
                "calls", "acme", Decimal(amount), NOON, f"{key}-{number}", resource_id=resource
            )
            for number, amount in enumerate(amounts)
        ]
        return [one.outcome for one in events.take(self.call(), sent)]

    @property
    def used(self) -> Decimal:
        [found] = live_usage.current(self.call(), "acme", "calls")[1]
        return found.current


@dataclass
class Interrupted(WatchedStore):
    """Calls `meanwhile` once, right before or after a transaction that `wanted` looks for."""

    wanted: Callable[[Effect], bool] = lambda effect: isinstance(effect, Append)
    meanwhile: Callable[[], None] | None = None
    is_after: bool = False

    def transact(self, effects: Sequence[Effect]) -> None:
        found = any(self.wanted(effect) for effect in effects)
        act = self.meanwhile if found else None
        if act is not None:
            self.meanwhile = None
            if not self.is_after:
                act()
        super().transact(effects)
        if act is not None and self.is_after:
            act()


@pytest.mark.parametrize("aggregation", [Aggregation.SUM, Aggregation.COUNT])
def test_who_comes_in_between_is_seen(aggregation: Aggregation, store: Store, pk: str) -> None:
    watched = Interrupted(store)
    tenant = Tenant.open(watched, pk, aggregation, 3)
    others: list[Outcome] = []
    watched.meanwhile = lambda: others.extend(tenant.send("other", 1, 1))
    # Read when nothing was used, three would fit; two are used by the time they are written.
    mine = tenant.send("mine", 1, 1, 1)
    assert others == [Outcome.ACCEPTED] * 2
    assert mine == [Outcome.ACCEPTED, Outcome.ERROR, Outcome.ERROR]
    assert tenant.used == 3


def test_what_was_stored_before_somebody_came_in_between_stays_accepted(
    shared_store: Store, pk: str
) -> None:
    watched = Interrupted(shared_store)
    tenant = Tenant.open(watched, pk, Aggregation.SUM, 70)
    # Forty are decided on together; behind them somebody else uses twenty-five.
    seen = 0

    def second(effect: Effect) -> bool:
        nonlocal seen
        seen += isinstance(effect, Append)
        return seen == 2

    watched.wanted = second
    watched.meanwhile = lambda: _all(tenant.send("other", *[1] * 25), Outcome.ACCEPTED)
    mine = tenant.send("mine", *[1] * 50)
    # 40 + 25 leave 5 of 70.
    assert mine == [Outcome.ACCEPTED] * 45 + [Outcome.ERROR] * 5
    assert tenant.used == 70
    # What was accepted is not accepted again, though the cap is full.
    assert tenant.send("mine", *[1] * 45) == [Outcome.DUPLICATE] * 45


def test_values_that_are_not_written_yet_are_waited_for(store: Store, pk: str) -> None:
    watched = Interrupted(store, is_after=True)
    tenant = Tenant.open(watched, pk, Aggregation.UNIQUE, 1)
    overtaken: list[bool] = []

    def meanwhile() -> None:
        try:
            tenant.send("other", 1, resource="bob")
        except Retryable:
            overtaken.append(True)

    watched.meanwhile = meanwhile
    assert tenant.send("mine", 1, resource="ann") == [Outcome.ACCEPTED]
    # The event was stored, its value was not: nobody could tell yet how many there are.
    assert overtaken == [True]
    assert tenant.send("other", 1, resource="bob") == [Outcome.ERROR]
    assert tenant.send("third", 1, resource="ann") == [Outcome.ACCEPTED]
    assert tenant.used == 1


def test_values_that_a_crash_left_unwritten_count(store: Store, pk: str) -> None:
    watched = Interrupted(store, is_after=True)
    tenant = Tenant.open(watched, pk, Aggregation.UNIQUE, 1)

    def die() -> None:
        raise Crash

    watched.meanwhile = die
    with pytest.raises(Crash):
        tenant.send("mine", 1, resource="ann")
    with pytest.raises(Retryable):
        tenant.send("other", 1, resource="bob")
    tenant.clock.advance(seconds=61)
    assert tenant.send("other", 1, resource="bob") == [Outcome.ERROR]
    assert tenant.used == 1


def test_usage_without_a_hard_cap_takes_no_turn(store: Store, pk: str) -> None:
    written: list[str] = []

    def note(effect: Effect) -> bool:
        written.extend([effect.item.entity] if isinstance(effect, Put) else [])
        return False

    tenant = Tenant.open(Interrupted(store, wanted=note), pk, Aggregation.SUM, 3)
    counters.create(
        tenant.call(), NewCounter("free", None, Aggregation.SUM, None, 48, Decimal(10), None)
    )
    written.clear()
    events.take(tenant.call(), [SentEvent("free", "acme", Decimal(5), NOON, "key")])
    assert "_Turn" not in written
    tenant.send("mine", 1)
    assert "_Turn" in written


def test_many_threads_use_a_cap_up_and_no_more(shared_store: Store, pk: str) -> None:
    tenant = Tenant.open(shared_store, pk, Aggregation.SUM, 20)
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(lambda number: tenant.send(f"k{number}", 1)[0], range(40)))
    assert results.count(Outcome.ACCEPTED) == 20
    assert tenant.used == 20


def _all(outcomes: list[Outcome], wanted: Outcome) -> None:
    assert set(outcomes) == {wanted}
