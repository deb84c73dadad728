"""The eight scenarios of changing tiers, each system asked after each step.

Periods begin on 15 January 2025 at noon, so the first one has 31 days.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.integration.conftest import NOON
from tests.integration.handlers.shop import Agreement, Backend

FEBRUARY = datetime(2025, 2, 15, 12, tzinfo=UTC)
MARCH = datetime(2025, 3, 15, 12, tzinfo=UTC)
CHANGED = FEBRUARY - timedelta(days=17)


@pytest.fixture(autouse=True)
def _at_noon(backend: Backend) -> None:
    backend.freeze(NOON)


def expect(
    seen: Agreement,
    tier: str,
    credits_: int,
    *,
    contracts: list[tuple[str, bool]],
    paid: list[str],
    status: str = "active",
    fees: list[str] | None = None,
) -> None:
    """Compares what all systems say; Metronome's fees are what Stripe took unless said."""
    amounts = [Decimal(amount) for amount in paid]
    assert seen == Agreement(
        status=status,
        tier=tier,
        listed=(tier, status),
        credits=Decimal(credits_),
        metronome_credits=Decimal(credits_),
        contracts=contracts,
        paid=amounts,
        fees=amounts if fees is None else [Decimal(amount) for amount in fees],
    )


def test_a_free_customer_has_credits_and_no_invoice(backend: Backend) -> None:
    made = backend.onboard("free", card=None)
    assert made["entity"]["id"] == "ada"
    assert made["metronomeCustomer"]["id"]
    assert made["stripeCustomer"]["id"]
    expect(backend.agreed(), "free", 1_000, contracts=[("Free", True)], paid=[])
    assert backend.get("/api/customers/ada/invoices")["data"] == []


def test_a_paying_customer_is_invoiced(backend: Backend) -> None:
    made = backend.onboard("pro")
    assert made["operation"]["payment"]["status"] == "paid"
    expect(backend.agreed(), "pro", 10_000, contracts=[("Pro", True)], paid=["9"])
    [bill] = backend.get("/api/customers/ada/invoices")["data"]
    assert (bill["stripe"]["status"], bill["stripe"]["total"]) == ("paid", 9)
    assert bill["stripe"]["payment"]["status"] == "succeeded"
    # Metronome counts in cents.
    assert (bill["metronome"]["status"], bill["metronome"]["total"]) == ("FINALIZED", 900)
    subscription = backend.subscription()
    assert subscription["currentPeriodStart"] == "2025-01-15T12:00:00+00:00"
    assert subscription["currentPeriodEnd"] == "2025-02-15T12:00:00+00:00"
    assert subscription["nextInvoiceDate"] == "2025-02-15T12:00:00+00:00"


def test_an_upgrade_is_charged_for_the_days_left(backend: Backend) -> None:
    backend.onboard("pro")
    backend.advance(CHANGED)
    shown = backend.preview("team")
    made = backend.change("team")
    # (29 - 9) × 17/31 = 10.9677…
    for reply in (shown, made):
        assert reply["proratedAmount"] == Decimal("10.97")
        assert (reply["daysLeft"], reply["daysTotal"]) == (17, 31)
        assert (reply["oldTier"], reply["newTier"]) == ("pro", "team")
    assert made["operation"]["status"] == "done"
    contracts = [("Pro", False), ("Team", True)]
    # Not 10,000 and 50,000: what was left of the old credits has ended.
    expect(backend.agreed(), "team", 50_000, contracts=contracts, paid=["9", "10.97"])
    assert backend.subscription()["currentPeriodEnd"] == "2025-02-15T12:00:00+00:00"
    assert backend.change("team", 409)["code"] == "Conflict"
    expect(backend.agreed(), "team", 50_000, contracts=contracts, paid=["9", "10.97"])
    # The next period costs the whole price, and its credits are granted once.
    backend.advance(FEBRUARY)
    expect(backend.agreed(), "team", 50_000, contracts=contracts, paid=["9", "10.97", "29"])
    assert backend.subscription()["currentPeriodEnd"] == "2025-03-15T12:00:00+00:00"


