"""Invoices: drafted, finalized, collected, paid; or void, or given up.

The order on an invoice is: lines, discounts, credit grants, customer balance, amount due (§3).
"""

from collections.abc import Callable, Sequence
from typing import Final, Literal

from pydantic import Field

from mock_stripe.errors import CardDeclined, InvalidRequest
from mock_stripe.resources import (
    coupons,
    credit_grants,
    customer_balances,
    customers,
    invoice_items,
    invoice_lines,
    payment_intents,
    payment_methods,
    test_cards,
    work,
)
from mock_stripe.resources.coupons import GivenDiscount
from mock_stripe.resources.events import emit, updating
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
from mock_stripe.wire.rendering import extra, references, shown, view, visible
from mock_stripe.wire.routes import endpoint
from mock_stripe.world.world import Object, World

DRAFT_SECONDS: Final = 3_600
"""How long an invoice of a renewal stays a draft."""

_MOST_LINES: Final = 250
_FIRST_LINES: Final = 10
_RETRY_SECONDS: Final = (2 * 86_400,) * 7
"""Pauses between attempts to collect a renewal: eight tries within two weeks."""

references(
    "invoice",
    {
        "customer": "customer",
        "default_payment_method": "payment_method",
        "parent.subscription_details.subscription": "subscription",
        "test_clock": "test_helpers.test_clock",
    },
)
references("invoice_payment", {"invoice": "invoice", "payment.payment_intent": "payment_intent"})

OnInvoice = Callable[[World, Object], None]
_when_paid: Final[list[OnInvoice]] = []
_when_failed: Final[list[OnInvoice]] = []
_when_given_up: Final[list[OnInvoice]] = []


def when_paid(listener: OnInvoice) -> OnInvoice:
    """Registers what is to be told that an invoice was paid."""
    _when_paid.append(listener)
    return listener


def when_failed(listener: OnInvoice) -> OnInvoice:
    """Registers what is to be told that an attempt to collect an invoice failed."""
    _when_failed.append(listener)
    return listener


def when_given_up(listener: OnInvoice) -> OnInvoice:
    """Registers what is to be told that the last attempt failed."""
    _when_given_up.append(listener)
    return listener


class CreateInvoice(Parameters):
    customer: str
    auto_advance: Boolean = False
    collection_method: Literal["charge_automatically", "send_invoice"] = "charge_automatically"
    currency: str | None = None
    days_until_due: int | None = Field(None, ge=0)
    default_payment_method: str | None = None
    description: Text = None
    discounts: list[GivenDiscount] = []
    footer: Text = None
    metadata: Metadata = {}
    pending_invoice_items_behavior: Literal["exclude", "include"] = "exclude"
    subscription: str | None = None


class UpdateInvoice(Parameters):
    auto_advance: Boolean | None = None
    default_payment_method: Text = None
    description: Text = None
    footer: Text = None
    metadata: Metadata = {}


class FinalizeInvoice(Parameters):
    auto_advance: Boolean | None = None


class PayInvoice(Parameters):
    forgive: Boolean = False
    off_session: Boolean = True
    paid_out_of_band: Boolean = False
    payment_method: str | None = None


class NewLine(Nested):
    amount: Amount
    description: Text = None
    metadata: Metadata = {}
    period: invoice_items.Period | None = None


class AddLines(Parameters):
    lines: list[NewLine] = Field(min_length=1)


class ListInvoices(ListParameters):
    collection_method: str | None = None
    created: Created = None
    customer: str | None = None
    status: Literal["draft", "open", "paid", "uncollectible", "void"] | None = None
    subscription: str | None = None


class ListInvoicePayments(ListParameters):
    invoice: str | None = None
    status: str | None = None


# --- Endpoints ---------------------------------------------------------------------------------


@endpoint("POST", "/v1/invoices", CreateInvoice)
def create(world: World, params: CreateInvoice) -> Object:
    """Makes a draft by hand, empty unless pending items are included."""
    customer = customers.existing(world, params.customer, param="customer")
    now = world.now_for(params.customer)
    subscription = None
    if params.subscription is not None:
        subscription = world.get(params.subscription, "subscription", param="subscription")
    invoice = new(
        world,
        customer,
        currency=(params.currency or customer["currency"] or "usd").lower(),
        reason="manual",
        subscription=subscription,
        start=now,
        end=now,
    )
    invoice["auto_advance"] = params.auto_advance
    invoice["collection_method"] = params.collection_method
    invoice["description"], invoice["footer"] = params.description, params.footer
    invoice["metadata"] = merged_metadata({}, params.metadata)
    invoice["_discounts"] = coupons.redeem(
        world, params.discounts, start=now, customer=params.customer, subscription=""
    )
    if params.default_payment_method is not None:
        world.get(params.default_payment_method, "payment_method", param="default_payment_method")
        invoice["default_payment_method"] = params.default_payment_method
    if params.collection_method == "send_invoice":
        invoice["_days_until_due"] = params.days_until_due or 0
    if params.pending_invoice_items_behavior == "include":
        add_items(
            world, invoice, invoice_items.waiting(world, params.customer, params.subscription)
        )
    settle(world, invoice)
    emit(world, "invoice.created", invoice)
    if params.auto_advance:
        finalize_later(world, invoice)
    return invoice


