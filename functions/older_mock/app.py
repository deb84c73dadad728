"""The older open-source mock's own methods and paths, for what the documented ones do as well.

They mean what the documented ones mean. In profile `mock` they answer as the older mock did.
"""

from backbeat import bootstrap
from backbeat.api import json
from backbeat.api.replies import Reply, ok
from backbeat.api.requests import Request, parse
from backbeat.api.resolver import Api
from backbeat.api.schemas.contract_edits import EditContract
from backbeat.api.schemas.contracts import CreateContract, GetContract, ListContracts
from backbeat.api.schemas.dashboards import GetEmbeddableUrl
from backbeat.api.schemas.invoices import ListInvoices
from backbeat.api.views.contracts import contract_v2_view
from backbeat.api.views.dashboards import dashboard_url
from backbeat.api.views.invoices import invoice_view
from backbeat.api.views.sandbox import product_balance_view
from backbeat.application import (
    contract_creation,
    contract_edits,
    contract_reading,
    contracts,
    customer_archives,
    customers,
    dashboards,
    invoices,
    product_balances,
)
from backbeat.application.contract_reading import BalanceDetail
from backbeat.models.errors import InvalidArgument, NotFound

api = Api("older_mock", bootstrap.services)

_PLAIN = BalanceDetail(worth=False, ledger=False)


@api.route("POST", "/v1/customers/{customer_id}/archive")
def archive_customer(request: Request) -> Reply:
    """Archives a customer for good."""
    customer_archives.archive(request.call, request.path["customer_id"])
    return ok({"id": request.path["customer_id"]})


@api.route("POST", "/v2/contracts/create")
@api.route("POST", "/v1/contracts")
@api.route("POST", "/v2/contracts")
def create_contract(request: Request, body: CreateContract) -> Reply:
    """Creates a contract."""
    return ok({"id": contract_creation.create(request.call, body.to_contract()).id})


@api.route("GET", "/v1/contracts")
@api.route("GET", "/v2/contracts")
def list_contracts(request: Request) -> Reply:
    """Lists a customer's contracts in the newer form."""
    query = dict(request.query)
    archived = {"include_archived": query.pop("include_archived", "false").lower() == "true"}
    wanted = parse({**query, **archived}, ListContracts)
    customer = customers.get(request.call, wanted.customer_id)
    found = [
        contract
        for contract in contracts.of_customer(request.call, customer)
        if (wanted.include_archived or contract.archived_at is None)
        and (wanted.covering_date is None or contract.covers(wanted.covering_date))
    ]
    shown = contract_reading.shown(request.call, found, detail=_PLAIN)
    return ok([contract_v2_view(one) for one in shown])


@api.route("GET", "/v1/contracts/{contract_id}")
@api.route("GET", "/v2/contracts/{contract_id}")
def get_contract(request: Request) -> Reply:
    """Returns a contract in the newer form."""
    wanted = parse({**request.query, **request.path}, GetContract)
    customers.get(request.call, wanted.customer_id)
    contract = contracts.get(request.call, wanted.customer_id, wanted.contract_id)
    [shown] = contract_reading.shown(request.call, [contract], detail=_PLAIN)
    return ok(contract_v2_view(shown))


@api.route("POST", "/v1/contracts/edit")
@api.route("PUT", "/v1/contracts/edit")
@api.route("PATCH", "/v1/contracts/edit")
@api.route("PUT", "/v2/contracts/edit")
@api.route("PATCH", "/v2/contracts/edit")
@api.route("POST", "/v1/contracts/{contract_id}/edit")
@api.route("PUT", "/v1/contracts/{contract_id}/edit")
@api.route("PATCH", "/v1/contracts/{contract_id}/edit")
@api.route("POST", "/v2/contracts/{contract_id}/edit")
@api.route("PUT", "/v2/contracts/{contract_id}/edit")
@api.route("PATCH", "/v2/contracts/{contract_id}/edit")
def edit_contract(request: Request) -> Reply:
    """Changes a contract, all or nothing."""
    given = json.loads(request.body or "{}")
    if not isinstance(given, dict):
        raise InvalidArgument("body: must be an object")
    body = parse({**given, **request.path}, EditContract)
    customers.get(request.call, body.customer_id)
    edit = contract_edits.change(
        request.call, body.customer_id, body.contract_id, body.to_changes()
    )
    return ok({"id": edit.id})


@api.route("GET", "/v1/contracts/balances")
def list_balances(request: Request) -> Reply:
    """Adds up what a customer can spend now, by the product that the balances were sold as."""
    wanted = parse(request.query, ListContracts)
    found = product_balances.of_customer(
        request.call, wanted.customer_id, covering_date=wanted.covering_date
    )
    return ok([product_balance_view(one) for one in found])


@api.route("GET", "/v1/invoices/{customer_id}/invoices")
def list_invoices(request: Request, query: ListInvoices) -> Reply:
    """Lists a customer's invoices; the documented path has pages."""
    customer = customers.get(request.call, request.path["customer_id"])
    found = [one for one in invoices.of_customer(request.call, customer) if query.wants(one)]
    if query.sort == "date_desc":
        found.reverse()
    skip_zero = query.skip_zero_qty_line_items
    return ok([invoice_view(one, skip_zero=skip_zero) for one in found[: query.limit]])


@api.route("GET", "/v1/invoices/{customer_id}/invoices/{invoice_id}")
def get_invoice(request: Request) -> Reply:
    """Returns one invoice."""
    customer = customers.get(request.call, request.path["customer_id"])
    invoice = invoices.get(request.call, customer, request.path["invoice_id"])
    return ok(invoice_view(invoice, skip_zero=False))


@api.route("POST", "/v1/invoices/{invoice_id}/void")
@api.route("POST", "/v1/customers/{invoice_id}/void")
def void_invoice(request: Request) -> Reply:
    """Takes a final invoice back."""
    invoices.void(request.call, request.path["invoice_id"])
    return ok({"id": request.path["invoice_id"]})


@api.route("POST", "/v1/dashboards/embeddable-url")
def get_embeddable_url(request: Request, body: GetEmbeddableUrl) -> Reply:
    """Returns an address that shows a customer's dashboard for an hour."""
    link = dashboards.link(request.call, body.to_dashboard())
    return ok({"url": dashboard_url(request.origin, link)})


@api.route("POST", "/v1/customers/{customer_id}/invoices")
@api.route("POST", "/v1/invoices/{customer_id}/invoices")
def only_in_the_profile(request: Request) -> Reply:
    """What nobody can ask of the real API in such words."""
    raise NotFound("route of profile mock", request.path["customer_id"])


handler = api.handler
