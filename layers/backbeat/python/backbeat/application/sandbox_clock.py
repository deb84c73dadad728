"""A sandbox's own clock: set and advanced by tests, with all that falls due on the way."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import heapify, heappop, heappush
from typing import Final

from backbeat.application import billing, deliveries, outbox
from backbeat.application.services import Call
from backbeat.domain import periods
from backbeat.models.base import Model
from backbeat.models.contracts import WorkKind
from backbeat.persistence import keys
from backbeat.persistence.entities import read, to_item
from backbeat.ports.store import Delete, Item, Put

_MAKING_WORK: Final = frozenset(
    {
        WorkKind.ALERT_SWEEP,
        WorkKind.LIFECYCLE_SWEEP,
        WorkKind.OPERATION,
        WorkKind.ACCOUNT,
        WorkKind.DUNNING,
        WorkKind.COLLECTING,
    }
)
"""Work that makes other work, and not only for whom it is about itself."""


class SandboxClock(Model):
    """Where a sandbox's clock stands still."""

    now: datetime


@dataclass(frozen=True, slots=True)
class Duration:
    """A stretch of the calendar: whole months first, then an exact rest."""

    months: int
    rest: timedelta

    def after(self, now: datetime) -> datetime:
        """Returns the instant this much later; a day the month does not have is its last one.

        Raises:
            OverflowError: it is beyond what dates can express. Likewise ValueError.
        """
        return periods.add_months(now, self.months) + self.rest


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
    failing: set[str] = set()
    deliveries.deliver_in_order(call, deliveries.outstanding(call), failing=failing)
    now = call.now
    begun: set[billing.Work] = set()
    # Webhook targets may call back and make more work, so the list is read until nothing is new.
    while work := set(billing.due_until(call, target)) - begun:
        upcoming = list(work)
        listed = set(work)
        heapify(upcoming)
        while upcoming:
            due = heappop(upcoming)
            begun.add(due)
            now = max(now, due.due_at)
            # Stored first: what a crash leaves half done is then found due by everybody.
            _store(call, now)
            told: list[Item] = []
            step = call.at(now, held=told)
            was_due = billing.run(step, due.key)
            for notification in told:
                made = outbox.fan_out(step, notification, queued=False)
                deliveries.deliver_in_order(step, made, failing=failing)
            if due.kind is WorkKind.ALERTS:
                # The queue may have looked, too: what it told of comes before what follows.
                deliveries.deliver_in_order(step, deliveries.outstanding(step), failing=failing)
            if due.kind in _MAKING_WORK:
                # It made work for any customer, some of it before what is listed.
                break
            for following in billing.due_beside(step, due.key):
                goes_on = was_due and following.key == due.key
                if following.due_at <= target and (goes_on or following not in listed):
                    listed.add(following)
                    heappush(upcoming, following)


def _store(call: Call, now: datetime) -> None:
    item = to_item(keys.clock(call.tenant), SandboxClock(now=now))
    call.store.transact([Put(item)])
