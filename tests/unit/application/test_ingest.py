"""Usage events in: deduplication, time window, chunks, retries."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backbeat.adapters.aws.dynamodb_items import NumberOutOfRange
from backbeat.application import customers, ingest, usage
from backbeat.models.catalog import BillableMetric
from backbeat.models.customers import Customer
from backbeat.models.errors import InvalidArgument, Retryable
from backbeat.models.usage import UsageEvent
from backbeat.ports.store import MAX_EFFECTS, Append, Contention, Effect, Record, Store
from tests.unit.application.conftest import NOON, World, make_world
from tests.unit.builders import event, metric, utc


@dataclass
class BusyStore:
    """A store that is too busy for some of the transactions, counted from 1."""

    store: Store
    busy: set[int]
    transactions: int = 0
    max_effects: int = MAX_EFFECTS

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    def transact(self, effects: Sequence[Effect]) -> None:
        self.transactions += 1
        if self.transactions in self.busy:
            raise Contention
        self.store.transact(effects)


@pytest.fixture
def acme(world: World) -> Customer:
    return world.customer("acme")


@pytest.fixture
def calls(world: World) -> BillableMetric:
    return world.metric(metric("COUNT", id_="calls"))


@pytest.fixture
def tokens(world: World) -> BillableMetric:
    return world.metric(metric("SUM", "n", id_="tokens"))


def sent(id_: str, amount: object = 1, *, at: str = "2025-06-15T10:00") -> UsageEvent:
    return event({"n": amount}, id_=id_, at=at)


def sent_now(world: World, id_: str, amount: object) -> UsageEvent:
    return sent(id_, amount)._replace(timestamp=world.clock.at)


def appended(effects: Sequence[Effect]) -> Sequence[Record]:
    """Returns the records that a transaction appends."""
    [append] = [effect for effect in effects if isinstance(effect, Append)]
    return append.records


def search(world: World, *ids: str) -> set[tuple[object, bool]]:
    """Returns the amounts of the events found, and whether each is a repeat."""
    return {
        (found.stored.event.properties["n"], found.is_duplicate)
        for found in usage.search(world.call(), ids)
    }


# Deduplication


def test_the_first_event_of_a_transaction_id_counts(
    world: World, acme: Customer, calls: BillableMetric, tokens: BillableMetric
) -> None:
    # WE-12
    world.ingest(sent("t1", 10))
    world.ingest(sent("t1", 999))
    assert world.counted(acme, calls) == 1
    assert world.counted(acme, tokens) == 10
    assert search(world, "t1") == {(10, False), (999, True)}


def test_the_first_of_a_batch_counts(world: World, acme: Customer, tokens: BillableMetric) -> None:
    world.ingest(sent("t1", 10), sent("t2", 1), sent("t1", 20), sent("t1", 30))
    assert world.counted(acme, tokens) == 11
    assert search(world, "t1") == {(10, False), (20, True), (30, True)}


def test_a_transaction_id_is_taken_for_every_customer(
    world: World, acme: Customer, tokens: BillableMetric
) -> None:
    beta = world.customer("beta")
    world.ingest(sent("t1", 10))
    world.ingest(event({"n": 5}, id_="t1", at="2025-06-15T10:00", customer="beta"))
    assert world.counted(acme, tokens) == 10
    assert world.counted(beta, tokens) == 0


@pytest.mark.parametrize(
    ("later", "total"),
    [
        (timedelta(days=33), 10),
        (timedelta(days=34) - timedelta(microseconds=1), 10),
        # Exactly 34 days after it was accepted, the id is free again.
        (timedelta(days=34), 15),
        (timedelta(days=35), 15),
    ],
)
def test_an_id_is_taken_for_34_days(
    world: World, acme: Customer, tokens: BillableMetric, later: timedelta, total: int
) -> None:
    world.ingest(sent("t1", 10))
    world.clock.at = NOON + later
    world.ingest(sent_now(world, "t1", 5))
    assert world.counted(acme, tokens) == total


def test_the_34_days_begin_when_the_event_was_accepted_not_when_it_happened(
    world: World, acme: Customer, tokens: BillableMetric
) -> None:
    # It happened 30 days ago: 34 days after that, the id is still taken.
    world.ingest(sent("t1", 10, at="2025-05-16T12:00"))
    world.clock.at = utc("2025-06-19T12:00")
    world.ingest(sent("t1", 5, at="2025-06-19T12:00"))
    assert world.counted(acme, tokens) == 10


def test_an_id_that_became_free_is_taken_anew(
    world: World, acme: Customer, tokens: BillableMetric
) -> None:
    world.ingest(sent("t1", 10))
    world.clock.advance(days=34)
    for amount in (5, 7):
        world.ingest(sent_now(world, "t1", amount))
    assert search(world, "t1") == {(10, False), (5, False), (7, True)}
    world.clock.advance(days=33)
    world.ingest(sent_now(world, "t1", 11))
    # 10 from the first window, 5 from the second; 7 and 11 are repeats.
    assert world.counted(acme, tokens) == 15
    # What was sent more than 34 days ago is no longer found.
    assert search(world, "t1") == {(5, False), (7, True), (11, True)}


def test_old_and_new_ids_in_one_batch(world: World, acme: Customer, tokens: BillableMetric) -> None:
    world.ingest(sent("old", 1))
    world.clock.advance(days=34)
    world.ingest(sent_now(world, "known", 2))
    world.ingest(
        sent_now(world, "known", 4),
        sent_now(world, "old", 8),
        sent_now(world, "new", 16),
        sent_now(world, "old", 32),
    )
    # 1 + 2 at first; then "old" counts once more and "new" for the first time: 8 + 16.
    assert world.counted(acme, tokens) == 27


# The time window (WE-43: now is noon on 15 June)


@pytest.mark.parametrize(
    ("timestamp", "accepted"),
    [
        (utc("2025-05-12T12:00:00"), True),
        (utc("2025-05-12T11:59:59"), False),
        (utc("2025-05-12T12:00:00") - timedelta(microseconds=1), False),
        (utc("2025-06-16T12:00:00"), True),
        (utc("2025-06-16T12:00:00") + timedelta(microseconds=1), False),
        (utc("2026-06-15T12:00:00"), False),
    ],
)
def test_the_time_window(
    world: World, acme: Customer, calls: BillableMetric, timestamp: datetime, accepted: bool
) -> None:
    moment = sent("t1")._replace(timestamp=timestamp)
    if accepted:
        world.ingest(moment)
    else:
        with pytest.raises(InvalidArgument, match=r"\[0\].timestamp"):
            world.ingest(moment)
    assert world.counted(acme, calls) == accepted


def test_one_event_outside_the_window_refuses_the_batch(
    world: World, acme: Customer, calls: BillableMetric
) -> None:
    batch = [sent("t1"), sent("t2", at="2025-05-01"), sent("t3")]
    with pytest.raises(InvalidArgument, match=r"\[1\].timestamp: more than 34 days"):
        world.ingest(*batch)
    assert world.counted(acme, calls) == 0
    assert search(world, "t1", "t2", "t3") == set()


def test_the_window_follows_the_sandboxs_clock(world: World) -> None:
    later = replace(world.call(), now=utc("2030-01-01"))
    ingest.ingest(later, [sent("t1", at="2029-12-31")])
    with pytest.raises(InvalidArgument):
        world.ingest(sent("t2", at="2029-12-31"))


# Who and what is counted


def test_usage_of_an_alias_follows_the_alias(
    world: World, acme: Customer, tokens: BillableMetric
) -> None:
    beta = world.customer()
    world.ingest(sent("t1", 10))
    customers.set_ingest_aliases(world.call(), acme.id, [])
    customers.set_ingest_aliases(world.call(), beta.id, ["acme"])
    assert [world.counted(customers.get(world.call(), one.id), tokens) for one in (acme, beta)] == [
        0,
        10,
    ]


def test_usage_under_id_and_aliases_adds_up(world: World, tokens: BillableMetric) -> None:
    acme = world.customer("one", "two")
    names = ("one", "two", acme.id, "other")
    world.ingest(
        *(
            event({"n": 10**place}, at="2025-06-15T10:00", customer=name)
            for place, name in enumerate(names)
        )
    )
    assert world.counted(acme, tokens) == 111


def test_a_metric_counts_what_is_received_after_it_was_made(world: World, acme: Customer) -> None:
    world.ingest(sent("t1", 10))
    late = world.metric(metric("SUM", "n", id_="late"))
    world.ingest(sent("t2", 5))
    assert world.counted(acme, late) == 5


@pytest.mark.parametrize("amount", ["1e5000", "1e-5000", 10**24, f"0.{'1' * 25}"])
def test_a_number_that_no_sum_can_hold_is_refused_and_does_not_stop_the_hour(
    world: World, acme: Customer, tokens: BillableMetric, amount: object
) -> None:
    with pytest.raises(InvalidArgument, match=r"'t1'.* properties\.n has more than 24 digits"):
        world.ingest(sent("t2", 7), sent("t1", amount))
    world.ingest(sent("t2", 5))
    assert world.counted(acme, tokens) == 5


def test_a_sum_that_would_not_be_exact_is_refused(
    world: World, acme: Customer, tokens: BillableMetric
) -> None:
    # 999,999,999,999,999,999,999,999 and 15 more digits behind the point: 39 digits.
    world.ingest(sent("t1", 10**24 - 1))
    with pytest.raises(InvalidArgument, match="more than 38 digits"):
        world.ingest(sent("t2", "0.000000000000001"))
    assert world.counted(acme, tokens) == 10**24 - 1


# Chunks


def test_a_batch_with_more_cells_than_a_transaction_holds(world: World, acme: Customer) -> None:
    # 100 events in 100 groups for two metrics: 100 events and 200 cells.
    metrics = [world.metric(metric("SUM", "n", id_=id_, groups=[["user"]])) for id_ in ("a", "b")]
    batch = [event({"n": 2, "user": str(n)}, at="2025-06-15T10:00") for n in range(100)]
    world.ingest(*batch)
    assert [world.counted(acme, one) for one in metrics] == [200, 200]
    world.ingest(*batch)
    assert [world.counted(acme, one) for one in metrics] == [200, 200]


def test_no_transaction_is_larger_than_the_store_allows(world: World) -> None:
    sizes: list[int] = []

    class Measured(BusyStore):
        def transact(self, effects: Sequence[Effect]) -> None:
            sizes.append(len(effects) - 1 + len(appended(effects)))
            super().transact(effects)

    for id_ in ("a", "b", "c"):
        world.metric(metric("SUM", "n", id_=id_, groups=[["user"]]))
    call = world.call()
    measured = replace(call.services, store=Measured(call.store, set()))
    batch = [event({"n": 1, "user": str(n % 37)}, at="2025-06-15T10:00") for n in range(100)]
    ingest.ingest(replace(call, services=measured), batch)
    assert max(sizes) <= MAX_EFFECTS
    # 100 events and 3 × 37 cells would fit three transactions; a few more are fine.
    assert len(sizes) <= 5


def test_an_event_of_too_many_metrics_is_refused_and_nothing_is_stored(world: World) -> None:
    for number in range(MAX_EFFECTS):
        world.metric(metric("SUM", "n", id_=f"m{number}"))
    with pytest.raises(InvalidArgument, match="more metrics"):
        world.ingest(event(id_="harmless", at="2025-06-15T10:00"), sent("t1"))
    assert search(world, "t1") == set()


def test_sums_that_no_store_can_keep_are_the_clients_affair(world: World) -> None:
    @dataclass
    class Full(BusyStore):
        """Refuses a sum as DynamoDB's adapter does."""

        def transact(self, effects: Sequence[Effect]) -> None:
            raise NumberOutOfRange("more than 38 significant digits")

    call = world.call()
    full = replace(call.services, store=Full(call.store, set()))
    with pytest.raises(InvalidArgument, match="38 digits"):
        ingest.ingest(replace(call, services=full), [sent("t1")])


