"""The threads that handlers run on."""

import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Final, TypeAlias

Task: TypeAlias = Callable[[], None]


class Workers:
    """Daemon threads, started only when all others are busy, up to a limit.

    An executor would do the same with a future per task, which nobody reads here, and it would
    keep the program alive until a hanging handler returns.
    """

    def __init__(self, limit: int, name: str) -> None:
        """Runs at most `limit` tasks at once; further ones wait their turn."""
        self._limit: Final = limit
        self._name: Final = name
        self._tasks: SimpleQueue[Task | None] = SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._threads: list[threading.Thread] = []
        self._starting = threading.Lock()

    def submit(self, task: Task) -> None:
        """Runs `task` soon. It must not raise."""
        self._tasks.put(task)
        if len(self._threads) < self._limit and not self._idle.acquire(blocking=False):
            self._start()

    def stop(self, wait_seconds: float) -> None:
        """Lets the threads end after what has been submitted, and waits that long for them."""
        for _ in self._threads:
            self._tasks.put(None)
        deadline = time.monotonic() + wait_seconds
        for thread in self._threads:
            thread.join(max(0, deadline - time.monotonic()))

    def _start(self) -> None:
        with self._starting:
            number = len(self._threads) + 1
            if number <= self._limit:
                name = f"{self._name}-{number}"
                thread = threading.Thread(target=self._work, name=name, daemon=True)
                self._threads.append(thread)
                thread.start()

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            task()
            self._idle.release()
