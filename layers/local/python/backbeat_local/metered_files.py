"""Metered events in files, to be sent again: rows of CSV or lines of JSON."""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

_NAMES: Final = {
    "idempotency_key": ("idempotency_key", "idempotencyKey", "id"),
    "metric": ("metric", "meter"),
    "customer_ref": ("customer_ref", "customerRef", "customer"),
    "quantity": ("quantity", "qty"),
    "ts": ("ts", "timestamp", "created_at"),
    "resource_id": ("resource_id", "resourceId"),
    "meta": ("meta",),
}
"""What files call an event's fields: as an export writes them, and as others do."""

_REQUIRED: Final = ("metric", "customer_ref", "quantity", "ts")


class BadRow(Exception):
    """A row that is no event; the message names its line."""


def rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields the line and the event of each row.

    Raises:
        BadRow: a row is no event.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        found = _csv(file) if path.suffix.lower() == ".csv" else _json(file)
        try:
            for line, row in found:
                yield line, _event(line, row)
        except UnicodeDecodeError as error:
            raise BadRow(f"{path.name} is not UTF-8 text: {error}") from error


def instant_of(event: Mapping[str, Any]) -> datetime:
    """Returns when an event of a file happened."""
    return datetime.fromisoformat(event["ts"])


def _csv(file: Iterable[str]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    reader = csv.DictReader(file, strict=True)
    try:
        for row in reader:
            if None in row or None in row.values():
                raise BadRow(f"line {reader.line_num}: other columns than the header")
            yield reader.line_num, row
    except csv.Error as error:
        raise BadRow(f"line {reader.line_num}: {error}") from error


def _json(file: Iterable[str]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for line, text in enumerate(file, 1):
        if not text.strip():
            continue
        try:
            row = json.loads(text, parse_float=Decimal)
        except ValueError as error:
            raise BadRow(f"line {line}: not JSON: {error}") from error
        if not isinstance(row, dict):
            raise BadRow(f"line {line}: no JSON object")
        yield line, row


def _event(line: int, row: Mapping[str, Any]) -> dict[str, Any]:
    event = {name: value for name in _NAMES if (value := _value(row, name)) is not None}
    for name in _REQUIRED:
        if name not in event:
            raise BadRow(f"line {line}: {name}: required")
    event["quantity"] = str(event["quantity"])
    try:
        Decimal(event["quantity"])
    except ArithmeticError:
        raise BadRow(f"line {line}: quantity: must be a number") from None
    try:
        if instant_of(event).tzinfo is None:
            raise ValueError("no time zone")
        if isinstance(event.get("meta"), str):
            event["meta"] = json.loads(event["meta"])
    except (TypeError, ValueError) as error:
        raise BadRow(f"line {line}: {error}") from error
    # It is usage that another system has kept.
    return {**event, "source": "etl"}


def _value(row: Mapping[str, Any], name: str) -> Any:
    return next((row[one] for one in _NAMES[name] if row.get(one) not in (None, "")), None)
