"""Outgoing HTTP on pooled connections."""

import ipaddress
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import urllib3
from urllib3.exceptions import HTTPError, NewConnectionError
from urllib3.util import Url, parse_url

from backbeat.ports.http import HttpFailure, HttpReply

REPLY_LIMIT_BYTES = 64 * 1024
"""Replies are kept for the delivery log; nobody needs more of one than this."""

_READ_BYTES = 16 * 1024

_TRANSLATED: Final = ipaddress.ip_network("64:ff9b::/96")
"""IPv6 addresses behind which a gateway finds the IPv4 address of the last four bytes."""

Resolve = Callable[[str, int], Sequence[str]]
"""Returns the addresses of a host name, as texts. Raises OSError when there are none."""


def resolve(host: str, port: int) -> Sequence[str]:
    """Asks the system for the addresses of a host name, the preferred one first."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class PooledHttp:
    """Implements `Http` with urllib3: connections are reused, nothing is retried or redirected.

    A reply longer than the limit is cut there. The time-out holds for connecting, for the wait
    for the first byte, and for the whole reply; a peer that sends its reply in drops is given up
    on after at most twice the time-out.

    With `public_only` nothing but HTTPS to public addresses is sent. A name is looked up once per
    request, and the very addresses that were checked are connected to: a name that changes its
    mind in between leads nowhere else.
    """

    def __init__(
        self,
        *,
        reply_limit_bytes: int = REPLY_LIMIT_BYTES,
        public_only: bool = False,
        resolve: Resolve = resolve,
    ) -> None:
        self._limit = reply_limit_bytes
        self._public_only = public_only
        self._resolve = resolve
        self._pools = urllib3.PoolManager(num_pools=50, maxsize=10, retries=False)

    def post(
        self, url: str, *, headers: Mapping[str, str], body: bytes, timeout_seconds: float
    ) -> HttpReply:
        """Posts `body` byte for byte.

        Raises:
            HttpFailure: no complete answer came within the time-out, or the address is refused.
        """
        deadline = time.monotonic() + timeout_seconds
        try:
            response = self._answer(parse_url(url), headers, body, timeout_seconds)
            return HttpReply(response.status, self._read(response, deadline))
        except HTTPError as error:
            raise HttpFailure(str(error)) from error

    def _answer(
        self, url: Url, headers: Mapping[str, str], body: bytes, timeout_seconds: float
    ) -> urllib3.BaseHTTPResponse:
        for pool in self._pools_to(url):
            try:
                return pool.urlopen(
                    "POST",
                    url.request_uri,
                    body=body,
                    headers={**headers, "Host": url.netloc or ""},
                    timeout=urllib3.Timeout(total=timeout_seconds),
                    redirect=False,
                    preload_content=False,
                    decode_content=False,
                )
            except NewConnectionError as error:
                refused = error
        raise refused

    def _pools_to(self, url: Url) -> Iterator[urllib3.HTTPConnectionPool]:
        """Yields the connections to try one after the other, at least one."""
        if not self._public_only:
            yield self._pools.connection_from_host(url.host, url.port, url.scheme)
            return
        if url.scheme != "https" or url.host is None:
            raise HttpFailure("only HTTPS is allowed")
        port = url.port or 443
        for address in self._public_addresses(url.host.strip("[]"), port):
            # The certificate is the name's, not the address's.
            tls = {"server_hostname": url.host, "assert_hostname": url.host}
            yield self._pools.connection_from_host(address, port, "https", tls)

    def _public_addresses(self, host: str, port: int) -> Sequence[str]:
        try:
            addresses = self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise HttpFailure(f"{host} cannot be resolved: {error}") from error
        if not addresses or not all(map(is_public, addresses)):
            raise HttpFailure(f"{host} is not at a public address")
        return addresses

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


def is_public(address: str) -> bool:
    """Tells whether an IP address is of the public internet; so must be one inside of it."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if inner is None and ip in _TRANSLATED:
            inner = ipaddress.IPv4Address(ip.packed[-4:])
        if inner is not None:
            return is_public(str(inner))
        if ip.is_site_local:
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved
