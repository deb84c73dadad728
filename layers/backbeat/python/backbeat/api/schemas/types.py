"""Field types that requests share. Each says in its error what it wants."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StringConstraints,
    WithJsonSchema,
)

from backbeat.models.errors import InvalidArgument
from backbeat.models.period import is_midnight, is_on_hour

_RFC3339: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})"
)
_FIRST_YEAR: Final = 1969
_LAST_YEAR: Final = 3000
_UUID: Final = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"


LONGEST_TEXT: Final = 10_000
"""Characters of any text in a request. The API names no limit, but what is stored has one."""


class Schema(BaseModel):
    """A request. Unknown fields are ignored, as the API does."""

    model_config = ConfigDict(extra="ignore", str_max_length=LONGEST_TEXT)


def parse_timestamp(value: object) -> datetime:
    """Returns an RFC 3339 text as an aware UTC datetime, cut to microseconds.

    Raises:
        ValueError: it is none, or lies where the billing calendar does not reach.
    """
    if not isinstance(value, str) or _RFC3339.fullmatch(value) is None:
        raise ValueError("must be an RFC 3339 timestamp such as 2025-01-15T10:00:00Z")
    instant = datetime.fromisoformat(value.upper())
    # The calendar adds months and days to dates, which must not run out of years.
    if not _FIRST_YEAR < instant.year < _LAST_YEAR:
        raise ValueError(f"must lie between the years {_FIRST_YEAR} and {_LAST_YEAR}")
    return instant.astimezone(UTC)


def on_hour(value: object) -> datetime:
    """Returns the instant that a value says, which must be a whole UTC hour."""
    instant = parse_timestamp(value)
    if not is_on_hour(instant):
        raise ValueError("must be on an hour boundary")
    return instant


def _at_midnight(value: object) -> datetime:
    instant = parse_timestamp(value)
    if not is_midnight(instant):
        raise ValueError("must be midnight UTC")
    return instant


def _number(value: object) -> object:
    # pydantic would take numbers in strings too; the API does not.
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("must be a number")
    return value


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _plain(value: Any) -> Any:
    # Stored JSON knows no exact fractions, and terms of other systems hold no amounts.
    if isinstance(value, Decimal):
        if value != value.to_integral_value():
            raise ValueError("numbers in it must be whole")
        return int(value)
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list) else value


Timestamp = Annotated[datetime, BeforeValidator(parse_timestamp)]
HourTimestamp = Annotated[datetime, BeforeValidator(on_hour)]
"""A date of a contract term: on a UTC hour (decision D-08)."""
MidnightTimestamp = Annotated[datetime, BeforeValidator(_at_midnight)]

Id = Annotated[str, StringConstraints(pattern=_UUID)]


def refuse_malformed_id(name: str, value: str) -> None:
    """Makes sure that a path's parameter is an id.

    Raises:
        InvalidArgument: it is no UUID.
    """
    if re.fullmatch(_UUID, value) is None:
        raise InvalidArgument(f"{name}: must be a UUID")


Name = Annotated[str, StringConstraints(min_length=1)]
Alias = Annotated[str, StringConstraints(min_length=1, max_length=128)]
UniquenessKey = Annotated[str, StringConstraints(min_length=1, max_length=128)]
CustomFields = dict[str, Annotated[str, StringConstraints(max_length=200)]]

JsonObject = Annotated[dict[str, Any], AfterValidator(_plain)]
"""An object of another system's words, kept and shown as it came."""

_AS_NUMBER: Final = WithJsonSchema({"type": "number"})
Number = Annotated[Decimal, BeforeValidator(_number), _AS_NUMBER]
Price = Annotated[Decimal, BeforeValidator(_number), Field(ge=0), _AS_NUMBER]

Whole = Annotated[int, BeforeValidator(_number)]

Upper = BeforeValidator(_upper)
"""Put before an enum: the API takes upper and lower case and answers in upper case."""

Flag = StrictBool


def _query_flag(value: Any) -> Any:
    texts = {"true": True, "false": False}
    return texts.get(value.lower(), value) if isinstance(value, str) else value


QueryFlag = Annotated[StrictBool, BeforeValidator(_query_flag)]

Limit = Annotated[int, Field(ge=1, le=100)]
"""Entries per page, in a query."""
BodyLimit = Annotated[Whole, Field(ge=1, le=100)]
"""The same in a body, where it is a number and no text."""