@endpoint("POST", "/v1/invoices/{invoice}", UpdateInvoice)
def update(world: World, params: UpdateInvoice, invoice: str) -> Object:
    """Changes an invoice; of one that is final, only what is written beside it."""
    thing = world.get(invoice, "invoice")
    with updating(world, thing, "invoice.updated"):
        for name in ("description", "footer"):
            if params.sent(name):
                require_draft(thing)
                thing[name] = getattr(params, name)
        if params.auto_advance is not None:
            thing["auto_advance"] = params.auto_advance
            if params.auto_advance and thing["status"] == "draft":
                finalize_later(world, thing)
        if params.sent("default_payment_method"):
            thing["default_payment_method"] = params.default_payment_method
        if params.sent("metadata"):
            thing["metadata"] = merged_metadata(thing["metadata"], params.metadata)
    return thing


@endpoint("GET", "/v1/invoices", ListInvoices)
def list_all(world: World, params: ListInvoices) -> Object:
    """Lists invoices."""

    def keep(thing: Object) -> bool:
        return lists.fits(
            params, thing, "customer", "status", "collection_method"
        ) and params.subscription in (None, thing["_subscription"])

    return lists.of_kind(world, "invoice", "/v1/invoices", params, keep)


@endpoint("GET", "/v1/invoices/{invoice}", Parameters)
def get(world: World, params: Parameters, invoice: str) -> Object:
    """Returns an invoice."""
    return world.get(invoice, "invoice")


@endpoint("DELETE", "/v1/invoices/{invoice}", Parameters)
def delete(world: World, params: Parameters, invoice: str) -> Object:
    """Removes a draft that was made by hand; its items wait again."""
    thing = world.get(invoice, "invoice")
    require_draft(thing)
    if thing["_subscription"] is not None:
        raise InvalidRequest("You can only delete draft invoices that were made by hand.")
    for item in world.of(invoice, "invoiceitem"):
        item["invoice"] = None
    emit(world, "invoice.deleted", thing)
    world.delete(thing)
    return {"id": invoice, "object": "invoice", "deleted": True}


@endpoint("GET", "/v1/invoices/{invoice}/lines", ListParameters)
def list_lines(world: World, params: ListParameters, invoice: str) -> Object:
    """Lists an invoice's lines in their order."""
    thing = world.get(invoice, "invoice")
    return lists.of_some(world, thing["_lines"], f"/v1/invoices/{invoice}/lines", params)


@endpoint("POST", "/v1/invoices/{invoice}/add_lines", AddLines)
def add_lines(world: World, params: AddLines, invoice: str) -> Object:
    """Adds amounts to a draft."""
    thing = world.get(invoice, "invoice")
    require_draft(thing)
    made = [
        invoice_items.create(
            world,
            invoice_items.CreateInvoiceItem(
                customer=thing["customer"],
                amount=line.amount,
                currency=thing["currency"],
                description=line.description,
                metadata=line.metadata,
                period=line.period,
            ),
        )
        for line in params.lines
    ]
    add_items(world, thing, made)
    return thing


@endpoint("POST", "/v1/invoices/{invoice}/finalize", FinalizeInvoice)
def finalize_now(world: World, params: FinalizeInvoice, invoice: str) -> Object:
    """Makes a draft final: it gets its number and can be paid."""
    thing = world.get(invoice, "invoice")
    require_draft(thing)
    if params.auto_advance is not None:
        thing["auto_advance"] = params.auto_advance
    finalize(world, thing)
    if thing["status"] == "open" and thing["auto_advance"] and _is_automatic(thing):
        # Collection by itself begins about an hour after a manual finalization.
        at = world.now_for(thing["customer"]) + DRAFT_SECONDS
        thing["next_payment_attempt"] = at
        _schedule(world, thing, "invoice.collect", at)
    return thing


