"""Requests about overrides, of contracts and of packages."""

from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, model_validator

from backbeat.api.schemas.rates import BillingFrequency, PriceSchema
from backbeat.api.schemas.types import Flag, HourTimestamp, Id, Number, Price, Schema, Upper
from backbeat.application.contract_terms import NewOverride, WantedTerms
from backbeat.models.overrides import (
    OverrideSpecifier,
    OverrideTarget,
    OverrideTerms,
    OverrideTier,
    OverrideType,
    RateTerms,
)
from backbeat.models.rates import RateType

Positive = Annotated[Number, Field(gt=0)]


class MultiplierTierSchema(Schema):
    """A step of multipliers; the last one may have no size."""

    size: Positive | None = None
    multiplier: Price


def _refuse_open_steps(sizes: list[Decimal | None]) -> None:
    if any(size is None for size in sizes[:-1]):
        raise ValueError("tiers: only the last tier may be without size")


class OverwriteRateSchema(PriceSchema):
    """The price that takes the place of the card's; without a unit it is in the card's."""

    quantity: Price | None = None
    is_prorated: Flag | None = None
    credit_type_id: Id | None = None

    def to_terms(self) -> RateTerms:
        """Returns the price without its unit."""
        older = self.rate_type is RateType.SUBSCRIPTION
        return RateTerms(
            rate_type=self.rate_type,
            price=None if self.to_tiers() else self.price,
            tiers=self.to_tiers(),
            minimum=None if self.minimum_config is None else self.minimum_config.minimum,
            quantity=self.quantity if older else None,
            is_prorated=self.is_prorated if older else None,
        )


class ExcludeSchema(Schema):
    """Products with all of these tags are left out."""

    product_tags: list[str] = []


class OverrideSpecifierSchema(Schema):
    """What an override is for; everything that is given must match."""

    product_id: Id | None = None
    product_tags: list[str] = []
    pricing_group_values: dict[str, str] = {}
    presentation_group_values: dict[str, str] = {}
    billing_frequency: BillingFrequency | None = None
    commit_ids: list[str] = []
    recurring_commit_ids: list[str] = []
    exclude: list[ExcludeSchema] = []

    @model_validator(mode="after")
    def _commits_of_something(self) -> Self:
        named = self.commit_ids or self.recurring_commit_ids
        beside = (
            self.product_id
            or self.product_tags
            or self.pricing_group_values
            or self.presentation_group_values
        )
        if named and not beside:
            raise ValueError(
                "commit_ids: need a product_id, product_tags, pricing_group_values or"
                " presentation_group_values beside them"
            )
        return self

    def to_specifier(self) -> OverrideSpecifier:
        """Returns the stored form."""
        return OverrideSpecifier(
            product_id=self.product_id,
            product_tags=tuple(self.product_tags),
            pricing_group_values=self.pricing_group_values,
            presentation_group_values={**self.presentation_group_values},
            billing_frequency=self.billing_frequency,
            commit_ids=tuple(self.commit_ids),
            recurring_commit_ids=tuple(self.recurring_commit_ids),
            excluded_tags=tuple(
                tuple(excluded.product_tags) for excluded in self.exclude if excluded.product_tags
            ),
        )


class OverrideTermsSchema(Schema):
    """What an override changes, and for what."""

    type: Annotated[OverrideType, Upper] | None = None
    entitled: Flag | None = None
    multiplier: Price | None = None
    priority: Positive | None = None
    overwrite_rate: OverwriteRateSchema | None = None
    product_id: Id | None = None
    applicable_product_tags: list[str] = []
    override_specifiers: list[OverrideSpecifierSchema] = []
    tiers: list[MultiplierTierSchema] = []
    is_commit_specific: Flag = False
    target: Annotated[OverrideTarget, Upper] | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        given = {
            OverrideType.OVERWRITE: ("overwrite_rate", self.overwrite_rate is not None),
            OverrideType.MULTIPLIER: ("multiplier", self.multiplier is not None),
            OverrideType.TIERED: ("tiers", bool(self.tiers)),
        }
        for type_, (name, present) in given.items():
            if type_ is self.type and not present:
                raise ValueError(f"{name}: required for an override of type {type_}")
            if type_ is not self.type and present:
                raise ValueError(f"{name}: only for an override of type {type_}")
        if self.type is None and self.entitled is None:
            raise ValueError("type: required unless entitled is given")
        _refuse_open_steps([tier.size for tier in self.tiers])
        return self

    @model_validator(mode="after")
    def _one_way_to_match(self) -> Self:
        if self.override_specifiers and (self.product_id or self.applicable_product_tags):
            raise ValueError(
                "override_specifiers: cannot be combined with product_id or applicable_product_tags"
            )
        if self.type is not OverrideType.MULTIPLIER and any(
            specifier.presentation_group_values for specifier in self.override_specifiers
        ):
            raise ValueError("presentation_group_values: only for an override of type MULTIPLIER")
        return self

    @model_validator(mode="after")
    def _for_commits(self) -> Self:
        if self.is_commit_specific:
            return self
        if self.target is not None:
            raise ValueError("target: only with is_commit_specific")
        if any(s.commit_ids or s.recurring_commit_ids for s in self.override_specifiers):
            raise ValueError("commit_ids: only with is_commit_specific")
        return self

    def to_terms(self) -> WantedTerms:
        """Returns the terms asked for."""
        rate = self.overwrite_rate
        return WantedTerms(
            OverrideTerms(
                type=self.type,
                entitled=self.entitled,
                multiplier=self.multiplier,
                tiers=tuple(
                    OverrideTier(size=tier.size, multiplier=tier.multiplier) for tier in self.tiers
                ),
                priority=self.priority,
                specifiers=tuple(s.to_specifier() for s in self.override_specifiers),
                product_id=self.product_id,
                applicable_product_tags=tuple(self.applicable_product_tags),
                is_commit_specific=self.is_commit_specific,
                target=self.target or OverrideTarget.LIST_RATE,
            ),
            overwrite=None if rate is None else rate.to_terms(),
            credit_type_id=None if rate is None else rate.credit_type_id,
        )


class OverrideSchema(OverrideTermsSchema):
    """An exception to the rate card on `[starting_at, ending_before)`."""

    starting_at: HourTimestamp
    ending_before: HourTimestamp | None = None

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.ending_before is not None and self.ending_before <= self.starting_at:
            raise ValueError("ending_before: must be after starting_at")
        return self

    def to_override(self) -> NewOverride:
        """Returns the override asked for."""
        return NewOverride(self.to_terms(), self.starting_at, self.ending_before)
