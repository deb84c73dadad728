"""Every route of the older mock, in every method and path, as its clients use them."""

import hashlib
import hmac
from decimal import Decimal
from typing import Any

import pytest

from backbeat_local.functions import Function
from backbeat_local.template import Template
from tests.integration.conftest import opened
from tests.integration.older_mock.conftest import TARGET, Contract, Mock
from tests.integration.product import Reply


def refused(reply: Reply, status: int, message: str) -> None:
    assert reply.status == status, reply
    assert reply.body["message"] == message
    error = reply.body["error"]
    assert (error["message"], error["status"]) == (message, status)


@pytest.fixture
def contract(mock: Mock) -> Contract:
    return mock.contract(mock.customer())


def test_health(mock: Mock) -> None:
    reply = mock.call("GET", "/health")
    assert reply.body == {"status": "ok", "service": "mock-metronome-server"}


class TestCustomers:
    def test_the_whole_customer_is_answered(self, mock: Mock) -> None:
        provider = {"billing_provider": "stripe", "configuration": {"stripe_customer_id": "cus_1"}}
        body = {
            "name": "Acme",
            "ingest_aliases": ["acme"],
            "customer_billing_provider_configurations": [provider],
            "custom_fields": {"ignored": "1"},
        }
        reply = mock.call("POST", "/v1/customers", body)
        assert reply.status == 201
        created = reply.body["data"]
        assert created.pop("id").startswith("cus_")
        assert created == {
            "name": "Acme",
            "ingest_aliases": ["acme"],
            "customer_billing_provider_configurations": [provider],
            "created_at": "2025-01-15T10:30:00.000Z",
            "updated_at": "2025-01-15T10:30:00.000Z",
            "custom_fields": {},
        }

    def test_it_is_read_back(self, mock: Mock) -> None:
        id_ = mock.customer(ingest_aliases=["acme"])
        read = mock.data("GET", f"/v1/customers/{id_}")
        assert (read["id"], read["name"], read["ingest_aliases"]) == (id_, "Acme", ["acme"])
        refused(mock.call("GET", "/v1/customers/unknown"), 404, "Customer not found")

    def test_a_taken_alias(self, mock: Mock) -> None:
        id_ = mock.customer(ingest_aliases=["acme", "other"])
        reply = mock.call("POST", "/v1/customers", {"name": "B", "ingest_aliases": ["other"]})
        assert reply.status == 409
        assert reply.body["error"]["conflicting_id"] == id_

    def test_without_a_name(self, mock: Mock) -> None:
        reply = mock.call("POST", "/v1/customers", {})
        assert (reply.status, reply.body["error"]["status"]) == (400, 400)

    def test_archiving_changes_nothing(self, mock: Mock) -> None:
        id_ = mock.customer()
        assert mock.data("POST", "/v1/customers/archive", {"id": id_}) == {"id": id_}
        assert mock.data("POST", f"/v1/customers/{id_}/archive") == {"id": id_}
        assert mock.call("GET", f"/v1/customers/{id_}").status == 200
        refused(mock.call("POST", "/v1/customers/archive", {}), 400, "Missing required fields")
        refused(mock.call("POST", "/v1/customers/archive", {"id": "x"}), 404, "Customer not found")


