"""Exact numbers inside of queries, which SQLite itself does not have.

A number is a blob whose order is that of the numbers, and equal numbers are equal blobs: so SQLite
compares, sorts and groups them as it does any blob, and functions compute with them as decimals.
"""

import re
from decimal import Context, Decimal
from typing import Final

EXACT: Final = Context(prec=60)
"""Ten digits more than are answered: what is taken apart and put together again comes out whole."""

_ANSWERED: Final = Context(prec=50)
_LARGEST_EXPONENT: Final = 1000
_NUMERIC: Final = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,4})?\s*", re.ASCII | re.I)
"""What numbers look like as text. `Decimal` itself would read more, such as `1_000`."""

SqlIn = int | float | str | bytes | None

_NEGATIVE, _ZERO, _POSITIVE = b"\x00", b"\x01", b"\x02"
_BIAS: Final = 1 << 31
_EXPONENT_BYTES: Final = 4
_MIRRORED: Final = bytes(255 - byte for byte in range(256))


def encoded(number: Decimal) -> bytes:
    """Returns the blob of a number, rounded to the digits that are computed with."""
    sign, digits, exponent = EXACT.plus(number).normalize(EXACT).as_tuple()
    if not any(digits) or not isinstance(exponent, int):
        return _ZERO
    text = "".join(map(str, digits)).encode()
    magnitude = (len(digits) + exponent + _BIAS).to_bytes(_EXPONENT_BYTES, "big") + text + b"\x00"
    return _NEGATIVE + magnitude.translate(_MIRRORED) if sign else _POSITIVE + magnitude


def decoded(blob: bytes) -> Decimal:
    """Returns the number of a blob.

    Raises:
        ValueError: it is no number.
    """
    kind, magnitude = blob[:1], blob[1:]
    if kind == _ZERO and not magnitude:
        return Decimal(0)
    if kind == _NEGATIVE:
        magnitude = magnitude.translate(_MIRRORED)
    digits = magnitude[_EXPONENT_BYTES:-1]
    if kind not in (_NEGATIVE, _POSITIVE) or not digits.isdigit():
        raise ValueError("no number")
    exponent = int.from_bytes(magnitude[:_EXPONENT_BYTES], "big") - _BIAS - len(digits)
    return Decimal((int(kind == _NEGATIVE), tuple(map(int, digits.decode())), exponent))


def decimal_of(value: SqlIn) -> Decimal | None:
    """Returns the number that a value is or says, or None.

    Raises:
        ValueError: it is a binary fraction, which nothing here makes.
    """
    if value is None or isinstance(value, Decimal):
        return value
    if isinstance(value, bytes):
        return decoded(value)
    if isinstance(value, float):
        raise ValueError("a binary fraction")
    if isinstance(value, str) and _NUMERIC.fullmatch(value) is None:
        return None
    number = Decimal(value)
    return number if abs(number.adjusted()) <= _LARGEST_EXPONENT else None


def answered(number: Decimal) -> Decimal:
    """Returns a number as queries answer it, with 50 digits."""
    return number.normalize(_ANSWERED)


def text_of(number: Decimal) -> str:
    """Returns a number as it is written: all its digits, no exponent."""
    return format(number.normalize(EXACT), "f")
