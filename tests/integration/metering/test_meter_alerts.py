"""Alerts about metered usage. The stage's clock stands at 2025-01-15T12:00Z."""

from typing import Any

import pytest

from backbeat.application import settled_drafts
from backbeat.models.errors import InvalidArgument
from tests.integration.metering.meter import Meter, event
from tests.integration.product import TestClock
from tests.integration.store import WatchedStore
from tests.integration.targets import Targets

TARGET = "https://example.com/hook"


def create(meter: Meter, **fields: Any) -> Any:
    body = {"name": "Many calls", "type": "usage", "metric": "calls", "threshold": 100, **fields}
    return meter.post("alerts", body)


def crossings(meter: Meter, **query: str) -> list[tuple[str, Any]]:
    listed = meter.get("alerts/events", **query).data
    return [(one["status"], one["value"]) for one in reversed(listed)]


def lower(meter: Meter, delta: int) -> None:
    body = {
        "metric": "calls",
        "customer_ref": "acme",
        "ts": "2025-01-15T10:00:00Z",
        "delta": delta,
    }
    made = meter.post("adjustments", body).data
    meter.post(f"adjustments/{made['id']}/approve")


def test_t32_it_fires_once_per_crossing_with_hysteresis(
    meter: Meter, targets: Targets, clock: TestClock
) -> None:
    meter.counter()
    meter.product.post("/webhooks/subscriptions", {"target": TARGET})
    alert = create(meter, clear_below=80).data
    for step in (99, 1, 50, -60, 20, -40, 45):
        clock.advance(seconds=1)
        if step > 0:
            meter.send(event(step, sequence=step))
        else:
            lower(meter, step)
    # 99, 100: triggered. 150, 90: still. 110: still. 70: below 80, ok. 115: triggered.
    assert crossings(meter) == [("triggered", 100), ("ok", 70), ("triggered", 115)]
    meter.product.work_off_webhooks()
    told = [one for one in targets.events(TARGET) if one["type"].startswith("metering.")]
    assert [one["type"] for one in told] == [
        "metering.alert_triggered",
        "metering.alert_resolved",
        "metering.alert_triggered",
    ]
    assert told[0]["properties"]["value"] == "100"
    [state] = meter.get(f"alerts/{alert['id']}").data["states"]
    assert (state["status"], state["customer_ref"]) == ("triggered", "acme")


def test_usage_again_and_again_tells_nothing_again(meter: Meter) -> None:
    meter.counter()
    create(meter)
    for number in range(5):
        meter.send(event(60, sequence=number))
    assert crossings(meter) == [("triggered", 120)]


def test_each_period_begins_anew(meter: Meter, clock: TestClock) -> None:
    meter.counter()
    create(meter)
    meter.send(event(100))
    clock.set(clock.now().replace(month=2))
    meter.send(event(100, "2025-02-15T11:00:00Z"))
    assert crossings(meter) == [("triggered", 100), ("triggered", 100)]


def test_of_one_customer_or_of_each(meter: Meter) -> None:
    meter.counter()
    create(meter, customer_ref="beta")
    meter.send(event(100), event(100, customer_ref="beta"))
    [found] = meter.get("alerts/events").data
    assert found["customer_ref"] == "beta"


def test_t32_it_can_be_switched_off_and_changed_and_removed(meter: Meter) -> None:
    meter.counter()
    alert = create(meter).data
    path = f"/metering/v1/alerts/{alert['id']}"
    assert meter.product.request("PATCH", path, {"enabled": False}).data["enabled"] is False
    meter.send(event(100))
    assert crossings(meter) == []
    changed = meter.product.request("PATCH", path, {"enabled": True, "threshold": 150}).data
    assert (changed["enabled"], changed["threshold"], changed["name"]) == (True, 150, "Many calls")
    meter.send(event(50))
    assert crossings(meter) == [("triggered", 150)]
    for _ in range(2):
        assert meter.product.request("DELETE", path).data["archived_at"]
    assert meter.get("alerts").data == []
    # Nobody watches it any more.
    assert crossings(meter) == [("triggered", 150), ("ok", 150)]


def test_t32_to_is_an_upper_bound(meter: Meter, clock: TestClock) -> None:
    meter.counter()
    create(meter)
    create(meter, threshold=200)
    meter.send(event(100))
    clock.advance(hours=1)
    meter.send(event(100, "2025-01-15T12:30:00Z"))
    until = {"until": "2025-01-15T13:00:00Z"}
    assert crossings(meter, **until) == [("triggered", 100)]
    assert crossings(meter, since="2025-01-15T13:00:00Z") == [("triggered", 200)]
    assert crossings(meter, status="ok") == []


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"metric": None}, "metric"),
        ({"type": "spend"}, "metric"),
        ({"type": "mood"}, "type"),
        ({"threshold": -1}, "threshold"),
        ({"clear_below": 101}, "clear_below"),
        ({"name": ""}, "name"),
    ],
)
def test_bad_alerts(fields: dict[str, Any], named: str, meter: Meter) -> None:
    meter.counter()
    reply = create(meter, **fields)
    assert (reply.status, named in reply.body["message"]) == (400, True)


def test_unknown_ones_are_not_found(meter: Meter) -> None:
    assert create(meter).status == 404
    assert meter.get("alerts/none").status == 404
    for method, body in (("PATCH", {"enabled": False}), ("DELETE", None)):
        reply = meter.product.request(method, "/metering/v1/alerts/none", body)
        assert reply.status == 404


class TestMoney:
    @pytest.fixture(autouse=True)
    def priced(self, meter: Meter) -> None:
        """A call costs 2 cents."""
        meter.sell(cents=2)

    def test_spend(self, meter: Meter) -> None:
        create(meter, type="spend", metric=None, threshold=1000)
        meter.send(event(499))
        assert crossings(meter) == []
        meter.send(event(1))
        # 500 × 2 cents.
        assert crossings(meter) == [("triggered", 1000)]

    def test_n16_a_projection_tells_ahead_of_time_once(
        self, meter: Meter, clock: TestClock
    ) -> None:
        # 00:00 on the 16th: 15 of 31 days are over.
        clock.set(clock.now().replace(day=16, hour=0))
        create(meter, type="projected_spend", metric=None, threshold=1240)
        meter.send(event(299, "2025-01-15T23:00:00Z"))
        assert crossings(meter) == []
        meter.send(event(1, "2025-01-15T23:30:00Z"))
        meter.send(event(1, "2025-01-15T23:40:00Z"))
        # 300 × 31/15 = 620, at 2 cents.
        assert crossings(meter) == [("triggered", 1240)]

    def test_usage_is_taken_though_it_cannot_be_priced(
        self, meter: Meter, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        create(meter, type="spend", metric=None, threshold=0)

        def refuse(*_: object) -> None:
            raise InvalidArgument("a rate is missing")

        monkeypatch.setattr(settled_drafts, "of_customer", refuse)
        assert meter.statuses(event(5)) == ["accepted"]
        assert meter.current() == 5
        assert crossings(meter) == []

    def test_usage_that_nothing_prices_is_nobodys_spend(self, meter: Meter) -> None:
        create(meter, type="spend", metric=None, threshold=0)
        meter.send(event(1, customer_ref="stranger"))
        assert crossings(meter) == []


def test_an_alert_of_another_token_is_not_looked_at(meter: Meter, store: WatchedStore) -> None:
    other = Meter(meter.product, "other")
    for one in (meter, other):
        one.counter()
    create(other)
    meter.send(event(500))
    assert crossings(other) == crossings(meter) == []
