"""One valid request for everything that is built: the root of the tests that hold for all of it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from backbeat.api.operations import BY_ID, OPERATIONS
from tests.integration.estate import USD, Estate
from tests.integration.product import Product, Reply, event


@dataclass(frozen=True, slots=True)
class Example:
    """A request of an estate's owner.

    `<customer_id>` and the like, in the path or in the body, stand for the ids of the estate.
    `unknown_id_status` is what an id answers that the caller does not own, `status` what the
    request as it is answers.
    """

    name: str
    method: str
    path: str
    body: Any = None
    query: Mapping[str, str] = field(default_factory=dict)
    unknown_id_status: int = 404
    status: int = 200

    def references(self) -> set[str]:
        """Returns the names of the ids it stands on."""
        return set(re.findall(r"<(\w+)>", f"{self.path} {self.body}"))

    def send(self, product: Product, estate: Estate, **ids: str) -> Reply:
        """Sends it with the estate's token and ids, but for those given."""
        method, path, body = self.filled(estate, **ids)
        return product.request(method, path, body, token=estate.token, query=dict(self.query))

    def filled(self, estate: Estate, **ids: str) -> tuple[str, str, Any]:
        """Returns method, path and body with ids in the place of their names."""
        known = {**estate.ids, **ids}
        return self.method, fill(self.path, known), fill(self.body, known)


def fill(value: Any, ids: Mapping[str, str]) -> Any:
    """Returns a value with ids in the place of their names."""
    if isinstance(value, str):
        return re.sub(r"<(\w+)>", lambda found: ids[found[1]], value)
    if isinstance(value, dict):
        return {name: fill(part, ids) for name, part in value.items()}
    if isinstance(value, list):
        return [fill(part, ids) for part in value]
    return value


NOBODY: Final = "00000000-0000-4000-8000-000000000000"
_RATE: Final = {
    "product_id": "<product_id>",
    "starting_at": "2025-02-01T00:00:00Z",
    "ending_before": "2025-03-01T00:00:00Z",
    "entitled": True,
    "rate_type": "FLAT",
    "price": 3,
}
_TIERED_RATE: Final = {
    "product_id": "<tokens_product_id>",
    "starting_at": "2025-02-01T00:00:00Z",
    "entitled": True,
    "rate_type": "TIERED",
    "tiers": [{"size": 10, "price": 2}, {"price": 1}],
    "credit_type_id": USD,
    "pricing_group_values": {"model": "large"},
    "commit_rate": {"rate_type": "FLAT", "price": 1},
}
_TERMS: Final = {"customer_id": "<partner_id>", "contract_id": "<terms_contract_id>"}
_OWED: Final = {"customer_id": "<debtor_id>", "invoice_id": "<owed_invoice_id>"}
_SCHEDULE: Final = {
    "schedule_name": "region",
    "starting_at": "2025-02-01T00:00:00Z",
    "ending_before": "2025-03-01T00:00:00Z",
    "value": {"name": "eu"},
}
_READ_SCHEDULE: Final = {"schedule_name": "region", "covering_date": "2025-02-01T00:00:00Z"}
_BILLING_ACCOUNT: Final = {
    "billing_provider": "stripe",
    "delivery_method": "direct_to_billing_provider",
    "configuration": {
        "stripe_customer_id": "cus_2",
        "stripe_collection_method": "auto_charge_payment_intent",
    },
    "tax_provider": "stripe",
}
_REVENUE_ACCOUNT: Final = {
    "provider": "netsuite",
    "delivery_method": "direct_to_billing_provider",
    "configuration": {"netsuite_customer_id": "8"},
}
_OVERRIDES: Final = [
    {
        "starting_at": "2025-02-01T00:00:00Z",
        "ending_before": "2025-03-01T00:00:00Z",
        "type": "OVERWRITE",
        "overwrite_rate": {"rate_type": "FLAT", "price": 1, "credit_type_id": USD},
        "product_id": "<product_id>",
    },
    {
        "starting_at": "2025-02-01T00:00:00Z",
        "type": "TIERED",
        "tiers": [{"size": 10, "multiplier": 0.9}, {"multiplier": 0.8}],
        "priority": 1,
        "entitled": True,
        "override_specifiers": [
            {"product_tags": ["ai"], "exclude": [{"product_tags": ["free"]}]},
            {"product_id": "<tokens_product_id>", "pricing_group_values": {"model": "small"}},
        ],
    },
]
_ITEM: Final = {"timestamp": "2025-03-01T00:00:00Z", "unit_price": 5, "quantity": 2}
_CHARGE: Final = {
    "product_id": "<setup_product_id>",
    "name": "Setup",
    "schedule": {"credit_type_id": USD, "schedule_items": [_ITEM]},
    "custom_fields": {"team": "sales"},
}
_DISCOUNT: Final = {
    "product_id": "<setup_product_id>",
    "schedule": {
        "recurring_schedule": {
            "starting_at": "2025-02-01T00:00:00Z",
            "ending_before": "2025-05-01T00:00:00Z",
            "frequency": "MONTHLY",
            "amount_distribution": "EACH",
            "amount": -10,
        }
    },
}
_SERVICE: Final = {
    "product_id": "<service_product_id>",
    "unit_price": 100,
    "quantity": 3,
    "max_amount": 400,
    "description": "Migration",
}
_ROYALTY: Final = {
    "reseller_type": "AWS",
    "fraction": 0.1,
    "netsuite_reseller_id": "9",
    "starting_at": "2025-02-01T00:00:00Z",
    "applicable_product_ids": ["<product_id>"],
    "aws_options": {"aws_account_number": "1"},
}
_SUBSCRIPTION: Final = {
    "subscription_rate": {"product_id": "<seat_product_id>", "billing_frequency": "MONTHLY"},
    "collection_schedule": "ADVANCE",
    "proration": {
        "is_prorated": True,
        "invoice_behavior": "BILL_IMMEDIATELY",
        "rounding": {"rounding_method": "HALF_UP", "decimal_places": 2},
    },
    "name": "Seats",
    "initial_quantity": 2,
    "starting_at": "2025-02-01T00:00:00Z",
    "ending_before": "2025-08-01T00:00:00Z",
    "billing_cycle_config": {"anchor_date": "2025-01-10T00:00:00Z"},
}
_RECURRING: Final = {
    "product_id": "<setup_product_id>",
    "name": "Monthly",
    "description": "So much each month",
    "access_amount": {"unit_price": 100, "quantity": 2, "credit_type_id": USD},
    "priority": 5,
    "commit_duration": {"value": 2, "unit": "PERIODS"},
    "recurrence_frequency": "MONTHLY",
    "proration": "FIRST",
    "rate_type": "LIST_RATE",
    "rollover_fraction": 0.5,
    "applicable_product_ids": ["<product_id>"],
    "hierarchy_configuration": {"child_access": {"type": "ALL"}},
}
_RECURRING_DATED: Final = {
    **_RECURRING,
    "starting_at": "2025-02-01T00:00:00Z",
    "ending_before": "2025-06-01T00:00:00Z",
}
_SPEND: Final = {
    "is_enabled": True,
    "threshold_amount": 1000000,
    "commit": {"product_id": "<setup_product_id>", "name": "Spend", "priority": 7},
    "payment_gate_config": {
        "payment_gate_type": "STRIPE",
        "tax_type": "PRECALCULATED",
        "stripe_config": {"payment_type": "PAYMENT_INTENT"},
        "precalculated_tax_config": {"tax_amount": 7, "tax_name": "VAT"},
    },
    "discount_configuration": {"payment_fraction": 0.9},
}
_PREPAID: Final = {
    **_SPEND,
    "threshold_amount": 500,
    "recharge_to_amount": 2500,
    "commit": {
        "product_id": "<setup_product_id>",
        "applicable_product_ids": ["<product_id>"],
        "rate_type": "LIST_RATE",
        "rollover_fraction": 0.5,
    },
}
_PRICE: Final = {"unit_price": 90, "quantity": 1, "credit_type_id": USD}
_ACCESS: Final = {
    "credit_type_id": USD,
    "schedule_items": [
        {
            "amount": 1000,
            "starting_at": "2025-01-01T00:00:00Z",
            "ending_before": "2025-04-01T00:00:00Z",
        }
    ],
}
_BALANCE: Final = {
    "product_id": "<setup_product_id>",
    "name": "Starter",
    "description": "For the beginning",
    "priority": 5,
    "rate_type": "COMMIT_RATE",
    "access_schedule": _ACCESS,
    "rollover_fraction": 0.5,
}
_CUSTOMER_BALANCE: Final = {
    **_BALANCE,
    "customer_id": "<partner_id>",
    "applicable_contract_ids": ["<terms_contract_id>"],
    "specifiers": [
        {"product_id": "<product_id>", "exclude": [{"product_tags": ["free"]}]},
        {"product_tags": ["ai"], "pricing_group_values": {"model": "small"}},
    ],
}
_BALANCES_LISTED: Final = {
    "customer_id": "<partner_id>",
    "covering_date": "2025-02-01T00:00:00Z",
    "include_ledgers": True,
    "include_balance": True,
    "limit": 5,
}
_HISTORICAL: Final = {
    "customer_id": "<customer_id>",
    "contract_id": "<contract_id>",
    "credit_type_id": USD,
    "inclusive_start_date": "2025-01-01T00:00:00Z",
    "exclusive_end_date": "2025-01-10T00:00:00Z",
    "issue_date": "2025-01-11T00:00:00Z",
    "breakdown_granularity": "DAY",
    "usage_line_items": [
        {
            "product_id": "<product_id>",
            "inclusive_start_date": "2025-01-01T00:00:00Z",
            "exclusive_end_date": "2025-01-03T00:00:00Z",
            "subtotals_with_quantity": [
                {
                    "inclusive_start_date": "2025-01-02T00:00:00Z",
                    "exclusive_end_date": "2025-01-03T00:00:00Z",
                    "quantity": 7,
                }
            ],
        }
    ],
}
_OFFSET: Final = {"value": 1, "unit": "MONTHS"}
_SPAN: Final = {"starting_on": "2025-01-01T00:00:00Z", "ending_before": "2025-01-16T00:00:00Z"}

