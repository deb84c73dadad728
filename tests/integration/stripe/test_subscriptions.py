"""Subscriptions: first payments, changes, failures, ends. Amounts are in cents."""

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
ASKS = "pm_card_authenticationRequired"


@pytest.fixture
def clock(shop: Shop) -> str:
    return shop.clock(NOVEMBER)


def replace_card(shop: Shop, customer: str, card: str) -> None:
    method = shop.v1.payment_methods.attach(card, {"customer": customer})
    shop.v1.customers.update(customer, {"invoice_settings": {"default_payment_method": method.id}})


def kinds(shop: Shop) -> list[str]:
    return [event["type"] for event in shop.told()]


# First payments


def test_a_first_payment_makes_it_active(shop: Shop) -> None:
    customer = shop.customer()
    made = shop.v1.subscriptions.create(
        {
            "customer": customer,
            "items": [{"price": price(shop, "2900"), "quantity": 2}],
            "expand": ["latest_invoice.payments"],
        }
    )
    assert made.status == "active"
    assert made.latest_invoice.total == 5_800
    [payment] = made.latest_invoice.payments.data
    assert (payment.status, payment.amount_paid) == ("paid", 5_800)
    intent = shop.v1.payment_intents.retrieve(payment.payment.payment_intent)
    assert (intent.status, intent.amount_received) == ("succeeded", 5_800)
    assert made["items"].data[0].current_period_start == made.start_date
    assert "current_period_start" not in made.to_dict()


def test_a_declined_first_payment_leaves_it_incomplete(shop: Shop, clock: str) -> None:
    customer = shop.customer(FAILS, test_clock=clock)
    made = subscribe(shop, customer, price(shop, "2900"))
    assert made.status == "incomplete"
    [invoice] = invoices(shop, customer)
    assert (invoice.status, invoice.attempt_count) == ("open", 1)
    replace_card(shop, customer, "pm_card_visa")
    assert shop.v1.invoices.pay(invoice.id).status == "paid"
    assert shop.v1.subscriptions.retrieve(made.id).status == "active"


def test_an_incomplete_one_expires_after_23_hours(shop: Shop, clock: str) -> None:
    customer = shop.customer(FAILS, test_clock=clock)
    made = subscribe(shop, customer, price(shop, "2900"))
    shop.advance(clock, NOVEMBER + 23 * HOUR - 1)
    assert shop.v1.subscriptions.retrieve(made.id).status == "incomplete"
    shop.advance(clock, NOVEMBER + 23 * HOUR)
    assert shop.v1.subscriptions.retrieve(made.id).status == "incomplete_expired"
    assert [one.status for one in invoices(shop, customer)] == ["void"]


def test_error_if_incomplete_creates_nothing(shop: Shop) -> None:
    customer = shop.customer(FAILS)
    with pytest.raises(stripe.CardError):
        subscribe(shop, customer, price(shop, "2900"), payment_behavior="error_if_incomplete")
    assert shop.v1.subscriptions.list({"customer": customer, "status": "all"}).data == []
    assert invoices(shop, customer) == []
    assert shop.v1.charges.list({"customer": customer}).data == []


def test_default_incomplete_is_paid_by_its_intent(shop: Shop) -> None:
    customer = shop.customer()
    made = subscribe(
        shop,
        customer,
        price(shop, "2900"),
        payment_behavior="default_incomplete",
        expand=["latest_invoice.payments", "latest_invoice.confirmation_secret"],
    )
    assert made.status == "incomplete"
    secret = made.latest_invoice.confirmation_secret.client_secret
    intent = made.latest_invoice.payments.data[0].payment.payment_intent
    assert secret.startswith(intent)
    shop.v1.payment_intents.confirm(intent, {"payment_method": "pm_card_visa"})
    assert shop.v1.subscriptions.retrieve(made.id).status == "active"


def test_authentication_at_the_first_payment(shop: Shop) -> None:
    customer = shop.customer(ASKS)
    made = subscribe(shop, customer, price(shop, "2900"), expand=["latest_invoice.payments"])
    assert made.status == "incomplete"
    assert "invoice.payment_action_required" in kinds(shop)
    shop.control(f"authentications/{made.latest_invoice.payments.data[0].payment.payment_intent}")
    assert shop.v1.subscriptions.retrieve(made.id).status == "active"


