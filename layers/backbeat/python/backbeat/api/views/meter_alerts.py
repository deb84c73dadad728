"""Alerts of metered usage as JSON."""

from backbeat.api.views.times import optional, timestamp
from backbeat.models.meter_alerts import MeterAlert, MeterAlertEvent, MeterAlertState


def alert_view(alert: MeterAlert) -> dict[str, object]:
    """Returns an alert."""
    return {
        "id": alert.id,
        "name": alert.name,
        "type": alert.type.value,
        "metric": alert.metric,
        "customer_ref": alert.customer_ref,
        "threshold": alert.threshold,
        "clear_below": alert.clear_below,
        "severity": alert.severity.value,
        "enabled": alert.enabled,
        "created_at": timestamp(alert.created_at),
        "archived_at": optional(alert.archived_at),
    }


def state_view(state: MeterAlertState) -> dict[str, object]:
    """Returns where an alert stands for a customer, and who said what about it."""
    return {
        "alert_id": state.alert_id,
        "alert_name": state.alert_name,
        "metric": state.metric,
        "severity": state.severity.value,
        "customer_ref": state.customer_ref,
        "period_start": timestamp(state.period_start),
        "status": state.status.value,
        "value": state.value,
        "changed_at": timestamp(state.changed_at),
        **_said(state),
    }


def crossing_view(event: MeterAlertEvent) -> dict[str, object]:
    """Returns a crossing."""
    return {
        "id": event.id,
        "alert_id": event.alert_id,
        "alert_name": event.alert_name,
        "type": event.type.value,
        "metric": event.metric,
        "customer_ref": event.customer_ref,
        "period_start": timestamp(event.period_start),
        "status": event.status.value,
        "value": event.value,
        "threshold": event.threshold,
        "severity": event.severity.value,
        "at": timestamp(event.at),
        **_said(event),
    }


def _said(of: MeterAlertState | MeterAlertEvent) -> dict[str, object]:
    return {
        "by": of.by,
        "note": of.note,
        "snoozed_until": optional(of.snoozed_until),
        "resolution": None if of.resolution is None else of.resolution.value,
    }