_OPERATIONS: Final[dict[str, dict[str, Any]]] = {
    "setCustomerBillableStatus-v1": {
        "body": {
            "customer_id": "<partner_id>",
            "billable_status": "unbillable",
            "effective_at": "2025-02-01T00:00:00Z",
        }
    },
    "archiveCustomer-v1": {"body": {"id": "<partner_id>"}},
    "getCustomer-v1": {},
    "listCustomers-v1": {"query": {"limit": "5"}},
    "createCustomer-v1": {
        "body": {
            "name": "Beta",
            "ingest_aliases": ["beta"],
            "custom_fields": {"tier": "gold"},
            "customer_billing_provider_configurations": [_BILLING_ACCOUNT],
            "customer_revenue_system_configurations": [_REVENUE_ACCOUNT],
        }
    },
    "setIngestAliases-v1": {"body": {"ingest_aliases": ["acme", "acme-2"]}},
    "setCustomerName-v1": {"body": {"name": "Acme Inc."}},
    "updateCustomerConfig-v1": {
        "body": {"salesforce_account_id": "001", "leave_stripe_invoices_in_draft": True}
    },
    "getCustomerBillingProviderConfigurations-v1": {
        "body": {"customer_id": "<partner_id>", "include_archived": True}
    },
    "getCustomerRevenueSystemConfigurations-v1": {
        "body": {"customer_id": "<partner_id>", "provider": "netsuite"}
    },
    "setCustomerBillingProviderConfigurations-v1": {
        "body": {"data": [{"customer_id": "<partner_id>", **_BILLING_ACCOUNT}]}
    },
    "archiveCustomerBillingProviderConfigurations-v1": {
        "body": {
            "customer_id": "<partner_id>",
            "customer_billing_provider_configuration_ids": ["<account_id>"],
        }
    },
    "setCustomerRevenueSystemConfigurations-v1": {
        "body": {"data": [{"customer_id": "<partner_id>", **_REVENUE_ACCOUNT}]}
    },
    "archiveCustomerRevenueSystemConfigurations-v1": {
        "body": {
            "customer_id": "<partner_id>",
            "customer_revenue_system_configuration_ids": ["<revenue_account_id>"],
        }
    },
    "getCustomerNamedSchedule-v1": {"body": {"customer_id": "<customer_id>", **_READ_SCHEDULE}},
    "updateCustomerNamedSchedule-v1": {"body": {"customer_id": "<customer_id>", **_SCHEDULE}},
    "createBillableMetricV1-v1": {
        "body": {
            "name": "Seconds",
            "aggregation_type": "SUM",
            "aggregation_key": "seconds",
            "event_type_filter": {"in_values": ["call"], "not_in_values": ["test"]},
            "property_filters": [
                {"name": "seconds", "exists": True},
                {"name": "region", "in_values": ["eu", "us"]},
            ],
            "group_keys": [["region"]],
            "custom_fields": {"team": "voice"},
        }
    },
    "archiveBillableMetric-v1": {"body": {"id": "<metric_id>"}},
    "listCreditTypes-v1": {"query": {"limit": "5"}},
    "getBillableMetric-v1": {"path": {"billable_metric_id": "metric_id"}},
    "updateBillableMetric-v1": {
        "path": {"billable_metric_id": "metric_id"},
        "body": {"name": "All calls"},
    },
    "listAllBillableMetrics-v1": {"query": {"limit": "5"}},
    "createBillableMetric-v1": {
        "body": {
            "name": "Seconds",
            "aggregate": "sum",
            "aggregate_key": "seconds",
            "filter": {
                "type": "object",
                "properties": {
                    "event_type": {"const": "call"},
                    "properties": {
                        "required": ["seconds"],
                        "properties": {"region": {"enum": ["eu", "us"]}},
                    },
                },
            },
            "group_keys": ["region"],
            "group_values": ["eu"],
        }
    },
    "listBillableMetrics-v1": {"query": {"limit": "5"}},
    "getProduct-v1": {"body": {"id": "<product_id>"}},
    "listProducts-v1": {"body": {"archive_filter": "NOT_ARCHIVED"}, "query": {"limit": "5"}},
    "createProduct-v1": {
        "body": {
            "name": "Model tokens",
            "type": "USAGE",
            "billable_metric_id": "<tokens_metric_id>",
            "pricing_group_key": ["model"],
            "quantity_conversion": {"conversion_factor": 1000, "operation": "DIVIDE"},
            "quantity_rounding": {"rounding_method": "ROUND_UP", "decimal_places": 0},
            "tags": ["ai"],
            "custom_fields": {"team": "ai"},
        },
    },
    "updateProduct-v1": {
        "body": {
            "product_id": "<product_id>",
            "starting_at": "2025-02-01T00:00:00Z",
            "name": "All calls",
            "billable_metric_id": "<tokens_metric_id>",
            "tags": ["voice"],
        }
    },
    "archiveProductListItem-v1": {"body": {"product_id": "<setup_product_id>"}},
    "getRateSchedule-v1": {
        "body": {
            "rate_card_id": "<rate_card_id>",
            "starting_at": "2025-01-01T00:00:00Z",
            "ending_before": "2025-02-01T00:00:00Z",
            "selectors": [{"pricing_group_values": {"model": "small"}}],
        },
        "query": {"limit": "5"},
    },
    "getRates-v1": {
        "body": {
            "rate_card_id": "<rate_card_id>",
            "at": "2025-01-15T00:00:00Z",
            "selectors": [
                {"pricing_group_values": {"model": "small"}},
                {"product_tags": ["ai"], "billing_frequency": "MONTHLY"},
            ],
        },
        "query": {"limit": "5"},
    },
    "getRateCard-v1": {"body": {"id": "<rate_card_id>"}},
    "listRateCards-v1": {"body": {}, "query": {"limit": "5"}},
    "createRateCard-v1": {
        "body": {
            "name": "Enterprise",
            "description": "By contract only",
            "fiat_credit_type_id": USD,
            "credit_type_conversions": [
                {"custom_credit_type_id": "<unit_id>", "fiat_per_custom_credit": 2}
            ],
            "aliases": [
                {
                    "name": "enterprise",
                    "starting_at": "2025-01-01T00:00:00Z",
                    "ending_before": "2026-01-01T00:00:00Z",
                }
            ],
            "custom_fields": {"team": "sales"},
        },
    },
    "updateRateCard-v1": {
        "body": {
            "rate_card_id": "<rate_card_id>",
            "name": "Public",
            "description": "For everybody",
            "aliases": [{"name": "public"}],
        }
    },
    "archiveRateCard-v1": {"body": {"id": "<rate_card_id>"}},
    "addRate-v1": {"body": {"rate_card_id": "<rate_card_id>", **_RATE}},
    "addRates-v1": {"body": {"rate_card_id": "<rate_card_id>", "rates": [_RATE, _TIERED_RATE]}},
    "setRateCardProductsOrder-v1": {
        "body": {"rate_card_id": "<rate_card_id>", "product_order": ["<product_id>"]}
    },
    "moveRateCardProducts-v1": {
        "body": {
            "rate_card_id": "<rate_card_id>",
            "product_moves": [{"product_id": "<product_id>", "position": 1}],
        }
    },
    "getRateCardNamedSchedule-v1": {"body": {"rate_card_id": "<rate_card_id>", **_READ_SCHEDULE}},
    "updateRateCardNamedSchedule-v1": {"body": {"rate_card_id": "<rate_card_id>", **_SCHEDULE}},
    "getContract-v1": {
        "body": {
            "customer_id": "<customer_id>",
            "contract_id": "<contract_id>",
            "include_balance": True,
            "include_ledgers": True,
        },
    },
    "listContracts-v1": {
        "body": {"customer_id": "<customer_id>", "covering_date": "2025-01-15T00:00:00Z"}
    },
    "createContract-v1": {
        "body": {
            "customer_id": "<customer_id>",
            "rate_card_id": "<rate_card_id>",
            "starting_at": "2025-01-01T00:00:00Z",
            "ending_before": "2026-01-01T00:00:00Z",
            "name": "Second",
            "usage_statement_schedule": {"frequency": "MONTHLY", "day": "CONTRACT_START"},
            "net_payment_terms_days": 30,
            "multiplier_override_prioritization": "EXPLICIT",
            "overrides": _OVERRIDES,
            "scheduled_charges": [_CHARGE],
            "discounts": [_DISCOUNT],
            "professional_services": [_SERVICE],
            "reseller_royalties": [_ROYALTY],
            "subscriptions": [_SUBSCRIPTION],
            "commits": [{**_BALANCE, "type": "PREPAID"}],
            "credits": [_BALANCE],
            "recurring_commits": [{**_RECURRING_DATED, "invoice_amount": _PRICE}],
            "recurring_credits": [_RECURRING_DATED],
            "prepaid_balance_threshold_configuration": _PREPAID,
            "spend_threshold_configuration": _SPEND,
            "usage_filter": {"group_key": "model", "group_values": ["small"]},
            "total_contract_value": 1000,
            "custom_fields": {"seller": "ann"},
        }
    },
    "amendContract-v1": {
        "body": {
            **_TERMS,
            "starting_at": "2025-02-01T00:00:00Z",
            "overrides": _OVERRIDES,
            "commits": [{**_BALANCE, "type": "PREPAID"}],
            "credits": [_BALANCE],
            "scheduled_charges": [_CHARGE],
            "discounts": [_DISCOUNT],
            "total_contract_value": 1000,
        }
    },
    "archiveContract-v1": {"body": {**_TERMS, "void_invoices": True}},
    "setUsageFilter-v1": {
        "body": {
            **_TERMS,
            "group_key": "model",
            "group_values": ["small"],
            "starting_at": "2025-02-01T00:00:00Z",
        }
    },
    "updateInvoiceIssueDate-v1": {
        "body": {"invoice_id": "<scheduled_invoice_id>", "issue_date": "2025-02-03T00:00:00Z"}
    },
    "updateContractEndDate-v1": {
        "body": {
            **_TERMS,
            "ending_before": "2025-06-01T00:00:00Z",
            "allow_ending_before_finalized_invoice": False,
        }
    },
    "getContractRateSchedule-v1": {
        "body": {
            "customer_id": "<partner_id>",
            "contract_id": "<terms_contract_id>",
            "at": "2025-01-15T00:00:00Z",
            "selectors": [{"partial_pricing_group_values": {"model": "small"}}],
        },
        "query": {"limit": "5"},
    },
    "getSubscriptionQuantityHistory-v1": {
        "body": {**_TERMS, "subscription_id": "<subscription_id>"}
    },
    "getSubscriptionSeatsHistory-v1": {
        "body": {
            **_TERMS,
            "subscription_id": "<subscription_id>",
            "covering_date": "2025-01-15T00:00:00Z",
            "limit": 5,
        }
    },
    "scheduleProServicesInvoice-v1": {
        "body": {
            **_TERMS,
            "issued_at": "2025-02-01T00:00:00Z",
            "line_items": [
                {"professional_service_id": "<service_id>", "quantity": 2, "unit_price": 90},
                {"professional_service_id": "<service_id>", "amount": 5, "metadata": "travel"},
            ],
        }
    },
    "createHistoricalContractUsageInvoices-v1": {
        "body": {"preview": False, "invoices": [_HISTORICAL]}
    },
    "createCustomerWithContract-v1": {
        "body": {
            "customer": {"name": "Gamma", "ingest_aliases": ["gamma"]},
            "contract": {
                "rate_card_id": "<rate_card_id>",
                "starting_at": "2025-01-01T00:00:00Z",
                "multiplier_override_prioritization": "EXPLICIT",
                "overrides": _OVERRIDES,
            },
        },
    },
    "getContractNamedSchedule-v1": {
        "body": {**_TERMS, **_READ_SCHEDULE, "properties": {"zone": "a"}}
    },
    "listContractsNamedSchedules-v1": {
        "body": {**_TERMS, "schedule_name": "region", "properties": {"zone": "a"}, "limit": 5}
    },
    "updateContractNamedSchedule-v1": {
        "body": {**_TERMS, **_SCHEDULE, "properties": {"zone": "a"}}
    },
    "createPackage-v1": {
        "body": {
            "name": "Team",
            "contract_name": "Team plan",
            "aliases": [{"name": "team", "starting_at": "2025-01-01T00:00:00Z"}],
            "rate_card_id": "<rate_card_id>",
            "duration": {"value": 1, "unit": "YEARS"},
            "overrides": [
                {
                    "type": "MULTIPLIER",
                    "multiplier": 0.5,
                    "override_specifiers": [{"product_id": "<product_id>"}],
                    "starting_at_offset": _OFFSET,
                    "duration": _OFFSET,
                }
            ],
            "scheduled_charges": [
                {
                    "product_id": "<setup_product_id>",
                    "schedule": {
                        "credit_type_id": USD,
                        "schedule_items": [
                            {"unit_price": 5, "quantity": 1, "date_offset": _OFFSET}
                        ],
                    },
                    "custom_fields": {"team": "sales"},
                }
            ],
            "subscriptions": [
                {
                    "subscription_rate": {
                        "product_id": "<seat_product_id>",
                        "billing_frequency": "MONTHLY",
                    },
                    "collection_schedule": "ARREARS",
                    "proration": {"is_prorated": False},
                    "initial_quantity": 2,
                    "starting_at_offset": _OFFSET,
                    "duration": _OFFSET,
                }
            ],
            "recurring_commits": [
                {**_RECURRING, "invoice_amount": _PRICE, "starting_at_offset": _OFFSET}
            ],
            "recurring_credits": [
                {**_RECURRING, "starting_at_offset": _OFFSET, "duration": _OFFSET}
            ],
            "usage_statement_schedule": {"frequency": "MONTHLY", "day": "CONTRACT_START"},
            "net_payment_terms_days": 14,
        },
    },
    "getPackage-v1": {"body": {"package_id": "<package_id>"}},
    "listPackages-v1": {"body": {"archive_filter": "ALL"}, "query": {"limit": "5"}},
    "archivePackage-v1": {"body": {"package_id": "<package_id>"}},
    "listContractsOnPackage-v1": {
        "body": {
            "package_id": "<package_id>",
            "starting_at": "2025-01-01T00:00:00Z",
            "include_archived": True,
        },
        "query": {"limit": "5"},
    },
    "getContract-v2": {
        "body": {
            "customer_id": "<customer_id>",
            "contract_id": "<contract_id>",
            "as_of_date": "2025-01-15T12:00:00Z",
            "include_balance": True,
        },
    },
    "getContractEditHistory-v2": {"body": _TERMS},
    "listContracts-v2": {
        "body": {"customer_id": "<customer_id>", "starting_at": "2024-12-01T00:00:00Z"}
    },
    "editContract-v2": {
        "body": {
            **_TERMS,
            "uniqueness_key": "edit-1",
            "add_overrides": _OVERRIDES,
            "remove_overrides": [{"id": "<override_id>"}],
            "add_scheduled_charges": [_CHARGE],
            "update_scheduled_charges": [
                {
                    "scheduled_charge_id": "<charge_id>",
                    "netsuite_sales_order_id": "SO2",
                    "invoice_schedule": {"add_schedule_items": [_ITEM]},
                }
            ],
            "add_commits": [{**_BALANCE, "type": "PREPAID"}],
            "add_credits": [_BALANCE],
            "add_discounts": [_DISCOUNT],
            "add_professional_services": [_SERVICE],
            "add_reseller_royalties": [_ROYALTY],
            "add_subscriptions": [_SUBSCRIPTION],
            "update_subscriptions": [
                {
                    "subscription_id": "<subscription_id>",
                    "seat_updates": {
                        "add_seat_ids": [
                            {"seat_ids": ["bob"], "starting_at": "2025-02-01T00:00:00Z"}
                        ],
                        "add_unassigned_seats": [
                            {"quantity": 1, "starting_at": "2025-02-01T00:00:00Z"}
                        ],
                    },
                }
            ],
            "add_recurring_commits": [{**_RECURRING_DATED, "invoice_amount": _PRICE}],
            "add_recurring_credits": [_RECURRING_DATED],
            "add_prepaid_balance_threshold_configuration": _PREPAID,
            "add_spend_threshold_configuration": _SPEND,
            "update_recurring_credits": [
                {
                    "recurring_credit_id": "<recurring_credit_id>",
                    "access_amount": {"unit_price": 50},
                    "ending_before": "2025-07-01T00:00:00Z",
                    "rate_type": "COMMIT_RATE",
                }
            ],
            "add_billing_provider_configuration_update": {
                "billing_provider_configuration": {
                    "billing_provider_configuration_id": "<account_id>"
                },
                "schedule": {"effective_at": "START_OF_CURRENT_PERIOD"},
            },
            "add_revenue_system_configuration_update": {
                "revenue_system_configuration": {
                    "revenue_system_configuration_id": "<revenue_account_id>"
                },
                "schedule": {"effective_at": "START_OF_CURRENT_PERIOD"},
            },
            "update_contract_name": "Renamed",
            "update_contract_end_date": "2026-01-01T00:00:00Z",
            "update_net_payment_terms_days": 10,
        }
    },
    "addManualBalanceLedgerEntry-v1": {
        "body": {
            "customer_id": "<partner_id>",
            "id": "<balance_id>",
            "segment_id": "<segment_id>",
            "amount": -100,
            "timestamp": "2025-01-10T00:00:00Z",
            "reason": "Correction",
        }
    },
    "editCommit-v2": {
        "body": {
            "customer_id": "<partner_id>",
            "commit_id": "<balance_id>",
            "name": "Extended",
            "description": "For longer",
            "product_id": "<setup_product_id>",
            "priority": 7,
            "rate_type": "LIST_RATE",
            "applicable_product_ids": ["<product_id>"],
            "access_schedule": {
                "add_schedule_items": _ACCESS["schedule_items"],
                "update_schedule_items": [{"id": "<segment_id>", "amount": 20000}],
            },
            "invoice_contract_id": "<terms_contract_id>",
            "invoice_schedule": {
                "add_schedule_items": [{"timestamp": "2025-03-01T00:00:00Z", "amount": 5}]
            },
        }
    },
    "editCredit-v2": {
        "body": {
            "customer_id": "<partner_id>",
            "credit_id": "<credit_id>",
            "priority": 7,
            "specifiers": [{"product_id": "<product_id>"}],
            "access_schedule": {"add_schedule_items": _ACCESS["schedule_items"]},
        }
    },
    "archiveCommit-v2": {"body": {"customer_id": "<partner_id>", "commit_id": "<balance_id>"}},
    "archiveCredit-v2": {"body": {"customer_id": "<partner_id>", "credit_id": "<credit_id>"}},
    "updateCommitEndDate-v1": {
        "body": {
            "customer_id": "<partner_id>",
            "commit_id": "<balance_id>",
            "access_ending_before": "2025-03-01T00:00:00Z",
            "invoices_ending_before": "2025-03-01T00:00:00Z",
        }
    },
    "updateCreditEndDate-v1": {
        "body": {
            "customer_id": "<partner_id>",
            "credit_id": "<credit_id>",
            "access_ending_before": "2030-03-01T00:00:00Z",
        }
    },
    "disableCommitTrueup-v1": {
        "body": {
            "customer_id": "<partner_id>",
            "contract_id": "<terms_contract_id>",
            "commit_id": "<postpaid_id>",
        }
    },
    "listCustomerCommits-v1": {"body": {**_BALANCES_LISTED, "include_contract_commits": True}},
    "createCustomerCommit-v1": {
        "body": {**_CUSTOMER_BALANCE, "type": "PREPAID", "uniqueness_key": "commit-1"}
    },
    "listCustomerCredits-v1": {"body": {**_BALANCES_LISTED, "include_contract_credits": True}},
    "createCustomerCredit-v1": {"body": {**_CUSTOMER_BALANCE, "uniqueness_key": "credit-1"}},
    "listCustomerBalances-v1": {"body": {**_BALANCES_LISTED, "include_contract_balances": True}},
    "releaseExternalPaymentGateThresholdCommit-v1": {
        "body": {"workflow_id": "<workflow_id>", "outcome": "paid"}
    },
    "updateActiveRechargeConfig-v1": {
        "body": {
            "customer_id": "<payer_id>",
            "recharge_to_amount": 3000,
            "recharge_threshold": 600,
            "enabled": True,
        }
    },
    "listSeatBalances-v1": {
        "body": {
            **_TERMS,
            "subscription_ids": ["<subscription_id>"],
            "seat_ids": ["ann"],
            "include_credits_and_commits": True,
            "include_ledgers": True,
            "covering_date": "2025-01-20T00:00:00Z",
            "limit": 5,
        }
    },
    "getNetBalance-v1": {
        "body": {
            "customer_id": "<partner_id>",
            "credit_type_id": "<unit_id>",
            "filters": [{"balance_types": ["CREDIT"], "custom_fields": {"team": "sales"}}],
            "invoice_inclusion_mode": "FINALIZED",
        }
    },
    "archiveAlert-v1": {"body": {"id": "<alert_id>", "release_uniqueness_key": True}},
    "createAlert-v1": {
        "body": {
            "alert_type": "usage_threshold_reached",
            "name": "Calls",
            "threshold": 1000,
            "customer_id": "<partner_id>",
            "billable_metric_id": "<metric_id>",
            "evaluate_on_create": False,
            "uniqueness_key": "alert-1",
            "custom_field_filters": [{"entity": "Contract", "key": "team", "value": "sales"}],
        }
    },
    "getCustomerAlert-v1": {
        "body": {
            "customer_id": "<partner_id>",
            "alert_id": "<alert_id>",
            "group_values": [{"key": "model", "value": "small"}],
        }
    },
    "listCustomerAlerts-v1": {
        "body": {"customer_id": "<partner_id>", "alert_statuses": ["ENABLED", "archived"]}
    },
    "createNotificationConfig-v2": {
        "body": {
            "name": "Starts soon",
            "policy": {"type": "commit.segment.start", "offset": "-P3DT12H"},
            "uniqueness_key": "config-1",
        }
    },
    "getNotificationConfig-v2": {"body": {"id": "<config_id>"}},
    "listOffsetNotificationConfigs-v2": {"body": {"limit": 5, "archive_filter": "ALL"}},
    "listSystemNotificationConfigs-v2": {"body": {}},
    "editNotificationConfig-v2": {
        "body": {"id": "<config_id>", "policy": {"type": "contract.end", "offset": "-P3D"}}
    },
    "archiveNotificationConfig-v2": {"body": {"id": "<config_id>"}},
    "resetCustomerAlerts-v1": {"body": {"customer_id": "<partner_id>", "alert_id": "<alert_id>"}},
    "ingest-v1": {"body": [event("example-1"), event("example-2")]},
    "getSeatsUsage-v1": {
        "body": {
            "customer_id": "<customer_id>",
            "seat_metric_id": "<metric_id>",
            "window_size": "DAY",
            "usage_type": "MAX",
            **_SPAN,
        },
        "query": {"limit": "5"},
    },
    "getPagedUsage-v1": {
        "body": {
            "customer_id": "<customer_id>",
            "billable_metric_id": "<tokens_metric_id>",
            "window_size": "DAY",
            "starting_on": "2025-01-15T00:00:00Z",
            "ending_before": "2025-01-16T00:00:00Z",
            "group_key": ["model"],
            "group_filters": {"model": ["small"]},
        },
        "query": {"limit": "5"},
    },
    "getUsageBatch-v1": {
        "body": {
            "customer_ids": ["<customer_id>"],
            "billable_metrics": [{"id": "<tokens_metric_id>", "group_by": {"key": "model"}}],
            "window_size": "DAY",
            "starting_on": "2025-01-14T00:00:00Z",
            "ending_before": "2025-01-16T00:00:00Z",
        }
    },
    "searchEvents-v1": {"body": {"transactionIds": ["call-1"]}},
    "getPurchasedSeats-v1": {},
    # Seat charges belong to Plans, which no customer has.
    "chargeSeats-v1": {"body": {"seat_charges": [{"quantity": 1}]}, "status": 400},
    "listInvoices-v1": {"query": {"limit": "5", "status": "DRAFT"}},
    "listBreakdownInvoices-v1": {"query": {"limit": "5", "window_size": "DAY", **_SPAN}},
    "getInvoicePdf-v1": {},
    "getInvoice-v1": {},
    "listSpendBreakdownInvoices-v1": {
        "body": {
            **_SPAN,
            "window_size": "DAY",
            "credit_type_id": USD,
            "group_keys": ["model"],
            "group_filters": {"model": ["small"]},
            "limit": 5,
        }
    },
    "listPayments-v1": {"body": {**_OWED, "statuses": ["pending"], "limit": 5}},
    "attemptPayment-v1": {"body": _OWED},
    "cancelPayment-v1": {"body": _OWED},
    "voidInvoice-v1": {"body": {"id": "<final_invoice_id>"}},
    "regenerateInvoice-v1": {"body": {"id": "<void_invoice_id>"}},
    "previewCustomerEvents-v1": {
        "body": {
            "events": [
                {
                    "event_type": "call",
                    "timestamp": "2025-01-15T11:00:00Z",
                    "properties": {"model": "small", "tokens": "10"},
                    "transaction_id": "imagined-1",
                },
                {"event_type": "call"},
            ],
            "mode": "merge",
            "skip_zero_qty_line_items": True,
        }
    },
    "setUpBillingProvider-v1": {
        "body": {
            "billing_provider": "aws_marketplace",
            "delivery_method": "direct_to_billing_provider",
            "configuration": {"aws_external_id": "x", "aws_iam_role_arn": "arn:aws:iam::test"},
        }
    },
    "listConfiguredBillingProviders-v1": {"body": {}},
    "createStripeBillingSettings-v1": {"body": {"stripe_api_key": "rk_test_1"}},
    "updateStripeBillingSettings-v1": {"body": {"skip_zero_dollar_invoices": True}},
    "deleteStripeBillingSettings-v1": {},
    "setBillingProviderApiKey-v1": {
        "path": {"billing_provider_type": "=stripe"},
        "body": {"api_key": "rk_test_1"},
    },
    "upsertAnrokApiToken-v1": {
        "body": {"delivery_method_ids": ["<delivery_method_id>"], "anrok_api_token": "token"}
    },
    "upsertAvalaraCredentials-v1": {
        "body": {
            "delivery_method_ids": ["<delivery_method_id>"],
            "avalara_environment": "SANDBOX",
            "avalara_username": "ann",
            "avalara_password": "pass",
        }
    },
    "setClientWebhookSecret-v1": {"body": {"webhook_secret": "whsec"}},
    "addCustomFieldKey-v1": {
        "body": {"entity": "customer", "key": "region", "enforce_uniqueness": True}
    },
    "disableCustomFieldKey-v1": {"body": {"entity": "customer", "key": "tier"}},
    "setCustomFields-v1": {
        "body": {
            "entity": "customer",
            "entity_id": "<customer_id>",
            "custom_fields": {"tier": "gold"},
        }
    },
    "deleteCustomFields-v1": {
        "body": {"entity": "contract", "entity_id": "<contract_id>", "keys": ["seller"]}
    },
    "listCustomFieldKeys-v1": {"body": {"entities": ["customer", "contract"]}},
    "embeddableDashboard-v1": {
        "body": {
            "customer_id": "<customer_id>",
            "dashboard": "usage",
            "dashboard_options": [{"key": "show_zero_usage_line_items", "value": "true"}],
            "color_overrides": [{"name": "UsageLine_0", "value": "#ff0000"}],
            "bm_group_key_overrides": [
                {"group_key_name": "model", "value_display_names": {"small": "Small"}}
            ],
        }
    },
    "getAuditLogs-v1": {"query": {"limit": "5", "sort": "date_desc"}},
    "getServices-v1": {},
    "rotateDeltaStreamSecret-v1": {"body": {"starting_on": "2025-01-16T00:00:00Z"}},
    "integrationCloudwatchLogger-v1": {
        "body": {
            "service_name": "netsuite",
            "metric_name": "invoices_sent",
            "dimensions": [{"name": "subsidiary", "value": "emea"}],
        }
    },
}

