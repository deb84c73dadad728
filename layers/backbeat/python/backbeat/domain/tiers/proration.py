"""What a change of plan costs.

Owns: how much of a period is left, the price of that, the new period, and the rounding.
Does not own: when a change takes effect, and the collecting of the money.
Times: changes are at UTC hours, since contracts begin and end there. A period is half-open.
Invariants: the old period is valued at the price and cadence it was paid at. Where cadence and
anchor stay, so does the period; else a new one begins and is paid in full. Nothing is rounded but
the net amount, half up to two digits.
"""

from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from backbeat.domain import periods
from backbeat.models.accounts import Subscription, SubscriptionStatus
from backbeat.models.money import EXACT
from backbeat.models.tiers import Cadence, Plan, Proration, Quote

_SMALLEST: Final = Decimal("0.01")
_DAY: Final = timedelta(days=1)


def hour_of(now: datetime) -> datetime:
    """Returns the UTC hour in which a change made now takes effect."""
    return now.replace(minute=0, second=0, microsecond=0)


def period_after(anchor: datetime, cadence: Cadence, start: datetime) -> datetime:
    """Returns the end of the period from `start`: the first boundary after it.

    Boundaries are whole cadences from the anchor, on its day or the last one of a shorter month.
    """
    number = max(0, (start.year - anchor.year) * 12 + start.month - anchor.month)
    number = number // cadence.months * cadence.months
    while (end := periods.add_months(anchor, number)) <= start:
        number += cadence.months
    return end


def beginning(plan: Plan, at: datetime) -> Quote:
    """Returns what a plan costs that begins at an instant with a period of its own."""
    return _quote(plan, at, unused=Decimal(0))


def renewal(subscription: Subscription, plan: Plan) -> Quote:
    """Returns what the period after the present one costs, with the same or another plan."""
    start = subscription.ending_before
    same = plan.cadence is subscription.plan.cadence and not subscription.plan.is_free
    anchor = subscription.anchor if same else start
    quote = beginning(plan, start)
    return quote.model_copy(
        update={"anchor": anchor, "ending_before": period_after(anchor, plan.cadence, start)}
    )


def change(subscription: Subscription, plan: Plan, at: datetime, policy: Proration) -> Quote:
    """Returns what it costs to have another plan from an instant of the present period on."""
    old = subscription.plan
    if subscription.status is SubscriptionStatus.CANCELED:
        return beginning(plan, at)
    left, total = _left(subscription, at, policy)
    unused = _share(old.price, left, total)
    keeps_period = plan.cadence is old.cadence and not old.is_free and not plan.is_free
    if keeps_period:
        wanted = _share(plan.price, left, total)
        start, end, anchor = (
            subscription.starting_at,
            subscription.ending_before,
            subscription.anchor,
        )
        # Rounded once: of 20 × 17/31, not of 29 × 17/31 and 9 × 17/31.
        net = _share(plan.price - old.price, left, total)
        quote = Quote(
            at=at,
            currency=plan.currency,
            unused=unused,
            wanted=wanted,
            net=rounded(net),
            starting_at=start,
            ending_before=end,
            anchor=anchor,
        )
    else:
        quote = _quote(plan, at, unused=unused)
    return _counted(quote, left, total, policy)


def ending(subscription: Subscription, at: datetime, policy: Proration) -> Quote:
    """Returns what is given back for a plan that ends at an instant: what is left of its period.

    Nothing of one that is not paid.
    """
    left, total = _left(subscription, at, policy)
    paid = subscription.status is SubscriptionStatus.ACTIVE
    unused = _share(subscription.plan.price, left, total) if paid else Decimal(0)
    quote = Quote(
        at=at,
        currency=subscription.plan.currency,
        unused=unused,
        wanted=Decimal(0),
        net=Decimal(0) - rounded(unused),
        starting_at=subscription.starting_at,
        ending_before=at,
        anchor=subscription.anchor,
    )
    return _counted(quote, left, total, policy)


def rounded(amount: Decimal) -> Decimal:
    """Returns an amount in the smallest unit of its currency, half up by magnitude."""
    return amount.quantize(_SMALLEST, rounding=ROUND_HALF_UP)


def per_month(yearly_price: Decimal) -> Decimal:
    """Returns what a month of a yearly price comes to."""
    return rounded(EXACT.divide(yearly_price, Decimal(12)))


def _quote(plan: Plan, at: datetime, *, unused: Decimal) -> Quote:
    return Quote(
        at=at,
        currency=plan.currency,
        unused=unused,
        wanted=plan.price,
        net=rounded(plan.price - unused),
        starting_at=at,
        ending_before=period_after(at, plan.cadence, at),
        anchor=at,
    )


def _counted(quote: Quote, left: int, total: int, policy: Proration) -> Quote:
    """Returns a quote that says how many days are left, where days are counted."""
    if policy is not Proration.DAILY:
        return quote
    return quote.model_copy(update={"days_left": left, "days_total": total})


def _left(subscription: Subscription, at: datetime, policy: Proration) -> tuple[int, int]:
    """Returns how much of the period is left, and all of it, in days begun or in seconds."""
    unit = _DAY if policy is Proration.DAILY else timedelta(seconds=1)
    start, end = subscription.starting_at, subscription.ending_before
    left = max(timedelta(0), end - max(at, start))
    return -(-left // unit), -(-(end - start) // unit)


def _share(price: Decimal, left: int, total: int) -> Decimal:
    return EXACT.divide(EXACT.multiply(price, Decimal(left)), Decimal(total))
