"""The five flows that the double is for, row by row, through the SDK.

`ROWS` names for each row of a flow, failure paths included, the tests that walk it. Most are in
the modules of the resources; what they leave is here.
"""

import json
from importlib import import_module
from typing import Any

import pytest
import stripe

from tests.integration.stripe.billing import (
    DECEMBER,
    HOUR,
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
from tests.integration.stripe.conftest import HOOK, Shop

CARDS_ONLY = {"automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}
DAY = 86_400

ROWS = {
    # F1: onboarding and payment methods
    "F1 customers: create, get, delete, by email": ("customers", "customer_is_found_by_email"),
    "F1 customers: default payment method": ("flows", "onboarding_tells_its_story"),
    "F1 payment methods: card from a token, attach": ("customers", "method_has_one_customer"),
    "F1 payment methods: detach": ("customers", "detaching_the_default_leaves_none"),
    "F1 payment methods: both lists": ("flows", "methods_are_listed_both_ways"),
    "F1 setup intents: create, confirm": ("payments", "setup_intent_attaches_the_card"),
    "F1 setup intents: cancel": ("payments", "setup_can_fail"),
    "F1 events": ("flows", "onboarding_tells_its_story"),
    "F1 failure: declined at attach": ("customers", "some_cards_are_refused_when_attached"),
    "F1 failure: attached, charges fail": ("payments", "decline_leaves_a_failed_charge"),
    "F1 failure: 3DS at setup": ("payments", "card_authenticated_at_setup_pays_off_session"),
    "F1 failure: 3DS at setup fails": ("flows", "authentication_at_setup_can_fail"),
    "F1 failure: attach to a second customer": ("customers", "method_has_one_customer"),
    "F1 failure: detached method again": ("flows", "detached_method_pays_for_nothing"),
    "F1 failure: same create by key": ("wire", "same_key_does_the_work_once"),
    # F2a: a contract elsewhere, Stripe collects
    "F2a payment intents: create, confirm, off session": ("payments", "payment_in_one_call"),
    "F2a payment intents: step by step": ("payments", "payment_step_by_step"),
    "F2a payment intents: capture": ("payments", "authorized_then_captured_in_part"),
    "F2a payment intents: cancel": ("flows", "authorized_payment_is_given_up"),
    "F2a payment intents: wrong state": ("payments", "finished_intent_cannot_be_canceled"),
    "F2a charges": ("payments", "payment_in_one_call"),
    "F2a refunds": ("payments", "refunds_stop_at_what_was_paid"),
    "F2a refunds: pending": ("payments", "refund_that_is_pending_comes_through"),
    "F2a refunds: failed later": ("payments", "refund_that_fails_later"),
    "F2a failure: decline": ("payments", "decline_leaves_a_failed_charge"),
    "F2a failure: same key, next attempt": ("payments", "declined_key_replays_the_decline"),
    "F2a failure: 3DS on session": ("payments", "authentication_waits_for_the_customer"),
    "F2a failure: 3DS off session": ("payments", "authentication_off_session_is_refused"),
    "F2a failure: too small": ("payments", "fifty_cents_are_the_least"),
    # F2b: a Stripe subscription
    "F2b products and prices": ("flows", "catalog_is_kept"),
    "F2b prices as decimals": ("flows", "catalog_is_kept"),
    "F2b subscriptions: create": ("subscriptions", "first_payment_makes_it_active"),
    "F2b subscriptions: update": ("subscriptions", "preview_is_what_is_then_done"),
    "F2b subscriptions: cancel": ("subscriptions", "canceled_now"),
    "F2b subscription items": ("subscriptions", "new_price_resets_the_quantity"),
    "F2b invoices: preview": ("subscriptions", "preview_is_what_is_then_done"),
    "F2b invoices: get, list, finalize, pay": (
        "subscriptions",
        "amount_computed_elsewhere_is_collected",
    ),
    "F2b invoices: void": ("subscriptions", "balance_is_used_first_and_given_back_by_voiding"),
    "F2b invoice items": ("subscriptions", "amount_computed_elsewhere_is_collected"),
    "F2b invoice payments": ("subscriptions", "first_payment_makes_it_active"),
    "F2b credit notes": ("subscriptions", "credit_notes_take_back_what_remains"),
    "F2b proration: two lines": ("worked_examples", "8_a_change_to_the_second"),
    "F2b always_invoice": ("subscriptions", "preview_is_what_is_then_done"),
    "F2b pending_if_incomplete": ("subscriptions", "change_waits_for_its_payment"),
    "F2b error_if_incomplete": ("subscriptions", "change_that_must_be_paid_changes_nothing"),
    "F2b failure: decline, tier unchanged": (
        "subscriptions",
        "change_that_must_be_paid_changes_nothing",
    ),
    "F2b failure: same key, next attempt": ("flows", "declined_upgrade_is_charged_by_its_next_key"),
    "F2b failure: 3DS, tier waits": ("subscriptions", "change_waits_for_authentication"),
    "F2b failure: amended in vain, credit note": ("flows", "paid_upgrade_is_taken_back"),
    # F3: webhooks in
    "F3 webhook endpoints: all verbs": ("flows", "endpoints_are_kept"),
    "F3 webhook endpoints: secret at creation": ("webhooks", "secret_is_shown_at_creation_only"),
    "F3 events: list and get": ("flows", "events_are_found_again"),
    "F3 events: that were not delivered": ("flows", "events_are_found_again"),
    "F3 signatures": ("webhooks", "what_is_sent_is_verified_by_the_sdk"),
    "F3 retries": ("webhooks", "receiver_that_was_down_gets_everything_later"),
    "F3 controls: again, twice, wrong secret, two v1": (
        "payments",
        "events_are_sent_again_as_a_test_wants_them",
    ),
    "F3 controls: out of order, delay": ("controls", "deliveries_wait_as_long_as_a_test_wants"),
    "F3 controls: stale": ("flows", "stale_delivery_is_refused"),
    "F3 controls: drop": ("flows", "lost_deliveries_are_listed"),
    "F3 thin events": ("meters", "what_fails_after_acceptance_is_told_in_a_thin_event"),
    # F4: meter deltas and reconciliation
    "F4 meters: all verbs": ("flows", "meters_are_kept"),
    "F4 meter events: limits": ("meters", "timestamps_have_bounds"),
    "F4 meter events: duplicates": ("meters", "events_are_counted_once_for_each_identifier"),
    "F4 meter events: unknown meter": ("meters", "event_needs_an_active_meter"),
    "F4 adjustments": ("meters", "adjustment_takes_an_event_back_within_a_day"),
    "F4 summaries: windows": ("meters", "events_are_counted_once_for_each_identifier"),
    "F4 summaries: alignment": ("meters", "summaries_want_aligned_bounds"),
    "F4 summaries: pages": ("flows", "month_by_hour_takes_pages"),
    "F4 lag": ("meters", "booking_lags_behind_as_a_test_wants"),
    "F4 failure: told later": ("meters", "what_fails_after_acceptance_is_told_in_a_thin_event"),
    "F4 failure: no meter, told later": ("flows", "event_without_a_meter_is_told_later"),
    "F4 failure: 429, 500 after booking, lost": (
        "meters",
        "events_are_held_lost_or_booked_with_an_error",
    ),
    "F4 meter events by API v2": ("meters", "events_by_api_v2_are_checked_at_once"),
    # F5: invoice parity on a test clock
    "F5 test clocks: create, get, list, advance, delete": ("flows", "clocks_are_kept"),
    "F5 advancing is seen": ("webhooks", "poller_sees_a_clock_advancing_then_ready"),
    "F5 failure: clock that fails": ("due_work", "test_clock_ends_with_work_that_cannot_be_done"),
    "F5 period end, draft hour, finalization": ("worked_examples", "14_a_clock_run"),
    "F5 attempts and retries": ("subscriptions", "failed_renewal_is_tried_eight_times"),
    "F5 expiry of incomplete": ("subscriptions", "incomplete_one_expires_after_23_hours"),
    "F5 grant expiry": ("flows", "grant_that_expired_pays_for_nothing"),
    "F5 cancel_at": ("subscriptions", "canceled_at_a_date_in_mid_period"),
    "F5 metered and licensed": ("worked_examples", "14_a_clock_run"),
    "F5 per unit": ("worked_examples", "1_rounding_per_line"),
    "F5 graduated and volume": ("worked_examples", "3_4_5_7_tiers"),
    "F5 transform_quantity": ("worked_examples", "6_transform_quantity"),
    "F5 credit grants": ("worked_examples", "13_credits_in_their_order"),
    "F5 late usage in and after the draft hour": ("worked_examples", "14_a_clock_run"),
    "F5 the script": ("flows", "script_of_the_demo"),
}


@pytest.mark.parametrize("row", ROWS)
def test_each_row_has_a_test(row: str) -> None:
    module, name = ROWS[row]
    tests = vars(import_module(f"tests.integration.stripe.test_{module}"))
    found = [one for one in tests if one.startswith("test_") and name in one]
    assert len(found) == 1, found


# F1


def test_onboarding_tells_its_story(shop: Shop) -> None:
    customer = shop.v1.customers.create({"email": "ada@example.com"})
    intent = shop.v1.setup_intents.create(
        {"customer": customer.id, "payment_method": "pm_card_visa", "usage": "off_session"}
    )
    confirmed = shop.v1.setup_intents.confirm(intent.id)
    default = {"invoice_settings": {"default_payment_method": confirmed.payment_method}}
    updated = shop.v1.customers.update(customer.id, default)
    assert updated.invoice_settings.default_payment_method == confirmed.payment_method
    shop.v1.payment_methods.detach(confirmed.payment_method)
    shop.v1.customers.delete(customer.id)
    assert [event["type"] for event in shop.told()] == [
        "customer.created",
        "setup_intent.created",
        "payment_method.attached",
        "setup_intent.succeeded",
        "customer.updated",
        "payment_method.detached",
        "customer.updated",
        "customer.deleted",
    ]


def test_methods_are_listed_both_ways(shop: Shop) -> None:
    ada, bob = shop.customer(), shop.customer("pm_card_mastercard")
    mine = shop.v1.customers.payment_methods.list(ada).data
    assert [one.card.brand for one in mine] == ["visa"]
    assert [one.id for one in shop.v1.payment_methods.list({"customer": ada}).data] == [mine[0].id]
    theirs = shop.v1.payment_methods.list({"customer": bob, "type": "card"}).data
    assert [one.card.brand for one in theirs] == ["mastercard"]
    assert shop.v1.customers.payment_methods.retrieve(ada, mine[0].id).customer == ada
    with pytest.raises(stripe.InvalidRequestError, match="No such"):
        shop.v1.customers.payment_methods.retrieve(bob, mine[0].id)


def test_authentication_at_setup_can_fail(shop: Shop) -> None:
    customer = shop.customer(card=None)
    intent = shop.v1.setup_intents.create(
        {
            "customer": customer,
            "payment_method": "pm_card_authenticationRequiredOnSetup",
            "confirm": True,
        }
    )
    assert intent.status == "requires_action"
    shop.control(f"authentications/{intent.id}", succeed=False)
    found = shop.v1.setup_intents.retrieve(intent.id)
    assert found.status == "requires_payment_method"
    assert found.last_setup_error.code == "setup_intent_authentication_failure"
    assert shop.v1.customers.payment_methods.list(customer).data == []
    assert [event["type"] for event in shop.told()][-2:] == [
        "setup_intent.requires_action",
        "setup_intent.setup_failed",
    ]


def test_a_detached_method_pays_for_nothing(shop: Shop) -> None:
    customer = shop.customer()
    [method] = shop.v1.customers.payment_methods.list(customer).data
    shop.v1.payment_methods.detach(method.id)
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        shop.v1.payment_intents.create(
            {
                "amount": 500,
                "currency": "usd",
                "payment_method": method.id,
                "confirm": True,
                **CARDS_ONLY,
            }
        )
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.setup_intents.create({"customer": customer, "payment_method": method.id})
    assert shop.v1.charges.list().data == []


# F2


def test_an_authorized_payment_is_given_up(shop: Shop) -> None:
    intent = shop.v1.payment_intents.create(
        {
            "amount": 500,
            "currency": "usd",
            "payment_method": "pm_card_visa",
            "capture_method": "manual",
            "confirm": True,
            **CARDS_ONLY,
        }
    )
    reason = {"cancellation_reason": "requested_by_customer"}
    given_up = shop.v1.payment_intents.cancel(intent.id, reason)
    assert (given_up.status, given_up.amount_capturable) == ("canceled", 0)
    assert given_up.cancellation_reason == "requested_by_customer"
    charge = shop.v1.charges.retrieve(given_up.latest_charge)
    assert (charge.refunded, charge.amount_captured) == (True, 0)
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.payment_intents.capture(intent.id)


def test_the_catalog_is_kept(shop: Shop) -> None:
    product = shop.v1.products.create({"name": "Pro", "metadata": {"tier": "pro"}})
    made = shop.v1.prices.create(
        {
            "currency": "usd",
            "product": product.id,
            "recurring": {"interval": "month"},
            "unit_amount_decimal": "2999.5",
            "lookup_key": "pro",
        }
    )
    assert (made.unit_amount, str(made.unit_amount_decimal)) == (None, "2999.5")
    newer = shop.v1.prices.create(
        {
            "currency": "usd",
            "product": product.id,
            "recurring": {"interval": "month"},
            "unit_amount": 3_100,
            "lookup_key": "pro",
            "transfer_lookup_key": True,
        }
    )
    assert shop.v1.prices.update(made.id, {"active": False}).active is False
    assert [one.id for one in shop.v1.prices.list({"lookup_keys": ["pro"]}).data] == [newer.id]
    active = shop.v1.prices.list({"product": product.id, "active": True}).data
    assert [one.id for one in active] == [newer.id]
    assert shop.v1.products.update(product.id, {"name": "Team"}).name == "Team"
    with pytest.raises(stripe.InvalidRequestError):
        # What has prices stays.
        shop.v1.products.delete(product.id)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.prices.update(newer.id, {"unit_amount": 1})
    assert refused.value.code == "parameter_unknown"


def _subscribed(shop: Shop) -> tuple[str, Any, str]:
    """Returns a customer with a subscription of $29.00 in the middle of November, and its clock."""
    clock = shop.clock(NOVEMBER)
    customer = shop.customer(test_clock=clock)
    made = subscribe(shop, customer, price(shop, "2900"))
    shop.advance(clock, NOVEMBER + 15 * DAY)
    return customer, made, clock


def test_a_declined_upgrade_is_charged_by_its_next_key(shop: Shop) -> None:
    customer, made, _ = _subscribed(shop)
    change = {
        "items": [{"id": item_of(made), "price": price(shop, "9900")}],
        "proration_behavior": "always_invoice",
        "payment_behavior": "error_if_incomplete",
    }
    shop.control("declines", decline_code="insufficient_funds")

    def attempt(number: int) -> Any:
        key = {"idempotency_key": f"upgrade/{number}"}
        return shop.v1.subscriptions.update(made.id, change, key)

    for _ in range(2):
        with pytest.raises(stripe.CardError) as declined:
            attempt(1)
        assert declined.value.error.decline_code == "insufficient_funds"  # type: ignore[union-attr]
    for _ in range(2):
        assert attempt(2)["items"].data[0].price.unit_amount == 9_900
    taken = [one.amount for one in shop.v1.charges.list({"customer": customer}).data if one.paid]
    # Half of 9900 - half of 2900, once, and the first month.
    assert taken == [3_500, 2_900]


def test_a_paid_upgrade_is_taken_back(shop: Shop) -> None:
    """The contract elsewhere could not be amended, so the money goes back and the tier, too."""
    customer, made, _ = _subscribed(shop)
    cheap, dear = made["items"].data[0].price.id, price(shop, "9900")
    items = [{"id": item_of(made), "price": dear}]
    change = {"items": items, "proration_behavior": "always_invoice"}
    shop.v1.subscriptions.update(made.id, change)
    paid = invoices(shop, customer)[-1]
    assert (paid.status, paid.amount_paid) == ("paid", 3_500)
    note = shop.v1.credit_notes.create(
        {"invoice": paid.id, "amount": 3_500, "refund_amount": 3_500}
    )
    back = [{"id": item_of(made), "price": cheap}]
    shop.v1.subscriptions.update(made.id, {"items": back, "proration_behavior": "none"})
    assert shop.v1.refunds.retrieve(note.refunds[0].refund).status == "succeeded"
    assert shop.v1.customers.retrieve(customer).balance == 0
    assert shop.v1.invoice_items.list({"customer": customer, "pending": True}).data == []
    kinds = [event["type"] for event in shop.told()]
    assert {"credit_note.created", "refund.created", "charge.refunded"} <= set(kinds)


# F3


def test_endpoints_are_kept(shop: Shop) -> None:
    made = shop.v1.webhook_endpoints.create(
        {"url": HOOK, "enabled_events": ["invoice.paid"], "description": "Ours"}
    )
    changed = shop.v1.webhook_endpoints.update(made.id, {"enabled_events": ["customer.created"]})
    assert changed.enabled_events == ["customer.created"]
    assert [one.id for one in shop.v1.webhook_endpoints.list().data] == [made.id]
    shop.v1.customers.create({})
    assert shop.v1.webhook_endpoints.delete(made.id).deleted
    shop.v1.customers.create({})
    shop.work_off()
    assert shop.stage.targets.posts == []
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.webhook_endpoints.retrieve(made.id)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.webhook_endpoints.create({"url": "shop", "enabled_events": ["*"]})
    assert refused.value.param == "url"


def test_events_are_found_again(shop: Shop) -> None:
    shop.v1.webhook_endpoints.create({"url": HOOK, "enabled_events": ["customer.created"]})
    first = shop.v1.customers.create({"name": "first"})
    shop.work_off()
    shop.stage.targets.down.add(HOOK)
    shop.stage.clock.advance(days=1)
    second = shop.v1.customers.create({"name": "second"})
    shop.v1.customers.update(second.id, {"name": "other"})
    shop.work_off()

    def found(**fields: Any) -> list[tuple[str, str]]:
        listed = shop.v1.events.list(fields).data
        return [(one.type, one.data.object.id) for one in listed]

    # What a job asks for that catches up after an outage.
    assert found(delivery_success=False) == [("customer.created", second.id)]
    assert found(types=["customer.created", "invoice.paid"]) == [
        ("customer.created", second.id),
        ("customer.created", first.id),
    ]
    assert found(type="customer.updated") == [("customer.updated", second.id)]
    yesterday = {"lt": int(shop.stage.clock.timestamp())}
    assert found(created=yesterday) == [("customer.created", first.id)]
    [event] = shop.v1.events.list({"type": "customer.updated"}).data
    again = shop.v1.events.retrieve(event.id)
    assert again.data.previous_attributes.name == "second"
    shop.stage.clock.advance(days=30)
    assert found() == []


def test_a_stale_delivery_is_refused(shop: Shop) -> None:
    shop.v1.webhook_endpoints.create({"url": HOOK, "enabled_events": ["customer.created"]})
    shop.v1.customers.create({})
    shop.work_off()
    [event] = shop.told("customer.created")
    shop.control(f"events/{event['id']}/deliver", stale=True)
    shop.work_off()
    fresh, stale = [
        int(post.headers["stripe-signature"].removeprefix("t=").partition(",")[0])
        for post in shop.stage.targets.posts
    ]
    # More than the 300 seconds that the SDK tolerates.
    assert fresh - stale == 3_600


def test_lost_deliveries_are_listed(shop: Shop) -> None:
    shop.v1.webhook_endpoints.create({"url": HOOK, "enabled_events": ["customer.created"]})
    shop.control("webhooks", mode="lose")
    customer = shop.v1.customers.create({})
    shop.work_off()
    assert shop.stage.targets.posts == []
    # The double takes them for delivered: only the list of events knows of them.
    [event] = shop.v1.events.list({"type": "customer.created"}).data
    assert (event.pending_webhooks, event.data.object.id) == (0, customer.id)


# F4


def test_meters_are_kept(shop: Shop) -> None:
    made = meter(shop, "tokens")
    assert shop.v1.billing.meters.update(made, {"display_name": "Tokens"}).display_name == "Tokens"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.billing.meters.update(made, {"event_name": "other"})
    assert refused.value.code in ("parameter_missing", "parameter_unknown")
    off = shop.v1.billing.meters.deactivate(made)
    assert off.status_transitions.deactivated_at == int(shop.stage.clock.timestamp())
    assert [one.id for one in shop.v1.billing.meters.list({"status": "inactive"}).data] == [made]
    with pytest.raises(stripe.InvalidRequestError):
        price(shop, "1", **metered(made))
    shop.v1.billing.meters.reactivate(made)
    assert shop.v1.billing.meters.retrieve(made).status == "active"
    price(shop, "1", **metered(made))


def test_a_month_by_hour_takes_pages(shop: Shop) -> None:
    made, customer = meter(shop), shop.customer()
    noon = int(shop.stage.clock.timestamp())
    for hour in range(120):
        use(shop, customer, str(hour), noon - hour * HOUR)
    summaries = shop.v1.billing.meters.event_summaries.list(
        made,
        {
            "customer": customer,
            "start_time": noon - 200 * HOUR,
            "end_time": noon + HOUR,
            "value_grouping_window": "hour",
            "limit": 100,
        },
    )
    assert (len(summaries.data), summaries.has_more) == (100, True)
    everything = list(summaries.auto_paging_iter())
    # 0 + 1 + ... + 119, newest first; hours without usage are absent.
    assert [one.start_time for one in everything] == [noon - hour * HOUR for hour in range(120)]
    assert sum(one.aggregated_value for one in everything) == 7_140


def test_an_event_without_a_meter_is_told_later(shop: Shop) -> None:
    kind = "v1.billing.meter.no_meter_found"
    shop.v1.webhook_endpoints.create({"url": HOOK, "enabled_events": [kind]})
    shop.control("meter_events", accept_unknown=1)
    shop.v1.billing.meter_events.create(
        {"event_name": "none", "payload": {"value": "1"}, "identifier": "a"}
    )
    shop.work_off()
    [post] = shop.stage.targets.posts
    event: Any = shop.client.v2.core.events.retrieve(json.loads(post.body)["id"])
    [error] = event.data.reason.error_types
    assert (error.code, error.sample_errors[0].request.identifier) == ("no_meter", "a")
    with pytest.raises(stripe.InvalidRequestError, match="No active meter"):
        shop.v1.billing.meter_events.create({"event_name": "none", "payload": {"value": "1"}})


# F5


def test_clocks_are_kept(shop: Shop) -> None:
    clocks = shop.v1.test_helpers.test_clocks
    made = clocks.create({"frozen_time": NOVEMBER, "name": "November"})
    assert (made.status, made.name, made.livemode) == ("ready", "November", False)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        clocks.create({"frozen_time": NOVEMBER, "status": "ready"})
    assert (refused.value.code, refused.value.param) == ("parameter_unknown", "status")
    clocks.advance(made.id, {"frozen_time": NOVEMBER + DAY})
    with pytest.raises(stripe.InvalidRequestError, match="advancing"):
        clocks.advance(made.id, {"frozen_time": NOVEMBER + 2 * DAY})
    shop.work_off()
    customer = shop.v1.customers.create({})
    joined = clocks.create({"frozen_time": NOVEMBER, "customer": customer.id})
    assert shop.v1.customers.retrieve(customer.id).test_clock == joined.id
    with pytest.raises(stripe.InvalidRequestError, match="on a test clock already"):
        clocks.create({"frozen_time": NOVEMBER, "customer": customer.id})
    assert clocks.delete(joined.id).deleted
    assert [one.id for one in clocks.list().data] == [made.id]
    assert clocks.delete(made.id).deleted
    assert clocks.list().data == []


def test_a_grant_that_expired_pays_for_nothing(shop: Shop) -> None:
    clock = shop.clock(NOVEMBER)
    customer = shop.customer(test_clock=clock)
    grant: dict[str, Any] = {
        "customer": customer,
        "amount": {"type": "monetary", "monetary": {"currency": "usd", "value": 300}},
        "applicability_config": {"scope": {"price_type": "metered"}},
    }
    # The line's period ends on 1 December: one grant is over by then, one just not, and one begins
    # a second later. When the invoice is finalized, an hour later, does not matter.
    shop.v1.billing.credit_grants.create({**grant, "expires_at": DECEMBER})
    shop.v1.billing.credit_grants.create({**grant, "expires_at": DECEMBER + 1})
    shop.v1.billing.credit_grants.create({**grant, "effective_at": DECEMBER + 1})
    subscribe(shop, customer, price(shop, "1", **metered(meter(shop))))
    use(shop, customer, "1000", NOVEMBER)
    shop.advance(clock, DECEMBER)
    [draft] = invoices(shop, customer)
    assert (draft.status, draft.total) == ("draft", 1_000)
    shop.advance(clock, DECEMBER + HOUR)
    [final] = invoices(shop, customer)
    assert (final.status, final.amount_due) == ("paid", 700)


def test_the_script_of_the_demo(shop: Shop) -> None:
    """Usage with a duplicate and a late event, a draft hour, and an invoice to the cent."""
    v1 = shop.v1
    clock = shop.clock(NOVEMBER)
    customer = shop.customer(test_clock=clock)
    calls = meter(shop)
    tiers = [{"up_to": 100, "unit_amount": 3}, {"up_to": "inf", "unit_amount": 2}]
    graduated = price(
        shop, billing_scheme="tiered", tiers_mode="graduated", tiers=tiers, **metered(calls)
    )
    subscribe(shop, customer, price(shop, "2900"), graduated)

    def send(identifier: str, value: str, timestamp: int) -> None:
        v1.billing.meter_events.create(
            {
                "event_name": "calls",
                "payload": {"stripe_customer_id": customer, "value": value},
                "identifier": identifier,
                "timestamp": timestamp,
            }
        )

    send("k1", "60", NOVEMBER)
    send("k2", "50", NOVEMBER)
    with pytest.raises(stripe.InvalidRequestError, match="already exists"):
        send("k1", "60", NOVEMBER)

    def counted() -> float:
        [one] = v1.billing.meters.event_summaries.list(
            calls, {"customer": customer, "start_time": NOVEMBER, "end_time": DECEMBER}
        ).data
        return float(one.aggregated_value)

    assert counted() == 110
    shop.advance(clock, DECEMBER)
    draft = invoices(shop, customer)[-1]
    # 100 x 3 + 10 x 2 = 320, and $29.00 for December.
    assert (draft.status, draft.total) == ("draft", 3_220)
    send("late", "5", DECEMBER - 60)
    shop.advance(clock, DECEMBER + HOUR)
    final = v1.invoices.retrieve(draft.id, {"expand": ["payments"]})
    # 100 x 3 + 15 x 2 = 330: an item for each tier that was entered.
    assert sorted(amounts(final)) == [30, 300, 2_900]
    assert (final.status, final.amount_paid) == ("paid", 3_230)
    assert [one.amount_paid for one in final.payments.data] == [3_230]
    assert counted() == 115
    assert v1.test_helpers.test_clocks.delete(clock).deleted
    assert v1.customers.retrieve(customer).to_dict()["deleted"] is True
