"""Reports: sums over customers equal what their invoices say one by one."""

import csv
import hashlib
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import pytest

from backbeat.application import sandboxes
from backbeat.persistence import keys
from backbeat.ports.store import Delete
from tests.integration.product import DEMO, Product, TestClock, World, event
from tests.integration.worked.test_payments import Desk

JANUARY: Final = "2025-01-01T00:00:00Z"
OWNER: Final = f"t{hashlib.sha256(DEMO.encode()).hexdigest()[:16]}"


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


def forget_card(product: Product, card: str) -> None:
    """Takes a price list away, as nothing in the product can."""
    call = sandboxes.call_of(product.services, OWNER)
    product.services.store.transact([Delete(keys.entity(call.tenant, "RATECARD", card))])


def test_one_who_cannot_be_rated_hides_nobody(product: Product, world: World) -> None:
    good = create(product, "/v1/contract-pricing/products/create", name="Setup", type="FIXED")
    card = create(product, "/v1/contract-pricing/rate-cards/create", name="Odd prices")
    odd = create(product, "/v1/customers", name="Odd & Co", ingest_aliases=["odd"])
    item = {"timestamp": "2025-01-10T00:00:00Z", "quantity": 1, "unit_price": 700}
    charges = [{"product_id": good, "schedule": {"schedule_items": [item]}}]
    create(
        product,
        "/v1/contracts/create",
        customer_id=odd,
        rate_card_id=card,
        starting_at=JANUARY,
        scheduled_charges=charges,
    )
    forget_card(product, card)
    for status in ("DRAFT", ""):
        query = {"status": status} if status else {}
        reply = product.get("/reports/invoices", **query).body
        [failed] = reply["failed"]
        assert (failed["customer_id"], failed["customer_name"]) == (odd, "Odd & Co")
        assert failed["message"] == f"rate card not found: {card}"
        shown = sorted((one["customer_name"], one["status"], one["total"]) for one in reply["data"])
        # Acme's 21 cents, and what was final of the other one before.
        final = [] if status else [("Odd & Co", "FINALIZED", 700)]
        assert shown == [("Acme", "DRAFT", 21), *final]
    assert product.get("/reports/invoices", status="FINALIZED").body["failed"] == []
    [failed] = product.get("/reports/open").data["failed"]
    assert failed["customer_name"] == "Odd & Co"


def test_what_is_no_page(product: Product) -> None:
    for query in ({"limit": "0"}, {"limit": "201"}, {"next_page": "x"}):
        reply = product.get("/reports/open", **query)
        assert (reply.status, reply.body["code"]) == (400, "InvalidArgument")
    assert "status" in product.get("/reports/invoices", status="LOST").body["message"]


# What was billed


@pytest.fixture
def billed(product: Product, world: World, clock: TestClock) -> World:
    """The world with 10 cents of credit, on 20 February: January is final.

    And with seats of a second customer: 2 from January on at 300 cents a month, 3 from February 10
    on; the contract ends with April.
    """
    fixed = create(product, "/v1/contract-pricing/products/create", name="Gift", type="FIXED")
    item = {"amount": 10, "starting_at": JANUARY, "ending_before": "2025-02-15T00:00:00Z"}
    create(
        product,
        "/v1/contracts/customerCredits/create",
        customer_id=world.customer_id,
        product_id=fixed,
        priority=1,
        access_schedule={"schedule_items": [item]},
    )
    seat = create(product, "/v1/contract-pricing/products/create", name="Seat", type="SUBSCRIPTION")
    product.post(
        "/v1/contract-pricing/rate-cards/addRates",
        {
            "rate_card_id": world.rate_card_id,
            "rates": [
                {
                    "product_id": seat,
                    "starting_at": JANUARY,
                    "entitled": True,
                    "rate_type": "FLAT",
                    "price": 300,
                    "billing_frequency": "MONTHLY",
                }
            ],
        },
    )
    team = create(product, "/v1/customers", name="=Team")
    terms = {
        "subscription_rate": {"billing_frequency": "MONTHLY", "product_id": seat},
        "collection_schedule": "ADVANCE",
        "initial_quantity": 2,
        "proration": {"is_prorated": False, "invoice_behavior": "BILL_IMMEDIATELY"},
        "temporary_id": "seats",
    }
    contract = create(
        product,
        "/v1/contracts/create",
        customer_id=team,
        rate_card_id=world.rate_card_id,
        starting_at=JANUARY,
        ending_before="2025-05-01T00:00:00Z",
        net_payment_terms_days=15,
        subscriptions=[terms],
    )
    [subscription] = product.post(
        "/v2/contracts/get", {"customer_id": team, "contract_id": contract}
    ).data["subscriptions"]
    update = {
        "subscription_id": subscription["id"],
        "quantity_updates": [{"starting_at": "2025-02-10T00:00:00Z", "quantity": 3}],
    }
    product.post(
        "/v2/contracts/edit",
        {"customer_id": team, "contract_id": contract, "update_subscriptions": [update]},
    )
    clock.set(datetime(2025, 2, 20, tzinfo=UTC))
    for _ in range(3):
        product.tick()
        product.work_off_jobs()
    return world


