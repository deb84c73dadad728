"""The process may die between any two effects of what draws, recharges and pays.

Wherever it does, what is worked off afterwards comes to the same as if nothing had happened.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tests.integration.test_crash_points import (
    A,
    Scene,
    Staging,
    all_delivered,
    at_each_step,
    each_once,
    scene,
)

__all__ = ["scene"]

JANUARY = {"starting_at": "2025-01-01T00:00:00Z", "ending_before": "2026-01-01T00:00:00Z"}


def access(amount: int) -> dict[str, Any]:
    return {"schedule_items": [{"amount": amount, **JANUARY}]}


def fixed(played: Scene) -> str:
    body = {"name": "Purchase", "type": "FIXED"}
    path = "/v1/contract-pricing/products/create"
    id_: str = played.product.post(path, body).data["id"]
    return id_


def outcome(played: Scene) -> Any:
    """Returns all that a client can see, but for ids: invoices, ledgers, payments, events."""
    customer_id = played.world.customer_id
    invoices = played.product.get(f"/v1/customers/{customer_id}/invoices", limit="100").data
    body = {
        "customer_id": customer_id,
        "include_contract_balances": True,
        "include_balance": True,
        "include_ledgers": True,
    }
    balances = played.product.post("/v1/contracts/customerBalances/list", body).data
    payments = [
        (one["status"], one["amount"])
        for invoice in invoices
        for one in played.product.post(
            "/v1/payments/list", {"customer_id": customer_id, "invoice_id": invoice["id"]}
        ).data
    ]
    collected = played.product.get("/mock/payments").data["payments"]
    return {
        "invoices": sorted(
            (
                one["type"],
                one["status"],
                str(one["total"]),
                str((one.get("external_invoice") or {}).get("external_status")),
            )
            for one in invoices
        ),
        "ledgers": sorted(
            (
                one["name"],
                str(one["balance"]),
                sorted((entry["type"], str(entry["amount"])) for entry in one["ledger"]),
            )
            for one in balances
        ),
        "payments": sorted(map(str, payments)),
        "collected": sorted(str(one["amount"]) for one in collected),
        "events": each_once(played.received(A)),
    }


def hold(
    scene: Staging, story: Callable[[Scene], None], again: Callable[[Scene], None] = lambda _: None
) -> Any:
    """Tells a story to its end, then dies at each of its steps: the outcomes are the same.

    `again` is what a client does that got no answer. Returns the outcome.
    """
    with scene() as whole:
        story(whole)
        again(whole)
        wait(whole)
        expected = outcome(whole)
    for played in at_each_step(scene, story):
        again(played)
        wait(played)
        assert outcome(played) == expected, played.steps.taken
        assert all_delivered(played)
    return expected


def wait(played: Scene) -> None:
    """Lets hours pass, in which everything comes about that waited for something else."""
    for hours in (1, 4, 1):
        played.clock.advance(hours=hours)
        played.product.tick()
        played.product.work_off_jobs()
        played.product.work_off_webhooks()


def script(played: Scene, *outcomes: str) -> None:
    """Says what becomes of the payments, unless that was said."""
    shown = played.product.get("/mock/payments").data
    if not shown["script"] and not shown["payments"]:
        reply = played.product.post("/mock/payments", {"outcomes": [*outcomes]})
        assert reply.status == 200


def once(reply: Any) -> None:
    """Accepts that something was done by now: just so, or before the answer got lost."""
    assert reply.status in (200, 409), reply


def test_two_finalizations_that_draw_one_commit(scene: Staging) -> None:
    """January of two contracts, a shared commit, a credit of one of them, and the true-up."""

    def prepare(played: Scene) -> None:
        post, customer_id = played.product.post, played.world.customer_id
        purchase = fixed(played)
        own = {"customer_id": customer_id, "product_id": purchase}
        commit = {**own, "type": "PREPAID", "name": "Shared", "priority": 2}
        path = "/v1/contracts/customerCommits/create"
        assert post(path, {**commit, "access_schedule": access(30)}).status == 200
        postpaid = {
            **commit,
            "type": "POSTPAID",
            "name": "Promised",
            "invoice_contract_id": played.world.contract_id,
            "access_schedule": {
                "schedule_items": [{"amount": 50, **JANUARY, "ending_before": FEBRUARY}]
            },
            "invoice_schedule": {"schedule_items": [{"timestamp": FEBRUARY, "amount": 50}]},
        }
        assert post(path, postpaid).status == 200
        credit = {"product_id": purchase, "name": "Own", "access_schedule": access(5)}
        contract = {
            "customer_id": customer_id,
            "rate_card_id": played.world.rate_card_id,
            "starting_at": "2025-01-01T01:00:00Z",
            "credits": [credit],
        }
        assert post("/v1/contracts/create", contract).status == 200
        played.product.work_off_jobs()
        played.product.work_off_webhooks()

    def story(played: Scene) -> None:
        last, played.steps.last = played.steps.last, None
        prepare(played)
        played.steps.taken, played.steps.last = 0, last
        played.clock.set(datetime(2025, 2, 3, tzinfo=UTC))
        played.product.tick()
        played.product.work_off_jobs()

    expected = hold(scene, story)
    ledgers = {name: dict(entries) for name, _, entries in expected["ledgers"]}
    # Each contract uses 21. The older one: 21 of the shared 30. The other: 5 of its own, 9 of the
    # shared, 7 of what is promised, of which 50 − 7 = 43 are billed as missing.
    assert ledgers["Own"]["CREDIT_AUTOMATED_INVOICE_DEDUCTION"] == "-5"
    assert ledgers["Promised"]["POSTPAID_COMMIT_TRUEUP"] == "-43"
    final = [
        (kind, total) for kind, status, total, _ in expected["invoices"] if status == "FINALIZED"
    ]
    assert sorted(final) == [("SCHEDULED", "43"), ("USAGE", "0"), ("USAGE", "7")]


FEBRUARY = "2025-02-01T00:00:00Z"


def test_a_commit_that_is_paid_first(scene: Staging) -> None:
    """One edit asks for two commits: the first is declined, the second paid."""

    def buy(played: Scene) -> None:
        script(played, "FAILED", "PAID")
        purchase = fixed(played)
        commits = [
            {
                "type": "PREPAID",
                "name": name,
                "product_id": purchase,
                "access_schedule": access(amount),
                "invoice_schedule": {"schedule_items": [{"timestamp": FEBRUARY, "amount": amount}]},
                "payment_gate_config": {"payment_gate_type": "STRIPE"},
            }
            for name, amount in (("first", 100), ("second", 200))
        ]
        edit = {
            "customer_id": played.world.customer_id,
            "contract_id": played.world.contract_id,
            "uniqueness_key": "bought",
            "add_commits": commits,
        }
        once(played.product.post("/v2/contracts/edit", edit))

    def story(played: Scene) -> None:
        buy(played)
        played.product.work_off_jobs()

    expected = hold(scene, story, again=buy)
    assert expected["collected"] == ["100", "200"]
    assert [name for name, _, _ in expected["ledgers"]] == ["second"]
    assert expected["payments"] == ["('canceled', 100)", "('paid', 200)"]
    assert expected["events"]["payment_gate.payment_status"] == 2
    assert expected["events"]["commit.create"] == 1


def test_a_final_invoice_that_is_charged(scene: Staging) -> None:
    """A charge in the past is final, sent and charged: declined, and paid at the next attempt."""

    def agree(played: Scene) -> None:
        account = {
            "customer_id": played.world.customer_id,
            "billing_provider": "stripe",
            "delivery_method": "direct_to_billing_provider",
            "configuration": {
                "stripe_customer_id": "cus_1",
                "stripe_collection_method": "auto_charge_payment_intent",
            },
        }
        path = "/v1/setCustomerBillingProviderConfigurations"
        last, played.steps.last = played.steps.last, None
        [made] = played.product.post(path, {"data": [account]}).data
        script(played, "FAILED")
        purchase = fixed(played)
        played.steps.taken, played.steps.last = 0, last
        item = {"timestamp": "2025-01-10T00:00:00Z", "amount": 70}
        contract = {
            "customer_id": played.world.customer_id,
            "starting_at": "2025-01-01T00:00:00Z",
            "uniqueness_key": "charged",
            "billing_provider_configuration": {"billing_provider_configuration_id": made["id"]},
            "scheduled_charges": [{"product_id": purchase, "schedule": {"schedule_items": [item]}}],
        }
        once(played.product.post("/v1/contracts/create", contract))
        played.product.work_off_jobs()

    def again(played: Scene) -> None:
        played.steps.last = None
        path = f"/v1/customers/{played.world.customer_id}/invoices"
        if not played.product.get(path, type="SCHEDULED").data:
            agree(played)
        wait(played)
        [invoice] = played.product.get(path, type="SCHEDULED").data
        about = {"customer_id": played.world.customer_id, "invoice_id": invoice["id"]}
        assert played.product.post("/v1/payments/attempt", about).status == 200

    expected = hold(scene, agree, again=again)
    assert expected["payments"] == ["('canceled', 70)", "('paid', 70)"]
    assert ("SCHEDULED", "FINALIZED", "70", "PAID") in expected["invoices"]
