"""The store on SQLite: the same items, keys and order as on DynamoDB."""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from backbeat.adapters.sqlite import queries, statements
from backbeat.adapters.sqlite.database import Database
from backbeat.adapters.sqlite.pages import is_record
from backbeat.adapters.sqlite.records import delete_some_of_tenant, of_tenant
from backbeat.adapters.sqlite.rows import row_key, to_row
from backbeat.adapters.sqlite.transactions import MAX_EFFECTS, Transaction, select
from backbeat.ports.store import Contention, Effect, Item, Key, Page, Query

_FORGET_AT_ONCE: Final = 2000
_FORGET_PAGES_AT_ONCE: Final = 20


class SqliteStore:
    """`ports.store.Store` on one SQLite file."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._records = database.records
        self._remembered = database.remembered

    @property
    def max_effects(self) -> int:
        """See `Store.max_effects`."""
        return MAX_EFFECTS

    def get(self, key: Key) -> Item | None:
        """See `Store.get`."""
        writer = self._database.lend_writer()
        if writer is None:
            with self._database.read() as connection:
                return select(connection, self._records, key)
        try:
            return self._look_up(writer, key)
        finally:
            self._database.return_writer()

    def get_many(self, keys: Iterable[Key]) -> dict[Key, Item]:
        """See `Store.get_many`."""
        writer = self._database.lend_writer()
        if writer is None:
            with self._database.read() as connection:
                return _found(keys, lambda key: select(connection, self._records, key))
        try:
            return _found(keys, lambda key: self._look_up(writer, key))
        finally:
            self._database.return_writer()

    def query(self, query: Query) -> Page:
        """See `Store.query`."""
        with self._database.read() as connection:
            return queries.page(connection, self._records, query)

    def transact(self, effects: Sequence[Effect]) -> None:
        """See `Store.transact`."""
        transaction = Transaction(effects)

        def write(connection: sqlite3.Connection) -> None:
            self._remembered.forget(transaction.touched())
            transaction.apply(connection, self._records)

        self._write(write)

    def put_many(self, items: Iterable[Item]) -> None:
        """See `Store.put_many`."""
        rows, on_records = [], []
        for item in items:
            if is_record(item.key.pk):
                on_records.append(item)
            else:
                rows.append(to_row(item))

        def write(connection: sqlite3.Connection) -> None:
            self._remembered.forget(row[:2] for row in rows)
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
                self._remembered.forget_all()
                deleted = statements.delete_some_of_tenant(connection, tenant, _FORGET_AT_ONCE)
            if deleted < _FORGET_AT_ONCE:
                break
        after: int | None = 0
        while after is not None:
            with self._database.write() as connection:
                after = delete_some_of_tenant(
                    connection, tenant, _FORGET_PAGES_AT_ONCE, after=after
                )

    def _look_up(self, writer: sqlite3.Connection, key: Key) -> Item | None:
        """Returns an item, or None. The caller was lent the writer's connection."""
        # In the middle of a transaction of the same thread, what is there may be undone.
        if is_record(key.pk) or writer.in_transaction:
            return select(writer, self._records, key)
        return self._remembered.get(writer, row_key(key))

    def _write(self, apply: Callable[[sqlite3.Connection], None]) -> None:
        try:
            with self._database.write() as connection:
                apply(connection)
        except sqlite3.OperationalError as error:
            # Another process holds the file's lock for too long.
            if error.sqlite_errorcode in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise Contention from error
            raise


def _found(keys: Iterable[Key], look_up: Callable[[Key], Item | None]) -> dict[Key, Item]:
    found = ((key, look_up(key)) for key in dict.fromkeys(keys))
    return {key: item for key, item in found if item is not None}
