"""The functions of SQL metrics that SQLite lacks, or that it would take through binary fractions.

SQLite computes in 64-bit integers and binary floating point. Sums are therefore taken here, in
decimals, and handed over as integers where they are whole.
"""

import sqlite3
from decimal import Context, Decimal, InvalidOperation
from typing import Final

_EXACT: Final = Context(prec=50)
_LARGEST: Final = 2**63 - 1
_DIGITS: Final = 15
"""Digits of a binary fraction that are sure to be those of the decimal it stands for."""

SqlNumber = int | float | None
SqlIn = int | float | str | bytes | None

_TRUNCATED: Final = {
    "minute": (16, ":00"),
    "hour": (13, ":00:00"),
    "day": (10, " 00:00:00"),
    "month": (7, "-01 00:00:00"),
    "year": (4, "-01-01 00:00:00"),
}


def register(connection: sqlite3.Connection) -> None:
    """Adds the functions to a connection."""
    connection.create_window_function("sum", 1, _Sum)
    connection.create_window_function("avg", 1, _Average)
    connection.create_aggregate("latest", 2, _Latest)  # type: ignore[arg-type]
    connection.create_aggregate("earliest", 2, _Earliest)  # type: ignore[arg-type]
    for name, function, arguments in (
        ("greatest", _greatest, -1),
        ("least", _least, -1),
        ("ceil", _ceil, 1),
        ("ceiling", _ceil, 1),
        ("floor", _floor, 1),
        ("date_trunc", _date_trunc, 2),
    ):
        connection.create_function(name, arguments, function, deterministic=True)
    connection.create_collation("instant", _compare_instants)


def decimal_of(value: SqlIn) -> Decimal | None:
    """Returns the number a value of SQLite stands for; a fraction by its first 15 digits."""
    if isinstance(value, float):
        value = f"{value:.{_DIGITS}g}"
    if value is None or isinstance(value, bytes):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _handed_over(number: Decimal) -> SqlNumber:
    whole = number.to_integral_value()
    if whole == number and abs(whole) <= _LARGEST:
        return int(whole)
    numerator, denominator = number.as_integer_ratio()
    return numerator / denominator


class _Sum:
    """Adds up what are numbers; null when nothing is."""

    def __init__(self) -> None:
        self._total = Decimal(0)
        self._count = 0

    def step(self, value: SqlIn) -> None:
        number = decimal_of(value)
        if number is not None:
            self._total = _EXACT.add(self._total, number)
            self._count += 1

    def inverse(self, value: SqlIn) -> None:
        number = decimal_of(value)
        if number is not None:
            self._total = _EXACT.subtract(self._total, number)
            self._count -= 1

    def value(self) -> SqlNumber:
        return _handed_over(self._total) if self._count else None

    def finalize(self) -> SqlNumber:
        return self.value()


class _Average(_Sum):
    def value(self) -> SqlNumber:
        return _handed_over(_EXACT.divide(self._total, self._count)) if self._count else None


class _Latest:
    """The value at the greatest time; of several, the one that came last."""

    def __init__(self) -> None:
        self._at: SqlIn = None
        self._value: SqlIn = None

    def step(self, value: SqlIn, at: SqlIn) -> None:
        if value is not None and (self._at is None or str(at) >= str(self._at)):
            self._at, self._value = at, value

    def finalize(self) -> SqlIn:
        return self._value


class _Earliest(_Latest):
    def step(self, value: SqlIn, at: SqlIn) -> None:
        if value is not None and (self._at is None or str(at) < str(self._at)):
            self._at, self._value = at, value


def _greatest(*values: SqlIn) -> SqlIn:
    return _extreme(values, sign=1)


def _least(*values: SqlIn) -> SqlIn:
    return _extreme(values, sign=-1)


def _extreme(values: tuple[SqlIn, ...], *, sign: int) -> SqlIn:
    """Compares as numbers where all are, else as texts; null when one of them is."""
    if not values or any(value is None for value in values):
        return None
    if all(isinstance(value, str) for value in values):
        return max(map(str, values)) if sign > 0 else min(map(str, values))
    numbers = [decimal_of(value) for value in values]
    known = [number * sign for number in numbers if number is not None]
    if len(known) < len(values):
        return None
    return values[known.index(max(known))]


def _ceil(value: SqlIn) -> SqlNumber:
    number = decimal_of(value)
    return None if number is None else _handed_over(number.to_integral_value("ROUND_CEILING"))


def _floor(value: SqlIn) -> SqlNumber:
    number = decimal_of(value)
    return None if number is None else _handed_over(number.to_integral_value("ROUND_FLOOR"))


def _date_trunc(unit: str, at: str | None) -> str | None:
    """Returns the start of the unit that a time lies in.

    Raises:
        ValueError: the unit is none of those known.
    """
    if at is None:
        return None
    if unit.lower() not in _TRUNCATED:
        raise ValueError(unit)
    length, rest = _TRUNCATED[unit.lower()]
    return at.replace("T", " ")[:length] + rest


def _compare_instants(one: str, other: str) -> int:
    """Orders times whether they are written with a space or as RFC 3339 in UTC."""
    left, right = _plain(one), _plain(other)
    return (left > right) - (left < right)


def _plain(text: str) -> str:
    plain = text.replace("T", " ", 1).removesuffix("Z").removesuffix("+00:00")
    return plain.rstrip("0").removesuffix(".") if "." in plain else plain
