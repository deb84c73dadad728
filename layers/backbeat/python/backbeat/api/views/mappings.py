"""Mappings to Stripe, and pushes there, as JSON."""

from backbeat.api.views.metering import period_view
from backbeat.api.views.times import optional, present, timestamp
from backbeat.application.metering.pushes import Pushed
from backbeat.models.mappings import MeterMapping, PushRecord, PushState, Target


def mapping_view(mapping: MeterMapping) -> dict[str, object]:
    """Returns a mapping."""
    return {
        "id": mapping.id,
        "metric": mapping.metric,
        "customer_refs": mapping.customer_refs,
        "stripe": _target_view(mapping.target),
        "shadow": None if mapping.shadow is None else _target_view(mapping.shadow),
        "anchor": timestamp(mapping.schedule.anchor),
        "frequency": mapping.schedule.frequency.value,
        "starting_at": timestamp(mapping.starting_at),
        "ending_before": optional(mapping.ending_before),
        "active": mapping.active,
        "created_at": timestamp(mapping.created_at),
    }


def pushed_view(pushed: Pushed) -> dict[str, object]:
    """Returns how a period's usage stands at a target."""
    return present(
        mapping_id=pushed.mapping.id,
        metric=pushed.mapping.metric,
        lane=pushed.target.lane.value,
        period=period_view(pushed.part),
        status=pushed.progress.value,
        local_total=pushed.total,
        message=pushed.message,
        **state_view(pushed.state),
    )


def state_view(state: PushState) -> dict[str, object]:
    """Returns how far a period is pushed."""
    pending, failed = state.pending, state.failed
    return {
        "pushed_total": state.pushed,
        "pushes": state.sequence,
        "pending": None
        if pending is None
        else present(
            delta=pending.delta,
            identifier=pending.identifier,
            attempts=pending.attempts,
            error=pending.error,
            retry_at=optional(pending.retry_at),
        ),
        "failed": None
        if failed is None
        else {"delta": failed.delta, "message": failed.message, "at": timestamp(failed.at)},
        "last_sent_at": optional(state.last_sent_at),
        "closed_at": optional(state.closed_at),
        "finalized_at": optional(state.finalized_at),
    }


def push_view(record: PushRecord) -> dict[str, object]:
    """Returns a line of a target's log."""
    return present(
        sequence=record.sequence,
        period_start=timestamp(record.period_start),
        delta=record.delta,
        identifier=record.identifier,
        ts=timestamp(record.timestamp),
        status=record.status.value,
        begun_at=timestamp(record.begun_at),
        settled_at=optional(record.settled_at),
        known=record.known or None,
        message=record.message,
    )


def _target_view(target: Target) -> dict[str, object]:
    return {
        "meter_id": target.meter_id,
        "event_name": target.event_name,
        "stripe_customer_id": target.stripe_customer_id,
    }