class TestContracts:
    @pytest.mark.parametrize(
        "path", ["/v1/contracts", "/v1/contracts/create", "/v2/contracts", "/v2/contracts/create"]
    )
    def test_creating(self, path: str, mock: Mock) -> None:
        customer_id = mock.customer()
        body = {
            "name": "Deal",
            "customer_id": customer_id,
            "starting_at": "2025-01-01",
            "rate_card_id": "any",
            "uniqueness_key": "once",
        }
        reply = mock.call("POST", path, body)
        assert reply.status == 201
        assert reply.body["data"].keys() == {"id"}
        assert reply.body["data"]["id"].startswith("contract_")
        message = "Contract already exists with same uniqueness_key"
        refused(mock.call("POST", path, body), 409, message)
        for field in ("name", "customer_id", "starting_at", "rate_card_id"):
            lacking = {name: value for name, value in body.items() if name != field}
            refused(mock.call("POST", path, lacking), 400, "Missing required fields")
        unknown = {**body, "customer_id": "x", "uniqueness_key": "other"}
        refused(mock.call("POST", path, unknown), 404, "Customer not found")

    @pytest.mark.parametrize("root", ["/v1/contracts", "/v2/contracts"])
    def test_reading(self, root: str, mock: Mock, contract: Contract) -> None:
        path, customer_id = f"{root}/{contract.id}", contract.customer_id
        read = mock.data("GET", path, customer_id=customer_id)
        assert (read["id"], read["customer_id"]) == (contract.id, customer_id)
        body = {"contract_id": contract.id, "customer_id": customer_id}
        assert mock.data("POST", f"{root}/get", body) == read
        refused(mock.call("GET", path), 400, "Missing required fields")
        refused(mock.call("GET", path, customer_id=mock.customer()), 404, "Contract not found")

    @pytest.mark.parametrize("root", ["/v1/contracts", "/v2/contracts"])
    def test_listing(self, root: str, mock: Mock, contract: Contract) -> None:
        customer_id = contract.customer_id
        later = mock.contract(customer_id, starting_at="2025-03-01T00:00:00Z")

        def listed(**query: str) -> set[str]:
            found = mock.data("GET", root, customer_id=customer_id, **query)
            return {one["id"] for one in found}

        assert listed() == {contract.id, later.id}
        assert listed(covering_date="2025-02-01T00:00:00Z", include_archived="1") == {contract.id}
        refused(mock.call("GET", root), 400, "Missing required fields")
        assert mock.data("GET", root, customer_id="unknown") == []

    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
    @pytest.mark.parametrize("root", ["/v1/contracts", "/v2/contracts"])
    @pytest.mark.parametrize("by_path", [True, False])
    def test_editing(
        self, by_path: bool, root: str, method: str, mock: Mock, contract: Contract
    ) -> None:
        path = f"{root}/{contract.id}/edit" if by_path else f"{root}/edit"
        named = {} if by_path else {"contract_id": contract.id}
        body: dict[str, Any] = {
            **named,
            "customer_id": contract.customer_id,
            "add_overrides": [{"product_id": "p", "entitled": True}],
            "archive_credits": [{"id": "unknown"}],
            "add_commits": ["ignored"],
            "uniqueness_key": "once",
        }
        assert mock.data(method, path, body)["id"].startswith("edit_")
        assert len(contract.read()["overrides"]) == 1
        refused(mock.call(method, path, body), 409, "Uniqueness key already used")
        other = {**body, "uniqueness_key": "x", "customer_id": mock.customer()}
        refused(mock.call(method, path, other), 404, "Contract not found")
        refused(mock.call(method, path, named), 400, "Missing required fields")

    def test_an_edit_that_cannot_be_read_changes_nothing(self, contract: Contract) -> None:
        reply = contract.edit(
            add_overrides=[{"product_id": "p"}],
            add_subscriptions=[{"starting_at": "2025-01-01T00:00:00Z"}],
        )
        assert (reply.status, "subscription_rate" in reply.body["message"]) == (400, True)
        assert contract.read()["overrides"] == []

    def test_the_key_of_a_contract_is_taken_for_edits_too(self, mock: Mock) -> None:
        contract = mock.contract(mock.customer(), uniqueness_key="once")
        refused(contract.edit(uniqueness_key="once"), 409, "Uniqueness key already used")

    def test_a_subscription_without_temporary_id(self, contract: Contract) -> None:
        rate = {"product_id": "seat", "billing_frequency": "ANNUAL"}
        start = "2025-01-10T00:00:00.000Z"
        contract.edited(
            add_subscriptions=[
                {"starting_at": start, "initial_quantity": 3, "subscription_rate": rate}
            ]
        )
        [one] = contract.read()["subscriptions"]
        assert one["id"].startswith("sub_")
        assert one["quantity_schedule"] == [{"quantity": 3, "starting_at": start}]
        assert one["subscription_rate"]["product"] == {"id": "seat", "name": "Product seat"}
        # Anything but MONTHLY is twelve months.
        assert one["billing_periods"]["current"]["ending_before"] == "2026-01-01T00:00:00.000Z"

    def test_balances_need_a_customer(self, mock: Mock) -> None:
        refused(mock.call("GET", "/v1/contracts/balances"), 400, "Missing required fields")
        assert mock.data("GET", "/v1/contracts/balances", customer_id="any") == []


