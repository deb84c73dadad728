"""Pausing subscriptions and resuming them. Pausing their collection is another thing (§4)."""

from contextlib import suppress
from decimal import Decimal
from typing import Final

from mock_stripe.errors import CardDeclined, InvalidRequest
from mock_stripe.resources import (
    cycles,
    invoice_collection,
    invoice_finalization,
    invoice_settlement,
    proration,
    work,
)
from mock_stripe.resources.events import emit, updating
from mock_stripe.resources.subscription_changes import bill_usage
from mock_stripe.resources.subscription_parameters import PauseSubscription, ResumeSubscription
from mock_stripe.wire.routes import endpoint
from mock_stripe.world.world import Object, World

_PAUSABLE: Final = ("active", "past_due", "trialing")


@endpoint("POST", "/v1/subscriptions/{subscription}/pause", PauseSubscription)
def pause(world: World, params: PauseSubscription, subscription: str) -> Object:
    """Stops a subscription; usage so far is billed and unused time credited, as is asked for."""
    thing = world.get(subscription, "subscription")
    if thing["status"] not in _PAUSABLE:
        raise InvalidRequest(
            f"You cannot pause this subscription because it is {thing['status']}.",
            param="subscription",
        )
    now = world.now_for(thing["customer"])
    start, _ = cycles.period_of(thing)
    unused = params.bill_for.unused_time_from.type
    if unused != "none" and thing["status"] != "trialing":
        since = now if unused == "now" else start
        for item in cycles.items_of(world, thing):
            proration.credit_rest(world, thing, item, at=since)
    if params.bill_for.outstanding_usage_through.type == "now":
        for item in cycles.items_of(world, thing):
            bill_usage(world, thing, item, now)
    if params.invoicing_behavior == "invoice":
        invoice = cycles.draft(world, thing, "subscription_update", start=start, end=now)
        cycles.fill(world, invoice, thing, licensed=None, used=None)
        _finalize(world, thing, invoice)
        if invoice["status"] == "open":
            invoice_collection.collect(world, invoice)
    cycles.pause(world, thing, "pause_requested")
    return thing


@endpoint("POST", "/v1/subscriptions/{subscription}/resume", ResumeSubscription)
def resume(world: World, params: ResumeSubscription, subscription: str) -> Object:
    """Lets a paused subscription go on, in a new period or in the rest of the one that runs."""
    thing = world.get(subscription, "subscription")
    if thing["status"] != "paused":
        raise InvalidRequest(
            f"You can only resume paused subscriptions; this one is {thing['status']}.",
            param="subscription",
        )
    if thing["collection_method"] != "charge_automatically":
        raise InvalidRequest("Only subscriptions that are charged automatically can be resumed.")
    now = world.now_for(thing["customer"])
    rest = params.billing_cycle_anchor == "unchanged"
    share = _begin(world, thing, now, rest=rest)
    if rest and params.proration_behavior != "always_invoice":
        if params.proration_behavior == "create_prorations":
            for item in cycles.items_of(world, thing):
                proration.charge_rest(world, thing, item, at=now)
        _go_on(world, thing)
        return thing
    end = cycles.period_of(thing)[1]
    invoice = cycles.draft(world, thing, "subscription_update", start=now, end=now)
    cycles.fill(world, invoice, thing, licensed=(now, end), used=None, share=share)
    thing["_resuming"] = invoice["id"]
    _finalize(world, thing, invoice)
    if invoice["status"] == "open":
        _collect(world, thing, invoice, params)
    elif thing["status"] == "paused":
        _go_on(world, thing)
    return thing


def _begin(world: World, thing: Object, now: int, *, rest: bool) -> Decimal | None:
    """Enters the period that now is in and returns which part of it is left, None for a new one."""
    thing["_usage_from"] = now
    if not rest:
        thing["billing_cycle_anchor"] = now
        cycles.begin(world, thing, now, cycles.end_after(thing, now))
        for item in cycles.items_of(world, thing):
            item["_billed"] = proration.whole_period_amount(world, item)
        return None
    start, end = cycles.period_of(thing)
    while end <= now:
        start, end = end, cycles.end_after(thing, end)
    cycles.begin(world, thing, start, end)
    return Decimal(end - now) / Decimal(end - start)


def _finalize(world: World, thing: Object, invoice: Object) -> None:
    """Finalizes an invoice at once, or drops one without lines."""
    if not invoice["_lines"]:
        thing["latest_invoice"] = None
        invoice["status"] = "paid"
        world.delete(invoice)
        return
    emit(world, "invoice.created", invoice)
    invoice_finalization.finalize(world, invoice)


def _collect(world: World, thing: Object, invoice: Object, params: ResumeSubscription) -> None:
    """Attempts the payment. A failure leaves the subscription past due, or paused for 23 hours."""
    with suppress(CardDeclined, InvalidRequest):
        invoice_collection.attempt(world, invoice, method=None, off_session=True, by_hand=True)
    if invoice["status"] == "paid":
        return
    if params.payment_behavior == "resume_on_payment_attempt":
        _go_on(world, thing, "past_due")
        return
    at = world.now_for(thing["customer"]) + cycles.INCOMPLETE_SECONDS
    cycles.plan(world, thing, "subscription.stay_paused", at)


def _go_on(world: World, thing: Object, status: str = "active") -> None:
    with updating(world, thing, "customer.subscription.updated"):
        thing["status"], thing["status_details"] = status, None
        thing["_resuming"] = None
    emit(world, "customer.subscription.resumed", thing)


@invoice_settlement.when_paid
def _paid(world: World, invoice: Object) -> None:
    """Lets a subscription go on whose invoice was paid."""
    if invoice["_subscription"] is None:
        return
    thing = world.find(invoice["_subscription"], "subscription")
    if thing is not None and thing["status"] == "paused" and thing["_resuming"] == invoice["id"]:
        _go_on(world, thing)


@work.action("subscription.stay_paused", "subscription")
def _stay_paused(world: World, thing: Object) -> None:
    """Gives up on the invoice that nobody paid in time."""
    if thing["status"] != "paused" or thing["_resuming"] is None:
        return
    invoice = world.get(thing["_resuming"], "invoice")
    thing["_resuming"] = None
    if invoice["status"] == "open":
        invoice_settlement.make_void(world, invoice)
