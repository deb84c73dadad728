"""What an operation is given."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from backbeat.api import json
from backbeat.application.services import Call, Services
from backbeat.models.api_keys import Caller
from backbeat.models.errors import InvalidArgument

S = TypeVar("S", bound=BaseModel)

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Request:
    """A request of a known caller. `path` holds the path's parameters."""

    call: Call
    caller: Caller
    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: str

    @property
    def origin(self) -> str:
        """Where the request was sent to, as its sender sees it."""
        scheme = self.headers.get("x-forwarded-proto", "http")
        return f"{scheme}://{self.headers.get('host', '')}"


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """A request that proves by itself what it is: nobody was asked for a token.

    `body` is what was sent, byte by byte. Names of headers are in lower case.
    """

    services: Services
    path: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Visit:
    """A request of anybody, to a path that needs no token. Header names are in lower case."""

    services: Services
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]


def parse_body(text: str, schema: type[S]) -> S:
    """Returns the body as its schema.

    Raises:
        InvalidArgument: names each field that is wrong.
    """
    return parse(json.loads(text or "{}"), schema)


def parse(value: object, schema: type[S]) -> S:
    """Returns a decoded value as its schema.

    Raises:
        InvalidArgument: names each field that is wrong.
    """
    try:
        return schema.model_validate(value)
    except ValidationError as error:
        raise InvalidArgument(_explain(error.errors(include_url=False))) from error


def _explain(errors: list[Any]) -> str:
    shown = "; ".join(_problem(error) for error in errors[:_SHOWN])
    more = len(errors) - _SHOWN
    return f"{shown}; and {more} more" if more > 0 else shown


def _problem(error: Mapping[str, Any]) -> str:
    field = ".".join(str(step) for step in error["loc"]) or "body"
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"{field}: {message[:1].lower()}{message[1:]}"
