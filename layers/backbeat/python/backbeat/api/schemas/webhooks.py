"""Requests about webhooks, the clock and settings."""

from datetime import datetime, timedelta
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, StringConstraints, TypeAdapter, model_validator

from backbeat.api.schemas.types import Flag, Schema, Timestamp

_DURATION = TypeAdapter(timedelta)


def _duration(value: object) -> timedelta:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("must be whole seconds or an ISO 8601 duration such as P31D")
    if isinstance(value, str) and not value.upper().startswith("P"):
        raise ValueError("must be whole seconds or an ISO 8601 duration such as P31D")
    duration = _DURATION.validate_python(value)
    if duration < timedelta(0):
        raise ValueError("must not be negative")
    return duration


class MoveClock(Schema):
    """Exactly one of: an instant to stop at, a duration to advance by, or back to real time."""

    now: Timestamp | None = None
    advance: Annotated[timedelta, BeforeValidator(_duration)] | None = None
    system: Flag = False

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = [self.now is not None, self.advance is not None, self.system]
        if sum(given) != 1:
            raise ValueError("give exactly one of now, advance and system: true")
        return self

    def target(self, now: datetime) -> datetime:
        """Returns where the clock is to stop, seen from the present."""
        if self.advance is not None:
            return now + self.advance
        return now if self.now is None else self.now


class Subscribe(Schema):
    """A webhook target."""

    target: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Unsubscribe(Schema):
    """The target to remove; none means all."""

    target: str | None = None


class SetWebhookSecret(Schema):
    """What webhooks are signed with from now on."""

    webhook_secret: Annotated[str, StringConstraints(min_length=1)]


class ListDeliveries(Schema):
    """A page of the delivery log."""

    limit: Annotated[int, Field(ge=1, le=100)] = 100
    next_page: str | None = None