@endpoint("POST", "/v1/invoices/{invoice}/pay", PayInvoice)
def pay(world: World, params: PayInvoice, invoice: str) -> Object:
    """Collects an invoice now. A decline is a 402 and leaves it open."""
    thing = world.get(invoice, "invoice")
    if thing["status"] == "paid":
        raise InvalidRequest("Invoice is already paid", code="invoice_already_paid")
    if thing["status"] == "void":
        raise InvalidRequest("This invoice is void and cannot be paid.")
    if thing["status"] == "draft":
        finalize(world, thing)
        if thing["status"] == "paid":
            return thing
    if params.paid_out_of_band:
        mark_paid(world, thing, out_of_band=True)
        return thing
    attempt(
        world,
        thing,
        method=params.payment_method,
        off_session=params.off_session,
        by_hand=True,
    )
    return thing


@endpoint("POST", "/v1/invoices/{invoice}/send", Parameters)
def send(world: World, params: Parameters, invoice: str) -> Object:
    """Says that an invoice was sent; the double sends no mail."""
    thing = world.get(invoice, "invoice")
    if thing["status"] == "draft":
        finalize(world, thing)
    emit(world, "invoice.sent", thing)
    return thing


@endpoint("POST", "/v1/invoices/{invoice}/void", Parameters)
def void(world: World, params: Parameters, invoice: str) -> Object:
    """Takes a final invoice back as if it had never been."""
    thing = world.get(invoice, "invoice")
    if thing["status"] not in ("open", "uncollectible"):
        raise InvalidRequest(
            f"You can only void finalized invoices that are not paid; this one is"
            f" {thing['status']}.",
            code="invoice_not_editable",
        )
    make_void(world, thing)
    return thing


@endpoint("POST", "/v1/invoices/{invoice}/mark_uncollectible", Parameters)
def mark_uncollectible(world: World, params: Parameters, invoice: str) -> Object:
    """Gives an open invoice up as a bad debt."""
    thing = world.get(invoice, "invoice")
    if thing["status"] != "open":
        raise InvalidRequest(f"This invoice is {thing['status']}, not open.")
    thing["status"], thing["auto_advance"] = "uncollectible", False
    thing["status_transitions"]["marked_uncollectible_at"] = world.now_for(thing["customer"])
    emit(world, "invoice.marked_uncollectible", thing)
    return thing


@endpoint("GET", "/v1/invoice_payments", ListInvoicePayments)
def list_payments(world: World, params: ListInvoicePayments) -> Object:
    """Lists payments of invoices."""
    return lists.of_kind(
        world,
        "invoice_payment",
        "/v1/invoice_payments",
        params,
        lambda one: lists.fits(params, one, "invoice", "status"),
    )


@endpoint("GET", "/v1/invoice_payments/{payment}", Parameters)
def get_payment(world: World, params: Parameters, payment: str) -> Object:
    """Returns a payment of an invoice."""
    return world.get(payment, "invoice_payment")


@view("invoice")
def _view(world: World, thing: Object) -> Object:
    """Adds the first lines and what follows from the rest."""
    first = thing["_lines"][:_FIRST_LINES]
    url = f"/v1/invoices/{thing['id']}/lines"
    return {
        "discounts": [one["id"] for one in thing["_discounts"]],
        "lines": {
            **lists.listed(
                [shown(world, line) for line in first],
                url,
                has_more=len(thing["_lines"]) > len(first),
            ),
            "total_count": len(thing["_lines"]),
        },
    }


@view("line_item")
def _line_view(world: World, line: Object) -> Object:
    return {
        "pretax_credit_amounts": [
            *[{**one, "type": "discount"} for one in line["discount_amounts"]],
            *[visible(one) for one in line["pretax_credit_amounts"]],
        ]
    }


@extra("invoice", "payments")
def _payments(world: World, thing: Object) -> Object:
    return lists.of_some(
        world,
        reversed(world.of(thing["id"], "invoice_payment")),
        f"/v1/invoice_payments?invoice={thing['id']}",
        ListParameters(),
    )


# --- Making ------------------------------------------------------------------------------------


