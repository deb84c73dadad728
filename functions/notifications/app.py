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
from backbeat.api.views.alerts import customer_alert_view, status_of
from backbeat.application import alerts

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
    shown = alerts.get(
        request.call, body.customer_id, body.alert_id, groups=body.groups, seat=body.seat
    )
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


handler = api.handler
