"""Worked examples of invoices: grace, void, regenerate (16.5), previews, imports, shapes."""

from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from pypdf import PdfReader

from tests.integration.worked.world import JSON, World, lines

JANUARY = "2025-01-31T12:00:00Z"


class January:
    """A customer whose January costs 2 a unit."""

    def __init__(self, now: str = "2025-01-01T00:00:00Z", **product: Any) -> None:
        self.world = World(now)
        self.customer = self.world.customer("acme")
        self.metric = self.world.metric()
        self.product = self.world.product(self.metric, **product)
        self.card = self.world.rate_card()
        self.world.rate(self.card, self.product, price=2)
        self.contract = self.world.contract(self.customer, self.card)

    def use(self, units: object, at: str, now: str | None = None, **properties: Any) -> None:
        """Uses some units, received at `now`."""
        if now is not None:
            self.world.clock(now)
        self.world.use(self.customer, units, at, **properties)

    def finalized(self) -> JSON:
        """Returns the invoice of January, finalized."""
        self.world.clock("2025-02-03T00:00:00Z")
        [invoice] = self.world.invoices(self.customer, status="FINALIZED")
        return invoice


def test_we_41_late_usage() -> None:
    january = January()
    world, customer = january.world, january.customer
    january.use(1000, "2025-01-20T00:00:00Z", now="2025-01-20T00:00:00Z")
    assert world.draft(customer)["total"] == 2000
    january.use(100, "2025-01-31T09:00:00Z", now="2025-02-01T20:00:00Z")
    [first, _] = world.invoices(customer, status="DRAFT")
    assert first["total"] == 2200

    world.clock("2025-02-02T00:00:00Z")
    [final] = world.invoices(customer, status="FINALIZED")
    assert (final["id"], final["total"]) == (first["id"], 2200)
    assert final["issued_at"] == "2025-02-02T00:00:00+00:00"
    # At 02-03 another 50 units dated 01-31 arrive: the invoice stays, the usage shows them.
    january.use(50, "2025-01-31T10:00:00Z", now="2025-02-03T00:00:00Z")
    assert world.get(f"/v1/customers/{customer}/invoices/{final['id']}")["total"] == 2200
    body = {
        "window_size": "NONE",
        "starting_on": "2025-01-01T00:00:00Z",
        "ending_before": "2025-02-01T00:00:00Z",
        "customer_ids": [customer],
    }
    assert [row["value"] for row in world.post("/v1/usage", body)] == [1150]
    # 1150 × 2: what is shown by day is what the invoice would be now.
    assert sum(row["total"] for row in breakdown(world, customer, status="FINALIZED")) == 2300

    assert world.post("/v1/invoices/void", {"id": final["id"]})["id"] == final["id"]
    new_id = world.post("/v1/invoices/regenerate", {"id": final["id"]})["id"]

    assert new_id != final["id"]
    old, new = (
        world.get(f"/v1/customers/{customer}/invoices/{id_}") for id_ in (final["id"], new_id)
    )
    assert (old["status"], old["total"]) == ("VOID", 2200)
    assert (new["status"], new["total"]) == ("FINALIZED", 2300)
    assert new["issued_at"] == "2025-02-03T00:00:00+00:00"
    assert new["regenerated_from_invoice_id"] == old["id"]
    assert (new["start_timestamp"], new["end_timestamp"]) == (
        old["start_timestamp"],
        old["end_timestamp"],
    )


def test_we_42_boundary_event() -> None:
    january = January()
    january.use(1, "2025-01-31T23:59:59.999Z", now="2025-02-01T06:00:00Z")
    january.use(10, "2025-02-01T00:00:00Z")
    totals = [invoice["total"] for invoice in january.world.invoices(january.customer)]
    # 1 × 2 in January, 10 × 2 in February.
    assert totals == [2, 20]


def test_we_45_state_errors() -> None:
    january = January()
    world = january.world
    draft = world.draft(january.customer)
    world.refused("/v1/invoices/void", {"id": draft["id"]})
    world.refused("/v1/invoices/regenerate", {"id": draft["id"]})
    final = january.finalized()
    world.refused("/v1/invoices/regenerate", {"id": final["id"]})
    world.post("/v1/invoices/void", {"id": final["id"]})
    world.refused("/v1/invoices/void", {"id": final["id"]})
    successor = world.post("/v1/invoices/regenerate", {"id": final["id"]})["id"]
    # Decision D-54, also when the successor is void in its turn.
    world.refused("/v1/invoices/regenerate", {"id": final["id"]})
    world.post("/v1/invoices/void", {"id": successor})
    world.refused("/v1/invoices/regenerate", {"id": final["id"]})
    third = world.post("/v1/invoices/regenerate", {"id": successor})["id"]
    assert len({final["id"], successor, third}) == 3


