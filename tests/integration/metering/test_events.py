"""Events in: T-27 case by case, keys, limits. The stage's clock stands at 2025-01-15T12:00Z."""

import json
from typing import Any

import pytest

from tests.integration.conftest import nothing_changes
from tests.integration.metering.meter import Meter, event
from tests.integration.store import Crash, WatchedStore

INGEST = "/metering/v1/events/ingest"


def test_t27_events_are_accepted_in_the_order_sent(meter: Meter) -> None:
    meter.counter()
    answer = meter.send(event(100, idempotency_key="a"), event(250, idempotency_key="b"))
    assert (answer["accepted"], answer["duplicates"], answer["pending"]) == (2, 0, 0)
    assert answer["results"] == [
        {"index": 0, "idempotency_key": "a", "status": "accepted"},
        {"index": 1, "idempotency_key": "b", "status": "accepted"},
    ]
    assert answer["request_id"]
    assert meter.current() == 350


def test_t27_a_repeat_is_a_duplicate(meter: Meter) -> None:
    meter.counter()
    assert meter.statuses(event(100, idempotency_key="a")) == ["accepted"]
    assert meter.statuses(event(100, idempotency_key="a")) == ["duplicate"]
    assert meter.current() == 100


def test_d04_a_repeat_in_the_same_batch_is_a_duplicate(meter: Meter) -> None:
    meter.counter()
    answer = meter.send(event(100, idempotency_key="a"), event(100, idempotency_key="a"))
    assert [one["status"] for one in answer["results"]] == ["accepted", "duplicate"]
    assert (answer["accepted"], answer["duplicates"]) == (1, 1)
    assert meter.current() == 100


def test_d03_results_are_in_the_order_of_the_events(meter: Meter) -> None:
    meter.counter()
    statuses = meter.statuses(
        event(1, idempotency_key="a"),
        event(1, "2025-01-15T14:00:00Z", idempotency_key="b"),
        event(1, idempotency_key="a"),
        event(1, idempotency_key="c"),
    )
    assert statuses == ["accepted", "error", "duplicate", "accepted"]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"metric": None}, "metric"),
        ({"metric": ""}, "metric"),
        ({"metric": "m" * 101}, "metric"),
        ({"customer_ref": None}, "customer_ref"),
        ({"quantity": None}, "quantity"),
        ({"quantity": -1}, "quantity"),
        ({"quantity": "NaN"}, "quantity"),
        # A billion digits, written out.
        ({"quantity": "1e999999999"}, "quantity"),
        ({"quantity": "1e-999999999"}, "quantity"),
        ({"quantity": "many"}, "quantity"),
        ({"ts": None}, "ts"),
        ({"ts": "yesterday"}, "ts"),
        ({"ts": "2025-01-15T11:00:00"}, "ts"),
        ({"idempotency_key": "k" * 256}, "idempotency_key"),
        ({"source": "guess"}, "source"),
        ({"meta": []}, "meta"),
    ],
)
def test_t27_what_is_no_event_refuses_the_batch(
    changes: dict[str, Any], named: str, meter: Meter, store: WatchedStore
) -> None:
    meter.counter()
    wrong = {name: value for name, value in (event() | changes).items() if value is not None}
    with nothing_changes(store):
        reply = meter.post("events/ingest", {"events": [event(), wrong]})
    assert reply.status == 400
    assert "events[1]" in reply.body["message"]
    assert named in reply.body["message"]


def test_t27_two_hours_ahead_is_an_error_of_that_event(meter: Meter) -> None:
    meter.counter()
    answer = meter.send(event(1, "2025-01-15T14:00:00Z"), event(2, "2025-01-15T12:59:59Z"))
    assert [one["status"] for one in answer["results"]] == ["error", "accepted"]
    assert answer["errors"] == [{"index": 0, "error": "ts: more than an hour in the future"}]
    assert meter.current() == 2


def test_an_unknown_metric_is_an_error_of_that_event(meter: Meter) -> None:
    meter.counter()
    answer = meter.send(event(1, metric="typo"), event(2))
    assert [one["status"] for one in answer["results"]] == ["error", "accepted"]
    assert "no counter typo" in answer["errors"][0]["error"]


def test_t27_the_headers_key_is_used(meter: Meter) -> None:
    meter.counter()
    [result] = meter.send(event(), key="header-1")["results"]
    assert result == {"index": 0, "idempotency_key": "header-1", "status": "accepted"}


