"""What tests may do to the double: faults, disputes, finalizations that fail, late deliveries."""

import json
from typing import Any

import pytest
import stripe

from tests.integration.stripe.billing import (
    DECEMBER,
    HOUR,
    NOVEMBER,
    invoices,
    price,
    subscribe,
)
from tests.integration.stripe.conftest import HOOK, Shop

CARDS_ONLY = {"automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}


def pay(shop: Shop, **fields: Any) -> Any:
    wanted = {"amount": 900, "currency": "usd", "payment_method": "pm_card_visa", "confirm": True}
    return shop.v1.payment_intents.create({**wanted, **CARDS_ONLY, **fields})


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (409, stripe.APIError),
        (429, stripe.RateLimitError),
        (500, stripe.APIError),
        (503, stripe.APIError),
    ],
)
def test_a_call_fails_before_its_work_and_may_be_repeated(
    shop: Shop, status: int, error: type[Exception]
) -> None:
    shop.control("faults", status=status, method="POST", path="/v1/customers")
    assert shop.v1.customers.list().data == []
    with pytest.raises(error):
        shop.v1.customers.create({"name": "Ada"}, {"idempotency_key": "k"})
    assert shop.v1.customers.list().data == []
    made = shop.v1.customers.create({"name": "Ada"}, {"idempotency_key": "k"})
    assert [one.id for one in shop.v1.customers.list().data] == [made.id]


def test_a_call_fails_after_its_work_and_its_repetition_learns_of_it(shop: Shop) -> None:
    shop.control("faults", path="/v1/refunds", after_work=True)
    intent = pay(shop)
    refund = {"payment_intent": intent.id}
    with pytest.raises(stripe.APIError):
        shop.v1.refunds.create(refund, {"idempotency_key": "k"})
    assert shop.v1.refunds.create(refund, {"idempotency_key": "k"}).amount == 900
    assert shop.http.headers["idempotent-replayed"] == "true"
    assert len(shop.v1.refunds.list().data) == 1


def test_the_sdk_repeats_by_itself_what_failed_after_its_work(shop: Shop) -> None:
    client = stripe.StripeClient(
        "sk_test_demo",
        base_addresses={"api": "https://api.test/stripe"},
        http_client=shop.http,
        max_network_retries=1,
    )
    shop.control("faults", status=503, path="/v1/customers", after_work=True)
    made = client.v1.customers.create({"name": "Ada"})
    assert [one.id for one in shop.v1.customers.list().data] == [made.id]


def test_a_refused_call_fails_as_wanted_too(shop: Shop) -> None:
    shop.control("faults", path="/v1/refunds", after_work=True)
    with pytest.raises(stripe.APIError):
        shop.v1.refunds.create({"charge": "ch_none"})
    with pytest.raises(stripe.InvalidRequestError, match="No such charge"):
        shop.v1.refunds.create({"charge": "ch_none"})


def test_faults_are_counted_and_forgotten(shop: Shop) -> None:
    assert shop.control("faults", count=2, status=500)["faults"] == 2
    with pytest.raises(stripe.APIError):
        shop.v1.customers.list()
    assert shop.control("faults", count=0)["faults"] == 0
    assert shop.v1.customers.list().data == []


def test_a_connection_is_dropped(shop: Shop) -> None:
    shop.control("faults", drop=True, status=502, after_work=True)
    with pytest.raises(stripe.APIError):
        shop.v1.customers.create({})
    # The server that sees this header ends the connection; API Gateway hands the 502 on.
    assert shop.http.headers["x-backbeat-connection"] == "drop"


def test_a_charge_is_disputed_and_the_bank_decides(shop: Shop) -> None:
    intent = pay(shop)
    begun = shop.control("disputes", payment_intent=intent.id, reason="duplicate", amount=400)
    [event] = shop.told("charge.dispute.created")
    assert event["data"]["object"]["id"] == begun["id"]
    found = shop.v1.disputes.retrieve(begun["id"], {"expand": ["charge"]})
    assert (found.amount, found.reason, found.status) == (400, "duplicate", "needs_response")
    assert found.charge.disputed
    assert [one.id for one in shop.v1.disputes.list({"charge": found.charge.id}).data] == [found.id]
    shop.control(f"disputes/{found.id}", status="lost")
    [closed] = shop.told("charge.dispute.closed")
    assert closed["data"]["object"]["status"] == "lost"


@pytest.mark.parametrize("amount", [0, 901])
def test_no_more_is_disputed_than_was_charged(shop: Shop, amount: int) -> None:
    intent = pay(shop)
    url = "https://api.test/mock/stripe/disputes"
    body = json.dumps({"charge": intent.latest_charge, "amount": amount})
    text, status, _ = shop.http.request("POST", url, {"Authorization": "Bearer demo"}, body)
    assert (status, json.loads(text)["error"]["param"]) == (400, "amount")
    assert shop.v1.charges.retrieve(intent.latest_charge).disputed is False


def test_a_renewal_that_cannot_be_finalized_stays_a_draft(shop: Shop) -> None:
    clock = shop.clock(NOVEMBER)
    customer = shop.customer(test_clock=clock)
    subscribe(shop, customer, price(shop, "2900"))
    shop.control("finalizations", fail=1)
    shop.advance(clock, DECEMBER + HOUR)
    draft = invoices(shop, customer)[-1]
    assert (draft.status, draft.auto_advance) == ("draft", False)
    assert draft.last_finalization_error.type == "invalid_request_error"
    [event] = shop.told("invoice.finalization_failed")
    assert event["data"]["object"]["id"] == draft.id
    final = shop.v1.invoices.finalize_invoice(draft.id)
    assert (final.status, final.last_finalization_error) == ("open", None)


def test_a_draft_that_cannot_be_finalized_by_hand_says_so(shop: Shop) -> None:
    draft = shop.v1.invoices.create({"customer": shop.customer()})
    shop.control("finalizations", fail=1)
    with pytest.raises(stripe.InvalidRequestError, match="cannot be finalized"):
        shop.v1.invoices.finalize_invoice(draft.id)
    assert shop.v1.invoices.retrieve(draft.id).last_finalization_error is not None


def test_a_card_is_replaced_by_its_bank(shop: Shop) -> None:
    customer = shop.customer()
    [method] = shop.v1.customers.payment_methods.list(customer).data
    shop.control(f"card_updates/{method.id}", exp_year=2041, last4="1111")
    card = shop.v1.payment_methods.retrieve(method.id).card
    assert (card.exp_year, card.last4) == (2041, "1111")
    [event] = shop.told("payment_method.automatically_updated")
    assert event["data"]["previous_attributes"]["card"]["last4"] == "4242"


def test_deliveries_wait_as_long_as_a_test_wants(shop: Shop) -> None:
    shop.v1.webhook_endpoints.create({"url": HOOK, "enabled_events": ["customer.created"]})
    shop.control("webhooks", delay_seconds=60)
    shop.v1.customers.create({"name": "first"})
    shop.control("webhooks", delay_seconds=0)
    shop.v1.customers.create({"name": "second"})
    shop.work_off()
    shop.stage.clock.advance(seconds=60)
    shop.work_off()
    names = [post.event["data"]["object"]["name"] for post in shop.stage.targets.posts]
    # Out of order: the one that happened first came last.
    assert names == ["second", "first"]
