"""Charges: each attempt to take money, whether it came through or not."""

from typing import Final

from mock_stripe.errors import CardDeclined
from mock_stripe.resources import disputes, test_cards
from mock_stripe.resources.events import emit, updating
from mock_stripe.resources.payment_methods import card_of
from mock_stripe.resources.test_cards import Card
from mock_stripe.wire import lists
from mock_stripe.wire.currencies import Currency
from mock_stripe.wire.parameters import (
    Created,
    ListParameters,
    Metadata,
    Parameters,
    Text,
    merged_metadata,
)
from mock_stripe.wire.rendering import extra, references
from mock_stripe.wire.routes import endpoint
from mock_stripe.world.world import Object, World

_OF_METHODS_ONLY: Final = ("display_brand", "generated_from", "networks", "three_d_secure_usage")
"""What a payment method says about its card, and a charge does not."""

references(
    "charge",
    {
        "balance_transaction": "balance_transaction",
        "customer": "customer",
        "payment_intent": "payment_intent",
    },
)


class ListCharges(ListParameters):
    created: Created = None
    customer: str | None = None
    payment_intent: str | None = None


class ListBalanceTransactions(ListParameters):
    created: Created = None
    currency: Currency | None = None
    source: str | None = None
    type: str | None = None


class UpdateCharge(Parameters):
    description: Text = None
    metadata: Metadata = {}
    receipt_email: Text = None


@endpoint("GET", "/v1/charges", ListCharges)
def list_all(world: World, params: ListCharges) -> Object:
    """Lists charges, failed ones too."""
    return lists.of_kind(
        world,
        "charge",
        "/v1/charges",
        params,
        lambda thing: lists.fits(params, thing, "customer", "payment_intent"),
    )


@endpoint("GET", "/v1/charges/{charge}", Parameters)
def get(world: World, params: Parameters, charge: str) -> Object:
    """Returns a charge."""
    return world.get(charge, "charge")


@endpoint("POST", "/v1/charges/{charge}", UpdateCharge)
def update(world: World, params: UpdateCharge, charge: str) -> Object:
    """Changes what is written on a charge."""
    thing = world.get(charge, "charge")
    with updating(world, thing, "charge.updated"):
        for name in ("description", "receipt_email"):
            if params.sent(name):
                thing[name] = getattr(params, name)
        if params.sent("metadata"):
            thing["metadata"] = merged_metadata(thing["metadata"], params.metadata)
    return thing


@endpoint("GET", "/v1/balance_transactions", ListBalanceTransactions)
def list_balance_transactions(world: World, params: ListBalanceTransactions) -> Object:
    """Lists what changed the account's balance."""
    return lists.of_kind(
        world,
        "balance_transaction",
        "/v1/balance_transactions",
        params,
        lambda thing: lists.fits(params, thing, "currency", "source", "type"),
    )


@endpoint("GET", "/v1/balance_transactions/{transaction}", Parameters)
def get_balance_transaction(world: World, params: Parameters, transaction: str) -> Object:
    """Returns what a charge or refund did to the account's balance. The double takes no fees."""
    return world.get(transaction, "balance_transaction")


