"""What a customer may use.

Owns: the answer to whether a feature or a quantity is within the plan.
Does not own: counting what is used.
Times: none.
Invariants: without a plan that is in force nothing is allowed.
"""

from typing import NamedTuple

from backbeat.models.accounts import Subscription, SubscriptionStatus
from backbeat.models.errors import InvalidArgument
from backbeat.models.tiers import Catalogue, Tier


class Verdict(NamedTuple):
    """Whether something is allowed, and why not. `limit` None is no limit."""

    allowed: bool
    reason: str | None
    limit: int | None


def tier_in_force(offered: Catalogue, subscription: Subscription | None) -> Tier | None:
    """Returns the tier whose limits and features hold now, or None."""
    if subscription is None or subscription.status not in (
        SubscriptionStatus.ACTIVE,
        SubscriptionStatus.PAST_DUE,
    ):
        return None
    return next((one for one in offered.tiers if one.id == subscription.plan.tier), None)


def feature(tier: Tier | None, name: str) -> Verdict:
    """Tells whether a feature is part of the tier."""
    if tier is None:
        return Verdict(allowed=False, reason="no_subscription", limit=None)
    allowed = name in tier.features
    return Verdict(allowed=allowed, reason=None if allowed else "not_in_tier", limit=None)


def quantity(tier: Tier | None, name: str, wanted: int) -> Verdict:
    """Tells whether a quantity in all is within a limit of the tier.

    Raises:
        InvalidArgument: the tier has no limit of that name.
    """
    if tier is None:
        return Verdict(allowed=False, reason="no_subscription", limit=None)
    if name not in tier.limits:
        raise InvalidArgument(f"limit: must be one of {', '.join(sorted(tier.limits))}")
    limit = tier.limits[name]
    allowed = limit is None or wanted <= limit
    return Verdict(allowed=allowed, reason=None if allowed else "over_limit", limit=limit)
