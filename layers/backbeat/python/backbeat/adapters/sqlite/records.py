"""Records in their tables: pages, and where each record's page is.

The index holds a hash of each record's key. Those that were not appended, such as the repeats of an
event, have a hash of their partition in it, too: so that however many there are, nobody who looks
for one looks at the others. Hashes may meet: a page is looked at before anything is said of it.

Hashes come in random order. Written into a tree one request at a time, each changes a leaf of its
own, which takes longer than all else that is done with an event. So those of the last pages lie
beside their page and in memory, and are sorted into the tree many at a time.
"""

import sqlite3
import sys
import threading
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from hashlib import blake2b
from itertools import chain
from typing import Final, TypeAlias

from backbeat.adapters.sqlite.pages import Page, decoded, encoded, pages_of_items
from backbeat.adapters.sqlite.rows import index_hash, tenant_hash
from backbeat.ports.store import APPENDED, Item, Key

SCHEMA: Final = """
-- Its numbers are never used again, so a page is later than all with smaller ones.
CREATE TABLE IF NOT EXISTS page (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant_hash BLOB NOT NULL,
    record_hashes BLOB NOT NULL,
    body BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS page_tenant ON page (tenant_hash);
CREATE TABLE IF NOT EXISTS page_partition (
    gsi1_hash INTEGER, page INTEGER, PRIMARY KEY (gsi1_hash, page)
) WITHOUT ROWID;
-- Up to the page in `settled`; later ones are looked at when the file is opened.
CREATE TABLE IF NOT EXISTS record (
    pk_hash INTEGER, page INTEGER, PRIMARY KEY (pk_hash, page)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS settled (only INTEGER PRIMARY KEY CHECK (only = 1), page INTEGER);
INSERT OR IGNORE INTO settled VALUES (1, 0);
"""

_LATER_PAGES: Final = (
    "SELECT id, record_hashes FROM page WHERE id > max(?, (SELECT page FROM settled)) ORDER BY id"
)
_PAGE: Final = "SELECT body FROM page WHERE id = ?"
_PAGES_OF_PARTITION: Final = (
    "SELECT id, body FROM page_partition JOIN page ON id = page WHERE gsi1_hash = ?"
)
_INSERT_PAGE: Final = "INSERT INTO page (tenant_hash, record_hashes, body) VALUES (?, ?, ?)"
_SOME_OF_TENANT: Final = (
    "SELECT id, record_hashes, body FROM page WHERE tenant_hash = ? AND id > ? LIMIT ?"
)
_ALL: Final = -1
_DELETE_HASH: Final = "DELETE FROM record WHERE pk_hash = ? AND page = ?"
_DELETE_PARTITION: Final = "DELETE FROM page_partition WHERE gsi1_hash = ? AND page = ?"

UNSETTLED: Final = 65_536
"""So many hashes wait in memory, some 10 MB. The more there are, the fewer leaves each changes."""

_SETTLED_AT_ONCE: Final = 1_000
"""Hashes that one statement sorts in, which takes a few milliseconds."""

Found: TypeAlias = tuple[int, Page, int]
"""Where a record is: a page's number, the page, and the place in it."""


