"""Customers and events of the simple facade as JSON."""

from typing import Final

from backbeat.api import json
from backbeat.api.views.times import timestamp
from backbeat.application.facade.contacts import Contact
from backbeat.models.customers import Customer
from backbeat.models.notifications import Notification


def customer_view(customer: Customer, contact: Contact | None) -> dict[str, object]:
    """Returns a customer. Others than the facade's have no e-mail address."""
    aliases = customer.ingest_aliases
    return {
        "id": customer.id,
        "entity_id": contact.entity_id if contact else (aliases[0] if aliases else None),
        "entity_type": None if contact is None else contact.entity_type,
        "email": None if contact is None else contact.email,
        "name": customer.name,
        "created_at": timestamp(customer.created_at),
        "updated_at": timestamp(customer.updated_at if contact is None else contact.updated_at),
        "metadata": {} if contact is None else contact.metadata,
    }


_LEGACY: Final = {
    "customer.created": "customer.created",
    "customer.updated": "customer.updated",
    "contract.create": "contract.created",
    "contract.edit": "contract.updated",
    "contract.end": "contract.cancelled",
    "invoice.finalized": "invoice.created",
    "billing.invoice_paid": "invoice.paid",
    "billing.invoice_failed": "invoice.failed",
    "credit.create": "credit.applied",
    "credit.segment.end": "credit.expired",
}
"""Names of events that older clients of this surface know, by those they are told under."""


def event_view(told: Notification) -> dict[str, object]:
    """Returns an event with what it says, and the name that older clients know it by, if any."""
    return {
        "id": told.id,
        "type": told.type,
        "legacy_type": _LEGACY.get(told.type),
        "data": json.loads(told.body),
        "created_at": timestamp(told.created_at),
    }
