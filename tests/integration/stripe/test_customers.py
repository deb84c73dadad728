"""Customers and their payment methods."""

import pytest
import stripe

from tests.integration.stripe.conftest import Shop


def test_a_customer_is_found_by_email_and_deleted(shop: Shop) -> None:
    ada = shop.v1.customers.create({"email": "ada@example.com", "name": "Ada"})
    shop.v1.customers.create({"email": "bob@example.com"})
    assert [one.id for one in shop.v1.customers.list({"email": "ada@example.com"}).data] == [ada.id]
    gone = shop.v1.customers.delete(ada.id)
    assert gone.deleted
    found = shop.v1.customers.retrieve(ada.id)
    assert found.to_dict() == {"id": ada.id, "object": "customer", "deleted": True}
    assert shop.v1.customers.list({"email": "ada@example.com"}).data == []
    with pytest.raises(stripe.InvalidRequestError, match="No such customer"):
        shop.v1.customers.update(ada.id, {"name": "A"})


def test_changes_are_told_with_what_was_before(shop: Shop) -> None:
    customer = shop.v1.customers.create({"name": "Ada", "address": {"city": "London"}})
    shop.v1.customers.update(customer.id, {"name": "Ada L.", "address": {"city": "Paris"}})
    shop.v1.customers.update(customer.id, {"name": "Ada L."})
    [event] = shop.told("customer.updated")
    assert event["data"]["previous_attributes"] == {"name": "Ada", "address": {"city": "London"}}
    assert event["data"]["object"]["name"] == "Ada L."
    assert [one["type"] for one in shop.told()] == ["customer.created", "customer.updated"]


def test_a_token_attached_is_a_new_method_and_not_the_default(shop: Shop) -> None:
    customer = shop.v1.customers.create({})
    method = shop.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    assert method.id != "pm_card_visa"
    assert method.customer == customer.id
    found = shop.v1.customers.retrieve(customer.id)
    assert found.invoice_settings.default_payment_method is None
    assert [one.id for one in shop.v1.customers.payment_methods.list(customer.id).data] == [
        method.id
    ]
    assert [one["type"] for one in shop.told()] == ["customer.created", "payment_method.attached"]


def test_a_method_has_one_customer_and_is_attached_once(shop: Shop) -> None:
    ada, bob = shop.v1.customers.create({}), shop.v1.customers.create({})
    method = shop.v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}})
    shop.v1.payment_methods.attach(method.id, {"customer": ada.id})
    with pytest.raises(stripe.InvalidRequestError, match="already been attached"):
        shop.v1.payment_methods.attach(method.id, {"customer": bob.id})
    shop.v1.payment_methods.detach(method.id)
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        shop.v1.payment_methods.attach(method.id, {"customer": ada.id})


def test_detaching_the_default_leaves_none(shop: Shop) -> None:
    customer = shop.customer()
    [method] = shop.v1.customers.payment_methods.list(customer).data
    shop.v1.payment_methods.detach(method.id)
    found = shop.v1.customers.retrieve(customer)
    assert found.invoice_settings.default_payment_method is None


def test_another_customers_method_is_no_default(shop: Shop) -> None:
    shop.customer()
    [event] = shop.told("payment_method.attached")
    other = shop.v1.customers.create({})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.customers.update(
            other.id,
            {"invoice_settings": {"default_payment_method": event["data"]["object"]["id"]}},
        )
    assert refused.value.param == "invoice_settings[default_payment_method]"


@pytest.mark.parametrize(
    ("token", "code", "decline_code"),
    [
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card"),
        ("pm_card_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", None),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", None),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", None),
    ],
)
def test_some_cards_are_refused_when_attached(
    shop: Shop, token: str, code: str, decline_code: str | None
) -> None:
    customer = shop.v1.customers.create({})
    with pytest.raises(stripe.CardError) as refused:
        shop.v1.payment_methods.attach(token, {"customer": customer.id})
    assert refused.value.code == code
    assert refused.value.error is not None
    assert refused.value.error.to_dict().get("decline_code") == decline_code
    assert shop.v1.customers.payment_methods.list(customer.id).data == []


def test_customers_of_a_clock_are_hidden_without_it(shop: Shop) -> None:
    clock = shop.clock(1793491200)
    customer = shop.v1.customers.create({"test_clock": clock})
    assert customer.created == 1793491200
    assert shop.v1.customers.list().data == []
    assert [one.id for one in shop.v1.customers.list({"test_clock": clock}).data] == [customer.id]


def test_a_clock_takes_three_customers(shop: Shop) -> None:
    clock = shop.clock(1793491200)
    for _ in range(3):
        shop.v1.customers.create({"test_clock": clock})
    with pytest.raises(stripe.InvalidRequestError, match="at most 3 customers"):
        shop.v1.customers.create({"test_clock": clock})
