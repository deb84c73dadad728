"""The HTTP API: one server that hands requests to functions.

Of the servers measured, granian's WSGI worker is the fastest but lives in a process of its own,
which a killed parent leaves behind; its embedded form is no faster than uvicorn with httptools
and uvloop, which runs in any thread. Handlers block, so they run on worker threads, except those
that say that they take no time to speak of.
"""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from backbeat_local import older_mock
from backbeat_local.dispatch import handled, no_route
from backbeat_local.http_events import (
    HttpReply,
    HttpRequest,
    is_dropped,
    is_put_off,
    json_reply,
)
from backbeat_local.routes import Match, Miss, RouteTable
from backbeat_local.workers import Workers

if TYPE_CHECKING:
    import uvicorn

    from backbeat_local.functions import Function

BODY_LIMIT: Final = 10 * 1024 * 1024
"""Bytes of a request body that API Gateway accepts."""

_CONCURRENCY: Final = 64
"""Requests handled at once, besides those of callers."""

_CALLERS: Final = 32
"""Requests handled at once that may themselves call this server. They have threads of their own: if
they took all that there are, what they wait for would wait for them."""

_PROVIDER_ADDRESS: Final = "METRONOME_BASE_URL"
"""Functions with this variable call providers, which locally are this server."""

_KEEP_ALIVE_SECONDS: Final = 75
_DRAIN_SECONDS: Final = 3

_Scope: TypeAlias = MutableMapping[str, Any]
_Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
_Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class CannotListen(Exception):
    """Somebody else listens on the address, or it is not ours to listen on."""


class Gateway:
    """Serves a route table on `host`:`port` from a thread of its own; port 0 takes a free one."""

    def __init__(
        self, routes: "RouteTable[Function]", host: str, port: int, *, as_older_mock: bool = False
    ) -> None:
        """Takes the address at once, so that nobody else can, and clients may already connect.

        Raises:
            CannotListen: the address is taken or not of this machine.
        """
        try:
            self._socket = socket.create_server((host, port), backlog=2048)
        except OSError as error:
            # After the reason the socket module repeats the address, in brackets.
            reason = str(error.strerror).partition(" (")[0]
            raise CannotListen(f"cannot listen on {host}:{port}: {reason}") from error
        self._workers = Workers(_CONCURRENCY, "request", eager=1)
        self._callers = Workers(_CALLERS, "caller")
        self._application = _Application(
            routes, self._workers, self._callers, as_older_mock=as_older_mock
        )
        self._server: uvicorn.Server | None = None
        self._thread = threading.Thread(target=self._serve, name="gateway", daemon=True)
        self.host = host
        self.port: int = self._socket.getsockname()[1]

    def start(self) -> None:
        """Begins to answer. Requests that came earlier have been waiting."""
        # uvicorn takes longer to import than everything else here: the address comes first.
        import uvicorn

        self._server = uvicorn.Server(
            uvicorn.Config(
                self._application,
                http="httptools",
                loop="auto",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=_DRAIN_SECONDS,
            )
        )
        self._thread.start()

    def stop(self) -> None:
        """Stops listening, lets requests under way finish for a few seconds, then returns."""
        if self._server is None:
            self._socket.close()
            return
        self._server.should_exit = True
        self._thread.join(_DRAIN_SECONDS + 1)
        self._workers.stop(0)
        self._callers.stop(0)

    def _serve(self) -> None:
        assert self._server is not None  # noqa: S101 - start() set it
        self._server.run(sockets=[self._socket])


class _Application:
    """The ASGI application."""

    def __init__(
        self,
        routes: "RouteTable[Function]",
        workers: Workers,
        callers: Workers,
        *,
        as_older_mock: bool,
    ) -> None:
        self._routes = routes
        self._workers = workers
        self._callers = callers
        self._as_older_mock = as_older_mock

    async def __call__(self, scope: _Scope, receive: _Receive, send: _Send) -> None:
        body = await _read_body(receive)
        method, raw_path = scope["method"], scope["raw_path"].decode("latin-1")
        match: Match[Function] | Miss
        if body is None:
            reply = json_reply(413, {"message": "Request Entity Too Large"})
        elif self._as_older_mock and method == "OPTIONS":
            reply = older_mock.preflight()
        elif isinstance(match := self._routes.find(method, raw_path), Miss):
            reply = self._missed(match, method, raw_path)
        else:
            client = scope["client"]
            request = HttpRequest(
                method=method,
                path=raw_path,
                query=scope["query_string"].decode("latin-1"),
                headers=scope["headers"],
                body=body,
                client=client[0] if client else "",
                http_version=scope["http_version"],
            )
            reply = await self._handled(request, match)
        if is_dropped(reply):
            await _drop(receive, send)
            return
        if self._as_older_mock:
            older_mock.open_to_browsers(reply)
        reply.headers.append((b"content-length", str(len(reply.body)).encode()))
        await send(
            {"type": "http.response.start", "status": reply.status, "headers": reply.headers}
        )
        await send({"type": "http.response.body", "body": reply.body})

    def _missed(self, miss: Miss, method: str, path: str) -> HttpReply:
        if self._as_older_mock:
            return older_mock.unknown_route(method, path)
        return no_route(miss, method, path)

    async def _handled(self, request: HttpRequest, match: "Match[Function]") -> HttpReply:
        if match.target.is_brief(match.route_key):
            # Here, rather than on a thread that fights with this one for the interpreter.
            reply = handled(request, match, may_wait=False)
            if not is_put_off(reply):
                return reply
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[HttpReply] = loop.create_future()

        def settle(reply: HttpReply) -> None:
            if not answered.done():
                answered.set_result(reply)

        def task() -> None:
            reply = handled(request, match)
            try:
                loop.call_soon_threadsafe(settle, reply)
            except RuntimeError:
                # The server stopped before the handler was done: nobody waits for the reply.
                return

        calls = _PROVIDER_ADDRESS in match.target.spec.environment
        (self._callers if calls else self._workers).submit(task)
        return await answered


async def _drop(receive: _Receive, send: _Send) -> None:
    """Ends the connection without a word, which ASGI has no message for."""
    # uvicorn's `send` is a method of the exchange, which knows its connection.
    send.__self__.transport.abort()  # type: ignore[attr-defined]
    while (await receive())["type"] != "http.disconnect":
        pass


async def _read_body(receive: _Receive) -> bytes | None:
    """Returns the whole body; None when it is too large (it is read to its end all the same)."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return body if len(body) <= BODY_LIMIT else None
    parts, size = [body], len(body)
    while message.get("more_body"):
        message = await receive()
        size += len(message.get("body", b""))
        if size <= BODY_LIMIT:
            parts.append(message.get("body", b""))
        else:
            # A client that is cut off while it sends would see a broken connection, not the 413.
            parts.clear()
    return b"".join(parts) if size <= BODY_LIMIT else None
