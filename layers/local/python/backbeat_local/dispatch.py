"""A request on its way to the function whose route it matches, and its reply."""

import logging
import uuid
from typing import TYPE_CHECKING

from backbeat_local.http_events import (
    BadReply,
    HttpReply,
    HttpRequest,
    http_event,
    http_reply,
    json_reply,
)
from backbeat_local.routes import Match, Miss, RouteTable

if TYPE_CHECKING:
    from backbeat_local.functions import Function

_log = logging.getLogger("backbeat")


def answered(routes: "RouteTable[Function]", request: HttpRequest) -> HttpReply:
    """Returns what the function of a request answers, or that there is none."""
    match = routes.find(request.method, request.path)
    if isinstance(match, Miss):
        return no_route(match, request.method, request.path)
    return handled(request, match)


def no_route(miss: Miss, method: str, path: str) -> HttpReply:
    """Returns the reply to a request that no route fits."""
    status = 404 if miss is Miss.PATH else 405
    return json_reply(status, {"message": f"Route not found: {method} {path}"})


def handled(request: HttpRequest, match: "Match[Function]", *, may_wait: bool = True) -> HttpReply:
    """Returns what a function answers; a failure of it is a reply, too."""
    request_id = str(uuid.uuid4())
    function = match.target
    try:
        event = http_event(
            request,
            route_key=match.route_key,
            parameters=match.parameters,
            request_id=request_id,
        )
        return http_reply(function.invoke(event, request_id, may_wait=may_wait))
    except BadReply:
        _log.exception("%s: %s returned no HTTP reply", request_id, function.spec.logical_id)
    except BaseException:
        # Whatever a handler raises, even SystemExit, ends this request and nothing else.
        _log.exception("%s: %s failed", request_id, function.spec.logical_id)
    return json_reply(500, {"message": "Internal Server Error", "requestId": request_id})
