"""A sandbox's clock: what falls due on the way is done, each at its own time and in order."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from backbeat.application import delivery_log, invoices, sandbox_clock, targets
from backbeat.application.delivery_log import DeliveryFilter
from backbeat.application.sandbox_clock import Duration
from backbeat.models.customers import Customer
from backbeat.models.invoices import InvoiceStatus
from backbeat.models.notifications import DeliveryState
from backbeat.ports.http import HttpReply
from backbeat.ports.store import Effect, Store
from tests.unit.application.conftest import NOON, World
from tests.unit.builders import event, metric, utc

HOOK, OTHER = "http://hook.test", "http://other.test"


@pytest.fixture
def acme(world: World) -> Customer:
    return world.customer("acme")


def finalized(world: World, customer: Customer) -> list[str]:
    return [
        f"{invoice.start_timestamp:%Y-%m-%d}"
        for invoice in invoices.of_customer(world.call(), customer)
        if invoice.status is InvoiceStatus.FINALIZED
    ]


def told(world: World, url: str = HOOK) -> list[str]:
    """Returns when each invoice was finalized that a target was told of, in the order told."""
    bodies = [json.loads(posted.body) for posted in world.targets.posted if posted.url == url]
    return [
        body["properties"]["invoice_finalized_date"]
        for body in bodies
        if body["type"] == "invoice.finalized"
    ]


def move(world: World, to: str) -> None:
    sandbox_clock.move(world.call(), utc(to))


def test_a_stopped_clock_stands_still(world: World) -> None:
    assert sandbox_clock.frozen_at(world.call()) is None
    assert world.call().now == NOON
    move(world, "2025-01-01")
    world.clock.advance(hours=1)
    assert sandbox_clock.frozen_at(world.call()) == world.call().now == utc("2025-01-01")
    assert world.call("another").now == utc("2025-06-15T13:00")
    sandbox_clock.follow_system(world.call())
    assert world.call().now == utc("2025-06-15T13:00")


def test_a_jump_over_several_periods_finalizes_them_in_order(world: World, acme: Customer) -> None:
    move(world, "2025-01-01")
    targets.add(world.call(), HOOK)
    world.contract(acme, "2025-01-01")
    move(world, "2025-05-10")
    assert finalized(world, acme) == ["2025-01-01", "2025-02-01", "2025-03-01", "2025-04-01"]
    # Each at its own time, and told before the clock stands at its target.
    assert told(world) == [
        "2025-02-02T00:00:00.000Z",
        "2025-03-02T00:00:00.000Z",
        "2025-04-02T00:00:00.000Z",
        "2025-05-02T00:00:00.000Z",
    ]
    assert world.call().now == utc("2025-05-10")


def test_contracts_take_turns(world: World, acme: Customer) -> None:
    move(world, "2025-01-01")
    targets.add(world.call(), HOOK)
    beta = world.customer()
    world.contract(acme, "2025-01-01")
    world.contract(beta, "2025-01-15", end="2025-02-10")
    world.contract(beta, "2025-01-01", end="2025-01-20")
    move(world, "2025-03-02")
    assert told(world) == [
        # Beta's second contract ends on 20 January; the rest of January is final on 2 February,
        # Beta's first contract on 11 February.
        "2025-01-21T00:00:00.000Z",
        "2025-02-02T00:00:00.000Z",
        "2025-02-02T00:00:00.000Z",
        "2025-02-11T00:00:00.000Z",
        "2025-03-02T00:00:00.000Z",
    ]


@pytest.mark.parametrize(
    ("target", "expected"),
    [("2025-02-01T23:59:59", []), ("2025-02-02T00:00:00", ["2025-01-01"])],
)
def test_what_is_due_at_the_target_is_done(
    world: World, acme: Customer, target: str, expected: list[str]
) -> None:
    move(world, "2025-01-01")
    world.contract(acme, "2025-01-01")
    move(world, target)
    assert finalized(world, acme) == expected


def test_invoices_on_the_way_hold_what_was_used_until_then(world: World, acme: Customer) -> None:
    units = world.metric(metric("SUM", "n", id_="units"))
    move(world, "2025-01-20")
    world.contract(acme, "2025-01-01", card=world.price_list(units, "2"))
    world.ingest(event({"n": 7}, at="2025-01-15"))
    move(world, "2025-02-03")
    # Too late for January.
    world.ingest(event({"n": 100}, at="2025-01-16"))
    move(world, "2025-03-03")
    totals = [int(one.total) for one in invoices.of_customer(world.call(), acme)]
    assert totals == [14, 0, 0]


def test_moving_back_undoes_nothing(world: World, acme: Customer) -> None:
    move(world, "2025-01-01")
    targets.add(world.call(), HOOK)
    world.contract(acme, "2025-01-01")
    move(world, "2025-02-10")
    move(world, "2025-01-10")
    assert world.call().now == utc("2025-01-10")
    assert finalized(world, acme) == ["2025-01-01"]
    move(world, "2025-02-20")
    assert finalized(world, acme) == ["2025-01-01"]
    assert len(told(world)) == 1


def test_following_the_system_does_what_was_missed(world: World, acme: Customer) -> None:
    move(world, "2025-01-01")
    world.contract(acme, "2025-01-01")
    # Real time is 15 June.
    sandbox_clock.follow_system(world.call())
    assert finalized(world, acme) == [f"2025-0{month}-01" for month in range(1, 6)]


def test_what_is_overdue_is_done_now_not_in_the_past(world: World, acme: Customer) -> None:
    # Real time went on for months, and no tick came.
    world.clock.at = utc("2025-01-10")
    targets.add(world.call(), HOOK)
    world.contract(acme, "2025-01-01")
    world.clock.at = utc("2025-03-10")
    move(world, "2025-04-10")
    assert finalized(world, acme) == ["2025-01-01", "2025-02-01", "2025-03-01"]
    assert told(world) == [
        "2025-03-10T00:00:00.000Z",
        "2025-03-10T00:00:00.000Z",
        "2025-04-02T00:00:00.000Z",
    ]


def test_sandboxes_do_not_move_each_other(world: World) -> None:
    other = replace(world, tenant="other")
    theirs = other.customer()
    move(other, "2025-01-01")
    other.contract(theirs, "2025-01-01")
    move(world, "2025-05-10")
    assert finalized(other, theirs) == []
    assert other.call().now == utc("2025-01-01")


# Targets on the way


def test_a_failing_target_holds_up_nothing_and_misses_nothing(world: World, acme: Customer) -> None:
    move(world, "2025-01-01")
    world.contract(acme, "2025-01-01")
    targets.add(world.call(), HOOK)
    targets.add(world.call(), OTHER)
    world.targets.answers[HOOK] = [500]
    move(world, "2025-04-10")
    assert len(told(world, OTHER)) == 3
    # Tried once, then left to the queue with all that follows.
    assert len(told(world, HOOK)) == 1
    listed, _ = delivery_log.page(world.call(), DeliveryFilter(), limit=10, cursor=None)
    pending = [one for one in listed if one.state is DeliveryState.PENDING]
    assert [(one.url, one.queued) for one in pending] == [(HOOK, True)] * 3


@dataclass
class CallingBack:
    """A target that makes another contract when it is told of the first invoice."""

    world: World
    customer: Customer
    calls: int = 0

    def post(self, url: str, **_: object) -> HttpReply:
        self.calls += 1
        if self.calls == 1:
            self.world.contract(self.customer, "2025-02-01", end="2025-02-10")
        return HttpReply(200, b"")


def test_work_that_a_target_makes_on_the_way_is_done_too(world: World, acme: Customer) -> None:
    move(world, "2025-01-01")
    world.contract(acme, "2025-01-01", end="2025-02-01")
    targets.add(world.call(), HOOK)
    calling_back = replace(world.services, http=CallingBack(world, acme))
    sandbox_clock.move(replace(world.call(), services=calling_back), utc("2025-03-01"))
    assert finalized(world, acme) == ["2025-01-01", "2025-02-01"]


# Crashes on the way


class Killed(BaseException):
    """Stands for the end of the process."""


@dataclass
class DyingStore:
    """A store during whose n-th transaction the process ends."""

    store: Store
    left: int

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    def transact(self, effects: Sequence[Effect]) -> None:
        if self.left == 0:
            raise Killed
        self.left -= 1
        self.store.transact(effects)


@pytest.mark.parametrize("transactions", range(24))
def test_a_jump_that_was_cut_short_goes_on_with_the_next(
    world: World, acme: Customer, transactions: int
) -> None:
    move(world, "2025-01-01")
    targets.add(world.call(), HOOK)
    world.contract(acme, "2025-01-01")
    world.queued_webhooks()
    dying = replace(world.services, store=DyingStore(world.services.store, transactions))
    try:
        sandbox_clock.move(replace(world.call(), services=dying), utc("2025-04-10"))
    except Killed:
        # A lease of whoever died ends by itself.
        world.clock.advance(minutes=1)
        move(world, "2025-04-10")
    assert finalized(world, acme) == ["2025-01-01", "2025-02-01", "2025-03-01"]
    # In order; what was posted just before the end may come once more.
    assert sorted({*told(world)}) == list(dict.fromkeys(told(world)))
    assert len({*told(world)}) == 3
    assert world.call().now == utc("2025-04-10")


def test_durations_are_months_of_the_calendar_and_an_exact_rest() -> None:
    month = Duration(1, timedelta(0))
    assert month.after(utc("2025-01-31T06:00")) == utc("2025-02-28T06:00")
    assert Duration(12, timedelta(days=1)).after(utc("2024-02-29")) == utc("2025-03-01")
    assert Duration(0, timedelta(seconds=90)).after(NOON) == utc("2025-06-15T12:01:30")
