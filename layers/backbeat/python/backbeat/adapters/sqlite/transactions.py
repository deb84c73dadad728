"""One transaction of the store: first every condition is looked at, then everything is written.

So a transaction that is cancelled has written nothing, and others may share its commit.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import repeat
from typing import Final, TypeAlias

from backbeat.adapters.sqlite import statements
from backbeat.adapters.sqlite.numbers import add_numbers, sums
from backbeat.adapters.sqlite.pages import Page, is_record, page_of_append, pages_of_items
from backbeat.adapters.sqlite.records import Records, key_hashes
from backbeat.adapters.sqlite.rows import Row, RowKey, row_key, to_row
from backbeat.ports.store import (
    APPENDED,
    Absent,
    Add,
    Append,
    Check,
    Delete,
    Effect,
    Failure,
    Greater,
    Item,
    Key,
    Put,
    TransactionCancelled,
    Version,
)

MAX_EFFECTS: Final = 1000
"""So that a request of ingest is one transaction, though its events count several times each."""

_Single: TypeAlias = Put | Add | Delete | Check


class Transaction:
    """Effects made ready to be applied, so that the write lock is held for as short as can be."""

    def __init__(self, effects: Sequence[Effect]) -> None:
        """Refuses effects that no state of the store would make possible.

        Raises:
            ValueError: there are none or too many, two have one key, a record has a place in
                `gsi2`, an `Append` is not the first or its journal none.
            DocTooLarge: a document is too large.
            decimal.Inexact: a number has more than 38 significant digits.
        """
        self._page: Page | None = None
        self._appended: list[tuple[str, str]] = []
        self._hashes: list[int] = []
        self._inserts: dict[int, Row] = {}
        self._checked: dict[int, _Single] = {}
        self._puts: list[Row] = []
        self._adds: dict[RowKey, Item] = {}
        self._deletes: list[RowKey] = []
        self._on_records: list[_Single] = []
        keys: list[tuple[str, str]] = []
        for effect in effects:
            if isinstance(effect, Append):
                if keys:
                    raise ValueError("an Append comes first in a transaction")
                self._append(effect)
                keys += self._appended
            else:
                key = _key_of(effect)
                self._place(len(keys), effect, key)
                keys.append(key)
        if not 1 <= len(keys) <= MAX_EFFECTS:
            raise ValueError(f"a transaction holds 1 to {MAX_EFFECTS} effects, not {len(keys)}")
        if len(set(keys)) < len(keys):
            raise ValueError("a transaction touches each key once")

    def _append(self, append: Append) -> None:
        self._page = page_of_append(append)
        partitions = [append.journal + record.id for record in append.records]
        self._appended = list(zip(partitions, repeat(APPENDED)))
        self._hashes = key_hashes(self._appended)

    def _place(self, index: int, effect: _Single, key: Key) -> None:
        """Puts an effect to those of its kind."""
        if is_record(key.pk):
            self._checked[index] = effect
            self._on_records.append(effect)
            pages_of_items([effect.item] if isinstance(effect, Put | Add) else [])
            return
        match effect:
            case Add(item):
                self._adds[row_key(key)] = item
            case Put(item, Absent()):
                self._inserts[index] = to_row(item)
            case Put(item, condition):
                self._puts.append(to_row(item))
                if condition is not None:
                    self._checked[index] = effect
            case Delete(_, condition):
                self._deletes.append(row_key(key))
                if condition is not None:
                    self._checked[index] = effect
            case Check():
                self._checked[index] = effect

    def touched(self) -> Iterator[RowKey]:
        """Yields the keys of the rows that are written, deleted or looked at for a condition."""
        yield from (row_key(_key_of(effect)) for effect in self._checked.values())
        for row in (*self._inserts.values(), *self._puts):
            yield row[:2]
        yield from self._adds
        yield from self._deletes

    def apply(self, connection: sqlite3.Connection, records: Records) -> None:
        """Writes everything if all conditions hold, else nothing.

        Raises:
            TransactionCancelled: a condition does not hold.
            decimal.Inexact: a sum would have more than 38 significant digits.
        """
        if self._appended or self._on_records:
            records.catch_up(connection)
        if failures := self._failures(connection, records):
            raise TransactionCancelled(failures)
        created, changed = _sums(connection, self._adds)
        written = list(_records_written(connection, records, self._on_records))
        if self._page is not None:
            records.insert(connection, self._page, self._hashes)
        records.replace(connection, written)
        records.remove(connection, (e.key for e in self._on_records if isinstance(e, Delete)))
        statements.insert_new(connection, [*self._inserts.values(), *created])
        statements.set_numbers(connection, changed)
        statements.upsert(connection, self._puts)
        statements.delete(connection, self._deletes)

    def _failures(self, connection: sqlite3.Connection, records: Records) -> list[Failure]:
        failures = [
            Failure(self._appended.index(item.key), item)
            for item in records.taken(connection, self._appended, self._hashes)
        ]
        inserted = [row[:2] for row in self._inserts.values()]
        if taken := statements.select_taken(connection, inserted):
            failures += [
                Failure(index, statements.select(connection, row[:2]))
                for index, row in self._inserts.items()
                if row[:2] in taken
            ]
        for index, effect in self._checked.items():
            stored = select(connection, records, _key_of(effect))
            if not _holds(effect, stored):
                failures.append(Failure(index, stored))
        return sorted(failures, key=lambda failure: failure.index)


def select(connection: sqlite3.Connection, records: Records, key: Key) -> Item | None:
    """Returns an item, or None."""
    if is_record(key.pk):
        return records.select(connection, key)
    return statements.select(connection, row_key(key))


def _key_of(effect: _Single) -> Key:
    return effect.item.key if isinstance(effect, Put | Add) else effect.key


def _holds(effect: _Single, stored: Item | None) -> bool:
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


def _records_written(
    connection: sqlite3.Connection, records: Records, effects: Sequence[_Single]
) -> Iterator[Item]:
    """Yields the records that `Put`s and `Add`s write."""
    for effect in effects:
        if isinstance(effect, Put):
            yield effect.item
        elif isinstance(effect, Add):
            stored = records.select(connection, effect.item.key)
            if stored is None:
                yield effect.item
            else:
                yield replace(stored, numbers=sums(stored.numbers, effect.item.numbers))


def _sums(
    connection: sqlite3.Connection, adds: Mapping[RowKey, Item]
) -> tuple[list[Row], list[tuple[int, str]]]:
    """Returns the rows that are new, and the sums of the others with their row ids."""
    found = statements.select_numbers(connection, list(adds))
    created: list[Row] = []
    changed: list[tuple[int, str]] = []
    for key, item in adds.items():
        stored = found.get(key)
        if stored is None:
            created.append(to_row(item))
        else:
            row_id, numbers = stored
            changed.append((row_id, add_numbers(numbers, item.numbers)))
    return created, changed
