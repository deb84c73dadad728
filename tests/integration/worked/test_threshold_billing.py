"""Worked examples of threshold billing (balances and events, chapters 17 to 19)."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from tests.integration.worked.alarms import Alarms
from tests.integration.worked.test_balances import access
from tests.integration.worked.test_units import eur
from tests.integration.worked.world import JSON

NOW = "2025-01-10T10:00:00Z"
CREDITS = {"balance_types": ["PREPAID_COMMIT", "CREDIT"]}


class Till(Alarms):
    """A customer with a credit, whose usage costs 1 a unit, and a gateway that does as told."""

    def __init__(
        self,
        credit: int,
        *,
        in_unit: bool = False,
        in_euros: bool = False,
        settings: Mapping[str, str] = {},
    ) -> None:
        super().__init__(NOW, **settings)
        self.customer_id, self.credit = self.customer(), credit
        self.fixed = self.product(type="FIXED")
        self.unit_id = self.unit("CPU") if in_unit else None
        card: JSON = {}
        rate: JSON = {}
        if self.unit_id is not None:
            # A unit costs 10 cents.
            conversion = {"custom_credit_type_id": self.unit_id, "fiat_per_custom_credit": 10}
            card, rate = {"credit_type_conversions": [conversion]}, {"credit_type_id": self.unit_id}
        if in_euros:
            self.unit_id = eur(self)
            card, rate = {"fiat_credit_type_id": self.unit_id}, {"credit_type_id": self.unit_id}
        self.card_id = self.rate_card(**card)
        self.rate(self.card_id, self.product(self.metric()), price=1, **rate)

    def threshold(self, gate: str = "STRIPE", **fields: Any) -> JSON:
        return {
            "is_enabled": True,
            "threshold_amount": 500,
            "recharge_to_amount": 2500,
            "commit": {"product_id": self.fixed, "name": "Recharge"},
            "payment_gate_config": {"payment_gate_type": gate},
            **fields,
        }

    def agree(self, threshold: JSON | None = None, **terms: Any) -> None:
        """Makes the contract with the credit, and tells nothing of that."""
        if self.credit:
            granted = access(self.credit)
            if self.unit_id is not None:
                granted["credit_type_id"] = self.unit_id
            terms["credits"] = [{"product_id": self.fixed, "access_schedule": granted}]
        if threshold is not None:
            terms["prepaid_balance_threshold_configuration"] = threshold
        self.contract_id = self.contract(self.customer_id, self.card_id, **terms)
        self.told("")

    @property
    def names(self) -> JSON:
        return {"customer_id": self.customer_id, "contract_id": self.contract_id}

    def script(self, *outcomes: str, **fields: Any) -> None:
        """Says what becomes of the customer's next payments."""
        self.post(
            "/mock/payments",
            {"customer_id": self.customer_id, "outcomes": [*outcomes], **fields},
        )

    def collected(self) -> list[Any]:
        """Returns the amounts that were asked for, the smallest first."""
        return sorted(one["amount"] for one in self.get("/mock/payments")["payments"])

    def spend(self, amount: int) -> None:
        self.use(self.customer_id, amount, NOW)

    def events(self) -> list[JSON]:
        """Returns what was told since the last look of charges, and what comes of them."""
        kinds = ("payment_gate.", "invoice.", "commit.create")
        return [event for event in self.told("") if event["type"].startswith(kinds)]

    def kinds(self) -> list[str]:
        return [event["type"].removeprefix("payment_gate.") for event in self.events()]

    def balance(self, **wanted: Any) -> Any:
        path = "/v1/contracts/customerBalances/getNetBalance"
        return self.post(path, {"customer_id": self.customer_id, **wanted})["balance"]

    def charges(self) -> list[tuple[str, Any]]:
        found = self.invoices(self.customer_id, type="SCHEDULED")
        return [(one["status"], one["total"]) for one in found]

    def edit(self, **change: Any) -> None:
        self.post("/v2/contracts/edit", {**self.names, **change})

    def shown(self) -> JSON:
        found: JSON = self.post("/v2/contracts/get", self.names)
        return found

    def usage_total(self) -> Any:
        return self.draft(self.customer_id)["total"]


PAID = ["threshold_reached", "payment_status", "invoice.finalized", "commit.create"]


