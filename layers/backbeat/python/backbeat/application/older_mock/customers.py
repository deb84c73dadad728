"""Customers of profile `mock`."""

from collections.abc import Sequence
from typing import Final

from backbeat.application.older_mock.json_text import Fields, encoded
from backbeat.application.older_mock.profile import new_id
from backbeat.application.services import Call
from backbeat.models.errors import NotFound
from backbeat.models.older_mock import MockCustomer
from backbeat.persistence import claims, keys
from backbeat.persistence.entities import read, to_item
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Absent, Put

_ALIAS: Final = "OLDERMOCKALIAS"


def create(
    call: Call, *, name: str, ingest_aliases: Sequence[str], configurations: Sequence[Fields]
) -> MockCustomer:
    """Creates a customer.

    Raises:
        Conflict: an alias is taken.
    """
    customer = MockCustomer(
        id=new_id(call, "cus"),
        name=name,
        ingest_aliases=tuple(dict.fromkeys(ingest_aliases)),
        configurations=encoded(configurations),
        created_at=call.now,
    )
    work = UnitOfWork(call.store)
    for alias in customer.ingest_aliases:
        work.add(
            claims.take(call.tenant, _ALIAS, alias, customer.id),
            otherwise=claims.taken("A customer with this ingest alias already exists"),
        )
    work.add(Put(to_item(keys.older_mock_customer(call.tenant, customer.id), customer), Absent()))
    work.commit()
    return customer


def get(call: Call, customer_id: str) -> MockCustomer:
    """Returns a customer.

    Raises:
        NotFound: nobody has the id.
    """
    customer = read(call.store, keys.older_mock_customer(call.tenant, customer_id), MockCustomer)
    if customer is None:
        raise NotFound("customer", customer_id)
    return customer
