"""What the handlers take and refuse, and that nobody sees what is another's."""

import ast
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from metronome import Metronome

from backbeat.adapters.metronome import sdk
from backbeat.adapters.stripe import gateway
from backbeat.application.handlers import accounts
from backbeat.ports.providers import Access
from tests.integration.conftest import NOON, Stage
from tests.integration.handlers.shop import Backend

ROOT = Path(__file__).parents[3]
HANDLERS = ROOT / "layers/backbeat/python/backbeat/application/handlers"
ENTITY = {"id": "ada", "type": "user", "name": "Ada", "email": "ada@example.com"}


@pytest.fixture(autouse=True)
def _at_noon(backend: Backend) -> None:
    backend.freeze(NOON)


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("/api/onboard", {}, "entity"),
    ("/api/onboard", {"entity": {**ENTITY, "email": "ada"}}, "entity.email"),
    ("/api/onboard", {"entity": {**ENTITY, "name": " "}}, "entity.name"),
    ("/api/onboard", {"entity": {**ENTITY, "id": "a/b"}}, "entity.id"),
    ("/api/onboard", {"entity": {**ENTITY, "id": ".."}}, "entity.id"),
    ("/api/onboard", {"entity": {**ENTITY, "id": "a%2Fb"}}, "entity.id"),
    ("/api/onboard", {"entity": ENTITY, "tier": "gold"}, "tier"),
    ("/api/onboard", {"entity": ENTITY, "tier": "enterprise"}, "quote"),
    ("/api/onboard", {"entity": ENTITY, "billingPeriod": "weekly"}, "billingPeriod"),
    (
        "/api/onboard",
        {"entity": ENTITY, "tier": "enterprise", "quote": {"price": 0.001, "credits": 1}},
        "quote.price",
    ),
    ("/api/tier/change", {"entityId": "ada"}, "newTier"),
    ("/api/tier/change", {"entityId": "ada", "newTier": "gold"}, "tier"),
    (
        "/api/tier/change",
        {"entityId": "ada", "newTier": "team", "effectiveDate": "soon"},
        "effectiveDate",
    ),
    (
        "/api/tier/preview",
        {"entityId": "ada", "newTier": "team", "effectiveDate": "2025-04-01T00:00:00Z"},
        "effectiveDate",
    ),
    (
        "/api/tier/preview",
        {
            "entityId": "ada",
            "newTier": "team",
            "effectiveDate": "2025-02-01T00:00:00Z",
            "when": "now",
        },
        "when",
    ),
    ("/api/subscription/ada/cancel", {"when": "auto"}, "when"),
    ("/api/subscription/ada/cancel/preview", {"when": "soon"}, "when"),
    ("/api/customers/ada/payment-methods", {}, "paymentMethodId"),
    ("/api/customers/ada/payment-methods", {"paymentMethodId": "pm_no"}, "paymentMethodId"),
    ("/api/customers/ada/payment-methods", {"setupIntentId": "seti_no"}, "setupIntentId"),
    ("/api/entitlements/ada/check", {}, "feature"),
    ("/api/entitlements/ada/check", {"limit": "maxWishes"}, "limit"),
    ("/api/catalog/apply", {"catalogue": {"version": "2", "tiers": []}}, "catalogue.tiers"),
]


def test_what_is_wrong_is_named_and_changes_nothing(backend: Backend) -> None:
    backend.onboard("pro")
    before = backend.agreed()
    for path, body, field in WRONG:
        refused = backend.post(path, 400, **body)
        assert refused["code"] == "InvalidArgument"
        assert f"{field}:" in refused["message"], (path, body, refused)
    assert backend.agreed() == before


