"""The body of an ingest request.

Decoded and checked by msgspec in one pass: this is the hot path, and pydantic would need the text
decoded first. Numbers inside properties stay exact.
"""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import Meta

from backbeat.models.errors import InvalidArgument
from backbeat.models.usage import UsageEvent

T = TypeVar("T")

_TransactionId = Annotated[str, Meta(min_length=1, max_length=128)]
# Decision: the API names no limit; ids and aliases are shorter, and keys of the store have one.
_Text = Annotated[str, Meta(min_length=1, max_length=256)]
_Timestamp = Annotated[datetime, Meta(tz=True)]


class _Event(msgspec.Struct):
    transaction_id: _TransactionId
    customer_id: _Text
    event_type: _Text
    timestamp: _Timestamp
    properties: dict[str, Any] | None = None


class _OlderEvent(msgspec.Struct):
    customer_id: _Text
    event_type: _Text
    timestamp: _Timestamp
    transaction_id: _TransactionId | None = None
    properties: dict[str, Any] | None = None


class _OlderBatch(msgspec.Struct):
    usage: Annotated[list[_OlderEvent], Meta(min_length=1, max_length=100)]


_decoder: Final = msgspec.json.Decoder(
    Annotated[list[_Event], Meta(min_length=1, max_length=100)], float_hook=Decimal
)
_older_decoder: Final = msgspec.json.Decoder(_OlderBatch, float_hook=Decimal)


def json_schema(references: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the JSON Schema of a batch, and those that it refers to by their names."""
    [batch], named = msgspec.json.schema_components(
        [Annotated[list[_Event], Meta(min_length=1, max_length=100)]],
        ref_template=f"{references}{{name}}",
    )
    return batch, named


def parse_events(body: str) -> list[UsageEvent]:
    """Returns the events of a request in order.

    Raises:
        InvalidArgument: the body is not JSON, holds none or more than 100 events, or one of them
            is wrong; names the event and field.
    """
    return [
        UsageEvent(
            event.transaction_id,
            event.customer_id,
            event.event_type,
            event.timestamp,
            event.properties or {},
        )
        for event in _decode(_decoder, body)
    ]


def parse_older_events(body: str, *, new_id: Callable[[], str]) -> list[UsageEvent]:
    """Returns the events of a `{"usage": [...]}` body; `new_id` makes missing transaction ids.

    Raises:
        InvalidArgument: as `parse_events`.
    """
    return [
        UsageEvent(
            event.transaction_id or new_id(),
            event.customer_id,
            event.event_type,
            event.timestamp,
            event.properties or {},
        )
        for event in _decode(_older_decoder, body).usage
    ]


def _decode(decoder: msgspec.json.Decoder[T], body: str) -> T:
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at `$")
        where = place.removesuffix("`").removeprefix(".")
        raise InvalidArgument(f"{where}: {problem}" if where else problem) from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidArgument(f"The body is not valid JSON: {error}") from error
