"""Conformance checklist, items 15 to 24: contracts and invoices."""

from itertools import pairwise
from typing import Any

import pytest

from tests.integration.worked.test_balances import balance_of, commit
from tests.integration.worked.world import JSON, World, lines

MONTH = "2025-01-01T00:00:00Z"


class Deal:
    """A customer who pays 2 a unit from January on, some of it ahead."""

    def __init__(
        self, now: str = MONTH, *, start: str = MONTH, prepaid: int | None = None, **terms: Any
    ) -> None:
        self.world = World(now)
        self.customer = self.world.customer()
        self.metric = self.world.metric()
        self.product = self.world.product(self.metric)
        self.card = self.world.rate_card()
        self.world.rate(self.card, self.product, price=2)
        if prepaid is not None:
            terms["commits"] = [commit(self.world, prepaid)]
        self.contract = self.world.contract(self.customer, self.card, start, **terms)

    @property
    def names(self) -> JSON:
        return {"customer_id": self.customer, "contract_id": self.contract}

    def invoices(self, **query: object) -> list[JSON]:
        return self.world.invoices(self.customer, **query)

    def edit(self, **changes: object) -> JSON:
        edited: JSON = self.world.post("/v2/contracts/edit", {**self.names, **changes})
        return edited

    def end(self, at: str | None) -> None:
        body = {**self.names, **({} if at is None else {"ending_before": at})}
        self.world.post("/v1/contracts/updateEndDate", body)


def charge(world: World, amount: int, *dates: str, **fields: object) -> JSON:
    items = [{"timestamp": f"{date}T00:00:00Z", "amount": amount} for date in dates]
    fee = world.product(type="FIXED")
    return {"product_id": fee, "schedule": {"schedule_items": items}, **fields}


def periods(invoices: list[JSON]) -> list[tuple[str, str]]:
    return [(one["start_timestamp"][:10], one["end_timestamp"][:10]) for one in invoices]


@pytest.mark.parametrize(
    ("schedule", "start", "end", "between"),
    [
        (
            {"frequency": "MONTHLY", "day": "FIRST_OF_MONTH"},
            "2024-09-15",
            "2024-11-20",
            ["2024-10-01", "2024-11-01"],
        ),
        (
            {"frequency": "MONTHLY", "day": "CONTRACT_START"},
            "2024-01-31",
            # On a boundary: the clamped month ends there, and nothing of no length follows.
            "2024-04-30",
            ["2024-02-29", "2024-03-31"],
        ),
        (
            {"frequency": "QUARTERLY", "day": "FIRST_OF_MONTH"},
            "2024-02-15",
            "2024-08-01",
            ["2024-05-01"],
        ),
        (
            {
                "frequency": "WEEKLY",
                "day": "CUSTOM_DATE",
                "billing_anchor_date": "2025-01-06T00:00:00Z",
            },
            "2025-01-08",
            "2025-01-21",
            ["2025-01-13", "2025-01-20"],
        ),
        (
            {"frequency": "ANNUAL", "day": "CONTRACT_START"},
            "2020-02-29",
            "2022-02-28",
            ["2021-02-28"],
        ),
    ],
)
def test_conformance_15_boundaries(
    schedule: JSON, start: str, end: str, between: list[str]
) -> None:
    deal = Deal(
        "2025-03-01T00:00:00Z",
        start=f"{start}T00:00:00Z",
        ending_before=f"{end}T00:00:00Z",
        usage_statement_schedule=schedule,
    )
    found = deal.invoices()
    assert periods(found) == [*pairwise([start, *between, end])]
    assert {one["status"] for one in found} == {"FINALIZED"}


def test_conformance_16_the_first_draft() -> None:
    deal = Deal()
    draft = deal.world.draft(deal.customer)
    assert lines(draft, "product_id", "quantity", "total") == [(deal.product, 0, 0)]
    assert deal.world.draft(deal.customer, skip_zero_qty_line_items="true")["line_items"] == []


def test_conformance_17_a_jump_over_several_periods() -> None:
    deal = Deal("2025-01-31T00:00:00Z", prepaid=250)
    world = deal.world
    world.use(deal.customer, 100, "2025-01-30T00:00:00Z")
    target = {"target": "https://example.com/hook"}
    world.post("/webhooks/subscriptions", target)
    world.clock("2025-02-20T00:00:00Z")
    world.use(deal.customer, 100, "2025-02-19T00:00:00Z")
    world.clock("2025-05-15T00:00:00Z")
    found = deal.invoices()
    assert [one["status"] for one in found] == ["FINALIZED"] * 4 + ["DRAFT"]
    # 200 each in January and February: 250 pay all of the first and 50 of the second.
    assert [one["total"] for one in found] == [0, 150, 0, 0, 0]
    ledger = [
        (one["type"].removeprefix("PREPAID_COMMIT_"), one["amount"], one.get("invoice_id"))
        for one in balance_of(world, deal.customer)["ledger"]
    ]
    drawn = "AUTOMATED_INVOICE_DEDUCTION"
    assert ledger == [
        ("SEGMENT_START", 250, None),
        (drawn, -200, found[0]["id"]),
        (drawn, -50, found[1]["id"]),
    ]
    told = [one["event_type"] for one in world.get("/webhooks/deliveries", limit=100)]
    assert told.count("invoice.finalized") == 4


