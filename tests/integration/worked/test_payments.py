"""Payments of invoices, gated commits and capped discounts (balances and events, 19, 20 and 28)."""

from typing import Any

import pytest

from tests.integration.worked.test_balances import access
from tests.integration.worked.test_threshold_billing import NOW, PAID, Till
from tests.integration.worked.world import JSON

MONTH = {"timestamp": "2025-01-10T00:00:00Z", "amount": 200_000}


class Desk(Till):
    """A till whose contract is billed through a Stripe account that is charged by intents."""

    def __init__(
        self,
        credit: int = 0,
        *,
        method: str = "manually_charge_payment_intent",
        **settings: str,
    ) -> None:
        super().__init__(credit, settings=settings)
        account = {
            "customer_id": self.customer_id,
            "billing_provider": "stripe",
            "delivery_method": "direct_to_billing_provider",
            "configuration": {
                "stripe_customer_id": "cus_1",
                "stripe_collection_method": method,
            },
        }
        path = "/v1/setCustomerBillingProviderConfigurations"
        [made] = self.post(path, {"data": [account]})
        self.account_id = made["id"]
        self.billed = {
            "billing_provider_configuration": {"billing_provider_configuration_id": made["id"]}
        }

    def gated(self, gate: str = "STRIPE", **fields: Any) -> JSON:
        """Returns a commit of 200,000 that is paid first."""
        return {
            "type": "PREPAID",
            "product_id": self.fixed,
            "name": "Bought",
            "access_schedule": access(200_000),
            "invoice_schedule": {"schedule_items": [MONTH]},
            "payment_gate_config": {"payment_gate_type": gate},
            **fields,
        }

    def buy(self, key: str, **fields: Any) -> None:
        self.edit(add_commits=[self.gated(**fields)], uniqueness_key=key)

    def payments(self, invoice_id: str, **wanted: Any) -> list[JSON]:
        body = {"customer_id": self.customer_id, "invoice_id": invoice_id, **wanted}
        found: list[JSON] = self.post("/v1/payments/list", body)
        return found

    def charge(self) -> JSON:
        [invoice] = self.invoices(self.customer_id, type="SCHEDULED")
        return invoice

    def about(self, invoice: JSON) -> JSON:
        return {"customer_id": self.customer_id, "invoice_id": invoice["id"]}

    def final(self) -> JSON:
        """Uses 300, and returns January's invoice when it is final."""
        self.spend(300)
        self.clock("2025-02-03T00:00:00Z")
        [final] = self.invoices(self.customer_id, type="USAGE", status="FINALIZED")
        return final

    def sent(self, invoice: JSON) -> Any:
        shown = self.get(f"/v1/customers/{self.customer_id}/invoices/{invoice['id']}")
        return shown["external_invoice"]["external_status"]


def test_ex_54_manual_gated_commit_paid() -> None:
    desk = Desk()
    desk.agree()
    desk.buy("first")
    status, final, created = desk.events()
    assert [status["type"], final["type"]] == ["payment_gate.payment_status", "invoice.finalized"]
    said = status["properties"]
    assert (said["workflow_type"], said["payment_status"]) == ("manual_commit", "paid")
    invoice = desk.charge()
    assert (invoice["status"], invoice["total"]) == ("FINALIZED", 200_000)
    [line] = invoice["line_items"]
    [commit] = desk.shown()["commits"]
    assert {line["commit_id"], created["commit_id"]} == {commit["id"]}
    assert desk.balance() == 200_000
    [payment] = desk.payments(invoice["id"])
    assert (payment["status"], payment["amount_paid"]) == ("paid", 200_000)
    intent = said["billing_provider"]["stripe"]["payment_intent_id"]
    assert payment["payment_gateway"]["stripe"]["payment_intent_id"] == intent
    assert "used" in desk.refused("/v2/contracts/edit", _again(desk, "first"), 409)["message"]


def test_ex_54_manual_gated_commit_declined() -> None:
    desk = Desk()
    desk.script("failed")
    desk.agree()
    desk.buy("first")
    [status] = desk.events()
    assert status["properties"]["payment_status"] == "failed"
    assert desk.shown()["commits"] == []
    assert desk.balance() == 0
    invoice = desk.charge()
    assert (invoice["status"], invoice["total"]) == ("VOID", 200_000)
    [payment] = desk.payments(invoice["id"])
    assert (payment["status"], payment["error_message"]) == (
        "canceled",
        "Your card was declined.",
    )
    # Nothing came of it, so its key is free again; the next payment goes through.
    desk.buy("first")
    assert desk.kinds() == PAID[1:]
    assert desk.balance() == 200_000


