"""Metering comes to the same in every store, with Stripe's meters in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from backbeat import bootstrap
from backbeat.application import billing, sandboxes
from backbeat.application.metering import (
    adjustments,
    alert_states,
    alerts,
    backfills,
    closing,
    corrections,
    counters,
    events,
    listing,
    live_usage,
    mappings,
    proposals,
    pushes,
    reconciliation,
    rejections,
    replays,
    watching,
)
from backbeat.application.metering.counters import NewCounter
from backbeat.application.metering.mappings import NewMapping, WantedTarget
from backbeat.application.metering.proposals import Proposal
from backbeat.application.services import Call, Services
from backbeat.config import Config
from backbeat.models.adjustments import AdjustmentReason
from backbeat.models.backfills import BackfillFormat, BackfillStatus
from backbeat.models.catalog import Aggregation
from backbeat.models.counters import EventResult, Outcome, SentEvent
from backbeat.models.meter_alerts import MeterAlertType, Resolution
from backbeat.models.period import Period
from backbeat.models.reconciliation import RunTrigger, Verdict
from backbeat.models.schedules import Frequency
from backbeat.persistence import keys
from backbeat.ports.connections import Provider
from backbeat.ports.meters import BilledUsage, MeterEvent, Sent, StripeMeter
from backbeat.ports.store import Store
from tests.integration.product import TestClock

NOON = datetime(2025, 1, 15, 12, tzinfo=UTC)
JANUARY = datetime(2025, 1, 1, tzinfo=UTC)
FEBRUARY = datetime(2025, 2, 1, tzinfo=UTC)


@dataclass
class Meters:
    """Implements `StripeMeters` in memory."""

    counted: dict[str, MeterEvent] = field(default_factory=dict)
    foreign: Decimal = Decimal(0)

    @property
    def is_test(self) -> bool:
        return True

    def meter(self, meter_id: str) -> StripeMeter:
        return StripeMeter(meter_id, "calls", "sum", True, False, "stripe_customer_id", "value")

    def has_customer(self, customer_id: str) -> bool:
        return True

    def send(self, event: MeterEvent) -> Sent:
        known = event.identifier in self.counted
        self.counted.setdefault(event.identifier, event)
        return Sent.KNOWN if known else Sent.ACCEPTED

    def total(self, meter_id: str, customer_id: str, period: Period) -> Decimal:
        inside = (one for one in self.counted.values() if period.covers(one.timestamp))
        return sum((one.value for one in inside), self.foreign)

    def billed(self, meter_id: str, customer_id: str, period: Period) -> Sequence[BilledUsage]:
        return []

    def hold(self, invoice_id: str, *, held: bool) -> None:
        raise AssertionError("there is no invoice")


@dataclass(frozen=True)
class Tenant:
    services: Services
    clock: TestClock
    name: str

    def call(self) -> Call:
        return sandboxes.call_for(self.services, self.name)

    def send(self, *sent: SentEvent) -> list[EventResult]:
        return events.take(self.call(), sent)

    def current(self) -> Decimal:
        [found] = live_usage.current(self.call(), "acme", "calls")[1]
        return found.current


@pytest.fixture
def meters() -> Meters:
    return Meters()


@pytest.fixture
def tenant(store: Store, pk: str, meters: Meters) -> Tenant:
    clock = TestClock(NOON)
    config = Config.model_validate({"BACKBEAT_STATE": ":memory:"})
    built = bootstrap.build(config, clock=clock)
    providers = replace(
        built.providers,
        stripe=Provider("https://stripe.test", "sk_test_x"),
        open_meters=lambda access: meters,
    )
    made = Tenant(replace(built, store=store, providers=providers), clock, pk.replace("#", "-"))
    counters.create(
        made.call(), NewCounter("calls", None, Aggregation.SUM, None, 48, Decimal(10), None)
    )
    return made


def event(quantity: int, number: int, at: datetime = NOON) -> SentEvent:
    return SentEvent("calls", "acme", Decimal(quantity), at, key=f"key-{number}")


def mapped(tenant: Tenant) -> str:
    wanted = NewMapping(
        metric="calls",
        customer_refs=("acme",),
        target=WantedTarget("mtr_1", "cus_1"),
        shadow=None,
        anchor=JANUARY,
        frequency=Frequency.MONTHLY,
        starting_at=JANUARY,
    )
    return mappings.create(tenant.call(), wanted).id


def test_events_late_ones_and_adjustments(tenant: Tenant) -> None:
    late = [event(1, number, NOON - timedelta(days=5)) for number in range(10)]
    for outcome in (Outcome.ACCEPTED, Outcome.DUPLICATE):
        results = tenant.send(*late, event(5, 200), event(5, 201, NOON - timedelta(hours=1)))
        assert {one.outcome for one in results} == {outcome}
    waiting = tenant.send(event(11, 300, NOON - timedelta(days=5)))[0]
    assert waiting.outcome is Outcome.PENDING
    # 10 × 1 and 2 × 5.
    assert tenant.current() == 20
    adjustments.approve(tenant.call(), waiting.adjustment_id or "", by="ann")
    proposal = Proposal(
        metric="calls",
        customer_ref="acme",
        timestamp=JANUARY,
        delta=Decimal(-1),
        reason=AdjustmentReason.CREDIT,
        by="ann",
        meta={},
    )
    made = proposals.create(tenant.call(), proposal)
    adjustments.approve(tenant.call(), made.id, by="bob")
    # 11 more, and 1 less.
    assert tenant.current() == 30
    adjustments.revert(tenant.call(), made.id, by="bob")
    assert tenant.current() == 31
    assert len(listing.page(
        tenant.call(),
        Period(JANUARY, FEBRUARY),
        metric=None,
        customer_ref=None,
        source=None,
        after=None,
        limit=1000,
    )) == 15  # fmt: skip


def test_pushes_reconciliation_and_the_end_of_a_period(tenant: Tenant, meters: Meters) -> None:
    mapping_id = mapped(tenant)
    alerts.create(
        tenant.call(),
        name="Busy",
        type_=MeterAlertType.USAGE,
        metric="calls",
        customer_ref=None,
        threshold=Decimal(100),
        clear_below=None,
    )
    tenant.send(event(100, 1))
    pushes.run(tenant.call())
    meters.foreign = Decimal(7)
    run = reconciliation.run(tenant.call(), trigger=RunTrigger.REQUEST, by="ann")
    assert [row.verdict for row in run.rows] == [Verdict.INVESTIGATE]
    assert reconciliation.get(tenant.call(), run.run.id) == run
    [found], _ = corrections.page(tenant.call(), lambda one: True, limit=10, cursor=None)
    corrections.approve(tenant.call(), found.id, by="ann")
    assert tenant.current() == 107
    tenant.clock.set(FEBRUARY + timedelta(hours=1))
    _, state = closing.finalize(tenant.call(), mapping_id, JANUARY, by="ann", override_reason=None)
    assert state.pushed == 107
    assert state.finalized_by == "ann"
    # 100 told, and 7 that somebody else did.
    assert sum(one.value for one in meters.counted.values()) == 100
    [crossing], _ = alert_states.page_of_events(
        tenant.call(), lambda one: True, since=None, until=None, limit=10, cursor=None
    )
    assert crossing.value == 100
    # The period is over: nobody need look at it any more.
    assert watching.look_again(tenant.call()) == 1
    [state_now] = alert_states.of_alert(tenant.call(), crossing.alert_id)
    assert state_now.resolution is Resolution.PERIOD_OVER
    assert watching.look_again(tenant.call()) == 0


def test_backfills_and_replays(tenant: Tenant) -> None:
    wanted = backfills.NewBackfill(
        metric="calls",
        customer_ref="acme",
        period_start=JANUARY,
        period_end=None,
        reason="moved",
        format=BackfillFormat.CSV,
        events=(),
        text="quantity,ts\n" + "\n".join(
            f"1,2025-01-05T10:{number // 60:02}:{number % 60:02}Z" for number in range(30)
        ),
        source_url=None,
    )  # fmt: skip
    made = backfills.order(tenant.call(), wanted, by="ann")
    billing.run_all(tenant.call(), keys.backfill_work(tenant.name, made.id))
    done = backfills.get(tenant.call(), made.id)
    assert (done.status, done.accepted) == (BackfillStatus.COMPLETED, 30)
    for applies in (False, True):
        found = replays.replay(
            tenant.call(),
            Period(JANUARY, NOON),
            metrics=["calls"],
            customer_ref=None,
            applies=applies,
        )
        assert found.metrics[0].events_found == 30
        assert found.metrics[0].counter_delta == 0


def test_a_push_that_stripe_did_not_count_is_noted_once(tenant: Tenant, meters: Meters) -> None:
    mapped(tenant)
    tenant.send(event(100, 1))
    [pushed] = pushes.run(tenant.call())
    [identifier] = meters.counted
    for _ in range(2):
        assert rejections.note(tenant.call(), identifier, "no_meter: there is none")
        state = pushes.state_of(tenant.call(), pushed.mapping, pushed.target, pushed.part)
        assert (state.pushed, state.failed is not None) == (Decimal(0), True)
    assert not rejections.note(tenant.call(), "another", "no_meter: there is none")
    # Sent anew it is another event.
    pushes.run(tenant.call(), insists=True)
    assert len(meters.counted) == 2
