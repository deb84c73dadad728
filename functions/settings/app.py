"""Settings of the whole sandbox, and the liveness check."""

from backbeat import bootstrap
from backbeat.api import pagination
from backbeat.api.replies import Reply, empty, page
from backbeat.api.requests import Request
from backbeat.api.resolver import Api
from backbeat.api.schemas.custom_fields import (
    AddKey,
    DeleteValues,
    ListKeys,
    ListKeysPage,
    RemoveKey,
    SetValues,
)
from backbeat.api.schemas.webhooks import SetWebhookSecret
from backbeat.application import custom_fields, webhook_secrets
from backbeat.application.services import Services

api = Api("settings", bootstrap.services)


@api.operation("setClientWebhookSecret-v1")
def set_webhook_secret(request: Request, body: SetWebhookSecret) -> Reply:
    """Sets what webhooks are signed with from the next attempt on.

    The secret before stays valid beside it for a day.
    """
    webhook_secrets.replace(request.call, body.webhook_secret)
    return empty()


@api.operation("addCustomFieldKey-v1")
def add_custom_field_key(request: Request, body: AddKey) -> Reply:
    """Registers a key, so that things of a kind may have values under it."""
    custom_fields.add_key(request.call, body.to_field())
    return empty()


@api.operation("disableCustomFieldKey-v1")
def remove_custom_field_key(request: Request, body: RemoveKey) -> Reply:
    """Takes a key away, and all values under it."""
    custom_fields.remove_key(request.call, body.entity, body.key)
    return empty()


@api.operation("listCustomFieldKeys-v1")
def list_custom_field_keys(request: Request, query: ListKeysPage, body: ListKeys) -> Reply:
    """Lists the registered keys by kind and name."""
    parameters = body.model_dump()
    shown, cursor = pagination.slice_after(
        custom_fields.registered(request.call, body.entities),
        position=lambda field: f"{field.entity}\0{field.key}",
        limit=pagination.DEFAULT_LIMIT,
        cursor=pagination.decode(query.next_page, parameters),
    )
    views = [field.model_dump(mode="json") for field in shown]
    return page(views, pagination.encode(cursor, parameters))


@api.operation("setCustomFields-v1")
def set_custom_fields(request: Request, body: SetValues) -> Reply:
    """Sets values of one thing, all or none."""
    custom_fields.set_values(request.call, body.entity, body.entity_id, body.custom_fields)
    return empty()


@api.operation("deleteCustomFields-v1")
def delete_custom_fields(request: Request, body: DeleteValues) -> Reply:
    """Takes values off one thing."""
    custom_fields.delete_values(request.call, body.entity, body.entity_id, body.keys)
    return empty()


@api.route("GET", "/health", public=True)
def health(services: Services) -> Reply:
    """Tells that the process answers and its store reads."""
    del services
    return Reply(200, {"status": "ok", "service": "backbeat"})


handler = api.handler
