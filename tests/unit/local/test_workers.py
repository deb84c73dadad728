"""Threads for blocking work."""

import threading
from queue import SimpleQueue

from backbeat_local.workers import Workers

PATIENCE = 10


def test_a_blocked_task_does_not_hold_up_the_next() -> None:
    workers = Workers(2, "test")
    release, done = threading.Event(), SimpleQueue[str]()

    def slow() -> None:
        release.wait(PATIENCE)
        done.put("slow")

    workers.submit(slow)
    workers.submit(lambda: done.put("fast"))
    assert done.get(timeout=PATIENCE) == "fast"
    release.set()
    assert done.get(timeout=PATIENCE) == "slow"


def test_no_more_tasks_at_once_than_the_limit() -> None:
    workers = Workers(2, "test")
    started, release = SimpleQueue[int](), threading.Event()

    def task() -> None:
        started.put(0)
        release.wait(PATIENCE)

    for _ in range(3):
        workers.submit(task)
    started.get(timeout=PATIENCE)
    started.get(timeout=PATIENCE)
    assert started.empty()
    release.set()
    started.get(timeout=PATIENCE)
    workers.stop(PATIENCE)


def test_stopping_waits_for_what_was_submitted() -> None:
    workers = Workers(1, "test")
    done = SimpleQueue[int]()
    for number in range(3):
        workers.submit(lambda number=number: done.put(number))  # type: ignore[misc]
    workers.stop(PATIENCE)
    assert [done.get_nowait() for _ in range(3)] == [0, 1, 2]
