"""What a quantity costs: exact until the line, rounded once per line (stripe-behaviour §3).

Amounts are in the smallest coin, such as cents. A graduated price makes one line for each tier that
the quantity enters, and one for each flat fee, each rounded by itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Final

from mock_stripe.world.world import Object

_ONE: Final = Decimal(1)


@dataclass(frozen=True, slots=True)
class Part:
    """One invoice line's worth: so much of something, at a unit price, for an exact amount."""

    quantity: Decimal
    unit_amount: Decimal
    amount: Decimal

    @property
    def rounded(self) -> int:
        """The line's amount in whole coins."""
        return rounded(self.amount)


def rounded(amount: Decimal) -> int:
    """Returns whole coins, half away from zero."""
    return int(amount.quantize(_ONE, ROUND_HALF_UP))


def plain(number: Decimal) -> str:
    """Returns plain digits: 5E+2 is 500, 0.50 is 0.5."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def parts(price: Object, quantity: Decimal) -> list[Part]:
    """Returns the lines that a quantity of a price makes, at least one."""
    if price["billing_scheme"] == "tiered":
        return list(_tiered(price, quantity))
    transform = price["transform_quantity"]
    if transform is not None:
        rounding = ROUND_CEILING if transform["round"] == "up" else ROUND_FLOOR
        quantity = (quantity / transform["divide_by"]).to_integral_value(rounding)
    unit = Decimal(price["unit_amount_decimal"])
    return [Part(quantity, unit, quantity * unit)]


def total(price: Object, quantity: Decimal) -> int:
    """Returns what a quantity costs in whole coins: its lines, each rounded, then added."""
    return sum(part.rounded for part in parts(price, quantity))


def _tiered(price: Object, quantity: Decimal) -> Iterator[Part]:
    tiers = price["_tiers"]
    if price["tiers_mode"] == "volume":
        # A bound belongs to the tier below it.
        tier = next(
            one for one in tiers if one["up_to"] is None or quantity <= Decimal(one["up_to"])
        )
        yield from _of_tier(tier, quantity)
        return
    floor = Decimal(0)
    for tier in tiers:
        ceiling = quantity if tier["up_to"] is None else min(quantity, Decimal(tier["up_to"]))
        # Quantity 0 still enters the first tier.
        if floor and quantity <= floor:
            return
        yield from _of_tier(tier, ceiling - floor)
        if tier["up_to"] is None:
            return
        floor = Decimal(tier["up_to"])


def _of_tier(tier: Object, quantity: Decimal) -> Iterator[Part]:
    unit = Decimal(tier["unit_amount_decimal"] or 0)
    yield Part(quantity, unit, quantity * unit)
    flat = Decimal(tier["flat_amount_decimal"] or 0)
    if flat:
        yield Part(_ONE, flat, flat)
