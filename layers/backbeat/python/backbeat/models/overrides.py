"""Exceptions that a contract makes to its rate card."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from backbeat.models.base import Model
from backbeat.models.money import CreditType
from backbeat.models.rates import RateType, Tier
from backbeat.models.schedules import Frequency


class OverrideType(StrEnum):
    """What an override does to a price: replace it, multiply it, or multiply it by steps."""

    OVERWRITE = "OVERWRITE"
    MULTIPLIER = "MULTIPLIER"
    TIERED = "TIERED"


class OverrideTarget(StrEnum):
    """Which of a rate's prices an override changes."""

    LIST_RATE = "LIST_RATE"
    COMMIT_RATE = "COMMIT_RATE"


class Prioritization(StrEnum):
    """How one of several multipliers is chosen."""

    LOWEST_MULTIPLIER = "LOWEST_MULTIPLIER"
    EXPLICIT = "EXPLICIT"


class OverrideSpecifier(Model):
    """What an override applies to: everything that is given must match.

    `excluded_tags` are sets of product tags; a product that has all of one set is left out.
    """

    product_id: str | None = None
    product_tags: tuple[str, ...] = ()
    pricing_group_values: dict[str, str] = {}
    presentation_group_values: dict[str, str | None] = {}
    billing_frequency: Frequency | None = None
    commit_ids: tuple[str, ...] = ()
    recurring_commit_ids: tuple[str, ...] = ()
    excluded_tags: tuple[tuple[str, ...], ...] = ()


class OverrideTier(Model):
    """A step of multipliers: `size` units wide (None: without end)."""

    size: Decimal | None = None
    multiplier: Decimal


class RateTerms(Model):
    """A price without its unit. Tiered ones have `tiers`; for percentages prices are fractions.

    `quantity` and `is_prorated` belong to the older SUBSCRIPTION rates.
    """

    rate_type: RateType
    price: Decimal | None = None
    tiers: tuple[Tier, ...] = ()
    minimum: Decimal | None = None
    quantity: Decimal | None = None
    is_prorated: bool | None = None

    @property
    def ladder(self) -> tuple[Tier, ...]:
        """The prices as steps; a flat price is one step without end."""
        return self.tiers or (Tier(price=self.price or Decimal(0)),)


class OverwriteRate(RateTerms):
    """The rate that takes the place of the card's."""

    credit_type: CreditType


class OverrideTerms(Model):
    """What an override changes, and for what. When it does so is not said here.

    Without specifiers, `product_id` and `applicable_product_tags` it applies to every product.
    """

    type: OverrideType | None = None
    entitled: bool | None = None
    multiplier: Decimal | None = None
    tiers: tuple[OverrideTier, ...] = ()
    overwrite_rate: OverwriteRate | None = None
    priority: Decimal | None = None
    specifiers: tuple[OverrideSpecifier, ...] = ()
    product_id: str | None = None
    applicable_product_tags: tuple[str, ...] = ()
    is_commit_specific: bool = False
    target: OverrideTarget = OverrideTarget.LIST_RATE

    @property
    def named_product_ids(self) -> tuple[str, ...]:
        """The products it names, each once."""
        named = [self.product_id, *(specifier.product_id for specifier in self.specifiers)]
        return tuple(dict.fromkeys(id_ for id_ in named if id_ is not None))


class Override(OverrideTerms):
    """An exception in force on `[starting_at, ending_before)`.

    `sequence` counts the overrides ever added to the contract: "added last" is the highest.
    """

    id: str
    sequence: int
    created_at: datetime
    starting_at: datetime
    ending_before: datetime | None = None

    def in_force(self, instant: datetime) -> bool:
        """Tells whether the instant lies between start and end."""
        return self.starting_at <= instant and (
            self.ending_before is None or instant < self.ending_before
        )
