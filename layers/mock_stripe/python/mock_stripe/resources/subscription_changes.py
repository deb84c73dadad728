"""Changes of subscriptions: of items in mid-period, invoiced now or later, or once paid for."""

from copy import deepcopy

from mock_stripe.errors import CardDeclined, InvalidRequest
from mock_stripe.resources import (
    cycles,
    invoice_collection,
    invoice_finalization,
    invoice_items,
    invoice_lines,
    invoice_settlement,
    proration,
    work,
)
from mock_stripe.resources.events import emit, updating
from mock_stripe.resources.subscription_parameters import (
    ChangedItem,
    UpdateSubscription,
)
from mock_stripe.resources.subscription_parts import (
    add_item,
    check_intervals,
    price_sent,
    unpaid_change,
    wants_reset,
)
from mock_stripe.wire.parameters import (
    merged_metadata,
)
from mock_stripe.wire.rendering import shown
from mock_stripe.world.world import Object, World


def change_items(world: World, thing: Object, params: UpdateSubscription, before: Object) -> None:
    """Changes items, prorates, and collects where that is asked for or needed.

    While a trial lasts nothing is charged; one that was ended just now is charged at once (§4).
    """
    now = world.now_for(thing["customer"])
    on_trial = thing["status"] == "trialing"
    trial_over = on_trial and params.trial_end is not None and thing["trial_end"] == now
    reset = wants_reset(params)
    if not params.items and not reset and not trial_over:
        return
    start, end = cycles.period_of(thing)
    at = now if params.proration_date is None else params.proration_date
    if not start <= at <= end:
        raise InvalidRequest(
            "proration_date must lie in the current billing period.", param="proration_date"
        )
    old_items = {one["id"]: deepcopy(one) for one in cycles.items_of(world, thing)}
    prorates = params.proration_behavior != "none" and not on_trial
    interval = deepcopy(thing["_interval"])
    for number, change in enumerate(params.items):
        _change_item(world, thing, change, f"items[{number}]", at=at, prorates=prorates)
    if not cycles.items_of(world, thing):
        raise InvalidRequest("A subscription must have at least one item.", param="items")
    check_intervals(world, thing)
    if trial_over:
        _charge_after_trial(world, thing, params, before, old_items)
    elif reset or (thing["_interval"] != interval and not on_trial):
        if prorates:
            for item in cycles.items_of(world, thing):
                _credit_before_reset(world, thing, item, old_items, at)
        used = None if on_trial else (cycles.usage_since(thing), now)
        _reset_anchor(world, thing, now)
        _invoice_now(world, thing, params, before, old_items, whole=True, used=used)
    elif params.proration_behavior == "always_invoice" and not on_trial:
        _invoice_now(world, thing, params, before, old_items, whole=False)


def _charge_after_trial(
    world: World,
    thing: Object,
    params: UpdateSubscription,
    before: Object,
    old_items: dict[str, Object],
) -> None:
    """Begins the first period that is paid for, unless the trial was not to lead to one."""
    if cycles.ends_without_method(world, thing):
        return
    thing["status"] = "active"
    _reset_anchor(world, thing, world.now_for(thing["customer"]))
    _invoice_now(world, thing, params, before, old_items, whole=True)


def _change_item(
    world: World,
    thing: Object,
    change: ChangedItem,
    param: str,
    *,
    at: int,
    prorates: bool,
) -> None:
    if change.id is None:
        item = add_item(world, thing, change, param)
        if prorates:
            proration.charge_rest(world, thing, item, at=at)
        return
    item = _own_item(world, thing, change.id, param)
    old_price = cycles.price_of(world, item)
    price = old_price
    if change.price is not None or change.price_data is not None:
        price = price_sent(world, thing, change, param)
    quantity = _quantity(change, price, old_price, item)
    if change.sent("metadata"):
        item["metadata"] = merged_metadata(item["metadata"], change.metadata)
    if not change.deleted and price is old_price and quantity == item["quantity"]:
        return
    if prorates:
        proration.credit_rest(world, thing, item, at=at)
    if change.deleted:
        if prorates and not change.clear_usage:
            bill_usage(world, thing, item, at)
        world.delete(item)
        return
    item["quantity"] = quantity
    _reprice(item, price, since=world.now_for(thing["customer"]))
    if prorates:
        proration.charge_rest(world, thing, item, at=at)


