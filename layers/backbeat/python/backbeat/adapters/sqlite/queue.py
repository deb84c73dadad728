"""The queue on SQLite: visibility, receive counts and dead letters as SQS has them."""

import time
from collections.abc import Callable, Sequence

from backbeat.adapters.sqlite.database import Database
from backbeat.ports.queue import Message, Outgoing


class SqliteQueue:
    """`ports.queue.Queue` as rows of the shared file.

    A message that was received `max_receive_count` times and comes up again is a dead letter.
    Times are real: a queue's delays do not follow a sandbox's clock.
    """

    def __init__(
        self,
        database: Database,
        name: str,
        max_receive_count: int,
        clock_now: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._name = name
        self._max_receive_count = max_receive_count
        self._now = clock_now

    def send(self, messages: Sequence[Outgoing]) -> None:
        """See `Queue.send`."""
        now = self._now()
        with self._database.write() as connection:
            connection.executemany(
                "INSERT INTO message (queue, body, visible_at) VALUES (?, ?, ?)",
                [(self._name, message.body, now + message.delay_seconds) for message in messages],
            )
        with self._database.message_sent:
            self._database.message_sent.notify_all()

    def receive(
        self, *, limit: int, wait_seconds: float, visibility_seconds: int
    ) -> tuple[Message, ...]:
        """See `Queue.receive`."""
        deadline = self._now() + wait_seconds
        while True:
            with self._database.message_sent:
                due_at = self._next_visible_at()
                now = self._now()
                if due_at is None or due_at > now:
                    if now >= deadline:
                        return ()
                    until = deadline if due_at is None else min(deadline, due_at)
                    self._database.message_sent.wait(until - now)
                    continue
            if taken := self._take(limit, visibility_seconds):
                return taken

    def _next_visible_at(self) -> float | None:
        with self._database.read() as connection:
            found: tuple[float | None] = connection.execute(
                "SELECT min(visible_at) FROM message WHERE queue = ? AND dead = 0", (self._name,)
            ).fetchone()
        return found[0]

    def _take(self, limit: int, visibility_seconds: int) -> tuple[Message, ...]:
        now = self._now()
        with self._database.write() as connection:
            connection.execute(
                "UPDATE message SET dead = 1"
                " WHERE queue = ? AND dead = 0 AND visible_at <= ? AND receive_count >= ?",
                (self._name, now, self._max_receive_count),
            )
            rows = connection.execute(
                "SELECT id, body, receive_count + 1 FROM message"
                " WHERE queue = ? AND dead = 0 AND visible_at <= ? ORDER BY visible_at, id LIMIT ?",
                (self._name, now, limit),
            ).fetchall()
            connection.executemany(
                "UPDATE message SET receive_count = ?, visible_at = ?, held = 1 WHERE id = ?",
                [(count, now + visibility_seconds, row_id) for row_id, _, count in rows],
            )
        return tuple(
            # The count makes an old receipt of the same message worthless, as in SQS.
            Message(str(row_id), body, count, f"{row_id}/{count}")
            for row_id, body, count in rows
        )

    def postpone(self, receipt: str, *, delay_seconds: int) -> None:
        """See `Queue.postpone`."""
        with self._database.write() as connection:
            connection.execute(
                "UPDATE message SET visible_at = ?, held = 0"
                " WHERE id = ? AND receive_count = ? AND queue = ? AND dead = 0",
                (self._now() + delay_seconds, *_received(receipt), self._name),
            )
        with self._database.message_sent:
            self._database.message_sent.notify_all()

    def release(self) -> None:
        """Makes received messages visible at once; those that were postponed stay hidden.

        For who knows that nobody holds any: the receivers of another process are not asked.
        """
        with self._database.write() as connection:
            connection.execute(
                "UPDATE message SET visible_at = ?, held = 0"
                " WHERE queue = ? AND dead = 0 AND held = 1",
                (self._now(), self._name),
            )

    def delete(self, receipts: Sequence[str]) -> None:
        """See `Queue.delete`."""
        with self._database.write() as connection:
            connection.executemany(
                "DELETE FROM message WHERE id = ? AND receive_count = ? AND queue = ? AND dead = 0",
                [(*_received(receipt), self._name) for receipt in receipts],
            )

    def dead_letters(self, *, limit: int) -> tuple[Message, ...]:
        """See `Queue.dead_letters`."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT id, body, receive_count FROM message WHERE queue = ? AND dead = 1"
                " ORDER BY id LIMIT ?",
                (self._name, limit),
            ).fetchall()
        return tuple(
            Message(str(row_id), body, count, f"{row_id}/{count}") for row_id, body, count in rows
        )


def _received(receipt: str) -> tuple[str, str]:
    """Returns the row and the count of a receipt; one of somebody else's making matches nothing."""
    row_id, _, count = receipt.partition("/")
    return row_id, count
