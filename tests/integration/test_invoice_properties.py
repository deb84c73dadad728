"""What is true of every invoice, whatever was used and however it is priced."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backbeat import bootstrap
from backbeat.config import Config
from tests.integration.worked.world import JSON, World, function

WEEK = {"starting_on": "2025-01-06T00:00:00Z", "ending_before": "2025-01-13T00:00:00Z"}

# Day, hour, value and team of an event. The week is the 6th to the 12th of January.
EVENTS = st.lists(
    st.tuples(
        st.integers(6, 12),
        st.integers(0, 23),
        st.decimals(-5, 50, places=2, allow_nan=False, allow_infinity=False),
        st.sampled_from(["red", "blue"]),
    ),
    min_size=1,
    max_size=12,
)
PRODUCTS: list[tuple[JSON, JSON]] = [
    ({}, {"price": 7}),
    ({"presentation_group_key": ["team"]}, {"tiers": [(10, 3), (20, 2), (None, 1)]}),
    (
        {
            "quantity_conversion": {"conversion_factor": 3, "operation": "DIVIDE"},
            "quantity_rounding": {"rounding_method": "ROUND_UP", "decimal_places": 0},
        },
        {"tiers": [(5, 10), (None, 4)]},
    ),
]

few = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


def used(events: list[tuple[int, int, Decimal, str]], *, every: int = 1) -> tuple[World, str]:
    """Returns a customer on a weekly contract who used something; it is noon of the 13th."""
    world = World("2025-01-06T00:00:00Z")
    customer, card = world.customer(), world.rate_card()
    metrics = [world.metric(kind, groups=[["team"]]) for kind in ("SUM", "MAX", "LATEST")]
    for number, (product, rate) in enumerate(PRODUCTS):
        made = world.product(metrics[0], **product)
        world.rate(card, made, **rate)
        # A change of price in the middle of a day.
        if number == 0:
            world.rate(card, made, price=9, start="2025-01-09T13:00:00Z")
    for metric in metrics[1:]:
        world.rate(card, world.product(metric), price=5)
    schedule = {"frequency": "WEEKLY", "day": "CONTRACT_START"}
    world.contract(customer, card, "2025-01-06T00:00:00Z", usage_statement_schedule=schedule)
    world.clock("2025-01-13T12:00:00Z")
    for number, (day, hour, value, team) in enumerate(events[::every]):
        at = f"2025-01-{day:02}T{hour:02}:30:00Z"
        world.use(customer, value, at, id=f"event {number}", team=team)
    return world, customer


def week_of(world: World, customer: str) -> JSON:
    [first, *_] = world.invoices(customer)
    assert first["start_timestamp"] == "2025-01-06T00:00:00+00:00"
    return first


def total_by(world: World, customer: str, size: str) -> Decimal:
    """Returns the sum of a week's rows; each of them is the sum of its lines."""
    total, query = Decimal(0), {**WEEK, "window_size": size}
    while True:
        _, reply = world.call("GET", f"/v1/customers/{customer}/invoices/breakdowns", query=query)
        for row in reply["data"]:
            assert row["total"] == sum(line["total"] for line in row["line_items"])
            total += row["total"]
        if reply["next_page"] is None:
            return total
        query["next_page"] = reply["next_page"]


@few
@given(events=EVENTS)
def test_lines_hours_and_days_add_up_to_the_invoice(
    events: list[tuple[int, int, Decimal, str]],
) -> None:
    world, customer = used(events)
    invoice = week_of(world, customer)
    assert invoice["total"] == sum(line["total"] for line in invoice["line_items"])
    assert total_by(world, customer, "day") == invoice["total"]
    assert total_by(world, customer, "hour") == invoice["total"]


@few
@given(events=EVENTS)
def test_every_line_is_explained_to_the_last_digit(
    events: list[tuple[int, int, Decimal, str]],
) -> None:
    world, customer = used(events)
    draft = week_of(world, customer)
    world.clock("2025-01-14T00:00:01Z")
    final = week_of(world, customer)
    assert (draft["status"], final["status"]) == ("DRAFT", "FINALIZED")
    for line in world.get(f"/mock/explain/{final['id']}")["line_items"]:
        told = world.get(line["explanation"])
        assert told["matches"] is True, told
        assert told["computed"]["total"] == line["total"]


@few
@given(events=EVENTS)
def test_finalizing_twice_changes_nothing(events: list[tuple[int, int, Decimal, str]]) -> None:
    world, customer = used(events)
    world.clock("2025-01-14T00:00:00Z")
    before = world.invoices(customer, status="FINALIZED")
    world.clock("2025-01-08T00:00:00Z")
    world.clock("2025-01-14T00:00:00Z")
    assert world.invoices(customer, status="FINALIZED") == before


class SteppedClock:
    """Real time, as far as the services know."""

    def __init__(self) -> None:
        self.time = datetime(2025, 1, 6, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time


def test_a_billing_job_that_is_delivered_twice_finalizes_once() -> None:
    world, clock = World(), SteppedClock()
    config = {
        "BACKBEAT_STATE": ":memory:",
        "BACKBEAT_SANDBOX": "off",
        "BACKBEAT_TOKENS": "open",
        "BACKBEAT_WEBHOOK_TARGETS": "any",
    }
    world.services = bootstrap.build(Config.model_validate(config), clock=clock)
    target = {"target": "http://127.0.0.1:9/hook"}
    world.post("/webhooks/subscriptions", target)
    customer, product, card = world.customer(), world.product(world.metric()), world.rate_card()
    world.rate(card, product, price=2)
    world.contract(customer, card, "2025-01-06T00:00:00Z")
    world.use(customer, 10, "2025-01-06T01:00:00Z")
    clock.time = datetime(2025, 2, 2, 0, 1, tzinfo=UTC)

    def billing(event: JSON) -> Any:
        with bootstrap.using(world.services):
            return function("billing_cycle").handler(event, None)

    assert billing({"action": "tick"}) == {"jobs": 1, "failed_tenants": 0}
    [job] = world.services.job_queue.receive(limit=10, wait_seconds=0, visibility_seconds=60)
    record = {
        "messageId": job.id,
        "body": job.body,
        "eventSource": "aws:sqs",
        "attributes": {"ApproximateReceiveCount": "1"},
    }
    assert billing({"Records": [record]}) == {"batchItemFailures": []}
    once, told = world.invoices(customer), world.get("/webhooks/deliveries")
    assert billing({"Records": [record]}) == {"batchItemFailures": []}

    # 10 × 2 in January; February has begun.
    assert [(one["status"], one["total"]) for one in once] == [("FINALIZED", 20), ("DRAFT", 0)]
    assert world.invoices(customer) == once
    assert world.get("/webhooks/deliveries") == told
    assert "invoice.finalized" in str(told)
