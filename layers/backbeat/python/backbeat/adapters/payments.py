"""Where nobody collects payments or computes taxes."""

from decimal import Decimal

from backbeat.models.errors import InvalidArgument
from backbeat.models.money import CreditType
from backbeat.models.payments import PaymentResult
from backbeat.models.threshold_billing import Tax, TaxType


class NoPayments:
    """Collects nothing, and says so."""

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
        """Implements `PaymentGateway`."""
        raise InvalidArgument("payments: this stage has nobody who collects them")

    def cancel(
        self, *, tenant: str, key: str, customer_id: str, amount: Decimal, currency: CreditType
    ) -> PaymentResult:
        """Implements `PaymentGateway`."""
        raise InvalidArgument("payments: this stage has nobody who collects them")


class NoTaxes:
    """Computes nothing, and says so."""

    def tax_on(
        self,
        *,
        tenant: str,
        key: str,
        customer_id: str,
        amount: Decimal,
        currency: CreditType,
        by: TaxType,
    ) -> Tax | None:
        """Implements `Taxes`."""
        raise InvalidArgument(f"tax_type: this stage has nobody who computes taxes of {by.value}")
