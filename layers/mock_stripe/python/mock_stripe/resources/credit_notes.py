"""Credit notes: what is taken back of an invoice that is final."""

from typing import Literal

from pydantic import Field

from mock_stripe.errors import InvalidRequest
from mock_stripe.resources import customer_balances, invoice_settlement, refunds
from mock_stripe.resources.events import emit, updating
from mock_stripe.wire import lists
from mock_stripe.wire.parameters import (
    Amount,
    Created,
    ListParameters,
    Metadata,
    Parameters,
    Text,
    merged_metadata,
)
from mock_stripe.wire.rendering import references, shown
from mock_stripe.wire.routes import endpoint
from mock_stripe.world.world import Object, World

references("credit_note", {"customer": "customer", "invoice": "invoice"})


class CreateCreditNote(Parameters):
    invoice: str
    amount: Amount = Field(ge=1)
    credit_amount: Amount | None = Field(None, ge=0)
    memo: Text = None
    metadata: Metadata = {}
    out_of_band_amount: Amount | None = Field(None, ge=0)
    reason: Literal["duplicate", "fraudulent", "order_change", "product_unsatisfactory"] | None = (
        None
    )
    refund_amount: Amount | None = Field(None, ge=0)


class UpdateCreditNote(Parameters):
    memo: Text = None
    metadata: Metadata = {}


class ListCreditNotes(ListParameters):
    created: Created = None
    customer: str | None = None
    invoice: str | None = None


@endpoint("POST", "/v1/credit_notes", CreateCreditNote)
def create(world: World, params: CreateCreditNote) -> Object:
    """Lowers what is due on an open invoice, or gives back what was paid on a settled one."""
    invoice = world.get(params.invoice, "invoice", param="invoice")
    if invoice["status"] not in ("open", "paid"):
        raise InvalidRequest(
            f"Credit notes are for open and paid invoices; this one is {invoice['status']}.",
            param="invoice",
        )
    credited = sum(
        one["amount"] for one in world.of(invoice["id"], "credit_note") if one["status"] == "issued"
    )
    left = invoice["total"] - credited
    if invoice["status"] == "open":
        left = min(left, invoice["amount_remaining"])
    if params.amount > left:
        raise InvalidRequest(
            f"The credit note's amount ({params.amount}) is more than what remains of the invoice"
            f" ({left}).",
            param="amount",
        )
    note = _new(world, invoice, params)
    if invoice["status"] == "open":
        _lower(world, invoice, params)
    else:
        _give_back(world, invoice, note, params)
    emit(world, "credit_note.created", note)
    return note


@endpoint("GET", "/v1/credit_notes", ListCreditNotes)
def list_all(world: World, params: ListCreditNotes) -> Object:
    """Lists credit notes."""
    return lists.of_kind(
        world,
        "credit_note",
        "/v1/credit_notes",
        params,
        lambda one: lists.fits(params, one, "customer", "invoice"),
    )


@endpoint("GET", "/v1/credit_notes/preview", CreateCreditNote)
def preview(world: World, params: CreateCreditNote) -> Object:
    """Returns the credit note that would be made, by making it in a transaction thrown away."""
    note = shown(world, create(world, params))
    world.discard()
    return note


@endpoint("POST", "/v1/credit_notes/{note}", UpdateCreditNote)
def update(world: World, params: UpdateCreditNote, note: str) -> Object:
    """Changes what is written on a credit note."""
    thing = world.get(note, "credit_note")
    with updating(world, thing, "credit_note.updated"):
        if params.sent("memo"):
            thing["memo"] = params.memo
        if params.sent("metadata"):
            thing["metadata"] = merged_metadata(thing["metadata"], params.metadata)
    return thing


@endpoint("POST", "/v1/credit_notes/{note}/void", Parameters)
def void(world: World, params: Parameters, note: str) -> Object:
    """Takes a credit note back while its invoice is open: what it lowered is due again."""
    thing = world.get(note, "credit_note")
    invoice = world.get(thing["invoice"], "invoice")
    if thing["status"] == "void" or invoice["status"] != "open":
        raise InvalidRequest(
            "You can only void a credit note that is issued, on an invoice that is open;"
            f" this one is {thing['status']}, and its invoice {invoice['status']}."
        )
    thing["status"] = "void"
    thing["voided_at"] = world.now_for(invoice["customer"])
    invoice["pre_payment_credit_notes_amount"] -= thing["amount"]
    _change_due(world, invoice, thing["amount"])
    emit(world, "credit_note.voided", thing)
    return thing