def test_ex_44_auto_recharge_paid() -> None:
    till = Till(700)
    till.agree(till.threshold())
    assert (till.events(), till.balance()) == ([], 700)
    till.spend(220)
    reached, status, _, created = till.events()
    subject = {
        "workflow_type": "prepaid_balance",
        "customer_id": till.customer_id,
        "contract_id": till.contract_id,
    }
    assert reached["properties"] == {**subject, "timestamp": "2025-01-10T10:00:00.000Z"}
    [invoice] = till.invoices(till.customer_id, type="SCHEDULED")
    intent = status["properties"]["billing_provider"]["stripe"]["payment_intent_id"]
    assert status["properties"] == {
        **subject,
        "invoice_id": invoice["id"],
        "payment_status": "paid",
        "timestamp": "2025-01-10T10:00:00Z",
        "billing_provider": {"type": "stripe", "stripe": {"payment_intent_id": intent}},
    }
    # 700 − 220 = 480, and 2500 − 480 = 2020.
    assert (invoice["status"], invoice["total"]) == ("FINALIZED", 2020)
    [line] = invoice["line_items"]
    assert (line["type"], line["commit_id"]) == ("commit_purchase", created["commit_id"])
    assert till.balance() == 2500
    [commit] = till.shown()["commits"]
    assert (commit["id"], commit["priority"]) == (created["commit_id"], 100)
    [segment] = commit["access_schedule"]["schedule_items"]
    assert segment["starting_at"][:13] == "2025-01-10T10"
    assert till.collected() == [2020]


@pytest.mark.parametrize(("credit", "recharged"), [(500, 2000), (501, None)])
def test_ex_45_equality_and_just_above(credit: int, recharged: int | None) -> None:
    till = Till(credit)
    till.agree(till.threshold())
    assert till.charges() == ([] if recharged is None else [("FINALIZED", recharged)])
    assert till.balance() == (501 if recharged is None else 2500)


def test_ex_46_auto_recharge_declined() -> None:
    till = Till(700)
    till.script("failed")
    till.agree(till.threshold())
    till.spend(220)
    reached, status = till.events()
    assert reached["type"] == "payment_gate.threshold_reached"
    failed = status["properties"]
    assert (failed["payment_status"], failed["error_message"]) == (
        "failed",
        "Your card was declined.",
    )
    assert failed["billing_provider"]["stripe"]["error"] == {
        "type": "card_error",
        "code": "card_declined",
        "decline_code": "generic_decline",
        "message": "Your card was declined.",
    }
    assert till.charges() == [("VOID", 2020)]
    config = till.shown()["prepaid_balance_threshold_configuration"]
    assert config["is_enabled"] is False
    assert till.shown()["commits"] == []

    # 480 drain to 0, and 320 more are overage; nobody is charged.
    till.spend(800)
    assert (till.balance(), till.usage_total(), till.kinds()) == (0, 320, [])
    till.clock("2025-01-10T12:00:00Z")
    till.edit(update_prepaid_balance_threshold_configuration={"is_enabled": True})
    assert till.kinds() == PAID
    assert till.charges() == [("VOID", 2020), ("FINALIZED", 2500)]
    # What was used before the hour of the payment stays to be paid.
    assert (till.balance(), till.usage_total()) == (2500, 320)


def test_the_invoice_of_a_failed_recharge_is_not_made_anew() -> None:
    till = Till(700)
    till.script("failed")
    till.agree(till.threshold())
    till.spend(220)
    till.settle()
    [void] = till.invoices(till.customer_id, type="SCHEDULED")
    refused = till.refused("/v1/invoices/regenerate", {"id": void["id"]})["message"]
    assert refused == "id: its payment failed, and a charge is not made anew"
    assert till.charges() == [("VOID", 2020)]


def test_the_invoice_of_a_recharge_is_void_and_made_anew() -> None:
    till = Till(700)
    till.agree(till.threshold())
    till.spend(220)
    till.settle()
    [paid] = till.invoices(till.customer_id, type="SCHEDULED")
    till.post("/v1/invoices/void", {"id": paid["id"]})
    till.post("/v1/invoices/regenerate", {"id": paid["id"]})
    # It bills the same purchase, which is drawn as before.
    assert sorted(till.charges()) == [("FINALIZED", 2020), ("VOID", 2020)]
    assert till.balance() == 2500
    [commit] = till.shown()["commits"]
    [anew] = till.invoices(till.customer_id, type="SCHEDULED", status="FINALIZED")
    assert [line["commit_id"] for line in anew["line_items"]] == [commit["id"]]


def test_ex_47_3d_secure() -> None:
    till = Till(700)
    till.script("action_required")
    till.agree(till.threshold())
    till.spend(220)
    _, pending = till.events()
    assert pending["type"] == "payment_gate.payment_pending_action_required"
    assert pending["properties"]["error_message"] == "three_d_secure_redirect"
    assert (till.charges(), till.balance()) == ([("DRAFT", 2020)], 480)
    till.spend(100)
    assert (till.kinds(), till.balance()) == ([], 380)

    till.post("/mock/payments", {"settle": "paid"})
    till.clock("2025-01-10T10:05:00Z")
    assert till.kinds() == PAID[1:]
    # The amount was fixed when the line was crossed: 380 + 2020.
    assert (till.charges(), till.balance()) == ([("FINALIZED", 2020)], 2400)


