"""Invoices: drafted, finalized, collected, paid; or void, or given up."""

from typing import Final

from mock_stripe.errors import InvalidRequest
from mock_stripe.resources import coupons, customers, invoice_items
from mock_stripe.resources.events import emit, updating
from mock_stripe.resources.invoice_collection import attempt
from mock_stripe.resources.invoice_drafts import (
    add_items,
    is_automatic,
    new,
    plan,
    require_draft,
    settle,
)
from mock_stripe.resources.invoice_finalization import (
    DRAFT_SECONDS,
    fails_to_finalize,
    finalize,
    finalize_later,
)
from mock_stripe.resources.invoice_parameters import (
    AddLines,
    CreateInvoice,
    FinalizeInvoice,
    ListInvoicePayments,
    ListInvoices,
    PayInvoice,
    UpdateInvoice,
)
from mock_stripe.resources.invoice_settlement import make_uncollectible, make_void, mark_paid
from mock_stripe.wire import lists
from mock_stripe.wire.parameters import ListParameters, Parameters, merged_metadata
from mock_stripe.wire.rendering import extra, references, shown, view, visible
from mock_stripe.wire.routes import endpoint
from mock_stripe.world.world import Object, World

_FIRST_LINES: Final = 10

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
        currency=params.currency or customer["currency"] or "usd",
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
    error = fails_to_finalize(world, thing)
    if error is not None:
        raise error
    finalize(world, thing)
    if thing["status"] == "open" and thing["auto_advance"] and is_automatic(thing):
        # Collection by itself begins about an hour after a manual finalization.
        at = world.now_for(thing["customer"]) + DRAFT_SECONDS
        thing["next_payment_attempt"] = at
        plan(world, thing, "invoice.collect", at)
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
    make_uncollectible(world, thing)
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


@extra("invoice", "confirmation_secret")
def _confirmation_secret(world: World, thing: Object) -> Object | None:
    """Returns what a customer's browser confirms the payment with, as long as there is one."""
    invoice = world.find(thing["id"], "invoice")
    if invoice is None or invoice["_intent"] is None:
        return None
    intent = world.get(invoice["_intent"], "payment_intent")
    return {"client_secret": intent["client_secret"], "type": "payment_intent"}


@extra("invoice", "payments")
def _payments(world: World, thing: Object) -> Object:
    return lists.of_some(
        world,
        reversed(world.of(thing["id"], "invoice_payment")),
        f"/v1/invoice_payments?invoice={thing['id']}",
        ListParameters(),
    )
