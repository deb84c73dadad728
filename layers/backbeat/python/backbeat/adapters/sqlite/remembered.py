"""Items that were looked up lately, for the few that every request asks for.

Reading one by its key takes a third of what it takes to store an event. What this process changes
is forgotten with the change, under the write lock; what another process changes is noticed within
milliseconds, when SQLite says that the file is no longer what this connection has seen.
"""

import sqlite3
from collections.abc import Iterable
from time import monotonic
from typing import Final

from backbeat.adapters.sqlite import statements
from backbeat.adapters.sqlite.rows import RowKey
from backbeat.ports.store import Item

_MOST: Final = 2048
_LARGEST_DOC_BYTES: Final = 4096
_ASKED_AGAIN_AFTER_SECONDS: Final = 0.005
"""A process that was started for one change has not ended by then, so nobody knows of it yet."""

_DATA_VERSION: Final = "PRAGMA data_version"
"""Changes with what others than the connection commit."""


class RememberedItems:
    """What was found under keys, or that there was nothing. For who holds the write lock."""

    def __init__(self) -> None:
        self._found: dict[RowKey, Item | None] = {}
        self._seen: tuple[int, ...] | None = None
        self._good_until = 0.0

    def get(self, writer: sqlite3.Connection, key: RowKey) -> Item | None:
        """Returns the item that is committed under a key, or None."""
        self._notice_others(writer)
        if key in self._found:
            return self._found[key]
        item = statements.select(writer, key)
        if item is None or len(item.doc) <= _LARGEST_DOC_BYTES:
            self._found[key] = item
        return item

    def _notice_others(self, writer: sqlite3.Connection) -> None:
        now = monotonic()
        if now < self._good_until:
            return
        seen = writer.execute(_DATA_VERSION).fetchone()
        self._good_until = now + _ASKED_AGAIN_AFTER_SECONDS
        if seen != self._seen or len(self._found) >= _MOST:
            self._found.clear()
            self._seen = seen

    def forget(self, keys: Iterable[RowKey]) -> None:
        """Forgets what is about to be changed, or looked at: if it differs, it is read again."""
        found = self._found
        if found:
            for key in keys:
                found.pop(key, None)

    def forget_all(self) -> None:
        """Forgets everything."""
        self._found.clear()
