"""Archiving customers."""

from backbeat.application import contract_archives, contracts, customers
from backbeat.application.services import Call
from backbeat.models.errors import InvalidArgument


def archive(call: Call, customer_id: str) -> None:
    """Archives a customer for good, with all contracts; their invoices become void.

    The ingest aliases stay taken. The customer comes last: until then, the same call goes on where
    it broke off.

    Raises:
        NotFound: no customer has the id.
        InvalidArgument: it is archived already.
    """
    customer = customers.get(call, customer_id)
    if customer.archived_at is not None:
        raise InvalidArgument("id: the customer is already archived")
    for contract in contracts.of_customer(call, customer):
        if contract.archived_at is None:
            contract_archives.archive(call, customer_id, contract.id, void_invoices=True)
    customers.change(call, customer_id, archived_at=call.now)
