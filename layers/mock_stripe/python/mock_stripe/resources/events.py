"""Events: what happened to an object, kept for whoever asks and sent to whoever subscribed."""

from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from typing import Final

from mock_stripe.wire import lists
from mock_stripe.wire.parameters import Boolean, Created, ListParameters, Parameters
from mock_stripe.wire.rendering import shown
from mock_stripe.wire.routes import endpoint
from mock_stripe.world.outbox import queue_after_commit
from mock_stripe.world.world import Object, World

API_VERSION: Final = "2026-10-28.endive"

_LISTED_SECONDS: Final = 30 * 86_400


def emit(world: World, kind: str, thing: Object, previous: Object | None = None) -> Object:
    """Records that something happened to an object, as it is at this moment.

    `previous` holds the former values of what changed, for `*.updated`.
    """
    data: Object = {"object": shown(world, thing)}
    if previous is not None:
        data["previous_attributes"] = previous
    customer = thing["id"] if thing["object"] == "customer" else thing.get("customer")
    subscribed = subscribers(world, {"*", kind})
    event = world.create(
        "event",
        {
            "api_version": API_VERSION,
            "created": world.now_on(_clock_of(world, thing, customer)),
            "data": data,
            "livemode": False,
            "pending_webhooks": len(subscribed),
            "request": {"id": world.request_id or None, "idempotency_key": world.idempotency_key},
            "type": kind,
            "_to": subscribed,
        },
    )
    send_to(world, event["id"], subscribed)
    return event


def subscribers(world: World, kinds: Set[str]) -> list[str]:
    """Returns the endpoints that want one of these types of events."""
    return [
        one["id"]
        for one in world.all("webhook_endpoint")
        if one["status"] == "enabled" and kinds & set(one["enabled_events"])
    ]


def send_to(world: World, event_id: str, endpoints: Sequence[str]) -> None:
    """Notes an event's deliveries in the same transaction: whatever dies after it, it is sent."""
    if endpoints:
        later = {"delay": delay} if (delay := world.settings.get("webhook_delay_seconds")) else {}
        messages = [{"event": event_id, "to": one, **later} for one in endpoints]
        queue_after_commit(world, event_id, messages)


@contextmanager
def updating(world: World, thing: Object, kind: str) -> Iterator[None]:
    """Emits an event after the block if it changed what the object shows."""
    before = shown(world, thing)
    yield
    after = shown(world, thing)
    previous = _difference(before, after)
    if previous:
        emit(world, kind, thing, previous)


def _difference(before: Object, after: Object) -> Object:
    """Returns the former values of what changed; parts of a nested object are told one by one."""
    changed: Object = {}
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        nested = isinstance(old, dict) and isinstance(new, dict) and old.get("object") != "list"
        changed[name] = _difference(old, new) if nested and old and new else old
    return changed


def _clock_of(world: World, thing: Object, customer: str | None) -> str | None:
    if thing["object"] == "test_helpers.test_clock":
        return None
    if thing["object"] == "customer":
        return thing.get("test_clock")
    found = world.find(customer, "customer") if customer else None
    return None if found is None else found.get("test_clock")


class ListEvents(ListParameters):
    """A page of events of the last 30 days."""

    created: Created = None
    delivery_success: Boolean | None = None
    type: str | None = None
    types: list[str] = []


@endpoint("GET", "/v1/events", ListEvents)
def list_events(world: World, params: ListEvents) -> Object:
    """Lists events by type, time and success of delivery."""
    patterns = [*params.types, *([params.type] if params.type else [])]

    def keep(event: Object) -> bool:
        return (
            event["created"] > world.now - _LISTED_SECONDS
            and (not patterns or any(_fits(event["type"], one) for one in patterns))
            and (params.created is None or params.created.holds(event["created"]))
            and params.delivery_success in (None, event["pending_webhooks"] == 0)
        )

    return lists.of_kind(world, "event", "/v1/events", params, keep)


@endpoint("GET", "/v1/events/{event}", Parameters)
def get_event(world: World, params: Parameters, event: str) -> Object:
    """Returns an event."""
    return world.get(event, "event")


def _fits(kind: str, pattern: str) -> bool:
    """Tells whether a type fits `customer.created` or `customer.*`."""
    return kind == pattern or (pattern.endswith("*") and kind.startswith(pattern[:-1]))
