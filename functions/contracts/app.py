"""Contracts."""

from backbeat import bootstrap
from backbeat.api.replies import Reply, ok
from backbeat.api.requests import Request
from backbeat.api.resolver import Api
from backbeat.api.schemas.contracts import CreateContract, GetContract, ListContracts
from backbeat.api.views.contracts import contract_v1_view, contract_v2_view
from backbeat.application import contracts, customers
from backbeat.application.services import Call
from backbeat.models.contracts import Contract

api = Api("contracts", bootstrap.services)


@api.operation("createContract-v1")
def create_contract(request: Request, body: CreateContract) -> Reply:
    """Creates a contract."""
    return ok({"id": contracts.create(request.call, body.to_contract()).id})


@api.operation("getContract-v1")
def get_contract_v1(request: Request, body: GetContract) -> Reply:
    """Returns a contract in the older form."""
    return ok(contract_v1_view(_get(request.call, body)))


@api.operation("getContract-v2")
def get_contract_v2(request: Request, body: GetContract) -> Reply:
    """Returns a contract."""
    return ok(contract_v2_view(_get(request.call, body)))


@api.operation("listContracts-v1")
def list_contracts_v1(request: Request, body: ListContracts) -> Reply:
    """Lists a customer's contracts in the older form."""
    return ok([contract_v1_view(contract) for contract in _list(request.call, body)])


@api.operation("listContracts-v2")
def list_contracts_v2(request: Request, body: ListContracts) -> Reply:
    """Lists a customer's contracts."""
    return ok([contract_v2_view(contract) for contract in _list(request.call, body)])


def _get(call: Call, body: GetContract) -> Contract:
    customers.get(call, body.customer_id)
    return contracts.get(call, body.customer_id, body.contract_id)


def _list(call: Call, body: ListContracts) -> list[Contract]:
    customer = customers.get(call, body.customer_id)
    return [
        contract
        for contract in contracts.of_customer(call, customer)
        if (body.include_archived or contract.archived_at is None)
        and (body.covering_date is None or contract.covers(body.covering_date))
        and (body.starting_at is None or contract.starting_at >= body.starting_at)
    ]


handler = api.handler
