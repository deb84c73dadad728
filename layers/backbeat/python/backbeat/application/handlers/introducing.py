"""Steps that make an entity known to the providers, with a way to pay."""

from backbeat.application import connections
from backbeat.application.handlers.accounts import stripe_customer_of
from backbeat.application.handlers.progress import Fails, Progress, is_old
from backbeat.application.services import Call
from backbeat.models.accounts import Account, Operation, Step
from backbeat.persistence import accounts as stored
from backbeat.ports.connections import ProviderName
from backbeat.ports.providers import Refused


def at_metronome(call: Call, operation: Operation, account: Account) -> Progress:
    """Makes the entity a customer at Metronome, with its own id as the alias of its usage."""
    if account.metronome_customer_id is not None:
        return Progress(operation)
    metronome = connections.metronome(call)
    # The alias is the key: whoever has it is who an earlier try made.
    id_ = metronome.customer_by_alias(account.id)
    if id_ is None:
        id_ = metronome.create_customer(account.name, account.id)
    return _known_as(call, operation, account, ProviderName.METRONOME, id_)


def at_stripe(call: Call, operation: Operation, account: Account) -> Progress:
    """Makes the entity a customer at Stripe."""
    if account.stripe_customer_id is not None:
        return Progress(operation)
    stripe = connections.stripe(call)
    metadata = {
        "entity_id": account.id,
        "entity_type": account.type,
        "metronome_customer_id": account.metronome_customer_id or "",
    }
    id_ = None
    if is_old(call, operation):
        id_ = stripe.customer_with(email=account.email, metadata=metadata)
    if id_ is None:
        id_ = stripe.create_customer(
            name=account.name,
            email=account.email,
            metadata=metadata,
            key=operation.key(Step.STRIPE_CUSTOMER),
        )
    return _known_as(call, operation, account, ProviderName.STRIPE, id_)


def card(call: Call, operation: Operation, account: Account) -> Progress:
    """Attaches the way to pay that the request brought, and makes it the default."""
    stripe, customer = connections.stripe(call), stripe_customer_of(account)
    key, wanted = operation.key(Step.CARD), operation.payment_method or ""
    try:
        own = [card for card in stripe.cards(customer) if card.id == wanted]
        card = own[0] if own else stripe.attach(customer, wanted, key=key)
    except Refused as refused:
        message = f"The payment method was refused: {refused.message}"
        raise Fails(operation, refused.code or "payment_method_refused", message) from refused
    stripe.set_default_card(customer, card.id, key=f"{key}:default")
    return Progress(operation.model_copy(update={"payment_method": card.id}))


def _known_as(
    call: Call, operation: Operation, account: Account, provider: ProviderName, id_: str
) -> Progress:
    changed = account.model_copy(update={f"{provider}_customer_id": id_, "updated_at": call.now})
    pointer = stored.names_account(call.tenant, provider, id_, account.id)
    return Progress(operation, changed, (pointer,))
