"""Amounts as Stripe writes them, integers in the smallest unit: the only conversion there is."""

from decimal import Decimal
from typing import Final

_WITHOUT_FRACTION: Final = frozenset(
    {
        "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf",
        "xof", "xpf",
    }
)  # fmt: skip
"""https://docs.stripe.com/currencies#zero-decimal."""

_IN_THOUSANDTHS: Final = frozenset({"bhd", "jod", "kwd", "omr", "tnd"})


def digits(currency: str) -> int:
    """Returns how many digits of a whole unit of the currency Stripe's integers carry."""
    code = currency.lower()
    if code in _IN_THOUSANDTHS:
        return 3
    return 0 if code in _WITHOUT_FRACTION else 2


def to_integer(amount: Decimal, currency: str) -> int:
    """Returns an amount in whole units of a currency as Stripe's integer.

    Raises:
        ValueError: it is not exact there; rounding is for who knows the rule. Thousandths must
            end in 0, as Stripe has it.
    """
    places = digits(currency)
    scaled = amount.scaleb(places)
    exact = int(scaled)
    if exact != scaled or (places == 3 and exact % 10):
        raise ValueError(f"{amount} {currency} is no whole number of the smallest unit")
    return exact


def from_integer(value: int, currency: str) -> Decimal:
    """Returns Stripe's integer as an amount in whole units of the currency."""
    return Decimal(value).scaleb(-digits(currency))
