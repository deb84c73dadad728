"""Requests, and what to make of their answers: what both clients have in common."""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import httpx

from backbeat_client.errors import ApiError, MeteringError, RefusedEvents, Unavailable
from backbeat_client.events import Event, Result

MOST_EVENTS: Final = 1000
"""The server takes so many in a request."""

FLUSH_EVENTS: Final = 100
FLUSH_SECONDS: Final = 5.0
TIMEOUT_SECONDS: Final = 10.0

_BASE: Final = "/metering/v1"
_FIRST_WAIT_SECONDS: Final = 0.5
_LONGEST_WAIT_SECONDS: Final = 30.0
_TRY_AGAIN: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Not 409: what collides with what is there, collides again."""


@dataclass(frozen=True, slots=True)
class Question:
    """A request. What it changes bears keys, so it may be sent again."""

    method: str
    path: str
    params: Mapping[str, str]
    body: str | None = None


def headers(api_key: str) -> dict[str, str]:
    """Returns what every request bears."""
    return {"authorization": f"Bearer {api_key}", "content-type": "application/json"}


def batches(events: Sequence[Event]) -> Iterator[Sequence[Event]]:
    """Yields as many events as fit a request each."""
    for start in range(0, len(events), MOST_EVENTS):
        yield events[start : start + MOST_EVENTS]


def ingest(events: Sequence[Event]) -> Question:
    """Asks to count events."""
    body = json.dumps({"events": [event.document() for event in events]})
    return Question("POST", f"{_BASE}/events/ingest", {}, body)


def check(metric: str, customer_ref: str, quantity: Decimal | int) -> Question:
    """Asks whether more may be used."""
    asked = {"metric": metric, "customer_ref": customer_ref}
    # A number, with every digit it has.
    body = json.dumps(asked)[:-1] + f', "quantity": {quantity}}}'
    return Question("POST", f"{_BASE}/check", {}, body)


def current(customer_ref: str, metric: str | None) -> Question:
    """Asks for the usage of the running period."""
    params = {"customer_ref": customer_ref}
    return Question("GET", f"{_BASE}/usage/current", params | _given(metric=metric))


def history(
    metric: str, customer_ref: str, since: datetime, until: datetime, interval: str
) -> Question:
    """Asks for usage by window."""
    params = {
        "metric": metric,
        "customer_ref": customer_ref,
        "since": since.isoformat(),
        "until": until.isoformat(),
        "interval": interval,
    }
    return Question("GET", f"{_BASE}/usage/history", params)


def projection(customer_ref: str) -> Question:
    """Asks what open periods cost so far, and will cost."""
    body = json.dumps({"customer_ref": customer_ref})
    return Question("POST", f"{_BASE}/usage/projection", {}, body)


def answer(response: httpx.Response) -> Any:
    """Returns what a response says; numbers with a fraction are decimals.

    Raises:
        ApiError: the server refused.
        Unavailable: it cannot answer now, or somebody else answered; asking again may help.
    """
    if response.is_success:
        try:
            return json.loads(response.content, parse_float=Decimal)
        except ValueError as error:
            raise Unavailable(f"the answer is no JSON: {response.text[:200]!r}") from error
    try:
        said = json.loads(response.content)
        code, message = str(said.get("code", "")), str(said.get("message", ""))
    except (ValueError, AttributeError):
        code, message = "", response.text[:200]
    refused = ApiError(response.status_code, code, message)
    if response.status_code in _TRY_AGAIN:
        raise Unavailable(f"the server cannot answer now: {refused}") from refused
    raise refused


def as_told(error: Exception) -> MeteringError:
    """Returns what a program is told of a failure in the background."""
    if isinstance(error, MeteringError):
        return error
    told = MeteringError(f"{type(error).__name__}: {error}")
    told.__cause__ = error
    return told


def given_up(tries: int, last: Exception) -> Unavailable:
    """Returns what to raise after the last attempt, with what came of that as its cause."""
    error = Unavailable(f"no answer after {tries} attempts: {last}")
    # What the server said, rather than that it may be asked again.
    error.__cause__ = last.__cause__ if isinstance(last.__cause__, ApiError) else last
    return error


def wait_seconds(attempt: int, response: httpx.Response | None) -> float:
    """Returns how long to wait before the next attempt: as the server says, or twice as long."""
    if response is not None:
        said = response.headers.get("retry-after", "")
        if said.isdigit():
            return min(int(said), _LONGEST_WAIT_SECONDS)
    longest = min(_FIRST_WAIT_SECONDS * 2**attempt, _LONGEST_WAIT_SECONDS)
    return random.uniform(longest / 2, longest)  # noqa: S311 - only spreads attempts


def results(events: Sequence[Event], said: Mapping[str, Any]) -> list[Result]:
    """Returns what became of the events of a request."""
    return [
        Result(
            events[one["index"]],
            one["status"],
            one.get("error"),
            one.get("warning"),
            one.get("adjustment_id"),
        )
        for one in said["results"]
    ]


def refuse_errors(found: Sequence[Result]) -> None:
    """Makes sure that no event was refused.

    Raises:
        RefusedEvents: one was.
    """
    if refused := [result for result in found if result.status == "error"]:
        raise RefusedEvents(refused)


def _given(**params: str | None) -> dict[str, str]:
    return {name: value for name, value in params.items() if value is not None}
