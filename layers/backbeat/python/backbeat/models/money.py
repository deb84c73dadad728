"""Credit types and exact amounts.

An amount is a `Decimal` in the unit of its credit type: cents for USD, whole units for every other
currency and for custom pricing units.
"""

from decimal import Context, Decimal
from typing import Final
from uuid import NAMESPACE_URL, uuid5

from backbeat.models.base import Model

EXACT: Final = Context(prec=50)
"""Products and sums of money and quantities are taken in this context and never rounded further."""


_SUMS: Final = Context(prec=999)
"""Amounts have up to 50 digits each: here nothing of their sums is ever lost."""


class CreditType(Model):
    """What an amount counts: a currency or a custom pricing unit."""

    id: str
    name: str
    is_currency: bool = True


USD: Final = CreditType(id="2714e483-4ff1-48e4-9e25-ac732e8f24f2", name="USD (cents)")

_OTHER_CURRENCIES: Final = (
    "AUD", "BRL", "CAD", "CHF", "CZK", "EUR", "GBP", "INR", "MXN",
    "NGN", "NOK", "NZD", "PLN", "SEK", "SGD", "TRY", "ZAR",
)  # fmt: skip

CURRENCIES: Final[tuple[CreditType, ...]] = (
    USD,
    *(
        CreditType(id=str(uuid5(NAMESPACE_URL, f"urn:iso:std:iso:4217:{code}")), name=code)
        for code in _OTHER_CURRENCIES
    ),
)
"""Every currency there is, in whole units but for USD. Their ids are the same in every sandbox."""


def add(*amounts: Decimal) -> Decimal:
    """Returns the sum, exact to the last digit: balances are drawn until nothing at all is left."""
    total = Decimal(0)
    for amount in amounts:
        total = _SUMS.add(total, amount)
    return total


def subtract(amount: Decimal, *others: Decimal) -> Decimal:
    """Returns what is left, exact to the last digit."""
    for other in others:
        amount = _SUMS.subtract(amount, other)
    return amount


def multiply(quantity: Decimal, price: Decimal) -> Decimal:
    """Returns quantity times price per unit, in the unit of the price."""
    return EXACT.multiply(quantity, price)