def test_usage_alone_needs_no_first_invoice(shop: Shop) -> None:
    customer = shop.customer(card=None)
    made = subscribe(shop, customer, price(shop, "1", **metered(meter(shop))))
    assert (made.status, made.latest_invoice) == ("active", None)
    assert invoices(shop, customer) == []


def test_a_trial_collects_when_it_ends(shop: Shop, clock: str) -> None:
    customer = shop.customer(test_clock=clock)
    made = subscribe(shop, customer, price(shop, "2900"), trial_period_days=7)
    assert (made.status, made.trial_end) == ("trialing", NOVEMBER + 7 * DAY)
    assert invoices(shop, customer) == []
    shop.advance(clock, NOVEMBER + 7 * DAY + HOUR)
    [invoice] = invoices(shop, customer)
    assert (invoice.total, invoice.status) == (2_900, "paid")
    assert shop.v1.subscriptions.retrieve(made.id).status == "active"


def test_a_trial_that_is_ended_is_charged_at_once(shop: Shop, clock: str) -> None:
    customer = shop.customer(test_clock=clock)
    made = subscribe(shop, customer, price(shop, "2900"), trial_period_days=14)
    team = price(shop, "9900")
    now = NOVEMBER + 3 * DAY
    shop.advance(clock, now)
    changed = shop.v1.subscriptions.update(
        made.id, {"trial_end": "now", "items": [{"id": item_of(made), "price": team}]}
    )
    assert (changed.status, changed.trial_end, changed.billing_cycle_anchor) == ("active", now, now)
    [invoice] = invoices(shop, customer)
    assert (invoice.status, invoice.billing_reason) == ("paid", "subscription_update")
    # A month from 4 November at the new price; nothing is prorated for the trial.
    assert amounts(invoice) == [9_900]
    assert invoice.lines.data[0].period.to_dict() == {"start": now, "end": now + 30 * DAY}
    shop.advance(clock, now + 30 * DAY + HOUR)
    assert [amounts(one) for one in invoices(shop, customer)] == [[9_900], [9_900]]


def test_a_trial_goes_on_where_its_end_is_not_paid(shop: Shop, clock: str) -> None:
    customer = shop.customer("pm_card_chargeCustomerFail", test_clock=clock)
    made = subscribe(shop, customer, price(shop, "2900"), trial_period_days=14)
    end_now = {"trial_end": "now", "payment_behavior": "error_if_incomplete"}
    with pytest.raises(stripe.CardError):
        shop.v1.subscriptions.update(made.id, end_now)
    assert invoices(shop, customer) == []
    waits = {"trial_end": "now", "payment_behavior": "pending_if_incomplete"}
    waiting = shop.v1.subscriptions.update(made.id, waits)
    assert (waiting.status, waiting.trial_end) == ("trialing", NOVEMBER + 14 * DAY)
    assert waiting.pending_update.trial_end == NOVEMBER
    replace_card(shop, customer, "pm_card_visa")
    [invoice] = invoices(shop, customer)
    shop.v1.invoices.pay(invoice.id)
    paid = shop.v1.subscriptions.retrieve(made.id)
    assert (paid.status, paid.trial_end, paid.pending_update) == ("active", NOVEMBER, None)
    assert paid["items"].data[0].current_period_end == NOVEMBER + 30 * DAY


def test_another_interval_charges_nothing_while_a_trial_lasts(shop: Shop, clock: str) -> None:
    customer = shop.customer(test_clock=clock)
    made = subscribe(shop, customer, price(shop, "2900"), trial_period_days=14)
    yearly = price(shop, "29000", recurring={"interval": "year"})
    changed = shop.v1.subscriptions.update(
        made.id, {"items": [{"id": item_of(made), "price": yearly}]}
    )
    assert (changed.status, changed.trial_end) == ("trialing", NOVEMBER + 14 * DAY)
    assert changed.billing_cycle_anchor == NOVEMBER + 14 * DAY
    assert invoices(shop, customer) == []
    shop.advance(clock, NOVEMBER + 14 * DAY + HOUR)
    [invoice] = invoices(shop, customer)
    assert (amounts(invoice), invoice.status) == ([29_000], "paid")
    assert invoice.lines.data[0].period.end == NOVEMBER + (14 + 365) * DAY


