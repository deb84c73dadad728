"""What a unit costs when a commit or credit pays it.

Owns: commit rates, overrides that are for commits only.
Does not own: which balance pays, how much of a line.
Times: the price in force at the start of the line.
Invariants: only units that the balance pays cost this price; one override at the most.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from backbeat.domain.overrides import Price, Subject, applies, overridden
from backbeat.models.balances import Balance, BalanceType, RateChoice
from backbeat.models.overrides import Override, OverrideTarget, OverrideType
from backbeat.models.rates import Rate, Tier


@dataclass(frozen=True, slots=True)
class CoveredPrice:
    """What units cost that a balance pays, and what makes them cost that."""

    ladder: tuple[Tier, ...]
    override: Override | None
    at_commit_rate: bool


def covered_ladder(
    balance: Balance,
    subject: Subject,
    instant: datetime,
    *,
    price: Price,
    overrides: Sequence[Override],
) -> tuple[Tier, ...] | None:
    """Returns the ladder of units that the balance pays; None when they cost what others do.

    `price` is what uncovered units cost.
    """
    found = covered_price(balance, subject, instant, rate=price.rate, overrides=overrides)
    return None if found is None else found.ladder


def covered_price(
    balance: Balance,
    subject: Subject,
    instant: datetime,
    *,
    rate: Rate | None,
    overrides: Sequence[Override],
) -> CoveredPrice | None:
    """Returns the price of units that the balance pays; None when they cost what others do.

    Order: an OVERWRITE for the commit, then a multiplier for it; a commit rate where the balance
    asks for one and the rate has one; else the price itself.
    """
    at_commit_rate = (
        balance.rate_type is RateChoice.COMMIT_RATE
        and rate is not None
        and rate.commit_rate is not None
    )
    target = OverrideTarget.COMMIT_RATE if at_commit_rate else OverrideTarget.LIST_RATE
    chosen = _chosen(balance, subject, instant, overrides, target)
    if chosen is not None and chosen.overwrite_rate is not None:
        return CoveredPrice(chosen.overwrite_rate.ladder, chosen, at_commit_rate)
    if at_commit_rate and rate is not None and rate.commit_rate is not None:
        ladder = rate.commit_rate.ladder
        if chosen is not None:
            ladder = overridden(ladder, chosen)
        return CoveredPrice(ladder, chosen, at_commit_rate)
    if chosen is None or rate is None:
        return None
    # A multiplier for commits works on the list price, never on another override's.
    return CoveredPrice(overridden(rate.ladder, chosen), chosen, at_commit_rate)


def _chosen(
    balance: Balance,
    subject: Subject,
    instant: datetime,
    overrides: Sequence[Override],
    target: OverrideTarget,
) -> Override | None:
    applying = [
        override
        for override in overrides
        if override.is_commit_specific
        and override.target is target
        and override.in_force(instant)
        and _is_for(override, balance)
        and applies(override, subject)
    ]
    overwrites = [o for o in applying if o.type is OverrideType.OVERWRITE]
    if overwrites:
        return max(overwrites, key=lambda override: override.sequence)
    multipliers = [o for o in applying if o.multiplier is not None or o.tiers]
    return min(
        multipliers,
        key=lambda o: (o.tiers[0].multiplier if o.tiers else o.multiplier, -o.sequence),
        default=None,
    )


def _is_for(override: Override, balance: Balance) -> bool:
    """Without ids it is for every commit, though not for credits."""
    named = {
        commit
        for specifier in override.specifiers
        for commit in (*specifier.commit_ids, *specifier.recurring_commit_ids)
    }
    if named:
        return balance.id in named or balance.recurring_id in named
    return balance.type is not BalanceType.CREDIT
