"""What Metronome tells: final invoices are collected at Stripe, gated charges decided, and told."""

from decimal import Decimal
from typing import Any

import pytest

from tests.integration.conftest import NOON
from tests.integration.inbound.conftest import BACKEND, Wired

PRO = Decimal(9)
CENTS = "2714e483-4ff1-48e4-9e25-ac732e8f24f2"


def made(wired: Wired, path: str, **body: Any) -> str:
    id_: str = wired.stage.product.post(path, body).data["id"]
    return id_


def customer_of(wired: Wired) -> str:
    id_: str = wired.backend.get("/api/onboarding/ada")["metronomeCustomerId"]
    return id_


def metered(wired: Wired, *prices: float, **terms: Any) -> str:
    """Gives the entity a contract from 1 January with a product of each price in cents a call."""
    create = "/v1/contract-pricing"
    card = made(wired, f"{create}/rate-cards/create", name="Usage")
    for number, price in enumerate(prices):
        metric = made(
            wired,
            "/v1/billable-metrics/create",
            name=f"Calls {number}",
            aggregation_type="COUNT",
            event_type_filter={"in_values": [f"call-{number}"]},
        )
        product = made(
            wired,
            f"{create}/products/create",
            name=f"Calls {number}",
            type="USAGE",
            billable_metric_id=metric,
        )
        rate = {
            "rate_card_id": card,
            "product_id": product,
            "starting_at": "2025-01-01T00:00:00Z",
            "entitled": True,
            "rate_type": "FLAT",
            "price": price,
        }
        wired.stage.product.post(f"{create}/rate-cards/addRate", rate)
    return made(
        wired,
        "/v1/contracts/create",
        customer_id=customer_of(wired),
        rate_card_id=card,
        starting_at="2025-01-01T00:00:00Z",
        **terms,
    )


def use(wired: Wired, product: int, calls: int) -> None:
    events = [
        {
            "transaction_id": f"{product}-{number}",
            "customer_id": "ada",
            "event_type": f"call-{product}",
            "timestamp": "2025-01-15T11:00:00Z",
        }
        for number in range(calls)
    ]
    for first in range(0, calls, 100):
        sent = wired.stage.product.post("/v1/ingest", events[first : first + 100])
        assert sent.status == 200


def bill_january(wired: Wired) -> None:
    wired.backend.advance(NOON.replace(month=2, day=3))
    wired.settle()


def usage_invoice(wired: Wired) -> Any:
    [invoice] = wired.stage.product.get(
        f"/v1/customers/{customer_of(wired)}/invoices", type="USAGE", status="FINALIZED"
    ).data
    return invoice


def collected(wired: Wired) -> list[Any]:
    """Returns what Stripe's invoices collect of Metronome's, oldest first."""
    listed = wired.backend.stripe.invoices.list({"limit": 100}).data
    return [one for one in reversed(listed) if "metronome_invoice_id" in one.metadata]


@pytest.fixture
def shop(wired: Wired) -> Wired:
    wired.backend.freeze(NOON)
    wired.backend.onboard("pro")
    wired.settle()
    return wired