UNKNOWN: list[tuple[str, str, dict[str, Any]]] = [
    ("GET", "/api/onboarding/{entity}", {}),
    ("GET", "/api/subscription/{entity}", {}),
    ("POST", "/api/subscription/{entity}/cancel", {}),
    ("POST", "/api/subscription/{entity}/cancel/preview", {}),
    ("POST", "/api/subscription/{entity}/reactivate", {}),
    ("DELETE", "/api/subscription/{entity}/scheduled-change", {}),
    ("POST", "/api/tier/preview", {"entityId": "{entity}", "newTier": "team"}),
    ("POST", "/api/tier/change", {"entityId": "{entity}", "newTier": "team"}),
    ("GET", "/api/customers/{entity}/payment-methods", {}),
    ("POST", "/api/customers/{entity}/setup-intents", {}),
    ("POST", "/api/customers/{entity}/payment-methods", {"paymentMethodId": "pm_card_visa"}),
    ("POST", "/api/customers/{entity}/payment-methods/pm_1/default", {}),
    ("DELETE", "/api/customers/{entity}/payment-methods/pm_1", {}),
    ("GET", "/api/customers/{entity}/invoices", {}),
    ("GET", "/api/customers/{entity}/credits", {}),
    ("GET", "/api/entitlements/{entity}", {}),
    ("POST", "/api/entitlements/{entity}/check", {"feature": "sla"}),
    ("GET", "/api/operations/{operation}", {}),
    ("POST", "/api/operations/{operation}/retry", {}),
    ("POST", "/api/operations/{operation}/cancel", {}),
]


def test_what_is_another_s_is_unknown(backend: Backend) -> None:
    operation = backend.onboard("pro")["operation"]["id"]
    before = backend.agreed()
    other = {"authorization": "Bearer other"}
    for method, path, body in UNKNOWN:
        filled = path.format(entity="ada", operation=operation)
        sent = {name: value.format(entity="ada") for name, value in body.items()}
        json = sent if method == "POST" else None
        reply = backend.http.request(method, filled, json=json, headers=other)
        assert reply.status_code == 404, (method, path, reply.text)
        nobody = backend.http.request(method, filled, json=json, headers={"authorization": ""})
        assert nobody.status_code == 401
    for path in ("/api/customers", "/api/operations?status=done"):
        assert backend.http.get(path, headers=other).json()["data"] == []
    # The same id is another entity there.
    again = backend.http.post("/api/onboard", json={"entity": ENTITY}, headers=other)
    assert again.json()["status"] == "active"
    assert backend.agreed() == before


@pytest.mark.parametrize("id_", ["auth0|5f7c8ec7", "ada@example.com", "Ada & Co", "zoë", "a+b=c"])
def test_an_entity_is_found_by_whatever_id_it_may_have(backend: Backend, id_: str) -> None:
    backend.post("/api/onboard", 201, entity={**ENTITY, "id": id_})
    path = quote(id_, safe="")
    assert backend.get(f"/api/subscription/{path}")["entityId"] == id_
    assert backend.get(f"/api/onboarding/{path}")["onboarded"] is True


def test_when_the_catalogue_was_applied_is_shown(backend: Backend) -> None:
    assert backend.get("/api/catalog")["data"]["applied_at"] is None
    applied = backend.post("/api/catalog/apply")["data"]
    assert backend.get("/api/catalog")["data"] == applied
    assert applied["applied_at"] == "2025-01-15T12:00:00+00:00"


def test_many_customers_are_counted_as_far_as_it_is_quick(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "_MOST", 2)
    for number in range(2):
        backend.post("/api/onboard", 201, entity={**ENTITY, "id": f"e{number}"})
    listed = backend.get("/api/customers", limit="1")
    assert (listed["total"], "totalAtLeast" in listed) == (2, False)
    backend.post("/api/onboard", 201, entity={**ENTITY, "id": "e2"})
    listed = backend.get("/api/customers", limit="1")
    assert (listed["total"], listed["totalAtLeast"]) == (None, 3)


def test_onboarding_twice_is_onboarding_once(backend: Backend) -> None:
    first = backend.onboard("pro")
    second = backend.onboard("pro", status=200)
    for part in ("entity", "metronomeCustomer", "stripeCustomer", "contract"):
        assert first[part] == second[part]
    assert backend.onboard("team", status=409)["code"] == "Conflict"
    assert backend.agreed().paid == [9]


def test_what_a_tier_allows(backend: Backend) -> None:
    backend.onboard("pro")
    shown = backend.get("/api/entitlements/ada")["data"]
    assert shown["limits"] == {"maxStorageGB": 100, "maxInferenceRequests": 10_000}
    path = "/api/entitlements/ada/check"
    within = backend.post(path, limit="maxStorageGB", quantity=100)
    assert within == {"allowed": True, "reason": None, "limit": 100}
    over = backend.post(path, limit="maxStorageGB", quantity=101)
    assert over == {"allowed": False, "reason": "over_limit", "limit": 100}
    assert backend.post(path, feature="priority_support")["allowed"] is True


