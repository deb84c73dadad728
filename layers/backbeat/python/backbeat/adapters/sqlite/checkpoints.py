"""Copying the write-ahead log into the file, off the request path.

SQLite would do it in the commit that fills the log, which then takes some 50 ms. Here a thread does
it while others write. The log starts over only once all of it is copied, so the last few pages are
copied under the write lock, or under steady load the log would grow for ever.
"""

import sqlite3
import threading
from collections.abc import Callable
from typing import Final

_CHANGES: Final = 8_000
"""Changed rows between two checkpoints, about 50 MB of log.

Keys come in random order, so most pages change again soon: the longer the log, the fewer times each
is copied, and the more of the disk it takes.
"""

_CACHE_KIB: Final = 1024


class Checkpoints:
    """A thread that copies the log whenever enough was written, after other work that waits."""

    def __init__(
        self,
        connect: Callable[[int], sqlite3.Connection],
        write_lock: threading.RLock,
        work: Callable[[], None] = lambda: None,
    ) -> None:
        """`work` is done before the log is copied, which it may add to."""
        self._connect = connect
        self._write_lock = write_lock
        self._work = work
        self._due_at = _CHANGES
        self._due = threading.Event()
        self._closing = False
        self._thread: threading.Thread | None = None

    def written(self, total_changes: int, *, work_waits: bool = False) -> None:
        """Takes note of a commit; the caller holds the write lock."""
        if total_changes < self._due_at and not work_waits:
            return
        self._due_at = total_changes + _CHANGES
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="checkpoints", daemon=True)
            self._thread.start()
        self._due.set()

    def close(self) -> None:
        """Ends the thread, if there is one, after copying what is in the log."""
        self._closing = True
        self._due.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        connection = self._connect(_CACHE_KIB)
        while True:
            self._due.wait()
            self._due.clear()
            self._work()
            _copy_all(connection, self._write_lock)
            if self._closing:
                break
        connection.close()


def _copy_all(connection: sqlite3.Connection, write_lock: threading.RLock) -> None:
    _copy(connection)
    # Again, for what was written meanwhile: that leaves next to nothing for the last time.
    _copy(connection)
    with write_lock:
        _copy(connection)


def _copy(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
