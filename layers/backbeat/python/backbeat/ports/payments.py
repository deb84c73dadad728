"""Whoever collects payments."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from backbeat.models.money import CreditType
from backbeat.models.threshold_billing import PaymentError


class PaymentOutcome(StrEnum):
    """How far a payment is."""

    PENDING = "PENDING"
    ACTION_REQUIRED = "ACTION_REQUIRED"
    PAID = "PAID"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class PaymentResult:
    """A payment as it stands, and why it is not paid."""

    outcome: PaymentOutcome
    payment_intent_id: str
    error: PaymentError | None = None


class PaymentGateway(Protocol):
    """Collects payments."""

    def collect(
        self, *, tenant: str, key: str, customer_id: str, amount: Decimal, currency: CreditType
    ) -> PaymentResult:
        """Starts a payment, or tells how far the one started under the key is.

        A key never pays twice. The amount is in the unit of the currency (USD: cents).
        """
