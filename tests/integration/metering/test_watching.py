"""Metrics and health of metering. The stage's clock stands at 2025-01-15T12:00Z."""

from decimal import Decimal
from typing import Any

import pytest

from backbeat.api.views.exposition import exposition
from backbeat.application.metering.gauges import Gauge, Sample
from tests.integration.metering.mapped import Mapped
from tests.integration.metering.meter import event
from tests.integration.product import Product, TestClock
from tests.integration.store import WatchedStore


def metrics(product: Product, token: str = "demo") -> dict[str, str]:
    text = product.get("/metering/metrics", token=token).body.decode()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return dict(line.rsplit(" ", 1) for line in lines)


def ready(product: Product) -> Any:
    return product.request("GET", "/metering/health/ready", token=None)


def test_t35_what_waits_and_what_differs_is_counted(mapped: Mapped, clock: TestClock) -> None:
    meter, product = mapped.meter, mapped.meter.product
    meter.send(event(100))
    mapped.side.meter_events(refuse=1)
    mapped.push()
    clock.advance(seconds=90)
    meter.post("reconciliation/runs", {})
    body = {"metric": "calls", "customer_ref": "acme", "ts": "2025-01-10T00:00:00Z", "delta": 1}
    meter.post("adjustments", body)
    found = metrics(product)
    of_mapping = (
        f'{{mapping="{mapped.id}",metric="calls",lane="live",period="2025-01-01T00:00:00+00:00"}}'
    )
    assert found[f"backbeat_metering_drift_units{of_mapping}"] == "100"
    assert found[f"backbeat_metering_drift_ratio{of_mapping}"] == "1"
    assert found["backbeat_metering_pushes_waiting"] == "1"
    assert found["backbeat_metering_push_lag_seconds"] == "90"
    assert found["backbeat_metering_adjustments_pending"] == "1"
    # 2025-01-15T12:01:30Z
    assert found["backbeat_metering_last_reconciliation_seconds"] == "1736942490"
    assert not any(mapped.id in line for line in metrics(product, token="stranger"))


def test_d101_open_alerts_are_counted(mapped: Mapped) -> None:
    meter, product = mapped.meter, mapped.meter.product
    for name, severity in (("One", "critical"), ("Two", "info"), ("Three", "info")):
        body = {"name": name, "type": "usage", "metric": "calls", "threshold": 10}
        alert = meter.post("alerts", {**body, "severity": severity}).data["id"]
    meter.send(event(10))
    meter.post(f"alerts/{alert}/acknowledge", {"customer_ref": "acme"})
    found = metrics(product)
    name = "backbeat_metering_alerts_open"
    assert {line: value for line, value in found.items() if line.startswith(name)} == {
        f'{name}{{severity="critical",status="triggered"}}': "1",
        f'{name}{{severity="info",status="acknowledged"}}': "1",
        f'{name}{{severity="info",status="triggered"}}': "1",
    }


def test_labels_are_escaped() -> None:
    sample = Sample(Decimal("1.50"), {"metric": 'a "b"\\c\nd'})
    assert exposition([Gauge("drift", "Some.", (sample, Sample(Decimal(0))))]) == (
        '# HELP drift Some.\n# TYPE drift gauge\ndrift{metric="a \\"b\\"\\\\c\\nd"} 1.5\ndrift 0\n'
    )


@pytest.mark.parametrize(
    ("action", "lag", "status"),
    [
        ("push", 20, "healthy"),
        ("push", 21, "degraded"),
        ("reconcile", 180, "healthy"),
        ("reconcile", 181, "degraded"),
    ],
)
def test_t35_ready_is_degraded_when_a_schedule_is_late(
    action: str, lag: int, status: str, product: Product, clock: TestClock
) -> None:
    assert ready(product).body["status"] == "healthy"
    product.invoke("ReconciliationFunction", {"action": action})
    clock.advance(minutes=lag)
    reply = ready(product)
    # degraded is no failure.
    assert (reply.status, reply.body["status"]) == (200, status)
    assert reply.body["lag_seconds"] == {action: lag * 60}


def test_t35_ready_is_unhealthy_when_the_store_is_cut(
    product: Product, store: WatchedStore
) -> None:
    def cut(_: object) -> None:
        raise ConnectionError("no store")

    store.looking = cut
    reply = ready(product)
    assert (reply.status, reply.body["status"]) == (503, "unhealthy")
    live = product.request("GET", "/metering/health/live", token=None)
    assert (live.status, live.body) == (200, {"status": "alive"})
