"""A stage without sandboxes: nothing there looks through all customers to find one of their things.

Drafts lie nowhere; their ids alone lead to them.
"""

from datetime import UTC, datetime
from typing import Any

import pytest

from backbeat import bootstrap
from backbeat.config import Config
from tests.integration.worked.world import World

UNKNOWN = "00000000-0000-4000-8000-000000000000"


class SteppedClock:
    """Real time, as far as the services know."""

    def __init__(self) -> None:
        self.time = datetime(2025, 1, 6, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


@pytest.fixture
def world(clock: SteppedClock) -> World:
    world = World()
    config = {
        "BACKBEAT_STATE": ":memory:",
        "BACKBEAT_SANDBOX": "off",
        "BACKBEAT_TOKENS": "open",
        "BACKBEAT_WEBHOOK_TARGETS": "any",
    }
    world.services = bootstrap.build(Config.model_validate(config), clock=clock)
    return world


def says(reply: Any) -> str:
    return str(reply["message"])


def test_a_usage_draft_is_known_by_its_id_alone(world: World, clock: SteppedClock) -> None:
    customer, product, card = world.customer(), world.product(world.metric()), world.rate_card()
    world.rate(card, product, price=2)
    world.contract(customer, card, "2025-01-01T00:00:00Z")
    # January is in its grace period and February has begun, unless somebody does January's work.
    clock.time = datetime(2025, 2, 1, 12, tzinfo=UTC)
    drafts = world.invoices(customer, status="DRAFT")

    assert [draft["start_timestamp"][:7] for draft in drafts] == ["2025-01", "2025-02"]
    for draft in drafts:
        one = {"id": draft["id"]}
        voided = world.refused("/v1/invoices/void", one)
        assert says(voided) == "id: a DRAFT invoice cannot be voided"
        regenerated = world.refused("/v1/invoices/regenerate", one)
        assert says(regenerated) == "id: a DRAFT invoice cannot be regenerated"
    world.refused("/v1/invoices/void", {"id": UNKNOWN}, 404)


def test_a_scheduled_draft_is_moved_by_its_id_alone(world: World) -> None:
    customer, fixed = world.customer(), world.product(type="FIXED")
    item = {"timestamp": "2025-03-10T00:00:00Z", "unit_price": 100, "quantity": 1}
    usd = "2714e483-4ff1-48e4-9e25-ac732e8f24f2"
    charge = {"product_id": fixed, "schedule": {"credit_type_id": usd, "schedule_items": [item]}}
    world.contract(customer, None, "2025-01-01T00:00:00Z", scheduled_charges=[charge])
    [draft] = world.invoices(customer, type="SCHEDULED")

    moved = {"invoice_id": draft["id"], "issue_date": "2025-03-20T00:00:00Z"}
    assert world.post("/v1/contracts/updateInvoiceIssueDate", moved) == {"id": draft["id"]}

    [after] = world.invoices(customer, type="SCHEDULED")
    assert (after["id"], after["issued_at"][:10]) == (draft["id"], "2025-03-20")


def test_a_consolidated_draft_is_known_by_its_id_alone(world: World) -> None:
    parent, child = world.customer(), world.customer()
    product, card = world.product(world.metric()), world.rate_card()
    world.rate(card, product, price=2)
    above = world.contract(
        parent,
        card,
        hierarchy_configuration={
            "parent_behavior": {"invoice_consolidation_type": "CONCATENATE"},
        },
    )
    world.contract(
        child,
        card,
        hierarchy_configuration={
            "parent": {"customer_id": parent, "contract_id": above},
            "payer": "PARENT",
            "usage_statement_behavior": "CONSOLIDATE",
        },
    )
    [joined] = world.invoices(parent, type="USAGE_CONSOLIDATED")

    refused = world.refused("/v1/invoices/void", {"id": joined["id"]})
    assert (
        says(refused) == "id: a USAGE_CONSOLIDATED invoice is made of others and cannot be voided"
    )


class Late:
    """January was used 10 times at 2, and nobody came to bill it ten minutes after its cut-off."""

    def __init__(self, world: World, clock: SteppedClock) -> None:
        self.world = world
        product, card = world.product(world.metric()), world.rate_card()
        self.customer = world.customer()
        world.rate(card, product, price=2)
        self.card = card
        contract = world.contract(self.customer, card, "2025-01-01T00:00:00Z")
        self.names = {"customer_id": self.customer, "contract_id": contract}
        world.use(self.customer, 10, "2025-01-05T01:00:00Z")
        clock.time = datetime(2025, 2, 2, 0, 10, tzinfo=UTC)

    def bills(self) -> list[tuple[str, str, int]]:
        found = self.world.invoices(self.customer)
        return [(one["start_timestamp"][:10], one["status"], one["total"]) for one in found]


def test_an_edit_after_the_cut_off_changes_nothing_before_it(
    world: World, clock: SteppedClock
) -> None:
    late = Late(world, clock)
    assert late.bills()[0] == ("2025-01-01", "DRAFT", 20)

    half = {"starting_at": "2025-01-01T00:00:00Z", "type": "MULTIPLIER", "multiplier": 0.5}
    world.post("/v2/contracts/edit", {**late.names, "add_overrides": [half]})
    world.use(late.customer, 4, "2025-02-01T01:00:00Z")

    # 10 × 2 as it was agreed on at the cut-off; 4 × 2 × 0.5 from then on.
    assert late.bills() == [("2025-01-01", "FINALIZED", 20), ("2025-02-01", "DRAFT", 4)]


def test_an_end_set_after_the_cut_off_leaves_what_was_cut_off(
    world: World, clock: SteppedClock
) -> None:
    late = Late(world, clock)
    end = {**late.names, "ending_before": "2025-01-03T00:00:00Z"}
    world.post("/v1/contracts/updateEndDate", end)
    assert late.bills() == [("2025-01-01", "FINALIZED", 20)]


def test_archiving_after_the_cut_off_keeps_the_invoice(world: World, clock: SteppedClock) -> None:
    late = Late(world, clock)
    world.post("/v1/contracts/archive", {**late.names, "void_invoices": False})
    assert late.bills() == [("2025-01-01", "FINALIZED", 20)]


def test_a_renewal_after_the_cut_off_leaves_what_was_cut_off(
    world: World, clock: SteppedClock
) -> None:
    late = Late(world, clock)
    world.contract(
        late.customer,
        late.card,
        "2025-01-10T00:00:00Z",
        transition={"type": "RENEWAL", "from_contract_id": late.names["contract_id"]},
    )
    assert ("2025-01-01", "FINALIZED", 20) in late.bills()


def test_nobody_collects_for_stripe_gates(world: World) -> None:
    customer, card, fixed = world.customer(), world.rate_card(), world.product(type="FIXED")
    contract = world.contract(customer, card, "2025-01-01T00:00:00Z")
    threshold = {
        "is_enabled": True,
        "threshold_amount": 500,
        "recharge_to_amount": 2500,
        "commit": {"product_id": fixed, "name": "Recharge"},
        "payment_gate_config": {"payment_gate_type": "STRIPE"},
    }
    body = {
        "customer_id": customer,
        "contract_id": contract,
        "add_prepaid_balance_threshold_configuration": threshold,
    }
    refusal = says(world.refused("/v2/contracts/edit", body))
    assert "payment_gate_config.payment_gate_type: this stage has nobody" in refusal
    threshold["payment_gate_config"] = {"payment_gate_type": "EXTERNAL"}
    world.post("/v2/contracts/edit", body)


def test_amounts_are_explained_by_events_as_long_as_they_are_kept(
    world: World, clock: SteppedClock
) -> None:
    late = Late(world, clock)
    [january, _] = world.invoices(late.customer)

    def told() -> Any:
        [line] = world.get(f"/explain/{january['id']}")["line_items"]
        return world.get(line["explanation"])

    # 10 at 2 cents; then 3 more came after the cut-off, and count for nothing here.
    now = told()
    assert (now["line_item"]["total"], now["matches"]) == (20, True)
    assert (now["events"]["complete"], now["events"]["count"]) == (True, 1)
    world.use(late.customer, 3, "2025-01-06T01:00:00Z", id="late")
    assert (told()["matches"], told()["late_events"]["count"]) == (True, 1)

    # What was sent on December 31 for January is stored for 40 days: until February 9.
    clock.time = datetime(2025, 2, 8, 23, tzinfo=UTC)
    assert told()["events"]["complete"] is True
    clock.time = datetime(2025, 2, 9, tzinfo=UTC)
    then = told()
    none: dict[str, Any] = {"count": 0, "contribution": None, "data": [], "next_page": None}
    assert then["events"] == {"complete": False, **none}
    # The counters still say what it was.
    assert (then["matches"], then["computed"]["quantity"], then["computed"]["total"]) == (
        True,
        10,
        20,
    )
    assert "10 × 2 = 20" in then["arithmetic"][-1]["text"]
