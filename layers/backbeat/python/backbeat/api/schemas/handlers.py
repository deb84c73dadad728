"""Requests to the billing handlers, in the field names of those who called their predecessor."""

import re
from decimal import Decimal
from typing import Annotated, Final, Self

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator

from backbeat.api.schemas.types import Flag, Limit, Name, Price, Schema, Timestamp, Whole
from backbeat.application.handlers import catalogues
from backbeat.application.handlers.subscribing import NewEntity
from backbeat.models.accounts import OperationStatus, SubscriptionStatus
from backbeat.models.tiers import Cadence, Catalogue, Plan, Proration, Tier, Unused, When


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _in_paths(value: str) -> str:
    """Refuses what no path of this API can name: the entity could be made, and never be found."""
    if value in (".", "..") or not _PATH_PART.fullmatch(value):
        raise ValueError("must be made of letters, digits, blanks and -._~()'!*:@,;=+&$[]{}|^")
    return value


_PATH_PART: Final = re.compile(r"[-._~()'!*:@,;=+&$ \[\]{}|^\w]+")
EntityId = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=128),
    AfterValidator(_in_paths),
]
EntityName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=160)]
Email = Annotated[str, StringConstraints(max_length=320, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]
TierName = Annotated[str, BeforeValidator(_lower), StringConstraints(min_length=1)]
CadenceName = Annotated[Cadence, BeforeValidator(_lower)]
CardId = Annotated[str, StringConstraints(min_length=1, max_length=255)]


class QuoteSchema(Schema):
    """What was agreed with a customer of a tier without list price. Money in whole units."""

    price: Annotated[Price, Field(max_digits=12, decimal_places=2)]
    credits: Annotated[Whole, Field(ge=0)]


class EntitySchema(Schema):
    """An entity of the product. Its times are ours, whatever is sent."""

    id: EntityId | None = None
    type: Annotated[str, StringConstraints(min_length=1, max_length=64)] = "user"
    name: EntityName
    email: Email

    def to_entity(self, new_id: str) -> NewEntity:
        """Returns the entity; the id counts where none is given."""
        return NewEntity(self.id or new_id, self.type, self.name, self.email)


class Onboard(Schema):
    """An entity that becomes a customer."""

    entity: EntitySchema
    tier: TierName = "free"
    billingPeriod: CadenceName = Cadence.MONTHLY  # noqa: N815
    paymentMethodId: CardId | None = None  # noqa: N815
    quote: QuoteSchema | None = None

    def to_plan(self, offered: Catalogue) -> Plan:
        """Returns the plan asked for."""
        return _plan(offered, self.tier, self.billingPeriod, self.quote)


class PreviewChange(Schema):
    """Another plan for an entity. Without a period it keeps the one it has."""

    entityId: EntityId  # noqa: N815
    newTier: TierName  # noqa: N815
    billingPeriod: CadenceName | None = None  # noqa: N815
    effectiveDate: Timestamp | None = None  # noqa: N815
    when: Annotated[When, BeforeValidator(_lower)] = When.AUTOMATIC
    quote: QuoteSchema | None = None

    @model_validator(mode="after")
    def _dated_once(self) -> Self:
        if self.effectiveDate is not None and self.when is not When.AUTOMATIC:
            raise ValueError("when: cannot be combined with effectiveDate")
        return self

    def to_plan(self, offered: Catalogue, present: Cadence) -> Plan:
        """Returns the plan asked for."""
        return _plan(offered, self.newTier, self.billingPeriod or present, self.quote)


class ChangeTier(PreviewChange):
    """The same, to be done."""

    paymentMethodId: CardId | None = None  # noqa: N815


class Cancel(Schema):
    """When a plan ends: at once, or with the period that is paid for."""

    when: Annotated[When, BeforeValidator(_lower)] = When.PERIOD_END

    @model_validator(mode="after")
    def _definite(self) -> Self:
        if self.when is When.AUTOMATIC:
            raise ValueError("when: must be now or period_end")
        return self


class Reactivate(Schema):
    """What a plan that has ended is paid with."""

    paymentMethodId: CardId | None = None  # noqa: N815


class Retry(Reactivate):
    """What a payment is tried with anew."""


class AddCard(Schema):
    """A way to pay that exists already, or one that a setup intent made."""

    paymentMethodId: CardId | None = None  # noqa: N815
    setupIntentId: CardId | None = None  # noqa: N815
    default: Flag = True

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.paymentMethodId is None) == (self.setupIntentId is None):
            raise ValueError("paymentMethodId: give this or setupIntentId")
        return self


