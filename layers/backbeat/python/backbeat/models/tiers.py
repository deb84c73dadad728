"""Tiers: what a product offers, and the plan a customer has agreed to."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from backbeat.models.base import Model


class Cadence(StrEnum):
    """How long a period is that is paid for at once."""

    MONTHLY = "monthly"
    YEARLY = "yearly"

    @property
    def months(self) -> int:
        """The length in calendar months."""
        return 1 if self is Cadence.MONTHLY else 12


class Proration(StrEnum):
    """What is measured when a period is split: whole days begun, or exact seconds."""

    DAILY = "daily"
    PER_SECOND = "per_second"


class Unused(StrEnum):
    """What becomes of the paid rest of a period in which a plan is cancelled at once.

    CREDIT: it is credited for later invoices, as by a downgrade at once. KEEP: nothing is given
    back.
    """

    CREDIT = "credit"
    KEEP = "keep"


class When(StrEnum):
    """When a change is wanted; AUTOMATIC: upgrades at once, downgrades with the next period."""

    AUTOMATIC = "auto"
    NOW = "now"
    PERIOD_END = "period_end"


class Tier(Model):
    """One tier. Prices are in whole units of the catalogue's currency; None is by quote.

    `credits` are granted every month. A limit of None is no limit.
    """

    id: str
    name: str
    monthly_price: Decimal | None = None
    yearly_price: Decimal | None = None
    credits: Decimal | None = None
    limits: Mapping[str, int | None] = {}
    features: tuple[str, ...] = ()

    def price(self, cadence: Cadence) -> Decimal | None:
        """Returns what a period costs, or None when that takes a quote."""
        return self.monthly_price if cadence is Cadence.MONTHLY else self.yearly_price


class Catalogue(Model):
    """What is offered, lowest tier first. What was agreed under one version stays agreed.

    A credit pays for one unit of the credit type that `credit_unit` names.
    """

    version: str
    currency: str = "usd"
    credit_unit: str = "USD (cents)"
    proration: Proration = Proration.DAILY
    cancellation: Unused = Unused.CREDIT
    tiers: tuple[Tier, ...]


class CatalogueSetup(Model):
    """A catalogue as it was set up in Metronome: ids of what it takes. Packages are by tier."""

    catalogue: Catalogue
    rate_card_id: str
    credit_type_id: str
    credit_product_id: str
    fee_product_id: str
    packages: Mapping[str, str] = {}
    applied_at: datetime


class Plan(Model):
    """What a customer has agreed to: a tier for a time, at a price, with credits every month.

    `by_quote` plans have a price of their own instead of the catalogue's.
    """

    tier: str
    cadence: Cadence
    price: Decimal
    credits: Decimal
    currency: str = "usd"
    catalogue: str
    by_quote: bool = False

    @property
    def is_free(self) -> bool:
        """Tells whether there is nothing to pay."""
        return self.price == 0


class Quote(Model):
    """The money of a change at one instant.

    `unused` is what is left of the old period at the old price and `wanted` what the new plan costs
    until `ending_before`, both exact. `net` is their difference, rounded half up to the smallest
    unit: above zero it is charged, below zero credited. `days_left` of `days_total` are those of
    the old period, where days are counted.
    """

    at: datetime
    currency: str
    unused: Decimal
    wanted: Decimal
    net: Decimal
    starting_at: datetime
    ending_before: datetime
    anchor: datetime
    days_left: int | None = None
    days_total: int | None = None
