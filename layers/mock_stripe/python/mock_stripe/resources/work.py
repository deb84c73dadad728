"""Work that is due: done in time order when its clock has come that far."""

import json
from collections.abc import Callable
from typing import Final

from backbeat.ports.store import Delete, Item, Query
from mock_stripe.ports import Ports
from mock_stripe.world import keys, outbox
from mock_stripe.world.world import Changed, Object, World

Action = Callable[[World, Object], None]

_actions: Final[dict[str, tuple[str, Action]]] = {}


def action(name: str, kind: str) -> Callable[[Action], Action]:
    """Registers what is done, under a name, to objects of a kind that are still there."""

    def register(function: Action) -> Action:
        _actions[name] = (kind, function)
        return function

    return register


def catch_up(ports: Ports, tenant: str) -> None:
    """Does what is due on the process clock."""
    world = ports.world(tenant)
    while (item := first_due(world, "", world.now)) is not None:
        do(ports, tenant, item, clock="")


def first_due(world: World, clock: str, until: int) -> Item | None:
    """Returns the earliest work of a clock that is due at or before an instant, or None."""
    query = Query(keys.due_on(world.tenant, clock), high=keys.due_before(until), limit=1)
    found = world.store.query(query).items
    return found[0] if found else None


def do(ports: Ports, tenant: str, item: Item, *, clock: str) -> None:
    """Does one piece of work in one transaction, at the instant that it was due at.

    Another process may be at it, too: only one of them commits.
    """
    told = json.loads(item.doc)
    world = ports.world(tenant)
    # On the process clock, too, a thing happens when it was due, not when somebody looked.
    world.clock, world.clock_now = clock, told["at"]
    if not clock:
        world.now = min(world.now, told["at"])
    world.begin()
    if world.store.get(item.key) is None:
        return
    kind, function = _actions[told["action"]]
    thing = world.find(told["id"], kind)
    if thing is not None:
        function(world, thing)
    if clock:
        world.get(clock, "test_helpers.test_clock")["frozen_time"] = told["at"]
    world.write(Delete(item.key))
    try:
        world.commit()
    except Changed:
        # It is still due; whoever looks next does it.
        return
    outbox.send(ports, tenant)