def _again(desk: Desk, key: str) -> JSON:
    return {**desk.names, "add_commits": [desk.gated()], "uniqueness_key": key}


def test_a_gated_commit_is_collected_elsewhere() -> None:
    desk = Desk()
    desk.agree()
    desk.buy("first", gate="EXTERNAL")
    [asked] = desk.events()
    wanted = asked["properties"]
    assert (asked["type"], wanted["workflow_type"]) == (
        "payment_gate.external_initiate",
        "manual_commit",
    )
    assert (wanted["invoice_total"], desk.balance()) == (200_000, 0)
    release = {"workflow_id": wanted["workflow_id"], "outcome": "paid"}
    desk.post("/v1/contracts/commits/threshold-billing/release", release)
    assert (desk.kinds(), desk.balance()) == (PAID[1:], 200_000)
    # Collected elsewhere, it has no payment here.
    assert desk.payments(desk.charge()["id"]) == []


def test_a_gated_commit_beside_other_changes_and_a_threshold() -> None:
    """Its failure leaves the rest of the edit, and the threshold, as they are."""
    desk = Desk(700)
    desk.script("failed")
    desk.agree(desk.threshold())
    both = [desk.gated(), {**desk.gated("NONE"), "name": "At once"}]
    desk.edit(add_commits=both, update_contract_name="Renamed", uniqueness_key="both")
    shown = desk.shown()
    assert shown["name"] == "Renamed"
    assert [one["name"] for one in shown["commits"]] == ["At once"]
    assert shown["prepaid_balance_threshold_configuration"]["is_enabled"] is True
    body = {**desk.names, "update_contract_name": "Other", "uniqueness_key": "both"}
    assert "used" in desk.refused("/v2/contracts/edit", body, 409)["message"]


def test_a_decline_answers_the_edit_where_that_is_wanted() -> None:
    """Decision 5: the edit that asked for nothing else is refused, and nothing came of it."""
    desk = Desk(BACKBEAT_FAILED_GATES="refused")
    desk.script("failed")
    desk.agree()
    body = {**desk.names, "add_commits": [desk.gated()], "uniqueness_key": "first"}
    declined = desk.refused("/v2/contracts/edit", body)["message"]
    assert declined == "add_commits[0].payment_gate_config: Your card was declined."
    [status] = desk.events()
    assert status["properties"]["payment_status"] == "failed"
    assert (desk.shown()["commits"], desk.charges()) == ([], [("VOID", 200_000)])
    # Its key is free again, and the next payment goes through.
    desk.buy("first")
    assert desk.balance() == 200_000


def test_a_decline_does_not_answer_an_edit_of_which_something_stays() -> None:
    desk = Desk(BACKBEAT_FAILED_GATES="refused")
    desk.script("failed", "failed")
    desk.agree()
    desk.edit(add_commits=[desk.gated()], update_contract_name="Renamed")
    assert (desk.shown()["name"], desk.shown()["commits"]) == ("Renamed", [])
    # Of two commits one is paid.
    desk.edit(add_commits=[desk.gated(), desk.gated()])
    assert len(desk.shown()["commits"]) == 1


def test_a_commit_by_hand_may_need_a_product_that_stripe_knows() -> None:
    desk = Desk(700, BACKBEAT_STRIPE_PRODUCTS="mapped")
    desk.agree(desk.threshold())
    desk.buy("first")
    [status] = desk.events()
    said = status["properties"]
    assert (said["payment_status"], "billing_provider" in said) == ("failed", False)
    assert "stripe_product_id" in said["error_message"]
    assert desk.collected() == []
    key = {"key": "stripe_product_id", "enforce_uniqueness": False}
    desk.post("/v1/customFields/addKey", {"entity": "contract_product", **key})
    values = {"custom_fields": {"stripe_product_id": "prod_1"}}
    body = {"entity": "contract_product", "entity_id": desk.fixed, **values}
    desk.post("/v1/customFields/setValues", body)
    desk.buy("second")
    assert desk.balance() == 200_700
    # A recharge needs none: of 200,700 there are 480 left, and 2500 − 480 = 2020.
    desk.spend(200_220)
    desk.settle()
    assert desk.balance() == 2500


