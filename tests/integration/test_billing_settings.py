"""The account's billing providers: ways to deliver, keys and options."""

from dataclasses import replace
from typing import Any

import pytest

from backbeat import bootstrap
from backbeat.application.services import Services
from tests.integration.product import Product, World
from tests.integration.test_sandbox import KeptSecrets

STRIPE = "/v1/client/billing-config/stripe"
SET_UP = "/v1/setUpBillingProvider"
DEFAULTS = {
    "leave_invoices_in_draft": False,
    "skip_zero_dollar_invoices": False,
    "export_invoice_sub_line_items": False,
    "include_zero_quantity_sub_line_items": True,
    "stripe_invoice_quantity_always_string": False,
    "set_effective_at_date_to_inclusive_period_end": False,
}


@pytest.fixture
def kept(services: Services) -> Any:
    secrets = KeptSecrets()
    with bootstrap.using(replace(services, secrets=secrets)):
        yield secrets.values


def listed(product: Product, token: str = "demo") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = product.post(
        "/v1/listConfiguredBillingProviders", {}, token=token
    ).data
    return found


def aws(**configuration: str) -> dict[str, object]:
    return {
        "billing_provider": "aws_marketplace",
        "delivery_method": "direct_to_billing_provider",
        "configuration": {"aws_external_id": "a", "aws_iam_role_arn": "arn", **configuration},
    }


def customer_at(product: Product, world: World, **account: object) -> Any:
    body = {
        "customer_id": world.customer_id,
        "billing_provider": "aws_marketplace",
        "configuration": {
            "aws_customer_id": "x",
            "aws_product_code": "y",
            "aws_region": "us-east-1",
        },
        **account,
    }
    return product.post("/v1/setCustomerBillingProviderConfigurations", {"data": [body]})


class TestMarketplaces:
    def test_one_is_set_up_once(self, product: Product) -> None:
        id_ = product.post(SET_UP, aws()).data["delivery_method_id"]
        again = product.post(SET_UP, aws())
        assert (again.status, again.body["conflicting_id"]) == (409, id_)
        assert listed(product) == [
            {
                "billing_provider": "aws_marketplace",
                "delivery_method_id": id_,
                "delivery_method": "direct_to_billing_provider",
                "delivery_method_configuration": {
                    "aws_external_id": "a",
                    "aws_iam_role_arn": "arn",
                },
            }
        ]
        assert listed(product, token="other") == []

    def test_its_secrets_are_not_shown(self, product: Product, kept: dict[str, str]) -> None:
        azure = {
            "billing_provider": "azure_marketplace",
            "delivery_method": "direct_to_billing_provider",
            "configuration": {"azure_client_id": "c", "raw_azure_client_secret": "hush"},
        }
        assert product.post(SET_UP, azure).status == 200
        [account] = listed(product)
        assert account["delivery_method_configuration"] == {"azure_client_id": "c"}
        [secret] = kept.values()
        assert "hush" in secret
        product.post("/mock/reset")
        assert kept == {}

    def test_customers_name_it_by_method_or_id(self, product: Product, world: World) -> None:
        id_ = product.post(SET_UP, aws()).data["delivery_method_id"]
        method = {"delivery_method": "direct_to_billing_provider"}
        for named in (method, {"delivery_method_id": id_}):
            [made] = customer_at(product, world, **named).data
            assert made["delivery_method_id"] == id_

    def test_of_two_one_must_be_named_by_its_id(self, product: Product, world: World) -> None:
        first, second = (
            product.post(SET_UP, aws(aws_external_id=name)).data["delivery_method_id"]
            for name in ("a", "b")
        )
        assert first != second
        refused = customer_at(product, world, delivery_method="direct_to_billing_provider")
        assert (refused.status, "delivery_method_id" in refused.body["message"]) == (400, True)
        [made] = customer_at(product, world, delivery_method_id=second).data
        assert made["delivery_method_id"] == second

    def test_the_id_of_another_provider_or_method(self, product: Product, world: World) -> None:
        product.post(STRIPE, {"stripe_api_key": "rk"})
        [stripe] = listed(product)
        refused = customer_at(product, world, delivery_method_id=stripe["delivery_method_id"])
        assert (refused.status, "delivery_method_id" in refused.body["message"]) == (400, True)
        id_ = product.post(SET_UP, aws()).data["delivery_method_id"]
        refused = customer_at(product, world, delivery_method_id=id_, delivery_method="aws_sqs")
        assert (refused.status, "delivery_method" in refused.body["message"]) == (400, True)

    def test_without_being_set_up_it_is_there_from_its_first_use(
        self, product: Product, world: World
    ) -> None:
        assert listed(product) == []
        [made] = customer_at(product, world, delivery_method="aws_sqs").data
        [account] = listed(product)
        assert account["delivery_method_id"] == made["delivery_method_id"]
        assert account["delivery_method_configuration"] == {}


