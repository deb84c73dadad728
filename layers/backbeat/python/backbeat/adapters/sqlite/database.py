"""The SQLite file that store, queue and secrets share.

One connection writes, under one lock; every thread reads on a connection of its own, which in WAL
mode sees the last commit and never waits for the writer. A commit is handed to the operating system
before the call returns, so a killed process loses nothing; `synchronous=NORMAL` leaves out the
disk flush per commit that only a power cut would need.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from backbeat.adapters.sqlite.numbers import add_numbers

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS item (
    id INTEGER PRIMARY KEY,
    pk TEXT NOT NULL,
    sk TEXT NOT NULL,
    entity TEXT NOT NULL,
    version INTEGER NOT NULL,
    doc BLOB NOT NULL,
    numbers BLOB,
    gsi1pk TEXT,
    gsi1sk TEXT,
    gsi2pk TEXT,
    gsi2sk TEXT,
    expires_at INTEGER
);
CREATE UNIQUE INDEX IF NOT EXISTS item_key ON item (pk, sk);
CREATE INDEX IF NOT EXISTS item_gsi1 ON item (gsi1pk, gsi1sk) WHERE gsi1pk IS NOT NULL;
CREATE INDEX IF NOT EXISTS item_gsi2 ON item (gsi2pk, gsi2sk) WHERE gsi2pk IS NOT NULL;
CREATE TABLE IF NOT EXISTS message (
    id INTEGER PRIMARY KEY,
    queue TEXT NOT NULL,
    body TEXT NOT NULL,
    visible_at REAL NOT NULL,
    receive_count INTEGER NOT NULL DEFAULT 0,
    dead INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS message_visible ON message (queue, dead, visible_at);
CREATE TABLE IF NOT EXISTS secret (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""

_BUSY_SECONDS: Final = 10.0


class Database:
    """A SQLite file, or ":memory:" for one that lives as long as this object."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._in_memory = path == ":memory:"
        if not self._in_memory:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []
        self._writer = self._connect()
        self._writer.executescript(_SCHEMA)
        self.message_sent = threading.Condition()
        """Notified after each commit that sends a message, so that receivers need not poll."""

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, isolation_level=None, check_same_thread=False, timeout=_BUSY_SECONDS
        )
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        # Negative: KiB. Enough for the inner pages of the indexes over a few million items.
        connection.execute("PRAGMA cache_size=-32768")
        # A checkpoint copies every page changed since the last one. Random keys change many pages,
        # so waiting longer writes each of them fewer times.
        connection.execute("PRAGMA wal_autocheckpoint=8000")
        connection.create_function("add_numbers", 2, add_numbers, deterministic=True)
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

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Gives a connection for reading what is committed."""
        if self._in_memory:
            # An in-memory database belongs to one connection, so readers share the writer's.
            with self._lock:
                yield self._writer
            return
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._connect()
            connection.execute("PRAGMA query_only=ON")
            self._local.connection = connection
            with self._lock:
                self._readers.append(connection)
        yield connection

    def close(self) -> None:
        """Closes every connection. The file keeps all that was committed."""
        with self._lock:
            for connection in (*self._readers, self._writer):
                connection.close()
            self._readers.clear()