class TestFinalInvoices:
    def test_usage_is_collected_with_what_is_on_the_invoice(self, shop: Wired) -> None:
        metered(shop, 40, 2.5)
        use(shop, 0, 3)
        use(shop, 1, 2)
        bill_january(shop)
        # 3 calls of 40 cents and 2 of 2.5: 1.20 and 0.05.
        [invoice] = collected(shop)
        assert (invoice.status, invoice.total) == ("paid", 125)
        lines = {line.description: line.amount for line in invoice.lines.data}
        assert lines == {"Calls 0": 120, "Calls 1": 5}
        assert shop.backend.charges() == [PRO, Decimal("1.25")]
        billed = usage_invoice(shop)
        assert invoice.metadata["metronome_invoice_id"] == billed["id"]
        assert billed["custom_fields"] == {
            "stripe_invoice_id": invoice.id,
            "stripe_status": "paid",
        }
        [told] = shop.told()
        assert told["type"] == "billing.invoice_paid"
        assert told["properties"]["amount"] == 1.25

    def test_what_cannot_be_paid_exactly_is_rounded_once(self, shop: Wired) -> None:
        metered(shop, 0.5, 0.5)
        use(shop, 0, 101)
        use(shop, 1, 101)
        bill_january(shop)
        # 50.5 cents each are 0.51; together they are 101 cents and not 102.
        [invoice] = collected(shop)
        assert invoice.total == 101
        assert sorted(line.amount for line in invoice.lines.data) == [-1, 51, 51]

    def test_told_twice_or_looked_up_it_is_collected_once(self, shop: Wired) -> None:
        metered(shop, 40)
        use(shop, 0, 3)
        bill_january(shop)
        finals = shop.events(type="invoice.finalized", provider="metronome")
        [event] = [one for one in finals if one["outcome"] == "1.20 usd paid"]
        shop.stage.product.post("/webhooks/redeliver", {"event_id": event["id"]})
        shop.settle()
        caught = shop.stage.product.invoke("InboundWorkFunction", {"action": "catch_up"})
        shop.settle()
        assert caught == {"events": 0, "failed_tenants": 0}
        assert len(collected(shop)) == 1
        assert len(shop.backend.charges()) == 2

    def test_missed_it_is_looked_up(self, shop: Wired) -> None:
        metered(shop, 40)
        use(shop, 0, 3)
        targets = shop.stage.product.get("/webhooks/subscriptions").data
        [own] = [target for target in targets if target != BACKEND]
        shop.stage.product.request("DELETE", "/webhooks/subscriptions", {"target": own})
        bill_january(shop)
        assert collected(shop) == []
        caught = shop.stage.product.invoke("InboundWorkFunction", {"action": "catch_up"})
        assert caught["failed_tenants"] == 0
        assert caught["events"] >= 1
        shop.settle()
        [invoice] = collected(shop)
        assert (invoice.status, invoice.total) == ("paid", 120)

    def test_declined_it_stays_open_and_is_noted(self, shop: Wired) -> None:
        metered(shop, 40)
        use(shop, 0, 3)
        shop.control("declines", decline_code="insufficient_funds", count=1)
        bill_january(shop)
        [invoice] = collected(shop)
        assert invoice.status == "open"
        assert usage_invoice(shop)["custom_fields"]["stripe_status"] == "failed"
        assert [one["type"] for one in shop.told()] == ["billing.invoice_failed"]
        # Paid at Stripe by whoever has the link, it is paid here.
        shop.backend.stripe.invoices.pay(invoice.id)
        shop.settle()
        assert usage_invoice(shop)["custom_fields"]["stripe_status"] == "paid"
        assert shop.told()[-1]["type"] == "billing.invoice_paid"
        assert shop.backend.charges() == [PRO, Decimal("1.20")]

    def test_a_refund_is_noted(self, shop: Wired) -> None:
        metered(shop, 40)
        use(shop, 0, 3)
        bill_january(shop)
        [charge, _] = shop.backend.stripe.charges.list({"limit": 10}).data
        shop.backend.stripe.refunds.create({"charge": charge.id})
        shop.settle()
        assert usage_invoice(shop)["custom_fields"]["stripe_status"] == "refunded"
        assert shop.told()[-1]["type"] == "billing.invoice_refunded"

    def test_invoices_of_others_are_left(self, shop: Wired) -> None:
        stranger = made(shop, "/v1/customers", name="Stranger", ingest_aliases=["stranger"])
        metered(shop, 40)
        assert stranger
        bill_january(shop)
        # Nothing was used: there is nothing to pay.
        assert collected(shop) == []
        outcomes = {one["outcome"] for one in shop.events(type="invoice.finalized")}
        assert "not collected: there is nothing to pay" in outcomes


def test_an_invoice_of_the_facade_is_paid_by_the_entitys_account(wired: Wired) -> None:
    wired.backend.freeze(NOON)
    entity = {"entity_id": "ada", "entity_type": "user", "email": "a@b.co", "name": "Ada"}
    customer = wired.backend.post("/api/v1/customers", 201, **entity)["id"]
    plan = {"customer_id": customer, "tier": "free"}
    contract = wired.backend.post("/api/v1/contracts", 201, **plan)["id"]
    charge = {"customer_id": customer, "contract_id": contract, "amount": 15.01}
    invoice = wired.backend.post("/api/v1/invoices", 201, **charge)
    path = f"/api/v1/invoices/{invoice['id']}/pay"
    assert wired.backend.post(path, 409)["code"] == "Conflict"
    # Told now, it is the invoice of somebody who is not billed here.
    wired.settle()
    wired.backend.onboard("free")
    wired.settle()
    # The customer of the facade is the one that the handlers bill.
    assert customer_of(wired) == customer
    wired.control("declines", count=1)
    unpaid = wired.backend.post(path)
    assert (unpaid["status"], unpaid["payment_status"]) == ("open", "failed")
    paid = wired.backend.post(path)
    assert (paid["status"], paid["payment_status"]) == ("paid", "paid")
    assert wired.backend.post(path) == paid
    wired.settle()
    assert wired.backend.charges() == [Decimal("15.01")]
    assert wired.backend.get(f"/api/v1/invoices/{invoice['id']}") == paid
    listed = wired.backend.get("/api/v1/webhooks/events", limit="100")["data"]
    told = [(one["type"], one["legacy_type"]) for one in reversed(listed)]
    # Both are of one instant.
    assert sorted(one for one in told if "_" in one[0]) == [
        ("billing.invoice_failed", "invoice.failed"),
        ("billing.invoice_paid", "invoice.paid"),
    ]


