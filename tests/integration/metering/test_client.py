"""The client of the metering API against the API, and against servers that fail."""

import asyncio
import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from backbeat_client import (
    ApiError,
    AsyncMetering,
    Event,
    Metering,
    MeteringError,
    NotDelivered,
    RefusedEvents,
    Unavailable,
)
from tests.integration.metering.meter import Meter
from tests.integration.product import DEMO, Product

NOON = datetime(2025, 1, 15, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
Spoil = Callable[[int, httpx.Request], httpx.Response | None]


class Wire(httpx.MockTransport):
    """Hands requests to the product. `spoil` may answer in its place, before or after the work."""

    def __init__(self, product: Product, before: Spoil | None = None, after: Spoil | None = None):
        super().__init__(self._answer)
        self.product = product
        self.before = before
        self.after = after
        self.sent: list[httpx.Request] = []

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        count = len(self.sent)
        if self.before is not None and (spoilt := self.before(count, request)) is not None:
            return spoilt
        reply = self.product.request(
            request.method,
            request.url.path,
            text=request.content,
            token=request.headers["authorization"].removeprefix("Bearer "),
            query=dict(request.url.params),
        )
        if self.after is not None and (spoilt := self.after(count, request)) is not None:
            return spoilt
        content = json.dumps(reply.body, default=str).encode() if reply.body else b""
        return httpx.Response(reply.status, content=content)


def client(wire: Wire, **settings: Any) -> Metering:
    return Metering(
        "http://server", DEMO, http=httpx.Client(transport=wire), sleep=lambda _: None, **settings
    )


def first_two(make: Callable[[], httpx.Response]) -> Spoil:
    return lambda count, request: make() if count <= 2 else None


def dropped() -> httpx.Response:
    raise httpx.ReadTimeout("no answer")


@pytest.fixture
def meter(product: Product) -> Meter:
    meter = Meter(product)
    meter.counter()
    return meter


def test_what_is_tracked_counts(meter: Meter, product: Product) -> None:
    with client(Wire(product)) as metering:
        result = metering.track("calls", "acme", Decimal("2.5"), ts=NOON - HOUR)
        assert (result.status, result.error) == ("accepted", None)
        assert metering.usage("acme").of("calls") == Decimal("2.5")
        windows = metering.history(
            "calls", "acme", since=NOON - 2 * HOUR, until=NOON, interval="hour"
        )
    assert [(window.start, window.value) for window in windows] == [
        (NOON - 2 * HOUR, 0),
        (NOON - HOUR, Decimal("2.5")),
    ]


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(dropped, id="no answer"),
        pytest.param(lambda: httpx.Response(503, json={"code": "Busy"}), id="503"),
        pytest.param(lambda: httpx.Response(429, headers={"retry-after": "1"}), id="429"),
        pytest.param(lambda: httpx.Response(500, content=b"<html>"), id="a page"),
    ],
)
@pytest.mark.parametrize("when", ["before", "after"])
def test_what_is_sent_again_counts_once(
    meter: Meter, product: Product, failure: Callable[[], httpx.Response], when: str
) -> None:
    wire = Wire(product, **{when: first_two(failure)})
    with client(wire) as metering:
        result = metering.track("calls", "acme", 3, ts=NOON - HOUR)
    assert len(wire.sent) == 3
    assert result.status == ("accepted" if when == "before" else "duplicate")
    assert meter.current() == 3


def test_the_wait_is_as_long_as_the_server_says(meter: Meter, product: Product) -> None:
    waits: list[float] = []
    wire = Wire(product, first_two(lambda: httpx.Response(429, headers={"retry-after": "7"})))
    http = httpx.Client(transport=wire)
    with Metering("http://server/", DEMO, http=http, sleep=waits.append) as metering:
        metering.track("calls", "acme", ts=NOON - HOUR)
    assert waits == [7, 7]


def test_in_the_end_it_gives_up_and_the_same_event_may_be_sent_again(
    meter: Meter, product: Product
) -> None:
    event = Event(metric="calls", customer_ref="acme", quantity=5, ts=NOON - HOUR)
    wire = Wire(product, after=lambda count, request: dropped())
    with client(wire) as metering, pytest.raises(Unavailable, match="after 3 attempts"):
        metering.send([event])
    with client(Wire(product)) as metering:
        [result] = metering.send([event])
    assert result.status == "duplicate"
    assert meter.current() == 5


