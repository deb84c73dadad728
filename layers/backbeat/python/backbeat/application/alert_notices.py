"""Alerts as subscribers are told of them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

import msgspec

from backbeat.domain.identity import derived_id
from backbeat.domain.thresholds import Transition
from backbeat.models.alerts import Alert
from backbeat.models.money import plain
from backbeat.models.notifications import Notification

_encoder: Final = msgspec.json.Encoder(decimal_format="number")


def notice(
    alert: Alert, customer_id: str, transition: Transition, *, cause: str | None, at: datetime
) -> Notification | None:
    """Returns what to tell of a transition, or None.

    Its id is that of the change of this place's state, so the same change is told once.
    """
    if transition.event_type is None:
        return None
    state = transition.state
    timestamp = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    properties: dict[str, object] = {
        "customer_id": customer_id,
        "alert_id": alert.id,
        "timestamp": timestamp,
        "threshold": alert.threshold,
        "alert_name": alert.name,
        **transition.properties,
    }
    if cause is not None:
        properties["triggered_by"] = cause
    id_ = derived_id("notification", "alert", alert.id, customer_id, state.place, state.changes)
    body = {"id": id_, "type": transition.event_type, "properties": _written(properties)}
    return Notification(
        id=id_,
        type=transition.event_type,
        body=_encoder.encode(body).decode(),
        created_at=at,
    )


def _written(properties: Mapping[str, object]) -> dict[str, object]:
    return {
        name: plain(value) if isinstance(value, Decimal) else value
        for name, value in properties.items()
    }
