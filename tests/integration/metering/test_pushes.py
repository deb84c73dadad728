"""Mappings and pushes, against the Stripe double through the official SDK.

The stage's clock stands at 2025-01-15T12:00Z.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backbeat import bootstrap
from backbeat.ports.meters import MeterEvent, Sent, StripeMeters
from backbeat.ports.providers import Access, Away
from tests.integration.metering.mapped import Mapped, wanted
from tests.integration.metering.meter import Meter, event
from tests.integration.metering.stripe_side import StripeSide
from tests.integration.product import TestClock
from tests.integration.store import Crash, WatchedStore


class TestPush:
    def test_w38_differences_are_told_never_totals(self, mapped: Mapped) -> None:
        # Totals 100, 350, 350 (a duplicate), 425.
        for quantity, key in ((100, "k1"), (250, "k2"), (100, "k1"), (75, "k3")):
            mapped.meter.send(event(quantity, idempotency_key=key))
            mapped.push()
        assert mapped.told == 425
        assert mapped.log() == [(100, "sent"), (250, "sent"), (75, "sent")]

    def test_worked_example_11_corrections_go_down_too(self, mapped: Mapped) -> None:
        mapped.meter.send(event(425))
        assert mapped.push()["status"] == "sent"
        lower = mapped.meter.post(
            "adjustments",
            {"metric": "calls", "customer_ref": "acme", "ts": "2025-01-10T00:00:00Z", "delta": -25},
        ).data
        mapped.meter.post(f"adjustments/{lower['id']}/approve")
        assert mapped.push()["pushed_total"] == 400
        assert mapped.told == 400
        assert mapped.log() == [(425, "sent"), (-25, "sent")]

    def test_nothing_new_is_no_push(self, mapped: Mapped) -> None:
        assert mapped.push()["status"] == "unchanged"
        mapped.meter.send(event(5))
        mapped.push()
        assert mapped.push()["status"] == "unchanged"
        assert len(mapped.log()) == 1

    def test_t37_two_meters_and_two_customers_get_exactly_their_totals(
        self, meter: Meter, side: StripeSide
    ) -> None:
        meters = {"calls": side.meter("calls"), "bytes": side.meter("bytes")}
        customers = {"acme": side.customer(), "beta": side.customer()}
        for name in meters:
            meter.counter(name)
        for name, meter_id in meters.items():
            for ref, customer in customers.items():
                body = wanted(meter_id, customer, ref) | {"metric": name}
                assert meter.post("mappings", body).status == 200
        meter.send(
            event(10, metric="calls", customer_ref="acme"),
            event(30, metric="calls", customer_ref="beta"),
            event(77, metric="bytes", customer_ref="acme"),
            event("0.6", metric="bytes", customer_ref="acme"),
            event(1, metric="bytes", customer_ref="beta"),
        )
        meter.post("pushes", {})
        meter.send(event(5, metric="calls", customer_ref="beta"))
        meter.post("pushes", {})
        told = {
            (name, ref): side.total(meter_id, customer)
            for name, meter_id in meters.items()
            for ref, customer in customers.items()
        }
        assert told == {
            ("calls", "acme"): 10,
            ("calls", "beta"): 35,
            ("bytes", "acme"): Decimal("77.6"),
            ("bytes", "beta"): 1,
        }

    @pytest.mark.parametrize(
        ("aggregation", "totals"),
        [("count", [1, 2]), ("max", [9, 9]), ("last", [9, 4]), ("unique", [1, 2])],
    )
    def test_every_aggregation_is_told_as_differences(
        self, aggregation: str, totals: list[int], meter: Meter, side: StripeSide
    ) -> None:
        meter.counter(aggregation=aggregation)
        meter_id, customer = side.meter(), side.customer()
        meter.post("mappings", wanted(meter_id, customer))
        for (quantity, ts, who), total in zip(
            [(9, "2025-01-15T10:00:00Z", "ann"), (4, "2025-01-15T11:00:00Z", "bob")],
            totals,
            strict=True,
        ):
            meter.send(event(quantity, ts, resource_id=who))
            meter.post("pushes", {})
            assert side.total(meter_id, customer) == total

    def test_more_digits_than_stripe_takes_go_in_parts(self, mapped: Mapped) -> None:
        mapped.meter.send(event("123456789012.3456789"))
        mapped.push()
        # 15 digits, then the rest.
        assert mapped.log() == [
            (Decimal("123456789012.345"), "sent"),
            (Decimal("0.0006789"), "sent"),
        ]

    def test_a_push_bears_a_time_of_its_own_period(self, mapped: Mapped, clock: TestClock) -> None:
        mapped.meter.send(event(100))
        mapped.push()
        # The tail of January comes at 23:30 and is told in February.
        clock.set(clock.now().replace(day=31, hour=23, minute=45))
        mapped.meter.send(event(11, "2025-01-31T23:30:00Z"))
        clock.set(clock.now().replace(month=2, day=1, hour=0, minute=5))
        mapped.meter.send(event(3, "2025-02-01T00:01:00Z"))
        january, february = mapped.meter.post("pushes", {"mapping_id": mapped.id}).data
        assert (january["pushed_total"], february["pushed_total"]) == (111, 3)
        assert mapped.told == 111

    def test_any_anchor_cuts_the_periods(self, meter: Meter, side: StripeSide) -> None:
        meter.counter()
        meter_id, customer = side.meter(), side.customer()
        anchor = "2024-12-15T06:00:00Z"
        body = wanted(meter_id, customer, anchor=anchor, starting_at=anchor)
        meter.post("mappings", body)
        meter.send(event(1, "2025-01-15T05:59:00Z"), event(2, "2025-01-15T06:00:00Z"))
        before, since = meter.post("pushes", {}).data
        assert before["period"]["end"] == since["period"]["start"] == "2025-01-15T06:00:00+00:00"
        assert (before["pushed_total"], since["pushed_total"]) == (1, 2)

    def test_a_paused_mapping_tells_nothing_until_it_is_resumed(self, mapped: Mapped) -> None:
        path = f"/metering/v1/mappings/{mapped.id}"
        mapped.meter.product.request("PATCH", path, {"active": False})
        mapped.meter.send(event(5))
        assert mapped.push()["status"] == "paused"
        assert mapped.told == 0
        mapped.meter.product.request("PATCH", path, {"active": True})
        mapped.push()
        assert mapped.told == 5

    def test_n09_a_plan_swap_in_the_middle_of_a_month(
        self, mapped: Mapped, clock: TestClock
    ) -> None:
        meter, side = mapped.meter, mapped.side
        meter.send(event(10, "2025-01-15T11:00:00Z"))
        ended = meter.product.request("DELETE", f"/metering/v1/mappings/{mapped.id}", {}).data
        assert ended["ending_before"] == "2025-01-15T13:00:00+00:00"
        other = side.meter("calls_pro")
        early = wanted(other, mapped.customer, starting_at="2025-01-15T12:00:00Z")
        assert meter.post("mappings", early).status == 409
        late = wanted(other, mapped.customer, starting_at="2025-01-15T13:00:00Z")
        assert meter.post("mappings", late).status == 200
        clock.advance(hours=2)
        meter.send(event(7, "2025-01-15T13:30:00Z"), event(1, "2025-01-15T12:30:00Z"))
        meter.post("pushes", {})
        assert mapped.told == 11
        assert side.total(other, mapped.customer) == 7


class TestShadow:
    def test_x35_a_shadow_is_told_in_parallel(
        self, meter: Meter, side: StripeSide, shadow: StripeSide
    ) -> None:
        meter.counter()
        live, customer = side.meter(), side.customer()
        beside, other = shadow.meter(), shadow.customer()
        target = {"meter_id": beside, "stripe_customer_id": other}
        made = meter.post("mappings", wanted(live, customer, shadow=target)).data
        meter.send(event(12))
        lanes = {one["lane"]: one["pushed_total"] for one in meter.post("pushes", {}).data}
        assert lanes == {"live": 12, "shadow": 12}
        assert side.total(live, customer) == shadow.total(beside, other) == 12
        listed = meter.get(f"mappings/{made['id']}/pushes", lane="shadow").data
        assert [one["delta"] for one in listed] == [12]

    @pytest.mark.parametrize("key", ["", "sk_live_money"])
    def test_x35_without_a_key_for_tests_nothing_goes_anywhere(
        self,
        key: str,
        meter: Meter,
        side: StripeSide,
        shadow: StripeSide,
    ) -> None:
        meter.counter()
        live, customer = side.meter(), side.customer()
        target = {"meter_id": shadow.meter(), "stripe_customer_id": shadow.customer()}
        meter.post("mappings", wanted(live, customer, shadow=target))
        meter.send(event(12))
        services = meter.product.services
        providers = services.providers
        broken = replace(providers, stripe_shadow=replace(providers.stripe_shadow, key=key))
        with bootstrap.using(replace(services, providers=broken)):
            results = {one["lane"]: one for one in meter.post("pushes", {}).data}
            refused = meter.post("mappings", wanted(live, customer, "beta", shadow=target))
        assert (results["live"]["status"], results["shadow"]["status"]) == ("sent", "failed")
        assert "shadow" in results["shadow"]["message"]
        # The live meter got its own usage only.
        assert side.total(live, customer) == 12
        assert refused.status == 422


class TestMappings:
    def test_t48_create_read_change_end(self, mapped: Mapped) -> None:
        meter = mapped.meter
        shown = meter.get(f"mappings/{mapped.id}").data
        assert shown["stripe"] == {
            "meter_id": mapped.meter_id,
            "event_name": "calls",
            "stripe_customer_id": mapped.customer,
        }
        assert meter.get("mappings", metric="calls").data == [shown]
        assert meter.get("mappings", customer_ref="beta").data == []
        assert meter.get("mappings/none").status == 404

    def test_d26_a_customers_usage_has_one_mapping(self, mapped: Mapped) -> None:
        side = mapped.side
        again = wanted(side.meter("other"), side.customer())
        reply = mapped.meter.post("mappings", again)
        assert (reply.status, reply.body["conflicting_id"]) == (409, mapped.id)
        assert "calls" in reply.body["message"]

    def test_d125_a_customers_meter_is_told_of_by_one_mapping(self, mapped: Mapped) -> None:
        reply = mapped.meter.post("mappings", wanted(mapped.meter_id, mapped.customer, "beta"))
        assert (reply.status, reply.body["conflicting_id"]) == (409, mapped.id)

    def test_names_of_one_customer_are_one(self, meter: Meter, side: StripeSide) -> None:
        meter.counter()
        body = {"name": "Acme", "ingest_aliases": ["acme", "acme-eu"]}
        customer_id = meter.product.post("/v1/customers", body).data["id"]
        meter_id = side.meter()
        assert meter.post("mappings", wanted(meter_id, side.customer(), "acme-eu")).status == 200
        for ref in ("acme", customer_id):
            reply = meter.post("mappings", wanted(meter_id, side.customer(), ref))
            assert reply.status == 409

    @pytest.mark.parametrize(
        ("formula", "fields", "problem"),
        [
            ("count", {}, "adds all values up"),
            ("last", {}, "adds all values up"),
            ("sum", {"event_time_window": "hour"}, "adds all values up"),
        ],
    )
    def test_d25_a_meter_must_take_differences(
        self,
        formula: str,
        fields: dict[str, Any],
        problem: str,
        meter: Meter,
        side: StripeSide,
    ) -> None:
        meter.counter()
        made = side.meter(formula=formula, **fields)
        reply = meter.post("mappings", wanted(made, side.customer()))
        assert (reply.status, problem in reply.body["message"]) == (400, True)

    def test_d25_what_does_not_exist_is_refused(self, meter: Meter, side: StripeSide) -> None:
        meter.counter()
        real, customer = side.meter(), side.customer()
        side.v1.billing.meters.deactivate(real)
        gone = side.customer()
        side.v1.customers.delete(gone)
        for body, named in (
            (wanted("mtr_none", customer), "stripe.meter_id"),
            (wanted(real, customer), "stripe.meter_id"),
            (wanted(side.meter("b"), "cus_none"), "stripe.stripe_customer_id"),
            (wanted(side.meter("c"), gone), "stripe.stripe_customer_id"),
            (wanted("price_1", customer), "stripe.meter_id"),
            (wanted(real, customer, anchor="2025-01-01T00:30:00Z"), "anchor"),
            (wanted(real, customer, starting_at="2025-01-01T00:30:00Z"), "starting_at"),
            (wanted(real, customer) | {"customer_refs": ["b"]}, "customer_ref"),
            (wanted(real, customer) | {"customer_ref": None}, "customer_ref"),
        ):
            reply = meter.post("mappings", body)
            assert (reply.status, named in reply.body["message"]) == (400, True), reply
        assert meter.get("mappings").data == []

    def test_without_an_account_nothing_can_be_mapped(self, meter: Meter, side: StripeSide) -> None:
        meter.counter()
        services = meter.product.services
        providers = services.providers
        unconnected = replace(providers, stripe=replace(providers.stripe, key=""))
        with bootstrap.using(replace(services, providers=unconnected)):
            reply = meter.post("mappings", wanted(side.meter(), side.customer()))
        assert (reply.status, "No account at Stripe" in reply.body["message"]) == (422, True)


@dataclass
class Faulty:
    """Implements `StripeMeters` by another one, but for what a test makes happen to a push."""

    inner: StripeMeters
    before: Callable[[], None] = lambda: None
    after: Callable[[], None] = lambda: None
    sent: list[MeterEvent] = field(default_factory=list, init=False)

    def send(self, event: MeterEvent) -> Sent:
        self.before()
        taken = self.inner.send(event)
        self.sent.append(event)
        self.after()
        return taken

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


def once(error: BaseException) -> Callable[[], None]:
    """Returns what raises an error the first time only."""
    waiting = [error]

    def happen() -> None:
        if waiting:
            raise waiting.pop()

    return happen


@contextmanager
def faulty(meter: Meter, **faults: Callable[[], None]) -> Iterator[list[Faulty]]:
    """Lets things happen to pushes meanwhile."""
    services = meter.product.services
    opened: list[Faulty] = []

    def open_meters(access: Access) -> StripeMeters:
        if not opened:
            opened.append(Faulty(services.providers.open_meters(access), **faults))
        return opened[0]

    providers = replace(services.providers, open_meters=open_meters)
    with bootstrap.using(replace(services, providers=providers)):
        yield opened


class TestFaults:
    """Whatever happens to a push, Stripe ends with our total, or the difference is shown."""

    @pytest.mark.parametrize("booked", [False, True], ids=["before booking", "after booking"])
    def test_a_timeout(self, booked: bool, mapped: Mapped, clock: TestClock) -> None:
        mapped.meter.send(event(100))
        happens = {"after" if booked else "before": once(Away("Stripe", "timed out"))}
        with faulty(mapped.meter, **happens):
            first = mapped.push()
            assert (first["status"], first["message"]) == ("deferred", "timed out")
            assert first["pending"]["delta"] == 100
            # More usage meanwhile does not change what was begun.
            mapped.meter.send(event(23))
            mapped.push()
        assert mapped.told == 123
        assert mapped.log() == [(100, "sent"), (23, "sent")]

    @pytest.mark.parametrize("after_work", [False, True], ids=["before booking", "after booking"])
    @pytest.mark.parametrize(
        "fault",
        [{"status": 500}, {"status": 503}, {"status": 409}, {"status": 429}, {"drop": True}],
        ids=str,
    )
    def test_t25_what_stripe_answers_with(
        self, fault: dict[str, Any], after_work: bool, mapped: Mapped
    ) -> None:
        mapped.meter.send(event(100))
        path = "/v1/billing/meter_events"
        mapped.side.control("faults", path=path, after_work=after_work, **fault)
        first = mapped.push()
        assert (first["status"], first["pushed_total"]) == ("deferred", 0)
        mapped.meter.send(event(11))
        assert mapped.push()["pushed_total"] == 111
        assert mapped.told == 111
        assert mapped.log() == [(100, "sent"), (11, "sent")]

    def test_a_500_after_booking(self, mapped: Mapped) -> None:
        mapped.meter.send(event(100))
        mapped.side.meter_events(fail_after_booking=1)
        assert mapped.push()["status"] == "deferred"
        assert mapped.push()["status"] == "sent"
        assert mapped.told == 100
        [line] = mapped.meter.get(f"mappings/{mapped.id}/pushes").data
        assert line["known"] is True

    def test_a_429_makes_all_of_the_account_wait(self, mapped: Mapped, clock: TestClock) -> None:
        meter, side = mapped.meter, mapped.side
        other = side.customer()
        meter.post("mappings", wanted(mapped.meter_id, other, "beta"))
        meter.send(event(100), event(7, customer_ref="beta"))
        side.meter_events(refuse=1)
        first = meter.post("pushes", {}).data
        assert [one["status"] for one in first] == ["deferred", "deferred"]
        assert mapped.told == side.total(mapped.meter_id, other) == 0
        meter.post("pushes", {})
        assert mapped.told == 100
        assert side.total(mapped.meter_id, other) == 7

    @pytest.mark.parametrize("written", [0, 1])
    def test_a_crash_at_a_write(
        self, written: int, mapped: Mapped, store: WatchedStore, clock: TestClock
    ) -> None:
        mapped.meter.send(event(100))
        left = written

        def die() -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise Crash

        # The writes of a push: that it begins, and that it was taken.
        store.before = die
        with pytest.raises(Crash):
            mapped.push()
        store.before = lambda: None
        # Whoever sent holds it for two minutes.
        assert mapped.push()["status"] == ("sent" if written == 0 else "running")
        clock.advance(minutes=3)
        mapped.meter.send(event(11))
        mapped.push()
        assert mapped.told == 111

    def test_a_crash_after_sending(self, mapped: Mapped, clock: TestClock) -> None:
        mapped.meter.send(event(100))
        with faulty(mapped.meter, after=once(Crash())), pytest.raises(Crash):
            mapped.push()
        clock.advance(minutes=3)
        assert mapped.push()["status"] == "sent"
        assert mapped.told == 100

    @pytest.mark.parametrize("booked", [True, False])
    def test_a_day_after_a_crash_stripes_total_decides(
        self, booked: bool, mapped: Mapped, clock: TestClock
    ) -> None:
        mapped.meter.send(event(40))
        mapped.push()
        mapped.meter.send(event(60))
        happens = {"after" if booked else "before": once(Crash())}
        with faulty(mapped.meter, **happens), pytest.raises(Crash):
            mapped.push()
        # Stripe has forgotten the identifier by now: sent again, it would count again.
        clock.advance(hours=25)
        assert mapped.push()["pushed_total"] == 100
        assert mapped.told == 100
        after = [(60, "sent")] if booked else [(60, "unbooked"), (60, "sent")]
        assert mapped.log() == [(40, "sent"), *after]

    def test_a_day_after_a_crash_and_a_strangers_event_somebody_has_to_look(
        self, mapped: Mapped, clock: TestClock
    ) -> None:
        mapped.meter.send(event(60))
        with faulty(mapped.meter, after=once(Crash())), pytest.raises(Crash):
            mapped.push()
        mapped.side.send(mapped.customer, "5", clock.now())
        clock.advance(hours=25)
        result = mapped.push()
        assert (result["status"], result["pushed_total"]) == ("unsure", 0)
        assert "65" in result["message"]
        assert mapped.told == 65

    def test_what_stripe_refuses_is_shown_until_somebody_mends_it(
        self, mapped: Mapped, clock: TestClock
    ) -> None:
        mapped.side.v1.billing.meters.deactivate(mapped.meter_id)
        mapped.meter.send(event(100))
        result = mapped.push()
        assert (result["status"], result["failed"]["delta"]) == ("failed", 100)
        assert "No active meter" in result["failed"]["message"]
        assert mapped.log() == [(100, "failed")]
        mapped.side.v1.billing.meters.reactivate(mapped.meter_id)
        assert mapped.push()["status"] == "sent"
        assert mapped.told == 100

    def test_a_repeat_of_the_same_run_pushes_nothing_twice(self, mapped: Mapped) -> None:
        mapped.meter.send(event(100))
        inside: list[Any] = []

        def again() -> None:
            # A second schedule comes while the first one's call is under way.
            if not inside:
                inside.append(None)
                inside[0] = mapped.push()["status"]

        with faulty(mapped.meter, after=again) as opened:
            assert mapped.push()["status"] == "sent"
        assert inside == ["running"]
        assert [one.value for one in opened[0].sent] == [100]
        assert mapped.told == 100

    @given(
        steps=st.lists(
            st.tuples(
                st.integers(0, 20),
                st.sampled_from(["", "before", "after", "crash before", "crash after"]),
            ),
            max_size=5,
        )
    )
    @settings(
        max_examples=10,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    def test_stripe_ends_with_our_total_whatever_happens(
        self, steps: list[tuple[int, str]], mapped: Mapped, clock: TestClock
    ) -> None:
        for number, (quantity, fault) in enumerate(steps):
            at = clock.now().isoformat()
            mapped.meter.send(event(quantity, at, sequence=number))
            error = Crash() if "crash" in fault else Away("Stripe", "gone")
            faults = {fault.split()[-1]: once(error)} if fault else {}
            with faulty(mapped.meter, **faults):
                try:
                    mapped.push()
                except Crash:
                    clock.advance(minutes=3)
        mapped.push()
        assert mapped.told == mapped.meter.current()
