"""What a sandbox adds to every call: faults that were asked for, and the log of requests."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from backbeat.api import errors, json
from backbeat.api.operations import OPERATIONS
from backbeat.api.replies import Reply
from backbeat.api.requests import Request
from backbeat.application import faults, request_log, snapshots
from backbeat.models.errors import BackbeatError, InvalidArgument
from backbeat.models.faults import Fault, FaultKind, When
from backbeat.models.request_log import LoggedRequest
from backbeat.ports.http import DROPPED, WAITS

CONTROLS: Final = "/mock/"
"""What the paths of a sandbox's controls begin with."""
_ONLOOKER: Final = "x-backbeat-onlooker"
"""A header of those who watch a program under test, such as the console."""

_GZIP_MAGIC: Final = b"\x1f\x8b"
_IDS: Final = {f"{one.method} {one.path}": one.id for one in OPERATIONS}
_LONGEST_BODY: Final = 64 * 1024
"""Customers are looked for in bodies up to so many characters."""


def answered(
    request: Request,
    event: Mapping[str, Any],
    route: str,
    answer: Callable[[], Reply],
    *,
    may_wait: bool = True,
) -> Reply:
    """Answers a call as the sandbox's faults have it, and logs it.

    `route` is method and path as registered. The controls themselves never fail on purpose, so
    that faults can always be removed, and are not logged. Nor are those of onlookers: they would
    use up faults that wait for the program under test, and fill its log.

    Unless it `may_wait`, a call that faults could hold up is left alone, see `WAITS`.
    """
    if event["rawPath"].startswith(CONTROLS) or _ONLOOKER in request.headers:
        return answer()
    if request.call.faulty and not may_wait:
        return Reply(503, headers={WAITS: "faults"})
    happening = _happening(request, event)
    if happening:
        # Sleeping for no time at all would still let every other thread go first.
        time.sleep(sum(fault.milliseconds for fault in happening) / 1000)
    spoilt = next((fault for fault in happening if fault.kind is not FaultKind.LATENCY), None)
    if spoilt is not None and spoilt.when is When.BEFORE:
        reply = done = _spoilt(spoilt)
    else:
        done = _work(answer)
        reply = done if spoilt is None else _spoilt(spoilt)
    _note(request, event, route, done, happening)
    return reply


def unpacked(event: Mapping[str, Any], body: bytes) -> bytes:
    """Returns a body as it is; the controls also take a gzip file, such as a snapshot.

    Raises:
        InvalidArgument: the file is damaged, or much too large.
    """
    if body.startswith(_GZIP_MAGIC) and event["rawPath"].startswith(CONTROLS):
        return snapshots.unpack(body)
    return body


def _work(answer: Callable[[], Reply]) -> Reply:
    try:
        return answer()
    except BackbeatError as error:
        return errors.reply_to(error)


def _happening(request: Request, event: Mapping[str, Any]) -> list[Fault]:
    if not request.call.faulty:
        return []
    path: str = event["rawPath"]
    method: str = event["requestContext"]["http"]["method"]
    named = [*path.split("/"), *request.query.values(), _parsed(request.body)]
    return faults.met_by_request(request.call, method, path, named)


def _parsed(body: str) -> object:
    if len(body) > _LONGEST_BODY:
        return None
    try:
        return json.loads(body or "null")
    except InvalidArgument:
        return None


def _spoilt(fault: Fault) -> Reply:
    if fault.kind is FaultKind.DROP:
        # API Gateway cannot end a connection: there, this is as close as it gets.
        body = {"code": "ConnectionDropped", "message": "Dropped on purpose"}
        return Reply(502, body, {DROPPED: "drop"})
    wait = fault.retry_after_seconds
    headers = {} if wait is None else {"retry-after": json.number_text(wait)}
    body = {"code": "FaultInjected", "message": f"Failed on purpose by fault {fault.id}"}
    return Reply(fault.status or 500, body, headers)


def _note(
    request: Request, event: Mapping[str, Any], route: str, done: Reply, happening: list[Fault]
) -> None:
    at = request.call.services.clock.now()
    request_log.note(
        request.call,
        event["rawPath"],
        lambda number: LoggedRequest(
            number=number,
            at=at,
            operation=_IDS.get(route, route),
            method=event["requestContext"]["http"]["method"],
            path=event["rawPath"],
            query=dict(request.query),
            body=request_log.shortened(request.body),
            status=done.status,
            reply=request_log.shortened(done.text),
            fault=", ".join(_name(fault) for fault in happening) or None,
            idempotency_key=request.headers.get("idempotency-key"),
        ),
    )


def _name(fault: Fault) -> str:
    if fault.kind is FaultKind.LATENCY:
        return fault.kind.value
    kind = f"status {fault.status}" if fault.kind is FaultKind.STATUS else fault.kind.value
    return f"{kind} {fault.when.value} the work"
