"""The store on SQLite: the same items, keys and order as on DynamoDB."""

import hashlib
import sqlite3
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final, NamedTuple

import msgspec

from backbeat.adapters.sqlite.database import Database
from backbeat.adapters.sqlite.numbers import decode_numbers, encode_numbers
from backbeat.ports.store import (
    MAX_EFFECTS,
    Absent,
    Add,
    BadCursor,
    Check,
    Contention,
    Delete,
    Effect,
    Failure,
    Greater,
    Index,
    IndexKey,
    Item,
    Key,
    Page,
    Put,
    Query,
    TransactionCancelled,
    Version,
)

_COLUMNS: Final = (
    "pk, sk, entity, version, doc, numbers, gsi1pk, gsi1sk, gsi2pk, gsi2sk, expires_at"
)
_INSERT: Final = f"INSERT INTO item ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
_INSERT_IF_ABSENT: Final = f"{_INSERT} ON CONFLICT (pk, sk) DO NOTHING"
_UPSERT: Final = (
    f"{_INSERT} ON CONFLICT (pk, sk) DO UPDATE SET entity = excluded.entity,"
    " version = excluded.version, doc = excluded.doc, numbers = excluded.numbers,"
    " gsi1pk = excluded.gsi1pk, gsi1sk = excluded.gsi1sk,"
    " gsi2pk = excluded.gsi2pk, gsi2sk = excluded.gsi2sk, expires_at = excluded.expires_at"
)
_REPLACE_VERSION: Final = (
    "UPDATE item SET (entity, version, doc, numbers, gsi1pk, gsi1sk, gsi2pk, gsi2sk, expires_at)"
    " = (?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE pk = ? AND sk = ? AND version = ?"
)
_ADD: Final = (
    f"{_INSERT} ON CONFLICT (pk, sk) DO UPDATE SET"
    " numbers = add_numbers(item.numbers, excluded.numbers)"
)
_SELECT: Final = f"SELECT {_COLUMNS} FROM item WHERE pk = ? AND sk = ?"  # noqa: S608
_DELETE: Final = "DELETE FROM item WHERE pk = ? AND sk = ?"

_FORGET_AT_ONCE: Final = 2000

_PAGE_ITEMS: Final = 10_000
"""Items in a page when the query names no limit."""


class _Order(NamedTuple):
    partition: str
    sort: str


_ORDERS: Final = {
    Index.BASE: _Order("pk", "sk"),
    Index.GSI1: _Order("gsi1pk", "gsi1sk"),
    Index.GSI2: _Order("gsi2pk", "gsi2sk"),
}


class _ConditionFailed(Exception):
    """Leaves the transaction so that it is rolled back."""


