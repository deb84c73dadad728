"""Subscriptions: made, changed in mid-period, paused by failure, ended."""

from copy import deepcopy
from decimal import Decimal
from typing import Any, Final

from mock_stripe.errors import CardDeclined, InvalidRequest
from mock_stripe.resources import (
    coupons,
    customers,
    cycles,
    invoice_collection,
    invoice_finalization,
    proration,
)
from mock_stripe.resources.calendar import add_interval
from mock_stripe.resources.events import emit, updating
from mock_stripe.resources.subscription_changes import change_items
from mock_stripe.resources.subscription_parameters import (
    PENDING_ALLOWS,
    CancelSubscription,
    CreateSubscription,
    ListSubscriptions,
    UpdateSubscription,
)
from mock_stripe.resources.subscription_parts import (
    add_item,
    check_collection,
    fill,
    move_trial_end,
    note_details,
    plan_end,
    unpaid_change,
)
from mock_stripe.wire import lists
from mock_stripe.wire.parameters import (
    Parameters,
)
from mock_stripe.wire.rendering import references, shown, view
from mock_stripe.wire.routes import endpoint
from mock_stripe.world.world import Object, World

_MOST_ON_A_CLOCK: Final = 3

references(
    "subscription",
    {
        "customer": "customer",
        "default_payment_method": "payment_method",
        "latest_invoice": "invoice",
        "test_clock": "test_helpers.test_clock",
    },
)
references("subscription_item", {"subscription": "subscription"})


@endpoint("POST", "/v1/subscriptions", CreateSubscription)
def create(world: World, params: CreateSubscription) -> Object:
    """Makes a subscription and, unless it begins with a trial or bills by usage only, collects."""
    customer = customers.existing(world, params.customer, param="customer")
    if params.payment_behavior == "pending_if_incomplete":
        raise InvalidRequest("pending_if_incomplete is for updates only.", param="payment_behavior")
    check_collection(params)
    if customer["test_clock"] and len(world.of(customer["id"], "subscription")) >= _MOST_ON_A_CLOCK:
        raise InvalidRequest(
            f"A customer on a test clock can have at most {_MOST_ON_A_CLOCK} subscriptions.",
            param="customer",
        )
    subscription = _new(world, customer, params)
    for number, item in enumerate(params.items):
        add_item(world, subscription, item, f"items[{number}]")
    _begin(world, subscription, params)
    emit(world, "customer.subscription.created", subscription)
    return subscription


@endpoint("POST", "/v1/subscriptions/{subscription}", UpdateSubscription)
def update(world: World, params: UpdateSubscription, subscription: str) -> Object:
    """Changes a subscription, at once or once it is paid for."""
    thing = world.get(subscription, "subscription")
    if thing["status"] in cycles.ENDED:
        raise InvalidRequest(
            "A canceled subscription can only update its cancellation_details and metadata.",
            code="resource_missing",
        )
    check_collection(params, thing)
    if params.payment_behavior == "pending_if_incomplete":
        extra = params.model_fields_set - PENDING_ALLOWS
        if extra:
            raise InvalidRequest(
                f"With pending_if_incomplete, {min(extra)} cannot be updated.", param=min(extra)
            )
    before = deepcopy(thing)
    with updating(world, thing, "customer.subscription.updated"):
        fill(world, thing, params)
        plan_end(world, thing, params)
        move_trial_end(world, thing, params)
        change_items(world, thing, params, before)
    return thing


@endpoint("DELETE", "/v1/subscriptions/{subscription}", CancelSubscription)
def cancel(world: World, params: CancelSubscription, subscription: str) -> Object:
    """Ends a subscription now."""
    thing = world.get(subscription, "subscription")
    if thing["status"] in cycles.ENDED:
        raise InvalidRequest(f"No such subscription: '{subscription}'", code="resource_missing")
    thing["cancellation_details"]["reason"] = "cancellation_requested"
    note_details(thing, params.cancellation_details)
    cycles.close(world, thing, invoice_now=params.invoice_now, prorate=params.prorate)
    return thing


