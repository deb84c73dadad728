"""Named schedules of contracts."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from backbeat.application import contracts, customers, named_schedules
from backbeat.application.named_schedules import Owner, OwnerKind
from backbeat.application.services import Call
from backbeat.models.named_schedules import NamedSchedule


@dataclass(frozen=True, slots=True)
class ContractSchedule:
    """A schedule and whose it is."""

    contract_id: str
    schedule: NamedSchedule

    @property
    def position(self) -> str:
        """The place in the order of a customer's schedules."""
        properties = json.dumps(self.schedule.properties, sort_keys=True)
        return "\x1f".join((self.contract_id, self.schedule.name, properties))


def owner(call: Call, customer_id: str, contract_id: str) -> Owner:
    """Returns a contract as the owner of schedules.

    Raises:
        NotFound: the customer or the contract does not exist.
    """
    customers.get(call, customer_id)
    contracts.get(call, customer_id, contract_id)
    return Owner(OwnerKind.CONTRACT, contract_id)


def of_customer(
    call: Call,
    customer_id: str,
    *,
    contract_id: str | None,
    name: str | None,
    properties: Mapping[str, str],
    covering: datetime | None,
) -> list[ContractSchedule]:
    """Returns the schedules of a customer's contracts, or of one of them, in order.

    Raises:
        NotFound: the customer or the contract does not exist.
    """
    customer = customers.get(call, customer_id)
    owners = (
        [contract.id for contract in contracts.of_customer(call, customer)]
        if contract_id is None
        else [owner(call, customer_id, contract_id).id]
    )
    found = [
        ContractSchedule(id_, schedule)
        for id_ in owners
        for schedule in named_schedules.of_owner(
            call,
            Owner(OwnerKind.CONTRACT, id_),
            name=name,
            covering=covering,
            properties=properties,
        )
    ]
    return sorted(found, key=lambda entry: entry.position)
