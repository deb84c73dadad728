"""Parts of subscriptions: their items, their ends, how they collect."""

from mock_stripe.errors import CardDeclined, InvalidRequest
from mock_stripe.resources import (
    coupons,
    cycles,
    payment_methods,
    prices,
    work,
)
from mock_stripe.resources.events import updating
from mock_stripe.resources.subscription_parameters import (
    Anchor,
    CancellationDetails,
    NewItem,
    PauseCollection,
    SubscriptionParameters,
    UpdateSubscription,
)
from mock_stripe.wire.parameters import (
    merged_metadata,
)
from mock_stripe.world.world import Object, World


def fill(world: World, thing: Object, params: SubscriptionParameters) -> None:
    if params.collection_method is not None:
        thing["collection_method"] = params.collection_method
    if params.days_until_due is not None:
        thing["days_until_due"] = params.days_until_due
    if params.sent("default_payment_method"):
        _set_method(world, thing, params.default_payment_method)
    if params.sent("description"):
        thing["description"] = params.description
    if params.sent("metadata"):
        thing["metadata"] = merged_metadata(thing["metadata"], params.metadata)
    if params.payment_settings is not None:
        sent = params.payment_settings.model_dump(exclude_none=True)
        thing["payment_settings"].update(sent)
    if isinstance(params, UpdateSubscription) and params.sent("pause_collection"):
        _pause_collection(world, thing, params.pause_collection)
    if params.trial_settings is not None:
        behavior = params.trial_settings.end_behavior.model_dump()
        thing["trial_settings"]["end_behavior"].update(behavior)
    if params.sent("discounts") and thing["latest_invoice"] is not None:
        thing["_discounts"] = coupons.redeem(
            world,
            params.discounts,
            start=world.now_for(thing["customer"]),
            customer=thing["customer"],
            subscription=thing["id"],
        )


def _pause_collection(world: World, thing: Object, pause: PauseCollection | None) -> None:
    if pause is not None and pause.resumes_at is not None:
        if pause.resumes_at <= world.now_for(thing["customer"]):
            raise InvalidRequest(
                "resumes_at must be in the future.", param="pause_collection[resumes_at]"
            )
        cycles.plan(world, thing, "subscription.resume_collection", pause.resumes_at)
    thing["pause_collection"] = None if pause is None else pause.model_dump()


@work.action("subscription.resume_collection", "subscription")
def _resume_collection(world: World, thing: Object) -> None:
    pause = thing["pause_collection"]
    if pause is None or pause["resumes_at"] != world.now_for(thing["customer"]):
        return
    with updating(world, thing, "customer.subscription.updated"):
        thing["pause_collection"] = None


def _set_method(world: World, thing: Object, method: str | None) -> None:
    if method is not None:
        found = payment_methods.resolve(world, method, param="default_payment_method")
        if found["customer"] != thing["customer"]:
            raise InvalidRequest(
                f"The customer does not have a payment method with the ID {method}.",
                code="resource_missing",
                param="default_payment_method",
            )
    thing["default_payment_method"] = method


def plan_end(world: World, thing: Object, params: SubscriptionParameters) -> None:
    """Sets or lifts a date at which a subscription ends."""
    now = world.now_for(thing["customer"])
    if params.cancel_at is not None and params.cancel_at_period_end:
        raise InvalidRequest(
            "Pass only one of cancel_at and cancel_at_period_end.", param="cancel_at"
        )
    if params.cancel_at is not None:
        if params.cancel_at <= now:
            raise InvalidRequest("cancel_at must be in the future.", param="cancel_at")
        thing["cancel_at"], thing["canceled_at"] = params.cancel_at, now
        thing["cancellation_details"]["reason"] = "cancellation_requested"
        cycles.plan(world, thing, "subscription.cancel", params.cancel_at)
    if params.cancel_at_period_end is True:
        thing["cancel_at_period_end"], thing["canceled_at"] = True, now
        thing["cancel_at"] = cycles.period_of(thing)[1]
        thing["cancellation_details"]["reason"] = "cancellation_requested"
    if params.cancel_at_period_end is False:
        thing["cancel_at_period_end"] = False
        if params.cancel_at is None:
            thing["cancel_at"], thing["canceled_at"] = None, None
            thing["cancellation_details"]["reason"] = None
    if isinstance(params, UpdateSubscription):
        note_details(thing, params.cancellation_details)


def note_details(thing: Object, details: CancellationDetails | None) -> None:
    if details is not None:
        thing["cancellation_details"].update(details.model_dump(exclude_unset=True))


