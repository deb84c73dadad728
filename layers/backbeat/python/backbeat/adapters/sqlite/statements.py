"""The statements on the `item` table.

Those for many rows take all of them at once. Beginning a statement costs as much as a row does; and
around each step of one the interpreter's lock is given up and taken back, for which a thread waits
as long as others compute.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, Final

import msgspec

from backbeat.adapters.sqlite.rows import (
    ALL_COLUMNS,
    ITEM_COLUMNS,
    PARTITION_BYTES,
    Row,
    RowKey,
    from_row,
    tenant_hash,
)
from backbeat.ports.store import Item

_ONE_ROW: Final = f"({', '.join('?' * (ALL_COLUMNS.count(',') + 1))})"
_PAIR: Final = "(?, ?)"

_SELECT: Final = f"SELECT {ITEM_COLUMNS} FROM item WHERE pk_hash = ? AND sk = ?"  # noqa: S608
_UPSERT: Final = (
    f"INSERT INTO item ({ALL_COLUMNS}) VALUES {_ONE_ROW}"  # noqa: S608
    " ON CONFLICT (pk_hash, sk) DO UPDATE SET entity = excluded.entity,"
    " version = excluded.version, doc = excluded.doc, numbers = excluded.numbers,"
    " gsi1_hash = excluded.gsi1_hash, gsi1pk = excluded.gsi1pk, gsi1sk = excluded.gsi1sk,"
    " gsi2pk = excluded.gsi2pk, gsi2sk = excluded.gsi2sk, expires_at = excluded.expires_at"
)
_DELETE: Final = "DELETE FROM item WHERE pk_hash = ? AND sk = ?"
# Tenants may share a hash. "$" comes next after "#".
_OF_TENANT: Final = "pk_hash BETWEEN ? AND ? AND (pk = ? OR (pk > ? AND pk < ?))"
_SELECT_OF_TENANT: Final = (
    f"SELECT {ITEM_COLUMNS} FROM item WHERE {_OF_TENANT} ORDER BY pk, sk LIMIT ?"  # noqa: S608
)
_DELETE_SOME_OF_TENANT: Final = (
    f"DELETE FROM item WHERE id IN (SELECT id FROM item WHERE {_OF_TENANT} LIMIT ?)"  # noqa: S608
)

# A cross join looks up a key at a time by the index; with IN, all of the table would be read.
_LOOK_UP: Final = (
    "FROM wanted CROSS JOIN item ON item.pk_hash = wanted.pk_hash AND item.sk = wanted.sk"
)

_found: Final = msgspec.json.Decoder(list[tuple[int, int, dict[str, str]]])


def select(connection: sqlite3.Connection, key: RowKey) -> Item | None:
    """Returns an item, or None."""
    row = connection.execute(_SELECT, key).fetchone()
    return None if row is None else from_row(row)


def select_taken(connection: sqlite3.Connection, keys: Sequence[RowKey]) -> set[RowKey]:
    """Returns those of the keys that have an item."""
    if not keys:
        return set()
    return set(connection.execute(_select_taken(len(keys)), _flat(keys)).fetchall())


def select_numbers(
    connection: sqlite3.Connection, keys: Sequence[RowKey]
) -> dict[RowKey, tuple[int, dict[str, str]]]:
    """Returns row id and numbers of those items that exist."""
    if not keys:
        return {}
    [found] = connection.execute(_select_numbers(len(keys)), _flat(keys)).fetchone()
    return {keys[place]: (row_id, numbers) for place, row_id, numbers in _found.decode(found)}


def insert_new(connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
    """Inserts rows whose keys are not there yet."""
    if not rows:
        return
    inserted = connection.execute(_insert(len(rows)), _flat(rows)).rowcount
    if inserted != len(rows):
        raise sqlite3.IntegrityError(f"{len(rows) - inserted} rows could not be inserted")


def set_numbers(connection: sqlite3.Connection, numbers: Sequence[tuple[int, str]]) -> None:
    """Replaces the stored numbers of rows by their ids."""
    if numbers:
        connection.execute(_set_numbers(len(numbers)), _flat(numbers))


def upsert(connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
    """Inserts rows or replaces those that have their keys."""
    if rows:
        connection.executemany(_UPSERT, rows)


def delete(connection: sqlite3.Connection, keys: Sequence[RowKey]) -> None:
    """Deletes rows. Those that are not there are fine."""
    if keys:
        connection.executemany(_DELETE, keys)


def select_of_tenant(connection: sqlite3.Connection, tenant: str, limit: int) -> list[Item]:
    """Returns up to `limit` items of a tenant in the order of their keys."""
    values = (*_of_tenant(tenant), limit)
    return [from_row(row) for row in connection.execute(_SELECT_OF_TENANT, values)]


def delete_some_of_tenant(connection: sqlite3.Connection, tenant: str, limit: int) -> int:
    """Deletes up to `limit` items of a tenant; returns how many."""
    return connection.execute(_DELETE_SOME_OF_TENANT, (*_of_tenant(tenant), limit)).rowcount


def _of_tenant(tenant: str) -> tuple[object, ...]:
    low = tenant_hash(tenant)
    return low, low + b"\xff" * PARTITION_BYTES, tenant, f"{tenant}#", f"{tenant}$"


def _flat(rows: Iterable[tuple[Any, ...]]) -> list[Any]:
    return list(chain.from_iterable(rows))


@lru_cache
def _insert(rows: int) -> str:
    # OR IGNORE, for without it SQLite prepares to undo the one statement, which doubles the time.
    # That nothing is ignored is for the caller to see to.
    return f"INSERT OR IGNORE INTO item ({ALL_COLUMNS}) VALUES {_repeated(_ONE_ROW, rows)}"  # noqa: S608


@lru_cache
def _select_taken(keys: int) -> str:
    return f"{_wanted(keys)} SELECT item.pk_hash, item.sk {_LOOK_UP}"


@lru_cache
def _select_numbers(keys: int) -> str:
    # As one row, because the interpreter's lock changes hands around each.
    columns = "json_array(wanted.place, item.id, json(coalesce(item.numbers, '{}')))"
    return f"{_wanted(keys)} SELECT json_group_array({columns}) {_LOOK_UP}"


def _wanted(keys: int) -> str:
    places = ", ".join(f"({place}, ?, ?)" for place in range(keys))
    return f"WITH wanted (place, pk_hash, sk) AS (VALUES {places})"


@lru_cache
def _set_numbers(rows: int) -> str:
    return (
        f"WITH changed (id, numbers) AS (VALUES {_repeated(_PAIR, rows)})"  # noqa: S608
        " UPDATE OR IGNORE item SET numbers = changed.numbers"
        " FROM changed WHERE item.id = changed.id"
    )


def _repeated(values: str, count: int) -> str:
    return ", ".join([values] * count)
