"""Messages in, functions called in batches."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.local.conftest import Application, Probe

from backbeat.adapters.sqlite.database import Database
from backbeat.adapters.sqlite.queue import SqliteQueue
from backbeat.ports.queue import Outgoing, Queue
from backbeat_local.runner import Runner

MAPPING = (
    "{Parcels: {Type: SQS, Properties: {Queue: !GetAtt ParcelsQueue.Arn, BatchSize: 10,"
    " FunctionResponseTypes: [ReportBatchItemFailures]}}}"
)
WHOLE_BATCHES = "{Parcels: {Type: SQS, Properties: {Queue: !GetAtt ParcelsQueue.Arn}}}"
MAX_RECEIVES = 2


@pytest.fixture
def queue(application: Application, tmp_path: Path) -> Iterator[Queue]:
    """The queue of the application, whose failed messages come back after a second."""
    application.resource(
        "ParcelsQueue: {Type: AWS::SQS::Queue, Properties: {VisibilityTimeout: 1}}"
    )
    database = Database(str(tmp_path / "queue.sqlite3"))
    yield SqliteQueue(database, "parcels", MAX_RECEIVES)
    database.close()


def running(application: Application, queue: Queue) -> Runner:
    return Runner(application.template, None, queues={"parcels": queue}.__getitem__)


def test_only_the_failed_messages_of_a_batch_come_back(
    application: Application, queue: Queue, probe: Probe
) -> None:
    application.function(
        "mail",
        """
        import probe

        def handler(event, context):
            probe.seen.put([(r["body"], r["attributes"]["ApproximateReceiveCount"])
                            for r in event["Records"]])
            return {"batchItemFailures": [{"itemIdentifier": r["messageId"]}
                                          for r in event["Records"] if r["body"] == "bad"]}
        """,
        MAPPING,
    )
    queue.send([Outgoing("good"), Outgoing("bad"), Outgoing("fine")])
    with running(application, queue):
        assert probe.next() == [("good", "1"), ("bad", "1"), ("fine", "1")]
        assert probe.next() == [("bad", "2")]
        # Later messages find the queue otherwise empty: nothing came back twice.
        queue.send([Outgoing("bad")])
        assert probe.next() == [("bad", "1")]


def test_a_batch_comes_back_as_a_whole_when_the_function_raises(
    application: Application, queue: Queue, probe: Probe
) -> None:
    application.function(
        "mail",
        """
        import probe

        def handler(event, context):
            bodies = [r["body"] for r in event["Records"]]
            probe.seen.put(bodies)
            if event["Records"][0]["attributes"]["ApproximateReceiveCount"] == "1":
                raise ValueError
        """,
        WHOLE_BATCHES,
    )
    queue.send([Outgoing("a"), Outgoing("b")])
    with running(application, queue):
        assert probe.next() == ["a", "b"]
        assert probe.next() == ["a", "b"]
    # The second try deleted them.
    assert queue.receive(limit=10, wait_seconds=0, visibility_seconds=1) == ()
    assert queue.dead_letters(limit=10) == ()


def test_what_fails_too_often_is_a_dead_letter(
    application: Application, queue: Queue, probe: Probe
) -> None:
    application.function(
        "mail",
        """
        import probe

        def handler(event, context):
            probe.seen.put([r["body"] for r in event["Records"]])
            if event["Records"][0]["body"] == "bad":
                raise ValueError
        """,
        MAPPING,
    )
    queue.send([Outgoing("bad")])
    with running(application, queue):
        assert probe.next() == ["bad"]
        assert probe.next() == ["bad"]
        # Two receives were allowed. It may only be seen that the third did not happen once a
        # message that is visible later has been delivered.
        queue.send([Outgoing("later", delay_seconds=2)])
        assert probe.next() == ["later"]
    [dead] = queue.dead_letters(limit=10)
    assert dead.body == "bad"


def test_a_blocked_batch_does_not_hold_up_the_next(
    application: Application, queue: Queue, probe: Probe
) -> None:
    application.function(
        "mail",
        """
        import probe

        def handler(event, context):
            for record in event["Records"]:
                probe.seen.put(record["body"])
                if record["body"] == "slow":
                    probe.release.wait(10)
        """,
        MAPPING,
    )
    with running(application, queue):
        queue.send([Outgoing("slow")])
        assert probe.next() == "slow"
        queue.send([Outgoing("fast")])
        assert probe.next() == "fast"
        probe.release.set()


def test_a_queue_that_cannot_be_read_is_tried_again(
    application: Application, queue: Queue, probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    application.function(
        "mail", "import probe\ndef handler(event, context): probe.seen.put(len(event['Records']))",
        MAPPING,
    )  # fmt: skip
    monkeypatch.setattr("backbeat_local.queues._PAUSE_SECONDS", 0.01)
    receive = queue.receive
    failures = iter([RuntimeError("locked")])

    def receive_after_a_failure(**arguments: int) -> object:
        for failure in failures:
            raise failure
        return receive(**arguments)

    monkeypatch.setattr(queue, "receive", receive_after_a_failure)
    queue.send([Outgoing("a")])
    with running(application, queue):
        assert probe.next() == 1
