"""An entity's ways to pay."""

from typing import Final

from backbeat.application import connections
from backbeat.application.handlers import accounts, settlements
from backbeat.application.handlers.accounts import stripe_customer_of
from backbeat.application.services import Call
from backbeat.models.accounts import SubscriptionStatus
from backbeat.models.errors import Conflict, InvalidArgument, NotFound
from backbeat.ports.providers import Refused
from backbeat.ports.stripe import Card, SetupIntent

_SUCCEEDED: Final = "succeeded"


def listed(call: Call, entity_id: str) -> tuple[list[Card], str | None]:
    """Returns an entity's ways to pay, newest first, and the id of the default one.

    Raises:
        NotFound: no such entity was onboarded.
        ProviderError: Stripe did not answer.
    """
    customer = stripe_customer_of(accounts.get(call, entity_id))
    stripe = connections.stripe(call)
    return stripe.cards(customer), stripe.default_card(customer)


def begin_setup(call: Call, entity_id: str) -> SetupIntent:
    """Begins to save a way to pay in the browser.

    Raises:
        NotFound: no such entity was onboarded.
        ProviderError: Stripe did not answer.
    """
    customer = stripe_customer_of(accounts.get(call, entity_id))
    # Nothing is charged by it, so each asking makes one.
    key = f"setup:{call.services.ids.new()}"
    return connections.stripe(call).create_setup_intent(customer, payment_method=None, key=key)


def add(
    call: Call,
    entity_id: str,
    *,
    payment_method: str | None,
    setup_intent: str | None,
    default: bool,
) -> Card:
    """Adds a way to pay, by itself or as a setup intent made it; a payment that waits goes on.

    The first one is the default in any case.

    Raises:
        NotFound: no such entity was onboarded.
        InvalidArgument: Stripe refuses it, or the setup intent has not succeeded.
        ProviderError: Stripe did not answer.
    """
    if setup_intent is not None:
        payment_method = _made_by(call, setup_intent)
    card = save(call, entity_id, payment_method or "", default=default)
    settlements.payment_method_added(call, stripe_customer_of(accounts.get(call, entity_id)))
    return card


def save(call: Call, entity_id: str, wanted: str, *, default: bool = True) -> Card:
    """Attaches a way to pay, unless the entity has it, and makes it the default.

    The first one is the default in any case.

    Raises:
        NotFound: no such entity was onboarded.
        InvalidArgument: Stripe refuses it.
        ProviderError: Stripe did not answer.
    """
    customer = stripe_customer_of(accounts.get(call, entity_id))
    stripe = connections.stripe(call)
    try:
        known = [card for card in stripe.cards(customer) if card.id == wanted]
        # Another way to pay may be attached under the same name later: tokens of tests are.
        key = f"attach:{call.services.ids.new()}"
        card = known[0] if known else stripe.attach(customer, wanted, key=key)
        if default or stripe.default_card(customer) is None:
            stripe.set_default_card(customer, card.id, key=f"{key}:default")
    except Refused as refused:
        raise InvalidArgument(f"paymentMethodId: {refused.message}") from refused
    return card


def make_default(call: Call, entity_id: str, payment_method: str) -> Card:
    """Makes a way to pay the one that invoices are paid with; a payment that waits goes on.

    Raises:
        NotFound: no such entity was onboarded, or it has no such way to pay.
        ProviderError: Stripe did not answer.
    """
    customer, card = _own(call, entity_id, payment_method)
    key = f"default:{call.services.ids.new()}"
    connections.stripe(call).set_default_card(customer, card.id, key=key)
    settlements.payment_method_added(call, customer)
    return card


def remove(call: Call, entity_id: str, payment_method: str) -> None:
    """Takes a way to pay away.

    Raises:
        NotFound: no such entity was onboarded, or it has no such way to pay.
        Conflict: a plan is paid with it.
        ProviderError: Stripe did not answer.
    """
    account = accounts.get(call, entity_id)
    customer, card = _own(call, entity_id, payment_method)
    stripe, subscription = connections.stripe(call), account.subscription
    paying = (
        subscription is not None
        and not subscription.plan.is_free
        and subscription.status is not SubscriptionStatus.CANCELED
    )
    if paying and stripe.default_card(customer) == card.id:
        raise Conflict("The plan is paid with it: make another one the default first")
    stripe.detach(card.id, key=f"detach:{call.services.ids.new()}")


def _own(call: Call, entity_id: str, payment_method: str) -> tuple[str, Card]:
    customer = stripe_customer_of(accounts.get(call, entity_id))
    for card in connections.stripe(call).cards(customer):
        if card.id == payment_method:
            return customer, card
    raise NotFound("payment method", payment_method)


def _made_by(call: Call, setup_intent: str) -> str:
    try:
        intent = connections.stripe(call).setup_intent(setup_intent)
    except Refused as refused:
        raise InvalidArgument(f"setupIntentId: {refused.message}") from refused
    if intent.status != _SUCCEEDED or intent.payment_method is None:
        raise InvalidArgument(f"setupIntentId: its status is {intent.status}")
    return intent.payment_method
