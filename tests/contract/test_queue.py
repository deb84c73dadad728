"""What every queue promises, see `backbeat.ports.queue`."""

import json
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
import pytest

from backbeat.adapters.aws.sqs import SqsQueue
from backbeat.adapters.sqlite.queue import SqliteQueue
from backbeat.ports.queue import Message, Outgoing, Queue

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

    from backbeat.adapters.sqlite.database import Database

MAX_RECEIVES = 3


@dataclass
class Time:
    """Real time, moved on by what a test does not want to wait for."""

    ahead_seconds: float = 0

    def advance(self, seconds: float) -> None:
        self.ahead_seconds += seconds

    def now(self) -> float:
        return time.time() + self.ahead_seconds


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture(params=["sqlite memory", "sqlite file", "moto"])
def new_queue(
    request: pytest.FixtureRequest, clock: Time, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], Queue]:
    """Makes queues whose messages are given up on after three receives."""
    if request.param == "moto":
        request.getfixturevalue("aws")
        client: SQSClient = request.getfixturevalue("sqs_client")
        monkeypatch.setattr("moto.sqs.models.unix_time_millis", lambda: clock.now() * 1000)
        return lambda: SqsQueue(*queue_urls(client), client)
    open_database: Callable[[str], Database] = request.getfixturevalue("open_database")
    database = open_database(request.param)
    return lambda: SqliteQueue(database, str(uuid.uuid4()), MAX_RECEIVES, clock.now)


@pytest.fixture
def queue(new_queue: Callable[[], Queue]) -> Queue:
    return new_queue()


@pytest.fixture(scope="session")
def sqs_client(aws_session: boto3.session.Session) -> "SQSClient":
    return aws_session.client("sqs")


def queue_urls(client: "SQSClient") -> tuple[str, str]:
    name = str(uuid.uuid4())
    dead_letter_url = client.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
    attributes = client.get_queue_attributes(QueueUrl=dead_letter_url, AttributeNames=["QueueArn"])[
        "Attributes"
    ]
    redrive = {
        "deadLetterTargetArn": attributes["QueueArn"],
        "maxReceiveCount": str(MAX_RECEIVES),
    }
    url = client.create_queue(QueueName=name, Attributes={"RedrivePolicy": json.dumps(redrive)})
    return url["QueueUrl"], dead_letter_url


def receive(queue: Queue, *, limit: int = 10, visibility_seconds: int = 30) -> tuple[Message, ...]:
    return queue.receive(limit=limit, wait_seconds=0, visibility_seconds=visibility_seconds)


def bodies(messages: tuple[Message, ...]) -> list[str]:
    return sorted(message.body for message in messages)


def receive_all(queue: Queue) -> list[Message]:
    found: list[Message] = []
    while messages := receive(queue):
        found += messages
    return found


def give_up_on(queue: Queue, *contents: str) -> None:
    for body in contents:
        queue.send([Outgoing(body)])
        for _ in range(MAX_RECEIVES):
            assert bodies(receive(queue, visibility_seconds=0)) == [body]
        assert receive(queue) == ()


def test_an_empty_queue_gives_nothing(queue: Queue) -> None:
    assert receive(queue) == ()
    queue.send([])
    assert receive(queue) == ()


def test_a_message_arrives_as_it_was_sent(queue: Queue) -> None:
    body = '{"name":"Zoë 😀","text":"line\\n"}\n'
    queue.send([Outgoing(body)])
    (message,) = receive(queue)
    assert message.body == body
    assert message.receive_count == 1


def test_queues_do_not_mix(new_queue: Callable[[], Queue]) -> None:
    one, other = new_queue(), new_queue()
    one.send([Outgoing("a")])
    assert receive(other) == ()
    assert bodies(receive(one)) == ["a"]


def test_batches_of_any_size_arrive_whole(queue: Queue) -> None:
    sent = sorted(f"{n:02}" for n in range(23))
    queue.send([Outgoing(body) for body in sent])
    received = receive_all(queue)
    assert sorted(message.body for message in received) == sent
    assert len({message.id for message in received}) == 23
    queue.delete([message.receipt for message in received])
    assert receive(queue, visibility_seconds=0) == ()


def test_large_messages_arrive(queue: Queue) -> None:
    sent = [f"{n}" * 100_000 for n in range(5)]
    queue.send([Outgoing(body) for body in sent])
    assert sorted(message.body for message in receive_all(queue)) == sent


def test_receive_gives_at_most_the_limit(queue: Queue) -> None:
    queue.send([Outgoing(f"{n}") for n in range(5)])
    first = receive(queue, limit=2)
    assert len(first) == 2
    assert len(receive_all(queue)) == 3


def test_a_received_message_is_hidden_for_the_given_time(queue: Queue, clock: Time) -> None:
    queue.send([Outgoing("a")])
    (first,) = receive(queue, visibility_seconds=30)
    assert receive(queue) == ()
    clock.advance(29)
    assert receive(queue) == ()
    clock.advance(2)
    (second,) = receive(queue)
    assert (second.id, second.body, second.receive_count) == (first.id, "a", 2)


def test_a_deleted_message_does_not_come_back(queue: Queue, clock: Time) -> None:
    queue.send([Outgoing("a"), Outgoing("b")])
    for message in receive_all(queue):
        if message.body == "a":
            queue.delete([message.receipt])
            queue.delete([message.receipt])
    clock.advance(31)
    assert bodies(receive(queue)) == ["b"]


