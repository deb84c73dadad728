"""Meters, their events, and what summaries say. The stage's clock stands at 2025-01-15T12:00Z."""

from decimal import Decimal
from typing import Any

import pytest
import stripe

from tests.integration.stripe.conftest import Shop

NOON = 1736942400
MIDNIGHT = NOON - 12 * 3600
DAY = 86_400


def meter(shop: Shop, formula: str = "sum", **fields: Any) -> Any:
    return shop.v1.billing.meters.create(
        {
            "display_name": "Calls",
            "event_name": f"calls_{formula}",
            "default_aggregation": {"formula": formula},
            **fields,
        }
    )


def send(
    shop: Shop, customer: str, value: str, identifier: str | None = None, **fields: Any
) -> Any:
    return shop.v1.billing.meter_events.create(
        {
            "event_name": "calls_sum",
            "payload": {"stripe_customer_id": customer, "value": value},
            **({"identifier": identifier} if identifier else {}),
            **fields,
        }
    )


def totals(shop: Shop, meter_id: str, customer: str, **fields: Any) -> list[tuple[int, Decimal]]:
    found = shop.v1.billing.meters.event_summaries.list(
        meter_id,
        {
            "customer": customer,
            "start_time": MIDNIGHT,
            "end_time": MIDNIGHT + DAY,
            **fields,
        },
    )
    return [(one.start_time, Decimal(str(one.aggregated_value))) for one in found.data]


def test_events_are_counted_once_for_each_identifier(shop: Shop) -> None:
    made, customer = meter(shop), shop.customer()
    first = send(shop, customer, "100", "k1")
    assert "id" not in first.to_dict()
    assert (first.identifier, first.timestamp) == ("k1", NOON)
    send(shop, customer, "250", "k2")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        send(shop, customer, "100", "k1")
    assert refused.value.code is None
    assert "An event already exists with identifier k1." in str(refused.value)
    send(shop, customer, "75", "k3", timestamp=NOON - 3600)
    # 100 + 250 + 75, not 525.
    assert totals(shop, made.id, customer) == [(MIDNIGHT, Decimal(425))]
    assert totals(shop, made.id, customer, value_grouping_window="hour") == [
        (NOON, Decimal(350)),
        (NOON - 3600, Decimal(75)),
    ]


def test_worked_example_11_deltas(shop: Shop) -> None:
    made, customer = meter(shop), shop.customer()
    # Local totals 100, 350, 350 (a duplicate: no call), 425, 400.
    for delta in ("100", "250", "75", "-25"):
        send(shop, customer, delta)
    assert totals(shop, made.id, customer) == [(MIDNIGHT, Decimal(400))]


@pytest.mark.parametrize(("formula", "total"), [("sum", 15), ("count", 3), ("last", 5)])
def test_worked_example_11_aggregations(shop: Shop, formula: str, total: int) -> None:
    made, customer = meter(shop, formula), shop.customer()
    # 3, 7, 5 in the order of their timestamps, sent in another order.
    for second, value in ((2, "5"), (0, "3"), (1, "7")):
        send(shop, customer, value, event_name=f"calls_{formula}", timestamp=NOON + second)
    assert totals(shop, made.id, customer) == [(MIDNIGHT, Decimal(total))]


def test_a_window_keeps_its_latest_event(shop: Shop) -> None:
    made, customer = meter(shop, event_time_window="hour"), shop.customer()
    send(shop, customer, "10", timestamp=NOON - 7200)
    send(shop, customer, "25", timestamp=NOON - 7000)
    send(shop, customer, "40", timestamp=NOON)
    # 25 replaces 10 in its hour; 25 + 40.
    assert totals(shop, made.id, customer) == [(MIDNIGHT, Decimal(65))]


def test_fractions_stay_exact(shop: Shop) -> None:
    made, customer = meter(shop), shop.customer()
    for _ in range(3):
        send(shop, customer, "0.1")
    assert totals(shop, made.id, customer) == [(MIDNIGHT, Decimal("0.3"))]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-35 * DAY - 1, "more than 35 days in past. Expected a timestamp greater than or equal"),
        (301, "more than 5 minutes in the future"),
    ],
)
def test_timestamps_have_bounds(shop: Shop, seconds: int, text: str) -> None:
    meter(shop)
    customer = shop.customer()
    with pytest.raises(stripe.InvalidRequestError, match=text):
        send(shop, customer, "1", timestamp=NOON + seconds)
    # One second less is taken.
    send(shop, customer, "1", timestamp=NOON + seconds - (1 if seconds > 0 else -1))


