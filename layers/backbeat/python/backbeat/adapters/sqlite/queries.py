"""Pages of one partition: the statement of a query, and its cursors."""

import hashlib
import sqlite3
from dataclasses import dataclass
from typing import Final

import msgspec

from backbeat.adapters.sqlite.rows import (
    ITEM_COLUMNS,
    ItemColumns,
    from_row,
    index_hash,
    partition_hash,
)
from backbeat.ports.store import BadCursor, Index, Item, Page, Query

_PAGE_ITEMS: Final = 10_000
"""Items in a page when the query names no limit."""


@dataclass(frozen=True, slots=True)
class _Order:
    """How an index is read. Sort keys of a secondary one repeat; there the row id decides."""

    partition: str
    sort: str
    unique: bool = False


_ORDERS: Final = {
    Index.BASE: _Order("pk_hash = ?", "sk", unique=True),
    Index.GSI1: _Order("gsi1_hash = ? AND gsi1pk = ?", "gsi1sk"),
    Index.GSI2: _Order("gsi2pk = ?", "gsi2sk"),
}


class _Cursor(msgspec.Struct, array_like=True):
    """Behind which row the next page begins; the row id only where sort keys repeat."""

    query: str
    sort: str
    row_id: int | None


def page(connection: sqlite3.Connection, query: Query) -> Page:
    """Returns one page of a query.

    Raises:
        BadCursor: the cursor does not belong to this query.
    """
    limit = _PAGE_ITEMS if query.limit is None else query.limit
    statement, values = _statement(query)
    rows: list[ItemColumns] = connection.execute(statement, (*values, limit + 1)).fetchall()
    cursor = None
    if len(rows) > limit:
        rows.pop()
        cursor = _cursor_behind(query, rows[-1])
    if query.index is Index.GSI2:
        return Page(tuple(_only_keys(row) for row in rows), cursor)
    return Page(tuple(from_row(row) for row in rows), cursor)


def _statement(query: Query) -> tuple[str, list[object]]:
    """Returns the statement and its values but for the limit."""
    order = _ORDERS[query.index]
    comparison, direction = (">", "ASC") if query.forward else ("<", "DESC")
    conditions, values = [order.partition], _partition(query)
    if query.low is not None:
        conditions.append(f"{order.sort} >= ?")
        values.append(query.low)
    if query.high is not None:
        conditions.append(f"{order.sort} < ?")
        values.append(query.high)
    if query.cursor is not None:
        cursor = _decode(query)
        if order.unique:
            conditions.append(f"{order.sort} {comparison} ?")
            values.append(cursor.sort)
        else:
            conditions.append(f"({order.sort}, id) {comparison} (?, ?)")
            values += [cursor.sort, cursor.row_id]
    sorting = f"{order.sort} {direction}"
    if not order.unique:
        sorting += f", id {direction}"
    where = " AND ".join(conditions)
    return f"SELECT {ITEM_COLUMNS} FROM item WHERE {where} ORDER BY {sorting} LIMIT ?", values  # noqa: S608


def _partition(query: Query) -> list[object]:
    match query.index:
        case Index.BASE:
            return [partition_hash(query.pk)]
        case Index.GSI1:
            return [index_hash(query.pk), query.pk]
        case Index.GSI2:
            return [query.pk]


def _only_keys(row: ItemColumns) -> Item:
    item = from_row(row)
    return Item(item.key, entity="", doc=b"", version=0, gsi2=item.gsi2)


def _fingerprint(query: Query) -> str:
    parts = (query.index.value, query.pk, query.low, query.high, query.forward)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def _cursor_behind(query: Query, row: ItemColumns) -> str:
    _, sk, _, _, _, _, _, gsi1sk, _, gsi2sk, _, row_id = row
    match query.index:
        case Index.BASE:
            cursor = _Cursor(_fingerprint(query), sk, None)
        case Index.GSI1:
            cursor = _Cursor(_fingerprint(query), gsi1sk or "", row_id)
        case Index.GSI2:
            cursor = _Cursor(_fingerprint(query), gsi2sk or "", row_id)
    return msgspec.json.encode(cursor).hex()


def _decode(query: Query) -> _Cursor:
    try:
        cursor = msgspec.json.decode(bytes.fromhex(query.cursor or ""), type=_Cursor)
    except (ValueError, msgspec.DecodeError) as error:
        raise BadCursor from error
    if cursor.query != _fingerprint(query):
        raise BadCursor
    return cursor
