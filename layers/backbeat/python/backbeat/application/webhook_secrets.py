"""What webhooks are signed with: a secret and, for a while after a change, the one before it."""

from datetime import datetime, timedelta
from typing import Final

from backbeat.application import audit
from backbeat.application.services import Call
from backbeat.models.audit import AuditAction
from backbeat.models.base import Model

DEFAULT_OVERLAP: Final = timedelta(hours=24)
"""How long a replaced secret stays valid, unless said otherwise."""


class _Ring(Model):
    """The secret, and the one it replaced until `previous_until` (real time).

    Kept as one secret, so that no crash can separate the two.
    """

    current: str
    previous: str | None = None
    previous_until: datetime | None = None


def replace(
    call: Call,
    secret: str,
    *,
    overlap: timedelta = DEFAULT_OVERLAP,
    endpoint_id: str | None = None,
) -> datetime | None:
    """Sets the tenant's secret, or a target's own, from the next attempt on.

    Returns until when the one before is valid beside it; None when there was none. Setting the
    same secret again changes nothing.
    """
    name = _name(call, endpoint_id)
    before = _read(call, name)
    if before is None:
        ring = _Ring(current=secret)
    elif before.current == secret:
        return before.previous_until
    else:
        until = call.services.clock.now() + overlap
        ring = _Ring(current=secret, previous=before.current, previous_until=until)
    action = AuditAction.CREATE if before is None else AuditAction.UPDATE
    audit.announce(call, "webhook_secret", endpoint_id or "webhook_secret", action)
    call.services.secrets.put(name, ring.model_dump_json(exclude_none=True))
    return ring.previous_until


def valid(call: Call, endpoint_id: str | None = None) -> list[str]:
    """Returns the tenant's secrets, or a target's own, that are valid now, the newest first.

    A sandbox whose owner set none has the default one.
    """
    ring = _read(call, _name(call, endpoint_id))
    if ring is None:
        default = call.services.default_webhook_secret
        return [] if default is None else [default]
    now = call.services.clock.now()
    if ring.previous is None or ring.previous_until is None or ring.previous_until <= now:
        return [ring.current]
    return [ring.current, ring.previous]


def copy(call: Call, other: Call, endpoint_id: str | None = None) -> None:
    """Gives another tenant the caller's secrets, or a target's own, if some were set."""
    text = call.services.secrets.get(_name(call, endpoint_id))
    if text is not None:
        other.services.secrets.put(_name(other, endpoint_id), text)


def forget(call: Call, endpoint_id: str | None = None) -> None:
    """Removes the tenant's secrets, or a target's own."""
    call.services.secrets.delete(_name(call, endpoint_id))


def _read(call: Call, name: str) -> _Ring | None:
    text = call.services.secrets.get(name)
    return None if text is None else _Ring.model_validate_json(text)


def _name(call: Call, endpoint_id: str | None) -> str:
    name = f"{call.tenant}/webhook_secret"
    return name if endpoint_id is None else f"{name}/{endpoint_id}"