def test_an_event_needs_an_active_meter(shop: Shop) -> None:
    customer = shop.customer()
    with pytest.raises(stripe.InvalidRequestError, match='No active meter found for event name "c'):
        send(shop, customer, "1")
    made = meter(shop)
    shop.v1.billing.meters.deactivate(made.id)
    with pytest.raises(stripe.InvalidRequestError, match="No active meter found"):
        send(shop, customer, "1")
    assert shop.v1.billing.meters.reactivate(made.id).status == "active"
    send(shop, customer, "1")


def test_an_event_name_has_one_active_meter(shop: Shop) -> None:
    made = meter(shop)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        meter(shop)
    assert refused.value.param == "event_name"
    shop.v1.billing.meters.deactivate(made.id)
    meter(shop)
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.billing.meters.reactivate(made.id)


def test_an_adjustment_takes_an_event_back_within_a_day(shop: Shop) -> None:
    made, customer = meter(shop), shop.customer()
    send(shop, customer, "100", "k1")
    send(shop, customer, "5", "k2")
    cancel = {
        "event_name": "calls_sum",
        "type": "cancel",
        "cancel": {"identifier": "k1"},
    }
    assert shop.v1.billing.meter_event_adjustments.create(cancel).status == "complete"
    assert totals(shop, made.id, customer) == [(MIDNIGHT, Decimal(5))]
    shop.stage.clock.advance(days=1)
    with pytest.raises(stripe.InvalidRequestError, match="identifier k2"):
        shop.v1.billing.meter_event_adjustments.create({**cancel, "cancel": {"identifier": "k2"}})


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"start_time": MIDNIGHT + 1}, "start_time"),
        ({"end_time": MIDNIGHT + 61}, "end_time"),
        ({"start_time": MIDNIGHT + 60, "value_grouping_window": "hour"}, "start_time"),
        ({"start_time": MIDNIGHT + 3600, "value_grouping_window": "day"}, "start_time"),
        ({"start_time": MIDNIGHT + DAY}, "start_time"),
    ],
)
def test_summaries_want_aligned_bounds(shop: Shop, fields: Any, param: str) -> None:
    made, customer = meter(shop), shop.customer()
    with pytest.raises(stripe.InvalidRequestError) as refused:
        totals(shop, made.id, customer, **fields)
    assert refused.value.param == param


def test_summaries_include_the_start_and_not_the_end(shop: Shop) -> None:
    made, customer = meter(shop), shop.customer()
    send(shop, customer, "1", timestamp=MIDNIGHT)
    send(shop, customer, "2", timestamp=MIDNIGHT + 60)
    window = {"start_time": MIDNIGHT, "end_time": MIDNIGHT + 60}
    assert totals(shop, made.id, customer, **window) == [(MIDNIGHT, Decimal(1))]


def test_booking_lags_behind_as_a_test_wants(shop: Shop) -> None:
    made, customer = meter(shop), shop.customer()
    shop.control("meter_events", lag_seconds=30)
    send(shop, customer, "7")
    assert totals(shop, made.id, customer) == []
    shop.stage.clock.advance(seconds=30)
    assert totals(shop, made.id, customer) == [(MIDNIGHT, Decimal(7))]
    send(shop, customer, "8")
    shop.control("meter_events", settle=True)
    # What was accepted is booked; what comes now lags again.
    send(shop, customer, "9")
    assert totals(shop, made.id, customer) == [(MIDNIGHT, Decimal(15))]


def test_events_are_held_lost_or_booked_with_an_error(shop: Shop) -> None:
    made, customer = meter(shop), shop.customer()
    shop.control("meter_events", hold=True)
    send(shop, customer, "1", "held")
    assert totals(shop, made.id, customer) == []
    shop.control("meter_events", hold=False, settle=True)
    assert totals(shop, made.id, customer) == [(MIDNIGHT, Decimal(1))]
    shop.control("meter_events", lose=1)
    send(shop, customer, "10", "lost")
    assert totals(shop, made.id, customer) == [(MIDNIGHT, Decimal(1))]
    shop.control("meter_events", fail_after_booking=1)
    with pytest.raises(stripe.APIError):
        send(shop, customer, "100", "booked")
    # Did it arrive? It did, and sending it again says so.
    with pytest.raises(stripe.InvalidRequestError, match="already exists with identifier booked"):
        send(shop, customer, "100", "booked")
    assert totals(shop, made.id, customer) == [(MIDNIGHT, Decimal(101))]
    shop.control("meter_events", refuse=1)
    with pytest.raises(stripe.RateLimitError):
        send(shop, customer, "1000", "refused")
    send(shop, customer, "1000", "refused")
    assert totals(shop, made.id, customer) == [(MIDNIGHT, Decimal(1101))]


