"""Settings of the whole sandbox, and the liveness check."""

from backbeat import bootstrap
from backbeat.api import pagination
from backbeat.api.replies import Reply, empty, ok, page
from backbeat.api.requests import Request, Visit
from backbeat.api.resolver import Api
from backbeat.api.schemas.audit import ListAuditLogs
from backbeat.api.schemas.billing_settings import (
    CreateStripeSettings,
    ListProviders,
    SetApiKey,
    SetUpProvider,
    UpdateStripeSettings,
    UpsertAnrok,
    UpsertAvalara,
)
from backbeat.api.schemas.custom_fields import (
    AddKey,
    DeleteValues,
    ListKeys,
    ListKeysPage,
    RemoveKey,
    SetValues,
)
from backbeat.api.schemas.integrations import LogIntegration, RotateDeltaStreamSecret
from backbeat.api.schemas.webhooks import SetWebhookSecret
from backbeat.api.views.audit import audit_entry_view
from backbeat.api.views.billing_settings import delivery_account_view
from backbeat.api.views.times import timestamp
from backbeat.application import (
    audit,
    custom_fields,
    delivery_accounts,
    delta_stream,
    integrations,
    stripe_settings,
    webhook_secrets,
)
from backbeat.models.errors import InvalidArgument

api = Api("settings", bootstrap.services)


@api.operation("setClientWebhookSecret-v1")
def set_webhook_secret(request: Request, body: SetWebhookSecret) -> Reply:
    """Sets what webhooks are signed with from the next attempt on.

    The secret before stays valid beside it for a day.
    """
    webhook_secrets.replace(request.call, body.webhook_secret)
    return empty()


@api.operation("setUpBillingProvider-v1")
def set_up_billing_provider(request: Request, body: SetUpProvider) -> Reply:
    """Adds a way to deliver to a marketplace."""
    account = delivery_accounts.set_up(
        request.call, body.billing_provider, body.method, body.configuration
    )
    return ok({"delivery_method_id": account.id})


@api.operation("listConfiguredBillingProviders-v1")
def list_billing_providers(request: Request, body: ListProviders) -> Reply:
    """Lists the ways to deliver, without their secrets."""
    shown, cursor = pagination.slice_after(
        delivery_accounts.of_tenant(request.call),
        position=lambda account: f"{account.created_at.isoformat()}#{account.id}",
        limit=pagination.DEFAULT_LIMIT,
        cursor=pagination.decode(body.next_page, {}),
    )
    views = [delivery_account_view(account) for account in shown]
    return page(views, pagination.encode(cursor, {}))


@api.operation("createStripeBillingSettings-v1")
def create_stripe_settings(request: Request, body: CreateStripeSettings) -> Reply:
    """Sets keys and options of the account at Stripe."""
    stripe_settings.create(request.call, body.keys(), body.options())
    return empty()


@api.operation("updateStripeBillingSettings-v1")
def update_stripe_settings(request: Request, body: UpdateStripeSettings) -> Reply:
    """Sets some of them; null takes one away."""
    stripe_settings.update(request.call, body.keys(), body.options())
    return empty()


@api.operation("deleteStripeBillingSettings-v1")
def delete_stripe_settings(request: Request) -> Reply:
    """Takes them all away."""
    stripe_settings.delete(request.call)
    return empty()


@api.operation("setBillingProviderApiKey-v1")
def set_api_key(request: Request, body: SetApiKey) -> Reply:
    """Sets the key of the account at Stripe, the older way."""
    if request.path["billing_provider_type"] != "stripe":
        raise InvalidArgument("billing_provider_type: must be stripe")
    stripe_settings.set_key(request.call, body.api_key)
    return empty()


@api.operation("upsertAnrokApiToken-v1")
def upsert_anrok_token(request: Request, body: UpsertAnrok) -> Reply:
    """Sets the Anrok token of some ways to deliver."""
    for account in delivery_accounts.found(request.call, body.delivery_method_ids):
        secrets = {"anrok_api_token": body.anrok_api_token}
        delivery_accounts.keep_secrets(request.call, account.id, secrets)
    return ok({"success": True})


@api.operation("upsertAvalaraCredentials-v1")
def upsert_avalara_credentials(request: Request, body: UpsertAvalara) -> Reply:
    """Sets the Avalara credentials of some ways to deliver."""
    for account in delivery_accounts.found(request.call, body.delivery_method_ids):
        delivery_accounts.keep_secrets(request.call, account.id, body.secrets())
    return Reply(200, {})


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


@api.operation("getAuditLogs-v1")
def get_audit_logs(request: Request, query: ListAuditLogs) -> Reply:
    """Lists changes in the order they were recorded. There always is a cursor to go on from."""
    of_list = {"list": "audit logs"}
    cursor = pagination.decode(query.next_page, of_list)
    entries, following = (
        audit.page(request.call, query.wanted(), limit=query.limit)
        if cursor is None
        else audit.page_after(request.call, cursor, limit=query.limit)
    )
    views = [audit_entry_view(entry) for entry in entries]
    return page(views, pagination.encode(following, of_list))


@api.operation("getServices-v1")
def get_services(request: Request) -> Reply:
    """Lists the addresses that requests come from and go to."""
    services = request.call.services
    return Reply(
        200,
        {
            "services": [
                {
                    "name": "api",
                    "usage": "accepts_connections_at",
                    "ips": list(services.api_addresses),
                },
                {
                    "name": "webhooks",
                    "usage": "makes_connections_from",
                    "ips": list(services.webhook_addresses),
                },
            ]
        },
    )


@api.operation("rotateDeltaStreamSecret-v1")
def rotate_delta_stream_secret(request: Request, body: RotateDeltaStreamSecret) -> Reply:
    """Makes a new secret for the delta stream, in use from some time on."""
    rotation = delta_stream.rotate(request.call, starting_at=body.starting_on)
    return Reply(200, {"secret": rotation.secret, "starting_on": timestamp(rotation.starting_at)})


@api.operation("integrationCloudwatchLogger-v1")
def log_integration(request: Request, body: LogIntegration) -> Reply:
    """Writes a line to the log that an integration wants there."""
    integrations.log(
        request.call,
        body.service_name,
        body.metric_name,
        {dimension.name: dimension.value for dimension in body.dimensions},
    )
    return empty()


@api.route("GET", "/health", public=True, brief=True)
def health(visit: Visit) -> Reply:
    """Tells that the process answers and its store reads."""
    del visit
    return Reply(200, {"status": "ok", "service": "backbeat"})


handler = api.handler
