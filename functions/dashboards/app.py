"""Embeddable dashboards: a signed link, and the page that it shows for a while."""

from typing import assert_never

from backbeat import bootstrap
from backbeat.api.replies import Reply, ok
from backbeat.api.requests import Request, Visit
from backbeat.api.resolver import Api
from backbeat.api.schemas.dashboards import GetEmbeddableUrl
from backbeat.api.views.dashboards import (
    balances_page,
    dashboard_url,
    invoices_page,
    refusal_page,
    usage_page,
)
from backbeat.application import dashboards
from backbeat.models.dashboards import DashboardKind
from backbeat.models.errors import Forbidden

api = Api("dashboards", bootstrap.services)


@api.operation("embeddableDashboard-v1")
def get_embeddable_url(request: Request, body: GetEmbeddableUrl) -> Reply:
    """Returns an address that shows a customer's dashboard for an hour."""
    link = dashboards.link(request.call, body.to_dashboard())
    return ok({"url": dashboard_url(request.origin, link)})


@api.route("GET", "/dashboards/embedded", public=True)
def show_dashboard(visit: Visit) -> Reply:
    """Shows a customer's usage, invoices or commits to whoever holds the link."""
    try:
        call, customer, dashboard = dashboards.opened(visit.services, visit.query.get("link", ""))
    except Forbidden as error:
        return refusal_page(error.message)
    match dashboard.kind:
        case DashboardKind.INVOICES:
            found = dashboards.invoices_of(call, customer, dashboard)
            return invoices_page(customer, dashboard, found)
        case DashboardKind.BALANCES:
            return balances_page(customer, dashboard, dashboards.balances_of(call, customer))
        case DashboardKind.USAGE:
            return usage_page(customer, dashboard, dashboards.usage_of(call, customer))
        case _:
            assert_never(dashboard.kind)


handler = api.handler