def test_a_later_anchor_shortens_the_first_period(shop: Shop, clock: str) -> None:
    customer = shop.customer(test_clock=clock)
    anchor = NOVEMBER + 15 * DAY
    subscribe(shop, customer, price(shop, "3100"), billing_cycle_anchor=anchor)
    [first] = invoices(shop, customer)
    # 15 days of the 31 from 16 October to 16 November: 3100 x 15/31.
    assert amounts(first) == [1_500]
    shop.advance(clock, anchor + HOUR)
    assert amounts(invoices(shop, customer)[-1]) == [3_100]


def test_an_invoice_that_is_sent_is_due_later(shop: Shop, clock: str) -> None:
    customer = shop.customer(card=None, test_clock=clock)
    subscribe(
        shop, customer, price(shop, "2900"), collection_method="send_invoice", days_until_due=30
    )
    shop.advance(clock, NOVEMBER + HOUR)
    [invoice] = invoices(shop, customer)
    assert (invoice.status, invoice.due_date) == ("open", NOVEMBER + HOUR + 30 * DAY)
    paid = shop.v1.invoices.pay(invoice.id, {"paid_out_of_band": True})
    assert (paid.status, paid.amount_paid) == ("paid", 0)
    assert "invoice.payment_succeeded" not in kinds(shop)
    assert "invoice.paid" in kinds(shop)


# Changes


def _upgrade(shop: Shop, clock: str, card: str, **fields: Any) -> tuple[str, str, str]:
    """Subscribes with a good card, changes to another card, and asks for a dearer price."""
    customer = shop.customer(test_clock=clock)
    team = price(shop, "9900")
    made = subscribe(shop, customer, price(shop, "2900"))
    shop.advance(clock, NOVEMBER + 15 * DAY)
    replace_card(shop, customer, card)
    shop.v1.subscriptions.update(
        made.id,
        {
            "items": [{"id": item_of(made), "price": team}],
            "proration_behavior": "always_invoice",
            **fields,
        },
    )
    return customer, made.id, team


def _price_of(shop: Shop, subscription: str) -> str:
    return str(shop.v1.subscriptions.retrieve(subscription)["items"].data[0].price.id)


def test_a_preview_is_what_is_then_done(shop: Shop, clock: str) -> None:
    customer = shop.customer(test_clock=clock)
    made = subscribe(shop, customer, price(shop, "2900"))
    at = NOVEMBER + 10 * DAY
    shop.advance(clock, at)
    change: Any = {
        "items": [{"id": item_of(made), "price": price(shop, "9900")}],
        "proration_behavior": "always_invoice",
        "proration_date": at,
    }
    preview = shop.v1.invoices.create_preview(
        {"subscription": made.id, "subscription_details": change}
    )
    assert preview.id.startswith("upcoming_in_")
    assert len(invoices(shop, customer)) == 1
    assert _price_of(shop, made.id) != change["items"][0]["price"]
    shop.v1.subscriptions.update(made.id, change)
    done = invoices(shop, customer)[-1]
    # 20 of 30 days are left: -2900 x 2/3 = -1933.33, 9900 x 2/3 = 6600.
    assert amounts(preview) == amounts(done) == [6_600, -1_933]
    assert preview.amount_due == done.amount_paid == 4_667


def test_a_renewal_is_previewed_with_usage_so_far(shop: Shop, clock: str) -> None:
    customer = shop.customer(test_clock=clock)
    made = subscribe(shop, customer, price(shop, "2900"), price(shop, "2", **metered(meter(shop))))
    use(shop, customer, "50", NOVEMBER)
    preview = shop.v1.invoices.create_preview({"subscription": made.id})
    assert sorted(amounts(preview)) == [100, 2_900]
    assert (preview.period_start, preview.period_end) == (NOVEMBER, DECEMBER)


def test_a_change_stands_though_it_is_not_paid(shop: Shop, clock: str) -> None:
    customer, subscription, team = _upgrade(shop, clock, FAILS)
    assert _price_of(shop, subscription) == team
    assert shop.v1.subscriptions.retrieve(subscription).status == "past_due"
    assert invoices(shop, customer)[-1].status == "open"