def new(
    world: World,
    customer: Object,
    *,
    currency: str,
    reason: str,
    subscription: Object | None,
    start: int,
    end: int,
) -> Object:
    """Adds an empty draft. `start` and `end` bound which pending items may join it."""
    now = world.now_for(customer["id"])
    parent = None
    if subscription is not None:
        parent = {
            "quote_details": None,
            "subscription_details": {
                "metadata": dict(subscription["metadata"]),
                "subscription": subscription["id"],
            },
            "type": "subscription_details",
        }
    return world.create(
        "invoice",
        {
            "account_country": "US",
            "account_name": "Backbeat",
            "account_tax_ids": None,
            "amount_due": 0,
            "amount_overpaid": 0,
            "amount_paid": 0,
            "amount_remaining": 0,
            "amount_shipping": 0,
            "application": None,
            "attempt_count": 0,
            "attempted": False,
            "auto_advance": True,
            "automatic_tax": {
                "disabled_reason": None,
                "enabled": False,
                "liability": None,
                "provider": None,
                "status": None,
            },
            "automatically_finalizes_at": None,
            "billing_reason": reason,
            "collection_method": "charge_automatically",
            "created": now,
            "currency": currency,
            "custom_fields": None,
            "customer": customer["id"],
            "customer_address": customer["address"],
            "customer_email": customer["email"],
            "customer_name": customer["name"],
            "customer_phone": customer["phone"],
            "customer_shipping": customer["shipping"],
            "customer_tax_exempt": "none",
            "customer_tax_ids": [],
            "default_payment_method": None,
            "default_source": None,
            "default_tax_rates": [],
            "description": None,
            "due_date": None,
            "effective_at": None,
            "ending_balance": None,
            "footer": None,
            "from_invoice": None,
            "hosted_invoice_url": None,
            "invoice_pdf": None,
            "issuer": {"type": "self"},
            "last_finalization_error": None,
            "latest_revision": None,
            "livemode": False,
            "metadata": {},
            "next_payment_attempt": None,
            "number": None,
            "on_behalf_of": None,
            "parent": parent,
            "payment_settings": {
                "default_mandate": None,
                "payment_method_options": None,
                "payment_method_types": None,
            },
            "period_end": end,
            "period_start": start,
            "post_payment_credit_notes_amount": 0,
            "pre_payment_credit_notes_amount": 0,
            "receipt_number": None,
            "rendering": None,
            "shipping_cost": None,
            "shipping_details": None,
            "starting_balance": 0,
            "statement_descriptor": None,
            "status": "draft",
            "status_transitions": {
                "finalized_at": None,
                "marked_uncollectible_at": None,
                "paid_at": None,
                "voided_at": None,
            },
            "subtotal": 0,
            "subtotal_excluding_tax": 0,
            "test_clock": customer["test_clock"],
            "total": 0,
            "total_discount_amounts": [],
            "total_excluding_tax": 0,
            "total_pretax_credit_amounts": [],
            "total_taxes": [],
            "webhooks_delivered_at": None,
            "_subscription": None if subscription is None else subscription["id"],
            "_lines": [],
            "_discounts": [],
            "_days_until_due": None,
            "_balance_applied": 0,
            "_intent": None,
            "_refused_method": None,
            "_finish": None,
        },
    )


def add_items(world: World, invoice: Object, items: Sequence[Object]) -> None:
    """Puts pending items on a draft."""
    for item in items:
        item["invoice"] = invoice["id"]
        add(invoice, [invoice_lines.of_pending(world, item)])
    settle(world, invoice)


def add(invoice: Object, lines: Sequence[Object]) -> None:
    """Puts lines on a draft.

    Raises:
        InvalidRequest: there would be more than 250.
    """
    if len(invoice["_lines"]) + len(lines) > _MOST_LINES:
        raise InvalidRequest(f"An invoice can have at most {_MOST_LINES} lines.")
    for line in lines:
        line["invoice"] = invoice["id"]
        invoice["_lines"].append(line)


def settle(world: World, invoice: Object) -> None:
    """Works out a draft's totals, as they would be if it were finalized now but for credits."""
    lines = invoice["_lines"]
    invoice["subtotal"] = sum(line["amount"] for line in lines)
    taken = coupons.apply(invoice["_discounts"], lines)
    for line in lines:
        line["pretax_credit_amounts"] = []
    invoice["total_discount_amounts"] = taken
    invoice["total_pretax_credit_amounts"] = [{**one, "type": "discount"} for one in taken]
    _total(world, invoice)


def _total(world: World, invoice: Object) -> None:
    """Adds up what is left after discounts and credits, then after the customer's balance."""
    off = sum(one["amount"] for one in invoice["total_pretax_credit_amounts"])
    invoice["total"] = invoice["subtotal"] - off
    invoice["total_excluding_tax"] = invoice["total"]
    invoice["subtotal_excluding_tax"] = invoice["subtotal"]
    balance = world.get(invoice["customer"], "customer")["balance"]
    invoice["starting_balance"] = balance
    invoice["amount_due"] = max(0, invoice["total"] + _applied(invoice["total"], balance))
    invoice["amount_remaining"] = invoice["amount_due"]


def _applied(total: int, balance: int) -> int:
    """Returns how a balance changes what is due: credit lowers it, never below nothing."""
    if total <= 0:
        return 0
    return max(balance, -total)


