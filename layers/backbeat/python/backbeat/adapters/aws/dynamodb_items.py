"""Items as DynamoDB attributes.

Attributes: `pk`, `sk`, `entity`, `version`, `doc`, `gsi1pk`, `gsi1sk`, `gsi2pk`, `gsi2sk`,
`expires_at`, and one `n_<name>` for each number. `doc` is gzip when it begins with gzip's magic
bytes: short documents stay as they are, unless they begin with those bytes themselves.
"""

import gzip
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from backbeat.ports.store import MAX_DOC_BYTES, DocTooLarge, IndexKey, Item, Key

Attributes = dict[str, Any]

COMPRESS_ABOVE_BYTES = 1024
"""A kilobyte is one write unit: below it there is nothing to save."""

NUMBER_PREFIX = "n_"

_GZIP_MAGIC = b"\x1f\x8b"
_MAX_DIGITS = 38
_MAX_EXPONENT = 125
_MIN_EXPONENT = -130


class NumberOutOfRange(ArithmeticError):
    """DynamoDB could not hold the number exactly."""


def to_attributes(item: Item) -> Attributes:
    """Returns the whole item as attributes.

    Raises:
        DocTooLarge: `doc` is larger than `MAX_DOC_BYTES`.
        NumberOutOfRange: a number has more than 38 digits or too large an exponent.
    """
    attributes = key_attributes(item.key)
    attributes["entity"] = {"S": item.entity}
    attributes["version"] = {"N": str(item.version)}
    attributes["doc"] = {"B": _packed(item)}
    for name, number in item.numbers.items():
        attributes[NUMBER_PREFIX + name] = {"N": number_text(number)}
    attributes.update(optional_attributes(item))
    return attributes


def optional_attributes(item: Item) -> Attributes:
    """Returns the attributes that only some items have: index keys and expiry."""
    attributes: Attributes = {}
    if item.gsi1 is not None:
        attributes["gsi1pk"] = {"S": item.gsi1.pk}
        attributes["gsi1sk"] = {"S": item.gsi1.sk}
    if item.gsi2 is not None:
        attributes["gsi2pk"] = {"S": item.gsi2.pk}
        attributes["gsi2sk"] = {"S": item.gsi2.sk}
    if item.expires_at is not None:
        attributes["expires_at"] = {"N": str(item.expires_at)}
    return attributes


def from_attributes(attributes: Mapping[str, Any]) -> Item:
    """Returns the item. What an index left out reads as empty, and the version as 0."""
    return Item(
        key=key_of(attributes),
        entity=attributes["entity"]["S"] if "entity" in attributes else "",
        doc=_unpacked(attributes["doc"]["B"]) if "doc" in attributes else b"",
        version=int(attributes["version"]["N"]) if "version" in attributes else 0,
        numbers={
            name[len(NUMBER_PREFIX) :]: Decimal(value["N"])
            for name, value in attributes.items()
            if name.startswith(NUMBER_PREFIX)
        },
        gsi1=_index_key(attributes, "gsi1"),
        gsi2=_index_key(attributes, "gsi2"),
        expires_at=int(attributes["expires_at"]["N"]) if "expires_at" in attributes else None,
    )


def key_attributes(key: Key) -> Attributes:
    """Returns the primary key as attributes."""
    return {"pk": {"S": key.pk}, "sk": {"S": key.sk}}


def key_of(attributes: Mapping[str, Any]) -> Key:
    """Returns the primary key found in attributes."""
    return Key(attributes["pk"]["S"], attributes["sk"]["S"])


def number_text(number: Decimal) -> str:
    """Returns the number as DynamoDB reads it.

    Raises:
        NumberOutOfRange: it could not be held exactly.
    """
    if not number.is_finite():
        raise NumberOutOfRange(f"{number} is not a number")
    if number.is_zero():
        return "0"
    digits = number.as_tuple().digits
    significant = len("".join(map(str, digits)).strip("0"))
    if significant > _MAX_DIGITS:
        raise NumberOutOfRange(f"{number} has more than {_MAX_DIGITS} digits")
    if not _MIN_EXPONENT <= number.adjusted() <= _MAX_EXPONENT:
        raise NumberOutOfRange(f"{number} is beyond what DynamoDB can hold")
    return f"{number:f}"


def _packed(item: Item) -> bytes:
    doc = item.doc
    if len(doc) > MAX_DOC_BYTES:
        raise DocTooLarge(item)
    if len(doc) > COMPRESS_ABOVE_BYTES or doc.startswith(_GZIP_MAGIC):
        return gzip.compress(doc, compresslevel=6, mtime=0)
    return doc


def _unpacked(stored: bytes) -> bytes:
    return gzip.decompress(stored) if stored.startswith(_GZIP_MAGIC) else bytes(stored)


def _index_key(attributes: Mapping[str, Any], index: str) -> IndexKey | None:
    pk = attributes.get(f"{index}pk")
    sk = attributes.get(f"{index}sk")
    return None if pk is None or sk is None else IndexKey(pk["S"], sk["S"])
