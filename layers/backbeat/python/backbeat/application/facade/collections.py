"""How the facade's invoices are paid: by the entity's account at Stripe."""

from backbeat.application.handlers import accounts
from backbeat.application.intake import collecting
from backbeat.application.services import Call
from backbeat.models.collections import Collection, CollectionState
from backbeat.models.errors import Conflict
from backbeat.models.inbound import ProviderName
from backbeat.models.invoices import Invoice
from backbeat.persistence import collections as stored


def of_invoice(call: Call, invoice_id: str) -> Collection | None:
    """Returns how an invoice is collected, or None while nobody began to."""
    found = stored.found(call.store, call.tenant, invoice_id)
    return None if found is None else found[1]


def pay(call: Call, invoice: Invoice) -> Collection:
    """Collects a final invoice from its customer's account, and returns how far that is.

    Paid before, nothing happens.

    Raises:
        Conflict: the customer has no account, or the invoice is not to be paid.
        ProviderError: a provider did not do it; it can be tried again.
    """
    account = accounts.of_customer(call, ProviderName.METRONOME, invoice.customer_id)
    if account is None:
        raise Conflict("The customer has nothing to pay with: onboard the entity first")
    begun = of_invoice(call, invoice.id) is not None
    collecting.collect_final(call, invoice.customer_id, invoice.id)
    collection = of_invoice(call, invoice.id)
    if collection is not None and begun and not collection.state.is_over:
        # A try of its own: what was declined then may be paid now.
        collecting.resume(call, account, invoice.id, again=True)
        collection = of_invoice(call, invoice.id)
    if collection is None or collection.state is CollectionState.LEFT:
        reason = "" if collection is None else f": {collection.error}"
        raise Conflict(f"The invoice is not to be paid{reason}", conflicting_id=invoice.id)
    return collection
