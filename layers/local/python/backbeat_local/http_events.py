"""HTTP requests as API Gateway hands them to functions (payload format 2.0), and replies back."""

import base64
import binascii
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, unquote

from backbeat.ports.http import DROPPED, WAITS
from backbeat_local.intrinsics import ACCOUNT

HttpEvent: TypeAlias = dict[str, Any]
RawHeaders: TypeAlias = Iterable[tuple[bytes, bytes]]


class BadReply(Exception):
    """A function returned what API Gateway would not turn into an HTTP response."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request as it came in: header names in lower case, path still encoded."""

    method: str
    path: str
    query: str
    headers: RawHeaders
    body: bytes
    client: str
    http_version: str = "1.1"


@dataclass(frozen=True, slots=True)
class HttpReply:
    """One response, ready to be sent."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


def http_event(
    request: HttpRequest, *, route_key: str, parameters: dict[str, str], request_id: str
) -> HttpEvent:
    """Builds the event of a request that matched `route_key`.

    As in AWS, keys without a value (no query, no body, ...) are left out.
    """
    headers, cookies = _headers(request.headers)
    # AWS decodes the path it calls raw.
    path = unquote(request.path) if "%" in request.path else request.path
    host = headers.get("host", "")
    now = time.time()
    event: HttpEvent = {
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": path,
        "rawQueryString": request.query,
        "headers": headers,
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": "local",
            "domainName": host,
            "domainPrefix": host.partition(".")[0],
            "http": {
                "method": request.method,
                "path": path,
                "protocol": f"HTTP/{request.http_version}",
                "sourceIp": request.client,
                "userAgent": headers.get("user-agent", ""),
            },
            "requestId": request_id,
            "routeKey": route_key,
            "stage": "$default",
            "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
            "timeEpoch": int(now * 1000),
        },
        "isBase64Encoded": False,
    }
    if cookies:
        event["cookies"] = cookies
    if request.query:
        event["queryStringParameters"] = _joined(parse_qsl(request.query, keep_blank_values=True))
    if parameters:
        event["pathParameters"] = parameters
    if request.body:
        try:
            event["body"] = request.body.decode()
        except UnicodeDecodeError:
            event["body"] = base64.b64encode(request.body).decode()
            event["isBase64Encoded"] = True
    return event


def http_reply(result: object) -> HttpReply:
    """Reads what a function returned.

    Without `statusCode`, all of it is the JSON body of a 200, as in AWS.

    Raises:
        BadReply: it is not of the proxy integration's form.
    """
    if not isinstance(result, Mapping) or "statusCode" not in result:
        return HttpReply(200, [(b"content-type", b"application/json")], _json(result))
    status, body = result["statusCode"], result.get("body")
    if isinstance(status, bool) or not isinstance(status, int) or not 200 <= status <= 599:
        raise BadReply(f"statusCode is {status!r}")
    if body is not None and not isinstance(body, str):
        raise BadReply(f"body is a {type(body).__name__} instead of a string")
    headers = [
        (str(name).lower().encode("latin-1"), _header_value(value))
        for name, value in (result.get("headers") or {}).items()
    ]
    # The length belongs to the bytes that are sent, whatever the function counted.
    headers = [header for header in headers if header[0] != b"content-length"]
    headers += [(b"set-cookie", str(c).encode("latin-1")) for c in result.get("cookies") or ()]
    if not any(name == b"content-type" for name, _ in headers):
        headers.append((b"content-type", b"text/plain;charset=UTF-8"))
    if not result.get("isBase64Encoded"):
        return HttpReply(status, headers, (body or "").encode())
    try:
        return HttpReply(status, headers, base64.b64decode(body or "", validate=True))
    except binascii.Error as error:
        raise BadReply("isBase64Encoded is true but the body is not Base64") from error


def is_dropped(reply: HttpReply) -> bool:
    """Tells whether the connection is to end instead: a fault that was asked for."""
    return any(name == DROPPED.encode() for name, _ in reply.headers)


def is_put_off(reply: HttpReply) -> bool:
    """Tells whether nothing was done, since it may have to wait, which it was not to."""
    return any(name == WAITS.encode() for name, _ in reply.headers)


def json_reply(status: int, content: Mapping[str, object]) -> HttpReply:
    """Returns a reply that the gateway itself gives."""
    return HttpReply(status, [(b"content-type", b"application/json")], _json(content))


def _headers(raw: RawHeaders) -> tuple[dict[str, str], list[str]]:
    headers: dict[str, str] = {}
    cookies: list[str] = []
    for raw_name, raw_value in raw:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if name == "cookie":
            cookies += [part for cookie in value.split(";") if (part := cookie.strip())]
        elif name in headers:
            headers[name] = f"{headers[name]},{value}"
        else:
            headers[name] = value
    return headers, cookies


def _joined(pairs: list[tuple[str, str]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _header_value(value: object) -> bytes:
    if isinstance(value, bool):
        return b"true" if value else b"false"
    if not isinstance(value, str | int | float):
        raise BadReply(f"header value {value!r} is not a string")
    text = str(value)
    if "\r" in text or "\n" in text:
        raise BadReply("a header value has a line break")
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError as error:
        raise BadReply(f"header value {text!r} is not Latin-1") from error


def _json(content: object) -> bytes:
    try:
        return json.dumps(content).encode()
    except (TypeError, ValueError) as error:
        raise BadReply(f"not representable as JSON: {error}") from error
