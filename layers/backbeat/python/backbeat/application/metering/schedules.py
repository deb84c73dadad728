"""What runs by itself: pushes every few minutes, reconciliation every hour."""

import logging
import random
from collections.abc import Callable, Iterator
from typing import NamedTuple

from backbeat.application import sandboxes, tenants
from backbeat.application.metering import (
    adjustments,
    closing,
    health,
    pushes,
    reconciliation,
    watching,
)
from backbeat.application.services import Call, Services
from backbeat.models.reconciliation import RunTrigger

_log = logging.getLogger("backbeat.metering")

_SYSTEM = "system:schedule"


class Done(NamedTuple):
    """What a run did: tenants served, things done for them, and tenants it could not serve."""

    tenants: int
    things: int
    failed: int


def push_all(services: Services) -> Done:
    """Tells Stripe what changed, for every tenant, and holds drafts whose totals differ."""
    health.beat(services, "push")
    return _for_each(services, _push)


def reconcile_all(services: Services) -> Done:
    """Completes what a crash left half done, pushes, and holds all places side by side."""
    health.beat(services, "reconcile")
    return _for_each(services, _reconcile)


def _push(call: Call) -> int:
    watching.look_again(call)
    told = len(pushes.run(call))
    closing.guard_all(call)
    return told


def _reconcile(call: Call) -> int:
    adjustments.complete(call)
    watching.look_again(call, everything=True)
    told = pushes.run(call)
    if not told:
        return 0
    made = reconciliation.run(call, trigger=RunTrigger.SCHEDULE, by=_SYSTEM, whole=False)
    closing.guard_all(call)
    return made.run.checked


def _for_each(services: Services, work: Callable[[Call], int]) -> Done:
    served = things = failed = 0
    for tenant in _in_any_order(services):
        try:
            things += work(sandboxes.call_for(services, tenant))
            served += 1
        except Exception:
            # One that cannot be served now does not keep the others from being served.
            failed += 1
            _log.exception("metering failed", extra={"tenant": tenant})
    return Done(served, things, failed)


def _in_any_order(services: Services) -> Iterator[str]:
    """Yields the tenants. If time is ever short, it is not always the same that come last."""
    marked = tenants.marked(services)
    random.shuffle(marked)
    yield from marked
