"""What outgoing HTTP promises, see `backbeat.ports.http`; the other side listens on loopback."""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from backbeat.adapters.http import PooledHttp
from backbeat.ports.http import HttpFailure, HttpReply


class Target(ThreadingHTTPServer):
    """Answers by path and keeps what it got."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.posts: list[tuple[str, dict[str, str], bytes]] = []
        self.connections = 0
        self.released = threading.Event()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}{path}"


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Target

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.posts.append((self.path, headers, body))
        match self.path:
            case "/echo":
                self._reply(200, body)
            case "/redirect":
                self._reply(302, b"there", Location=self.server.url("/echo"))
            case "/empty":
                self._reply(204, b"")
            case "/large":
                # The client stops reading and closes.
                with suppress(ConnectionError):
                    self._reply(200, b"x" * 1_000_000)
            case "/zipped":
                self._reply(200, b"\x1f\x8b", **{"Content-Encoding": "gzip"})
            case "/chunked":
                self.send_response(200)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                self.wfile.write(b"3\r\none\r\n4\r\n two\r\n0\r\n\r\n")
            case "/cut":
                self.send_response(200)
                self.send_header("Content-Length", "100")
                self.end_headers()
                self.wfile.write(b"only this")
                self.close_connection = True
            case "/silent":
                self.server.released.wait(10)
                self.close_connection = True
            case "/drops":
                self._drop()
            case path:
                self._reply(int(path.removeprefix("/status/")), b"as told")

    def _reply(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _drop(self) -> None:
        """Sends a byte now and then, always within the time-out of a single read."""
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        for _ in range(1000):
            if self.server.released.wait(0.05):
                break
            try:
                self.wfile.write(b"x")
            except OSError:
                break
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Keeps the test's output clean."""


@pytest.fixture
def target() -> Iterator[Target]:
    with Target() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.released.set()
        server.shutdown()
        thread.join()


def post(url: str, body: bytes = b"{}", timeout_seconds: float = 5, **headers: str) -> HttpReply:
    return PooledHttp().post(url, headers=headers, body=body, timeout_seconds=timeout_seconds)


def test_body_and_headers_arrive_byte_for_byte(target: Target) -> None:
    body = bytes(range(256)) + '{"price": 1.10}\r\n'.encode("utf-16")
    reply = PooledHttp().post(
        target.url("/echo"),
        headers={"Content-Type": "application/json", "X-Metronome-Date": "Sat, 01 Mar 2025"},
        body=body,
        timeout_seconds=5,
    )
    assert reply == HttpReply(200, body)
    ((_, headers, received),) = target.posts
    assert received == body
    assert headers["content-type"] == "application/json"
    assert headers["x-metronome-date"] == "Sat, 01 Mar 2025"
    assert headers["content-length"] == str(len(body))


@pytest.mark.parametrize("status", [200, 201, 400, 404, 429, 500, 503])
def test_every_status_is_an_answer_and_nothing_is_sent_twice(target: Target, status: int) -> None:
    assert post(target.url(f"/status/{status}")) == HttpReply(status, b"as told")
    assert len(target.posts) == 1


def test_a_redirect_is_an_answer(target: Target) -> None:
    assert post(target.url("/redirect")) == HttpReply(302, b"there")
    assert [path for path, _, _ in target.posts] == ["/redirect"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/empty", HttpReply(204, b"")),
        ("/chunked", HttpReply(200, b"one two")),
        ("/zipped", HttpReply(200, b"\x1f\x8b")),
    ],
)
def test_replies_of_every_kind_are_read_as_sent(
    target: Target, path: str, expected: HttpReply
) -> None:
    assert post(target.url(path)) == expected


def test_a_long_reply_is_cut(target: Target) -> None:
    http = PooledHttp(reply_limit_bytes=1000)
    for path, expected in (("/large", b"x" * 1000), ("/echo", b"{}")):
        reply = http.post(target.url(path), headers={}, body=b"{}", timeout_seconds=5)
        assert reply.body == expected


def test_connections_are_used_again(target: Target) -> None:
    http = PooledHttp()
    for path in ("/echo", "/chunked", "/empty", "/status/500", "/echo"):
        http.post(target.url(path), headers={}, body=b"{}", timeout_seconds=5)
    assert target.connections == 1


@pytest.mark.parametrize("path", ["/silent", "/drops"])
def test_no_answer_within_the_time_is_a_failure(target: Target, path: str) -> None:
    with pytest.raises(HttpFailure):
        post(target.url(path), timeout_seconds=0.3)
    assert len(target.posts) == 1


def test_an_answer_that_breaks_off_is_a_failure(target: Target) -> None:
    with pytest.raises(HttpFailure):
        post(target.url("/cut"))


def test_a_refused_connection_is_a_failure() -> None:
    with socket.socket() as taken:
        # Bound but not listening: nobody else can take the port, and nobody answers on it.
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(HttpFailure):
            post(f"http://127.0.0.1:{taken.getsockname()[1]}/")


@pytest.mark.parametrize(
    "url", ["http://name.invalid/", "ftp://127.0.0.1/", "http://", "http://[::1/"]
)
def test_an_address_that_leads_nowhere_is_a_failure(url: str) -> None:
    with pytest.raises(HttpFailure):
        post(url)
