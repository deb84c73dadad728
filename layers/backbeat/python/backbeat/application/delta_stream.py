"""The secret of the delta stream: the one in use, and the one that follows it.

Backbeat sends no delta stream; its secret can be kept and rotated all the same, so that what
rotates secrets can be tried.
"""

import secrets
from datetime import datetime, timedelta
from typing import Final

from backbeat.application import audit
from backbeat.application.services import Call
from backbeat.models.audit import AuditAction
from backbeat.models.base import Model
from backbeat.models.errors import InvalidArgument

_BY_ITSELF_AFTER: Final = timedelta(minutes=10)
_AT_MOST_AHEAD: Final = timedelta(days=31)
"""A month ahead, in the longest month (inferred)."""


class Rotation(Model):
    """A secret and since when it is used, by the tenant's clock."""

    secret: str
    starting_at: datetime


class _Ring(Model):
    current: Rotation | None = None
    upcoming: Rotation


def rotate(call: Call, *, starting_at: datetime | None) -> Rotation:
    """Makes a new secret, used from an instant on. A rotation that was under way is cancelled.

    Raises:
        InvalidArgument: the instant is past, or more than a month ahead.
    """
    start = starting_at or call.now + _BY_ITSELF_AFTER
    if not call.now <= start <= call.now + _AT_MOST_AHEAD:
        raise InvalidArgument("starting_on: must be in the future, at most a month ahead")
    rotation = Rotation(secret=f"sk_{secrets.token_hex(32)}", starting_at=start)
    ring = _Ring(current=_in_use(call), upcoming=rotation)
    audit.announce(call, "delta_stream_secret", "delta_stream_secret", AuditAction.UPDATE)
    call.services.secrets.put(_name(call), ring.model_dump_json(exclude_none=True))
    return rotation


def _in_use(call: Call) -> Rotation | None:
    text = call.services.secrets.get(_name(call))
    if text is None:
        return None
    ring = _Ring.model_validate_json(text)
    return ring.upcoming if ring.upcoming.starting_at <= call.now else ring.current


def _name(call: Call) -> str:
    return f"{call.tenant}/delta_stream_secret"
