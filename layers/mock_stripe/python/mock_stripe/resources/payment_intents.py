"""Payment intents: one payment from the wish to the money, over as many attempts as it takes.

requires_payment_method ─▶ requires_confirmation ─▶ requires_action ─▶ requires_capture
▲ declined                  └──────────────────────────────▶ succeeded
"""

from collections.abc import Callable
from typing import Final, Literal

from pydantic import Field

from mock_stripe.errors import CardDeclined, InvalidRequest
from mock_stripe.resources import charges, customers, payment_methods, test_cards, work
from mock_stripe.resources.events import emit
from mock_stripe.wire import lists
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
from mock_stripe.wire.rendering import references, shown, visible
from mock_stripe.wire.routes import endpoint
from mock_stripe.world.ids import scrambled
from mock_stripe.world.world import Object, World

references(
    "payment_intent",
    {"customer": "customer", "latest_charge": "charge", "payment_method": "payment_method"},
)

_HELD_SECONDS: Final = 7 * 86_400
_DEFAULT_MINIMUM: Final = 50
_MINIMUM: Final = {"gbp": 30, "dkk": 250, "nok": 300, "sek": 300, "mxn": 1_000, "hkd": 400}
"""Smallest payments in the smallest coin of a currency, where it is not 50."""

OnChange = Callable[[World, Object], None]
_listeners: Final[list[OnChange]] = []


def on_change(listener: OnChange) -> OnChange:
    """Registers what is to be told when an intent succeeded, failed, or needs its customer."""
    _listeners.append(listener)
    return listener


def minimum(currency: str) -> int:
    """Returns the smallest payment in a currency, in its smallest coin."""
    return _MINIMUM.get(currency, _DEFAULT_MINIMUM)


class AutomaticMethods(Nested):
    enabled: Boolean
    allow_redirects: Literal["always", "never"] = "always"


class _Intent(Parameters):
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
    currency: str = Field(min_length=3, max_length=3)
    automatic_payment_methods: AutomaticMethods | None = None
    capture_method: Literal["automatic", "automatic_async", "manual"] = "automatic"
    confirm: Boolean = False
    confirmation_method: Literal["automatic", "manual"] = "automatic"
    customer: str | None = None
    error_on_requires_action: Boolean = False
    off_session: Boolean = False
    return_url: str | None = None


class UpdatePaymentIntent(_Intent):
    amount: Amount | None = None
    currency: str | None = None
    customer: str | None = None


class ConfirmPaymentIntent(Parameters):
    payment_method: str | None = None
    off_session: Boolean = False
    error_on_requires_action: Boolean = False
    return_url: str | None = None
    receipt_email: Text = None
    setup_future_usage: Literal["off_session", "on_session"] | None = None
    capture_method: Literal["automatic", "automatic_async", "manual"] | None = None


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
    currency = params.currency.lower()
    if params.amount < minimum(currency):
        raise InvalidRequest(
            f"Amount must be at least {minimum(currency)} in the smallest unit of {currency}",
            code="amount_too_small",
            param="amount",
        )
    if params.customer:
        customers.existing(world, params.customer, param="customer")
    automatic = params.automatic_payment_methods
    if automatic is None and params.payment_method_types is None:
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
        _require(thing, "update", "requires_payment_method", "requires_confirmation")
    if params.amount is not None:
        if params.amount < minimum(thing["currency"]):
            raise InvalidRequest("Amount is too small.", code="amount_too_small", param="amount")
        thing["amount"] = params.amount
    if params.currency is not None:
        thing["currency"] = params.currency.lower()
    if params.customer is not None:
        customers.existing(world, params.customer, param="customer")
        thing["customer"] = params.customer
    _fill(world, thing, params)
    return thing


