"""What only the SQLite adapter promises: its file, and how it is kept short."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from backbeat.adapters.sqlite import records, transactions
from backbeat.adapters.sqlite.checkpoints import Checkpoints
from backbeat.adapters.sqlite.database import Database, OtherLayout
from backbeat.adapters.sqlite.store import SqliteStore
from backbeat.ports.store import (
    APPENDED,
    Absent,
    Add,
    Append,
    Delete,
    Index,
    IndexKey,
    Item,
    Key,
    Put,
    Query,
    Record,
    TransactionCancelled,
    Version,
)


def item(pk: str, sk: str = "A") -> Item:
    return Item(key=Key(pk, sk), entity="thing", doc=b"{}", gsi1=IndexKey("index", sk))


def test_what_is_committed_survives_without_closing(tmp_path: Path) -> None:
    path = str(tmp_path / "state.sqlite3")
    SqliteStore(Database(path)).transact([Put(item("T"))])
    assert SqliteStore(Database(path)).get(Key("T", "A")) == item("T")


def test_a_file_of_another_layout_is_refused_and_keeps_its_tables(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite3"
    with sqlite3.connect(path) as older:
        older.execute("CREATE TABLE item (pk TEXT, sk TEXT)")
    with pytest.raises(OtherLayout, match=r"state\.sqlite3 was written by another version"):
        Database(str(path))
    assert sqlite3.connect(path).execute("SELECT name FROM sqlite_schema").fetchall() == [("item",)]


def test_forgetting_a_tenant_leaves_those_with_similar_names(tmp_path: Path) -> None:
    store = SqliteStore(Database(str(tmp_path / "state.sqlite3")))
    gone = ["t1", "t1#CUS#1", "t1#CUS#1#x"]
    kept = ["t", "t1$", "t1.1", "t1.1#CUS#1", "t10#CUS#1", "t2#CUS#1", 't1"']
    store.put_many(item(pk) for pk in gone + kept)
    store.forget("t1")
    assert [store.get(Key(pk, "A")) is not None for pk in gone + kept] == [False] * 3 + [True] * 7


def test_forgetting_takes_any_number_of_items(tmp_path: Path) -> None:
    store = SqliteStore(Database(str(tmp_path / "state.sqlite3")))
    store.put_many(item("t1#EVT", f"{number:05}") for number in range(4500))
    store.forget("t1")
    assert store.query(Query("t1#EVT")).items == ()


def test_the_log_is_copied_while_others_write(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite3"

    def connect(_: int) -> sqlite3.Connection:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode=WAL")
        return connection

    writer = connect(0)
    writer.execute("PRAGMA wal_autocheckpoint=0")
    writer.execute("CREATE TABLE number (value INTEGER)")
    checkpoints = Checkpoints(connect, threading.RLock())
    writer.executemany("INSERT INTO number VALUES (?)", [(value,) for value in range(100)])
    checkpoints.written(1_000_000)
    checkpoints.close()
    # Opened as immutable, the file is read without its log.
    copied = sqlite3.connect(f"file:{path}?immutable=1", uri=True)
    assert copied.execute("SELECT count(*) FROM number").fetchone() == (100,)


def test_nothing_is_copied_before_enough_was_written(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite3"
    store = SqliteStore(Database(str(path)))
    store.transact([Put(item("T"))])
    store.transact([Add(item("T"))])
    copied = sqlite3.connect(f"file:{path}?immutable=1", uri=True)
    assert copied.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,)


# Records


def append(*ids: str, tenant: str = "T") -> Append:
    records = [Record(id_, b"[1]", IndexKey("T#times", "1")) for id_ in ids]
    return Append(f"{tenant}#EVT#", "event", records)


def is_taken(store: SqliteStore, id_: str, tenant: str = "T") -> bool:
    """Tells it as who appends finds it, and reads the record as well."""
    try:
        store.transact([append(id_, tenant=tenant), Put(item("never"), Absent()), *NEVER])
    except TransactionCancelled as cancelled:
        taken = cancelled.failures[0].index == 0
    assert (store.get(Key(f"{tenant}#EVT#{id_}", APPENDED)) is not None) is taken
    return taken


NEVER = [Delete(Key("nothing", "A"), Version(1))]
"""Cancels a transaction."""


def opened(path: Path, unsettled: int) -> SqliteStore:
    return SqliteStore(Database(str(path / "state.sqlite3"), unsettled_records=unsettled))


@pytest.mark.parametrize("unsettled", [1, 3, 1000])
def test_records_are_known_after_a_crash_and_to_other_processes(
    tmp_path: Path, unsettled: int
) -> None:
    first, second = opened(tmp_path, unsettled), opened(tmp_path, unsettled)
    for number in range(12):
        (first if number % 2 else second).transact([append(f"{number}", f"{number}b")])
        assert is_taken(first, f"{number}")
        assert is_taken(second, f"{number}b")
    # Nothing was closed.
    third = opened(tmp_path, unsettled)
    assert all(is_taken(third, f"{number}{end}") for number in range(12) for end in ("", "b"))
    assert not is_taken(third, "12")


def test_settled_records_are_found_in_the_file_alone(tmp_path: Path) -> None:
    database = Database(str(tmp_path / "state.sqlite3"), unsettled_records=50)
    store = SqliteStore(database)
    for number in range(0, 3000, 100):
        store.transact([append(*(f"{id_}" for id_ in range(number, number + 100)))])
    database.records.settle(database.write)
    [indexed] = sqlite3.connect(tmp_path / "state.sqlite3").execute(
        "SELECT count(*), (SELECT page FROM settled) FROM record"
    )
    assert indexed == (3000, 30)
    assert all(is_taken(store, f"{id_}") for id_ in range(3000))
    assert not is_taken(store, "3000")


def test_what_was_undone_hides_no_later_record(tmp_path: Path) -> None:
    """A page that is rolled back leaves its number to the next one."""
    store = opened(tmp_path, 1000)
    most, one = Decimal(10) ** 38 - 1, Decimal(1)
    store.transact([append("0"), Add(counter(most))])
    with pytest.raises(ArithmeticError):
        store.transact([append("1"), Add(counter(one))])
    assert not is_taken(store, "1")
    store.transact([append("2")])
    assert [is_taken(store, id_) for id_ in "012"] == [True, False, True]


def counter(number: Decimal) -> Item:
    return replace(item("T", "sum"), numbers={"n": number})


def test_records_whose_hashes_meet_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "key_hash", lambda pk, sk: 7)
    monkeypatch.setattr(transactions, "key_hashes", lambda keys: [7] * len(keys))
    monkeypatch.setattr(records, "partition_hash", lambda pk: 7)
    store = opened(tmp_path, 3)
    for id_ in "abcde":
        assert not is_taken(store, id_)
        store.transact([append(id_), Put(item(id_))])
    assert all(is_taken(store, id_) for id_ in "abcde")
    assert [found.key.pk for found in store.query(Query("T#EVT#c")).items] == ["T#EVT#c"]


def test_records_are_found_by_the_hashes_they_were_appended_with() -> None:
    keys = [("T#EVT#a", "@"), ("T#EVT#b", "DUP#1"), ("T#EVT#ü", "@")]
    assert records.key_hashes(keys) == [records.key_hash(*key) for key in keys]


def test_a_look_while_somebody_writes_sees_the_last_commit(tmp_path: Path) -> None:
    database = Database(str(tmp_path / "state.sqlite3"))
    store = SqliteStore(database)
    store.put_many([Item(Key("p", "s"), "E", b"before")])
    with database.write() as connection, ThreadPoolExecutor(1) as other:
        connection.execute("UPDATE item SET doc = ?", (b"after",))
        during = other.submit(store.get, Key("p", "s")).result(timeout=10)
    after = store.get(Key("p", "s"))
    assert during is not None
    assert during.doc == b"before"
    assert after is not None
    assert after.doc == b"after"
    database.close()


def test_forgetting_a_tenant_takes_its_records_alone(tmp_path: Path) -> None:
    store = opened(tmp_path, 100)
    for number in range(30):
        for tenant in ("t1", "t1.1"):
            store.transact([append(*(f"{number}-{n}" for n in range(7)), tenant=tenant)])
    store.forget("t1")
    assert not is_taken(store, "29-6", "t1")
    assert is_taken(store, "29-6", "t1.1")
    assert len(store.query(Query("T#times", Index.GSI1)).items) == 30 * 7
    file = sqlite3.connect(tmp_path / "state.sqlite3")
    assert file.execute("SELECT count(*) FROM page").fetchone() == (30,)


def test_readers_find_a_record_while_it_is_settled_and_replaced(tmp_path: Path) -> None:
    store = opened(tmp_path, 2)
    store.transact([append("wanted")])
    wanted = store.get(Key("T#EVT#wanted", APPENDED))
    assert wanted is not None
    missed: list[int] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            if store.get(wanted.key) is None:
                missed.append(1)

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(150):
        store.transact([append(f"{number}", f"{number}b")])
        store.transact([Put(replace(wanted, version=number + 2), Version(number + 1))])
    done.set()
    reader.join()
    assert missed == []


def test_what_was_looked_up_before_is_found_as_it_is_now(tmp_path: Path) -> None:
    store = SqliteStore(Database(str(tmp_path / "state.sqlite3")))
    key = Key("T", "A")
    # Each change is looked at twice, of which the second is from memory.
    assert [store.get(key), store.get(key)] == [None, None]
    store.transact([Put(item("T"), Absent())])
    assert [store.get(key), store.get(key)] == [item("T")] * 2
    store.transact([Add(replace(item("T"), numbers={"n": Decimal(2)}))])
    assert [store.get(key).numbers["n"] for _ in range(2)] == [2, 2]  # type: ignore[union-attr]
    store.put_many([replace(item("T"), doc=b"[1]")])
    assert store.get_many([key, key])[key].doc == b"[1]"
    with pytest.raises(TransactionCancelled):
        store.transact([Put(replace(item("T"), doc=b"[2]")), Put(item("T", "B"), Version(9))])
    assert [store.get(key).doc for _ in range(2)] == [b"[1]"] * 2  # type: ignore[union-attr]
    store.transact([Delete(key)])
    assert [store.get(key), store.get(key)] == [None, None]
    store.put_many([item("T")])
    assert store.get(key) == item("T")
    store.forget("T")
    assert store.get(key) is None


def test_what_another_process_changes_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, key = str(tmp_path / "state.sqlite3"), Key("T", "A")
    here, there = SqliteStore(Database(path)), SqliteStore(Database(path))
    at = iter(range(10))
    # A look a second, so that the moment in which nobody is asked is over.
    monkeypatch.setattr("backbeat.adapters.sqlite.remembered.monotonic", lambda: next(at))
    assert here.get(key) is None
    there.transact([Put(item("T"))])
    assert here.get(key) == item("T")
    there.transact([Delete(key)])
    assert here.get(key) is None