def test_t27_an_events_own_key_comes_first(meter: Meter) -> None:
    meter.counter()
    [result] = meter.send(event(idempotency_key="own"), key="header-1")["results"]
    assert result["idempotency_key"] == "own"


def test_d06_the_headers_key_tells_several_events_apart(meter: Meter) -> None:
    meter.counter()
    answer = meter.send(event(1), event(2), event(4), key="header-1")
    assert [one["idempotency_key"] for one in answer["results"]] == [
        "header-1:0",
        "header-1:1",
        "header-1:2",
    ]
    assert meter.current() == 7
    # The whole request again is answered as it was, and counts nothing.
    assert meter.send(event(1), event(2), event(4), key="header-1") == answer
    assert meter.current() == 7


def test_t47_a_derived_key_makes_a_repeat_a_duplicate(meter: Meter) -> None:
    meter.counter()
    [first] = meter.send(event(5, source="etl"))["results"]
    [second] = meter.send(event("5.0", source="etl"))["results"]
    assert first["idempotency_key"].startswith("ev1_")
    assert second["idempotency_key"] == first["idempotency_key"]
    assert (first["status"], second["status"]) == ("accepted", "duplicate")


def test_d07_two_amounts_at_one_instant_are_two_events(meter: Meter) -> None:
    meter.counter()
    meter.send(event(5), event(6), event(5, sequence=1))
    assert meter.current() == 16


def test_d08_keys_are_each_tenants_own(meter: Meter) -> None:
    other = Meter(meter.product, "other")
    for one in (meter, other):
        one.counter()
        assert one.statuses(event(3, idempotency_key="a")) == ["accepted"]
        assert one.current() == 3


@pytest.mark.parametrize(("count", "status"), [(0, 400), (1, 200), (1000, 200), (1001, 400)])
def test_t46_a_batch_has_up_to_a_thousand_events(count: int, status: int, meter: Meter) -> None:
    meter.counter()
    events = [event(1, idempotency_key=f"k{number}") for number in range(count)]
    assert meter.post("events/ingest", {"events": events}).status == status
    assert meter.current() == (count if status == 200 else 0)


def test_t46_too_much_meta_is_an_error_of_that_event(meter: Meter) -> None:
    meter.counter()
    # {"note":"…"} has 11 characters around the text: 4,096 bytes fit.
    large = event(1, meta={"note": "x" * 4086})
    fits = event(2, meta={"note": "x" * 4085})
    assert meter.statuses(large, fits) == ["error", "accepted"]


def test_a_quantity_that_no_sum_keeps_is_an_error_of_that_event(meter: Meter) -> None:
    meter.counter()
    assert meter.statuses(event("1e30"), event("0." + "0" * 24 + "1"), event("0.25")) == [
        "error",
        "error",
        "accepted",
    ]


def test_meta_cannot_take_the_place_of_the_quantity(meter: Meter) -> None:
    meter.counter()
    assert meter.statuses(event(1, meta={"quantity": 1000})) == ["error"]
    assert meter.current() == 0


def test_names_may_be_written_either_way(meter: Meter) -> None:
    meter.counter()
    sent = {
        "metric": "calls",
        "customerRef": "acme",
        "quantity": 2,
        "timestamp": "2025-01-15T11:00:00Z",
        "idempotencyKey": "a",
        "resourceId": "vm",
    }
    assert meter.statuses(sent) == ["accepted"]
    [listed] = meter.get("events").data
    assert (listed["idempotency_key"], listed["resource_id"]) == ("a", "vm")


@pytest.mark.parametrize("text", ["", "[]", "{", '{"events": {}}', "null"])
def test_a_body_that_is_no_batch(text: str, meter: Meter) -> None:
    reply = meter.product.request("POST", INGEST, text=text)
    assert (reply.status, reply.body["code"]) == (400, "InvalidArgument")


