"""Event-source mappings: batches of queue messages, delivered to functions as SQS events."""

import hashlib
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, TypeAlias

from backbeat.ports.queue import Message, Queue
from backbeat_local.functions import Function
from backbeat_local.intrinsics import REGION
from backbeat_local.template import QueueMapping, QueueSpec
from backbeat_local.workers import Workers

SqsEvent: TypeAlias = dict[str, Any]

_CONCURRENCY: Final = 4
"""Batches of one mapping handled at once, so that one slow webhook target does not hold up all."""

_RECEIVE_SECONDS: Final = 0.5
"""How long one receive waits; also what stopping takes at most."""

_PAUSE_SECONDS: Final = 1.0
_MAX_BATCH: Final = 10

_log = logging.getLogger("backbeat")


class Consumer:
    """Feeds one function from one queue until it is stopped.

    Messages the function has dealt with are deleted. The others stay hidden until the queue's
    visibility time-out, and come back.
    """

    def __init__(
        self,
        function: Function,
        mapping: QueueMapping,
        spec: QueueSpec,
        open_queue: Callable[[str], Queue],
        *,
        begin_after: float = 0,
    ) -> None:
        """Receives from so many seconds after the start.

        The queue is opened by its local name on the consumer's own thread, for it may take time.
        """
        self._function = function
        self._mapping = mapping
        self._spec = spec
        self._open_queue = open_queue
        self._begin_after = begin_after
        self._stopping = threading.Event()
        self._free = threading.Semaphore(_CONCURRENCY)
        self._workers = Workers(_CONCURRENCY, f"queue-{spec.name}")
        self._thread = threading.Thread(
            target=self._receive, name=f"receive-{spec.name}", daemon=True
        )

    def start(self) -> None:
        """Begins to receive, on a thread of its own."""
        self._thread.start()

    def close(self) -> None:
        """Makes the current receive the last one."""
        self._stopping.set()

    def join(self, wait_seconds: float) -> None:
        """Waits, after `close`, for the last receive and that long for batches under way."""
        self._thread.join(_RECEIVE_SECONDS + wait_seconds)
        self._workers.stop(wait_seconds)

    def _receive(self) -> None:
        if self._stopping.wait(self._begin_after):
            return
        try:
            queue = self._open_queue(self._spec.name)
        except Exception:
            _log.exception("queue %s cannot be opened: nobody receives", self._spec.name)
            return
        while not self._stopping.is_set():
            # Only receive what can be handled at once: a message is hidden from then on.
            if not self._free.acquire(timeout=_RECEIVE_SECONDS):
                continue
            messages = self._next_batch(queue)
            if messages:
                self._workers.submit(partial(self._deliver, queue, messages))
            else:
                self._free.release()

    def _next_batch(self, queue: Queue) -> tuple[Message, ...]:
        try:
            return queue.receive(
                limit=min(self._mapping.batch_size, _MAX_BATCH),
                wait_seconds=_RECEIVE_SECONDS,
                visibility_seconds=self._spec.visibility_seconds,
            )
        except Exception:
            _log.exception("queue %s cannot be read", self._spec.name)
            self._stopping.wait(_PAUSE_SECONDS)
            return ()

    def _deliver(self, queue: Queue, messages: Sequence[Message]) -> None:
        try:
            failed = self._failed(messages)
            queue.delete([m.receipt for m in messages if m.id not in failed])
        except BaseException:
            # Nothing is deleted: the whole batch comes back, as when a Lambda function raises.
            _log.exception("%s failed on %s", self._function.spec.logical_id, self._spec.name)
        finally:
            self._free.release()

    def _failed(self, messages: Sequence[Message]) -> set[str]:
        """Calls the function and returns the ids of the messages that shall come back."""
        result = self._function.invoke(sqs_event(messages, self._spec))
        return failed_ids(result, messages) if self._mapping.partial_failures else set()


def sqs_event(messages: Sequence[Message], spec: QueueSpec) -> SqsEvent:
    """Returns the event Lambda makes of a batch."""
    return {
        "Records": [
            {
                "messageId": message.id,
                "receiptHandle": message.receipt,
                "body": message.body,
                "attributes": {"ApproximateReceiveCount": str(message.receive_count)},
                "messageAttributes": {},
                "md5OfBody": hashlib.md5(message.body.encode(), usedforsecurity=False).hexdigest(),
                "eventSource": "aws:sqs",
                "eventSourceARN": spec.arn,
                "awsRegion": REGION,
            }
            for message in messages
        ]
    }


def failed_ids(result: object, messages: Sequence[Message]) -> set[str]:
    """Reads a partial batch reply.

    Nothing, or no failures, is success. A reply that names no message of the batch, or is of
    another form, fails the whole batch, as in Lambda.
    """
    everything = {message.id for message in messages}
    if result is None:
        return set()
    if not isinstance(result, Mapping):
        return everything
    failures = result.get("batchItemFailures") or []
    try:
        failed = {failure["itemIdentifier"] for failure in failures}
    except (KeyError, TypeError):
        return everything
    return failed if failed <= everything else everything
