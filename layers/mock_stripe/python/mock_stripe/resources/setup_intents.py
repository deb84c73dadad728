"""Setup intents: a card made ready for later payments, with authentication where it asks for it."""

from typing import Literal

from mock_stripe.errors import InvalidRequest
from mock_stripe.resources import customers, payment_methods
from mock_stripe.resources.events import emit
from mock_stripe.resources.payment_intents import AutomaticMethods
from mock_stripe.resources.payments import next_action
from mock_stripe.wire import lists
from mock_stripe.wire.parameters import (
    Boolean,
    Created,
    ListParameters,
    Metadata,
    Parameters,
    Text,
    merged_metadata,
)
from mock_stripe.wire.rendering import references, shown
from mock_stripe.wire.routes import endpoint
from mock_stripe.world.ids import scrambled
from mock_stripe.world.world import Object, World

references("setup_intent", {"customer": "customer", "payment_method": "payment_method"})

_OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")


class CreateSetupIntent(Parameters):
    allowed_payment_method_types: list[str] | None = None
    automatic_payment_methods: AutomaticMethods | None = None
    confirm: Boolean = False
    customer: str | None = None
    description: Text = None
    metadata: Metadata = {}
    payment_method: str | None = None
    payment_method_types: list[str] | None = None
    return_url: str | None = None
    usage: Literal["off_session", "on_session"] = "off_session"
    use_stripe_sdk: Boolean = False


class UpdateSetupIntent(Parameters):
    customer: str | None = None
    description: Text = None
    metadata: Metadata = {}
    payment_method: str | None = None


class ConfirmSetupIntent(Parameters):
    payment_method: str | None = None
    return_url: str | None = None
    use_stripe_sdk: Boolean = False


class CancelSetupIntent(Parameters):
    cancellation_reason: Literal["abandoned", "duplicate", "requested_by_customer"] | None = None


class ListSetupIntents(ListParameters):
    created: Created = None
    customer: str | None = None
    payment_method: str | None = None


@endpoint("POST", "/v1/setup_intents", CreateSetupIntent)
def create(world: World, params: CreateSetupIntent) -> Object:
    """Makes a setup intent and, if asked to, confirms it in the same call."""
    if params.customer:
        customers.existing(world, params.customer, param="customer")
    automatic = params.automatic_payment_methods
    object_id = world.new_id("setup_intent")
    intent = world.create(
        "setup_intent",
        {
            "allowed_payment_method_types": params.allowed_payment_method_types,
            "application": None,
            "automatic_payment_methods": None if automatic is None else automatic.model_dump(),
            "cancellation_reason": None,
            "client_secret": f"{object_id}_secret_{scrambled(object_id, 25)}",
            "created": world.now,
            "customer": params.customer,
            "customer_account": None,
            "description": params.description,
            "excluded_payment_method_types": None,
            "flow_directions": None,
            "last_setup_error": None,
            "latest_attempt": None,
            "livemode": False,
            "mandate": None,
            "managed_payments": None,
            "metadata": merged_metadata({}, params.metadata),
            "next_action": None,
            "on_behalf_of": None,
            "payment_method": None,
            "payment_method_configuration_details": None,
            "payment_method_options": {
                "card": {
                    "mandate_options": None,
                    "network": None,
                    "request_three_d_secure": "automatic",
                }
            },
            "payment_method_types": params.payment_method_types or ["card"],
            "single_use_mandate": None,
            "status": "requires_payment_method",
            "usage": params.usage,
        },
        object_id=object_id,
    )
    if params.payment_method:
        _use(world, intent, params.payment_method)
    emit(world, "setup_intent.created", intent)
    if params.confirm:
        _confirm(world, intent, params.return_url)
    return intent


@endpoint("POST", "/v1/setup_intents/{intent}", UpdateSetupIntent)
def update(world: World, params: UpdateSetupIntent, intent: str) -> Object:
    """Changes a setup intent that is not finished."""
    thing = world.get(intent, "setup_intent")
    _require(thing, "update", *_OPEN)
    if params.customer is not None:
        customers.existing(world, params.customer, param="customer")
        thing["customer"] = params.customer
    if params.payment_method is not None:
        _use(world, thing, params.payment_method)
    if params.sent("description"):
        thing["description"] = params.description
    if params.sent("metadata"):
        thing["metadata"] = merged_metadata(thing["metadata"], params.metadata)
    return thing


