"""Amounts as Stripe's integers have them."""

from decimal import Decimal

import pytest

from backbeat.adapters.stripe.amounts import from_integer, to_integer


@pytest.mark.parametrize(
    ("amount", "currency", "integer"),
    [
        ("10.97", "usd", 1097),
        ("500", "jpy", 500),
        ("1.230", "kwd", 1230),
        # Shillings have no smaller coin, and yet two digits for it: 5 are 500.
        ("5", "ugx", 500),
        ("5", "UGX", 500),
        ("-15.90", "usd", -1590),
    ],
)
def test_digits_are_those_of_the_currency(amount: str, currency: str, integer: int) -> None:
    assert to_integer(Decimal(amount), currency) == integer
    assert from_integer(integer, currency) == Decimal(amount)


@pytest.mark.parametrize(
    ("amount", "currency"), [("0.001", "usd"), ("1.5", "jpy"), ("1.234", "kwd"), ("0.001", "ugx")]
)
def test_what_is_not_exact_is_not_rounded(amount: str, currency: str) -> None:
    with pytest.raises(ValueError, match="no whole number"):
        to_integer(Decimal(amount), currency)
