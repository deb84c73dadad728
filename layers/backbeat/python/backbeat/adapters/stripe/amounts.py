"""Amounts as Stripe writes them, integers in the smallest unit: the only conversion there is."""

from decimal import Decimal
from typing import Final

from backbeat.models.currencies import places

_IN_HUNDREDTHS: Final = "UGX"
"""Paid in whole units, and yet written with two digits for them.

https://docs.stripe.com/currencies#zero-decimal.
"""


def digits(currency: str) -> int:
    """Returns how many digits of a whole unit of the currency Stripe's integers carry."""
    return 2 if currency.upper() == _IN_HUNDREDTHS else places(currency)


def to_integer(amount: Decimal, currency: str) -> int:
    """Returns an amount in whole units of a currency as Stripe's integer.

    Raises:
        ValueError: it is not exact there; rounding is for who knows the rule. Thousandths must
            end in 0, and shillings in 00, as Stripe has it.
    """
    carried = digits(currency)
    scaled = amount.scaleb(carried)
    exact = int(scaled)
    if exact != scaled or exact % _step(currency):
        raise ValueError(f"{amount} {currency} is no whole number of the smallest unit")
    return exact


def from_integer(value: int, currency: str) -> Decimal:
    """Returns Stripe's integer as an amount in whole units of the currency."""
    return Decimal(value).scaleb(-digits(currency))


def _step(currency: str) -> int:
    """Returns the difference between neighbouring amounts that can be paid, as an integer."""
    if currency.upper() == _IN_HUNDREDTHS:
        return 100
    return 10 if digits(currency) == 3 else 1