def create(product: Product, path: str, **body: object) -> str:
    made: str = product.post(path, body).data["id"]
    return made


def rows(product: Product, report: str, **query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = product.get(f"/reports/{report}", **query).data
    return found


def test_revenue_adds_up_and_is_tied_to_the_ledger(product: Product, billed: World) -> None:
    found = {(one["customer_name"], one["month"][:7]): one for one in rows(product, "revenue")}
    # January, issued in February: 6 for calls and 15 for tokens, of which the credit pays 10.
    usage = found["Acme", "2025-02"]
    assert (usage["usage"], usage["credits_applied"], usage["total"]) == (21, -10, 11)
    assert (usage["ledger_used"], usage["untied"]) == (10, 0)
    # 2 seats in advance on January 1; on February 1 2 more, on the 10th one.
    assert found["=Team", "2025-01"]["subscriptions"] == 600
    for one in found.values():
        kinds = ("usage", "subscriptions", "commits", "other", "credits_applied")
        assert sum(one[kind] for kind in kinds) == one["total"]
    every = product.get("/reports/invoices", status="FINALIZED").data
    assert sum(one["total"] for one in found.values()) == sum(one["total"] for one in every)


def test_credits_burn_as_their_ledgers_say(product: Product, billed: World) -> None:
    found = {one["month"][:7]: one for one in rows(product, "credits")}
    january = found["2025-01"]
    assert (january["granted"], january["change"]) == (10, 10)
    # The deduction is dated the end of January.
    assert (found["2025-02"]["used"], found["2025-02"]["change"]) == (-10, -10)
    assert sum(one["change"] for one in found.values()) == 0


def test_recurring_revenue_moves_with_quantities(product: Product, billed: World) -> None:
    moved = [
        [one[name] for name in ("starting", "new", "expansion", "contraction", "churned", "mrr")]
        for one in rows(product, "mrr", starting_on=JANUARY, ending_before="2025-03-01T00:00:00Z")
    ]
    # 2 × 300 from January 1 on, 3 × 300 from February 10 on.
    assert moved == [[0, 600, 0, 0, 0, 600], [600, 0, 300, 0, 0, 900]]


def test_a_contract_that_ends_is_a_customer_lost(
    product: Product, billed: World, clock: TestClock
) -> None:
    clock.set(datetime(2025, 5, 10, tzinfo=UTC))
    counts = {
        (one["customer_name"], one["month"][:7]): (one["won"], one["lost"], one["active_at_end"])
        for one in rows(product, "churn")
    }
    assert counts["=Team", "2025-01"] == (1, 0, 1)
    assert counts["=Team", "2025-04"] == (0, 0, 1)
    assert counts["=Team", "2025-05"] == (0, 1, 0)
    assert counts["Acme", "2025-05"] == (0, 0, 1)
    may = [one for one in rows(product, "mrr") if one["month"].startswith("2025-05")]
    assert [(one["starting"], one["churned"], one["mrr"]) for one in may] == [(900, -900, 0)]


def test_receivables_are_what_nobody_paid(product: Product, billed: World) -> None:
    found = rows(product, "receivables")
    team = [one for one in found if one["customer_name"] == "=Team"]
    # Issued on January 1, due 15 days later: on February 20 it is 35 days late.
    assert team[0]["due_at"] == "2025-01-16T00:00:00+00:00"
    assert (team[0]["age"], team[0]["total"], team[0]["status"]) == ("31-60", 600, "NOT_SENT")
    # Acme's invoice of 11 was due when it was issued, on February 2.
    [acme] = [one for one in found if one["customer_name"] == "Acme"]
    assert (acme["age"], acme["total"]) == ("1-30", 11)
    assert rows(product, "payments") == []


def test_payments_that_failed_are_told_with_what_became_of_the_invoice() -> None:
    desk = Desk()
    desk.agree(**desk.billed)
    desk.script("failed", "paid")
    about = desk.about(desk.final())
    desk.post("/v1/payments/attempt", about)
    [owed] = desk.get("/reports/receivables", ending_before="2025-03-01T00:00:00Z")
    assert (owed["total"], owed["status"]) == (300, "PAYMENT_FAILED")
    [failed] = desk.get("/reports/payments", ending_before="2025-03-01T00:00:00Z")
    assert (failed["outcome"], failed["error"]) == ("FAILED", "Your card was declined.")
    # The second attempt takes the place of the first, and goes through.
    desk.post("/v1/payments/attempt", about)
    [failed] = desk.get("/reports/payments")
    assert (failed["total"], failed["outcome"]) == (300, "CANCELED")
    assert failed["invoice_status"] == "PAID"
    assert desk.get("/reports/receivables") == []


def test_archived_customers_stay_in_the_reports(
    product: Product, billed: World, clock: TestClock
) -> None:
    [team] = {
        one["customer_id"] for one in rows(product, "revenue") if one["customer_name"] == "=Team"
    }
    [contract] = product.post("/v1/contracts/list", {"customer_id": team}).data
    # The contract goes without its invoices, so they are still owed when the customer goes.
    about = {"customer_id": team, "contract_id": contract["id"], "void_invoices": False}
    product.post("/v1/contracts/archive", about)
    before = {name: rows(product, name) for name in ("revenue", "receivables", "mrr", "churn")}
    invoices = product.get("/reports/invoices", status="FINALIZED").data
    product.post("/v1/customers/archive", {"id": team})
    clock.set(datetime(2025, 2, 21, tzinfo=UTC))
    for name, found in before.items():
        assert rows(product, name) == found, name
    assert product.get("/reports/invoices", status="FINALIZED").data == invoices
    assert {one["customer_name"] for one in before["receivables"]} == {"Acme", "=Team"}
    # 2 × 300 ran at the end of January, and nothing since February 20.
    team_only = [one for one in before["mrr"] if one["customer_name"] == "=Team"]
    assert [(one["starting"], one["churned"], one["mrr"]) for one in team_only] == [
        (0, 0, 600),
        (600, -600, 0),
    ]
    lost = [one["month"][:7] for one in before["churn"] if one["lost"]]
    assert lost == ["2025-02"]


def test_who_is_archived_between_two_pages_is_in_one_of_them(
    product: Product, billed: World
) -> None:
    query = {"status": "FINALIZED", "limit": "1"}
    first = product.get("/reports/invoices", **query).body
    names = [{one["customer_name"] for one in first["data"]}]
    # A contract that is gone already leaves its invoices to its customer.
    [gone] = {one["customer_id"] for one in first["data"]}
    [contract] = product.post("/v1/contracts/list", {"customer_id": gone}).data
    about = {"customer_id": gone, "contract_id": contract["id"], "void_invoices": False}
    product.post("/v1/contracts/archive", about)
    product.post("/v1/customers/archive", {"id": gone})
    rest = product.get("/reports/invoices", next_page=first["next_page"], **query).body
    names.append({one["customer_name"] for one in rest["data"]})
    assert sorted(names, key=str) == [{"=Team"}, {"Acme"}]
    assert rest["next_page"] is None


def test_what_was_paid_for_void_invoices_is_told() -> None:
    desk = Desk()
    desk.agree(**desk.billed)
    desk.script("paid")
    desk.post("/v1/payments/attempt", desk.about(desk.final()))
    query = {"ending_before": "2025-03-01T00:00:00Z"}
    [paid] = desk.get("/reports/revenue", **query)
    assert (paid["total"], paid["paid_though_void"]) == (300, 0)
    # Its invoices become void with the customer; the 300 were paid all the same.
    desk.post("/v1/customers/archive", {"id": desk.customer_id})
    [void] = desk.get("/reports/revenue", **query)
    assert (void["total"], void["invoices"], void["paid_though_void"]) == (0, 0, 300)


def test_pages_of_a_report_are_the_whole_report_also_as_csv(
    product: Product, billed: World
) -> None:
    whole = rows(product, "revenue")
    collected: list[Any] = []
    lines: list[str] = []
    next_page: str | None = None
    while True:
        query = {"limit": "1"} | ({} if next_page is None else {"next_page": next_page})
        reply = product.get("/reports/revenue", **query).body
        text = product.get("/reports/revenue", format="csv", **query)
        assert text.headers.get("x-next-page") == reply["next_page"]
        collected += reply["data"]
        content = text.body if isinstance(text.body, bytes) else b""
        lines += content.decode().splitlines()[0 if not lines else 1 :]
        next_page = reply["next_page"]
        if next_page is None:
            break
    assert collected == whole
    read = list(csv.DictReader(lines))
    assert [Decimal(one["total"]) for one in read] == [one["total"] for one in whole]
    assert {one["unit"] for one in read} == {"USD (cents)"}
    # No spreadsheet takes the name for a formula.
    assert {one["customer_name"] for one in read} == {"Acme", "'=Team"}


def test_what_is_no_report(product: Product, world: World) -> None:
    assert product.get("/reports/weather").status == 404
    for query in (
        {"starting_on": "2025-02-01T00:00:00Z", "ending_before": "2025-01-01T00:00:00Z"},
        {"starting_on": "2020-01-01T00:00:00Z", "ending_before": "2025-01-01T00:00:00Z"},
        {"starting_on": "yesterday"},
        {"format": "pdf"},
    ):
        reply = product.get("/reports/revenue", **query)
        assert (reply.status, reply.body["code"]) == (400, "InvalidArgument")
    token = product.get("/reports/revenue", limit="1").body["next_page"] or "x"
    assert product.get("/reports/churn", next_page=token).status == 400
