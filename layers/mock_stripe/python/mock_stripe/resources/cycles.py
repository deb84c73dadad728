"""Billing periods of subscriptions: what ends, what begins, and the invoices between."""

from decimal import Decimal
from typing import Final

from mock_stripe.resources import (
    coupons,
    invoice_collection,
    invoice_drafts,
    invoice_finalization,
    invoice_items,
    invoice_lines,
    invoice_settlement,
    work,
)
from mock_stripe.resources.calendar import add_interval
from mock_stripe.resources.events import emit, updating
from mock_stripe.world.world import Object, World

ENDED: Final = ("canceled", "incomplete_expired")
INCOMPLETE_SECONDS: Final = 23 * 3_600
"""How long a subscription waits for its first payment, and a change for its own."""


def items_of(world: World, subscription: Object) -> list[Object]:
    """Returns a subscription's items, oldest first."""
    return world.of(subscription["id"], "subscription_item")


def price_of(world: World, item: Object) -> Object:
    """Returns an item's price."""
    return world.get(item["_price"], "price")


def is_metered(world: World, item: Object) -> bool:
    """Tells whether an item is billed by usage."""
    return bool(price_of(world, item)["recurring"]["usage_type"] == "metered")


def period_of(subscription: Object) -> tuple[int, int]:
    """Returns the present period in Unix seconds; the end is not inside."""
    return subscription["_start"], subscription["_end"]


def usage_since(subscription: Object) -> int:
    """Returns from when on the present period's usage is not billed yet, in Unix seconds."""
    resumed: int | None = subscription.get("_usage_from")
    start, _ = period_of(subscription)
    return start if resumed is None else max(start, resumed)


def begin(world: World, subscription: Object, start: int, end: int) -> None:
    """Moves a subscription and its items into a period and plans what happens at its end."""
    subscription["_start"], subscription["_end"] = start, end
    for item in items_of(world, subscription):
        item["current_period_start"], item["current_period_end"] = start, end
    plan(world, subscription, "subscription.renew", end)


def end_after(subscription: Object, start: int) -> int:
    """Returns the end of the billing period that begins at an instant."""
    interval = subscription["_interval"]
    return add_interval(
        start,
        interval["interval"],
        interval["interval_count"],
        anchor=subscription["billing_cycle_anchor"],
    )


def plan(world: World, subscription: Object, action: str, at: int) -> None:
    """Has something done to a subscription when its customer's clock shows an instant."""
    clock = world.get(subscription["customer"], "customer")["test_clock"]
    world.schedule(action, subscription["id"], at, clock=clock)


def draft(world: World, subscription: Object, reason: str, *, start: int, end: int) -> Object:
    """Returns an empty draft invoice of a subscription."""
    customer = world.get(subscription["customer"], "customer")
    invoice = invoice_drafts.new(
        world,
        customer,
        currency=subscription["currency"],
        reason=reason,
        subscription=subscription,
        start=start,
        end=end,
    )
    invoice["collection_method"] = subscription["collection_method"]
    invoice["_days_until_due"] = (
        subscription["days_until_due"]
        if subscription["collection_method"] == "send_invoice"
        else None
    )
    invoice["_discounts"] = coupons.still_good(
        subscription["_discounts"], world.now_for(customer["id"])
    )
    subscription["latest_invoice"] = invoice["id"]
    return invoice


def fill(
    world: World,
    invoice: Object,
    subscription: Object,
    *,
    licensed: tuple[int, int] | None,
    used: tuple[int, int] | None,
    share: Decimal | None = None,
    pending: bool = True,
) -> None:
    """Puts lines on a draft: what was pending, items of the period ahead, usage of the one behind.

    Lines come in Stripe's order: pending items newest first, then subscription items newest first.
    """
    if pending:
        waiting = invoice_items.waiting(world, subscription["customer"], subscription["id"])
        invoice_drafts.add_items(world, invoice, waiting)
    for item in reversed(items_of(world, subscription)):
        if is_metered(world, item):
            if used is not None:
                start, end = used
                usage = invoice_lines.of_usage(
                    world, item, subscription["customer"], start=start, end=end
                )
                invoice_drafts.add(invoice, usage)
        elif licensed is not None:
            start, end = licensed
            price = price_of(world, item)
            lines = invoice_lines.of_licensed(world, item, price, start=start, end=end, share=share)
            invoice_drafts.add(invoice, lines)
    invoice["_usage"] = None if used is None else list(used)
    invoice_drafts.settle(world, invoice)


