"""Refunds: money of a charge given back, in parts if need be, never more than was taken."""

from typing import Final, Literal

from mock_stripe.errors import InvalidRequest
from mock_stripe.resources import charges, work
from mock_stripe.resources.events import emit, updating
from mock_stripe.resources.test_cards import CARDS
from mock_stripe.wire import lists
from mock_stripe.wire.parameters import (
    Amount,
    Created,
    ListParameters,
    Metadata,
    Parameters,
    merged_metadata,
)
from mock_stripe.wire.rendering import references
from mock_stripe.wire.routes import endpoint
from mock_stripe.world.world import Object, World

references(
    "refund",
    {
        "balance_transaction": "balance_transaction",
        "charge": "charge",
        "payment_intent": "payment_intent",
    },
)

_SETTLES_AFTER_SECONDS: Final = 3_600


class CreateRefund(Parameters):
    amount: Amount | None = None
    charge: str | None = None
    metadata: Metadata = {}
    payment_intent: str | None = None
    reason: Literal["duplicate", "fraudulent", "requested_by_customer"] | None = None


class UpdateRefund(Parameters):
    metadata: Metadata = {}


class ListRefunds(ListParameters):
    charge: str | None = None
    created: Created = None
    payment_intent: str | None = None


@endpoint("POST", "/v1/refunds", CreateRefund)
def create(world: World, params: CreateRefund) -> Object:
    """Gives back a charge, or part of it."""
    return refund(
        world,
        _charge_of(world, params),
        params.amount,
        reason=params.reason,
        metadata=merged_metadata({}, params.metadata),
    )


@endpoint("POST", "/v1/refunds/{refund_id}", UpdateRefund)
def update(world: World, params: UpdateRefund, refund_id: str) -> Object:
    """Changes a refund's metadata."""
    thing = world.get(refund_id, "refund")
    with updating(world, thing, "refund.updated"):
        thing["metadata"] = merged_metadata(thing["metadata"], params.metadata)
    return thing


@endpoint("GET", "/v1/refunds", ListRefunds)
def list_all(world: World, params: ListRefunds) -> Object:
    """Lists refunds."""
    return lists.of_kind(
        world,
        "refund",
        "/v1/refunds",
        params,
        lambda thing: lists.fits(params, thing, "charge", "payment_intent"),
    )


@endpoint("GET", "/v1/refunds/{refund_id}", Parameters)
def get(world: World, params: Parameters, refund_id: str) -> Object:
    """Returns a refund."""
    return world.get(refund_id, "refund")


def refund(
    world: World,
    charge: Object,
    amount: int | None,
    *,
    reason: str | None = None,
    metadata: dict[str, str] | None = None,
) -> Object:
    """Gives back an amount (in the smallest coin), or all that is left of a charge.

    Raises:
        InvalidRequest: nothing is left, or less than that.
    """
    if not charge["captured"]:
        raise InvalidRequest(
            f"Charge {charge['id']} was not captured, so there is nothing to refund.",
            param="charge",
        )
    left = charge["amount_captured"] - charge["amount_refunded"]
    if left == 0:
        raise InvalidRequest(
            f"Charge {charge['id']} has already been refunded.",
            code="charge_already_refunded",
            param="charge",
        )
    wanted = left if amount is None else amount
    if not 1 <= wanted <= left:
        raise InvalidRequest(
            f"Refund amount ({wanted}) must be between 1 and the unrefunded amount on the charge"
            f" ({left}).",
            param="amount",
        )
    # How the card's refunds go is known from the start; the failing one looks well for a while.
    later = CARDS[charge["_card"]].refunds
    thing = world.create(
        "refund",
        {
            "amount": wanted,
            "balance_transaction": None,
            "charge": charge["id"],
            "created": world.now,
            "currency": charge["currency"],
            "destination_details": {
                "card": {"reference_status": "pending", "type": "refund"},
                "type": "card",
            },
            "metadata": metadata or {},
            "payment_intent": charge["payment_intent"],
            "reason": reason,
            "receipt_number": None,
            "source_transfer_reversal": None,
            "status": "pending" if later == "pending" else "succeeded",
            "transfer_reversal": None,
        },
    )
    charges.book_refund(world, thing)
    _count(charge, wanted)
    emit(world, "refund.created", thing)
    emit(world, "charge.refunded", charge)
    if later != "succeeded":
        at = world.now + _SETTLES_AFTER_SECONDS
        world.schedule("refund.settle", thing["id"], at, clock=None)
    return thing


@work.action("refund.settle", "refund")
def _settle(world: World, thing: Object) -> None:
    """Ends a refund that took its time."""
    if thing["status"] == "pending":
        with updating(world, thing, "refund.updated"):
            thing["status"] = "succeeded"
        return
    charge = world.get(thing["charge"], "charge")
    thing["status"], thing["failure_reason"] = "failed", "expired_or_canceled_card"
    _count(charge, -thing["amount"])
    emit(world, "refund.failed", thing)


def _count(charge: Object, amount: int) -> None:
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]


def _charge_of(world: World, params: CreateRefund) -> Object:
    if params.charge is not None:
        return world.get(params.charge, "charge", param="charge")
    if params.payment_intent is None:
        raise InvalidRequest(
            "One of the following params should be provided for this request: payment_intent or"
            " charge.",
            code="parameter_missing",
            param="payment_intent",
        )
    intent = world.get(params.payment_intent, "payment_intent", param="payment_intent")
    if intent["status"] != "succeeded":
        raise InvalidRequest(
            f"The PaymentIntent {intent['id']} does not have a successful charge to refund.",
            param="payment_intent",
        )
    return world.get(intent["latest_charge"], "charge")