def test_conformance_18_late_usage() -> None:
    deal = Deal()
    world, customer = deal.world, deal.customer
    for now, at, units in (
        ("2025-01-20T00:00:00Z", "2025-01-20T00:00:00Z", 1000),
        # In the grace period it is still taken in.
        ("2025-02-01T20:00:00Z", "2025-01-31T00:00:00Z", 100),
        # After the cut-off it is stored, and nothing else.
        ("2025-02-03T00:00:00Z", "2025-01-31T00:00:00Z", 50),
    ):
        world.clock(now)
        world.use(customer, units, at)
    [final] = deal.invoices(status="FINALIZED")
    assert (final["issued_at"], final["total"]) == ("2025-02-02T00:00:00+00:00", 2200)
    [row] = world.usage(deal.metric, "2025-01-01", "2025-02-01", customer_ids=[customer])
    assert row["value"] == 1150
    span = {"starting_on": MONTH, "ending_before": "2025-02-01T00:00:00Z"}
    rows = world.get(f"/v1/customers/{customer}/invoices/breakdowns", **span)
    # 1150 × 2, under the final invoice's id.
    assert sum(one["total"] for one in rows) == 2300
    assert {one["id"] for one in rows} == {final["id"]}


def test_conformance_19_void_and_regenerate() -> None:
    deal = Deal("2025-01-31T00:00:00Z", prepaid=150)
    world = deal.world
    world.use(deal.customer, 100, "2025-01-30T00:00:00Z")
    world.clock("2025-02-03T00:00:00Z")
    [old] = deal.invoices(status="FINALIZED")
    assert (old["total"], balance_of(world, deal.customer)["balance"]) == (50, 0)

    world.post("/v1/invoices/void", {"id": old["id"]})
    assert balance_of(world, deal.customer)["balance"] == 150
    new_id = world.post("/v1/invoices/regenerate", {"id": old["id"]})["id"]

    listed = {one["id"]: (one["status"], one["total"]) for one in deal.invoices()}
    assert new_id != old["id"]
    assert listed[old["id"]] == ("VOID", 50)
    assert listed[new_id] == ("FINALIZED", 50)
    assert balance_of(world, deal.customer)["balance"] == 0


def test_conformance_20_archiving() -> None:
    for void, status in ((True, "VOID"), (False, "FINALIZED")):
        deal = Deal("2025-02-10T00:00:00Z")
        body = {**deal.names, "void_invoices": void}
        deal.world.post("/v1/contracts/archive", body)
        assert [one["status"] for one in deal.invoices()] == [status]
        deal.world.refused("/v1/contracts/archive", body)
        asked: JSON = {"customer_id": deal.customer}
        assert deal.world.post("/v2/contracts/list", asked) == []
        [shown] = deal.world.post("/v2/contracts/list", {**asked, "include_archived": True})
        assert shown["archived_at"] is not None

    deal = Deal("2025-02-10T00:00:00Z")
    deal.world.contract(deal.customer, deal.card, "2025-02-01T00:00:00Z")
    deal.world.post("/v1/customers/archive", {"id": deal.customer})
    assert [one["status"] for one in deal.invoices()] == ["VOID"]
    asked = {"customer_id": deal.customer, "include_archived": True}
    found = deal.world.post("/v2/contracts/list", asked)
    assert len(found) == 2
    assert all(one["archived_at"] is not None for one in found)
    assert deal.world.get(f"/v1/customers/{deal.customer}")["archived_at"] is not None