class TestGatedCharges:
    @pytest.fixture
    def gated(self, shop: Wired) -> Wired:
        """A contract with 700 cents to spend; below 500 it is recharged to 2,500."""
        fixed = made(shop, "/v1/contract-pricing/products/create", name="Credit", type="FIXED")
        period = {"starting_at": "2025-01-01T00:00:00Z", "ending_before": "2026-01-01T00:00:00Z"}
        granted = {"credit_type_id": CENTS, "schedule_items": [{**period, "amount": 700}]}
        self.contract = metered(
            shop,
            1,
            credits=[{"product_id": fixed, "access_schedule": granted}],
            prepaid_balance_threshold_configuration={
                "is_enabled": True,
                "threshold_amount": 500,
                "recharge_to_amount": 2500,
                "commit": {"product_id": fixed, "name": "Recharge"},
                "payment_gate_config": {"payment_gate_type": "EXTERNAL"},
            },
        )
        return shop

    def charge_states(self, gated: Wired) -> list[tuple[str, int]]:
        found = gated.stage.product.get(
            f"/v1/customers/{customer_of(gated)}/invoices", type="SCHEDULED"
        ).data
        return [(one["status"], one["total"]) for one in found if one["total"] != 900]

    def test_paid_it_is_released(self, gated: Wired) -> None:
        use(gated, 0, 199)
        gated.settle()
        # 501 cents are left: the line is not reached.
        assert collected(gated) == []
        use(gated, 0, 220)
        gated.settle()
        # 700 - 220 = 480 cents are left, and 2,500 - 480 = 2,020 are charged: 20.20 dollars.
        [invoice] = collected(gated)
        assert (invoice.status, invoice.total) == ("paid", 2020)
        assert gated.backend.charges() == [PRO, Decimal("20.20")]
        assert self.charge_states(gated) == [("FINALIZED", 2020)]

    def test_declined_it_fails_and_nobody_can_pay_it_later(self, gated: Wired) -> None:
        gated.control("declines", count=1)
        use(gated, 0, 220)
        gated.settle()
        [invoice] = collected(gated)
        assert invoice.status == "void"
        assert gated.backend.charges() == [PRO]
        [(status, _)] = self.charge_states(gated)
        assert status == "VOID"
        assert "billing.payment_gate_payment_status" in [one["type"] for one in gated.told()]


class TestFailures:
    def test_what_metronome_does_not_answer_is_tried_again(self, shop: Wired) -> None:
        metered(shop, 40)
        use(shop, 0, 3)
        product = shop.stage.product
        fault = {"kind": "status", "status": 500, "path": "/v1/customers/*/invoices/*"}
        assert product.post("/mock/faults", {"faults": [fault]}).status == 200
        shop.backend.advance(NOON.replace(month=2, day=3))
        shop.settle()
        waiting = shop.events(state="retrying")
        assert {one["type"] for one in waiting} == {"invoice.finalized"}
        assert "Metronome" in waiting[0]["error"]
        assert collected(shop) == []
        product.request("DELETE", "/mock/faults")
        shop.stage.clock.advance(minutes=15)
        shop.settle()
        assert shop.events(state="retrying") == []
        [invoice] = collected(shop)
        assert invoice.status == "paid"

    @pytest.mark.parametrize("more_settings", [{"BACKBEAT_INBOUND_MAX_ATTEMPTS": "2"}])
    def test_given_up_it_waits_for_somebody(self, shop: Wired) -> None:
        metered(shop, 40)
        use(shop, 0, 3)
        product = shop.stage.product
        fault = {"kind": "status", "status": 500, "path": "/v1/customers/*/invoices/*"}
        product.post("/mock/faults", {"faults": [fault]})
        shop.backend.advance(NOON.replace(month=2, day=3))
        for _ in range(4):
            shop.settle()
            shop.stage.clock.advance(minutes=15)
        dead = shop.events(state="dead")
        assert {one["attempts"] for one in dead} == {2}
        assert len(product.services.inbound_queue.dead_letters(limit=10)) == len(dead)
        product.request("DELETE", "/mock/faults")
        for one in dead:
            path = f"/api/webhook-events/metronome/{one['id']}/rerun"
            reply = product.request("POST", path)
            assert (reply.status, reply.body["data"]["state"]) == (202, "retrying")
        shop.settle()
        assert product.request("POST", path).status == 409
        [invoice] = collected(shop)
        assert invoice.status == "paid"
        assert shop.events(state="dead") == []


