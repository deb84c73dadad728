"""A subscription to metered usage whose time moves when it is told to."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol


class Rehearsal(Protocol):
    """A customer at a payment provider, with a metered subscription, on a clock of its own."""

    customer_id: str
    meter_id: str

    def begin(self, at: datetime, *, cents: str) -> None:
        """Makes a clock, a customer who can pay, a meter, a price per unit and a subscription."""
        ...

    def advance(self, to: datetime) -> None:
        """Moves the customer's time on, and waits until all that falls due is done.

        Raises:
            TimeoutError: it takes too long.
        """
        ...

    def comes_true(self, condition: Callable[[], bool]) -> bool:
        """Asks again and again whether something has come true, but not for ever."""
        ...

    def clean_up(self) -> None:
        """Removes what was made."""
        ...
