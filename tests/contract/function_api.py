"""The functions of the template behind their routes, called with HTTP API events, without a server.

Requests come raw or from the official SDK; either way each becomes the event that API Gateway
would send (payload 2.0) to the function whose route it matches.
"""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import httpx
from metronome import Metronome

from backbeat.api.operations import BY_ID, OPERATIONS, Operation
from backbeat_local.functions import Function
from backbeat_local.http_events import HttpReply, HttpRequest, http_event, http_reply
from backbeat_local.routes import Match, RouteTable
from backbeat_local.template import load_template

ROOT: Final = Path(__file__).parents[2]

TEMPLATE: Final = load_template(ROOT / "template.yaml")

_BY_ROUTE: Final = {f"{operation.method} {operation.path}": operation for operation in OPERATIONS}


@dataclass(frozen=True)
class Answer:
    """What came back. `operation` is None for routes that are not the Metronome API's."""

    operation: Operation | None
    status: int
    content: bytes

    @property
    def text(self) -> str:
        """The content of anything but a document."""
        return self.content.decode()

    @property
    def body(self) -> Any:
        """The decoded JSON."""
        return json.loads(self.text)


@dataclass
class FunctionApi:
    """All routes of the template. `answers` are what came back so far, the latest last."""

    answers: list[Answer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.functions = {
            logical_id: Function(spec) for logical_id, spec in TEMPLATE.functions.items()
        }
        self._routes = RouteTable(
            (route, function)
            for function in self.functions.values()
            for route in function.spec.routes
        )

    def handle(self, request: HttpRequest) -> HttpReply:
        """Gives a request to its function."""
        match = self._routes.find(request.method, request.path)
        assert isinstance(match, Match), f"no route for {request.method} {request.path}"
        request_id = str(uuid.uuid4())
        event = http_event(
            request,
            route_key=match.route_key,
            parameters=match.parameters,
            request_id=request_id,
        )
        reply = http_reply(match.target.invoke(event, request_id))
        self.answers.append(Answer(_BY_ROUTE.get(match.route_key), reply.status, reply.body))
        return reply

    def send(
        self,
        method: str,
        path: str,
        *,
        token: str | None,
        query: Mapping[str, str] | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Sends a request. A body that is text goes as it is, anything else as JSON."""
        text = body if isinstance(body, str) else "" if body is None else json.dumps(body)
        sent = {**(headers or {})}
        if token is not None:
            sent["authorization"] = f"Bearer {token}"
        self.handle(
            HttpRequest(
                method=method,
                path=path,
                query=urlencode(query or {}),
                headers=[(name.encode(), value.encode()) for name, value in sent.items()],
                body=text.encode(),
                client="127.0.0.1",
            )
        )
        return self.answers[-1]

    def call(
        self,
        operation_id: str,
        *,
        token: str | None,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Calls an operation; `path` fills in the path's parameters."""
        operation = BY_ID[operation_id]
        return self.send(
            operation.method,
            operation.path.format_map(path or {}),
            token=token,
            query=query,
            body=body,
            headers=headers,
        )

    def sdk(self, token: str) -> Metronome:
        """Returns the official client. It refuses replies that lack what its models require."""
        return Metronome(
            base_url="http://backbeat.test",
            bearer_token=token,
            max_retries=0,
            http_client=httpx.Client(transport=_Transport(self)),
            _strict_response_validation=True,
        )


class _Transport(httpx.BaseTransport):
    def __init__(self, api: FunctionApi) -> None:
        self._api = api

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        reply = self._api.handle(
            HttpRequest(
                method=request.method,
                path=request.url.raw_path.decode().partition("?")[0],
                query=request.url.query.decode(),
                headers=[(name.lower(), value) for name, value in request.headers.raw],
                body=request.read(),
                client="127.0.0.1",
            )
        )
        return httpx.Response(reply.status, headers=reply.headers, content=reply.body)