class TestCatalogue:
    TIERS = (
        {"id": "basic", "name": "Basic", "monthly_price": 0, "yearly_price": 0, "credits": 10},
        {"id": "plus", "name": "Plus", "monthly_price": 5, "yearly_price": 50, "credits": 100},
    )

    def test_applied_twice_nothing_is_there_twice(
        self, backend: Backend, metronome: Metronome
    ) -> None:
        def there() -> tuple[list[str], list[str], list[str]]:
            return (
                sorted(str(one.name) for one in metronome.v1.packages.list()),
                sorted(str(one.current.name) for one in metronome.v1.contracts.products.list()),
                [one.name for one in metronome.v1.contracts.rate_cards.list(body={})],
            )

        for _ in range(2):
            offered = backend.post("/api/catalog/apply")["data"]
            assert [tier["id"] for tier in offered["tiers"]] == [
                "free", "pro", "team", "enterprise",
            ]  # fmt: skip
        assert there() == (["Free", "Pro", "Team"], ["Plan credits", "Plan fee"], ["Plans"])

    def test_at_once_by_everybody_there_is_one(self, backend: Backend) -> None:
        def onboard(number: int) -> int:
            entity = {**ENTITY, "id": f"e{number}", "email": f"e{number}@example.com"}
            body = {"entity": entity, "tier": "pro", "paymentMethodId": "pm_card_visa"}
            return backend.http.post("/api/onboard", json=body).status_code

        with ThreadPoolExecutor(4) as pool:
            assert set(pool.map(onboard, range(4))) == {201}
        fees = {
            line.product_id
            for number in range(4)
            for invoice in backend.metronome.v1.customers.invoices.list(
                customer_id=backend.get(f"/api/onboarding/e{number}")["metronomeCustomerId"],
                type="SCHEDULED",
            )
            for line in invoice.line_items
        }
        assert len(fees) == 1

    def test_one_of_one_s_own(self, backend: Backend) -> None:
        backend.onboard("pro")
        wanted = {"version": "2", "proration": "per_second", "tiers": self.TIERS}
        backend.post("/api/catalog/apply", catalogue=wanted)
        assert backend.get("/api/catalog")["data"]["version"] == "2"
        # What Ada agreed to stays as it was; others get the new.
        assert backend.agreed().credits == 10_000
        bob = {**ENTITY, "id": "bob"}
        backend.post("/api/onboard", 201, entity=bob, tier="plus", paymentMethodId="pm_card_visa")
        assert backend.get("/api/subscription/bob")["creditsBalance"] == 100
        other = {**wanted, "tiers": self.TIERS[:1]}
        assert backend.post("/api/catalog/apply", 409, catalogue=other)["code"] == "Conflict"


def test_the_clients_wait_and_try_again_within_limits() -> None:
    access = Access("http://127.0.0.1:9", "sk_test_x")
    metronome = sdk.client(access)
    assert (metronome.timeout, metronome.max_retries) == (10, 2)
    assert gateway._TIMEOUTS == (5, 10)
    assert gateway.client(access)._requestor._options.max_network_retries == 2
    assert "sk_test_x" not in repr(access)


def test_nothing_in_the_handlers_knows_what_the_providers_are() -> None:
    for file in [*HANDLERS.glob("*.py"), ROOT / "functions/onboarding/app.py"]:
        names = {
            node.id if isinstance(node, ast.Name) else node.attr
            for node in ast.walk(ast.parse(file.read_text()))
            if isinstance(node, ast.Name | ast.Attribute)
        }
        assert not [name for name in names if "mock" in name.lower() or "sandbox" in name.lower()]


def test_without_an_account_at_the_providers(stage: Stage) -> None:
    from dataclasses import replace

    from backbeat import bootstrap
    from backbeat.ports.connections import Provider

    services = stage.product.services
    nowhere = replace(services.providers, metronome=Provider("", "{token}"))
    with bootstrap.using(replace(services, providers=nowhere)):
        reply = stage.product.post("/api/onboard", {"entity": ENTITY})
        assert reply.status == 202
        assert reply.body["operation"]["status"] == "stuck"
        assert "No account at Metronome" in reply.body["operation"]["error"]["message"]
