"""Counters, usage and projections. The stage's clock stands at 2025-01-15T12:00Z."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.metering.meter import Meter, event
from tests.integration.product import TestClock


def values(meter: Meter, metric: str, **query: str) -> tuple[list[Decimal], Decimal]:
    span = {"since": "2025-01-13T00:00:00Z", "until": "2025-01-16T00:00:00Z", **query}
    found = meter.get("usage/history", metric=metric, customer_ref="acme", **span).data
    return [Decimal(one["value"]) for one in found["usage"]], Decimal(found["totals"]["value"])


THREE_DAYS = [
    ("2025-01-13T10:00:00Z", 10, "ann"),
    ("2025-01-14T10:00:00Z", 30, "bob"),
    ("2025-01-14T09:00:00Z", 5, "ann"),
    ("2025-01-15T10:00:00Z", 20, "ann"),
]


@pytest.mark.parametrize(
    ("aggregation", "by_day", "total"),
    [
        # 10; 30 + 5; 20 and together 65.
        ("sum", [10, 35, 20], 65),
        ("count", [1, 2, 1], 4),
        ("max", [10, 30, 20], 30),
        # The latest of the 14th is the one of 10 o'clock.
        ("last", [10, 30, 20], 20),
        # Ann, both, Ann: two people.
        ("unique", [1, 2, 1], 2),
    ],
)
def test_t31_each_window_has_its_own_aggregate(
    aggregation: str, by_day: list[Decimal], total: Decimal, meter: Meter
) -> None:
    meter.counter(aggregation=aggregation)
    meter.send(*(event(quantity, ts, resource_id=who) for ts, quantity, who in THREE_DAYS))
    assert values(meter, "calls") == (by_day, total)
    assert meter.current() == total


def test_t31_history_by_hour_has_empty_windows(meter: Meter) -> None:
    meter.counter()
    meter.send(*(event(quantity, ts) for ts, quantity, _ in THREE_DAYS))
    by_hour, total = values(meter, "calls", interval="hour")
    assert len(by_hour) == 72
    assert {hour: value for hour, value in enumerate(by_hour) if value} == {
        10: 10,
        24 + 9: 5,
        24 + 10: 30,
        48 + 10: 20,
    }
    assert total == 65


def test_x33_the_other_names_of_a_span(meter: Meter) -> None:
    meter.counter()
    meter.send(event(7))
    found = meter.get(
        "usage/history",
        metric="calls",
        customer_ref="acme",
        period_start="2024-12-01T00:00:00Z",
        period_end="2025-02-01T00:00:00Z",
        step="month",
    ).data
    assert [(one["ts"], one["value"]) for one in found["usage"]] == [
        ("2024-12-01T00:00:00+00:00", 0),
        ("2025-01-01T00:00:00+00:00", 7),
    ]


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"since": "2025-01-16T00:00:00Z", "until": "2025-01-15T00:00:00Z"}, "until"),
        ({"since": "2025-01-15T00:30:00Z"}, "since"),
        ({"interval": "minute"}, "interval"),
        ({"since": "2020-01-15T00:00:00Z", "interval": "hour"}, "interval"),
    ],
)
def test_bad_spans(query: dict[str, str], named: str, meter: Meter) -> None:
    meter.counter()
    span = {"since": "2025-01-13T00:00:00Z", "until": "2025-01-16T00:00:00Z", **query}
    reply = meter.get("usage/history", metric="calls", customer_ref="acme", **span)
    assert reply.status == 400
    assert named in reply.body["message"]


def test_unknown_counters_are_not_found(meter: Meter) -> None:
    span = {"since": "2025-01-13T00:00:00Z", "until": "2025-01-16T00:00:00Z"}
    for reply in (
        meter.get("counters/none"),
        meter.get("usage/current", metric="none", customer_ref="acme"),
        meter.get("usage/history", metric="none", customer_ref="acme", **span),
        meter.post("check", {"metric": "none", "customer_ref": "acme"}),
        meter.post("caps", {"metric": "none", "limit": 1, "mode": "hard"}),
    ):
        assert (reply.status, reply.body["code"]) == (404, "CounterNotFound")


def test_a_counter_is_a_billable_metric(meter: Meter) -> None:
    made = meter.counter("storage", "last", unit="GB", late_window_hours=24, late_limit=5)
    assert made | {"billable_metric_id": "", "created_at": ""} == {
        "name": "storage",
        "aggregation": "last",
        "unit": "GB",
        "late_window_hours": 24,
        "late_limit": 5,
        "billable_metric_id": "",
        "created_at": "",
    }
    metric = meter.product.get(f"/v1/billable-metrics/{made['billable_metric_id']}").data
    assert (metric["aggregation_type"], metric["aggregation_key"]) == ("LATEST", "quantity")
    assert meter.get("counters").data == [made]
    assert meter.get("counters/storage").data == made
    taken = meter.post("counters", {"name": "storage", "aggregation": "sum"})
    assert (taken.status, taken.body["conflicting_value"]) == (409, "storage")


def test_a_counter_of_a_billable_metric_that_exists(meter: Meter) -> None:
    metric_id = meter.product.post(
        "/v1/billable-metrics/create",
        {
            "name": "Tokens",
            "aggregation_type": "SUM",
            "aggregation_key": "tokens",
            "event_type_filter": {"in_values": ["llm"]},
            "property_filters": [{"name": "tokens", "exists": True}],
        },
    ).data["id"]
    wrong = meter.post("counters", {"name": "other", "billable_metric_id": metric_id})
    assert (wrong.status, "billable_metric_id" in wrong.body["message"]) == (400, True)
    both = {"name": "llm", "billable_metric_id": metric_id, "aggregation": "sum"}
    assert meter.post("counters", both).status == 400
    assert meter.post("counters", {"name": "llm", "billable_metric_id": metric_id}).status == 200
    meter.send(event(1, metric="llm", meta={"tokens": 900}))
    assert meter.current(metric="llm") == 900


class TestLate:
    """Late events: folded in, approved by themselves, or left for review."""

    def test_w36_t42_a_late_event_inside_the_window_folds_in(
        self, meter: Meter, clock: TestClock
    ) -> None:
        meter.counter()
        # 12:00 on the 10th; an event of the 9th is a day late.
        clock.advance(days=-5)
        meter.send(event(5, "2025-01-10T11:00:00Z"))
        assert meter.statuses(event(3, "2025-01-09T11:00:00Z")) == ["accepted"]
        assert meter.current() == 8

    def test_w36_t36_t42_a_very_late_event_becomes_an_approved_adjustment(
        self, meter: Meter, clock: TestClock
    ) -> None:
        meter.counter()
        clock.advance(days=-5)
        meter.send(event(5, "2025-01-10T11:00:00Z"))
        [result] = meter.send(event(2, "2025-01-01T11:00:00Z"))["results"]
        assert result["status"] == "accepted"
        shown = meter.get(f"adjustments/{result['adjustment_id']}").data
        assert (shown["delta"], shown["reason"], shown["status"]) == (2, "late", "approved")
        # 5 and 2.
        assert meter.current() == 7

    def test_w37_t42_totals_are_stable_over_any_number_of_runs(
        self, meter: Meter, clock: TestClock
    ) -> None:
        meter.counter()
        sent = [
            (2, event(100, "2025-01-02T10:00:00Z")),
            (10, event(50, "2025-01-10T10:00:00Z")),
            (12, event(10, "2025-01-12T10:00:00Z")),
            (12, event(7, "2025-01-03T10:00:00Z")),
        ]
        for day, one in sent:
            clock.set(clock.now().replace(day=day))
            assert meter.statuses(one) == ["accepted"]
        # 100 + 50 + 10 + 7, whatever is sent again and read again.
        for _ in range(3):
            assert meter.current() == 167
            assert meter.statuses(*(one for _, one in sent)) == ["duplicate"] * 4

    def test_many_late_events_come_together(self, meter: Meter) -> None:
        meter.counter(late_limit=5)
        late = [
            event(1 if number % 2 else 9, "2025-01-05T11:00:00Z", sequence=number)
            for number in range(250)
        ]
        answer = meter.send(*late, event(1, idempotency_key="now"))
        # The 125 of one unit count, those of nine wait.
        assert (answer["accepted"], answer["pending"]) == (126, 125)
        assert meter.current() == 126
        again = meter.send(*late)
        assert again["duplicates"] == 250
        assert [one["adjustment_id"] for one in again["results"]] == [
            one["adjustment_id"] for one in answer["results"][:250]
        ]
        assert meter.current() == 126

    def test_x30_above_the_limit_somebody_looks_at_it(self, meter: Meter) -> None:
        meter.counter(late_limit=10)
        [result] = meter.send(event(11, "2025-01-05T11:00:00Z"))["results"]
        assert result["status"] == "pending"
        assert meter.current() == 0
        assert meter.statuses(event(11, "2025-01-05T11:00:00Z")) == ["duplicate"]
        approved = meter.post(f"adjustments/{result['adjustment_id']}/approve").data
        assert approved["status"] == "approved"
        assert meter.current() == 11
        assert meter.statuses(event(11, "2025-01-05T11:00:00Z")) == ["duplicate"]
        assert meter.current() == 11

    def test_x30_of_a_closed_period_somebody_looks_at_it(
        self, meter: Meter, clock: TestClock
    ) -> None:
        meter.counter()
        # December takes changes until the 2nd at midnight.
        clock.set(clock.now().replace(day=1, hour=23))
        assert meter.statuses(event(1, "2024-12-31T11:00:00Z", idempotency_key="a")) == ["accepted"]
        clock.set(clock.now().replace(day=2, hour=0))
        assert meter.statuses(event(1, "2024-12-31T11:00:00Z", idempotency_key="b")) == ["pending"]

    @pytest.mark.parametrize("aggregation", ["count", "max", "last", "unique"])
    def test_a_late_event_counts_by_any_aggregation(self, aggregation: str, meter: Meter) -> None:
        meter.counter(aggregation=aggregation, late_limit=0)
        [result] = meter.send(event(9, "2025-01-05T11:00:00Z", resource_id="ann"))["results"]
        assert result["status"] == "pending"
        assert meter.current() == 0
        meter.post(f"adjustments/{result['adjustment_id']}/approve")
        assert meter.current() == (9 if aggregation in ("max", "last") else 1)


class TestProjection:
    """W-01: 10,000 at 1 cent, 50,000 at 0.8, the rest at 0.5."""

    @pytest.fixture(autouse=True)
    def priced(self, meter: Meter) -> None:
        def create(path: str, **body: Any) -> Any:
            return meter.product.post(path, body).data

        metric_id = meter.counter()["billable_metric_id"]
        product_id = create(
            "/v1/contract-pricing/products/create",
            name="Calls",
            type="USAGE",
            billable_metric_id=metric_id,
        )["id"]
        card_id = create("/v1/contract-pricing/rate-cards/create", name="List")["id"]
        create(
            "/v1/contract-pricing/rate-cards/addRate",
            rate_card_id=card_id,
            product_id=product_id,
            starting_at="2025-01-01T00:00:00Z",
            entitled=True,
            rate_type="TIERED",
            tiers=[
                {"size": 10_000, "price": 1},
                {"size": 50_000, "price": 0.8},
                {"price": 0.5},
            ],
        )
        customer_id = create("/v1/customers", name="Acme", ingest_aliases=["acme"])["id"]
        create(
            "/v1/contracts/create",
            customer_id=customer_id,
            rate_card_id=card_id,
            starting_at="2025-01-01T00:00:00Z",
        )

    def test_w01_so_far(self, meter: Meter) -> None:
        meter.send(event(25_000))
        [period] = meter.post("usage/projection", {"customer_ref": "acme"}).data["periods"]
        # 10,000 × 1 + 15,000 × 0.8 = 22,000 cents.
        assert period["so_far"]["total"] == 22_000

    def test_t31_to_the_end_at_the_rate_so_far(self, meter: Meter, clock: TestClock) -> None:
        meter.send(event(25_000))
        # 00:00 on the 16th: 15 of 31 days, in which 15,000 more came.
        clock.set(clock.now().replace(day=16, hour=0))
        meter.send(event(5_000, "2025-01-15T23:00:00Z"))
        [period] = meter.post("usage/projection", {"customer_ref": "acme"}).data["periods"]
        assert period["period"] == {
            "start": "2025-01-01T00:00:00+00:00",
            "end": "2025-02-01T00:00:00+00:00",
        }
        # 30,000 × 31/15 = 62,000: 10,000 × 1 + 50,000 × 0.8 + 2,000 × 0.5 = 51,000 cents.
        assert period["projected"]["total"] == 51_000
        assert period["so_far"]["total"] == 10_000 + 20_000 * Decimal("0.8")
        assert period["freshness"] == {
            "last_event_at": "2025-01-15T23:00:00+00:00",
            "staleness_seconds": 3600,
        }

    def test_the_projection_is_of_the_invoices_own_core(self, meter: Meter) -> None:
        meter.send(event(25_000))
        [period] = meter.post("usage/projection", {"customer_ref": "acme"}).data["periods"]
        customer_id = period["so_far"]["customer_id"]
        [draft] = meter.product.get(f"/v1/customers/{customer_id}/invoices").data
        assert draft == period["so_far"]

    def test_without_a_contract_nothing_is_priced(self, meter: Meter) -> None:
        reply = meter.post("usage/projection", {"customer_ref": "stranger"})
        assert (reply.status, "no contract" in reply.body["message"]) == (422, True)


class TestCaps:
    def test_a_hard_cap_refuses_what_passes_it(self, meter: Meter) -> None:
        meter.counter()
        cap = meter.post("caps", {"metric": "calls", "limit": 100, "mode": "hard"}).data
        answer = meter.send(event(60), event(41), event(40), event(1, idempotency_key="k"))
        # 60, not 101, 100, not 101.
        assert [one["status"] for one in answer["results"]] == [
            "accepted",
            "error",
            "accepted",
            "error",
        ]
        assert "hard cap of 100" in answer["errors"][0]["error"]
        assert meter.current() == 100
        # What was accepted before is a duplicate, and no cap's business.
        assert meter.statuses(event(60)) == ["duplicate"]
        assert meter.product.request("DELETE", f"/metering/v1/caps/{cap['id']}").status == 200
        assert meter.statuses(event(41)) == ["accepted"]

    def test_a_soft_cap_warns(self, meter: Meter) -> None:
        meter.counter()
        meter.post("caps", {"metric": "calls", "customer_ref": "acme", "limit": 10, "mode": "soft"})
        first, second = meter.send(event(10), event(1))["results"]
        assert "warning" not in first
        assert "soft cap of 10" in second["warning"]
        assert meter.current() == 11
        assert meter.statuses(event(99, customer_ref="beta")) == ["accepted"]

    @pytest.mark.parametrize(
        ("aggregation", "refused"),
        [("count", [2]), ("max", [1]), ("last", [1]), ("unique", [2])],
    )
    def test_any_aggregation_has_its_own_way_to_pass_a_cap(
        self, aggregation: str, refused: list[int], meter: Meter
    ) -> None:
        meter.counter(aggregation=aggregation)
        meter.post("caps", {"metric": "calls", "limit": 2, "mode": "hard"})
        answer = meter.send(
            event(1, resource_id="ann"), event(3, resource_id="bob"), event(2, resource_id="cid")
        )
        wrong = [one["index"] for one in answer["results"] if one["status"] == "error"]
        assert wrong == refused

    def test_check_tells_before_anything_is_used(self, meter: Meter) -> None:
        meter.counter()
        wanted = {"metric": "calls", "customer_ref": "acme", "quantity": 41}
        assert meter.post("check", wanted).data["allowed"] is True
        meter.post("caps", {"metric": "calls", "limit": 100, "mode": "hard"})
        meter.send(event(60))
        told = meter.post("check", wanted).data
        assert (told["allowed"], told["used"], told["remaining"]) == (False, 60, 40)
        assert told["period"]["end"] == "2025-02-01T00:00:00+00:00"
        assert meter.post("check", wanted | {"quantity": 40}).data["allowed"] is True
        assert meter.current() == 60

    def test_t51_usage_goes_on_in_the_next_period(self, meter: Meter, clock: TestClock) -> None:
        meter.counter()
        meter.post("caps", {"metric": "calls", "limit": 100, "mode": "hard"})
        assert meter.statuses(event(100)) == ["accepted"]
        assert meter.statuses(event(1)) == ["error"]
        clock.set(clock.now().replace(month=2))
        assert meter.statuses(event(1, "2025-02-15T11:00:00Z")) == ["accepted"]


class TestAdjustments:
    @staticmethod
    def propose(meter: Meter, delta: object = 5, **fields: object) -> Any:
        body = {
            "metric": "calls",
            "customer_ref": "acme",
            "ts": "2025-01-10T00:00:00Z",
            "delta": delta,
            **fields,
        }
        return meter.post("adjustments", body)

    def test_w46_t44_a_reverted_adjustment_leaves_nothing(self, meter: Meter) -> None:
        meter.counter()
        meter.send(event(100))
        adjustment = self.propose(meter).data
        assert meter.current() == 100
        path = f"adjustments/{adjustment['id']}"
        for _ in range(2):
            assert meter.post(f"{path}/approve").data["status"] == "approved"
            assert meter.current() == 105
        for _ in range(2):
            assert meter.post(f"{path}/revert").data["status"] == "reverted"
            # 100 + 5 − 5, not 95.
            assert meter.current() == 100
        refused = meter.post(f"{path}/approve")
        assert (refused.status, refused.body["code"]) == (422, "UnprocessableEntity")

    def test_t43_only_approved_ones_count(self, meter: Meter) -> None:
        meter.counter()
        made = [self.propose(meter, delta).data["id"] for delta in (2, 3, 4, 8)]
        meter.post(f"adjustments/{made[1]}/approve")
        meter.post(f"adjustments/{made[2]}/approve")
        meter.post(f"adjustments/{made[2]}/revert")
        meter.post(f"adjustments/{made[3]}/reject")
        # 2 waits, 3 counts, 4 was taken back, 8 was rejected.
        assert meter.current() == 3
        shown = {one["id"]: one["status"] for one in meter.get("adjustments").data}
        assert [shown[id_] for id_ in made] == ["pending", "approved", "reverted", "rejected"]

    def test_t44_the_reversal_is_opposite_and_linked(self, meter: Meter) -> None:
        meter.counter()
        made = self.propose(meter, 5).data
        meter.post(f"adjustments/{made['id']}/approve")
        meter.post(f"adjustments/{made['id']}/revert")
        listed = meter.get("events", source="adjustment").data
        found = {one["idempotency_key"]: one["quantity"] for one in listed}
        assert found == {f"adj_{made['id']}": "5", f"adj_{made['id']}_reverted": "-5"}

    def test_an_adjustment_may_lower_usage(self, meter: Meter) -> None:
        meter.counter()
        meter.send(event(100))
        made = self.propose(meter, -30.5).data
        meter.post(f"adjustments/{made['id']}/approve")
        assert meter.current() == Decimal("69.5")

    def test_a_request_id_proposes_once(self, meter: Meter) -> None:
        meter.counter()
        first = self.propose(meter, 5, request_id="r-1").data
        assert self.propose(meter, 5, request_id="r-1").data == first
        other = self.propose(meter, 6, request_id="r-1")
        assert (other.status, other.body["conflicting_id"]) == (409, first["id"])
        assert len(meter.get("adjustments").data) == 1

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"metric": "other"}, []),
            ({"customer_ref": "acme"}, [9, 5]),
            ({"status": "pending"}, [9, 5]),
            ({"status": "approved"}, []),
            ({"since": "2025-01-10T00:00:00Z", "until": "2025-01-10T00:00:01Z"}, [5]),
        ],
    )
    def test_d43_filters(
        self, query: dict[str, str], found: list[int], meter: Meter, clock: TestClock
    ) -> None:
        meter.counter()
        self.propose(meter, 5)
        clock.advance(seconds=1)
        self.propose(meter, 9, ts="2025-01-11T00:00:00Z")
        assert [one["delta"] for one in meter.get("adjustments", **query).data] == found

    def test_unknown_ones_are_not_found(self, meter: Meter) -> None:
        meter.counter()
        for reply in (
            meter.get("adjustments/none"),
            meter.post("adjustments/none/approve"),
            meter.post("adjustments/none/reject"),
            meter.post("adjustments/none/revert"),
        ):
            assert (reply.status, reply.body["code"]) == (404, "AdjustmentNotFound")

    @given(
        steps=st.lists(
            st.tuples(st.integers(-50, 50), st.sampled_from(["", "approve", "reject", "revert"])),
            max_size=6,
        )
    )
    @settings(
        max_examples=15,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    def test_what_counts_is_what_is_approved(
        self, steps: list[tuple[int, str]], meter: Meter
    ) -> None:
        # Each example is of a customer of its own.
        name = f"customer-{steps!r}"[:200]
        if not meter.get("counters").data:
            meter.counter()
        before = meter.current(name)
        expected = Decimal(0)
        for delta, step in steps:
            made = self.propose(meter, delta, customer_ref=name).data
            if step in ("approve", "revert"):
                meter.post(f"adjustments/{made['id']}/approve")
            if step:
                meter.post(f"adjustments/{made['id']}/{step}")
            expected += delta if step == "approve" else 0
        assert meter.current(name) - before == expected
