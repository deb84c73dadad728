"""A queue that delivers each message at least once and gives up into a dead-letter queue."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to send; `delay_seconds` (0 to 900) hides it at first."""

    body: str
    delay_seconds: int = 0


@dataclass(frozen=True, slots=True)
class Message:
    """A received message: `receive_count` is 1 the first time, `receipt` names this receipt."""

    id: str
    body: str
    receive_count: int
    receipt: str


class Queue(Protocol):
    """One named queue. A message received more often than the limit moves to its dead letters."""

    def send(self, messages: Sequence[Outgoing]) -> None:
        """Stores the messages durably before it returns."""
        ...

    def receive(
        self, *, limit: int, wait_seconds: float, visibility_seconds: int
    ) -> tuple[Message, ...]:
        """Returns up to `limit` (1 to 10) messages, hidden from others for the given time."""
        ...

    def postpone(self, receipt: str, *, delay_seconds: int) -> None:
        """Makes a received message visible again after `delay_seconds` (0 to 43,200)."""
        ...

    def delete(self, receipts: Sequence[str]) -> None:
        """Removes received messages for good. Unknown receipts are ignored."""
        ...

    def dead_letters(self, *, limit: int) -> tuple[Message, ...]:
        """Returns messages that were given up on, oldest first, without removing them."""
        ...
