"""Which rate holds when.

Owns: the overlay of dated rates, the lookup by pricing group values.
Does not own: turning a quantity into an amount.
Times: a rate is in force on `[starting_at, ending_before)`.
Invariants: at any instant at most one rate holds for a product and group.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from backbeat.models.rates import Rate


def rate_at(
    rates: Sequence[Rate], *, group_values: Mapping[str, str], instant: datetime
) -> Rate | None:
    """Returns the rate of one product in force for a group, or None when it is not priced.

    Decision D-30: without a rate for exactly these values, the product's rate without values.
    """
    in_force = [rate for rate in rates if rate.in_force(instant)]
    exact = [rate for rate in in_force if rate.pricing_group_values == group_values]
    fallback = [rate for rate in in_force if not rate.pricing_group_values]
    return latest_added(exact or fallback)


def latest_added(rates: Iterable[Rate]) -> Rate | None:
    """Returns the rate that supersedes the others: the one added last (decision D-29)."""
    return max(rates, key=lambda rate: rate.sequence, default=None)
