"""Exact counters as SQLite stores them: a JSON object of decimal strings."""

from collections.abc import Mapping
from decimal import Context, Decimal, Inexact
from typing import Final

import msgspec

_EXACT: Final = Context(prec=38, traps=[Inexact])
"""38 digits are what DynamoDB keeps; a sum that would need more is refused, not rounded."""

_ZERO: Final = Decimal(0)
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


def sums(stored: Mapping[str, Decimal], added: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Returns the exact sum by name.

    Raises:
        decimal.Inexact: a sum has more than 38 significant digits.
    """
    total = dict(stored)
    for name, value in added.items():
        total[name] = _EXACT.add(total.get(name, _ZERO), value)
    return total
