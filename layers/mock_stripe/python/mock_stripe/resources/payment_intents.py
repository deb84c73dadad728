"""Payment intents: one payment from the wish to the money."""

from typing import Final, Literal

from pydantic import Field

from mock_stripe.errors import InvalidRequest
from mock_stripe.resources import charges, customers, payment_methods
from mock_stripe.resources.events import emit
from mock_stripe.resources.payments import confirm, give_up, minimum, new, require, succeed
from mock_stripe.wire import lists
from mock_stripe.wire.currencies import Currency
from mock_stripe.wire.parameters import (
    Amount,
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

references(
    "payment_intent",
    {"customer": "customer", "latest_charge": "charge", "payment_method": "payment_method"},
)


_TYPES: Final = "payment_method_types"
_ALLOWED_TYPES: Final = "allowed_payment_method_types"
"""Present versions of the API ask for allowed types, older ones for types. Both are taken."""


class AutomaticMethods(Nested):
    enabled: Boolean
    allow_redirects: Literal["always", "never"] = "always"


class _Intent(Parameters):
    allowed_payment_method_types: list[str] | None = None
    description: Text = None
    metadata: Metadata = {}
    payment_method: str | None = None
    payment_method_types: list[str] | None = None
    receipt_email: Text = None
    setup_future_usage: Literal["off_session", "on_session"] | None = None
    statement_descriptor: str | None = Field(None, max_length=22)
    statement_descriptor_suffix: str | None = Field(None, max_length=22)
    shipping: customers.Shipping | None = None


class CreatePaymentIntent(_Intent):
    amount: Amount
    currency: Currency
    automatic_payment_methods: AutomaticMethods | None = None
    capture_method: Literal["automatic", "automatic_async", "manual"] = "automatic"
    confirm: Boolean = False
    confirmation_method: Literal["automatic", "manual"] = "automatic"
    customer: str | None = None
    error_on_requires_action: Boolean = False
    off_session: Boolean = False
    return_url: str | None = None
    use_stripe_sdk: Boolean = False


class UpdatePaymentIntent(_Intent):
    amount: Amount | None = None
    currency: Currency | None = None
    customer: str | None = None


class ConfirmPaymentIntent(Parameters):
    payment_method: str | None = None
    off_session: Boolean = False
    error_on_requires_action: Boolean = False
    return_url: str | None = None
    receipt_email: Text = None
    setup_future_usage: Literal["off_session", "on_session"] | None = None
    capture_method: Literal["automatic", "automatic_async", "manual"] | None = None
    use_stripe_sdk: Boolean = False


class CapturePaymentIntent(Parameters):
    amount_to_capture: Amount | None = None
    metadata: Metadata = {}


class CancelPaymentIntent(Parameters):
    cancellation_reason: (
        Literal["duplicate", "fraudulent", "requested_by_customer", "abandoned"] | None
    ) = None


class ListPaymentIntents(ListParameters):
    created: Created = None
    customer: str | None = None


@endpoint("POST", "/v1/payment_intents", CreatePaymentIntent)
def create(world: World, params: CreatePaymentIntent) -> Object:
    """Makes an intent and, if asked to, confirms it in the same call."""
    currency = params.currency
    if params.amount < minimum(currency):
        raise InvalidRequest(
            f"Amount must be at least {minimum(currency)} in the smallest unit of {currency}",
            code="amount_too_small",
            param="amount",
        )
    if params.customer:
        customers.existing(world, params.customer, param="customer")
    automatic = params.automatic_payment_methods
    if automatic is None and not (params.sent(_TYPES) or params.sent(_ALLOWED_TYPES)):
        automatic = AutomaticMethods(enabled=True)
    intent = new(
        world,
        amount=params.amount,
        currency=currency,
        customer=params.customer,
        description=params.description,
    )
    intent["automatic_payment_methods"] = None if automatic is None else automatic.model_dump()
    intent["capture_method"] = params.capture_method
    intent["confirmation_method"] = params.confirmation_method
    _fill(world, intent, params)
    emit(world, "payment_intent.created", intent)
    if params.confirm:
        _check_return_url(intent, params.return_url)
        confirm(
            world,
            intent,
            off_session=params.off_session,
            refuse_action=params.error_on_requires_action,
            return_url=params.return_url,
        )
    elif params.off_session:
        raise InvalidRequest(
            "off_session can only be used together with confirm=true.", param="off_session"
        )
    return intent


@endpoint("POST", "/v1/payment_intents/{intent}", UpdatePaymentIntent)
def update(world: World, params: UpdatePaymentIntent, intent: str) -> Object:
    """Changes an intent that nothing was paid for yet."""
    thing = world.get(intent, "payment_intent")
    if params.amount is not None or params.customer is not None or params.currency is not None:
        require(thing, "update", "requires_payment_method", "requires_confirmation")
    if params.amount is not None:
        if params.amount < minimum(thing["currency"]):
            raise InvalidRequest("Amount is too small.", code="amount_too_small", param="amount")
        thing["amount"] = params.amount
    if params.currency is not None:
        thing["currency"] = params.currency
    if params.customer is not None:
        customers.existing(world, params.customer, param="customer")
        thing["customer"] = params.customer
    _fill(world, thing, params)
    return thing


@endpoint("POST", "/v1/payment_intents/{intent}/confirm", ConfirmPaymentIntent)
def confirm_intent(world: World, params: ConfirmPaymentIntent, intent: str) -> Object:
    """Attempts the payment."""
    thing = world.get(intent, "payment_intent")
    require(thing, "confirm", "requires_payment_method", "requires_confirmation")
    if params.payment_method is not None:
        _use(world, thing, params.payment_method)
    if params.capture_method is not None:
        thing["capture_method"] = params.capture_method
    if params.setup_future_usage is not None:
        thing["setup_future_usage"] = params.setup_future_usage
    if params.sent("receipt_email"):
        thing["receipt_email"] = params.receipt_email
    _check_return_url(thing, params.return_url)
    confirm(
        world,
        thing,
        off_session=params.off_session,
        refuse_action=params.error_on_requires_action,
        return_url=params.return_url,
    )
    return thing


@endpoint("POST", "/v1/payment_intents/{intent}/capture", CapturePaymentIntent)
def capture(world: World, params: CapturePaymentIntent, intent: str) -> Object:
    """Takes what was authorized, or part of it; the rest is released."""
    thing = world.get(intent, "payment_intent")
    require(thing, "capture", "requires_capture")
    amount = thing["amount_capturable"]
    if params.amount_to_capture is not None:
        if not 1 <= params.amount_to_capture <= amount:
            raise InvalidRequest(
                f"The amount to capture must be between 1 and {amount}, what is capturable.",
                code="amount_too_large",
                param="amount_to_capture",
            )
        amount = params.amount_to_capture
    if params.sent("metadata"):
        thing["metadata"] = merged_metadata(thing["metadata"], params.metadata)
    charges.capture(world, world.get(thing["latest_charge"], "charge"), amount)
    succeed(world, thing, amount)
    return thing


@endpoint("POST", "/v1/payment_intents/{intent}/cancel", CancelPaymentIntent)
def cancel(world: World, params: CancelPaymentIntent, intent: str) -> Object:
    """Gives an intent up; what was authorized is released."""
    thing = world.get(intent, "payment_intent")
    if thing["_invoice"]:
        raise InvalidRequest(
            "This PaymentIntent belongs to an invoice; void the invoice instead.",
            code="payment_intent_unexpected_state",
        )
    require(
        thing,
        "cancel",
        "requires_payment_method",
        "requires_confirmation",
        "requires_action",
        "requires_capture",
    )
    give_up(world, thing, params.cancellation_reason)
    return thing


@endpoint("GET", "/v1/payment_intents", ListPaymentIntents)
def list_all(world: World, params: ListPaymentIntents) -> Object:
    """Lists payment intents."""
    return lists.of_kind(
        world,
        "payment_intent",
        "/v1/payment_intents",
        params,
        lambda thing: lists.fits(params, thing, "customer"),
    )


@endpoint("GET", "/v1/payment_intents/{intent}", Parameters)
def get(world: World, params: Parameters, intent: str) -> Object:
    """Returns a payment intent."""
    return world.get(intent, "payment_intent")


def _fill(world: World, intent: Object, params: _Intent) -> None:
    if params.payment_method is not None:
        _use(world, intent, params.payment_method)
    for name in (
        "description",
        "receipt_email",
        "setup_future_usage",
        "statement_descriptor",
        "statement_descriptor_suffix",
    ):
        if params.sent(name):
            intent[name] = getattr(params, name)
    for name in (_TYPES, _ALLOWED_TYPES):
        types = getattr(params, name)
        if types is not None and "card" not in types:
            raise InvalidRequest("This double takes cards only.", param=name)
    if params.payment_method_types is not None:
        intent[_TYPES] = params.payment_method_types
    if params.allowed_payment_method_types is not None:
        intent[_ALLOWED_TYPES] = params.allowed_payment_method_types
    if params.shipping is not None:
        intent["shipping"] = params.shipping.model_dump()
    if params.sent("metadata"):
        intent["metadata"] = merged_metadata(intent["metadata"], params.metadata)


def _use(world: World, intent: Object, name: str) -> None:
    """Gives an intent the method to pay with."""
    method = payment_methods.resolve(world, name, param="payment_method")
    owner = method["customer"]
    if owner is not None and owner != intent["customer"]:
        raise InvalidRequest(
            f"The provided PaymentMethod belongs to {owner}. Supply that Customer, or a"
            " PaymentMethod that is attached to none.",
            param="payment_method",
        )
    if owner is None and method["_used"]:
        raise InvalidRequest(
            "The provided PaymentMethod was detached from a Customer, or used without one. It may"
            " not be used again.",
            param="payment_method",
        )
    intent["payment_method"] = method["id"]
    if intent["status"] == "requires_payment_method":
        intent["status"] = "requires_confirmation"


def _check_return_url(intent: Object, return_url: str | None) -> None:
    automatic = intent["automatic_payment_methods"]
    redirects = automatic and automatic["enabled"] and automatic["allow_redirects"] == "always"
    if redirects and return_url is None:
        raise InvalidRequest(
            "This PaymentIntent accepts payment methods that might redirect your customer, so you"
            " must provide a `return_url`. If you don't want to accept redirect-based payment"
            " methods, set `automatic_payment_methods[enabled]` to `true` and"
            " `automatic_payment_methods[allow_redirects]` to `never`.",
            param="return_url",
        )
