"""Sandboxes: a token's own world, and starting it afresh."""

from dataclasses import replace
from functools import partial

import pytest

from backbeat.application import (
    billing,
    customers,
    sandbox_clock,
    sandboxes,
    targets,
    usage,
    webhook_secrets,
)
from backbeat.models.errors import NotFound
from tests.unit.application.conftest import NOON, World, make_world
from tests.unit.builders import event, metric, utc


def owned(world: World, owner: str = "sandbox") -> World:
    """Returns the world as the owner's next request finds it."""
    call = sandboxes.call_of(world.services, owner)
    return World(world.services, world.clock, world.targets, call.tenant)


def test_a_reset_leaves_an_empty_world_on_real_time(world: World) -> None:
    acme = world.customer("acme")
    world.metric(metric())
    world.ingest(event(id_="t1", at="2025-06-15T10:00"))
    targets.add(world.call(), "http://hook.test")
    webhook_secrets.replace(world.call(), "whsec")
    sandbox_clock.move(world.call(), utc("2026-01-01"))

    sandboxes.reset(sandboxes.call_of(world.services, "sandbox"))
    fresh = owned(world)
    assert fresh.call().now == NOON
    with pytest.raises(NotFound):
        customers.get(fresh.call(), acme.id)
    assert usage.search(fresh.call(), ["t1"]) == []
    assert targets.of_tenant(fresh.call()) == []
    # The alias and the transaction id are free again.
    again = fresh.customer("acme")
    counted = fresh.metric(metric())
    fresh.ingest(event(id_="t1", at="2025-06-15T10:00"))
    assert fresh.counted(again, counted) == 1


def test_metrics_of_a_world_left_behind_count_nothing(world: World) -> None:
    world.metric(metric("SUM", "old", id_="old"))
    world.ingest(event({"old": 1}, at="2025-06-15T10:00"))
    sandboxes.reset(sandboxes.call_of(world.services, "sandbox"))
    fresh = owned(world)
    acme = fresh.customer("acme")
    new = fresh.metric(metric("SUM", "new", id_="new"))
    fresh.ingest(event({"old": 1, "new": 5}, at="2025-06-15T10:00"))
    assert fresh.counted(acme, new) == 5


@pytest.mark.parametrize("deletes", [True, False])
def test_work_of_a_world_left_behind_is_void(world: World, deletes: bool) -> None:
    if not deletes:
        # Some stores cannot find what is one tenant's.
        services = replace(world.services, forget=lambda tenant: None)
        world = replace(world, services=services)
    world.clock.at = utc("2025-01-20")
    world.contract(world.customer(), "2025-01-01")
    targets.add(world.call(), "http://hook.test")
    sandboxes.reset(sandboxes.call_of(world.services, "sandbox"))
    world.clock.at = utc("2025-02-02")
    ticked = billing.tick(world.services, partial(sandboxes.call_for, world.services))
    assert ticked == billing.Ticked(jobs=0, failed=0)
    assert sandboxes.is_abandoned(world.services, "sandbox")
    assert not sandboxes.is_abandoned(world.services, owned(world).tenant)


def test_every_reset_makes_a_world_that_was_never_there(world: World) -> None:
    tenants = [owned(world).tenant]
    for _ in range(3):
        sandboxes.reset(sandboxes.call_of(world.services, "sandbox"))
        tenants.append(owned(world).tenant)
    assert len({*tenants}) == 4
    assert all(sandboxes.is_abandoned(world.services, tenant) for tenant in tenants[:-1])


def test_a_reset_touches_nobody_else(world: World) -> None:
    # Names that begin alike are no relatives.
    others = [owned(world, owner) for owner in ("sandbox2", "sandbox-x", "san")]
    acme = [other.customer("acme") for other in others]
    sandboxes.reset(sandboxes.call_of(world.services, "sandbox"))
    for other, customer in zip(others, acme, strict=True):
        assert customers.get(other.call(), customer.id) == customer


def test_without_sandboxes_a_tenant_is_its_owner() -> None:
    production = make_world(BACKBEAT_SANDBOX="off")
    call = sandboxes.call_of(production.services, "owner")
    assert (call.tenant, call.now) == ("owner", NOON)
    assert not sandboxes.is_abandoned(production.services, "owner")
