"""Where profile `mock` meets requests.

No token is needed, errors are nested, and the older mock's own routes are answered as it answers.
Everything else is answered as ever.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from backbeat.api import errors
from backbeat.api.older_mock.routes import ROUTES
from backbeat.api.replies import Reply
from backbeat.api.requests import Request
from backbeat.application.older_mock.profile import OlderMock, subscribe_targets
from backbeat.models.errors import BackbeatError, NotFound

_FIRST_ERROR: Final = 400


def with_token(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Returns the headers with a token: callers without one share a world."""
    return headers if headers.get("authorization") else {**headers, "authorization": "Bearer mock"}


def answered(
    request: Request,
    event: Mapping[str, Any],
    profile: OlderMock,
    otherwise: Callable[[], Reply],
) -> Reply:
    """Returns the profile's reply to a request. `otherwise` answers what is not its own."""
    subscribe_targets(request.call, profile)
    handler = ROUTES.get(event["routeKey"])
    if handler is None:
        return otherwise()
    try:
        return handler(request, profile)
    except NotFound as error:
        # "contract not found: x" is "Contract not found" there.
        error.message = error.message.partition(":")[0].capitalize()
        return errors.reply_to(error)
    except BackbeatError as error:
        return errors.reply_to(error)


def nested(reply: Reply) -> Reply:
    """Returns a reply whose error, if it is one, is also an object of its own."""
    if reply.status < _FIRST_ERROR or not isinstance(reply.body, Mapping):
        return reply
    error = {"message": reply.body.get("message", ""), "status": reply.status}
    if "conflicting_id" in reply.body:
        error["conflicting_id"] = reply.body["conflicting_id"]
    return Reply(reply.status, {**reply.body, "error": error}, reply.headers, reply.content_type)
