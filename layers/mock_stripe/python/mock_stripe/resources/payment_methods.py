"""Payment methods: test cards, attached to one customer at most and only once."""

from typing import Any, Final, Literal

from pydantic import Field

from mock_stripe.errors import CardDeclined, InvalidRequest, ResourceMissing
from mock_stripe.resources import test_cards
from mock_stripe.resources.events import emit, updating
from mock_stripe.resources.test_cards import CARDS, NUMBERS, Card
from mock_stripe.wire import lists
from mock_stripe.wire.parameters import (
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

_TOKEN: Final = "pm_card_"  # noqa: S105
_EXPIRY_YEAR: Final = 2034

references("payment_method", {"customer": "customer"})


class CardDetails(Nested):
    token: str | None = None
    number: str | None = None
    exp_month: int | None = Field(None, ge=1, le=12)
    exp_year: int | None = Field(None, ge=1000, le=9999)
    cvc: str | None = None


class BillingAddress(Nested):
    city: Text = None
    country: Text = None
    line1: Text = None
    line2: Text = None
    postal_code: Text = None
    state: Text = None


class BillingDetails(Nested):
    address: BillingAddress | None = None
    email: Text = None
    name: Text = None
    phone: Text = None


class CreatePaymentMethod(Parameters):
    type: Literal["card"]
    card: CardDetails
    billing_details: BillingDetails | None = None
    metadata: Metadata = {}


class UpdatePaymentMethod(Parameters):
    billing_details: BillingDetails | None = None
    metadata: Metadata = {}


class Attach(Parameters):
    customer: str


class ListOfCustomer(ListParameters):
    type: str | None = None


class ListPaymentMethods(ListOfCustomer):
    customer: str


@endpoint("POST", "/v1/payment_methods", CreatePaymentMethod)
def create(world: World, params: CreatePaymentMethod) -> Object:
    """Makes a card by its test token (`tok_visa`) or test number."""
    made = _make(world, _named(params.card), params.card)
    if params.billing_details is not None:
        _bill_to(made, params.billing_details)
    made["metadata"] = merged_metadata({}, params.metadata)
    return made


@endpoint("POST", "/v1/payment_methods/{payment_method}", UpdatePaymentMethod)
def update(world: World, params: UpdatePaymentMethod, payment_method: str) -> Object:
    """Changes whom a card bills to."""
    thing = world.get(payment_method, "payment_method")
    with updating(world, thing, "payment_method.updated"):
        if params.billing_details is not None:
            _bill_to(thing, params.billing_details)
        if params.sent("metadata"):
            thing["metadata"] = merged_metadata(thing["metadata"], params.metadata)
    return thing


@endpoint("GET", "/v1/payment_methods", ListPaymentMethods)
def list_all(world: World, params: ListPaymentMethods) -> Object:
    """Lists a customer's payment methods."""
    world.get(params.customer, "customer", param="customer")
    return _of_customer(world, params.customer, params, "/v1/payment_methods")


@endpoint("GET", "/v1/customers/{customer}/payment_methods", ListOfCustomer)
def list_of_customer(world: World, params: ListOfCustomer, customer: str) -> Object:
    """Lists a customer's payment methods."""
    world.get(customer, "customer")
    return _of_customer(world, customer, params, f"/v1/customers/{customer}/payment_methods")


@endpoint("GET", "/v1/payment_methods/{payment_method}", Parameters)
def get(world: World, params: Parameters, payment_method: str) -> Object:
    """Returns a payment method."""
    return world.get(payment_method, "payment_method")


@endpoint("GET", "/v1/customers/{customer}/payment_methods/{payment_method}", Parameters)
def get_of_customer(world: World, params: Parameters, customer: str, payment_method: str) -> Object:
    """Returns a customer's payment method."""
    thing = world.get(payment_method, "payment_method")
    if thing["customer"] != customer:
        raise ResourceMissing("PaymentMethod", payment_method)
    return thing


@endpoint("POST", "/v1/payment_methods/{payment_method}/attach", Attach)
def attach(world: World, params: Attach, payment_method: str) -> Object:
    """Gives a payment method to a customer. A test token makes a new one."""
    customer = world.get(params.customer, "customer", param="customer")
    if customer.get("deleted"):
        raise ResourceMissing("customer", params.customer, param="customer")
    return attach_to(world, payment_method, customer)


@endpoint("POST", "/v1/payment_methods/{payment_method}/detach", Parameters)
def detach(world: World, params: Parameters, payment_method: str) -> Object:
    """Takes a payment method from its customer, for good."""
    thing = world.get(payment_method, "payment_method")
    if thing["customer"] is None:
        raise InvalidRequest(
            "The payment method you provided is not attached to a customer so detachment is"
            " impossible."
        )
    detach_from(world, thing)
    return thing


def resolve(world: World, name: str, *, param: str) -> Object:
    """Returns a stored payment method, or a new one for a test token such as `pm_card_visa`.

    Raises:
        ResourceMissing: it is neither.
    """
    if name.startswith(_TOKEN):
        known = name.removeprefix(_TOKEN)
        if known not in CARDS:
            raise ResourceMissing("PaymentMethod", name, param=param)
        return _make(world, known, None)
    return world.get(name, "payment_method", param=param)


def attach_to(world: World, name: str, customer: Object, *, param: str = "id") -> Object:
    """Attaches a payment method or test token to a customer.

    Raises:
        InvalidRequest: it is another customer's, or was detached before.
        CardDeclined: the card is one that is refused when it is attached.
    """
    thing = resolve(world, name, param=param)
    if thing["customer"] == customer["id"]:
        return thing
    if thing["customer"] is not None:
        raise InvalidRequest(
            "The payment method you provided has already been attached to a customer.",
            code="payment_method_unexpected_state",
            param=param,
        )
    if thing["_used"]:
        raise InvalidRequest(
            "The provided PaymentMethod was previously used with a PaymentIntent without Customer"
            " attachment, shared with a connected account without Customer attachment, or was"
            " detached from a Customer. It may not be used again.",
            param=param,
        )
    card = card_of(thing)
    if card.declines_at_attach:
        raise declined(card)
    thing["customer"] = customer["id"]
    emit(world, "payment_method.attached", thing)
    return thing


def detach_from(world: World, thing: Object) -> None:
    """Takes a payment method from its customer; it can never be attached again."""
    customer = world.find(thing["customer"], "customer")
    former = thing["customer"]
    thing["customer"], thing["_used"] = None, True
    emit(world, "payment_method.detached", thing, {"customer": former})
    if customer is None or customer.get("deleted"):
        return
    if customer["invoice_settings"]["default_payment_method"] == thing["id"]:
        with updating(world, customer, "customer.updated"):
            customer["invoice_settings"]["default_payment_method"] = None


def card_of(thing: Object) -> Card:
    """Returns how a payment method's card behaves."""
    return CARDS[thing["_card"]]


def declined(card: Card, **embedded: Object) -> CardDeclined:
    """Returns the refusal of a card."""
    return CardDeclined(
        test_cards.message(card.declines),
        code=card.code,
        decline_code=card.declines if card.code == "card_declined" else None,
        embedded=embedded,
    )


def _named(details: CardDetails) -> str:
    if details.token is not None:
        name = details.token.removeprefix("tok_")
        if name not in CARDS:
            raise ResourceMissing("token", details.token, param="card[token]")
        return name
    if details.number is None:
        raise InvalidRequest(
            "Missing required param: card[number].", code="parameter_missing", param="card[number]"
        )
    name = NUMBERS.get(details.number.replace(" ", ""), "")
    if not name:
        raise InvalidRequest(
            "Your card number is incorrect: this double knows Stripe's test numbers only.",
            code="incorrect_number",
            param="card[number]",
        )
    return name


def _make(world: World, name: str, details: CardDetails | None) -> Object:
    card = CARDS[name]
    return world.create(
        "payment_method",
        {
            "allow_redisplay": "unspecified",
            "billing_details": {
                "address": dict.fromkeys(BillingAddress.model_fields),
                "email": None,
                "name": None,
                "phone": None,
                "tax_id": None,
            },
            "card": _card(card, details),
            "created": world.now,
            "customer": None,
            "customer_account": None,
            "livemode": False,
            "metadata": {},
            "type": "card",
            "_card": name,
            "_used": False,
        },
    )


def _card(card: Card, details: CardDetails | None) -> dict[str, Any]:
    return {
        "brand": card.brand,
        "checks": {
            "address_line1_check": None,
            "address_postal_code_check": None,
            "cvc_check": "pass" if details and details.cvc else None,
        },
        "country": "US",
        "display_brand": card.brand,
        "exp_month": (details and details.exp_month) or 12,
        "exp_year": (details and details.exp_year) or _EXPIRY_YEAR,
        "fingerprint": test_cards.fingerprint(card.last4),
        "funding": "credit",
        "generated_from": None,
        "last4": card.last4,
        "networks": {"available": [card.brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }


def _bill_to(thing: Object, details: BillingDetails) -> None:
    sent = details.model_dump(exclude_unset=True)
    address = sent.pop("address", None)
    thing["billing_details"].update(sent)
    thing["billing_details"]["address"].update(address or {})


def _of_customer(world: World, customer: str, params: ListOfCustomer, url: str) -> Object:
    found = [
        one
        for one in reversed(world.of(customer, "payment_method"))
        if params.type in (None, one["type"])
    ]
    return lists.of_some(world, found, url, params)
