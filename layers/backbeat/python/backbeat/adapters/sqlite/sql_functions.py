"""The functions of SQL metrics that SQLite lacks, or that it would take through binary fractions.

All that is a number is one of `sql_numbers`, and computed with in decimals.
"""

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Final

from backbeat.adapters.sqlite.sql_numbers import EXACT, SqlIn, decimal_of, encoded, text_of

_TRUNCATED: Final = {
    "minute": (16, ":00"),
    "hour": (13, ":00:00"),
    "day": (10, " 00:00:00"),
    "month": (7, "-01 00:00:00"),
    "year": (4, "-01-01 00:00:00"),
}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_JULIAN_EPOCH: Final = Decimal("2440587.5")
_MICROSECOND: Final = timedelta(microseconds=1)
_MICROSECONDS_A_DAY: Final = Decimal(86_400_000_000)


def register(connection: sqlite3.Connection) -> None:
    """Adds the functions to a connection."""
    connection.create_window_function("sum", 1, _Sum)
    connection.create_window_function("avg", 1, _Average)
    connection.create_aggregate("latest", 2, _Latest)  # type: ignore[arg-type]
    connection.create_aggregate("earliest", 2, _Earliest)  # type: ignore[arg-type]
    for name, arguments, function in (
        ("exact", 1, _number),
        ("exact_add", 2, _of_two(EXACT.add)),
        ("exact_subtract", 2, _of_two(EXACT.subtract)),
        ("exact_multiply", 2, _of_two(EXACT.multiply)),
        ("exact_divide", 2, _of_two(_quotient)),
        ("exact_remainder", 2, _of_two(_remainder)),
        ("exact_compare", 2, _compared),
        ("exact_text", 1, _text),
        ("exact_int", 1, _int),
        ("exact_whole", 1, _of_one(lambda number: number.to_integral_value(ROUND_DOWN))),
        ("exact_truth", 1, _truth),
        ("abs", 1, _of_one(lambda number: number.copy_abs())),
        ("ceil", 1, _of_one(lambda number: number.to_integral_value(ROUND_CEILING))),
        ("ceiling", 1, _of_one(lambda number: number.to_integral_value(ROUND_CEILING))),
        ("floor", 1, _of_one(lambda number: number.to_integral_value(ROUND_FLOOR))),
        ("sign", 1, _of_one(lambda number: number.compare(Decimal(0)))),
        ("round", 1, _round),
        ("round", 2, _round),
        ("greatest", -1, _greatest),
        ("least", -1, _least),
        ("date_trunc", 2, _date_trunc),
        ("julianday", 1, _julianday),
    ):
        connection.create_function(name, arguments, function, deterministic=True)
    connection.create_collation("instant", _compare_instants)


def _of_one(compute: Callable[[Decimal], Decimal]) -> Callable[[SqlIn], bytes | None]:
    def function(value: SqlIn) -> bytes | None:
        number = decimal_of(value)
        return None if number is None else encoded(compute(number))

    return function


def _of_two(
    compute: Callable[[Decimal, Decimal], Decimal | None],
) -> Callable[[SqlIn, SqlIn], bytes | None]:
    def function(one: SqlIn, other: SqlIn) -> bytes | None:
        left, right = decimal_of(one), decimal_of(other)
        if left is None or right is None:
            return None
        number = compute(left, right)
        return None if number is None else encoded(number)

    return function


_number: Final = _of_one(lambda number: number)


def _quotient(one: Decimal, other: Decimal) -> Decimal | None:
    return None if other == 0 else EXACT.divide(one, other)


def _remainder(one: Decimal, other: Decimal) -> Decimal | None:
    """With the sign of the dividend, also of fractions."""
    if other == 0:
        return None
    whole = EXACT.divide(one, other).to_integral_value(ROUND_DOWN)
    return EXACT.subtract(one, EXACT.multiply(whole, other))


def _compared(one: SqlIn, other: SqlIn) -> int | None:
    """Compares two numbers: -1, 0 or 1. None when one of them is none."""
    left, right = decimal_of(one), decimal_of(other)
    return None if left is None or right is None else (left > right) - (left < right)


def _text(value: SqlIn) -> SqlIn:
    return text_of(decimal_of(value) or Decimal(0)) if isinstance(value, bytes) else value


def _int(value: SqlIn) -> int | None:
    number = decimal_of(value)
    return None if number is None else int(number)


def _truth(value: SqlIn) -> int | None:
    """Returns whether a value is true: a number other than zero."""
    if value is None:
        return None
    number = decimal_of(value)
    return int(number is not None and number != 0)


def _round(value: SqlIn, places: SqlIn = 0) -> bytes | None:
    """Rounds half away from zero."""
    number, digits = decimal_of(value), decimal_of(places)
    if number is None or digits is None:
        return None
    step = Decimal(1).scaleb(-int(digits))
    steps = EXACT.divide(number, step).to_integral_value(ROUND_HALF_UP)
    return encoded(EXACT.multiply(steps, step))


class _Sum:
    """Adds up what are numbers; null when nothing is."""

    def __init__(self) -> None:
        self._total = Decimal(0)
        self._count = 0

    def step(self, value: SqlIn) -> None:
        number = decimal_of(value)
        if number is not None:
            self._total = EXACT.add(self._total, number)
            self._count += 1

    def inverse(self, value: SqlIn) -> None:
        number = decimal_of(value)
        if number is not None:
            self._total = EXACT.subtract(self._total, number)
            self._count -= 1

    def value(self) -> bytes | None:
        return encoded(self._total) if self._count else None

    def finalize(self) -> bytes | None:
        return self.value()


class _Average(_Sum):
    def value(self) -> bytes | None:
        return encoded(EXACT.divide(self._total, self._count)) if self._count else None


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
    """Compares as texts where all are, else as numbers; null when one of them is none."""
    if not values or any(value is None for value in values):
        return None
    if all(isinstance(value, str) for value in values):
        return max(map(str, values)) if sign > 0 else min(map(str, values))
    known = [number for value in values if (number := decimal_of(value)) is not None]
    if len(known) < len(values):
        return None
    return encoded(max(known) if sign > 0 else min(known))


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


def _julianday(at: str | None) -> bytes | None:
    """Returns the days since noon of 24 November 4714 BC, with their exact fraction."""
    if at is None:
        return None
    try:
        instant = datetime.fromisoformat(at)
    except ValueError:
        return None
    elapsed = (instant if instant.tzinfo else instant.replace(tzinfo=UTC)) - _EPOCH
    days = EXACT.divide(Decimal(elapsed // _MICROSECOND), _MICROSECONDS_A_DAY)
    return encoded(EXACT.add(_JULIAN_EPOCH, days))


def _compare_instants(one: str, other: str) -> int:
    """Orders times whether they are written with a space or as RFC 3339 in UTC."""
    left, right = _plain(one), _plain(other)
    return (left > right) - (left < right)


def _plain(text: str) -> str:
    plain = text.replace("T", " ", 1).removesuffix("Z").removesuffix("+00:00")
    return plain.rstrip("0").removesuffix(".") if "." in plain else plain
