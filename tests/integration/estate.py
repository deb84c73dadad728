"""One of everything that a request can refer to."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from backbeat.domain.identity import derived_id
from tests.integration.product import Product, World, event

USD = "2714e483-4ff1-48e4-9e25-ac732e8f24f2"
CUSTOM_FIELDS = [
    ("alert", "team"),
    ("billable_metric", "team"),
    ("charge", "team"),
    ("commit", "team"),
    ("contract", "seller"),
    ("contract_credit", "team"),
    ("contract_product", "team"),
    ("customer", "tier"),
    ("discount", "team"),
    ("invoice", "team"),
    ("package_scheduled_charge", "team"),
    ("package_subscription", "team"),
    ("professional_service", "team"),
    ("rate_card", "team"),
    ("scheduled_charge", "team"),
    ("subscription", "team"),
]
"""Kinds of things and a key that is registered for each."""


@dataclass(frozen=True, slots=True)
class Estate:
    """What a token owns: the world, and a partner with a contract that has every kind of term.

    `ids` are by name. The partner's contract runs from November 2024; its invoice of November is
    void, that of December final. `scheduled_invoice_id` is the draft of a charge of 1 February.
    """

    token: str
    ids: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        return self.ids[name]

    @staticmethod
    def build(product: Product, token: str) -> "Estate":
        world = World.build(product, token)
        ids = {field.name: getattr(world, field.name) for field in fields(World)}
        del ids["token"]
        return Estate(token, {**ids, **_Builder(product, token, ids).build()})


class _Builder:
    def __init__(self, product: Product, token: str, world: Mapping[str, str]) -> None:
        self._product = product
        self._token = token
        self._world = world

    def build(self) -> dict[str, str]:
        for entity, key in CUSTOM_FIELDS:
            self._product.custom_field(entity, key, token=self._token)
        products = self._products()
        partner_id = self._post("/v1/customers", {"name": "Globex", "ingest_aliases": ["globex"]})[
            "id"
        ]
        self._post("/v1/ingest", [event("partner-1", customer_id="globex")])
        terms = self._terms(partner_id, products)
        return {
            **products,
            "partner_id": partner_id,
            "delivery_method_id": self._delivery_method(),
            "event_id": self._post("/webhooks/test", {})["id"],
            "grant_id": self._grant(),
            "unit_id": self._post("/mock/credit-types", {"name": "Tokens"})["id"],
            **terms,
            **self._balances(partner_id, terms["terms_contract_id"], products),
            **self._accounts(partner_id),
            **self._recharge(products),
            **self._debt(products),
            **self._package(products),
            **self._watches(partner_id),
        }

    def _grant(self) -> str:
        amount = {"amount": 100, "credit_type_id": USD}
        grant = {
            "customer_id": self._world["customer_id"],
            "name": "Promotion",
            "grant_amount": amount,
            "paid_amount": {**amount, "amount": 0},
            "expires_at": "2025-12-31T00:00:00Z",
            "priority": 1,
        }
        id_: str = self._post("/v1/credits/createGrant", grant)["id"]
        return id_

    def _delivery_method(self) -> str:
        self._product.post(
            "/v1/client/billing-config/stripe", {"stripe_api_key": "rk_test"}, token=self._token
        )
        path = "/v1/listConfiguredBillingProviders"
        [account] = self._product.post(path, {}, token=self._token).data
        id_: str = account["delivery_method_id"]
        return id_

    def _products(self) -> dict[str, str]:
        path = "/v1/contract-pricing/products/create"
        kinds = {"setup": "FIXED", "seat": "SUBSCRIPTION", "service": "PRO_SERVICE"}
        [tokens] = [
            one["id"]
            for one in self._post("/v1/contract-pricing/products/list", {})
            if one["initial"]["name"] == "Tokens"
        ]
        ids = {"tokens_product_id": tokens} | {
            f"{name}_product_id": self._post(path, {"name": name, "type": kind})["id"]
            for name, kind in kinds.items()
        }
        rate = {
            "rate_card_id": self._world["rate_card_id"],
            "product_id": ids["seat_product_id"],
            "starting_at": "2024-01-01T00:00:00Z",
            "entitled": True,
            "rate_type": "FLAT",
            "price": 1000,
            "billing_frequency": "MONTHLY",
        }
        self._post("/v1/contract-pricing/rate-cards/addRate", rate)
        alias = {"rate_card_id": self._world["rate_card_id"], "aliases": [{"name": "list"}]}
        self._post("/v1/contract-pricing/rate-cards/update", alias)
        return ids

    def _terms(self, partner_id: str, products: Mapping[str, str]) -> dict[str, str]:
        terms = {
            "customer_id": partner_id,
            "rate_card_id": self._world["rate_card_id"],
            "starting_at": "2024-11-01T00:00:00Z",
            "multiplier_override_prioritization": "EXPLICIT",
            "overrides": [
                {
                    "starting_at": "2024-11-01T00:00:00Z",
                    "type": "MULTIPLIER",
                    "multiplier": 0.5,
                    "priority": 1,
                }
            ],
            "scheduled_charges": [
                {
                    "product_id": products["setup_product_id"],
                    "schedule": {
                        "schedule_items": [{"timestamp": "2025-02-01T00:00:00Z", "amount": 500}]
                    },
                }
            ],
            "professional_services": [
                {
                    "product_id": products["service_product_id"],
                    "unit_price": 100,
                    "quantity": 10,
                    "max_amount": 1000,
                }
            ],
            "subscriptions": [{**seats(products["seat_product_id"]), "temporary_id": "seats"}],
            "recurring_credits": [
                {
                    "product_id": products["setup_product_id"],
                    "access_amount": {"unit_price": 100, "credit_type_id": USD},
                    "priority": 1,
                    "commit_duration": {"value": 1},
                    "starting_at": "2024-11-01T00:00:00Z",
                    "subscription_config": {
                        "subscription_id": "seats",
                        "allocation": "INDIVIDUAL",
                        "apply_seat_increase_config": {"is_prorated": True},
                    },
                }
            ],
        }
        contract_id = self._post("/v1/contracts/create", terms)["id"]
        names = {"customer_id": partner_id, "contract_id": contract_id}
        shown = self._post("/v2/contracts/get", names)
        [november, december, *_] = self._listed(partner_id, status="FINALIZED", type="USAGE")
        [charge] = self._listed(partner_id, status="DRAFT", type="SCHEDULED")
        self._post("/v1/invoices/void", {"id": november["id"]})
        return {
            "terms_contract_id": contract_id,
            "override_id": shown["overrides"][0]["id"],
            "charge_id": shown["scheduled_charges"][0]["id"],
            "service_id": shown["professional_services"][0]["id"],
            "subscription_id": shown["subscriptions"][0]["id"],
            "recurring_credit_id": shown["recurring_credits"][0]["id"],
            "void_invoice_id": november["id"],
            "final_invoice_id": december["id"],
            "scheduled_invoice_id": charge["id"],
            "line_id": self._line(self._world["invoice_id"]),
        }

    def _balances(
        self, partner_id: str, contract_id: str, products: Mapping[str, str]
    ) -> dict[str, str]:
        body = {
            "customer_id": partner_id,
            "type": "PREPAID",
            "priority": 1,
            "product_id": products["setup_product_id"],
            "access_schedule": {
                "schedule_items": [
                    {
                        "amount": 10000,
                        "starting_at": "2025-01-01T00:00:00Z",
                        "ending_before": "2026-01-01T00:00:00Z",
                    }
                ]
            },
        }
        balance_id = self._post("/v1/contracts/customerCommits/create", body)["id"]
        [shown] = self._post("/v1/contracts/customerBalances/list", {"customer_id": partner_id})
        segment_id = shown["access_schedule"]["schedule_items"][0]["id"]
        # What begins after all else, so that the other balances and invoices are what they were.
        access = {
            "amount": 10000,
            "starting_at": "2030-01-01T00:00:00Z",
            "ending_before": "2031-01-01T00:00:00Z",
        }
        later = {**body, "access_schedule": {"schedule_items": [access]}}
        del later["type"]
        due = {"timestamp": "2031-01-01T00:00:00Z", "amount": 10000}
        postpaid = {
            **later,
            "type": "POSTPAID",
            "invoice_contract_id": contract_id,
            "invoice_schedule": {"schedule_items": [due]},
        }
        return {
            "balance_id": balance_id,
            "segment_id": segment_id,
            "credit_id": self._post("/v1/contracts/customerCredits/create", later)["id"],
            "postpaid_id": self._post("/v1/contracts/customerCommits/create", postpaid)["id"],
        }

    def _recharge(self, products: Mapping[str, str]) -> dict[str, str]:
        """A customer whose balance is to be recharged, once somebody else has been paid."""
        payer_id = self._post("/v1/customers", {"name": "Initech"})["id"]
        contract = {
            "customer_id": payer_id,
            "starting_at": "2025-01-01T00:00:00Z",
            "prepaid_balance_threshold_configuration": threshold(products["setup_product_id"]),
        }
        contract_id = self._post("/v1/contracts/create", contract)["id"]
        self._product.work_off_jobs()
        return {"payer_id": payer_id, "workflow_id": derived_id("workflow", contract_id, 1)}

    def _debt(self, products: Mapping[str, str]) -> dict[str, str]:
        """A customer that is charged by payment intents, and has not confirmed the first yet."""
        debtor_id = self._post("/v1/customers", {"name": "Hooli"})["id"]
        account = {
            "customer_id": debtor_id,
            "billing_provider": "stripe",
            "delivery_method": "direct_to_billing_provider",
            "configuration": {
                "stripe_customer_id": "cus_2",
                "stripe_collection_method": "manually_charge_payment_intent",
            },
        }
        path = "/v1/setCustomerBillingProviderConfigurations"
        [made] = self._post(path, {"data": [account]})
        due = {"timestamp": "2025-01-10T00:00:00Z", "amount": 100}
        contract = {
            "customer_id": debtor_id,
            "starting_at": "2025-01-01T00:00:00Z",
            "billing_provider_configuration": {"billing_provider_configuration_id": made["id"]},
            "scheduled_charges": [
                {
                    "product_id": products["setup_product_id"],
                    "schedule": {"schedule_items": [due]},
                }
            ],
        }
        self._post("/v1/contracts/create", contract)
        [invoice] = self._listed(debtor_id, status="FINALIZED", type="SCHEDULED")
        self._post("/mock/payments", {"customer_id": debtor_id, "outcomes": ["pending"]})
        about = {"customer_id": debtor_id, "invoice_id": invoice["id"]}
        self._post("/v1/payments/attempt", about)
        return {"debtor_id": debtor_id, "owed_invoice_id": invoice["id"]}

    def _accounts(self, partner_id: str) -> dict[str, str]:
        billing = {
            "customer_id": partner_id,
            "billing_provider": "stripe",
            "delivery_method": "direct_to_billing_provider",
            "configuration": {"stripe_customer_id": "cus_1"},
        }
        revenue = {
            "customer_id": partner_id,
            "provider": "netsuite",
            "delivery_method": "direct_to_billing_provider",
            "configuration": {"netsuite_customer_id": "7"},
        }
        [stripe] = self._post("/v1/setCustomerBillingProviderConfigurations", {"data": [billing]})
        [netsuite] = self._post("/v1/setCustomerRevenueSystemConfigurations", {"data": [revenue]})
        return {"account_id": stripe["id"], "revenue_account_id": netsuite["id"]}

    def _package(self, products: Mapping[str, str]) -> dict[str, str]:
        body = {"name": "Starter", "rate_card_id": self._world["rate_card_id"]}
        package_id = self._post("/v1/packages/create", body)["id"]
        contract = {
            "customer_id": self._world["customer_id"],
            "package_id": package_id,
            # Later than everything else, so that the world's invoices are what they were.
            "starting_at": "2030-01-01T00:00:00Z",
        }
        self._post("/v1/contracts/create", contract)
        return {"package_id": package_id}

    def _watches(self, partner_id: str) -> dict[str, str]:
        body = {
            "alert_type": "spend_threshold_reached",
            "name": "Spend",
            "threshold": 1000000,
            "customer_id": partner_id,
        }
        soon = {"name": "Ends soon", "policy": {"type": "contract.end", "offset": "-P7D"}}
        return {
            "alert_id": self._post("/v1/alerts/create", body)["id"],
            "config_id": self._post("/v2/notifications/create", soon)["id"],
        }

    def _post(self, path: str, body: object) -> Any:
        reply = self._product.post(path, body, token=self._token)
        assert reply.status == 200, (path, reply)
        return None if reply.body is None else reply.body.get("data")

    def _line(self, invoice_id: str) -> str:
        shown = self._product.get(f"/mock/explain/{invoice_id}", token=self._token).data
        line_id: str = shown["line_items"][0]["id"]
        return line_id

    def _listed(self, customer_id: str, **query: str) -> Any:
        path = f"/v1/customers/{customer_id}/invoices"
        return self._product.get(path, token=self._token, **query).data


def threshold(product_id: str) -> dict[str, Any]:
    """Returns a threshold of prepaid balance whose recharges are collected elsewhere."""
    return {
        "is_enabled": True,
        "threshold_amount": 500,
        "recharge_to_amount": 2500,
        "commit": {"product_id": product_id},
        "payment_gate_config": {"payment_gate_type": "EXTERNAL"},
    }


def seats(product_id: str) -> dict[str, Any]:
    """Returns a subscription by seats, of one seat that somebody has."""
    return {
        "subscription_rate": {"product_id": product_id, "billing_frequency": "MONTHLY"},
        "collection_schedule": "ADVANCE",
        "proration": {"is_prorated": True},
        "quantity_management_mode": "SEAT_BASED",
        "seat_config": {"seat_group_key": "user", "initial_seat_ids": ["ann"]},
    }
