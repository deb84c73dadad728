"""The HTTP side of a function: routes from the operations table, one error model, one way in.

    api = Api("contracts", services)

    @api.operation("getContract-v2")
    def get_contract(request: Request, body: GetContract) -> Reply: ...

    handler = api.handler

A handler's parameters say what it wants parsed: `body` and `query` are pydantic schemas.
"""

import base64
import logging
import re
import threading
import time
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel

from backbeat.api import auth, errors, idempotency, sandboxing, scopes
from backbeat.api.operations import BY_ID, ROUTED
from backbeat.api.replies import Reply
from backbeat.api.requests import OpenRequest, Request, Visit, parse, parse_body
from backbeat.api.schemas.types import refuse_malformed_id
from backbeat.application import rate_limits, sandboxes
from backbeat.application.services import Services
from backbeat.models.api_keys import Scope
from backbeat.models.errors import BackbeatError, InvalidArgument
from backbeat.ports.store import DocTooLarge

Handler = Callable[..., Reply]

_PLAIN: Final = re.compile(r"[\w.~:@-]+")
"""Values of path parameters that Powertools takes, too, without a closer look at the others."""

_ID_PARAMETER: Final = re.compile(r"\{(\w+_id)\}")

_log = logging.getLogger("backbeat.api")


@dataclass(frozen=True, slots=True)
class Route:
    """How one method and path is answered. `id` is the operation's, or the handler's name.

    `scope` is the right that a caller needs. `open` routes find out themselves who calls.
    Replies of `secret` routes are shown once and kept nowhere. What `brief` ones do is bounded by
    what a request brings, and they ask nobody but the store: see `LambdaHandler`.
    """

    id: str
    method: str
    path: str
    answer: Handler
    body: type[BaseModel] | None
    query: type[BaseModel] | None
    unknown_id_status: int
    bad_request_code: str
    scope: Scope
    public: bool
    open: bool = False
    secret: bool = False
    successes: tuple[int, ...] = (200,)
    ids: tuple[str, ...] = ()
    brief: bool = False

    @property
    def key(self) -> str:
        """What API Gateway calls the route."""
        return f"{self.method} {self.path}"

    @property
    def operation(self) -> str:
        """What the route is called in the log of changes."""
        return self.id if self.id in BY_ID else self.key


