"""When a value crosses a line, and what follows from what people said about it.

Owns: hysteresis, when a snooze is over. Does not own: where values come from, who is told.
Times: a snooze ends at an instant of its own; each billing period begins untriggered.
Invariants: two crossings in the same direction never follow each other, so a value that swings
about the threshold is told of once. What is acknowledged is told of again only after it was ok.
"""

from datetime import datetime
from decimal import Decimal

from backbeat.models.meter_alerts import MeterAlert, MeterAlertState, MeterAlertStatus


def status_after(
    alert: MeterAlert, before: MeterAlertState | None, value: Decimal, now: datetime
) -> MeterAlertStatus:
    """Returns where an alert stands when its value is known."""
    line = alert.clear_below if before is not None and before.is_open else alert.threshold
    if value < line:
        return MeterAlertStatus.OK
    if before is None:
        return MeterAlertStatus.TRIGGERED
    if before.status is MeterAlertStatus.SNOOZED and not is_over(before, now):
        return MeterAlertStatus.SNOOZED
    if before.status is MeterAlertStatus.ACKNOWLEDGED:
        return MeterAlertStatus.ACKNOWLEDGED
    return MeterAlertStatus.TRIGGERED


def is_over(snoozed: MeterAlertState, now: datetime) -> bool:
    """Tells whether a snooze has ended."""
    return snoozed.snoozed_until is None or snoozed.snoozed_until <= now
