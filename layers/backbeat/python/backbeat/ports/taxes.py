"""Whoever computes taxes."""

from decimal import Decimal
from typing import Protocol

from backbeat.models.money import CreditType
from backbeat.models.threshold_billing import Tax, TaxType


class Taxes(Protocol):
    """Computes taxes."""

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
        """Returns the tax on a charge, in the unit of the currency (USD: cents); None for none.

        The same key asks about the same charge again.
        """
