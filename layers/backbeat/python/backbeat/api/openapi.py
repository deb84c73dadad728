"""Backbeat's own OpenAPI document: what its functions answer, from what they registered.

Methods, paths and statuses come from the operations table, bodies and queries from the schemas
that requests are parsed with. What is wrong with a request is told in one form everywhere.
"""

import inspect
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from backbeat.api.reply_forms import SCHEMAS
from backbeat.api.reply_objects import OBJECTS
from backbeat.api.resolver import Api, Route
from backbeat.api.schemas.events import json_schema as events_schema
from backbeat.api.schemas.metering import json_schema as metered_events_schema

API_VERSION: Final = "0.1.0"

_OPENAPI: Final = "3.1.0"

_PARAMETER: Final = re.compile(r"\{(\w+)\}")
_SCHEMAS: Final = "#/components/schemas/"
_ERROR: Final[Mapping[str, Any]] = {
    "type": "object",
    "description": "What is wrong: `code` is for programs, `message` for people.",
    "properties": {
        "code": {"type": "string"},
        "message": {"type": "string"},
        "conflicting_id": {"type": "string", "description": "What a conflict collides with."},
        "conflicting_value": {"type": "string"},
    },
    "required": ["code", "message"],
}
_ERRORS: Final = {
    400: "The request is wrong; the message names the field.",
    401: "There is no bearer token or API key, or it is not valid.",
    403: "The token does not carry the right.",
    404: "Nothing of that kind has that id in this sandbox.",
    409: "The change collides with what is there.",
    422: "It was done already, or cannot be done any more.",
    429: "A rate limit was crossed.",
    500: "Nobody foresaw this; the message has the request's id.",
    503: "Others were writing the same things; nothing was changed.",
}
_ANY_OBJECT: Final = {"type": "object"}
_OAUTH_ERROR: Final[Mapping[str, Any]] = {
    "description": "What is wrong, in the form of RFC 6749.",
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "properties": {
                    "error": {"type": "string"},
                    "error_description": {"type": "string"},
                },
                "required": ["error"],
            }
        }
    },
}
_ERROR_CONTENT: Final[Mapping[str, Any]] = {
    "application/json": {"schema": {"$ref": f"{_SCHEMAS}Error"}}
}
_NO_WIDGET_TOKEN: Final[Mapping[str, Any]] = {
    "description": "The link's token is none, or has expired.",
    "content": _ERROR_CONTENT,
}
_UNPAID: Final[Mapping[str, Any]] = {
    "description": "The payment failed, and nothing has changed.",
    "content": _ERROR_CONTENT,
}
_NO_LINK: Final[Mapping[str, Any]] = {"description": _ERRORS[403], "content": {"text/html": {}}}
_OWN_ERRORS: Final[Mapping[str, Mapping[str, Any]]] = {
    **{
        f"POST {path}": {"402": _UNPAID}
        for path in (
            "/api/onboard",
            "/api/tier/change",
            "/api/subscription/{entity_id}/cancel",
            "/api/subscription/{entity_id}/reactivate",
            "/api/operations/{operation_id}/retry",
            "/api/operations/{operation_id}/cancel",
        )
    },
    "POST /oauth/token": {"400": _OAUTH_ERROR, "401": _OAUTH_ERROR},
    "GET /widget/usage": {"401": _NO_WIDGET_TOKEN},
    "GET /dashboards/embedded": {"403": _NO_LINK},
}
"""Errors that a route tells in its own way, or although it is public."""
_TOKEN_REQUEST: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {
        "grant_type": {"const": "client_credentials"},
        "client_id": {"type": "string"},
        "client_secret": {"type": "string"},
        "scope": {"type": "string", "description": "Scopes with blanks between."},
    },
    "required": ["grant_type"],
}
_BODIES: Final[Mapping[str, Any]] = {
    "POST /v1/usage/ingest": _ANY_OBJECT,
    "POST /webhooks/dispatch": _ANY_OBJECT,
    "POST /webhooks/verify": {},
    "POST /oauth/token": _TOKEN_REQUEST,
    "POST /mock/restore": _ANY_OBJECT,
    "POST /mock/fixtures": _ANY_OBJECT,
}
"""Bodies that handlers read by themselves. Those of events come from their own schema."""

_WITH_BODY: Final = frozenset({"PATCH", "POST", "PUT"})

_KINDS: Final = {
    "/v1/customers/{customer_id}/invoices/{invoice_id}/pdf": "application/pdf",
    "/mock/snapshots/{name}": "application/gzip",
    "/reference": "text/html",
    "/metering/metrics": "text/plain",
    "/metering/v1/events/export": "text/csv",
    "/": "text/html",
    "/console": "text/html",
    "/demo": "text/html",
    "/dashboards/embedded": "text/html",
    "/widget": "text/html",
    "/widget.js": "text/javascript",
}
"""Content types of successful GETs that do not answer with JSON."""


