"""Requests about rate cards and their rates."""

from typing import Annotated, Self

from pydantic import AfterValidator, ConfigDict, Field, StrictBool, model_validator

from backbeat.api.schemas.types import (
    CustomFields,
    Flag,
    HourTimestamp,
    Id,
    Name,
    Number,
    Price,
    Schema,
    Timestamp,
    Upper,
)
from backbeat.application.rate_card_aliases import NewAlias
from backbeat.application.rate_cards import NewRateCard
from backbeat.application.rates import NewRate, Selector
from backbeat.models.rates import CommitRate, RateType, Tier
from backbeat.models.schedules import Frequency


def _of_rates(frequency: Frequency) -> Frequency:
    if frequency in (Frequency.SEMI_ANNUAL, Frequency.DAILY):
        raise ValueError("must be MONTHLY, QUARTERLY, ANNUAL or WEEKLY")
    return frequency


BillingFrequency = Annotated[Frequency, AfterValidator(_of_rates), Upper]


class AliasSchema(Schema):
    """A name for a card, and when it stands for it; without start or end, always."""

    name: Name
    starting_at: Timestamp | None = None
    ending_before: Timestamp | None = None

    def to_alias(self) -> NewAlias:
        """Returns the assignment asked for."""
        return NewAlias(self.name, self.starting_at, self.ending_before)


class ConversionSchema(Schema):
    """What a custom pricing unit costs in the card's currency (USD: cents)."""

    custom_credit_type_id: Id
    fiat_per_custom_credit: Price


class CreateRateCard(Schema):
    """A price list in one currency, without prices yet."""

    name: Name
    description: str | None = None
    fiat_credit_type_id: Id | None = None
    credit_type_conversions: list[ConversionSchema] = []
    aliases: list[AliasSchema] = []
    custom_fields: CustomFields = {}

    def to_card(self) -> NewRateCard:
        """Returns the card asked for."""
        return NewRateCard(
            name=self.name,
            description=self.description,
            fiat_credit_type_id=self.fiat_credit_type_id,
            conversions=[
                (conversion.custom_credit_type_id, conversion.fiat_per_custom_credit)
                for conversion in self.credit_type_conversions
            ],
            aliases=[alias.to_alias() for alias in self.aliases],
            custom_fields=self.custom_fields,
        )


class UpdateRateCard(Schema):
    """New values; aliases replace all the card had."""

    rate_card_id: Id
    name: Name | None = None
    description: str | None = None
    aliases: list[AliasSchema] | None = None


class ListRateCards(Schema):
    """Takes no fields; the documentation closes this body."""

    model_config = ConfigDict(extra="forbid")


class SetProductOrder(Schema):
    """The products that invoices list first, in order."""

    rate_card_id: Id
    product_order: list[Id]


class ProductMove(Schema):
    """A product and where it goes, counted from 0."""

    product_id: Id
    position: Annotated[Number, Field(ge=0, multiple_of=1)]


class MoveProducts(Schema):
    """Products to move, one after the other."""

    rate_card_id: Id
    product_moves: list[ProductMove]


class TierSchema(Schema):
    """A step of a price ladder; only the last may be without size."""

    size: Annotated[Number, Field(gt=0)] | None = None
    price: Price


class MinimumSchema(Schema):
    """The least a percentage charge comes to."""

    minimum: Price