@pytest.mark.parametrize("operation", ["void", "regenerate"])
def test_unknown_invoices_are_not_found(operation: str) -> None:
    unknown = "6b1f6a0e-3c0d-5c1e-9a53-0f8b6f3f7f10"
    World().refused(f"/v1/invoices/{operation}", {"id": unknown}, 404)


def test_regenerating_tells_subscribers_and_uses_todays_rates() -> None:
    january = January()
    world = january.world
    january.use(10, "2025-01-20T00:00:00Z", now="2025-01-20T00:00:00Z")
    final = january.finalized()
    world.rate(january.card, january.product, price=3)
    assert world.get(f"/v1/customers/{january.customer}/invoices/{final['id']}")["total"] == 20
    world.post("/v1/invoices/void", {"id": final["id"]})
    new_id = world.post("/v1/invoices/regenerate", {"id": final["id"]})["id"]
    # 10 × 3
    assert world.get(f"/v1/customers/{january.customer}/invoices/{new_id}")["total"] == 30


def test_we_02_tier_break_up_inside_a_period() -> None:
    world = World()
    customer, product, card = world.customer(), world.product(world.metric()), world.rate_card()
    world.rate(card, product, tiers=[(10000, 1), (None, 0.5)])
    world.contract(customer, card)
    world.clock("2025-01-03T00:00:00Z")
    world.use(customer, 8000, "2025-01-01T10:00:00Z")
    world.use(customer, 7000, "2025-01-02T10:00:00Z")

    # 10000 × 1 + 5000 × 0.5 = 12500
    assert world.draft(customer)["total"] == 12500
    first, second, *rest = breakdown(world, customer)
    # Day 1: 8000 × 1. Day 2: 2000 × 1 + 5000 × 0.5 = 4500.
    assert lines(first, "quantity", "unit_price", "total") == [(8000, 1, 8000)]
    assert lines(second, "quantity", "unit_price", "total") == [
        (2000, 1, 2000),
        (5000, Decimal("0.5"), 2500),
    ]
    assert [row["total"] for row in (first, second)] == [8000, 4500]
    assert {row["total"] for row in rest} == {0}
    assert len(rest) == 29


def test_we_66_historical_invoice() -> None:
    world = World("2025-03-10T00:00:00Z")
    customer, product, card = world.customer(), world.product(world.metric()), world.rate_card()
    world.rate(card, product, price=200)
    contract = world.contract(
        customer,
        card,
        usage_statement_schedule={
            "frequency": "MONTHLY",
            "invoice_generation_starting_at": "2025-03-01T00:00:00Z",
        },
    )

    def asked(start: str, end: str, **line: object) -> JSON:
        dates = {"inclusive_start_date": start, "exclusive_end_date": end}
        return {
            "customer_id": customer,
            "contract_id": contract,
            "credit_type_id": "2714e483-4ff1-48e4-9e25-ac732e8f24f2",
            "issue_date": end,
            "breakdown_granularity": "DAY",
            **dates,
            "usage_line_items": [{"product_id": product, **dates, **line}],
        }

    by_day = [
        {
            "inclusive_start_date": f"2025-02-0{day}T00:00:00Z",
            "exclusive_end_date": f"2025-02-0{day + 1}T00:00:00Z",
            "quantity": day,
        }
        for day in (1, 2, 3)
    ]
    january = asked("2025-01-01T00:00:00Z", "2025-02-01T00:00:00Z", quantity=10)
    february = asked("2025-02-01T00:00:00Z", "2025-03-01T00:00:00Z", subtotals_with_quantity=by_day)
    path = "/v1/contracts/createHistoricalInvoices"

    imagined = world.post(path, {"preview": True, "invoices": [january, february]})
    assert [invoice["status"] for invoice in world.invoices(customer)] == ["DRAFT"]
    made = world.post(path, {"preview": False, "invoices": [january, february]})

    # 10 × 200 = 2000; (1 + 2 + 3) × 200 = 1200
    for invoices in (imagined, made):
        assert [invoice["total"] for invoice in invoices] == [2000, 1200]
    assert lines(made[1], "quantity", "unit_price", "total") == [(6, 200, 1200)]
    stored = world.invoices(customer, status="FINALIZED")
    assert [(one["id"], one["total"], one["issued_at"]) for one in stored] == [
        (made[0]["id"], 2000, "2025-02-01T00:00:00+00:00"),
        (made[1]["id"], 1200, "2025-03-01T00:00:00+00:00"),
    ]
    days = breakdown(
        world, customer, starting_on="2025-02-01T00:00:00Z", ending_before="2025-02-05T00:00:00Z"
    )
    # 1 × 200, 2 × 200, 3 × 200, and nothing on the fourth.
    assert [row["total"] for row in days] == [200, 400, 600, 0]
    world.refused(path, {"preview": False, "invoices": [january]})
    assert len(world.invoices(customer)) == 3
    # Void and made anew: the same quantities at today's price.
    world.rate(card, product, price=300)
    world.post("/v1/invoices/void", {"id": made[1]["id"]})
    anew = world.post("/v1/invoices/regenerate", {"id": made[1]["id"]})["id"]
    assert world.get(f"/v1/customers/{customer}/invoices/{anew}")["total"] == 1800


