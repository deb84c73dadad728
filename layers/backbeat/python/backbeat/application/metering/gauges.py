"""Figures about a tenant's metering, for whoever watches it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from backbeat.application.metering import (
    adjustments,
    alert_states,
    backfills,
    corrections,
    mappings,
    pushes,
    reconciliation,
)
from backbeat.application.services import Call
from backbeat.models.adjustments import AdjustmentStatus
from backbeat.models.mappings import PushState
from backbeat.models.reconciliation import CorrectionStatus

_MOST = 1000
"""Waiting things that are counted; more are shown as so many."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One value, and what it is of."""

    value: Decimal
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Gauge:
    """A figure that goes up and down, with all its samples."""

    name: str
    help: str
    samples: tuple[Sample, ...]


def of_tenant(call: Call) -> list[Gauge]:
    """Returns the caller's figures as they are now."""
    states = list(_states(call))
    waiting, _ = adjustments.page(
        call, lambda one: one.status is AdjustmentStatus.PENDING, limit=_MOST, cursor=None
    )
    suggested, _ = corrections.page(
        call, lambda one: one.status is CorrectionStatus.OPEN, limit=_MOST, cursor=None
    )
    queued, _ = backfills.page(call, lambda one: not one.is_over, limit=_MOST, cursor=None)
    runs, _ = reconciliation.page(call, limit=1, cursor=None)
    return [
        Gauge(
            "backbeat_metering_drift_units",
            "Our usage less Stripe's at the last reconciliation.",
            tuple(_drifts(call, share=False)),
        ),
        Gauge(
            "backbeat_metering_drift_ratio",
            "The drift as a share of Stripe's figure.",
            tuple(_drifts(call, share=True)),
        ),
        Gauge(
            "backbeat_metering_pushes_waiting",
            "Pushes that were begun and that Stripe has not decided on.",
            (_count(state for state in states if state.pending is not None),),
        ),
        Gauge(
            "backbeat_metering_pushes_refused",
            "Periods whose push Stripe refused.",
            (_count(state for state in states if state.failed is not None),),
        ),
        Gauge(
            "backbeat_metering_push_lag_seconds",
            "How long the oldest push has been waiting.",
            (Sample(_oldest(call, states)),),
        ),
        Gauge(
            "backbeat_metering_adjustments_pending",
            "Adjustments that wait for a decision.",
            (_count(waiting),),
        ),
        Gauge(
            "backbeat_metering_corrections_open",
            "Corrections that wait for a decision.",
            (_count(suggested),),
        ),
        Gauge(
            "backbeat_metering_backfills_open",
            "Backfills that are not done yet.",
            (_count(queued),),
        ),
        Gauge(
            "backbeat_metering_alerts_open",
            "Alerts above their lines, by severity and whether anybody said that they know.",
            tuple(_open_alerts(call)),
        ),
        Gauge(
            "backbeat_metering_last_reconciliation_seconds",
            "When the last reconciliation was, in seconds since 1970.",
            tuple(Sample(Decimal(int(run.started_at.timestamp()))) for run in runs),
        ),
    ]


def _states(call: Call) -> Iterator[PushState]:
    for mapping in mappings.every(call):
        for target in mapping.targets:
            for _, part in mappings.open_parts(call, mapping):
                yield pushes.state_of(call, mapping, target, part)


def _drifts(call: Call, *, share: bool) -> Iterator[Sample]:
    for mapping in mappings.every(call):
        for target in mapping.targets:
            for row in reconciliation.latest_of(call, mapping, target):
                value = row.share if share else row.drift
                if value is not None:
                    yield Sample(
                        value,
                        {
                            "mapping": mapping.id,
                            "metric": mapping.metric,
                            "lane": target.lane.value,
                            "period": row.period_start.isoformat(),
                        },
                    )


def _open_alerts(call: Call) -> Iterator[Sample]:
    counted = Counter(
        (state.severity.value, state.status.value) for _, state in alert_states.open_ones(call)
    )
    for (severity, status), number in sorted(counted.items()):
        yield Sample(Decimal(number), {"severity": severity, "status": status})


def _oldest(call: Call, states: Iterable[PushState]) -> Decimal:
    now = call.services.clock.now()
    begun = [state.pending.begun_real_at for state in states if state.pending is not None]
    return Decimal(int((now - min(begun)).total_seconds())) if begun else Decimal(0)


def _count(things: Iterable[object]) -> Sample:
    return Sample(Decimal(sum(1 for _ in things)))