def test_refusals_are_told_apart(meter: Meter, product: Product) -> None:
    wire = Wire(product)
    with client(wire) as metering:
        good = Event(metric="calls", customer_ref="acme", quantity=1, ts=NOON - HOUR)
        bad = Event(metric="nothing", customer_ref="acme", ts=NOON - HOUR)
        with pytest.raises(RefusedEvents) as refused:
            metering.send([good, bad])
        assert [result.event for result in refused.value.results] == [bad]
        with pytest.raises(ApiError) as error:
            metering.usage("acme", "nothing")
        assert error.value.status == 404
    # Neither is worth trying again, and the good event counts.
    assert len(wire.sent) == 2
    assert meter.current() == 1


def test_more_than_a_request_takes_goes_in_several(meter: Meter, product: Product) -> None:
    wire = Wire(product)
    events = [
        Event(metric="calls", customer_ref="acme", quantity=1, ts=NOON - HOUR) for _ in range(1500)
    ]
    with client(wire) as metering:
        results = metering.send(events)
    assert ([result.event for result in results], len(wire.sent)) == (events, 2)
    assert meter.current() == 1500


def test_buffered_events_go_out_together_when_enough_wait(meter: Meter, product: Product) -> None:
    wire = Wire(product)
    with client(wire, flush_events=10, flush_seconds=60) as metering:
        for _ in range(10):
            metering.buffer("calls", "acme", 2, ts=NOON - HOUR)
        patience = time.monotonic() + 10
        while not wire.sent and time.monotonic() < patience:
            time.sleep(0.01)
        assert len(wire.sent) == 1
        metering.buffer("calls", "acme", 2, ts=NOON - HOUR)
    # Closing sent the eleventh.
    assert len(wire.sent) == 2
    assert meter.current() == 22
    with pytest.raises(RuntimeError, match="closed"):
        metering.buffer("calls", "acme")


def test_what_a_flush_could_not_send_goes_out_later_once(meter: Meter, product: Product) -> None:
    told: list[MeteringError] = []
    heard = threading.Event()

    def hear(error: MeteringError) -> None:
        told.append(error)
        heard.set()

    wire = Wire(product, after=first_two(dropped))
    metering = client(wire, tries=1, flush_events=1, flush_seconds=60, on_error=hear)
    metering.buffer("calls", "acme", 4, ts=NOON - HOUR)
    assert heard.wait(10)
    assert isinstance(told[0], Unavailable)
    with pytest.raises(Unavailable):
        metering.flush()
    metering.close()
    assert (len(wire.sent), meter.current()) == (3, Decimal(4))


def test_closing_hands_back_what_nobody_took(meter: Meter, product: Product) -> None:
    wire = Wire(product, before=lambda count, request: dropped())
    metering = client(wire, flush_seconds=60)
    event = metering.buffer("calls", "acme", 4, ts=NOON - HOUR)
    with pytest.raises(NotDelivered) as lost:
        metering.close()
    assert lost.value.events == (event,)


def test_caps_are_asked_about(meter: Meter, product: Product) -> None:
    cap = {"metric": "calls", "customer_ref": "acme", "limit": 10, "mode": "hard"}
    assert meter.post("caps", cap).status == 200
    with client(Wire(product)) as metering:
        metering.track("calls", "acme", 8, ts=NOON - HOUR)
        fits, exceeds = metering.check("calls", "acme", 2), metering.check("calls", "acme", 3)
    assert (fits.allowed, fits.remaining, exceeds.allowed) == (True, Decimal(2), False)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Event(metric="calls", customer_ref="acme", ts=datetime(2025, 1, 1))  # noqa: DTZ001


def test_in_an_event_loop(meter: Meter, product: Product) -> None:
    wire = Wire(product, after=first_two(dropped))

    async def story() -> None:
        async def no_wait(seconds: float) -> None:
            await asyncio.sleep(0)

        http = httpx.AsyncClient(transport=wire)
        async with AsyncMetering("http://server", DEMO, http=http, sleep=no_wait) as metering:
            results = await asyncio.gather(
                *(metering.track("calls", "acme", 1, ts=NOON - HOUR) for _ in range(5))
            )
            assert {result.status for result in results} <= {"accepted", "duplicate"}
            metering.buffer("calls", "acme", 10, ts=NOON - HOUR)
            await metering.flush()
            assert (await metering.usage("acme")).of("calls") == 15
            assert (await metering.check("calls", "acme")).allowed
            metering.buffer("calls", "acme", 100, ts=NOON - HOUR)

    asyncio.run(story())
    assert meter.current() == 115


def refuse_first(count: int, request: httpx.Request) -> httpx.Response | None:
    return httpx.Response(400, json={"code": "InvalidArgument"}) if count == 1 else None


