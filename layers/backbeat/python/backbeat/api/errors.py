"""Errors as replies: `{"code", "message"}` and a status."""

from typing import Final

from backbeat.api.replies import Reply
from backbeat.models.errors import (
    BackbeatError,
    Conflict,
    Forbidden,
    InvalidArgument,
    NotFound,
    Retryable,
    TooMany,
    Unauthenticated,
    Unprocessable,
)

_STATUSES: Final[dict[type[BackbeatError], int]] = {
    InvalidArgument: 400,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    Unprocessable: 422,
    TooMany: 429,
    Retryable: 503,
}


def reply_to(
    error: BackbeatError,
    *,
    unknown_id_status: int = 404,
    bad_request_code: str = InvalidArgument.code,
) -> Reply:
    """Returns the reply for an error.

    Some operations answer 400 to an unknown id, or have a code of their own for bad requests.
    """
    status = next(_STATUSES[kind] for kind in type(error).__mro__ if kind in _STATUSES)
    if isinstance(error, NotFound):
        status = unknown_id_status
    code = bad_request_code if error.code == InvalidArgument.code else error.code
    body: dict[str, object] = {"code": code, "message": error.message}
    if isinstance(error, Conflict):
        # Decision D-04: every conflict names what it collides with.
        if error.conflicting_id is not None:
            body["conflicting_id"] = error.conflicting_id
        if error.value is not None:
            body["conflicting_value"] = error.value
    return Reply(status, body, _headers(error))


def _headers(error: BackbeatError) -> dict[str, str]:
    if not isinstance(error, TooMany):
        return {}
    # Limits are of a token, not of one of its customers.
    return {
        "retry-after": str(error.retry_after_seconds),
        "x-metronome-rate-limit-type": "client",
    }


def internal_error(request_id: str) -> Reply:
    """Returns the reply for what nobody foresaw: no details, but what to search the log for."""
    return Reply(
        500,
        {"code": "InternalError", "message": f"Internal error. Request id: {request_id}"},
    )
