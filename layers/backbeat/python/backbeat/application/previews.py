"""What events would do to a customer's drafts, without storing anything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from backbeat.application import drafts, settled_drafts, usage
from backbeat.application.ingest import DEDUPLICATION
from backbeat.application.services import Call
from backbeat.domain import counting, tracking
from backbeat.models.catalog import BillableMetric
from backbeat.models.customers import Customer
from backbeat.models.errors import InvalidArgument
from backbeat.models.invoices import Invoice
from backbeat.models.period import Period
from backbeat.models.usage import PropertyValue, StoredEvent, UsageCell, UsageEvent
from backbeat.persistence import usage as stored_usage


@dataclass(frozen=True, slots=True)
class PreviewEvent:
    """An event to imagine. Without a timestamp it is one of now."""

    event_type: str
    timestamp: datetime | None
    properties: Mapping[str, PropertyValue]
    transaction_id: str | None


def preview(
    call: Call, customer: Customer, events: Sequence[PreviewEvent], *, merge: bool
) -> list[Invoice]:
    """Returns the drafts as they would be with these events alone, or merged with what is stored.

    Events outside the periods of the drafts change nothing, nor do those of a period that is cut
    off, or those whose transaction id was accepted in the last 34 days.

    Raises:
        InvalidArgument: a transaction id comes twice, or a contract bills a SQL metric.
    """
    ids = [event.transaction_id for event in events if event.transaction_id is not None]
    for transaction_id in ids:
        if ids.count(transaction_id) > 1:
            raise InvalidArgument(f"events: transaction_id {transaction_id} comes more than once")
    imagined = [
        StoredEvent(
            UsageEvent(
                event.transaction_id or call.services.ids.new(),
                customer.id,
                event.event_type,
                event.timestamp or call.now,
                event.properties,
            ),
            call.now,
            tracking.place(call.services.clock.now(), number),
        )
        for number, event in enumerate(events)
        if event.transaction_id is None or not _was_accepted(call, event.transaction_id)
    ]
    reading = drafts.Reading(cells=_cells_with(imagined, merge=merge), cells_at_once=_refuse_sql)
    found = settled_drafts.of_customer(call, customer, reading)
    return sorted(found, key=lambda draft: (draft.issued_at, draft.id))


def _cells_with(imagined: Sequence[StoredEvent], *, merge: bool) -> drafts.CellsOf:
    def cells(
        call: Call,
        customer: Customer,
        metric: BillableMetric,
        span: Period,
        received_before: datetime | None,
    ) -> list[UsageCell]:
        if metric.sql is not None:
            return _refuse_sql(call, customer, [(metric, span)], span)
        stored: list[UsageCell] = []
        if merge:
            stored = usage.cells(call, customer, metric, span, received_before=received_before)
        if received_before is not None and call.now >= received_before:
            # Sent now, they would come too late for this period.
            return stored
        inside = [one for one in imagined if span.covers(one.event.timestamp)]
        return [*stored, *counting.cells(metric, inside)]

    return cells


def _refuse_sql(
    call: Call,
    customer: Customer,
    metrics: Sequence[tuple[BillableMetric, Period]],
    span: Period,
) -> list[UsageCell]:
    raise InvalidArgument("events: contracts with SQL billable metrics have no preview")


def _was_accepted(call: Call, transaction_id: str) -> bool:
    return any(
        not is_repeat and stored.received_at + DEDUPLICATION > call.now
        for stored, is_repeat in stored_usage.events_of(call.store, call.tenant, transaction_id)
    )
