"""How many prices the simulator works out in a second of one core."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from backbeat.domain.simulating.pricing import Pricer
from backbeat.models.simulations import Band, Price, PriceModel

MUST_PER_SECOND = 100_000
_QUANTITIES = tuple(Decimal(number * 37 % 50_000) for number in range(20_000))
"""Below, on and above every border."""

_BANDS = (
    Band(up_to=Decimal(1_000), unit_price=Decimal("0.05"), flat_price=Decimal(50)),
    Band(up_to=Decimal(10_000), unit_price=Decimal("0.03"), flat_price=Decimal(100)),
    Band(up_to=None, unit_price=Decimal("0.01"), flat_price=Decimal(200)),
)
_PRICES = (
    Price(model=PriceModel.FLAT, unit_price=Decimal("0.02"), minimum=Decimal(5)),
    Price(model=PriceModel.GRADUATED, bands=_BANDS),
    Price(model=PriceModel.VOLUME, bands=_BANDS),
    Price(model=PriceModel.PACKAGE, unit_price=Decimal(5), package_size=Decimal(100)),
)


@dataclass(frozen=True)
class Speed:
    """Evaluations of a price model in a second of one core, rounding and bounds included."""

    model: PriceModel
    per_second: float


def measure(rounds: int, say: Callable[[str], None]) -> list[Speed]:
    """Measures each price model; the best of the rounds counts."""
    say("simulator")
    return [Speed(price.model, max(_per_second(price) for _ in range(rounds))) for price in _PRICES]


def _per_second(price: Price) -> float:
    pricer = Pricer(price)
    begun = time.process_time()
    for quantity in _QUANTITIES:
        pricer.charged(quantity)
    return len(_QUANTITIES) / (time.process_time() - begun)


def render(speeds: list[Speed]) -> str:
    """Returns the section of the report."""
    rows = "\n".join(f"| {one.model} | {one.per_second:,.0f} |" for one in speeds)
    return (
        "## Simulator\n\nPrice evaluations a second on one core, rounded and bounded"
        f" (must: {MUST_PER_SECOND:,}).\n\n| price | evaluations/s |\n|---|---|\n{rows}"
    )
