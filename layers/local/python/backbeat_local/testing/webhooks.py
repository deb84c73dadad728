"""A webhook target that waits for events and checks who they are from."""

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from backbeat.domain import signing

_PATIENCE_SECONDS: Final = 10.0
_QUIET_SECONDS: Final = 0.5


@dataclass(frozen=True)
class Webhook:
    """One attempt as it came in. `verified` says that its signature is right."""

    event: dict[str, Any]
    headers: dict[str, str]
    body: bytes
    verified: bool
    answered: int

    @property
    def type(self) -> str:
        """What it tells of, such as `invoice.finalized`."""
        return str(self.event.get("type", ""))

    @property
    def is_received(self) -> bool:
        """Whether it is over: what is answered otherwise comes again."""
        return self.verified and 200 <= self.answered <= 299


class Webhooks:
    """Receives on loopback. Deliveries with a wrong signature are answered 400 and set apart.

    With `answers`, the next deliveries get those statuses; after them, 200. What was not answered
    with success counts as not received, and comes again.
    """

    def __init__(
        self, *, secret: str, on_attempt: Callable[[Webhook], None] = lambda one: None
    ) -> None:
        """Expects signatures of a secret. `on_attempt` is told of all that comes."""
        self.secret = secret
        self._on_attempt = on_attempt
        self.answers: list[int] = []
        self._attempts: list[Webhook] = []
        self._changed = threading.Condition()
        self._server = _Server(self._take)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/webhooks"

    @property
    def received(self) -> Sequence[Webhook]:
        """What was received so far, in order."""
        with self._changed:
            return [one for one in self._attempts if one.is_received]

    @property
    def attempts(self) -> Sequence[Webhook]:
        """Everything that came, whatever it was answered."""
        with self._changed:
            return list(self._attempts)

    @property
    def forged(self) -> Sequence[Webhook]:
        """What came with a wrong signature."""
        with self._changed:
            return [one for one in self._attempts if not one.verified]

    @property
    def types(self) -> Sequence[str]:
        """The types of what was received."""
        return [one.type for one in self.received]

    def wait_for(
        self,
        type_: str,
        *,
        count: int = 1,
        where: Callable[[dict[str, Any]], bool] = lambda event: True,
        timeout: float = _PATIENCE_SECONDS,
    ) -> list[dict[str, Any]]:
        """Returns the events of a type once there are so many that fit, earlier ones included.

        Raises:
            AssertionError: they have not come in time; says what came instead.
        """

        def found() -> list[dict[str, Any]]:
            return [
                one.event
                for one in self._attempts
                if one.is_received and one.type == type_ and where(one.event)
            ]

        with self._changed:
            if self._changed.wait_for(lambda: len(found()) >= count, timeout):
                return found()
            raise AssertionError(
                f"{len(found())} of {count} webhooks {type_} came within {timeout} seconds;"
                f" received: {[one.type for one in self._attempts] or 'nothing'}"
            )

    def assert_none(self, type_: str, *, seconds: float = _QUIET_SECONDS) -> None:
        """Fails if an event of a type has come, or comes within so many seconds."""
        with self._changed:
            came = self._changed.wait_for(
                lambda: any(one.type == type_ for one in self._attempts), seconds
            )
        if came:
            raise AssertionError(f"a webhook {type_} came")

    def clear(self) -> None:
        """Forgets what was received."""
        with self._changed:
            self._attempts.clear()

    def close(self) -> None:
        """Stops listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _take(self, headers: dict[str, str], body: bytes) -> int:
        try:
            event = json.loads(body)
        except ValueError:
            event = {"body": body.decode(errors="replace")}
        date = headers.get("x-metronome-date") or headers.get("date", "")
        signature = headers.get("metronome-webhook-signature", "")
        verified = signing.is_signed(signature, secret=self.secret, date=date, body=body)
        with self._changed:
            answer = 400 if not verified else self.answers.pop(0) if self.answers else 200
            attempt = Webhook(event, headers, body, verified, answer)
            self._attempts.append(attempt)
            self._changed.notify_all()
            self._on_attempt(attempt)
        return answer


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, take: Callable[[dict[str, str], bytes], int]) -> None:
        self.take = take
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Receives one delivery."""
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.send_response(self.server.take(headers, body))
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Keeps the tests' output quiet."""
