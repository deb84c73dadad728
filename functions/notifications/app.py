"""Alerts and notification configurations."""

from backbeat import bootstrap
from backbeat.api import pagination
from backbeat.api.replies import Reply, empty, ok, page
from backbeat.api.requests import Request
from backbeat.api.resolver import Api
from backbeat.api.schemas.alerts import (
    ArchiveAlert,
    CreateAlert,
    GetCustomerAlert,
    ListCustomerAlerts,
    ListCustomerAlertsQuery,
    ResetCustomerAlert,
)
from backbeat.api.schemas.notification_configs import (
    CreateConfig,
    EditConfig,
    ListOffsets,
    ListSystem,
    NameConfig,
)
from backbeat.api.views.alerts import customer_alert_view, status_of
from backbeat.api.views.notification_configs import offset_config_view, system_config_view
from backbeat.application import alerts, notification_configs
from backbeat.models.lifecycle import OffsetConfig

api = Api("notifications", bootstrap.services)


@api.operation("createAlert-v1")
def create_alert(request: Request, body: CreateAlert) -> Reply:
    """Creates an alert for one customer or for all."""
    return ok({"id": alerts.create(request.call, body.to_alert()).id})


@api.operation("archiveAlert-v1")
def archive_alert(request: Request, body: ArchiveAlert) -> Reply:
    """Takes an alert out of service."""
    archived = alerts.archive(
        request.call, body.id, release_uniqueness_key=body.release_uniqueness_key
    )
    return ok({"id": archived.id})


@api.operation("getCustomerAlert-v1")
def get_customer_alert(request: Request, body: GetCustomerAlert) -> Reply:
    """Tells where an alert stands for a customer."""
    shown = alerts.get(request.call, body.customer_id, body.alert_id, body.to_part())
    return ok(customer_alert_view(shown))


@api.operation("listCustomerAlerts-v1")
def list_customer_alerts(
    request: Request, body: ListCustomerAlerts, query: ListCustomerAlertsQuery
) -> Reply:
    """Lists where the alerts about a customer stand."""
    parameters = body.model_dump()
    found = [
        shown
        for shown in alerts.of_customer(request.call, body.customer_id)
        if status_of(shown.alert) in body.alert_statuses
    ]
    shown, cursor = pagination.slice_after(
        found,
        position=lambda one: one.position,
        limit=pagination.DEFAULT_LIMIT,
        cursor=pagination.decode(query.next_page, parameters),
    )
    return page([customer_alert_view(one) for one in shown], pagination.encode(cursor, parameters))


@api.operation("resetCustomerAlerts-v1")
def reset_customer_alert(request: Request, body: ResetCustomerAlert) -> Reply:
    """Forgets where an alert stands for a customer and evaluates it anew."""
    alerts.reset(request.call, body.customer_id, body.alert_id)
    return empty()


@api.operation("createNotificationConfig-v2")
def create_notification_config(request: Request, body: CreateConfig) -> Reply:
    """Creates a notification at an offset from events."""
    config = notification_configs.create(
        request.call,
        name=body.name,
        type_=body.policy.type,
        offset=body.policy.offset,
        uniqueness_key=body.uniqueness_key,
    )
    return ok(_shown(request, config))


@api.operation("getNotificationConfig-v2")
def get_notification_config(request: Request, body: NameConfig) -> Reply:
    """Returns a configuration with an offset."""
    return ok(_shown(request, notification_configs.get(request.call, body.id)))


@api.operation("listOffsetNotificationConfigs-v2")
def list_offset_notification_configs(request: Request, body: ListOffsets) -> Reply:
    """Lists the configurations with an offset."""
    parameters = {"archive_filter": body.archive_filter}
    shown, cursor = pagination.slice_after(
        notification_configs.offsets(request.call, body.archive_filter),
        position=lambda config: config.position,
        limit=body.limit,
        cursor=pagination.decode(body.cursor, parameters, field="cursor"),
    )
    views = [_shown(request, config) for config in shown]
    return Reply(200, {"data": views, "cursor": pagination.encode(cursor, parameters)})


@api.operation("listSystemNotificationConfigs-v2")
def list_system_notification_configs(request: Request, body: ListSystem) -> Reply:
    """Lists the types of system events, and which of them are told of."""
    found = notification_configs.system(request.call)
    return Reply(200, {"data": [system_config_view(one) for one in found], "cursor": None})


@api.operation("editNotificationConfig-v2")
def edit_notification_config(request: Request, body: EditConfig) -> Reply:
    """Changes an offset, or switches a type of system event."""
    if body.id is None:
        switched = notification_configs.switch(
            request.call, type_=body.policy.type, is_enabled=bool(body.is_enabled)
        )
        return ok(system_config_view(switched))
    changed = notification_configs.edit_offset(
        request.call, body.id, type_=body.policy.type, offset=body.policy.offset or ""
    )
    return ok(_shown(request, changed))


@api.operation("archiveNotificationConfig-v2")
def archive_notification_config(request: Request, body: NameConfig) -> Reply:
    """Takes a configuration with an offset out of use."""
    return ok(_shown(request, notification_configs.archive(request.call, body.id)))


def _shown(request: Request, config: OffsetConfig) -> dict[str, object]:
    return offset_config_view(config, request.call.services.environment_type)


handler = api.handler