@pytest.mark.parametrize(
    ("on_session", "status"),
    [(True, "payment_pending_action_required"), (False, "payment_status")],
)
def test_who_is_there_can_authenticate(on_session: bool, status: str) -> None:
    desk = Desk()
    desk.script("authentication_required")
    desk.agree()
    stripe = {"payment_type": "PAYMENT_INTENT", "on_session_payment": on_session}
    gate = {"payment_gate_type": "STRIPE", "stripe_config": stripe}
    desk.edit(add_commits=[{**desk.gated(), "payment_gate_config": gate}])
    [event] = desk.events()
    assert event["type"] == f"payment_gate.{status}"
    if on_session:
        desk.post("/mock/payments", {"settle": "PAID"})
        assert (desk.kinds(), desk.balance()) == (PAID[1:], 200_000)
        return
    said = event["properties"]
    assert (said["payment_status"], desk.balance()) == ("failed", 0)
    error = said["billing_provider"]["stripe"]["error"]
    assert (error["code"], error["decline_code"]) == (
        "authentication_required",
        "authentication_required",
    )


def test_nobody_is_there_when_a_threshold_is_crossed() -> None:
    desk = Desk()
    desk.agree()
    threshold = desk.threshold()
    threshold["payment_gate_config"]["stripe_config"] = {"on_session_payment": True}
    body = {**desk.names, "add_prepaid_balance_threshold_configuration": threshold}
    refused = desk.refused("/v2/contracts/edit", body)["message"]
    assert "stripe_config.on_session_payment" in refused


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"type": "POSTPAID"}, "only PREPAID"),
        ({"invoice_schedule": None}, "invoice_schedule"),
        ({"invoice_schedule": {"schedule_items": [MONTH, MONTH]}}, "one amount"),
    ],
)
def test_what_one_payment_cannot_buy_is_refused(change: JSON, names: str) -> None:
    desk = Desk()
    desk.agree()
    body = {**desk.names, "add_commits": [{**desk.gated(), **change}]}
    assert names in desk.refused("/v2/contracts/edit", body)["message"]


def test_ex_51_discount_cap() -> None:
    till = Till(20_000)
    tracker = {
        "alias": "discounted",
        "reset_frequency": "BILLING_PERIOD",
        "applicable_spend_specifiers": [
            {
                "spend_type": "COMMIT_PURCHASE",
                "sources": ["THRESHOLD_RECHARGE"],
                "discounted": True,
            }
        ],
    }
    cap = {"spend_tracker_alias": "discounted", "amount": 20_000}
    discount = {"payment_fraction": 0.9, "cap": cap}
    terms: JSON = {"threshold_amount": 20_000, "recharge_to_amount": 40_000}
    till.agree(till.threshold(discount_configuration=discount, **terms), spend_trackers=[tracker])
    # 40000 − 20000 = 20000, of which nine tenths are 18000.
    assert till.charges() == [("FINALIZED", 18_000)]
    assert till.shown()["spend_trackers"][0]["accumulated_spend"] == {
        "amount": 18_000,
        "period_starting_at": "2025-01-01T00:00:00+00:00",
        "period_ending_before": "2025-02-01T00:00:00+00:00",
    }
    change = {"threshold_amount": 40_000, "recharge_to_amount": 44_500}
    till.edit(update_prepaid_balance_threshold_configuration=change)
    # The cap is not reached: 4500 × 0.9 = 4050, and 18000 + 4050 = 22050.
    assert sorted(till.charges()) == [("FINALIZED", 4050), ("FINALIZED", 18_000)]
    assert till.shown()["spend_trackers"][0]["accumulated_spend"]["amount"] == 22_050
    change = {"threshold_amount": 44_500, "recharge_to_amount": 49_000}
    till.edit(update_prepaid_balance_threshold_configuration=change)
    # Now it is: 4500 cost 4500, which is not discounted, and so is not added up.
    assert sorted(till.charges())[1] == ("FINALIZED", 4500)
    assert till.shown()["spend_trackers"][0]["accumulated_spend"]["amount"] == 22_050
    # The next period begins at nothing.
    till.clock("2025-02-10T00:00:00Z")
    assert till.shown()["spend_trackers"][0]["accumulated_spend"]["amount"] == 0
    change = {"threshold_amount": 49_000, "recharge_to_amount": 51_000}
    till.edit(update_prepaid_balance_threshold_configuration=change)
    assert ("FINALIZED", 1800) in till.charges()


