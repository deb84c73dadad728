"""Payments of nobody's money, as a script has them."""

import threading
from collections import defaultdict
from decimal import Decimal
from uuid import NAMESPACE_URL, uuid5

from backbeat.models.errors import NotBuilt
from backbeat.models.money import CreditType
from backbeat.models.threshold_billing import PaymentError
from backbeat.ports.payments import PaymentOutcome, PaymentResult

_DECLINED = PaymentError(
    message="Your card was declined.",
    type="card_error",
    code="card_declined",
    decline_code="generic_decline",
)
_ERRORS = {
    PaymentOutcome.FAILED: _DECLINED,
    PaymentOutcome.ACTION_REQUIRED: PaymentError(message="three_d_secure_redirect"),
}


class NoPayments:
    """Collects nothing, and says so."""

    def collect(
        self, *, tenant: str, key: str, customer_id: str, amount: Decimal, currency: CreditType
    ) -> PaymentResult:
        """Implements `PaymentGateway`."""
        raise NotBuilt("payments: this stage has nobody who collects them")


class ScriptedPayments:
    """Pays what it is asked to unless a customer's script says otherwise.

    Each payment takes the next outcome of its customer's script, and keeps it until `settle`
    decides one that was left open.
    """

    def __init__(self) -> None:
        """Begins with nothing scripted."""
        self._lock = threading.Lock()
        self._script: dict[str, list[PaymentOutcome]] = defaultdict(list)
        self._made: dict[tuple[str, str], PaymentOutcome] = {}
        self.amounts: list[Decimal] = []

    def script(self, customer_id: str, *outcomes: PaymentOutcome) -> None:
        """Says what becomes of a customer's next payments."""
        with self._lock:
            self._script[customer_id] += outcomes

    def settle(self, outcome: PaymentOutcome) -> None:
        """Decides all payments that are open."""
        with self._lock:
            for key, made in self._made.items():
                if made in (PaymentOutcome.PENDING, PaymentOutcome.ACTION_REQUIRED):
                    self._made[key] = outcome

    def collect(
        self, *, tenant: str, key: str, customer_id: str, amount: Decimal, currency: CreditType
    ) -> PaymentResult:
        """Implements `PaymentGateway`."""
        with self._lock:
            if (tenant, key) not in self._made:
                script = self._script[customer_id]
                self._made[tenant, key] = script.pop(0) if script else PaymentOutcome.PAID
                self.amounts.append(amount)
            outcome = self._made[tenant, key]
        intent = f"pi_{uuid5(NAMESPACE_URL, f'{tenant}/{key}').hex[:24]}"
        return PaymentResult(outcome, intent, _ERRORS.get(outcome))
