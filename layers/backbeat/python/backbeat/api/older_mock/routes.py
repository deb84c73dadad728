"""The routes of the older mock, each answered as it answers."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final
from urllib.parse import urlencode

from backbeat.api import json
from backbeat.api.older_mock import schemas
from backbeat.api.older_mock.views import (
    balances_view,
    contract_view,
    customer_view,
    invoice_view,
)
from backbeat.api.replies import Reply, ok
from backbeat.api.requests import Request, parse, parse_body
from backbeat.application.older_mock import contracts, customers, invoices, payments, signatures
from backbeat.application.older_mock.profile import OlderMock, new_id
from backbeat.models.errors import InvalidArgument, Unauthenticated

Handler = Callable[[Request, OlderMock], Reply]

_MISSING: Final = "Missing required fields"


def _created(data: object) -> Reply:
    return Reply(201, {"data": data})


def _required(value: str | None) -> str:
    if not value:
        raise InvalidArgument(_MISSING)
    return value


def _health(request: Request, profile: OlderMock) -> Reply:
    return Reply(200, {"status": "ok", "service": "mock-metronome-server"})


def _create_customer(request: Request, profile: OlderMock) -> Reply:
    body = parse_body(request.body, schemas.CreateCustomer)
    customer = customers.create(
        request.call,
        name=body.name,
        ingest_aliases=body.ingest_aliases,
        configurations=body.customer_billing_provider_configurations,
    )
    return _created(customer_view(customer))


def _get_customer(request: Request, profile: OlderMock) -> Reply:
    return ok(customer_view(customers.get(request.call, request.path["customer_id"])))


def _archive_customer(request: Request, profile: OlderMock) -> Reply:
    body = parse_body(request.body, schemas.ById)
    id_ = _required(request.path.get("customer_id") or body.id)
    return ok({"id": customers.get(request.call, id_).id})


def _create_contract(request: Request, profile: OlderMock) -> Reply:
    body = parse_body(request.body, schemas.CreateContract)
    if body.starting_at is None:
        raise InvalidArgument(_MISSING)
    contract = contracts.create(
        request.call,
        customer_id=_required(body.customer_id),
        name=_required(body.name),
        rate_card_id=_required(body.rate_card_id),
        starting_at=body.starting_at,
        uniqueness_key=body.uniqueness_key,
    )
    return _created({"id": contract.id})


def _list_contracts(request: Request, profile: OlderMock) -> Reply:
    query = parse(request.query, schemas.OfCustomer)
    found = contracts.of_customer(
        request.call, _required(query.customer_id), covering=query.covering_date
    )
    return ok([contract_view(one) for one in found])


def _get_contract(request: Request, profile: OlderMock) -> Reply:
    query = parse(request.query, schemas.OfCustomer)
    customer_id = _required(query.customer_id)
    return ok(contract_view(contracts.get(request.call, customer_id, request.path["contract_id"])))


def _get_contract_by_body(request: Request, profile: OlderMock) -> Reply:
    body = parse_body(request.body, schemas.OfContract)
    contract_id, customer_id = _required(body.contract_id), _required(body.customer_id)
    return ok(contract_view(contracts.get(request.call, customer_id, contract_id)))


def _edit_contract(request: Request, profile: OlderMock) -> Reply:
    body = parse_body(request.body, schemas.EditContract)
    contract_id = _required(request.path.get("contract_id") or body.contract_id)
    changes = body.to_changes(partial(new_id, request.call))
    customer_id = _required(body.customer_id)
    return ok({"id": contracts.edit(request.call, profile, customer_id, contract_id, changes)})


def _list_balances(request: Request, profile: OlderMock) -> Reply:
    query = parse(request.query, schemas.OfCustomer)
    return ok(balances_view(payments.balances(request.call, _required(query.customer_id))))


def _create_invoice(request: Request, profile: OlderMock) -> Reply:
    new = parse_body(request.body, schemas.CreateInvoice).to_invoice()
    invoice = invoices.create(request.call, request.path["customer_id"], new)
    return _created(invoice_view(invoice))


def _list_invoices(request: Request, profile: OlderMock) -> Reply:
    query = parse(request.query, schemas.ListInvoices)
    found = invoices.of_customer(request.call, request.path["customer_id"], query.to_filter())
    if query.sort == "date_desc":
        found.reverse()
    return ok([invoice_view(one) for one in found[: query.limit]])


def _get_invoice(request: Request, profile: OlderMock) -> Reply:
    customer_id, invoice_id = request.path["customer_id"], request.path["invoice_id"]
    return ok(invoice_view(invoices.get(request.call, customer_id, invoice_id)))


def _void_invoice(request: Request, profile: OlderMock) -> Reply:
    invoices.void(request.call, request.path["invoice_id"])
    return ok({"id": request.path["invoice_id"]})


def _ingest(request: Request, profile: OlderMock) -> Reply:
    body = parse_body(request.body, schemas.Ingest)
    return Reply(200, {"message": "Usage events ingested successfully", "count": len(body.usage)})


def _embeddable_url(request: Request, profile: OlderMock) -> Reply:
    body = parse_body(request.body, schemas.EmbeddableUrl)
    options = [(one.key, one.value) for one in body.dashboard_options]
    query = urlencode([("customer_id", body.customer_id), *options])
    return ok({"url": f"{profile.base_url}/dashboards/{body.dashboard}?{query}"})


def _verify(request: Request, profile: OlderMock) -> Reply:
    headers = request.headers
    signature = headers.get("metronome-webhook-signature") or headers.get("x-metronome-signature")
    date = headers.get("date") or headers.get("x-metronome-date")
    if not signature or not date:
        raise Unauthenticated("Missing signature")
    shown = json.loads(request.body)
    if not signatures.is_signed(request.call, signature, date=date, body=request.body.encode()):
        raise Unauthenticated("Invalid signature")
    return Reply(200, shown)


_VERSIONS: Final = ("/v1/contracts", "/v2/contracts")
_MOUNTS: Final = ("/v1/customers/{customer_id}/invoices", "/v1/invoices/{customer_id}/invoices")

ROUTES: Final[Mapping[str, Handler]] = {
    "GET /health": _health,
    "POST /v1/customers": _create_customer,
    "GET /v1/customers/{customer_id}": _get_customer,
    "POST /v1/customers/archive": _archive_customer,
    "POST /v1/customers/{customer_id}/archive": _archive_customer,
    **{f"POST {root}": _create_contract for root in _VERSIONS},
    **{f"POST {root}/create": _create_contract for root in _VERSIONS},
    **{f"GET {root}": _list_contracts for root in _VERSIONS},
    **{f"GET {root}/{{contract_id}}": _get_contract for root in _VERSIONS},
    **{f"POST {root}/get": _get_contract_by_body for root in _VERSIONS},
    **{
        f"{method} {root}{path}": _edit_contract
        for method in ("POST", "PUT", "PATCH")
        for root in _VERSIONS
        for path in ("/edit", "/{contract_id}/edit")
    },
    "GET /v1/contracts/balances": _list_balances,
    **{f"POST {mount}": _create_invoice for mount in _MOUNTS},
    **{f"GET {mount}": _list_invoices for mount in _MOUNTS},
    **{f"GET {mount}/{{invoice_id}}": _get_invoice for mount in _MOUNTS},
    "POST /v1/invoices/{invoice_id}/void": _void_invoice,
    "POST /v1/customers/{invoice_id}/void": _void_invoice,
    "POST /v1/usage/ingest": _ingest,
    "POST /v1/dashboards/embeddable-url": _embeddable_url,
    "POST /webhooks/verify": _verify,
}
"""By route key, as the HTTP API names what it matched."""
