"""Thin events of API v2: they carry ids, and their data is fetched."""

from datetime import UTC, datetime
from typing import Final

from mock_stripe.resources.events import send_to, subscribers
from mock_stripe.wire.parameters import Parameters
from mock_stripe.wire.routes import endpoint
from mock_stripe.world.world import Object, World

KIND: Final = "v2.core.event"
DESTINATION: Final = "v2.core.event_destination"


def emit_thin(world: World, kind: str, related: Object | None, data: Object) -> Object:
    """Records a thin event, about a meter or none, and has it sent to whoever subscribed."""
    subscribed = [
        *subscribers(world, {kind}),
        *(one["id"] for one in world.all(DESTINATION) if kind in one["enabled_events"]),
    ]
    event = world.create(
        KIND,
        {
            "changes": None,
            "context": None,
            "created": rfc3339(world.now),
            "livemode": False,
            "reason": None,
            **({} if related is None else {"related_object": _reference(related)}),
            "type": kind,
            "_data": {
                **data,
                **{name: rfc3339(data[name]) for name in data if name.startswith("validation_")},
            },
            "_to": subscribed,
        },
    )
    send_to(world, event["id"], subscribed)
    return event


def _reference(meter: Object) -> Object:
    url = f"/v1/billing/meters/{meter['id']}"
    return {"id": meter["id"], "type": meter["object"], "url": url}


@endpoint("GET", "/v2/core/events/{event}", Parameters)
def get(world: World, params: Parameters, event: str) -> Object:
    """Returns a thin event with its data."""
    thing = world.get(event, KIND)
    return {**thing, "data": thing["_data"]}


def rfc3339(moment: int) -> str:
    """Returns Unix seconds as API v2 writes instants."""
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%S}.000Z"
