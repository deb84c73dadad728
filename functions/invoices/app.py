"""Invoices."""

from collections.abc import Mapping

from backbeat import bootstrap
from backbeat.api import explaining, pagination
from backbeat.api.replies import Reply, ok, page, pdf
from backbeat.api.requests import Request
from backbeat.api.resolver import Api
from backbeat.api.schemas.invoices import (
    ChangeInvoice,
    ChargeSeats,
    GetInvoice,
    ListBreakdowns,
    ListInvoices,
    ListPrices,
    ListSpend,
    PageOfEvents,
    PreviewEvents,
)
from backbeat.api.schemas.payments import ListPayments, PaymentOfInvoice
from backbeat.api.views.invoices import breakdown_view, invoice_view, spend_view
from backbeat.api.views.payments import payment_view
from backbeat.api.views.pdf import invoice_pdf
from backbeat.api.views.times import timestamp
from backbeat.application import breakdowns, customers, invoices, payments, previews
from backbeat.models.errors import InvalidArgument
from backbeat.models.invoices import Invoice
from backbeat.models.rates import Rate

api = Api("invoices", bootstrap.services)


@api.operation("listInvoices-v1")
def list_invoices(request: Request, query: ListInvoices) -> Reply:
    """Lists a customer's invoices, drafts included, by issue date (decision D-52: oldest first)."""
    customer = customers.get(request.call, request.path["customer_id"])
    filters = query.model_dump(exclude={"limit", "next_page"})
    parameters = {"customer_id": customer.id, **filters}
    forward = query.sort == "date_asc"
    found = [invoice for invoice in invoices.listed(request.call, customer) if query.wants(invoice)]
    shown, cursor = pagination.slice_after(
        found if forward else found[::-1],
        position=_position,
        limit=query.limit,
        cursor=pagination.decode(query.next_page, parameters),
        forward=forward,
    )
    views = [
        invoice_view(
            invoice,
            skip_zero=query.skip_zero_qty_line_items,
            list_rates=_list_rates(request, invoice, wanted=query.include_list_prices),
        )
        for invoice in shown
    ]
    return page(views, pagination.encode(cursor, parameters))


@api.operation("getInvoice-v1")
def get_invoice(request: Request, query: GetInvoice) -> Reply:
    """Returns one invoice."""
    customer = customers.get(request.call, request.path["customer_id"])
    invoice = invoices.get(request.call, customer, request.path["invoice_id"])
    rates = _list_rates(request, invoice, wanted=query.include_list_prices)
    return ok(invoice_view(invoice, skip_zero=query.skip_zero_qty_line_items, list_rates=rates))


@api.operation("getInvoicePdf-v1")
def get_invoice_pdf(request: Request) -> Reply:
    """Returns one invoice as a PDF document."""
    customer = customers.get(request.call, request.path["customer_id"])
    invoice = invoices.get(request.call, customer, request.path["invoice_id"])
    return pdf(invoice_pdf(invoice, customer), name=f"invoice-{invoice.id}")


@api.operation("voidInvoice-v1")
def void_invoice(request: Request, body: ChangeInvoice) -> Reply:
    """Takes a final invoice back."""
    invoices.void(request.call, body.id)
    return ok({"id": body.id})


@api.operation("regenerateInvoice-v1")
def regenerate_invoice(request: Request, body: ChangeInvoice) -> Reply:
    """Makes a void invoice anew."""
    return ok({"id": invoices.regenerate(request.call, body.id).id})


@api.operation("listBreakdownInvoices-v1")
def list_breakdowns(request: Request, query: ListBreakdowns) -> Reply:
    """Lists a customer's invoices by hour or day."""
    customer = customers.get(request.call, request.path["customer_id"])
    parameters = {
        "customer_id": customer.id,
        **query.model_dump(exclude={"limit", "next_page"}),
    }
    rows, cursor = breakdowns.page(
        request.call,
        customer,
        query.to_asked(),
        limit=query.limit,
        after=pagination.decode(query.next_page, parameters),
    )
    views = [
        breakdown_view(
            row,
            skip_zero=query.skip_zero_qty_line_items,
            list_rates=_list_rates(request, row.invoice, wanted=query.include_list_prices),
        )
        for row in rows
    ]
    return page(views, pagination.encode(cursor, parameters))