class PriceSchema(Schema):
    """What a rate and its commit rate have in common. Percentages are fractions: 0.1 is 10 %.

    Decision D-27: a percentage may be over 100.
    """

    rate_type: Annotated[RateType, Upper]
    price: Price | None = None
    tiers: list[TierSchema] | None = None
    minimum_config: MinimumSchema | None = None

    @model_validator(mode="after")
    def _priced(self) -> Self:
        if self.rate_type is RateType.CUSTOM:
            raise ValueError("rate_type: CUSTOM rates cannot be rated here")
        tiered = self.rate_type in (RateType.TIERED, RateType.TIERED_PERCENTAGE)
        if tiered and not self.tiers:
            raise ValueError(f"tiers: required for a {self.rate_type} rate")
        if not tiered and self.price is None:
            raise ValueError(f"price: required for a {self.rate_type} rate")
        if any(tier.size is None for tier in (self.tiers or [])[:-1]):
            raise ValueError("tiers: only the last tier may be without size")
        percentage = self.rate_type in (RateType.PERCENTAGE, RateType.TIERED_PERCENTAGE)
        if self.minimum_config is not None and not percentage:
            raise ValueError("minimum_config: only for PERCENTAGE and TIERED_PERCENTAGE rates")
        return self

    def to_tiers(self) -> tuple[Tier, ...]:
        """Returns the steps; a rate of one price has none."""
        if self.rate_type not in (RateType.TIERED, RateType.TIERED_PERCENTAGE):
            return ()
        return tuple(Tier(size=tier.size, price=tier.price) for tier in self.tiers or [])


class RateSchema(PriceSchema):
    """A dated price. `price` is per unit, in the unit of the credit type (USD: cents)."""

    product_id: Id
    starting_at: HourTimestamp
    ending_before: HourTimestamp | None = None
    entitled: Flag
    credit_type_id: Id | None = None
    pricing_group_values: dict[str, str] = {}
    billing_frequency: BillingFrequency | None = None
    quantity: Price | None = None
    is_prorated: StrictBool | None = None
    commit_rate: PriceSchema | None = None

    @model_validator(mode="after")
    def _older_fields(self) -> Self:
        if self.is_prorated is False and self.rate_type is RateType.SUBSCRIPTION:
            raise ValueError("is_prorated: must be true for a SUBSCRIPTION rate")
        return self

    def to_rate(self) -> NewRate:
        """Returns the rate asked for."""
        older = self.rate_type is RateType.SUBSCRIPTION
        return NewRate(
            product_id=self.product_id,
            starting_at=self.starting_at,
            ending_before=self.ending_before,
            entitled=self.entitled,
            rate_type=self.rate_type,
            price=None if self.to_tiers() else self.price,
            tiers=self.to_tiers(),
            minimum=None if self.minimum_config is None else self.minimum_config.minimum,
            commit_rate=None if self.commit_rate is None else _commit_rate(self.commit_rate),
            billing_frequency=self.billing_frequency,
            quantity=self.quantity if older else None,
            is_prorated=self.is_prorated if older else None,
            credit_type_id=self.credit_type_id,
            pricing_group_values=self.pricing_group_values,
        )


class AddRate(RateSchema):
    """One rate for a card."""

    rate_card_id: Id


class AddRates(Schema):
    """Several rates for a card, all or none."""

    rate_card_id: Id
    rates: Annotated[list[RateSchema], Field(min_length=1)]


class RateSelector(Schema):
    """Which rates are meant: every field that is given must match."""

    product_id: Id | None = None
    product_tags: list[str] | None = None
    pricing_group_values: dict[str, str] | None = None
    partial_pricing_group_values: dict[str, str] | None = None
    billing_frequency: BillingFrequency | None = None

    def to_selector(self) -> Selector:
        """Returns the selector."""
        tags = self.product_tags
        return Selector(
            product_id=self.product_id,
            product_tags=None if tags is None else frozenset(tags),
            pricing_group_values=self.pricing_group_values,
            partial_pricing_group_values=self.partial_pricing_group_values,
            billing_frequency=self.billing_frequency,
        )


class GetRates(Schema):
    """The rates in force at an instant."""

    rate_card_id: Id
    at: Timestamp
    selectors: list[RateSelector] = []


class GetRateSchedule(Schema):
    """The rates in force between two instants; without the second, all later ones too."""

    rate_card_id: Id
    starting_at: Timestamp
    ending_before: Timestamp | None = None
    selectors: list[RateSelector] = []


def _commit_rate(schema: PriceSchema) -> CommitRate:
    minimum = schema.minimum_config
    tiers = schema.to_tiers()
    return CommitRate(
        rate_type=schema.rate_type,
        price=None if tiers else schema.price,
        tiers=tiers,
        minimum=None if minimum is None else minimum.minimum,
    )
