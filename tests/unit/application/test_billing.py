"""Finalizing usage invoices: when, once, in order, and what happens when it cannot be done."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pytest

from backbeat.application import billing, contracts, invoices, outbox, sandboxes, targets
from backbeat.application.billing import Ticked
from backbeat.application.services import Call
from backbeat.models.catalog import BillableMetric
from backbeat.models.contracts import Contract
from backbeat.models.customers import Customer
from backbeat.models.errors import Retryable
from backbeat.models.invoices import Invoice, InvoiceStatus
from backbeat.persistence import keys
from backbeat.ports.store import Contention, Delete, Effect, Key, Store
from tests.unit.application.conftest import World, make_world
from tests.unit.builders import event, metric, utc

DRAFT, FINALIZED = InvoiceStatus.DRAFT, InvoiceStatus.FINALIZED
HOOK = "http://hook.test"


@pytest.fixture
def acme(world: World) -> Customer:
    return world.customer("acme")


@pytest.fixture
def units(world: World) -> BillableMetric:
    return world.metric(metric("SUM", "n", id_="units"))


@pytest.fixture
def card(world: World, units: BillableMetric) -> str:
    """A price list on which a unit costs 2."""
    return world.price_list(units, "2")


def used(world: World, amount: int, at: str) -> None:
    world.ingest(event({"n": amount}, at=at))


def listed(world: World, customer: Customer) -> list[Invoice]:
    return invoices.of_customer(world.call(), customer)


def shown(world: World, customer: Customer) -> list[tuple[str, InvoiceStatus, int]]:
    """Returns month, status and total of each invoice."""
    return [
        (f"{invoice.start_timestamp:%Y-%m}", invoice.status, int(invoice.total))
        for invoice in listed(world, customer)
    ]


def due_key(call: Call, contract: Contract) -> Key:
    return keys.due_item(call.tenant, contract.customer_id, contract.id, "usage")


def tick(world: World) -> Ticked:
    return billing.tick(world.services, partial(sandboxes.call_for, world.services))


def work_off(world: World) -> int:
    """Runs the queued jobs and returns how many there were."""
    jobs = world.queued_jobs()
    for job in jobs:
        tenant, key = outbox.addressed(job.body)
        billing.run_all(world.call(tenant), key)
    return len(jobs)


def finalized_notices(world: World) -> list[str]:
    """Returns the ids of the invoices that queued webhooks tell of."""
    found = []
    for message in world.queued_webhooks():
        _, key = outbox.addressed(message.body)
        item = world.services.store.get(Key(key.pk, "NOTE"))
        assert item is not None
        body = json.loads(json.loads(item.doc)["body"])
        if body["type"] == "invoice.finalized":
            found.append(body["properties"]["invoice_id"])
    return found


# Contracts in the past (WE-40)


def test_elapsed_periods_are_finalized_when_the_contract_is_made(
    world: World, acme: Customer, card: str
) -> None:
    world.clock.at = utc("2025-03-10")
    used(world, 10, "2025-02-20")
    used(world, 5, "2025-03-05")
    world.contract(acme, "2025-01-01", card=card)
    assert shown(world, acme) == [
        ("2025-01", FINALIZED, 0),
        ("2025-02", FINALIZED, 20),
        ("2025-03", DRAFT, 10),
    ]


def test_invoices_may_start_later_than_the_contract(
    world: World, acme: Customer, card: str
) -> None:
    world.clock.at = utc("2025-03-10")
    world.contract(acme, "2025-01-01", card=card, invoices_from="2025-03-01")
    assert shown(world, acme) == [("2025-03", DRAFT, 0)]


def test_a_period_within_its_grace_is_a_draft_beside_the_next_one(
    world: World, acme: Customer, card: str
) -> None:
    world.clock.at = utc("2025-03-01T23:59:59")
    world.contract(acme, "2025-02-01", card=card)
    assert shown(world, acme) == [("2025-02", DRAFT, 0), ("2025-03", DRAFT, 0)]


def test_a_contract_that_is_over_leaves_nothing_to_do(
    world: World, acme: Customer, card: str
) -> None:
    contract = world.contract(acme, "2025-01-01", end="2025-02-10", card=card)
    assert shown(world, acme) == [("2025-01", FINALIZED, 0), ("2025-02", FINALIZED, 0)]
    assert world.services.store.get(due_key(world.call(), contract)) is None
    assert tick(world) == Ticked(jobs=0, failed=0)


def test_a_contract_in_the_future_has_no_invoice_yet(
    world: World, acme: Customer, card: str
) -> None:
    world.contract(acme, "2025-07-01", card=card)
    assert shown(world, acme) == []


def test_without_a_price_list_the_invoice_is_empty(world: World, acme: Customer) -> None:
    world.contract(acme, "2025-05-01")
    assert shown(world, acme) == [("2025-05", FINALIZED, 0), ("2025-06", DRAFT, 0)]


# Late usage (WE-41) and borders (WE-42)


def test_usage_counts_until_the_grace_is_over(
    world: World, acme: Customer, units: BillableMetric, card: str
) -> None:
    world.clock.at = utc("2025-01-01")
    contract = world.contract(acme, "2025-01-01", card=card)
    world.clock.at = utc("2025-01-31T12:00")
    used(world, 1000, "2025-01-31T11:00")
    assert shown(world, acme) == [("2025-01", DRAFT, 2000)]

    world.clock.at = utc("2025-02-01T20:00")
    used(world, 100, "2025-01-31T10:00")
    assert shown(world, acme)[0] == ("2025-01", DRAFT, 2200)
    [draft, _] = listed(world, acme)

    world.clock.at = utc("2025-02-02")
    assert billing.run(world.call(), due_key(world.call(), contract))
    [final, _] = listed(world, acme)
    assert Invoice.model_validate(final.model_dump()) == draft.model_copy(
        update={
            "status": FINALIZED,
            "finalized_at": utc("2025-02-02"),
            "received_before": utc("2025-02-02"),
        }
    )
    assert final.issued_at == utc("2025-02-02")

    world.clock.at = utc("2025-02-03")
    used(world, 50, "2025-01-31T09:00")
    assert shown(world, acme) == [("2025-01", FINALIZED, 2200), ("2025-02", DRAFT, 0)]
    assert world.counted(acme, units) == 1150


def test_an_event_on_the_border_belongs_to_the_later_period(
    world: World, acme: Customer, card: str
) -> None:
    world.clock.at = utc("2025-02-01T12:00")
    world.contract(acme, "2025-01-01", card=card)
    used(world, 1, "2025-01-31T23:59:59.999")
    used(world, 10, "2025-02-01T00:00:00")
    assert shown(world, acme) == [("2025-01", DRAFT, 2), ("2025-02", DRAFT, 20)]


# Once


@pytest.fixture
def january(world: World, acme: Customer, card: str) -> Contract:
    """A contract whose first period has just become final, with 7 units used in it."""
    world.clock.at = utc("2025-01-20")
    contract = world.contract(acme, "2025-01-01", card=card)
    used(world, 7, "2025-01-15")
    targets.add(world.call(), HOOK)
    world.clock.at = utc("2025-02-02")
    return contract


def test_finalizing_twice_changes_nothing(world: World, acme: Customer, january: Contract) -> None:
    key = due_key(world.call(), january)
    assert billing.run(world.call(), key)
    before = listed(world, acme)
    assert not billing.run(world.call(), key)
    assert listed(world, acme) == before
    assert shown(world, acme) == [("2025-01", FINALIZED, 14), ("2025-02", DRAFT, 0)]
    assert finalized_notices(world) == [before[0].id]


def test_nothing_is_finalized_before_its_time(
    world: World, acme: Customer, january: Contract
) -> None:
    world.clock.at = utc("2025-02-01T23:59:59")
    assert not billing.run(world.call(), due_key(world.call(), january))
    assert shown(world, acme)[0] == ("2025-01", DRAFT, 14)


def test_work_that_was_missed_for_months_is_done_in_order(
    world: World, acme: Customer, january: Contract
) -> None:
    world.clock.at = utc("2025-05-10")
    billing.run_all(world.call(), due_key(world.call(), january))
    assert [month for month, status, _ in shown(world, acme) if status is FINALIZED] == [
        "2025-01", "2025-02", "2025-03", "2025-04",
    ]  # fmt: skip
    final = [one.id for one in listed(world, acme) if one.status is FINALIZED]
    assert finalized_notices(world) == final


@dataclass
class Rival:
    """A store in which somebody else finalizes first, at the last moment."""

    store: Store
    world: World
    key: Key
    done: bool = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    def transact(self, effects: Sequence[Effect]) -> None:
        if not self.done:
            self.done = True
            assert billing.run(self.world.call(), self.key)
        self.store.transact(effects)


def test_of_two_workers_one_finalizes(world: World, acme: Customer, january: Contract) -> None:
    key = due_key(world.call(), january)
    rival = Rival(world.services.store, world, key)
    call = world.call()
    with pytest.raises(Retryable):
        billing.run(replace(call, services=replace(call.services, store=rival)), key)
    assert shown(world, acme) == [("2025-01", FINALIZED, 14), ("2025-02", DRAFT, 0)]
    assert len(finalized_notices(world)) == 1
    # The queue hands the job out again, and nothing is left of it.
    assert not billing.run(world.call(), key)


# What cannot be done


def forget_card(world: World, card: str) -> None:
    """Takes a price list away, as nothing in the product can."""
    world.services.store.transact([Delete(keys.entity("sandbox", "RATECARD", card))])


def test_what_cannot_be_rated_is_parked_and_never_billed_as_nothing(
    world: World, acme: Customer, january: Contract, card: str
) -> None:
    forget_card(world, card)
    key = due_key(world.call(), january)
    assert billing.run(world.call(), key)
    item = world.services.store.get(key)
    assert item is not None
    assert json.loads(item.doc)["parked"] == f"rate card not found: {card}"
    assert finalized_notices(world) == []
    # It waits for somebody: neither a job nor a tick takes it up again.
    assert billing.due_work(world.call(), key) is None
    assert not billing.run(world.call(), key)
    world.clock.advance(days=90)
    assert tick(world) == Ticked(jobs=0, failed=0)


def test_a_parked_contract_does_not_hold_up_others(
    world: World, acme: Customer, january: Contract, card: str
) -> None:
    beta = world.customer("beta")
    world.contract(beta, "2025-01-01")
    forget_card(world, card)
    # The other contract's January was finalized when it was made.
    world.clock.at = utc("2025-03-02")
    assert tick(world).jobs == 2
    work_off(world)
    assert [month for month, status, _ in shown(world, beta) if status is FINALIZED] == [
        "2025-01", "2025-02",
    ]  # fmt: skip


@dataclass
class BusyStore:
    """A store that is too busy for every transaction after the first few."""

    store: Store
    quiet: int

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    def transact(self, effects: Sequence[Effect]) -> None:
        if self.quiet == 0:
            raise Contention
        self.quiet -= 1
        self.store.transact(effects)


def test_a_contract_is_made_even_if_its_past_cannot_be_billed_now(
    world: World, acme: Customer
) -> None:
    call = world.call()
    # The contract itself commits; finalizing what is over does not.
    busy = replace(call.services, store=BusyStore(call.store, quiet=1))
    made = world.contract(acme, "2025-05-01", call=replace(call, services=busy))
    assert contracts.get(world.call(), acme.id, made.id) == made
    assert shown(world, acme) == [("2025-05", DRAFT, 0), ("2025-06", DRAFT, 0)]
    # The next tick makes up for it.
    assert tick(world).jobs == 1
    work_off(world)
    assert shown(world, acme) == [("2025-05", FINALIZED, 0), ("2025-06", DRAFT, 0)]


# The tick


def test_the_tick_sends_one_job_for_each_piece_of_due_work(
    world: World, acme: Customer, january: Contract
) -> None:
    beta = world.customer()
    world.clock.at = utc("2025-01-20")
    world.contract(beta, "2025-01-01")
    world.clock.at = utc("2025-02-01T23:59:59")
    assert tick(world) == Ticked(jobs=0, failed=0)
    world.clock.at = utc("2025-02-02")
    assert tick(world) == Ticked(jobs=2, failed=0)
    assert work_off(world) == 2
    assert [shown(world, one)[0][1] for one in (acme, beta)] == [FINALIZED, FINALIZED]
    assert tick(world) == Ticked(jobs=0, failed=0)


def test_leased_work_is_sent_again_when_nobody_did_it(world: World, january: Contract) -> None:
    assert tick(world).jobs == 1
    world.clock.advance(minutes=14, seconds=59)
    assert tick(world).jobs == 0
    world.clock.advance(seconds=1)
    assert tick(world).jobs == 1
    # Both messages are there now; the second finds nothing to do.
    assert work_off(world) == 2
    assert len(finalized_notices(world)) == 1


def test_a_lease_ends_even_where_the_sandboxs_clock_stands_still(
    world: World, january: Contract
) -> None:
    frozen = world.call()

    def call_for(tenant: str) -> Call:
        return replace(world.call(tenant), now=frozen.now)

    assert billing.tick(world.services, call_for).jobs == 1
    assert billing.tick(world.services, call_for).jobs == 0
    world.clock.advance(minutes=15)
    assert billing.tick(world.services, call_for).jobs == 1


def test_more_work_than_fits_a_transaction(world: World, acme: Customer) -> None:
    world.clock.at = utc("2025-01-20")
    for _ in range(120):
        world.contract(acme, "2025-01-01")
    world.clock.at = utc("2025-02-02")
    assert tick(world).jobs == 120
    assert tick(world).jobs == 0
    done = 0
    while handled := work_off(world):
        done += handled
    assert done == 120
    assert sum(status is FINALIZED for _, status, _ in shown(world, acme)) == 120


def test_a_tenant_that_cannot_be_served_does_not_hold_up_the_others(world: World) -> None:
    world.clock.at = utc("2025-01-20")
    for tenant in ("one", "two", "three"):
        theirs = replace(world, tenant=tenant)
        theirs.contract(theirs.customer(), "2025-01-01")
    world.clock.at = utc("2025-02-02")

    def call_for(tenant: str) -> Call:
        if tenant == "two":
            raise ConnectionError("not now")
        return world.call(tenant)

    assert billing.tick(world.services, call_for) == Ticked(jobs=2, failed=1)
    assert tick(world) == Ticked(jobs=1, failed=0)


def test_the_tick_works_without_sandboxes() -> None:
    world = make_world(BACKBEAT_SANDBOX="off")
    acme = world.customer()
    world.clock.at = utc("2025-01-20")
    world.contract(acme, "2025-01-01")
    world.clock.at = utc("2025-02-02T00:00:59")
    # Requests that began before the cut-off may still be storing what they accepted.
    assert tick(world).jobs == 0
    world.clock.at = utc("2025-02-02T00:01:00")
    assert tick(world).jobs == 1
    work_off(world)
    assert shown(world, acme) == [("2025-01", FINALIZED, 0), ("2025-02", DRAFT, 0)]


def test_the_tick_queues_notifications_that_a_crash_left(world: World, january: Contract) -> None:
    held = replace(world.call(), held=[])
    assert billing.run(held, due_key(held, january))
    assert finalized_notices(world) == []
    world.clock.advance(minutes=2)
    tick(world)
    assert len(finalized_notices(world)) == 1
