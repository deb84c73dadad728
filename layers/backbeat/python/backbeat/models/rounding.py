"""How parts of amounts are rounded."""

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Final

from backbeat.models.base import Model
from backbeat.models.money import EXACT

_ROUNDINGS: Final = {
    "HALF_UP": ROUND_HALF_UP,
    "FLOOR": ROUND_FLOOR,
    "CEILING": ROUND_CEILING,
}


class ShareRounding(StrEnum):
    """Which way a part of an amount is rounded."""

    HALF_UP = "HALF_UP"
    FLOOR = "FLOOR"
    CEILING = "CEILING"


class RoundedShare(Model):
    """To how many places a part of an amount is rounded; negative ones are tens and so on."""

    rounding_method: ShareRounding
    decimal_places: int

    def of(self, amount: Decimal) -> Decimal:
        """Returns the amount rounded."""
        unit = Decimal(1).scaleb(-self.decimal_places)
        rounding = _ROUNDINGS[self.rounding_method]
        return EXACT.plus(amount.quantize(unit, rounding=rounding, context=EXACT))