def document(apis: Iterable[Api]) -> dict[str, Any]:
    """Returns the document of all routes of some functions, by path.

    What lies below a page is the page's own affair: OpenAPI has no word for such paths.
    """
    owned = [
        (api.function, route)
        for api in apis
        for route in api.routes
        if not route.path.endswith("+}")
    ]
    models = [model for _, route in owned for model in (route.body, route.query) if model]
    references, definitions = models_json_schema(
        [(model, "validation") for model in dict.fromkeys(models)],
        ref_template=f"{_SCHEMAS}{{model}}",
    )
    named: dict[Any, Any] = {model: schema for (model, _), schema in references.items()}
    events, event_schemas = events_schema(_SCHEMAS)
    metered, metered_schemas = metered_events_schema(_SCHEMAS)
    bodies = {
        "POST /v1/ingest": events,
        "POST /metering/v1/events/ingest": metered,
        **_BODIES,
    }
    paths: dict[str, Any] = {}
    taken: set[str] = set()
    for function, route in sorted(owned, key=lambda one: (one[1].path, one[1].method)):
        described = _operation(function, route, named, definitions.get("$defs", {}), bodies)
        if described["operationId"] in taken:
            # One handler may answer several older paths.
            described["operationId"] += f"-{route.method}-{route.path.strip('/').replace('/', '-')}"
        taken.add(described["operationId"])
        paths.setdefault(route.path, {})[route.method.lower()] = described
    return {
        "openapi": _OPENAPI,
        "info": {
            "title": "Backbeat",
            "version": API_VERSION,
            "description": "Usage billing with the API of Metronome, and controls for tests.",
        },
        "security": [{"token": []}],
        "tags": [{"name": name} for name in sorted({function for function, _ in owned})],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {
                "Error": _ERROR,
                **_all_named(OBJECTS, event_schemas, metered_schemas, definitions.get("$defs", {})),
            },
        },
    }


def _all_named(*parts: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the schemas of several parts, none of which takes the name of another."""
    together: dict[str, Any] = {}
    for part in parts:
        if taken := together.keys() & part.keys():
            raise ValueError(f"two schemas are called {sorted(taken)}")
        together.update(part)
    return together


def _operation(
    function: str,
    route: Route,
    named: Mapping[type[BaseModel], Any],
    definitions: Mapping[str, Any],
    bodies: Mapping[str, Any],
) -> dict[str, Any]:
    told = inspect.cleandoc(route.answer.__doc__ or "")
    described: dict[str, Any] = {
        "operationId": route.id,
        "tags": [function],
        "summary": told.partition("\n")[0],
        "parameters": [*_path(route), *_query(route, named, definitions)],
        "responses": _responses(route),
    }
    if rest := told.partition("\n")[2].strip():
        described["description"] = rest
    if route.public or route.open:
        described["security"] = []
    schema = named[route.body] if route.body else bodies.get(f"{route.method} {route.path}")
    if schema is None and route.method in _WITH_BODY:
        # Older paths take bodies that their handlers read by themselves; others take none.
        schema = {"type": "object"}
    if schema is not None:
        described["requestBody"] = {"content": {"application/json": {"schema": schema}}}
    return described


def _path(route: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PARAMETER.findall(route.path)
    ]


def _query(
    route: Route, named: Mapping[type[BaseModel], Any], definitions: Mapping[str, Any]
) -> list[dict[str, Any]]:
    if route.query is None:
        return []
    schema = definitions[named[route.query]["$ref"].removeprefix(_SCHEMAS)]
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": property_}
        for name, property_ in schema.get("properties", {}).items()
    ]


def _responses(route: Route) -> dict[str, Any]:
    statuses = [status for status in _ERRORS if status not in _impossible(route)]
    told = {str(status): _error(status) for status in statuses}
    kind = _KINDS.get(route.path) if route.method == "GET" else None
    schema = SCHEMAS.get(route.id)
    content = {} if schema is None else {"schema": schema}
    done = {"description": "Done.", "content": {kind or "application/json": content}}
    # What is 204 has no content.
    succeeded = {
        str(status): {"description": "Done."} if status == 204 else done
        for status in route.successes
    }
    return {**succeeded, **told, **_OWN_ERRORS.get(f"{route.method} {route.path}", {})}


def _impossible(route: Route) -> set[int]:
    if route.public:
        return {*_ERRORS} - {500}
    # Where the documentation names no 404, an unknown id is a wrong argument.
    return {404} if route.unknown_id_status != 404 else set()


def _error(status: int) -> dict[str, Any]:
    return {"description": _ERRORS[status], "content": _ERROR_CONTENT}
