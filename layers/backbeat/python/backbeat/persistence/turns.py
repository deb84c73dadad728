"""A store whose counting of usage takes turns: of those who read the same turn, one may count."""

from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from backbeat.models.base import Model
from backbeat.models.errors import InvalidArgument, Retryable
from backbeat.persistence.entities import from_item, to_item
from backbeat.ports.store import (
    Absent,
    Add,
    Append,
    Contention,
    Effect,
    Item,
    Key,
    Page,
    Put,
    Query,
    Store,
    TransactionCancelled,
    Version,
)


class Overtaken(Retryable):
    """Somebody else took the turn. Nothing of the transaction was written."""

    def __init__(self) -> None:
        super().__init__("Others were counting the same usage. Send the same events again.")


class _Turn(Model):
    """`open_since` is real time: something that belongs to the turn may be still to be written."""

    open_since: datetime | None = None


@dataclass(slots=True)
class TurnedStore:
    """Implements `Store` by another one.

    `turns` are those that were read, with their items; `open_ones` are to be closed when all is
    written. `stored` gathers the ends of the keys of events that this one, and those before it that
    were given the same set, wrote.
    """

    inner: Store
    turns: dict[Key, Item | None]
    open_ones: Collection[Key]
    now: Callable[[], datetime]
    stored: set[str] = field(default_factory=set)

    @property
    def max_effects(self) -> int:
        """See `Store.max_effects`."""
        return self.inner.max_effects - len(self.turns)

    def get(self, key: Key) -> Item | None:
        """See `Store.get`."""
        return self.inner.get(key)

    def get_many(self, keys: Iterable[Key]) -> dict[Key, Item]:
        """See `Store.get_many`."""
        return self.inner.get_many(keys)

    def query(self, query: Query) -> Page:
        """See `Store.query`."""
        return self.inner.query(query)

    def put_many(self, items: Iterable[Item]) -> None:
        """See `Store.put_many`."""
        self.inner.put_many(items)

    def items_of(self, tenant: str, *, limit: int) -> list[Item]:
        """See `Store.items_of`."""
        return self.inner.items_of(tenant, limit=limit)

    def transact(self, effects: Sequence[Effect]) -> None:
        """See `Store.transact`.

        Raises:
            Overtaken: somebody else took one of the turns.
            InvalidArgument: beside the turns there was no room for a single event.
        """
        if not any(_counts(effect) for effect in effects):
            self.inner.transact(effects)
            return
        taken = [self._taken(key, before) for key, before in self.turns.items()]
        own = sum(len(one.records) if isinstance(one, Append) else 1 for one in effects)
        if own == 0:
            raise InvalidArgument("one event counts for more metrics than can be stored at once")
        try:
            self.inner.transact([*effects, *taken])
        except TransactionCancelled as cancelled:
            if any(failure.index >= own for failure in cancelled.failures):
                raise Overtaken from cancelled
            raise
        except Contention as contention:
            raise Overtaken from contention
        self.turns.update((put.item.key, put.item) for put in taken)
        for effect in effects:
            if isinstance(effect, Append):
                self.stored.update(record.id for record in effect.records)

    def close(self) -> None:
        """Says that nothing is left to be written. What was not closed in time is as good as lost.

        A turn that somebody took since is theirs to close.
        """
        for key in self.open_ones:
            item = self.turns[key]
            if item is not None and opened_at(item) is not None:
                closed = to_item(key, _Turn(), version=item.version + 1)
                with suppress(TransactionCancelled, Contention):
                    self.inner.transact([Put(closed, Version(item.version))])

    def _taken(self, key: Key, before: Item | None) -> Put:
        turn = _Turn(open_since=self.now() if key in self.open_ones else None)
        if before is None:
            return Put(to_item(key, turn), Absent())
        return Put(to_item(key, turn, version=before.version + 1), Version(before.version))


def opened_at(turn: Item) -> datetime | None:
    """Returns since when something of a turn may be still to be written; None: all is."""
    return from_item(turn, _Turn).open_since


def _counts(effect: Effect) -> bool:
    # Events, or the cells of one that takes the place of another.
    if isinstance(effect, Add):
        return effect.item.entity == "Cells"
    return isinstance(effect, Append)