def move_trial_end(world: World, thing: Object, params: UpdateSubscription) -> None:
    """Has a trial end at another time; one that ends now is charged by `change_items`."""
    if params.trial_end is None:
        return
    now = world.now_for(thing["customer"])
    if thing["status"] != "trialing":
        raise InvalidRequest("The subscription is not in a trial.", param="trial_end")
    end = now if params.trial_end == "now" else int(params.trial_end)
    if end < now:
        raise InvalidRequest("trial_end must not be in the past.", param="trial_end")
    thing["trial_end"], thing["billing_cycle_anchor"] = end, end
    if end > now:
        cycles.begin(world, thing, thing["_start"], end)


def add_item(world: World, thing: Object, sent: NewItem, param: str) -> Object:
    price = price_sent(world, thing, sent, param)
    metered = price["recurring"]["usage_type"] == "metered"
    if metered and sent.quantity is not None:
        raise InvalidRequest("Metered items have no quantity.", param=f"{param}[quantity]")
    if price["id"] in [one["_price"] for one in cycles.items_of(world, thing)]:
        raise InvalidRequest(
            f"You cannot have multiple subscription items with the same price {price['id']}.",
            param=f"{param}[price]",
        )
    now = world.now_for(thing["customer"])
    item = world.create(
        "subscription_item",
        {
            "billed_until": None,
            "billing_thresholds": None,
            "created": now,
            "current_period_end": thing["_end"],
            "current_period_start": thing["_start"],
            "current_trial": None,
            "discounts": [],
            "metadata": merged_metadata({}, sent.metadata),
            "quantity": None if metered else 1 if sent.quantity is None else sent.quantity,
            "subscription": thing["id"],
            "tax_rates": [],
            "_billed": 0,
            "_classic": thing["_classic"],
            "_price": price["id"],
            "_prices": [{"price": price["id"], "since": now}],
        },
    )
    if thing["latest_invoice"] is None and len(cycles.items_of(world, thing)) == 1:
        thing["currency"] = price["currency"]
        thing["_interval"] = _interval(price)
    check_intervals(world, thing)
    return item


def price_sent(world: World, thing: Object, sent: NewItem, param: str) -> Object:
    if (sent.price is None) == (sent.price_data is None):
        raise InvalidRequest(
            "Pass exactly one of price and price_data.",
            code="parameter_missing",
            param=f"{param}[price]",
        )
    if sent.price_data is not None:
        product = world.get(
            sent.price_data.product, "product", param=f"{param}[price_data][product]"
        )
        return prices.new(world, sent.price_data, product)
    price = world.get(str(sent.price), "price", param=f"{param}[price]")
    if price["type"] != "recurring":
        raise InvalidRequest(
            f"The price specified is set to `type=one_time` but this field only accepts prices with"
            f" `type=recurring`: {price['id']}",
            param=f"{param}[price]",
        )
    if not price["active"]:
        raise InvalidRequest("The price specified is inactive.", param=f"{param}[price]")
    return price


def _interval(price: Object) -> Object:
    return {name: price["recurring"][name] for name in ("interval", "interval_count")}


def check_intervals(world: World, thing: Object) -> None:
    items = cycles.items_of(world, thing)
    found = [_interval(cycles.price_of(world, item)) for item in items]
    if any(one != found[0] for one in found):
        raise InvalidRequest(
            "This double wants one billing interval for all items of a subscription.",
            param="items",
        )
    if any(cycles.price_of(world, item)["currency"] != thing["currency"] for item in items):
        raise InvalidRequest(
            f"All prices of a subscription must be in {thing['currency']}.", param="items"
        )
    if found:
        thing["_interval"] = found[0]


def wants_reset(params: UpdateSubscription) -> bool:
    anchor = params.billing_cycle_anchor
    return (anchor.type if isinstance(anchor, Anchor) else anchor) == "now"


def check_collection(params: SubscriptionParameters, thing: Object | None = None) -> None:
    method = params.collection_method or (thing or {}).get("collection_method")
    if method == "send_invoice":
        if params.days_until_due is None and not (thing and thing["days_until_due"] is not None):
            raise InvalidRequest(
                "You must pass days_until_due with collection_method=send_invoice.",
                code="parameter_missing",
                param="days_until_due",
            )
    elif params.days_until_due is not None:
        raise InvalidRequest(
            "days_until_due goes with collection_method=send_invoice.", param="days_until_due"
        )


def unpaid_change() -> CardDeclined:
    error = CardDeclined(
        "The payment needs its customer's authentication, so nothing was changed.",
        code="subscription_payment_intent_requires_action",
    )
    error.keeps_changes = False
    return error
