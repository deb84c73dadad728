"""Customers whose contracts draw the same balances: those of a parent contract and those below.

Most customers are a family of their own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from backbeat.application import open_periods
from backbeat.application.services import Call
from backbeat.models.balances import Balance
from backbeat.models.contracts import Contract, HierarchyLink
from backbeat.models.customers import Customer
from backbeat.models.period import Period
from backbeat.models.sharing import ChildAccess
from backbeat.persistence import balances, contracts, keys
from backbeat.persistence.entities import read
from backbeat.ports.store import Item


@dataclass(frozen=True, slots=True)
class Family:
    """Customers by id, and all that they own as it is stored."""

    customers: dict[str, Customer]
    stored: Sequence[tuple[Item, Balance]]

    @property
    def owned(self) -> list[Balance]:
        """The balances of all of them."""
        return [balance for _, balance in self.stored]


def of_customer(call: Call, customer: Customer) -> Family:
    """Returns a customer and those that draw what it shares, or share what it draws."""
    family = _of_hierarchies(call, customer)
    if len(family.customers) == 1 or any(_is_shared(one) for one in family.owned):
        return family
    return Family({customer.id: customer}, _stored(call, customer.id))


def open_usage(call: Call, family: Family) -> list[tuple[Contract, Period]]:
    """Returns the open usage periods of all, in the order in which they are paid.

    Decision 6: by their end, a parent before those below it, then by start and id of the contract.
    """
    return sorted(
        (
            entry
            for customer_id in family.customers
            for entry in open_periods.of_customer(call, customer_id)
        ),
        key=order,
    )


def order(waiting: tuple[Contract, Period]) -> tuple[datetime, bool, datetime, str]:
    """Returns a period's place among those that are paid from the same balances."""
    contract, period = waiting
    below = contract.child_role is not None
    return period.ending_before, below, contract.starting_at, contract.id


def may_serve(balance: Balance, contract: Contract) -> bool:
    """Tells whether a balance may pay for a contract: its own, its customer's, a shared one."""
    if balance.contract_id is None:
        return balance.customer_id == contract.customer_id
    return balance.contract_id == contract.id or _lets(balance, contract)


def _lets(balance: Balance, contract: Contract) -> bool:
    role = contract.child_role
    return (
        role is not None
        and balance.contract_id == role.parent.contract_id
        and balance.sharing is not None
        and balance.sharing.lets(contract.id)
    )


def _is_shared(balance: Balance) -> bool:
    return balance.sharing is not None and balance.sharing.access is not ChildAccess.NONE


def _of_hierarchies(call: Call, customer: Customer) -> Family:
    found = {customer.id: customer}
    stored: list[tuple[Item, Balance]] = []
    waiting = [customer.id]
    while waiting:
        customer_id = waiting.pop()
        stored += _stored(call, customer_id)
        for contract in contracts.of_customer(call.store, call.tenant, customer_id):
            for link in _links(contract):
                other = (
                    None
                    if link.customer_id in found
                    else read(call.store, keys.customer(call.tenant, link.customer_id), Customer)
                )
                if other is not None:
                    found[other.id] = other
                    waiting.append(other.id)
    return Family(found, stored)


def _links(contract: Contract) -> Iterator[HierarchyLink]:
    if contract.child_role is not None:
        yield contract.child_role.parent
    if contract.parent_role is not None:
        yield from contract.parent_role.children


def _stored(call: Call, customer_id: str) -> list[tuple[Item, Balance]]:
    return balances.of_customer(call.store, call.tenant, customer_id)
