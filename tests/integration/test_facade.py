"""Function `facade`: customers, contracts, invoices and credits, simply."""

from decimal import Decimal
from typing import Any

import pytest

from tests.integration.conftest import nothing_changes
from tests.integration.product import DEMO, Product, Reply, TestClock
from tests.integration.store import WatchedStore

V1 = "/api/v1"
ADA = {
    "entity_id": "ada",
    "entity_type": "user",
    "email": "ada@example.com",
    "name": "Ada",
    "metadata": {"team": "engines"},
}


def created(product: Product, path: str, body: dict[str, Any], *, token: str = DEMO) -> Any:
    reply = product.post(f"{V1}/{path}", body, token=token)
    assert reply.status == 201, reply
    return reply.body


def shown(product: Product, path: str, **query: str) -> Any:
    reply = product.get(f"{V1}/{path}", **query)
    assert reply.status == 200, reply
    return reply.body


@pytest.fixture
def ada(product: Product) -> str:
    id_: str = created(product, "customers", ADA)["id"]
    return id_


def agree(product: Product, customer: str, tier: str = "pro", **more: Any) -> Any:
    return created(product, "contracts", {"customer_id": customer, "tier": tier, **more})


def refused(reply: Reply, status: int, code: str) -> str:
    assert (reply.status, reply.body["code"]) == (status, code), reply
    message: str = reply.body["message"]
    return message


class TestCustomers:
    def test_it_is_created_and_shown(self, product: Product) -> None:
        made = created(product, "customers", ADA)
        at = "2025-01-15T12:00:00+00:00"
        assert made == {**ADA, "id": made["id"], "created_at": at, "updated_at": at}
        assert shown(product, f"customers/{made['id']}") == made
        # It is Metronome's customer, whose usage comes under the entity's id.
        [customer] = product.get("/v1/customers", ingest_alias="ada").data
        assert customer["id"] == made["id"]

    def test_an_entity_is_one_customer(self, ada: str, product: Product) -> None:
        again = product.post(f"{V1}/customers", ADA)
        refused(again, 409, "Conflict")
        assert again.body["conflicting_id"] == ada

    def test_it_is_changed(self, ada: str, product: Product, clock: TestClock) -> None:
        clock.advance(seconds=5)
        change = {"name": "Ada L.", "email": "l@example.com", "metadata": {}}
        reply = product.request("PATCH", f"{V1}/customers/{ada}", change)
        assert reply.status == 200
        assert reply.body == {**shown(product, f"customers/{ada}"), **change}
        assert reply.body["updated_at"] == "2025-01-15T12:00:05+00:00"
        assert reply.body["entity_id"] == "ada"

    @pytest.mark.parametrize(
        "body", [{"entity_id": "eve"}, {"id": "x"}, {"email": "none"}, {"name": None}]
    )
    def test_what_cannot_be_changed(
        self, body: dict[str, str], ada: str, product: Product, store: WatchedStore
    ) -> None:
        with nothing_changes(store):
            reply = product.request("PATCH", f"{V1}/customers/{ada}", body)
        assert next(iter(body)) in refused(reply, 400, "InvalidArgument")

    @pytest.mark.parametrize("field", ["entity_id", "entity_type", "email", "name"])
    def test_what_is_missing(self, field: str, product: Product) -> None:
        reply = product.post(f"{V1}/customers", {**ADA, field: None})
        assert field in refused(reply, 400, "InvalidArgument")

    def test_they_are_listed_in_pages(self, product: Product, clock: TestClock) -> None:
        for number in range(3):
            created(product, "customers", {**ADA, "entity_id": f"entity-{number}"})
            clock.advance(seconds=1)
        first = shown(product, "customers", limit="2")
        rest = shown(product, "customers", limit="2", next_page=first["next_page"])
        listed = [one["entity_id"] for one in (*first["data"], *rest["data"])]
        assert (listed, rest["next_page"]) == (["entity-0", "entity-1", "entity-2"], None)

    def test_they_are_told_of(self, ada: str, product: Product, clock: TestClock) -> None:
        clock.advance(seconds=1)
        product.request("PATCH", f"{V1}/customers/{ada}", {"name": "Ada L."})
        told = shown(product, "webhooks/events")["data"]
        assert [one["type"] for one in told] == ["customer.updated", "customer.created"]
        assert told[1]["data"]["properties"]["entity_id"] == "ada"