class TestList:
    @pytest.fixture(autouse=True)
    def stored(self, meter: Meter) -> None:
        meter.counter()
        meter.counter("seats", "unique")
        meter.send(
            event(1, "2025-01-13T10:00:00Z", idempotency_key="1", source="sdk", meta={"a": 1}),
            event(2, "2025-01-14T10:00:00Z", idempotency_key="2"),
            event(3, "2025-01-15T10:00:00Z", idempotency_key="3"),
            event(4, "2025-01-15T10:00:00Z", idempotency_key="4", customer_ref="beta"),
            event(1, metric="seats", resource_id="ann", idempotency_key="5"),
        )

    def keys(self, meter: Meter, **query: str) -> list[str]:
        return [one["idempotency_key"] for one in meter.get("events", **query).data]

    def test_t27_by_customer_then_the_newest_first(self, meter: Meter) -> None:
        assert self.keys(meter) == ["5", "3", "2", "1", "4"]

    def test_an_event_is_shown_as_sent(self, meter: Meter) -> None:
        listed = meter.get("events", source="sdk").data
        assert listed == [
            {
                "idempotency_key": "1",
                "metric": "calls",
                "customer_ref": "acme",
                "quantity": "1",
                "ts": "2025-01-13T10:00:00+00:00",
                "source": "sdk",
                "meta": {"a": 1},
                "received_at": "2025-01-15T12:00:00+00:00",
            }
        ]

    @pytest.mark.parametrize(
        ("query", "keys"),
        [
            ({"metric": "seats"}, ["5"]),
            ({"customer_ref": "beta"}, ["4"]),
            ({"since": "2025-01-14T10:00:00Z", "until": "2025-01-15T10:00:00Z"}, ["2"]),
            ({"customer_ref": "nobody"}, []),
        ],
    )
    def test_filters(self, query: dict[str, str], keys: list[str], meter: Meter) -> None:
        assert self.keys(meter, **query) == keys

    def test_t27_pages(self, meter: Meter) -> None:
        found: list[str] = []
        query = {"limit": "2"}
        for _ in range(3):
            reply = meter.get("events", **query)
            found += [one["idempotency_key"] for one in reply.data]
            query["next_page"] = reply.body["next_page"]
        assert found == ["5", "3", "2", "1", "4"]
        assert reply.body["next_page"] is None

    @pytest.mark.parametrize("limit", ["0", "101", "many"])
    def test_t27_a_page_has_up_to_a_hundred(self, limit: str, meter: Meter) -> None:
        assert meter.get("events", limit=limit).status == 400

    def test_a_span_that_would_take_too_long_is_refused(self, meter: Meter) -> None:
        span = {"since": "2000-01-01T00:00:00Z", "until": "2025-01-16T00:00:00Z"}
        for path in ("events", "events/export"):
            reply = meter.get(path, **span)
            assert (reply.status, "since" in reply.body["message"]) == (400, True)
        assert meter.post("replay", span).status == 400
        by_month = {"metric": "calls", "customer_ref": "acme", "interval": "month"}
        assert meter.get("usage/history", **by_month, **span).status == 400

    def test_t27_nothing_is_listed_without_a_token(self, meter: Meter) -> None:
        assert meter.product.request("GET", "/metering/v1/events", token=None).status == 401

    def test_t17_export(self, meter: Meter) -> None:
        reply = meter.get(
            "events/export", since="2025-01-13T00:00:00Z", until="2025-01-14T00:00:00Z"
        )
        assert reply.body.decode().splitlines() == [
            "metric,customer_ref,resource_id,quantity,ts,source,meta,idempotency_key",
            'calls,acme,,1,2025-01-13T10:00:00+00:00,sdk,"{""a"":1}",1',
        ]


@pytest.mark.parametrize("survived", range(5))
def test_a_crash_between_any_two_writes_loses_and_doubles_nothing(
    survived: int, meter: Meter, store: WatchedStore
) -> None:
    meter.counter()
    # Marks of the day and of the customer, and three transactions of 99 events at most.
    batch = [event(1, idempotency_key=f"k{number}") for number in range(250)]
    left = survived

    def die() -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise Crash

    store.before = die
    with pytest.raises(Crash):
        meter.send(*batch)
    store.before = lambda: None
    answer = meter.send(*batch)
    assert answer["accepted"] + answer["duplicates"] == 250
    assert meter.current() == 250


def test_the_two_ways_in_are_one_ledger(meter: Meter) -> None:
    counter = meter.counter()
    sent = {
        "transaction_id": "other-way",
        "customer_id": "acme",
        "event_type": "calls",
        "timestamp": "2025-01-15T11:00:00Z",
        "properties": {"quantity": 40},
    }
    assert meter.product.post("/v1/ingest", [sent]).status == 200
    assert meter.statuses(event(2), event(40, idempotency_key="other-way")) == [
        "accepted",
        "duplicate",
    ]
    assert meter.current() == 42
    search = meter.product.post("/v1/events/search", {"transactionIds": ["other-way"]})
    assert json.dumps([counter["billable_metric_id"]]) in json.dumps(
        [[one["id"] for one in found["matched_billable_metrics"]] for found in search.body]
    )
