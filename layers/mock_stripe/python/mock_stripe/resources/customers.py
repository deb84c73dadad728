"""Customers: who pays, from which balance, by which method."""

from typing import Any, Final

from mock_stripe.errors import InvalidRequest
from mock_stripe.resources import payment_methods
from mock_stripe.resources.events import emit, updating
from mock_stripe.wire import lists
from mock_stripe.wire.parameters import (
    Amount,
    Created,
    ListParameters,
    Metadata,
    Nested,
    Parameters,
    Text,
    merged_metadata,
)
from mock_stripe.wire.rendering import extra, references
from mock_stripe.wire.routes import endpoint
from mock_stripe.world.ids import scrambled
from mock_stripe.world.world import Object, World

_MOST_ON_A_CLOCK: Final = 3

references(
    "customer",
    {
        "default_source": "payment_method",
        "invoice_settings.default_payment_method": "payment_method",
        "test_clock": "test_helpers.test_clock",
    },
)


class Address(Nested):
    city: Text = None
    country: Text = None
    line1: Text = None
    line2: Text = None
    postal_code: Text = None
    state: Text = None


class Shipping(Nested):
    address: Address
    name: str
    phone: Text = None


class CustomField(Nested):
    name: str
    value: str


class InvoiceSettings(Nested):
    custom_fields: list[CustomField] | None = None
    default_payment_method: Text = None
    footer: Text = None


class _Customer(Parameters):
    """What creating and updating have in common."""

    address: Address | None = None
    balance: Amount | None = None
    business_name: Text = None
    description: Text = None
    email: Text = None
    individual_name: Text = None
    invoice_prefix: str | None = None
    invoice_settings: InvoiceSettings | None = None
    metadata: Metadata = {}
    name: Text = None
    phone: Text = None
    preferred_locales: list[str] | None = None
    shipping: Shipping | None = None


class CreateCustomer(_Customer):
    payment_method: str | None = None
    test_clock: str | None = None


class UpdateCustomer(_Customer):
    pass


class ListCustomers(ListParameters):
    created: Created = None
    email: str | None = None
    test_clock: str | None = None


_PLAIN: Final = (
    "business_name",
    "description",
    "email",
    "individual_name",
    "name",
    "phone",
    "preferred_locales",
)
"""Fields that are taken as they are sent."""


@endpoint("POST", "/v1/customers", CreateCustomer)
def create(world: World, params: CreateCustomer) -> Object:
    """Makes a customer, on a test clock if one is named, with a payment method if one is given."""
    if params.test_clock:
        world.get(params.test_clock, "test_helpers.test_clock", param="test_clock")
        if len(on_clock(world, params.test_clock)) >= _MOST_ON_A_CLOCK:
            raise InvalidRequest(
                f"A test clock can have at most {_MOST_ON_A_CLOCK} customers.", param="test_clock"
            )
    object_id = world.new_id("customer")
    customer = world.create(
        "customer",
        {
            "address": None,
            "balance": 0,
            "created": world.now_on(params.test_clock),
            "currency": None,
            "customer_account": None,
            "default_source": None,
            "delinquent": False,
            "description": None,
            "discount": None,
            "email": None,
            "invoice_prefix": params.invoice_prefix or scrambled(object_id, 8).upper(),
            "invoice_settings": {
                "custom_fields": None,
                "default_payment_method": None,
                "footer": None,
                "rendering_options": None,
            },
            "livemode": False,
            "metadata": {},
            "name": None,
            "next_invoice_sequence": 1,
            "phone": None,
            "preferred_locales": [],
            "shipping": None,
            "tax_exempt": "none",
            "test_clock": params.test_clock,
        },
        object_id=object_id,
    )
    _fill(world, customer, params)
    emit(world, "customer.created", customer)
    if params.payment_method:
        payment_methods.attach_to(world, params.payment_method, customer)
    _set_default_method(world, customer, params)
    return customer


@endpoint("POST", "/v1/customers/{customer}", UpdateCustomer)
def update(world: World, params: UpdateCustomer, customer: str) -> Object:
    """Changes a customer."""
    thing = existing(world, customer)
    with updating(world, thing, "customer.updated"):
        _fill(world, thing, params)
        _set_default_method(world, thing, params)
    return thing


