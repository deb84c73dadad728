"""The SQLite file that store, queue and secrets share.

One connection writes, under one lock; every thread reads on a connection of its own, which in WAL
mode sees the last commit and never waits for the writer. A commit is handed to the operating system
before the call returns, so a killed process loses nothing; `synchronous=NORMAL` leaves out the
disk flush per commit that only a power cut would need.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Final

from backbeat.adapters.sqlite.checkpoints import Checkpoints
from backbeat.adapters.sqlite.records import SCHEMA as RECORDS_SCHEMA
from backbeat.adapters.sqlite.records import UNSETTLED, Records
from backbeat.adapters.sqlite.remembered import RememberedItems

_LAYOUT: Final = 4
"""Counts changes of the tables. A file of another layout is refused rather than misread."""

_SCHEMA: Final = f"""
CREATE TABLE IF NOT EXISTS item (
    id INTEGER PRIMARY KEY,
    pk TEXT NOT NULL,
    sk TEXT NOT NULL,
    entity TEXT NOT NULL,
    version INTEGER NOT NULL,
    doc BLOB NOT NULL,
    numbers TEXT,
    gsi1pk TEXT,
    gsi1sk TEXT,
    gsi2pk TEXT,
    gsi2sk TEXT,
    expires_at INTEGER,
    pk_hash BLOB NOT NULL,
    gsi1_hash INTEGER
);
-- Partitions are looked up by hash: with their text, each event takes 120 bytes more and a commit
-- of a hundred events changes a fifth more pages.
CREATE UNIQUE INDEX IF NOT EXISTS item_key ON item (pk_hash, sk);
CREATE INDEX IF NOT EXISTS item_gsi1 ON item (gsi1_hash, gsi1sk) WHERE gsi1_hash IS NOT NULL;
CREATE INDEX IF NOT EXISTS item_gsi2 ON item (gsi2pk, gsi2sk) WHERE gsi2pk IS NOT NULL;
{RECORDS_SCHEMA}CREATE TABLE IF NOT EXISTS message (
    id INTEGER PRIMARY KEY,
    queue TEXT NOT NULL,
    body TEXT NOT NULL,
    visible_at REAL NOT NULL,
    receive_count INTEGER NOT NULL DEFAULT 0,
    held INTEGER NOT NULL DEFAULT 0,
    dead INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS message_visible ON message (queue, dead, visible_at);
CREATE TABLE IF NOT EXISTS secret (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
PRAGMA user_version = {_LAYOUT};
"""

_BUSY_SECONDS: Final = 10.0

_WRITER_CACHE_KIB: Final = 65536
"""Holds the index of two million events, whose keys come in random order."""

_READER_CACHE_KIB: Final = 4096
"""Holds the inner pages of the indexes. Every thread has one, and leaves come from the system."""

_STATEMENTS: Final = 256


class OtherLayout(Exception):
    """The file was written by another version of this program."""


class Database:
    """A SQLite file, or ":memory:" for one that lives as long as this object."""

    def __init__(self, path: str, *, unsettled_records: int = UNSETTLED) -> None:
        """Opens or creates the file. See `Records` for the number.

        Raises:
            OtherLayout: the file is of a version that this one cannot read.
        """
        self._path = path
        self._in_memory = path == ":memory:"
        if not self._in_memory:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []
        self._writer = self._connect(_WRITER_CACHE_KIB)
        self._create_tables()
        self.records = Records(unsettled_records)
        self.remembered = RememberedItems()
        self._checkpoints = (
            None if self._in_memory else Checkpoints(self._connect, self._lock, self._settle)
        )
        self.message_sent = threading.Condition()
        """Notified after each commit that sends a message, so that receivers need not poll."""

    def _create_tables(self) -> None:
        [layout] = self._writer.execute("PRAGMA user_version").fetchone()
        [tables] = self._writer.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if tables and layout != _LAYOUT:
            self._writer.close()
            raise OtherLayout(f"{self._path} was written by another version; remove or rename it")
        self._writer.executescript(_SCHEMA)

    def _connect(self, cache_kib: int) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path,
            isolation_level=None,
            check_same_thread=False,
            timeout=_BUSY_SECONDS,
            cached_statements=_STATEMENTS,
        )
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        # Negative: KiB instead of pages.
        connection.execute(f"PRAGMA cache_size=-{cache_kib}")
        # Left to itself, SQLite copies its log inside every eighth request of ingest or so.
        connection.execute("PRAGMA wal_autocheckpoint=0")
        return connection

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Holds the write lock for one transaction; an exception undoes it."""
        with self._lock:
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
            except BaseException:
                self._writer.execute("ROLLBACK")
                raise
            self._writer.execute("COMMIT")
            settling_due = self.records.is_settling_due()
            if self._checkpoints is not None:
                self._checkpoints.written(self._writer.total_changes, work_waits=settling_due)
            elif settling_due:
                self._settle()

    def _settle(self) -> None:
        if self.records.is_settling_due():
            self.records.settle(self.write)

    def read(self) -> AbstractContextManager[sqlite3.Connection]:
        """Gives a connection for reading what is committed."""
        if self._in_memory:
            return self._reading_from_writer()
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        return nullcontext(self._new_reader() if connection is None else connection)

    def lend_writer(self) -> sqlite3.Connection | None:
        """Gives the writer's connection for looking up a few keys; None while somebody writes.

        Each commit makes the readers' caches cold, and that of the writer stays warm: reading there
        takes a third of the time. Whoever was given it gives it back by `return_writer`.
        """
        return self._writer if self._lock.acquire(blocking=False) else None

    def return_writer(self) -> None:
        """Lets others write again."""
        self._lock.release()

    @contextmanager
    def _reading_from_writer(self) -> Iterator[sqlite3.Connection]:
        # An in-memory database belongs to one connection, so readers share the writer's.
        with self._lock:
            yield self._writer

    def _new_reader(self) -> sqlite3.Connection:
        connection = self._connect(_READER_CACHE_KIB)
        connection.execute("PRAGMA query_only=ON")
        self._local.connection = connection
        # A list takes it in one step: whoever reads for the first time need not wait for a writer.
        self._readers.append(connection)
        return connection

    def close(self) -> None:
        """Closes every connection. The file keeps all that was committed."""
        if self._checkpoints is not None:
            self._checkpoints.close()
        with self._lock:
            for connection in (*self._readers, self._writer):
                connection.close()
            self._readers.clear()
