"""Entries of the log of changes as JSON."""

from backbeat.api.views.times import present, timestamp
from backbeat.models.audit import AuditEntry


def audit_entry_view(entry: AuditEntry) -> dict[str, object]:
    """Returns an entry. `timestamp` is the time of the sandbox, if there is one."""
    return {
        "id": entry.id,
        "timestamp": timestamp(entry.at),
        "actor": {"id": entry.actor_id, "name": entry.actor_name},
        "request": present(id=entry.request_id, ip=entry.ip, user_agent=entry.user_agent),
        "resource_type": entry.resource_type,
        "resource_id": entry.resource_id,
        "action": entry.action.value,
        "status": entry.status.value,
        "description": _told(entry),
    }


def _told(entry: AuditEntry) -> str:
    by = "by itself" if entry.operation is None else f"by {entry.operation}"
    return f"{entry.action.value} {entry.resource_type} {entry.resource_id} {by}"
