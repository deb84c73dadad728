"""Which override holds for a line.

Owns: what an override matches, which of several wins, the price that comes out, entitlement.
Does not own: commits' own rates (see drawdown).
Times: an override is in force on `[starting_at, ending_before)`.
Invariants: at most one override changes a price; they are never stacked.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from backbeat.domain.ladders import multiplied, multiplied_by_steps
from backbeat.domain.rates import rate_at
from backbeat.models.catalog import Product, ProductState
from backbeat.models.money import CreditType
from backbeat.models.overrides import (
    Override,
    OverrideSpecifier,
    OverrideType,
    Prioritization,
)
from backbeat.models.rates import Rate, RateType, Tier
from backbeat.models.schedules import Frequency


@dataclass(frozen=True, slots=True)
class Subject:
    """What is to be priced: a product's group, for subscriptions at a billing frequency."""

    product: Product
    state: ProductState
    pricing: Mapping[str, str]
    presentation: Mapping[str, str]
    frequency: Frequency | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """The price in force: a ladder of prices per unit, and where it came from.

    For percentages the ladder's prices are fractions. `rate` is the card's rate, if there is one;
    `override` what changed it.
    """

    rate_type: RateType
    ladder: tuple[Tier, ...]
    credit_type: CreditType
    minimum: Decimal | None
    rate: Rate | None
    override: Override | None

    @property
    def is_tiered(self) -> bool:
        """Tells whether the steps are shown on lines."""
        return len(self.ladder) > 1 or self.rate_type in (
            RateType.TIERED,
            RateType.TIERED_PERCENTAGE,
        )


def price_at(
    subject: Subject,
    instant: datetime,
    *,
    rates: Sequence[Rate],
    overrides: Sequence[Override],
    prioritization: Prioritization,
) -> Price | None:
    """Returns the price in force; None when the product is not entitled or not priced.

    Order: an OVERWRITE (the one added last), then one multiplier, then the list rate. Overrides
    that are for commits only do not take part.
    """
    rate = rate_at(
        rates, group_values=subject.pricing, instant=instant, frequency=subject.frequency
    )
    applying = [
        override
        for override in overrides
        if override.in_force(instant)
        and not override.is_commit_specific
        and applies(override, subject)
    ]
    if not _entitled(rate, applying):
        return None
    overwrite = _added_last(o for o in applying if o.type is OverrideType.OVERWRITE)
    if overwrite is not None and overwrite.overwrite_rate is not None:
        new = overwrite.overwrite_rate
        return Price(new.rate_type, new.ladder, new.credit_type, new.minimum, rate, overwrite)
    if rate is None:
        return None
    chosen = _chosen_multiplier(applying, prioritization)
    ladder = rate.ladder if chosen is None else overridden(rate.ladder, chosen)
    return Price(rate.rate_type, ladder, rate.credit_type, rate.minimum, rate, chosen)


def overridden(ladder: Sequence[Tier], override: Override) -> tuple[Tier, ...]:
    """Returns the ladder after a MULTIPLIER or TIERED override."""
    if override.type is OverrideType.TIERED:
        return multiplied_by_steps(ladder, override.tiers)
    return multiplied(ladder, _multiplier(override))


def applies(override: Override, subject: Subject) -> bool:
    """Tells whether an override is about the subject, whenever it is in force."""
    if override.specifiers:
        return any(matches(specifier, subject) for specifier in override.specifiers)
    if override.product_id is not None:
        return override.product_id == subject.product.id
    if override.applicable_product_tags:
        return bool({*override.applicable_product_tags} & {*subject.state.tags})
    return True


def matches(specifier: OverrideSpecifier, subject: Subject) -> bool:
    """Tells whether everything that a specifier gives fits the subject; tags must all be there."""
    tags = {*subject.state.tags}
    return (
        specifier.product_id in (None, subject.product.id)
        and {*specifier.product_tags} <= tags
        and specifier.pricing_group_values.items() <= {**subject.pricing}.items()
        and all(
            subject.presentation.get(key) == value
            for key, value in specifier.presentation_group_values.items()
        )
        and specifier.billing_frequency in (None, subject.frequency)
        and not any({*excluded} <= tags for excluded in specifier.excluded_tags)
    )


def _entitled(rate: Rate | None, applying: Sequence[Override]) -> bool:
    """Decision D-36: the override added last that says anything, else the card."""
    said = _added_last(override for override in applying if override.entitled is not None)
    if said is not None:
        return bool(said.entitled)
    return rate is not None and rate.entitled


def _chosen_multiplier(
    applying: Sequence[Override], prioritization: Prioritization
) -> Override | None:
    candidates = [
        override
        for override in applying
        if override.type in (OverrideType.MULTIPLIER, OverrideType.TIERED)
    ]
    if prioritization is Prioritization.EXPLICIT:
        # Ties of priority go to the lower multiplier, then to the one added last.
        return min(
            candidates,
            key=lambda o: (o.priority or Decimal(0), _multiplier(o), -o.sequence),
            default=None,
        )
    return min(candidates, key=lambda o: (_multiplier(o), -o.sequence), default=None)


def _multiplier(override: Override) -> Decimal:
    """Returns the factor that ranks an override; of steps, the first."""
    if override.tiers:
        return override.tiers[0].multiplier
    return Decimal(1) if override.multiplier is None else override.multiplier


def _added_last(overrides: Iterable[Override]) -> Override | None:
    """Decision D-37: added last is created last, whatever the starting dates."""
    return max(overrides, key=lambda override: override.sequence, default=None)
