"""Reports: sums over customers equal what their invoices say one by one."""

from tests.integration.product import Product, TestClock, World, event


def test_open_spend_is_the_sum_of_drafts(product: Product, world: World) -> None:
    # The world's 3 calls at 2 cents and 30 tokens at 0.5: 6 + 15 = 21 cents.
    spend = product.get("/reports/open").data
    assert spend["customers"] == 1
    [total] = spend["totals"]
    assert (total["drafts"], total["total"]) == (1, 21)
    used = {one["name"]: (one["quantity"], one["total"]) for one in spend["products"]}
    assert used["Calls"] == (3, 6)
    assert sum(amount for _, amount in used.values()) == 21


def test_pages_of_open_spend_add_up(product: Product, world: World) -> None:
    other = product.post("/v1/customers", {"name": "Globex", "ingest_aliases": ["globex"]}).data
    terms = {"rate_card_id": world.rate_card_id, "starting_at": "2025-01-01T00:00:00Z"}
    product.post("/v1/contracts/create", {"customer_id": other["id"], **terms})
    product.post("/v1/ingest", [event("globex-1", customer_id="globex")])
    first = product.get("/reports/open", limit="1").body
    second = product.get("/reports/open", limit="1", next_page=first["next_page"]).body
    assert second["next_page"] is None
    whole = product.get("/reports/open").data
    pages = [first["data"], second["data"]]
    assert [page["customers"] for page in pages] == [1, 1]
    totals = [sum(one["total"] for one in page["totals"]) for page in pages]
    assert sum(totals) == whole["totals"][0]["total"]
    assert whole["totals"][0]["drafts"] == 2


def test_invoices_of_everybody_are_their_own(
    product: Product, world: World, clock: TestClock
) -> None:
    clock.advance(days=31)
    product.tick()
    product.work_off_jobs()
    listed = product.get("/reports/invoices").data
    own = product.get(f"/v1/customers/{world.customer_id}/invoices").data
    for invoice in own:
        del invoice["line_items"]
    assert listed == [{"customer_name": "Acme", **invoice} for invoice in own]
    final = product.get("/reports/invoices", status="finalized").data
    assert [one["status"] for one in final] == ["FINALIZED"]


def test_what_is_no_page(product: Product) -> None:
    for query in ({"limit": "0"}, {"limit": "201"}, {"next_page": "x"}):
        reply = product.get("/reports/open", **query)
        assert (reply.status, reply.body["code"]) == (400, "InvalidArgument")
    assert "status" in product.get("/reports/invoices", status="LOST").body["message"]