_VARIANTS: Final[tuple[tuple[str, str, dict[str, Any]], ...]] = (
    (
        "createContract-v1",
        "by package",
        {
            "body": {
                "customer_id": "<customer_id>",
                "package_id": "<package_id>",
                "starting_at": "2025-01-01T00:00:00Z",
            }
        },
    ),
    (
        "createContract-v1",
        "of a hierarchy, after another",
        {
            "body": {
                "customer_id": "<partner_id>",
                "starting_at": "2025-02-01T00:00:00Z",
                "rate_card_alias": "list",
                "transition": {
                    "type": "RENEWAL",
                    "from_contract_id": "<terms_contract_id>",
                    "future_invoice_behavior": {"trueup": "REMOVE"},
                },
                "hierarchy_configuration": {
                    "parent": {"customer_id": "<customer_id>", "contract_id": "<contract_id>"},
                    "payer": "PARENT",
                    "usage_statement_behavior": "CONSOLIDATE",
                },
                "billing_provider_configuration": {
                    "billing_provider_configuration_id": "<account_id>"
                },
                "revenue_system_configuration": {
                    "revenue_system_configuration_id": "<revenue_account_id>"
                },
            }
        },
    ),
    (
        "createBillableMetricV1-v1",
        "by a query",
        {"body": {"name": "Calls", "sql": "SELECT count(*) AS value FROM events"}},
    ),
    (
        "createProduct-v1",
        "composite",
        {
            "body": {
                "name": "Fee",
                "type": "COMPOSITE",
                "composite_product_ids": ["<product_id>"],
                "composite_tags": ["ai"],
            },
        },
    ),
    (
        "setCustomFields-v1",
        "of a balance",
        {
            "body": {
                "entity": "commit",
                "entity_id": "<balance_id>",
                "custom_fields": {"team": "sales"},
            }
        },
    ),
    (
        "createAlert-v1",
        "of groups in a unit",
        {
            "body": {
                "alert_type": "spend_threshold_reached",
                "name": "Spend",
                "threshold": 100.5,
                "credit_type_id": "<unit_id>",
                "group_values": [{"key": "model"}, {"key": "region", "value": "eu"}],
            }
        },
    ),
    (
        "editNotificationConfig-v2",
        "of a system event",
        {"body": {"is_enabled": True, "policy": {"type": "contract.start"}}},
    ),
    (
        "setCustomFields-v1",
        "of an alert",
        {
            "body": {
                "entity": "alert",
                "entity_id": "<alert_id>",
                "custom_fields": {"team": "sales"},
            }
        },
    ),
    (
        "deleteCustomFields-v1",
        "of a rate card",
        {"body": {"entity": "rate_card", "entity_id": "<rate_card_id>", "keys": ["team"]}},
    ),
)
"""Further requests of some operations, with what one alone cannot say."""

