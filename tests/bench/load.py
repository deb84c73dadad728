"""A closed loop: each client sends its next request when its last one is answered.

The clients of a round live together in one process of their own, on raw sockets, and send
requests that were rendered before the round began. So the load takes little from the server it
measures, even where both share two cores.
"""

import multiprocessing
import selectors
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection

Render = Callable[[], Sequence[bytes]]
"""Makes a round's requests, in the process that sends them. Must be picklable."""

SUCCESS = b"HTTP/1.1 20"
"""What the answer to a request that was served begins with."""

_RECEIVED_AT_ONCE = 1 << 20
_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length: "


@dataclass(frozen=True)
class Round:
    """What a round measured. `latencies` are seconds, in no order."""

    seconds: float
    latencies: list[float]
    failed: int

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """Returns the latency that this share of the requests did not exceed, in seconds."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def run_round(
    port: int, render: Render, *, clients: int, seconds: float, expected: bytes = SUCCESS
) -> Round:
    """Sends what `render` makes until the time is over or everything is sent.

    Answers that do not begin with `expected` count as failed.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    sender = context.Process(
        target=_send_all, args=(there, port, render, clients, seconds, expected)
    )
    sender.start()
    try:
        there.close()
        measured: Round = here.recv()
    finally:
        sender.join()
    return measured


def _send_all(
    results: Connection, port: int, render: Render, clients: int, seconds: float, expected: bytes
) -> None:
    requests = iter(render())
    sockets = [_connect(port) for _ in range(clients)]
    # With one client, waiting for any of several sockets would be a part of what is measured.
    if clients == 1:
        results.send(_one_client(sockets[0], requests, seconds, expected))
    else:
        results.send(_many_clients(sockets, requests, seconds, expected))
    for connection in sockets:
        connection.close()


def _connect(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _one_client(
    connection: socket.socket, requests: Iterator[bytes], seconds: float, expected: bytes
) -> Round:
    latencies: list[float] = []
    failed = 0
    begun = finished = time.perf_counter()
    for request in requests:
        sent = time.perf_counter()
        connection.sendall(request)
        answer = connection.recv(_RECEIVED_AT_ONCE)
        while not is_whole(answer):
            answer += _more(connection)
        finished = time.perf_counter()
        latencies.append(finished - sent)
        failed += not answer.startswith(expected)
        if finished - begun >= seconds:
            break
    return Round(finished - begun, latencies, failed)


def _many_clients(
    sockets: list[socket.socket], requests: Iterator[bytes], seconds: float, expected: bytes
) -> Round:
    selector = selectors.DefaultSelector()
    latencies: list[float] = []
    failed = 0
    sent_at: dict[socket.socket, float] = {}
    answers: dict[socket.socket, bytes] = {}
    begun = finished = time.perf_counter()
    for connection in sockets:
        if (request := next(requests, None)) is not None:
            selector.register(connection, selectors.EVENT_READ)
            answers[connection] = b""
            sent_at[connection] = time.perf_counter()
            connection.sendall(request)
    while sent_at:
        for ready, _ in selector.select():
            connection = _socket_of(ready)
            answer = answers[connection] + _more(connection)
            if not is_whole(answer):
                answers[connection] = answer
                continue
            finished = time.perf_counter()
            latencies.append(finished - sent_at.pop(connection))
            failed += not answer.startswith(expected)
            answers[connection] = b""
            following = next(requests, None) if finished - begun < seconds else None
            if following is None:
                selector.unregister(connection)
                continue
            sent_at[connection] = time.perf_counter()
            connection.sendall(following)
    return Round(finished - begun, latencies, failed)


def _socket_of(ready: selectors.SelectorKey) -> socket.socket:
    assert isinstance(ready.fileobj, socket.socket)
    return ready.fileobj


def _more(connection: socket.socket) -> bytes:
    received = connection.recv(_RECEIVED_AT_ONCE)
    if not received:
        raise ConnectionError("the server closed the connection")
    return received


def is_whole(answer: bytes) -> bool:
    """Tells whether all of an answer with a length is there."""
    head_end = answer.find(_HEAD_END)
    if head_end < 0:
        return False
    at = answer.find(_LENGTH, 0, head_end)
    if at < 0:
        raise ValueError(f"an answer without a length: {answer[:head_end]!r}")
    length = int(answer[at + len(_LENGTH) : answer.index(b"\r\n", at)])
    return len(answer) >= head_end + len(_HEAD_END) + length
