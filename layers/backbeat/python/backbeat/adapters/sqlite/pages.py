"""Pages: records that came together, as one compressed value.

A record in a row of its own, with its place in two indexes, takes three times the time and five
times the room.
"""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Final

import msgspec

from backbeat.adapters.sqlite.numbers import EXACT
from backbeat.ports.store import (
    APPENDED,
    JOURNAL,
    MAX_DOC_BYTES,
    Append,
    DocTooLarge,
    IndexKey,
    Item,
    Key,
)

_COMPRESS_ABOVE_BYTES: Final = 1024
_LEVEL: Final = 1
"""Events of a request are much alike: the next level takes twice the time for a tenth less."""

_REMEMBERED_BYTES: Final = 32 * 1024

_COMPRESSED: Final = 0x78
"""What zlib begins with. The array of a page begins with another byte."""


class _Head(msgspec.Struct, array_like=True, frozen=True):
    """What records mostly have in common."""

    sk: str
    entity: str
    version: int
    expires_at: int | None


class Page(msgspec.Struct, array_like=True, frozen=True):
    """Records of one journal, by column. Where one was replaced or removed, its id is None.

    `head_of` and `partition_of` are places in `heads` and in `partitions`, those of `gsi1`.
    """

    journal: str
    heads: list[_Head]
    partitions: list[str]
    ids: list[str | None]
    docs: list[bytes]
    head_of: list[int]
    partition_of: list[int | None]
    sorts: list[str]
    numbers: list[dict[str, str] | None]

    def without(self, place: int) -> "Page":
        """Returns the page with a hole in it."""
        ids = [None if other == place else id_ for other, id_ in enumerate(self.ids)]
        return msgspec.structs.replace(self, ids=ids)

    def places(self, pk: str) -> list[int]:
        """Returns where the records of a partition are."""
        id_ = pk.removeprefix(self.journal)
        if id_ == pk or id_ not in self.ids:
            return []
        return [place for place, other in enumerate(self.ids) if other == id_]

    def places_in(self, gsi1pk: str) -> Iterator[int]:
        """Yields where the records of a partition of `gsi1` are."""
        wanted = self.partitions.index(gsi1pk) if gsi1pk in self.partitions else -1
        for place, partition in enumerate(self.partition_of):
            if partition == wanted and self.ids[place] is not None:
                yield place

    def sk(self, place: int) -> str:
        """Returns a record's sort key."""
        return self.heads[self.head_of[place]].sk

    def item(self, place: int) -> Item:
        """Returns a record as an item."""
        head, partition, numbers = (
            self.heads[self.head_of[place]],
            self.partition_of[place],
            self.numbers[place],
        )
        return Item(
            Key(f"{self.journal}{self.ids[place]}", head.sk),
            head.entity,
            self.docs[place],
            head.version,
            {name: Decimal(text) for name, text in (numbers or {}).items()},
            None if partition is None else IndexKey(self.partitions[partition], self.sorts[place]),
            None,
            head.expires_at,
        )


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(Page)


def is_record(pk: str) -> bool:
    """Tells whether the items of a partition are records."""
    return JOURNAL in pk


def page_of_append(append: Append) -> Page:
    """Returns the page of records that were appended.

    Raises:
        ValueError: the journal is none.
        DocTooLarge: a document is larger than `MAX_DOC_BYTES`.
        decimal.Inexact: a number has more than 38 significant digits.
    """
    if not append.journal.endswith(JOURNAL):
        raise ValueError(f"the journal {append.journal!r} does not end in {JOURNAL!r}")
    for item in append.items() if any(len(r.doc) > MAX_DOC_BYTES for r in append.records) else ():
        _refuse_large(item)
    head = _Head(APPENDED, append.entity, 1, append.expires_at)
    ids, docs, places, numbers = zip(*append.records, strict=True)
    partitions = {pk: place for place, pk in enumerate(dict.fromkeys(pk for pk, _ in places))}
    return Page(
        append.journal,
        [head],
        list(partitions),
        list(ids),
        list(docs),
        [0] * len(ids),
        [partitions[pk] for pk, _ in places],
        [sk for _, sk in places],
        [_texts(each) for each in numbers],
    )


def pages_of_items(items: Sequence[Item]) -> list[Page]:
    """Returns pages of items that are records, one for each journal.

    Raises:
        ValueError: one has a place in `gsi2`.
        DocTooLarge: a document is larger than `MAX_DOC_BYTES`.
        decimal.Inexact: a number has more than 38 significant digits.
    """
    pages: dict[str, Page] = {}
    for item in items:
        _refuse_large(item)
        if item.gsi2 is not None:
            raise ValueError(f"{item.key} is a record and has no place in gsi2")
        before, mark, id_ = item.key.pk.partition(JOURNAL)
        journal = before + mark
        page = pages.setdefault(journal, Page(journal, [], [], [], [], [], [], [], []))
        page.heads.append(_Head(item.key.sk, item.entity, item.version, item.expires_at))
        page.ids.append(id_)
        page.docs.append(item.doc)
        page.head_of.append(len(page.heads) - 1)
        if item.gsi1 is not None and item.gsi1.pk not in page.partitions:
            page.partitions.append(item.gsi1.pk)
        page.partition_of.append(item.gsi1 and page.partitions.index(item.gsi1.pk))
        page.sorts.append(item.gsi1.sk if item.gsi1 else "")
        page.numbers.append(_texts(item.numbers))
    return list(pages.values())


def encoded(page: Page) -> bytes:
    """Returns a page as it is stored."""
    plain = _encoder.encode(page)
    return zlib.compress(plain, _LEVEL) if len(plain) > _COMPRESS_ABOVE_BYTES else plain


def decoded(body: bytes) -> Page:
    """Returns a stored page. It may be shared, and is not to be changed."""
    return _remembered(body) if len(body) <= _REMEMBERED_BYTES else _decoded(body)


def _decoded(body: bytes) -> Page:
    return _decoder.decode(zlib.decompress(body) if body[0] == _COMPRESSED else body)


_remembered = lru_cache(maxsize=64)(_decoded)
"""A request that is sent again meets the same page a hundred times."""


def _refuse_large(item: Item) -> None:
    if len(item.doc) > MAX_DOC_BYTES:
        raise DocTooLarge(item)


def _texts(numbers: Mapping[str, Decimal]) -> dict[str, str] | None:
    return {name: str(EXACT.plus(value)) for name, value in numbers.items()} if numbers else None