def test_commits_by_hand_are_added_up() -> None:
    """Whether they wait for their payment or not; those of later periods when they are paid."""
    till = Till(0)
    every, cheap = (
        {
            "alias": alias,
            "reset_frequency": "BILLING_PERIOD",
            "applicable_spend_specifiers": [
                {"spend_type": "COMMIT_PURCHASE", "sources": ["MANUAL"], **chosen}
            ],
        }
        for alias, chosen in (("all", {}), ("cheap", {"discounted": "DISCOUNTED_ONLY"}))
    )
    first = _bought(till, {"timestamp": "2025-01-05T00:00:00Z", "amount": 70})
    till.agree(spend_trackers=[every, cheap], commits=[first])
    assert _added_up(till) == [70, 0]
    later = {"timestamp": "2025-02-05T00:00:00Z", "amount": 400}
    second = _bought(till, {"timestamp": "2025-01-20T00:00:00Z", "amount": 30}, later)
    second["spend_tracker_attributes"] = {"counts_as_discounted": True}
    free = _bought(till)
    till.edit(add_commits=[second, free])
    # 70 + 30, of which the latter is discounted.
    assert _added_up(till) == [100, 30]
    gate = {"payment_gate_config": {"payment_gate_type": "STRIPE"}}
    third = _bought(till, {"timestamp": "2025-01-10T00:00:00Z", "amount": 5}) | gate
    till.edit(add_commits=[third])
    assert _added_up(till) == [105, 30]
    shown = till.shown()
    assert [
        one["applicable_spend_specifiers"][0]["discounted"] for one in shown["spend_trackers"]
    ] == [
        "ANY",
        "DISCOUNTED_ONLY",
    ]
    marked = [one for one in shown["commits"] if "spend_tracker_attributes" in one]
    assert [one["spend_tracker_attributes"] for one in marked] == [{"counts_as_discounted": True}]
    till.clock("2025-02-10T00:00:00Z")
    assert _added_up(till) == [400, 400]


def test_spend_trackers_come_and_go_with_edits() -> None:
    till = Till(1000)
    till.agree()
    tracker = {
        "alias": "all",
        "reset_frequency": "BILLING_PERIOD",
        "applicable_spend_specifiers": [
            {"spend_type": "COMMIT_PURCHASE", "sources": ["THRESHOLD_RECHARGE"]}
        ],
    }
    cap = {"spend_tracker_alias": "all", "amount": 1}
    threshold = till.threshold(
        threshold_amount=1000,
        recharge_to_amount=2500,
        discount_configuration={"payment_fraction": 0.5, "cap": cap},
    )
    # The threshold of the same edit may name the tracker.
    till.edit(add_spend_trackers=[tracker], add_prepaid_balance_threshold_configuration=threshold)
    # Half of 2500 − 1000.
    assert (till.charges(), _added_up(till)) == ([("FINALIZED", 750)], [750])
    for change, named in (
        ({"add_spend_trackers": [tracker]}, "add_spend_trackers: the alias is in use: all"),
        ({"archive_spend_trackers": ["none"]}, "archive_spend_trackers: no such"),
        ({"archive_spend_trackers": ["all"]}, "archive_spend_trackers: a discount is capped"),
        ({"add_spend_trackers": [{**tracker, "alias": "x"}] * 2}, "aliases must be different"),
    ):
        assert named in till.refused("/v2/contracts/edit", {**till.names, **change})["message"]
    update = "update_prepaid_balance_threshold_configuration"
    till.edit(**{update: {"discount_configuration": None}})
    till.edit(archive_spend_trackers=["all"], add_spend_trackers=[{**tracker, "alias": "next"}])
    [shown] = till.shown()["spend_trackers"]
    assert (shown["alias"], shown["accumulated_spend"]["amount"]) == ("next", 0)


def _bought(till: Till, *payments: JSON) -> JSON:
    paid = {"invoice_schedule": {"schedule_items": [*payments]}} if payments else {}
    return {"type": "PREPAID", "product_id": till.fixed, "access_schedule": access(500), **paid}


def _added_up(till: Till) -> list[Any]:
    return [one["accumulated_spend"]["amount"] for one in till.shown()["spend_trackers"]]