def test_a_change_that_must_be_paid_changes_nothing(shop: Shop, clock: str) -> None:
    with pytest.raises(stripe.CardError):
        _upgrade(shop, clock, FAILS, payment_behavior="error_if_incomplete")
    [customer] = shop.v1.customers.list({"test_clock": clock}).data
    [subscription] = shop.v1.subscriptions.list({"customer": customer.id}).data
    assert subscription.status == "active"
    assert subscription["items"].data[0].price.unit_amount == 2_900
    assert len(invoices(shop, customer.id)) == 1
    assert shop.v1.invoice_items.list({"customer": customer.id}).data == []


def test_a_change_waits_for_its_payment(shop: Shop, clock: str) -> None:
    customer, subscription, team = _upgrade(
        shop, clock, FAILS, payment_behavior="pending_if_incomplete"
    )
    found = shop.v1.subscriptions.retrieve(subscription)
    assert found.status == "active"
    assert found["items"].data[0].price.unit_amount == 2_900
    assert found.pending_update.expires_at == NOVEMBER + 15 * DAY + 23 * HOUR
    assert found.pending_update.subscription_items[0].price.id == team
    replace_card(shop, customer, "pm_card_visa")
    shop.v1.invoices.pay(found.latest_invoice)
    found = shop.v1.subscriptions.retrieve(subscription)
    assert found.pending_update is None
    assert found["items"].data[0].price.id == team
    assert "customer.subscription.pending_update_applied" in kinds(shop)
    shop.advance(clock, DECEMBER + HOUR)
    # The next period costs the new price, and nothing of the change comes again.
    assert amounts(invoices(shop, customer)[-1]) == [9_900]


def test_a_change_nobody_pays_for_is_dropped(shop: Shop, clock: str) -> None:
    customer, subscription, _ = _upgrade(
        shop, clock, FAILS, payment_behavior="pending_if_incomplete"
    )
    shop.advance(clock, NOVEMBER + 15 * DAY + 23 * HOUR)
    found = shop.v1.subscriptions.retrieve(subscription)
    assert found.pending_update is None
    assert found["items"].data[0].price.unit_amount == 2_900
    assert invoices(shop, customer)[-1].status == "void"
    assert "customer.subscription.pending_update_expired" in kinds(shop)


def test_a_change_waits_for_authentication(shop: Shop, clock: str) -> None:
    customer, subscription, team = _upgrade(
        shop, clock, ASKS, payment_behavior="pending_if_incomplete"
    )
    assert _price_of(shop, subscription) != team
    [intent] = [
        one
        for one in shop.v1.payment_intents.list({"customer": customer}).data
        if one.status == "requires_action"
    ]
    shop.control(f"authentications/{intent.id}")
    assert _price_of(shop, subscription) == team


def test_only_some_things_wait(shop: Shop, clock: str) -> None:
    customer = shop.customer(test_clock=clock)
    made = subscribe(shop, customer, price(shop, "2900"))
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.subscriptions.update(
            made.id, {"metadata": {"a": "b"}, "payment_behavior": "pending_if_incomplete"}
        )
    assert refused.value.param == "metadata"


def test_without_an_id_an_item_is_added(shop: Shop, clock: str) -> None:
    customer = shop.customer(test_clock=clock)
    made = subscribe(shop, customer, price(shop, "2900"))
    more = price(shop, "600")
    shop.v1.subscriptions.update(made.id, {"items": [{"price": more}]})
    assert len(shop.v1.subscriptions.retrieve(made.id)["items"].data) == 2
    shop.advance(clock, DECEMBER)
    # The whole of November was left, and December comes.
    assert sorted(amounts(invoices(shop, customer)[-1])) == [600, 600, 2_900]


def test_a_new_price_resets_the_quantity(shop: Shop) -> None:
    customer = shop.customer()
    made = shop.v1.subscriptions.create(
        {"customer": customer, "items": [{"price": price(shop, "100"), "quantity": 5}]}
    )
    item = item_of(made)
    changed = shop.v1.subscription_items.update(item, {"price": price(shop, "200")})
    assert (changed.id, changed.quantity) == (item, 1)


