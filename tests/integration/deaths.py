"""A process that dies at a point of its work, told which: after it has changed something.

The points are the changes made at providers, by `Watched`, and writes to the store where a test
has `WatchedStore.after` take them.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from backbeat import bootstrap
from backbeat.ports.connections import Providers
from tests.integration.store import Crash

CHANGES = {
    "add_fee", "add_line", "archive_contract", "attach", "create_contract", "create_customer",
    "create_invoice", "create_setup_intent", "credit", "detach", "end_contract", "end_credits",
    "finalize", "note", "pay", "refund", "release", "set_default_card", "void",
}  # fmt: skip
"""What is asked of providers beside reading."""


class Mortal:
    """Takes a story's points on the test's own thread, and dies at the `last`."""

    def __init__(self) -> None:
        # The providers are this very process: they live on.
        self._thread = threading.get_ident()
        self.taken = 0
        self.last: int | None = None

    def __call__(self) -> None:
        if threading.get_ident() == self._thread:
            self.taken += 1
            if self.taken == self.last:
                raise Crash


@dataclass
class Watched:
    """A provider whose caller may die after each change it made there."""

    provider: Any
    point: Mortal

    def __getattr__(self, name: str) -> Any:
        call = getattr(self.provider, name)
        if name not in CHANGES:
            return call

        def answering(*args: Any, **kwargs: Any) -> Any:
            answer = call(*args, **kwargs)
            self.point()
            return answer

        return answering


@contextmanager
def mortal() -> Iterator[Mortal]:
    """Has whoever calls providers meanwhile die there, at the point that the test says."""
    point, services = Mortal(), bootstrap.services()
    given = services.providers
    with bootstrap.using(replace(services, providers=_watched(given, point))):
        yield point


def _watched(given: Providers, point: Mortal) -> Providers:
    return replace(
        given,
        open_metronome=lambda access: Watched(given.open_metronome(access), point),
        open_stripe=lambda access: Watched(given.open_stripe(access), point),
        open_metronome_billing=lambda access: Watched(given.open_metronome_billing(access), point),
    )