@endpoint("POST", "/v1/payment_intents/{intent}/confirm", ConfirmPaymentIntent)
def confirm_intent(world: World, params: ConfirmPaymentIntent, intent: str) -> Object:
    """Attempts the payment."""
    thing = world.get(intent, "payment_intent")
    _require(thing, "confirm", "requires_payment_method", "requires_confirmation")
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
    _require(thing, "capture", "requires_capture")
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
    _succeed(world, thing, amount)
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
    _require(
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


def new(
    world: World,
    *,
    amount: int,
    currency: str,
    customer: str | None,
    description: str | None,
    invoice: str | None = None,
) -> Object:
    """Adds an intent that has no payment method yet. It bears the process's time (§9)."""
    object_id = world.new_id("payment_intent")
    return world.create(
        "payment_intent",
        {
            "amount": amount,
            "amount_capturable": 0,
            "amount_details": {"tip": {}},
            "amount_received": 0,
            "application": None,
            "application_fee_amount": None,
            "automatic_payment_methods": None,
            "canceled_at": None,
            "cancellation_reason": None,
            "capture_method": "automatic",
            "client_secret": f"{object_id}_secret_{scrambled(object_id, 25)}",
            "confirmation_method": "automatic",
            "created": world.now,
            "currency": currency,
            "customer": customer,
            "description": description,
            "last_payment_error": None,
            "latest_charge": None,
            "livemode": False,
            "metadata": {},
            "next_action": None,
            "on_behalf_of": None,
            "payment_method": None,
            "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
            "payment_method_types": ["card"],
            "processing": None,
            "receipt_email": None,
            "review": None,
            "setup_future_usage": None,
            "shipping": None,
            "source": None,
            "statement_descriptor": None,
            "statement_descriptor_suffix": None,
            "status": "requires_payment_method",
            "transfer_data": None,
            "transfer_group": None,
            "_invoice": invoice,
        },
        object_id=object_id,
    )


def confirm(
    world: World,
    intent: Object,
    *,
    off_session: bool,
    refuse_action: bool = False,
    return_url: str | None = None,
) -> None:
    """Attempts the payment with the intent's method.

    Raises:
        InvalidRequest: the intent has no method.
        CardDeclined: the payment was refused, or needs a customer who is not there.
    """
    if intent["payment_method"] is None:
        raise InvalidRequest(
            "You cannot confirm this PaymentIntent because it's missing a payment method.",
            code="payment_intent_unexpected_state",
            param="payment_method",
        )
    method = world.get(intent["payment_method"], "payment_method", param="payment_method")
    card = payment_methods.card_of(method)
    asks = card.authenticates == "always" or (
        card.authenticates == "setup" and not method.get("_authenticated")
    )
    if asks and (off_session or refuse_action):
        raise _refused_for_authentication(world, intent, method)
    if asks:
        intent["status"] = "requires_action"
        intent["next_action"] = next_action(intent, return_url)
        emit(world, "payment_intent.requires_action", intent)
        _tell(world, intent)
        return
    _charge(world, intent, method)


def authenticate(world: World, intent: Object, *, succeed: bool) -> None:
    """Ends 3D Secure as the customer would: with success, or not.

    Raises:
        InvalidRequest: nobody waits for it.
    """
    _require(intent, "authenticate", "requires_action")
    intent["next_action"] = None
    method = world.get(intent["payment_method"], "payment_method")
    if succeed:
        try:
            _charge(world, intent, method)
        except CardDeclined:
            # The customer is told on the page; whoever reads the intent sees the error.
            return
        return
    _fail(
        world,
        intent,
        method,
        {
            "code": "payment_intent_authentication_failure",
            "doc_url": "https://stripe.com/docs/error-codes/payment-intent-authentication-failure",
            "message": (
                "The provided PaymentMethod has failed authentication. You can provide"
                " payment_method_data or a new PaymentMethod to attempt to fulfill this"
                " PaymentIntent again."
            ),
            "type": "invalid_request_error",
        },
    )


def give_up(world: World, intent: Object, reason: str | None) -> None:
    """Cancels an intent."""
    if intent["status"] == "requires_capture":
        charge = world.get(intent["latest_charge"], "charge")
        charge["amount_refunded"], charge["refunded"] = charge["amount"], True
        emit(world, "charge.refunded", charge)
    intent["status"] = "canceled"
    intent["amount_capturable"] = 0
    intent["canceled_at"] = world.now
    intent["cancellation_reason"] = reason
    intent["next_action"] = None
    emit(world, "payment_intent.canceled", intent)


@work.action("payment_intent.expire", "payment_intent")
def _expire(world: World, intent: Object) -> None:
    if intent["status"] == "requires_capture":
        give_up(world, intent, "automatic")


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
    if params.payment_method_types is not None:
        if "card" not in params.payment_method_types:
            raise InvalidRequest("This double takes cards only.", param="payment_method_types")
        intent["payment_method_types"] = params.payment_method_types
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


def _require(intent: Object, verb: str, *statuses: str) -> None:
    if intent["status"] not in statuses:
        raise InvalidRequest(
            f"You cannot {verb} this PaymentIntent because it has a status of"
            f" {intent['status']}. Only a PaymentIntent with one of the following statuses may be"
            f" used here: {', '.join(statuses)}.",
            code="payment_intent_unexpected_state",
            embedded={"payment_intent": visible(intent)},
        )


def _charge(world: World, intent: Object, method: Object) -> None:
    manual = intent["capture_method"] == "manual"
    charge = charges.attempt(
        world,
        intent,
        method,
        amount=intent["amount"],
        captured=not manual,
        created=world.now,
    )
    intent["latest_charge"] = charge["id"]
    if charge["status"] == "failed":
        refusal = charges.decline_of(charge)
        _fail(world, intent, method, {"charge": charge["id"], **refusal.body()})
        refusal.embedded["payment_intent"] = shown(world, intent)
        refusal.embedded["payment_method"] = shown(world, method)
        raise refusal
    if intent["customer"] and intent["setup_future_usage"] and method["customer"] is None:
        payment_methods.attach_to(world, method["id"], world.get(intent["customer"], "customer"))
    elif method["customer"] is None:
        method["_used"] = True
    if manual:
        intent["status"] = "requires_capture"
        intent["amount_capturable"] = intent["amount"]
        emit(world, "payment_intent.amount_capturable_updated", intent)
        world.schedule("payment_intent.expire", intent["id"], world.now + _HELD_SECONDS, clock=None)
        return
    _succeed(world, intent, intent["amount"])


def _succeed(world: World, intent: Object, amount: int) -> None:
    intent["status"] = "succeeded"
    intent["amount_received"], intent["amount_capturable"] = amount, 0
    intent["last_payment_error"], intent["next_action"] = None, None
    emit(world, "payment_intent.succeeded", intent)
    _tell(world, intent)


def _fail(world: World, intent: Object, method: Object, error: Object) -> None:
    intent["status"] = "requires_payment_method"
    intent["payment_method"], intent["next_action"] = None, None
    intent["last_payment_error"] = {**error, "payment_method": shown(world, method)}
    emit(world, "payment_intent.payment_failed", intent)
    _tell(world, intent)


def _refused_for_authentication(world: World, intent: Object, method: Object) -> CardDeclined:
    refusal = CardDeclined(
        test_cards.message("authentication_required"),
        code="authentication_required",
        decline_code="authentication_required",
    )
    _fail(world, intent, method, refusal.body())
    refusal.embedded["payment_intent"] = shown(world, intent)
    refusal.embedded["payment_method"] = shown(world, method)
    return refusal


def next_action(intent: Object, return_url: str | None) -> Object:
    """Returns what the customer of a payment or setup intent has to do: 3D Secure."""
    if return_url is None:
        return {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect"}}
    page = f"https://hooks.stripe.com/3d_secure_2/{intent['id']}"
    return {
        "redirect_to_url": {"return_url": return_url, "url": page},
        "type": "redirect_to_url",
    }


def _tell(world: World, intent: Object) -> None:
    for listener in _listeners:
        listener(world, intent)