def test_we_67_preview_events() -> None:
    world = World()
    customer, product, card = world.customer(), world.product(world.metric()), world.rate_card()
    world.rate(card, product, tiers=[(100, 0), (None, 10)])
    world.contract(customer, card)
    world.clock("2025-01-10T00:00:00Z")
    world.use(customer, 99, "2025-01-09T00:00:00Z", id="stored")
    path = f"/v1/customers/{customer}/previewEvents"
    event = {"event_type": "use", "properties": {"value": "5"}}

    [merged] = world.post(path, {"events": [event], "mode": "merge"})
    [alone] = world.post(path, {"events": [event]})

    # 1 unit is still free, 4 × 10 = 40; alone, 5 are free.
    assert (merged["total"], alone["total"]) == (40, 0)
    assert lines(alone, "quantity") == [(5,)]
    assert lines(world.draft(customer), "quantity") == [(99,)]


def test_preview_leaves_out_what_was_seen_and_refuses_repeats() -> None:
    january = January()
    world = january.world
    january.use(10, "2025-01-09T00:00:00Z", now="2025-01-10T00:00:00Z", id="seen")
    path = f"/v1/customers/{january.customer}/previewEvents"
    seen = {"event_type": "use", "properties": {"value": "5"}, "transaction_id": "seen"}
    new = {**seen, "transaction_id": "new"}
    next_month = {**seen, "transaction_id": "later", "timestamp": "2025-02-01T00:00:00Z"}

    [draft] = world.post(path, {"events": [seen, new, next_month], "mode": "merge"})

    # 10 stored and 5 new: 15 × 2
    assert draft["total"] == 30
    world.refused(path, {"events": [new, new]})
    world.refused(path, {"events": []})
    world.refused(path, {"events": [new], "surplus": 1})
    world.refused(path, {"events": [new], "mode": "add"})
    world.refused(path.replace(january.customer, january.product), {"events": [new]}, 404)


def test_preview_of_greatest_and_latest_values() -> None:
    world = World()
    customer, card = world.customer(), world.rate_card()
    for aggregation in ("MAX", "LATEST"):
        world.rate(card, world.product(world.metric(aggregation)), price=100)
    world.contract(customer, card)
    world.clock("2025-01-10T00:00:00Z")
    world.use(customer, 7, "2025-01-08T00:00:00Z")
    event = {
        "event_type": "use",
        "properties": {"value": "4"},
        "timestamp": "2025-01-09T00:00:00Z",
    }
    [draft] = world.post(
        f"/v1/customers/{customer}/previewEvents", {"events": [event], "mode": "merge"}
    )
    # The greatest of 7 and 4, and the later of them.
    assert lines(draft, "quantity", "total") == [(7, 700), (4, 400)]


def test_we_69_shape_of_an_invoice() -> None:
    january = January("2025-01-01T00:00:00Z", name="Tokens")
    january.use(50, "2025-01-20T00:00:00Z", now="2025-01-20T00:00:00Z")
    draft = january.world.draft(january.customer)
    usd = {"id": "2714e483-4ff1-48e4-9e25-ac732e8f24f2", "name": "USD (cents)"}
    period = {
        "starting_at": "2025-01-01T00:00:00+00:00",
        "ending_before": "2025-02-01T00:00:00+00:00",
    }
    assert draft == {
        "id": draft["id"],
        "customer_id": january.customer,
        "contract_id": january.contract,
        "type": "USAGE",
        "status": "DRAFT",
        "issued_at": "2025-02-02T00:00:00+00:00",
        "start_timestamp": "2025-01-01T00:00:00+00:00",
        "end_timestamp": "2025-02-01T00:00:00+00:00",
        "credit_type": usd,
        "total": 100,
        "external_invoice": None,
        "billable_status": "billable",
        "customer_custom_fields": {},
        "contract_custom_fields": {},
        "custom_fields": {},
        "line_items": [
            {
                "type": "usage",
                "name": "Tokens",
                "product_id": january.product,
                "product_type": "UsageProductListItem",
                "product_tags": [],
                "product_custom_fields": {},
                "quantity": 50,
                "unit_price": 2,
                "total": 100,
                "credit_type": usd,
                **period,
            }
        ],
    }


