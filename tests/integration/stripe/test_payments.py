"""Payment intents, charges, refunds and setup intents. Amounts are in cents."""

from typing import Any

import pytest
import stripe

from tests.integration.stripe.conftest import Shop

CARDS_ONLY = {"automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}


def pay(shop: Shop, amount: int = 2_900, **fields: Any) -> Any:
    return shop.v1.payment_intents.create(
        {"amount": amount, "currency": "usd", "confirm": True, **CARDS_ONLY, **fields}
    )


def default_card(shop: Shop, customer: str) -> str:
    found = shop.v1.customers.retrieve(customer)
    return str(found.invoice_settings.default_payment_method)


def test_a_payment_in_one_call(shop: Shop) -> None:
    customer = shop.customer()
    intent = pay(
        shop, customer=customer, payment_method=default_card(shop, customer), off_session=True
    )
    assert (intent.status, intent.amount_received) == ("succeeded", 2_900)
    charge = shop.v1.charges.retrieve(intent.latest_charge, {"expand": ["balance_transaction"]})
    assert (charge.status, charge.amount_captured, charge.paid) == ("succeeded", 2_900, True)
    assert charge.balance_transaction.net == 2_900
    assert [event["type"] for event in shop.told()][-3:] == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
    ]


def test_a_payment_step_by_step(shop: Shop) -> None:
    intent = shop.v1.payment_intents.create({"amount": 100, "currency": "USD", **CARDS_ONLY})
    assert intent.status == "requires_payment_method"
    intent = shop.v1.payment_intents.update(intent.id, {"payment_method": "pm_card_visa"})
    assert intent.status == "requires_confirmation"
    intent = shop.v1.payment_intents.confirm(intent.id)
    assert (intent.status, intent.currency) == ("succeeded", "usd")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.payment_intents.confirm(intent.id)
    assert refused.value.code == "payment_intent_unexpected_state"


def test_only_a_success_says_paid(shop: Shop) -> None:
    intent = shop.v1.payment_intents.create(
        {"amount": 100, "currency": "usd", "payment_method": "pm_card_visa", **CARDS_ONLY}
    )
    assert intent.amount_received == 0
    assert shop.told("payment_intent.succeeded") == []


