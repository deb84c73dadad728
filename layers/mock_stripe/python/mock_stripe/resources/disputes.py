"""Disputes: a holder of a card asks the bank for the money back. Only their events are played."""

from typing import Final, Literal

from mock_stripe.errors import InvalidRequest
from mock_stripe.resources.events import emit
from mock_stripe.wire import lists
from mock_stripe.wire.parameters import Created, ListParameters, Parameters
from mock_stripe.wire.rendering import references
from mock_stripe.wire.routes import endpoint
from mock_stripe.world.world import Object, World

references("dispute", {"charge": "charge", "payment_intent": "payment_intent"})

Reason = Literal[
    "credit_not_processed",
    "duplicate",
    "fraudulent",
    "general",
    "product_not_received",
    "product_unacceptable",
    "subscription_canceled",
    "unrecognized",
]

_DUE_SECONDS: Final = 7 * 86_400


class ListDisputes(ListParameters):
    charge: str | None = None
    created: Created = None
    payment_intent: str | None = None


@endpoint("GET", "/v1/disputes", ListDisputes)
def list_all(world: World, params: ListDisputes) -> Object:
    """Lists disputes."""
    return lists.of_kind(
        world,
        "dispute",
        "/v1/disputes",
        params,
        lambda thing: lists.fits(params, thing, "charge", "payment_intent"),
    )


@endpoint("GET", "/v1/disputes/{dispute}", Parameters)
def get(world: World, params: Parameters, dispute: str) -> Object:
    """Returns a dispute."""
    return world.get(dispute, "dispute")


def begin(
    world: World, charge: Object, *, amount: int | None = None, reason: Reason = "fraudulent"
) -> Object:
    """Has a charge disputed, or part of it (in the smallest coin).

    Raises:
        InvalidRequest: the charge was not captured, is disputed already, or is smaller than that.
    """
    if not charge["captured"]:
        raise InvalidRequest(f"Charge {charge['id']} was not captured.", param="charge")
    if charge["disputed"]:
        raise InvalidRequest(f"Charge {charge['id']} is disputed already.", param="charge")
    disputed = charge["amount_captured"] if amount is None else amount
    if not 1 <= disputed <= charge["amount_captured"]:
        raise InvalidRequest(
            f"The amount must be between 1 and {charge['amount_captured']}, what was charged.",
            param="amount",
        )
    charge["disputed"] = True
    dispute = world.create(
        "dispute",
        {
            "amount": disputed,
            "balance_transactions": [],
            "charge": charge["id"],
            "created": world.now,
            "currency": charge["currency"],
            "enhanced_eligibility_types": [],
            "evidence": {"enhanced_evidence": {}},
            "evidence_details": {
                "due_by": world.now + _DUE_SECONDS,
                "enhanced_eligibility": {},
                "has_evidence": False,
                "past_due": False,
                "submission_count": 0,
                "submission_method": "not_submitted",
            },
            "is_charge_refundable": False,
            "livemode": False,
            "metadata": {},
            "network_reason_code": None,
            "payment_intent": charge["payment_intent"],
            "reason": reason,
            "status": "needs_response",
        },
    )
    emit(world, "charge.dispute.created", dispute)
    return dispute


def end(world: World, dispute: Object, status: Literal["won", "lost"]) -> None:
    """Lets the bank decide.

    Raises:
        InvalidRequest: it has decided already.
    """
    if dispute["status"] in ("won", "lost"):
        raise InvalidRequest(f"The dispute is {dispute['status']} already.", param="status")
    dispute["status"] = status
    emit(world, "charge.dispute.closed", dispute)
