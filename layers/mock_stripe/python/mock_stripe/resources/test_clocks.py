"""Test clocks: customers on them live in a time that only moves when it is advanced."""

from typing import Final

from mock_stripe.errors import InvalidRequest
from mock_stripe.ports import Ports
from mock_stripe.resources import work
from mock_stripe.resources.calendar import add_interval, add_months
from mock_stripe.resources.events import emit, updating
from mock_stripe.wire import lists
from mock_stripe.wire.parameters import ListParameters, Parameters
from mock_stripe.wire.routes import endpoint
from mock_stripe.world import outbox
from mock_stripe.world.outbox import queue_after_commit
from mock_stripe.world.world import Changed, Object, World

KIND: Final = "test_helpers.test_clock"
_KEPT_SECONDS: Final = 30 * 86_400
_MONTHS_WITHOUT_SUBSCRIPTIONS: Final = 24


class CreateTestClock(Parameters):
    customer: str | None = None
    frozen_time: int
    name: str | None = None


class AdvanceTestClock(Parameters):
    frozen_time: int


@endpoint("POST", "/v1/test_helpers/test_clocks", CreateTestClock)
def create(world: World, params: CreateTestClock) -> Object:
    """Makes a clock that stands still at an instant, past or future."""
    thing = world.create(
        KIND,
        {
            "created": world.now,
            "deletes_after": world.now + _KEPT_SECONDS,
            "frozen_time": params.frozen_time,
            "livemode": False,
            "name": params.name,
            "status": "ready",
            "status_details": {},
            "_unseen": None,
        },
    )
    emit(world, "test_helpers.test_clock.created", thing)
    if params.customer is not None:
        _join(world, params.customer, thing)
    return thing


def _join(world: World, customer: str, clock: Object) -> None:
    """Puts a customer that is there already on a clock, for good."""
    from mock_stripe.resources import customers

    thing = customers.existing(world, customer, param="customer")
    if thing["test_clock"] is not None:
        raise InvalidRequest("The customer is on a test clock already.", param="customer")
    if world.of(customer, "subscription") or world.of(customer, "invoice"):
        raise InvalidRequest(
            "This double puts customers on a clock before they have subscriptions and invoices.",
            param="customer",
        )
    with updating(world, thing, "customer.updated"):
        thing["test_clock"] = clock["id"]


@endpoint("GET", "/v1/test_helpers/test_clocks/{test_clock}", Parameters)
def get(world: World, params: Parameters, test_clock: str) -> Object:
    """Returns a clock. After an advance the first reader sees it advancing, as with Stripe."""
    thing = world.get(test_clock, KIND)
    if not thing["_unseen"]:
        return thing
    seen = {**thing, "status": "advancing", "status_details": thing["_unseen"]}
    thing["_unseen"] = None
    return seen


@endpoint("GET", "/v1/test_helpers/test_clocks", ListParameters)
def list_all(world: World, params: ListParameters) -> Object:
    """Lists clocks."""
    return lists.of_kind(world, KIND, "/v1/test_helpers/test_clocks", params)


@endpoint("POST", "/v1/test_helpers/test_clocks/{test_clock}/advance", AdvanceTestClock)
def advance(world: World, params: AdvanceTestClock, test_clock: str) -> Object:
    """Begins to move a clock forward; it is ready again when all work on the way is done."""
    thing = world.get(test_clock, KIND)
    if thing["status"] != "ready":
        raise InvalidRequest(
            f"The test clock is {thing['status']}; it can only be advanced when it is ready.",
            param="frozen_time",
        )
    if params.frozen_time <= thing["frozen_time"]:
        raise InvalidRequest(
            "A test clock can only be advanced forward in time.", param="frozen_time"
        )
    furthest = _furthest(world, thing)
    if params.frozen_time > furthest:
        raise InvalidRequest(
            "A test clock can be advanced by at most two intervals of the shortest subscription"
            f" on it, here until {furthest}.",
            param="frozen_time",
        )
    thing["status"] = "advancing"
    thing["status_details"] = {"advancing": {"target_frozen_time": params.frozen_time}}
    # However soon the work is done, whoever polls sees the clock advancing once.
    thing["_unseen"] = dict(thing["status_details"])
    emit(world, "test_helpers.test_clock.advancing", thing)
    queue_after_commit(world, test_clock, [{"advance": test_clock}])
    return thing


@endpoint("DELETE", "/v1/test_helpers/test_clocks/{test_clock}", Parameters)
def delete(world: World, params: Parameters, test_clock: str) -> Object:
    """Removes a clock with its customers; their subscriptions are canceled."""
    from mock_stripe.resources import customers

    thing = world.get(test_clock, KIND)
    for customer in customers.on_clock(world, test_clock):
        customers.remove(world, customer)
    emit(world, "test_helpers.test_clock.deleted", thing)
    world.delete(thing)
    return {"id": test_clock, "object": KIND, "deleted": True}


def _furthest(world: World, thing: Object) -> int:
    from mock_stripe.resources import customers

    intervals = [
        subscription["_interval"]
        for customer in customers.on_clock(world, thing["id"])
        for subscription in world.of(customer["id"], "subscription")
        if subscription["status"] not in ("canceled", "incomplete_expired")
    ]
    now = int(thing["frozen_time"])
    if not intervals:
        return add_months(now, _MONTHS_WITHOUT_SUBSCRIPTIONS)
    return min(_after_two(now, interval) for interval in intervals)


def _after_two(now: int, interval: Object) -> int:
    return add_interval(now, interval["interval"], 2 * interval["interval_count"])


def run(ports: Ports, tenant: str, clock: str) -> None:
    """Does all work on the way to the target in time order, then makes the clock ready."""
    while True:
        world = ports.world(tenant)
        thing = world.find(clock, KIND)
        if thing is None or thing["status"] != "advancing":
            return
        target = thing["status_details"]["advancing"]["target_frozen_time"]
        item = work.first_due(world, clock, target)
        if item is not None:
            work.do(ports, tenant, item, clock=clock)
            continue
        world = ports.world(tenant)
        world.begin()
        thing = world.get(clock, KIND)
        thing["frozen_time"], thing["status"], thing["status_details"] = target, "ready", {}
        emit(world, "test_helpers.test_clock.ready", thing)
        try:
            outbox.commit(world)
        except Changed:
            continue
        outbox.send(ports, world)
        return
