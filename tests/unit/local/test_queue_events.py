"""SQS events, and what a consumer's reply means."""

import pytest

from backbeat.ports.queue import Message
from backbeat_local.queues import failed_ids, sqs_event
from backbeat_local.template import QueueSpec

SPEC = QueueSpec("JobsQueue", "jobs", 30, None, None)
MESSAGES = (Message("m1", "hello", 1, "r1"), Message("m2", "{}", 3, "r2"))


def test_event() -> None:
    first, second = sqs_event(MESSAGES, SPEC)["Records"]
    assert first == {
        "messageId": "m1",
        "receiptHandle": "r1",
        "body": "hello",
        "attributes": {"ApproximateReceiveCount": "1"},
        "messageAttributes": {},
        # printf hello | md5sum
        "md5OfBody": "5d41402abc4b2a76b9719d911017c592",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:jobs",
        "awsRegion": "us-east-1",
    }
    assert second["attributes"]["ApproximateReceiveCount"] == "3"


@pytest.mark.parametrize(
    ("reply", "failed"),
    [
        (None, set()),
        ({}, set()),
        ({"batchItemFailures": []}, set()),
        ({"batchItemFailures": None}, set()),
        ({"batchItemFailures": [{"itemIdentifier": "m2"}]}, {"m2"}),
        ({"batchItemFailures": [{"itemIdentifier": "m1"}, {"itemIdentifier": "m2"}]}, {"m1", "m2"}),
        # What cannot be understood fails the batch.
        ({"batchItemFailures": [{"itemIdentifier": "m9"}]}, {"m1", "m2"}),
        ({"batchItemFailures": [{"itemIdentifier": ""}]}, {"m1", "m2"}),
        ({"batchItemFailures": [{}]}, {"m1", "m2"}),
        ({"batchItemFailures": ["m1"]}, {"m1", "m2"}),
        ("done", {"m1", "m2"}),
    ],
)
def test_partial_batch_reply(reply: object, failed: set[str]) -> None:
    assert failed_ids(reply, MESSAGES) == failed
