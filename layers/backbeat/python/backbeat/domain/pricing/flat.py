"""FLAT rates: every unit costs the same.

Owns: quantity × price. Does not own: which quantity, which rate.
Invariants: exact; zero units cost zero.
"""

from decimal import Decimal

from backbeat.models.money import multiply
from backbeat.models.rates import Rate


def amount(quantity: Decimal, rate: Rate) -> Decimal:
    """Returns the amount for the quantity, in the unit of the rate's credit type (USD: cents)."""
    return multiply(quantity, rate.price)
