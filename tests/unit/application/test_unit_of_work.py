"""What one use case changes: all of it or nothing, and the right error."""

from dataclasses import dataclass

import pytest

from backbeat.models.errors import Conflict, InvalidArgument, Retryable
from backbeat.persistence.unit_of_work import Otherwise, UnitOfWork
from backbeat.ports.store import (
    MAX_EFFECTS,
    Absent,
    Check,
    Contention,
    Delete,
    Item,
    Key,
    Put,
    Store,
    Version,
)
from tests.unit.application.conftest import World


def item(name: str, version: int = 1, doc: bytes = b"{}") -> Item:
    return Item(Key("p", name), "Thing", doc, version)


def refusal(message: str) -> Otherwise:
    """Makes a conflict that tells what was in the way."""
    return lambda found: Conflict(message, value=None if found is None else found.doc.decode())


def stored(store: Store, *names: str) -> list[str]:
    found = store.get_many(Key("p", name) for name in names)
    return [key.sk for key in found]


@pytest.fixture
def store(world: World) -> Store:
    return world.services.store


def test_everything_is_written_at_once(store: Store) -> None:
    store.transact([Put(item("gone"))])
    work = UnitOfWork(store)
    work.add(Put(item("a"), Absent()), Put(item("b")))
    work.add(Delete(Key("p", "gone"), Version(1)), Check(Key("p", "nobody"), Absent()))
    assert stored(store, "a", "b", "gone") == ["gone"]
    work.commit()
    assert stored(store, "a", "b", "gone") == ["a", "b"]


def test_a_failed_condition_undoes_everything_and_raises_its_own_error(store: Store) -> None:
    store.transact([Put(item("taken", doc=b"mine"))])
    work = UnitOfWork(store)
    work.add(Put(item("a"), Absent()), otherwise=refusal("a is taken"))
    work.add(Put(item("taken"), Absent()), otherwise=refusal("taken is taken"))
    with pytest.raises(Conflict, match=r"^taken is taken$") as conflict:
        work.commit()
    assert conflict.value.value == "mine"
    assert stored(store, "a") == []


def test_of_several_failures_the_first_one_added_is_told(store: Store) -> None:
    store.transact([Put(item("one")), Put(item("two"))])
    work = UnitOfWork(store)
    for name in ("free", "two", "one"):
        work.add(Put(item(name), Absent()), otherwise=refusal(f"{name} is taken"))
    with pytest.raises(Conflict, match=r"^two is taken$"):
        work.commit()


def test_what_was_changed_meanwhile_can_be_tried_again(store: Store) -> None:
    store.transact([Put(item("a", version=2))])
    work = UnitOfWork(store)
    work.add(Put(item("a", version=2), Version(1)))
    with pytest.raises(Retryable, match="at the same time"):
        work.commit()


def test_a_busy_store_can_be_tried_again(store: Store) -> None:
    @dataclass
    class Busy:
        def transact(self, effects: object) -> None:
            raise Contention

    work = UnitOfWork(Busy())  # type: ignore[arg-type]
    work.add(Put(item("a")))
    with pytest.raises(Retryable):
        work.commit()


AT_MOST = MAX_EFFECTS - 2
"""What of a transaction is left beside the record of who changed something."""


@pytest.mark.parametrize(("number", "fits"), [(AT_MOST, True), (AT_MOST + 1, False)])
def test_more_than_a_transaction_holds_is_refused_as_a_whole(
    store: Store, number: int, fits: bool
) -> None:
    names = [f"{place:03}" for place in range(number)]
    work = UnitOfWork(store)
    work.add(*(Put(item(name), Absent()) for name in names))
    if fits:
        work.commit()
    else:
        with pytest.raises(InvalidArgument, match="at most 98"):
            work.commit()
    assert len(stored(store, *names)) == (number if fits else 0)
