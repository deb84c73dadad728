"""Alerts as the API shows them. Their statuses are in lower case."""

from backbeat.api.views.times import timestamp
from backbeat.application.alerts import CustomerAlert
from backbeat.models.alerts import Alert


def customer_alert_view(shown: CustomerAlert) -> dict[str, object]:
    """Returns where an alert stands for a customer."""
    return {
        "customer_status": None if shown.status is None else shown.status.value,
        "triggered_by": shown.triggered_by,
        "alert": alert_view(shown.alert),
    }


def alert_view(alert: Alert) -> dict[str, object]:
    """Returns an alert; what it does not have is left out."""
    optional = {
        "uniqueness_key": alert.uniqueness_key,
        "custom_field_filters": [one.model_dump(mode="json") for one in alert.field_filters],
        "alert_specifiers": [
            one.model_dump(mode="json", exclude_defaults=True) for one in alert.specifiers
        ],
        "access_type": alert.access_type,
        "group_values": [one.model_dump(exclude_none=True) for one in alert.group_values],
        "invoice_types_filter": list(alert.invoice_types),
        "credit_grant_type_filters": list(alert.grant_types),
        "seat_filter": None
        if alert.seat_filter is None
        else alert.seat_filter.model_dump(exclude_none=True),
    }
    if len(alert.group_values) == 1 and alert.group_values[0].value is not None:
        optional["group_key_filter"] = alert.group_values[0].model_dump()
    return {
        "id": alert.id,
        "name": alert.name,
        "type": alert.type.value,
        "status": status_of(alert),
        "credit_type": {"id": alert.credit_type.id, "name": alert.credit_type.name},
        "threshold": alert.threshold,
        "updated_at": timestamp(alert.updated_at),
        **{name: value for name, value in optional.items() if value},
    }


def status_of(alert: Alert) -> str:
    """Returns whether an alert is in service."""
    return "enabled" if alert.archived_at is None else "archived"
