"""Scenarios, runs and comparisons of the simulator as JSON. Amounts are in whole units."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from backbeat.api.views.times import timestamp
from backbeat.models.simulations import (
    Batch,
    Bill,
    Price,
    Reduction,
    Run,
    Scenario,
    Simulation,
    StoredScenario,
)


def scenario_view(scenario: Scenario) -> dict[str, Any]:
    """Returns a scenario in the form it can be sent in."""
    inputs, expected = scenario.inputs, scenario.expected
    period = inputs.period
    return {
        "metadata": {
            "name": scenario.name,
            "description": scenario.description,
            "version": scenario.version,
            "tags": list(scenario.tags),
        },
        "inputs": {
            "customerId": inputs.customer_id,
            "periodStart": timestamp(period.starting_at),
            "periodEnd": timestamp(period.ending_before),
            "usageItems": [
                {"metric": i.metric, "quantity": i.quantity, "priceConfig": _price_view(i.price)}
                for i in inputs.usage
            ],
            "fees": [
                {
                    "name": fee.name,
                    "amount": fee.amount,
                    "startDate": timestamp(fee.starting_at),
                    "endDate": timestamp(fee.ending_before),
                    "perDays": fee.days,
                    "currency": fee.currency,
                }
                for fee in inputs.fees
            ],
            "commitments": [
                {
                    "amount": one.amount,
                    "startDate": timestamp(one.starting_at),
                    "endDate": timestamp(one.ending_before),
                    "applied": one.applied,
                    "kind": one.kind,
                    "currency": one.currency,
                }
                for one in inputs.commitments
            ],
            "credits": [
                {
                    "amount": one.amount,
                    "reason": one.reason,
                    "expiresAt": _time(one.expires_at),
                    "currency": one.currency,
                }
                for one in inputs.credits
            ],
            "taxRate": inputs.tax_rate,
            "taxInclusive": inputs.tax_inclusive,
        },
        "expected": expected
        and {
            "total": expected.total,
            "subtotal": expected.subtotal,
            "tax": expected.tax,
            "currency": expected.currency,
            "lineItems": [
                {
                    "metric": line.metric,
                    "quantity": line.quantity,
                    "unitPrice": line.unit_price,
                    "subtotal": line.subtotal,
                }
                for line in expected.lines
            ],
        },
        "tolerances": {
            "absolute": scenario.tolerances.absolute,
            "relative": scenario.tolerances.relative,
        },
    }


def stored_view(stored: StoredScenario) -> dict[str, Any]:
    """Returns a scenario that is kept."""
    return {
        "id": stored.id,
        "name": stored.scenario.name,
        "active": stored.is_active,
        "createdAt": timestamp(stored.created_at),
        "updatedAt": timestamp(stored.updated_at),
        **scenario_view(stored.scenario),
    }


def outcome_view(outcome: Simulation) -> dict[str, Any]:
    """Returns the bills of a simulation, one for each currency, and what differs."""
    differences = outcome.differences
    return {
        "invoices": [_bill_view(bill) for bill in outcome.bills],
        "comparison": None
        if differences is None
        else {
            "passed": outcome.is_as_expected,
            "differences": [one.model_dump() for one in differences],
        },
    }


def run_view(run: Run) -> dict[str, Any]:
    """Returns a run and its outcome."""
    return {
        "runId": run.id,
        "scenarioId": run.scenario_id,
        "batchId": run.batch_id,
        "name": run.name,
        "description": run.description,
        "metadata": run.metadata,
        "status": run.status,
        "strict": run.strict,
        "createdAt": timestamp(run.created_at),
        "scenario": scenario_view(run.scenario),
        "result": outcome_view(run.outcome),
    }


def batch_view(batch: Batch, runs: Sequence[Run]) -> dict[str, Any]:
    """Returns a batch: what is done with, apart from how much of it is as expected."""
    compared = [run for run in runs if run.outcome.differences is not None]
    passed = sum(run.outcome.is_as_expected for run in compared)
    return {
        "batchId": batch.id,
        "name": batch.name,
        "description": batch.description,
        "createdAt": timestamp(batch.created_at),
        "status": "completed",
        "totalRuns": len(runs),
        "completedRuns": len(runs),
        "comparedRuns": len(compared),
        "passedRuns": passed,
        "runs": [{"runId": run.id, "name": run.name, "status": run.status} for run in runs],
    }


def comparison_view(
    compared: Sequence[
        tuple[str, str, Mapping[str, Decimal], Mapping[str, Decimal], Decimal, Decimal]
    ],
) -> list[dict[str, Any]]:
    """Returns what each price earns; `deltas` and `delta` are against the first one."""
    return [
        {
            "name": name,
            "currency": currency,
            "amounts": dict(amounts),
            "deltas": dict(deltas),
            "total": total,
            "delta": delta,
        }
        for name, currency, amounts, deltas, total, delta in compared
    ]


def _price_view(price: Price) -> dict[str, Any]:
    return {
        "model": price.model,
        "currency": price.currency,
        "unitPrice": price.unit_price,
        "tiers": [
            {"upTo": band.up_to, "unitPrice": band.unit_price, "flatPrice": band.flat_price}
            for band in price.bands
        ],
        "packageSize": price.package_size,
        "packageRounding": price.package_rounding,
        "minimumCharge": price.minimum,
        "maximumCharge": price.maximum,
        "chargeWhenZero": price.charge_when_zero,
    }


def _bill_view(bill: Bill) -> dict[str, Any]:
    return {
        "currency": bill.currency,
        "lineItems": [
            {
                "metric": line.metric,
                "quantity": line.quantity,
                "unitPrice": line.unit_price,
                "subtotal": line.subtotal,
                "model": line.model,
                "bound": line.bound,
            }
            for line in bill.lines
        ],
        "subtotal": bill.subtotal,
        "trueUp": bill.true_up,
        "commitments": [_reduction_view(one) for one in bill.commitments],
        "credits": [_reduction_view(one) for one in bill.credits],
        "tax": bill.tax,
        "total": bill.total,
    }


def _reduction_view(reduction: Reduction) -> dict[str, Any]:
    return reduction.model_dump()


def _time(instant: datetime | None) -> str | None:
    return None if instant is None else timestamp(instant)
