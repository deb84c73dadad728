"""System events about contracts.

Owns: the contract shape. Does not own: who is told, and when.
Times: of an action, when it was done; of a start or end, the contract's own date.
Invariants: a contract is created and archived once, and each edit is told of once.
"""

from datetime import datetime

from backbeat.domain.notices.shapes import Change, system_event
from backbeat.models.contracts import Contract
from backbeat.models.customers import Customer
from backbeat.models.edits import ContractEdit
from backbeat.models.notifications import Notification


def contract_created(
    contract: Contract, customer: Customer, *, environment_type: str
) -> Notification:
    """Tells that a contract was created."""
    return _told(contract, customer, Change.CREATE, environment_type, at=contract.created_at)


def contract_edited(
    contract: Contract, customer: Customer, edit: ContractEdit, *, environment_type: str
) -> Notification:
    """Tells that a contract was edited, amended, ended or given a usage filter."""
    return _told(contract, customer, Change.EDIT, environment_type, at=edit.timestamp, fact=edit.id)


def contract_archived(
    contract: Contract, customer: Customer, *, environment_type: str, at: datetime
) -> Notification:
    """Tells that a contract was archived."""
    return _told(contract, customer, Change.ARCHIVE, environment_type, at=at)


def contract_fields(contract: Contract, customer: Customer) -> dict[str, object]:
    """Returns what events about a contract say of it."""
    return {
        "contract_id": contract.id,
        "contract_custom_fields": contract.custom_fields,
        "customer_id": customer.id,
        "customer_custom_fields": customer.custom_fields,
    }


def _told(
    contract: Contract,
    customer: Customer,
    change: Change,
    environment_type: str,
    *,
    at: datetime,
    fact: str | None = None,
) -> Notification:
    return system_event(
        f"contract.{change}",
        contract_fields(contract, customer),
        fact=fact or contract.id,
        environment_type=environment_type,
        timestamp=at,
        at=at,
    )
