"""Deliveries as the delivery log shows them."""

from backbeat.api.views.times import present, timestamp
from backbeat.models.notifications import Delivery


def delivery_view(delivery: Delivery) -> dict[str, object]:
    """Returns a delivery with every attempt."""
    return {
        "event_id": delivery.notification_id,
        "event_type": delivery.notification_type,
        "target": delivery.url,
        "state": delivery.state.value,
        "created_at": timestamp(delivery.created_at),
        "attempts": [
            present(at=timestamp(attempt.at), status=attempt.status, error=attempt.error)
            for attempt in delivery.attempts
        ],
    }
