"""Alerts over HTTP: usage in, webhook out, with nobody moving a clock."""

from decimal import Decimal
from typing import Any

import httpx
import pytest
from metronome import Metronome

from tests.e2e.conftest import Receiver


@pytest.mark.parametrize("frozen", [True, False], ids=["clock stands still", "real time"])
def test_usage_that_crosses_a_line_is_told_by_itself(
    frozen: bool, metronome: Metronome, http: httpx.Client, receiver: Receiver
) -> None:
    if frozen:
        http.post("/mock/clock", json={"now": "2025-01-20T00:00:00Z"}).raise_for_status()
    now = http.get("/mock/clock").json()["data"]["now"]
    http.post("/webhooks/subscriptions", json={"target": receiver.url}).raise_for_status()
    customer = metronome.v1.customers.create(name="Acme", ingest_aliases=["acme"]).data.id
    metric = metronome.v1.billable_metrics.create(
        name="Calls", aggregation_type="COUNT", event_type_filter={"in_values": ["call"]}
    ).data.id
    product = metronome.v1.contracts.products.create(
        name="Calls", type="USAGE", billable_metric_id=metric
    ).data.id
    card = metronome.v1.contracts.rate_cards.create(name="List").data.id
    start = f"{now[:7]}-01T00:00:00Z"
    metronome.v1.contracts.rate_cards.rates.add(
        rate_card_id=card,
        product_id=product,
        starting_at=start,
        entitled=True,
        rate_type="FLAT",
        price=10,
    )
    metronome.v1.contracts.create(customer_id=customer, rate_card_id=card, starting_at=start)
    alert = metronome.v1.alerts.create(
        alert_type="spend_threshold_reached", name="Spend", threshold=30
    ).data.id

    def use(number: int) -> None:
        event: Any = {
            "transaction_id": f"call-{number}",
            "customer_id": "acme",
            "event_type": "call",
            "timestamp": now,
        }
        metronome.v1.usage.ingest(usage=[event])

    def alarms() -> list[dict[str, Any]]:
        return [one.event for one in receiver.received if one.event["type"].startswith("alerts.")]

    for number in range(3):
        use(number)
    # 3 × 10 = 30
    receiver.wait_for(lambda received: bool(alarms()))
    use(3)
    [told] = alarms()
    assert told["type"] == "alerts.spend_threshold_reached"
    assert told["properties"]["alert_id"] == alert
    # Whether one look saw all three calls or several looks some of them: it was at the line.
    assert Decimal(str(told["properties"]["current_spend"])) in (30, 40)
    status = metronome.v1.customers.alerts.retrieve(customer_id=customer, alert_id=alert)
    assert status.data.customer_status == "in_alarm"
    assert len(alarms()) == 1
