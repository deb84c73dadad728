"""What only the SQLite adapter promises: its file, and how it is kept short."""

import sqlite3
import threading
from pathlib import Path

import pytest

from backbeat.adapters.sqlite.checkpoints import Checkpoints
from backbeat.adapters.sqlite.database import Database, OtherLayout
from backbeat.adapters.sqlite.store import SqliteStore
from backbeat.ports.store import Add, IndexKey, Item, Key, Put, Query


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
