"""Usage periods that have begun and are not finalized."""

from collections.abc import Iterator

from backbeat.application.services import Call
from backbeat.domain import periods
from backbeat.models.contracts import Contract, DueItem, WorkKind
from backbeat.models.period import Period
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, read, walk
from backbeat.ports.store import Query


def of_customer(call: Call, customer_id: str) -> Iterator[tuple[Contract, Period]]:
    """Yields the usage periods of a customer that have begun and are not finalized yet."""
    pk, low, high = keys.due_items(call.tenant, customer_id)
    for item in walk(call.store, Query(pk, low=low, high=high)):
        due = from_item(item, DueItem)
        if due.kind is not WorkKind.USAGE:
            continue
        contract = read(
            call.store, keys.contract(call.tenant, customer_id, due.contract_id), Contract
        )
        if contract is None or contract.archived_at is not None:
            continue
        for period in periods.periods_left(contract, due.period_start):
            if period.starting_at > call.now:
                break
            yield contract, period
