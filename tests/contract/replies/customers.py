"""Customers: what works, and what is refused."""

from typing import Any, Final

from tests.contract.replies.cases import INVALID, NO_CUSTOMER, UNKNOWN, Refusal, Success, posted
from tests.contract.replies.world import JSON, NETSUITE, STRIPE, World, schedule


def status_of(customer_id: str, **changes: object) -> JSON:
    return {
        "customer_id": customer_id,
        "billable_status": "billable",
        "effective_at": "2025-03-01T00:00:00Z",
        **changes,
    }


def archived(world: World) -> str:
    customer_id = world.new_customer()
    world.call("archiveCustomer-v1", body={"id": customer_id})
    return customer_id


def unbillable(world: World) -> str:
    customer_id = world.new_customer()
    body = status_of(customer_id, billable_status="unbillable")
    world.call("setCustomerBillableStatus-v1", body=body)
    return customer_id


def accounts(world: World) -> Any:
    """Returns accounts of two customers, as the SDK names them."""
    return [
        {**STRIPE, "customer_id": world.new_customer()},
        {
            "customer_id": world.new_customer(),
            "billing_provider": "aws_marketplace",
            "delivery_method": "aws_sqs",
            "configuration": {
                "aws_customer_id": "a",
                "aws_product_code": "p",
                "aws_region": "us-east-1",
            },
        },
    ]


def with_billing(world: World) -> JSON:
    """Returns how a request names the only account at a billing provider of a new customer."""
    names = {"customer_id": world.new_customer(customer_billing_provider_configurations=[STRIPE])}
    [made] = world.call("getCustomerBillingProviderConfigurations-v1", body=names)
    return {**names, "customer_billing_provider_configuration_ids": [made["id"]]}


def without_billing(world: World) -> str:
    """Returns a customer whose only account at a billing provider is archived."""
    names = with_billing(world)
    world.call("archiveCustomerBillingProviderConfigurations-v1", body=names)
    return str(names["customer_id"])


def with_revenue(world: World) -> JSON:
    """Returns how a request names the only account at a revenue system of a new customer."""
    names = {"customer_id": world.new_customer(customer_revenue_system_configurations=[NETSUITE])}
    [made] = world.call("getCustomerRevenueSystemConfigurations-v1", body=names)
    return {**names, "customer_revenue_system_configuration_ids": [made["id"]]}


