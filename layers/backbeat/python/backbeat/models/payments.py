"""Payments of invoices, and what a sandbox's gateway makes of them."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from backbeat.models.base import Model
from backbeat.models.money import CreditType
from backbeat.models.threshold_billing import PaymentError


class PaymentOutcome(StrEnum):
    """How far a payment is at whoever collects it."""

    PENDING = "PENDING"
    ACTION_REQUIRED = "ACTION_REQUIRED"
    PAID = "PAID"
    FAILED = "FAILED"
    CANCELED = "CANCELED"

    @property
    def is_open(self) -> bool:
        """Tells whether it is not decided yet."""
        return self in (PaymentOutcome.PENDING, PaymentOutcome.ACTION_REQUIRED)


@dataclass(frozen=True, slots=True)
class PaymentResult:
    """A payment as it stands, and why it is not paid."""

    outcome: PaymentOutcome
    payment_intent_id: str | None
    error: PaymentError | None = None


class ScriptedOutcome(StrEnum):
    """What a sandbox's script says of a payment.

    AUTHENTICATION_REQUIRED asks the payer, and is a decline where nobody is there to be asked.
    """

    PENDING = "PENDING"
    ACTION_REQUIRED = "ACTION_REQUIRED"
    AUTHENTICATION_REQUIRED = "AUTHENTICATION_REQUIRED"
    PAID = "PAID"
    FAILED = "FAILED"

    def comes_to(self, *, on_session: bool) -> PaymentOutcome:
        """Returns what becomes of a payment."""
        if self is not ScriptedOutcome.AUTHENTICATION_REQUIRED:
            return PaymentOutcome(self.value)
        return PaymentOutcome.ACTION_REQUIRED if on_session else PaymentOutcome.FAILED


class PaymentStatus(StrEnum):
    """How far a payment is, in the API's words. The first two are open."""

    PENDING = "pending"
    REQUIRES_INTERVENTION = "requires_intervention"
    PAID = "paid"
    CANCELED = "canceled"


class Payment(Model):
    """One attempt to have an invoice paid; `amount` is in the unit of `currency` (USD: cents).

    `number` counts the attempts of the invoice from 1. With `workflow_id` it is what a charge waits
    for, and is decided with it.
    """

    id: str
    invoice_id: str
    number: int = 1
    customer_id: str
    contract_id: str
    currency: CreditType
    amount: Decimal
    outcome: PaymentOutcome = PaymentOutcome.PENDING
    payment_intent_id: str | None = None
    error: PaymentError | None = None
    workflow_id: str | None = None
    created_at: datetime
    updated_at: datetime

    @property
    def status(self) -> PaymentStatus:
        """How far it is, in the API's words.

        Decision: a declined payment requires intervention, but that of a charge is over with it.
        """
        match self.outcome:
            case PaymentOutcome.PENDING:
                return PaymentStatus.PENDING
            case PaymentOutcome.ACTION_REQUIRED:
                return PaymentStatus.REQUIRES_INTERVENTION
            case PaymentOutcome.PAID:
                return PaymentStatus.PAID
            case PaymentOutcome.FAILED if self.workflow_id is None:
                return PaymentStatus.REQUIRES_INTERVENTION
            case PaymentOutcome.FAILED | PaymentOutcome.CANCELED:
                return PaymentStatus.CANCELED

    @property
    def is_open(self) -> bool:
        """Tells whether it may still be canceled."""
        return self.status in (PaymentStatus.PENDING, PaymentStatus.REQUIRES_INTERVENTION)


class TaxRule(Model):
    """A tax on everything: the part `rate` of the amount, unrounded."""

    name: str
    rate: Decimal


class PaymentScript(Model):
    """What becomes of a sandbox's next payments, by customer; "" is everybody without a script.

    A payment takes the next outcome away; without one it is paid. `tax` is what services that
    compute taxes answer.
    """

    outcomes: dict[str, tuple[ScriptedOutcome, ...]] = {}
    tax: TaxRule | None = None


class ScriptedPayment(Model):
    """A payment of nobody's money, as a sandbox's gateway knows it."""

    key: str
    customer_id: str
    amount: Decimal
    currency: CreditType
    outcome: PaymentOutcome
    payment_intent_id: str
    decline_code: str | None = None
