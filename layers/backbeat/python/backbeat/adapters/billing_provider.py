"""Billing providers as a sandbox has them: they take every invoice and never charge anybody."""

from backbeat.models.external_invoices import ExternalStatus, ProviderInvoice
from backbeat.ports.billing_provider import Accepted, Addressee


class TakingProvider:
    """Implements `BillingProvider` without a provider: ids are those of the invoices."""

    def send(self, invoice_id: str, invoice: ProviderInvoice, to: Addressee) -> Accepted:
        """Takes an invoice. Left as a draft, it stays one; Stripe finalizes all others at once."""
        status = ExternalStatus.FINALIZED if to.provider == "stripe" else ExternalStatus.SENT
        if not invoice.auto_advance:
            status = ExternalStatus.DRAFT
        return Accepted(f"in_{invoice_id.replace('-', '')[:24]}", status)
