"""Usage events in files: rows of CSV or lines of JSON, and how far an import has come."""

import csv
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, Final

_FIELDS: Final = ("transaction_id", "customer_id", "event_type", "timestamp")
_ID_CHARACTERS: Final = 32


class BadFile(Exception):
    """A file that no usage can be read from; the message names the line."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How a file is read: its name for each field, and what events get that have no type."""

    columns: Mapping[str, str]
    event_type: str | None


def events(path: Path, reading: Reading) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields the line and the event of each entry.

    An entry without a transaction id gets one made of its line and content: the same each time
    the file is read. Columns of CSV that are no fields are properties.

    Raises:
        BadFile: an entry is no event.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = _csv_rows(file) if path.suffix.lower() == ".csv" else _json_lines(file)
        try:
            for line, row in rows:
                yield line, _event(line, row, reading)
        except UnicodeDecodeError as error:
            raise BadFile(f"{path.name} is not UTF-8 text: {error}") from error


def fingerprint(path: Path) -> str:
    """Returns what tells this content from any other."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class Progress:
    """How many entries of a file have arrived where, noted in a file beside it."""

    path: Path
    target: str

    @classmethod
    def beside(cls, file: Path, *, url: str, token: str) -> "Progress":
        """Returns the progress of importing a file into a sandbox."""
        target = f"{fingerprint(file)} {url} {hashlib.sha256(token.encode()).hexdigest()}"
        return cls(file.with_name(f"{file.name}.progress"), target)

    def read(self) -> int:
        """Returns how many entries have arrived: none of another file or elsewhere."""
        try:
            noted = json.loads(self.path.read_text(encoding="utf-8"))
            return int(noted["done"]) if noted["target"] == self.target else 0
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return 0

    def note(self, done: int) -> None:
        """Notes that so many entries have arrived."""
        draft = self.path.with_name(f"{self.path.name}.draft")
        draft.write_text(json.dumps({"target": self.target, "done": done}), encoding="utf-8")
        draft.replace(self.path)

    def forget(self) -> None:
        """Removes the note: all has arrived."""
        self.path.unlink(missing_ok=True)


def _csv_rows(file: IO[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    reader = csv.DictReader(file, strict=True)
    try:
        for row in reader:
            if None in row:
                raise BadFile(f"line {reader.line_num}: more values than columns")
            yield reader.line_num, {name: value for name, value in row.items() if value}
    except csv.Error as error:
        raise BadFile(f"line {reader.line_num}: {error}") from error


def _json_lines(file: IO[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, text in enumerate(file, start=1):
        if not text.strip():
            continue
        try:
            row = json.loads(text, parse_float=Decimal)
        except json.JSONDecodeError as error:
            raise BadFile(f"line {number}: not JSON: {error}") from error
        if not isinstance(row, dict):
            raise BadFile(f"line {number}: not an object")
        yield number, row


def _event(line: int, row: dict[str, Any], reading: Reading) -> dict[str, Any]:
    named = {reading.columns.get(field, field): field for field in _FIELDS}
    event = {named[name]: value for name, value in row.items() if name in named}
    if reading.event_type is not None:
        event.setdefault("event_type", reading.event_type)
    event.setdefault("transaction_id", _id(line, row))
    for field in _FIELDS:
        if field not in event:
            wanted = reading.columns.get(field, field)
            raise BadFile(f"line {line}: {wanted} is missing; see --column and --event-type")
    further = {
        name: value for name, value in row.items() if name not in named and name != "properties"
    }
    return {**event, "properties": {**_properties(line, row.get("properties")), **further}}


def _properties(line: int, given: object) -> dict[str, Any]:
    try:
        value = json.loads(given, parse_float=Decimal) if isinstance(given, str) else given or {}
    except json.JSONDecodeError as error:
        raise BadFile(f"line {line}: properties are not JSON: {error}") from error
    if not isinstance(value, dict):
        raise BadFile(f"line {line}: properties are not an object")
    return value


def _id(line: int, row: dict[str, Any]) -> str:
    content = json.dumps(row, sort_keys=True, default=str)
    return hashlib.sha256(f"{line}\n{content}".encode()).hexdigest()[:_ID_CHARACTERS]
