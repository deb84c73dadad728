"""Work that is due: done in time order when its clock has come that far."""

import json
import logging
from collections.abc import Callable
from typing import Final

from backbeat.persistence.entities import walk
from backbeat.ports.store import Item, Put, Query
from mock_stripe.errors import StripeError
from mock_stripe.ports import Ports
from mock_stripe.resources.events import emit
from mock_stripe.world import keys, outbox
from mock_stripe.world.world import Changed, Object, World

Action = Callable[[World, Object], None]

_CLOCK: Final = "test_helpers.test_clock"

_REFUSALS: Final = (
    StripeError,
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)
"""What work itself raises. Whatever else there is comes from the store, and is worth a retry."""

_log = logging.getLogger("backbeat.mock_stripe")

_actions: Final[dict[str, tuple[str, Action]]] = {}


def action(name: str, kind: str) -> Callable[[Action], Action]:
    """Registers what is done, under a name, to objects of a kind that are still there."""

    def register(function: Action) -> Action:
        _actions[name] = (kind, function)
        return function

    return register


def catch_up(ports: Ports, tenant: str) -> None:
    """Does what is due on the process clock."""
    while (item := due_now(ports.world(tenant))) is not None:
        do(ports, tenant, item, clock="")


def due_now(world: World) -> Item | None:
    """Returns the earliest work that is due on the process clock, or None."""
    if world.due_at is None or world.due_at > world.now:
        return None
    item = first_due(world, "", world.now)
    if item is None:
        world.look_for_due()
    return item


def first_due(world: World, clock: str, until: int) -> Item | None:
    """Returns the earliest work of a clock that is due at or before an instant, or None."""
    query = Query(keys.due_on(world.tenant, clock), high=keys.due_before(until), limit=1)
    found = world.store.query(query).items
    return found[0] if found else None


def do(ports: Ports, tenant: str, item: Item, *, clock: str) -> None:
    """Does one piece of work in one transaction, at the instant that it was due at.

    Another process may be at it, too: only one of them commits. Work that cannot be done is put
    aside, so that it holds up nothing else: a test clock ends with it (§9).
    """
    try:
        _commit(ports, _done(ports, tenant, item, clock))
    except _REFUSALS as error:
        _log.exception("due work refused", extra={"key": item.key})
        _commit(ports, _put_aside(ports, tenant, item, clock, error))


def refused(world: World) -> list[Object]:
    """Returns the work that could not be done, oldest first: which, on what, when and why."""
    return [
        json.loads(item.doc) for item in walk(world.store, Query(keys.refused_in(world.tenant)))
    ]


def _done(ports: Ports, tenant: str, item: Item, clock: str) -> World:
    told = json.loads(item.doc)
    world = ports.world(tenant)
    # On the process clock, too, a thing happens when it was due, not when somebody looked.
    world.clock, world.clock_now = clock, told["at"]
    if not clock:
        world.now = min(world.now, told["at"])
    world.begin()
    if _is_gone(world, item, clock):
        return world
    kind, function = _actions[told["action"]]
    thing = world.find(told["id"], kind)
    if thing is not None:
        function(world, thing)
    if clock:
        world.get(clock, _CLOCK)["frozen_time"] = told["at"]
    world.unschedule(item)
    return world


def _put_aside(ports: Ports, tenant: str, item: Item, clock: str, error: Exception) -> World:
    told = json.loads(item.doc)
    world = ports.world(tenant)
    world.begin()
    if _is_gone(world, item, clock):
        return world
    reason = error.message if isinstance(error, StripeError) else f"{type(error).__name__}: {error}"
    note = {**told, "test_clock": clock or None, "reason": reason}
    place = keys.refused(tenant, told["at"], world.next_number())
    world.write(Put(Item(place, "StripeRefused", json.dumps(note).encode())))
    world.unschedule(item)
    if clock:
        thing = world.get(clock, _CLOCK)
        thing.update(frozen_time=told["at"], status="internal_failure", status_details={})
        emit(world, "test_helpers.test_clock.internal_failure", thing)
    return world


def _is_gone(world: World, item: Item, clock: str) -> bool:
    """Tells whether somebody else did the work meanwhile, or removed its clock."""
    missing = clock and world.find(clock, _CLOCK) is None
    return bool(missing) or world.store.get(item.key) is None


def _commit(ports: Ports, world: World) -> None:
    try:
        outbox.commit(world)
    except Changed:
        # It is still due; whoever looks next does it.
        return
    outbox.send(ports, world)
