"""Usage periods that have begun and are not finalized."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from backbeat.application.services import Call
from backbeat.domain import invoicing, periods
from backbeat.models.contracts import Contract, DueItem, WorkKind
from backbeat.models.period import HOUR, Period, hour_of
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, read, walk
from backbeat.ports.store import Query


class Open(NamedTuple):
    """An open period of a contract.

    Usage received from `received_before` on, an hour, is too late for its draft; None: there is
    none yet. Of a period that was over when it came to be billed here, as where a contract begins
    in the past, that is after what was known then.
    """

    contract: Contract
    period: Period
    received_before: datetime | None


def of_customer(
    call: Call, customer_id: str, known: Mapping[str, Contract] | None = None
) -> Iterator[Open]:
    """Yields the usage periods of a customer that have begun and are not finalized yet.

    Contracts that are `known` are not read again.
    """
    pk, low, high = keys.due_items(call.tenant, customer_id)
    for item in walk(call.store, Query(pk, low=low, high=high)):
        due = from_item(item, DueItem)
        if due.kind is not WorkKind.USAGE:
            continue
        contract = None if known is None else known.get(due.contract_id)
        if contract is None:
            key = keys.contract(call.tenant, customer_id, due.contract_id)
            contract = read(call.store, key, Contract)
        if contract is None or contract.archived_at is not None:
            continue
        for period in periods.periods_left(contract, due.period_start):
            if period.starting_at > call.now:
                break
            yield Open(contract, period, _too_late_from(call, due, period))


def _too_late_from(call: Call, due: DueItem, period: Period) -> datetime | None:
    cut_off = invoicing.finalizes_at(period)
    if call.now < cut_off:
        return None
    if due.opened_at is None:
        return cut_off
    return max(cut_off, hour_of(due.opened_at) + HOUR)
