"""Event destinations of API v2: where thin events go. The secret is shown at creation only."""

from typing import Final, Literal

from pydantic import Field

from mock_stripe.resources.thin_events import DESTINATION, rfc3339
from mock_stripe.wire.parameters import Metadata, Nested, Parameters, merged_metadata
from mock_stripe.wire.rendering import shown
from mock_stripe.wire.routes import endpoint
from mock_stripe.world.ids import scrambled
from mock_stripe.world.world import Object, World

_URL: Final = "webhook_endpoint.url"
_SECRET: Final = "webhook_endpoint.signing_secret"  # noqa: S105 - a field's name

_Include = list[Literal["webhook_endpoint.signing_secret", "webhook_endpoint.url"]]


class _Webhook(Nested):
    url: str = Field(min_length=1, pattern=r"^https?://")


class CreateDestination(Parameters):
    """Where to send thin events. The double sends none to buses of other clouds."""

    name: str = Field(min_length=1)
    type: Literal["webhook_endpoint"]
    event_payload: Literal["thin"]
    enabled_events: list[str] = Field(min_length=1)
    webhook_endpoint: _Webhook
    description: str = ""
    events_from: list[str] = ["@self"]
    include: _Include = []
    metadata: Metadata = {}


class ListDestinations(Parameters):
    """A page, newest first. The double shows all at once."""

    include: _Include = []
    limit: int = Field(20, ge=1, le=100)


class GetDestination(Parameters):
    """What to show beside."""

    include: _Include = []


@endpoint("POST", "/v2/core/event_destinations", CreateDestination)
def create(world: World, params: CreateDestination) -> Object:
    """Sends thin events somewhere from now on."""
    object_id = world.new_id(DESTINATION)
    made = world.create(
        DESTINATION,
        {
            "created": rfc3339(world.now),
            "description": params.description,
            "enabled_events": params.enabled_events,
            "event_payload": params.event_payload,
            "events_from": params.events_from,
            "livemode": False,
            "metadata": merged_metadata({}, params.metadata),
            "name": params.name,
            "snapshot_api_version": None,
            "status": "enabled",
            "status_details": None,
            "type": params.type,
            "updated": rfc3339(world.now),
            "webhook_endpoint": {"signing_secret": None, "url": None},
            "_secret": f"whsec_{scrambled(f'{world.tenant}#{object_id}', 32)}",
            "_url": params.webhook_endpoint.url,
        },
        object_id=object_id,
    )
    return _with(shown(world, made), made, params.include, tells_secret=True)


@endpoint("GET", "/v2/core/event_destinations", ListDestinations)
def list_all(world: World, params: ListDestinations) -> Object:
    """Lists destinations."""
    found = list(world.newest_first(DESTINATION, below=None))
    data = [_with(shown(world, one), one, params.include) for one in found]
    return {"data": data, "next_page_url": None, "previous_page_url": None}


@endpoint("GET", "/v2/core/event_destinations/{destination}", GetDestination)
def get(world: World, params: GetDestination, destination: str) -> Object:
    """Returns a destination."""
    thing = world.get(destination, DESTINATION)
    return _with(shown(world, thing), thing, params.include)


@endpoint("DELETE", "/v2/core/event_destinations/{destination}", Parameters)
def delete(world: World, params: Parameters, destination: str) -> Object:
    """Sends nothing more there."""
    world.delete(world.get(destination, DESTINATION))
    return {"id": destination, "object": DESTINATION}


def _with(view: Object, thing: Object, include: _Include, *, tells_secret: bool = False) -> Object:
    """Adds what is only shown to who asks for it; the secret, only to who creates it."""
    if _URL in include:
        view["webhook_endpoint"]["url"] = thing["_url"]
    if _SECRET in include and tells_secret:
        view["webhook_endpoint"]["signing_secret"] = thing["_secret"]
    return view
