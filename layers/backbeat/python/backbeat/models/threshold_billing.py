"""Charging a customer when its balance falls, or its spend rises, to a line.

Amounts are in the unit that is said beside them (USD: cents).
"""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from backbeat.models.balances import BalanceSpecifier, RateChoice
from backbeat.models.base import Model
from backbeat.models.money import CreditType


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
    """How a charge is collected."""

    type: GateType
    tax_type: TaxType = TaxType.NONE
    stripe_payment: StripePayment | None = None
    invoice_metadata: dict[str, str] = {}
    tax: Tax | None = None


class ThresholdCommit(Model):
    """The commit that a charge buys."""

    product_id: str
    name: str | None = None
    description: str | None = None
    priority: Decimal = Decimal(100)
    rate_type: RateChoice = RateChoice.LIST_RATE
    rollover_fraction: Decimal | None = None
    applicable_product_ids: tuple[str, ...] = ()
    applicable_product_tags: tuple[str, ...] = ()
    specifiers: tuple[BalanceSpecifier, ...] = ()


class SpendThreshold(Model):
    """Charge all spend that no balance covers, each time it reaches `threshold_amount`.

    `payment_fraction` is the part that is paid of what is granted.
    """

    is_enabled: bool
    threshold_amount: Decimal
    commit: ThresholdCommit
    gate: PaymentGate
    payment_fraction: Decimal | None = None


class PrepaidThreshold(SpendThreshold):
    """Recharge prepaid balance to an amount when it falls to `threshold_amount`.

    With `custom_unit` both amounts are in that unit, else in the card's currency.
    """

    recharge_to_amount: Decimal
    custom_unit: CreditType | None = None


class WorkflowKind(StrEnum):
    """What brought a charge about (decision 4: the first has no published name)."""

    PREPAID_BALANCE = "prepaid_balance"
    SPEND = "spend"


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
    """One charge, from the line being crossed to payment or failure.

    `granted` is in `unit`, `charge` and `tax` in `currency`.
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
    invoice_id: str
    started_at: datetime
    payment_intent_id: str | None = None
    error: PaymentError | None = None
    decided_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Tells whether it waits for a payment."""
        return self.decided_at is None
