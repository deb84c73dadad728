"""Requests about webhooks, the clock and settings."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    AnyHttpUrl,
    BeforeValidator,
    Field,
    StringConstraints,
    TypeAdapter,
    model_validator,
)

from backbeat.api.pagination import DEFAULT_LIMIT
from backbeat.api.schemas.types import (
    BodyLimit,
    Flag,
    Limit,
    Name,
    Schema,
    Timestamp,
    Upper,
    Whole,
)
from backbeat.application.delivery_log import DeliveryFilter
from backbeat.application.redelivery import Span
from backbeat.application.sandbox_clock import Duration
from backbeat.application.webhook_secrets import DEFAULT_OVERLAP
from backbeat.models.errors import InvalidArgument
from backbeat.models.notifications import DeliveryState

_DURATION: Final = re.compile(
    r"P(?=.)(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?=.)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?",
    re.ASCII,
)
_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(3000, 1, 1, tzinfo=UTC)
_LONGEST_OVERLAP_SECONDS: Final = 30 * 24 * 3600
_URL: Final = TypeAdapter(AnyHttpUrl)
_WANTED_URL: Final = "must be a URL such as https://example.com/hook"


def _duration(value: object) -> Duration:
    if isinstance(value, int) and not isinstance(value, bool):
        if value < 0:
            raise ValueError("must not be negative")
        return _of_parts(seconds=value)
    matched = _DURATION.fullmatch(value.upper()) if isinstance(value, str) else None
    if matched is None:
        raise ValueError("must be whole seconds or an ISO 8601 duration such as P1M or PT36H")
    return _of_parts(**{unit: int(number or 0) for unit, number in matched.groupdict().items()})


def _of_parts(*, years: int = 0, months: int = 0, **rest: int) -> Duration:
    try:
        return Duration(months=12 * years + months, rest=timedelta(**rest))
    except OverflowError as error:
        raise ValueError("is too long") from error


class MoveClock(Schema):
    """Exactly one of: an instant to stop at, a duration to advance by, or back to real time."""

    now: Timestamp | None = None
    advance: Annotated[Duration, BeforeValidator(_duration)] | None = None
    system: Flag = False

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = [self.now is not None, self.advance is not None, self.system]
        if sum(given) != 1:
            raise ValueError("give exactly one of now, advance and system: true")
        return self

    def target(self, now: datetime) -> datetime:
        """Returns where the clock is to stop, seen from the present.

        Raises:
            InvalidArgument: the calendar of this API does not reach there.
        """
        try:
            target = now if self.advance is None else self.advance.after(now)
            target = self.now or target
        except (OverflowError, ValueError) as error:
            raise InvalidArgument("advance: leads too far") from error
        if not _EARLIEST <= target < _LATEST:
            raise InvalidArgument("the clock runs from 1970 to 2999")
        return target


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