def test_a_cap_needs_its_tracker() -> None:
    till = Till(1000)
    till.agree()
    discount = {"payment_fraction": 0.9, "cap": {"spend_tracker_alias": "none", "amount": 1}}
    add = {"add_prepaid_balance_threshold_configuration": till.threshold()}
    add["add_prepaid_balance_threshold_configuration"]["discount_configuration"] = discount
    refused = till.refused("/v2/contracts/edit", {**till.names, **add})
    assert "spend_tracker_alias" in refused["message"]


@pytest.mark.parametrize("tax_type", ["STRIPE", "ANROK"])
def test_tax_is_what_its_service_says(tax_type: str) -> None:
    till = Till(700)
    till.script(tax={"name": "VAT", "rate": 0.2})
    gate = {"payment_gate_type": "STRIPE", "tax_type": tax_type}
    till.agree(till.threshold(payment_gate_config=gate))
    till.spend(220)
    assert till.kinds() == PAID
    # 2500 − 480 = 2020, and a fifth of it is 404. What is granted is without tax.
    assert (till.charges(), till.collected()) == ([("FINALIZED", 2424)], [2424])
    assert till.balance() == 2500
    assert (
        "STRIPE gate"
        in till.refused(
            "/v2/contracts/edit",
            {
                **till.names,
                "update_prepaid_balance_threshold_configuration": {
                    "payment_gate_config": {**gate, "payment_gate_type": "EXTERNAL"}
                },
            },
        )["message"]
    )


def test_a_recharge_with_a_duration_lasts_so_long_after_the_period() -> None:
    till = Till(700)
    threshold = till.threshold()
    threshold["commit"]["duration"] = {"value": 3, "unit": "MONTHS"}
    till.agree(threshold)
    till.spend(220)
    assert till.kinds() == PAID
    [commit] = till.shown()["commits"]
    [segment] = commit["access_schedule"]["schedule_items"]
    # The usage period ends on 1 February, and three months later is 1 May.
    assert (segment["starting_at"][:13], segment["ending_before"][:10]) == (
        "2025-01-10T10",
        "2025-05-01",
    )
    shown = till.shown()["prepaid_balance_threshold_configuration"]["commit"]
    assert shown["duration"] == {"value": "3", "unit": "MONTHS"}


def test_the_payment_of_a_recharge_is_canceled() -> None:
    desk = Desk(700)
    desk.script("pending")
    desk.agree(desk.threshold())
    desk.spend(220)
    assert desk.kinds() == ["threshold_reached"]
    invoice = desk.charge()
    [payment] = desk.payments(invoice["id"])
    assert (payment["status"], payment["amount"], payment["amount_paid"]) == ("pending", 2020, 0)
    about = desk.about(invoice)
    # A draft is not paid by hand.
    assert "DRAFT" in desk.refused("/v1/payments/attempt", about)["message"]
    assert desk.post("/v1/payments/cancel", about)["status"] == "canceled"
    assert desk.kinds() == ["payment_status"]
    assert desk.charges() == [("VOID", 2020)]
    assert desk.shown()["prepaid_balance_threshold_configuration"]["is_enabled"] is False
    refused = desk.refused("/v1/payments/cancel", about, 409)
    assert refused["message"] == "Payment could not be canceled."
    # What failed would be billed by being made anew, and buy nothing.
    assert "failed" in desk.refused("/v1/invoices/regenerate", {"id": invoice["id"]})["message"]


def test_a_payment_that_is_decided_meanwhile_is_not_canceled() -> None:
    desk = Desk(700)
    desk.script("action_required")
    desk.agree(desk.threshold())
    desk.spend(220)
    assert desk.kinds()[-1] == "payment_pending_action_required"
    invoice = desk.charge()
    [payment] = desk.payments(invoice["id"], statuses=["requires_intervention"])
    assert payment["error_message"] == "three_d_secure_redirect"
    intent = payment["payment_gateway"]["stripe"]["payment_intent_id"]
    desk.post("/mock/payments", {"settle": "paid", "payment_intent_id": intent})
    assert (
        "not be canceled"
        in desk.refused("/v1/payments/cancel", desk.about(invoice), 409)["message"]
    )
    assert desk.kinds() == PAID[1:]
    assert desk.balance() == 2500


