"""What can go wrong.

MeteringError
├── ApiError          the server refused the request and says why
├── Unavailable       it gave no answer that decides, however often it was asked
├── RefusedEvents     it took a batch, but not all of its events
└── NotDelivered      events were still waiting when the client was closed
"""

from collections.abc import Sequence

from backbeat_client.events import Event, Result


class MeteringError(Exception):
    """The root of them all."""


class ApiError(MeteringError):
    """The server refused. `code` and `message` are its own."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message


class Unavailable(MeteringError):
    """Nobody answered, or only that it cannot be done now. `__cause__` says what came last."""


class RefusedEvents(MeteringError):
    """Some events of a batch were refused; the others count. `results` are those of the refused."""

    def __init__(self, results: Sequence[Result]) -> None:
        first = results[0]
        super().__init__(f"{len(results)} event(s) refused, the first: {first.error}")
        self.results = tuple(results)


class NotDelivered(MeteringError):
    """Events could not be sent before the end. They may be sent by another client, as they are."""

    def __init__(self, events: Sequence[Event]) -> None:
        super().__init__(f"{len(events)} event(s) were not delivered")
        self.events = tuple(events)
