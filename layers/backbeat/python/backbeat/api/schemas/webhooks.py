"""Requests about webhooks, the clock and settings."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    AnyHttpUrl,
    BeforeValidator,
    StringConstraints,
    TypeAdapter,
    model_validator,
)

from backbeat.api.pagination import DEFAULT_LIMIT
from backbeat.api.schemas.types import Flag, Limit, Schema, Timestamp
from backbeat.application.sandbox_clock import Duration
from backbeat.models.errors import InvalidArgument

_DURATION: Final = re.compile(
    r"P(?=.)(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?=.)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?",
    re.ASCII,
)
_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(3000, 1, 1, tzinfo=UTC)
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


class Subscribe(Schema):
    """A webhook target."""

    target: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=2048),
        AfterValidator(_webhook_url),
    ]


class Unsubscribe(Schema):
    """The target to remove; none means all."""

    target: Annotated[str, StringConstraints(strip_whitespace=True)] | None = None


class SetWebhookSecret(Schema):
    """What webhooks are signed with from now on."""

    webhook_secret: Annotated[str, StringConstraints(min_length=1)]


class ListDeliveries(Schema):
    """A page of the delivery log."""

    limit: Limit = DEFAULT_LIMIT
    next_page: str | None = None