@endpoint("GET", "/v1/customers", ListCustomers)
def list_all(world: World, params: ListCustomers) -> Object:
    """Lists customers; those on a test clock only when the clock is named."""

    def keep(thing: Object) -> bool:
        return (
            not thing.get("deleted")
            and thing.get("test_clock") == params.test_clock
            and params.email in (None, thing["email"])
            and (params.created is None or params.created.holds(thing["created"]))
        )

    return lists.of_kind(world, "customer", "/v1/customers", params, keep)


@endpoint("GET", "/v1/customers/{customer}", Parameters)
def get(world: World, params: Parameters, customer: str) -> Object:
    """Returns a customer; of a deleted one, that it is."""
    return world.get(customer, "customer")


@endpoint("DELETE", "/v1/customers/{customer}", Parameters)
def delete(world: World, params: Parameters, customer: str) -> Object:
    """Deletes a customer and cancels its subscriptions at once."""
    thing = existing(world, customer)
    remove(world, thing)
    return {"id": customer, "object": "customer", "deleted": True}


def existing(world: World, customer: str, *, param: str = "id") -> Object:
    """Returns a customer that was not deleted.

    Raises:
        ResourceMissing: there is none with this id.
    """
    thing = world.get(customer, "customer", param=param)
    if thing.get("deleted"):
        raise InvalidRequest(
            f"No such customer: '{customer}'; it was deleted",
            code="resource_missing",
            param=param,
        )
    return thing


def on_clock(world: World, clock: str) -> list[Object]:
    """Returns the customers of a test clock."""
    return [
        thing
        for thing in world.all("customer")
        if thing.get("test_clock") == clock and not thing.get("deleted")
    ]


def remove(world: World, thing: Object) -> None:
    """Turns a customer into the stub that says that it was deleted."""
    from mock_stripe.resources import cycles

    for subscription in world.of(thing["id"], "subscription"):
        cycles.close(world, subscription, invoice_now=False, prorate=False)
    for method in world.of(thing["id"], "payment_method"):
        payment_methods.detach_from(world, method)
    emit(world, "customer.deleted", thing)
    object_id = thing["id"]
    thing.clear()
    thing.update({"id": object_id, "object": "customer", "deleted": True})


def _fill(world: World, thing: Object, params: _Customer) -> None:
    for name in _PLAIN:
        if params.sent(name):
            thing[name] = getattr(params, name)
    for name in ("address", "shipping"):
        if params.sent(name):
            part: Nested | None = getattr(params, name)
            thing[name] = None if part is None else part.model_dump()
    if params.sent("metadata"):
        thing["metadata"] = merged_metadata(thing["metadata"], params.metadata)
    if params.invoice_prefix:
        thing["invoice_prefix"] = params.invoice_prefix
    if params.balance is not None:
        thing["balance"] = params.balance
    if params.invoice_settings is not None:
        settings: dict[str, Any] = params.invoice_settings.model_dump(
            exclude_unset=True, exclude={"default_payment_method"}
        )
        thing["invoice_settings"].update(settings)


def _set_default_method(world: World, thing: Object, params: _Customer) -> None:
    settings = params.invoice_settings
    if settings is None or not settings.sent("default_payment_method"):
        return
    method = settings.default_payment_method
    if method is not None:
        param = "invoice_settings[default_payment_method]"
        found = world.get(method, "payment_method", param=param)
        if found["customer"] != thing["id"]:
            raise InvalidRequest(
                f"The customer does not have a payment method with the ID {method}. The payment"
                " method must be attached to the customer.",
                code="resource_missing",
                param=param,
            )
    thing["invoice_settings"]["default_payment_method"] = method


@extra("customer", "subscriptions")
def _subscriptions(world: World, thing: Object) -> Object:
    return lists.of_some(
        world,
        reversed([one for one in world.of(thing["id"], "subscription") if not one.get("ended_at")]),
        f"/v1/customers/{thing['id']}/subscriptions",
        ListParameters(),
    )
