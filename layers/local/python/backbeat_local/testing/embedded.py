"""Backbeat inside of the caller's process, for clients that are built on httpx."""

import asyncio
import uuid
from types import TracebackType
from typing import Any

import httpx

from backbeat_local.http_events import HttpReply, HttpRequest, is_dropped
from backbeat_local.runner import Runner
from backbeat_local.template_files import own_template

_CLIENT = "127.0.0.1"
BASE_URL = "http://backbeat.embedded"
"""An address that no socket is ever opened for."""


class Embedded:
    """A running Backbeat that is reached through transports. Also a context manager.

    Queues and schedules run on threads, as on a server. Only one can run in a process; meanwhile
    the `BACKBEAT_` variables of the environment are its.
    """

    def __init__(self) -> None:
        self._runner = Runner(own_template(), None, listens=False)
        self.base_url = BASE_URL

    @property
    def transport(self) -> httpx.BaseTransport:
        """A transport for `httpx.Client`, and so for every client that is built on it."""
        return _Transport(self._runner)

    @property
    def async_transport(self) -> httpx.AsyncBaseTransport:
        """A transport for `httpx.AsyncClient`."""
        return _AsyncTransport(self._runner)

    def client(self, token: str | None = None) -> Any:
        """Returns the official SDK's client of a token's sandbox, by default a new one.

        Raises:
            MissingSdk: the SDK is not installed.
        """
        from backbeat_local.testing.sdk import metronome_sdk

        return metronome_sdk().Metronome(
            base_url=self.base_url,
            bearer_token=token or f"test-{uuid.uuid4()}",
            http_client=httpx.Client(transport=self.transport),
        )

    def start(self) -> None:
        """Begins to answer."""
        self._runner.start()

    def stop(self) -> None:
        """Forgets everything."""
        self._runner.stop()

    def __enter__(self) -> "Embedded":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


class _Transport(httpx.BaseTransport):
    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return _response(request, self._runner.answer(_read(request, request.read())))


class _AsyncTransport(httpx.AsyncBaseTransport):
    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        # Handlers block, and may call back into the loop's other requests.
        read = _read(request, await request.aread())
        return _response(request, await asyncio.to_thread(self._runner.answer, read))


def _read(request: httpx.Request, body: bytes) -> HttpRequest:
    path, _, query = request.url.raw_path.decode("ascii").partition("?")
    return HttpRequest(
        method=request.method,
        path=path,
        query=query,
        headers=[(name.lower(), value) for name, value in request.headers.raw],
        body=body,
        client=_CLIENT,
    )


def _response(request: httpx.Request, reply: HttpReply) -> httpx.Response:
    if is_dropped(reply):
        raise httpx.RemoteProtocolError(
            "Server disconnected without sending a response.", request=request
        )
    return httpx.Response(reply.status, headers=reply.headers, content=reply.body, request=request)
