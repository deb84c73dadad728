"""Requests about mappings to Stripe and pushes there."""

from typing import Annotated

from pydantic import Field

from backbeat.api.schemas.metering import CustomerRef
from backbeat.api.schemas.types import (
    Flag,
    HourTimestamp,
    Limit,
    Name,
    QueryFlag,
    Schema,
    Upper,
)
from backbeat.application.metering.mappings import NewMapping, WantedTarget
from backbeat.models.errors import InvalidArgument
from backbeat.models.mappings import Lane, MeterMapping
from backbeat.models.schedules import Frequency


class StripeTarget(Schema):
    """A customer's meter at Stripe."""

    meter_id: Annotated[str, Field(pattern=r"^mtr_\w+$")]
    stripe_customer_id: Annotated[str, Field(pattern=r"^cus_\w+$")]

    def to_command(self) -> WantedTarget:
        """Returns what is wanted."""
        return WantedTarget(self.meter_id, self.stripe_customer_id)


class CreateMapping(Schema):
    """A mapping: a counter's usage of a customer, or of several, to a customer's meter."""

    metric: Name
    customer_ref: CustomerRef | None = None
    customer_refs: Annotated[list[CustomerRef], Field(max_length=20)] = []
    stripe: StripeTarget
    shadow: StripeTarget | None = None
    anchor: HourTimestamp | None = None
    frequency: Annotated[Frequency, Upper] = Frequency.MONTHLY
    starting_at: HourTimestamp | None = None

    def to_command(self) -> NewMapping:
        """Returns what to create.

        Raises:
            InvalidArgument: nobody's usage is named, or both one customer's and several's.
        """
        refs = tuple(self.customer_refs or ([self.customer_ref] if self.customer_ref else []))
        if not refs or (self.customer_refs and self.customer_ref):
            raise InvalidArgument("customer_ref or customer_refs: give exactly one of them")
        return NewMapping(
            metric=self.metric,
            customer_refs=refs,
            target=self.stripe.to_command(),
            shadow=None if self.shadow is None else self.shadow.to_command(),
            anchor=self.anchor,
            frequency=self.frequency,
            starting_at=self.starting_at,
        )


class ListMappings(Schema):
    """Which mappings to list."""

    metric: str | None = None
    customer_ref: str | None = None
    active: QueryFlag | None = None
    limit: Limit = 25
    next_page: str | None = None

    def wants(self, mapping: MeterMapping) -> bool:
        """Tells whether a mapping is meant."""
        return (
            self.metric in (None, mapping.metric)
            and (self.customer_ref is None or self.customer_ref in mapping.customer_refs)
            and self.active in (None, mapping.active)
        )


class ChangeMapping(Schema):
    """Stops or resumes telling usage."""

    active: Flag


class EndMapping(Schema):
    """When a mapping ends; by default with the running hour."""

    ending_before: HourTimestamp | None = None


class RunPush(Schema):
    """What to push now: everything, or one mapping's usage."""

    mapping_id: str | None = None


class ListPushes(Schema):
    """Whose pushes to list."""

    lane: Lane = Lane.LIVE
    limit: Limit = 25
    next_page: str | None = None