@pytest.mark.parametrize("outcome", ["paid", "failed"])
def test_ex_48_external(outcome: str) -> None:
    till = Till(700)
    till.agree(till.threshold("EXTERNAL"))
    till.spend(220)
    _, initiate = till.events()
    wanted = initiate["properties"]
    assert (wanted["invoice_total"], wanted["invoice_currency"]) == (2020, "USD")
    path = "/v1/contracts/commits/threshold-billing/release"
    release = {"workflow_id": wanted["workflow_id"], "outcome": outcome}
    till.post(path, release)
    events = till.events()
    status = events[0]["properties"]
    assert (status["payment_status"], "billing_provider" in status) == (outcome, False)
    if outcome == "paid":
        assert [event["type"] for event in events[1:]] == PAID[2:]
        assert (till.charges(), till.balance()) == ([("FINALIZED", 2020)], 2500)
    else:
        assert (till.charges(), till.balance()) == ([("VOID", 2020)], 480)
        config = till.shown()["prepaid_balance_threshold_configuration"]
        assert config["is_enabled"] is False
    assert "decided" in till.refused(path, release)["message"]
    unknown = {**release, "workflow_id": till.contract_id}
    assert till.refused(path, unknown, 404)["code"] == "WorkflowNotFound"
    assert till.collected() == []


def test_ex_49_tax() -> None:
    till = Till(700)
    gate = {
        "payment_gate_type": "STRIPE",
        "tax_type": "PRECALCULATED",
        "precalculated_tax_config": {"tax_amount": 167, "tax_name": "VAT"},
    }
    till.agree(till.threshold(payment_gate_config=gate))
    till.spend(220)
    assert till.kinds() == PAID
    [invoice] = till.invoices(till.customer_id, type="SCHEDULED")
    # 2020 + 167; what is granted is without tax.
    assert invoice["total"] == 2187
    assert [(line["name"], line["total"]) for line in invoice["line_items"]] == [
        ("Recharge", 2020),
        ("VAT", 167),
    ]
    assert till.collected() == [2187]
    assert till.balance() == 2500


@pytest.mark.parametrize(("fraction", "charged"), [(None, 4500), (0.9, 4050)])
def test_ex_50_custom_unit_with_discount(fraction: float | None, charged: int) -> None:
    till = Till(70, in_unit=True)
    terms: JSON = {"threshold_amount": 50, "recharge_to_amount": 500}
    if fraction is not None:
        terms["discount_configuration"] = {"payment_fraction": fraction}
    till.agree(till.threshold(custom_credit_type_id=till.unit_id, **terms))
    till.spend(20)
    assert till.kinds() == PAID
    # 450 units at 10 cents are 4500, of which nine tenths are 4050.
    assert till.charges() == [("FINALIZED", charged)]
    assert till.balance(credit_type_id=till.unit_id) == 500


def test_ex_52_nothing_is_rounded() -> None:
    till = Till(20, in_euros=True)
    till.agree(till.threshold(threshold_amount=10, recharge_to_amount=50))
    till.use(till.customer_id, "11.672", NOW)
    assert till.kinds() == PAID
    # 20 − 11.672 = 8.328 euros; 50 − 8.328 = 41.672.
    assert till.charges() == [("FINALIZED", Decimal("41.672"))]
    assert till.collected() == [Decimal("41.672")]
    [invoice] = till.invoices(till.customer_id, type="SCHEDULED")
    assert invoice["credit_type"]["name"] == "EUR"
    [commit] = till.shown()["commits"]
    [segment] = commit["access_schedule"]["schedule_items"]
    assert segment["amount"] == Decimal("41.672")
    assert till.balance(credit_type_id=till.unit_id) == 50


@pytest.mark.parametrize("second", ["paid", "failed"])
def test_ex_53_spend_threshold(second: str) -> None:
    till = Till(0)
    spend = till.threshold(threshold_amount=30000)
    del spend["recharge_to_amount"]
    till.script("paid", second)
    till.agree(spend_threshold_configuration=spend)
    till.spend(20000)
    assert till.kinds() == []
    till.spend(11250)
    events = till.events()
    assert events[0]["properties"]["workflow_type"] == "spend"
    assert till.charges() == [("FINALIZED", 31250)]
    assert till.usage_total() == 0
    till.spend(12000)
    assert till.kinds() == []
    till.spend(19000)
    # 12000 + 19000 = 31000
    if second == "paid":
        assert till.kinds() == PAID
        assert sorted(till.charges()) == [("FINALIZED", 31000), ("FINALIZED", 31250)]
    else:
        assert till.kinds() == PAID[:2]
        assert till.shown()["spend_threshold_configuration"]["is_enabled"] is False
    till.spend(5000)
    till.clock("2025-02-03T00:00:00Z")
    [final] = till.invoices(till.customer_id, type="USAGE", status="FINALIZED")
    assert final["total"] == (5000 if second == "paid" else 36000)
    # 31250 + 31000 + 5000, or 31250 + 36000: all that was used, once.
    paid = [one["total"] for one in till.invoices(till.customer_id, status="FINALIZED")]
    assert sum(paid) == 67250


