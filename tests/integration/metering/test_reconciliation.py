"""Reconciliation against the Stripe double. The stage's clock stands at 2025-01-15T12:00Z."""

import csv
import io
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from backbeat import bootstrap
from backbeat.ports.store import Index, Query
from tests.integration.conftest import nothing_changes
from tests.integration.metering.mapped import Mapped, wanted
from tests.integration.metering.meter import Meter, event
from tests.integration.metering.stripe_side import FEBRUARY, HOUR, StripeSide
from tests.integration.product import TestClock
from tests.integration.store import Crash, WatchedStore

NOON = 1736942400  # 2025-01-15T12:00:00Z


def reconcile(meter: Meter, **body: Any) -> Any:
    return meter.post("reconciliation/runs", body).data


def differences(report: Any) -> dict[str, Decimal]:
    return {one["class"]: one["amount"] for one in report["differences"]}


def suggested(meter: Meter, **query: str) -> list[Any]:
    found: list[Any] = meter.get("reconciliation/corrections", **{"status": "open", **query}).data
    return found


def approve(meter: Meter, correction: Any, **body: Any) -> Any:
    return meter.post(f"reconciliation/corrections/{correction['id']}/approve", body)


class TestClasses:
    def test_all_places_agree(self, mapped: Mapped) -> None:
        mapped.meter.send(event(100), event(250), event(75, "2025-01-14T11:00:00Z"))
        mapped.push()
        run = reconcile(mapped.meter)
        [report] = run["reports"]
        assert report["totals"] == {
            "events": 425,
            "cells": 425,
            "recounted_from": "2025-01-01T00:00:00+00:00",
            "local": 425,
            "pushed": 425,
            "stripe": 425,
        }
        assert (report["status"], report["drift_abs"], report["differences"]) == ("ok", 0, [])
        assert (run["checked"], run["ok"], run["drift_abs"]) == (1, 1, 0)

    def test_unpushed(self, mapped: Mapped) -> None:
        mapped.meter.send(event(100))
        mapped.push()
        mapped.meter.send(event(25))
        [report] = reconcile(mapped.meter)["reports"]
        assert differences(report) == {"unpushed": 25}
        assert report["status"] == "investigate"
        # Time mends it: the next push tells it.
        assert suggested(mapped.meter) == []
        mapped.push()
        [report] = reconcile(mapped.meter)["reports"]
        assert report["status"] == "resolved"

    def test_in_flight_then_lost(self, mapped: Mapped, clock: TestClock) -> None:
        mapped.meter.send(event(100))
        mapped.side.meter_events(hold=True)
        mapped.push()
        [report] = reconcile(mapped.meter)["reports"]
        assert differences(report) == {"in_flight": 100}
        clock.advance(minutes=10)
        [report] = reconcile(mapped.meter)["reports"]
        assert differences(report) == {"lost": 100}
        # Stripe counts it after all: what was suggested is out of date.
        mapped.side.meter_events(hold=False, settle=True)
        [report] = reconcile(mapped.meter)["reports"]
        assert (report["status"], suggested(mapped.meter)) == ("resolved", [])

    def test_t49_a_lost_event_is_pushed_again_once(self, mapped: Mapped, clock: TestClock) -> None:
        mapped.meter.send(event(40))
        mapped.push()
        mapped.meter.send(event(60))
        mapped.side.meter_events(lose=1)
        mapped.push()
        clock.advance(minutes=10)
        for _ in range(3):
            reconcile(mapped.meter)
        [correction] = suggested(mapped.meter)
        assert (correction["difference"], correction["kind"], correction["amount"]) == (
            "lost",
            "resend",
            60,
        )
        for _ in range(2):
            assert approve(mapped.meter, correction).data["status"] == "applied"
        mapped.push()
        assert mapped.told == 100
        [report] = reconcile(mapped.meter)["reports"]
        assert (report["status"], suggested(mapped.meter)) == ("resolved", [])

    def test_a_refused_push_is_found_and_tried_again(self, mapped: Mapped) -> None:
        mapped.side.v1.billing.meters.deactivate(mapped.meter_id)
        mapped.meter.send(event(100))
        mapped.push()
        [report] = reconcile(mapped.meter)["reports"]
        assert differences(report) == {"unpushed": 100}
        [correction] = suggested(mapped.meter)
        assert correction["kind"] == "retry"
        mapped.side.v1.billing.meters.reactivate(mapped.meter_id)
        approve(mapped.meter, correction)
        mapped.meter.product.invoke("ReconciliationFunction", {"action": "push"})
        assert mapped.told == 100

    def test_w31_a_strangers_usage_is_shared_once(
        self, meter: Meter, side: StripeSide, clock: TestClock
    ) -> None:
        meter.counter()
        meter_id, customer = side.meter(), side.customer()
        target = {"meter_id": meter_id, "stripe_customer_id": customer}
        body = {"metric": "calls", "customer_refs": ["one", "other"], "stripe": target}
        mapping = meter.post("mappings", body).data
        meter.send(event(10, customer_ref="one"), event(30, customer_ref="other"))
        meter.post("pushes", {})
        side.send(customer, "60", clock.now())
        for _ in range(2):
            [report] = reconcile(meter)["reports"]
            assert differences(report) == {"foreign": -60}
        [correction] = suggested(meter)
        assert correction["kind"] == "adopt"
        # 60 as 10 : 30.
        assert correction["shares"] == [
            {"customer_ref": "one", "amount": -15},
            {"customer_ref": "other", "amount": -45},
        ]
        for _ in range(2):
            assert approve(meter, correction).data["status"] == "applied"
        assert meter.current("one") == 25
        assert meter.current("other") == 75
        assert meter.post("pushes", {}).data[0]["status"] == "unchanged"
        [report] = reconcile(meter, mapping_id=mapping["id"])["reports"]
        assert (report["status"], report["totals"]["stripe"]) == ("resolved", 100)

    def test_a_strangers_usage_is_taken_back(self, mapped: Mapped, clock: TestClock) -> None:
        mapped.meter.send(event(100))
        mapped.push()
        mapped.side.send(mapped.customer, "7", clock.now())
        reconcile(mapped.meter)
        [correction] = suggested(mapped.meter)
        refused = approve(mapped.meter, correction, kind="resend")
        assert (refused.status, "foreign" in refused.body["message"]) == (400, True)
        approve(mapped.meter, correction, kind="withdraw")
        mapped.push()
        assert mapped.told == 100
        assert mapped.log() == [(100, "sent"), (-7, "sent")]

    @pytest.mark.parametrize("survived", range(6))
    def test_a_crash_while_a_correction_is_applied(
        self, survived: int, mapped: Mapped, store: WatchedStore, clock: TestClock
    ) -> None:
        mapped.meter.send(event(100))
        mapped.push()
        mapped.side.send(mapped.customer, "7", clock.now())
        reconcile(mapped.meter)
        [correction] = suggested(mapped.meter)
        left = survived

        def die() -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise Crash

        store.before = die
        with pytest.raises(Crash):
            approve(mapped.meter, correction)
        store.before = lambda: None
        # Nothing half done is told: neither 107 of ours nor 7 less at Stripe.
        mapped.push()
        assert mapped.told == 107
        assert approve(mapped.meter, correction).data["status"] == "applied"
        mapped.push()
        assert mapped.told == mapped.meter.current() == 107

    def test_miscounted(self, mapped: Mapped, store: WatchedStore) -> None:
        mapped.meter.send(event(100))
        mapped.push()
        self._damage(mapped, store, Decimal(-30))
        [report] = reconcile(mapped.meter)["reports"]
        assert differences(report) == {"miscounted": 30, "unpushed": -30}
        # An index may lag: only what is seen twice is suggested to be mended.
        assert suggested(mapped.meter) == []
        reconcile(mapped.meter)
        [correction] = suggested(mapped.meter)
        assert correction["kind"] == "recount"
        for _ in range(2):
            assert approve(mapped.meter, correction).data["status"] == "applied"
        assert mapped.meter.current() == 100
        [report] = reconcile(mapped.meter)["reports"]
        assert report["status"] == "resolved"

    @staticmethod
    def _damage(mapped: Mapped, store: WatchedStore, amount: Decimal) -> None:
        """Changes what was counted behind the product's back."""
        items = store.items_of(_tenant(store), limit=1000)
        [cell] = [item for item in items if item.entity == "Cells"]
        numbers = {
            name: number + amount if number == 100 else number
            for name, number in cell.numbers.items()
        }
        store.put_many([replace(cell, numbers=numbers)])

    def test_rejected_ones_come_back_when_they_change(
        self, mapped: Mapped, clock: TestClock
    ) -> None:
        mapped.meter.send(event(100))
        mapped.push()
        mapped.side.send(mapped.customer, "7", clock.now())
        reconcile(mapped.meter)
        [correction] = suggested(mapped.meter)
        path = f"reconciliation/corrections/{correction['id']}/reject"
        for _ in range(2):
            assert mapped.meter.post(path).data["status"] == "rejected"
        reconcile(mapped.meter)
        assert suggested(mapped.meter) == []
        assert approve(mapped.meter, correction).status == 422
        mapped.side.send(mapped.customer, "1", clock.now())
        reconcile(mapped.meter)
        assert [one["amount"] for one in suggested(mapped.meter)] == [-8]

    def test_d37_t49_several_are_applied_together_each_with_its_result(
        self, mapped: Mapped, clock: TestClock
    ) -> None:
        mapped.meter.send(event(40))
        mapped.side.meter_events(lose=1)
        mapped.push()
        clock.advance(minutes=10)
        reconcile(mapped.meter)
        [correction] = suggested(mapped.meter)
        ids = [correction["id"], "none", correction["id"]]
        body = {"correction_ids": ids, "reason": "seen at Stripe"}
        done = mapped.meter.post("reconciliation/corrections/approve", body).data
        assert (done["applied"], done["failed"]) == (1, 1)
        assert [(one["id"], one["status"]) for one in done["results"]] == [
            (correction["id"], "applied"),
            ("none", "error"),
        ]
        [shown] = mapped.meter.get("reconciliation/corrections").data
        assert shown["decision_note"] == "seen at Stripe"
        for wrong in ([], ["x"] * 101):
            body = {"correction_ids": wrong}
            assert mapped.meter.post("reconciliation/corrections/approve", body).status == 400

    def test_t49_unknown_ones_are_not_applied(self, mapped: Mapped) -> None:
        for decision in ("approve", "reject"):
            reply = mapped.meter.post(f"reconciliation/corrections/none/{decision}", {})
            assert (reply.status, reply.body["code"]) == (404, "CorrectionNotFound")

    def test_what_stripe_cannot_be_asked_about_is_unknown_not_zero(self, mapped: Mapped) -> None:
        services = mapped.meter.product.services
        away = replace(services.providers.stripe, base_url="http://127.0.0.1:9")
        providers = replace(services.providers, stripe=away)
        with bootstrap.using(replace(services, providers=providers)):
            run = reconcile(mapped.meter)
            summary = mapped.meter.get("reconciliation/summary", **JANUARY_MONTH).data
        assert (run["unknown"], run["ok"]) == (1, 0)
        assert run["reports"][0]["totals"]["stripe"] is None
        assert summary["status"] == "empty"


