"""SQL metrics on an in-memory SQLite database that holds one customer's events and nothing else.

A query may read that table and call known functions. It cannot attach, write, change settings or
load anything, and what it may cost grows with the events only.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

from backbeat.adapters.sqlite.sql_columns import column_of, property_of, quoted
from backbeat.adapters.sqlite.sql_functions import register
from backbeat.adapters.sqlite.sql_numbers import SqlIn, answered, decimal_of
from backbeat.ports.sql import BadQuery, EventRow, SqlValue

_TABLE: Final = "events"
_MAX_QUERY: Final = 20_000
_MAX_VALUE_BYTES: Final = 4_000_000
_MAX_ROWS: Final = 10_000
_STEPS_AT_ONCE: Final = 1000
_STEPS: Final = 10_000_000
_STEPS_PER_EVENT: Final = 500
"""Instructions of SQLite's machine a query may take, a tenth of a second and some per event."""

_FUNCTIONS: Final = frozenset(
    {
        "abs", "avg", "ceil", "ceiling", "coalesce", "count", "date", "date_trunc", "datetime",
        "dense_rank", "earliest", "exact", "exact_add", "exact_compare", "exact_divide",
        "exact_int", "exact_multiply", "exact_remainder", "exact_subtract", "exact_text",
        "exact_truth", "exact_whole", "first_value", "floor", "glob", "greatest", "ifnull", "iif",
        "instr", "julianday", "lag", "last_value", "latest", "lead", "least", "length", "like",
        "lower", "ltrim", "max", "min", "nullif", "rank", "replace", "round", "row_number",
        "rtrim", "sign", "strftime", "substr", "substring", "sum", "time", "trim", "typeof",
        "upper",
    }
)  # fmt: skip
_LIMITS: Final = {
    sqlite3.SQLITE_LIMIT_LENGTH: _MAX_VALUE_BYTES,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 50,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 200,
    sqlite3.SQLITE_LIMIT_COLUMN: 500,
}


class SqliteSqlEngine:
    """`ports.sql.SqlEngine`."""

    def compile(self, text: str) -> "SqliteQuery":
        """See `SqlEngine.compile`."""
        if len(text) > _MAX_QUERY:
            raise BadQuery(f"longer than {_MAX_QUERY} characters")
        # The parser takes long to import: only those who have SQL metrics wait for it.
        from backbeat.adapters.sqlite.sql_dialect import translate

        translation = translate(text)
        query = SqliteQuery(translation.text, translation.properties)
        with query.session() as session:
            query.columns = session.columns()
        names = [column.lower() for column in query.columns]
        if len(set(names)) < len(names):
            raise BadQuery("two columns have the same name")
        return query


class SqliteQuery:
    """`ports.sql.SqlQuery`."""

    def __init__(self, text: str, properties: tuple[str, ...]) -> None:
        self._text = text
        self.properties = properties
        self.columns: tuple[str, ...] = ()

    @contextmanager
    def session(self) -> Iterator["SqliteSession"]:
        """See `SqlQuery.session`."""
        connection = sqlite3.connect(":memory:", isolation_level=None)
        try:
            yield SqliteSession(connection, self._text, self.properties)
        finally:
            connection.close()


class SqliteSession:
    """`ports.sql.SqlSession`."""

    def __init__(
        self, connection: sqlite3.Connection, text: str, properties: tuple[str, ...]
    ) -> None:
        self._connection = connection
        self._text = text
        self._events = 0
        self._steps = 0
        columns = [quoted(column_of(name)) + " TEXT" for name in properties]
        table = ", ".join(["event_type TEXT", "timestamp TEXT COLLATE instant", *columns])
        self._insert = f"INSERT INTO {_TABLE} VALUES ({', '.join('?' * (2 + len(properties)))})"  # noqa: S608
        register(connection)
        for limit, value in _LIMITS.items():
            connection.setlimit(limit, value)
        try:
            connection.execute(f"CREATE TABLE {_TABLE} ({table})")
        except sqlite3.Error as error:
            raise BadQuery(str(error)) from error
        connection.set_progress_handler(self._is_spent, _STEPS_AT_ONCE)

    def add(self, events: Iterable[EventRow]) -> None:
        """See `SqlSession.add`."""
        rows = [(row.event_type, _text(row.timestamp), *row.properties) for row in events]
        self._connection.set_authorizer(None)
        self._steps = 0
        self._events += len(rows)
        self._connection.executemany(self._insert, rows)

    def rows(self) -> list[tuple[SqlValue, ...]]:
        """See `SqlSession.rows`."""
        with self._run() as cursor:
            found = cursor.fetchmany(_MAX_ROWS + 1)
        if len(found) > _MAX_ROWS:
            raise BadQuery(f"answers more than {_MAX_ROWS} rows")
        return [tuple(map(_value, row)) for row in found]

    def columns(self) -> tuple[str, ...]:
        """Returns the names of what the query answers."""
        with self._run() as cursor:
            return tuple(property_of(column[0]) for column in cursor.description)

    @contextmanager
    def _run(self) -> Iterator[sqlite3.Cursor]:
        self._connection.set_authorizer(_authorize)
        self._steps = 0
        try:
            yield self._connection.execute(self._text)
        except (sqlite3.Error, sqlite3.Warning) as error:
            spent = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT
            raise BadQuery("takes too long" if spent else str(error)) from error

    def _is_spent(self) -> bool:
        self._steps += _STEPS_AT_ONCE
        return self._steps > _STEPS + _STEPS_PER_EVENT * self._events


def _authorize(action: int, one: str | None, two: str | None, *_: object) -> int:
    allowed = (
        action == sqlite3.SQLITE_SELECT
        or (action == sqlite3.SQLITE_READ and one == _TABLE)
        or (action == sqlite3.SQLITE_FUNCTION and str(two).lower() in _FUNCTIONS)
    )
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


def _text(instant: datetime) -> str:
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(" ")


def _value(value: SqlIn) -> SqlValue:
    if value is None or isinstance(value, str):
        return value
    try:
        number = decimal_of(value)
    except ValueError as error:
        raise BadQuery(f"answers {error}, not an exact number") from error
    return None if number is None else answered(number)
