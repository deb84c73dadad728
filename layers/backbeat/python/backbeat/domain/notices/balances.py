"""System events about commits and credits.

Owns: the commit and credit shapes. Does not own: who is told, and when.
Times: of an action, when it was done.
Invariants: a balance is created and archived once; each edit is told of once.
"""

from datetime import datetime

from backbeat.domain.notices.shapes import Change, system_event
from backbeat.models.balances import Balance, BalanceType
from backbeat.models.contracts import Contract
from backbeat.models.customers import Customer
from backbeat.models.notifications import Notification


def balance_changed(
    balance: Balance,
    contract: Contract | None,
    customer: Customer,
    change: Change,
    *,
    environment_type: str,
    at: datetime,
    edit_id: str | None = None,
) -> Notification:
    """Tells that a commit or credit was created, edited or archived.

    `contract` is the one it lies on; the customer's own balances have none. `edit_id` names the
    edit, of which there may be several at one time.
    """
    kind = "credit" if balance.type is BalanceType.CREDIT else "commit"
    return system_event(
        f"{kind}.{change}",
        balance_fields(balance, contract, customer),
        fact=edit_id or balance.id,
        environment_type=environment_type,
        timestamp=at,
        at=at,
    )


def balance_fields(
    balance: Balance, contract: Contract | None, customer: Customer
) -> dict[str, object]:
    """Returns what events about a balance say of it and of the contract it lies on."""
    kind = "credit" if balance.type is BalanceType.CREDIT else "commit"
    return {
        f"{kind}_id": balance.id,
        f"{kind}_custom_fields": balance.custom_fields,
        "contract_id": None if contract is None else contract.id,
        "contract_custom_fields": {} if contract is None else contract.custom_fields,
        f"parent_recurring_{kind}_id": balance.recurring_id,
        "customer_id": customer.id,
        "customer_custom_fields": customer.custom_fields,
    }
