"""Customers whose contracts draw the same balances: those of a parent contract and those below.

Most customers are a family of their own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from backbeat.application import open_periods
from backbeat.application.open_periods import Open
from backbeat.application.services import Call
from backbeat.models.balances import Balance
from backbeat.models.contracts import Contract, HierarchyLink
from backbeat.models.customers import Customer
from backbeat.models.sharing import ChildAccess
from backbeat.persistence import balances, contracts, keys
from backbeat.persistence.entities import read
from backbeat.ports.store import Item


@dataclass(frozen=True, slots=True)
class Family:
    """Customers and their contracts by id, and all that they own as it is stored.

    `places` are those of contracts among what lies below their parent, in order of creation.
    """

    customers: dict[str, Customer]
    contracts: dict[str, Contract]
    stored: Sequence[tuple[Item, Balance]]
    places: dict[str, int] = field(default_factory=dict)

    @property
    def owned(self) -> list[Balance]:
        """The balances of all of them."""
        return [balance for _, balance in self.stored]

    def order(self, contract: Contract) -> tuple[bool, int, datetime, str]:
        """Returns a contract's place among those that are paid from the same balances.

        Decision 6: a parent before those below it, these in order of creation, then by start and
        id of the contract.
        """
        below = contract.child_role is not None
        return below, self.places.get(contract.id, 0), contract.starting_at, contract.id


def of_customer(call: Call, customer: Customer) -> Family:
    """Returns a customer and those that draw what it shares, or share what it draws."""
    family = of_hierarchies(call, customer)
    if len(family.customers) == 1 or any(_is_shared(one) for one in family.owned):
        return family
    return Family(
        {customer.id: customer},
        {one.id: one for one in family.contracts.values() if one.customer_id == customer.id},
        [one for one in family.stored if one[1].customer_id == customer.id],
    )


def open_usage(call: Call, family: Family) -> list[Open]:
    """Returns the open usage periods of all, in no particular order."""
    return [
        entry
        for customer_id in family.customers
        for entry in open_periods.of_customer(call, customer_id, family.contracts)
    ]


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


def of_hierarchies(call: Call, customer: Customer) -> Family:
    """Returns a customer and all whose contracts are in a hierarchy with its own."""
    found = {customer.id: customer}
    held: dict[str, Contract] = {}
    stored: list[tuple[Item, Balance]] = []
    places: dict[str, int] = {}
    waiting = [customer.id]
    while waiting:
        customer_id = waiting.pop()
        stored += balances.of_customer(call.store, call.tenant, customer_id)
        for contract in contracts.of_customer(call.store, call.tenant, customer_id):
            held[contract.id] = contract
            for place, link in enumerate(_links(contract)):
                places.setdefault(link.contract_id, place)
                other = (
                    None
                    if link.customer_id in found
                    else read(call.store, keys.customer(call.tenant, link.customer_id), Customer)
                )
                if other is not None:
                    found[other.id] = other
                    waiting.append(other.id)
    return Family(found, held, stored, places)


def _links(contract: Contract) -> Iterator[HierarchyLink]:
    if contract.child_role is not None:
        yield contract.child_role.parent
    if contract.parent_role is not None:
        yield from contract.parent_role.children
