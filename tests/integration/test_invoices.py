"""Function `invoices`: drafts and finalized invoices."""

from decimal import Decimal

from tests.integration.product import Product, World, event


def path(world: World) -> str:
    return f"/v1/customers/{world.customer_id}/invoices"


def test_a_draft_is_computed_when_it_is_read(product: Product, world: World) -> None:
    [draft] = product.get(path(world)).data
    assert (draft["type"], draft["status"], draft["contract_id"]) == (
        "USAGE",
        "DRAFT",
        world.contract_id,
    )
    assert (draft["start_timestamp"], draft["end_timestamp"], draft["issued_at"]) == (
        "2025-01-01T00:00:00+00:00",
        "2025-02-01T00:00:00+00:00",
        "2025-02-02T00:00:00+00:00",
    )
    lines = [
        (line["name"], line["quantity"], line["unit_price"], line["total"])
        for line in draft["line_items"]
    ]
    assert lines == [("Calls", 3, 2, 6), ("Tokens", 30, Decimal("0.5"), 15)]
    assert draft["line_items"][1]["pricing_group_values"] == {"model": "small"}
    assert draft["total"] == 21
    product.post("/v1/ingest", [event("one more")])
    assert product.get(path(world)).data[0]["total"] == 28


def test_one_is_read_by_id(product: Product, world: World) -> None:
    [listed] = product.get(path(world)).data
    assert product.get(f"{path(world)}/{world.invoice_id}").data == listed


def test_a_final_invoice_is_the_draft_it_was(product: Product, world: World) -> None:
    [draft] = product.get(path(world)).data
    product.post("/mock/clock", {"now": "2025-02-02T00:00:00Z"})
    final = product.get(f"{path(world)}/{world.invoice_id}").data
    assert final == {**draft, "status": "FINALIZED"}


def test_nothing_changes_a_final_invoice(product: Product, world: World) -> None:
    product.post("/mock/clock", {"now": "2025-02-02T00:00:00Z"})
    final = product.get(f"{path(world)}/{world.invoice_id}").data
    product.post("/v1/ingest", [event("late")])
    product.post(
        "/v1/contract-pricing/rate-cards/addRate",
        {
            "rate_card_id": world.rate_card_id,
            "product_id": world.product_id,
            "starting_at": "2025-01-01T00:00:00Z",
            "entitled": True,
            "rate_type": "FLAT",
            "price": 1000,
        },
    )
    product.post(f"/v1/customers/{world.customer_id}/setIngestAliases", {"ingest_aliases": []})
    assert product.get(f"{path(world)}/{world.invoice_id}").data == final


def test_an_invoice_with_very_many_lines(product: Product, world: World) -> None:
    rate = {
        "product_id": world.product_id,
        "entitled": True,
        "rate_type": "FLAT",
        "ending_before": "2025-02-01T00:00:00Z",
    }
    hours = [f"2025-01-{day:02}T{hour:02}:00:00Z" for day in range(1, 26) for hour in range(24)]
    rates = [{**rate, "starting_at": at, "price": n % 7 + 1} for n, at in enumerate(hours)]
    product.post(
        "/v1/contract-pricing/rate-cards/addRates",
        {"rate_card_id": world.rate_card_id, "rates": rates},
    )
    [draft] = product.get(path(world)).data
    assert len(draft["line_items"]) == 600 + 1
    product.post("/mock/clock", {"now": "2025-02-02T00:00:00Z"})
    [final, _] = product.get(path(world)).data
    assert final == {**draft, "status": "FINALIZED"}


class TestFilters:
    def starts(self, product: Product, world: World, **filters: str) -> list[str]:
        listed = product.get(path(world), **filters).data
        return [one["start_timestamp"][:7] for one in listed]

    def test_each(self, product: Product, world: World) -> None:
        product.post("/mock/clock", {"now": "2025-03-15T00:00:00Z"})
        months = ["2025-01", "2025-02", "2025-03"]
        assert self.starts(product, world) == months
        for filters, expected in [
            ({"status": "DRAFT"}, months[2:]),
            ({"status": "finalized"}, months[:2]),
            ({"status": "VOID"}, []),
            ({"type": "USAGE"}, months),
            ({"type": "SCHEDULED"}, []),
            ({"contract_id": world.contract_id}, months),
            ({"contract_id": world.customer_id}, []),
            ({"sort": "date_desc"}, months[::-1]),
            ({"starting_on": "2025-02-01T00:00:00Z"}, months[1:]),
            ({"starting_on": "2025-02-01T00:00:01Z"}, months[2:]),
        ]:
            assert self.starts(product, world, **filters) == expected, filters

    def test_lines_of_nothing_can_be_left_out(self, product: Product, world: World) -> None:
        product.post("/mock/clock", {"now": "2025-02-15T00:00:00Z"})
        [january, february] = product.get(path(world)).data
        assert [line["quantity"] for line in february["line_items"]] == [0]
        [january, february] = product.get(path(world), skip_zero_qty_line_items="true").data
        assert len(january["line_items"]) == 2
        assert february["line_items"] == []
        one = f"{path(world)}/{february['id']}"
        assert product.get(one, skip_zero_qty_line_items="true").data["line_items"] == []
