"""Products: what prices are for."""

from typing import Final

from pydantic import Field

from mock_stripe.errors import InvalidRequest
from mock_stripe.resources.events import emit, updating
from mock_stripe.wire import lists
from mock_stripe.wire.parameters import (
    Boolean,
    Created,
    ListParameters,
    Metadata,
    Nested,
    Parameters,
    Text,
    merged_metadata,
)
from mock_stripe.wire.rendering import references
from mock_stripe.wire.routes import endpoint
from mock_stripe.world.world import Object, World

references("product", {"default_price": "price"})

_PLAIN: Final = ("description", "statement_descriptor", "tax_code", "unit_label", "url")


class _Product(Parameters):
    active: Boolean | None = None
    description: Text = None
    images: list[str] | None = None
    metadata: Metadata = {}
    shippable: Boolean | None = None
    statement_descriptor: Text = None
    tax_code: Text = None
    unit_label: Text = None
    url: Text = None


class CreateProduct(_Product):
    name: str = Field(min_length=1)
    id: str | None = Field(None, min_length=1)
    type: str | None = None


class UpdateProduct(_Product):
    name: str | None = Field(None, min_length=1)
    default_price: str | None = None


class ProductData(Nested):
    """A product made together with its price."""

    name: str = Field(min_length=1)
    active: Boolean = True
    id: str | None = None
    metadata: Metadata = {}
    statement_descriptor: Text = None
    tax_code: Text = None
    unit_label: Text = None


class ListProducts(ListParameters):
    active: Boolean | None = None
    created: Created = None
    ids: list[str] | None = None


@endpoint("POST", "/v1/products", CreateProduct)
def create(world: World, params: CreateProduct) -> Object:
    """Makes a product, under an id of the caller's own if one is given."""
    product = new(world, params.name, params.id)
    _fill(product, params)
    emit(world, "product.created", product)
    return product


@endpoint("POST", "/v1/products/{product}", UpdateProduct)
def update(world: World, params: UpdateProduct, product: str) -> Object:
    """Changes a product."""
    thing = world.get(product, "product")
    with updating(world, thing, "product.updated"):
        if params.name is not None:
            thing["name"] = params.name
        if params.default_price is not None:
            world.get(params.default_price, "price", param="default_price")
            thing["default_price"] = params.default_price
        _fill(thing, params)
        thing["updated"] = world.now
    return thing


@endpoint("GET", "/v1/products", ListProducts)
def list_all(world: World, params: ListProducts) -> Object:
    """Lists products."""

    def keep(thing: Object) -> bool:
        return lists.fits(params, thing, "active") and (
            params.ids is None or thing["id"] in params.ids
        )

    return lists.of_kind(world, "product", "/v1/products", params, keep)


@endpoint("GET", "/v1/products/{product}", Parameters)
def get(world: World, params: Parameters, product: str) -> Object:
    """Returns a product."""
    return world.get(product, "product")


@endpoint("DELETE", "/v1/products/{product}", Parameters)
def delete(world: World, params: Parameters, product: str) -> Object:
    """Removes a product that has no prices."""
    thing = world.get(product, "product")
    if world.of(product, "price"):
        raise InvalidRequest(
            "This product cannot be deleted because it has one or more user-created prices."
        )
    emit(world, "product.deleted", thing)
    world.delete(thing)
    return {"id": product, "object": "product", "deleted": True}


def new(world: World, name: str, object_id: str | None) -> Object:
    """Adds a product.

    Raises:
        InvalidRequest: the id is taken.
    """
    if object_id is not None and world.find(object_id, "product") is not None:
        raise InvalidRequest("Product already exists.", code="resource_already_exists", param="id")
    return world.create(
        "product",
        {
            "active": True,
            "created": world.now,
            "default_price": None,
            "description": None,
            "images": [],
            "livemode": False,
            "marketing_features": [],
            "metadata": {},
            "name": name,
            "package_dimensions": None,
            "shippable": None,
            "statement_descriptor": None,
            "tax_code": None,
            "type": "service",
            "unit_label": None,
            "updated": world.now,
            "url": None,
        },
        object_id=object_id,
    )


def _fill(thing: Object, params: _Product) -> None:
    for name in _PLAIN:
        if params.sent(name):
            thing[name] = getattr(params, name)
    for name in ("active", "images", "shippable"):
        if getattr(params, name) is not None:
            thing[name] = getattr(params, name)
    if params.sent("metadata"):
        thing["metadata"] = merged_metadata(thing["metadata"], params.metadata)
