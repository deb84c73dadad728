"""Final invoices at billing providers: what is sent, within which limits, and what comes back."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from backbeat import bootstrap
from backbeat.application.services import Services
from backbeat.models.external_invoices import ExternalStatus, ProviderInvoice
from backbeat.ports.billing_provider import (
    Accepted,
    Addressee,
    ProviderAway,
    ProviderRefused,
)
from tests.integration.product import Product, TestClock, World
from tests.integration.store import Crash
from tests.integration.targets import Targets

BY_STRIPE = {
    "billing_provider": "stripe",
    "delivery_method": "direct_to_billing_provider",
}
HOOK = "https://a.example.com/hook"


@dataclass
class Provider:
    """Takes invoices as told: `mishaps` happen first, one for each sending."""

    sent: list[tuple[str, ProviderInvoice, Addressee]] = field(default_factory=list)
    mishaps: list[BaseException] = field(default_factory=list)

    def send(self, invoice_id: str, invoice: ProviderInvoice, to: Addressee) -> Accepted:
        if self.mishaps:
            raise self.mishaps.pop(0)
        self.sent.append((invoice_id, invoice, to))
        return Accepted(f"in_{len(self.sent)}", ExternalStatus.FINALIZED)


@pytest.fixture
def provider(services: Services) -> Iterator[Provider]:
    provider = Provider()
    with bootstrap.using(replace(services, billing_provider=provider)):
        yield provider


def account(product: Product, world: World, **configuration: object) -> str:
    body = {
        "customer_id": world.customer_id,
        **BY_STRIPE,
        "configuration": {"stripe_customer_id": "cus_1", **configuration},
    }
    [made] = product.post("/v1/setCustomerBillingProviderConfigurations", {"data": [body]}).data
    id_: str = made["id"]
    return id_


def charged(product: Product, world: World, *amounts: object, **fields: object) -> Any:
    """Makes a contract with an invoice of these amounts, in cents, which is final now."""
    charge = {"name": "Setup", "type": "FIXED"}
    setup = product.post("/v1/contract-pricing/products/create", charge).data["id"]
    item = {"timestamp": "2025-01-10T00:00:00Z", "quantity": 1}
    body = {
        "customer_id": world.customer_id,
        "starting_at": "2025-01-01T00:00:00Z",
        "billing_provider_configuration": BY_STRIPE,
        "scheduled_charges": [
            {
                "product_id": setup,
                "schedule": {"schedule_items": [{**item, "unit_price": amount}]},
            }
            for amount in amounts
        ],
        **fields,
    }
    reply = product.post("/v1/contracts/create", body)
    assert reply.status == 200, reply
    query = {"contract_id": reply.data["id"], "status": "FINALIZED"}
    [invoice] = product.get(f"/v1/customers/{world.customer_id}/invoices", **query).data
    return invoice


def read(product: Product, world: World, invoice_id: str) -> Any:
    path = f"/v1/customers/{world.customer_id}/invoices/{invoice_id}"
    return product.get(path).data["external_invoice"]


def stripe(product: Product, **options: bool) -> None:
    body = {"stripe_api_key": "rk_1", **options}
    assert product.post("/v1/client/billing-config/stripe", body).status == 200


def test_a_final_invoice_is_sent(product: Product, world: World, provider: Provider) -> None:
    account(product, world, stripe_collection_method="send_invoice")
    invoice = charged(product, world, 1000, 250)
    [(id_, sent, to)] = provider.sent
    assert id_ == invoice["id"]
    assert (sent.currency, sent.total_cents, sent.auto_advance) == ("USD", 1250, True)
    assert [(line.text, line.quantity, line.amount_cents) for line in sent.lines] == [
        ("Setup", 1, 1000),
        ("Setup", 1, 250),
    ]
    assert sent.days_until_due == 30
    assert (to.provider, to.configuration["stripe_customer_id"]) == ("stripe", "cus_1")
    assert read(product, world, id_) == {
        "billing_provider_type": "stripe",
        "invoice_id": "in_1",
        "issued_at_timestamp": "2025-01-15T12:00:00+00:00",
        "external_status": "FINALIZED",
    }


def test_usage_invoices_are_sent_when_the_clock_comes_to_them(
    product: Product, world: World, provider: Provider
) -> None:
    account(product, world)
    body = {
        "customer_id": world.customer_id,
        "rate_card_id": world.rate_card_id,
        "starting_at": "2025-01-01T00:00:00Z",
        "billing_provider_configuration": BY_STRIPE,
    }
    contract_id = product.post("/v1/contracts/create", body).data["id"]
    product.post("/mock/clock", {"now": "2025-03-15T00:00:00Z"})
    path = f"/v1/customers/{world.customer_id}/invoices"
    finals = product.get(path, contract_id=contract_id, status="FINALIZED").data
    assert [one["external_invoice"]["issued_at_timestamp"][:10] for one in finals] == [
        "2025-02-02",
        "2025-03-02",
    ]
    # 3 calls × 2 cents + 30 tokens × 0.5 cents; February is empty.
    assert [invoice.total_cents for _, invoice, _ in provider.sent] == [21, 0]


def test_nothing_is_sent_without_a_provider(
    product: Product, world: World, provider: Provider
) -> None:
    account(product, world)
    invoice = charged(product, world, 1000, billing_provider_configuration=None)
    assert (provider.sent, read(product, world, invoice["id"])) == ([], None)


def test_nothing_is_sent_of_customers_who_are_not_billable(
    product: Product, world: World, provider: Provider
) -> None:
    account(product, world)
    body = {
        "customer_id": world.customer_id,
        "billable_status": "unbillable",
        "effective_at": "2025-01-01T00:00:00Z",
    }
    assert product.post("/v1/customers/setBillableStatus", body).status == 200
    charged(product, world, 1000)
    assert provider.sent == []


def test_nothing_is_sent_to_an_archived_account(
    product: Product, world: World, provider: Provider
) -> None:
    account_id = account(product, world)
    setup = product.post(
        "/v1/contract-pricing/products/create", {"name": "Setup", "type": "FIXED"}
    ).data["id"]
    item = {"timestamp": "2025-02-01T00:00:00Z", "quantity": 1, "unit_price": 5}
    body = {
        "customer_id": world.customer_id,
        "starting_at": "2025-01-01T00:00:00Z",
        "billing_provider_configuration": BY_STRIPE,
        "scheduled_charges": [{"product_id": setup, "schedule": {"schedule_items": [item]}}],
    }
    assert product.post("/v1/contracts/create", body).status == 200
    archived = {
        "customer_id": world.customer_id,
        "customer_billing_provider_configuration_ids": [account_id],
    }
    path = "/v1/archiveCustomerBillingProviderConfigurations"
    assert product.post(path, archived).status == 200
    product.post("/mock/clock", {"now": "2025-02-15T00:00:00Z"})
    assert provider.sent == []


class TestLimits:
    @pytest.mark.parametrize("cents", [0, 49])
    def test_ex_65_small_totals_are_skipped_on_request(
        self, cents: int, product: Product, world: World, provider: Provider
    ) -> None:
        stripe(product, skip_zero_dollar_invoices=True)
        account(product, world)
        invoice = charged(product, world, cents)
        assert provider.sent == []
        assert read(product, world, invoice["id"]) == {
            "billing_provider_type": "stripe",
            "external_status": "SKIPPED",
        }

    @pytest.mark.parametrize(("cents", "skip"), [(49, False), (0, False), (50, True)])
    def test_ex_65_others_are_sent(
        self, cents: int, skip: bool, product: Product, world: World, provider: Provider
    ) -> None:
        stripe(product, skip_zero_dollar_invoices=skip)
        account(product, world)
        charged(product, world, cents)
        assert [invoice.total_cents for _, invoice, _ in provider.sent] == [cents]

    def test_ex_65_many_lines_become_one(
        self, product: Product, world: World, provider: Provider
    ) -> None:
        account(product, world)
        charged(product, world, *[1] * 260)
        [(_, sent, _)] = provider.sent
        assert [(line.quantity, line.amount_cents) for line in sent.lines] == [(1, 260)]

    def test_ex_65_too_large_an_amount_is_an_error(
        self, product: Product, world: World, provider: Provider, targets: Targets
    ) -> None:
        account(product, world)
        product.post("/webhooks/subscriptions", {"target": HOOK})
        invoice = charged(product, world, 100_000_000)
        assert provider.sent == []
        external = read(product, world, invoice["id"])
        assert external["external_status"] == "INVALID_REQUEST_ERROR"
        product.work_off_webhooks()
        [event] = [
            one for one in targets.events(HOOK) if one["type"] == "invoice.billing_provider_error"
        ]
        assert event["properties"] == {
            "invoice_id": invoice["id"],
            "customer_id": world.customer_id,
            "billing_provider": "STRIPE",
            "billing_provider_error": external["billing_provider_error"],
        }

    def test_cents_add_up(self, product: Product, world: World, provider: Provider) -> None:
        account(product, world)
        charged(product, world, 10.5, 10.5, 10.5)
        [(_, sent, _)] = provider.sent
        # 31.5 is 32; 11 + 11 + 11 would be 33, so the last line is one less.
        assert sent.total_cents == 32
        assert [line.amount_cents for line in sent.lines] == [11, 11, 10]

    def test_one_fraction_puts_all_quantities_into_words(
        self, product: Product, world: World, provider: Provider
    ) -> None:
        account(product, world)
        setup = product.post(
            "/v1/contract-pricing/products/create", {"name": "Hours", "type": "FIXED"}
        ).data["id"]
        items = [
            {"timestamp": "2025-01-10T00:00:00Z", "unit_price": 100, "quantity": quantity}
            for quantity in (2.5, 3)
        ]
        charges = [{"product_id": setup, "schedule": {"schedule_items": [item]}} for item in items]
        charged(product, world, scheduled_charges=charges)
        [(_, sent, _)] = provider.sent
        assert [(line.text, line.quantity, line.amount_cents) for line in sent.lines] == [
            ("Hours (quantity 2.5)", 1, 250),
            ("Hours (quantity 3)", 1, 300),
        ]

    def test_drafts_are_left_to_the_account(
        self, product: Product, world: World, provider: Provider
    ) -> None:
        stripe(product, leave_invoices_in_draft=True)
        account(product, world)
        charged(product, world, 1000)
        assert [invoice.auto_advance for _, invoice, _ in provider.sent] == [False]


class TestMishaps:
    def test_a_refusal_is_told(
        self, product: Product, world: World, provider: Provider, targets: Targets
    ) -> None:
        provider.mishaps = [ProviderRefused("No such customer: 'cus_1'")]
        account(product, world)
        product.post("/webhooks/subscriptions", {"target": HOOK})
        invoice = charged(product, world, 1000)
        assert read(product, world, invoice["id"]) == {
            "billing_provider_type": "stripe",
            "external_status": "INVALID_REQUEST_ERROR",
            "billing_provider_error": "No such customer: 'cus_1'",
        }
        product.work_off_webhooks()
        types = {event["type"] for event in targets.events(HOOK)}
        assert {"invoice.finalized", "invoice.billing_provider_error"} <= types

    @pytest.mark.parametrize("mishap", [ProviderAway("time-out"), RuntimeError("unforeseen")])
    def test_what_could_not_be_sent_is_sent_by_a_tick(
        self,
        mishap: Exception,
        product: Product,
        world: World,
        provider: Provider,
        clock: TestClock,
    ) -> None:
        provider.mishaps = [mishap, ProviderAway("still")]
        account(product, world)
        invoice = charged(product, world, 1000)
        assert read(product, world, invoice["id"])["external_status"] == "QUEUED"
        for sent in (0, 1, 1):
            clock.advance(minutes=5)
            product.tick()
            assert len(provider.sent) == sent
        assert read(product, world, invoice["id"])["external_status"] == "FINALIZED"

    def test_whoever_dies_sending_is_followed_by_a_tick(
        self, product: Product, world: World, provider: Provider, clock: TestClock
    ) -> None:
        provider.mishaps = [Crash()]
        account(product, world)
        with pytest.raises(Crash):
            charged(product, world, 1000)
        clock.advance(minutes=5)
        product.tick()
        # Under the id of the invoice, by which the provider knows a repeat.
        [(id_, _, _)] = provider.sent
        assert read(product, world, id_)["invoice_id"] == "in_1"


def test_voiding_leaves_it_there_and_the_new_one_is_sent(
    product: Product, world: World, provider: Provider
) -> None:
    account(product, world)
    invoice = charged(product, world, 1000)
    assert product.post("/v1/invoices/void", {"id": invoice["id"]}).status == 200
    assert read(product, world, invoice["id"])["external_status"] == "FINALIZED"
    fresh = product.post("/v1/invoices/regenerate", {"id": invoice["id"]}).data["id"]
    assert [id_ for id_, _, _ in provider.sent] == [invoice["id"], fresh]
    assert read(product, world, fresh)["invoice_id"] == "in_2"
