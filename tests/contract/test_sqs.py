"""What the SQS queue does when the service takes a part of a batch."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pytest

from backbeat.adapters.aws.backoff import Backoff
from backbeat.adapters.aws.sqs import BatchRefused, SqsQueue
from backbeat.ports.queue import Outgoing

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


@dataclass
class Service:
    """SQS as far as batches go: refuses as scripted, one list of refusals per request."""

    refusals: list[list[dict[str, Any]]] = field(default_factory=list)
    sent: list[list[str]] = field(default_factory=list)
    deleted: list[list[str]] = field(default_factory=list)

    def send_message_batch(self, *, QueueUrl: str, Entries: list[Any]) -> Any:  # noqa: N803
        assert QueueUrl == "queue"
        self.sent.append([entry["MessageBody"] for entry in Entries])
        return self._refuse(Entries)

    def delete_message_batch(self, *, QueueUrl: str, Entries: list[Any]) -> Any:  # noqa: N803
        assert QueueUrl == "queue"
        self.deleted.append([entry["ReceiptHandle"] for entry in Entries])
        return self._refuse(Entries)

    def _refuse(self, entries: list[Any]) -> Any:
        assert len({entry["Id"] for entry in entries}) == len(entries)
        refused = self.refusals.pop(0) if self.refusals else []
        return {"Failed": [{"Id": entries[r.pop("at")]["Id"], **r} for r in refused]}


def busy(at: int) -> dict[str, Any]:
    return {"at": at, "Code": "InternalError", "Message": "busy", "SenderFault": False}


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def queue(service: Service) -> SqsQueue:
    return SqsQueue(
        "queue",
        "dead letters",
        cast("SQSClient", service),
        backoff=Backoff(sleep=lambda _: None),
    )


def outgoing(*names: str) -> list[Outgoing]:
    return [Outgoing(name) for name in names]


def test_what_was_refused_is_sent_again_alone(queue: SqsQueue, service: Service) -> None:
    service.refusals = [[busy(1), busy(2)], [busy(0)], []]
    queue.send(outgoing("a", "b", "c", "d"))
    assert service.sent == [["a", "b", "c", "d"], ["b", "c"], ["b"]]


def test_sending_gives_up_after_eight_tries(queue: SqsQueue, service: Service) -> None:
    service.refusals = [[busy(1)]] + [[busy(0)] for _ in range(7)]
    with pytest.raises(BatchRefused, match=r"1 of 2 not taken \(InternalError: busy\)"):
        queue.send(outgoing("a", "b"))
    assert len(service.sent) == 8


def test_a_fault_of_ours_is_not_tried_again(queue: SqsQueue, service: Service) -> None:
    service.refusals = [[{**busy(0), "Code": "InvalidMessageContents", "SenderFault": True}]]
    with pytest.raises(BatchRefused, match="InvalidMessageContents"):
        queue.send(outgoing("a"))
    assert len(service.sent) == 1


def test_batches_keep_to_ten_messages_and_256_kb(queue: SqsQueue, service: Service) -> None:
    queue.send(outgoing(*"abcdefghijkl"))
    assert [len(batch) for batch in service.sent] == [10, 2]

    service.sent.clear()
    # "ä" takes two bytes: three messages of 87,380 leave 4 of 262,144.
    queue.send(outgoing(*(["ä" * 43_690] * 3), "1234", "5"))
    assert [len(batch) for batch in service.sent] == [4, 1]


def test_deleting_ignores_unknown_receipts_and_repeats_the_rest(
    queue: SqsQueue, service: Service
) -> None:
    unknown = {"at": 0, "Code": "ReceiptHandleIsInvalid", "SenderFault": True}
    service.refusals = [[unknown, busy(1)], []]
    queue.delete(["unknown", "a", "b"])
    assert service.deleted == [["unknown", "a", "b"], ["a"]]
