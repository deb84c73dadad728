"""The checklist of balances, thresholds, alerts and events (chapter 32), item by item.

Item n has the test `test_item_<n>_…`; the last one compares the two, and the examples with those
that there are.
"""

import ast
import hashlib
import hmac
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from backbeat_local.functions import Function
from backbeat_local.template import Template
from tests.integration.conftest import Stage, opened
from tests.integration.worked.test_balances import access
from tests.integration.worked.test_threshold_billing import Till
from tests.integration.worked.world import JSON, World, lines

TESTS: Final = Path(__file__).parents[2]
EXAMPLES: Final = [f"{number:02}" for number in range(1, 74)] + ["61a"]

ITEMS: Final[dict[int, str]] = {
    1: "decimal arithmetic; the ledger is derived from facts; finished segments sum to nothing",
    2: "one drawdown for drafts, net balance, thresholds, alerts and previews",
    3: "work of one instant happens in the order of 1.11",
    4: "both date headers, signed bytes, a retry schedule, stable event ids",
    5: "enums in upper case but for alert and payment statuses; either case is taken",
    6: "pages of 25 at most; namespaces of uniqueness keys",
    7: "the older mock by its profile, and its aliases always",
    8: "the worked examples as tests",
}


def ledgers(world: World, customer: str) -> list[JSON]:
    body = {
        "customer_id": customer,
        "include_contract_balances": True,
        "include_balance": True,
        "include_ledgers": True,
    }
    found: list[JSON] = world.post("/v1/contracts/customerBalances/list", body)
    return found


def test_item_1_decimals_to_the_last_digit_and_segments_that_sum_to_nothing() -> None:
    world = World("2025-01-01T00:00:00Z")
    customer, card = world.customer(), world.rate_card()
    world.rate(card, world.product(world.metric()), price=0.1)
    fixed = world.product(type="FIXED")
    halves = {
        "schedule_items": [
            *access(0.7, end="2025-02-01")["schedule_items"],
            *access(0.7, start="2025-02-01", end="2025-03-01")["schedule_items"],
        ]
    }
    commit = {"type": "PREPAID", "product_id": fixed, "access_schedule": halves}
    world.contract(customer, card, commits=[commit])
    world.clock("2025-01-10T00:00:00Z")
    # Seven times a tenth is seven tenths, which floats do not know.
    for number in range(7):
        world.use(customer, 1, f"2025-01-{number + 1:02}T00:00:00Z")
    world.clock("2025-02-10T00:00:00Z")
    world.use(customer, 3, "2025-02-05T00:00:00Z")
    world.clock("2025-03-10T00:00:00Z")
    [shown] = ledgers(world, customer)
    for item in shown["access_schedule"]["schedule_items"]:
        mine = [one["amount"] for one in shown["ledger"] if one["segment_id"] == item["id"]]
        assert sum(mine) == 0
    drawn = [str(one["amount"]) for one in shown["ledger"] if "DEDUCTION" in one["type"]]
    assert drawn == ["-0.7", "-0.3"]


def test_item_2_everything_draws_alike() -> None:
    till = Till(1000)
    till.agree(till.threshold(threshold_amount=500, recharge_to_amount=2000))
    alert = till.alert("low_remaining_contract_credit_and_commit_balance_reached", 550)
    use = {"event_type": "use", "timestamp": "2025-01-10T00:00:00Z", "customer_id": "x"}
    path = f"/v1/customers/{till.customer_id}/previewEvents"
    imagined = {"mode": "replace", "events": [{**use, "properties": {"value": "480"}}]}
    [preview, *_] = till.post(path, imagined)
    assert preview["total"] == 0
    till.spend(480)
    [told] = [one for one in till.told("") if one["type"].startswith("alerts.")]
    # 1000 − 480, as the alert, the net balance, the ledger and the drafts have it.
    assert told["properties"]["remaining_balance"] == 520
    assert till.status(till.customer_id, alert) == "in_alarm"
    assert till.balance() == 520
    [credit] = ledgers(till, till.customer_id)
    assert sum(one["amount"] for one in credit["ledger"]) == credit["balance"] == 520
    [paid] = [
        total
        for kind, total in lines(till.draft(till.customer_id), "type", "total")
        if kind != "usage"
    ]
    [imagined_paid] = [total for kind, total in lines(preview, "type", "total") if kind != "usage"]
    assert paid == imagined_paid == -480
    till.spend(20)
    till.settle()
    # The threshold sees 500, and recharges the rest of 2000.
    assert till.charges() == [("FINALIZED", 1500)]


