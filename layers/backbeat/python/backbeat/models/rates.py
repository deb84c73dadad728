"""Price lists: rate cards and their dated rates."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from backbeat.models.base import Model
from backbeat.models.money import CreditType


class RateType(StrEnum):
    """How a rate turns a quantity into an amount."""

    FLAT = "FLAT"
    PERCENTAGE = "PERCENTAGE"
    SUBSCRIPTION = "SUBSCRIPTION"
    TIERED = "TIERED"
    TIERED_PERCENTAGE = "TIERED_PERCENTAGE"
    CUSTOM = "CUSTOM"


class RateCard(Model):
    """A price list. Its rates are stored beside it, one item each."""

    id: str
    name: str
    description: str | None = None
    fiat_credit_type: CreditType
    rates_added: int = 0
    custom_fields: dict[str, str] = {}
    created_at: datetime
    archived_at: datetime | None = None


class Rate(Model):
    """One dated price of one product, for one combination of pricing group values.

    `price` is per unit of the product's quantity, in the unit of `credit_type` (USD: cents).
    `sequence` counts the rates ever added to the card: where two overlap, the higher one holds.
    """

    product_id: str
    starting_at: datetime
    ending_before: datetime | None = None
    entitled: bool
    rate_type: RateType
    price: Decimal
    credit_type: CreditType
    pricing_group_values: dict[str, str] = {}
    created_at: datetime
    sequence: int

    def in_force(self, instant: datetime) -> bool:
        """Tells whether the instant lies between start and end."""
        return self.starting_at <= instant and (
            self.ending_before is None or instant < self.ending_before
        )
