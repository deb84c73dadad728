"""HTTP to a running Backbeat with nothing but what Backbeat itself needs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
import urllib3

_TIMEOUT_SECONDS = 120

_encoder = msgspec.json.Encoder(decimal_format="number", enc_hook=str)


class Refused(AssertionError):
    """Backbeat answered with an error. `status` and `body` are what it said."""

    def __init__(self, asked: str, status: int, body: Any) -> None:
        said = body.get("message", body) if isinstance(body, dict) else body
        super().__init__(f"{asked} was answered {status}: {said}")
        self.status = status
        self.body = body


class Unreachable(AssertionError):
    """Nobody answers there."""


@dataclass(frozen=True)
class Answer:
    """What came back. `body` is the decoded JSON, with decimals, or the bytes of what is none."""

    status: int
    body: Any
    headers: Mapping[str, str]
    raw: bytes


class Http:
    """Requests with a token. Never tries again: what goes wrong is to be seen."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self.token = token
        self._headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        self._pool = urllib3.PoolManager(maxsize=8)

    def get(self, path: str, **query: object) -> Any:
        """Returns the decoded body of a success.

        Raises:
            Refused: it was none.
        """
        return self._success("GET", path, None, query)

    def post(self, path: str, body: object = None) -> Any:
        """Sends JSON, or text and bytes as they are. Returns and raises what `get` does."""
        return self._success("POST", path, body, {})

    def delete(self, path: str, body: object = None) -> Any:
        """Returns and raises what `get` does."""
        return self._success("DELETE", path, body, {})

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Returns whatever is answered, errors too."""
        asked = {name: str(value) for name, value in (query or {}).items() if value is not None}
        url = f"{self.url}{quote(path, safe='/%')}" + (f"?{urlencode(asked)}" if asked else "")
        sent = body if body is None or isinstance(body, str | bytes) else _encoder.encode(body)
        try:
            reply = self._pool.request(
                method,
                url,
                body=sent.encode() if isinstance(sent, str) else sent,
                headers={**self._headers, **(headers or {})},
                retries=False,
                timeout=_TIMEOUT_SECONDS,
            )
        except urllib3.exceptions.HTTPError as error:
            raise Unreachable(f"{method} {url}: {error}") from error
        return Answer(reply.status, _decoded(reply.data), dict(reply.headers), reply.data)

    def close(self) -> None:
        """Lets the connections go."""
        self._pool.clear()

    def _success(self, method: str, path: str, body: object, query: Mapping[str, object]) -> Any:
        answer = self.request(method, path, body, query=query)
        if not 200 <= answer.status <= 299:
            raise Refused(f"{method} {path}", answer.status, answer.body)
        return answer.body


def _decoded(content: bytes) -> Any:
    if not content:
        return None
    try:
        return json.loads(content, parse_float=Decimal)
    except ValueError:
        return content
