"""Whoever collects payments."""

from decimal import Decimal
from typing import Protocol

from backbeat.models.money import CreditType
from backbeat.models.payments import PaymentResult


class PaymentGateway(Protocol):
    """Collects payments."""

    def collect(
        self,
        *,
        tenant: str,
        key: str,
        customer_id: str,
        amount: Decimal,
        currency: CreditType,
        on_session: bool = False,
    ) -> PaymentResult:
        """Starts a payment, or tells how far the one started under the key is.

        A key never pays twice. The amount is in the unit of the currency (USD: cents). With
        `on_session` the payer is there to authenticate.
        """

    def cancel(
        self, *, tenant: str, key: str, customer_id: str, amount: Decimal, currency: CreditType
    ) -> PaymentResult:
        """Cancels the payment of a key unless it is paid, and tells how far it is.

        One that was not started never will be.
        """