def test_without_a_gate_a_recharge_waits_for_nothing() -> None:
    till = Till(700)
    till.agree(till.threshold("NONE"))
    till.spend(220)
    assert till.kinds() == ["threshold_reached", "invoice.finalized", "commit.create"]
    assert (till.charges(), till.balance()) == ([("FINALIZED", 2020)], 2500)


def test_a_balance_that_expires_is_recharged_when_it_does() -> None:
    till = Till(0)
    dying = access(900, end="2025-01-20")
    till.agree(till.threshold(), credits=[{"product_id": till.fixed, "access_schedule": dying}])
    assert till.kinds() == []
    till.clock("2025-01-20T00:00:00Z")
    assert till.kinds() == PAID
    assert till.balance() == 2500


def test_what_does_not_fit_is_refused() -> None:
    till = Till(1000)
    till.agree()
    add = "add_prepaid_balance_threshold_configuration"
    spend = till.threshold()
    misfits: list[tuple[JSON, str]] = [
        ({"threshold_amount": 499}, "threshold_amount"),
        ({"recharge_to_amount": 1499}, "recharge_to_amount"),
        ({"custom_credit_type_id": till.unit()}, "credit_type_conversions"),
        ({"commit": {"product_id": till.contract_id}}, "commit.product_id"),
        ({"discount_configuration": {"payment_fraction": 1.5}}, "payment_fraction"),
        (
            {"payment_gate_config": {"payment_gate_type": "NONE", "tax_type": "STRIPE"}},
            "tax_type",
        ),
        (
            {"payment_gate_config": {"payment_gate_type": "NONE", "tax_type": "PRECALCULATED"}},
            "precalculated_tax_config",
        ),
    ]
    for change, names in misfits:
        body = {**till.names, add: {**spend, **change}}
        assert names in till.refused("/v2/contracts/edit", body)["message"]
    update = {**till.names, "update_prepaid_balance_threshold_configuration": {}}
    assert "add it" in till.refused("/v2/contracts/edit", update)["message"]
    till.edit(**{add: spend})
    again = {**till.names, add: spend}
    assert "update it" in till.refused("/v2/contracts/edit", again)["message"]
    later = {
        "customer_id": till.customer_id,
        "starting_at": "2025-02-01T00:00:00Z",
        "prepaid_balance_threshold_configuration": spend,
    }
    refused = till.refused("/v1/contracts/create", later)["message"]
    assert refused == (
        "Threshold billing cannot be configured on a contract that has not started yet"
    )


def test_the_one_active_recharge_is_changed_by_its_customer_alone() -> None:
    till = Till(1000)
    till.agree(till.threshold())
    path = "/v1/threshold-billing/update-active-recharge-config"
    body = {"customer_id": till.customer_id, "recharge_threshold": 1000, "recharge_to_amount": 3000}
    till.post(path, body)
    assert till.kinds() == PAID
    assert (till.charges(), till.balance()) == ([("FINALIZED", 2000)], 3000)
    till.post(path, {"customer_id": till.customer_id, "enabled": False})
    assert till.shown()["prepaid_balance_threshold_configuration"]["is_enabled"] is False
    till.contract(
        till.customer_id, None, prepaid_balance_threshold_configuration=till.threshold("NONE")
    )
    assert "2 running contracts" in till.refused(path, body)["message"]


def test_a_fault_declines_the_payments_of_one_customer() -> None:
    till = Till(700)
    till.agree(till.threshold())
    fault = {"kind": "payment_decline", "decline_code": "insufficient_funds", "count": 1}
    nobody = "00000000-0000-4000-8000-000000000000"
    till.post("/mock/faults", {"faults": [{**fault, "customer": nobody}]})
    till.post("/mock/faults", {"faults": [{**fault, "customer": till.customer_id}]})
    till.spend(220)
    _, status, *_ = till.events()
    told = status["properties"]
    assert told["payment_status"] == "failed"
    assert told["billing_provider"]["stripe"]["error"]["decline_code"] == "insufficient_funds"
    # What others meet was not used up; calls and webhooks did not count either.
    assert [one["fired"] for one in till.get("/mock/faults")] == [0, 1]
    assert till.balance() == 480