def test_a_downgrade_waits_for_the_period_to_end(backend: Backend) -> None:
    backend.onboard("team")
    backend.advance(CHANGED)
    made = backend.change("pro")
    assert (made["scheduled"], made["effectiveDate"]) == (True, "2025-02-15T12:00:00+00:00")
    expect(backend.agreed(), "team", 50_000, contracts=[("Team", True)], paid=["29"])
    assert backend.subscription()["scheduledChange"]["tier"] == "pro"
    backend.advance(FEBRUARY)
    contracts = [("Team", False), ("Pro", True)]
    expect(backend.agreed(), "pro", 10_000, contracts=contracts, paid=["29", "9"])
    subscription = backend.subscription()
    assert subscription["scheduledChange"] is None
    assert subscription["currentPeriodEnd"] == "2025-03-15T12:00:00+00:00"


def test_a_scheduled_downgrade_can_be_dropped(backend: Backend) -> None:
    backend.onboard("team")
    backend.change("free")
    assert backend.delete("/api/subscription/ada/scheduled-change", 200)["scheduledChange"] is None
    backend.delete("/api/subscription/ada/scheduled-change", 409)
    backend.advance(FEBRUARY)
    expect(backend.agreed(), "team", 50_000, contracts=[("Team", True)], paid=["29", "29"])


def test_an_upgrade_on_a_date_is_charged_then(backend: Backend) -> None:
    backend.onboard("pro")
    on = CHANGED.isoformat()
    made = backend.change("team", effectiveDate=on)
    assert (made["scheduled"], made["effectiveDate"]) == (True, on)
    assert made["proratedAmount"] == Decimal("10.97")
    expect(backend.agreed(), "pro", 10_000, contracts=[("Pro", True)], paid=["9"])
    backend.advance(CHANGED)
    contracts = [("Pro", False), ("Team", True)]
    expect(backend.agreed(), "team", 50_000, contracts=contracts, paid=["9", "10.97"])


def test_an_upgrade_on_a_date_that_is_not_paid_is_not_made(backend: Backend) -> None:
    backend.onboard("pro")
    backend.change("team", effectiveDate=CHANGED.isoformat())
    failing = "pm_card_chargeCustomerFail"
    backend.post("/api/customers/ada/payment-methods", 201, paymentMethodId=failing)
    backend.advance(CHANGED + timedelta(days=1))
    expect(backend.agreed(), "pro", 10_000, contracts=[("Pro", True)], paid=["9"])
    assert backend.subscription()["scheduledChange"] is None
    [failed] = backend.get("/api/operations", status="failed")["data"]
    assert failed["error"]["code"] == "generic_decline"


def test_a_downgrade_at_once_is_credited(backend: Backend) -> None:
    backend.onboard("team")
    backend.advance(CHANGED)
    assert backend.preview("pro", when="now")["credited"] == Decimal("10.97")
    made = backend.change("pro", when="now")
    assert (made["charged"], made["credited"]) == (0, Decimal("10.97"))
    contracts = [("Team", False), ("Pro", True)]
    expect(backend.agreed(), "pro", 10_000, contracts=contracts, paid=["29"])
    customer = backend.stripe.customers.retrieve(backend.stripe_customer())
    assert customer.balance == -1097
    # The credit pays for the next period: 10.97 - 9.00 = 1.97 are left.
    backend.advance(FEBRUARY)
    expect(backend.agreed(), "pro", 10_000, contracts=contracts, paid=["29"], fees=["29", "9"])
    assert backend.stripe.customers.retrieve(customer.id).balance == -197


