"""Answers to why an invoice is what it is, for the routes that tell it."""

from backbeat.api import pagination
from backbeat.api.replies import Reply, ok
from backbeat.api.requests import Request
from backbeat.api.schemas.invoices import PageOfEvents
from backbeat.api.views.explain import explained_invoice_view, explanation_view
from backbeat.application import explain, invoices


def of_invoice(request: Request) -> Reply:
    """Lists the lines of the path's invoice with the ids to explain them by."""
    return ok(explained_invoice_view(invoices.locate(request.call, request.path["invoice_id"])))


def of_line(request: Request, query: PageOfEvents) -> Reply:
    """Tells why the path's line costs what it costs, with a page of the events it counts."""
    told = explain.line(request.call, request.path["invoice_id"], request.path["line_item_id"])
    parameters = {"line_item_id": told.line.id}
    shown, cursor = pagination.slice_after(
        [] if told.metering is None else told.metering.events,
        position=lambda counted: counted.position,
        limit=query.limit,
        cursor=pagination.decode(query.next_page, parameters),
    )
    next_page = pagination.encode(cursor, parameters)
    return ok(explanation_view(told, events=shown, next_page=next_page))
