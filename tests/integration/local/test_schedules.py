"""Time passes, functions are called."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from tests.integration.local.conftest import PATIENCE, Application, Probe

from backbeat_local.runner import Runner

START = datetime(2026, 3, 1, 10, 58, tzinfo=UTC)

RECORD = """
import probe

def handler(event, context):
    probe.seen.put(event)
"""


class ManualTicker:
    """Time that passes when the test says so."""

    def __init__(self) -> None:
        self._now = START
        self._stopped = False
        self._changed = threading.Condition()
        self.waiting_for: datetime | None = None

    def now(self) -> datetime:
        return self._now

    def wait_until(self, moment: datetime) -> bool:
        with self._changed:
            self.waiting_for = moment
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._stopped or self._now >= moment)
            self.waiting_for = None
            return not self._stopped

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def advance(self, **by: float) -> None:
        """Lets time pass and returns when everything due has been fired."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.waiting_for is not None, PATIENCE)
            self._now += timedelta(**by)
            self._changed.notify_all()
            assert self._changed.wait_for(
                lambda: self.waiting_for is not None and self.waiting_for > self._now, PATIENCE
            )


@pytest.fixture
def ticker() -> ManualTicker:
    return ManualTicker()


def schedule(expression: str, name: str) -> str:
    return (
        f"{{Type: ScheduleV2, Properties: {{ScheduleExpression: '{expression}',"
        f' Input: \'{{"name": "{name}"}}\'}}}}'
    )


def test_functions_get_their_input_when_they_are_due(
    application: Application, ticker: ManualTicker, probe: Probe
) -> None:
    application.function(
        "clock",
        RECORD,
        f"{{A: {schedule('rate(5 minutes)', 'rate')}, B: {schedule('cron(0 * * * ? *)', 'cron')}}}",
    )
    with Runner(application.template, None, ticker=ticker):
        ticker.advance(seconds=119)  # 10:59:59
        assert probe.seen.empty()
        ticker.advance(seconds=1)  # 11:00
        assert probe.next() == {"name": "cron"}
        ticker.advance(minutes=3)  # 11:03, five minutes after the start
        assert probe.next() == {"name": "rate"}
        ticker.advance(minutes=5)
        assert probe.next() == {"name": "rate"}
        assert probe.seen.empty()


def test_missed_turns_are_one_turn(
    application: Application, ticker: ManualTicker, probe: Probe
) -> None:
    application.function("clock", RECORD, f"{{A: {schedule('rate(5 minutes)', 'rate')}}}")
    with Runner(application.template, None, ticker=ticker):
        ticker.advance(hours=1)
        assert probe.next() == {"name": "rate"}
        ticker.advance(seconds=299)
        assert probe.seen.empty()
        ticker.advance(seconds=1)
        assert probe.next() == {"name": "rate"}


def test_a_failing_run_does_not_stop_the_schedule(
    application: Application, ticker: ManualTicker, probe: Probe
) -> None:
    application.function(
        "clock", f"{RECORD}\n    raise ValueError", f"{{A: {schedule('rate(5 minutes)', 'x')}}}"
    )
    with Runner(application.template, None, ticker=ticker):
        ticker.advance(minutes=5)
        assert probe.next() == {"name": "x"}
        ticker.advance(minutes=5)
        assert probe.next() == {"name": "x"}


def test_a_function_never_overlaps_itself(
    application: Application, ticker: ManualTicker, probe: Probe
) -> None:
    application.function(
        "clock",
        """
        import probe

        def handler(event, context):
            probe.seen.put("begin " + event["name"])
            if event["name"] == "long":
                probe.release.wait(10)
            probe.seen.put("end " + event["name"])
        """,
        f"{{A: {schedule('rate(5 minutes)', 'long')}, B: {schedule('rate(6 minutes)', 'short')}}}",
    )
    with Runner(application.template, None, ticker=ticker):
        ticker.advance(minutes=5)
        assert probe.next() == "begin long"
        ticker.advance(minutes=1)  # At 6 the short one is due, and waits for the long one.
        ticker.advance(minutes=9)  # At 10 and 15 the long one is: one more turn. At 12 the short.
        assert probe.seen.empty()
        probe.release.set()
        rest = [probe.next() for _ in range(5)]
        assert rest == ["end long", "begin short", "end short", "begin long", "end long"]
        ticker.advance(minutes=3)  # At 18 nothing is left from before.
        assert [probe.next(), probe.next()] == ["begin short", "end short"]
        assert probe.seen.empty()