class TestOtherEvents:
    def test_an_alert_is_told(self, shop: Wired) -> None:
        metered(shop, 40)
        made(
            shop,
            "/v1/alerts/create",
            alert_type="spend_threshold_reached",
            name="Spend",
            threshold=100,
            customer_id=customer_of(shop),
        )
        use(shop, 0, 3)
        shop.stage.clock.advance(minutes=2)
        shop.stage.product.tick()
        shop.settle()
        [told] = [one for one in shop.told() if one["type"] == "billing.alert"]
        assert told["properties"]["entity_id"] == "ada"
        assert told["properties"]["event"]["type"] == "alerts.spend_threshold_reached"

    def end_contract(self, shop: Wired) -> None:
        [contract] = shop.stage.product.post(
            "/v1/contracts/list", {"customer_id": customer_of(shop)}
        ).data
        end = {"ending_before": "2025-02-01T00:00:00Z"}
        names = {"customer_id": customer_of(shop), "contract_id": contract["id"]}
        shop.stage.product.post("/v1/contracts/updateEndDate", {**names, **end})

    def test_a_contract_that_somebody_else_ends_is_told(self, shop: Wired) -> None:
        self.end_contract(shop)
        shop.settle()
        assert [one["type"] for one in shop.told()] == ["billing.contract_ended_elsewhere"]
        # Looked up, too, it is told of no more.
        caught = shop.stage.product.invoke("InboundWorkFunction", {"action": "catch_up"})
        shop.settle()
        assert caught["failed_tenants"] == 0
        assert [one["type"] for one in shop.told()] == ["billing.contract_ended_elsewhere"]

    def test_a_contract_whose_end_nobody_told_is_looked_up(self, shop: Wired) -> None:
        targets = shop.stage.product.get("/webhooks/subscriptions").data
        [own] = [target for target in targets if target != BACKEND]
        shop.stage.product.request("DELETE", "/webhooks/subscriptions", {"target": own})
        self.end_contract(shop)
        shop.settle()
        assert shop.told() == []
        for _ in range(2):
            shop.stage.product.invoke("InboundWorkFunction", {"action": "catch_up"})
            shop.settle()
        [told] = shop.told()
        assert told["type"] == "billing.contract_ended_elsewhere"
        assert told["properties"]["entity_id"] == "ada"

    def test_a_plan_that_ends_as_asked_here_is_no_news(self, shop: Wired) -> None:
        shop.backend.post("/api/subscription/ada/cancel", when="period_end")
        shop.settle()
        shop.stage.product.invoke("InboundWorkFunction", {"action": "catch_up"})
        shop.settle()
        assert shop.told() == []

    def test_a_subscription_made_at_stripe_is_told(self, shop: Wired) -> None:
        stripe = shop.backend.stripe
        price = stripe.prices.create(
            {
                "currency": "usd",
                "unit_amount": 500,
                "recurring": {"interval": "month"},
                "product_data": {"name": "Beside"},
            }
        )
        customer = shop.backend.stripe_customer()
        stripe.subscriptions.create({"customer": customer, "items": [{"price": price.id}]})
        shop.settle()
        assert "billing.subscription_made_elsewhere" in [one["type"] for one in shop.told()]

    def test_a_customer_deleted_at_stripe_is_told(self, shop: Wired) -> None:
        shop.backend.stripe.customers.delete(shop.backend.stripe_customer())
        shop.settle()
        assert "billing.stripe_customer_deleted" in [one["type"] for one in shop.told()]
        assert {one["state"] for one in shop.events()} <= {"done", "ignored"}
