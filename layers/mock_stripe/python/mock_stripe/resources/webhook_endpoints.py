"""Endpoints that events are sent to. The secret is shown at creation only."""

from typing import Final

from pydantic import Field

from mock_stripe.errors import InvalidRequest
from mock_stripe.resources.events import API_VERSION
from mock_stripe.wire import lists
from mock_stripe.wire.parameters import (
    Boolean,
    ListParameters,
    Metadata,
    Parameters,
    Text,
    merged_metadata,
)
from mock_stripe.wire.routes import endpoint
from mock_stripe.world.ids import scrambled
from mock_stripe.world.world import Object, World

_MOST: Final = 16


class CreateWebhookEndpoint(Parameters):
    enabled_events: list[str] = Field(min_length=1)
    url: str = Field(min_length=1, pattern=r"^https?://")
    api_version: str | None = None
    connect: Boolean = False
    description: Text = None
    metadata: Metadata = {}


class UpdateWebhookEndpoint(Parameters):
    enabled_events: list[str] | None = Field(None, min_length=1)
    url: str | None = Field(None, min_length=1, pattern=r"^https?://")
    description: Text = None
    disabled: Boolean = False
    metadata: Metadata = {}


@endpoint("POST", "/v1/webhook_endpoints", CreateWebhookEndpoint)
def create(world: World, params: CreateWebhookEndpoint) -> Object:
    """Subscribes a URL; the answer is the only one that holds the signing secret."""
    if len(world.all("webhook_endpoint")) >= _MOST:
        raise InvalidRequest(f"You have reached the maximum of {_MOST} webhook endpoints.")
    object_id = world.new_id("webhook_endpoint")
    secret = f"whsec_{scrambled(f'{world.tenant}#{object_id}', 32)}"
    made = world.create(
        "webhook_endpoint",
        {
            "api_version": params.api_version or API_VERSION,
            "application": None,
            "created": world.now,
            "description": params.description,
            "enabled_events": params.enabled_events,
            "livemode": False,
            "metadata": merged_metadata({}, params.metadata),
            "status": "enabled",
            "url": params.url,
            "_secret": secret,
        },
        object_id=object_id,
    )
    return {**made, "secret": secret}


@endpoint("POST", "/v1/webhook_endpoints/{webhook_endpoint}", UpdateWebhookEndpoint)
def update(world: World, params: UpdateWebhookEndpoint, webhook_endpoint: str) -> Object:
    """Changes what is sent where, or stops and restarts sending."""
    thing = world.get(webhook_endpoint, "webhook_endpoint")
    if params.enabled_events:
        thing["enabled_events"] = params.enabled_events
    if params.url:
        thing["url"] = params.url
    if params.sent("description"):
        thing["description"] = params.description
    if params.sent("disabled"):
        thing["status"] = "disabled" if params.disabled else "enabled"
    if params.sent("metadata"):
        thing["metadata"] = merged_metadata(thing["metadata"], params.metadata)
    return thing


@endpoint("GET", "/v1/webhook_endpoints", ListParameters)
def list_all(world: World, params: ListParameters) -> Object:
    """Lists endpoints."""
    return lists.of_kind(world, "webhook_endpoint", "/v1/webhook_endpoints", params)


@endpoint("GET", "/v1/webhook_endpoints/{webhook_endpoint}", Parameters)
def get(world: World, params: Parameters, webhook_endpoint: str) -> Object:
    """Returns an endpoint."""
    return world.get(webhook_endpoint, "webhook_endpoint")


@endpoint("DELETE", "/v1/webhook_endpoints/{webhook_endpoint}", Parameters)
def delete(world: World, params: Parameters, webhook_endpoint: str) -> Object:
    """Removes an endpoint; what is still to be sent to it is not sent."""
    world.delete(world.get(webhook_endpoint, "webhook_endpoint"))
    return {"id": webhook_endpoint, "object": "webhook_endpoint", "deleted": True}
