"""Reading invoices: stored ones, and drafts of the periods that are not finalized."""

from backbeat.application import billing, drafts
from backbeat.application.services import Call
from backbeat.domain import invoicing
from backbeat.models.customers import Customer
from backbeat.models.errors import NotFound
from backbeat.models.invoices import Invoice
from backbeat.persistence import invoices


def of_customer(call: Call, customer: Customer) -> list[Invoice]:
    """Returns all of a customer's invoices, drafts included, by issue date."""
    # The periods are read before the invoices: one finalized in between shows up as stored.
    awaiting = list(billing.periods_awaiting(call, customer.id))
    stored = list(invoices.of_customer(call.store, call.tenant, customer.id))
    known = {invoice.id for invoice in stored}
    computed = [
        drafts.assemble(call, contract, customer, period)
        for contract, period in awaiting
        if invoicing.usage_invoice_id(contract.id, period) not in known
    ]
    return sorted([*stored, *computed], key=lambda invoice: (invoice.issued_at, invoice.id))


def get(call: Call, customer: Customer, invoice_id: str) -> Invoice:
    """Returns one invoice of a customer.

    Raises:
        NotFound: the customer has no invoice of that id.
    """
    awaiting = billing.periods_awaiting(call, customer.id)
    stored = invoices.find(call.store, call.tenant, customer.id, invoice_id)
    if stored is not None:
        return stored
    for contract, period in awaiting:
        if invoicing.usage_invoice_id(contract.id, period) == invoice_id:
            return drafts.assemble(call, contract, customer, period)
    raise NotFound("invoice", invoice_id)
