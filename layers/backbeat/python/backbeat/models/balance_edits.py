"""Changes of commits and credits after their creation."""

from datetime import datetime
from decimal import Decimal

from backbeat.models.balances import Balance, BalanceSpecifier, RateChoice
from backbeat.models.base import Model
from backbeat.models.charges import Amount
from backbeat.models.sharing import Sharing


class SegmentAddition(Model):
    """An access segment to add, in the balance's unit."""

    amount: Decimal
    starting_at: datetime
    ending_before: datetime


class SegmentUpdate(Model):
    """New values of an access segment; None leaves one as it is."""

    id: str
    amount: Decimal | None = None
    starting_at: datetime | None = None
    ending_before: datetime | None = None


class PaymentAddition(Model):
    """A dated amount to add to what is paid for a commit."""

    timestamp: datetime
    amount: Amount


class PaymentUpdate(Model):
    """New values of a dated amount; None leaves one as it is."""

    id: str
    timestamp: datetime | None = None
    amount: Amount | None = None


class BalanceUpdate(Model):
    """A change of a commit or credit. `given` names the fields that get the value they have here.

    What is not named stays; a priority or rollover fraction of None takes the value away.
    """

    balance_id: str
    is_commit: bool
    given: tuple[str, ...] = ()
    name: str | None = None
    description: str | None = None
    product_id: str | None = None
    priority: Decimal | None = None
    rate_type: RateChoice | None = None
    rollover_fraction: Decimal | None = None
    invoice_contract_id: str | None = None
    netsuite_sales_order_id: str | None = None
    applicable_product_ids: tuple[str, ...] = ()
    applicable_product_tags: tuple[str, ...] = ()
    specifiers: tuple[BalanceSpecifier, ...] = ()
    sharing: Sharing | None = None
    add_segments: tuple[SegmentAddition, ...] = ()
    update_segments: tuple[SegmentUpdate, ...] = ()
    remove_segments: tuple[str, ...] = ()
    add_payments: tuple[PaymentAddition, ...] = ()
    update_payments: tuple[PaymentUpdate, ...] = ()
    remove_payments: tuple[str, ...] = ()

    @property
    def changes_access(self) -> bool:
        """Tells whether it is about when how much may be drawn."""
        return bool(self.add_segments or self.update_segments or self.remove_segments)

    @property
    def changes_payments(self) -> bool:
        """Tells whether it is about what is paid for a commit."""
        return bool(self.add_payments or self.update_payments or self.remove_payments)


class BalanceRemoval(Model):
    """A commit or credit that was archived."""

    balance_id: str
    is_commit: bool


class BalanceChanges(Model):
    """What one change does to a contract's commits and credits.

    Those that were added are as they were then.
    """

    add_balances: tuple[Balance, ...] = ()
    update_balances: tuple[BalanceUpdate, ...] = ()
    archive_balances: tuple[BalanceRemoval, ...] = ()
