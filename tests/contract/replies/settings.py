"""Settings of the sandbox: what works, and what is refused."""

from typing import Final

from tests.contract.replies.cases import INVALID, UNKNOWN, Refusal, Success, posted, raw
from tests.contract.replies.world import JSON, World


def values_of(customer_id: str, **wanted: object) -> JSON:
    return {"entity": "customer", "entity_id": customer_id, **wanted}


def carried(world: World) -> JSON:
    """Returns how a request names the value of a new customer under a key of its own."""
    key = world.new("key")
    field = {"entity": "customer", "key": key, "enforce_uniqueness": True}
    world.call("addCustomFieldKey-v1", body=field)
    customer_id = world.new_customer(custom_fields={key: "1"})
    return {"entity": "customer", "entity_id": customer_id, "keys": [key]}


def delivery_method(world: World) -> str:
    """Returns the id of the account at Stripe, which is set up anew."""
    world.api.call(
        "createStripeBillingSettings-v1", token=world.token, body={"stripe_api_key": "rk_1"}
    )
    [id_] = [
        account.delivery_method_id
        for account in world.sdk.v1.settings.billing_providers.list().data
        if account.billing_provider == "stripe"
    ]
    return id_


def marketplace(world: World) -> JSON:
    return {
        "billing_provider": "aws_marketplace",
        "delivery_method": "direct_to_billing_provider",
        "configuration": {"aws_external_id": world.new("external"), "aws_iam_role_arn": "arn:x"},
    }


def set_up_before(world: World) -> JSON:
    body = marketplace(world)
    world.call("setUpBillingProvider-v1", body=body)
    return body


SUCCESSES: Final[list[Success]] = [
    Success(
        "setUpBillingProvider-v1",
        "AWS",
        lambda w: w.sdk.v1.settings.billing_providers.create(**marketplace(w)),
    ),
    Success(
        "listConfiguredBillingProviders-v1",
        "some",
        lambda w: (delivery_method(w), w.sdk.v1.settings.billing_providers.list()),
    ),
    Success(
        "createStripeBillingSettings-v1",
        "with options",
        raw(
            "createStripeBillingSettings-v1",
            body={"stripe_api_key": "rk_1", "anrok_api_key": "a", "leave_invoices_in_draft": True},
        ),
    ),
    Success(
        "updateStripeBillingSettings-v1",
        "one taken away",
        lambda w: (
            delivery_method(w),
            raw("updateStripeBillingSettings-v1", body={"anrok_api_key": None})(w),
        ),
    ),
    Success("deleteStripeBillingSettings-v1", "all", raw("deleteStripeBillingSettings-v1")),
    Success(
        "setBillingProviderApiKey-v1",
        "Stripe",
        raw(
            "setBillingProviderApiKey-v1",
            path={"billing_provider_type": "stripe"},
            body={"api_key": "rk_1"},
        ),
    ),
    Success(
        "upsertAnrokApiToken-v1",
        "one account",
        posted(
            "upsertAnrokApiToken-v1",
            lambda w: {"delivery_method_ids": [delivery_method(w)], "anrok_api_token": "a"},
        ),
    ),
    Success(
        "upsertAvalaraCredentials-v1",
        "one account",
        lambda w: w.sdk.v1.settings.upsert_avalara_credentials(
            delivery_method_ids=[delivery_method(w)],
            avalara_environment="SANDBOX",
            avalara_username="ann",
            avalara_password="x",
        ),
    ),
    Success(
        "setClientWebhookSecret-v1",
        "new",
        raw("setClientWebhookSecret-v1", body={"webhook_secret": "whsec-7"}),
    ),
    Success(
        "addCustomFieldKey-v1",
        "unique",
        lambda w: w.sdk.v1.custom_fields.add_key(
            entity="customer", key=w.new("key"), enforce_uniqueness=True
        ),
    ),
    Success(
        "disableCustomFieldKey-v1",
        "with a value",
        lambda w: w.sdk.v1.custom_fields.remove_key(entity="customer", key=carried(w)["keys"][0]),
    ),
    Success("listCustomFieldKeys-v1", "all", lambda w: w.sdk.v1.custom_fields.list_keys()),
    Success(
        "listCustomFieldKeys-v1",
        "of products",
        lambda w: w.sdk.v1.custom_fields.list_keys(entities=["product"]),
    ),
    Success(
        "setCustomFields-v1",
        "of a final invoice",
        lambda w: w.sdk.v1.custom_fields.set_values(
            entity="invoice", entity_id=w.final_invoice, custom_fields={"memo": "7"}
        ),
    ),
    Success(
        "deleteCustomFields-v1",
        "one",
        lambda w: w.sdk.v1.custom_fields.delete_values(**carried(w)),
    ),
    Success(
        "getAuditLogs-v1",
        "the latest, and what follows",
        lambda w: [
            w.sdk.v1.audit_logs.list(next_page=w.sdk.v1.audit_logs.list(limit=2).next_page or ""),
            w.sdk.v1.audit_logs.list(sort="date_desc"),
        ],
    ),
    Success(
        "getAuditLogs-v1",
        "of one customer",
        lambda w: w.sdk.v1.audit_logs.list(resource_type="customer", resource_id=w.customer),
    ),
    Success("getServices-v1", "all", lambda w: w.sdk.v1.services.list()),
    Success(
        "embeddableDashboard-v1",
        "with all options",
        lambda w: w.sdk.v1.dashboards.get_embeddable_url(
            customer_id=w.customer,
            dashboard="usage",
            dashboard_options=[{"key": "hide_voided_invoices", "value": "true"}],
            color_overrides=[{"name": "Gray_dark", "value": "#ff0000"}],
            bm_group_key_overrides=[{"group_key_name": "model", "display_name": "Model"}],
        ),
    ),
    Success(
        "rotateDeltaStreamSecret-v1",
        "by itself",
        raw("rotateDeltaStreamSecret-v1", body={}),
    ),
    Success(
        "integrationCloudwatchLogger-v1",
        "a line",
        raw(
            "integrationCloudwatchLogger-v1",
            body={"service_name": "netsuite", "metric_name": "sent", "dimensions": []},
        ),
    ),
]

