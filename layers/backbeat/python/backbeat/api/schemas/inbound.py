"""Requests about webhooks that come in."""

from datetime import timedelta
from typing import Annotated, Final

from pydantic import Field

from backbeat.api.pagination import DEFAULT_LIMIT
from backbeat.api.schemas.types import Limit, Name, Schema, Whole
from backbeat.api.schemas.webhooks import Secret, Target
from backbeat.application.intake.log import EventFilter
from backbeat.application.intake.secrets import DEFAULT_OVERLAP
from backbeat.models.inbound import InboundState, ProviderName

_LONGEST_OVERLAP_SECONDS: Final = 30 * 24 * 3600


class ListInboundEvents(Schema):
    """A page of events, by provider, type or state."""

    provider: ProviderName | None = None
    type: Name | None = None
    state: InboundState | None = None
    limit: Limit = DEFAULT_LIMIT
    next_page: str | None = None

    def to_filter(self) -> EventFilter:
        """Returns the filter meant."""
        return EventFilter(provider=self.provider, type=self.type, state=self.state)


class AddInboundSecret(Schema):
    """Another secret, and how long those before it are taken; a day unless said otherwise."""

    secret: Secret
    overlap_seconds: Annotated[Whole, Field(ge=0, le=_LONGEST_OVERLAP_SECONDS)] | None = None

    @property
    def overlap(self) -> timedelta:
        """How long the secrets before are taken."""
        given = self.overlap_seconds
        return DEFAULT_OVERLAP if given is None else timedelta(seconds=given)


class SubscribeToStripe(Schema):
    """The address of this server as Stripe reaches it, such as https://billing.example.com."""

    address: Target

    @property
    def base_url(self) -> str:
        """The address without a slash at its end."""
        return self.address.rstrip("/")


class NamedProvider(Schema):
    """The provider in a path."""

    provider: ProviderName
