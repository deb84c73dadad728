"""What an execution environment remembers between calls."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from typing import Generic, TypeVar

T = TypeVar("T")
H = TypeVar("H", bound=Hashable)


class VersionedCache(Generic[T]):
    """Values that are right as long as their version is: the caller reads the version each time.

    Holds up to `size` values and forgets the one unused for longest.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[Hashable, tuple[int, T]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, version: int, load: Callable[[], T]) -> T:
        """Returns the value of that version, loading it when it is not remembered."""
        with self._lock:
            known = self._values.get(key)
            if known is not None and known[0] == version:
                self._values.move_to_end(key)
                return known[1]
        value = load()
        with self._lock:
            self._values[key] = (version, value)
            self._values.move_to_end(key)
            if len(self._values) > self._size:
                self._values.popitem(last=False)
        return value

    def forget(self, key: Hashable) -> None:
        """Makes the next `get` load the value."""
        with self._lock:
            self._values.pop(key, None)


class Unwritten(Generic[T]):
    """Things that wait to be written together, since losing some of them does no harm."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._waiting: list[T] = []
        self._lock = threading.Lock()
        self._writing = threading.Lock()

    def add(self, thing: T, write: Callable[[list[T]], None]) -> None:
        """Takes a thing, and writes all that wait once there are `size`."""
        with self._lock:
            self._waiting.append(thing)
            if len(self._waiting) < self._size:
                return
        self.flush(write)

    def flush(self, write: Callable[[list[T]], None]) -> None:
        """Writes what waits. What others are writing is there, too, when this returns."""
        with self._writing:
            with self._lock:
                taken, self._waiting = self._waiting, []
            if taken:
                write(taken)


class RecentlySeen:
    """Which things this process has dealt with, up to `size` of them."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._seen: set[Hashable] = set()

    def new(self, things: Iterable[H]) -> set[H]:
        """Returns those of the things that are not remembered."""
        return set(things) - self._seen

    def add(self, things: Iterable[Hashable]) -> None:
        """Remembers things. All others are forgotten when they have become too many."""
        if len(self._seen) >= self._size:
            self._seen = set()
        self._seen.update(things)