SUCCESSES: Final[list[Success]] = [
    Success("createCustomer-v1", "named only", lambda w: w.sdk.v1.customers.create(name="Beta")),
    Success(
        "createCustomer-v1",
        "with everything",
        lambda w: w.sdk.v1.customers.create(
            name="n" * 200,
            external_id=w.new("external"),
            ingest_aliases=[w.new("alias"), w.new("alias")],
            custom_fields={"tier": "gold"},
        ),
    ),
    Success(
        "getCustomer-v1", "existing", lambda w: w.sdk.v1.customers.retrieve(customer_id=w.customer)
    ),
    Success(
        "getCustomer-v1",
        "without aliases",
        lambda w: w.sdk.v1.customers.retrieve(customer_id=w.bare_customer),
    ),
    Success("listCustomers-v1", "all", lambda w: w.sdk.v1.customers.list()),
    Success("listCustomers-v1", "first page", lambda w: w.sdk.v1.customers.list(limit=1)),
    Success(
        "listCustomers-v1", "by alias", lambda w: w.sdk.v1.customers.list(ingest_alias="acme-2")
    ),
    Success(
        "listCustomers-v1",
        "by id",
        lambda w: w.sdk.v1.customers.list(customer_ids=[w.customer, w.bare_customer]),
    ),
    Success("listCustomers-v1", "archived", lambda w: w.sdk.v1.customers.list(only_archived=True)),
    Success(
        "setIngestAliases-v1",
        "new ones",
        lambda w: w.sdk.v1.customers.set_ingest_aliases(
            customer_id=w.bare_customer, ingest_aliases=["bare"]
        ),
    ),
    Success(
        "setCustomerName-v1",
        "another",
        lambda w: w.sdk.v1.customers.set_name(customer_id=w.bare_customer, name="Bare Ltd"),
    ),
    Success(
        "createCustomer-v1",
        "with accounts at other systems",
        lambda w: w.sdk.v1.customers.create(
            name="Gamma",
            customer_billing_provider_configurations=[STRIPE],
            customer_revenue_system_configurations=[NETSUITE],
        ),
    ),
    Success(
        "archiveCustomer-v1",
        "with a contract",
        lambda w: w.sdk.v1.customers.archive(id=w.new_contract()["customer_id"]),
    ),
    Success(
        "getCustomer-v1",
        "archived",
        lambda w: w.sdk.v1.customers.retrieve(customer_id=archived(w)),
    ),
    Success(
        "setCustomerBillableStatus-v1",
        "from now on",
        posted(
            "setCustomerBillableStatus-v1",
            lambda w: status_of(w.new_customer(), billable_status="unbillable"),
        ),
    ),
    Success(
        "getCustomer-v1",
        "unbillable",
        lambda w: w.sdk.v1.customers.retrieve(customer_id=unbillable(w)),
    ),
    Success(
        "updateCustomerConfig-v1",
        "both settings",
        lambda w: w.sdk.v1.customers.update_config(
            customer_id=w.new_customer(),
            salesforce_account_id="sf1",
            leave_stripe_invoices_in_draft=True,
        ),
    ),
    Success(
        "setCustomerBillingProviderConfigurations-v1",
        "Stripe and AWS",
        lambda w: w.sdk.v1.customers.set_billing_configurations(data=accounts(w)),
    ),
    Success(
        "getCustomerBillingProviderConfigurations-v1",
        "one",
        lambda w: w.sdk.v1.customers.retrieve_billing_configurations(customer_id=w.full_customer),
    ),
    Success(
        "getCustomerBillingProviderConfigurations-v1",
        "an archived one",
        lambda w: w.sdk.v1.customers.retrieve_billing_configurations(
            customer_id=without_billing(w), include_archived=True
        ),
    ),
    Success(
        "archiveCustomerBillingProviderConfigurations-v1",
        "one",
        lambda w: w.sdk.v1.customers.archive_billing_configurations(**with_billing(w)),
    ),
    Success(
        "setCustomerRevenueSystemConfigurations-v1",
        "one",
        posted(
            "setCustomerRevenueSystemConfigurations-v1",
            lambda w: {"data": [{**NETSUITE, "customer_id": w.new_customer()}]},
        ),
    ),
    Success(
        "getCustomerRevenueSystemConfigurations-v1",
        "one",
        posted(
            "getCustomerRevenueSystemConfigurations-v1",
            lambda w: {"customer_id": w.full_customer, "provider": "netsuite"},
        ),
    ),
    Success(
        "archiveCustomerRevenueSystemConfigurations-v1",
        "one",
        posted("archiveCustomerRevenueSystemConfigurations-v1", with_revenue),
    ),
    Success(
        "getCustomerNamedSchedule-v1",
        "one value",
        lambda w: w.sdk.v1.customers.named_schedules.retrieve(
            customer_id=w.customer, schedule_name="limits"
        ),
    ),
    Success(
        "getCustomerNamedSchedule-v1",
        "unknown, which has no values",
        lambda w: w.sdk.v1.customers.named_schedules.retrieve(
            customer_id=w.customer, schedule_name="nothing"
        ),
    ),
    Success(
        "updateCustomerNamedSchedule-v1",
        "until a date",
        lambda w: w.sdk.v1.customers.named_schedules.update(
            customer_id=w.new_customer(),
            **schedule(value=[1, "a", None], ending_before="2025-03-01T00:00:00Z"),
        ),
    ),
]

