"""Paused subscriptions, paused collection, and trials that end with nothing to pay with."""

from typing import Any

import pytest
import stripe

from tests.integration.stripe.billing import (
    DECEMBER,
    HOUR,
    JANUARY,
    NOVEMBER,
    amounts,
    invoices,
    item_of,
    meter,
    metered,
    price,
    subscribe,
    use,
)
from tests.integration.stripe.conftest import Shop

DAY = 86_400
FAILS = "pm_card_chargeCustomerFail"


@pytest.fixture
def clock(shop: Shop) -> str:
    return shop.clock(NOVEMBER)


def pending(shop: Shop, customer: str) -> list[int]:
    found = shop.v1.invoice_items.list({"customer": customer, "pending": True, "limit": 100}).data
    return sorted(item.amount for item in found)


def status_of(shop: Shop, subscription: str) -> str:
    return str(shop.v1.subscriptions.retrieve(subscription).status)


def paused(shop: Shop, clock: str, **options: Any) -> tuple[str, str]:
    """Pauses a subscription of $30 and 2 cents a call in the middle of November, after 50 calls."""
    customer = shop.customer(test_clock=clock)
    made = subscribe(shop, customer, price(shop, "3000"), price(shop, "2", **metered(meter(shop))))
    use(shop, customer, "50", NOVEMBER)
    shop.advance(clock, NOVEMBER + 15 * DAY)
    assert shop.v1.subscriptions.pause(made.id, options).status == "paused"
    return customer, made.id


def test_pausing_bills_usage_and_credits_unused_time(shop: Shop, clock: str) -> None:
    customer, subscription = paused(shop, clock)
    # Half of 3000 back, 50 x 2 for the calls.
    assert pending(shop, customer) == [-1_500, 100]
    found = shop.v1.subscriptions.retrieve(subscription)
    assert found.status_details.paused.subscription.type == "pause_requested"
    assert len(shop.told("customer.subscription.paused")) == 1
    shop.advance(clock, DECEMBER + 5 * DAY)
    # No period ends while it is paused, and no invoice is made.
    assert len(invoices(shop, customer)) == 1
    assert status_of(shop, subscription) == "paused"


def test_pausing_can_invoice_at_once_or_bill_nothing(shop: Shop, clock: str) -> None:
    customer, _ = paused(shop, clock, invoicing_behavior="invoice")
    # 100 - 1500, which is credit.
    assert invoices(shop, customer)[-1].total == -1_400
    assert shop.v1.customers.retrieve(customer).balance == -1_400
    nothing = {
        "bill_for": {
            "outstanding_usage_through": {"type": "none"},
            "unused_time_from": {"type": "none"},
        }
    }
    other = shop.customer(test_clock=clock)
    made = subscribe(shop, other, price(shop, "3000"))
    shop.v1.subscriptions.pause(made.id, nothing)
    assert pending(shop, other) == []


def test_resuming_begins_a_new_period(shop: Shop, clock: str) -> None:
    customer, subscription = paused(shop, clock)
    at = DECEMBER + 5 * DAY
    shop.advance(clock, at)
    resumed = shop.v1.subscriptions.resume(subscription, {})
    assert (resumed.status, resumed.billing_cycle_anchor) == ("active", at)
    assert resumed.status_details is None
    invoice = invoices(shop, customer)[-1]
    # What waited comes with it: 3000 + 100 - 1500.
    assert (sorted(amounts(invoice)), invoice.status) == ([-1_500, 100, 3_000], "paid")
    assert len(shop.told("customer.subscription.resumed")) == 1
    shop.advance(clock, JANUARY + 5 * DAY + HOUR)
    # The calls of November were billed when it was paused, and are not billed again.
    assert sorted(amounts(invoices(shop, customer)[-1])) == [0, 3_000]


def test_resuming_may_go_on_in_the_period_that_runs(shop: Shop, clock: str) -> None:
    customer, subscription = paused(shop, clock)
    shop.advance(clock, NOVEMBER + 20 * DAY)
    use(shop, customer, "10", NOVEMBER + 20 * DAY)
    resumed = shop.v1.subscriptions.resume(subscription, {"billing_cycle_anchor": "unchanged"})
    assert (resumed.status, resumed.billing_cycle_anchor) == ("active", NOVEMBER)
    # A third of the month is left.
    assert pending(shop, customer) == [-1_500, 100, 1_000]
    shop.advance(clock, DECEMBER + HOUR)
    # Usage since it was resumed: 10 x 2; then December.
    assert sorted(amounts(invoices(shop, customer)[-1])) == [-1_500, 20, 100, 1_000, 3_000]