def _tenant(store: WatchedStore) -> str:
    page = store.query(Query("TENANTS", index=Index.GSI1))
    return page.items[0].key.pk


JANUARY_MONTH = {"period_start": "2025-01", "period_end": "2025-01"}


@dataclass(frozen=True)
class Subscribed:
    """A mapped customer on a test clock at Stripe, who pays 0.4 cents a unit from 1 January."""

    mapped: Mapped
    clock: str
    stage_clock: TestClock

    def go_to(self, timestamp: int) -> None:
        """Moves both clocks."""
        self.stage_clock.set(datetime.fromtimestamp(timestamp, UTC))
        self.mapped.side.advance(self.clock, timestamp)

    def finalize(self, **body: Any) -> Any:
        return self.mapped.meter.post(
            "periods/finalize",
            {"mapping_id": self.mapped.id, "period_start": "2025-01-01T00:00:00Z", **body},
        )


@pytest.fixture
def subscribed(meter: Meter, side: StripeSide, clock: TestClock) -> Subscribed:
    meter.counter()
    meter_id = side.meter()
    stripe_clock, customer = side.on_a_clock()
    side.subscribe(customer, meter_id)
    side.advance(stripe_clock, NOON)
    anchor = "2025-01-01T00:00:00Z"
    body = wanted(meter_id, customer, anchor=anchor, starting_at=anchor)
    made = meter.post("mappings", body).data
    return Subscribed(Mapped(meter, side, made["id"], meter_id, customer), stripe_clock, clock)


