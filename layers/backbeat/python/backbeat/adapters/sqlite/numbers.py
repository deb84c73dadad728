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
    """The numbers of a stored item, read and made numbers when they are asked for.

    Items may have many, of which their reader wants few or none.
    """

    __slots__ = ("_stored", "_texts")

    def __init__(self, stored: str) -> None:
        self._stored = stored
        self._texts: Mapping[str, str] | None = None

    def __getitem__(self, name: str) -> Decimal:
        return Decimal(self._all()[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def _all(self) -> Mapping[str, str]:
        if self._texts is None:
            self._texts = _decoder.decode(self._stored)
        return self._texts


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
    return _NONE if stored is None else _StoredNumbers(stored)


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
