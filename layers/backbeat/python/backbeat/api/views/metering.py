"""Metering as JSON."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import msgspec

from backbeat.api import json
from backbeat.api.schemas.metering import AGGREGATION_NAMES
from backbeat.api.views.invoices import invoice_view
from backbeat.api.views.meter_alerts import state_view
from backbeat.api.views.times import optional, present, timestamp
from backbeat.application.metering.caps import Verdict
from backbeat.application.metering.listing import meta_of
from backbeat.application.metering.live_usage import CounterUsage, History, Projection
from backbeat.models.adjustments import Adjustment
from backbeat.models.counters import QUANTITY, RESOURCE, Counter, EventResult, Outcome
from backbeat.models.limits import Cap
from backbeat.models.meter_alerts import MeterAlertState
from backbeat.models.period import Period
from backbeat.models.usage import StoredEvent

EVENT_COLUMNS = (
    "metric",
    "customer_ref",
    "resource_id",
    "quantity",
    "ts",
    "source",
    "meta",
    "idempotency_key",
)
"""The columns of exported events; a backfill reads the same."""


def period_view(period: Period) -> dict[str, object]:
    """Returns a half-open period."""
    return {"start": timestamp(period.starting_at), "end": timestamp(period.ending_before)}


class _Result(msgspec.Struct, omit_defaults=True):
    """A result as it is written. An answer has up to 1,000, so they are no dictionaries."""

    index: int
    idempotency_key: str
    status: str
    error: str | None = None
    adjustment_id: str | None = None
    warning: str | None = None


_WORDS: Final = {outcome: outcome.value for outcome in Outcome}


def results_view(results: Sequence[EventResult], request_id: str) -> dict[str, object]:
    """Returns what became of the events of a request, in their order."""
    shown: list[_Result] = []
    counts = dict.fromkeys(Outcome, 0)
    errors = []
    for place, key, outcome, error, adjustment_id, warning in results:
        counts[outcome] += 1
        shown.append(_Result(place, key, _WORDS[outcome], error, adjustment_id, warning))
        if error is not None:
            errors.append({"index": place, "error": error})
    return present(
        accepted=counts[Outcome.ACCEPTED],
        duplicates=counts[Outcome.DUPLICATE],
        pending=counts[Outcome.PENDING],
        request_id=request_id,
        results=shown,
        errors=errors or None,
    )


def counter_view(counter: Counter) -> dict[str, object]:
    """Returns a counter."""
    return present(
        name=counter.name,
        billable_metric_id=counter.billable_metric_id,
        aggregation=AGGREGATION_NAMES[counter.aggregation],
        unit=counter.unit,
        late_window_hours=counter.late_window_hours,
        late_limit=counter.late_limit,
        created_at=timestamp(counter.created_at),
    )


def stored_event_view(stored: StoredEvent) -> dict[str, object]:
    """Returns an event as it lies in the ledger."""
    event = stored.event
    return present(
        idempotency_key=event.transaction_id,
        metric=event.event_type,
        customer_ref=event.customer_key,
        resource_id=event.properties.get(RESOURCE),
        quantity=event.properties.get(QUANTITY),
        ts=timestamp(event.timestamp),
        source=event.properties.get("source"),
        meta=meta_of(event),
        received_at=timestamp(stored.received_at),
    )


def events_csv(events: Iterable[StoredEvent]) -> bytes:
    """Returns events as CSV with a header row."""
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(EVENT_COLUMNS)
    for stored in events:
        event = stored.event
        meta = meta_of(event)
        rows.writerow(
            (
                event.event_type,
                event.customer_key,
                event.properties.get(RESOURCE) or "",
                event.properties.get(QUANTITY),
                timestamp(event.timestamp),
                event.properties.get("source") or "",
                json.dumps(meta) if meta else "",
                event.transaction_id,
            )
        )
    return text.getvalue().encode()


def usage_view(
    customer_ref: str,
    period: Period,
    counters: Sequence[CounterUsage],
    alerts: Sequence[MeterAlertState],
) -> dict[str, object]:
    """Returns a customer's usage of the running period, and what is above its line in it."""
    return {
        "customer_ref": customer_ref,
        "period": period_view(period),
        "metrics": [
            {
                "name": one.counter.name,
                "aggregation": AGGREGATION_NAMES[one.counter.aggregation],
                "current": one.current,
                "unit": one.counter.unit or "unit",
                "limit": None if one.cap is None else one.cap.limit,
                "cap": None if one.cap is None else one.cap.mode.value,
            }
            for one in counters
        ],
        "alerts": [state_view(one) for one in alerts],
    }


def history_view(customer_ref: str, history: History) -> dict[str, object]:
    """Returns usage by window, oldest first."""
    return {
        "customer_ref": customer_ref,
        "metric": history.counter.name,
        "aggregation": AGGREGATION_NAMES[history.counter.aggregation],
        "time_range": period_view(history.span),
        "usage": [
            {
                "ts": timestamp(window.starting_at),
                "until": timestamp(window.ending_before),
                "value": value,
            }
            for window, value in history.windows
        ],
        "totals": {"value": history.total},
    }


def projection_view(
    customer_ref: str, projections: Sequence[Projection], now: datetime
) -> dict[str, object]:
    """Returns open periods so far and to their end; amounts in the unit of each invoice."""
    return {
        "customer_ref": customer_ref,
        "periods": [
            {
                "period": period_view(one.period),
                "elapsed": one.elapsed,
                "so_far": invoice_view(one.so_far, skip_zero=True),
                "projected": invoice_view(one.projected, skip_zero=True),
                "freshness": {
                    "last_event_at": optional(one.last_event_at),
                    "staleness_seconds": None
                    if one.last_event_at is None
                    else max(0, int((now - one.last_event_at).total_seconds())),
                },
            }
            for one in projections
        ],
    }


def cap_view(cap: Cap) -> dict[str, object]:
    """Returns a cap."""
    return {
        "id": cap.id,
        "metric": cap.metric,
        "customer_ref": cap.customer_ref,
        "limit": cap.limit,
        "mode": cap.mode.value,
        "created_at": timestamp(cap.created_at),
    }


def verdict_view(verdict: Verdict) -> dict[str, object]:
    """Returns whether more usage is allowed."""
    cap = verdict.cap
    return {
        "allowed": verdict.allowed,
        "used": verdict.used,
        "limit": None if cap is None else cap.limit,
        "remaining": verdict.remaining,
        "mode": None if cap is None else cap.mode.value,
        "cap_id": None if cap is None else cap.id,
        "warning": verdict.warning,
        "period": period_view(verdict.period),
    }


def adjustment_view(adjustment: Adjustment) -> dict[str, object]:
    """Returns an adjustment."""
    return present(
        id=adjustment.id,
        metric=adjustment.metric,
        customer_ref=adjustment.customer_ref,
        ts=timestamp(adjustment.timestamp),
        delta=None if adjustment.observes else adjustment.quantity,
        value=adjustment.quantity if adjustment.observes else None,
        reason=adjustment.reason.value,
        status=adjustment.status.value,
        note=adjustment.note,
        request_id=adjustment.request_id,
        event_key=adjustment.event_key,
        resource_id=adjustment.resource_id,
        meta=adjustment.meta or None,
        created_at=timestamp(adjustment.created_at),
        created_by=adjustment.created_by,
        sent_by=adjustment.sent_by,
        decided_at=optional(adjustment.decided_at),
        decided_by=adjustment.decided_by,
        reverted_at=optional(adjustment.reverted_at),
        reverted_by=adjustment.reverted_by,
    )