class TestContracts:
    def test_a_tier_is_a_subscription_with_credits_every_month(
        self, ada: str, product: Product
    ) -> None:
        made = agree(product, ada)
        assert made == {
            "id": made["id"],
            "customer_id": ada,
            "tier": "pro",
            "status": "active",
            "billing_period": "monthly",
            "start_date": "2025-01-15T12:00:00+00:00",
            "end_date": "2025-02-15T12:00:00+00:00",
            "rate_card_id": made["rate_card_id"],
            "created_at": "2025-01-15T12:00:00+00:00",
        }
        assert shown(product, f"contracts/{made['id']}") == made
        assert shown(product, "credits/balance", customer_id=ada)["balance"] == 10_000
        product.post("/mock/clock", {"now": "2025-02-17T00:00:00Z"})
        # 10,000 of January are over, those of February are there.
        assert shown(product, "credits/balance", customer_id=ada)["balance"] == 10_000
        assert shown(product, f"contracts/{made['id']}")["end_date"].startswith("2025-03-15")
        final = [
            one
            for one in shown(product, "invoices", customer_id=ada)["data"]
            if one["billing_status"] == "FINALIZED"
        ]
        # In advance, for the months from 15 January and 15 February.
        assert [one["line_items"] for one in final] == [
            [{"description": "Pro plan", "amount": 9}]
        ] * 2

    def test_it_is_made_of_the_package_of_its_tier(self, ada: str, product: Product) -> None:
        made = agree(product, ada, "team", billing_period="yearly")
        contract = product.post(
            "/v2/contracts/get", {"customer_id": ada, "contract_id": made["id"]}
        ).data
        package = product.post("/v1/packages/get", {"package_id": contract["package_id"]}).data
        assert (package["name"], package["contract_name"]) == ("Team, yearly", "team yearly")
        assert contract["name"] == "team yearly"

    def test_on_another_rate_card_it_has_the_same_terms(self, ada: str, product: Product) -> None:
        usual = agree(product, ada)
        other = created(product, "customers", {**ADA, "entity_id": "eve"})["id"]
        card = product.post("/v1/contract-pricing/rate-cards/create", {"name": "Own"}).data["id"]
        rates = product.post(
            "/v1/contract-pricing/rate-cards/getRates",
            {"rate_card_id": usual["rate_card_id"], "at": "2025-01-15T12:00:00Z"},
        ).data
        for rate in rates:
            added = {
                "rate_card_id": card,
                "product_id": rate["product_id"],
                "starting_at": "2025-01-01T00:00:00Z",
                "entitled": True,
                "rate_type": "FLAT",
                "price": 100,
                "billing_frequency": rate["billing_frequency"],
            }
            reply = product.post("/v1/contract-pricing/rate-cards/addRate", added)
            assert reply.status == 200, reply
        made = agree(product, other, rate_card_id=card)
        assert (made["rate_card_id"], made["tier"]) == (card, "pro")
        assert shown(product, "credits/balance", customer_id=other)["balance"] == 10_000

    def test_a_year_ends_on_its_day(self, ada: str, product: Product) -> None:
        product.post("/mock/clock", {"now": "2024-02-29T10:30:00Z"})
        made = agree(product, ada, billing_period="yearly")
        assert made["start_date"] == "2024-02-29T10:00:00+00:00"
        assert made["end_date"] == "2025-02-28T10:00:00+00:00"
        # A yearly plan grants its credits every month, too.
        assert shown(product, "credits/balance", customer_id=ada)["balance"] == 10_000

    def test_the_last_of_a_month_is_the_last_of_the_next(self, ada: str, product: Product) -> None:
        product.post("/mock/clock", {"now": "2025-01-31T00:00:00Z"})
        assert agree(product, ada)["end_date"] == "2025-02-28T00:00:00+00:00"

    def test_one_is_active_unless_asked(self, ada: str, product: Product) -> None:
        first = agree(product, ada)
        again = product.post(f"{V1}/contracts", {"customer_id": ada, "tier": "team"})
        refused(again, 409, "Conflict")
        assert again.body["conflicting_id"] == first["id"]
        agree(product, ada, "team", another=True)
        listed = shown(product, "contracts", customer_id=ada)["data"]
        assert {one["tier"] for one in listed} == {"pro", "team"}

    def test_cancelled_at_once_its_credits_end_too(self, ada: str, product: Product) -> None:
        made = agree(product, ada)
        product.post("/mock/clock", {"now": "2025-01-20T10:30:00Z"})
        ended = product.post(f"{V1}/contracts/{made['id']}/cancel").body
        assert ended["status"] == "cancelled"
        assert ended["cancelled_at"] == "2025-01-20T10:30:00+00:00"
        assert ended["end_date"] == "2025-01-20T11:00:00+00:00"
        assert product.post(f"{V1}/contracts/{made['id']}/cancel").body == ended
        product.post("/mock/clock", {"now": "2025-01-20T11:00:00Z"})
        assert shown(product, "credits/balance", customer_id=ada)["balance"] == 0
        # Free for the next one.
        assert agree(product, ada, "team")["status"] == "active"

    def test_cancelled_with_its_period_it_goes_on_until_then(
        self, ada: str, product: Product
    ) -> None:
        made = agree(product, ada)
        path = f"{V1}/contracts/{made['id']}/cancel"
        ended = product.post(path, {"at_period_end": True}).body
        assert ended["status"] == "active"
        assert ended["cancels_at"] == "2025-02-15T12:00:00+00:00"
        assert shown(product, "credits/balance", customer_id=ada)["balance"] == 10_000
        product.post("/mock/clock", {"now": "2025-02-15T12:00:00Z"})
        assert shown(product, f"contracts/{made['id']}")["status"] == "cancelled"
        assert shown(product, "credits/balance", customer_id=ada)["balance"] == 0

    def test_it_is_patched_within_limits(self, ada: str, product: Product) -> None:
        path = f"{V1}/contracts/{agree(product, ada)['id']}"
        end = {"end_date": "2025-06-01T00:00:00Z"}
        assert product.request("PATCH", path, end).body["end_date"].startswith("2025-06-01")
        for body, field in (
            ({"tier": "team"}, "tier"),
            ({"billing_period": "yearly"}, "billing_period"),
            ({"status": "active"}, "status"),
            ({"start_date": "2025-01-01T00:00:00Z"}, "start_date"),
            ({"end_date": "2025-01-15T12:00:00Z"}, "end_date"),
            ({}, "status"),
        ):
            reply = product.request("PATCH", path, body)
            assert field in refused(reply, 400, "InvalidArgument")
        cancelled = product.request("PATCH", path, {"status": "cancelled"}).body
        assert cancelled["status"] == "cancelled"
        refused(product.request("PATCH", path, {"end_date": None}), 409, "Conflict")

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"tier": "gold"}, "tier"),
            ({"tier": "enterprise"}, "tier"),
            ({}, "tier"),
            ({"tier": "pro", "billing_period": "weekly"}, "billing_period"),
        ],
    )
    def test_what_is_no_contract(
        self, body: dict[str, str], field: str, ada: str, product: Product
    ) -> None:
        reply = product.post(f"{V1}/contracts", {"customer_id": ada, **body})
        assert field in refused(reply, 400, "InvalidArgument")

    def test_who_is_unknown(self, ada: str, product: Product) -> None:
        body = {"customer_id": "6a37bb88-f8ed-40df-b86a-e1a4b5a1a9ab", "tier": "pro"}
        refused(product.post(f"{V1}/contracts", body), 404, "CustomerNotFound")
        for path in ("contracts", "invoices"):
            reply = product.get(f"{V1}/{path}/{ada}")
            assert reply.status == 404

    def test_all_are_listed_in_pages(self, product: Product) -> None:
        made = set()
        for number in range(3):
            customer = created(product, "customers", {**ADA, "entity_id": f"e-{number}"})["id"]
            made |= {agree(product, customer)["id"]}
            made |= {agree(product, customer, "team", another=True)["id"]}
        found: list[str] = []
        page: dict[str, str] = {}
        for _ in range(4):
            listed = shown(product, "contracts", limit="2", **page)
            found += [one["id"] for one in listed["data"]]
            if listed["next_page"] is None:
                break
            page = {"next_page": listed["next_page"]}
        assert (len(found), set(found)) == (6, made)