# --- Finalizing --------------------------------------------------------------------------------


def finalize_later(world: World, invoice: Object) -> None:
    """Has a draft finalized, and then collected, in an hour."""
    at = world.now_for(invoice["customer"]) + DRAFT_SECONDS
    invoice["automatically_finalizes_at"] = at
    _schedule(world, invoice, "invoice.finalize", at)


@work.action("invoice.finalize", "invoice")
def _finalize_when_due(world: World, invoice: Object) -> None:
    due = invoice["automatically_finalizes_at"] == world.now_for(invoice["customer"])
    if invoice["status"] != "draft" or not invoice["auto_advance"] or not due:
        return
    finalize(world, invoice)
    if invoice["status"] == "open" and _is_automatic(invoice):
        collect(world, invoice)


def finalize(world: World, invoice: Object) -> None:
    """Gives a draft its number and its last word on amounts, and its payment intent if one is due.

    Nothing due: it is paid. A subscription's invoice that is due less than the smallest payment is
    paid, too, and what is due goes onto the customer's balance (§3).
    """
    from mock_stripe.resources import cycles

    customer = world.get(invoice["customer"], "customer")
    now = world.now_for(customer["id"])
    cycles.refresh_usage(world, invoice)
    settle(world, invoice)
    drawn = credit_grants.draw(world, customer["id"], invoice["currency"], invoice["_lines"])
    invoice["total_pretax_credit_amounts"] += [visible(one) for one in drawn]
    _total(world, invoice)
    for discount in invoice["_discounts"]:
        discount["_used"] = True
    _apply_balance(world, invoice, customer)
    invoice["number"] = f"{customer['invoice_prefix']}-{customer['next_invoice_sequence']:04d}"
    customer["next_invoice_sequence"] += 1
    invoice["status"], invoice["automatically_finalizes_at"] = "open", None
    invoice["effective_at"] = now
    invoice["status_transitions"]["finalized_at"] = now
    if invoice["_days_until_due"] is not None:
        invoice["due_date"] = now + invoice["_days_until_due"] * 86_400
    page = f"https://invoice.stripe.com/i/{invoice['id']}"
    invoice["hosted_invoice_url"], invoice["invoice_pdf"] = page, f"{page}/pdf"
    due = invoice["amount_due"]
    small = (
        invoice["_subscription"] is not None
        and 0 < due < payment_intents.minimum(invoice["currency"])
        and _is_automatic(invoice)
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
    change = total if total < 0 else -_applied(total, customer["balance"])
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
    intent = payment_intents.new(
        world,
        amount=invoice["amount_due"],
        currency=invoice["currency"],
        customer=invoice["customer"],
        description=invoice["description"] or f"Payment for invoice {invoice['number']}",
        invoice=invoice["id"],
    )
    emit(world, "payment_intent.created", intent)
    invoice["_intent"] = intent["id"]
    invoice["confirmation_secret"] = {
        "client_secret": intent["client_secret"],
        "type": "payment_intent",
    }
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


# --- Collecting --------------------------------------------------------------------------------


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
        payment_intents.confirm(world, intent, off_session=off_session)
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


@payment_intents.on_change
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


def make_void(world: World, invoice: Object) -> None:
    """Takes a final invoice back: its payment, the balance it used, the credits it drew."""
    now = world.now_for(invoice["customer"])
    if invoice["_intent"] is not None:
        intent = world.get(invoice["_intent"], "payment_intent")
        if intent["status"] not in ("succeeded", "canceled"):
            payment_intents.give_up(world, intent, "void_invoice")
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
    credit_grants.give_back(world, invoice["_lines"])
    invoice["status"], invoice["auto_advance"] = "void", False
    invoice["next_payment_attempt"] = None
    invoice["status_transitions"]["voided_at"] = now
    emit(world, "invoice.voided", invoice)


def require_draft(invoice: Object) -> None:
    """Raises InvalidRequest unless an invoice can still be changed."""
    if invoice["status"] != "draft":
        raise InvalidRequest(
            f"Finalized invoices can't be changed in this way; this one is {invoice['status']}.",
            code="invoice_not_editable",
        )


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
    _schedule(world, invoice, "invoice.collect", at)


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


def _is_automatic(invoice: Object) -> bool:
    return bool(invoice["collection_method"] == "charge_automatically")


def _schedule(world: World, invoice: Object, action: str, at: int) -> None:
    customer = world.get(invoice["customer"], "customer")
    world.schedule(action, invoice["id"], at, clock=customer["test_clock"])


def _kept(error: InvalidRequest) -> InvalidRequest:
    error.keeps_changes = True
    return error