def test_list_prices_are_shown_on_request() -> None:
    january = January()
    january.use(50, "2025-01-20T00:00:00Z", now="2025-01-20T00:00:00Z")
    [line] = january.world.draft(january.customer, include_list_prices="true")["line_items"]
    assert line["list_price"]["price"] == 2
    assert line["list_price"]["rate_type"] == "FLAT"
    [plain] = january.world.draft(january.customer)["line_items"]
    assert "list_price" not in plain


def test_a_pdf_can_be_read() -> None:
    january = January(name="Tokens & more <b>")
    world = january.world
    january.use(1234567, "2025-01-20T00:00:00Z", now="2025-01-20T00:00:00Z")
    world.post(f"/v1/customers/{january.customer}/setName", {"name": "Łódź 東京 株式会社"})
    final = january.finalized()
    path = f"/v1/customers/{january.customer}/invoices/{final['id']}/pdf"
    status, document = world.call("GET", path)

    assert status == 200
    text = " ".join(page.extract_text() for page in PdfReader(BytesIO(document)).pages)
    # 1,234,567 × 2 cents = 2,469,134 cents
    for expected in ("Tokens & more <b>", "1,234,567", "0.02 USD", "24,691.34 USD", final["id"]):
        assert expected in text
    assert world.call("GET", path)[1] == document
    unknown = path.replace(final["id"], january.customer)
    assert world.call("GET", unknown)[0] == 404


def test_a_long_invoice_fills_several_pages() -> None:
    world = World()
    customer, card = world.customer(), world.rate_card()
    product = world.product(world.metric(groups=[["project"]]), presentation_group_key=["project"])
    world.rate(card, product, price=1)
    world.contract(customer, card)
    world.clock("2025-01-02T00:00:00Z")
    for number in range(1, 41):
        world.use(customer, number, "2025-01-01T00:00:00Z", project=f"project {number:02}")
    draft = world.draft(customer)
    _, document = world.call("GET", f"/v1/customers/{customer}/invoices/{draft['id']}/pdf")
    pages = PdfReader(BytesIO(document)).pages
    assert len(pages) > 1
    text = " ".join(page.extract_text() for page in pages)
    assert all(f"project: project {number:02}" in text for number in range(1, 41))
    assert "Invoice (draft)" in text


def test_scheduled_invoices_are_filtered_by_issue_date() -> None:
    january = January()
    world, customer = january.world, january.customer
    fee = world.product(type="FIXED")
    world.contract(
        customer,
        None,
        scheduled_charges=[
            {
                "product_id": fee,
                "schedule": {
                    "schedule_items": [
                        {"timestamp": "2025-01-15T00:00:00Z", "amount": 10},
                        {"timestamp": "2025-03-15T00:00:00Z", "amount": 20},
                    ]
                },
            }
        ],
    )
    # Decision D-53.
    found = world.invoices(
        customer,
        type="SCHEDULED",
        starting_on="2025-03-01T00:00:00Z",
        ending_before="2025-04-01T00:00:00Z",
    )
    assert [invoice["total"] for invoice in found] == [20]


def test_legacy_seat_operations() -> None:
    january = January()
    world = january.world
    path = f"/v1/customers/{january.customer}"
    assert world.get(f"{path}/costs") == []
    seats = {"seat_charges": [{"charge_id": january.product, "seat_count": 1}]}
    world.refused(f"{path}/invoices/invoice_seats", seats)


def breakdown(world: World, customer: str, **query: object) -> list[JSON]:
    """Returns the rows of January by day, or of what the query says instead."""
    rows: list[JSON] = world.get(
        f"/v1/customers/{customer}/invoices/breakdowns",
        **{
            "starting_on": "2025-01-01T00:00:00Z",
            "ending_before": "2025-02-01T00:00:00Z",
            **query,
        },
    )
    return rows
