"""The store: five calls that all state goes through, and one for whole sandboxes.

Items live in partitions (`pk`), ordered inside a partition by `sk` as plain strings.
Two further orders exist for the items that carry their keys: `gsi1` holds whole items,
`gsi2` holds keys only and serves work lists (due items, outbox).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import NamedTuple, Protocol


class Key(NamedTuple):
    """Where an item lies: partition and sort key."""

    pk: str
    sk: str


class IndexKey(NamedTuple):
    """An item's place in a secondary index. Need not be unique."""

    pk: str
    sk: str


@dataclass(frozen=True, slots=True)
class Item:
    """One stored thing.

    `doc` is the entity as JSON text in UTF-8, opaque to the store.
    `numbers` are exact counters kept outside `doc` so that `Add` can change them in place.
    `version` starts at 1 and is set by the writer: whoever replaces version n puts n + 1.
    `expires_at` (epoch seconds, real time) lets the store drop the item some time later;
    readers must not rely on it being gone.
    """

    key: Key
    entity: str
    doc: bytes
    version: int = 1
    numbers: Mapping[str, Decimal] = field(default_factory=dict)
    gsi1: IndexKey | None = None
    gsi2: IndexKey | None = None
    expires_at: int | None = None


@dataclass(frozen=True, slots=True)
class Absent:
    """Holds when no item has the key."""


@dataclass(frozen=True, slots=True)
class Version:
    """Holds when the stored item has exactly this version."""

    number: int


@dataclass(frozen=True, slots=True)
class Greater:
    """Holds when nothing is stored or the stored number `attribute` is below the new one."""

    attribute: str


Condition = Absent | Version | Greater


@dataclass(frozen=True, slots=True)
class Put:
    """Writes the whole item, replacing what was there."""

    item: Item
    condition: Condition | None = None


@dataclass(frozen=True, slots=True)
class Add:
    """Adds `item.numbers` to the stored numbers; creates the item when it is absent.

    Everything else of `item` is used only for the creation.
    """

    item: Item


@dataclass(frozen=True, slots=True)
class Delete:
    """Removes the item. Without a condition an absent item is fine."""

    key: Key
    condition: Version | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """Changes nothing; the transaction only commits when the condition holds."""

    key: Key
    condition: Absent | Version


JOURNAL = "#EVT#"
"""What the partitions of records contain, and no others.

Records come many at once, are read seldom and hardly ever changed: usage events. A store may keep
those that come together in one place. They have no place in `gsi2`.
"""

APPENDED = "EVT"
"""The sort key of records that are appended."""


class Record(NamedTuple):
    """One of the items of an `Append`: the end of its partition key, and what differs."""

    id: str
    doc: bytes
    gsi1: IndexKey
    numbers: Mapping[str, Decimal] = {}


@dataclass(frozen=True, slots=True)
class Append:
    """Creates items unless their keys are taken: what a `Put` with `Absent` for each would do.

    `journal` is what their partition keys begin with, and ends in `JOURNAL`.
    """

    journal: str
    entity: str
    records: Sequence[Record]
    expires_at: int | None = None

    def items(self) -> list[Item]:
        """Returns the items to be created."""
        return [
            Item(
                Key(self.journal + record.id, APPENDED),
                self.entity,
                record.doc,
                numbers=record.numbers,
                gsi1=record.gsi1,
                expires_at=self.expires_at,
            )
            for record in self.records
        ]


Effect = Put | Add | Delete | Check | Append

MAX_EFFECTS = 100
"""Effects a transaction may hold on every store (DynamoDB's limit)."""

MAX_DOC_BYTES = 350 * 1024
"""What a document may have. DynamoDB stops at 400 KB an item; keys and numbers need the rest."""


class DocTooLarge(ValueError):
    """The document does not fit into one item."""

    def __init__(self, item: Item) -> None:
        super().__init__(
            f"{item.entity} {item.key}: document of {len(item.doc)} bytes,"
            f" at most {MAX_DOC_BYTES} fit"
        )


@dataclass(frozen=True, slots=True)
class Failure:
    """An effect whose condition did not hold, and the item that was in the way, if any.

    In the counting of `index`, the records of an `Append` are an effect each.
    """

    index: int
    item: Item | None


class TransactionCancelled(Exception):
    """Nothing of the transaction was written because conditions failed."""

    def __init__(self, failures: Sequence[Failure]) -> None:
        super().__init__(f"{len(failures)} condition(s) failed")
        self.failures = tuple(failures)


class Contention(Exception):
    """Another writer held the same items, or the store was throttled: try again."""


class Index(Enum):
    """The three orders a query can read in."""

    BASE = "base"
    GSI1 = "gsi1"
    GSI2 = "gsi2"


@dataclass(frozen=True, slots=True)
class Query:
    """Items of one partition with `low <= sort key < high`, in key order or reversed.

    `cursor` is what the previous page of the same query returned.
    """

    pk: str
    index: Index = Index.BASE
    low: str | None = None
    high: str | None = None
    forward: bool = True
    limit: int | None = None
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A query's answer. `cursor` is None on the last page.

    Items read through `Index.GSI2` carry keys only: `doc` is empty and `entity` is "".
    """

    items: tuple[Item, ...]
    cursor: str | None = None


class BadCursor(Exception):
    """The cursor was not made by this query."""


class Store(Protocol):
    """Strong reads and all-or-nothing writes; index reads may lag by milliseconds."""

    @property
    def max_effects(self) -> int:
        """How many effects a transaction may hold here: `MAX_EFFECTS` or more.

        The records of an `Append` are an effect each.
        """
        ...

    def get(self, key: Key) -> Item | None:
        """Returns the item, or None."""
        ...

    def get_many(self, keys: Iterable[Key]) -> dict[Key, Item]:
        """Returns those of the items that exist."""
        ...

    def query(self, query: Query) -> Page:
        """Returns one page. Without a limit, a page is whatever the store finds convenient.

        Raises:
            BadCursor: the cursor does not belong to this query.
        """
        ...

    def transact(self, effects: Sequence[Effect]) -> None:
        """Applies 1 to `max_effects` effects on distinct keys, all or none.

        An `Append` comes first.

        Raises:
            DocTooLarge: a document has more than `MAX_DOC_BYTES`.
            ArithmeticError: a number, or a sum, cannot be kept exactly (38 digits can).
            TransactionCancelled: a condition did not hold.
            Contention: the store could not decide now.
        """
        ...

    def put_many(self, items: Iterable[Item]) -> None:
        """Writes any number of items without conditions and without atomicity.

        Raises:
            DocTooLarge: a document has more than `MAX_DOC_BYTES`.
        """
        ...

    def items_of(self, tenant: str, *, limit: int) -> list[Item]:
        """Returns up to `limit` items of a tenant, by partition and sort key.

        For sandboxes only: where tenants do not lie together, all of the store is read for it.
        """
        ...