REFUSALS: Final[list[Refusal]] = [
    Refusal("createCustomer-v1", "no name", *INVALID, "name", lambda w: {"body": {}}),
    Refusal(
        "createCustomer-v1", "name is a number", *INVALID, "name", lambda w: {"body": {"name": 7}}
    ),
    Refusal(
        "createCustomer-v1",
        "too many aliases",
        *INVALID,
        "ingest_aliases",
        lambda w: {"body": {"name": "A", "ingest_aliases": [f"a{n}" for n in range(2001)]}},
    ),
    Refusal(
        "createCustomer-v1",
        "an alias of 129 characters",
        *INVALID,
        "ingest_aliases.0",
        lambda w: {"body": {"name": "A", "ingest_aliases": ["a" * 129]}},
    ),
    Refusal(
        "createCustomer-v1",
        "an alias that is taken",
        409,
        "Conflict",
        "A customer with this ID already exists",
        lambda w: {"body": {"name": "A", "ingest_aliases": ["acme-key"]}},
    ),
    Refusal(
        "getCustomer-v1",
        "unknown",
        404,
        "CustomerNotFound",
        UNKNOWN,
        lambda w: {"path": {"customer_id": UNKNOWN}},
    ),
    Refusal("listCustomers-v1", "limit 0", *INVALID, "limit", lambda w: {"query": {"limit": "0"}}),
    Refusal(
        "listCustomers-v1", "limit 101", *INVALID, "limit", lambda w: {"query": {"limit": "101"}}
    ),
    Refusal(
        "listCustomers-v1",
        "a made-up cursor",
        *INVALID,
        "next_page",
        lambda w: {"query": {"next_page": "garbage"}},
    ),
    Refusal(
        "setIngestAliases-v1",
        "unknown customer",
        404,
        "CustomerNotFound",
        UNKNOWN,
        lambda w: {"path": {"customer_id": UNKNOWN}, "body": {"ingest_aliases": []}},
    ),
    Refusal(
        "setIngestAliases-v1",
        "an alias that is taken",
        409,
        "Conflict",
        "A customer with this ID already exists",
        lambda w: {
            "path": {"customer_id": w.bare_customer},
            "body": {"ingest_aliases": ["acme-key"]},
        },
    ),
    Refusal(
        "setCustomerName-v1",
        "unknown customer",
        404,
        "CustomerNotFound",
        UNKNOWN,
        lambda w: {"path": {"customer_id": UNKNOWN}, "body": {"name": "A"}},
    ),
    Refusal(
        "createCustomer-v1",
        "a custom field that is not registered",
        *INVALID,
        "Invalid custom field keys",
        lambda w: {"body": {"name": "A", "custom_fields": {"unheard": "of"}}},
    ),
    Refusal("archiveCustomer-v1", "unknown", *NO_CUSTOMER, lambda w: {"body": {"id": UNKNOWN}}),
    Refusal(
        "archiveCustomer-v1",
        "twice",
        *INVALID,
        "archived",
        lambda w: {"body": {"id": archived(w)}},
    ),
    Refusal(
        "setCustomerBillableStatus-v1",
        "unknown customer",
        *NO_CUSTOMER,
        lambda w: {"body": status_of(UNKNOWN)},
    ),
    Refusal(
        "setCustomerBillableStatus-v1",
        "unknown status",
        *INVALID,
        "billable_status",
        lambda w: {"body": status_of(w.customer, billable_status="maybe")},
    ),
    Refusal(
        "updateCustomerConfig-v1",
        "unknown customer",
        *NO_CUSTOMER,
        lambda w: {"path": {"customer_id": UNKNOWN}, "body": {}},
    ),
    Refusal(
        "updateCustomerConfig-v1",
        "a flag that is none",
        *INVALID,
        "leave_stripe_invoices_in_draft",
        lambda w: {
            "path": {"customer_id": w.customer},
            "body": {"leave_stripe_invoices_in_draft": "yes"},
        },
    ),
    Refusal(
        "setCustomerBillingProviderConfigurations-v1",
        "unknown customer",
        *NO_CUSTOMER,
        lambda w: {"body": {"data": [{**STRIPE, "customer_id": UNKNOWN}]}},
    ),
    Refusal(
        "setCustomerBillingProviderConfigurations-v1",
        "what Stripe needs is missing",
        *INVALID,
        "stripe_customer_id",
        lambda w: {"body": {"data": [{**STRIPE, "customer_id": w.customer, "configuration": {}}]}},
    ),
    Refusal(
        "getCustomerBillingProviderConfigurations-v1",
        "unknown customer",
        *NO_CUSTOMER,
        lambda w: {"body": {"customer_id": UNKNOWN}},
    ),
    Refusal(
        "archiveCustomerBillingProviderConfigurations-v1",
        "unknown",
        404,
        "BillingConfigurationNotFound",
        UNKNOWN,
        lambda w: {
            "body": {
                "customer_id": w.customer,
                "customer_billing_provider_configuration_ids": [UNKNOWN],
            }
        },
    ),
    Refusal(
        "archiveCustomerBillingProviderConfigurations-v1",
        "another customer's",
        404,
        "BillingConfigurationNotFound",
        "billing configuration",
        lambda w: {"body": {**with_billing(w), "customer_id": w.customer}},
    ),
    Refusal(
        "setCustomerRevenueSystemConfigurations-v1",
        "unknown system",
        *INVALID,
        "provider",
        lambda w: {"body": {"data": [{"customer_id": w.customer, "provider": "paper"}]}},
    ),
    Refusal(
        "getCustomerRevenueSystemConfigurations-v1",
        "unknown customer",
        *NO_CUSTOMER,
        lambda w: {"body": {"customer_id": UNKNOWN}},
    ),
    Refusal(
        "archiveCustomerRevenueSystemConfigurations-v1",
        "unknown",
        404,
        "RevenueConfigurationNotFound",
        UNKNOWN,
        lambda w: {
            "body": {
                "customer_id": w.customer,
                "customer_revenue_system_configuration_ids": [UNKNOWN],
            }
        },
    ),
    Refusal(
        "getCustomerNamedSchedule-v1",
        "unknown customer",
        *NO_CUSTOMER,
        lambda w: {"body": {"customer_id": UNKNOWN, "schedule_name": "limits"}},
    ),
    Refusal(
        "updateCustomerNamedSchedule-v1",
        "unknown customer",
        *NO_CUSTOMER,
        lambda w: {"body": {"customer_id": UNKNOWN, **schedule(value=1)}},
    ),
    Refusal(
        "updateCustomerNamedSchedule-v1",
        "no value",
        *INVALID,
        "value",
        lambda w: {"body": {"customer_id": w.customer, **schedule()}},
    ),
]