def test_a_final_invoice_is_paid_by_hand() -> None:
    desk = Desk()
    desk.agree(**desk.billed)
    desk.script("failed", "pending", "paid")
    invoice = desk.final()
    about = desk.about(invoice)
    assert desk.payments(invoice["id"]) == []
    assert desk.refused("/v1/payments/cancel", about, 404)["code"] == "PaymentNotFound"
    first = desk.post("/v1/payments/attempt", about)
    assert (first["status"], first["amount"]) == ("requires_intervention", 300)
    assert first["payment_gateway"]["stripe"]["error"]["code"] == "card_declined"
    assert desk.sent(invoice) == "PAYMENT_FAILED"
    second = desk.post("/v1/payments/attempt", about)
    assert second["status"] == "pending"
    third = desk.post("/v1/payments/attempt", about)
    assert (third["status"], third["amount_paid"]) == ("paid", 300)
    assert desk.sent(invoice) == "PAID"
    # Each attempt canceled the open one before it.
    listed = desk.payments(invoice["id"])
    assert [(one["id"], one["status"]) for one in listed] == [
        (first["id"], "canceled"),
        (second["id"], "canceled"),
        (third["id"], "paid"),
    ]
    # And each still says what had become of it.
    assert listed[0]["payment_gateway"] == first["payment_gateway"]
    assert listed[0]["error_message"] == first["error_message"]
    assert [one["id"] for one in desk.payments(invoice["id"], statuses=["paid"])] == [third["id"]]
    assert "is paid" in desk.refused("/v1/payments/attempt", about)["message"]
    assert "not be canceled" in desk.refused("/v1/payments/cancel", about, 409)["message"]
    assert desk.collected() == [300, 300, 300]


def test_an_open_payment_of_an_invoice_is_canceled() -> None:
    desk = Desk()
    desk.agree(**desk.billed)
    desk.script("pending")
    invoice = desk.final()
    desk.post("/v1/payments/attempt", desk.about(invoice))
    assert desk.post("/v1/payments/cancel", desk.about(invoice))["status"] == "canceled"
    # It is canceled for good, whatever becomes of the others.
    desk.post("/mock/payments", {"settle": "paid"})
    desk.settle()
    assert [one["status"] for one in desk.payments(invoice["id"])] == ["canceled"]


def test_an_invoice_is_charged_when_it_is_sent() -> None:
    desk = Desk(method="auto_charge_payment_intent")
    desk.agree(**desk.billed)
    desk.script("pending")
    invoice = desk.final()
    [payment] = desk.payments(invoice["id"])
    assert (payment["status"], desk.sent(invoice)) == ("pending", "FINALIZED")
    desk.post("/mock/payments", {"settle": "paid"})
    desk.settle()
    [payment] = desk.payments(invoice["id"])
    assert (payment["status"], desk.sent(invoice)) == ("paid", "PAID")


def test_what_is_not_paid_by_intents_is_refused() -> None:
    desk = Desk(method="charge_automatically")
    desk.agree(**desk.billed)
    invoice = desk.final()
    about = desk.about(invoice)
    assert "payment intents" in desk.refused("/v1/payments/attempt", about)["message"]
    desk.post("/v1/invoices/void", {"id": invoice["id"]})
    assert "VOID" in desk.refused("/v1/payments/attempt", about)["message"]
    unknown = {**about, "invoice_id": desk.contract_id}
    for what in ("list", "attempt", "cancel"):
        assert desk.refused(f"/v1/payments/{what}", unknown, 404)["code"] == "InvoiceNotFound"


def test_payments_are_listed_page_by_page() -> None:
    desk = Desk()
    desk.agree(**desk.billed)
    desk.script(*["failed"] * 3)
    invoice = desk.final()
    made = [desk.post("/v1/payments/attempt", desk.about(invoice))["id"] for _ in range(3)]
    seen, cursor = [], None
    for _ in range(3):
        body = {**desk.about(invoice), "limit": 1}
        if cursor is not None:
            body["next_page"] = cursor
        status, reply = desk.call("POST", "/v1/payments/list", body)
        assert status == 200
        seen += [one["id"] for one in reply["data"]]
        cursor = reply["next_page"]
    assert (seen, cursor) == (made, None)


