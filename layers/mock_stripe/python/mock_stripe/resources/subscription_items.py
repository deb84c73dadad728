"""Subscription items by themselves: each change of one is a change of its subscription."""

from typing import Literal

from pydantic import Field

from mock_stripe.resources import cycles, subscriptions
from mock_stripe.resources.subscription_parameters import ChangedItem, PriceData, UpdateSubscription
from mock_stripe.wire import lists
from mock_stripe.wire.parameters import Boolean, ListParameters, Metadata, Parameters
from mock_stripe.wire.routes import endpoint
from mock_stripe.world.world import Object, World

KIND = "subscription_item"

Behavior = Literal[
    "allow_incomplete", "default_incomplete", "error_if_incomplete", "pending_if_incomplete"
]
Proration = Literal["always_invoice", "create_prorations", "none"]


class _Change(Parameters):
    metadata: Metadata = {}
    payment_behavior: Behavior = "allow_incomplete"
    price: str | None = None
    price_data: PriceData | None = None
    proration_behavior: Proration = "create_prorations"
    proration_date: int | None = None
    quantity: int | None = Field(None, ge=0)


class CreateItem(_Change):
    subscription: str


class UpdateItem(_Change):
    off_session: Boolean = False


class DeleteItem(Parameters):
    clear_usage: Boolean = False
    payment_behavior: Behavior = "allow_incomplete"
    proration_behavior: Proration = "create_prorations"
    proration_date: int | None = None


class ListItems(ListParameters):
    subscription: str


_OF_ITEM = {"metadata", "price", "price_data", "quantity"}


@endpoint("POST", "/v1/subscription_items", CreateItem)
def create(world: World, params: CreateItem) -> Object:
    """Adds an item to a subscription."""
    subscription = world.get(params.subscription, "subscription", param="subscription")
    before = {item["id"] for item in cycles.items_of(world, subscription)}
    _change(world, subscription, params, {})
    [made] = [one for one in cycles.items_of(world, subscription) if one["id"] not in before]
    return made


@endpoint("POST", "/v1/subscription_items/{item}", UpdateItem)
def update(world: World, params: UpdateItem, item: str) -> Object:
    """Changes an item's price or quantity."""
    thing = world.get(item, KIND)
    subscription = world.get(thing["subscription"], "subscription")
    _change(world, subscription, params, {"id": item})
    return thing


@endpoint("GET", "/v1/subscription_items", ListItems)
def list_all(world: World, params: ListItems) -> Object:
    """Lists a subscription's items."""
    subscription = world.get(params.subscription, "subscription", param="subscription")
    items = cycles.items_of(world, subscription)
    return lists.of_some(world, items, "/v1/subscription_items", params)


@endpoint("GET", "/v1/subscription_items/{item}", Parameters)
def get(world: World, params: Parameters, item: str) -> Object:
    """Returns an item."""
    return world.get(item, KIND)


@endpoint("DELETE", "/v1/subscription_items/{item}", DeleteItem)
def delete(world: World, params: DeleteItem, item: str) -> Object:
    """Removes an item."""
    thing = world.get(item, KIND)
    change = ChangedItem(id=item, deleted=True, clear_usage=params.clear_usage)
    wanted = UpdateSubscription(
        items=[change],
        payment_behavior=params.payment_behavior,
        proration_behavior=params.proration_behavior,
        proration_date=params.proration_date,
    )
    subscriptions.update(world, wanted, thing["subscription"])
    return {"id": item, "object": KIND, "deleted": True}


def _change(world: World, subscription: Object, params: _Change, which: dict[str, str]) -> None:
    sent = params.model_fields_set & _OF_ITEM
    change = ChangedItem.model_validate({**{name: getattr(params, name) for name in sent}, **which})
    wanted = UpdateSubscription(
        items=[change],
        payment_behavior=params.payment_behavior,
        proration_behavior=params.proration_behavior,
        proration_date=params.proration_date,
    )
    subscriptions.update(world, wanted, subscription["id"])