def test_fifty_cents_are_the_least(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.payment_intents.create({"amount": 49, "currency": "usd"})
    assert refused.value.code == "amount_too_small"
    shop.v1.payment_intents.create({"amount": 50, "currency": "usd"})


def test_a_currency_that_there_is_not(shop: Shop) -> None:
    customer = shop.customer(card=None)
    for make, fields in (
        (shop.v1.payment_intents.create, {"amount": 500, "currency": "zzz"}),
        (shop.v1.prices.create, {"unit_amount": 5, "currency": "us", "product": "prod_x"}),
        (shop.v1.invoice_items.create, {"customer": customer, "amount": 5, "currency": "zzz"}),
    ):
        with pytest.raises(stripe.InvalidRequestError, match="Invalid currency: ") as refused:
            make(fields)
        assert refused.value.param == "currency"
    # Their case does not matter.
    assert shop.v1.payment_intents.create({"amount": 500, "currency": "USD"}).currency == "usd"


def test_confirming_on_the_server_wants_a_return_url_or_cards_only(shop: Shop) -> None:
    wanted = {
        "amount": 100,
        "currency": "usd",
        "confirm": True,
        "payment_method": "pm_card_visa",
    }
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.payment_intents.create(wanted)
    assert refused.value.param == "return_url"
    for extra in (
        {"payment_method_types": ["card"]},
        {"allowed_payment_method_types": ["card"]},
        {"return_url": "https://shop.example"},
    ):
        assert shop.v1.payment_intents.create({**wanted, **extra}).status == "succeeded"


def test_a_decline_leaves_a_failed_charge_and_an_intent_to_try_again(shop: Shop) -> None:
    customer = shop.customer("pm_card_chargeCustomerFail")
    with pytest.raises(stripe.CardError) as declined:
        pay(shop, customer=customer, payment_method=default_card(shop, customer))
    error: Any = declined.value.error
    assert (error.code, error.decline_code) == ("card_declined", "generic_decline")
    assert error.payment_intent.status == "requires_payment_method"
    intent = shop.v1.payment_intents.retrieve(error.payment_intent.id)
    assert intent.last_payment_error.payment_method.card.last4 == "0341"
    charge = shop.v1.charges.retrieve(intent.latest_charge)
    assert (charge.status, charge.paid, charge.amount_captured) == ("failed", False, 0)
    good = shop.v1.payment_methods.attach("pm_card_visa", {"customer": customer})
    assert shop.v1.payment_intents.confirm(intent.id, {"payment_method": good.id}).status == (
        "succeeded"
    )
    kinds = [event["type"] for event in shop.told() if "pay" in event["type"]]
    assert "payment_intent.payment_failed" in kinds
    assert "payment_intent.failed" not in kinds


def test_a_declined_key_replays_the_decline_and_a_new_one_charges(shop: Shop) -> None:
    customer = shop.customer()
    card = default_card(shop, customer)
    shop.control("declines", decline_code="insufficient_funds")

    def attempt(key: str) -> Any:
        return shop.v1.payment_intents.create(
            {
                "amount": 2_900,
                "currency": "usd",
                "confirm": True,
                "customer": customer,
                "payment_method": card,
                **CARDS_ONLY,
            },
            {"idempotency_key": key},
        )

    for _ in range(2):
        with pytest.raises(stripe.CardError) as declined:
            attempt("change-7/attempt-1")
        assert declined.value.error.decline_code == "insufficient_funds"  # type: ignore[union-attr]
    assert attempt("change-7/attempt-2").status == "succeeded"
    assert attempt("change-7/attempt-2").status == "succeeded"
    # One failed and one successful charge, whatever was repeated.
    found = shop.v1.charges.list({"customer": customer}).data
    assert [one.status for one in found] == ["succeeded", "failed"]


def test_authentication_waits_for_the_customer(shop: Shop) -> None:
    intent = pay(shop, payment_method="pm_card_authenticationRequired")
    assert intent.status == "requires_action"
    assert intent.next_action.type == "use_stripe_sdk"
    assert shop.v1.charges.list().data == []
    shop.control(f"authentications/{intent.id}", succeed=True)
    assert shop.v1.payment_intents.retrieve(intent.id).status == "succeeded"


def test_authentication_can_fail(shop: Shop) -> None:
    intent = pay(shop, payment_method="pm_card_threeDSecure2Required")
    shop.control(f"authentications/{intent.id}", succeed=False)
    found = shop.v1.payment_intents.retrieve(intent.id)
    assert found.status == "requires_payment_method"
    assert found.last_payment_error.code == "payment_intent_authentication_failure"


def test_authentication_off_session_is_refused(shop: Shop) -> None:
    customer = shop.customer("pm_card_authenticationRequired")
    with pytest.raises(stripe.CardError) as refused:
        pay(shop, customer=customer, payment_method=default_card(shop, customer), off_session=True)
    assert refused.value.code == "authentication_required"
    intent = refused.value.error.payment_intent  # type: ignore[union-attr]
    assert intent.status == "requires_payment_method"  # type: ignore[union-attr]


def test_authenticated_and_then_declined(shop: Shop) -> None:
    intent = pay(shop, payment_method="pm_card_threeDSecureRequiredChargeDeclined")
    assert intent.status == "requires_action"
    shop.control(f"authentications/{intent.id}")
    found = shop.v1.payment_intents.retrieve(intent.id)
    assert found.status == "requires_payment_method"
    assert found.last_payment_error.decline_code == "generic_decline"


def test_authorized_then_captured_in_part(shop: Shop) -> None:
    intent = pay(shop, 5_000, payment_method="pm_card_visa", capture_method="manual")
    assert (intent.status, intent.amount_capturable, intent.amount_received) == (
        "requires_capture",
        5_000,
        0,
    )
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.payment_intents.capture(intent.id, {"amount_to_capture": 5_001})
    intent = shop.v1.payment_intents.capture(intent.id, {"amount_to_capture": 3_000})
    assert (intent.status, intent.amount_received, intent.amount_capturable) == (
        "succeeded",
        3_000,
        0,
    )


def test_what_is_not_captured_in_seven_days_is_released(shop: Shop) -> None:
    intent = pay(shop, payment_method="pm_card_visa", capture_method="manual")
    shop.stage.clock.advance(days=7, seconds=-1)
    assert shop.v1.payment_intents.retrieve(intent.id).status == "requires_capture"
    shop.stage.clock.advance(seconds=1)
    found = shop.v1.payment_intents.retrieve(intent.id)
    assert (found.status, found.cancellation_reason) == ("canceled", "automatic")


def test_a_finished_intent_cannot_be_canceled(shop: Shop) -> None:
    intent = pay(shop, payment_method="pm_card_visa")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.payment_intents.cancel(intent.id)
    assert refused.value.code == "payment_intent_unexpected_state"


def test_refunds_stop_at_what_was_paid(shop: Shop) -> None:
    intent = pay(shop, 1_000, payment_method="pm_card_visa")
    shop.v1.refunds.create({"payment_intent": intent.id, "amount": 300})
    # 1000 - 300 = 700 are left.
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.refunds.create({"payment_intent": intent.id, "amount": 701})
    assert refused.value.param == "amount"
    rest = shop.v1.refunds.create({"charge": intent.latest_charge})
    assert (rest.amount, rest.status) == (700, "succeeded")
    # What the account's balance took and gave: newest first.
    booked = shop.v1.balance_transactions.list().data
    assert [(one.type, one.amount) for one in booked] == [
        ("refund", -700),
        ("refund", -300),
        ("charge", 1_000),
    ]
    charge = shop.v1.charges.retrieve(intent.latest_charge, {"expand": ["refunds"]})
    assert (charge.refunded, charge.amount_refunded) == (True, 1_000)
    assert [one.amount for one in charge.refunds.data] == [700, 300]
    with pytest.raises(stripe.InvalidRequestError) as nothing:
        shop.v1.refunds.create({"charge": intent.latest_charge})
    assert nothing.value.code == "charge_already_refunded"


def test_a_refund_that_is_pending_comes_through(shop: Shop) -> None:
    intent = pay(shop, payment_method="pm_card_pendingRefund")
    refund = shop.v1.refunds.create({"payment_intent": intent.id})
    assert refund.status == "pending"
    shop.stage.clock.advance(hours=1)
    assert shop.v1.refunds.retrieve(refund.id).status == "succeeded"
    assert len(shop.told("refund.updated")) == 1


def test_a_refund_that_fails_later_gives_the_amount_back_to_the_charge(shop: Shop) -> None:
    intent = pay(shop, payment_method="pm_card_refundFail")
    refund = shop.v1.refunds.create({"payment_intent": intent.id})
    assert refund.status == "succeeded"
    shop.stage.clock.advance(hours=1)
    assert shop.v1.refunds.retrieve(refund.id).status == "failed"
    charge = shop.v1.charges.retrieve(intent.latest_charge)
    assert (charge.amount_refunded, charge.refunded) == (0, False)


def test_a_disputed_charge_is_told(shop: Shop) -> None:
    pay(shop, payment_method="pm_card_createDispute")
    [event] = shop.told("charge.dispute.created")
    assert event["data"]["object"]["amount"] == 2_900


def test_a_setup_intent_attaches_the_card(shop: Shop) -> None:
    customer = shop.customer(card=None)
    intent = shop.v1.setup_intents.create(
        {"customer": customer, "payment_method": "pm_card_visa", "confirm": True}
    )
    assert intent.status == "succeeded"
    [method] = shop.v1.customers.payment_methods.list(customer).data
    assert method.id == intent.payment_method


def test_a_card_authenticated_at_setup_pays_off_session(shop: Shop) -> None:
    customer = shop.customer(card=None)
    intent = shop.v1.setup_intents.create(
        {"customer": customer, "payment_method": "pm_card_authenticationRequiredOnSetup"}
    )
    intent = shop.v1.setup_intents.confirm(intent.id)
    assert intent.status == "requires_action"
    assert shop.v1.customers.payment_methods.list(customer).data == []
    shop.control(f"authentications/{intent.id}")
    intent = shop.v1.setup_intents.retrieve(intent.id)
    assert intent.status == "succeeded"
    paid = pay(shop, customer=customer, payment_method=intent.payment_method, off_session=True)
    assert paid.status == "succeeded"


def test_a_setup_can_fail(shop: Shop) -> None:
    with pytest.raises(stripe.CardError):
        shop.v1.setup_intents.create(
            {"payment_method": "pm_card_visa_chargeDeclined", "confirm": True}
        )
    [failed] = shop.v1.setup_intents.list().data
    assert failed.last_setup_error.decline_code == "generic_decline"
    assert shop.v1.setup_intents.cancel(failed.id).status == "canceled"
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.setup_intents.confirm(failed.id)


def test_events_are_sent_again_as_a_test_wants_them(shop: Shop) -> None:
    hook = "https://shop.example.com/stripe"
    made = shop.v1.webhook_endpoints.create({"url": hook, "enabled_events": ["*"]})
    shop.control("webhooks", mode="hold")
    for name in "ab":
        shop.v1.customers.create({"name": name})
    shop.work_off()
    assert shop.stage.targets.posts == []
    first, second = shop.told("customer.created")
    shop.control(f"events/{second['id']}/deliver", times=2)
    shop.control(f"events/{first['id']}/deliver", wrong_secret=True)
    shop.control(f"events/{first['id']}/deliver", two_signatures=True)
    shop.work_off()
    names = [post.event["data"]["object"]["name"] for post in shop.stage.targets.posts]
    assert sorted(names) == ["a", "a", "b", "b"]
    construct_event: Any = stripe.Webhook.construct_event
    verdicts = []
    for post in shop.stage.targets.posts:
        try:
            header = post.headers["stripe-signature"]
            construct_event(post.body, header, made.secret, tolerance=None)
            verdicts.append(True)
        except stripe.SignatureVerificationError:
            verdicts.append(False)
    assert sorted(verdicts) == [False, True, True, True]


def test_a_fault_of_the_sandbox_declines_here_too(shop: Shop) -> None:
    mine, other = shop.customer(), shop.customer()
    fault = {
        "kind": "payment_decline",
        "decline_code": "insufficient_funds",
        "customer": mine,
        "count": 1,
    }
    assert shop.stage.product.post("/mock/faults", {"faults": [fault]}).status == 200
    assert pay(shop, customer=other, payment_method=default_card(shop, other)).status == "succeeded"
    with pytest.raises(stripe.CardError) as declined:
        pay(shop, customer=mine, payment_method=default_card(shop, mine))
    assert declined.value.error.decline_code == "insufficient_funds"  # type: ignore[union-attr]
    assert pay(shop, customer=mine, payment_method=default_card(shop, mine)).status == "succeeded"