def remember_items(world: World, invoice: Object, subscription: Object) -> None:
    """Notes the metered items as they are, for when the draft's usage is counted anew."""
    invoice["_metered_items"] = {
        item["id"]: dict(item) for item in items_of(world, subscription) if is_metered(world, item)
    }


@work.action("subscription.renew", "subscription")
def renew(world: World, subscription: Object) -> None:
    """Ends a period: bills it, and begins the next unless the subscription ends with it."""
    now = world.now_for(subscription["customer"])
    start, end = period_of(subscription)
    if subscription["status"] in (*ENDED, "incomplete", "paused") or end != now:
        return
    if subscription["cancel_at_period_end"] or subscription["cancel_at"] == now:
        close(world, subscription, invoice_now=True, prorate=False)
        return
    trial = subscription["status"] == "trialing"
    if trial and ends_without_method(world, subscription):
        return
    with updating(world, subscription, "customer.subscription.updated"):
        following = end_after(subscription, end)
        invoice = draft(world, subscription, "subscription_cycle", start=start, end=end)
        paused = (subscription["pause_collection"] or {}).get("behavior")
        invoice["_pause"] = paused
        invoice["auto_advance"] = subscription["status"] != "unpaid" and paused != "keep_as_draft"
        fill(
            world,
            invoice,
            subscription,
            licensed=(end, following),
            used=None if trial else (usage_since(subscription), end),
        )
        remember_items(world, invoice, subscription)
        begin(world, subscription, end, following)
        for item in items_of(world, subscription):
            _start_anew(world, item)
        if trial:
            subscription["status"] = "active"
        emit(world, "invoice.created", invoice)
        if invoice["auto_advance"]:
            invoice_finalization.finalize_later(world, invoice)


def ends_without_method(world: World, subscription: Object) -> bool:
    """Ends or pauses a subscription whose trial is over and that nothing could be paid with."""
    wanted = subscription["trial_settings"]["end_behavior"]["missing_payment_method"]
    customer = world.get(subscription["customer"], "customer")
    method = (
        subscription["default_payment_method"]
        or customer["invoice_settings"]["default_payment_method"]
    )
    if wanted == "create_invoice" or method is not None:
        return False
    if wanted == "cancel":
        close(world, subscription, invoice_now=False, prorate=False)
    else:
        pause(world, subscription, "trial_end_without_payment_method")
    return True


def pause(world: World, subscription: Object, why: str) -> None:
    """Stops a subscription: no periods and no invoices until it is resumed."""
    with updating(world, subscription, "customer.subscription.updated"):
        subscription["status"] = "paused"
        subscription["status_details"] = {
            "paused": {
                "subscription": {"type": why},
                "transitioned_at": world.now_for(subscription["customer"]),
                "type": "subscription",
            }
        }
    emit(world, "customer.subscription.paused", subscription)


def _start_anew(world: World, item: Object) -> None:
    """Notes what the new period was billed at, and forgets former prices."""
    from mock_stripe.resources import proration

    item["_prices"] = item["_prices"][-1:]
    item["_billed"] = proration.whole_period_amount(world, item)


@work.action("subscription.cancel", "subscription")
def _cancel_when_due(world: World, subscription: Object) -> None:
    if subscription["cancel_at"] == world.now_for(subscription["customer"]):
        close(world, subscription, invoice_now=True, prorate=True)


@work.action("subscription.expire", "subscription")
def _expire(world: World, subscription: Object) -> None:
    """Gives up on a subscription whose first payment never came."""
    if subscription["status"] != "incomplete":
        return
    with updating(world, subscription, "customer.subscription.updated"):
        subscription["status"] = "incomplete_expired"
        subscription["ended_at"] = world.now_for(subscription["customer"])
    invoice = world.get(subscription["latest_invoice"], "invoice")
    if invoice["status"] == "open":
        invoice_settlement.make_void(world, invoice)


