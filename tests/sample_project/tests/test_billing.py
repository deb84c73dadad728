"""The shop's billing from order to invoice, on a clock that the tests move."""

from datetime import datetime

import httpx
import pytest
from metronome import APIConnectionError, AsyncMetronome, Metronome
from shop import billing

JANUARY = "2025-01-01T00:00:00Z"
NOON = datetime.fromisoformat("2025-01-20T12:00:00+00:00")


@pytest.fixture
def prices(backbeat, metronome):
    backbeat.clock.set(JANUARY)
    return billing.set_up(metronome, cents_per_image=2, since=JANUARY)


@pytest.fixture
def acme(backbeat, metronome, prices):
    customer_id = billing.sign_up(metronome, prices, "acme", since=JANUARY)
    backbeat.clock.set(NOON)
    return customer_id


def test_a_month_is_billed(backbeat, metronome, acme):
    billing.report(metronome, "acme", "order-1", 40, NOON)
    assert billing.bills(metronome, acme)[0] == ("DRAFT", 80)
    events = backbeat.webhooks
    backbeat.clock.advance(days=31)
    assert billing.bills(metronome, acme)[0] == ("FINALIZED", 80)
    [finalized] = events.wait_for("invoice.finalized")
    assert finalized["properties"]["customer_id"] == acme


def test_an_order_is_counted_once_though_the_connection_drops(backbeat, metronome, acme):
    with backbeat.faults.drop(when="after", path="/v1/ingest", count=1) as fault:
        billing.report(metronome, "acme", "order-1", 40, NOON)
        assert fault.fired == 1
    backbeat.requests.assert_called("ingest-v1", times=2)
    assert billing.bills(metronome, acme)[0] == ("DRAFT", 80)


def test_an_outage_is_told(backbeat, metronome):
    backbeat.faults.drop(path="/v1/customers")
    with pytest.raises(APIConnectionError):
        metronome.with_options(max_retries=0).v1.customers.create(name="Acme")
    backbeat.faults.clear()
    assert metronome.v1.customers.create(name="Acme").data.name == "Acme"


def test_a_world_is_saved_once_and_restored(backbeat, metronome, acme):
    billing.report(metronome, "acme", "order-1", 40, NOON)
    backbeat.save()
    before = backbeat.state()
    backbeat.clock.advance(months=3)
    assert [status for status, _ in billing.bills(metronome, acme)].count("FINALIZED") == 3
    backbeat.restore()
    assert backbeat.state() == before
    assert billing.bills(metronome, acme) == [("DRAFT", 80)]


def test_a_world_written_by_hand(backbeat, metronome):
    ids = backbeat.load({"customers": {"acme": {"name": "Acme"}}, "clock": JANUARY})
    assert metronome.v1.customers.retrieve(customer_id=ids["customers"]["acme"]).data.name == "Acme"
    assert backbeat.clock.now.year == 2025


@pytest.mark.parametrize("number", range(8))
def test_tests_do_not_meet(number, backbeat, metronome):
    assert list(metronome.v1.customers.list()) == []
    metronome.v1.customers.create(name=f"Customer {number}", ingest_aliases=["acme"])
    backbeat.clock.set(f"20{10 + number}-01-01T00:00:00Z")
    assert [one.name for one in metronome.v1.customers.list()] == [f"Customer {number}"]
    assert backbeat.clock.now.year == 2010 + number


def test_without_a_socket(backbeat_embedded):
    client = Metronome(
        base_url=backbeat_embedded.base_url,
        bearer_token="in-process",
        http_client=httpx.Client(transport=backbeat_embedded.transport),
    )
    client.post("/mock/clock", cast_to=object, body={"now": JANUARY})
    prices = billing.set_up(client, cents_per_image=2, since=JANUARY)
    customer_id = billing.sign_up(client, prices, "acme", since=JANUARY)
    client.post("/mock/clock", cast_to=object, body={"now": NOON.isoformat()})
    billing.report(client, "acme", "order-1", 3, NOON)
    assert billing.bills(client, customer_id) == [("DRAFT", 6)]


def test_without_a_socket_asynchronously(backbeat_embedded):
    import asyncio

    async def names():
        transport = backbeat_embedded.async_transport
        async with AsyncMetronome(
            base_url=backbeat_embedded.base_url,
            bearer_token="asynchronous",
            http_client=httpx.AsyncClient(transport=transport),
        ) as client:
            await asyncio.gather(*(client.v1.customers.create(name=f"C{n}") for n in range(5)))
            return {customer.name async for customer in client.v1.customers.list()}

    assert asyncio.run(names()) == {f"C{n}" for n in range(5)}