def _reprice(item: Object, price: Object, *, since: int) -> None:
    if price["id"] != item["_price"]:
        item["_price"] = price["id"]
        item["_prices"].append({"price": price["id"], "since": since})


def _own_item(world: World, thing: Object, item_id: str, param: str) -> Object:
    item = world.get(item_id, "subscription_item", param=f"{param}[id]")
    if item["subscription"] != thing["id"]:
        raise InvalidRequest(
            f"No such subscription item: '{item_id}'", code="resource_missing", param=f"{param}[id]"
        )
    return item


def _quantity(change: ChangedItem, price: Object, old_price: Object, item: Object) -> int | None:
    """Returns an item's quantity after a change: a new price resets it to 1 unless one is sent."""
    if price["recurring"]["usage_type"] == "metered":
        if change.quantity is not None:
            raise InvalidRequest("Metered items have no quantity.", param="quantity")
        return None
    if change.quantity is not None:
        return change.quantity
    if price is old_price:
        kept: int = item["quantity"]
        return kept
    return 1


def bill_usage(world: World, thing: Object, item: Object, at: int) -> None:
    """Has the usage of a metered item that goes wait for the next invoice."""
    if not cycles.is_metered(world, item):
        return
    start = cycles.usage_since(thing)
    for line in invoice_lines.of_usage(world, item, thing["customer"], start=start, end=at):
        if line["amount"]:
            invoice_items.prorated(
                world,
                {**item, "quantity": line["quantity"]},
                cycles.price_of(world, item),
                amount=line["amount"],
                start=start,
                end=at,
                customer=thing["customer"],
                description=line["description"],
            )


def _credit_before_reset(
    world: World, thing: Object, item: Object, old_items: dict[str, Object], at: int
) -> None:
    """Credits the rest of an item that only the new anchor touches; changed ones were credited."""
    old = old_items.get(item["id"])
    if old is not None and old["_price"] == item["_price"] and old["quantity"] == item["quantity"]:
        proration.credit_rest(world, thing, item, at=at)
        return
    # What was charged for the rest of the old period is charged for the new one instead.
    for pending in world.of(thing["customer"], "invoiceitem"):
        details = (pending["parent"] or {}).get("subscription_details", {})
        mine = details.get("subscription_item") == item["id"] and pending["invoice"] is None
        if mine and pending["amount"] > 0 and pending["id"] in world.created:
            world.delete(pending)


def _reset_anchor(world: World, thing: Object, now: int) -> None:
    thing["billing_cycle_anchor"] = now
    cycles.begin(world, thing, now, cycles.end_after(thing, now))
    for item in cycles.items_of(world, thing):
        item["_billed"] = proration.whole_period_amount(world, item)


def _invoice_now(
    world: World,
    thing: Object,
    params: UpdateSubscription,
    before: Object,
    old_items: dict[str, Object],
    *,
    whole: bool,
    used: tuple[int, int] | None = None,
) -> None:
    """Invoices a change and collects at once; what a failure does is the caller's choice."""
    now = world.now_for(thing["customer"])
    invoice = cycles.draft(world, thing, "subscription_update", start=now, end=now)
    licensed = cycles.period_of(thing) if whole else None
    cycles.fill(world, invoice, thing, licensed=licensed, used=used)
    cycles.remember_items(world, invoice, thing)
    if not invoice["_lines"]:
        thing["latest_invoice"] = before["latest_invoice"]
        world.delete(invoice)
        return
    emit(world, "invoice.created", invoice)
    if thing["collection_method"] == "send_invoice":
        invoice_finalization.finalize_later(world, invoice)
        return
    invoice_finalization.finalize(world, invoice)
    if invoice["status"] == "paid":
        return
    if params.payment_behavior == "pending_if_incomplete":
        _collect_before_change(world, thing, invoice, before, old_items, params)
        return
    strict = params.payment_behavior == "error_if_incomplete"
    if params.payment_behavior != "default_incomplete":
        _attempt(world, invoice, params, strict=strict)
    if invoice["status"] != "paid" and strict:
        raise unpaid_change()
    if invoice["status"] != "paid" and thing["status"] == "active":
        thing["status"] = "past_due"