class TestPeriodEnd:
    def test_t53_425_in_the_ledger_at_stripe_and_on_the_invoice(
        self, subscribed: Subscribed
    ) -> None:
        meter = subscribed.mapped.meter
        answer = meter.send(
            event(100, idempotency_key="1"),
            event(250, idempotency_key="2"),
            event(100, idempotency_key="1"),
            event(75, "2025-01-14T11:00:00Z", idempotency_key="late"),
        )
        assert (answer["accepted"], answer["duplicates"]) == (3, 1)
        subscribed.mapped.push()
        subscribed.go_to(FEBRUARY + 2 * HOUR)
        report = subscribed.finalize().data
        assert (report["totals"]["events"], report["totals"]["local"]) == (425, 425)
        assert report["totals"]["stripe"] == 425
        [line] = report["invoices"]
        # 425 × 0.4 = 170 cents.
        assert (line["quantity"], line["amount"], line["status"]) == (425, 170, "paid")
        assert (report["status"], report["final"]) == ("ok", True)

    def test_n36_a_period_with_drift_is_not_finalized(self, subscribed: Subscribed) -> None:
        mapped = subscribed.mapped
        mapped.meter.send(event(100))
        mapped.push()
        mapped.side.send(mapped.customer, "1", datetime(2025, 1, 10, tzinfo=UTC))
        early = subscribed.finalize()
        assert (early.status, "ends at" in early.body["message"]) == (422, True)
        subscribed.go_to(FEBRUARY + 60)
        refused = subscribed.finalize()
        assert (refused.status, "foreign -1" in refused.body["message"]) == (409, True)
        done = subscribed.finalize(override_reason="a test event of ours").data
        assert done["override_reason"] == "a test event of ours"
        assert done["finalized_by"]
        logged = mapped.meter.product.get("/v1/auditLogs").data
        assert "period_closing" in {one["resource_type"] for one in logged}
        # It stays, and is not asked again.
        again = subscribed.finalize().data
        assert again["override_reason"] == "a test event of ours"
        assert again["finalized_at"] == done["finalized_at"]

    def test_n36_the_draft_at_stripe_waits_for_the_drift_to_go(
        self, subscribed: Subscribed, clock: TestClock
    ) -> None:
        mapped, product = subscribed.mapped, subscribed.mapped.meter.product
        mapped.meter.send(event(200))
        mapped.push()
        mapped.side.send(mapped.customer, "50", datetime(2025, 1, 10, tzinfo=UTC))
        subscribed.go_to(FEBRUARY + 60)
        product.invoke("ReconciliationFunction", {"action": "push"})
        [draft] = mapped.side.invoices(mapped.customer)
        assert (draft.status, draft.auto_advance) == ("draft", False)
        subscribed.go_to(FEBRUARY + 2 * HOUR)
        [draft] = mapped.side.invoices(mapped.customer)
        assert draft.status == "draft"
        product.invoke("ReconciliationFunction", {"action": "reconcile"})
        [correction] = suggested(mapped.meter)
        approve(mapped.meter, correction, kind="withdraw")
        product.invoke("ReconciliationFunction", {"action": "push"})
        assert mapped.told == 200
        subscribed.go_to(FEBRUARY + 4 * HOUR)
        [final] = mapped.side.invoices(mapped.customer)
        # 200 × 0.4 = 80 cents.
        assert (final.status, final.total) == ("paid", 80)

    def test_n10_usage_after_the_invoice_is_carried_to_the_next(
        self, subscribed: Subscribed, clock: TestClock
    ) -> None:
        mapped = subscribed.mapped
        mapped.meter.send(event(200))
        mapped.push()
        subscribed.go_to(FEBRUARY + 2 * HOUR)
        # Within the day of grace of our period, and after Stripe's invoice.
        assert mapped.meter.statuses(event(30, "2025-01-31T23:00:00Z")) == ["accepted"]
        january, _ = mapped.meter.post("pushes", {"mapping_id": mapped.id}).data
        assert january["status"] == "closed"
        report = reconcile(mapped.meter)["reports"][0]
        assert differences(report) == {"post_finalization": 30}
        [correction] = suggested(mapped.meter)
        assert correction["kind"] == "carry"
        for _ in range(2):
            assert approve(mapped.meter, correction).data["status"] == "applied"
        mapped.meter.post("pushes", {"mapping_id": mapped.id})
        assert mapped.told == 200
        assert mapped.side.total(mapped.meter_id, mapped.customer, FEBRUARY, NEXT) == 30
        assert subscribed.finalize().data["status"] in ("ok", "resolved")


