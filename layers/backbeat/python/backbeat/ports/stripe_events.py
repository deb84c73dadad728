"""What Stripe tells of an account: its list of events, and where it sends them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where events are sent. The secret they are signed with is told once, when it is made."""

    id: str
    url: str
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class RejectedMeterEvent:
    """A meter event that was taken and then not counted; `code` and `message` are Stripe's."""

    identifier: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class MeterReport:
    """What Stripe could not count: `count` events, of which it names some."""

    count: int
    named: tuple[RejectedMeterEvent, ...]


class StripeEvents(Protocol):
    """One account. All calls raise `Refused` or `Away`."""

    def since(self, at: datetime) -> Iterator[bytes]:
        """Yields the events created at an instant or later as JSON, the latest first.

        Stripe lists those of the last thirty days.
        """
        ...

    def endpoints(self) -> list[Endpoint]:
        """Returns where events are sent to, without the secrets: thin ones, too."""
        ...

    def add_endpoint(self, url: str) -> Endpoint:
        """Sends events there from now on, too."""
        ...

    def add_thin_endpoint(self, url: str) -> Endpoint:
        """Sends reports about meters there from now on, too: events that only name their object."""
        ...

    def remove_endpoint(self, endpoint_id: str) -> None:
        """Sends no more events there, be they thin or not; what is gone is fine."""
        ...

    def meter_report(self, event_id: str) -> MeterReport:
        """Returns what a thin event about meters reports."""
        ...
