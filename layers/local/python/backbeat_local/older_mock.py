"""What the gateway answers by itself in profile `mock`: unknown routes, and browsers that ask."""

from typing import Final

from backbeat_local.http_events import HttpReply, json_reply

_ANY_ORIGIN: Final = (b"access-control-allow-origin", b"*")
_PREFLIGHT: Final = (
    _ANY_ORIGIN,
    (b"access-control-allow-methods", b"GET,HEAD,PUT,PATCH,POST,DELETE"),
    (b"access-control-allow-headers", b"*"),
)


def preflight() -> HttpReply:
    """Returns the answer to OPTIONS: whoever asks may."""
    return HttpReply(204, list(_PREFLIGHT), b"")


def unknown_route(method: str, path: str) -> HttpReply:
    """Returns the answer to a method or path that no route has."""
    message = f"Route not found: {method} {path}"
    return json_reply(404, {"message": message, "error": {"message": message, "status": 404}})


def open_to_browsers(reply: HttpReply) -> None:
    """Lets pages of any origin read a reply."""
    if _ANY_ORIGIN not in reply.headers:
        reply.headers.append(_ANY_ORIGIN)