def test_monthly_to_yearly_credits_what_is_left(backend: Backend) -> None:
    backend.onboard("pro")
    shown = backend.preview("team", billingPeriod="yearly")
    made = backend.change("team", billingPeriod="yearly")
    # 290.00 - 9.00 × 31/31
    assert shown["proratedAmount"] == made["proratedAmount"] == 281
    expect(backend.agreed(), "team", 50_000, contracts=[("Team", True)], paid=["9", "281"])
    subscription = backend.subscription()
    assert subscription["billingPeriod"] == "yearly"
    assert subscription["currentPeriodEnd"] == "2026-01-15T12:00:00+00:00"
    # Credits come every month all the same.
    backend.advance(MARCH)
    expect(backend.agreed(), "team", 50_000, contracts=[("Team", True)], paid=["9", "281"])


def test_yearly_to_monthly_waits_for_the_year_to_end(backend: Backend) -> None:
    backend.onboard("pro", billingPeriod="yearly")
    made = backend.change("pro", billingPeriod="monthly")
    assert made["effectiveDate"] == "2026-01-15T12:00:00+00:00"
    assert backend.change("pro", 409, billingPeriod="yearly")["code"] == "Conflict"


def test_a_plan_that_ends_with_its_period(backend: Backend) -> None:
    backend.onboard("pro")
    for _ in range(2):
        shown = backend.post("/api/subscription/ada/cancel")
        assert (shown["status"], shown["cancelAt"]) == ("active", "2025-02-15T12:00:00+00:00")
        assert shown["nextInvoiceDate"] is None
    # Metronome knows the end, too.
    expect(backend.agreed(), "pro", 10_000, contracts=[("Pro", False)], paid=["9"])
    assert backend.change("free", 409)["code"] == "Conflict"
    backend.advance(FEBRUARY)
    expect(backend.agreed(), "pro", 0, status="canceled", contracts=[("Pro", False)], paid=["9"])
    backend.advance(MARCH)
    expect(backend.agreed(), "pro", 0, status="canceled", contracts=[("Pro", False)], paid=["9"])


def test_a_plan_that_ends_at_once_is_credited_as_the_preview_says(backend: Backend) -> None:
    backend.onboard("pro")
    backend.advance(CHANGED)
    preview, cancel = "/api/subscription/ada/cancel/preview", "/api/subscription/ada/cancel"
    assert backend.post(preview) == {
        "entityId": "ada",
        "effectiveDate": "2025-02-15T12:00:00+00:00",
        "charged": 0,
        "credited": 0,
    }
    shown = backend.post(preview, when="now")
    # 9 × 17/31 = 4.9354…
    assert (shown["credited"], shown["charged"]) == (Decimal("4.94"), 0)
    assert (shown["daysLeft"], shown["daysTotal"]) == (17, 31)
    assert shown["effectiveDate"] == "2025-01-29T12:00:00+00:00"
    ended = backend.post(cancel, when="now")
    assert (ended["status"], ended["credited"]) == ("canceled", Decimal("4.94"))
    again = backend.post(cancel, when="now")
    assert (again["status"], again["credited"]) == ("canceled", 0)
    expect(backend.agreed(), "pro", 0, status="canceled", contracts=[("Pro", False)], paid=["9"])
    customer = backend.stripe.customers.retrieve(backend.stripe_customer())
    assert customer.balance == -494
    assert backend.change("team", 409)["code"] == "Conflict"
    backend.post(preview, 409, when="now")


def test_a_catalogue_may_give_nothing_back_at_the_end(backend: Backend) -> None:
    tiers = [
        {"id": "free", "name": "F", "monthly_price": 0, "yearly_price": 0, "credits": 10},
        {"id": "pro", "name": "Pro", "monthly_price": 9, "yearly_price": 90, "credits": 10_000},
    ]
    catalogue = {"version": "keeping", "cancellation": "keep", "tiers": tiers}
    applied = backend.post("/api/catalog/apply", catalogue=catalogue)["data"]
    assert applied["cancellation"] == "keep"
    backend.onboard("pro")
    backend.advance(CHANGED)
    assert backend.post("/api/subscription/ada/cancel/preview", when="now")["credited"] == 0
    assert backend.post("/api/subscription/ada/cancel", when="now")["credited"] == 0
    customer = backend.stripe.customers.retrieve(backend.stripe_customer())
    assert customer.balance == 0


