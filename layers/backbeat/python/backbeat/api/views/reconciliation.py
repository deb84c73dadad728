"""Reconciliation as JSON and CSV."""

import csv
import io
from collections.abc import Sequence
from decimal import Decimal

from backbeat.api import json
from backbeat.api.views.metering import period_view
from backbeat.api.views.times import optional, present, timestamp
from backbeat.application.metering.drift import MetricDrift, Summary, status_of
from backbeat.application.metering.reconciliation import Finished
from backbeat.models.reconciliation import (
    Correction,
    Found,
    ReconciliationRun,
    ReconciliationSettings,
)

COLUMNS = (
    "mapping_id",
    "lane",
    "metric",
    "period",
    "local",
    "pushed",
    "stripe",
    "drift_abs",
    "drift_pct",
    "status",
    "differences",
)


def run_view(run: ReconciliationRun) -> dict[str, object]:
    """Returns a run without what it found."""
    return {
        "id": run.id,
        "trigger": run.trigger.value,
        "by": run.by,
        "started_at": timestamp(run.started_at),
        "checked": run.checked,
        "ok": run.ok,
        "investigate": run.investigate,
        "unknown": run.unknown,
        "drift_abs": run.drift,
    }


def finished_view(finished: Finished) -> dict[str, object]:
    """Returns a run with what it found."""
    return {**run_view(finished.run), "reports": [found_view(row) for row in finished.rows]}


def found_view(row: Found) -> dict[str, object]:
    """Returns what each place knows of a period."""
    return {
        "mapping_id": row.mapping_id,
        "metric": row.metric,
        "customer_refs": row.customer_refs,
        "lane": row.lane.value,
        "meter_id": row.meter_id,
        "stripe_customer_id": row.stripe_customer_id,
        "period": period_view(row.period),
        "at": timestamp(row.at),
        "status": row.verdict.value,
        "final": row.final,
        "totals": {
            "events": row.events,
            "cells": row.cells,
            "recounted_from": optional(row.recounted_from),
            "local": row.local,
            "pushed": row.pushed,
            "stripe": row.stripe,
        },
        "invoices": [line.model_dump() for line in row.billed],
        "drift_abs": None if row.drift is None else abs(row.drift),
        "drift_pct": row.share,
        "differences": [{"class": one.kind.value, "amount": one.amount} for one in row.differences],
        "message": row.message,
    }


def rows_csv(rows: Sequence[Found]) -> bytes:
    """Returns what a run found as CSV with a header row."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow(
            (
                row.mapping_id,
                row.lane.value,
                row.metric,
                f"{timestamp(row.period_start)}/{timestamp(row.period_end)}",
                json.number_text(row.local),
                json.number_text(row.pushed),
                "" if row.stripe is None else json.number_text(row.stripe),
                "" if row.drift is None else json.number_text(abs(row.drift)),
                "" if row.stripe is None else json.number_text(row.share or Decimal(0)),
                row.verdict.value,
                "; ".join(
                    f"{one.kind.value} {json.number_text(one.amount)}" for one in row.differences
                ),
            )
        )
    return text.getvalue().encode()


def summary_view(summary: Summary) -> dict[str, object]:
    """Returns all periods together; without any, it says so instead of saying zero."""
    return {
        "period_start": timestamp(summary.span.starting_at),
        "period_end": timestamp(summary.span.ending_before),
        "status": "empty" if summary.overall.items == 0 else "reconciled",
        "per_metric": [_metric_view(one) for one in summary.metrics],
        "overall": {**_metric_view(summary.overall), "metrics": len(summary.metrics)},
    }


def summary_csv(summary: Summary) -> bytes:
    """Returns a row for each metric, then `TOTAL`."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("metric", "local", "stripe", "drift_abs", "drift_pct", "items"))
    for one in (*summary.metrics, summary.overall):
        amounts = (one.local, one.stripe, one.drift_abs, one.drift_pct)
        writer.writerow((one.metric, *map(json.number_text, amounts), one.items))
    return text.getvalue().encode()


def explained_view(row: Found, corrections: Sequence[Correction]) -> dict[str, object]:
    """Returns a period with its open corrections, and one word for how it stands."""
    return {
        **found_view(row),
        "parity": status_of(row).value,
        "corrections": [correction_view(one) for one in corrections],
    }


def correction_view(correction: Correction) -> dict[str, object]:
    """Returns a suggestion."""
    return present(
        id=correction.id,
        mapping_id=correction.mapping_id,
        lane=correction.lane.value,
        metric=correction.metric,
        period_start=timestamp(correction.period_start),
        difference=correction.difference.value,
        kind=correction.kind.value,
        amount=correction.amount,
        shares=[
            {"customer_ref": one.customer_ref, "amount": one.amount} for one in correction.shares
        ]
        or None,
        status=correction.status.value,
        created_at=timestamp(correction.created_at),
        decided_at=optional(correction.decided_at),
        decided_by=correction.decided_by,
        decision_note=correction.decision_note,
    )


def settings_view(settings: ReconciliationSettings) -> dict[str, object]:
    """Returns how strict reconciliation is."""
    return {
        "epsilon": settings.epsilon,
        "lag_seconds": settings.lag_seconds,
        "holds_invoices": settings.holds_invoices,
    }


def _metric_view(one: MetricDrift) -> dict[str, object]:
    return {
        "metric": one.metric,
        "local": one.local,
        "stripe": one.stripe,
        "drift_abs": one.drift_abs,
        "drift_net": one.drift_net,
        "drift_pct": one.drift_pct,
        "items": one.items,
    }
