"""Reports over all customers: what is open, and what was billed."""

from backbeat import bootstrap
from backbeat.api import pagination
from backbeat.api.replies import Reply, page
from backbeat.api.requests import Request
from backbeat.api.resolver import Api
from backbeat.api.schemas.reports import ListEveryInvoice, PageOfCustomers, ReadReport
from backbeat.api.views.reports import every_invoice_view, open_spend_view, rows_csv, rows_view
from backbeat.application import every_invoice, open_spend, reports
from backbeat.models.errors import NotFound

api = Api("reports", bootstrap.services)


@api.route("GET", "/reports/open")
def show_open_spend(request: Request, query: PageOfCustomers) -> Reply:
    """Adds up the drafts of a page of customers; pages of a list add up to the whole."""
    spend, cursor = open_spend.page(
        request.call, limit=query.limit, cursor=pagination.decode(query.next_page, {})
    )
    return page(open_spend_view(spend), pagination.encode(cursor, {}))


@api.route("GET", "/reports/invoices")
def list_every_invoice(request: Request, query: ListEveryInvoice) -> Reply:
    """Lists the invoices of a page of customers without their lines, each customer's together.

    `failed` names those whose drafts cannot be computed, and why; their other invoices are listed.
    """
    parameters = query.model_dump(include={"status"})
    every, cursor = every_invoice.page(
        request.call,
        query.status,
        limit=query.limit,
        cursor=pagination.decode(query.next_page, parameters),
    )
    return Reply(
        200, {**every_invoice_view(every), "next_page": pagination.encode(cursor, parameters)}
    )


@api.route("GET", "/reports/{report}")
def read_report(request: Request, query: ReadReport) -> Reply:
    """Returns revenue, mrr, churn, credits, payments or receivables: rows of a page of customers.

    As CSV, the header `x-next-page` says where the report goes on.
    """
    name = request.path["report"]
    report = reports.REPORTS.get(name)
    if report is None:
        raise NotFound("report", name)
    parameters = {**query.model_dump(exclude={"limit", "next_page", "format"}), "report": name}
    rows, cursor = reports.page(
        request.call,
        report,
        query.span(request.call.now),
        limit=query.limit,
        cursor=pagination.decode(query.next_page, parameters),
    )
    next_page = pagination.encode(cursor, parameters)
    if query.format == "json":
        return page(rows_view(rows), next_page)
    headers = {"content-disposition": f'attachment; filename="{name}.csv"'}
    if next_page is not None:
        headers["x-next-page"] = next_page
    return Reply(200, rows_csv(rows).encode(), headers, content_type="text/csv; charset=utf-8")


handler = api.handler