@api.operation("listSpendBreakdownInvoices-v1")
def list_spend(request: Request, query: ListPrices, body: ListSpend) -> Reply:
    """Lists what a customer spent before credits, sliced by properties of the events."""
    customer = customers.get(request.call, request.path["customer_id"])
    parameters = {"customer_id": customer.id, **body.model_dump(exclude={"limit", "next_page"})}
    rows, cursor = breakdowns.page(
        request.call,
        customer,
        body.to_asked(),
        limit=body.limit,
        after=pagination.decode(body.next_page, parameters),
        slicing=body.to_slicing(),
    )
    views = [
        spend_view(
            row,
            skip_zero=body.skip_zero_qty_line_items,
            list_rates=_list_rates(request, row.invoice, wanted=query.include_list_prices),
        )
        for row in rows
    ]
    return page(views, pagination.encode(cursor, parameters))


@api.operation("previewCustomerEvents-v1")
def preview_events(request: Request, body: PreviewEvents) -> Reply:
    """Returns the drafts as they would be with the given events. Nothing is stored."""
    customer = customers.get(request.call, request.path["customer_id"])
    imagined = previews.preview(
        request.call, customer, body.to_events(), merge=body.mode == "merge"
    )
    return ok([invoice_view(one, skip_zero=body.skip_zero_qty_line_items) for one in imagined])


@api.operation("chargeSeats-v1")
def charge_seats(request: Request, body: ChargeSeats) -> Reply:
    """Refuses: seat charges belong to legacy plans, and contracts have none."""
    customers.get(request.call, request.path["customer_id"])
    raise InvalidArgument(
        "seat_charges: the customer has no plan; seats of contracts are charged by subscriptions"
    )


@api.operation("listPayments-v1")
def list_payments(request: Request, body: ListPayments) -> Reply:
    """Lists the payments of an invoice, oldest first."""
    invoice = _invoice_of(request, body)
    parameters = body.model_dump(exclude={"limit", "next_page"})
    found = [
        payment
        for payment in payments.of_invoice(request.call, body.customer_id, invoice)
        if body.statuses is None or payment.status in body.statuses
    ]
    shown, cursor = pagination.slice_after(
        found,
        position=lambda payment: f"{payment.number:08}",
        limit=body.limit,
        cursor=pagination.decode(body.next_page, parameters),
    )
    views = [payment_view(payment) for payment in shown]
    return page(views, pagination.encode(cursor, parameters))


@api.operation("attemptPayment-v1")
def attempt_payment(request: Request, body: PaymentOfInvoice) -> Reply:
    """Cancels the open payment of an invoice and begins a new one."""
    invoice = _invoice_of(request, body)
    return ok(payment_view(payments.attempt(request.call, body.customer_id, invoice)))


@api.operation("cancelPayment-v1")
def cancel_payment(request: Request, body: PaymentOfInvoice) -> Reply:
    """Cancels the open payment of an invoice."""
    invoice = _invoice_of(request, body)
    return ok(payment_view(payments.cancel(request.call, body.customer_id, invoice)))


@api.route("GET", "/v1/customers/{customer_id}/costs")
def list_costs(request: Request) -> Reply:
    """Answers an empty page: daily costs belong to legacy plans, and contracts have none."""
    customers.get(request.call, request.path["customer_id"])
    return page([], None)


def _list_rates(request: Request, invoice: Invoice, *, wanted: bool) -> Mapping[int, Rate] | None:
    return invoices.list_rates(request.call, invoice) if wanted else None


def _invoice_of(request: Request, body: PaymentOfInvoice) -> Invoice:
    customer = customers.get(request.call, body.customer_id)
    return invoices.get(request.call, customer, body.invoice_id)


@api.route("GET", "/explain/{invoice_id}")
def explain_invoice(request: Request) -> Reply:
    """Lists an invoice's lines with the ids to explain them by."""
    return explaining.of_invoice(request)


@api.route("GET", "/explain/{invoice_id}/{line_item_id}")
def explain_line(request: Request, query: PageOfEvents) -> Reply:
    """Tells why a line costs what it costs, and computes it anew. Its events come in pages."""
    return explaining.of_line(request, query)


def _position(invoice: Invoice) -> str:
    return f"{timestamp(invoice.issued_at)}#{invoice.id}"


handler = api.handler