class TestInvoices:
    def test_an_amount_is_billed_at_once(self, ada: str, product: Product) -> None:
        contract = agree(product, ada)["id"]
        lines = [
            {"description": "Setup", "amount": 10.01},
            {"description": "Training", "amount": 5},
        ]
        body = {"customer_id": ada, "contract_id": contract, "amount": 15.01}
        made = created(product, "invoices", {**body, "line_items": lines})
        assert made == {
            "id": made["id"],
            "customer_id": ada,
            "contract_id": contract,
            "amount": Decimal("15.01"),
            "currency": "USD",
            "status": "open",
            "billing_status": "FINALIZED",
            "due_date": "2025-02-14T12:00:00+00:00",
            "created_at": "2025-01-15T12:00:00+00:00",
            "line_items": [
                {"description": "Setup", "amount": Decimal("10.01")},
                {"description": "Training", "amount": 5},
            ],
        }
        again = created(product, "invoices", body)
        assert again["id"] != made["id"]
        assert [line["description"] for line in again["line_items"]] == ["Charge"]
        listed = shown(product, "invoices", customer_id=ada)["data"]
        assert {made["id"], again["id"]} <= {one["id"] for one in listed}
        assert shown(product, f"invoices/{made['id']}") == made

    @pytest.mark.parametrize(
        ("change", "status", "field"),
        [
            ({"line_items": [{"description": "a", "amount": 1}]}, 400, "amount"),
            ({"amount": -1}, 400, "amount"),
            ({"amount": 0}, 400, "amount"),
            ({"amount": 1.001}, 400, "amount"),
            ({"amount": "1"}, 400, "amount"),
            ({"currency": "EUR"}, 400, "currency"),
            ({"contract_id": "6a37bb88-f8ed-40df-b86a-e1a4b5a1a9ab"}, 404, "contract"),
        ],
    )
    def test_what_is_no_invoice(
        self, change: dict[str, Any], status: int, field: str, ada: str, product: Product
    ) -> None:
        contract = agree(product, ada)["id"]
        body = {"customer_id": ada, "contract_id": contract, "amount": 15, **change}
        reply = product.post(f"{V1}/invoices", body)
        assert reply.status == status
        assert field in reply.body["message"]

    def test_anothers_contract_is_not_billed(self, ada: str, product: Product) -> None:
        contract = agree(product, ada)["id"]
        other = created(product, "customers", {**ADA, "entity_id": "eve"})["id"]
        body = {"customer_id": other, "contract_id": contract, "amount": 15}
        refused(product.post(f"{V1}/invoices", body), 404, "ContractNotFound")

    def test_without_an_account_nothing_is_paid(self, ada: str, product: Product) -> None:
        contract = agree(product, ada)["id"]
        body = {"customer_id": ada, "contract_id": contract, "amount": 15}
        invoice = created(product, "invoices", body)["id"]
        message = refused(product.post(f"{V1}/invoices/{invoice}/pay"), 409, "Conflict")
        assert "onboard" in message