@endpoint("GET", "/v1/subscriptions", ListSubscriptions)
def list_all(world: World, params: ListSubscriptions) -> Object:
    """Lists subscriptions; ended ones only when asked for by status."""

    def keep(thing: Object) -> bool:
        status = params.status
        wanted = (
            thing["status"] != "canceled"
            if status is None
            else status == "all"
            or status == thing["status"]
            or (status == "ended" and thing["status"] in cycles.ENDED)
        )
        return (
            wanted
            and params.customer in (None, thing["customer"])
            and (params.test_clock == thing["test_clock"] or params.customer is not None)
            and (params.created is None or params.created.holds(thing["created"]))
            and (
                params.price is None
                or params.price in [one["_price"] for one in cycles.items_of(world, thing)]
            )
        )

    return lists.of_kind(world, "subscription", "/v1/subscriptions", params, keep)


@endpoint("GET", "/v1/subscriptions/{subscription}", Parameters)
def get(world: World, params: Parameters, subscription: str) -> Object:
    """Returns a subscription."""
    return world.get(subscription, "subscription")


@view("subscription")
def _view(world: World, thing: Object) -> Object:
    items = [shown(world, item) for item in cycles.items_of(world, thing)]
    return {
        "discounts": [one["id"] for one in thing["_discounts"]],
        "items": {
            **lists.listed(items, f"/v1/subscription_items?subscription={thing['id']}"),
            "total_count": len(items),
        },
    }


@view("subscription_item")
def _item_view(world: World, item: Object) -> Object:
    price = cycles.price_of(world, item)
    return {"plan": _plan(price), "price": shown(world, price)}


def _new(world: World, customer: Object, params: CreateSubscription) -> Object:
    now = world.now_for(customer["id"])
    subscription = world.create(
        "subscription",
        {
            "application": None,
            "application_fee_percent": None,
            "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
            "billing_cycle_anchor": now,
            "billing_cycle_anchor_config": None,
            "billing_mode": {
                "flexible": (
                    {"proration_discounts": "included"}
                    if params.billing_mode.type == "flexible"
                    else None
                ),
                "type": params.billing_mode.type,
            },
            "billing_schedules": [],
            "billing_thresholds": None,
            "cancel_at": None,
            "cancel_at_period_end": False,
            "canceled_at": None,
            "cancellation_details": {
                "comment": None,
                "feedback": None,
                "feedback_option": None,
                "reason": None,
            },
            "collection_method": params.collection_method or "charge_automatically",
            "created": now,
            "currency": params.currency or customer["currency"] or "usd",
            "customer": customer["id"],
            "customer_account": None,
            "days_until_due": params.days_until_due,
            "default_payment_method": None,
            "default_source": None,
            "default_tax_rates": [],
            "description": None,
            "ended_at": None,
            "invoice_settings": {
                "account_tax_ids": None,
                "custom_fields": None,
                "description": None,
                "footer": None,
                "issuer": {"type": "self"},
            },
            "latest_invoice": None,
            "livemode": False,
            "managed_payments": None,
            "metadata": {},
            "next_pending_invoice_item_invoice": None,
            "on_behalf_of": None,
            "pause_collection": None,
            "payment_settings": {
                "payment_method_options": None,
                "payment_method_types": None,
                "save_default_payment_method": "off",
            },
            "pending_invoice_item_interval": None,
            "pending_setup_intent": None,
            "pending_update": None,
            "schedule": None,
            "start_date": now,
            "status": "active",
            "status_details": None,
            "test_clock": customer["test_clock"],
            "transfer_data": None,
            "trial_end": None,
            "trial_settings": {
                "end_behavior": {
                    "billing_cycle_anchor": None,
                    "missing_payment_method": "create_invoice",
                }
            },
            "trial_start": None,
            "_classic": params.billing_mode.type == "classic",
            "_discounts": [],
            "_end": now,
            "_interval": None,
            "_pending": None,
            "_resuming": None,
            "_start": now,
            "_usage_from": None,
        },
    )
    fill(world, subscription, params)
    subscription["_discounts"] = coupons.redeem(
        world,
        params.discounts,
        start=now,
        customer=customer["id"],
        subscription=subscription["id"],
    )
    return subscription


