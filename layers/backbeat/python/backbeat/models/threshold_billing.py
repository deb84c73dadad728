"""Charging a customer when its balance falls, or its spend rises, to a line.

Amounts are in the unit that is said beside them (USD: cents).
"""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from backbeat.models.alerts import FieldFilter
from backbeat.models.balances import Balance, BalanceSpecifier, RateChoice
from backbeat.models.base import Model
from backbeat.models.money import CreditType, add
from backbeat.models.period import Period
from backbeat.models.schedules import RelativeDate


class GateType(StrEnum):
    """Who collects the payment that what is bought waits for; NONE waits for nothing."""

    NONE = "NONE"
    STRIPE = "STRIPE"
    EXTERNAL = "EXTERNAL"


class TaxType(StrEnum):
    """Who computes tax."""

    NONE = "NONE"
    STRIPE = "STRIPE"
    ANROK = "ANROK"
    PRECALCULATED = "PRECALCULATED"


class StripePayment(StrEnum):
    """What Stripe is asked to collect."""

    INVOICE = "INVOICE"
    PAYMENT_INTENT = "PAYMENT_INTENT"


class Tax(Model):
    """A tax that is known beforehand, in the currency of the invoice."""

    amount: Decimal
    name: str | None = None


class PaymentGate(Model):
    """How a charge is collected. `on_session` says that the payer is there to authenticate."""

    type: GateType
    tax_type: TaxType = TaxType.NONE
    stripe_payment: StripePayment | None = None
    invoice_metadata: dict[str, str] = {}
    tax: Tax | None = None
    on_session: bool = False


class ThresholdCommit(Model):
    """The commit that a charge buys. Its `duration` counts from the end of the usage period."""

    product_id: str
    name: str | None = None
    description: str | None = None
    priority: Decimal = Decimal(100)
    rate_type: RateChoice = RateChoice.LIST_RATE
    rollover_fraction: Decimal | None = None
    duration: RelativeDate | None = None
    applicable_product_ids: tuple[str, ...] = ()
    applicable_product_tags: tuple[str, ...] = ()
    specifiers: tuple[BalanceSpecifier, ...] = ()


class DiscountCap(Model):
    """What a spend tracker may have accumulated in a usage period before discounts end."""

    tracker_alias: str
    amount: Decimal


class SpendThreshold(Model):
    """Charge all spend that no balance covers, each time it reaches `threshold_amount`.

    `payment_fraction` is the part that is paid of what is granted, until `discount_cap` is reached.
    """

    is_enabled: bool
    threshold_amount: Decimal
    commit: ThresholdCommit
    gate: PaymentGate
    payment_fraction: Decimal | None = None
    discount_cap: DiscountCap | None = None


class PrepaidThreshold(SpendThreshold):
    """Recharge prepaid balance to an amount when it falls to `threshold_amount`.

    With `custom_unit` both amounts are in that unit, else in the card's currency. Balances that
    meet all filters of one of `excluded` are no part of the balance that is watched.
    """

    recharge_to_amount: Decimal
    custom_unit: CreditType | None = None
    excluded: tuple[tuple[FieldFilter, ...], ...] = ()


class WorkflowKind(StrEnum):
    """What brought a charge about (decision 4: the first has no published name)."""

    PREPAID_BALANCE = "prepaid_balance"
    SPEND = "spend"
    MANUAL_COMMIT = "manual_commit"


class WorkflowState(StrEnum):
    """How far a charge is. The first three are open."""

    PENDING_EXTERNAL = "PENDING_EXTERNAL"
    PENDING_PAYMENT = "PENDING_PAYMENT"
    ACTION_REQUIRED = "ACTION_REQUIRED"
    PAID = "PAID"
    FAILED = "FAILED"


class PaymentError(Model):
    """Why a payment failed, in the words of who collects it."""

    message: str
    type: str | None = None
    code: str | None = None
    decline_code: str | None = None


class Workflow(Model):
    """One charge, from what brought it about to payment or failure.

    `granted` is in `unit`, `charge` and `tax` in `currency`. A commit that was added by hand is
    all there in `bought`, and `edit_key` is the uniqueness key of the edit that did nothing else.
    `payment_id` names the payment that is collected here, begun with the charge.
    """

    id: str
    kind: WorkflowKind
    customer_id: str
    contract_id: str
    state: WorkflowState
    unit: CreditType
    granted: Decimal
    currency: CreditType
    charge: Decimal
    tax: Tax | None = None
    commit: ThresholdCommit
    gate: GateType
    on_session: bool = False
    invoice_id: str
    payment_id: str | None = None
    bought: Balance | None = None
    edit_key: str | None = None
    discounted: bool = False
    started_at: datetime
    payment_intent_id: str | None = None
    error: PaymentError | None = None
    decided_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Tells whether it waits for a payment."""
        return self.decided_at is None


class SpendSource(StrEnum):
    """What brought a purchase of a commit about."""

    THRESHOLD_RECHARGE = "THRESHOLD_RECHARGE"
    MANUAL = "MANUAL"


class SpendSpecifier(Model):
    """Purchases of commits: from some source, or any; discounted or not, or either."""

    sources: tuple[SpendSource, ...] = ()
    discounted: bool | None = None


class TrackedSpend(Model):
    """A purchase that counts, in the unit of its tracker."""

    at: datetime
    amount: Decimal


class SpendTracker(Model):
    """Adds up what a contract's purchases cost, from each start of a usage period on."""

    alias: str
    credit_type: CreditType
    specifiers: tuple[SpendSpecifier, ...] = ()
    spends: tuple[TrackedSpend, ...] = ()

    def accumulated(self, period: Period) -> Decimal:
        """Returns what was added up in a usage period."""
        return add(*(one.amount for one in self.spends if period.covers(one.at)))
