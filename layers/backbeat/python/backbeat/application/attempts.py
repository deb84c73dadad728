"""Trying again what others got in the way of."""

from collections.abc import Callable
from typing import Final, TypeVar

from backbeat.models.errors import Retryable

T = TypeVar("T")

_ATTEMPTS: Final = 20


def insistently(attempt: Callable[[], T]) -> T:
    """Runs an attempt again while others change the same things, so that all their changes land.

    Raises:
        Retryable: it did not get through.
    """
    for _ in range(_ATTEMPTS - 1):
        try:
            return attempt()
        except Retryable:
            continue
    return attempt()
