"""Facts to tell subscribers, and how telling them went."""

from datetime import datetime
from enum import StrEnum

from backbeat.models.base import Model


class Endpoint(Model):
    """A webhook target. With `own_secret` it is signed for with a secret of its own."""

    id: str
    url: str
    own_secret: bool = False
    created_at: datetime


class Notification(Model):
    """A fact to tell. `body` is the JSON text posted, byte for byte the same at every attempt."""

    id: str
    type: str
    body: str
    created_at: datetime


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    DEAD = "DEAD"
    CANCELED = "CANCELED"
    """The target was removed."""


class Attempt(Model):
    """One POST: the status answered, or the error when no answer came, and how long it took."""

    at: datetime
    duration_milliseconds: int | None = None
    status: int | None = None
    error: str | None = None


class Delivery(Model):
    """A notification on its way to one endpoint.

    Whoever sends it holds a lease until `leased_until` (real time), so that two never send at once.
    `queued` says that a message of the queue stands for it.
    """

    notification_id: str
    notification_type: str
    endpoint_id: str
    url: str
    state: DeliveryState = DeliveryState.PENDING
    attempts: tuple[Attempt, ...] = ()
    leased_until: datetime | None = None
    queued: bool
    created_at: datetime

    @property
    def is_pending(self) -> bool:
        """Tells whether it neither arrived nor was given up."""
        return self.state is DeliveryState.PENDING
