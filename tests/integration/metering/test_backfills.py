"""Backfills and replays. The stage's clock stands at 2025-01-15T12:00Z."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pytest

from backbeat import bootstrap
from backbeat.application.tokens import owner_by_hash
from backbeat.ports.objects import UnreadableObject
from tests.integration.metering.meter import Meter, event
from tests.integration.product import DEMO, Product, Reply, TestClock
from tests.integration.store import Crash, WatchedStore

CSV = """metric,customer_ref,quantity,ts,resource_id,meta,idempotency_key
calls,acme,100,2024-12-05T10:00:00Z,,,a
calls,acme,50,2024-12-06T10:00:00Z,vm-1,"{""region"": ""eu""}",b
"""


def order(meter: Meter, **fields: Any) -> Reply:
    body = {
        "metric": "calls",
        "period_start": "2024-12-01T00:00:00Z",
        "period_end": "2025-01-01T00:00:00Z",
        "reason": "moved from another system",
        **fields,
    }
    return meter.post("events/backfill", body)


def done(meter: Meter, reply: Reply) -> Any:
    """Works the queue off and returns the backfill."""
    meter.product.work_off_jobs()
    return meter.get(f"events/backfill/{reply.data['operation_id']}").data


def december(meter: Meter, metric: str = "calls", customer_ref: str = "acme") -> Decimal:
    span = {"since": "2024-12-01T00:00:00Z", "until": "2025-01-01T00:00:00Z"}
    found = meter.get("usage/history", metric=metric, customer_ref=customer_ref, **span).data
    return Decimal(found["totals"]["value"])


def rows(meter: Meter, backfill: Any, **query: str) -> list[tuple[int, str]]:
    listed = meter.get(f"events/backfill/{backfill['operation_id']}/rows", **query).data
    return [(one["row"], one["status"]) for one in listed]


JSONL = '{"quantity": 100, "ts": "2024-12-05T10:00:00Z", "customerRef": "acme"}\n\n' + (
    '{"metric": "calls", "quantity": "50", "timestamp": "2024-12-06T10:00:00Z",'
    ' "customer_ref": "acme", "meta": {"x": 0.5}}\n'
)
EVENTS = [
    event(100, "2024-12-05T10:00:00Z", idempotency_key="a"),
    event(50, "2024-12-06T10:00:00Z", idempotency_key="b"),
]


@pytest.mark.parametrize(
    "given",
    [{"events": EVENTS}, {"csv_data": CSV}, {"jsonl_data": JSONL}],
    ids=["json", "csv", "jsonl"],
)
def test_t28_t50_rows_land(given: dict[str, Any], meter: Meter) -> None:
    meter.counter()
    reply = order(meter, **given)
    assert reply.data["status"] == "pending"
    assert (reply.data["rows"], reply.data["processed"]) == (2, 0)
    assert december(meter) == 0
    backfill = done(meter, reply)
    assert (backfill["status"], backfill["accepted"], backfill["failed"]) == ("completed", 2, 0)
    assert rows(meter, backfill) == [(1, "accepted"), (2, "accepted")]
    assert december(meter) == 150
    # Once more it is all there.
    again = done(meter, order(meter, **given))
    assert (again["accepted"], again["duplicates"]) == (0, 2)
    assert december(meter) == 150


def test_t28_t50_what_is_no_row_of_the_order_is_refused_row_by_row(meter: Meter) -> None:
    meter.counter()
    meter.counter("bytes")
    text = "\n".join(
        [
            "metric,customer_ref,quantity,ts",
            "calls,acme,1,2024-12-05T10:00:00Z",
            "bytes,acme,1,2024-12-05T10:00:00Z",
            "calls,beta,1,2024-12-05T10:00:00Z",
            "calls,acme,1,2024-11-30T23:59:59Z",
            "calls,acme,1,2025-01-01T00:00:00Z",
            "calls,acme,many,2024-12-05T10:00:00Z",
            "calls,acme,1,yesterday",
            "calls,acme,1",
            "calls,acme,-1,2024-12-05T10:00:00Z",
            "calls,acme,1e999999999,2024-12-05T10:00:00Z",
            "calls,acme,2,2024-12-31T23:59:59Z",
        ]
    )
    backfill = done(meter, order(meter, customer_ref="acme", csv_data=text))
    assert (backfill["accepted"], backfill["failed"], backfill["rows"]) == (2, 9, 11)
    listed = meter.get(f"events/backfill/{backfill['operation_id']}/rows", status="error").data
    assert [(one["row"], one["error"].partition(":")[0]) for one in listed] == [
        (2, "metric"),
        (3, "customer_ref"),
        (4, "ts"),
        (5, "ts"),
        (6, "quantity"),
        (7, "ts"),
        (8, "the row has other columns than the header"),
        (9, "quantity"),
        (10, "quantity"),
    ]
    assert december(meter) == 3


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({}, "events, csv_data"),
        ({"events": []}, "events"),
        ({"events": [{"quantity": 1}]}, "events[0].ts"),
        ({"events": [event(1, quantity_="x") | {"quantity": "x"}]}, "events[0].quantity"),
        ({"events": EVENTS, "csv_data": CSV}, "events, csv_data"),
        ({"csv_data": "a,b\n1,2\n"}, "csv_data"),
        ({"csv_data": "quantity,ts\n"}, "csv_data"),
        ({"source_url": "https://example.com/a.csv"}, "source_url"),
        ({"csv_data": CSV, "period_end": "2024-12-01T00:00:00Z"}, "period_end"),
        ({"csv_data": CSV, "reason": ""}, "reason"),
    ],
)
def test_t28_bad_orders(fields: dict[str, Any], named: str, meter: Meter) -> None:
    meter.counter()
    reply = order(meter, **fields)
    assert (reply.status, named in reply.body["message"]) == (400, True), reply
    assert meter.get("events/backfill").data == []


def test_t28_listing(meter: Meter, clock: TestClock) -> None:
    meter.counter()
    first = order(meter, events=EVENTS).data
    clock.advance(seconds=1)
    second = order(meter, csv_data=CSV).data
    meter.product.work_off_jobs()

    def listed(**query: str) -> list[str]:
        return [one["operation_id"] for one in meter.get("events/backfill", **query).data]

    assert listed() == [second["operation_id"], first["operation_id"]]
    assert listed(status="completed", metric="calls", limit="1") == [second["operation_id"]]
    assert listed(status="pending") == listed(metric="other") == []
    assert meter.get("events/backfill/none").status == 404
    assert order(meter, events=EVENTS, metric="other").status == 404


def test_t17_what_was_exported_can_be_brought_in_elsewhere(meter: Meter) -> None:
    meter.counter()
    done(meter, order(meter, csv_data=CSV))
    span = {"since": "2024-12-01T00:00:00Z", "until": "2025-01-01T00:00:00Z"}
    exported = meter.get("events/export", **span).body.decode()
    other = Meter(meter.product, "other")
    other.counter()
    backfill = done(other, order(other, csv_data=exported))
    assert backfill["accepted"] == 2
    assert december(other) == 150
    assert other.get("events/export", **span).body.decode() == exported


def test_many_rows_go_page_by_page(meter: Meter) -> None:
    meter.counter()
    lines = [f"1,2024-12-05T10:00:{number % 60:02}.{number:06}Z" for number in range(600)]
    reply = order(meter, customer_ref="acme", csv_data="\n".join(["quantity,ts", *lines]))
    backfill = done(meter, reply)
    assert (backfill["rows"], backfill["accepted"]) == (600, 600)
    assert december(meter) == 600
    assert rows(meter, backfill, after="499", limit="2") == [(500, "accepted"), (501, "accepted")]


@pytest.mark.parametrize("survived", range(8))
def test_a_crash_between_any_two_writes_counts_nothing_twice(
    survived: int, meter: Meter, store: WatchedStore, clock: TestClock
) -> None:
    meter.counter()
    lines = [f"1,2024-12-05T10:{number // 60:02}:{number % 60:02}Z" for number in range(300)]
    text = "quantity,ts\n" + "\n".join(lines)
    reply = order(meter, customer_ref="acme", csv_data=text)
    left = survived

    def die() -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise Crash

    store.before = die
    with pytest.raises(Crash):
        meter.product.work_off_jobs()
    store.before = lambda: None
    # The queue hands the message out again, or a tick sends another.
    clock.advance(minutes=20)
    meter.product.tick()
    backfill = done(meter, reply)
    assert (backfill["status"], backfill["accepted"]) == ("completed", 300)
    assert backfill["duplicates"] == 0
    assert december(meter) == 300


def test_a_backfill_can_be_cancelled(meter: Meter) -> None:
    meter.counter()
    reply = order(meter, events=EVENTS)
    path = f"events/backfill/{reply.data['operation_id']}/cancel"
    for _ in range(2):
        assert meter.post(path).data["status"] == "cancelled"
    assert done(meter, reply)["status"] == "cancelled"
    assert december(meter) == 0
    over = done(meter, order(meter, events=EVENTS))
    refused = meter.post(f"events/backfill/{over['operation_id']}/cancel")
    assert (refused.status, "completed" in refused.body["message"]) == (422, True)


@dataclass
class Files:
    """Implements `Objects` by a dictionary."""

    content: dict[str, bytes] = field(default_factory=dict)

    def read(self, url: str, *, at_most: int) -> bytes:
        if url not in self.content:
            raise UnreadableObject(f"{url} is not there")
        return self.content[url]


@contextmanager
def files(product: Product, content: dict[str, bytes]) -> Iterator[None]:
    with bootstrap.using(replace(product.services, objects=Files(content))):
        yield


@pytest.mark.parametrize(
    ("name", "content", "status", "accepted"),
    [
        ("s3://usage/december.csv", CSV.encode(), "completed", 2),
        ("s3://usage/december.csv", b"\xef\xbb\xbf" + CSV.encode(), "completed", 2),
        ("s3://usage/december.jsonl", JSONL.encode(), "completed", 2),
        ("s3://usage/december.csv", b"", "failed", 0),
        ("s3://usage/december.csv", b"\xff\xfe", "failed", 0),
        ("s3://usage/other.csv", None, "failed", 0),
    ],
)
def test_t39_a_file_in_s3(
    name: str, content: bytes | None, status: str, accepted: int, meter: Meter
) -> None:
    meter.counter()
    with files(meter.product, {} if content is None else {name: content}):
        backfill = done(meter, order(meter, source_url=name))
    assert (backfill["status"], backfill["accepted"]) == (status, accepted)
    assert ("error" in backfill) is (status == "failed")


class TestReplay:
    @staticmethod
    def replay(meter: Meter, mode: str = "dry_run", **fields: Any) -> Any:
        body = {
            "since": "2025-01-01T00:00:00Z",
            "until": "2025-01-16T00:00:00Z",
            "mode": mode,
            **fields,
        }
        return meter.post("replay", body).data

    def test_d20_nothing_differs_where_nothing_went_wrong(self, meter: Meter) -> None:
        meter.counter()
        meter.counter("seats", "unique")
        meter.send(
            event(100, "2025-01-02T10:00:00Z"),
            event(50),
            event(1, metric="seats", resource_id="ann"),
        )
        for mode in ("dry_run", "apply", "apply"):
            found = self.replay(meter, mode)
            assert [(one["metric"], one["counter_delta"]) for one in found["metrics"]] == [
                ("calls", 0),
                ("seats", 0),
            ]
            assert found["applied"] is (mode == "apply")
        calls = found["metrics"][0]
        # One of them came thirteen days late.
        assert (calls["events_found"], calls["late_events"], calls["counter_after"]) == (2, 1, 150)
        assert meter.current() == 150

    def test_w37_a_damaged_counter_is_mended_once(
        self, meter: Meter, store: WatchedStore, clock: TestClock
    ) -> None:
        clock.set(clock.now().replace(day=1))
        meter.counter()
        for day, quantity, ts in (
            (2, 100, "2025-01-02T10:00:00Z"),
            (10, 50, "2025-01-10T10:00:00Z"),
            (12, 10, "2025-01-12T10:00:00Z"),
            (12, 7, "2025-01-03T10:00:00Z"),
        ):
            clock.set(clock.now().replace(day=day))
            meter.send(event(quantity, ts))
        damage(store, lambda number: number - 40 if number > 40 else number)
        # 100 − 40 + 50 − 40 + 10 + 7, where 167 were sent.
        assert meter.current() == 87
        dry = self.replay(meter, metrics=["calls"])
        assert (dry["metrics"][0]["counter_before"], dry["metrics"][0]["counter_delta"]) == (87, 80)
        assert dry["metrics"][0]["affected_customers"] == ["acme"]
        assert meter.current() == 87
        for _ in range(3):
            self.replay(meter, "apply")
            assert meter.current() == 167

    def test_customers_go_page_by_page(self, meter: Meter) -> None:
        meter.counter()
        meter.send(*(event(1, customer_ref=f"c{number:03}") for number in range(150)))
        first = self.replay(meter)
        assert first["metrics"][0]["events_found"] == 100
        second = self.replay(meter, cursor=first["cursor"])
        assert (second["metrics"][0]["events_found"], second["cursor"]) == (50, None)

    @pytest.mark.parametrize(
        ("fields", "status"),
        [
            ({"metrics": ["none"]}, 404),
            ({"until": "2025-01-01T00:00:00Z"}, 400),
            ({"since": "2025-01-01T00:30:00Z"}, 400),
            ({"mode": "maybe"}, 400),
        ],
    )
    def test_bad_replays(self, fields: dict[str, Any], status: int, meter: Meter) -> None:
        meter.counter()
        body = {"since": "2025-01-01T00:00:00Z", "until": "2025-01-16T00:00:00Z", **fields}
        assert meter.post("replay", body).status == status


def damage(store: WatchedStore, change: Callable[[Decimal], Decimal]) -> None:
    """Changes what was counted behind the product's back."""
    tenant = owner_by_hash(sha256(DEMO.encode()).hexdigest())
    found = [item for item in store.items_of(tenant, limit=10_000) if item.entity == "Cells"]
    store.put_many(
        replace(item, numbers={name: change(number) for name, number in item.numbers.items()})
        for item in found
    )