REFUSALS: Final[list[Refusal]] = [
    Refusal(
        "setUpBillingProvider-v1",
        "the same again",
        409,
        "Conflict",
        "already",
        lambda w: {"body": set_up_before(w)},
    ),
    Refusal(
        "setUpBillingProvider-v1",
        "Stripe",
        *INVALID,
        "billing_provider",
        lambda w: {"body": {**marketplace(w), "billing_provider": "stripe"}},
    ),
    Refusal(
        "listConfiguredBillingProviders-v1",
        "no page token",
        *INVALID,
        "next_page",
        lambda w: {"body": {"next_page": UNKNOWN}},
    ),
    Refusal(
        "createStripeBillingSettings-v1",
        "no key",
        *INVALID,
        "stripe_api_key",
        lambda w: {"body": {}},
    ),
    Refusal(
        "updateStripeBillingSettings-v1",
        "the key taken away",
        *INVALID,
        "stripe_api_key",
        lambda w: {"body": {"stripe_api_key": None}},
    ),
    Refusal(
        "setBillingProviderApiKey-v1",
        "another provider",
        *INVALID,
        "billing_provider_type",
        lambda w: {"path": {"billing_provider_type": "netsuite"}, "body": {"api_key": "x"}},
    ),
    Refusal(
        "upsertAnrokApiToken-v1",
        "an unknown account",
        404,
        "DeliveryMethodNotFound",
        UNKNOWN,
        lambda w: {"body": {"delivery_method_ids": [UNKNOWN], "anrok_api_token": "a"}},
    ),
    Refusal(
        "upsertAvalaraCredentials-v1",
        "an unknown account",
        404,
        "DeliveryMethodNotFound",
        UNKNOWN,
        lambda w: {
            "body": {
                "delivery_method_ids": [UNKNOWN],
                "avalara_environment": "SANDBOX",
                "avalara_username": "ann",
                "avalara_password": "x",
            }
        },
    ),
    Refusal(
        "setClientWebhookSecret-v1",
        "an empty secret",
        *INVALID,
        "webhook_secret",
        lambda w: {"body": {"webhook_secret": ""}},
    ),
    Refusal(
        "addCustomFieldKey-v1",
        "twice",
        *INVALID,
        "Duplicate custom field key",
        lambda w: {"body": {"entity": "customer", "key": "tier", "enforce_uniqueness": False}},
    ),
    Refusal(
        "addCustomFieldKey-v1",
        "unknown kind",
        *INVALID,
        "entity",
        lambda w: {"body": {"entity": "gadget", "key": "a", "enforce_uniqueness": False}},
    ),
    Refusal(
        "disableCustomFieldKey-v1",
        "unknown",
        404,
        "CustomFieldKeyNotFound",
        "unheard",
        lambda w: {"body": {"entity": "customer", "key": "unheard"}},
    ),
    Refusal(
        "listCustomFieldKeys-v1",
        "unknown kind",
        *INVALID,
        "entities",
        lambda w: {"body": {"entities": ["gadget"]}},
    ),
    Refusal(
        "setCustomFields-v1",
        "a key that is not registered",
        *INVALID,
        "Invalid custom field keys",
        lambda w: {"body": values_of(w.customer, custom_fields={"unheard": "of"})},
    ),
    Refusal(
        "setCustomFields-v1",
        "unknown customer",
        404,
        "CustomerNotFound",
        UNKNOWN,
        lambda w: {"body": values_of(UNKNOWN, custom_fields={"tier": "gold"})},
    ),
    Refusal(
        "deleteCustomFields-v1",
        "unknown customer",
        404,
        "CustomerNotFound",
        UNKNOWN,
        lambda w: {"body": values_of(UNKNOWN, keys=["tier"])},
    ),
    Refusal(
        "getAuditLogs-v1",
        "a type without an id",
        *INVALID,
        "resource_id",
        lambda w: {"query": {"resource_type": "customer"}},
    ),
    Refusal(
        "getAuditLogs-v1",
        "a cursor and a filter",
        *INVALID,
        "sort",
        lambda w: {"query": {"next_page": "x", "sort": "date_asc"}},
    ),
    Refusal(
        "rotateDeltaStreamSecret-v1",
        "too far ahead",
        *INVALID,
        "starting_on",
        lambda w: {"body": {"starting_on": "2999-01-01T00:00:00Z"}},
    ),
    Refusal(
        "integrationCloudwatchLogger-v1",
        "no dimensions",
        *INVALID,
        "dimensions",
        lambda w: {"body": {"service_name": "a", "metric_name": "b"}},
    ),
    Refusal(
        "embeddableDashboard-v1",
        "a color that is none",
        *INVALID,
        "color_overrides",
        lambda w: {
            "body": {
                "customer_id": w.customer,
                "dashboard": "usage",
                "color_overrides": [{"name": "White", "value": "red;}"}],
            }
        },
    ),
]