def close(world: World, subscription: Object, *, invoice_now: bool, prorate: bool) -> None:
    """Ends a subscription now.

    `invoice_now` bills usage that was not billed and what is pending; `prorate` credits what was
    paid ahead. With neither, pending prorations are dropped (§4).
    """
    from mock_stripe.resources import proration

    now = world.now_for(subscription["customer"])
    start, end = period_of(subscription)
    if subscription["status"] in ENDED:
        return
    if prorate and now < end and subscription["status"] not in ("trialing", "paused"):
        for item in items_of(world, subscription):
            proration.credit_rest(world, subscription, item, at=now)
    if invoice_now:
        _bill_last(world, subscription, start, now)
    elif not prorate:
        _drop_prorations(world, subscription)
    for invoice in world.of(subscription["id"], "invoice"):
        # Cancelling stops the collection of what is open; new invoices go on.
        if invoice["status"] == "open":
            invoice["auto_advance"], invoice["next_payment_attempt"] = False, None
    subscription["status"], subscription["ended_at"] = "canceled", now
    if subscription["canceled_at"] is None:
        subscription["canceled_at"] = now
    emit(world, "customer.subscription.deleted", subscription)


def _bill_last(world: World, subscription: Object, start: int, now: int) -> None:
    """Makes the last invoice: usage that was not billed, and what is pending."""
    former = subscription["latest_invoice"]
    invoice = draft(world, subscription, "subscription_cycle", start=start, end=now)
    billed = subscription["status"] in ("trialing", "paused")
    used = None if billed else (usage_since(subscription), now)
    fill(world, invoice, subscription, licensed=None, used=used)
    remember_items(world, invoice, subscription)
    if not invoice["_lines"]:
        subscription["latest_invoice"] = former
        world.delete(invoice)
        return
    emit(world, "invoice.created", invoice)
    invoice_finalization.finalize_later(world, invoice)


def _drop_prorations(world: World, subscription: Object) -> None:
    for item in world.of(subscription["customer"], "invoiceitem"):
        pending = item["invoice"] is None and item["proration"]
        if pending and item["_subscription"] == subscription["id"]:
            world.delete(item)


@invoice_settlement.when_paid
def _paid(world: World, invoice: Object) -> None:
    """A paid invoice makes its subscription active, if it was the one that was waited for."""
    subscription = _of(world, invoice)
    if subscription is None or subscription["status"] in ENDED:
        return
    if subscription["latest_invoice"] != invoice["id"]:
        return
    if subscription["status"] in ("incomplete", "past_due", "unpaid"):
        with updating(world, subscription, "customer.subscription.updated"):
            subscription["status"] = "active"


@invoice_collection.when_failed
def _failed(world: World, invoice: Object) -> None:
    subscription = _of(world, invoice)
    if subscription is None or subscription["_pending"] is not None:
        return
    if invoice["billing_reason"] == "subscription_create":
        return
    if subscription["status"] in ("active", "trialing"):
        with updating(world, subscription, "customer.subscription.updated"):
            subscription["status"] = "past_due"


@invoice_collection.when_given_up
def _given_up(world: World, invoice: Object) -> None:
    """After the last attempt: canceled, unpaid, or left past due, as the account is set."""
    subscription = _of(world, invoice)
    if subscription is None or subscription["status"] in ENDED:
        return
    outcome = world.settings.get("after_retries", "canceled")
    if outcome == "canceled":
        subscription["cancellation_details"]["reason"] = "payment_failed"
        close(world, subscription, invoice_now=False, prorate=False)
    elif outcome == "unpaid":
        with updating(world, subscription, "customer.subscription.updated"):
            subscription["status"] = "unpaid"


def _of(world: World, invoice: Object) -> Object | None:
    if invoice["_subscription"] is None:
        return None
    return world.find(invoice["_subscription"], "subscription")
