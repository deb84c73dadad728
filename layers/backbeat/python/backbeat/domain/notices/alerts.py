"""Events about alerts.

Owns: what every such event says. Does not own: what an alert saw, and whether that is told.
Times: milliseconds.
Invariants: each change of where an alert stands is told of once.
"""

from datetime import datetime

from backbeat.domain.notices.shapes import event, milliseconds
from backbeat.domain.thresholds import Transition
from backbeat.models.alerts import Alert
from backbeat.models.notifications import Notification


def alert_changed(
    alert: Alert, customer_id: str, transition: Transition, *, cause: str | None, at: datetime
) -> Notification | None:
    """Tells that an alert was reached, or is over; None where nobody is to be told."""
    if transition.event_type is None:
        return None
    state = transition.state
    properties = {
        "customer_id": customer_id,
        "alert_id": alert.id,
        "timestamp": milliseconds(at),
        "threshold": alert.threshold,
        "alert_name": alert.name,
        **transition.properties,
        "triggered_by": cause,
    }
    fact = f"{alert.id} {customer_id} {state.place} {state.changes}"
    return event(transition.event_type, properties, fact=fact, at=at)
