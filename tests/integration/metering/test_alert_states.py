"""What people say about alerts, and what time does to them. It is 2025-01-15T12:00Z."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.integration.metering.meter import Meter, event
from tests.integration.product import Product, Reply, TestClock
from tests.integration.store import WatchedStore
from tests.integration.targets import Targets

TARGET = "https://example.com/hook"


@pytest.fixture
def alert(meter: Meter) -> str:
    """Triggered for `acme` with 120 of 100 calls; ok below 80."""
    meter.counter()
    meter.product.post("/webhooks/subscriptions", {"target": TARGET})
    body = {
        "name": "Many calls",
        "type": "usage",
        "metric": "calls",
        "threshold": 100,
        "clear_below": 80,
        "severity": "critical",
    }
    made: str = meter.post("alerts", body).data["id"]
    meter.send(event(120, sequence=0))
    return made


def say(meter: Meter, alert: str, what: str, **fields: Any) -> Reply:
    return meter.post(f"alerts/{alert}/{what}", {"customer_ref": "acme", **fields})


def use(meter: Meter, amount: int, number: int) -> None:
    if amount >= 0:
        meter.send(event(amount, sequence=number))
        return
    body = {"metric": "calls", "customer_ref": "acme", "ts": "2025-01-15T10:00:00Z"}
    made = meter.post("adjustments", {**body, "delta": amount}).data
    meter.post(f"adjustments/{made['id']}/approve")


def stands(meter: Meter, alert: str) -> Any:
    [state] = meter.get(f"alerts/{alert}").data["states"]
    return state


def told(meter: Meter, targets: Targets) -> list[str]:
    meter.product.work_off_webhooks()
    types = [one["type"] for one in targets.events(TARGET)]
    return [type_.removeprefix("metering.alert_") for type_ in types if "metering" in type_]


def schedule(product: Product, action: str = "push") -> None:
    product.invoke("ReconciliationFunction", {"action": action})


def happened(meter: Meter) -> list[str]:
    return [one["status"] for one in reversed(meter.get("alerts/events").data)]


def test_n16_what_is_acknowledged_is_not_told_of_until_it_was_ok(
    meter: Meter, alert: str, targets: Targets, clock: TestClock
) -> None:
    state = say(meter, alert, "acknowledge", note="known").data
    assert (state["status"], state["note"], state["severity"]) == (
        "acknowledged",
        "known",
        "critical",
    )
    assert state["by"]
    clock.advance(seconds=1)
    use(meter, 50, 1)
    assert stands(meter, alert)["status"] == "acknowledged"
    # 170 − 100 = 70, below 80: it resolves by itself, and may be triggered anew.
    use(meter, -100, 2)
    assert (stands(meter, alert)["status"], stands(meter, alert)["resolution"]) == ("ok", "value")
    clock.advance(seconds=1)
    use(meter, 40, 3)
    assert stands(meter, alert)["status"] == "triggered"
    assert told(meter, targets) == ["triggered", "resolved", "triggered"]
    assert happened(meter) == ["triggered", "acknowledged", "ok", "triggered"]


def test_d69_saying_it_again_changes_nothing(meter: Meter, alert: str) -> None:
    first = say(meter, alert, "acknowledge").data
    assert say(meter, alert, "acknowledge", note="once more").data == first
    assert happened(meter) == ["triggered", "acknowledged"]


def test_n16_a_snooze_ends_and_is_told_of_again(
    meter: Meter, alert: str, targets: Targets, clock: TestClock, product: Product
) -> None:
    state = say(meter, alert, "snooze", hours=2).data
    assert (state["status"], state["snoozed_until"]) == ("snoozed", "2025-01-15T14:00:00+00:00")
    clock.advance(minutes=119)
    use(meter, 10, 1)
    schedule(product)
    assert told(meter, targets) == ["triggered"]
    clock.advance(minutes=1)
    # No usage comes: the schedule sees that the time is over.
    schedule(product)
    schedule(product)
    assert stands(meter, alert)["status"] == "triggered"
    assert told(meter, targets) == ["triggered", "triggered"]


def test_n16_usage_after_a_snooze_tells_at_once(
    meter: Meter, alert: str, targets: Targets, clock: TestClock
) -> None:
    say(meter, alert, "snooze", until="2025-01-15T12:30:00Z")
    clock.advance(minutes=30)
    use(meter, 1, 1)
    assert told(meter, targets) == ["triggered", "triggered"]


def test_n16_what_falls_while_it_is_snoozed_is_resolved(meter: Meter, alert: str) -> None:
    say(meter, alert, "snooze", hours=2)
    use(meter, -41, 1)
    assert happened(meter) == ["triggered", "snoozed", "ok"]


def test_n16_the_end_of_a_period_resolves_it(
    meter: Meter, alert: str, clock: TestClock, product: Product, targets: Targets
) -> None:
    clock.set(datetime(2025, 1, 31, 23, 59, tzinfo=UTC))
    schedule(product)
    assert stands(meter, alert)["status"] == "triggered"
    clock.set(datetime(2025, 2, 1, tzinfo=UTC))
    for _ in range(2):
        schedule(product)
    state = stands(meter, alert)
    assert (state["status"], state["resolution"]) == ("ok", "period_over")
    assert told(meter, targets) == ["triggered", "resolved"]


def test_n16_switching_it_off_resolves_it(meter: Meter, alert: str) -> None:
    meter.product.request("PATCH", f"/metering/v1/alerts/{alert}", {"enabled": False})
    assert stands(meter, alert)["resolution"] == "switched_off"


def test_n16_a_higher_line_resolves_it_at_once(meter: Meter, alert: str) -> None:
    path = f"/metering/v1/alerts/{alert}"
    meter.product.request("PATCH", path, {"threshold": 130, "clear_below": 130})
    assert happened(meter) == ["triggered", "ok"]


def test_n16_usage_that_is_counted_anew_resolves_it(
    meter: Meter, alert: str, product: Product, store: WatchedStore
) -> None:
    # Counted by hand, past everything that looks at alerts: 120 becomes 20.
    events = [{"transaction_id": "t", "customer_id": "acme", "event_type": "calls"}]
    fields = {"timestamp": "2025-01-15T11:00:00Z", "properties": {"quantity": "-100"}}
    product.post("/v1/ingest", [events[0] | fields])
    assert meter.current() == 20
    schedule(product)
    assert stands(meter, alert)["status"] == "triggered"
    schedule(product, "reconcile")
    assert stands(meter, alert)["status"] == "ok"


def test_d67_states_are_listed_and_filtered(meter: Meter, alert: str, clock: TestClock) -> None:
    clock.advance(seconds=1)
    meter.send(event(100, customer_ref="beta"))
    say(meter, alert, "snooze", hours=1)

    def listed(**query: str) -> list[str]:
        return [one["customer_ref"] for one in meter.get("alerts/states", **query).data]

    assert sorted(listed()) == ["acme", "beta"]
    assert listed(status="snoozed") == ["acme"]
    assert listed(status="triggered", metric="calls") == ["beta"]
    assert listed(customer_ref="beta", alert_id=alert) == ["beta"]
    assert listed(severity="warning") == []
    assert listed(name="many", severity="critical", customer_ref="acme") == ["acme"]
    assert listed(name="few") == []
    assert listed(until="2025-01-15T12:00:00Z") == []
    assert listed(since="2025-01-15T12:00:01Z", status="triggered") == ["beta"]
    assert meter.get("alerts/states", status="mood").status == 400


def test_d21_usage_shows_what_is_above_its_line(meter: Meter, alert: str) -> None:
    found = meter.get("usage/current", customer_ref="acme").data["alerts"]
    assert [(one["alert_name"], one["status"], one["value"]) for one in found] == [
        ("Many calls", "triggered", 120)
    ]
    assert meter.get("usage/current", customer_ref="beta").data["alerts"] == []


@pytest.mark.parametrize(
    ("what", "fields", "status"),
    [
        ("acknowledge", {"customer_ref": "beta"}, 404),
        ("acknowledge", {"period_start": "2024-12-01T00:00:00Z"}, 404),
        ("acknowledge", {"note": "n" * 501}, 400),
        ("snooze", {}, 400),
        ("snooze", {"hours": 0}, 400),
        ("snooze", {"hours": 1, "until": "2025-01-15T13:00:00Z"}, 400),
        ("snooze", {"until": "2025-01-15T12:00:00Z"}, 400),
        ("snooze", {"until": "2025-02-16T12:00:00Z"}, 400),
    ],
)
def test_d69_what_cannot_be_said(
    what: str, fields: dict[str, Any], status: int, meter: Meter, alert: str
) -> None:
    assert say(meter, alert, what, **fields).status == status
    assert happened(meter) == ["triggered"]


def test_d69_there_is_nothing_to_say_about_what_is_ok(meter: Meter, alert: str) -> None:
    use(meter, -100, 1)
    for what, fields in (("acknowledge", {}), ("snooze", {"hours": 1})):
        assert say(meter, alert, what, **fields).status == 422
    assert say(meter, "none", "acknowledge").status == 404


class TestSpike:
    """D-59: the usage of earlier periods up to the same time, the middle one of three."""

    @pytest.fixture(autouse=True)
    def past(self, meter: Meter, clock: TestClock) -> None:
        meter.counter(late_window_hours=24 * 34)
        # Up to the 15th at 13:00 of their months: 100, 10 and 40 calls. The middle one is 40.
        for number, month in ((100, 10), (10, 11), (40, 12)):
            clock.set(datetime(2024, month, 20, tzinfo=UTC))
            day = f"2024-{month}-"
            meter.send(
                event(number - 5, f"{day}02T00:00:00Z"),
                event(5, f"{day}15T12:30:00Z"),
                event(1000, f"{day}15T13:00:00Z"),
            )
        clock.set(datetime(2025, 1, 15, 12, tzinfo=UTC))
        body = {"name": "Spike", "type": "spike", "metric": "calls", "threshold": 2}
        assert meter.post("alerts", body).status == 200

    def test_d59_it_is_held_against_the_same_time_of_earlier_periods(self, meter: Meter) -> None:
        meter.send(event(79))
        assert happened(meter) == []
        meter.send(event(1))
        # 80 / 40 = 2.
        [found] = meter.get("alerts/events").data
        assert (found["status"], found["value"]) == ("triggered", 2)

    def test_d59_the_first_day_says_nothing(self, meter: Meter, clock: TestClock) -> None:
        clock.set(datetime(2025, 1, 1, 1, 30, tzinfo=UTC))
        meter.send(event(9999, "2025-01-01T01:00:00Z"))
        assert happened(meter) == []

    def test_d59_without_a_past_there_is_nothing_unusual(self, meter: Meter) -> None:
        meter.send(event(9999, customer_ref="new"))
        assert happened(meter) == []
