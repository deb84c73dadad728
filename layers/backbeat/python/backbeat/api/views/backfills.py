"""Backfills and replays as JSON."""

from backbeat.api.views.metering import period_view
from backbeat.api.views.times import optional, present, timestamp
from backbeat.application.metering.replays import Replay
from backbeat.models.backfills import Backfill, RowOutcome


def backfill_view(backfill: Backfill) -> dict[str, object]:
    """Returns a backfill and how far it is."""
    return present(
        operation_id=backfill.id,
        status=backfill.status.value,
        metric=backfill.metric,
        customer_ref=backfill.customer_ref,
        period=period_view(backfill.period),
        reason=backfill.reason,
        format=backfill.format.value,
        source_url=backfill.source_url,
        rows=backfill.rows,
        processed=backfill.accepted + backfill.duplicates + backfill.failed,
        accepted=backfill.accepted,
        duplicates=backfill.duplicates,
        failed=backfill.failed,
        error=backfill.error,
        created_at=timestamp(backfill.created_at),
        created_by=backfill.created_by,
        started_at=optional(backfill.started_at),
        finished_at=optional(backfill.finished_at),
    )


def row_view(outcome: RowOutcome) -> dict[str, object]:
    """Returns what became of a row."""
    return present(
        row=outcome.number,
        idempotency_key=outcome.key or None,
        status=outcome.outcome.value,
        error=outcome.error,
    )


def replay_view(replay: Replay) -> dict[str, object]:
    """Returns what a replay found."""
    return {
        "applied": replay.applied,
        "time_range": period_view(replay.span),
        "metrics": [
            {
                "metric": one.counter.name,
                "events_found": one.events_found,
                "late_events": one.late_events,
                "counter_before": one.before,
                "counter_after": one.after,
                "counter_delta": one.counter_delta,
                "affected_customers": one.affected_customers,
                "watermark": optional(one.watermark),
            }
            for one in replay.metrics
        ],
        "summary": {
            "metrics": len(replay.metrics),
            "events_found": sum(one.events_found for one in replay.metrics),
            "late_events": sum(one.late_events for one in replay.metrics),
            "customers_affected": len(
                {customer for one in replay.metrics for customer in one.affected_customers}
            ),
        },
        "cursor": replay.cursor,
    }
