"""Price lists: rate cards and their dated rates."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from backbeat.models.base import Model
from backbeat.models.money import CreditType
from backbeat.models.schedules import Frequency


class RateType(StrEnum):
    """How a rate turns a quantity into an amount."""

    FLAT = "FLAT"
    PERCENTAGE = "PERCENTAGE"
    SUBSCRIPTION = "SUBSCRIPTION"
    TIERED = "TIERED"
    TIERED_PERCENTAGE = "TIERED_PERCENTAGE"
    CUSTOM = "CUSTOM"


class CreditTypeConversion(Model):
    """What one unit of a custom pricing unit costs, in the card's currency (USD: cents)."""

    custom_credit_type: CreditType
    fiat_per_custom_credit: Decimal


class RateCard(Model):
    """A price list. Its rates are stored beside it.

    `product_order` names the products that invoices list first, in that order.
    `alias_names` are the names it was given; which of them it holds when is stored by name.
    """

    id: str
    name: str
    description: str | None = None
    fiat_credit_type: CreditType
    credit_type_conversions: tuple[CreditTypeConversion, ...] = ()
    product_order: tuple[str, ...] = ()
    alias_names: tuple[str, ...] = ()
    rates_added: int = 0
    custom_fields: dict[str, str] = {}
    created_at: datetime
    archived_at: datetime | None = None


class AliasSegment(Model):
    """When a card answers to a name; None is without start or end."""

    rate_card_id: str
    starting_at: datetime | None = None
    ending_before: datetime | None = None

    def covers(self, instant: datetime) -> bool:
        """Tells whether the card answers to the name at the instant."""
        return (self.starting_at is None or self.starting_at <= instant) and (
            self.ending_before is None or instant < self.ending_before
        )


class Alias(Model):
    """A name that contracts choose a card by. Its segments never overlap."""

    name: str
    segments: tuple[AliasSegment, ...] = ()


class Tier(Model):
    """A step of a price ladder: `size` units wide (None: without end), each at `price`."""

    size: Decimal | None = None
    price: Decimal


class CommitRate(Model):
    """What a unit costs when a commit or credit that asks for commit rates pays it."""

    rate_type: RateType
    price: Decimal | None = None
    tiers: tuple[Tier, ...] = ()
    minimum: Decimal | None = None

    @property
    def ladder(self) -> tuple[Tier, ...]:
        """The prices as steps; a flat price is one step without end."""
        return self.tiers or (Tier(price=self.price or Decimal(0)),)


class Rate(Model):
    """One dated price of one product, for one combination of pricing group values.

    `price` is per unit of the product's quantity, in the unit of `credit_type` (USD: cents);
    for PERCENTAGE it is a fraction. Tiered rates have `tiers` instead. `minimum` is the least a
    percentage charge comes to. `billing_frequency` belongs to subscription products, `quantity`
    and `is_prorated` to the older SUBSCRIPTION rates.
    `sequence` counts the rates ever added to the card: where two overlap, the higher one holds.
    """

    product_id: str
    starting_at: datetime
    ending_before: datetime | None = None
    entitled: bool
    rate_type: RateType
    price: Decimal | None = None
    tiers: tuple[Tier, ...] = ()
    minimum: Decimal | None = None
    commit_rate: CommitRate | None = None
    billing_frequency: Frequency | None = None
    quantity: Decimal | None = None
    is_prorated: bool | None = None
    credit_type: CreditType
    pricing_group_values: dict[str, str] = {}
    created_at: datetime
    sequence: int

    @property
    def ladder(self) -> tuple[Tier, ...]:
        """The prices as steps; a flat price is one step without end."""
        return self.tiers or (Tier(price=self.price or Decimal(0)),)

    def in_force(self, instant: datetime) -> bool:
        """Tells whether the instant lies between start and end."""
        return self.starting_at <= instant and (
            self.ending_before is None or instant < self.ending_before
        )
