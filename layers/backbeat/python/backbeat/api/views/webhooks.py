"""Deliveries as the delivery log shows them."""

from backbeat.api import json
from backbeat.api.views.times import present, timestamp
from backbeat.application.delivery_log import Told
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
            present(
                at=timestamp(attempt.at),
                status=attempt.status,
                error=attempt.error,
                duration_ms=attempt.duration_milliseconds,
            )
            for attempt in delivery.attempts
        ],
    }


def event_view(told: Told) -> dict[str, object]:
    """Returns an event with the body that is posted, and its deliveries."""
    return {
        "id": told.notification.id,
        "type": told.notification.type,
        "created_at": timestamp(told.notification.created_at),
        "body": json.loads(told.notification.body),
        "deliveries": [delivery_view(one) for one in told.deliveries],
    }
