"""Creating a customer together with a contract."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from backbeat.application import contract_creation, customers
from backbeat.application.attempts import insistently
from backbeat.application.new_contracts import NewContract
from backbeat.application.provider_configurations import NewConfiguration
from backbeat.application.services import Call
from backbeat.models.contracts import Contract
from backbeat.models.customers import Customer
from backbeat.models.errors import InvalidArgument
from backbeat.models.notifications import Notification
from backbeat.models.provider_configurations import ProviderConfiguration
from backbeat.persistence.unit_of_work import UnitOfWork


class NewCustomer(NamedTuple):
    """A customer as asked for."""

    name: str
    ingest_aliases: Sequence[str]
    custom_fields: dict[str, str]
    configurations: Sequence[NewConfiguration]


def create(call: Call, person: NewCustomer, wanted: NewContract) -> tuple[Customer, Contract]:
    """Creates a customer and a contract, or neither.

    The customer id in the contract asked for is not looked at.

    Raises:
        NotFound: something the contract names does not exist.
        InvalidArgument: something does not fit.
        Conflict: an alias, a uniqueness key or a unique value is taken.
    """
    customer, contract = insistently(lambda: _create(call, person, wanted))
    contract_creation.catch_up(call, contract)
    return customer, contract


def _create(call: Call, person: NewCustomer, wanted: NewContract) -> tuple[Customer, Contract]:
    made: list[Contract] = []

    def beside(
        work: UnitOfWork, customer: Customer, accounts: Sequence[ProviderConfiguration]
    ) -> list[Notification]:
        if wanted.transition is not None:
            raise InvalidArgument("contract.transition: a new customer has no earlier contract")
        asked = replace(wanted, customer_id=customer.id)
        contract, told = contract_creation.add(call, work, customer, asked, accounts)
        made.append(contract)
        return told

    customer = customers.create(
        call,
        name=person.name,
        ingest_aliases=person.ingest_aliases,
        custom_fields=person.custom_fields,
        configurations=person.configurations,
        beside=beside,
    )
    return customer, made[0]
