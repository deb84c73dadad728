"""Settings of the sandbox: what works, and what is refused."""

from typing import Final

from tests.contract.replies.cases import INVALID, UNKNOWN, Refusal, Success, raw
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


SUCCESSES: Final[list[Success]] = [
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
]

REFUSALS: Final[list[Refusal]] = [
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
]
