"""Scheduled metering: pushes to Stripe, and reconciliation."""

from typing import Any

from backbeat import bootstrap
from backbeat.application.metering import schedules


def handler(event: dict[str, Any], context: Any) -> Any:
    """Answers the schedules' `{"action": "push"}` and `{"action": "reconcile"}`."""
    services = bootstrap.services()
    actions = {"push": schedules.push_all, "reconcile": schedules.reconcile_all}
    return actions[event["action"]](services)._asdict()
