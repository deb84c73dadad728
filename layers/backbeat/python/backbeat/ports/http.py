"""Outgoing HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

DROPPED: Final = "x-backbeat-connection"
"""The header of a reply that stands for none: a server that can ends the connection instead."""

WAITS: Final = "x-backbeat-waits"
"""The header of a reply that says: nothing was done yet, since it may have to wait, and whoever
asked said that this must not be. To be asked again where it may."""


@dataclass(frozen=True, slots=True)
class HttpReply:
    """What the other side answered."""

    status: int
    body: bytes


class HttpFailure(Exception):
    """No answer: connection refused, name unknown, time-out."""


class Http(Protocol):
    """Sends requests. Redirects are answers, not followed."""

    def post(
        self, url: str, *, headers: Mapping[str, str], body: bytes, timeout_seconds: float
    ) -> HttpReply:
        """Posts `body` byte for byte.

        Raises:
            HttpFailure: no answer came within the time-out.
        """
        ...
