"""What may be proposed as a change of usage, by what a counter does with its events (D-48).

A sum is changed by an amount, up or down. Of the others, what happened cannot be made undone by one
more event, and what did not add up before does not now; but what was missed can be brought in: so
many events of a count, a value of a maximum or a latest value, and one of the different values.
What would change nothing is refused, since whoever proposes it expects otherwise.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import reduce
from typing import Final

from backbeat.application.metering import adjustment_items, billing_periods, definitions, quantities
from backbeat.application.services import Call
from backbeat.domain import counting, measures, tracking
from backbeat.domain.identity import derived_id
from backbeat.models.adjustments import Adjustment, AdjustmentReason
from backbeat.models.catalog import Aggregation, BillableMetric
from backbeat.models.counters import Counter
from backbeat.models.errors import Conflict, InvalidArgument
from backbeat.models.period import HOUR, Period, hour_of
from backbeat.models.usage import StoredEvent, UsageCell
from backbeat.persistence import keys
from backbeat.persistence.entities import read

MOST_EVENTS: Final = 1000
"""Events that an adjustment may add to a count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A change to propose: an amount to add (`delta`), or a `value` or resource that was missed."""

    metric: str
    customer_ref: str
    timestamp: datetime
    delta: Decimal | None = None
    value: Decimal | None = None
    resource_id: str | None = None
    reason: AdjustmentReason
    by: str
    note: str | None = None
    request_id: str | None = None
    meta: Mapping[str, object]


def create(call: Call, proposal: Proposal) -> Adjustment:
    """Proposes a change. The same `request_id` proposes it once.

    Raises:
        NotFound: there is no counter of that name.
        InvalidArgument: the counter cannot be changed in that way, or would not count the change.
        Conflict: the request id was used for another change.
    """
    known = definitions.of(call)
    counter = known.counter(proposal.metric)
    wanted = _wanted(call, counter, proposal)
    there = read(call.store, keys.adjustment(call.tenant, wanted.id), Adjustment)
    if there is None:
        _refuse_useless(call, known.metric_of(counter), counter, wanted)
        there = adjustment_items.propose(call, wanted)
    if not _is_same(there, wanted):
        raise Conflict("request_id: was used for another adjustment", conflicting_id=there.id)
    return there


def _wanted(call: Call, counter: Counter, proposal: Proposal) -> Adjustment:
    asked = proposal.request_id
    id_ = call.services.ids.new() if asked is None else derived_id("adjustment", asked)
    quantity = _quantity(counter, proposal)
    return Adjustment(
        id=id_,
        metric=proposal.metric,
        customer_ref=proposal.customer_ref,
        timestamp=proposal.timestamp,
        quantity=quantity,
        observes=counter.observes,
        times=int(quantity) if counter.aggregation is Aggregation.COUNT else 1,
        reason=proposal.reason,
        event_key=f"adj_{id_}",
        note=proposal.note,
        request_id=asked,
        resource_id=proposal.resource_id,
        meta=dict(proposal.meta),
        created_at=call.now,
        created_by=proposal.by,
    )


def _quantity(counter: Counter, proposal: Proposal) -> Decimal:
    """Returns the amount or value that is proposed; 1 for one of many different values."""
    match counter.aggregation:
        case Aggregation.SUM:
            return _given("delta", proposal, f"{counter.name} is a sum, changed by an amount")
        case Aggregation.COUNT:
            return _events(counter, proposal)
        case Aggregation.MAX:
            why = f"{counter.name} is the greatest value, so there is nothing to add to it"
            return _given("value", proposal, why)
        case Aggregation.LATEST:
            why = f"{counter.name} is the latest value, so there is nothing to add to it"
            return _given("value", proposal, why)
        case Aggregation.UNIQUE:
            why = f"{counter.name} counts different values, so there is nothing to add to it"
            _refuse("delta", proposal, f"{why}: name the one that was missed")
            _refuse("value", proposal, f"{why}: name the one that was missed")
            return Decimal(1)


def _events(counter: Counter, proposal: Proposal) -> Decimal:
    number = _given("delta", proposal, f"{counter.name} counts events")
    if number != number.to_integral_value() or not 1 <= number <= MOST_EVENTS:
        raise InvalidArgument(
            f"delta: {counter.name} counts events, so 1 to {MOST_EVENTS} whole ones can be added;"
            " none can be taken back, since what happened stays counted"
        )
    return number


def _given(name: str, proposal: Proposal, why: str) -> Decimal:
    """Returns the one number that makes sense, and makes sure that the other is not given."""
    _refuse("value" if name == "delta" else "delta", proposal, f"{why}: give {name}")
    number: Decimal | None = getattr(proposal, name)
    if number is None:
        raise InvalidArgument(f"{name}: required, since {why}")
    return number


def _refuse(name: str, proposal: Proposal, why: str) -> None:
    if getattr(proposal, name) is not None:
        raise InvalidArgument(f"{name}: {why}")


def _refuse_useless(
    call: Call, metric: BillableMetric, counter: Counter, wanted: Adjustment
) -> None:
    place = tracking.place(call.services.clock.now(), 1)
    events = [StoredEvent(event, call.now, place) for event in adjustment_items.events_of(wanted)]
    added = counting.cells(metric, events)
    if not added:
        lacks = "resource_id or meta" if counter.aggregation is Aggregation.UNIQUE else "meta"
        raise InvalidArgument(f"{lacks}: the counter does not count such an event; see its metric")
    if not wanted.observes:
        return
    if all(_is_known(cell, _hour(call, metric, wanted)) for cell in added):
        told = {
            Aggregation.MAX: "value: one at least as great was counted in that hour",
            Aggregation.LATEST: "ts: a later value was counted in that hour",
        }
        problem = told.get(counter.aggregation, "resource_id: was counted in that hour")
        raise InvalidArgument(f"{problem}, so it would change nothing")


def _hour(call: Call, metric: BillableMetric, wanted: Adjustment) -> Sequence[UsageCell]:
    customer = billing_periods.customer_of(call, wanted.customer_ref)
    start = hour_of(wanted.timestamp)
    return quantities.cells(call, metric, [customer], Period(start, start + HOUR))


def _is_known(cell: UsageCell, counted: Sequence[UsageCell]) -> bool:
    there = [one.tally for one in counted if one.groups == cell.groups]
    if not there:
        return False
    before = reduce(measures.together, there)
    return measures.together(before, cell.tally) == before


def _is_same(one: Adjustment, other: Adjustment) -> bool:
    names = ("metric", "customer_ref", "timestamp", "quantity", "resource_id", "reason", "meta")
    return all(getattr(one, name) == getattr(other, name) for name in names)
