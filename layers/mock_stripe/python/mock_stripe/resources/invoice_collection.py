"""Collecting invoices: attempts, the retries after failed ones, and giving up."""

from typing import Final

from mock_stripe.errors import CardDeclined, InvalidRequest
from mock_stripe.resources import payment_methods, payments, test_cards, work
from mock_stripe.resources.events import emit
from mock_stripe.resources.invoice_drafts import plan
from mock_stripe.resources.invoice_settlement import OnInvoice, mark_paid
from mock_stripe.world.world import Object, World

_RETRY_SECONDS: Final = (2 * 86_400,) * 7
"""Pauses between attempts to collect a renewal: eight tries within two weeks."""

_when_failed: Final[list[OnInvoice]] = []
_when_given_up: Final[list[OnInvoice]] = []


def when_failed(listener: OnInvoice) -> OnInvoice:
    """Registers what is to be told that an attempt to collect an invoice failed."""
    _when_failed.append(listener)
    return listener


def when_given_up(listener: OnInvoice) -> OnInvoice:
    """Registers what is to be told that the last attempt failed."""
    _when_given_up.append(listener)
    return listener


def collect(world: World, invoice: Object) -> None:
    """Attempts to collect an invoice without its customer; a failure is noted, not raised."""
    try:
        attempt(world, invoice, method=None, off_session=True)
    except (CardDeclined, InvalidRequest):
        return


def attempt(
    world: World,
    invoice: Object,
    *,
    method: str | None,
    off_session: bool,
    by_hand: bool = False,
) -> None:
    """Attempts to collect an invoice.

    Raises:
        InvalidRequest: there is nothing to pay with.
        CardDeclined: the payment was refused.
    """
    intent = world.get(invoice["_intent"], "payment_intent")
    chosen = method or _method(world, invoice)
    if chosen is None:
        invoice["attempted"] = True
        invoice["attempt_count"] += 0 if by_hand else 1
        _tell_failure(world, invoice, "invoice.payment_failed", by_hand=by_hand)
        raise _kept(
            InvalidRequest(
                "There is no default_payment_method set on this Customer or Invoice. Please set a"
                " default_payment_method.",
                code="invoice_no_payment_method",
            )
        )
    thing = payment_methods.resolve(world, chosen, param="payment_method")
    if intent["status"] in ("requires_payment_method", "requires_confirmation", "requires_action"):
        intent["payment_method"], intent["status"] = thing["id"], "requires_confirmation"
    invoice["attempted"] = True
    invoice["attempt_count"] += 1
    try:
        payments.confirm(world, intent, off_session=off_session)
    except CardDeclined as declined:
        invoice["_refused_method"] = (
            thing["id"] if declined.decline_code in test_cards.HARD_DECLINES else None
        )
        kind = (
            "invoice.payment_action_required"
            if declined.code == "authentication_required"
            else "invoice.payment_failed"
        )
        _tell_failure(world, invoice, kind, by_hand=by_hand)
        raise
    if intent["status"] == "requires_action":
        emit(world, "invoice.payment_action_required", invoice)
        for listener in _when_failed:
            listener(world, invoice)


@payments.on_change
def _intent_changed(world: World, intent: Object) -> None:
    """An invoice is paid by its intent, whoever confirmed that."""
    if intent["_invoice"] is None or intent["status"] != "succeeded":
        return
    invoice = world.get(intent["_invoice"], "invoice")
    if invoice["status"] in ("open", "uncollectible"):
        mark_paid(world, invoice)


@work.action("invoice.collect", "invoice")
def _collect_when_due(world: World, invoice: Object) -> None:
    due = invoice["next_payment_attempt"] == world.now_for(invoice["customer"])
    if invoice["status"] != "open" or not invoice["auto_advance"] or not due:
        return
    if invoice["_refused_method"] and invoice["_refused_method"] == _method(world, invoice):
        # After a hard decline the schedule goes on, but only a new method is worth an attempt.
        _next_attempt(world, invoice)
        return
    collect(world, invoice)


def _tell_failure(world: World, invoice: Object, kind: str, *, by_hand: bool) -> None:
    if not by_hand and invoice["_subscription"] is not None and invoice["auto_advance"]:
        _next_attempt(world, invoice)
    emit(world, kind, invoice)
    for listener in _when_failed:
        listener(world, invoice)


def _next_attempt(world: World, invoice: Object) -> None:
    """Plans the next attempt, or gives up after the last one."""
    pauses = world.settings.get("retry_seconds", list(_RETRY_SECONDS))
    done = invoice.setdefault("_retries", 0)
    if done >= len(pauses):
        invoice["next_payment_attempt"] = None
        for listener in _when_given_up:
            listener(world, invoice)
        return
    invoice["_retries"] = done + 1
    at = world.now_for(invoice["customer"]) + pauses[done]
    invoice["next_payment_attempt"] = at
    plan(world, invoice, "invoice.collect", at)


def _method(world: World, invoice: Object) -> str | None:
    """Returns what an invoice is paid with: its own, its subscription's, its customer's method."""
    if invoice["default_payment_method"] is not None:
        return str(invoice["default_payment_method"])
    if invoice["_subscription"] is not None:
        subscription = world.get(invoice["_subscription"], "subscription")
        if subscription["default_payment_method"] is not None:
            return str(subscription["default_payment_method"])
    customer = world.get(invoice["customer"], "customer")
    method = customer["invoice_settings"]["default_payment_method"]
    return None if method is None else str(method)


def _kept(error: InvalidRequest) -> InvalidRequest:
    error.keeps_changes = True
    return error