class SqliteStore:
    """`ports.store.Store` on one SQLite file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, key: Key) -> Item | None:
        """See `Store.get`."""
        with self._database.read() as connection:
            return _select(connection, key)

    def get_many(self, keys: Iterable[Key]) -> dict[Key, Item]:
        """See `Store.get_many`."""
        with self._database.read() as connection:
            found = ((key, _select(connection, key)) for key in dict.fromkeys(keys))
            return {key: item for key, item in found if item is not None}

    def query(self, query: Query) -> Page:
        """See `Store.query`."""
        order = _ORDERS[query.index]
        comparison, direction = (">", "ASC") if query.forward else ("<", "DESC")
        conditions = [f"{order.partition} = ?"]
        values: list[object] = [query.pk]
        if query.low is not None:
            conditions.append(f"{order.sort} >= ?")
            values.append(query.low)
        if query.high is not None:
            conditions.append(f"{order.sort} < ?")
            values.append(query.high)
        if query.cursor is not None:
            # Index keys repeat, so the row id decides among equal ones.
            conditions.append(f"({order.sort}, id) {comparison} (?, ?)")
            values.extend(_decode_cursor(query))
        columns = "pk, sk" if query.index is Index.GSI2 else _COLUMNS
        limit = _PAGE_ITEMS if query.limit is None else query.limit
        statement = (
            f"SELECT id, {order.sort}, {columns} FROM item WHERE {' AND '.join(conditions)}"  # noqa: S608
            f" ORDER BY {order.sort} {direction}, id {direction} LIMIT ?"
        )
        with self._database.read() as connection:
            rows = connection.execute(statement, (*values, limit + 1)).fetchall()
        cursor = None
        if len(rows) > limit:
            rows.pop()
            cursor = _encode_cursor(query, sort=rows[-1][1], row_id=rows[-1][0])
        if query.index is Index.GSI2:
            items = tuple(
                Item(key=Key(pk, sk), entity="", doc=b"", version=0, gsi2=IndexKey(query.pk, sort))
                for _, sort, pk, sk in rows
            )
        else:
            items = tuple(_item(row[2:]) for row in rows)
        return Page(items, cursor)

    def transact(self, effects: Sequence[Effect]) -> None:
        """See `Store.transact`."""
        _refuse_impossible(effects)
        try:
            with self._database.write() as connection:
                try:
                    for kind, run in groupby(effects, key=_batch_kind):
                        _apply(connection, kind, list(run))
                except _ConditionFailed:
                    connection.execute("ROLLBACK")
                    connection.execute("BEGIN IMMEDIATE")
                    # Still under the lock: what is found now is what was in the way.
                    raise TransactionCancelled(_failures(connection, effects)) from None
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise Contention from error
            raise

    def put_many(self, items: Iterable[Item]) -> None:
        """See `Store.put_many`."""
        rows = [_row(item) for item in items]
        with self._database.write() as connection:
            connection.executemany(_UPSERT, rows)

    def forget(self, tenant: str) -> None:
        """Deletes every item of a tenant. Others write in between, since it may be many."""
        condition = "pk = ? OR (pk > ? AND pk < ?)"
        bounds = (tenant, f"{tenant}#", f"{tenant}$")
        while True:
            with self._database.write() as connection:
                deleted = connection.execute(
                    "DELETE FROM item WHERE id IN"  # noqa: S608
                    f" (SELECT id FROM item WHERE {condition} LIMIT ?)",
                    (*bounds, _FORGET_AT_ONCE),
                ).rowcount
            if deleted < _FORGET_AT_ONCE:
                return


def _refuse_impossible(effects: Sequence[Effect]) -> None:
    if not 1 <= len(effects) <= MAX_EFFECTS:
        raise ValueError(f"a transaction holds 1 to {MAX_EFFECTS} effects, not {len(effects)}")
    if len({_key(effect) for effect in effects}) != len(effects):
        raise ValueError("a transaction touches each key once")


def _key(effect: Effect) -> Key:
    match effect:
        case Put(item) | Add(item):
            return item.key
        case Delete(key) | Check(key):
            return key


def _batch_kind(effect: Effect) -> str:
    """Neighbouring effects of one kind go to SQLite as one statement with many rows."""
    match effect:
        case Put(condition=None):
            return "put"
        case Put(condition=Absent()):
            return "put if absent"
        case Add():
            return "add"
        case _:
            return "single"


def _apply(connection: sqlite3.Connection, kind: str, effects: list[Effect]) -> None:
    if kind == "single":
        for effect in effects:
            _apply_one(connection, effect)
        return
    rows = [_row(effect.item) for effect in effects if isinstance(effect, Put | Add)]
    match kind:
        case "put":
            connection.executemany(_UPSERT, rows)
        case "add":
            connection.executemany(_ADD, rows)
        case _:
            if connection.executemany(_INSERT_IF_ABSENT, rows).rowcount != len(rows):
                raise _ConditionFailed


def _apply_one(connection: sqlite3.Connection, effect: Effect) -> None:
    match effect:
        case Put(item, Version(number)):
            row = _row(item)
            done = connection.execute(_REPLACE_VERSION, (*row[2:], *row[:2], number)).rowcount == 1
        case Put(item):
            done = _holds(effect, _select(connection, item.key))
            connection.execute(_UPSERT, _row(item))
        case Delete(key, None):
            connection.execute(_DELETE, key)
            done = True
        case Delete(key, Version(number)):
            done = connection.execute(f"{_DELETE} AND version = ?", (*key, number)).rowcount == 1
        case Check(key):
            done = _holds(effect, _select(connection, key))
        case Add(item):
            connection.execute(_ADD, _row(item))
            done = True
    if not done:
        raise _ConditionFailed


def _holds(effect: Effect, stored: Item | None) -> bool:
    match effect:
        case Put(item, Greater(attribute)):
            return (
                stored is None
                or attribute not in stored.numbers
                or stored.numbers[attribute] < item.numbers[attribute]
            )
        case Put(condition=Absent()) | Check(condition=Absent()):
            return stored is None
        case (
            Put(condition=Version(number))
            | Delete(condition=Version(number))
            | Check(condition=Version(number))
        ):
            return stored is not None and stored.version == number
        case _:
            return True


def _failures(connection: sqlite3.Connection, effects: Sequence[Effect]) -> list[Failure]:
    found = (
        (index, effect, _select(connection, _key(effect))) for index, effect in enumerate(effects)
    )
    return [Failure(index, stored) for index, effect, stored in found if not _holds(effect, stored)]


def _select(connection: sqlite3.Connection, key: Key) -> Item | None:
    row = connection.execute(_SELECT, key).fetchone()
    return None if row is None else _item(row)


_Row = tuple[
    str, str, str, int, bytes, bytes | None,
    str | None, str | None, str | None, str | None, int | None,
]  # fmt: skip


def _row(item: Item) -> _Row:
    gsi1pk, gsi1sk = item.gsi1 or (None, None)
    gsi2pk, gsi2sk = item.gsi2 or (None, None)
    pk, sk = item.key
    return (
        pk, sk, item.entity, item.version, item.doc, encode_numbers(item.numbers),
        gsi1pk, gsi1sk, gsi2pk, gsi2sk, item.expires_at,
    )  # fmt: skip


def _item(row: _Row) -> Item:
    pk, sk, entity, version, doc, numbers, gsi1pk, gsi1sk, gsi2pk, gsi2sk, expires_at = row
    return Item(
        Key(pk, sk),
        entity,
        doc,
        version,
        decode_numbers(numbers),
        None if gsi1pk is None or gsi1sk is None else IndexKey(gsi1pk, gsi1sk),
        None if gsi2pk is None or gsi2sk is None else IndexKey(gsi2pk, gsi2sk),
        expires_at,
    )


class _Cursor(msgspec.Struct, array_like=True):
    query: str
    sort: str
    row_id: int


def _fingerprint(query: Query) -> str:
    parts = (query.index.value, query.pk, query.low, query.high, query.forward)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def _encode_cursor(query: Query, *, sort: str, row_id: int) -> str:
    return msgspec.json.encode(_Cursor(_fingerprint(query), sort, row_id)).hex()


def _decode_cursor(query: Query) -> tuple[str, int]:
    try:
        cursor = msgspec.json.decode(bytes.fromhex(query.cursor or ""), type=_Cursor)
    except (ValueError, msgspec.DecodeError) as error:
        raise BadCursor from error
    if cursor.query != _fingerprint(query):
        raise BadCursor
    return cursor.sort, cursor.row_id