def test_a_quantity_credits_the_whole_old_one(shop: Shop, clock: str) -> None:
    customer = shop.customer(test_clock=clock)
    made = shop.v1.subscriptions.create(
        {"customer": customer, "items": [{"price": price(shop, "1000"), "quantity": 3}]}
    )
    shop.advance(clock, NOVEMBER + 15 * DAY)
    shop.v1.subscription_items.update(item_of(made), {"quantity": 5})
    pending = shop.v1.invoice_items.list({"customer": customer, "pending": True}).data
    # Half of 3000 back, half of 5000 on.
    assert sorted(item.amount for item in pending) == [-1_500, 2_500]
    assert {item.proration for item in pending} == {True}


def test_a_metered_item_that_goes_bills_its_usage(shop: Shop, clock: str) -> None:
    customer = shop.customer(test_clock=clock)
    made = subscribe(shop, customer, price(shop, "2900"), price(shop, "2", **metered(meter(shop))))
    use(shop, customer, "50", NOVEMBER)
    shop.advance(clock, NOVEMBER + DAY)
    usage = next(one for one in made["items"].data if one.quantity is None)
    shop.v1.subscription_items.delete(usage.id)
    shop.advance(clock, DECEMBER)
    assert sorted(amounts(invoices(shop, customer)[-1])) == [100, 2_900]


def test_from_monthly_to_yearly_charges_at_once(shop: Shop, clock: str) -> None:
    customer = shop.customer(test_clock=clock)
    yearly = price(shop, "29000", recurring={"interval": "year"})
    made = subscribe(shop, customer, price(shop, "2900"))
    at = NOVEMBER + 20 * DAY
    shop.advance(clock, at)
    changed = shop.v1.subscriptions.update(
        made.id, {"items": [{"id": item_of(made), "price": yearly}]}
    )
    # A third of 2900 back, a whole year ahead: -966.67 and 29,000.
    invoice = invoices(shop, customer)[-1]
    assert (sorted(amounts(invoice)), invoice.status) == ([-967, 29_000], "paid")
    assert changed.billing_cycle_anchor == at
    assert changed["items"].data[0].current_period_end == at + 365 * DAY


# Failed renewals


def test_a_failed_renewal_is_tried_eight_times_and_then_canceled(shop: Shop, clock: str) -> None:
    customer = shop.customer(test_clock=clock)
    made = subscribe(shop, customer, price(shop, "2900"))
    replace_card(shop, customer, FAILS)
    shop.advance(clock, DECEMBER + HOUR)
    assert shop.v1.subscriptions.retrieve(made.id).status == "past_due"
    invoice = invoices(shop, customer)[-1]
    assert (invoice.attempt_count, invoice.next_payment_attempt) == (
        1,
        DECEMBER + HOUR + 2 * DAY,
    )
    shop.advance(clock, DECEMBER + HOUR + 14 * DAY)
    invoice = invoices(shop, customer)[-1]
    assert (invoice.attempt_count, invoice.next_payment_attempt) == (8, None)
    found = shop.v1.subscriptions.retrieve(made.id)
    assert (found.status, found.cancellation_details.reason) == ("canceled", "payment_failed")


def test_a_new_card_brings_a_past_due_one_back(shop: Shop, clock: str) -> None:
    customer = shop.customer(test_clock=clock)
    made = subscribe(shop, customer, price(shop, "2900"))
    replace_card(shop, customer, FAILS)
    shop.advance(clock, DECEMBER + HOUR)
    replace_card(shop, customer, "pm_card_visa")
    shop.advance(clock, DECEMBER + HOUR + 2 * DAY)
    assert invoices(shop, customer)[-1].status == "paid"
    assert shop.v1.subscriptions.retrieve(made.id).status == "active"


def test_after_a_hard_decline_only_a_new_card_is_tried(shop: Shop, clock: str) -> None:
    customer = shop.customer(test_clock=clock)
    subscribe(shop, customer, price(shop, "2900"))
    shop.control("declines", decline_code="lost_card")
    shop.advance(clock, DECEMBER + HOUR)
    assert invoices(shop, customer)[-1].attempt_count == 1
    shop.advance(clock, DECEMBER + HOUR + 2 * DAY)
    # The card would work now, but it was reported lost.
    assert invoices(shop, customer)[-1].attempt_count == 1
    replace_card(shop, customer, "pm_card_mastercard")
    shop.advance(clock, DECEMBER + HOUR + 4 * DAY)
    assert invoices(shop, customer)[-1].status == "paid"


