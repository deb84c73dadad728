"""Items as rows of the `item` table."""

from functools import lru_cache
from hashlib import blake2b
from typing import Final

from backbeat.adapters.sqlite.numbers import decode_numbers, encode_numbers
from backbeat.ports.store import MAX_DOC_BYTES, DocTooLarge, IndexKey, Item, Key

ITEM_COLUMNS: Final = (
    "pk, sk, entity, version, doc, numbers, gsi1pk, gsi1sk, gsi2pk, gsi2sk, expires_at, id"
)
ALL_COLUMNS: Final = (
    "pk_hash, sk, pk, entity, version, doc, numbers,"
    " gsi1_hash, gsi1pk, gsi1sk, gsi2pk, gsi2sk, expires_at"
)

RowKey = tuple[bytes, str]
"""A partition's hash and a sort key: what finds a row."""

ItemColumns = tuple[
    str, str, str, int, bytes, str | None,
    str | None, str | None, str | None, str | None, int | None, int,
]  # fmt: skip
Row = tuple[
    bytes, str, str, str, int, bytes, str | None,
    int | None, str | None, str | None, str | None, str | None, int | None,
]  # fmt: skip

_TENANT_BYTES: Final = 4
PARTITION_BYTES: Final = 12


def to_row(item: Item) -> Row:
    """Returns an item's values of `ALL_COLUMNS`.

    Raises:
        DocTooLarge: `doc` is larger than `MAX_DOC_BYTES`.
        decimal.Inexact: a number has more than 38 significant digits.
    """
    if len(item.doc) > MAX_DOC_BYTES:
        raise DocTooLarge(item)
    gsi1pk, gsi1sk = item.gsi1 or (None, None)
    gsi2pk, gsi2sk = item.gsi2 or (None, None)
    pk, sk = item.key
    return (
        partition_hash(pk), sk, pk, item.entity, item.version, item.doc,
        encode_numbers(item.numbers),
        None if gsi1pk is None else index_hash(gsi1pk), gsi1pk, gsi1sk, gsi2pk, gsi2sk,
        item.expires_at,
    )  # fmt: skip


def from_row(row: ItemColumns) -> Item:
    """Returns the item of its values of `ITEM_COLUMNS`."""
    pk, sk, entity, version, doc, numbers, gsi1pk, gsi1sk, gsi2pk, gsi2sk, expires_at, _ = row
    return Item(
        Key(pk, sk),
        entity,
        doc,
        version,
        decode_numbers(numbers),
        None if gsi1pk is None or gsi1sk is None else IndexKey(gsi1pk, gsi1sk),
        None if gsi2pk is None or gsi2sk is None else IndexKey(gsi2pk, gsi2sk),
        expires_at,
    )


def row_key(key: Key) -> RowKey:
    """Returns what finds the row of an item."""
    return partition_hash(key.pk), key.sk


@lru_cache(maxsize=4096)
def partition_hash(pk: str) -> bytes:
    """Returns what stands for a partition in `pk_hash`: no two partitions have the same.

    It begins with a hash of the tenant, so that a tenant's items lie together.
    """
    tenant, _, _ = pk.partition("#")
    return tenant_hash(tenant) + blake2b(pk.encode(), digest_size=PARTITION_BYTES).digest()


@lru_cache(maxsize=1024)
def tenant_hash(tenant: str) -> bytes:
    """Returns what the `pk_hash` of a tenant's items begins with. Tenants may share it."""
    return blake2b(tenant.encode(), digest_size=_TENANT_BYTES).digest()


@lru_cache(maxsize=1024)
def index_hash(gsi1pk: str) -> int:
    """Returns what stands for a partition in `gsi1_hash`. Partitions may share it."""
    digest = blake2b(gsi1pk.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
