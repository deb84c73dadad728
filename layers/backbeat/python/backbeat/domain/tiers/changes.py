"""When a change of plan takes effect.

Owns: which changes are made at once and which wait for the end of the period.
Does not own: what they cost.
Times: at once is the present UTC hour; else the end of the period, or the date asked for.
Invariants: a change to the same plan is refused.
"""

from datetime import datetime

from backbeat.domain.tiers import catalogue as catalogues
from backbeat.models.accounts import Subscription, SubscriptionStatus
from backbeat.models.errors import Conflict, InvalidArgument
from backbeat.models.tiers import Cadence, Catalogue, Plan, When


def is_same(old: Plan, new: Plan) -> bool:
    """Tells whether a change to a plan would change nothing. Nothing costs the same every year."""
    if old.by_quote or new.by_quote:
        return old == new
    return old.tier == new.tier and (old.cadence is new.cadence or (old.is_free and new.is_free))


def is_upgrade(offered: Catalogue, old: Plan, new: Plan) -> bool:
    """Tells whether a plan is more than another: a higher tier, or the same for longer."""
    before, after = catalogues.rank(offered, old.tier), catalogues.rank(offered, new.tier)
    if before != after:
        return after > before
    if old.cadence is not new.cadence:
        return new.cadence is Cadence.YEARLY
    return new.price >= old.price


def effective_at(
    offered: Catalogue,
    subscription: Subscription,
    plan: Plan,
    *,
    when: When,
    date: datetime | None,
    now: datetime,
) -> datetime | None:
    """Returns when a change takes effect; None is at once.

    Raises:
        Conflict: the customer has this plan, or none that could be changed.
        InvalidArgument: the date is after the end of the period.
    """
    if subscription.status is SubscriptionStatus.CANCELED:
        raise Conflict("The subscription is canceled: reactivate it")
    if subscription.status is SubscriptionStatus.INCOMPLETE:
        raise Conflict("The first payment of the subscription is not made")
    if is_same(subscription.plan, plan):
        raise Conflict(f"The subscription is {plan.tier}, {plan.cadence.value}, already")
    if date is not None:
        if date > subscription.ending_before:
            raise InvalidArgument("effectiveDate: must not be after the end of the present period")
        return None if date <= now else date
    if when is When.NOW:
        return None
    if when is When.AUTOMATIC and is_upgrade(offered, subscription.plan, plan):
        return None
    return subscription.ending_before