def _attempt(world: World, invoice: Object, params: UpdateSubscription, *, strict: bool) -> None:
    """Attempts the payment of a change. A failure is raised only if nothing may change then."""
    try:
        invoice_collection.attempt(
            world, invoice, method=None, off_session=params.off_session, by_hand=True
        )
    except (CardDeclined, InvalidRequest) as refused:
        if strict:
            refused.keeps_changes = False
            raise


def _collect_before_change(
    world: World,
    thing: Object,
    invoice: Object,
    before: Object,
    old_items: dict[str, Object],
    params: UpdateSubscription,
) -> None:
    """Collects; without success the subscription stays as it was and the change waits for it."""
    thing["_pending"] = {"invoice": invoice["id"]}
    _attempt(world, invoice, params, strict=False)
    if invoice["status"] == "paid":
        thing["_pending"] = None
        return
    now = world.now_for(thing["customer"])
    wanted = [deepcopy(item) for item in cycles.items_of(world, thing)]
    expires_at = now + cycles.INCOMPLETE_SECONDS
    thing["pending_update"] = {
        "billing_cycle_anchor": None,
        "cancel_at_period_end": None,
        "discount": None,
        "discounts": None,
        "expires_at": expires_at,
        "metadata": None,
        "subscription_items": [shown(world, item) for item in wanted],
        "trial_end": None if params.trial_end is None else thing["trial_end"],
        "trial_from_plan": None,
    }
    thing["_pending"] = {
        "invoice": invoice["id"],
        "items": wanted,
        "interval": thing["_interval"],
        "anchor": thing["billing_cycle_anchor"],
        "period": list(cycles.period_of(thing)),
        "status": thing["status"],
        "trial_end": thing["trial_end"],
    }
    _put_items(world, thing, list(old_items.values()))
    thing["_interval"] = before["_interval"]
    thing["billing_cycle_anchor"] = before["billing_cycle_anchor"]
    thing["_start"], thing["_end"] = before["_start"], before["_end"]
    thing["status"], thing["trial_end"] = before["status"], before["trial_end"]
    cycles.plan(world, thing, "subscription.drop_update", expires_at)


@invoice_settlement.when_paid
def _apply_pending(world: World, invoice: Object) -> None:
    """Lets a change that waited for its payment take effect."""
    if invoice["_subscription"] is None:
        return
    thing = world.find(invoice["_subscription"], "subscription")
    if thing is None or not thing["_pending"] or thing["_pending"]["invoice"] != invoice["id"]:
        return
    pending = thing["_pending"]
    if "items" not in pending:
        return
    with updating(world, thing, "customer.subscription.updated"):
        _put_items(world, thing, pending["items"])
        thing["_interval"] = pending["interval"]
        if thing["billing_cycle_anchor"] != pending["anchor"]:
            thing["billing_cycle_anchor"] = pending["anchor"]
            cycles.begin(world, thing, *pending["period"])
        if thing["status"] == "trialing":
            thing["status"], thing["trial_end"] = pending["status"], pending["trial_end"]
        thing["_pending"], thing["pending_update"] = None, None
    emit(world, "customer.subscription.pending_update_applied", thing)


@work.action("subscription.drop_update", "subscription")
def _drop_pending(world: World, thing: Object) -> None:
    """Forgets a change that nobody paid for in time."""
    update = thing["pending_update"]
    if update is None or update["expires_at"] != world.now_for(thing["customer"]):
        return
    invoice = world.get(thing["_pending"]["invoice"], "invoice")
    if invoice["status"] == "open":
        invoice_settlement.make_void(world, invoice)
    with updating(world, thing, "customer.subscription.updated"):
        thing["_pending"], thing["pending_update"] = None, None
    emit(world, "customer.subscription.pending_update_expired", thing)


def _put_items(world: World, thing: Object, wanted: list[Object]) -> None:
    """Makes a subscription's items exactly these."""
    present = {item["id"]: item for item in cycles.items_of(world, thing)}
    for item in wanted:
        if item["id"] in present:
            present[item["id"]].clear()
            present[item["id"]].update(deepcopy(item))
        else:
            fields = {k: v for k, v in deepcopy(item).items() if k not in ("id", "object")}
            world.create("subscription_item", fields, object_id=item["id"])
    for object_id, item in present.items():
        if object_id not in [one["id"] for one in wanted]:
            world.delete(item)