def test_item_3_what_falls_on_one_instant_happens_in_order() -> None:
    """A final invoice, the end of a segment, the start of the next, a recharge, an alarm."""
    till = Till(0)
    dying = {"schedule_items": [*access(900, end="2025-02-02")["schedule_items"]]}
    dying["schedule_items"] += access(100, start="2025-02-02")["schedule_items"]
    credit = {"product_id": till.fixed, "access_schedule": dying}
    till.agree(till.threshold(), credits=[credit])
    till.alert("low_remaining_contract_credit_balance_reached", 150)
    till.spend(50)
    till.told("")
    # January's invoice is final a day after the month, when the segments change.
    till.clock("2025-02-02T00:00:00Z")
    kinds = [one["type"] for one in till.told("")]
    in_order = [
        "invoice.finalized",
        "payment_gate.threshold_reached",
        "payment_gate.payment_status",
        "invoice.finalized",
        "commit.create",
        "alerts.low_remaining_contract_credit_balance_reached",
    ]
    assert [kind for kind in kinds if kind in in_order] == in_order
    [final] = till.invoices(till.customer_id, type="USAGE", status="FINALIZED")
    # The invoice was paid by the segment that ended then; the recharge saw the next one's 100.
    assert final["total"] == 0
    assert till.charges() == [("FINALIZED", 2400)]


def test_item_4_webhooks_are_signed_dated_retried_and_known_again(stage: Stage) -> None:
    product, hook = stage.product, "https://hooks.example.com/"
    product.post("/v1/client/config/webhook_secret", {"webhook_secret": "correct-horse"})
    product.post("/webhooks/subscriptions", {"target": hook})
    stage.targets.answers[hook] = [500, 500]
    customer = product.post("/v1/customers", {"name": "Acme"}).data["id"]
    contract = {"customer_id": customer, "starting_at": "2025-02-01T00:00:00Z"}
    product.post("/v1/contracts/create", contract)
    made = []
    # Each wait is twice as long as the one before; nothing happens before it is over.
    for seconds in (0, 1, 2):
        stage.clock.advance(seconds=seconds)
        product.work_off_webhooks()
        made.append(len(stage.targets.posts))
        product.work_off_webhooks()
        assert len(stage.targets.posts) == made[-1]
    assert made == [1, 2, 3]
    bodies = {post.body for post in stage.targets.posts}
    # The same event, byte for byte.
    assert len(bodies) == 1
    for post in stage.targets.posts:
        headers = {name.lower(): value for name, value in post.headers.items()}
        assert headers["date"] == headers["x-metronome-date"]
        message = headers["date"].encode() + b"\n" + post.body
        signed = hmac.new(b"correct-horse", message, hashlib.sha256).hexdigest()
        assert headers["metronome-webhook-signature"] == signed
        assert headers["content-type"] == "application/json"


@pytest.mark.parametrize("write", [str.lower, str.upper])
def test_item_5_enums_are_taken_in_either_case(write: Any) -> None:
    till = Till(1000)
    commit = {
        "type": write("prepaid"),
        "product_id": till.fixed,
        "rate_type": write("commit_rate"),
        "access_schedule": access(10),
        "hierarchy_configuration": {"child_access": {"type": write("all")}},
    }
    till.agree(till.threshold(write("stripe")), commits=[commit])
    shown = till.shown()
    [made] = shown["commits"]
    assert (made["type"], made["rate_type"]) == ("PREPAID", "COMMIT_RATE")
    assert made["hierarchy_configuration"]["child_access"]["type"] == "ALL"
    gate = shown["prepaid_balance_threshold_configuration"]["payment_gate_config"]
    assert (gate["payment_gate_type"], gate["tax_type"]) == ("STRIPE", "NONE")
    alert = till.alert("low_remaining_commit_balance_reached", 5)
    assert till.status(till.customer_id, alert) == "ok"
    listed = {"customer_id": till.customer_id, "alert_statuses": [write("enabled")]}
    [found] = till.post("/v1/customer-alerts/list", listed)
    assert found["alert"]["status"] == "enabled"
    till.script("pending")
    till.spend(600)
    till.settle()
    [charge] = till.invoices(till.customer_id, type="SCHEDULED")
    names = {"customer_id": till.customer_id, "invoice_id": charge["id"]}
    assert [one["status"] for one in till.post("/v1/payments/list", names)] == ["pending"]


