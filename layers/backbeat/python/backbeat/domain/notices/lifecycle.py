"""Starts and ends, and notifications some time before or after an event.

Owns: the segment shape, and what an offset adds to a system event. Does not own: when they are due.
Times: `timestamp` is the source event's own time, whenever it is told.
Invariants: a start or end is told once for each date it has and each offset it is told with.
"""

import json
from datetime import datetime

from backbeat.domain.identity import derived_id
from backbeat.domain.lifecycle import Telling
from backbeat.domain.notices.balances import balance_fields
from backbeat.domain.notices.contracts import contract_fields
from backbeat.domain.notices.shapes import seconds, system_event
from backbeat.models.customers import Customer
from backbeat.models.lifecycle import OffsetConfig
from backbeat.models.notifications import Notification


def occurred(
    telling: Telling, customer: Customer, *, environment_type: str, at: datetime
) -> Notification:
    """Tells of a start or an end, or that it is some time away."""
    one = telling.occurrence
    fields: dict[str, object] = {}
    if one.balance is not None and one.segment is not None:
        fields = balance_fields(one.balance, one.contract, customer)
        fields |= {
            "segment_index": one.balance.segments.index(one.segment),
            "segment_count": len(one.balance.segments),
            "segment_id": one.segment.id,
        }
    elif one.contract is not None:
        fields = contract_fields(one.contract, customer)
    fact = f"{one.subject_id} {seconds(one.at)}"
    if telling.config is not None:
        fields |= _offset_fields(telling.config)
        fact = f"{fact} {telling.config.id} {telling.config.offset}"
    return system_event(
        one.type.value,
        fields,
        fact=fact,
        environment_type=environment_type,
        timestamp=one.at,
        at=at,
    )


def at_offset(told: Notification, config: OffsetConfig, *, at: datetime) -> Notification:
    """Returns a system event as it is told some time after what somebody did."""
    id_ = derived_id("notification", told.type, told.id, config.id)
    # A system event holds texts and whole numbers only.
    body = {**json.loads(told.body), "id": id_, **_offset_fields(config)}
    text = json.dumps(body, separators=(",", ":"))
    return Notification(id=id_, type=told.type, body=text, created_at=at)


def _offset_fields(config: OffsetConfig) -> dict[str, object]:
    return {"offset_id": config.id, "offset_duration": config.offset}
