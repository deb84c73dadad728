"""Requests about webhooks and settings."""

from datetime import timedelta
from typing import Annotated, Final, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    AnyHttpUrl,
    Field,
    StringConstraints,
    TypeAdapter,
    model_validator,
)

from backbeat.api.pagination import DEFAULT_LIMIT
from backbeat.api.schemas.types import (
    BodyLimit,
    Limit,
    Name,
    Schema,
    Timestamp,
    Upper,
    Whole,
)
from backbeat.application.delivery_log import DeliveryFilter
from backbeat.application.redelivery import Span
from backbeat.application.webhook_secrets import DEFAULT_OVERLAP
from backbeat.models.notifications import DeliveryState

_LONGEST_OVERLAP_SECONDS: Final = 30 * 24 * 3600
_URL: Final = TypeAdapter(AnyHttpUrl)
_WANTED_URL: Final = "must be a URL such as https://example.com/hook"


def _webhook_url(text: str) -> str:
    try:
        _URL.validate_python(text)
        parts = urlsplit(text)
    except ValueError as error:
        raise ValueError(_WANTED_URL) from error
    # What browsers forgive, such as "http:host", is read differently by every program.
    if not parts.hostname or "\\" in text:
        raise ValueError(_WANTED_URL)
    if parts.username is not None:
        raise ValueError("must not contain credentials")
    return text


Target = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=2048),
    AfterValidator(_webhook_url),
]
# SSM keeps 4 KB, in which there must be room for two of them.
Secret = Annotated[str, StringConstraints(min_length=1, max_length=1024)]


class Subscribe(Schema):
    """A webhook target."""

    target: Target


class Unsubscribe(Schema):
    """The target to remove; none means all."""

    target: Annotated[str, StringConstraints(strip_whitespace=True)] | None = None


class SetWebhookSecret(Schema):
    """What webhooks are signed with from now on."""

    webhook_secret: Secret


class RotateSecret(Schema):
    """A new secret of the account or, with `target`, of that target alone.

    The one before stays valid beside it for a while.
    """

    webhook_secret: Secret
    target: Target | None = None
    overlap_seconds: Annotated[Whole, Field(ge=0, le=_LONGEST_OVERLAP_SECONDS)] | None = None

    @property
    def overlap(self) -> timedelta:
        """How long the secret before stays valid."""
        given = self.overlap_seconds
        return DEFAULT_OVERLAP if given is None else timedelta(seconds=given)


class _Which(Schema):
    """Deliveries by what is said of them."""

    event_type: Name | None = None
    target: Name | None = None
    state: Annotated[DeliveryState, Upper] | None = None

    def to_filter(self) -> DeliveryFilter:
        """Returns the filter meant."""
        return DeliveryFilter(event_type=self.event_type, target=self.target, state=self.state)


class ListDeadLetters(Schema):
    """A page of what was given up on."""

    limit: Limit = DEFAULT_LIMIT
    next_page: str | None = None


class ListDeliveries(_Which):
    """A page of the delivery log."""

    limit: Limit = DEFAULT_LIMIT
    next_page: str | None = None


class Redeliver(_Which):
    """One event by its id, or the events of a time range, page by page."""

    event_id: Name | None = None
    starting_at: Timestamp | None = None
    ending_before: Timestamp | None = None
    limit: BodyLimit = DEFAULT_LIMIT
    next_page: str | None = None

    @model_validator(mode="after")
    def _one_or_range(self) -> Self:
        dates = [date is not None for date in (self.starting_at, self.ending_before)]
        if dates != [self.event_id is None] * 2:
            raise ValueError("give either event_id, or starting_at and ending_before")
        return self

    @property
    def span(self) -> Span | None:
        """The time range, unless it is about one event."""
        if self.starting_at is None or self.ending_before is None:
            return None
        return Span(self.starting_at, self.ending_before)