def test_item_6_pages_have_25_entries_at_most() -> None:
    world = World()
    customer = world.customer()
    for path in (
        "/v1/contracts/customerBalances/list",
        "/v1/contracts/customerCommits/list",
        "/v1/contracts/customerCredits/list",
    ):
        world.post(path, {"customer_id": customer, "limit": 25})
        for limit in (0, 26):
            refused = world.refused(path, {"customer_id": customer, "limit": limit})
            assert "limit" in refused["message"]


def test_item_6_commits_and_credits_share_their_keys_and_others_have_their_own() -> None:
    world = World()
    customer = world.customer()
    fixed = world.product(type="FIXED")
    key = {"uniqueness_key": "the key"}
    balance = {
        "customer_id": customer,
        "product_id": fixed,
        "priority": 1,
        "access_schedule": access(1),
        **key,
    }
    world.post("/v1/contracts/customerCommits/create", {**balance, "type": "PREPAID"})
    taken = world.refused("/v1/contracts/customerCredits/create", balance, 409)
    assert taken["message"] == "This uniqueness key has already been used."
    contract = world.contract(customer, None, **key)
    again = {"customer_id": customer, "starting_at": "2025-01-01T00:00:00Z", **key}
    world.refused("/v1/contracts/create", again, 409)
    edit = {"customer_id": customer, "contract_id": contract, "update_contract_name": "A", **key}
    world.post("/v2/contracts/edit", edit)
    world.refused("/v2/contracts/edit", edit, 409)
    alert = {"alert_type": "spend_threshold_reached", "name": "A", "threshold": 1, **key}
    first = world.post("/v1/alerts/create", alert)["id"]
    assert world.refused("/v1/alerts/create", alert, 409)["conflicting_id"] == first
    # Of these only alerts give theirs back.
    world.post("/v1/alerts/archive", {"id": first, "release_uniqueness_key": True})
    world.post("/v1/alerts/create", alert)


def test_item_7_the_profile_changes_errors_and_aliases_are_always_there(
    stage: Stage, template: Template, functions: dict[str, Function]
) -> None:
    customer = stage.product.post("/v1/customers", {"name": "Acme"}).data["id"]
    contract = {"customer_id": customer, "starting_at": "2025-01-01T00:00:00Z"}
    made = stage.product.post("/v1/contracts/create", contract).data["id"]
    alias = stage.product.get(f"/v1/contracts/{made}", customer_id=customer)
    assert (alias.status, alias.data["id"]) == (200, made)
    assert "error" not in stage.product.post("/v1/customers", {}).body
    with opened(template, functions, {"BACKBEAT_PROFILE": "mock"}) as older:
        refused = older.product.request("POST", "/v1/customers", {}, token=None)
        assert (refused.status, refused.body["error"]["status"]) == (400, 400)
        assert refused.body["message"] == refused.body["error"]["message"]
        created = older.product.request("POST", "/v1/customers", {"name": "Acme"}, token=None)
        assert created.status == 201


def named_examples() -> Iterator[str]:
    """Yields the examples that tests are named after, by their functions or their cases."""
    for path in sorted(TESTS.rglob("test_*.py")):
        text = path.read_text()
        for name in re.findall(r"def (test_\w+)", text):
            yield from re.findall(r"ex_(\d\da?)", name)
        yield from re.findall(r'"ex_(\d\da?)_', text)


def test_item_8_every_worked_example_has_a_test() -> None:
    assert {*named_examples()} == {*EXAMPLES}


def test_every_item_has_a_test() -> None:
    names = [
        node.name
        for node in ast.parse(Path(__file__).read_text()).body
        if isinstance(node, ast.FunctionDef)
    ]
    found = {int(number) for name in names for number in re.findall(r"^test_item_(\d+)_", name)}
    assert found == {*ITEMS}
