"""Writers of one world take turns, and begin anew when somebody else was faster."""

import threading
from collections.abc import Callable
from typing import Final, TypeVar

from backbeat.ports.store import DocTooLarge
from mock_stripe.errors import InvalidRequest, TooFast
from mock_stripe.world.world import Changed

T = TypeVar("T")

_ATTEMPTS: Final = 50

_turns: Final = [threading.Lock() for _ in range(64)]
"""Writers of one world wait for each other in this process; between processes the store decides."""


def in_turn(tenant: str, attempt: Callable[[], T]) -> T:
    """Returns what an attempt makes of the world, begun anew while others write to it.

    Raises:
        TooFast: others wrote all the time.
        InvalidRequest: an object would become larger than the store can hold.
    """
    with _turns[hash(tenant) % len(_turns)]:
        for _ in range(_ATTEMPTS):
            try:
                return attempt()
            except Changed:
                continue
            except DocTooLarge as error:
                raise InvalidRequest("The object would become too large.") from error
    raise TooFast(
        "This object cannot be accessed right now because another API request is using it.",
        code="lock_timeout",
    )
