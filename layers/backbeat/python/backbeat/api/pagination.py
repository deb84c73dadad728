"""Page tokens: opaque to clients, tied to the request they came from."""

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

import msgspec

from backbeat.models.errors import InvalidArgument

T = TypeVar("T")

DEFAULT_LIMIT: Final = 100
"""Items in a page when the request names no limit (decision D-06)."""


class _Token(msgspec.Struct, array_like=True):
    parameters: str
    cursor: str


def encode(cursor: str | None, parameters: Mapping[str, object]) -> str | None:
    """Returns the token behind a page, or None behind the last one."""
    if cursor is None:
        return None
    token = msgspec.json.encode(_Token(_fingerprint(parameters), cursor))
    return base64.urlsafe_b64encode(token).decode().rstrip("=")


def decode(
    token: str | None, parameters: Mapping[str, object], *, field: str = "next_page"
) -> str | None:
    """Returns the cursor a token carries. `field` is what the request calls the token.

    Raises:
        InvalidArgument: it is no token, or was made for other parameters.
    """
    if token is None:
        return None
    try:
        padded = token + "=" * (-len(token) % 4)
        carried = msgspec.json.decode(base64.urlsafe_b64decode(padded.encode()), type=_Token)
    except (ValueError, msgspec.DecodeError) as error:
        raise InvalidArgument(f"{field}: not a page token of this API") from error
    if carried.parameters != _fingerprint(parameters):
        raise InvalidArgument(f"{field}: belongs to a request with other parameters")
    return carried.cursor


def slice_after(
    items: Sequence[T],
    *,
    position: Callable[[T], str],
    limit: int,
    cursor: str | None,
    forward: bool = True,
) -> tuple[Sequence[T], str | None]:
    """Returns one page of items sorted by their position, and the cursor behind it.

    Positions are unique texts; items may be added or removed between two pages.
    """

    def is_after(item: T) -> bool:
        if cursor is None:
            return True
        return position(item) > cursor if forward else position(item) < cursor

    remaining = [item for item in items if is_after(item)]
    shown = remaining[:limit]
    return shown, position(shown[-1]) if len(remaining) > limit else None


def _fingerprint(parameters: Mapping[str, object]) -> str:
    text = repr(sorted((name, repr(value)) for name, value in parameters.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