# Failures in between


@pytest.mark.parametrize("busy", [{1}, {2}, {4}, {1, 2}, {2, 4, 6}])
def test_sending_a_batch_again_completes_it(world: World, acme: Customer, busy: set[int]) -> None:
    # 100 events and 200 cells make four transactions.
    metrics = [world.metric(metric("SUM", "n", id_=id_, groups=[["user"]])) for id_ in ("a", "b")]
    batch = [event({"n": 3, "user": str(n)}, at="2025-06-15T10:00") for n in range(100)]
    call = world.call()
    shaky = BusyStore(call.store, busy)
    refused = 0
    while refused <= len(busy):
        try:
            ingest.ingest(replace(call, services=replace(call.services, store=shaky)), batch)
        except Retryable:
            refused += 1
        else:
            break
    assert refused == len(busy)
    assert [world.counted(acme, one) for one in metrics] == [300, 300]


BATCHES = st.lists(
    st.lists(st.tuples(st.integers(0, 7), st.integers(-5, 50)), min_size=1, max_size=8),
    min_size=1,
    max_size=6,
)


@settings(max_examples=25, derandomize=True, deadline=None)
@given(BATCHES)
def test_each_transaction_id_counts_once_however_events_are_batched(
    batches: list[list[tuple[int, int]]],
) -> None:
    world = make_world()
    acme = world.customer("acme")
    tokens = world.metric(metric("SUM", "n", id_="tokens"))
    for batch in batches:
        world.ingest(*(sent(f"t{number}", amount) for number, amount in batch))
    first: dict[int, int] = {}
    for number, amount in (one for batch in batches for one in batch):
        first.setdefault(number, amount)
    assert world.counted(acme, tokens) == Decimal(sum(first.values()))
