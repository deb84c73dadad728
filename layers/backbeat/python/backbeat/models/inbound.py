"""What providers tell the billing handlers: events that came in, and what became of them."""

from datetime import datetime
from enum import StrEnum

from backbeat.models.base import Model


class ProviderName(StrEnum):
    """A provider."""

    METRONOME = "metronome"
    STRIPE = "stripe"


class InboundState(StrEnum):
    """How far an event is.

    `RECEIVED` and `RETRYING` ones are in the queue; `IGNORED` ones are of a type that nothing
    depends on; `DEAD` ones failed each time and wait for somebody to run them again.
    """

    RECEIVED = "received"
    RETRYING = "retrying"
    DONE = "done"
    IGNORED = "ignored"
    DEAD = "dead"

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to be done."""
        return self in (InboundState.DONE, InboundState.IGNORED)


class Source(StrEnum):
    """How an event came to be known."""

    WEBHOOK = "webhook"
    CATCH_UP = "catch_up"


class InboundEvent(Model):
    """An event as it came.

    `id` is the provider's; two events of one provider with one id are the same event. `body` is the
    JSON text, without its content where that is too large to keep. `occurred_at` is the provider's
    time, all others are real time. `outcome` says what was done about it.
    """

    provider: ProviderName
    id: str
    type: str
    body: str
    source: Source
    received_at: datetime
    occurred_at: datetime | None = None
    state: InboundState = InboundState.RECEIVED
    attempts: int = 0
    leased_until: datetime | None = None
    outcome: str | None = None
    error: str | None = None
    finished_at: datetime | None = None
