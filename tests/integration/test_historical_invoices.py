"""What an imported invoice may not be."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.worked.world import JSON, World, lines

PATH = "/v1/contracts/createHistoricalInvoices"
JANUARY = {
    "inclusive_start_date": "2025-01-01T00:00:00Z",
    "exclusive_end_date": "2025-02-01T00:00:00Z",
}
FIRST_HALF = {**JANUARY, "exclusive_end_date": "2025-01-16T00:00:00Z"}
SECOND_HALF = {**JANUARY, "inclusive_start_date": "2025-01-16T00:00:00Z"}


class Imported:
    """A contract that is invoiced from March on, and what was billed before."""

    def __init__(self, **terms: Any) -> None:
        self.world = World("2025-03-10T00:00:00Z")
        self.card = self.world.rate_card()
        self.customer = self.world.customer()
        self.product = self.world.product(self.world.metric())
        self.contract = self.world.contract(
            self.customer,
            self.card,
            usage_statement_schedule={
                "frequency": "MONTHLY",
                "invoice_generation_starting_at": "2025-03-01T00:00:00Z",
            },
            **terms,
        )

    def body(self, *given: JSON, **changes: object) -> JSON:
        usage = [{"product_id": self.product, **one} for one in given]
        invoice = {
            "customer_id": self.customer,
            "contract_id": self.contract,
            "credit_type_id": "2714e483-4ff1-48e4-9e25-ac732e8f24f2",
            "issue_date": "2025-02-02T00:00:00Z",
            **JANUARY,
            "usage_line_items": usage,
            **changes,
        }
        return {"preview": True, "invoices": [invoice]}


def test_ladders_go_on_from_line_to_line_and_rates_are_those_of_the_dates() -> None:
    imported = Imported()
    world = imported.world
    world.rate(imported.card, imported.product, tiers=[(10, 3), (None, 1)])
    start = "2025-01-16T00:00:00Z"
    world.rate(imported.card, imported.product, tiers=[(10, 6), (None, 2)], start=start)
    body = imported.body({**FIRST_HALF, "quantity": 8}, {**SECOND_HALF, "quantity": 5})
    [invoice] = world.post(PATH, body)
    # 8 × 3 = 24; then 2 × 6 = 12 and 3 × 2 = 6.
    assert lines(invoice, "quantity", "unit_price", "total") == [(8, 3, 24), (2, 6, 12), (3, 2, 6)]
    assert invoice["total"] == 42


def test_quantities_are_those_of_invoices_not_of_the_metric() -> None:
    imported = Imported()
    world = imported.world
    product = world.product(
        world.metric(),
        quantity_conversion={"conversion_factor": 1000, "operation": "DIVIDE"},
        quantity_rounding={"rounding_method": "ROUND_UP", "decimal_places": 0},
    )
    world.rate(imported.card, product, price=2)
    body = imported.body({**JANUARY, "quantity": 10.5, "product_id": product})
    [invoice] = world.post(PATH, body)
    # 10.5 × 2
    assert invoice["total"] == 21


@pytest.mark.parametrize(
    "change",
    [
        lambda body: body["usage_line_items"][0].pop("quantity"),
        lambda body: body["usage_line_items"][0].update(subtotals_with_quantity=[]),
        lambda body: body["usage_line_items"][0].update(
            inclusive_start_date="2024-12-31T00:00:00Z"
        ),
        lambda body: body["usage_line_items"].append(body["usage_line_items"][0]),
        lambda body: body["usage_line_items"][0].update(pricing_group_values={"model": "big"}),
        lambda body: body.update(exclusive_end_date="2025-01-01T00:00:00Z"),
        lambda body: body.update(credit_type_id="6b1f6a0e-3c0d-5c1e-9a53-0f8b6f3f7f10"),
        lambda body: body.update(custom_fields={"unknown": "key"}),
        lambda body: body.pop("issue_date"),
    ],
)
def test_what_is_wrong_is_refused(change: Callable[[JSON], object]) -> None:
    imported = Imported()
    imported.world.rate(imported.card, imported.product, price=2)
    body = imported.body({**JANUARY, "quantity": 1})
    imported.world.post(PATH, body)
    change(body["invoices"][0])
    imported.world.refused(PATH, {**body, "preview": False})
    assert imported.world.invoices(imported.customer, status="FINALIZED") == []


def test_what_has_no_rate_is_not_billed_as_nothing() -> None:
    imported = Imported()
    start = "2025-01-16T00:00:00Z"
    imported.world.rate(imported.card, imported.product, price=2, start=start)
    imported.world.refused(PATH, imported.body({**FIRST_HALF, "quantity": 1}))


def test_two_of_one_request_may_not_overlap() -> None:
    imported = Imported()
    imported.world.rate(imported.card, imported.product, price=2)
    [invoice] = imported.body({**JANUARY, "quantity": 1})["invoices"]
    imported.world.refused(PATH, {"preview": False, "invoices": [invoice, invoice]})
    assert len(imported.world.invoices(imported.customer)) == 1


@pytest.mark.parametrize("preview", [True, False])
def test_nothing_to_import_is_nothing(preview: bool) -> None:
    imported = Imported()
    assert imported.world.post(PATH, {"preview": preview, "invoices": []}) == []
    assert imported.world.invoices(imported.customer, status="FINALIZED") == []


def prepaid(amount: int) -> JSON:
    segment = {
        "amount": amount,
        "starting_at": "2025-01-01T00:00:00Z",
        "ending_before": "2026-01-01T00:00:00Z",
    }
    return {"access_schedule": {"schedule_items": [segment]}}


def with_credit(amount: int) -> Imported:
    imported = Imported()
    purchase = imported.world.product(type="FIXED")
    credit = {"customer_id": imported.customer, "priority": 1, "product_id": purchase}
    imported.world.post("/v1/contracts/customerCredits/create", {**credit, **prepaid(amount)})
    imported.world.rate(imported.card, imported.product, price=200)
    return imported


def left(imported: Imported) -> Any:
    body = {"customer_id": imported.customer}
    return imported.world.post("/v1/contracts/customerBalances/getNetBalance", body)["balance"]


def test_balances_pay_what_is_imported() -> None:
    imported = with_credit(2500)
    world = imported.world
    body = imported.body({**FIRST_HALF, "quantity": 6}, {**SECOND_HALF, "quantity": 4})
    february = {
        **body["invoices"][0],
        "inclusive_start_date": "2025-02-01T00:00:00Z",
        "exclusive_end_date": "2025-03-01T00:00:00Z",
        "issue_date": "2025-03-02T00:00:00Z",
        "usage_line_items": [
            {
                "product_id": imported.product,
                "inclusive_start_date": "2025-02-01T00:00:00Z",
                "exclusive_end_date": "2025-03-01T00:00:00Z",
                "quantity": 10,
            }
        ],
    }
    both = {**body, "invoices": [*body["invoices"], february]}
    # 10 × 200 each: all of the first is paid, 500 of the second.
    assert [one["total"] for one in world.post(PATH, both)] == [0, 1500]
    assert left(imported) == 2500

    first, second = world.post(PATH, {**both, "preview": False})
    assert (first["total"], second["total"], left(imported)) == (0, 1500, 0)
    assert lines(first, "type", "quantity", "total") == [
        ("usage", 6, 1200),
        ("applied_commit_or_credit", None, -1200),
        ("usage", 4, 800),
        ("applied_commit_or_credit", None, -800),
    ]
    # What is used in March finds nothing left.
    world.use(imported.customer, 1, "2025-03-09T00:00:00Z")
    assert world.draft(imported.customer)["total"] == 200

    world.clock("2025-03-11T00:00:00Z")
    world.rate(imported.card, imported.product, price=1, start="2025-01-01T00:00:00Z")
    for invoice in (first, second):
        for line in world.get(f"/mock/explain/{invoice['id']}")["line_items"]:
            assert world.get(line["explanation"])["matches"] is True
        span = {"starting_on": "2025-01-01T00:00:00Z", "ending_before": "2025-03-01T00:00:00Z"}
        path = f"/v1/customers/{imported.customer}/invoices/breakdowns"
        rows: list[JSON] = []
        query: dict[str, Any] = {**span, "limit": 100}
        while True:
            _, reply = world.call("GET", path, query=query)
            rows += [row for row in reply["data"] if row["id"] == invoice["id"]]
            if reply["next_page"] is None:
                break
            query["next_page"] = reply["next_page"]
        assert sum(row["total"] for row in rows) == invoice["total"]

    world.post("/v1/invoices/void", {"id": first["id"]})
    assert left(imported) == 2000 - 1
    world.post("/v1/invoices/regenerate", {"id": first["id"]})
    # 10 × 1 by today's rates, and 1 of March.
    assert left(imported) == 2000 - 10 - 1
