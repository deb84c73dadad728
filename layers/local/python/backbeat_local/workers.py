"""The threads that handlers run on."""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final, TypeAlias

Task: TypeAlias = Callable[[], None]

_STUCK_AFTER_SECONDS: Final = 0.01
"""A task that has run for longer most likely waits for something, and needs no processor."""


class Workers:
    """Runs tasks on daemon threads, only as many at once as do any good.

    Threads that compute hinder each other, because they hand the interpreter to and fro. So
    `eager` tasks run at once and further ones wait their turn, unless those that run are stuck:
    with 16 to 100 clients and `eager` 1 the server answers a fifth to two thirds more requests,
    and the slowest come several times sooner. The thread that has been idle for the shortest time
    goes first, so that what threads keep for themselves, such as connections, is kept few times.

    An executor would start threads up to its limit whenever none is idle, and would keep the
    program alive until a hanging handler returns.
    """

    def __init__(self, limit: int, name: str, *, eager: int | None = None) -> None:
        """Starts at most `limit` threads. Without `eager`, all of them may run at once."""
        self._limit: Final = limit
        self._name: Final = name
        self._eager = eager or limit
        self._lock = threading.Lock()
        self._waiting: deque[Task] = deque()
        self._workers: list[_Worker] = []
        self._idle: list[_Worker] = []
        self._watcher: threading.Thread | None = None
        self._backlog = threading.Event()
        self._stopped = False

    def submit(self, task: Task) -> None:
        """Runs `task` soon. It must not raise. After `stop` nothing is run any more."""
        with self._lock:
            if self._stopped:
                return
            self._waiting.append(task)
            self._hand_out()
            if self._waiting and self._eager < self._limit:
                self._watch()

    def stop(self, wait_seconds: float) -> None:
        """Lets the threads end after what has been submitted, and waits that long for them."""
        with self._lock:
            if not self._stopped:
                self._eager = self._limit
                self._hand_out()
                # Only now: a worker that sees this has been given its task, if there was one.
                self._stopped = True
                for worker in self._idle:
                    worker.wake.release()
                self._backlog.set()
        deadline = time.monotonic() + wait_seconds
        for worker in self._workers:
            worker.thread.join(max(0, deadline - time.monotonic()))

    def _hand_out(self) -> None:
        """Gives waiting tasks to idle or new threads. The caller holds the lock."""
        while self._waiting and self._running() < self._eager:
            if self._idle:
                worker = self._idle.pop()
            elif len(self._workers) < self._limit:
                worker = _Worker(self._work, f"{self._name}-{len(self._workers) + 1}")
                self._workers.append(worker)
            else:
                return
            worker.begin(self._waiting.popleft())
            worker.wake.release()

    def _running(self) -> int:
        """Counts the tasks that run and are not stuck."""
        since = time.monotonic() - _STUCK_AFTER_SECONDS
        return sum(worker.busy_since > since for worker in self._workers)

    def _work(self, worker: "_Worker") -> None:
        while True:
            worker.wake.acquire()
            while (task := worker.task) is not None:
                task()
                self._go_on(worker)
            if self._stopped and worker.task is None:
                return

    def _go_on(self, worker: "_Worker") -> None:
        """Takes the next task, or lets the worker be idle."""
        with self._lock:
            worker.rest()
            if self._waiting and self._running() < self._eager:
                worker.begin(self._waiting.popleft())
            else:
                self._idle.append(worker)

    def _watch(self) -> None:
        """Makes sure that waiting tasks are handed out once those that run are stuck."""
        if self._watcher is None:
            self._watcher = threading.Thread(
                target=self._relieve, name=f"{self._name}-watch", daemon=True
            )
            self._watcher.start()
        self._backlog.set()

    def _relieve(self) -> None:
        while not self._stopped:
            self._backlog.wait()
            time.sleep(_STUCK_AFTER_SECONDS)
            with self._lock:
                self._hand_out()
                if not self._waiting:
                    self._backlog.clear()


class _Worker:
    """A thread and the task it is to run. `wake` is released once per task given to an idle one."""

    __slots__ = ("busy_since", "task", "thread", "wake")

    def __init__(self, work: Callable[["_Worker"], None], name: str) -> None:
        self.task: Task | None = None
        self.busy_since = 0.0
        self.wake = threading.Lock()
        self.wake.acquire()
        self.thread = threading.Thread(target=work, args=(self,), name=name, daemon=True)
        self.thread.start()

    def begin(self, task: Task) -> None:
        self.task = task
        self.busy_since = time.monotonic()

    def rest(self) -> None:
        self.task = None
        self.busy_since = 0.0
