"""A store that counts, fails and dies as told."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from backbeat.ports.store import MAX_EFFECTS, Effect, Item, Key, Page, Query, Store


class Crash(BaseException):
    """The process is gone. No `except Exception` may hold it up."""


@dataclass
class WatchedStore:
    """Implements `Store` by another one. `writes` counts calls that wrote something.

    `before` and `after` are called around each writing call; what they raise comes through.
    `looking` is called before an item is read by its key.
    `unseen` hides what it holds for from queries of the secondary indexes, as if they were late.
    """

    inner: Store
    writes: int = 0
    before: Callable[[], None] = lambda: None
    after: Callable[[], None] = lambda: None
    looking: Callable[[Key], None] = lambda key: None
    unseen: Callable[[Item], bool] = field(default=lambda item: False)

    @property
    def max_effects(self) -> int:
        # What DynamoDB takes, so that crashes between the parts of a request are met here, too.
        return MAX_EFFECTS

    def get(self, key: Key) -> Item | None:
        self.looking(key)
        return self.inner.get(key)

    def get_many(self, keys: Iterable[Key]) -> dict[Key, Item]:
        return self.inner.get_many(keys)

    def query(self, query: Query) -> Page:
        page = self.inner.query(query)
        return Page(tuple(item for item in page.items if not self.unseen(item)), page.cursor)

    def transact(self, effects: Sequence[Effect]) -> None:
        self._write(lambda: self.inner.transact(effects))

    def put_many(self, items: Iterable[Item]) -> None:
        several = list(items)
        if all(item.entity == "LoggedRequest" for item in several):
            # The log of requests tells of what was asked for, and changes nothing.
            self.inner.put_many(several)
        else:
            self._write(lambda: self.inner.put_many(several))

    def items_of(self, tenant: str, *, limit: int) -> list[Item]:
        return self.inner.items_of(tenant, limit=limit)

    def _write(self, write: Callable[[], Any]) -> None:
        self.before()
        write()
        self.writes += 1
        self.after()
