"""Scenarios and their runs are kept alike in every store (T-26)."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from backbeat import bootstrap
from backbeat.application import sandboxes, simulations
from backbeat.application.services import Call, Services
from backbeat.config import Config
from backbeat.models.errors import NotFound
from backbeat.models.period import Period
from backbeat.models.simulations import Expected, Inputs, Price, PriceModel, Scenario, UsageItem
from backbeat.ports.store import Store
from tests.integration.product import TestClock

NOON = datetime(2025, 1, 15, 12, tzinfo=UTC)
JANUARY = Period(datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 2, 1, tzinfo=UTC))


@dataclass(frozen=True)
class Tenant:
    services: Services
    clock: TestClock
    name: str

    def call(self) -> Call:
        return sandboxes.call_for(self.services, self.name)


@pytest.fixture
def tenant(store: Store, pk: str) -> Tenant:
    clock = TestClock(NOON)
    built = bootstrap.build(Config.model_validate({"BACKBEAT_STATE": ":memory:"}), clock=clock)
    return Tenant(replace(built, store=store), clock, pk.replace("#", "-"))


def scenario(name: str, quantity: int, total: str) -> Scenario:
    """Calls at a cent each, and what is expected of them in dollars."""
    price = Price(model=PriceModel.FLAT, unit_price=Decimal("0.01"))
    usage = (UsageItem(metric="calls", quantity=Decimal(quantity), price=price),)
    return Scenario(
        name=name,
        inputs=Inputs(customer_id="acme", period=JANUARY, usage=usage),
        expected=Expected(total=Decimal(total)),
    )


def test_t26_scenarios_live_and_their_runs_stay(tenant: Tenant) -> None:
    # 1,000 × 0.01 = 10; 2,000 × 0.01 = 20, not 21.
    right = simulations.create(tenant.call(), scenario("right", 1000, "10"))
    wrong = simulations.create(tenant.call(), scenario("wrong", 2000, "21"))
    first = simulations.run_stored(tenant.call(), right.id, strict=False, name="first")
    assert first.status == "passed"
    assert simulations.get_run(tenant.call(), first.id) == first

    tenant.clock.advance(minutes=1)
    batch, runs = simulations.run_batch(
        tenant.call(), [right.id, wrong.id], name="both", description="", strict=False
    )
    assert [run.status for run in runs] == ["passed", "different"]
    assert simulations.get_batch(tenant.call(), batch.id) == (batch, runs)
    listed = simulations.all_runs(tenant.call(), lambda run: True)
    assert {run.id for run in listed[:2]} == {run.id for run in runs}
    assert listed[2:] == [first]

    changed = simulations.update(tenant.call(), right.id, scenario("right", 3000, "30"))
    assert simulations.get(tenant.call(), right.id) == changed
    simulations.delete(tenant.call(), right.id)
    kept = simulations.scenarios(tenant.call(), lambda stored: stored.is_active)
    assert kept == [wrong]
    with pytest.raises(NotFound):
        simulations.run_stored(tenant.call(), right.id, strict=False, name="late")
    # What was run is as it was.
    assert simulations.get_run(tenant.call(), first.id) == first
