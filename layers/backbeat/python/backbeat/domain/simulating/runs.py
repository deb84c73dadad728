"""Running scenarios, and comparing prices over the same quantities.

Owns: a scenario's outcome; what each of several price lists would have earned.
Does not own: where scenarios and quantities come from.
Times: none beyond the scenario's own period.
Invariants: running a scenario twice gives the same outcome.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from backbeat.domain.simulating.bills import bills
from backbeat.domain.simulating.comparing import differences
from backbeat.domain.simulating.pricing import Pricer
from backbeat.models.errors import InvalidArgument
from backbeat.models.money import add, subtract
from backbeat.models.simulations import Price, Scenario, Simulation


class Compared(NamedTuple):
    """What one of several prices gives: amounts by the name of what is priced, and their total.

    `deltas` and `delta` are the same less those of the first price.
    """

    name: str
    currency: str
    amounts: Mapping[str, Decimal]
    deltas: Mapping[str, Decimal]
    total: Decimal
    delta: Decimal


def run(scenario: Scenario, *, strict: bool = False) -> Simulation:
    """Returns a scenario's bills, and how they differ from what it expects.

    Raises:
        InvalidArgument: the scenario cannot be priced.
    """
    found = bills(scenario.inputs)
    if scenario.expected is None:
        return Simulation(bills=found)
    compared = differences(found, scenario.expected, scenario.tolerances, strict=strict)
    return Simulation(bills=found, differences=compared)


def compared(
    prices: Sequence[tuple[str, Price]], quantities: Mapping[str, Sequence[Decimal]]
) -> list[Compared]:
    """Returns what each price makes of the same quantities. The first price is the baseline.

    Each name has one quantity or several that are billed by themselves, such as those of months.

    Raises:
        InvalidArgument: a price is unusable, currencies differ, or a quantity is negative.
    """
    if len({price.currency for _, price in prices}) > 1:
        raise InvalidArgument("prices: must all be in one currency")
    found: list[Compared] = []
    for name, price in prices:
        pricer = Pricer(price)
        amounts = {
            key: add(*(pricer.charged(quantity)[0] for quantity in each))
            for key, each in quantities.items()
        }
        before = found[0].amounts if found else amounts
        deltas = {key: subtract(amount, before[key]) for key, amount in amounts.items()}
        total, delta = add(*amounts.values()), add(*deltas.values())
        found.append(Compared(name, price.currency, amounts, deltas, total, delta))
    return found