class Records:
    """The records of a database."""

    def __init__(self, unsettled: int = UNSETTLED) -> None:
        """Lets that many hashes wait before they are to be settled."""
        self._unsettled = unsettled
        self._lock = threading.Lock()
        self._seen = 0
        self._settling = False
        self._recent: dict[int, tuple[int, ...]] = {}

    def catch_up(self, connection: sqlite3.Connection) -> None:
        """Learns of the pages committed since the last time, by whomever.

        Whoever writes calls it first: what is not committed yet might be undone.
        """
        with self._lock:
            for number, blob in connection.execute(_LATER_PAGES, (self._seen,)).fetchall():
                alone = (number,)
                for hash_ in array("q", blob):
                    # Nearly always there is none before it.
                    before = self._recent.setdefault(hash_, alone)
                    if before is not alone:
                        self._recent[hash_] = (*before, number)
                self._seen = number

    def select(self, connection: sqlite3.Connection, key: Key) -> Item | None:
        """Returns a record, or None."""
        for _, page, place in self._look_up(connection, key.pk, key_hash(*key)):
            if page.sk(place) == key.sk:
                return page.item(place)
        return None

    def of_partition(self, connection: sqlite3.Connection, pk: str) -> list[Found]:
        """Returns the records of a partition, in no order."""
        return self._look_up(connection, pk, key_hash(pk, APPENDED), partition_hash(pk))

    def _look_up(self, connection: sqlite3.Connection, pk: str, *hashes: int) -> list[Found]:
        """Returns the records of a partition that are in the pages of the hashes."""
        if not connection.in_transaction:
            self.catch_up(connection)
        # What is in memory now, or was sorted in before, or is later: one of them it is, whatever
        # happens until the snapshot is taken.
        with self._lock:
            seen = self._seen
            numbers = {number for hash_ in hashes for number in self._recent.get(hash_, ())}
        with self.snapshot(connection):
            numbers.update(number for _, number in _settled(connection, hashes))
            for number, blob in connection.execute(_LATER_PAGES, (seen,)).fetchall():
                if not set(hashes).isdisjoint(array("q", blob)):
                    numbers.add(number)
            return [
                (number, page, place)
                for number, page in _read(connection, numbers)
                for place in page.places(pk)
            ]

    @contextmanager
    def snapshot(self, connection: sqlite3.Connection) -> Iterator[None]:
        """Makes several statements see the same. A transaction that writes does so anyway."""
        if connection.in_transaction:
            yield
            return
        connection.execute("BEGIN")
        try:
            yield
        finally:
            connection.execute("COMMIT")

    def taken(
        self,
        connection: sqlite3.Connection,
        keys: Sequence[tuple[str, str]],
        hashes: Sequence[int],
    ) -> list[Item]:
        """Returns those of the keys' records that there are. `hashes` are the keys'.

        For use in a transaction that writes.
        """
        if not keys:
            return []
        doubtful: dict[int, list[tuple[str, str]]] = {}
        for index, number in self._find(connection, hashes):
            doubtful.setdefault(number, []).append(keys[index])
        return [
            page.item(place)
            for number, page in _read(connection, doubtful)
            for pk, sk in doubtful[number]
            for place in page.places(pk)
            if page.sk(place) == sk
        ]

    def _find(self, connection: sqlite3.Connection, hashes: Sequence[int]) -> set[tuple[int, int]]:
        """Returns the pages that may have a record, each with the place of its hash."""
        found = set(_settled(connection, hashes))
        if not self._recent.keys().isdisjoint(hashes):
            for index, hash_ in enumerate(hashes):
                found.update((index, number) for number in self._recent.get(hash_, ()))
        return found

    def insert(self, connection: sqlite3.Connection, page: Page, hashes: Sequence[int]) -> None:
        """Stores a page. None of its keys may be there."""
        tenant = page.journal.partition("#")[0]
        values = (tenant_hash(tenant), array("q", hashes).tobytes(), encoded(page))
        number = connection.execute(_INSERT_PAGE, values).lastrowid
        partitions = [(index_hash(pk), number) for pk in page.partitions]
        _insert(connection, "page_partition", partitions)

    def replace(self, connection: sqlite3.Connection, items: Iterable[Item]) -> None:
        """Stores records in the place of those with their keys; of several the last one stays."""
        latest = {item.key: item for item in items}
        self.remove(connection, latest)
        for page in pages_of_items(list(latest.values())):
            self.insert(connection, page, list(_hashes(page)))

    def remove(self, connection: sqlite3.Connection, keys: Iterable[Key]) -> None:
        """Removes records. Those that are not there are fine. The index goes on naming the page."""
        for key in keys:
            for number, page, place in self._look_up(connection, key.pk, key_hash(*key)):
                if page.sk(place) == key.sk:
                    values = (encoded(page.without(place)), number)
                    connection.execute("UPDATE page SET body = ? WHERE id = ?", values)

    def is_settling_due(self) -> bool:
        """Tells whether many hashes wait to be sorted into the table, and nobody does it yet."""
        return len(self._recent) >= self._unsettled and not self._settling

    def settle(self, write: Callable[[], AbstractContextManager[sqlite3.Connection]]) -> None:
        """Sorts the hashes that wait into the table, in several transactions.

        A crash in between leaves some in both places, which does no harm.
        """
        self._settling = True
        try:
            with write() as connection:
                self.catch_up(connection)
            last, waiting = self._waiting()
            for start in range(0, len(waiting), _SETTLED_AT_ONCE):
                with write() as connection:
                    _insert(connection, "record", waiting[start : start + _SETTLED_AT_ONCE])
            with write() as connection:
                connection.execute("UPDATE settled SET page = max(page, ?)", (last,))
            self._forget(last)
        finally:
            self._settling = False

    def _waiting(self) -> tuple[int, list[tuple[int, int]]]:
        """Returns the last page looked at, and the hashes up to it with their pages, in order."""
        with self._lock:
            found = [(hash_, page) for hash_, pages in self._recent.items() for page in pages]
            return self._seen, sorted(found)

    def _forget(self, last: int) -> None:
        """Forgets the pages up to `last`."""
        with self._lock:
            later = {
                hash_: tuple(page for page in pages if page > last)
                for hash_, pages in self._recent.items()
            }
            self._recent = {hash_: pages for hash_, pages in later.items() if pages}


