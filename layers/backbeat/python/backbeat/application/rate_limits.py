"""Rate limits: counting a tenant's calls, and refusing those beyond its limit.

Calls are counted in fixed windows of real time: whoever is refused can be told exactly when to come
again. Around the end of a window up to twice the limit can pass, which is the price of that.
"""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Final

from backbeat.application import sandboxes
from backbeat.application.services import Call
from backbeat.models.errors import Retryable, TooMany
from backbeat.models.rate_limits import RateLimit, RateWindow
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, to_item
from backbeat.persistence.unit_of_work import UnitOfWork
from backbeat.ports.store import Absent, Put, Version

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TRIES: Final = 20


def change(call: Call, limit: RateLimit | None) -> None:
    """Gives the caller's sandbox a limit of its own, or takes it away.

    Raises:
        Retryable: somebody else changed the sandbox at the same time.
    """
    item, sandbox = sandboxes.held(call)
    work = UnitOfWork(call.store)
    work.add(sandboxes.changed(call, item, sandbox.model_copy(update={"rate_limit": limit})))
    work.commit()


def count(call: Call) -> None:
    """Counts a call of a tenant that has a limit.

    Raises:
        TooMany: the limit of this window is reached; the call is not counted.
        Retryable: too many calls were counted at the same time.
    """
    limit = call.rate_limit
    if limit is None:
        return
    now = call.services.clock.now()
    window = timedelta(seconds=limit.seconds)
    start = now - (now - _EPOCH) % window
    for _ in range(_TRIES):
        item = call.store.get(keys.rate_window(call.tenant))
        before = None if item is None else from_item(item, RateWindow)
        is_same = before is not None and (before.starting_at, before.seconds) == (
            start,
            limit.seconds,
        )
        calls = before.calls if before is not None and is_same else 0
        if calls >= limit.requests:
            raise TooMany(
                f"Rate limit of {limit.requests} requests in {limit.seconds} seconds exceeded",
                retry_after_seconds=ceil((start + window - now).total_seconds()),
            )
        after = RateWindow(starting_at=start, seconds=limit.seconds, calls=calls + 1)
        version = 0 if item is None else item.version
        work = UnitOfWork(call.store)
        work.add(
            Put(
                to_item(keys.rate_window(call.tenant), after, version=version + 1),
                Absent() if item is None else Version(version),
            )
        )
        with suppress(Retryable):
            work.commit()
            return
    raise Retryable("Too many requests were counted at the same time. Try again.")
