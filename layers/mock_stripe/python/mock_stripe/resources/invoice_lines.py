"""Lines of invoices: from subscription items, from usage, and from items that were pending."""

from collections.abc import Iterator
from decimal import Decimal

from mock_stripe.resources import meters, pricing
from mock_stripe.resources.pricing import Part, plain
from mock_stripe.world.world import Object, World


def of_licensed(
    world: World, item: Object, price: Object, *, start: int, end: int, share: Decimal | None = None
) -> list[Object]:
    """Returns the lines of an item with a quantity, for a period; `share` is for part of it."""
    lines = []
    for part in pricing.parts(price, Decimal(item["quantity"])):
        exact = part.amount if share is None else part.amount * share
        lines.append(
            _line(
                world,
                price,
                Part(part.quantity, part.unit_amount, exact),
                start,
                end,
                subscription_item=item,
            )
        )
    return lines


def of_usage(world: World, item: Object, customer: str, *, start: int, end: int) -> list[Object]:
    """Returns the lines of a metered item for a closed period, by what is booked now.

    In flexible mode usage keeps the price that was in force when it was reported; in classic mode
    only what was reported since the last change of price counts (stripe-behaviour §2.5).
    """
    lines = []
    for since, until, price_id in _prices(item):
        price = world.get(price_id, "price")
        meter = world.get(price["recurring"]["meter"], meters.KIND)
        events = [
            event
            for event in meters.booked(world, meter, customer, start, end)
            if since <= event.reported_at < until
        ]
        if not events and until != _FOREVER:
            continue
        quantity = max(Decimal(0), meters.quantity(meter, events))
        lines += [
            _line(world, price, part, start, end, subscription_item=item, metered=True)
            for part in pricing.parts(price, quantity)
        ]
    return lines


def of_pending(world: World, item: Object) -> Object:
    """Returns the line that a pending invoice item becomes."""
    proration = item["proration"]
    line = world.create(
        "line_item",
        {
            "amount": item["amount"],
            "currency": item["currency"],
            "description": item["description"],
            "discount_amounts": [],
            "discountable": item["discountable"],
            "discounts": [],
            "invoice": None,
            "livemode": False,
            "metadata": dict(item["metadata"]),
            "parent": {
                "invoice_item_details": {
                    "invoice_item": item["id"],
                    "proration": proration,
                    "proration_details": {"credited_items": None},
                    "subscription": item["_subscription"],
                },
                "subscription_item_details": None,
                "type": "invoice_item_details",
            },
            "period": dict(item["period"]),
            "pretax_credit_amounts": [],
            "pricing": item["pricing"],
            "quantity": item["quantity"],
            "quantity_decimal": item["quantity_decimal"],
            "subscription": item["_subscription"],
            "subtotal": item["amount"],
            "taxes": [],
            "_metered": False,
            "_price": None,
        },
    )
    return _embedded(world, line)


_FOREVER = 1 << 62


def _prices(item: Object) -> Iterator[tuple[int, int, str]]:
    """Yields the prices that an item had, each with the range in which it was reported."""
    known = item["_prices"]
    if item["_classic"]:
        known = known[-1:]
    for number, one in enumerate(known):
        following = known[number + 1]["since"] if number + 1 < len(known) else _FOREVER
        first = number == 0 and not item["_classic"]
        yield (0 if first else one["since"]), following, one["price"]


def _line(
    world: World,
    price: Object,
    part: Part,
    start: int,
    end: int,
    *,
    subscription_item: Object,
    metered: bool = False,
) -> Object:
    product = world.find(price["product"], "product")
    name = price["nickname"] or (product["name"] if product else "Subscription")
    line = world.create(
        "line_item",
        {
            "amount": part.rounded,
            "currency": price["currency"],
            "description": f"{plain(part.quantity)} × {name}",
            "discount_amounts": [],
            "discountable": True,
            "discounts": [],
            "invoice": None,
            "livemode": False,
            "metadata": dict(subscription_item["metadata"]),
            "parent": {
                "invoice_item_details": None,
                "subscription_item_details": {
                    "invoice_item": None,
                    "proration": False,
                    "proration_details": {"credited_items": None},
                    "subscription": subscription_item["subscription"],
                    "subscription_item": subscription_item["id"],
                },
                "type": "subscription_item_details",
            },
            "period": {"end": end, "start": start},
            "pretax_credit_amounts": [],
            "pricing": {
                "price_details": {"price": price["id"], "product": price["product"]},
                "type": "price_details",
                "unit_amount_decimal": plain(part.unit_amount),
            },
            # An integer by contract; the decimal beside it has the fraction.
            "quantity": int(part.quantity),
            "quantity_decimal": plain(part.quantity),
            "subscription": subscription_item["subscription"],
            "subtotal": part.rounded,
            "taxes": [],
            "_metered": metered,
            "_price": price["id"],
        },
    )
    return _embedded(world, line)


def _embedded(world: World, line: Object) -> Object:
    """Lines live inside their invoice; only their ids come from the world."""
    world.forget(line)
    return line
