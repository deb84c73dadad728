"""Threads for blocking work."""

import threading
from functools import partial
from queue import SimpleQueue

import pytest

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


def test_short_tasks_take_turns_on_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    # Nothing counts as stuck here, not even what waits for the test.
    monkeypatch.setattr("backbeat_local.workers._STUCK_AFTER_SECONDS", 2 * PATIENCE)
    workers = Workers(8, "test", eager=1)
    started, release = SimpleQueue[str](), threading.Event()

    def task() -> None:
        started.put(threading.current_thread().name)
        release.wait(PATIENCE)

    workers.submit(task)
    workers.submit(task)
    assert started.get(timeout=PATIENCE) == "test-1"
    assert started.empty()
    release.set()
    assert started.get(timeout=PATIENCE) == "test-1"


def test_stuck_tasks_do_not_keep_others_from_their_turn() -> None:
    workers = Workers(4, "test", eager=1)
    started, release = SimpleQueue[int](), threading.Event()

    def task(number: int) -> None:
        started.put(number)
        release.wait(PATIENCE)

    for number in range(4):
        workers.submit(partial(task, number))
    assert [started.get(timeout=PATIENCE) for _ in range(4)] == [0, 1, 2, 3]
    release.set()


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
        workers.submit(partial(done.put, number))
    workers.stop(PATIENCE)
    assert [done.get_nowait() for _ in range(3)] == [0, 1, 2]


def test_stopping_ends_idle_threads_and_takes_nothing_more() -> None:
    workers = Workers(2, "stopped")
    done = SimpleQueue[int]()
    workers.submit(partial(done.put, 1))
    assert done.get(timeout=PATIENCE) == 1
    workers.stop(PATIENCE)
    workers.submit(partial(done.put, 2))
    assert not [t for t in threading.enumerate() if t.name.startswith("stopped")]
    assert done.empty()
