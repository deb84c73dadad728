"""Requests as payload 2.0 events, and replies as responses."""

import base64
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from backbeat_local.http_events import BadReply, HttpRequest, http_event, http_reply


def event_of(**changes: Any) -> dict[str, Any]:
    request = {
        "method": "GET",
        "path": "/v1/things/7",
        "query": "",
        "headers": [(b"host", b"127.0.0.1:3000"), (b"user-agent", b"probe/1")],
        "body": b"",
        "client": "127.0.0.9",
    }
    parameters = changes.pop("parameters", {})
    return http_event(
        HttpRequest(**{**request, **changes}),
        route_key="GET /v1/things/{id}",
        parameters=parameters,
        request_id="r-1",
    )


class TestEvent:
    def test_what_every_event_has(self) -> None:
        before = time.time()
        event = event_of()
        context = event.pop("requestContext")
        assert event == {
            "version": "2.0",
            "routeKey": "GET /v1/things/{id}",
            "rawPath": "/v1/things/7",
            "rawQueryString": "",
            "headers": {"host": "127.0.0.1:3000", "user-agent": "probe/1"},
            "isBase64Encoded": False,
        }
        assert context["http"] == {
            "method": "GET",
            "path": "/v1/things/7",
            "protocol": "HTTP/1.1",
            "sourceIp": "127.0.0.9",
            "userAgent": "probe/1",
        }
        assert context["requestId"] == "r-1"
        assert context["routeKey"] == "GET /v1/things/{id}"
        assert context["stage"] == "$default"
        assert before * 1000 - 1 <= context["timeEpoch"] <= time.time() * 1000
        written = datetime.strptime(context["time"], "%d/%b/%Y:%H:%M:%S %z")
        assert written == datetime.fromtimestamp(context["timeEpoch"] // 1000, UTC)

    def test_repeated_headers_are_joined_and_cookies_are_apart(self) -> None:
        event = event_of(
            headers=[(b"accept", b"a"), (b"cookie", b"x=1; y=2"), (b"accept", b"b"),
                     (b"cookie", b"z=3")]
        )  # fmt: skip
        assert event["headers"] == {"accept": "a,b"}
        assert event["cookies"] == ["x=1", "y=2", "z=3"]

    def test_query(self) -> None:
        event = event_of(query="a=1&b=x%20y&a=2&empty=")
        assert event["rawQueryString"] == "a=1&b=x%20y&a=2&empty="
        assert event["queryStringParameters"] == {"a": "1,2", "b": "x y", "empty": ""}

    def test_path_is_decoded(self) -> None:
        event = event_of(path="/v1/things/a%20b", parameters={"id": "a b"})
        assert event["rawPath"] == "/v1/things/a b"
        assert event["requestContext"]["http"]["path"] == "/v1/things/a b"
        assert event["pathParameters"] == {"id": "a b"}

    def test_text_body(self) -> None:
        event = event_of(body='{"café": 1}'.encode())
        assert (event["body"], event["isBase64Encoded"]) == ('{"café": 1}', False)

    def test_body_that_is_no_utf8(self) -> None:
        event = event_of(body=b"\xff\x00")
        assert (event["body"], event["isBase64Encoded"]) == ("/wA=", True)


class TestReply:
    def test_status_headers_cookies_and_body(self) -> None:
        reply = http_reply(
            {
                "statusCode": 201,
                "headers": {"Content-Type": "application/json", "Content-Length": "99", "X-N": 3},
                "cookies": ["a=1; Path=/", "b=2"],
                "body": '{"é": 1}',
            }
        )
        assert reply.status == 201
        assert reply.headers == [
            (b"content-type", b"application/json"),
            (b"x-n", b"3"),
            (b"set-cookie", b"a=1; Path=/"),
            (b"set-cookie", b"b=2"),
        ]
        assert reply.body == '{"é": 1}'.encode()

    def test_base64_body(self) -> None:
        body = base64.b64encode(b"%PDF\xff").decode()
        reply = http_reply({"statusCode": 200, "body": body, "isBase64Encoded": True})
        assert reply.body == b"%PDF\xff"

    def test_without_a_status_everything_is_the_body(self) -> None:
        reply = http_reply({"ok": True})
        assert reply.status == 200
        assert reply.headers == [(b"content-type", b"application/json")]
        assert reply.body == b'{"ok": true}'

    @pytest.mark.parametrize(
        "result",
        [
            {"statusCode": "200"},
            {"statusCode": 20},
            {"statusCode": True},
            {"statusCode": 200, "body": {"a": 1}},
            {"statusCode": 200, "body": b"bytes"},
            {"statusCode": 200, "body": "no base 64!", "isBase64Encoded": True},
            {"statusCode": 200, "headers": {"a": "x\r\nset-cookie: y"}},
            {"statusCode": 200, "headers": {"a": ["x"]}},
            {"statusCode": 200, "headers": {"a": "\u20ac"}},
            {"total": Decimal("1.5")},
        ],
    )
    def test_what_lambda_or_the_gateway_would_refuse(self, result: object) -> None:
        with pytest.raises(BadReply):
            http_reply(result)
