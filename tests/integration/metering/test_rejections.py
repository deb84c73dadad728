"""Stripe takes events and tells later which it did not count. It is 2025-01-15T12:00Z."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from backbeat import bootstrap
from tests.integration.conftest import Stage
from tests.integration.inbound.conftest import Loop
from tests.integration.metering.mapped import Mapped
from tests.integration.metering.meter import event
from tests.integration.metering.test_pushes import faulty, once
from tests.integration.product import TestClock
from tests.integration.store import Crash


@pytest.fixture
def told(mapped: Mapped, stage: Stage, origin: str) -> Iterator[Mapped]:
    """Stripe tells this product what happens to its events."""
    loop = Loop(origin=origin, stage=stage)
    with bootstrap.using(replace(stage.product.services, http=loop)):
        made = stage.product.post("/api/webhook-endpoints/stripe", {"address": origin})
        assert made.status == 201, made
        yield mapped


def gone(mapped: Mapped) -> None:
    """Nobody at Stripe is the mapped customer any more: its events are taken and not counted."""
    mapped.side.v1.customers.delete(mapped.customer)


def report(mapped: Mapped, clock: TestClock) -> None:
    """Lets Stripe's report come, some ten seconds later, and be worked off."""
    clock.advance(seconds=10)
    mapped.side.v1.billing.meters.list({})
    product = mapped.meter.product
    while product.work_off_stripe() + product.work_off_inbound():
        continue


def explained(mapped: Mapped) -> Any:
    start = "2025-01-01T00:00:00Z"
    return mapped.meter.get("reconciliation/explain", mapping_id=mapped.id, period_start=start).data


def test_a_rejected_push_is_shown_with_its_reason(told: Mapped, clock: TestClock) -> None:
    told.meter.send(event(100))
    gone(told)
    assert told.push()["status"] == "sent"
    report(told, clock)
    [line] = told.meter.get(f"mappings/{told.id}/pushes").data
    assert (line["status"], line["delta"]) == ("rejected", 100)
    assert line["message"] == (
        "meter_event_customer_not_found: The event's customer does not exist."
    )
    # It is missing at Stripe because it was refused: not lost, and nothing to wait for.
    row = explained(told)
    assert row["totals"] == {**row["totals"], "local": 100, "pushed": 0, "stripe": 0}
    assert [(one["class"], one["amount"]) for one in row["differences"]] == [("unpushed", 100)]
    assert row["message"] == line["message"]
    assert (
        "backbeat_metering_pushes_refused 1"
        in told.meter.product.get("/metering/metrics").body.decode()
    )


def test_what_was_rejected_is_not_sent_again_until_somebody_wants_it(
    told: Mapped, clock: TestClock
) -> None:
    told.meter.send(event(100))
    gone(told)
    told.push()
    report(told, clock)
    told.meter.product.invoke("ReconciliationFunction", {"action": "push"})
    assert [status for _, status in told.log()] == ["rejected"]
    # Pushed by hand it is a new event, which is rejected like the first.
    assert told.push()["status"] == "sent"
    report(told, clock)
    assert told.log() == [(100, "rejected"), (100, "rejected")]
    assert explained(told)["totals"]["pushed"] == 0


def test_what_came_before_stays_told(told: Mapped, clock: TestClock) -> None:
    told.meter.send(event(100))
    told.push()
    gone(told)
    told.meter.send(event(7, sequence=1))
    told.push()
    report(told, clock)
    assert told.log() == [(100, "sent"), (7, "rejected")]
    assert explained(told)["totals"]["pushed"] == 100


def test_a_report_that_comes_twice_takes_nothing_away_twice(told: Mapped, clock: TestClock) -> None:
    told.meter.send(event(100))
    gone(told)
    told.push()
    report(told, clock)
    product = told.meter.product
    [noted] = product.get(
        "/api/webhook-events", type="v1.billing.meter.error_report_triggered"
    ).data
    assert (noted["state"], noted["outcome"]) == (
        "done",
        "1 event(s) not counted, 1 named, 1 of our pushes",
    )
    told.side.control(f"events/{noted['id']}/deliver")
    report(told, clock)
    assert explained(told)["totals"]["pushed"] == 0


def test_a_strangers_event_is_none_of_ours(told: Mapped, clock: TestClock) -> None:
    told.side.send("cus_nobody", "5", clock.now())
    report(told, clock)
    [noted] = told.meter.product.get("/api/webhook-events", state="done").data
    assert noted["outcome"] == "1 event(s) not counted, 1 named, 0 of our pushes"


def test_an_event_without_a_meter_is_told_too(told: Mapped, clock: TestClock) -> None:
    told.meter.send(event(100))
    told.side.v1.billing.meters.deactivate(told.meter_id)
    told.side.meter_events(accept_unknown=1)
    assert told.push()["status"] == "sent"
    report(told, clock)
    [line] = told.meter.get(f"mappings/{told.id}/pushes").data
    assert (line["status"], line["message"].partition(":")[0]) == ("rejected", "no_meter")


def test_a_report_may_come_before_the_push_is_known_to_be_sent(
    told: Mapped, clock: TestClock
) -> None:
    told.meter.send(event(100))
    gone(told)
    # The process dies after Stripe's answer: the push is still pending.
    with faulty(told.meter, after=once(Crash())), pytest.raises(Crash):
        told.push()
    assert told.log() == [(100, "pending")]
    report(told, clock)
    assert told.log() == [(100, "rejected")]
    assert explained(told)["totals"]["pushed"] == 0


def test_asking_for_reports_again_keeps_one_of_each(told: Mapped, origin: str) -> None:
    product = told.meter.product
    assert product.post("/api/webhook-endpoints/stripe", {"address": origin}).status == 201
    client = told.side.client
    assert len(client.v1.webhook_endpoints.list({}).data) == 1
    assert len(client.v2.core.event_destinations.list().data) == 1