_FAULTS: Final = [
    {"kind": "status", "status": 503, "path": "/v1/ingest", "count": 2, "retry_after_seconds": 1},
    {"kind": "latency", "milliseconds": 5, "probability": 0.5, "seed": 7, "method": "GET"},
    {"kind": "drop", "when": "after", "customer": "acme"},
    {"kind": "webhook_loss", "event": "invoice.*"},
]
FIXTURE: Final = {
    "clock": "2025-01-01T00:00:00Z",
    "webhook_targets": ["https://example.com/hook"],
    "custom_fields": [{"entity": "customer", "key": "tier", "enforce_uniqueness": False}],
    "credit_types": {"stars": {"name": "Stars"}},
    "billable_metrics": {"calls": {"name": "Calls", "aggregation_type": "COUNT"}},
    "products": {
        "calls": {
            "name": "Calls",
            "type": "USAGE",
            "billable_metric_id": "$billable_metrics.calls",
        },
        "credit": {"name": "Credit", "type": "FIXED"},
    },
    "rate_cards": {
        "list": {
            "name": "List",
            "rates": [
                {
                    "product_id": "$products.calls",
                    "starting_at": "2025-01-01T00:00:00Z",
                    "entitled": True,
                    "rate_type": "FLAT",
                    "price": 0.5,
                }
            ],
        }
    },
    "packages": {},
    "customers": {"acme": {"name": "Acme", "ingest_aliases": ["acme"]}},
    "contracts": {
        "acme": {
            "customer_id": "$customers.acme",
            "rate_card_id": "$rate_cards.list",
            "starting_at": "2025-01-01T00:00:00Z",
        }
    },
    "commits": {},
    "credits": {
        "welcome": {
            "customer_id": "$customers.acme",
            "product_id": "$products.credit",
            "priority": 1,
            "access_schedule": {
                "schedule_items": [
                    {
                        "amount": 100,
                        "starting_at": "2025-01-01T00:00:00Z",
                        "ending_before": "2026-01-01T00:00:00Z",
                    }
                ]
            },
        }
    },
    "usage": [
        {
            "transaction_id": "fixture-1",
            "customer_id": "acme",
            "event_type": "call",
            "timestamp": "2025-01-01T00:00:00Z",
        }
    ],
}