NEXT = 1740787200  # 2025-03-01T00:00:00Z


class TestReports:
    def test_d30_csv(self, mapped: Mapped) -> None:
        mapped.meter.send(event(100))
        run = reconcile(mapped.meter)
        reply = mapped.meter.get(f"reconciliation/runs/{run['id']}", format="csv")
        [row] = csv.DictReader(io.StringIO(reply.body.decode()))
        assert (row["local"], row["pushed"], row["stripe"], row["drift_abs"]) == (
            "100",
            "0",
            "0",
            "100",
        )
        assert (row["drift_pct"], row["status"]) == ("1", "investigate")
        assert row["differences"] == "unpushed 100"

    def test_a_page_with_a_chart_of_the_drift(self, mapped: Mapped, clock: TestClock) -> None:
        mapped.meter.send(event(100, meta={"x": "<b>"}))
        reconcile(mapped.meter)
        clock.advance(hours=1)
        mapped.push()
        run = reconcile(mapped.meter)
        page = mapped.meter.get(f"reconciliation/runs/{run['id']}", format="html").body.decode()
        # Two runs: one with all 100 missing, as high as the chart, and one without drift.
        assert page.count("<rect") == 2
        assert 'height="140"><title>2025-01-15T12:00:00+00:00: 100</title>' in page
        assert 'class="shown"' in page
        assert "http" not in page

    def test_runs_are_listed_and_found(self, mapped: Mapped, clock: TestClock) -> None:
        first = reconcile(mapped.meter)
        clock.advance(hours=1)
        mapped.meter.product.invoke("ReconciliationFunction", {"action": "reconcile"})
        listed = mapped.meter.get("reconciliation/runs").data
        assert [one["trigger"] for one in listed] == ["schedule", "request"]
        assert mapped.meter.get(f"reconciliation/runs/{first['id']}").data == first
        assert mapped.meter.get("reconciliation/runs/none").status == 404

    def test_d32_a_period_counts_once_however_often_it_was_looked_at(self, mapped: Mapped) -> None:
        mapped.meter.send(event(40))
        for _ in range(3):
            reconcile(mapped.meter)
        found = mapped.meter.get("reconciliation/summary", **JANUARY_MONTH).data
        assert found["per_metric"] == [
            {
                "metric": "calls",
                "local": 40,
                "stripe": 0,
                "drift_abs": 40,
                "drift_net": 40,
                "drift_pct": 1,
                "items": 1,
            }
        ]
        assert (found["overall"]["items"], found["overall"]["metrics"]) == (1, 1)
        reply = mapped.meter.get("reconciliation/summary", **JANUARY_MONTH, format="csv")
        assert reply.body.decode().splitlines() == [
            "metric,local,stripe,drift_abs,drift_pct,items",
            "calls,40,0,40,1,1",
            "TOTAL,40,0,40,1,1",
        ]

    def test_t30_nothing_reconciled_is_not_zero_drift(self, meter: Meter) -> None:
        found = meter.get("reconciliation/summary", **JANUARY_MONTH).data
        assert (found["status"], found["overall"]["items"]) == ("empty", 0)

    @pytest.mark.parametrize(
        "query",
        [
            {"period_start": "2025-02", "period_end": "2025-01"},
            {"period_start": "2025-13", "period_end": "2025-01"},
            {"period_start": "2025-01"},
        ],
    )
    def test_t30_bad_months(self, query: dict[str, str], meter: Meter) -> None:
        assert meter.get("reconciliation/summary", **query).status == 400

    def test_d38_explain(self, mapped: Mapped, store: WatchedStore) -> None:
        mapped.meter.send(event(100))
        query = {"mapping_id": mapped.id, "period_start": "2025-01-01T00:00:00Z"}
        with nothing_changes(store):
            found = mapped.meter.get("reconciliation/explain", **query).data
        assert (found["parity"], found["totals"]["local"]) == ("drift_critical", 100)
        assert differences(found) == {"unpushed": 100}
        assert (
            mapped.meter.get(
                "reconciliation/explain", mapping_id=mapped.id, period_start="2025-01-02T00:00:00Z"
            ).status
            == 404
        )

    def test_d40_t41_how_strict_it_is_can_be_set(self, mapped: Mapped) -> None:
        assert mapped.meter.get("reconciliation/settings").data == {
            "epsilon": Decimal("0.005"),
            "lag_seconds": 600,
            "holds_invoices": True,
        }
        mapped.meter.send(event(100))
        mapped.push()
        mapped.meter.send(event(1))
        path = "/metering/v1/reconciliation/settings"
        changed = mapped.meter.product.request("PATCH", path, {"epsilon": 0.01})
        assert (changed.data["epsilon"], changed.data["lag_seconds"]) == (Decimal("0.01"), 600)
        [report] = reconcile(mapped.meter)["reports"]
        # 1 of 100 is just within.
        assert report["status"] == "ok"
        wrong = mapped.meter.product.request("PATCH", path, {"epsilon": 2})
        assert wrong.status == 400


