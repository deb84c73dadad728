"""Usage as the API shows it."""

from backbeat.api.views.older_metrics import matched_metric_view
from backbeat.api.views.times import present, timestamp
from backbeat.application.seats import SeatRow
from backbeat.application.usage import FoundEvent, GroupRow, UsageRow


def usage_row_view(row: UsageRow) -> dict[str, object]:
    """Returns one metric's quantity in one window; null when nothing was counted."""
    view: dict[str, object] = {
        "customer_id": row.customer_id,
        "billable_metric_id": row.metric.id,
        "billable_metric_name": row.metric.name,
        "start_timestamp": timestamp(row.window.starting_at),
        "end_timestamp": timestamp(row.window.ending_before),
        "value": row.value,
    }
    if row.groups is not None:
        view["groups"] = row.groups
    return view


def group_row_view(row: GroupRow) -> dict[str, object]:
    """Returns one group's quantity in one window. A simple key is also shown the older way."""
    key, value = next(iter(row.group.items())) if len(row.group) == 1 else (None, None)
    view: dict[str, object] = {
        "starting_on": timestamp(row.window.starting_at),
        "ending_before": timestamp(row.window.ending_before),
        **({"group": row.group} if row.group else {}),
        "group_key": key,
        "group_value": value,
        "value": row.value,
    }
    return view


def seat_row_view(row: SeatRow) -> dict[str, object]:
    """Returns the seat count of one window; null when none is known."""
    return {
        "starting_on": timestamp(row.window.starting_at),
        "ending_before": timestamp(row.window.ending_before),
        "value": row.value,
    }


def event_view(found: FoundEvent) -> dict[str, object]:
    """Returns a stored event and what it counts for."""
    event = found.stored.event
    customer = found.customer
    return present(
        id=found.id,
        transaction_id=event.transaction_id,
        customer_id=event.customer_key,
        event_type=event.event_type,
        timestamp=timestamp(event.timestamp),
        properties=event.properties,
        is_duplicate=found.is_duplicate,
        processed_at=timestamp(found.stored.received_at),
        matched_customer=None if customer is None else {"id": customer.id, "name": customer.name},
        matched_billable_metrics=[matched_metric_view(metric) for metric in found.metrics],
    )
