"""The one prepaid threshold that a customer has, whichever contract it is of."""

from backbeat.application import contract_edits, customers
from backbeat.application.contract_edits import Changes
from backbeat.application.recharge_terms import PrepaidEdit
from backbeat.application.services import Call
from backbeat.models.contracts import Contract
from backbeat.models.errors import InvalidArgument
from backbeat.persistence import contracts


def update(call: Call, customer_id: str, wanted: PrepaidEdit) -> None:
    """Changes the prepaid threshold of the only running contract that has one.

    Raises:
        NotFound: the customer does not exist.
        InvalidArgument: no contract has one, or several have; or the change does not fit.
    """
    customer = customers.get(call, customer_id)
    found = [
        contract
        for contract in contracts.of_customer(call.store, call.tenant, customer.id)
        if _is_active(call, contract)
    ]
    if len(found) != 1:
        raise InvalidArgument(
            f"customer_id: {len(found)} running contracts have a prepaid balance threshold, not one"
        )
    changes = Changes(update_prepaid_threshold=wanted)
    contract_edits.change(call, customer.id, found[0].id, changes)


def _is_active(call: Call, contract: Contract) -> bool:
    return (
        contract.prepaid_threshold is not None
        and contract.archived_at is None
        and contract.covers(call.now)
    )
