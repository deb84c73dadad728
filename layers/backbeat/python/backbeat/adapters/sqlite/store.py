"""The store on SQLite: the same items, keys and order as on DynamoDB."""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from backbeat.adapters.sqlite import queries, statements
from backbeat.adapters.sqlite.database import Database
from backbeat.adapters.sqlite.pages import is_record
from backbeat.adapters.sqlite.records import delete_some_of_tenant, of_tenant
from backbeat.adapters.sqlite.rows import to_row
from backbeat.adapters.sqlite.transactions import MAX_EFFECTS, Transaction, select
from backbeat.ports.store import Contention, Effect, Item, Key, Page, Query

_FORGET_AT_ONCE: Final = 2000
_FORGET_PAGES_AT_ONCE: Final = 20


class SqliteStore:
    """`ports.store.Store` on one SQLite file."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._records = database.records

    @property
    def max_effects(self) -> int:
        """See `Store.max_effects`."""
        return MAX_EFFECTS

    def get(self, key: Key) -> Item | None:
        """See `Store.get`."""
        with self._database.glance() as connection:
            return select(connection, self._records, key)

    def get_many(self, keys: Iterable[Key]) -> dict[Key, Item]:
        """See `Store.get_many`."""
        with self._database.glance() as connection:
            found = ((key, select(connection, self._records, key)) for key in dict.fromkeys(keys))
            return {key: item for key, item in found if item is not None}

    def query(self, query: Query) -> Page:
        """See `Store.query`."""
        with self._database.read() as connection:
            return queries.page(connection, self._records, query)

    def transact(self, effects: Sequence[Effect]) -> None:
        """See `Store.transact`."""
        transaction = Transaction(effects)
        self._write(lambda connection: transaction.apply(connection, self._records))

    def put_many(self, items: Iterable[Item]) -> None:
        """See `Store.put_many`."""
        rows, on_records = [], []
        for item in items:
            if is_record(item.key.pk):
                on_records.append(item)
            else:
                rows.append(to_row(item))

        def write(connection: sqlite3.Connection) -> None:
            statements.upsert(connection, rows)
            if on_records:
                self._records.catch_up(connection)
                self._records.replace(connection, on_records)

        self._write(write)

    def items_of(self, tenant: str, *, limit: int) -> list[Item]:
        """See `Store.items_of`."""
        with self._database.read() as connection, self._records.snapshot(connection):
            found = statements.select_of_tenant(connection, tenant, limit)
            found += of_tenant(connection, tenant, limit)
        return sorted(found, key=lambda item: item.key)[:limit]

    def forget(self, tenant: str) -> None:
        """Deletes every item of a tenant. Others write in between, since it may be many."""
        while True:
            with self._database.write() as connection:
                deleted = statements.delete_some_of_tenant(connection, tenant, _FORGET_AT_ONCE)
            if deleted < _FORGET_AT_ONCE:
                break
        after: int | None = 0
        while after is not None:
            with self._database.write() as connection:
                after = delete_some_of_tenant(
                    connection, tenant, _FORGET_PAGES_AT_ONCE, after=after
                )

    def _write(self, apply: Callable[[sqlite3.Connection], None]) -> None:
        try:
            with self._database.write() as connection:
                apply(connection)
        except sqlite3.OperationalError as error:
            # Another process holds the file's lock for too long.
            if error.sqlite_errorcode in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise Contention from error
            raise