class ListCustomers(Schema):
    """Which entities to list."""

    limit: Limit = 20
    next_page: str | None = None
    search: Name | None = None
    tier: TierName | None = None
    status: SubscriptionStatus | None = None


class ListOperations(Schema):
    """Which operations to list."""

    status: OperationStatus = OperationStatus.STUCK
    limit: Limit = 20
    next_page: str | None = None


class CheckEntitlement(Schema):
    """A feature, or a quantity in all that is to be within a limit."""

    feature: Name | None = None
    limit: Name | None = None
    quantity: Annotated[Whole, Field(ge=0)] = 1

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.feature is None) == (self.limit is None):
            raise ValueError("feature: give this or limit")
        return self


class TierSchema(Schema):
    """A tier. One without prices and credits is by quote; a limit of null is none."""

    id: TierName
    name: Name
    monthly_price: Annotated[Price, Field(max_digits=12, decimal_places=2)] | None = None
    yearly_price: Annotated[Price, Field(max_digits=12, decimal_places=2)] | None = None
    credits: Annotated[Whole, Field(ge=0)] | None = None
    limits: dict[Name, Annotated[Whole, Field(ge=0)] | None] = {}
    features: list[Name] = []

    @model_validator(mode="after")
    def _whole(self) -> Self:
        parts = (self.monthly_price, self.yearly_price, self.credits)
        if len({part is None for part in parts}) > 1:
            raise ValueError("monthly_price, yearly_price and credits: give all or none")
        return self

    def to_tier(self) -> Tier:
        """Returns the tier."""
        return Tier(
            id=self.id,
            name=self.name,
            monthly_price=self.monthly_price,
            yearly_price=self.yearly_price,
            credits=None if self.credits is None else Decimal(self.credits),
            limits=self.limits,
            features=tuple(self.features),
        )


class CatalogueSchema(Schema):
    """What is to be offered, lowest tier first; that one must cost nothing."""

    version: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,32}$")]
    credit_unit: Name = "USD (cents)"
    proration: Proration = Proration.DAILY
    cancellation: Unused = Unused.CREDIT
    tiers: Annotated[list[TierSchema], Field(min_length=1, max_length=20)]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        ids = [tier.id for tier in self.tiers]
        if len(set(ids)) < len(ids):
            raise ValueError("tiers: two have the same id")
        if self.tiers[0].monthly_price != 0 or self.tiers[0].yearly_price != 0:
            raise ValueError("tiers: the first must cost nothing")
        return self

    def to_catalogue(self) -> Catalogue:
        """Returns the catalogue."""
        return Catalogue(
            version=self.version,
            credit_unit=self.credit_unit,
            proration=self.proration,
            cancellation=self.cancellation,
            tiers=tuple(tier.to_tier() for tier in self.tiers),
        )


class ApplyCatalogue(Schema):
    """The catalogue to offer; without one, the built-in."""

    catalogue: CatalogueSchema | None = None

    def to_catalogue(self) -> Catalogue:
        """Returns the catalogue."""
        return catalogues.BUILT_IN if self.catalogue is None else self.catalogue.to_catalogue()


def _plan(offered: Catalogue, tier: str, cadence: Cadence, quote: QuoteSchema | None) -> Plan:
    return catalogues.plan(
        offered,
        tier,
        cadence,
        price=None if quote is None else quote.price,
        credits_=None if quote is None else Decimal(quote.credits),
    )