def test_unknown_receipts_are_ignored_when_deleting(queue: Queue) -> None:
    queue.send([Outgoing("a")])
    (message,) = receive(queue, visibility_seconds=0)
    queue.delete(["unknown", message.receipt, "also/unknown"])
    queue.delete([])
    assert receive(queue) == ()


def test_postpone_hides_for_longer(queue: Queue, clock: Time) -> None:
    queue.send([Outgoing("a")])
    (message,) = receive(queue, visibility_seconds=30)
    queue.postpone(message.receipt, delay_seconds=600)
    clock.advance(599)
    assert receive(queue) == ()
    clock.advance(2)
    (again,) = receive(queue)
    assert again.receive_count == 2


def test_postpone_by_nothing_shows_the_message_at_once(queue: Queue) -> None:
    queue.send([Outgoing("a")])
    (message,) = receive(queue, visibility_seconds=30)
    queue.postpone(message.receipt, delay_seconds=0)
    assert bodies(receive(queue)) == ["a"]


def test_postpone_by_twelve_hours_keeps_the_message_for_later(queue: Queue, clock: Time) -> None:
    queue.send([Outgoing("a")])
    (message,) = receive(queue, visibility_seconds=900)
    clock.advance(60)
    queue.postpone(message.receipt, delay_seconds=43_200)
    # SQS counts the twelve hours from the receipt, so a quarter of an hour may be missing.
    clock.advance(42_000)
    assert receive(queue) == ()
    clock.advance(1_201)
    assert bodies(receive(queue)) == ["a"]


def test_a_delayed_message_is_hidden_at_first(queue: Queue, clock: Time) -> None:
    queue.send([Outgoing("later", delay_seconds=900), Outgoing("now")])
    assert [message.body for message in receive_all(queue)] == ["now"]
    clock.advance(899)
    assert "later" not in bodies(receive(queue))
    clock.advance(2)
    (message,) = receive(queue)
    assert (message.body, message.receive_count) == ("later", 1)


def test_receives_are_counted(queue: Queue) -> None:
    queue.send([Outgoing("a")])
    counts = [receive(queue, visibility_seconds=0)[0].receive_count for _ in range(MAX_RECEIVES)]
    assert counts == [1, 2, 3]


def test_after_the_last_receive_a_message_is_a_dead_letter(queue: Queue, clock: Time) -> None:
    queue.send([Outgoing("bad")])
    for _ in range(MAX_RECEIVES):
        (message,) = receive(queue, visibility_seconds=30)
        clock.advance(31)
    queue.send([Outgoing("good")])
    assert bodies(receive(queue)) == ["good"]
    (dead,) = queue.dead_letters(limit=1)
    assert (dead.id, dead.body) == (message.id, "bad")


def test_a_message_deleted_at_its_last_receive_is_no_dead_letter(queue: Queue) -> None:
    queue.send([Outgoing("a")])
    for _ in range(MAX_RECEIVES):
        (message,) = receive(queue, visibility_seconds=0)
    queue.delete([message.receipt])
    assert receive(queue) == ()
    assert queue.dead_letters(limit=1) == ()


def test_dead_letters_stay_and_come_oldest_first(queue: Queue, clock: Time) -> None:
    names = [f"{n:02}" for n in range(12)]
    for name in names:
        give_up_on(queue, name)
        clock.advance(1)
    for _ in range(2):
        assert [message.body for message in queue.dead_letters(limit=12)] == names
    assert len(queue.dead_letters(limit=5)) == 5
    assert receive(queue) == ()


def test_receive_waits_for_a_message(queue: Queue) -> None:
    received: list[Message] = []
    about_to_receive = threading.Event()

    def work() -> None:
        about_to_receive.set()
        received.extend(queue.receive(limit=1, wait_seconds=10, visibility_seconds=30))

    worker = threading.Thread(target=work)
    started = time.monotonic()
    worker.start()
    about_to_receive.wait()
    queue.send([Outgoing("a")])
    worker.join()
    assert [message.body for message in received] == ["a"]
    assert time.monotonic() - started < 5


def test_receive_stops_waiting(queue: Queue) -> None:
    started = time.monotonic()
    assert queue.receive(limit=1, wait_seconds=0.2, visibility_seconds=30) == ()
    assert 0.2 <= time.monotonic() - started < 5


def test_two_receivers_never_hold_the_same_message(queue: Queue) -> None:
    if isinstance(queue, SqsQueue):
        pytest.skip("SQS itself may deliver twice, and moto does when threads receive")
    queue.send([Outgoing(f"{n}") for n in range(40)])
    held: list[str] = []
    start = threading.Barrier(4)

    def work() -> None:
        start.wait()
        held.extend(message.body for message in receive_all(queue))

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(held, key=int) == [f"{n}" for n in range(40)]


def test_what_a_dead_receiver_held_is_released_and_nothing_else(
    open_database: Callable[[str], "Database"], clock: Time
) -> None:
    database = open_database("sqlite file")
    queue, other = (SqliteQueue(database, name, MAX_RECEIVES, clock.now) for name in "ab")
    queue.send([Outgoing("held"), Outgoing("postponed"), Outgoing("delayed", delay_seconds=60)])
    other.send([Outgoing("another's")])
    receipts = {message.body: message.receipt for message in receive(queue)}
    assert len(receive(other)) == 1
    queue.postpone(receipts["postponed"], delay_seconds=90)
    queue.release()
    [released] = receive(queue)
    assert (released.body, released.receive_count) == ("held", 2)
    assert receive(other) == ()