def test_what_fails_after_acceptance_is_told_in_a_thin_event(shop: Shop) -> None:
    made = meter(shop)
    customer = shop.customer()
    kind = "v1.billing.meter.error_report_triggered"
    shop.v1.webhook_endpoints.create({"url": "https://x.example/h", "enabled_events": [kind]})
    send(shop, "cus_nobody", "1", "a")
    send(shop, customer, "many", "b")
    send(shop, customer, "1234567890123456", "c")
    shop.v1.billing.meter_events.create(
        {"event_name": "calls_sum", "payload": {"value": "1"}, "identifier": "d"}
    )
    # A number for a computer, but no plain one.
    send(shop, customer, "1E+999999", "e")
    shop.stage.clock.advance(seconds=10)
    shop.v1.customers.list()
    shop.work_off()
    [post] = shop.stage.targets.posts
    told = post.event
    assert (told["object"], told["type"]) == ("v2.core.event", kind)
    assert told["related_object"]["id"] == made.id
    assert "data" not in told
    event: Any = shop.client.v2.core.events.retrieve(told["id"])
    reason = event.data.reason
    assert reason.error_count == 5
    assert {one.code: one.error_count for one in reason.error_types} == {
        "meter_event_customer_not_found": 1,
        "meter_event_invalid_value": 2,
        "meter_event_value_too_many_digits": 1,
        "meter_event_no_customer_defined": 1,
    }
    assert totals(shop, made.id, customer) == []


def test_events_by_api_v2_are_checked_at_once(shop: Shop) -> None:
    made, customer = meter(shop), shop.customer()
    events: Any = shop.client.v2.billing.meter_events

    def wanted(identifier: str, **payload: str) -> Any:
        return {"event_name": "calls_sum", "identifier": identifier, "payload": payload}

    taken = events.create(
        {
            **wanted("v2", stripe_customer_id=customer, value="7"),
            "timestamp": "2025-01-15T11:00:00Z",
        }
    )
    assert (taken.identifier, taken.timestamp) == ("v2", "2025-01-15T11:00:00.000Z")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        events.create(wanted("bad", stripe_customer_id="cus_nobody", value="1"))
    assert refused.value.code == "meter_event_customer_not_found"
    # Both versions share identifiers, and what was refused used none up.
    with pytest.raises(stripe.InvalidRequestError, match="already exists with identifier v2"):
        send(shop, customer, "1", "v2")
    send(shop, customer, "5", "bad")
    adjustments: Any = shop.client.v2.billing.meter_event_adjustments
    cancel = {"event_name": "calls_sum", "type": "cancel", "cancel": {"identifier": "bad"}}
    assert adjustments.create(cancel).status == "complete"
    assert totals(shop, made.id, customer) == [(MIDNIGHT, Decimal(7))]


def test_by_api_v2_a_failed_call_is_tried_anew(shop: Shop) -> None:
    customer = shop.customer()
    wanted: Any = {
        "event_name": "calls_sum",
        "payload": {"stripe_customer_id": customer, "value": "1"},
    }
    key: Any = {"idempotency_key": "k"}
    with pytest.raises(stripe.InvalidRequestError, match="No active meter"):
        shop.client.v2.billing.meter_events.create(wanted, key)
    meter(shop)
    first = shop.client.v2.billing.meter_events.create(wanted, key)
    shop.stage.clock.advance(days=29)
    # API v2 keeps keys for thirty days.
    assert shop.client.v2.billing.meter_events.create(wanted, key).identifier == first.identifier


def test_a_failure_after_booking_is_answered_again_to_the_same_key(shop: Shop) -> None:
    made, customer = meter(shop), shop.customer()
    shop.control("meter_events", fail_after_booking=1)
    wanted = {
        "event_name": "calls_sum",
        "payload": {"stripe_customer_id": customer, "value": "4"},
        "identifier": "once",
    }
    for _ in range(2):
        # As with Stripe, a 500 is what the key is answered for a day.
        with pytest.raises(stripe.APIError):
            shop.v1.billing.meter_events.create(wanted, {"idempotency_key": "k"})
    assert totals(shop, made.id, customer) == [(MIDNIGHT, Decimal(4))]