_ROUTES: Final = (
    Example("ingestOlder", "POST", "/v1/usage/ingest", {"usage": [event("older-1")]}),
    Example("listCosts", "GET", "/v1/customers/<customer_id>/costs"),
    Example(
        "createGrant",
        "POST",
        "/v1/credits/createGrant",
        {
            "customer_id": "<customer_id>",
            "name": "Promotion",
            "grant_amount": {"amount": 100, "credit_type_id": USD},
            "paid_amount": {"amount": 0, "credit_type_id": USD},
            "expires_at": "2025-12-31T00:00:00Z",
            "priority": 0.5,
        },
    ),
    Example("listGrants", "POST", "/v1/credits/listGrants", {}),
    Example("editGrant", "POST", "/v1/credits/editGrant", {"id": "<grant_id>", "name": "New"}),
    Example("voidGrant", "POST", "/v1/credits/voidGrant", {"id": "<grant_id>"}),
    Example("listEntries", "POST", "/v1/credits/listEntries", {}),
    Example("createUnit", "POST", "/v1/credit-types/create", {"name": "Stars"}),
    Example("archiveUnit", "POST", "/v1/credit-types/archive", {"id": "<unit_id>"}),
    Example("listPlans", "GET", "/v1/plans"),
    Example("listCustomerPlans", "GET", "/v1/customers/<customer_id>/plans"),
    Example(
        "createBillingConfig",
        "POST",
        "/v1/customers/<customer_id>/billing-config/stripe",
        {"billing_provider_customer_id": "cus_1"},
    ),
    Example("archiveCustomerOlder", "POST", "/v1/customers/<customer_id>/archive"),
    Example(
        "editContractOlder",
        "PUT",
        "/v1/contracts/<contract_id>/edit",
        {"customer_id": "<customer_id>", "update_contract_name": "Deal"},
    ),
    Example("listInvoicesOlder", "GET", "/v1/invoices/<customer_id>/invoices"),
    Example("getInvoiceOlder", "GET", "/v1/invoices/<customer_id>/invoices/<invoice_id>"),
    Example("listTargets", "GET", "/webhooks/subscriptions"),
    Example("addTarget", "POST", "/webhooks/subscriptions", {"target": "https://example.com/b"}),
    Example("removeTarget", "DELETE", "/webhooks/subscriptions", {"target": "https://e.org/a"}),
    Example("dispatch", "POST", "/webhooks/dispatch", {"event": {"type": "alerts.test"}}),
    Example("rotateSecret", "POST", "/webhooks/secret", {"webhook_secret": "next"}),
    Example("sendTest", "POST", "/webhooks/test"),
    Example(
        "redeliver",
        "POST",
        "/webhooks/redeliver",
        {"starting_at": "2025-01-01T00:00:00Z", "ending_before": "2025-02-01T00:00:00Z"},
    ),
    Example("getEvent", "GET", "/webhooks/events/<event_id>"),
    Example("listDeliveries", "GET", "/webhooks/deliveries", query={"limit": "5"}),
    Example("listDeadLetters", "GET", "/webhooks/dead-letters"),
    Example("getClock", "GET", "/mock/clock"),
    Example("moveClock", "POST", "/mock/clock", {"now": "2025-01-20T00:00:00Z"}),
    Example("createCreditType", "POST", "/mock/credit-types", {"name": "Stars"}),
    Example(
        "createManualInvoice",
        "POST",
        "/mock/invoices",
        {
            "customer_id": "<customer_id>",
            "contract_id": "<contract_id>",
            "line_items": [
                {"name": "Support", "quantity": 2, "unit_price": 150},
                {"name": "Setup", "amount": 50.5, "product_id": "<setup_product_id>"},
            ],
            "issued_at": "2025-01-10T00:00:00Z",
        },
    ),
    Example(
        "listProductBalances", "GET", "/mock/balances", query={"customer_id": NOBODY}, status=404
    ),
    Example(
        "setProductBalance",
        "POST",
        "/mock/balances",
        {"customer_id": "<customer_id>", "product_id": "<setup_product_id>", "balance": 500},
    ),
    Example("getRateLimit", "GET", "/mock/rate-limit"),
    Example("setRateLimit", "POST", "/mock/rate-limit", {"requests": 1000, "seconds": 60}),
    Example("removeRateLimit", "DELETE", "/mock/rate-limit"),
    Example("searchCustomers", "GET", "/search/customers", query={"text": "acme"}),
    Example("explainOfInvoice", "GET", "/explain/<invoice_id>"),
    Example("explainOfLine", "GET", "/explain/<invoice_id>/<line_id>", query={"limit": "5"}),
    Example("explainInvoice", "GET", "/mock/explain/<invoice_id>"),
    Example("explainLine", "GET", "/mock/explain/<invoice_id>/<line_id>", query={"limit": "5"}),
    Example("listFaults", "GET", "/mock/faults"),
    Example("addFaults", "POST", "/mock/faults", {"faults": _FAULTS}),
    Example("removeFaults", "DELETE", "/mock/faults"),
    Example("removeFault", "DELETE", "/mock/faults/nobodys", status=404),
    Example(
        "usePlan",
        "POST",
        "/mock/plan-usage",
        {
            "customer_id": "<customer_id>",
            "amount": 12,
            "credit_type_id": USD,
            "product_id": "<product_id>",
            "at": "2025-01-14T00:00:00Z",
        },
    ),
    Example("showPayments", "GET", "/mock/payments"),
    Example(
        "scriptPayments",
        "POST",
        "/mock/payments",
        {
            "customer_id": "<debtor_id>",
            "outcomes": ["FAILED", "ACTION_REQUIRED", "PENDING", "PAID"],
            "tax": {"name": "VAT", "rate": 0.2},
            "settle": "PAID",
        },
    ),
    Example("forgetPaymentScript", "DELETE", "/mock/payments"),
    Example("listRequests", "GET", "/mock/requests", query={"path": "/v1/*", "latest": "5"}),
    Example("forgetRequests", "DELETE", "/mock/requests"),
    Example("saveSnapshot", "POST", "/mock/snapshot", {"name": "before"}),
    Example("listSnapshots", "GET", "/mock/snapshots"),
    Example("downloadSnapshot", "GET", "/mock/snapshots/nobodys", status=404),
    Example("removeSnapshot", "DELETE", "/mock/snapshots/nobodys", status=404),
    Example("restore", "POST", "/mock/restore", {"name": "nobodys"}, status=404),
    Example("exportFixtures", "GET", "/mock/fixtures"),
    Example("loadFixtures", "POST", "/mock/fixtures", FIXTURE),
    Example("showState", "GET", "/mock/state", query={"entity": "Customer"}),
    Example("reset", "POST", "/mock/reset"),
)


def _examples() -> Iterator[Example]:
    for operation in OPERATIONS:
        yield _example(operation.id, operation.id, _OPERATIONS[operation.id])
    for operation_id, what, given in _VARIANTS:
        yield _example(f"{operation_id} {what}", operation_id, given)
    yield from _ROUTES


def _example(name: str, operation_id: str, given: Mapping[str, Any]) -> Example:
    operation = BY_ID[operation_id]
    path = operation.path
    for parameter, reference in given.get("path", {}).items():
        # A value that is no id is written with an equals sign.
        filled = reference[1:] if reference.startswith("=") else f"<{reference}>"
        path = path.replace(f"{{{parameter}}}", filled)
    rest = {field: value for field, value in given.items() if field != "path"}
    return Example(
        name,
        operation.method,
        path.replace("{", "<").replace("}", ">"),
        **{"unknown_id_status": operation.unknown_id_status, **rest},
    )


EXAMPLES: Final = tuple(_examples())
WITH_BODY: Final = tuple(example for example in EXAMPLES if example.body is not None)
