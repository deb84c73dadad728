"""When a value crosses a line.

Owns: hysteresis. Does not own: where values come from, who is told.
Times: none; each billing period begins untriggered.
Invariants: two crossings in the same direction never follow each other, so a value that swings
about the threshold is told of once.
"""

from decimal import Decimal

from backbeat.models.meter_alerts import MeterAlert, MeterAlertStatus


def status_after(alert: MeterAlert, before: MeterAlertStatus, value: Decimal) -> MeterAlertStatus:
    """Returns where an alert stands when its value is known."""
    if value >= alert.threshold:
        return MeterAlertStatus.TRIGGERED
    if before is MeterAlertStatus.TRIGGERED and value >= alert.clear_below:
        return MeterAlertStatus.TRIGGERED
    return MeterAlertStatus.OK
