"""Changes inside a period: a credit for the rest of the old, a charge for the rest of the new.

f = (period end − t) / (period end − period start), to the second. Each line is rounded on its own,
half away from zero, then they are added (stripe-behaviour §4, examples 8 to 10).
"""

from decimal import Decimal

from mock_stripe.resources import cycles, invoice_items, pricing
from mock_stripe.resources.pricing import rounded
from mock_stripe.world.world import Object, World


def whole_period_amount(world: World, item: Object) -> int:
    """Returns what an item costs for a whole period (in the smallest coin); usage, nothing yet."""
    price = cycles.price_of(world, item)
    if price["recurring"]["usage_type"] == "metered":
        return 0
    return pricing.total(price, Decimal(item["quantity"]))


def credit_rest(world: World, subscription: Object, item: Object, *, at: int) -> None:
    """Credits the rest of the period for an item as it is.

    Classic mode credits its present price, be it unpaid; flexible mode what was in fact debited.
    """
    price = cycles.price_of(world, item)
    if price["recurring"]["usage_type"] == "metered":
        return
    old = whole_period_amount(world, item) if item["_classic"] else item["_billed"]
    _prorate(world, subscription, item, price, -old, at, "Unused time on")


def charge_rest(world: World, subscription: Object, item: Object, *, at: int) -> None:
    """Charges the rest of the period for an item as it is."""
    price = cycles.price_of(world, item)
    if price["recurring"]["usage_type"] == "metered":
        return
    whole = whole_period_amount(world, item)
    item["_billed"] = whole
    _prorate(world, subscription, item, price, whole, at, "Remaining time on")


def _prorate(
    world: World,
    subscription: Object,
    item: Object,
    price: Object,
    whole: int,
    at: int,
    words: str,
) -> None:
    start, end = cycles.period_of(subscription)
    # One division at the end: exact until the line is rounded.
    amount = rounded(Decimal(whole) * (end - at) / Decimal(end - start))
    if amount == 0:
        return
    product = world.find(price["product"], "product")
    name = price["nickname"] or (product["name"] if product else "subscription")
    invoice_items.prorated(
        world,
        item,
        price,
        amount=amount,
        start=at,
        end=end,
        customer=subscription["customer"],
        description=f"{words} {item['quantity']} × {name}",
    )
