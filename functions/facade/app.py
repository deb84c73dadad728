"""The simple facade: customers, contracts, invoices and credits of the engine."""

from backbeat import bootstrap
from backbeat.api import handling, pagination
from backbeat.api.facade import contracts, credits, invoices
from backbeat.api.replies import Reply, page
from backbeat.api.requests import Request
from backbeat.api.resolver import Api
from backbeat.api.schemas.facade import (
    BalanceOf,
    CancelFacadeContract,
    ChangeFacadeContract,
    ChangeFacadeCustomer,
    CreateFacadeContract,
    CreateFacadeCredit,
    CreateFacadeCustomer,
    CreateFacadeInvoice,
    FacadePage,
    OfCustomer,
)
from backbeat.api.views.facade import customer_view, event_view
from backbeat.application import customers
from backbeat.application.facade import agreements, collections, contacts, notices

api = Api("facade", bootstrap.services)


@api.route("POST", "/api/v1/customers", successes=(201,))
def create_customer(request: Request, body: CreateFacadeCustomer) -> Reply:
    """Makes an entity a customer, whose usage is sent under the entity's id."""
    customer, contact = contacts.create(
        request.call,
        entity_id=body.entity_id,
        entity_type=body.entity_type,
        email=body.email,
        name=body.name,
        metadata=body.metadata,
    )
    return Reply(201, customer_view(customer, contact))


@api.route("GET", "/api/v1/customers")
def list_customers(request: Request, query: FacadePage) -> Reply:
    """Lists customers in order of creation."""
    found, cursor = customers.page(
        request.call,
        archived=False,
        limit=query.limit,
        cursor=pagination.decode(query.next_page, {}),
    )
    known = contacts.of_customers(request.call, found)
    views = [customer_view(customer, known.get(customer.id)) for customer in found]
    return page(views, pagination.encode(cursor, {}))


@api.route("GET", "/api/v1/customers/{customer_id}")
def get_customer(request: Request) -> Reply:
    """Shows a customer."""
    customer = customers.get(request.call, request.path["customer_id"])
    known = contacts.of_customers(request.call, [customer])
    return Reply(200, customer_view(customer, known.get(customer.id)))


@api.route("PATCH", "/api/v1/customers/{customer_id}")
def change_customer(request: Request, body: ChangeFacadeCustomer) -> Reply:
    """Changes what is known of a customer."""
    customer, contact = contacts.change(
        request.call, request.path["customer_id"], name=body.name, changes=body.changes()
    )
    return Reply(200, customer_view(customer, contact))


@api.route("POST", "/api/v1/contracts", successes=(201,))
def create_contract(request: Request, body: CreateFacadeContract) -> Reply:
    """Agrees on a tier with a customer."""
    return Reply(201, contracts.view(request.call, contracts.create(request.call, body)))


@api.route("GET", "/api/v1/contracts")
def list_contracts(request: Request, query: OfCustomer) -> Reply:
    """Lists contracts of a customer, or of all."""
    call = request.call
    found, cursor = agreements.across_customers(
        call,
        lambda customer: contracts.of_customer(call, customer),
        id_of=lambda contract: contract.id,
        only=query.customer_id,
        limit=query.limit,
        cursor=pagination.decode(query.next_page, _parameters(query)),
    )
    views = [contracts.view(call, contract) for contract in found]
    return page(views, pagination.encode(cursor, _parameters(query)))


@api.route("GET", "/api/v1/contracts/{contract_id}")
def get_contract(request: Request) -> Reply:
    """Shows a contract."""
    contract = contracts.get(request.call, request.path["contract_id"])
    return Reply(200, contracts.view(request.call, contract))


@api.route("PATCH", "/api/v1/contracts/{contract_id}")
def change_contract(request: Request, body: ChangeFacadeContract) -> Reply:
    """Cancels a contract, or moves its end."""
    contract = contracts.get(request.call, request.path["contract_id"])
    changed = contracts.change(request.call, contract, body)
    return Reply(200, contracts.view(request.call, changed))