def test_a_plan_whose_renewal_is_not_paid_can_be_ended(backend: Backend) -> None:
    backend.onboard("pro")
    failing = "pm_card_chargeCustomerFail"
    backend.post("/api/customers/ada/payment-methods", 201, paymentMethodId=failing)
    backend.advance(FEBRUARY + timedelta(days=1))
    assert backend.subscription()["status"] == "past_due"
    backend.post("/api/subscription/ada/cancel", 409, when="period_end")
    assert backend.post("/api/subscription/ada/cancel/preview", when="now")["credited"] == 0
    ended = backend.post("/api/subscription/ada/cancel", when="now")
    assert (ended["status"], ended["credited"]) == ("canceled", 0)
    # What was asked for a month that is not taken is not asked for any more.
    newest = backend.get("/api/customers/ada/invoices")["data"][0]
    assert newest["stripe"]["status"] == "void"
    backend.advance(MARCH + timedelta(days=1))
    expect(backend.agreed(), "pro", 0, status="canceled", contracts=[("Pro", False)], paid=["9"])


def test_an_end_that_is_taken_back_keeps_period_and_credits(backend: Backend) -> None:
    backend.onboard("pro")
    backend.post("/api/subscription/ada/cancel")
    backend.advance(CHANGED)
    assert backend.post("/api/subscription/ada/reactivate")["cancelAt"] is None
    expect(backend.agreed(), "pro", 10_000, contracts=[("Pro", True)], paid=["9"])
    backend.post("/api/subscription/ada/reactivate", 409)
    backend.advance(FEBRUARY)
    expect(backend.agreed(), "pro", 10_000, contracts=[("Pro", True)], paid=["9", "9"])


def test_a_plan_that_has_ended_begins_anew(backend: Backend) -> None:
    backend.onboard("pro")
    backend.advance(CHANGED)
    backend.post("/api/subscription/ada/cancel", when="now")
    assert backend.post("/api/subscription/ada/reactivate")["status"] == "active"
    contracts = [("Pro", False), ("Pro", True)]
    # 4.94 were credited for the 17 of 31 days that were left: 9 - 4.94.
    paid, fees = ["9", "4.06"], ["9", "9"]
    expect(backend.agreed(), "pro", 10_000, contracts=contracts, paid=paid, fees=fees)
    assert backend.subscription()["currentPeriodEnd"] == "2025-02-28T12:00:00+00:00"


def test_enterprise_takes_a_quote(backend: Backend) -> None:
    assert "quote" in backend.onboard("enterprise", status=400)["message"]
    quote: dict[str, Any] = {"price": 499.5, "credits": 750_000}
    backend.onboard("enterprise", quote=quote)
    expect(
        backend.agreed(), "enterprise", 750_000, contracts=[("Enterprise", True)], paid=["499.5"]
    )


def test_who_is_there_health_and_pages(backend: Backend) -> None:
    backend.onboard("pro")
    entity = {"type": "organization", "name": "Bob Ltd", "email": "bob@example.com"}
    for number in range(2):
        backend.post("/api/onboard", 201, entity={**entity, "id": f"bob-{number}"})
    first = backend.get("/api/customers", limit="2")
    second = backend.get("/api/customers", limit="2", next_page=first["next_page"])
    rows = first["data"] + second["data"]
    assert [(row["id"], row["tier"], row["creditsBalance"]) for row in rows] == [
        ("ada", "pro", 10_000),
        ("bob-0", "free", 1_000),
        ("bob-1", "free", 1_000),
    ]
    assert second["next_page"] is None
    assert (first["total"], second["total"]) == (3, 3)
    found = backend.get("/api/customers", search="bob ltd", tier="FREE", status="active")["data"]
    assert [row["id"] for row in found] == ["bob-0", "bob-1"]
    assert backend.get("/health")["status"] == "ok"
