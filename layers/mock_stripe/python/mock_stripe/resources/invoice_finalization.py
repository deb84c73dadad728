"""Finalizing invoices: the last word on amounts, a number, and a payment to collect them by."""

from typing import Final

from mock_stripe.errors import InvalidRequest
from mock_stripe.resources import credit_grants, customer_balances, payments, work
from mock_stripe.resources.events import emit
from mock_stripe.resources.invoice_collection import collect
from mock_stripe.resources.invoice_drafts import (
    is_automatic,
    plan,
    refresh_usage,
    settle,
    total_up,
    used_of_balance,
)
from mock_stripe.resources.invoice_settlement import make_uncollectible, make_void, mark_paid
from mock_stripe.wire.rendering import visible
from mock_stripe.world.world import Object, World

DRAFT_SECONDS: Final = 3_600
"""How long an invoice of a renewal stays a draft."""


def finalize_later(world: World, invoice: Object) -> None:
    """Has a draft finalized, and then collected, in an hour."""
    at = world.now_for(invoice["customer"]) + DRAFT_SECONDS
    invoice["automatically_finalizes_at"] = at
    plan(world, invoice, "invoice.finalize", at)


@work.action("invoice.finalize", "invoice")
def _finalize_when_due(world: World, invoice: Object) -> None:
    due = invoice["automatically_finalizes_at"] == world.now_for(invoice["customer"])
    if invoice["status"] != "draft" or not invoice["auto_advance"] or not due:
        return
    if fails_to_finalize(world, invoice) is not None:
        return
    finalize(world, invoice)
    if invoice["status"] != "open":
        return
    if invoice["_pause"] == "void":
        make_void(world, invoice)
    elif invoice["_pause"] == "mark_uncollectible":
        make_uncollectible(world, invoice)
    elif is_automatic(invoice):
        collect(world, invoice)


def fails_to_finalize(world: World, invoice: Object) -> InvalidRequest | None:
    """Returns why a draft stays one, if a test wants that, and counts it down."""
    left = world.settings.get("failing_finalizations", 0)
    if not left:
        return None
    world.settings["failing_finalizations"] = left - 1
    error = InvalidRequest("The invoice cannot be finalized.", code="invoice_not_editable")
    error.keeps_changes = True
    invoice["last_finalization_error"] = error.body()
    invoice["auto_advance"], invoice["automatically_finalizes_at"] = False, None
    emit(world, "invoice.finalization_failed", invoice)
    return error


def finalize(world: World, invoice: Object) -> None:
    """Gives a draft its number and its last word on amounts, and its payment intent if one is due.

    Nothing due: it is paid. A subscription's invoice that is due less than the smallest payment is
    paid, too, and what is due goes onto the customer's balance (§3).
    """
    customer = world.get(invoice["customer"], "customer")
    now = world.now_for(customer["id"])
    refresh_usage(world, invoice)
    settle(world, invoice)
    drawn = credit_grants.draw(world, invoice)
    invoice["total_pretax_credit_amounts"] += [visible(one) for one in drawn]
    total_up(world, invoice)
    for discount in invoice["_discounts"]:
        discount["_used"] = True
    _apply_balance(world, invoice, customer)
    invoice["number"] = f"{customer['invoice_prefix']}-{customer['next_invoice_sequence']:04d}"
    customer["next_invoice_sequence"] += 1
    invoice["status"], invoice["automatically_finalizes_at"] = "open", None
    invoice["effective_at"], invoice["last_finalization_error"] = now, None
    invoice["status_transitions"]["finalized_at"] = now
    if invoice["_days_until_due"] is not None:
        invoice["due_date"] = now + invoice["_days_until_due"] * 86_400
    page = f"https://invoice.stripe.com/i/{invoice['id']}"
    invoice["hosted_invoice_url"], invoice["invoice_pdf"] = page, f"{page}/pdf"
    due = invoice["amount_due"]
    small = (
        invoice["_subscription"] is not None
        and 0 < due < payments.minimum(invoice["currency"])
        and is_automatic(invoice)
    )
    if small:
        customer_balances.change(
            world,
            customer,
            due,
            "invoice_too_small",
            currency=invoice["currency"],
            invoice=invoice["id"],
        )
        invoice["ending_balance"] = customer["balance"]
    if due and not small:
        _want_payment(world, invoice)
    emit(world, "invoice.finalized", invoice)
    if due == 0 or small:
        mark_paid(world, invoice, nothing_taken=True)


def _apply_balance(world: World, invoice: Object, customer: Object) -> None:
    total = invoice["total"]
    # A total below zero is credit for the next invoice.
    change = total if total < 0 else -used_of_balance(total, customer["balance"])
    if change:
        customer_balances.change(
            world,
            customer,
            change,
            "applied_to_invoice",
            currency=invoice["currency"],
            invoice=invoice["id"],
        )
    invoice["_balance_applied"] = change
    invoice["ending_balance"] = customer["balance"]


def _want_payment(world: World, invoice: Object) -> None:
    intent = payments.new(
        world,
        amount=invoice["amount_due"],
        currency=invoice["currency"],
        customer=invoice["customer"],
        description=invoice["description"] or f"Payment for invoice {invoice['number']}",
        invoice=invoice["id"],
    )
    emit(world, "payment_intent.created", intent)
    invoice["_intent"] = intent["id"]
    world.create(
        "invoice_payment",
        {
            "amount_paid": None,
            "amount_requested": invoice["amount_due"],
            "created": world.now_for(invoice["customer"]),
            "currency": invoice["currency"],
            "invoice": invoice["id"],
            "is_default": True,
            "livemode": False,
            "payment": {"payment_intent": intent["id"], "type": "payment_intent"},
            "status": "open",
            "status_transitions": {"canceled_at": None, "paid_at": None},
        },
    )
