"""The store on SQLite: the same items, keys and order as on DynamoDB."""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from backbeat.adapters.sqlite import queries, statements
from backbeat.adapters.sqlite.database import Database
from backbeat.adapters.sqlite.rows import row_key, to_row
from backbeat.adapters.sqlite.transactions import Transaction
from backbeat.ports.store import Contention, Effect, Item, Key, Page, Query

_FORGET_AT_ONCE: Final = 2000


class SqliteStore:
    """`ports.store.Store` on one SQLite file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, key: Key) -> Item | None:
        """See `Store.get`."""
        with self._database.read() as connection:
            return statements.select(connection, row_key(key))

    def get_many(self, keys: Iterable[Key]) -> dict[Key, Item]:
        """See `Store.get_many`."""
        with self._database.read() as connection:
            found = (
                (key, statements.select(connection, row_key(key))) for key in dict.fromkeys(keys)
            )
            return {key: item for key, item in found if item is not None}

    def query(self, query: Query) -> Page:
        """See `Store.query`."""
        with self._database.read() as connection:
            return queries.page(connection, query)

    def transact(self, effects: Sequence[Effect]) -> None:
        """See `Store.transact`."""
        self._write(Transaction(effects).apply)

    def put_many(self, items: Iterable[Item]) -> None:
        """See `Store.put_many`."""
        rows = [to_row(item) for item in items]
        self._write(lambda connection: statements.upsert(connection, rows))

    def items_of(self, tenant: str, *, limit: int) -> list[Item]:
        """See `Store.items_of`."""
        with self._database.read() as connection:
            return statements.select_of_tenant(connection, tenant, limit)

    def forget(self, tenant: str) -> None:
        """Deletes every item of a tenant. Others write in between, since it may be many."""
        while True:
            with self._database.write() as connection:
                deleted = statements.delete_some_of_tenant(connection, tenant, _FORGET_AT_ONCE)
            if deleted < _FORGET_AT_ONCE:
                return

    def _write(self, apply: Callable[[sqlite3.Connection], None]) -> None:
        try:
            with self._database.write() as connection:
                apply(connection)
        except sqlite3.OperationalError as error:
            # Another process holds the file's lock for too long.
            if error.sqlite_errorcode in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise Contention from error
            raise