def in_index(connection: sqlite3.Connection, gsi1pk: str) -> Iterator[Found]:
    """Yields the records of a partition of `gsi1`, in no order."""
    for number, body in connection.execute(_PAGES_OF_PARTITION, (index_hash(gsi1pk),)).fetchall():
        page = decoded(body)
        for place in page.places_in(gsi1pk):
            yield number, page, place


def of_tenant(connection: sqlite3.Connection, tenant: str, limit: int) -> list[Item]:
    """Returns up to `limit` records of a tenant."""
    found: list[Item] = []
    for _, _, body in connection.execute(_SOME_OF_TENANT, (tenant_hash(tenant), 0, _ALL)):
        page = decoded(body)
        # Tenants may share a hash.
        if page.journal.partition("#")[0] == tenant:
            found += [page.item(place) for place, id_ in enumerate(page.ids) if id_ is not None]
        if len(found) >= limit:
            break
    return found[:limit]


def delete_some_of_tenant(
    connection: sqlite3.Connection, tenant: str, limit: int, *, after: int
) -> int | None:
    """Deletes pages of a tenant, looking at up to `limit` pages behind page `after`.

    Returns behind which page to go on, or None when that was all.
    """
    rows = connection.execute(_SOME_OF_TENANT, (tenant_hash(tenant), after, limit)).fetchall()
    for number, blob, body in rows:
        page = decoded(body)
        # Tenants may share a hash.
        if page.journal.partition("#")[0] != tenant:
            continue
        connection.executemany(_DELETE_HASH, [(hash_, number) for hash_ in array("q", blob)])
        partitions = [(index_hash(pk), number) for pk in page.partitions]
        connection.executemany(_DELETE_PARTITION, partitions)
        connection.execute("DELETE FROM page WHERE id = ?", (number,))
    return rows[-1][0] if rows else None


def key_hash(pk: str, sk: str) -> int:
    """Returns what stands for a record. Several may share it."""
    return partition_hash(f"{pk}\0{sk}")


def partition_hash(pk: str) -> int:
    """Returns what stands for a partition of records. Partitions may share it."""
    return int.from_bytes(blake2b(pk.encode(), digest_size=8).digest(), "big", signed=True)


def key_hashes(keys: Sequence[tuple[str, str]]) -> list[int]:
    """Returns what `key_hash` does of each, in two thirds of the time."""
    digests = array("q")
    digests.frombytes(
        b"".join([blake2b(f"{pk}\0{sk}".encode(), digest_size=8).digest() for pk, sk in keys])
    )
    if sys.byteorder == "little":
        digests.byteswap()
    return digests.tolist()


def _hashes(page: Page) -> Iterator[int]:
    for place, id_ in enumerate(page.ids):
        pk, sk = f"{page.journal}{id_}", page.sk(place)
        yield key_hash(pk, sk)
        if sk != APPENDED:
            yield partition_hash(pk)


def _settled(connection: sqlite3.Connection, hashes: Sequence[int]) -> list[tuple[int, int]]:
    """Returns the places of those hashes that are in the table, each with a page."""
    return connection.execute(_select_pages(len(hashes)), hashes).fetchall()


def _read(connection: sqlite3.Connection, numbers: Iterable[int]) -> Iterator[tuple[int, Page]]:
    """Yields those of the pages that there are."""
    for number in numbers:
        for (body,) in connection.execute(_PAGE, (number,)).fetchall():
            yield number, decoded(body)


def _insert(
    connection: sqlite3.Connection, table: str, rows: Sequence[tuple[int, int | None]]
) -> None:
    if rows:
        # In the order of the tree, which halves the time.
        values = list(chain.from_iterable(sorted(rows)))
        connection.execute(_insertion(table, len(rows)), values)


@lru_cache
def _insertion(table: str, rows: int) -> str:
    return f"INSERT OR IGNORE INTO {table} VALUES {', '.join(['(?, ?)'] * rows)}"  # noqa: S608


@lru_cache
def _select_pages(hashes: int) -> str:
    wanted = ", ".join(f"({index}, ?)" for index in range(hashes))
    return (
        f"WITH wanted (place, pk_hash) AS (VALUES {wanted})"  # noqa: S608
        " SELECT place, page FROM wanted CROSS JOIN record USING (pk_hash)"
    )
