"""A queue that dies as told."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from backbeat.ports.queue import Message, Outgoing, Queue


@dataclass
class WatchedQueue:
    """Implements `Queue` by another one; `step` is called before and after whatever changes it."""

    inner: Queue
    step: Callable[[], None]

    def send(self, messages: Sequence[Outgoing]) -> None:
        self.step()
        self.inner.send(messages)
        self.step()

    def receive(
        self, *, limit: int, wait_seconds: float, visibility_seconds: int
    ) -> tuple[Message, ...]:
        return self.inner.receive(
            limit=limit, wait_seconds=wait_seconds, visibility_seconds=visibility_seconds
        )

    def postpone(self, receipt: str, *, delay_seconds: int) -> None:
        self.step()
        self.inner.postpone(receipt, delay_seconds=delay_seconds)
        self.step()

    def delete(self, receipts: Sequence[str]) -> None:
        self.step()
        self.inner.delete(receipts)
        self.step()

    def dead_letters(self, *, limit: int) -> tuple[Message, ...]:
        return self.inner.dead_letters(limit=limit)