def test_unpaid_ones_draft_their_invoices_only(shop: Shop, clock: str) -> None:
    shop.control("dunning", retry_seconds=[DAY], after_retries="unpaid")
    customer = shop.customer(test_clock=clock)
    made = subscribe(shop, customer, price(shop, "2900"))
    replace_card(shop, customer, FAILS)
    shop.advance(clock, DECEMBER + HOUR + DAY)
    assert shop.v1.subscriptions.retrieve(made.id).status == "unpaid"
    shop.advance(clock, JANUARY + 2 * HOUR)
    draft = invoices(shop, customer)[-1]
    assert (draft.status, draft.auto_advance) == ("draft", False)


# Ends


def test_canceled_at_the_end_of_the_period(shop: Shop, clock: str) -> None:
    customer = shop.customer(test_clock=clock)
    made = subscribe(shop, customer, price(shop, "2900"), price(shop, "2", **metered(meter(shop))))
    asked = shop.v1.subscriptions.update(made.id, {"cancel_at_period_end": True})
    assert (asked.status, asked.cancel_at, asked.canceled_at) == ("active", DECEMBER, NOVEMBER)
    use(shop, customer, "50", NOVEMBER)
    shop.advance(clock, DECEMBER + HOUR)
    found = shop.v1.subscriptions.retrieve(made.id)
    assert (found.status, found.ended_at, found.canceled_at) == ("canceled", DECEMBER, NOVEMBER)
    # The usage comes on a last invoice; December does not.
    assert amounts(invoices(shop, customer)[-1]) == [100]


def test_a_planned_end_is_lifted(shop: Shop, clock: str) -> None:
    customer = shop.customer(test_clock=clock)
    made = subscribe(shop, customer, price(shop, "2900"))
    shop.v1.subscriptions.update(made.id, {"cancel_at_period_end": True})
    lifted = shop.v1.subscriptions.update(made.id, {"cancel_at_period_end": False})
    assert (lifted.cancel_at, lifted.canceled_at) == (None, None)
    shop.advance(clock, DECEMBER + HOUR)
    assert shop.v1.subscriptions.retrieve(made.id).status == "active"


def test_canceled_at_a_date_in_mid_period(shop: Shop, clock: str) -> None:
    customer = shop.customer(test_clock=clock)
    made = subscribe(shop, customer, price(shop, "3000"))
    at = NOVEMBER + 10 * DAY
    shop.v1.subscriptions.update(made.id, {"cancel_at": at})
    shop.advance(clock, at + HOUR)
    assert shop.v1.subscriptions.retrieve(made.id).ended_at == at
    # 20 of 30 days come back as credit.
    assert invoices(shop, customer)[-1].total == -2_000
    assert shop.v1.customers.retrieve(customer).balance == -2_000


@pytest.mark.parametrize(
    ("options", "last", "pending"),
    [
        ({}, [2_900], []),
        ({"prorate": True}, [2_900], [-1_450]),
        ({"invoice_now": True}, [100], []),
        ({"invoice_now": True, "prorate": True}, [-1_450, 100], []),
    ],
)
def test_canceled_now(
    shop: Shop, clock: str, options: Any, last: list[int], pending: list[int]
) -> None:
    customer = shop.customer(test_clock=clock)
    made = subscribe(shop, customer, price(shop, "2900"), price(shop, "2", **metered(meter(shop))))
    use(shop, customer, "50", NOVEMBER)
    shop.advance(clock, NOVEMBER + 15 * DAY)
    ended = shop.v1.subscriptions.cancel(made.id, options)
    assert (ended.status, ended.ended_at) == ("canceled", NOVEMBER + 15 * DAY)
    assert "customer.subscription.deleted" in kinds(shop)
    assert sorted(amounts(invoices(shop, customer)[-1])) == last
    waiting = shop.v1.invoice_items.list({"customer": customer, "pending": True}).data
    assert [item.amount for item in waiting] == pending


def test_deleting_the_customer_cancels(shop: Shop) -> None:
    customer = shop.customer()
    made = subscribe(shop, customer, price(shop, "2900"))
    shop.v1.customers.delete(customer)
    assert shop.v1.subscriptions.retrieve(made.id).status == "canceled"


# Invoices by hand, and what follows them


