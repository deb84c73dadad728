"""What an ingest request leaves beside its events: values that are tracked, and active hours."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from backbeat.application import arrivals
from backbeat.application.services import Call
from backbeat.domain import counting, tracking
from backbeat.models.catalog import BillableMetric
from backbeat.models.errors import Retryable
from backbeat.models.usage import StoredEvent, UsageEvent
from backbeat.persistence import raw_events
from backbeat.ports.store import Contention


@dataclass(frozen=True, slots=True)
class Acceptance:
    """How a request's events are accepted: when, and with which places in the order of ingest."""

    now: datetime
    metrics: Sequence[BillableMetric]
    places: Mapping[str, Decimal]

    def of(self, event: UsageEvent) -> StoredEvent:
        """Returns the event as it is to be stored."""
        return StoredEvent(event, self.now, self.places.get(event.transaction_id))


def acceptance(
    call: Call, events: Collection[UsageEvent], metrics: Iterable[BillableMetric]
) -> Acceptance:
    """Prepares for accepting events, whose transaction ids differ.

    Raises:
        InvalidArgument: a value could not be kept exactly.
    """
    followed = [metric for metric in metrics if metric.is_tracked]
    if not followed:
        return Acceptance(call.now, (), {})
    real_now = call.services.clock.now()
    # A sandbox's clock may stand still; the order of ingest goes on.
    places = {
        event.transaction_id: tracking.place(real_now, number)
        for number, event in enumerate(events)
    }
    accepted = Acceptance(call.now, followed, places)
    tracking.refuse_too_long(map(accepted.of, events), followed)
    return accepted


def track(
    call: Call,
    accepted: Acceptance,
    events: Iterable[UsageEvent],
    repeated: Iterable[StoredEvent],
) -> None:
    """Writes what committed events say to tracked metrics.

    A repeat says again what the event stored first says, so a request that is sent again after a
    crash completes what was left undone.

    Raises:
        Retryable: the store could not take all of it now; sending the events again completes it.
    """
    if not accepted.metrics:
        return
    said = {accepted.now: tracking.measured(map(accepted.of, events), accepted.metrics)}
    for stored in repeated:
        there = [metric for metric in accepted.metrics if counting.counts(metric, stored)]
        again = tracking.measured([stored], there)
        before = said.get(stored.received_at, {})
        said[stored.received_at] = tracking.together(before, again)
    try:
        for received_at, measured in said.items():
            arrivals.track(call, measured, received_at)
    except Contention as contention:
        raise Retryable("The events are stored but not fully counted. Send them again.") from (
            contention
        )


def mark_days(call: Call, hours: Iterable[tuple[str, datetime]]) -> None:
    """Notes the days of the hours in which customer keys have events, before they do.

    A mark without events does no harm.
    """
    tenant, seen = call.tenant, call.services.marked_days
    new = seen.new((tenant, customer_key, hour.replace(hour=0)) for customer_key, hour in hours)
    if not new:
        return
    raw_events.mark(
        call.store,
        tenant,
        ((customer_key, day) for _, customer_key, day in new),
        real_now=call.services.clock.now(),
    )
    seen.add(new)
