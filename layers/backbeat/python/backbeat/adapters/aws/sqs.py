"""The queue on Amazon SQS."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from backbeat.adapters.aws.backoff import Backoff
from backbeat.ports.queue import Message, Outgoing

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

MAX_BATCH: Final = 10
MAX_BATCH_BYTES: Final = 256 * 1024
LONGEST_WAIT_SECONDS: Final = 20
LONGEST_VISIBILITY_SECONDS: Final = 43_200
LONGEST_FUNCTION_SECONDS: Final = 900

_PEEK_SECONDS: Final = 30


class BatchRefused(Exception):
    """SQS did not take a part of a batch; the rest of it was taken."""


class SqsQueue:
    """Implements `Queue` on a standard queue whose redrive policy names the dead-letter queue."""

    def __init__(
        self,
        queue_url: str,
        dead_letter_url: str,
        client: "SQSClient | None" = None,
        *,
        backoff: Backoff | None = None,
    ) -> None:
        self._url = queue_url
        self._dead_letter_url = dead_letter_url
        self._client = client or boto3.client(
            "sqs", config=Config(retries={"mode": "standard", "total_max_attempts": 5})
        )
        self._backoff = backoff or Backoff()

    def send(self, messages: Sequence[Outgoing]) -> None:
        """Stores the messages durably before it returns.

        Raises:
            BatchRefused: some messages were not stored, others may be.
        """
        for batch in _batches(messages):
            self._complete(
                [
                    {"MessageBody": message.body, "DelaySeconds": message.delay_seconds}
                    for message in batch
                ],
                lambda entries: self._client.send_message_batch(
                    QueueUrl=self._url, Entries=entries
                ),
            )

    def receive(
        self, *, limit: int, wait_seconds: float, visibility_seconds: int
    ) -> tuple[Message, ...]:
        """Returns up to `limit` messages; waits whole seconds, 20 at most."""
        received = self._receive(
            self._url,
            limit=limit,
            wait_seconds=min(math.ceil(wait_seconds), LONGEST_WAIT_SECONDS),
            visibility_seconds=visibility_seconds,
        )
        return tuple(_message(each) for each in received)

    def postpone(self, receipt: str, *, delay_seconds: int) -> None:
        """Makes a received message visible again after `delay_seconds`.

        SQS keeps a message hidden for at most twelve hours from its receipt. A delay that would
        end after that is shortened by the longest time that a function can have held the message.
        """
        try:
            self._hide(receipt, delay_seconds)
        except ClientError as error:
            longest = LONGEST_VISIBILITY_SECONDS - LONGEST_FUNCTION_SECONDS
            if error.response["Error"]["Code"] != "InvalidParameterValue" or (
                delay_seconds <= longest
            ):
                raise
            self._hide(receipt, longest)

    def delete(self, receipts: Sequence[str]) -> None:
        """Removes received messages for good. Unknown receipts are ignored."""
        for start in range(0, len(receipts), MAX_BATCH):
            self._complete(
                [{"ReceiptHandle": receipt} for receipt in receipts[start : start + MAX_BATCH]],
                lambda entries: self._client.delete_message_batch(
                    QueueUrl=self._url, Entries=entries
                ),
                ignore="ReceiptHandleIsInvalid",
            )

    def dead_letters(self, *, limit: int) -> tuple[Message, ...]:
        """Returns messages that were given up on, oldest first, without removing them.

        SQS has no reading without receiving: the messages are hidden from others while this call
        collects them, and each call counts as a receipt. With more than `limit` dead letters it
        is up to SQS which ones are returned; with fewer, the call takes a second to be sure.
        """
        found: dict[str, Any] = {}
        try:
            while len(found) < limit:
                received = self._receive(
                    self._dead_letter_url,
                    limit=min(limit - len(found), MAX_BATCH),
                    # Without waiting, SQS asks only some of its servers and may miss messages.
                    wait_seconds=1,
                    visibility_seconds=_PEEK_SECONDS,
                )
                if not received:
                    break
                found |= {each["MessageId"]: each for each in received}
        finally:
            self._release(list(found.values()))
        oldest_first = sorted(
            found.values(), key=lambda each: int(each["Attributes"]["SentTimestamp"])
        )
        return tuple(_message(each) for each in oldest_first)

    def _receive(
        self, url: str, *, limit: int, wait_seconds: int, visibility_seconds: int
    ) -> Sequence[Any]:
        reply = self._client.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=limit,
            WaitTimeSeconds=wait_seconds,
            VisibilityTimeout=visibility_seconds,
            MessageSystemAttributeNames=["ApproximateReceiveCount", "SentTimestamp"],
        )
        return reply.get("Messages", ())

    def _hide(self, receipt: str, seconds: int) -> None:
        self._client.change_message_visibility(
            QueueUrl=self._url, ReceiptHandle=receipt, VisibilityTimeout=seconds
        )

    def _release(self, received: Sequence[Any]) -> None:
        for start in range(0, len(received), MAX_BATCH):
            self._complete(
                [
                    {"ReceiptHandle": each["ReceiptHandle"], "VisibilityTimeout": 0}
                    for each in received[start : start + MAX_BATCH]
                ],
                lambda entries: self._client.change_message_visibility_batch(
                    QueueUrl=self._dead_letter_url, Entries=entries
                ),
                ignore="ReceiptHandleIsInvalid",
            )

    def _complete(
        self,
        entries: Sequence[dict[str, Any]],
        request: Callable[[Any], Any],
        ignore: str | None = None,
    ) -> None:
        """Repeats a batch request with what failed until nothing is left."""
        pending = {str(number): {"Id": str(number), **e} for number, e in enumerate(entries)}
        for failed_tries in range(1, self._backoff.tries + 1):
            failed = [
                f for f in request(list(pending.values())).get("Failed", ()) if f["Code"] != ignore
            ]
            if not failed:
                return
            reasons = ", ".join(sorted({f"{f['Code']}: {f.get('Message', '')}" for f in failed}))
            if any(f["SenderFault"] for f in failed):
                break
            pending = {f["Id"]: pending[f["Id"]] for f in failed}
            if failed_tries < self._backoff.tries:
                self._backoff.pause(failed_tries)
        raise BatchRefused(f"{len(failed)} of {len(entries)} not taken ({reasons})")


def _batches(messages: Sequence[Outgoing]) -> Iterator[list[Outgoing]]:
    batch: list[Outgoing] = []
    size = 0
    for message in messages:
        length = len(message.body.encode())
        if batch and (len(batch) == MAX_BATCH or size + length > MAX_BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += length
    if batch:
        yield batch


def _message(received: Any) -> Message:
    return Message(
        id=received["MessageId"],
        body=received["Body"],
        receive_count=int(received["Attributes"]["ApproximateReceiveCount"]),
        receipt=received["ReceiptHandle"],
    )
