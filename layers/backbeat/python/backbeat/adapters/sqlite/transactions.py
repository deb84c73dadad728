"""One transaction of the store: first every condition is looked at, then everything is written.

So a transaction that is cancelled has written nothing, and others may share its commit.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from decimal import Decimal

from backbeat.adapters.sqlite import statements
from backbeat.adapters.sqlite.numbers import add_numbers
from backbeat.adapters.sqlite.rows import Row, RowKey, row_key, to_row
from backbeat.ports.store import (
    MAX_EFFECTS,
    Absent,
    Add,
    Check,
    Delete,
    Effect,
    Failure,
    Greater,
    Item,
    Put,
    TransactionCancelled,
    Version,
)


class Transaction:
    """Effects made ready to be applied, so that the write lock is held for as short as can be."""

    def __init__(self, effects: Sequence[Effect]) -> None:
        """Refuses effects that no state of the store would make possible.

        Raises:
            ValueError: there are none or too many, two have one key, or a document is too large.
            decimal.Inexact: a number has more than 38 significant digits.
        """
        if not 1 <= len(effects) <= MAX_EFFECTS:
            raise ValueError(f"a transaction holds 1 to {MAX_EFFECTS} effects, not {len(effects)}")
        self._effects = effects
        self._inserts: dict[int, Row] = {}
        self._checked: dict[int, RowKey] = {}
        self._puts: list[Row] = []
        self._adds: list[tuple[Row, Mapping[str, Decimal]]] = []
        self._deletes: list[RowKey] = []
        if len({self._place(index, effect) for index, effect in enumerate(effects)}) < len(effects):
            raise ValueError("a transaction touches each key once")

    def _place(self, index: int, effect: Effect) -> RowKey:
        """Puts an effect to those of its kind and returns the key it touches."""
        if isinstance(effect, Add):
            row = to_row(effect.item)
            self._adds.append((row, effect.item.numbers))
            return row[:2]
        if isinstance(effect, Put):
            row = to_row(effect.item)
            if isinstance(effect.condition, Absent):
                self._inserts[index] = row
                return row[:2]
            self._puts.append(row)
            key = row[:2]
        else:
            key = row_key(effect.key)
            if isinstance(effect, Delete):
                self._deletes.append(key)
        if effect.condition is not None:
            self._checked[index] = key
        return key

    def apply(self, connection: sqlite3.Connection) -> None:
        """Writes everything if all conditions hold, else nothing.

        Raises:
            TransactionCancelled: a condition does not hold.
            decimal.Inexact: a sum would have more than 38 significant digits.
        """
        if failures := self._failures(connection):
            raise TransactionCancelled(failures)
        created, changed = _sums(connection, self._adds)
        statements.insert_new(connection, [*self._inserts.values(), *created])
        statements.set_numbers(connection, changed)
        statements.upsert(connection, self._puts)
        statements.delete(connection, self._deletes)

    def _failures(self, connection: sqlite3.Connection) -> list[Failure]:
        inserted = [row[:2] for row in self._inserts.values()]
        doubtful = self._checked
        if taken := statements.select_taken(connection, inserted):
            found = {index: row[:2] for index, row in self._inserts.items() if row[:2] in taken}
            doubtful = dict(sorted({**found, **doubtful}.items()))
        failures = []
        for index, key in doubtful.items():
            stored = statements.select(connection, key)
            if not _holds(self._effects[index], stored):
                failures.append(Failure(index, stored))
        return failures


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


def _sums(
    connection: sqlite3.Connection, adds: Sequence[tuple[Row, Mapping[str, Decimal]]]
) -> tuple[list[Row], list[tuple[int, str]]]:
    """Returns the rows that are new, and the sums of the others with their row ids."""
    found = statements.select_numbers(connection, [row[:2] for row, _ in adds])
    created: list[Row] = []
    changed: list[tuple[int, str]] = []
    for row, added in adds:
        stored = found.get(row[:2])
        if stored is None:
            created.append(row)
        else:
            row_id, numbers = stored
            changed.append((row_id, add_numbers(numbers, added)))
    return created, changed