class TestCredits:
    def test_they_are_given_counted_and_expire(self, ada: str, product: Product) -> None:
        body = {"customer_id": ada, "amount": 500, "expires_at": "2025-01-16T00:00:00Z"}
        made = created(product, "credits", body)
        assert made == {
            "id": made["id"],
            "customer_id": ada,
            "contract_id": None,
            "amount": 500,
            "balance": 500,
            "currency": "USD",
            "expires_at": "2025-01-16T00:00:00+00:00",
            "created_at": "2025-01-15T12:00:00+00:00",
        }
        forever = created(product, "credits", {"customer_id": ada, "amount": 20})
        assert forever["expires_at"] is None
        balance = shown(product, "credits/balance", customer_id=ada)
        assert balance["balance"] == 520
        assert {one["id"]: one["balance"] for one in balance["credits"]} == {
            made["id"]: 500,
            forever["id"]: 20,
        }
        listed = shown(product, "credits", customer_id=ada)["data"]
        assert {one["id"] for one in listed} == {made["id"], forever["id"]}
        product.post("/mock/clock", {"now": "2025-01-16T00:00:00Z"})
        assert shown(product, "credits/balance", customer_id=ada)["balance"] == 20

    @pytest.mark.parametrize(
        ("change", "status"),
        [
            ({"amount": -5}, 400),
            ({"amount": 0}, 400),
            ({"expires_at": "2025-01-15T12:00:00Z"}, 400),
            ({"expires_at": "2025-01-16T00:30:00Z"}, 400),
            ({"customer_id": "6a37bb88-f8ed-40df-b86a-e1a4b5a1a9ab"}, 404),
        ],
    )
    def test_what_are_no_credits(
        self, change: dict[str, Any], status: int, ada: str, product: Product
    ) -> None:
        body = {"customer_id": ada, "amount": 500, **change}
        assert product.post(f"{V1}/credits", body).status == status

    def test_whose_balance_is_unknown(self, product: Product) -> None:
        assert product.get(f"{V1}/credits/balance").status == 400
        unknown = "6a37bb88-f8ed-40df-b86a-e1a4b5a1a9ab"
        reply = product.get(f"{V1}/credits/balance", customer_id=unknown)
        refused(reply, 404, "CustomerNotFound")


