"""Events about invoices.

Owns: what is told when one is finalized or refused. Does not own: when that is.
Times: milliseconds.
Invariants: an invoice is finalized once; a refusal is told of once for each time it was sent.
"""

from datetime import datetime

from backbeat.domain.notices.shapes import event, milliseconds
from backbeat.models.invoices import Invoice
from backbeat.models.notifications import Notification


def invoice_finalized(invoice: Invoice, *, at: datetime) -> Notification:
    """Tells that an invoice was finalized."""
    properties = {
        "invoice_id": invoice.id,
        "customer_id": invoice.customer_id,
        "invoice_finalized_date": milliseconds(at),
    }
    return event("invoice.finalized", properties, fact=invoice.id, at=at)


def billing_provider_failed(
    invoice: Invoice, *, provider: str, error: str, at: datetime
) -> Notification:
    """Tells that a billing provider would not take an invoice."""
    properties = {
        "invoice_id": invoice.id,
        "customer_id": invoice.customer_id,
        "billing_provider": provider.upper(),
        "billing_provider_error": error,
    }
    return event("invoice.billing_provider_error", properties, fact=invoice.id, at=at)