@pytest.mark.parametrize(
    ("since", "until", "found"),
    [
        # It is 12:00: the hours from 11:00 to 12:00, and from 10:00.
        ("-PT1H", "now", 1),
        ("-PT2H", "now", 2),
        ("-PT2H", "-PT1H", 1),
        ("-P1D", "now", 2),
        ("2025-01-15T10:00:00Z", "now", 2),
    ],
)
def test_d20_a_replay_may_be_of_the_last_hours(
    since: str, until: str, found: int, meter: Meter
) -> None:
    meter.counter()
    meter.send(event(3, "2025-01-15T11:30:00Z"), event(4, "2025-01-15T10:15:00Z"))
    told = meter.post("replay", {"since": since, "until": until, "mode": "dry-run"}).data
    [metric] = told["metrics"]
    assert (told["applied"], metric["events_found"], metric["counter_delta"]) == (False, found, 0)
    latest = "2025-01-15T10:15:00+00:00" if until == "-PT1H" else "2025-01-15T11:30:00+00:00"
    assert metric["watermark"] == latest


def test_d20_the_running_hour_is_a_whole_one(meter: Meter, clock: TestClock) -> None:
    meter.counter()
    clock.advance(minutes=20)
    meter.send(event(3, "2025-01-15T12:10:00Z"), event(4, "2025-01-15T11:10:00Z"))
    told = meter.post("replay", {"since": "-PT1H", "until": "now"}).data
    assert told["time_range"] == {
        "start": "2025-01-15T11:00:00+00:00",
        "end": "2025-01-15T13:00:00+00:00",
    }
    assert told["summary"]["events_found"] == 2


@pytest.mark.parametrize("since", ["-PT", "-P", "-PT1M", "PT1H", "yesterday", "-P99999D", 3])
def test_d20_other_times_are_refused(since: object, meter: Meter) -> None:
    reply = meter.post("replay", {"since": since, "until": "now"})
    assert (reply.status, "since" in reply.body["message"]) == (400, True)