class _ThreadResolver(APIGatewayHttpResolver):
    """A resolver that holds the event and context it is resolving.

    Powertools keeps both on a class, since a Lambda environment answers one request at a time.
    The local runner answers many at once, each thread with a resolver of its own.
    """

    _event: APIGatewayProxyEventV2
    _context: LambdaContext

    @property
    def current_event(self) -> APIGatewayProxyEventV2:  # type: ignore[override]
        return self._event

    @property
    def lambda_context(self) -> LambdaContext:  # type: ignore[override]
        return self._context

    def resolve(self, event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
        self._event = APIGatewayProxyEventV2(dict(event))
        self._context = context
        return super().resolve(event, context)


@dataclass(frozen=True, slots=True)
class LambdaHandler:
    """What Lambda calls with an event and a context, once for each request.

    A server that answers many at once may call it for `brief` routes on the very thread that all
    requests come in by, where nothing may wait long: to hand a request to another thread and its
    reply back takes a third of the time of such a request. It gives a context whose `may_wait` is
    False, and asks again on another thread when the reply has the header `WAITS`.
    """

    handle: Callable[[dict[str, Any], Any], dict[str, Any]]
    brief: frozenset[str]

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """Returns the reply."""
        return self.handle(event, context)


class Api:
    """Collects the handlers of one function and makes its Lambda handler."""

    def __init__(self, function: str, services: Callable[[], Services]) -> None:
        self.function = function
        self._services = services
        self._routes: list[Route] = []
        self._local = threading.local()
        self._missing = {operation.id for operation in ROUTED if operation.function == function}

    def operation(self, operation_id: str, *, brief: bool = False) -> Callable[[Handler], Handler]:
        """Registers the handler of an operation of the table."""
        operation = BY_ID[operation_id]
        if operation.function != self.function or operation_id not in self._missing:
            raise LookupError(f"{operation_id} is not this function's to answer")

        def register(handler: Handler) -> Handler:
            self._missing.remove(operation_id)
            made = _route(
                operation.id,
                operation.method,
                operation.path,
                handler,
                unknown_id_status=operation.unknown_id_status,
                bad_request_code=operation.bad_request_code,
                ids=tuple(_ID_PARAMETER.findall(operation.path)),
            )
            self._routes.append(replace(made, brief=brief))
            return handler

        return register

    def route(
        self,
        method: str,
        path: str,
        *,
        public: bool = False,
        secret: bool = False,
        brief: bool = False,
        successes: tuple[int, ...] = (200,),
    ) -> Callable[[Handler], Handler]:
        """Registers a path that is not the Metronome API's.

        Public ones need no token: their handlers are given a `Visit`. A path that ends with
        `{path+}` has everything below. A reply that is `secret` goes neither into the log of
        requests nor under an idempotency key. `successes` are the statuses of what succeeds.
        """

        def register(handler: Handler) -> Handler:
            made = _route(handler.__name__, method, path, handler, public=public)
            self._routes.append(replace(made, secret=secret, brief=brief, successes=successes))
            return handler

        return register

    def open_route(self, method: str, path: str) -> Callable[[Handler], Handler]:
        """Registers a path whose handler finds out by itself who calls: it gets an `OpenRequest`.

        For what brings no token, such as signed webhooks.
        """

        def register(handler: Handler) -> Handler:
            made = _route(handler.__name__, method, path, handler)
            self._routes.append(replace(made, open=True))
            return handler

        return register

    @property
    def routes(self) -> Sequence[Route]:
        """Everything that the function answers."""
        return tuple(self._routes)

    @cached_property
    def handler(self) -> "LambdaHandler":
        """The Lambda handler. Fails when an operation of the function has no handler."""
        if self._missing:
            raise LookupError(f"no handler for {sorted(self._missing)}")
        matched = {route.key: route for route in self._routes}

        def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
            # API Gateway has found the route already. To look for it again among thirty, and to
            # make objects of what is asked and answered, takes as long as to answer a GET.
            route = matched.get(event.get("routeKey", ""))
            path = event.get("pathParameters") or {}
            if route is None or not all(map(_PLAIN.fullmatch, path.values())):
                return self._resolver().resolve(event, context)
            return _proxied(self._answer(route, event, context, path))

        return LambdaHandler(handle, frozenset(one.key for one in self._routes if one.brief))

    def _resolver(self) -> _ThreadResolver:
        resolver: _ThreadResolver | None = getattr(self._local, "resolver", None)
        if resolver is None:
            resolver = _ThreadResolver()
            for route in sorted(self._routes, key=_parameters_last):
                self._register(resolver, route)
            resolver.not_found(_nothing_there)
            self._local.resolver = resolver
        return resolver

    def _register(self, resolver: _ThreadResolver, route: Route) -> None:
        def answer(**path: str) -> Response[Any]:
            event, context = resolver.current_event.raw_event, resolver.lambda_context
            return _response(self._answer(route, event, context, path))

        rule = _rule(route.path)
        resolver.route(rule, method=route.method)(answer)

    def _answer(
        self, route: Route, event: Mapping[str, Any], context: Any, path: dict[str, str]
    ) -> Reply:
        if not _log.isEnabledFor(logging.INFO):
            return self._reply(route, event, context, path)
        begun = time.monotonic()
        reply = self._reply(route, event, context, path)
        said: dict[str, object] = {
            "operation": route.key,
            "status": reply.status,
            "milliseconds": round((time.monotonic() - begun) * 1000),
            "request_id": str(getattr(context, "aws_request_id", "")),
        }
        # One line a request, without properties, tokens or bodies.
        _log.info("request", extra=said)
        return reply

    def _reply(
        self, route: Route, event: Mapping[str, Any], context: Any, path: dict[str, str]
    ) -> Reply:
        try:
            services = self._services()
        except Exception:
            return _unforeseen(route, context)
        if services.older_mock is None or route.open:
            return self._answered(services, route, event, context, path)
        # Imported where the profile is on: nobody else pays for it.
        from backbeat.api.older_mock import edge

        dressed = {**event, "headers": edge.with_token(event.get("headers") or {})}
        return edge.nested(self._answered(services, route, dressed, context, path))

    def _answered(
        self,
        services: Services,
        route: Route,
        event: Mapping[str, Any],
        context: Any,
        path: dict[str, str],
    ) -> Reply:
        try:
            if route.public and services.older_mock is None:
                return self._shown(services, route, event)
            headers = event.get("headers") or {}
            if route.open:
                return route.answer(OpenRequest(services, path, headers, _sent(event)))
            caller = auth.caller_of(services, headers)
            auth.refuse_without(caller, route.scope)
            by = auth.author_of(services, caller, event, route.operation)
            call = sandboxes.call_of(services, caller.owner, by)
            request = Request(
                call, caller, path, event.get("queryStringParameters") or {}, headers, _body(event)
            )
            if route.secret:
                return self._run(route, request, context)
            if not services.sandbox:
                return self._once(route, request, event, context)
            return sandboxing.answered(
                request,
                event,
                route.key,
                lambda: self._in_profile(services, route, request, event, context),
                may_wait=getattr(context, "may_wait", True),
            )
        except BackbeatError as error:
            return errors.reply_to(error)
        except Exception:
            return _unforeseen(route, context)

    def _shown(self, services: Services, route: Route, event: Mapping[str, Any]) -> Reply:
        query = event.get("queryStringParameters") or {}
        visit = Visit(services, event["rawPath"], query, event.get("headers") or {})
        return route.answer(visit)

    def _in_profile(
        self,
        services: Services,
        route: Route,
        request: Request,
        event: Mapping[str, Any],
        context: Any,
    ) -> Reply:
        if services.older_mock is None:
            return self._once(route, request, event, context)
        from backbeat.api.older_mock import edge

        return edge.answered(
            request,
            event,
            services.older_mock,
            lambda: (
                self._shown(services, route, event)
                if route.public
                else self._once(route, request, event, context)
            ),
        )

    def _once(
        self, route: Route, request: Request, event: Mapping[str, Any], context: Any
    ) -> Reply:
        if not event["rawPath"].startswith(sandboxing.CONTROLS):
            rate_limits.count(request.call)
        key = request.headers.get("idempotency-key")
        if key is None or route.method != "POST":
            return self._run(route, request, context)
        return idempotency.answer_once(
            request.call,
            key=key,
            request=f"{event['rawPath']}?{event.get('rawQueryString', '')}\n{request.body}",
            context=context,
            answer=lambda: self._run(route, request, context),
        )

    def _run(self, route: Route, request: Request, context: Any) -> Reply:
        try:
            for name in route.ids:
                refuse_malformed_id(name, request.path[name])
            arguments: dict[str, BaseModel] = {}
            if route.body is not None:
                arguments["body"] = parse_body(request.body, route.body)
            if route.query is not None:
                arguments["query"] = parse(request.query, route.query)
            return route.answer(request, **arguments)
        except BackbeatError as error:
            return errors.reply_to(
                error,
                unknown_id_status=route.unknown_id_status,
                bad_request_code=route.bad_request_code,
            )
        except DocTooLarge:
            # Every text has a limit, but what a thing is made of may grow without one.
            return errors.reply_to(InvalidArgument("The request makes something too large to keep"))
        except Exception:
            return _unforeseen(route, context)


def _rule(path: str) -> str:
    """Returns a path as Powertools writes it; what is below a greedy parameter is the visit's."""
    return path.replace("{path+}", ".+").replace("{", "<").replace("}", ">")


def _unforeseen(route: Route, context: Any) -> Reply:
    request_id = str(getattr(context, "aws_request_id", ""))
    _log.exception("unforeseen", extra={"path": route.path, "request_id": request_id})
    return errors.internal_error(request_id)


def _route(
    id_: str,
    method: str,
    path: str,
    handler: Handler,
    *,
    unknown_id_status: int = 404,
    bad_request_code: str = InvalidArgument.code,
    public: bool = False,
    ids: tuple[str, ...] = (),
) -> Route:
    wanted = typing.get_type_hints(handler)
    return Route(
        id_,
        method,
        path,
        handler,
        wanted.get("body"),
        wanted.get("query"),
        unknown_id_status,
        bad_request_code,
        scopes.needed(method, path),
        public,
        ids=ids,
    )


def _nothing_there(_: Exception) -> Response[Any]:
    """Answers what the gateway lets through and Powertools does not, such as control characters."""
    return _response(Reply(404, {"code": "NotFound", "message": "Nothing has this path"}))


def _body(event: Mapping[str, Any]) -> str:
    body = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return str(body)
    try:
        return sandboxing.unpacked(event, base64.b64decode(body)).decode()
    except ValueError as error:
        raise InvalidArgument("The body is not UTF-8 text") from error


def _sent(event: Mapping[str, Any]) -> bytes:
    body = str(event.get("body") or "")
    return base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()


def _parameters_last(route: Route) -> tuple[bool, ...]:
    """Puts a literal before a parameter in the same place: the first route that fits answers."""
    return tuple(part.startswith("{") for part in route.path.split("/"))


def _response(reply: Reply) -> Response[Any]:
    # What is bytes, Powertools sends in base64 and says so.
    return Response(
        status_code=reply.status,
        content_type=reply.content_type,
        headers=dict(reply.headers),
        body=_content(reply),
    )


def _proxied(reply: Reply) -> dict[str, Any]:
    """Returns a reply as API Gateway wants it: what Powertools makes of `_response`."""
    content = _content(reply)
    is_binary = isinstance(content, bytes)
    return {
        "statusCode": reply.status,
        "body": base64.b64encode(content).decode() if isinstance(content, bytes) else content,
        "isBase64Encoded": is_binary,
        "headers": {"Content-Type": reply.content_type, **reply.headers},
        "cookies": [],
    }


def _content(reply: Reply) -> str | bytes:
    if not isinstance(reply.body, bytes):
        return reply.text
    return reply.body.decode() if reply.content_type == "application/json" else reply.body
