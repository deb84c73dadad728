"""Payments by card, one intent each, over as many attempts as it takes.

requires_payment_method ─▶ requires_confirmation ─▶ requires_action ─▶ requires_capture
▲ declined                  └──────────────────────────────▶ succeeded
"""

from collections.abc import Callable
from typing import Final

from mock_stripe.errors import CardDeclined, InvalidRequest
from mock_stripe.resources import charges, payment_methods, test_cards, work
from mock_stripe.resources.events import emit
from mock_stripe.wire.rendering import shown, visible
from mock_stripe.world.ids import scrambled
from mock_stripe.world.world import Object, World

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
            "allowed_payment_method_types": None,
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
            "customer_account": None,
            "description": description,
            "excluded_payment_method_types": None,
            "last_payment_error": None,
            "latest_charge": None,
            "livemode": False,
            "managed_payments": None,
            "metadata": {},
            "next_action": None,
            "on_behalf_of": None,
            "payment_method": None,
            "payment_method_configuration_details": None,
            "payment_method_options": {
                "card": {
                    "installments": None,
                    "mandate_options": None,
                    "network": None,
                    "request_three_d_secure": "automatic",
                }
            },
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
    require(intent, "authenticate", "requires_action")
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


def require(intent: Object, verb: str, *statuses: str) -> None:
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
    succeed(world, intent, intent["amount"])


def succeed(world: World, intent: Object, amount: int) -> None:
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
