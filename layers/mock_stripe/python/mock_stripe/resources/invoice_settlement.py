"""How invoices end: paid in one way or another, or void as if they had never been."""

from collections.abc import Callable
from typing import Final

from mock_stripe.resources import credit_grants, customer_balances, payments
from mock_stripe.resources.events import emit
from mock_stripe.world.world import Object, World

OnInvoice = Callable[[World, Object], None]
_when_paid: Final[list[OnInvoice]] = []


def when_paid(listener: OnInvoice) -> OnInvoice:
    """Registers what is to be told that an invoice was paid."""
    _when_paid.append(listener)
    return listener


def mark_paid(
    world: World, invoice: Object, *, out_of_band: bool = False, nothing_taken: bool = False
) -> None:
    """Notes that an invoice is settled, and how."""
    now = world.now_for(invoice["customer"])
    invoice["status"], invoice["auto_advance"] = "paid", False
    invoice["next_payment_attempt"] = None
    invoice["status_transitions"]["paid_at"] = now
    invoice["attempted"] = True
    if not nothing_taken:
        invoice["amount_paid"] = 0 if out_of_band else invoice["amount_due"]
        if out_of_band:
            invoice["amount_paid_off_stripe"] = invoice["amount_due"]
    invoice["amount_remaining"] = 0
    for payment in world.of(invoice["id"], "invoice_payment"):
        if payment["status"] == "open" and not out_of_band:
            payment["status"], payment["amount_paid"] = "paid", payment["amount_requested"]
            payment["status_transitions"]["paid_at"] = now
            emit(world, "invoice_payment.paid", payment)
    emit(world, "invoice.paid", invoice)
    if not out_of_band:
        emit(world, "invoice.payment_succeeded", invoice)
    for listener in _when_paid:
        listener(world, invoice)


def make_uncollectible(world: World, invoice: Object) -> None:
    """Gives an open invoice up as a bad debt."""
    invoice["status"], invoice["auto_advance"] = "uncollectible", False
    invoice["next_payment_attempt"] = None
    invoice["status_transitions"]["marked_uncollectible_at"] = world.now_for(invoice["customer"])
    emit(world, "invoice.marked_uncollectible", invoice)


def make_void(world: World, invoice: Object) -> None:
    """Takes a final invoice back: its payment, the balance it used, the credits it drew."""
    now = world.now_for(invoice["customer"])
    if invoice["_intent"] is not None:
        intent = world.get(invoice["_intent"], "payment_intent")
        if intent["status"] not in ("succeeded", "canceled"):
            payments.give_up(world, intent, "void_invoice")
        for payment in world.of(invoice["id"], "invoice_payment"):
            payment["status"] = "canceled"
            payment["status_transitions"]["canceled_at"] = now
    if invoice["_balance_applied"]:
        customer_balances.change(
            world,
            world.get(invoice["customer"], "customer"),
            -invoice["_balance_applied"],
            "unapplied_from_invoice",
            currency=invoice["currency"],
            invoice=invoice["id"],
        )
        invoice["_balance_applied"] = 0
    credit_grants.give_back(world, invoice)
    invoice["status"], invoice["auto_advance"] = "void", False
    invoice["next_payment_attempt"] = None
    invoice["status_transitions"]["voided_at"] = now
    emit(world, "invoice.voided", invoice)