@endpoint("POST", "/v1/setup_intents/{intent}/confirm", ConfirmSetupIntent)
def confirm(world: World, params: ConfirmSetupIntent, intent: str) -> Object:
    """Makes the card ready, or says what the customer has to do."""
    thing = world.get(intent, "setup_intent")
    _require(thing, "confirm", *_OPEN)
    if params.payment_method is not None:
        _use(world, thing, params.payment_method)
    _confirm(world, thing, params.return_url)
    return thing


@endpoint("POST", "/v1/setup_intents/{intent}/cancel", CancelSetupIntent)
def cancel(world: World, params: CancelSetupIntent, intent: str) -> Object:
    """Gives a setup intent up."""
    thing = world.get(intent, "setup_intent")
    _require(thing, "cancel", *_OPEN)
    thing["status"], thing["next_action"] = "canceled", None
    thing["cancellation_reason"] = params.cancellation_reason
    emit(world, "setup_intent.canceled", thing)
    return thing


@endpoint("GET", "/v1/setup_intents", ListSetupIntents)
def list_all(world: World, params: ListSetupIntents) -> Object:
    """Lists setup intents."""
    return lists.of_kind(
        world,
        "setup_intent",
        "/v1/setup_intents",
        params,
        lambda thing: lists.fits(params, thing, "customer", "payment_method"),
    )


@endpoint("GET", "/v1/setup_intents/{intent}", Parameters)
def get(world: World, params: Parameters, intent: str) -> Object:
    """Returns a setup intent."""
    return world.get(intent, "setup_intent")


def authenticate(world: World, intent: Object, *, succeed: bool) -> None:
    """Ends 3D Secure as the customer would: with success, or not.

    Raises:
        InvalidRequest: nobody waits for it.
    """
    _require(intent, "authenticate", "requires_action")
    intent["next_action"] = None
    if succeed:
        world.get(intent["payment_method"], "payment_method")["_authenticated"] = True
        _succeed(world, intent)
        return
    method = world.get(intent["payment_method"], "payment_method")
    intent["status"], intent["payment_method"] = "requires_payment_method", None
    intent["last_setup_error"] = {
        "code": "setup_intent_authentication_failure",
        "message": "The latest attempt to set up the payment method has failed authentication.",
        "payment_method": shown(world, method),
        "type": "invalid_request_error",
    }
    emit(world, "setup_intent.setup_failed", intent)


def _use(world: World, intent: Object, name: str) -> None:
    method = payment_methods.resolve(world, name, param="payment_method")
    if method["customer"] is not None and method["customer"] != intent["customer"]:
        raise InvalidRequest(
            f"The provided PaymentMethod belongs to {method['customer']}.", param="payment_method"
        )
    if method["customer"] is None and method["_used"]:
        raise InvalidRequest(
            "The provided PaymentMethod was detached from a Customer, or used without one. It may"
            " not be used again.",
            param="payment_method",
        )
    intent["payment_method"], intent["status"] = method["id"], "requires_confirmation"


def _confirm(world: World, intent: Object, return_url: str | None) -> None:
    if intent["payment_method"] is None:
        raise InvalidRequest(
            "You cannot confirm this SetupIntent because it's missing a payment method.",
            code="setup_intent_unexpected_state",
            param="payment_method",
        )
    method = world.get(intent["payment_method"], "payment_method")
    card = payment_methods.card_of(method)
    if card.declines_at_attach:
        intent["status"], intent["payment_method"] = "requires_payment_method", None
        refusal = payment_methods.declined(card)
        intent["last_setup_error"] = {**refusal.body(), "payment_method": shown(world, method)}
        emit(world, "setup_intent.setup_failed", intent)
        refusal.embedded["setup_intent"] = shown(world, intent)
        raise refusal
    if card.authenticates != "never":
        intent["status"] = "requires_action"
        intent["next_action"] = next_action(intent, return_url)
        emit(world, "setup_intent.requires_action", intent)
        return
    _succeed(world, intent)


def _succeed(world: World, intent: Object) -> None:
    if intent["customer"]:
        customer = world.get(intent["customer"], "customer")
        payment_methods.attach_to(world, intent["payment_method"], customer)
    intent["status"], intent["last_setup_error"] = "succeeded", None
    emit(world, "setup_intent.succeeded", intent)


def _require(intent: Object, verb: str, *statuses: str) -> None:
    if intent["status"] not in statuses:
        raise InvalidRequest(
            f"You cannot {verb} this SetupIntent because it has a status of {intent['status']}.",
            code="setup_intent_unexpected_state",
        )