def _begin(world: World, subscription: Object, params: CreateSubscription) -> None:
    """Enters the first period: a trial, the time to a later anchor, or a whole one."""
    now = subscription["created"]
    trial_end = _trial_end(now, params)
    if trial_end is not None:
        subscription["status"] = "trialing"
        subscription["trial_start"], subscription["trial_end"] = now, trial_end
        subscription["billing_cycle_anchor"] = trial_end
        cycles.begin(world, subscription, now, trial_end)
        _set_billed(world, subscription, 0)
        plan_end(world, subscription, params)
        return
    end, share = _first_period(subscription, params)
    cycles.begin(world, subscription, now, end)
    for item in cycles.items_of(world, subscription):
        item["_billed"] = proration.whole_period_amount(world, item)
    plan_end(world, subscription, params)
    items = cycles.items_of(world, subscription)
    only_usage = all(cycles.is_metered(world, item) for item in items)
    if only_usage and not subscription["_classic"]:
        # Flexible billing: nothing to collect, so no invoice at all.
        return
    invoice = cycles.draft(world, subscription, "subscription_create", start=now, end=now)
    licensed = None if share == 0 else (now, end)
    cycles.fill(world, invoice, subscription, licensed=licensed, used=None, share=share)
    emit(world, "invoice.created", invoice)
    if subscription["collection_method"] == "send_invoice":
        invoice_finalization.finalize_later(world, invoice)
        return
    invoice_finalization.finalize(world, invoice)
    if invoice["status"] == "open":
        _collect_first(world, subscription, invoice, params)


def _first_period(subscription: Object, params: CreateSubscription) -> tuple[int, Decimal | None]:
    """Returns the end of the first period, and which part of a whole one it is (None: all)."""
    now, anchor = subscription["created"], params.billing_cycle_anchor
    interval = subscription["_interval"]
    whole = add_interval(now, interval["interval"], interval["interval_count"])
    if anchor is None:
        return whole, None
    if not now < anchor <= whole:
        raise InvalidRequest(
            "billing_cycle_anchor must lie in the future and within the first period.",
            param="billing_cycle_anchor",
        )
    subscription["billing_cycle_anchor"] = anchor
    if params.proration_behavior == "none":
        return anchor, Decimal(0)
    before = add_interval(anchor, interval["interval"], -interval["interval_count"])
    return anchor, Decimal(anchor - now) / Decimal(anchor - before)


def _collect_first(
    world: World, subscription: Object, invoice: Object, params: CreateSubscription
) -> None:
    """Attempts the first payment as the caller wants it. The subscription waits for it, or not."""
    subscription["status"] = "incomplete"
    at = subscription["created"] + cycles.INCOMPLETE_SECONDS
    cycles.plan(world, subscription, "subscription.expire", at)
    if params.payment_behavior == "default_incomplete":
        return
    try:
        invoice_collection.attempt(
            world, invoice, method=None, off_session=params.off_session, by_hand=True
        )
    except CardDeclined as declined:
        if params.payment_behavior == "error_if_incomplete":
            declined.keeps_changes = False
            raise
    except InvalidRequest as nothing_to_pay_with:
        nothing_to_pay_with.keeps_changes = False
        raise
    if params.payment_behavior == "error_if_incomplete" and invoice["status"] != "paid":
        raise unpaid_change()


def _trial_end(now: int, params: CreateSubscription) -> int | None:
    if params.trial_period_days is not None:
        if params.trial_end is not None:
            raise InvalidRequest(
                "You cannot set trial_end together with trial_period_days.", param="trial_end"
            )
        return now + params.trial_period_days * 86_400
    if isinstance(params.trial_end, int):
        if params.trial_end <= now:
            raise InvalidRequest("trial_end must be in the future.", param="trial_end")
        return params.trial_end
    return None


def _set_billed(world: World, subscription: Object, amount: int) -> None:
    for item in cycles.items_of(world, subscription):
        item["_billed"] = amount


def _plan(price: Object) -> Any:
    """Returns the older form of a price, which items still carry."""
    recurring = price["recurring"]
    return {
        "id": price["id"],
        "object": "plan",
        "active": price["active"],
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "billing_scheme": price["billing_scheme"],
        "created": price["created"],
        "currency": price["currency"],
        "interval": recurring["interval"],
        "interval_count": recurring["interval_count"],
        "livemode": False,
        "metadata": price["metadata"],
        "meter": recurring["meter"],
        "nickname": price["nickname"],
        "product": price["product"],
        "tiers_mode": price["tiers_mode"],
        "transform_usage": price["transform_quantity"],
        "trial_period_days": recurring["trial_period_days"],
        "usage_type": recurring["usage_type"],
    }