def attempt(
    world: World, intent: Object, method: Object, *, amount: int, captured: bool, created: int
) -> Object:
    """Charges a method and returns the charge, failed or not.

    A decline asked for by a test comes before what the card itself would do.
    """
    card = card_of(method)
    declines, code = _decline(world, card, intent)
    charge = world.create(
        "charge",
        {
            "amount": amount,
            "amount_captured": amount if captured and not declines else 0,
            "amount_refunded": 0,
            "application": None,
            "application_fee": None,
            "application_fee_amount": None,
            "balance_transaction": None,
            "billing_details": method["billing_details"],
            "calculated_statement_descriptor": "BACKBEAT",
            "captured": captured and not declines,
            "created": created,
            "currency": intent["currency"],
            "customer": intent["customer"],
            "description": intent["description"],
            "disputed": False,
            "failure_balance_transaction": None,
            "failure_code": code if declines else None,
            "failure_message": test_cards.message(declines) if declines else None,
            "fraud_details": {},
            "livemode": False,
            "metadata": dict(intent["metadata"]),
            "on_behalf_of": None,
            "outcome": _outcome(declines),
            "paid": not declines,
            "payment_intent": intent["id"],
            "payment_method": method["id"],
            "payment_method_details": {"card": _presented(method, amount), "type": "card"},
            "receipt_email": intent["receipt_email"],
            "receipt_number": None,
            "receipt_url": None,
            "refunded": False,
            "review": None,
            "shipping": intent["shipping"],
            "source": None,
            "source_transfer": None,
            "statement_descriptor": intent["statement_descriptor"],
            "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
            "status": "failed" if declines else "succeeded",
            "transfer_data": None,
            "transfer_group": None,
            "_card": method["_card"],
        },
    )
    if declines:
        emit(world, "charge.failed", charge)
        return charge
    if captured:
        _book(world, charge, amount, "charge")
    emit(world, "charge.succeeded", charge)
    if card.disputed and captured:
        disputes.begin(world, charge)
    return charge


def capture(world: World, charge: Object, amount: int) -> None:
    """Takes an authorized amount, or part of it."""
    charge["captured"], charge["amount_captured"] = True, amount
    _book(world, charge, amount, "charge")
    emit(world, "charge.captured", charge)


def decline_of(charge: Object, **embedded: Object) -> CardDeclined:
    """Returns the refusal that a failed charge stands for."""
    return CardDeclined(
        charge["failure_message"],
        code=charge["failure_code"],
        decline_code=charge["outcome"]["reason"],
        embedded={"charge": charge["id"], **embedded},
    )


def _presented(method: Object, amount: int) -> Object:
    """Returns how a card was used for a charge."""
    own = {name: value for name, value in method["card"].items() if name not in _OF_METHODS_ONLY}
    return {
        **own,
        "amount_authorized": amount,
        "authorization_code": None,
        "extended_authorization": {"status": "disabled"},
        "incremental_authorization": {"status": "unavailable"},
        "installments": None,
        "mandate": None,
        "multicapture": {"status": "unavailable"},
        "network": method["card"]["brand"],
        "network_token": {"used": False},
        "network_transaction_id": None,
        "overcapture": {"maximum_amount_capturable": amount, "status": "unavailable"},
        "three_d_secure": None,
    }


def _decline(world: World, card: Card, intent: Object) -> tuple[str, str]:
    """Returns the decline code ("" for none) and the error code of the next charge."""
    fault = world.declined([intent["customer"], *intent["metadata"].values()])
    if fault is not None:
        return fault, "card_declined"
    asked = world.settings.get("declines", [])
    if asked:
        world.settings["declines"] = asked[1:]
        return asked[0], "card_declined"
    return card.declines, card.code


def _outcome(declines: str) -> Object:
    return {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "declined_by_network" if declines else "approved_by_network",
        "reason": declines or None,
        "risk_level": "normal",
        "risk_score": 12,
        "seller_message": (
            "The bank did not return any further details with this decline."
            if declines
            else "Payment complete."
        ),
        "type": "issuer_declined" if declines else "authorized",
    }


def _book(world: World, source: Object, amount: int, kind: str) -> None:
    transaction = world.create(
        "balance_transaction",
        {
            "amount": amount,
            "available_on": source["created"],
            "balance_type": "payments",
            "created": source["created"],
            "currency": source["currency"],
            "description": source.get("description"),
            "exchange_rate": None,
            "fee": 0,
            "fee_details": [],
            "net": amount,
            "reporting_category": kind,
            "source": source["id"],
            "status": "available",
            "type": kind,
        },
    )
    source["balance_transaction"] = transaction["id"]


def book_refund(world: World, refund: Object) -> None:
    """Notes what a refund took from the account's balance."""
    _book(world, refund, -refund["amount"], "refund")


@extra("charge", "refunds")
def _refunds(world: World, thing: Object) -> Object:
    return lists.of_some(
        world,
        reversed(world.of(thing["id"], "refund")),
        f"/v1/charges/{thing['id']}/refunds",
        ListParameters(),
    )
