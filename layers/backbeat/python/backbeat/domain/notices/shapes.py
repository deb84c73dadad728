"""The two shapes of a webhook body: flat system events, and events with `properties`.

Owns: envelopes, ids, and how times and numbers are written. Does not own: an event's fields.
Times: taken as instants, written in UTC; the caller picks seconds or milliseconds.
Invariants: a body is made once, as compact JSON, and delivered byte for byte; fields that are None
are left out; numbers keep every digit.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from enum import StrEnum
from typing import Final

from backbeat.domain.identity import derived_id
from backbeat.models.notifications import Notification

_ALL_DIGITS: Final = Context(prec=999, Emax=MAX_EMAX, Emin=MIN_EMIN)


class Change(StrEnum):
    """What happened to the subject of a system event, as its type says it."""

    CREATE = "create"
    START = "start"
    EDIT = "edit"
    END = "end"
    ARCHIVE = "archive"


def system_event(
    type_: str,
    fields: Mapping[str, object],
    *,
    fact: str,
    environment_type: str,
    timestamp: datetime,
    at: datetime,
) -> Notification:
    """Returns a flat event. `fact` tells this occurrence of the type from all others.

    `timestamp` is the source event's own time, `at` when it is told.
    """
    body = {
        "timestamp": seconds(timestamp),
        "environment_type": environment_type,
        **{name: value for name, value in fields.items() if value is not None},
    }
    return _notice(type_, fact, body, at=at)


def event(type_: str, properties: Mapping[str, object], *, fact: str, at: datetime) -> Notification:
    """Returns an event with `properties`. `fact` tells this occurrence of the type from others."""
    given = {name: value for name, value in properties.items() if value is not None}
    return _notice(type_, fact, {"properties": given}, at=at)


def seconds(instant: datetime) -> str:
    """Returns an instant as system events write it."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def milliseconds(instant: datetime) -> str:
    """Returns an instant as events with properties mostly write it."""
    text = instant.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def _notice(type_: str, fact: str, fields: Mapping[str, object], *, at: datetime) -> Notification:
    id_ = derived_id("notification", type_, fact)
    body = _json({"id": id_, "type": type_, **fields})
    return Notification(id=id_, type=type_, body=body, created_at=at)


def _json(value: object) -> str:
    """Returns compact JSON; the standard library would write a decimal as an inexact float."""
    if isinstance(value, Decimal):
        return format(value.normalize(_ALL_DIGITS), "f")
    if isinstance(value, Mapping):
        members = (f"{json.dumps(str(name))}:{_json(item)}" for name, item in value.items())
        return f"{{{','.join(members)}}}"
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_json, value))}]"
    return json.dumps(value)
