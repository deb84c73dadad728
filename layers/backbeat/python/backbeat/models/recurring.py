"""Recurring commits and credits: templates that make a balance for each period."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from backbeat.models.balances import BalanceSpecifier, BalanceType, RateChoice
from backbeat.models.base import Model
from backbeat.models.money import EXACT, CreditType
from backbeat.models.rounding import RoundedShare
from backbeat.models.schedules import Frequency
from backbeat.models.seats import SeatLink
from backbeat.models.sharing import Sharing


class ProratedPeriods(StrEnum):
    """Which of the periods that are cut bring a part of the amount only."""

    NONE = "NONE"
    FIRST = "FIRST"
    LAST = "LAST"
    FIRST_AND_LAST = "FIRST_AND_LAST"


class RecurringAmount(Model):
    """An amount per full period. Without `quantity` it is per seat of the linked subscription."""

    unit_price: Decimal
    quantity: Decimal | None = None
    credit_type: CreditType

    def for_quantity(self, seats: Decimal) -> Decimal:
        """Returns what a full period brings; `seats` count where it has no quantity of its own."""
        quantity = seats if self.quantity is None else self.quantity
        return EXACT.multiply(self.unit_price, quantity)


class RecurringTerms(Model):
    """What a template says, but for its dates.

    Without `frequency` its periods are those of the contract's usage, else they count from its own
    start. What it makes can be drawn for `duration` periods. PREPAID ones with `invoice` are paid
    for at the start of each period. Amounts of a part of a period are exact unless they are to be
    rounded.
    """

    id: str
    type: BalanceType
    product_id: str
    name: str | None = None
    description: str | None = None
    access: RecurringAmount
    invoice: RecurringAmount | None = None
    priority: Decimal
    rate_type: RateChoice = RateChoice.LIST_RATE
    duration: int
    frequency: Frequency | None = None
    proration: ProratedPeriods = ProratedPeriods.FIRST_AND_LAST
    access_rounding: RoundedShare | None = None
    invoice_rounding: RoundedShare | None = None
    rollover_fraction: Decimal | None = None
    applicable_product_ids: tuple[str, ...] = ()
    applicable_product_tags: tuple[str, ...] = ()
    specifiers: tuple[BalanceSpecifier, ...] = ()
    link: SeatLink | None = None
    sharing: Sharing | None = None


class RecurringBalance(RecurringTerms):
    """A template. Without `ending_before` it goes on for as long as its contract.

    `sequence` counts those of the contract. `product_name` is what unnamed balances are called.
    """

    sequence: int
    product_name: str
    starting_at: datetime
    ending_before: datetime | None = None


class AmountUpdate(Model):
    """New parts of an amount; None leaves one as it is."""

    unit_price: Decimal | None = None
    quantity: Decimal | None = None


class RecurringUpdate(Model):
    """A change of a template. What is not given stays as it is."""

    recurring_id: str
    type: BalanceType
    access: AmountUpdate | None = None
    invoice: AmountUpdate | None = None
    ending_before: datetime | None = None
    removes_ending_before: bool = False
    rate_type: RateChoice | None = None


class RecurringChanges(Model):
    """What one change does to a contract's templates."""

    add_recurring: tuple[RecurringBalance, ...] = ()
    update_recurring: tuple[RecurringUpdate, ...] = ()
