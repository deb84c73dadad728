"""Usage periods that have begun and are not finalized."""

from collections.abc import Iterator
from datetime import datetime

from backbeat.application.services import Call
from backbeat.domain import invoicing, periods
from backbeat.models.contracts import Contract, DueItem, WorkKind
from backbeat.models.period import HOUR, Period, hour_of
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


def received_before(call: Call, contract: Contract, period: Period) -> datetime | None:
    """Returns the hour from which on usage is too late for the draft of an open period.

    None: there is none yet. Of a period that was over when it came to be billed here, as where a
    contract begins in the past, that is after what was known then.
    """
    cut_off = invoicing.finalizes_at(period)
    if call.now < cut_off:
        return None
    key = keys.due_item(call.tenant, contract.customer_id, contract.id, WorkKind.USAGE)
    due = read(call.store, key, DueItem)
    if due is None or due.opened_at is None:
        return cut_off
    return max(cut_off, hour_of(due.opened_at) + HOUR)
