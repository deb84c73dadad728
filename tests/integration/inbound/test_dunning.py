"""Renewals that are not paid: tried again, reminded of, and ended; paid after all, restored.

A plan of 15 January, 12:00, is renewed on 15 February. By the usual policy it is tried again after
1, 3, 5 and 7 days, reminded of after 0, 3, 7 and 12, and given up after 14, on 1 March.
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.integration.conftest import NOON
from tests.integration.inbound.conftest import Wired
from tests.integration.inbound.test_invoices import collected, customer_of, metered, use
from tests.integration.product import Product

PRO = Decimal(9)
RENEWAL = datetime(2025, 2, 15, 12, tzinfo=UTC)
REMINDER = "billing.payment_reminder"


@pytest.fixture
def unpaid(wired: Wired) -> Wired:
    """A plan whose card will be declined from now on."""
    wired.backend.freeze(NOON)
    wired.backend.onboard("pro")
    wired.settle()
    wired.control("declines", decline_code="insufficient_funds", count=100)
    return wired


def go(wired: Wired, day: int, month: int = 2) -> str:
    """Moves the clock to 13:00 of a day and returns the plan's status then."""
    wired.backend.advance(datetime(2025, month, day, 13, tzinfo=UTC))
    wired.settle()
    status: str = wired.backend.subscription()["status"]
    return status


def told(wired: Wired) -> list[str]:
    return [one["type"] for one in wired.told()]


def attempts(wired: Wired) -> list[Any]:
    """Returns when charges were attempted after the first one, in days of February."""
    customer = wired.backend.stripe_customer()
    events = wired.backend.stripe.events.list({"type": "invoice.payment_failed", "limit": 100})
    made = [event for event in events.data if event.data.object.customer == customer]
    return [datetime.fromtimestamp(event.created, UTC).day for event in reversed(made)]


def test_in_the_end_the_plan_is_the_free_one(unpaid: Wired) -> None:
    assert go(unpaid, 15) == "past_due"
    assert told(unpaid) == [REMINDER]
    assert [go(unpaid, day) for day in range(16, 29)] == ["past_due"] * 13
    assert told(unpaid) == [REMINDER] * 4
    assert attempts(unpaid) == [15, 16, 18, 20, 22]
    assert go(unpaid, 1, month=3) == "active"
    assert unpaid.backend.subscription()["tier"] == "free"
    assert told(unpaid) == [REMINDER] * 4 + ["billing.payment_given_up"]
    assert unpaid.backend.charges() == [PRO]
    [renewal, first] = unpaid.backend.stripe.invoices.list({"limit": 10}).data
    assert (first.status, renewal.status) == ("paid", "void")
    [reminder, *_] = unpaid.told()
    assert reminder["properties"] == {
        "entity_id": "ada",
        "operation_id": reminder["properties"]["operation_id"],
        "stripe_invoice_id": renewal.id,
        "failed_at": "2025-02-15T12:00:00+00:00",
        "ends_at": "2025-03-01T12:00:00+00:00",
        "outcome": "downgrade",
        "error_message": "Your card has insufficient funds.",
    }


def test_all_of_it_in_one_leap_of_the_clock(unpaid: Wired) -> None:
    assert go(unpaid, 10, month=3) == "active"
    assert unpaid.backend.subscription()["tier"] == "free"
    assert told(unpaid) == [REMINDER] * 4 + ["billing.payment_given_up"]
    assert attempts(unpaid) == [15, 16, 18, 20, 22]


def test_a_retry_that_is_paid_restores_the_plan(unpaid: Wired) -> None:
    go(unpaid, 17)
    unpaid.control("declines", count=0)
    assert go(unpaid, 18) == "active"
    # 18 February: tried first, so nobody is reminded of what is paid.
    assert told(unpaid) == [REMINDER, "billing.payment_recovered"]
    assert unpaid.backend.charges() == [PRO, PRO]
    period = unpaid.backend.subscription()
    assert period["tier"] == "pro"
    assert period["currentPeriodStart"] == "2025-02-15T12:00:00+00:00"
    # The next one is due as if nothing had happened.
    assert go(unpaid, 16, month=3) == "active"
    assert unpaid.backend.charges() == [PRO] * 3


def test_another_card_is_tried_at_once(unpaid: Wired) -> None:
    go(unpaid, 16)
    unpaid.control("declines", count=0)
    customer = unpaid.backend.stripe_customer()
    # Not through the handlers: in Stripe's own portal, say.
    stripe = unpaid.backend.stripe
    card = stripe.payment_methods.attach("pm_card_mastercard", {"customer": customer})
    stripe.customers.update(customer, {"invoice_settings": {"default_payment_method": card.id}})
    unpaid.settle()
    assert unpaid.backend.subscription()["status"] == "active"
    assert unpaid.backend.charges() == [PRO, PRO]
    assert go(unpaid, 1, month=3) == "active"
    assert told(unpaid) == [REMINDER, "billing.payment_recovered"]


