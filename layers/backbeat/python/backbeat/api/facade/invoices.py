"""Invoices of the facade, in dollars: what the engine bills, and how far it is paid."""

from datetime import timedelta
from decimal import Decimal
from typing import Final

from backbeat.api.facade import contracts as agreements_of
from backbeat.api.facade import plans
from backbeat.api.requests import parse
from backbeat.api.schemas.contract_edits import EditContract
from backbeat.api.schemas.facade import CreateFacadeInvoice
from backbeat.api.views.times import optional, present, timestamp
from backbeat.application import contract_edits, customers, invoices
from backbeat.application.facade import agreements, collections
from backbeat.application.services import Call
from backbeat.models.collections import CollectionState
from backbeat.models.customers import Customer
from backbeat.models.errors import Conflict, InvalidArgument, NotFound
from backbeat.models.invoices import Invoice, InvoiceStatus

_DUE_AFTER: Final = timedelta(days=30)
_CENTS: Final = 100
_USD: Final = "USD (cents)"


def create(call: Call, body: CreateFacadeInvoice) -> Invoice:
    """Bills an amount on a contract, now.

    Raises:
        NotFound: the contract is not one of the customer's.
        Conflict: the contract is over.
    """
    contract = agreements_of.get(call, body.contract_id)
    if contract.customer_id != body.customer_id:
        raise NotFound("contract", body.contract_id)
    at = max(agreements.hour_of(call.now), contract.starting_at)
    if contract.ending_before is not None and contract.ending_before <= at:
        raise Conflict("contract_id: the contract is over", conflicting_id=contract.id)
    if body.amount == 0:
        raise InvalidArgument("amount: must be more than zero")
    product = plans.shelf(call).charge_product_id
    charges = [
        {
            "product_id": product,
            "name": line.description,
            "schedule": {
                "schedule_items": [
                    {
                        "timestamp": at.isoformat(),
                        "unit_price": line.amount * _CENTS,
                        "quantity": 1,
                    }
                ]
            },
        }
        for line in body.lines()
        if line.amount
    ]
    edit = contract_edits.change(
        call,
        body.customer_id,
        contract.id,
        parse(
            {
                "customer_id": body.customer_id,
                "contract_id": contract.id,
                "add_scheduled_charges": charges,
            },
            EditContract,
        ).to_changes(),
    )
    billed = {charge.id for charge in edit.add_scheduled_charges}
    for invoice in of_customer(call, customers.get(call, body.customer_id)):
        if billed & {line.scheduled_charge_id for line in invoice.line_items}:
            return invoice
    raise NotFound("invoice", ", ".join(sorted(billed)))


def of_customer(call: Call, customer: Customer) -> list[Invoice]:
    """Returns a customer's invoices in dollars, drafts too."""
    return [one for one in invoices.listed(call, customer) if one.credit_type.name == _USD]


def get(call: Call, invoice_id: str) -> Invoice:
    """Returns an invoice.

    Raises:
        NotFound: no invoice has the id.
    """
    return invoices.locate(call, invoice_id)


def view(call: Call, invoice: Invoice) -> dict[str, object]:
    """Returns an invoice as the facade shows it, with both its states."""
    collection = collections.of_invoice(call, invoice.id)
    return {
        "id": invoice.id,
        "customer_id": invoice.customer_id,
        "contract_id": invoice.contract_id,
        "amount": _dollars(invoice.total),
        "currency": "USD",
        "status": _status(invoice, None if collection is None else collection.state),
        "billing_status": invoice.status.value,
        "due_date": timestamp(invoice.issued_at + _DUE_AFTER),
        "created_at": timestamp(invoice.issued_at),
        "line_items": [
            {"description": line.name, "amount": _dollars(line.total)}
            for line in invoice.line_items
        ],
        **present(
            payment_status=None if collection is None else collection.state.value,
            stripe_invoice_id=None if collection is None else collection.stripe_invoice_id,
            paid_at=None
            if collection is None or collection.state is not CollectionState.PAID
            else optional(collection.updated_at),
        ),
    }


def _status(invoice: Invoice, collected: CollectionState | None) -> str:
    if invoice.status is InvoiceStatus.VOID:
        return "void"
    if invoice.status is InvoiceStatus.DRAFT:
        return "draft"
    if collected is CollectionState.PAID or invoice.total <= 0:
        return "paid"
    return "uncollectible" if collected is CollectionState.UNCOLLECTED else "open"


def _dollars(cents: Decimal) -> Decimal:
    return cents / _CENTS
