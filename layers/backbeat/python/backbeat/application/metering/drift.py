"""Drifts of many periods together."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from backbeat.domain import reconciling
from backbeat.models.money import EXACT
from backbeat.models.period import Period
from backbeat.models.reconciliation import DriftClass, Found, Verdict

_CRITICAL: Final = Decimal("0.05")


class Parity(StrEnum):
    """How a period stands, in one word (D-38)."""

    PARITY = "parity"
    DRIFT_DETECTED = "drift_detected"
    DRIFT_CRITICAL = "drift_critical"
    RECONCILIATION_NEEDED = "reconciliation_needed"


@dataclass(frozen=True, slots=True)
class MetricDrift:
    """The periods of a metric together.

    `drift_abs` adds the drifts without their signs: one too much and one too little do not make up
    for each other. `drift_net` does let them. `drift_pct` is that as a share of Stripe's figure.
    """

    metric: str
    local: Decimal
    stripe: Decimal
    drift_abs: Decimal
    drift_net: Decimal
    drift_pct: Decimal
    items: int


@dataclass(frozen=True, slots=True)
class Summary:
    """All metrics of a span, and all of them together."""

    span: Period
    metrics: Sequence[MetricDrift]
    overall: MetricDrift


def summarize(span: Period, rows: Iterable[Found]) -> Summary:
    """Returns the drifts of periods by metric, of those that Stripe could be asked about."""
    known = [row for row in rows if row.stripe is not None]
    names = sorted({row.metric for row in known})
    return Summary(
        span,
        [_together(name, [row for row in known if row.metric == name]) for name in names],
        _together("TOTAL", known),
    )


def status_of(row: Found) -> Parity:
    """Returns how a period stands in one word."""
    if row.stripe is None:
        return Parity.RECONCILIATION_NEEDED
    if any(one.kind is DriftClass.MISCOUNTED for one in row.differences):
        return Parity.RECONCILIATION_NEEDED
    if row.verdict is not Verdict.INVESTIGATE:
        return Parity.PARITY
    share = reconciling.drift_share(row.local, row.stripe)
    return Parity.DRIFT_CRITICAL if share > _CRITICAL else Parity.DRIFT_DETECTED


def _together(metric: str, rows: Sequence[Found]) -> MetricDrift:
    local = stripe = drift = Decimal(0)
    for row in rows:
        counted = row.stripe or Decimal(0)
        local, stripe = EXACT.add(local, row.local), EXACT.add(stripe, counted)
        drift = EXACT.add(drift, abs(EXACT.subtract(row.local, counted)))
    return MetricDrift(
        metric=metric,
        local=local,
        stripe=stripe,
        drift_abs=drift,
        drift_net=EXACT.subtract(local, stripe),
        drift_pct=reconciling.drift_share(local, stripe),
        items=len(rows),
    )
