"""Queries that customers write over usage events: `SELECT ... FROM events`.

The table has the columns `event_type`, `timestamp` and, addressed as `properties.<name>`, the
events' properties as texts.
"""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple, Protocol

SqlValue = str | Decimal | None


class EventRow(NamedTuple):
    """An event as a query sees it. `properties` are those the query names, in its order."""

    event_type: str
    timestamp: datetime
    properties: Sequence[str | None]


class BadQuery(Exception):
    """The query is not one that can be run, or it takes too much to run it."""


class SqlSession(Protocol):
    """A query's own table of events, which grows."""

    def add(self, events: Iterable[EventRow]) -> None:
        """Adds events, which come in order of time."""
        ...

    def rows(self) -> list[tuple[SqlValue, ...]]:
        """Returns what the query answers over the events so far.

        Raises:
            BadQuery: it fails, answers too many rows, or takes too long.
        """
        ...


class SqlQuery(Protocol):
    """A query that can be run."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of what it answers, in order; a property goes by its own name."""
        ...

    @property
    def properties(self) -> tuple[str, ...]:
        """The properties it looks at."""
        ...

    def session(self) -> AbstractContextManager[SqlSession]:
        """Opens an empty table."""
        ...


class SqlEngine(Protocol):
    """Runs queries that can read the events given to them, and nothing else."""

    def compile(self, text: str) -> SqlQuery:
        """Returns the query.

        Raises:
            BadQuery: it cannot be run.
        """
        ...
