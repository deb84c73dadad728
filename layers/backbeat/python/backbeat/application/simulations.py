"""Scenarios of the simulator that are kept, their runs, and what other prices would have earned."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from backbeat.application import catalog, customers, usage
from backbeat.application.services import Call
from backbeat.domain import periods, windows
from backbeat.domain.simulating import runs
from backbeat.domain.simulating.runs import Compared
from backbeat.models.errors import Conflict, InvalidArgument, NotFound
from backbeat.models.money import add
from backbeat.models.period import Period, is_on_hour
from backbeat.models.simulations import (
    Batch,
    Price,
    Run,
    Scenario,
    StoredScenario,
    WhatIfInterval,
)
from backbeat.persistence import keys
from backbeat.persistence.entities import from_item, read, to_item, walk
from backbeat.ports.store import Absent, Index, Item, Put, Query, TransactionCancelled, Version

_MOST_CUSTOMERS: Final = 1000
"""Of a what-if that names none."""


def create(call: Call, scenario: Scenario) -> StoredScenario:
    """Keeps a scenario.

    Raises:
        InvalidArgument: it cannot be priced.
    """
    runs.run(scenario)
    made = StoredScenario(
        id=call.services.ids.new(), scenario=scenario, created_at=call.now, updated_at=call.now
    )
    key = keys.sim_scenario(call.tenant, made.id)
    call.store.transact([Put(to_item(key, made), Absent())])
    return made


def get(call: Call, scenario_id: str) -> StoredScenario:
    """Returns a scenario, deleted ones included.

    Raises:
        NotFound: there is none of that id.
    """
    return _found(call, scenario_id)[1]


def scenarios(call: Call, keep: Callable[[StoredScenario], bool]) -> list[StoredScenario]:
    """Returns the scenarios that are kept in the list, in no order."""
    query = Query(keys.sim_scenarios(call.tenant))
    found = (from_item(item, StoredScenario) for item in walk(call.store, query))
    return [stored for stored in found if keep(stored)]


def update(call: Call, scenario_id: str, scenario: Scenario) -> StoredScenario:
    """Puts another scenario in the place of one.

    Raises:
        NotFound: there is none of that id, or it was deleted.
        InvalidArgument: it cannot be priced.
        Conflict: somebody else changed it at the same time.
    """
    runs.run(scenario)
    return _change(call, scenario_id, {"scenario": scenario})


def delete(call: Call, scenario_id: str) -> None:
    """Takes a scenario out of use; its runs stay.

    Raises:
        NotFound: there is none of that id, or it was deleted.
        Conflict: somebody else changed it at the same time.
    """
    _change(call, scenario_id, {"is_active": False})


def run_stored(call: Call, scenario_id: str, *, strict: bool, **said: object) -> Run:
    """Runs a scenario that is kept; `said` are name, description and metadata of the run.

    Raises:
        NotFound: there is none of that id, or it was deleted.
    """
    stored = _active(call, scenario_id)[1]
    return _keep(call, _run(call, stored.scenario, scenario_id, strict=strict, **said))


def run_sent(call: Call, scenario: Scenario, *, strict: bool, **said: object) -> Run:
    """Runs a scenario that is not kept.

    Raises:
        InvalidArgument: it cannot be priced.
    """
    return _keep(call, _run(call, scenario, None, strict=strict, **said))


def get_run(call: Call, run_id: str) -> Run:
    """Returns a run.

    Raises:
        NotFound: there is none of that id.
    """
    found = read(call.store, keys.sim_run(call.tenant, run_id), Run)
    if found is None:
        raise NotFound("simulation run", run_id)
    return found


def all_runs(call: Call, keep: Callable[[Run], bool]) -> list[Run]:
    """Returns the runs that are kept in the list, newest first."""
    partition = keys.sim_runs(call.tenant, call.now, "").pk
    query = Query(partition, Index.GSI1, forward=False)
    found = (from_item(item, Run) for item in walk(call.store, query))
    return [run for run in found if keep(run)]


def run_batch(
    call: Call, scenario_ids: Iterable[str], *, name: str, description: str, strict: bool
) -> tuple[Batch, list[Run]]:
    """Runs several scenarios and keeps the runs. None is run where one is unknown.

    Raises:
        NotFound: there is none of an id, or it was deleted.
    """
    chosen = [(id_, _active(call, id_)[1].scenario) for id_ in dict.fromkeys(scenario_ids)]
    batch_id = call.services.ids.new()
    made = [
        _run(call, scenario, id_, strict=strict, name=scenario.name, batch_id=batch_id)
        for id_, scenario in chosen
    ]
    batch = Batch(
        id=batch_id,
        name=name,
        description=description,
        run_ids=tuple(run.id for run in made),
        created_at=call.now,
    )
    # The runs first: a batch that can be found is whole.
    call.store.put_many(_item(call, run) for run in made)
    key = keys.sim_batch(call.tenant, batch.id)
    call.store.transact([Put(to_item(key, batch), Absent())])
    return batch, made


def get_batch(call: Call, batch_id: str) -> tuple[Batch, list[Run]]:
    """Returns a batch and its runs.

    Raises:
        NotFound: there is none of that id.
    """
    batch = read(call.store, keys.sim_batch(call.tenant, batch_id), Batch)
    if batch is None:
        raise NotFound("simulation batch", batch_id)
    return batch, [get_run(call, run_id) for run_id in batch.run_ids]


def compare(
    prices: Sequence[tuple[str, Price]], quantities: Mapping[str, Decimal]
) -> list[Compared]:
    """Returns what each price makes of the same quantities. The first one is the baseline.

    Raises:
        InvalidArgument: a price is unusable, or currencies differ.
    """
    return runs.compared(prices, {name: [quantity] for name, quantity in quantities.items()})


def what_if(
    call: Call,
    metric_id: str,
    customer_ids: Sequence[str],
    span: Period,
    prices: Sequence[tuple[str, Price]],
    interval: WhatIfInterval = WhatIfInterval.WHOLE,
) -> tuple[dict[str, Decimal], list[Compared]]:
    """Returns what customers used of a metric, and what each price would have made of it.

    Without ids, all customers count; those who used nothing are left out. By months, quantities are
    the sums of what each month would be billed for.

    Raises:
        NotFound: there is no such metric or customer.
        InvalidArgument: the span is not of whole hours, a price is unusable, there are too many
            customers, or the query of a SQL metric fails.
    """
    if span.ending_before <= span.starting_at:
        raise InvalidArgument("periodEnd: must be after periodStart")
    if not (is_on_hour(span.starting_at) and is_on_hour(span.ending_before)):
        raise InvalidArgument("periodStart and periodEnd: must be on hour boundaries")
    metric = catalog.get_metric(call, metric_id)
    wanted = (
        [customers.get(call, customer_id) for customer_id in dict.fromkeys(customer_ids)]
        if customer_ids
        else [customer for _, customer in customers.walk_all(call)]
    )
    if len(wanted) > _MOST_CUSTOMERS:
        raise InvalidArgument(f"customerIds: name them, there are more than {_MOST_CUSTOMERS}")
    spans = [span] if interval is WhatIfInterval.WHOLE else list(periods.months(span))
    used = {
        customer.id: [
            quantity
            for one in spans
            if (quantity := windows.quantity(metric, usage.cells(call, customer, metric, one)))
            is not None
        ]
        for customer in wanted
    }
    quantities = {id_: each for id_, each in used.items() if each}
    totals = {id_: add(*each) for id_, each in quantities.items()}
    return totals, runs.compared(prices, quantities)


def _run(
    call: Call, scenario: Scenario, scenario_id: str | None, *, strict: bool, **said: object
) -> Run:
    return Run.model_validate(
        {
            "name": scenario.name,
            "description": "",
            "metadata": {},
            **said,
            "id": call.services.ids.new(),
            "scenario_id": scenario_id,
            "scenario": scenario,
            "strict": strict,
            "created_at": call.now,
            "outcome": runs.run(scenario, strict=strict),
        }
    )


def _keep(call: Call, run: Run) -> Run:
    call.store.transact([Put(_item(call, run), Absent())])
    return run


def _item(call: Call, run: Run) -> Item:
    place = keys.sim_runs(call.tenant, run.created_at, run.id)
    return to_item(keys.sim_run(call.tenant, run.id), run, gsi1=place)


def _change(call: Call, scenario_id: str, changes: Mapping[str, object]) -> StoredScenario:
    item, before = _active(call, scenario_id)
    after = before.model_copy(update={**changes, "updated_at": call.now})
    changed = to_item(item.key, after, version=item.version + 1)
    try:
        call.store.transact([Put(changed, Version(item.version))])
    except TransactionCancelled as cancelled:
        raise Conflict("The scenario was changed by somebody else. Try again.") from cancelled
    return after


def _active(call: Call, scenario_id: str) -> tuple[Item, StoredScenario]:
    item, stored = _found(call, scenario_id)
    if not stored.is_active:
        raise NotFound("simulation scenario", scenario_id)
    return item, stored


def _found(call: Call, scenario_id: str) -> tuple[Item, StoredScenario]:
    item = call.store.get(keys.sim_scenario(call.tenant, scenario_id))
    if item is None:
        raise NotFound("simulation scenario", scenario_id)
    return item, from_item(item, StoredScenario)
