"""Rows of a backfill out of JSON lines and CSV. A row that is no event says why, and no more."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec

from backbeat.models.backfills import Backfill, BackfillFormat, BackfillRow
from backbeat.models.counters import Source
from backbeat.models.errors import InvalidArgument
from backbeat.models.numbers import is_measurable

_NAMES: Final = {
    "metric": ("metric",),
    "customer_ref": ("customer_ref", "customerRef"),
    "resource_id": ("resource_id", "resourceId"),
    "quantity": ("quantity",),
    "ts": ("ts", "timestamp", "created_at", "createdAt"),
    "source": ("source",),
    "meta": ("meta",),
    "key": ("idempotency_key", "idempotencyKey"),
    "sequence": ("sequence",),
}
"""The columns, in the ways they may be written."""
_LONGEST: Final = 255
_SOURCES: Final = {source.value for source in Source} - {Source.ADJUSTMENT.value}

_decoder: Final = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)


def read(text: str, order: Backfill) -> Iterator[BackfillRow]:
    """Yields the rows of a text. What a row does not say is as the order says.

    Raises:
        InvalidArgument: a CSV text has no header with a quantity and a time.
    """
    given = _csv(text) if order.format is BackfillFormat.CSV else _lines(text)
    for number, row in enumerate(given, start=1):
        yield row(number, order)


_Row = Callable[[int, Backfill], BackfillRow]


def _csv(text: str) -> Iterator[_Row]:
    rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        header = rows.fieldnames or []
    except csv.Error as error:
        raise InvalidArgument(f"csv_data: {error}") from error
    for name in ("quantity", "ts"):
        if not set(_NAMES[name]) & set(header):
            raise InvalidArgument(f"csv_data: the header has no column {name}")
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            # Where a line is broken, nobody knows where the next one begins.
            yield _broken(f"not CSV: {error}")
            return
        if None in row or None in row.values():
            yield _broken("the row has other columns than the header")
        else:
            yield _given(row)


def _lines(text: str) -> Iterator[_Row]:
    for line in text.splitlines():
        if not line.strip():
            continue
        try:
            yield _given(_decoder.decode(line))
        except (msgspec.DecodeError, RecursionError) as error:
            yield _broken(f"not JSON: {error}")


def _broken(error: str) -> _Row:
    return lambda number, order: BackfillRow(number=number, error=error)


def _given(row: Mapping[str, Any]) -> _Row:
    def made(number: int, order: Backfill) -> BackfillRow:
        try:
            return _row(number, row, order)
        except ValueError as error:
            return BackfillRow(number=number, error=str(error))

    return made


def _row(number: int, row: Mapping[str, Any], order: Backfill) -> BackfillRow:
    """Returns a row as an event of the order.

    Raises:
        ValueError: it is none.
    """
    metric = _text(row, "metric") or order.metric
    customer_ref = _text(row, "customer_ref") or order.customer_ref
    if customer_ref is None:
        raise ValueError("customer_ref: required")
    source = _text(row, "source") or Source.IMPORT.value
    if source not in _SOURCES:
        raise ValueError(f"source: {source} is none of {', '.join(sorted(_SOURCES))}")
    sequence = _text(row, "sequence")
    if sequence is not None and not sequence.isdecimal():
        raise ValueError("sequence: must be a whole number")
    return BackfillRow(
        number=number,
        metric=metric,
        customer_ref=customer_ref,
        quantity=_quantity(_value(row, "quantity")),
        timestamp=_instant(_value(row, "ts")),
        key=_text(row, "key"),
        resource_id=_text(row, "resource_id"),
        sequence=None if sequence is None else int(sequence),
        source=Source(source),
        meta=_meta(_value(row, "meta")),
    )


def _value(row: Mapping[str, Any], name: str) -> Any:
    for written in _NAMES[name]:
        if row.get(written) not in (None, ""):
            return row[written]
    return None


def _text(row: Mapping[str, Any], name: str) -> str | None:
    value = _value(row, name)
    if value is None:
        return None
    text = str(value)
    if len(text) > _LONGEST:
        raise ValueError(f"{name}: more than {_LONGEST} characters")
    return text


def _quantity(value: Any) -> Decimal:
    try:
        quantity = Decimal(str(value))
    except InvalidOperation:
        quantity = Decimal("NaN")
    if isinstance(value, bool) or not quantity.is_finite() or quantity < 0:
        raise ValueError("quantity: must be a number, not below 0")
    if not is_measurable(quantity):
        raise ValueError("quantity: out of range")
    return quantity


def _instant(value: Any) -> datetime:
    problem = "ts: must be an RFC 3339 timestamp such as 2025-01-15T10:00:00Z"
    try:
        instant = datetime.fromisoformat(str(value))
    except ValueError as error:
        raise ValueError(problem) from error
    if instant.tzinfo is None:
        raise ValueError(problem)
    return instant.astimezone(UTC)


def _meta(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    try:
        decoded = _decoder.decode(value) if isinstance(value, str) else value
    except msgspec.DecodeError:
        decoded = None
    if not isinstance(decoded, dict):
        raise ValueError("meta: must be a JSON object")
    return {name: _plain(part) for name, part in decoded.items()}


def _plain(value: Any) -> Any:
    # Stored JSON knows no exact fractions: they are kept as text, which counts alike.
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list) else value