def test_what_waits_behind_a_refused_request_is_not_lost(meter: Meter, product: Product) -> None:
    wire = Wire(product, before=refuse_first)
    metering = client(wire, flush_events=9999, flush_seconds=60)
    for _ in range(1500):
        metering.buffer("calls", "acme", 1, ts=NOON - HOUR)
    with pytest.raises(ApiError):
        metering.flush()
    metering.close()
    # The first thousand were refused together; the others go out.
    assert (len(wire.sent), meter.current()) == (2, Decimal(500))


def test_closing_sends_all_that_can_be_sent(meter: Meter, product: Product) -> None:
    wire = Wire(product, before=refuse_first)
    metering = client(wire, flush_events=9999, flush_seconds=60)
    for _ in range(1500):
        metering.buffer("calls", "acme", 1, ts=NOON - HOUR)
    with pytest.raises(ApiError):
        metering.close()
    assert meter.current() == 500


def test_in_an_event_loop_closing_sends_all_that_can_be_sent(
    meter: Meter, product: Product
) -> None:
    wire = Wire(product, before=refuse_first)

    async def story() -> None:
        http = httpx.AsyncClient(transport=wire)
        metering = AsyncMetering(
            "http://server", DEMO, http=http, flush_events=9999, flush_seconds=60
        )
        for _ in range(1500):
            metering.buffer("calls", "acme", 1, ts=NOON - HOUR)
        with pytest.raises(ApiError):
            await metering.close()

    asyncio.run(story())
    assert meter.current() == 500


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"meta": {"lock": threading.Lock()}}, "meta"),
        ({"meta": {"share": float("nan")}}, "meta"),
        ({"meta": {"amount": Decimal(1)}}, "meta"),
        ({"quantity": Decimal("NaN")}, "quantity"),
        ({"quantity": -1}, "quantity"),
        ({"metric": ""}, "metric"),
        ({"customer_ref": "c" * 256}, "customer_ref"),
        ({"idempotency_key": ""}, "idempotency_key"),
    ],
)
def test_what_would_have_a_whole_batch_refused_is_no_event(
    fields: dict[str, Any], named: str, meter: Meter, product: Product
) -> None:
    with client(Wire(product), flush_events=1) as metering:
        with pytest.raises(ValueError, match=f"^{named}: "):
            metering.buffer(**{"metric": "calls", "customer_ref": "acme", **fields})
        metering.buffer("calls", "acme", 7, ts=NOON - HOUR)
    assert meter.current() == 7


def test_an_event_says_what_it_said_when_it_was_made(meter: Meter, product: Product) -> None:
    meta: dict[str, Any] = {"region": "eu"}
    with client(Wire(product), flush_seconds=60) as metering:
        metering.buffer("calls", "acme", 7, ts=NOON - HOUR, meta=meta)
        meta["lock"] = threading.Lock()
    [shown] = meter.get("events").data
    assert shown["meta"] == {"region": "eu"}


def test_flushing_goes_on_whatever_came_back(meter: Meter, product: Product) -> None:
    told: list[MeteringError] = []
    wire = Wire(product, first_two(lambda: httpx.Response(200, json={"results": [{"index": 9}]})))
    with client(wire, flush_events=1, flush_seconds=60, on_error=told.append) as metering:
        for number in (1, 2, 3):
            metering.buffer("calls", "acme", 4, ts=NOON - HOUR)
            patience = time.monotonic() + 10
            while len(wire.sent) < number and time.monotonic() < patience:
                time.sleep(0.01)
    assert (len(told), len(wire.sent), meter.current()) == (2, 3, Decimal(4))
    assert isinstance(told[0].__cause__, IndexError)


def test_a_page_of_somebody_else_is_no_answer(meter: Meter, product: Product) -> None:
    wire = Wire(product, first_two(lambda: httpx.Response(200, content=b"<html>")))
    with client(wire) as metering:
        assert metering.track("calls", "acme", 3, ts=NOON - HOUR).status == "accepted"
    assert (len(wire.sent), meter.current()) == (3, Decimal(3))


def test_a_conflict_is_not_tried_again(product: Product) -> None:
    refused = {"code": "Conflict", "message": "there is another"}
    wire = Wire(product, before=lambda count, request: httpx.Response(409, json=refused))
    with client(wire) as metering, pytest.raises(ApiError, match="there is another") as error:
        metering.track("calls", "acme", ts=NOON - HOUR)
    assert (error.value.status, len(wire.sent)) == (409, 1)