def test_conformance_21_another_end() -> None:
    deal = Deal()
    world = deal.world
    seat = world.product(type="SUBSCRIPTION")
    world.rate(deal.card, seat, price=1000, billing_frequency="MONTHLY")
    subscription = {
        "subscription_rate": {"product_id": seat, "billing_frequency": "MONTHLY"},
        "collection_schedule": "ADVANCE",
        "proration": {"is_prorated": True, "invoice_behavior": "BILL_IMMEDIATELY"},
        "initial_quantity": 1,
    }
    deal.edit(
        update_contract_end_date="2025-07-01T00:00:00Z",
        add_scheduled_charges=[charge(world, 700, "2025-02-10", "2025-05-10")],
        add_subscriptions=[{**subscription, "ending_before": "2025-03-01T00:00:00Z"}],
    )
    drafts = deal.invoices(type="SCHEDULED", status="DRAFT")
    assert [one["issued_at"][:10] for one in drafts] == ["2025-02-10", "2025-05-10"]

    deal.end("2025-04-01T00:00:00Z")
    drafts = deal.invoices(type="SCHEDULED", status="DRAFT")
    assert [one["issued_at"][:10] for one in drafts] == ["2025-02-10"]

    world.clock("2025-03-15T00:00:00Z")
    deal.end("2026-01-01T00:00:00Z")
    world.clock("2025-06-15T00:00:00Z")
    billed = [
        (line["starting_at"][:10], line["total"])
        for one in deal.invoices()
        for line in one["line_items"]
        if line["type"] == "subscription"
    ]
    # January on its own, February with January's usage; nothing after the subscription's end.
    assert billed == [("2025-01-01", 1000), ("2025-02-01", 1000)]
    # The charge that was cut off does not come back.
    assert [one["total"] for one in deal.invoices(type="SCHEDULED")] == [1000, 700]


def test_conformance_22_charges_on_usage_invoices() -> None:
    deal = Deal(scheduled_charges_on_usage_invoices="ALL")
    world = deal.world
    deal.edit(add_scheduled_charges=[charge(world, 2500, "2025-02-01", "2025-02-15")])
    world.clock("2025-01-20T00:00:00Z")
    world.use(deal.customer, 2500, "2025-01-19T00:00:00Z")
    assert world.draft(deal.customer)["total"] == 7500
    [apart] = deal.invoices(type="SCHEDULED")
    assert (apart["issued_at"][:10], apart["total"]) == ("2025-02-15", 2500)

    world.clock("2025-02-10T00:00:00Z")
    deal.edit(add_scheduled_charges=[charge(world, 300, "2025-02-01")])
    final, alone, _, _ = deal.invoices()
    # The usage invoice is final by now and stays; the charge has an invoice of its own.
    if final["type"] == "SCHEDULED":
        final, alone = alone, final
    assert (final["type"], final["total"]) == ("USAGE", 7500)
    assert (alone["type"], alone["status"], alone["total"]) == ("SCHEDULED", "FINALIZED", 300)


def test_conformance_23_edits() -> None:
    deal = Deal()
    world = deal.world
    good = charge(world, 5, "2025-02-10")
    names = {**deal.names, "add_scheduled_charges": [good]}
    # The second part is wrong, so the first is not done either.
    world.refused("/v2/contracts/edit", {**names, "remove_overrides": [{"id": deal.product}]}, 400)
    world.refused("/v2/contracts/edit", {**names, "add_discounts": [{**good, "name": 5}]})
    assert deal.invoices(type="SCHEDULED") == []

    first = world.post("/v2/contracts/edit", {**names, "uniqueness_key": "once"})
    refused = world.refused("/v2/contracts/edit", {**names, "uniqueness_key": "once"}, 409)
    assert refused["conflicting_id"] == first["id"]
    assert len(deal.invoices(type="SCHEDULED")) == 1

    deal.end("2026-01-01T00:00:00Z")
    metric = world.metric(groups=[["team"]])
    world.rate(deal.card, world.product(metric), price=1)
    usage_filter = {"group_key": "team", "group_values": ["a"], "starting_at": MONTH}
    world.post("/v1/contracts/setUsageFilter", {**deal.names, **usage_filter})
    history = world.post("/v2/contracts/getEditHistory", deal.names)
    assert [sorted(edit.keys() - {"id", "timestamp"}) for edit in history] == [
        ["add_scheduled_charges", "uniqueness_key"],
        ["update_contract_end_date"],
        ["add_usage_filters"],
    ]


def test_conformance_24_renewals() -> None:
    deal = Deal()
    world = deal.world
    dates = ("2025-02-10", "2025-05-10")
    deal.edit(add_scheduled_charges=[charge(world, 700, *dates)])
    renewal = world.contract(
        deal.customer,
        deal.card,
        "2025-04-01T00:00:00Z",
        transition={"type": "RENEWAL", "from_contract_id": deal.contract},
    )
    old = world.post("/v2/contracts/get", deal.names)
    assert old["ending_before"] == "2025-04-01T00:00:00+00:00"
    made = {"type": "RENEWAL", "from_contract_id": deal.contract, "to_contract_id": renewal}
    assert old["transitions"] == [made]
    new = world.post("/v2/contracts/get", {**deal.names, "contract_id": renewal})
    assert new["transitions"] == [made]
    drafts = deal.invoices(type="SCHEDULED")
    assert [one["issued_at"][:10] for one in drafts] == ["2025-02-10"]