class TestInvoices:
    @pytest.mark.parametrize("root", ["/v1/customers", "/v1/invoices"])
    def test_making_reading_and_listing(self, root: str, mock: Mock, contract: Contract) -> None:
        path = f"{root}/{contract.customer_id}/invoices"
        lines = [{"name": "a", "amount": 0.1}, {"name": "b", "amount": 0.2}]
        body = {"contract_id": contract.id, "type": "SUBSCRIPTION", "line_items": lines}
        reply = mock.call("POST", path, body)
        assert reply.status == 201
        first = reply.body["data"]
        assert (first["type"], first["status"]) == ("SUBSCRIPTION", "FINALIZED")
        # Exactly what 0.1 and 0.2 come to.
        assert first["total"] == Decimal("0.3")
        assert first["external_invoice"]["external_status"] == "FINALIZED"
        assert first["metadata"] == {"metronome_id": first["id"]}
        assert [line["amount"] for line in first["line_items"]] == [
            Decimal("0.1"),
            Decimal("0.2"),
        ]
        assert mock.data("GET", f"{path}/{first['id']}") == first
        mock.stage.clock.advance(hours=1)
        draft = {**body, "type": "x", "status": "draft", "start_timestamp": "2025-02-01"}
        second = mock.data("POST", path, draft)
        assert (second["type"], second["external_invoice"]["external_status"]) == ("USAGE", "DRAFT")

        def listed(**query: str) -> list[str]:
            return [one["id"] for one in mock.data("GET", path, **query)]

        assert listed() == [second["id"], first["id"]]
        assert listed(sort="date_asc") == [first["id"], second["id"]]
        assert listed(status="draft") == [second["id"]]
        assert listed(starting_on="2025-02-01T00:00:00Z") == [second["id"]]
        assert listed(ending_before="2025-02-01T00:00:00Z") == [first["id"]]
        assert listed(limit="1") == [second["id"]]
        refused(mock.call("GET", f"{path}/unknown"), 404, "Invoice not found")

    def test_what_is_checked(self, mock: Mock, contract: Contract) -> None:
        path = f"/v1/customers/{contract.customer_id}/invoices"
        lines = [{"amount": 1}]
        refused(mock.call("POST", path, {"line_items": lines}), 400, "contract_id is required")
        body: dict[str, Any] = {"contract_id": contract.id, "line_items": []}
        refused(mock.call("POST", path, body), 400, "line_items must be a non-empty array")
        body = {"contract_id": "unknown", "line_items": lines}
        refused(mock.call("POST", path, body), 404, "Contract not found")
        refused(mock.call("POST", "/v1/customers/x/invoices", body), 404, "Customer not found")

    @pytest.mark.parametrize("root", ["/v1/customers", "/v1/invoices"])
    def test_voiding(self, root: str, mock: Mock, contract: Contract) -> None:
        path = f"/v1/customers/{contract.customer_id}/invoices"
        body = {"contract_id": contract.id, "line_items": [{"amount": 1}]}
        id_ = mock.data("POST", path, body)["id"]
        for _ in range(2):
            assert mock.data("POST", f"{root}/{id_}/void") == {"id": id_}
            assert mock.data("GET", f"{path}/{id_}")["status"] == "VOIDED"
        refused(mock.call("POST", f"{root}/x/void"), 404, "Invoice not found")


def test_usage_is_counted_and_nothing_else(mock: Mock) -> None:
    event = {"customer_id": "anybody", "event_type": "x", "timestamp": "2001-01-01"}
    reply = mock.call("POST", "/v1/usage/ingest", {"usage": [event, event]})
    assert reply.body == {"message": "Usage events ingested successfully", "count": 2}
    assert mock.call("POST", "/v1/usage/ingest", {"usage": {}}).status == 400
    assert mock.call("POST", "/v1/usage/ingest", {"usage": [{}]}).status == 400


def test_the_dashboards_address(mock: Mock) -> None:
    body = {
        "customer_id": "cus_1",
        "dashboard": "invoices",
        "dashboard_options": [{"key": "show_zero", "value": "a b"}],
    }
    url = mock.data("POST", "/v1/dashboards/embeddable-url", body)["url"]
    assert url == "http://mock.example.com/dashboards/invoices?customer_id=cus_1&show_zero=a+b"
    assert mock.call("POST", "/v1/dashboards/embeddable-url", {}).status == 400


def test_errors_of_everything_else_are_nested_too(mock: Mock) -> None:
    unknown = "00000000-0000-4000-8000-000000000000"
    reply = mock.call("POST", "/v1/contract-pricing/products/get", {"id": unknown})
    assert (reply.status, reply.body["error"]["status"]) == (404, 404)
    assert reply.body["error"]["message"] == reply.body["message"]
    broken = mock.stage.product.request("POST", "/v1/customers", text="{", token=None)
    assert (broken.status, broken.body["error"]["status"]) == (400, 400)


