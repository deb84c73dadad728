"""The invoices of everybody, a page of customers at a time."""

from dataclasses import dataclass, field

from backbeat.application import consolidated_invoices, customers
from backbeat.application import invoices as billing
from backbeat.application.services import Call
from backbeat.models.customers import Customer
from backbeat.models.errors import BackbeatError, Retryable
from backbeat.models.invoices import Invoice, InvoiceStatus
from backbeat.persistence import invoices


@dataclass(slots=True)
class EveryInvoice:
    """Invoices, each customer's together, and whose drafts cannot be computed, with the reason."""

    found: list[tuple[Customer, Invoice]] = field(default_factory=list)
    failed: list[tuple[Customer, str]] = field(default_factory=list)


def page(
    call: Call, status: InvoiceStatus | None, *, limit: int, cursor: str | None
) -> tuple[EveryInvoice, str | None]:
    """Returns invoices of a status, or all, of a page of customers, and the next page's cursor.

    Archived customers are among them. Of whom cannot be rated the stored invoices are returned.
    """
    some, next_cursor = customers.page_of_all(call, limit=limit, cursor=cursor)
    every = EveryInvoice()
    for customer in some:
        found = _of_customer(call, customer, status, every)
        every.found += [(customer, one) for one in found if status in (None, one.status)]
    return every, next_cursor


def _of_customer(
    call: Call, customer: Customer, status: InvoiceStatus | None, every: EveryInvoice
) -> list[Invoice]:
    """Returns a customer's invoices by issue date; drafts are computed only where wanted."""
    if status is None or status is InvoiceStatus.DRAFT:
        try:
            return billing.listed(call, customer)
        except Retryable:
            raise
        except BackbeatError as error:
            every.failed.append((customer, str(error)))
    own = list(invoices.of_customer(call.store, call.tenant, customer.id))
    found = [*own, *consolidated_invoices.of_customer(call, customer, own)]
    return sorted(found, key=lambda invoice: (invoice.issued_at, invoice.id))
