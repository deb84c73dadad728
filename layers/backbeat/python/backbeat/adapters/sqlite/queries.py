"""Pages of one partition: the statement of a query, and its cursors."""

import hashlib
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Final, NamedTuple, TypeAlias

import msgspec

from backbeat.adapters.sqlite.pages import is_record
from backbeat.adapters.sqlite.records import Records, in_index
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
    column: int
    unique: bool = False


_ORDERS: Final = {
    Index.BASE: _Order("pk_hash = ?", "sk", 1, unique=True),
    Index.GSI1: _Order("gsi1_hash = ? AND gsi1pk = ?", "gsi1sk", 7),
    Index.GSI2: _Order("gsi2pk = ?", "gsi2sk", 9),
}


class _Place(NamedTuple):
    """Where an item is in the order of a query. Where sort keys repeat, records come after rows."""

    sort: str
    row_id: int = 2**63 - 1
    page: int = -1
    number: int = 0


class _Cursor(msgspec.Struct, array_like=True):
    """Behind what the next page begins, and of which query."""

    query: str
    last: _Place


_Found: TypeAlias = tuple[_Place, Callable[[], Item]]
"""An item is made once it is known to be in the page."""


def page(connection: sqlite3.Connection, records: Records, query: Query) -> Page:
    """Returns one page of a query.

    Raises:
        BadCursor: the cursor does not belong to this query.
    """
    last = None if query.cursor is None else _decode(query, query.cursor)
    limit = _PAGE_ITEMS if query.limit is None else query.limit
    if query.index is Index.BASE:
        if not is_record(query.pk):
            return _page_of_rows(connection, query, last, limit)
        found = _in_order(query, last, _records_of(connection, records, query))
    else:
        found = _rows(connection, query, last, limit + 1)
        if query.index is Index.GSI1 and (others := _records_of(connection, records, query)):
            found = _in_order(query, last, [*found, *others])
    cursor = None
    if len(found) > limit:
        cursor = msgspec.json.encode(_Cursor(_fingerprint(query), found[limit - 1][0])).hex()
    return Page(tuple(make() for _, make in found[:limit]), cursor)


def _page_of_rows(
    connection: sqlite3.Connection, query: Query, last: _Place | None, limit: int
) -> Page:
    """Returns a page of what is stored as rows: most of what is read. They come in order."""
    statement, values = _statement(query, last)
    rows: list[ItemColumns] = connection.execute(statement, (*values, limit + 1)).fetchall()
    cursor = None
    if len(rows) > limit:
        behind = _Place(str(rows[limit - 1][_ORDERS[Index.BASE].column]))
        cursor = msgspec.json.encode(_Cursor(_fingerprint(query), behind)).hex()
    return Page(tuple(map(from_row, rows[:limit])), cursor)


def _rows(
    connection: sqlite3.Connection, query: Query, last: _Place | None, limit: int
) -> list[_Found]:
    statement, values = _statement(query, last)
    rows: list[ItemColumns] = connection.execute(statement, (*values, limit)).fetchall()
    column = _ORDERS[query.index].column
    make = _only_keys if query.index is Index.GSI2 else from_row
    return [(_Place(str(row[column]), row[-1]), partial(make, row)) for row in rows]


def _records_of(connection: sqlite3.Connection, records: Records, query: Query) -> list[_Found]:
    """Returns the records of the query's partition, in no order."""
    if query.index is Index.BASE:
        return [
            (_Place(page.sk(number), page=id_, number=number), partial(page.item, number))
            for id_, page, number in records.of_partition(connection, query.pk)
        ]
    return [
        (_Place(page.sorts[number], page=id_, number=number), partial(page.item, number))
        for id_, page, number in in_index(connection, query.pk)
    ]


def _in_order(query: Query, last: _Place | None, found: Iterable[_Found]) -> list[_Found]:
    """Returns what is in the query's range and behind the last page, in order."""
    inside = [
        each
        for each in found
        if (query.low is None or query.low <= each[0].sort)
        and (query.high is None or each[0].sort < query.high)
        and (last is None or (each[0] > last if query.forward else each[0] < last))
    ]
    return sorted(inside, key=lambda each: each[0], reverse=not query.forward)


def _statement(query: Query, last: _Place | None) -> tuple[str, list[object]]:
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
    if last is not None:
        if order.unique:
            conditions.append(f"{order.sort} {comparison} ?")
            values.append(last.sort)
        else:
            conditions.append(f"({order.sort}, id) {comparison} (?, ?)")
            values += [last.sort, last.row_id]
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


def _decode(query: Query, text: str) -> _Place:
    try:
        cursor = msgspec.json.decode(bytes.fromhex(text), type=_Cursor)
    except (ValueError, msgspec.DecodeError) as error:
        raise BadCursor from error
    if cursor.query != _fingerprint(query):
        raise BadCursor
    return cursor.last
