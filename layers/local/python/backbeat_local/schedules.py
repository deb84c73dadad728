"""Schedules: functions called at the times the template gives."""

import logging
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final, Protocol

from backbeat.ports.clock import Clock
from backbeat_local.functions import Function
from backbeat_local.template import Schedule
from backbeat_local.workers import Workers

_LONGEST_WAIT_SECONDS: Final = 30.0

_log = logging.getLogger("backbeat")


class Ticker(Protocol):
    """The time that schedules follow."""

    def now(self) -> datetime:
        """Returns the present as an aware UTC datetime."""
        ...

    def wait_until(self, moment: datetime) -> bool:
        """Returns True once `moment` has come, False when `stop` was called meanwhile."""
        ...

    def stop(self) -> None:
        """Ends all waiting for good."""
        ...


class ClockTicker:
    """Waits on a real clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._stopped = threading.Event()

    def now(self) -> datetime:
        """See `Ticker.now`."""
        return self._clock.now()

    def wait_until(self, moment: datetime) -> bool:
        """See `Ticker.wait_until`."""
        while not self._stopped.is_set():
            remaining = (moment - self._clock.now()).total_seconds()
            if remaining <= 0:
                return True
            # In steps, because a wait does not notice that the machine slept or its clock was set.
            self._stopped.wait(min(remaining, _LONGEST_WAIT_SECONDS))
        return False

    def stop(self) -> None:
        """See `Ticker.stop`."""
        self._stopped.set()


@dataclass(slots=True)
class _Entry:
    function: Function
    schedule: Schedule
    lane: Workers
    due: datetime | None
    pending: bool = False


class Schedules:
    """Calls functions when they are due, until stopped.

    Schedules of one function run one after the other. Turns that come while a schedule waits for
    its run are one turn, and so are those that were missed while the machine slept.
    """

    def __init__(self, schedules: Iterable[tuple[Function, Schedule]], ticker: Ticker) -> None:
        """Counts rates from now on."""
        self._ticker = ticker
        self._lanes: dict[str, Workers] = {}
        now = ticker.now()
        self._entries = [
            _Entry(function, schedule, self._lane(function), schedule.expression.after(now))
            for function, schedule in schedules
        ]
        self._thread = threading.Thread(target=self._run, name="schedules", daemon=True)

    def start(self) -> None:
        """Begins, on a thread of its own."""
        self._thread.start()

    def stop(self, wait_seconds: float) -> None:
        """Fires nothing more and waits that long for runs under way."""
        self._ticker.stop()
        self._thread.join()
        for lane in self._lanes.values():
            lane.stop(wait_seconds)

    def _lane(self, function: Function) -> Workers:
        name = function.spec.logical_id
        return self._lanes.setdefault(name, Workers(1, f"schedule-{name}"))

    def _run(self) -> None:
        while (moment := self._earliest()) is not None and self._ticker.wait_until(moment):
            now = self._ticker.now()
            for entry in self._entries:
                if entry.due is not None and entry.due <= now:
                    self._fire(entry)
                    following = entry.schedule.expression.after(entry.due)
                    late = following is not None and following <= now
                    entry.due = entry.schedule.expression.after(now) if late else following

    def _earliest(self) -> datetime | None:
        return min((entry.due for entry in self._entries if entry.due is not None), default=None)

    def _fire(self, entry: _Entry) -> None:
        if not entry.pending:
            entry.pending = True
            entry.lane.submit(partial(_call, entry))


def _call(entry: _Entry) -> None:
    entry.pending = False
    try:
        entry.function.invoke(entry.schedule.payload)
    except BaseException:
        # A run that fails is over; the schedule goes on.
        _log.exception(
            "%s failed on schedule %s", entry.function.spec.logical_id, entry.schedule.name
        )
