"""The simulator: scenarios, runs, price comparisons, and what-if over real usage."""

from collections.abc import Sequence
from typing import TypeVar

from backbeat import bootstrap
from backbeat.api.replies import Reply
from backbeat.api.requests import Request
from backbeat.api.resolver import Api
from backbeat.api.schemas.simulations import (
    ComparePrices,
    ListRuns,
    ListScenarios,
    ScenarioBody,
    StartBatch,
    StartRun,
    WhatIf,
)
from backbeat.api.views.simulations import batch_view, comparison_view, run_view, stored_view
from backbeat.application import simulations
from backbeat.models.period import Period

T = TypeVar("T")

api = Api("simulations", bootstrap.services)


@api.route("POST", "/metering/v1/simulations/scenarios", successes=(201,))
def create_scenario(request: Request, body: ScenarioBody) -> Reply:
    """Keeps a scenario that can be priced."""
    stored = simulations.create(request.call, body.to_scenario())
    return Reply(201, stored_view(stored))


@api.route("GET", "/metering/v1/simulations/scenarios")
def list_scenarios(request: Request, query: ListScenarios) -> Reply:
    """Lists scenarios, the latest first unless asked otherwise."""
    found = simulations.scenarios(
        request.call,
        lambda stored: (
            query.active in (None, stored.is_active)
            and (query.tag is None or query.tag in stored.scenario.tags)
        ),
    )
    order = {
        "createdAt": lambda one: (one.created_at.isoformat(), one.id),
        "updatedAt": lambda one: (one.updated_at.isoformat(), one.id),
        "name": lambda one: (one.scenario.name, one.id),
    }
    found.sort(key=order[query.sort_by], reverse=query.sort_order == "desc")
    shown = _part(found, query.offset, query.limit)
    return Reply(
        200, {"scenarios": [stored_view(one) for one in shown], **_place(query, len(found))}
    )


@api.route("GET", "/metering/v1/simulations/scenarios/{scenario_id}")
def get_scenario(request: Request) -> Reply:
    """Returns a scenario."""
    return Reply(200, stored_view(simulations.get(request.call, request.path["scenario_id"])))


@api.route("PUT", "/metering/v1/simulations/scenarios/{scenario_id}")
def update_scenario(request: Request, body: ScenarioBody) -> Reply:
    """Puts another scenario in the place of one."""
    scenario_id = request.path["scenario_id"]
    changed = simulations.update(request.call, scenario_id, body.to_scenario())
    return Reply(200, stored_view(changed))


@api.route("DELETE", "/metering/v1/simulations/scenarios/{scenario_id}", successes=(204,))
def delete_scenario(request: Request) -> Reply:
    """Takes a scenario out of use."""
    simulations.delete(request.call, request.path["scenario_id"])
    return Reply(204)


@api.route("POST", "/metering/v1/simulations/runs", successes=(202,))
def start_run(request: Request, body: StartRun) -> Reply:
    """Runs a scenario, one that is kept or one that is sent. It is done when this answers."""
    said = {"description": body.description, "metadata": body.metadata}
    named = {"name": body.name, **said} if body.name else said
    if body.scenario is not None:
        scenario = body.scenario.to_scenario()
        run = simulations.run_sent(request.call, scenario, strict=body.strict, **named)
    else:
        scenario_id = body.scenario_id or ""
        run = simulations.run_stored(request.call, scenario_id, strict=body.strict, **named)
    return Reply(202, run_view(run))


@api.route("GET", "/metering/v1/simulations/runs")
def list_runs(request: Request, query: ListRuns) -> Reply:
    """Lists runs, the latest first."""
    found = simulations.all_runs(
        request.call,
        lambda run: (
            query.scenario_id in (None, run.scenario_id) and query.status in (None, run.status)
        ),
    )
    shown = _part(found, query.offset, query.limit)
    return Reply(200, {"runs": [run_view(run) for run in shown], **_place(query, len(found))})


@api.route("GET", "/metering/v1/simulations/runs/{run_id}")
def get_run(request: Request) -> Reply:
    """Returns a run, its bills, and how they compare."""
    return Reply(200, run_view(simulations.get_run(request.call, request.path["run_id"])))


@api.route("POST", "/metering/v1/simulations/batch", successes=(202,))
def start_batch(request: Request, body: StartBatch) -> Reply:
    """Runs several scenarios. They are done when this answers."""
    done = simulations.run_batch(
        request.call,
        body.scenario_ids,
        name=body.name,
        description=body.description,
        strict=body.strict,
    )
    return Reply(202, batch_view(*done))


@api.route("GET", "/metering/v1/simulations/batch/{batch_id}")
def get_batch(request: Request) -> Reply:
    """Returns a batch and where its runs stand."""
    found = simulations.get_batch(request.call, request.path["batch_id"])
    return Reply(200, batch_view(*found))


@api.route("POST", "/metering/v1/simulations/compare")
def compare_prices(request: Request, body: ComparePrices) -> Reply:
    """Compares prices over the same quantities. Nothing is kept."""
    compared = simulations.compare(body.to_prices(), body.quantities)
    return Reply(200, {"prices": comparison_view(compared)})


@api.route("POST", "/metering/v1/simulations/what-if")
def what_if(request: Request, body: WhatIf) -> Reply:
    """Compares prices over what customers really used."""
    quantities, compared = simulations.what_if(
        request.call,
        body.billable_metric_id,
        body.customer_ids,
        Period(body.period_start, body.period_end),
        body.to_prices(),
        body.interval,
    )
    return Reply(200, {"quantities": quantities, "prices": comparison_view(compared)})


def _part(found: Sequence[T], offset: int, limit: int) -> Sequence[T]:
    return found[offset : offset + limit]


def _place(query: ListScenarios | ListRuns, total: int) -> dict[str, int]:
    return {"total": total, "limit": query.limit, "offset": query.offset}


handler = api.handler
