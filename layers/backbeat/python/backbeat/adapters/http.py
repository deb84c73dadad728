"""Outgoing HTTP on pooled connections."""

import time
from collections.abc import Mapping

import urllib3
from urllib3.exceptions import HTTPError

from backbeat.ports.http import HttpFailure, HttpReply

REPLY_LIMIT_BYTES = 64 * 1024
"""Replies are kept for the delivery log; nobody needs more of one than this."""

_READ_BYTES = 16 * 1024


class PooledHttp:
    """Implements `Http` with urllib3: connections are reused, nothing is retried or redirected.

    A reply longer than the limit is cut there. The time-out holds for connecting, for the wait
    for the first byte, and for the whole reply; a peer that sends its reply in drops is given up
    on after at most twice the time-out.
    """

    def __init__(self, *, reply_limit_bytes: int = REPLY_LIMIT_BYTES) -> None:
        self._limit = reply_limit_bytes
        self._pool = urllib3.PoolManager(num_pools=50, maxsize=10, retries=False)

    def post(
        self, url: str, *, headers: Mapping[str, str], body: bytes, timeout_seconds: float
    ) -> HttpReply:
        """Posts `body` byte for byte.

        Raises:
            HttpFailure: no complete answer came within the time-out.
        """
        deadline = time.monotonic() + timeout_seconds
        try:
            response = self._pool.request(
                "POST",
                url,
                body=body,
                headers=headers,
                timeout=urllib3.Timeout(total=timeout_seconds),
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
            return HttpReply(response.status, self._read(response, deadline))
        except HTTPError as error:
            raise HttpFailure(str(error)) from error

    def _read(self, response: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
        received = bytearray()
        try:
            while len(received) <= self._limit and (part := response.read1(_READ_BYTES)):
                received += part
                if time.monotonic() > deadline:
                    raise HttpFailure("the reply took too long")
        finally:
            # A connection whose reply was read to the end is back in the pool by now; any other
            # is closed, as what is left on it would be taken for the next reply.
            response.close()
        return bytes(received[: self._limit])
