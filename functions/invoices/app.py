"""Invoices."""

from backbeat import bootstrap
from backbeat.api import pagination
from backbeat.api.replies import Reply, ok, page
from backbeat.api.requests import Request
from backbeat.api.resolver import Api
from backbeat.api.schemas.invoices import GetInvoice, ListInvoices
from backbeat.api.views.invoices import invoice_view
from backbeat.api.views.times import timestamp
from backbeat.application import customers, invoices
from backbeat.models.invoices import Invoice

api = Api("invoices", bootstrap.services)


@api.operation("listInvoices-v1")
def list_invoices(request: Request, query: ListInvoices) -> Reply:
    """Lists a customer's invoices, drafts included, by issue date."""
    customer = customers.get(request.call, request.path["customer_id"])
    filters = query.model_dump(exclude={"limit", "next_page"})
    parameters = {"customer_id": customer.id, **filters}
    forward = query.sort == "date_asc"
    found = [
        invoice for invoice in invoices.of_customer(request.call, customer) if query.wants(invoice)
    ]
    shown, cursor = pagination.slice_after(
        found if forward else found[::-1],
        position=_position,
        limit=query.limit,
        cursor=pagination.decode(query.next_page, parameters),
        forward=forward,
    )
    views = [invoice_view(invoice, skip_zero=query.skip_zero_qty_line_items) for invoice in shown]
    return page(views, pagination.encode(cursor, parameters))


@api.operation("getInvoice-v1")
def get_invoice(request: Request, query: GetInvoice) -> Reply:
    """Returns one invoice."""
    customer = customers.get(request.call, request.path["customer_id"])
    invoice = invoices.get(request.call, customer, request.path["invoice_id"])
    return ok(invoice_view(invoice, skip_zero=query.skip_zero_qty_line_items))


def _position(invoice: Invoice) -> str:
    return f"{timestamp(invoice.issued_at)}#{invoice.id}"


handler = api.handler