def test_an_amount_computed_elsewhere_is_collected(shop: Shop) -> None:
    customer = shop.customer()
    invoice = shop.v1.invoices.create({"customer": customer, "auto_advance": False})
    shop.v1.invoice_items.create(
        {"customer": customer, "invoice": invoice.id, "amount": 1_234, "currency": "usd"}
    )
    shop.v1.invoices.add_lines(invoice.id, {"lines": [{"amount": 66, "description": "More"}]})
    final = shop.v1.invoices.finalize_invoice(invoice.id)
    assert (final.status, final.total, final.amount_due) == ("open", 1_300, 1_300)
    assert final.number.endswith("-0001")
    paid = shop.v1.invoices.pay(invoice.id)
    assert (paid.status, paid.amount_paid) == ("paid", 1_300)
    with pytest.raises(stripe.InvalidRequestError, match="already paid"):
        shop.v1.invoices.pay(invoice.id)


def test_a_declined_invoice_stays_open(shop: Shop) -> None:
    customer = shop.customer(FAILS)
    invoice = shop.v1.invoices.create({"customer": customer})
    shop.v1.invoices.add_lines(invoice.id, {"lines": [{"amount": 1_000}]})
    shop.v1.invoices.finalize_invoice(invoice.id)
    with pytest.raises(stripe.CardError):
        shop.v1.invoices.pay(invoice.id)
    assert shop.v1.invoices.retrieve(invoice.id).status == "open"
    assert shop.v1.invoices.void_invoice(invoice.id).status == "void"
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.invoices.pay(invoice.id)


def test_a_balance_is_used_first_and_given_back_by_voiding(shop: Shop) -> None:
    customer = shop.customer()
    shop.v1.customers.balance_transactions.create(customer, {"amount": -300, "currency": "usd"})
    invoice = shop.v1.invoices.create({"customer": customer})
    shop.v1.invoices.add_lines(invoice.id, {"lines": [{"amount": 1_000}]})
    final = shop.v1.invoices.finalize_invoice(invoice.id)
    assert (final.total, final.amount_due) == (1_000, 700)
    assert (final.starting_balance, final.ending_balance) == (-300, 0)
    shop.v1.invoices.void_invoice(invoice.id)
    assert shop.v1.customers.retrieve(customer).balance == -300
    changes = shop.v1.customers.balance_transactions.list(customer).data
    # -300 by hand, +300 applied, -300 given back.
    assert [one.amount for one in changes] == [-300, 300, -300]


def test_credit_notes_take_back_what_remains(shop: Shop) -> None:
    customer = shop.customer()
    invoice = shop.v1.invoices.create({"customer": customer})
    shop.v1.invoices.add_lines(invoice.id, {"lines": [{"amount": 1_000}]})
    shop.v1.invoices.finalize_invoice(invoice.id)
    shop.v1.credit_notes.create({"invoice": invoice.id, "amount": 200})
    assert shop.v1.invoices.retrieve(invoice.id).amount_due == 800
    assert shop.v1.invoices.pay(invoice.id).amount_paid == 800
    with pytest.raises(stripe.InvalidRequestError, match="must equal"):
        shop.v1.credit_notes.create({"invoice": invoice.id, "amount": 500, "refund_amount": 100})
    note = shop.v1.credit_notes.create(
        {"invoice": invoice.id, "amount": 500, "refund_amount": 400, "credit_amount": 100}
    )
    assert shop.v1.refunds.retrieve(note.refunds[0].refund).amount == 400
    assert shop.v1.customers.retrieve(customer).balance == -100
    # 1000 - 200 - 500
    with pytest.raises(stripe.InvalidRequestError, match="what remains"):
        shop.v1.credit_notes.create(
            {"invoice": invoice.id, "amount": 301, "out_of_band_amount": 301}
        )


def test_a_renewal_tells_its_story_in_order(shop: Shop, clock: str) -> None:
    customer = shop.customer(test_clock=clock)
    subscribe(shop, customer, price(shop, "2900"))
    before = len(shop.told())
    shop.advance(clock, DECEMBER + HOUR)
    assert [kind for kind in kinds(shop)[before:] if not kind.startswith("test_helpers")] == [
        "invoice.created",
        "customer.subscription.updated",
        "payment_intent.created",
        "invoice.finalized",
        "charge.succeeded",
        "payment_intent.succeeded",
        "invoice_payment.paid",
        "invoice.paid",
        "invoice.payment_succeeded",
    ]