def test_resuming_can_wait_for_its_payment(shop: Shop, clock: str) -> None:
    customer, subscription = paused(shop, clock)
    card = shop.v1.payment_methods.attach(FAILS, {"customer": customer}).id
    default = {"invoice_settings": {"default_payment_method": card}}
    shop.v1.customers.update(customer, default)
    wanted = {"payment_behavior": "resume_on_payment_success"}
    assert shop.v1.subscriptions.resume(subscription, wanted).status == "paused"
    shop.v1.invoices.pay(invoices(shop, customer)[-1].id, {"payment_method": "pm_card_visa"})
    assert status_of(shop, subscription) == "active"


def test_a_resumption_that_nobody_pays_for_is_dropped(shop: Shop, clock: str) -> None:
    customer, subscription = paused(shop, clock)
    card = shop.v1.payment_methods.attach(FAILS, {"customer": customer}).id
    default = {"invoice_settings": {"default_payment_method": card}}
    shop.v1.customers.update(customer, default)
    wanted = {"payment_behavior": "resume_on_payment_success"}
    shop.v1.subscriptions.resume(subscription, wanted)
    shop.advance(clock, NOVEMBER + 15 * DAY + 23 * HOUR)
    assert status_of(shop, subscription) == "paused"
    assert invoices(shop, customer)[-1].status == "void"


def test_only_some_are_paused_and_resumed(shop: Shop, clock: str) -> None:
    customer = shop.customer(test_clock=clock)
    made = subscribe(shop, customer, price(shop, "3000"))
    with pytest.raises(stripe.InvalidRequestError, match="only resume paused"):
        shop.v1.subscriptions.resume(made.id, {})
    shop.v1.subscriptions.cancel(made.id)
    with pytest.raises(stripe.InvalidRequestError, match="it is canceled"):
        shop.v1.subscriptions.pause(made.id, {})


@pytest.mark.parametrize(
    ("behavior", "status"),
    [("keep_as_draft", "draft"), ("mark_uncollectible", "uncollectible"), ("void", "void")],
)
def test_while_collection_is_paused_invoices_are_not_collected(
    shop: Shop, clock: str, behavior: str, status: str
) -> None:
    customer = shop.customer(test_clock=clock)
    made = subscribe(shop, customer, price(shop, "3000"))
    pause = {"pause_collection": {"behavior": behavior}}
    changed = shop.v1.subscriptions.update(made.id, pause)
    assert (changed.status, changed.pause_collection.behavior) == ("active", behavior)
    shop.advance(clock, DECEMBER + HOUR)
    assert invoices(shop, customer)[-1].status == status
    assert len(shop.v1.charges.list({"customer": customer}).data) == 1
    shop.v1.subscriptions.update(made.id, {"pause_collection": ""})
    shop.advance(clock, JANUARY + HOUR)
    assert invoices(shop, customer)[-1].status == "paid"


def test_collection_resumes_by_itself(shop: Shop, clock: str) -> None:
    customer = shop.customer(test_clock=clock)
    made = subscribe(shop, customer, price(shop, "3000"))
    pause = {"pause_collection": {"behavior": "void", "resumes_at": DECEMBER + DAY}}
    shop.v1.subscriptions.update(made.id, pause)
    shop.advance(clock, JANUARY)
    shop.advance(clock, JANUARY + HOUR)
    assert shop.v1.subscriptions.retrieve(made.id).pause_collection is None
    assert [one.status for one in invoices(shop, customer)] == ["paid", "void", "paid"]


@pytest.mark.parametrize(
    ("wanted", "status"), [("cancel", "canceled"), ("pause", "paused"), (None, "past_due")]
)
def test_a_trial_ends_with_nothing_to_pay_with(
    shop: Shop, clock: str, wanted: str | None, status: str
) -> None:
    customer = shop.customer(card=None, test_clock=clock)
    settings = {"end_behavior": {"missing_payment_method": wanted}}
    fields = {"trial_settings": settings} if wanted else {}
    made = subscribe(shop, customer, price(shop, "3000"), trial_period_days=7, **fields)
    shop.advance(clock, NOVEMBER + 7 * DAY + HOUR)
    assert status_of(shop, made.id) == status


def test_a_new_anchor_bills_the_usage_before_it(shop: Shop, clock: str) -> None:
    customer = shop.customer(test_clock=clock)
    made = subscribe(shop, customer, price(shop, "3000"), price(shop, "2", **metered(meter(shop))))
    use(shop, customer, "50", NOVEMBER)
    shop.advance(clock, NOVEMBER + 15 * DAY)
    shop.v1.subscriptions.update(
        made.id,
        {
            "items": [{"id": item_of(made), "quantity": 1}],
            "billing_cycle_anchor": {"type": "now"},
            "proration_behavior": "always_invoice",
        },
    )
    # Half of November back, a whole month ahead, and 50 x 2 of the period that was cut short.
    assert sorted(amounts(invoices(shop, customer)[-1])) == [-1_500, 100, 3_000]
