"""What an imported invoice may not be."""

from collections.abc import Callable

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

    def __init__(self) -> None:
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
