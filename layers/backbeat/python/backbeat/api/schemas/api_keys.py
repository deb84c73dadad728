"""Requests about API keys."""

from datetime import datetime, timedelta
from typing import Annotated, Final, Self

from pydantic import Field, StringConstraints, model_validator

from backbeat.api.pagination import DEFAULT_LIMIT
from backbeat.api.schemas.types import Limit, Schema, Timestamp, Whole
from backbeat.application.api_keys import DEFAULT_OVERLAP
from backbeat.models.api_keys import Role, Scope
from backbeat.models.errors import InvalidArgument

_LONGEST_OVERLAP_SECONDS: Final = 30 * 24 * 3600


Scopes = Annotated[list[Scope], Field(min_length=1)]


class ChangeKey(Schema):
    """What a key may do: its scopes, or those of a role."""

    scopes: Scopes | None = None
    role: Role | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.scopes is None) == (self.role is None):
            raise ValueError("scopes: give these or role")
        return self


class CreateKey(ChangeKey):
    """A key's name and what it may do, until it expires if it does."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    expires_at: Timestamp | None = None

    def end(self, now: datetime) -> datetime | None:
        """Returns when it expires.

        Raises:
            InvalidArgument: that is over.
        """
        if self.expires_at is not None and self.expires_at <= now:
            raise InvalidArgument("expires_at: must be in the future")
        return self.expires_at


class RotateKey(Schema):
    """How long the secret before stays valid; a day unless said otherwise."""

    overlap_seconds: Annotated[Whole, Field(ge=0, le=_LONGEST_OVERLAP_SECONDS)] | None = None

    @property
    def overlap(self) -> timedelta:
        """The same as a duration."""
        given = self.overlap_seconds
        return DEFAULT_OVERLAP if given is None else timedelta(seconds=given)


class ChangeRole(Schema):
    """The scopes that a role is to have."""

    scopes: Scopes


class ListApiKeys(Schema):
    """A page of keys."""

    limit: Limit = DEFAULT_LIMIT
    next_page: str | None = None
