"""Previews: the invoice that a change or the next renewal would make, with nothing done.

A preview does what it shows, in a transaction that is thrown away. So it cannot differ from what
is then done, given the same `proration_date`.
"""

from typing import Literal

from mock_stripe.errors import InvalidRequest
from mock_stripe.resources import customers, cycles, invoice_drafts, invoice_items, subscriptions
from mock_stripe.resources.subscription_parameters import (
    Anchor,
    ChangedItem,
    CreateSubscription,
    NewItem,
    UpdateSubscription,
)
from mock_stripe.wire.parameters import Boolean, Nested, Parameters
from mock_stripe.wire.rendering import shown
from mock_stripe.wire.routes import endpoint
from mock_stripe.world.world import Object, World


class Details(Nested):
    """What would be changed."""

    billing_cycle_anchor: Anchor | Literal["now", "unchanged"] | int | None = None
    cancel_at_period_end: Boolean | None = None
    cancel_now: Boolean = False
    items: list[ChangedItem] = []
    proration_behavior: Literal["always_invoice", "create_prorations", "none"] = "create_prorations"
    proration_date: int | None = None


class CreatePreview(Parameters):
    customer: str | None = None
    preview_mode: Literal["next"] = "next"
    subscription: str | None = None
    subscription_details: Details | None = None


@endpoint("POST", "/v1/invoices/create_preview", CreatePreview)
def create_preview(world: World, params: CreatePreview) -> Object:
    """Returns the next invoice of a subscription, of one that would be made, or of a customer."""
    if params.subscription is None and params.customer is None:
        raise InvalidRequest(
            "You must pass customer or subscription.", code="parameter_missing", param="customer"
        )
    if params.subscription is not None:
        invoice = _of_subscription(world, params.subscription, params.subscription_details)
    else:
        invoice = _of_customer(world, str(params.customer), params.subscription_details)
    answer = _as_upcoming(shown(world, invoice))
    world.discard()
    return answer


def _of_subscription(world: World, subscription: str, details: Details | None) -> Object:
    thing = world.get(subscription, "subscription", param="subscription")
    if details is None:
        return _renewal(world, thing)
    if details.cancel_now:
        start = cycles.usage_since(thing)
        now = world.now_for(thing["customer"])
        invoice = cycles.draft(world, thing, "upcoming", start=start, end=now)
        cycles.fill(world, invoice, thing, licensed=None, used=(start, now))
        return invoice
    anchor = details.billing_cycle_anchor
    before = thing["latest_invoice"]
    wanted = UpdateSubscription(
        items=details.items,
        proration_behavior=details.proration_behavior,
        proration_date=details.proration_date,
        payment_behavior="default_incomplete",
        billing_cycle_anchor=anchor if isinstance(anchor, Anchor | str) else "unchanged",
        cancel_at_period_end=details.cancel_at_period_end,
    )
    subscriptions.update(world, wanted, subscription)
    if thing["latest_invoice"] != before:
        # The change is invoiced at once: that is the next invoice.
        return world.get(thing["latest_invoice"], "invoice")
    return _renewal(world, thing)


def _of_customer(world: World, customer: str, details: Details | None) -> Object:
    thing = customers.existing(world, customer, param="customer")
    if details is not None and details.items:
        wanted = CreateSubscription(
            customer=customer,
            items=[
                NewItem.model_validate(
                    one.model_dump(
                        exclude_unset=True, include={"price", "price_data", "quantity", "metadata"}
                    )
                )
                for one in details.items
            ],
            payment_behavior="default_incomplete",
        )
        made = subscriptions.create(world, wanted)
        if made["latest_invoice"] is None:
            return _renewal(world, made)
        return world.get(made["latest_invoice"], "invoice")
    active = [
        one for one in world.of(customer, "subscription") if one["status"] not in cycles.ENDED
    ]
    if active:
        return _renewal(world, min(active, key=lambda one: (one["_end"], one["id"])))
    waiting = invoice_items.waiting(world, customer, None)
    if not waiting:
        raise InvalidRequest(
            f"No upcoming invoices for customer: {customer}", code="invoice_upcoming_none"
        )
    now = world.now_for(customer)
    invoice = invoice_drafts.new(
        world,
        thing,
        currency=waiting[0]["currency"],
        reason="upcoming",
        subscription=None,
        start=now,
        end=now,
    )
    invoice_drafts.add_items(world, invoice, waiting)
    return invoice


def _renewal(world: World, thing: Object) -> Object:
    if thing["status"] in cycles.ENDED:
        raise InvalidRequest(
            f"No upcoming invoices for customer: {thing['customer']}",
            code="invoice_upcoming_none",
        )
    start, end = cycles.period_of(thing)
    invoice = cycles.draft(world, thing, "upcoming", start=start, end=end)
    ends = thing["cancel_at_period_end"] or thing["cancel_at"] == end
    cycles.fill(
        world,
        invoice,
        thing,
        licensed=None if ends else (end, cycles.end_after(thing, end)),
        used=(cycles.usage_since(thing), end),
    )
    return invoice


def _as_upcoming(answer: Object) -> Object:
    answer["id"] = answer["id"].replace("in_", "upcoming_in_")
    answer["billing_reason"] = "upcoming"
    answer["status"] = "draft"
    answer["number"] = None
    return answer