class TestWebhooks:
    def test_targets_come_from_the_environment(self, mock: Mock) -> None:
        path = "/webhooks/subscriptions"
        own = "https://b.example.com/own"
        # The path is put where a target has none.
        assert set(mock.data("GET", path)) == {TARGET, own}
        assert mock.data("DELETE", path, {"target": own}) == [TARGET]
        assert mock.data("GET", path) == [TARGET]
        assert mock.data("POST", path, {"target": own}) == [TARGET, own]
        assert mock.data("DELETE", path) == []
        assert mock.call("POST", path, {}).status == 400

    def test_both_names_of_contract_events(self, mock: Mock) -> None:
        contract = mock.contract(mock.customer())
        contract.edited(add_overrides=[{"product_id": "p"}])
        events = mock.told()
        types = ["contract.create", "contract.created", "contract.edit", "contract.updated"]
        assert [event["type"] for event in events] == types
        created = events[1]
        assert created.pop("id").startswith("evt_")
        assert created == {
            "type": "contract.created",
            "contract_id": contract.id,
            "customer_id": contract.customer_id,
            "environment_type": "STAGING",
        }

    def test_a_low_balance_names_the_configured_alert(self, mock: Mock) -> None:
        contract = mock.contract(mock.customer())
        mock.told()
        contract.edited(
            add_prepaid_balance_threshold_configuration={
                "is_enabled": True,
                "threshold_amount": 500,
                "recharge_to_amount": 2500,
                "commit": {"product_id": "topup"},
                "mock_payment_status": "failed",
            }
        )
        alert, payment = mock.told()[:2]
        assert alert["properties"] == {
            "alert_id": "alert-7",
            "customer_id": contract.customer_id,
            "threshold": 500,
            "remaining_balance": 500,
            "contract_id": contract.id,
        }
        assert payment["properties"] == {
            "contract_id": contract.id,
            "customer_id": contract.customer_id,
            "payment_status": "failed",
        }

    def test_signed_with_the_secret_of_the_environment(self, mock: Mock) -> None:
        mock.data("POST", "/webhooks/dispatch", {"type": "x"})
        mock.stage.product.work_off_webhooks()
        post = mock.stage.targets.posts[0]
        signed = post.headers["date"].encode() + b"\n" + post.body
        expected = hmac.new(b"shared", signed, hashlib.sha256).hexdigest()
        assert post.headers["metronome-webhook-signature"] == expected
        # What the official SDK for Node wants as well.
        assert post.headers["x-metronome-date"] == post.headers["date"]

    def test_verifying(self, mock: Mock) -> None:
        date = "Mon, 02 Jan 2006 22:04:05 GMT"

        def verified(body: bytes, signed: bytes, **headers: str) -> Reply:
            signature = hmac.new(b"shared", date.encode() + b"\n" + signed, hashlib.sha256)
            sent = {"Metronome-Webhook-Signature": signature.hexdigest(), "Date": date, **headers}
            return mock.stage.product.request(
                "POST", "/webhooks/verify", text=body, token=None, headers=sent
            )

        # At any age, and over the JSON without spaces as well as over the body as it came.
        assert verified(b'{"a":1}', b'{"a":1}').body == {"a": 1}
        assert verified(b'{ "a": 1 }', b'{"a":1}').status == 200
        assert verified(b'{ "a": 1 }', b'{ "a": 1 }').status == 200
        refused(verified(b'{"a":2}', b'{"a":1}'), 401, "Invalid signature")
        refused(verified(b"{}", b"{}", Date=""), 401, "Missing signature")


@pytest.mark.parametrize("profile", ["mock", "default"])
def test_an_empty_secret_is_none(
    profile: str, template: Template, functions: dict[str, Function]
) -> None:
    settings = {"BACKBEAT_PROFILE": profile, "METRONOME_WEBHOOK_SECRET": ""}
    with opened(template, functions, settings) as stage:
        assert stage.product.services.default_webhook_secret == "test-secret"


def test_a_token_still_owns_a_world_of_its_own(mock: Mock) -> None:
    id_ = mock.customer()
    reply = mock.stage.product.request("GET", f"/v1/customers/{id_}", token="other")
    refused(reply, 404, "Customer not found")
