"""Quantities into amounts by flat, graduated, volume and package prices.

Owns: the amount of a quantity, the bounds of a line.
Does not own: where the quantity comes from, what reduces the bill.
Times: none; a quantity is that of a whole period.
Invariants: an amount never falls as the quantity grows, but for volume prices at a border of bands.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from backbeat.models.currencies import rounded
from backbeat.models.errors import InvalidArgument
from backbeat.models.money import EXACT
from backbeat.models.simulations import Band, BillLine, Price, PriceModel, Rounding

_ZERO: Final = Decimal(0)
_SHOWN_PLACES: Final = Decimal("1e-12")
"""Of a unit price; it is shown, never calculated with."""


class _Rung(NamedTuple):
    """A band: what is paid below it, flat prices included, and its own prices."""

    starting_at: Decimal
    below: Decimal
    flat_price: Decimal
    unit_price: Decimal


class Pricer:
    """A price made ready for many quantities."""

    def __init__(self, price: Price) -> None:
        """Checks the price.

        Raises:
            InvalidArgument: bands do not ascend or end, a package has no size, or the bounds cross.
        """
        refuse_unusable(price)
        self.price: Final = price
        self._rungs = list(_rungs(price.bands))
        self._ends = [band.up_to for band in price.bands if band.up_to is not None]

    def amount(self, quantity: Decimal) -> Decimal:
        """Returns what a quantity costs, neither bounded nor rounded.

        Raises:
            InvalidArgument: the quantity is negative.
        """
        if quantity < 0:
            raise InvalidArgument(f"quantity: must not be negative: {quantity}")
        if not quantity:
            return _ZERO
        price = self.price
        match price.model:
            case PriceModel.FLAT:
                return EXACT.multiply(quantity, price.unit_price)
            case PriceModel.PACKAGE:
                return EXACT.multiply(_packages(quantity, price), price.unit_price)
            case PriceModel.GRADUATED:
                rung = self._rung(quantity)
                own = EXACT.multiply(EXACT.subtract(quantity, rung.starting_at), rung.unit_price)
                return EXACT.add(EXACT.add(rung.below, rung.flat_price), own)
            case PriceModel.VOLUME:
                rung = self._rung(quantity)
                return EXACT.add(rung.flat_price, EXACT.multiply(quantity, rung.unit_price))

    def charged(self, quantity: Decimal) -> tuple[Decimal, str | None]:
        """Returns what is billed for a quantity, rounded, and which bound set it, if one did."""
        price = self.price
        amount, bound = self.amount(quantity), None
        if price.minimum is not None and (quantity or price.charge_when_zero):
            amount, bound = _raised(amount, price.minimum)
        if price.maximum is not None and amount > price.maximum:
            amount, bound = price.maximum, "maximum"
        return rounded(amount, price.currency), bound

    def line(self, metric: str, quantity: Decimal) -> BillLine:
        """Returns the line of a bill for a metric's quantity."""
        subtotal, bound = self.charged(quantity)
        return BillLine(
            metric=metric,
            quantity=quantity,
            unit_price=self._average(quantity, subtotal),
            subtotal=subtotal,
            model=self.price.model,
            bound=bound,
        )

    def _rung(self, quantity: Decimal) -> _Rung:
        # A unit exactly on a border still belongs to the lower band.
        return self._rungs[bisect_left(self._ends, quantity)]

    def _average(self, quantity: Decimal, subtotal: Decimal) -> Decimal:
        if self.price.model is PriceModel.FLAT:
            return self.price.unit_price
        if not quantity:
            return _ZERO
        return shown_price(EXACT.divide(subtotal, quantity))


def shown_price(price: Decimal) -> Decimal:
    """Returns the price of a unit as it is shown on a line."""
    return price.quantize(_SHOWN_PLACES, context=EXACT).normalize()


def refuse_unusable(price: Price) -> None:
    """Refuses a price that gives some quantity no amount, or two.

    Raises:
        InvalidArgument: says which field is wrong.
    """
    if price.model in (PriceModel.GRADUATED, PriceModel.VOLUME):
        _refuse_bands(price.bands)
    elif price.bands:
        raise InvalidArgument(f"tiers: a {price.model} price has none")
    if price.package_size <= 0:
        raise InvalidArgument("packageSize: must be greater than 0")
    low, high = price.minimum, price.maximum
    if low is not None and high is not None and low > high:
        raise InvalidArgument("minimumCharge: is greater than maximumCharge")


def _refuse_bands(bands: Sequence[Band]) -> None:
    if not bands:
        raise InvalidArgument("tiers: at least one is needed")
    last = _ZERO
    for number, band in enumerate(bands):
        is_last = number == len(bands) - 1
        if is_last != (band.up_to is None):
            expected = "the last tier has no end" if is_last else "only the last tier has no end"
            raise InvalidArgument(f"tiers.{number}.upTo: {expected}")
        if band.up_to is not None:
            if band.up_to <= last:
                raise InvalidArgument(f"tiers.{number}.upTo: tiers must ascend from above 0")
            last = band.up_to


def _rungs(bands: Iterable[Band]) -> Iterable[_Rung]:
    start = below = _ZERO
    for band in bands:
        yield _Rung(start, below, band.flat_price, band.unit_price)
        if band.up_to is not None:
            units = EXACT.subtract(band.up_to, start)
            own = EXACT.multiply(units, band.unit_price)
            below = EXACT.add(EXACT.add(below, band.flat_price), own)
            start = band.up_to


def _packages(quantity: Decimal, price: Price) -> Decimal:
    whole, rest = EXACT.divmod(quantity, price.package_size)
    return EXACT.add(whole, 1) if rest and price.package_rounding is Rounding.UP else whole


def _raised(amount: Decimal, minimum: Decimal) -> tuple[Decimal, str | None]:
    return (minimum, "minimum") if amount < minimum else (amount, None)