@pytest.mark.parametrize("end", ["suspend", "cancel"])
def test_the_end_is_as_laid_down(end: str, unpaid: Wired) -> None:
    policy = {
        "retry_after_days": [2],
        "remind_after_days": [],
        "grace_days": 4,
        "end": end,
    }
    assert unpaid.stage.product.request("PUT", "/api/dunning-policy", policy).data == policy
    assert go(unpaid, 18) == "past_due"
    assert go(unpaid, 20) == {"suspend": "suspended", "cancel": "canceled"}[end]
    assert attempts(unpaid) == [15, 17]
    verdict = unpaid.backend.post("/api/entitlements/ada/check", feature="private_repositories")
    assert verdict["allowed"] is False
    if end == "cancel":
        assert told(unpaid) == ["billing.payment_given_up"]
        return
    assert told(unpaid) == ["billing.subscription_suspended"]
    # Still to be paid, and restored by it.
    unpaid.control("declines", count=0)
    under_way = unpaid.backend.get("/api/onboarding/ada")["operation"]["id"]
    unpaid.backend.post(f"/api/operations/{under_way}/retry")
    unpaid.settle()
    assert unpaid.backend.subscription()["status"] == "active"
    assert unpaid.backend.charges() == [PRO, PRO]
    assert go(unpaid, 21) == "active"
    assert told(unpaid) == ["billing.subscription_suspended", "billing.payment_recovered"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"grace_days": 0}, "grace_days"),
        ({"end": "shrug"}, "end"),
        ({"retry_after_days": [3, 1]}, "retry_after_days"),
        ({"retry_after_days": [0]}, "retry_after_days"),
        ({"remind_after_days": [14]}, "remind_after_days"),
        ({"remind_after_days": None}, "remind_after_days"),
    ],
)
def test_what_is_no_policy(change: dict[str, object], field: str, product: Product) -> None:
    policy = product.get("/api/dunning-policy").data
    reply = product.request("PUT", "/api/dunning-policy", {**policy, **change})
    assert (reply.status, reply.body["code"]) == (400, "InvalidArgument")
    assert field in reply.body["message"]
    assert product.get("/api/dunning-policy").data == policy


class TestInvoicesOfUsage:
    """January's usage, 1.20, is billed on 3 February at 00:00 and declined from then on."""

    @pytest.fixture
    def owing(self, wired: Wired) -> Wired:
        wired.backend.freeze(NOON)
        wired.backend.onboard("free")
        metered(wired, 40)
        use(wired, 0, 3)
        wired.settle()
        wired.control("declines", decline_code="insufficient_funds", count=100)
        wired.backend.advance(datetime(2025, 2, 3, 13, tzinfo=UTC))
        wired.settle()
        return wired

    def billed(self, owing: Wired) -> Any:
        """Returns the invoice in Metronome; the plan's own, of nothing, is another."""
        path = f"/v1/customers/{customer_of(owing)}/invoices"
        [invoice] = [one for one in owing.stage.product.get(path).data if one["total"] == 120]
        return invoice

    def test_they_are_tried_and_reminded_of_until_nobody_tries_any_more(self, owing: Wired) -> None:
        [invoice] = collected(owing)
        assert (invoice.status, invoice.total) == ("open", 120)
        for day in range(4, 28):
            go(owing, day)
        assert attempts(owing) == [3, 4, 6, 8, 10]
        failed = "billing.invoice_failed"
        assert told(owing) == [failed] + [REMINDER] * 4 + ["billing.payment_given_up"]
        ends = owing.told()[-1]["properties"]
        assert (ends["entity_id"], ends["amount"], ends["currency"]) == ("ada", 1.2, "usd")
        assert ends["invoice_id"] == self.billed(owing)["id"]
        # The plan goes on, and it can still be paid.
        assert owing.backend.subscription()["status"] == "active"
        owing.control("declines", count=0)
        [card] = owing.backend.get("/api/customers/ada/payment-methods")["data"]
        owing.backend.stripe.invoices.pay(invoice.id, {"payment_method": card["id"]})
        owing.settle()
        assert told(owing)[-1] == "billing.invoice_paid"
        assert self.billed(owing)["custom_fields"]["stripe_status"] == "paid"

    def test_a_try_that_succeeds_ends_it(self, owing: Wired) -> None:
        go(owing, 5)
        owing.control("declines", count=0)
        go(owing, 6)
        assert owing.backend.charges() == [Decimal("1.20")]
        for day in (7, 15, 25):
            go(owing, day)
        assert told(owing)[-1] == "billing.invoice_paid"
        assert "billing.payment_given_up" not in told(owing)
        assert owing.backend.charges() == [Decimal("1.20")]

    def test_all_of_it_in_one_leap_of_the_clock(self, owing: Wired) -> None:
        go(owing, 28)
        assert attempts(owing) == [3, 4, 6, 8, 10]
        assert told(owing)[-1] == "billing.payment_given_up"
