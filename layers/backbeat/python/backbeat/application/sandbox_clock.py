"""A sandbox's own clock: set and advanced by tests, with all that falls due on the way."""

from datetime import datetime
from heapq import heapify, heappop, heappush

from backbeat.application import billing, deliveries
from backbeat.application.services import Call
from backbeat.models.base import Model
from backbeat.persistence import keys
from backbeat.persistence.entities import read, to_item
from backbeat.ports.store import Delete, Put


class SandboxClock(Model):
    """Where a sandbox's clock stands still."""

    now: datetime


def frozen_at(call: Call) -> datetime | None:
    """Returns where the caller's clock stands still, or None when it follows the system."""
    clock = read(call.store, keys.clock(call.tenant), SandboxClock)
    return None if clock is None else clock.now


def move(call: Call, target: datetime) -> None:
    """Stops the clock at the target, after doing all work that is due until then, in time order.

    Moving back undoes nothing: what was finalized stays so.
    """
    run_until(call, target)
    _store(call, target)


def follow_system(call: Call) -> None:
    """Lets the clock run with the system again, after doing the work that is due by then."""
    run_until(call, call.services.clock.now())
    call.store.transact([Delete(keys.clock(call.tenant))])


def run_until(call: Call, target: datetime) -> None:
    """Does the work that is due up to and at the target, each at its own time."""
    deliveries.deliver_in_order(call)
    work = list(billing.due_until(call, target))
    heapify(work)
    now = call.now
    while work:
        due = heappop(work)
        now = max(now, due.due_at)
        # Stored first: what a crash leaves half done is then found due by everybody.
        _store(call, now)
        step = call.at(now, holds_notifications=True)
        was_due = billing.run(step, due.key)
        deliveries.deliver_in_order(step)
        following = billing.due_work(step, due.key)
        if was_due and following is not None and following.due_at <= target:
            heappush(work, following)


def _store(call: Call, now: datetime) -> None:
    item = to_item(keys.clock(call.tenant), SandboxClock(now=now))
    call.store.transact([Put(item)])