class TestSchedules:
    def test_the_schedule_serves_every_tenant(self, mapped: Mapped) -> None:
        mapped.meter.send(event(5))
        done = mapped.meter.product.invoke("ReconciliationFunction", {"action": "push"})
        assert done["failed"] == 0
        assert mapped.told == 5

    def test_t38_a_scheduled_run_can_be_looked_up(self, mapped: Mapped) -> None:
        mapped.meter.send(event(5))
        mapped.meter.product.invoke("ReconciliationFunction", {"action": "reconcile"})
        [run] = mapped.meter.get("reconciliation/runs").data
        assert (run["checked"], run["ok"]) == (1, 1)
        [report] = mapped.meter.get(f"reconciliation/runs/{run['id']}").data["reports"]
        # The hours since 9 o'clock are counted anew.
        assert report["totals"]["recounted_from"] == "2025-01-15T09:00:00+00:00"

    def test_a_duplicate_schedule_changes_nothing(self, mapped: Mapped) -> None:
        mapped.meter.send(event(5))
        for _ in range(3):
            mapped.meter.product.invoke("ReconciliationFunction", {"action": "reconcile"})
        assert mapped.told == 5
        assert mapped.log() == [(5, "sent")]

    def test_a_decision_that_a_crash_cut_short_is_completed(
        self, mapped: Mapped, store: WatchedStore
    ) -> None:
        body = {
            "metric": "calls",
            "customer_ref": "acme",
            "ts": "2025-01-10T00:00:00Z",
            "delta": 5,
        }
        made = mapped.meter.post("adjustments", body).data
        left = 1

        def die() -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise Crash

        store.before = die
        with pytest.raises(Crash):
            mapped.meter.post(f"adjustments/{made['id']}/approve")
        store.before = lambda: None
        assert mapped.meter.get(f"adjustments/{made['id']}").data["status"] == "approving"
        mapped.meter.product.invoke("ReconciliationFunction", {"action": "reconcile"})
        assert mapped.meter.get(f"adjustments/{made['id']}").data["status"] == "approved"
        assert mapped.told == 5