def test_a_script_is_shown_used_up_and_forgotten() -> None:
    till = Till(700)
    till.script("failed", "pending", tax={"rate": 0.1})
    till.post("/mock/payments", {"outcomes": ["action_required"]})
    shown = till.get("/mock/payments")
    assert shown["script"] == [
        {"customer_id": None, "outcomes": ["action_required"]},
        {"customer_id": till.customer_id, "outcomes": ["failed", "pending"]},
    ]
    assert shown["tax"]["name"] == "Tax"
    till.agree(till.threshold())
    till.spend(220)
    assert till.kinds() == PAID[:2]
    assert till.get("/mock/payments")["script"][1]["outcomes"] == ["pending"]
    status, reply = till.call("DELETE", "/mock/payments")
    assert (status, reply["data"]["script"], reply["data"]["tax"]) == (200, [], None)
    assert "outcomes" in till.refused("/mock/payments", {})["message"]
    till.clock(NOW)


def test_thresholds_end_with_the_account_they_are_collected_through() -> None:
    desk = Desk(700)
    spend = desk.threshold(threshold_amount=30_000)
    del spend["recharge_to_amount"]
    desk.agree(desk.threshold(), spend_threshold_configuration=spend, **desk.billed)
    other = desk.contract(
        desk.customer_id,
        None,
        prepaid_balance_threshold_configuration=desk.threshold(threshold_amount=501),
    )
    path = "/v1/archiveCustomerBillingProviderConfigurations"
    ids = {"customer_billing_provider_configuration_ids": [desk.account_id]}
    desk.post(path, {"customer_id": desk.customer_id, **ids})
    shown = desk.shown()
    assert shown["prepaid_balance_threshold_configuration"]["is_enabled"] is False
    assert shown["spend_threshold_configuration"]["is_enabled"] is False
    # A contract that is not billed through it keeps its own.
    names = {"customer_id": desk.customer_id, "contract_id": other}
    kept = desk.post("/v2/contracts/get", names)["prepaid_balance_threshold_configuration"]
    assert kept["is_enabled"] is True
    desk.told("")
    desk.spend(300)
    reached = [one for one in desk.events() if one["type"].endswith("threshold_reached")]
    assert {one["properties"]["contract_id"] for one in reached} <= {other}


def test_a_contract_that_is_archived_buys_nothing_any_more() -> None:
    desk = Desk(700)
    desk.script("pending", "pending")
    desk.agree(desk.threshold())
    desk.spend(220)
    desk.buy("first")
    assert sorted(one["status"] for one in desk.invoices(desk.customer_id, type="SCHEDULED")) == [
        "DRAFT",
        "DRAFT",
    ]
    desk.post("/v1/contracts/archive", {**desk.names, "void_invoices": False})
    desk.settle()
    # Both payments are canceled: nobody pays for what nobody will get.
    assert sorted(desk.charges()) == [("VOID", 2020), ("VOID", 200_000)]
    outcomes = {one["outcome"] for one in desk.get("/mock/payments")["payments"]}
    assert outcomes == {"canceled"}
    desk.post("/mock/payments", {"settle": "paid"})
    desk.settle()
    listed = {"customer_id": desk.customer_id, "include_contract_balances": True}
    listed |= {"include_archived": True}
    path = "/v1/contracts/customerBalances/list"
    assert [one["type"] for one in desk.post(path, listed)] == ["CREDIT"]


def test_balances_may_be_left_out_of_what_a_threshold_watches() -> None:
    till = Till(600)
    for entity in ("contract_credit", "commit"):
        key = {"entity": entity, "key": "kind", "enforce_uniqueness": False}
        till.post("/v1/customFields/addKey", key)
    gift = {
        "product_id": till.fixed,
        "access_schedule": access(5000),
        "priority": 1,
        "custom_fields": {"kind": "gift"},
    }

    def without(entity: str) -> list[JSON]:
        filters = [{"entity": entity, "key": "kind", "value": "gift"}]
        return [{"exclude": [{"custom_field_filters": filters}]}]

    threshold = till.threshold(threshold_balance_specifiers=without("Commit"))
    till.agree(threshold)
    till.edit(add_credits=[gift])
    till.spend(300)
    till.settle()
    # 5600 − 300: the gift is a credit, and was not left out.
    assert till.charges() == []
    specifiers = without("ContractCreditOrCommit")
    change = {"threshold_balance_specifiers": specifiers, "threshold_amount": 600}
    till.edit(update_prepaid_balance_threshold_configuration=change)
    shown = till.shown()["prepaid_balance_threshold_configuration"]
    assert shown["threshold_balance_specifiers"] == specifiers
    # The gift has 4700 left, which do not count: of the 600 beside it nothing was drawn.
    assert till.charges() == [("FINALIZED", 1900)]
