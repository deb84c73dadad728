"""Customers and their aliases: claims are taken, kept and given back."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from backbeat.application import aliases, custom_fields, customers
from backbeat.application.services import Call
from backbeat.models.custom_fields import CustomField, FieldEntity
from backbeat.models.customers import Customer
from backbeat.models.errors import Conflict, NotFound, Retryable
from backbeat.ports.store import Contention, Effect, Store
from tests.unit.application.conftest import World
from tests.unit.builders import utc

MANY = [f"alias-{number}" for number in range(2000)]
"""As many as the API takes."""

SOME = MANY[:200]
"""More than fit one transaction: five of them."""


class Killed(Exception):
    """Stands for the end of the process."""


@dataclass
class FailingStore:
    """A store whose n-th transaction, counted from 1, fails; if it is deadly, so do all later."""

    store: Store
    fails: int
    error: type[Exception] = Contention
    transactions: int = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    def transact(self, effects: Sequence[Effect]) -> None:
        self.transactions += 1
        dead = self.error is Killed and self.transactions > self.fails
        if self.transactions == self.fails or dead:
            raise self.error
        self.store.transact(effects)


def create(call: Call, *aliases: str) -> Customer:
    return customers.create(call, name="Acme", ingest_aliases=aliases, custom_fields={})


def holder(world: World, alias: str) -> str | None:
    found = aliases.holder(world.call(), alias)
    return None if found is None else found.id


def on(world: World, store: FailingStore) -> Call:
    call = world.call()
    return replace(call, services=replace(call.services, store=store))


def test_a_customer_is_stored_as_asked_for(world: World) -> None:
    tier = CustomField(entity=FieldEntity.CUSTOMER, key="tier", enforce_uniqueness=False)
    custom_fields.add_key(world.call(), tier)
    created = customers.create(
        world.call(), name="n" * 161, ingest_aliases=["a", "b", "a"], custom_fields={"tier": "gold"}
    )
    assert created.name == "n" * 160
    assert created.ingest_aliases == ("a", "b")
    assert created.created_at == created.updated_at == utc("2025-06-15T12:00")
    assert customers.get(world.call(), created.id) == created


def test_an_unknown_customer(world: World) -> None:
    with pytest.raises(NotFound, match="customer not found: nobody"):
        customers.get(world.call(), "nobody")
    with pytest.raises(NotFound):
        customers.set_ingest_aliases(world.call(), "nobody", ["a"])
    assert holder(world, "a") is None


def test_as_many_aliases_as_the_api_takes(world: World) -> None:
    acme = create(world.call(), *MANY)
    assert customers.get(world.call(), acme.id).ingest_aliases == tuple(MANY)
    assert {holder(world, alias) for alias in MANY} == {acme.id}


@pytest.mark.parametrize("place", [0, 89, 90, 100, 1999])
def test_a_conflict_leaves_nothing_claimed(world: World, place: int) -> None:
    first = create(world.call(), MANY[place])
    with pytest.raises(Conflict, match="A customer with this ID already exists") as conflict:
        create(world.call(), *MANY)
    assert (conflict.value.conflicting_id, conflict.value.value) == (first.id, MANY[place])
    claimed = {alias for alias in MANY if holder(world, alias) is not None}
    assert claimed == {MANY[place]}
    # So that all the others are free for the next one.
    create(world.call(), *MANY[:place], *MANY[place + 1 :])


@pytest.mark.parametrize("fails", [1, 3, 5])
def test_a_busy_store_leaves_nothing_claimed(world: World, fails: int) -> None:
    with pytest.raises(Retryable):
        create(on(world, FailingStore(world.services.store, fails)), *SOME)
    assert customers.page(world.call(), archived=False, limit=10, cursor=None) == ([], None)
    create(world.call(), *SOME)


@pytest.mark.parametrize("fails", [2, 5])
def test_what_a_crash_left_claimed_is_free_again_after_a_minute(world: World, fails: int) -> None:
    with pytest.raises(Killed):
        create(on(world, FailingStore(world.services.store, fails, Killed)), *SOME)
    assert {holder(world, alias) for alias in SOME} == {None}
    # Somebody might still be writing that customer.
    world.clock.advance(seconds=59)
    with pytest.raises(Conflict):
        create(world.call(), *SOME)
    world.clock.advance(seconds=1)
    acme = create(world.call(), *SOME)
    assert {holder(world, alias) for alias in SOME} == {acme.id}


def test_aliases_are_replaced(world: World) -> None:
    acme = create(world.call(), "a", "b")
    world.clock.advance(hours=1)
    customers.set_ingest_aliases(world.call(), acme.id, ["b", "c", "c"])
    changed = customers.get(world.call(), acme.id)
    assert changed.ingest_aliases == ("b", "c")
    assert changed.updated_at == utc("2025-06-15T13:00")
    assert [holder(world, alias) for alias in "abc"] == [None, acme.id, acme.id]


def test_a_removed_alias_can_be_given_to_another_customer(world: World) -> None:
    acme, beta = create(world.call(), "a"), create(world.call())
    with pytest.raises(Conflict):
        customers.set_ingest_aliases(world.call(), beta.id, ["a"])
    customers.set_ingest_aliases(world.call(), acme.id, [])
    customers.set_ingest_aliases(world.call(), beta.id, ["a"])
    assert holder(world, "a") == beta.id


def test_a_refused_replacement_changes_nothing(world: World) -> None:
    acme, beta = create(world.call(), "a"), create(world.call(), "b", "old")
    with pytest.raises(Conflict) as conflict:
        customers.set_ingest_aliases(world.call(), beta.id, [*SOME, "a"])
    assert conflict.value.conflicting_id == acme.id
    assert customers.get(world.call(), beta.id).ingest_aliases == ("b", "old")
    assert holder(world, "old") == beta.id
    assert {holder(world, alias) for alias in SOME} == {None}


def test_many_aliases_are_replaced_by_many(world: World) -> None:
    acme = create(world.call(), *SOME)
    others = [f"other-{number}" for number in range(200)]
    customers.set_ingest_aliases(world.call(), acme.id, [*SOME[:10], *others[10:]])
    assert {holder(world, alias) for alias in [*SOME[:10], *others[10:]]} == {acme.id}
    assert {holder(world, alias) for alias in SOME[10:]} == {None}


@pytest.mark.parametrize("fails", [1, 2, 5, 6, 9])
def test_a_replacement_that_was_cut_short_is_completed_by_the_next(
    world: World, fails: int
) -> None:
    # Five transactions take the new aliases; the last of them and four more give back the old ones.
    acme = create(world.call(), *SOME)
    others = [f"other-{number}" for number in range(200)]
    dying = on(world, FailingStore(world.services.store, fails, Killed))
    with pytest.raises(Killed):
        customers.set_ingest_aliases(dying, acme.id, others)
    listed = customers.get(world.call(), acme.id).ingest_aliases
    assert {alias for alias in others if holder(world, alias)} == {*others} & {*listed}
    world.clock.advance(minutes=1)
    customers.set_ingest_aliases(world.call(), acme.id, others)
    assert customers.get(world.call(), acme.id).ingest_aliases == tuple(others)
    assert {holder(world, alias) for alias in others} == {acme.id}
    create(world.call(), *SOME)


def test_two_replacements_at_once_do_not_mix(world: World) -> None:
    acme = create(world.call(), "a")

    class Meanwhile(FailingStore):
        def transact(self, effects: Sequence[Effect]) -> None:
            if self.transactions == 0:
                self.transactions = 1
                customers.set_ingest_aliases(world.call(), acme.id, ["theirs"])
            self.store.transact(effects)

    with pytest.raises(Retryable):
        customers.set_ingest_aliases(
            on(world, Meanwhile(world.services.store, 0)), acme.id, ["ours"]
        )
    assert customers.get(world.call(), acme.id).ingest_aliases == ("theirs",)
    assert [holder(world, alias) for alias in ("a", "ours", "theirs")] == [None, None, acme.id]


def test_another_customers_id_is_no_free_alias(world: World) -> None:
    # Events with that id are the other one's: as an alias they would count for both.
    acme = create(world.call())
    with pytest.raises(Conflict, match="A customer with this ID already exists"):
        create(world.call(), acme.id)
    beta = create(world.call())
    with pytest.raises(Conflict):
        customers.set_ingest_aliases(world.call(), beta.id, [acme.id])
    # Its own id changes nothing.
    customers.set_ingest_aliases(world.call(), acme.id, [acme.id])
    assert customers.get(world.call(), acme.id).usage_keys == (acme.id,)


def test_renaming(world: World) -> None:
    acme = create(world.call(), "a")
    world.clock.advance(hours=1)
    renamed = customers.set_name(world.call(), acme.id, "b" * 200)
    assert renamed == customers.get(world.call(), acme.id)
    assert renamed.name == "b" * 160
    assert renamed.ingest_aliases == ("a",)
    assert renamed.updated_at == utc("2025-06-15T13:00")


def test_an_event_key_means_an_id_before_an_alias(world: World) -> None:
    acme = create(world.call(), "a")
    for key, expected in [(acme.id, acme), ("a", acme), ("A", None), ("", None)]:
        assert customers.matching_key(world.call(), key) == expected


def test_lists_are_in_order_of_creation(world: World) -> None:
    created = []
    for _ in range(5):
        created.append(create(world.call()))
        world.clock.advance(seconds=1)
    first, cursor = customers.page(world.call(), archived=False, limit=3, cursor=None)
    rest, end = customers.page(world.call(), archived=False, limit=3, cursor=cursor)
    assert ([*first, *rest], end) == (created, None)
    assert [customer for _, customer in customers.walk_all(world.call())] == created
    found = customers.of_ids(world.call(), [created[4].id, "nobody", created[0].id])
    assert found == [created[0], created[4]]


def test_tenants_do_not_meet(world: World) -> None:
    acme = create(world.call("one"), "a")
    create(world.call("other"), "a")
    with pytest.raises(NotFound):
        customers.get(world.call("other"), acme.id)
