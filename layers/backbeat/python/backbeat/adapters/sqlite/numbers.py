"""Exact counters as SQLite stores them: a JSON object of decimal strings."""

from collections.abc import Mapping
from decimal import Context, Decimal, Inexact
from typing import Final

import msgspec

_EXACT: Final = Context(prec=38, traps=[Inexact])
"""38 digits are what DynamoDB keeps; a sum that would need more is refused, not rounded."""

_decoder: Final = msgspec.json.Decoder(dict[str, Decimal])
_encoder: Final = msgspec.json.Encoder()


def encode_numbers(numbers: Mapping[str, Decimal]) -> str | None:
    """Returns the stored form; None when there are no numbers.

    Raises:
        decimal.Inexact: a number has more than 38 significant digits.
    """
    if not numbers:
        return None
    return _encoder.encode({name: _EXACT.plus(value) for name, value in numbers.items()}).decode()


def decode_numbers(stored: str | None) -> dict[str, Decimal]:
    """Returns the numbers of a stored item."""
    return {} if stored is None else _decoder.decode(stored)


def add_numbers(stored: Mapping[str, str], added: Mapping[str, Decimal]) -> str:
    """Returns the stored form of the exact sums by name.

    Numbers stay text but for those that change: an item may have many, of which few do.

    Raises:
        decimal.Inexact: a sum has more than 38 significant digits.
    """
    total = dict(stored)
    for name, value in added.items():
        total[name] = str(_EXACT.add(Decimal(total.get(name, 0)), value))
    return _encoder.encode(total).decode()