@endpoint("GET", "/v1/credit_notes/{note}", Parameters)
def get(world: World, params: Parameters, note: str) -> Object:
    """Returns a credit note."""
    return world.get(note, "credit_note")


def _lower(world: World, invoice: Object, params: CreateCreditNote) -> None:
    for name in ("credit_amount", "refund_amount", "out_of_band_amount"):
        if getattr(params, name):
            raise InvalidRequest("This invoice is open: nothing was paid yet.", param=name)
    invoice["pre_payment_credit_notes_amount"] += params.amount
    _change_due(world, invoice, -params.amount)
    if invoice["amount_remaining"] == 0:
        invoice_settlement.mark_paid(world, invoice, nothing_taken=True)


def _change_due(world: World, invoice: Object, by: int) -> None:
    invoice["amount_due"] += by
    invoice["amount_remaining"] += by
    intent = world.find(invoice["_intent"], "payment_intent")
    if not invoice["amount_remaining"] or intent is None:
        return
    intent["amount"] = invoice["amount_remaining"]
    for payment in world.of(invoice["id"], "invoice_payment"):
        if payment["status"] == "open":
            payment["amount_requested"] = invoice["amount_remaining"]


def _give_back(world: World, invoice: Object, note: Object, params: CreateCreditNote) -> None:
    ways = (params.credit_amount or 0, params.refund_amount or 0, params.out_of_band_amount or 0)
    if sum(ways) != params.amount:
        raise InvalidRequest(
            "The sum of credit amount, refund amount and out of band amount"
            f" ({sum(ways)}) must equal the credit note's amount ({params.amount}).",
            param="amount",
        )
    credit, refund, _ = ways
    invoice["post_payment_credit_notes_amount"] += params.amount
    if refund:
        intent = world.get(invoice["_intent"], "payment_intent")
        charge = world.get(intent["latest_charge"], "charge")
        made = refunds.refund(world, charge, refund)
        note["refunds"] = [{"amount_refunded": refund, "refund": made["id"]}]
    if credit:
        transaction = customer_balances.change(
            world,
            world.get(invoice["customer"], "customer"),
            -credit,
            "credit_note",
            currency=invoice["currency"],
            credit_note=note["id"],
        )
        note["customer_balance_transaction"] = transaction["id"]


def _new(world: World, invoice: Object, params: CreateCreditNote) -> Object:
    now = world.now_for(invoice["customer"])
    number = len(world.of(invoice["id"], "credit_note")) + 1
    before = invoice["status"] == "open"
    return world.create(
        "credit_note",
        {
            "amount": params.amount,
            "amount_shipping": 0,
            "created": now,
            "currency": invoice["currency"],
            "customer": invoice["customer"],
            "customer_account": None,
            "customer_balance_transaction": None,
            "discount_amount": 0,
            "discount_amounts": [],
            "effective_at": now,
            "invoice": invoice["id"],
            "lines": {
                "data": [],
                "has_more": False,
                "object": "list",
                "url": "/v1/credit_notes/lines",
            },
            "livemode": False,
            "memo": params.memo,
            "metadata": merged_metadata({}, params.metadata),
            "number": f"{invoice['number']}-CN-{number:02d}",
            "out_of_band_amount": params.out_of_band_amount,
            "pdf": f"https://invoice.stripe.com/cn/{invoice['id']}/{number}",
            "post_payment_amount": 0 if before else params.amount,
            "pre_payment_amount": params.amount if before else 0,
            "pretax_credit_amounts": [],
            "reason": params.reason,
            "refunds": [],
            "shipping_cost": None,
            "status": "issued",
            "subtotal": params.amount,
            "subtotal_excluding_tax": params.amount,
            "total": params.amount,
            "total_excluding_tax": params.amount,
            "total_taxes": [],
            "type": "pre_payment" if before else "post_payment",
            "voided_at": None,
        },
    )
