"""Events that came in as JSON."""

from backbeat.api import json
from backbeat.api.views.times import optional, timestamp
from backbeat.models.inbound import InboundEvent


def inbound_view(event: InboundEvent) -> dict[str, object]:
    """Returns how far an event is, without what it says."""
    return {
        "provider": event.provider,
        "id": event.id,
        "type": event.type,
        "state": event.state,
        "source": event.source,
        "attempts": event.attempts,
        "outcome": event.outcome,
        "error": event.error,
        "occurred_at": optional(event.occurred_at),
        "received_at": timestamp(event.received_at),
        "finished_at": optional(event.finished_at),
    }


def whole_inbound_view(event: InboundEvent) -> dict[str, object]:
    """Returns an event with what it says."""
    return {**inbound_view(event), "body": json.loads(event.body)}
