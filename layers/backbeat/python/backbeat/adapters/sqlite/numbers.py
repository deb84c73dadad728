"""Exact counters as SQLite stores them: a JSON object of decimal strings."""

from collections.abc import Iterator, Mapping
from decimal import Context, Decimal, Inexact
from typing import Final

import msgspec

EXACT: Final = Context(prec=38, traps=[Inexact])
"""38 digits are what DynamoDB keeps; a sum that would need more is refused, not rounded."""

_NONE: Final[Mapping[str, Decimal]] = {}
_decoder: Final = msgspec.json.Decoder(dict[str, str])
_encoder: Final = msgspec.json.Encoder()


class _StoredNumbers(Mapping[str, Decimal]):
    """The numbers of a stored item, each made a number when it is asked for.

    Items may have many, of which their reader wants few.
    """

    __slots__ = ("_texts",)

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts

    def __getitem__(self, name: str) -> Decimal:
        return Decimal(self._texts[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


def encode_numbers(numbers: Mapping[str, Decimal]) -> str | None:
    """Returns the stored form; None when there are no numbers.

    Raises:
        decimal.Inexact: a number has more than 38 significant digits.
    """
    if not numbers:
        return None
    return _encoder.encode({name: EXACT.plus(value) for name, value in numbers.items()}).decode()


def decode_numbers(stored: str | None) -> Mapping[str, Decimal]:
    """Returns the numbers of a stored item."""
    return _NONE if stored is None else _StoredNumbers(_decoder.decode(stored))


def sums(stored: Mapping[str, Decimal], added: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Returns the exact sums by name.

    Raises:
        decimal.Inexact: a sum has more than 38 significant digits.
    """
    total = dict(stored)
    for name, value in added.items():
        total[name] = EXACT.add(total.get(name, Decimal(0)), value)
    return total


def add_numbers(stored: Mapping[str, str], added: Mapping[str, Decimal]) -> str:
    """Returns the stored form of the exact sums by name.

    Raises:
        decimal.Inexact: a sum has more than 38 significant digits.
    """
    total = dict(stored)
    for name, value in added.items():
        total[name] = str(EXACT.add(Decimal(total.get(name, 0)), value))
    return _encoder.encode(total).decode()