def test_tenants_do_not_meet(ada: str, product: Product) -> None:
    contract = agree(product, ada)["id"]
    for path in (f"customers/{ada}", f"contracts/{contract}"):
        assert product.get(f"{V1}/{path}", token="other").status == 404
    for path in ("customers", "contracts", "invoices", "credits", "webhooks/events"):
        assert product.get(f"{V1}/{path}", token="other").body["data"] == []


class TestEvents:
    """What the facade does is told under the engine's names, though nobody switched events on."""

    @pytest.fixture
    def settings(self) -> dict[str, str]:
        return {"BACKBEAT_SYSTEM_EVENTS": "asked"}

    def told(self, product: Product) -> list[tuple[str, str]]:
        """Returns the names of what was told, oldest first."""
        listed = shown(product, "webhooks/events", limit="100")["data"]
        return [(one["type"], one["legacy_type"]) for one in reversed(listed)]

    def test_contracts_credits_and_invoices(
        self, ada: str, product: Product, clock: TestClock
    ) -> None:
        contract = agree(product, ada)["id"]
        created(product, "credits", {"customer_id": ada, "amount": 5})
        body = {"customer_id": ada, "contract_id": contract, "amount": 15}
        created(product, "invoices", body)
        clock.advance(hours=1)
        product.post(f"{V1}/contracts/{contract}/cancel")
        product.work_off_jobs()
        clock.advance(hours=2)
        product.tick()
        product.work_off_jobs()
        told = self.told(product)
        assert set(told) == {
            ("customer.created", "customer.created"),
            ("contract.create", "contract.created"),
            ("contract.edit", "contract.updated"),
            ("contract.end", "contract.cancelled"),
            ("invoice.finalized", "invoice.created"),
            ("credit.create", "credit.applied"),
            ("credit.segment.end", "credit.expired"),
        }
        assert told.count(("contract.end", "contract.cancelled")) == 1

    def test_what_was_switched_off_stays_so(self, ada: str, product: Product) -> None:
        switched = {"policy": {"type": "contract.create"}, "is_enabled": False}
        reply = product.post("/v2/notifications/edit", switched)
        assert reply.status == 200, reply
        agree(product, ada)
        names = {name for name, _ in self.told(product)}
        assert "contract.create" not in names
        assert "credit.create" in names