class TestStripe:
    def test_the_key_is_secret_and_options_are_shown(
        self, product: Product, kept: dict[str, str]
    ) -> None:
        body = {"stripe_api_key": "rk_1", "anrok_api_key": "an", "skip_zero_dollar_invoices": True}
        assert product.post(STRIPE, body).status == 200
        [account] = listed(product)
        configuration = account["delivery_method_configuration"]
        assert configuration.pop("stripe_account_id").startswith("acct_")
        assert configuration == {**DEFAULTS, "skip_zero_dollar_invoices": True}
        [secret] = kept.values()
        assert "rk_1" in secret
        assert "an" in secret

    def test_some_are_changed_or_taken_away(self, product: Product, kept: dict[str, str]) -> None:
        product.post(
            STRIPE,
            {"stripe_api_key": "rk_1", "anrok_api_key": "an", "leave_invoices_in_draft": True},
        )
        changes = {
            "anrok_api_key": None,
            "leave_invoices_in_draft": None,
            "skip_zero_dollar_invoices": True,
        }
        assert product.request("PATCH", STRIPE, changes).status == 200
        assert list(kept.values()) == ['{"stripe_api_key":"rk_1"}']
        [account] = listed(product)
        configuration = account["delivery_method_configuration"]
        assert configuration.items() >= {**DEFAULTS, "skip_zero_dollar_invoices": True}.items()

    def test_nothing_to_change(self, product: Product, world: World) -> None:
        assert product.request("PATCH", STRIPE, {"anrok_api_key": "an"}).status == 404
        customer_at(
            product,
            world,
            billing_provider="stripe",
            delivery_method="direct_to_billing_provider",
            configuration={"stripe_customer_id": "cus_1"},
        )
        assert product.request("PATCH", STRIPE, {"anrok_api_key": "an"}).status == 404

    def test_the_older_way_sets_the_key_alone(self, product: Product, kept: dict[str, str]) -> None:
        product.post(STRIPE, {"stripe_api_key": "rk_1", "leave_invoices_in_draft": True})
        assert product.post(f"{STRIPE}/apiKey", {"api_key": "rk_2"}).status == 200
        assert list(kept.values()) == ['{"stripe_api_key":"rk_2"}']
        [account] = listed(product)
        assert account["delivery_method_configuration"]["leave_invoices_in_draft"] is True

    def test_all_are_deleted(self, product: Product, kept: dict[str, str]) -> None:
        product.post(STRIPE, {"stripe_api_key": "rk_1"})
        for _ in range(2):
            assert product.request("DELETE", STRIPE).status == 200
            assert (listed(product), kept) == ([], {})


class TestTax:
    def test_credentials_are_kept_for_each_account(
        self, product: Product, kept: dict[str, str]
    ) -> None:
        product.post(STRIPE, {"stripe_api_key": "rk_1"})
        product.post(SET_UP, aws())
        ids = [account["delivery_method_id"] for account in listed(product)]
        anrok = {"delivery_method_ids": ids, "anrok_api_token": "token"}
        assert product.post("/v1/upsertAnrokApiToken", anrok).data == {"success": True}
        avalara = {
            "delivery_method_ids": ids[:1],
            "avalara_environment": "production",
            "avalara_username": "ann",
            "avalara_password": "pass",
            "commit_transactions": True,
        }
        assert product.post("/v1/upsertAvalaraCredentials", avalara).body == {}
        assert sorted("token" in secret for secret in kept.values()) == [True, True]
        assert sorted("pass" in secret for secret in kept.values()) == [False, True]

    def test_an_unknown_account_changes_nothing(
        self, product: Product, kept: dict[str, str]
    ) -> None:
        product.post(STRIPE, {"stripe_api_key": "rk_1"})
        [account] = listed(product)
        unknown = "00000000-0000-4000-8000-000000000000"
        body = {
            "delivery_method_ids": [account["delivery_method_id"], unknown],
            "anrok_api_token": "token",
        }
        reply = product.post("/v1/upsertAnrokApiToken", body)
        assert (reply.status, unknown in reply.body["message"]) == (404, True)
        assert list(kept.values()) == ['{"stripe_api_key":"rk_1"}']