@api.route("POST", "/api/v1/contracts/{contract_id}/cancel")
def cancel_contract(request: Request, body: CancelFacadeContract) -> Reply:
    """Ends a contract at once, or with its period, and what is left of its credits with it."""
    contract = contracts.get(request.call, request.path["contract_id"])
    ended = contracts.cancel(request.call, contract, at_period_end=body.at_period_end)
    return Reply(200, contracts.view(request.call, ended))


@api.route("POST", "/api/v1/invoices", successes=(201,))
def create_invoice(request: Request, body: CreateFacadeInvoice) -> Reply:
    """Bills an amount on a contract."""
    return Reply(201, invoices.view(request.call, invoices.create(request.call, body)))


@api.route("GET", "/api/v1/invoices")
def list_invoices(request: Request, query: OfCustomer) -> Reply:
    """Lists invoices of a customer, or of all, drafts too."""
    call = request.call
    found, cursor = agreements.across_customers(
        call,
        lambda customer: invoices.of_customer(call, customer),
        id_of=lambda invoice: invoice.id,
        only=query.customer_id,
        limit=query.limit,
        cursor=pagination.decode(query.next_page, _parameters(query)),
    )
    views = [invoices.view(call, invoice) for invoice in found]
    return page(views, pagination.encode(cursor, _parameters(query)))


@api.route("GET", "/api/v1/invoices/{invoice_id}")
def get_invoice(request: Request) -> Reply:
    """Shows an invoice."""
    invoice = invoices.get(request.call, request.path["invoice_id"])
    return Reply(200, invoices.view(request.call, invoice))


@api.route("POST", "/api/v1/invoices/{invoice_id}/pay")
@handling.by_provider
def pay_invoice(request: Request) -> Reply:
    """Collects an invoice at Stripe; it is paid once Stripe says so."""
    invoice = invoices.get(request.call, request.path["invoice_id"])
    collections.pay(request.call, invoice)
    return Reply(200, invoices.view(request.call, invoice))


@api.route("POST", "/api/v1/credits", successes=(201,))
def create_credit(request: Request, body: CreateFacadeCredit) -> Reply:
    """Gives a customer credits."""
    made = credits.create(request.call, body)
    customer = customers.get(request.call, body.customer_id)
    [shown] = [
        one for one in credits.of_customer(request.call, customer) if one.balance.id == made.id
    ]
    return Reply(201, credits.view(shown))


@api.route("GET", "/api/v1/credits")
def list_credits(request: Request, query: OfCustomer) -> Reply:
    """Lists credits of a customer, or of all."""
    call = request.call
    found, cursor = agreements.across_customers(
        call,
        lambda customer: credits.of_customer(call, customer),
        id_of=lambda shown: shown.balance.id,
        only=query.customer_id,
        limit=query.limit,
        cursor=pagination.decode(query.next_page, _parameters(query)),
    )
    views = [credits.view(shown) for shown in found]
    return page(views, pagination.encode(cursor, _parameters(query)))


@api.route("GET", "/api/v1/credits/balance")
def get_balance(request: Request, query: BalanceOf) -> Reply:
    """Adds up what a customer can spend now; what has expired counts nothing."""
    customer = customers.get(request.call, query.customer_id)
    found = credits.of_customer(request.call, customer)
    views = [credits.view(shown) for shown in found]
    names = ("id", "amount", "balance", "expires_at")
    return Reply(
        200,
        {
            "customer_id": customer.id,
            "balance": sum(shown.worth for shown in found),
            "currency": "USD",
            "credits": [{name: view[name] for name in names} for view in views],
        },
    )


@api.route("GET", "/api/v1/webhooks/events")
def list_events(request: Request, query: FacadePage) -> Reply:
    """Lists what subscribers were told, the latest first."""
    told, cursor = notices.page(
        request.call, limit=query.limit, cursor=pagination.decode(query.next_page, {})
    )
    return page([event_view(one) for one in told], pagination.encode(cursor, {}))


def _parameters(query: OfCustomer) -> dict[str, object]:
    return {"customer_id": query.customer_id}


handler = api.handler
