"""Contracts."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from backbeat.application import billing, customers, outbox, rate_cards
from backbeat.application.services import Call
from backbeat.domain import notices, periods
from backbeat.models.contracts import Contract
from backbeat.models.customers import Customer
from backbeat.models.errors import InvalidArgument, NotFound
from backbeat.models.period import Period
from backbeat.models.schedules import Frequency, StatementDay, StatementSchedule
from backbeat.persistence import claims, keys
from backbeat.persistence.entities import from_item, read, to_item, walk
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Absent, Put, Query

_UNIQUENESS_KEY: Final = "CONTRACT"
_KEY_USED: Final = "This uniqueness key has already been used."


@dataclass(frozen=True, slots=True)
class NewContract:
    """A contract as asked for. Dates lie on UTC hours."""

    customer_id: str
    starting_at: datetime
    ending_before: datetime | None
    rate_card_id: str | None
    name: str | None
    uniqueness_key: str | None
    frequency: Frequency
    statement_day: StatementDay
    billing_anchor_date: datetime | None
    invoice_generation_starting_at: datetime | None
    net_payment_terms_days: int | None
    custom_fields: dict[str, str]


def create(call: Call, wanted: NewContract) -> Contract:
    """Creates a contract and bills the periods that are over already.

    Raises:
        NotFound: the customer or the rate card does not exist.
        InvalidArgument: the customer is archived, or the dates are out of order.
        Conflict: the uniqueness key was used before.
    """
    customer = customers.get(call, wanted.customer_id)
    if customer.archived_at is not None:
        raise InvalidArgument("customer_id: the customer is archived")
    if wanted.rate_card_id is not None:
        rate_cards.get(call, wanted.rate_card_id)
    if wanted.ending_before is not None and wanted.ending_before <= wanted.starting_at:
        raise InvalidArgument("ending_before: must be after starting_at")
    contract = _contract(call, wanted)
    work = UnitOfWork(call.store)
    work.add(Put(to_item(keys.contract(call.tenant, customer.id, contract.id), contract), Absent()))
    if contract.uniqueness_key is not None:
        work.add(
            claims.take(call.tenant, _UNIQUENESS_KEY, contract.uniqueness_key, contract.id),
            otherwise=claims.taken(_KEY_USED),
        )
    work.add(*billing.schedule_first(call, contract))
    created = notices.contract_created(
        contract, customer, environment_type=call.services.environment_type
    )
    outbox.commit(call, work, [created])
    billing.catch_up(call, contract)
    return contract


def get(call: Call, customer_id: str, contract_id: str) -> Contract:
    """Returns a customer's contract.

    Raises:
        NotFound: the customer has no contract of that id.
    """
    contract = read(call.store, keys.contract(call.tenant, customer_id, contract_id), Contract)
    if contract is None:
        raise NotFound("contract", contract_id)
    return contract


def current_period(call: Call, customer: Customer) -> Period:
    """Returns the usage period that runs now.

    Raises:
        InvalidArgument: the customer does not have exactly one running contract.
    """
    running = [
        contract
        for contract in _all(call, customer.id)
        if contract.archived_at is None and contract.covers(call.now)
    ]
    if len(running) != 1:
        raise InvalidArgument(
            f"current_period: needs one running contract, the customer has {len(running)}"
        )
    return next(periods.usage_periods_from(running[0], call.now))


def of_customer(call: Call, customer: Customer) -> list[Contract]:
    """Returns a customer's contracts, the latest start first (decision D-07)."""
    found = sorted(_all(call, customer.id), key=lambda contract: contract.id)
    return sorted(found, key=lambda contract: contract.starting_at, reverse=True)


def _all(call: Call, customer_id: str) -> Iterator[Contract]:
    pk, low, high = keys.contracts(call.tenant, customer_id)
    for item in walk(call.store, Query(pk, low=low, high=high)):
        yield from_item(item, Contract)


def _contract(call: Call, wanted: NewContract) -> Contract:
    anchor = periods.anchor_of(
        wanted.frequency,
        wanted.statement_day,
        starting_at=wanted.starting_at,
        custom=wanted.billing_anchor_date,
    )
    return Contract(
        id=call.services.ids.new(),
        customer_id=wanted.customer_id,
        rate_card_id=wanted.rate_card_id,
        starting_at=wanted.starting_at,
        ending_before=wanted.ending_before,
        name=wanted.name,
        uniqueness_key=wanted.uniqueness_key,
        usage_statement_schedule=StatementSchedule(frequency=wanted.frequency, anchor=anchor),
        invoice_generation_starting_at=wanted.invoice_generation_starting_at,
        net_payment_terms_days=wanted.net_payment_terms_days,
        custom_fields=wanted.custom_fields,
        created_at=call.now,
    )
